/** Proof touches end to end: a core with its database, real relays and a real decoy host on this machine. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import type { SensorSummary } from '@shenlou/contract/records'
import { runDecoys } from '@shenlou/decoys/main'
import { runRelay } from '@shenlou/relay/main'
import { systemActor } from '../actor.ts'
import { findings } from '../detect/findings.ts'
import { startDetection } from '../detect/main.ts'
import { notices } from '../notices.ts'
import { saveSiteSettings } from '../operate/settings.ts'
import { applyTemplate } from '../operate/templates.ts'
import { sessions } from '../sessions.ts'
import { startSessions } from '../sessions-projection.ts'
import { testCore } from '../store/test-core.ts'
import { openDoor } from './door.ts'
import type { ProofTimes } from './proofs.ts'
import { confirmSensor, issueEnrolment, revokeSensor, sensors } from './registry.ts'
import { configureSensor, saveSensorGroup } from './settings.ts'

const scope = 'group/park-1'
const times: ProofTimes = { deadline: 900, pause: 50, grace: 0, look: 100, first: 200, bind: 2000, interval: 1200 }
const core = await testCore()
const folder = await mkdtemp(path.join(tmpdir(), 'shenlou-proofs-'))
const stops = new Map<string, () => Promise<unknown>>()
/** An address of this machine that other machines could reach; relays prove each other there. */
const lan = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address

async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
async function until<T>(what: string, look: () => Promise<T> | T, ms = 20_000): Promise<NonNullable<T>> {
  for (const end = Date.now() + ms; ; ) {
    const found = await look()
    if (found) return found
    assert.ok(Date.now() < end, `${what}: not within ${ms} ms: ${JSON.stringify((await named('hall')).proofs)} ${core.lines.slice(-5).join(' | ')}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
const named = async (name: string): Promise<SensorSummary> => (await sensors(core, systemActor)).items.find((each) => each.name === name) as SensorSummary
const pathOf = async (address: string, name = 'hall') => (await named(name)).proofs.find((each) => each.path === address)
const keys = async (name = 'hall') => (await named(name)).problems.map(({ key }) => key)

async function enrolled(name: string, role: 'relay' | 'decoys'): Promise<void> {
  const { token } = await issueEnrolment(core, systemActor, { body: { role, name, scope, network: '127.0.0.0/8', minutes: 60 } })
  const stop = new AbortController()
  const ready = Promise.withResolvers<{ sensor: string; fingerprint: string }>()
  const settings = { dataDir: path.join(folder, name), enrolToken: token, signal: stop.signal, log: () => {}, ready: (said: never) => ready.resolve(said) }
  const running = role === 'relay' ? runRelay(settings as never) : runDecoys(settings as never)
  running.catch(ready.reject)
  const { sensor, fingerprint } = await ready.promise
  await confirmSensor(core, systemActor, { params: { id: sensor }, body: { fingerprint } })
  stops.set(name, async () => {
    stop.abort()
    await running
  })
}

let door: Awaited<ReturnType<typeof openDoor>>
let detection: Awaited<ReturnType<typeof startDetection>>
let folding: Awaited<ReturnType<typeof startSessions>>
let port = 0
let lanPort = 0
let gate = 0
const scenario = (): string => `kind: scenario
version: 1
name: trial
title: { zh: 试验, en: Trial }
scopes:
  - { path: group, name: { zh: 集团, en: Group } }
  - { path: ${scope}, name: { zh: 园区, en: Park } }
decoys:
  - id: jump
    persona: centos-7
    scope: ${scope}
    services: [{ service: ssh, port: 22 }]
placements:
  - { relay: hall, decoy: jump, address: 127.0.0.1, ports: { ssh: ${port} } }
${lan ? `  - { relay: hall, decoy: jump, address: ${lan}, ports: { ssh: ${lanPort} } }` : ''}
`
before(async () => {
  ;[port, gate, lanPort] = [await freePort(), await freePort(), lan ? await freePort(lan) : 0]
  await saveSiteSettings(core.sql, { tunnel: `127.0.0.1:${gate}` })
  folding = await startSessions(core)
  detection = await startDetection(core)
  door = await openDoor(core, { host: '127.0.0.1', port: 0, proofs: times })
  await core.sql`insert into scope (path, name) values ('group', '{}'), (${scope}, '{}') on conflict do nothing`
  await enrolled('hall', 'relay')
  await enrolled('decoys', 'decoys')
  await applyTemplate(core, systemActor, { body: { text: scenario() } })
})
after(async () => {
  for (const stop of stops.values()) await stop()
  await door.close()
  await folding()
  await detection.close()
  await core.close()
  await rm(folder, { recursive: true, force: true })
})

test('a relay is proved from inside where nobody else can, and no session or finding tells of it', async () => {
  const proof = await until('a proof', async () => ((await pathOf('127.0.0.1'))?.state === 'proved' ? pathOf('127.0.0.1') : undefined))
  assert.deepEqual([proof.by, proof.inside, proof.source, proof.target], ['hall', true, '127.0.0.1', `127.0.0.1:${port}`])
  const rows = await until('the session of it', async () => {
    await folding.reached()
    const { items } = await sessions(core, systemActor, { query: { limit: 50, proof: 'only' } })
    return items.length > 1 && items.every(({ endedAt }) => endedAt !== null) ? items : undefined
  })
  assert.ok(rows.every(({ bytesOut, requests, commands, loginAttempts, client }) => bytesOut + requests + commands + loginAttempts === 0 && client === null))
  assert.equal(new Set(rows.map(({ sourcePort }) => sourcePort)).size, rows.length)
  await detection.reached()
  assert.deepEqual((await sessions(core, systemActor, { query: { limit: 50 } })).items, [])
  assert.deepEqual((await findings(core, systemActor, { query: { limit: 50 } })).items, [])
  assert.equal((await named('hall')).touches?.count, 0)
})

test('an attacker beside proofs, from the same address, is seen each time', async () => {
  const before = (await core.sql`select from proof where seen_at is not null`).count
  let mine = 0
  for (const end = Date.now() + 15_000; (await core.sql`select from proof where seen_at is not null`).count < before + 4; ) {
    assert.ok(Date.now() < end)
    const socket = connect({ port, host: '127.0.0.1' })
    await new Promise((resolve) => socket.once('data', resolve))
    socket.destroy()
    mine++
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
  const counted = await until('every touch of the attacker', async () => {
    await detection.reached()
    const { touches } = await named('hall')
    return touches && touches.count >= mine ? touches.count : undefined
  })
  assert.equal(counted, mine)
})

test('another relay of the park proves what it can reach, and the console says so', {
  skip: !lan && 'this machine has no address besides loopback',
}, async () => {
  await enrolled('gatehouse', 'relay')
  const proof = await until('a proof from outside', async () => {
    const found = await pathOf(lan as string)
    return found?.state === 'proved' && found.by === 'gatehouse' ? found : undefined
  })
  assert.deepEqual([proof.inside, proof.target], [false, `${lan}:${lanPort}`])
  assert.equal((await pathOf('127.0.0.1'))?.inside, true)
  assert.deepEqual((await named('gatehouse')).proofs, [], 'it answers nowhere, so there is nothing to prove')
})

/** Drops what comes to a port of this machine until the answered function runs. */
function shut(at: number): () => void {
  const table = `sl${process.pid}`
  execFileSync('nft', ['-f', '-'], { input: `table inet ${table} {\nchain in {\ntype filter hook input priority 0\ntcp dport ${at} drop\n}\n}\n` })
  return () => void execFileSync('nft', ['delete', 'table', 'inet', table])
}
const mayFilter = process.getuid?.() === 0 && existsSync('/usr/sbin/nft')

test('a relay whose port is shut is blind though its heartbeat is well, and recovers by itself', {
  skip: !mayFilter && 'this user may not filter packets',
}, async () => {
  await until('sight', async () => (await pathOf('127.0.0.1'))?.state === 'proved')
  const open = shut(port)
  try {
    const began = Date.now()
    await until('blindness', async () => (await pathOf('127.0.0.1'))?.state === 'blind')
    assert.ok(Date.now() - began < (times.interval ?? 0) + 2 * times.deadline + times.pause + 3000)
    const hall = await named('hall')
    assert.equal(hall.problems[0]?.key, 'blind')
    assert.match(hall.problems[0]?.detail ?? '', new RegExp(`^127.0.0.1 (timeout|unseen) 127.0.0.1:${port}$`))
    assert.ok(hall.connected && hall.lastSeenAt !== null && Date.now() - hall.lastSeenAt < 10_000, 'its heartbeat is well')
    const finding = await until('a finding', async () => {
      await detection.reached()
      return (await findings(core, systemActor, { query: { limit: 50 } })).items.find(({ rule, sensor }) => rule === 'sensor.blind' && sensor === hall.id)
    })
    assert.equal(finding.severity, 'medium')
    assert.ok((await notices(core, systemActor, { query: { limit: 50 } })).items.some(({ title }) => title.en.includes('blind: hall')))
  } finally {
    open()
  }
  await until('sight again', async () => (await pathOf('127.0.0.1'))?.state === 'proved')
  assert.ok(!(await keys()).includes('blind'))
})

test('settings of a group and of one relay are applied while a connection is held', async () => {
  const { id } = await named('hall')
  const socket = connect({ port, host: '127.0.0.1' })
  await new Promise((resolve) => socket.once('data', resolve))
  let ended = false
  socket.once('close', () => (ended = true))
  await saveSensorGroup(core, systemActor, { params: { name: 'halls' }, body: { scope, settings: { heartbeatS: 2, journalMiB: 64 } } })
  const said = await configureSensor(core, systemActor, { params: { id }, body: { group: 'halls', settings: { heartbeatS: 1 } } })
  assert.deepEqual(
    said.settings.filter(({ from }) => from !== 'default').map(({ key, value, from }) => `${key} ${value} ${from}`),
    ['heartbeatS 1 sensor', 'journalMiB 64 group'],
  )
  const beats: number[] = []
  const off = core.bus.on('sensor', ({ record }) => record.id === id && record.lastSeenAt !== beats.at(-1) && beats.push(record.lastSeenAt ?? 0))
  await until('a beat each second', () => beats.length > 4 && (beats.at(-1) as number) - (beats.at(-4) as number) < 4500)
  off()
  assert.equal(ended, false)
  socket.destroy()
  await assert.rejects(
    configureSensor(core, systemActor, { params: { id }, body: { group: null, settings: { streams: 100 } } }),
    /hall is a relay, which has no streams/,
  )
  await assert.rejects(configureSensor(core, systemActor, { params: { id }, body: { group: 'nobody', settings: {} } }), /there is no group nobody/)
  await assert.rejects(saveSensorGroup(core, systemActor, { params: { name: 'halls' }, body: { scope: 'group/other', settings: {} } }))
})

test('a revoked relay closes its tunnel within two seconds, proves nothing any more and is not proved', async () => {
  const { id } = await named('hall')
  const socket = connect({ port, host: '127.0.0.1' })
  await new Promise((resolve) => socket.once('data', resolve))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  const began = Date.now()
  await revokeSensor(core, systemActor, { params: { id }, body: { reason: 'stolen' } })
  await closed
  assert.ok(Date.now() - began < 2000, `${Date.now() - began} ms`)
  await assert.rejects(
    new Promise((resolve, reject) =>
      connect({ port, host: '127.0.0.1' })
        .once('data', resolve)
        .once('error', reject)
        .once('close', () => reject(new Error('closed'))),
    ),
  )
  const last = (await core.sql<{ at: Date }[]>`select max(announced_at) as at from proof`)[0]?.at
  await new Promise((resolve) => setTimeout(resolve, times.interval))
  await core.sql`select 1`
  assert.deepEqual((await core.sql<{ at: Date }[]>`select max(announced_at) as at from proof`)[0]?.at, last)
  assert.deepEqual([await keys(), (await named('hall')).proofs], [['revoked'], []])
})
