import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { EventDraft } from '@shenlou/contract/event'
import type { RelayConfig } from '@shenlou/contract/sensor'
import { WebSocket } from 'ws'
import { createAuthority } from './authority.ts'
import { openBlobSpool } from './blobs.ts'
import { dial, secure } from './dial.ts'
import { openSensorDoor } from './door.ts'
import { DoorError, type DoorHandlers } from './door-types.ts'
import { encodeToken, enrol, exchange, renew } from './enrol.ts'
import { issueIdentity, openIdentity, saveIdentity } from './identity.ts'
import type { Authority, CertificateRole, SensorIdentity } from './identity-types.ts'
import { openJournal } from './journal.ts'
import { startUplink } from './uplink.ts'
import type { Journal, Uplink, UplinkOptions, UplinkState } from './uplink-types.ts'
import { uuidv7 } from './uuid.ts'

type Cleaner = { after(end: () => unknown): void }
/** What was opened last is closed first. */
function lastFirst(test: Cleaner): Cleaner {
  const ends: Array<() => unknown> = []
  test.after(async () => {
    for (const end of ends.reverse()) await end()
  })
  return { after: (end) => void ends.push(end) }
}
const until = async (what: string, done: () => boolean, ms = 10_000): Promise<void> => {
  for (const end = Date.now() + ms; !done(); await wait(5)) assert.ok(Date.now() < end, `${what} within ${ms} ms`)
}
const draft = (text: string): EventDraft => ({ id: uuidv7(), time: Date.now(), kind: 'sensor.stopped', body: { reason: text } })

/** A core in memory: what it commits, with everything that it was told. */
function fakeCore() {
  const committed = new Map<string, Map<number, { seq: number; body?: { reason?: string } }>>()
  const upTo = new Map<string, number>()
  const blobs = new Map<string, Buffer>()
  const core = {
    committed,
    blobs,
    batches: [] as number[],
    said: [] as string[],
    config: undefined as RelayConfig | undefined,
    failing: false,
    slowMs: 0,
    token: undefined as { id: string; secret: string; role: CertificateRole; sensor: string } | undefined,
    authority: undefined as Authority | undefined,
  }
  const handlers: DoorHandlers = {
    async enrol({ token, secret, csr, address }) {
      const expected = core.token
      core.said.push(`enrol from ${address}`)
      if (!expected || token !== expected.id || secret !== expected.secret) throw new DoorError(403, 'token-unknown', 'this token is not known')
      core.token = undefined
      const signed = await (core.authority as Authority).signCsr({ csr, sensor: expected.sensor, role: expected.role })
      return { sensor: expected.sensor, certificate: signed.certificate, ca: signed.ca, fingerprint: signed.fingerprint, confirmed: false }
    },
    async renew({ peer, csr }) {
      core.said.push('renew')
      return await (core.authority as Authority).signCsr({ csr, sensor: peer.sensor, role: peer.role })
    },
    async config(sensor) {
      return core.config ?? configOf(sensor, 1)
    },
    async blob({ sha256, from, total, bytes }) {
      const had = blobs.get(sha256) ?? Buffer.alloc(0)
      if (from !== had.length) return { received: had.length }
      blobs.set(sha256, Buffer.concat([had, bytes]))
      return { received: Math.min(total, had.length + bytes.length) }
    },
    blobOffered: async (_sensor, { sha256 }) => blobs.get(sha256)?.length ?? 0,
    async hello(_sensor, { epoch }) {
      return { confirmed: true, committed: upTo.get(epoch) ?? 0, configVersion: core.config?.version ?? 0 }
    },
    async batch({ epoch, first, last, events }) {
      if (core.slowMs > 0) await wait(core.slowMs)
      if (core.failing) throw new Error('the database is away')
      assert.ok(first <= (upTo.get(epoch) ?? 0) + 1, 'a hole')
      const rows = committed.get(epoch) ?? new Map()
      committed.set(epoch, rows)
      for (const event of events) rows.set(event.seq, event)
      core.batches.push(events.length)
      upTo.set(epoch, Math.max(upTo.get(epoch) ?? 0, last))
      return upTo.get(epoch) as number
    },
    health: (_sensor, health) => void core.said.push(`health ${health.queueEvents}`),
    gone: () => void core.said.push('gone'),
    cloned: (_sensor, { live, refused }) => void core.said.push(`cloned ${live} ${refused}`),
  }
  return { core, handlers }
}

async function scene(t: Cleaner) {
  const dir = await mkdtemp(join(tmpdir(), 'door-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const authority = await createAuthority(join(dir, 'ca'), randomBytes(32))
  const { core, handlers } = fakeCore()
  core.authority = authority
  const logs: string[] = []
  const open = (port = 0, revoked: string[] = []) => openSensorDoor({ authority, host: '127.0.0.1', port, handlers, revoked, log: (line) => logs.push(line) })
  const door = await open()
  t.after(() => door.close())
  const identity = async (name: string, role: 'relay' | 'decoys' = 'relay') => {
    const { sensor, key, certificate, ca } = await issueIdentity(authority, role)
    return saveIdentity(join(dir, name), { sensor, role, name, door: `127.0.0.1:${door.port}`, key, certificate, ca })
  }
  return { dir, authority, core, handlers, door, open, logs, identity }
}

async function uplink(
  t: Cleaner,
  identity: SensorIdentity,
  journal: Journal,
  more: Partial<UplinkOptions> = {},
): Promise<Uplink & { states: UplinkState[]; configs: number[]; revoked: string[] }> {
  const states: UplinkState[] = []
  const configs: number[] = []
  const revoked: string[] = []
  const link = startUplink({
    identity,
    journal,
    version: '0.1.0',
    onConfig: (config) => void configs.push(config.version),
    onRevoked: (serials) => void revoked.push(...serials),
    health: () => ({ sessions: 0, streams: 0, configVersion: 0, problems: [] }),
    onState: (state) => states.push(state),
    ...more,
  })
  t.after(() => link.close())
  return Object.assign(link, { states, configs, revoked })
}
const configOf = (sensor: string, version: number): RelayConfig => ({
  version,
  role: 'relay',
  sensor,
  name: 'here',
  scope: 'group',
  gates: [],
  placements: [],
  revoked: [],
})

test('a machine enrols with a token once, and keeps what the core signed', async (test) => {
  const t = lastFirst(test)
  const { core, door, authority, dir } = await scene(t)
  core.token = { id: randomUUID(), secret: randomBytes(32).toString('base64url'), role: 'relay', sensor: randomUUID() }
  const sensor = core.token.sensor
  const token = encodeToken({
    id: core.token.id,
    secret: core.token.secret,
    door: `127.0.0.1:${door.port}`,
    caKeyHash: authority.keyHash,
    role: 'relay',
    name: 'park-1',
    expires: Date.now() + 60_000,
  })
  const identity = await enrol({ token, dir: join(dir, 'sensor') })
  assert.equal(identity.sensor, sensor)
  assert.equal(identity.role, 'relay')
  assert.equal((await openIdentity(join(dir, 'sensor')))?.fingerprint, identity.fingerprint)
  assert.deepEqual(core.said, ['enrol from 127.0.0.1'])
  await assert.rejects(enrol({ token, dir: join(dir, 'second') }), /this token is not known/)
  assert.equal(await openIdentity(join(dir, 'second')), undefined)
})

test('a token is never said to a door of another authority, and an old or broken one not at all', async (test) => {
  const t = lastFirst(test)
  const { core, door, dir } = await scene(t)
  const good = {
    id: randomUUID(),
    secret: randomBytes(32).toString('base64url'),
    door: `127.0.0.1:${door.port}`,
    caKeyHash: 'a'.repeat(64),
    role: 'relay' as const,
    name: 'x',
    expires: Date.now() + 60_000,
  }
  await assert.rejects(enrol({ token: encodeToken(good), dir }), /is not the core that gave out this token/)
  await assert.rejects(enrol({ token: encodeToken({ ...good, expires: Date.now() - 1 }), dir }), /too old/)
  await assert.rejects(enrol({ token: 'nonsense', dir }), /not an enrolment token/)
  assert.deepEqual(core.said, [])
})

test('an expired certificate may renew and do nothing else; a foreign or expired foreign one nothing', async (test) => {
  const t = lastFirst(test)
  const { core, door, authority, dir } = await scene(t)
  const address = `127.0.0.1:${door.port}`
  const old = await issueIdentity(authority, 'relay', undefined, -1)
  const identity = await saveIdentity(join(dir, 'old'), {
    sensor: old.sensor,
    role: 'relay',
    name: 'x',
    door: address,
    key: old.key,
    certificate: old.certificate,
    ca: old.ca,
  })
  const ask = async (who: SensorIdentity, path: string) => {
    const socket = await secure({ address }, { key: who.key, cert: who.certificate, rejectUnauthorized: false })
    return exchange(socket, { method: path === '/renew' ? 'POST' : 'GET', path, ...(path === '/renew' && { json: { csr: 'x' } }) }).finally(() =>
      socket.destroy(),
    )
  }
  await assert.rejects(ask(identity, '/config'), /expired/)
  await renew(identity)
  assert.ok(identity.expires > Date.now())
  assert.deepEqual(core.said, ['renew'])
  core.config = configOf(identity.sensor, 1)
  assert.equal(((await ask(identity, '/config')) as RelayConfig).version, 1)
  const other = await createAuthority(join(dir, 'other'), randomBytes(32))
  for (const days of [90, -1]) {
    const foreign = await issueIdentity(other, 'relay', identity.sensor, days)
    for (const path of ['/config', '/renew']) await assert.rejects(ask(foreign, path), /not signed by our authority/)
  }
})

test('strangers get no word: no certificate, no path, oversized or malformed requests', async (test) => {
  const t = lastFirst(test)
  const { door, logs } = await scene(t)
  const ask = async (what: Parameters<typeof exchange>[1]) => {
    const socket = await secure({ address: `127.0.0.1:${door.port}` }, { rejectUnauthorized: false })
    const seen = JSON.stringify(socket.getPeerCertificate(true), (key, value) =>
      key === 'issuerCertificate' ? undefined : Buffer.isBuffer(value) ? value.toString('latin1') : value,
    )
    assert.doesNotMatch(seen, /shenlou|decoy|honey|sensor/i)
    return exchange(socket, what).then(
      () => 200,
      (error) => error.status ?? error.code ?? error.message,
    )
  }
  assert.equal(await ask({ method: 'GET', path: '/config' }), 401)
  assert.equal(await ask({ method: 'GET', path: '/' }), 404)
  assert.equal(await ask({ method: 'POST', path: '/enrol', json: {} }), 400)
  assert.equal(await ask({ method: 'POST', path: '/enrol', json: { x: 'y'.repeat(100_000) } }), 413)
  assert.equal(await ask({ method: 'PUT', path: `/blobs/${'a'.repeat(64)}`, body: Buffer.from('x') }), 401)
  assert.deepEqual(logs, [])
  const socket = await secure({ address: `127.0.0.1:${door.port}` }, { rejectUnauthorized: false })
  const ws = new WebSocket('wss://localhost/channel', { createConnection: () => socket })
  const [error] = await once(ws, 'error')
  assert.match(error.message, /403/)
})

test('events go up in order, several batches in flight, and are forgotten when committed', async (test) => {
  const t = lastFirst(test)
  const { core, identity, dir } = await scene(t)
  const journal = await openJournal(join(dir, 'journal'))
  t.after(() => journal.close())
  core.slowMs = 20
  await Promise.all(Array.from({ length: 10_000 }, (_, i) => journal.append(draft(`event ${i}`))))
  const link = await uplink(t, await identity('sensor'), journal)
  assert.equal(await link.drain(10_000), true)
  const rows = core.committed.get(journal.epoch) as Map<number, { seq: number; body: { reason: string } }>
  assert.equal(rows.size, 10_000)
  for (let seq = 1; seq <= 10_000; seq++) assert.equal(rows.get(seq)?.body.reason, `event ${seq - 1}`)
  assert.ok(
    core.batches.some((size) => size > 500),
    'what waited was joined',
  )
  assert.equal(journal.stats().queueEvents, 0)
  const seq = await journal.append(draft('one more'))
  await until('a single event goes up at once', () => rows.has(seq), 2_000)
  await until('health was said', () => core.said.includes('health 0'), 7_000)
})

test('nothing is lost or doubled while the core fails, goes away and comes back', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const journal = await openJournal(join(s.dir, 'journal'), { segmentBytes: 50_000 })
  t.after(() => journal.close())
  const link = await uplink(t, await s.identity('sensor'), journal)
  let sent = 0
  const writing = (async () => {
    for (; sent < 3000; sent++) {
      await journal.append(draft(`event ${sent}`))
      if (sent % 100 === 0) await wait(5)
    }
  })()
  await until('some went up', () => sent > 500)
  s.core.failing = true
  await until('the channel was closed', () => !link.state.connected)
  s.core.failing = false
  await until('it came back', () => link.state.connected)
  const { port } = s.door
  await s.door.close()
  await writing
  const again = await s.open(port)
  t.after(() => again.close())
  assert.equal(await link.drain(10_000), true)
  assert.equal(s.core.committed.get(journal.epoch)?.size, 3000)
})

test('desired state is pulled at start, when told, and kept for a start without the core', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const identity = await s.identity('sensor')
  const journal = await openJournal(join(s.dir, 'journal'))
  t.after(() => journal.close())
  s.core.config = configOf(identity.sensor, 1)
  const link = await uplink(t, identity, journal)
  await until('the first came', () => link.configs.includes(1))
  s.core.config = configOf(identity.sensor, 2)
  s.door.notifyConfig(identity.sensor, 2)
  await until('the second came', () => link.configs.includes(2))
  await link.close()
  await s.door.close()
  const kept: Array<[number, boolean]> = []
  await uplink(t, identity, journal, { onConfig: (config, old) => void kept.push([config.version, old]) })
  await until('the kept one came', () => kept.length > 0)
  assert.deepEqual(kept, [[2, true]])
})

test('a certificate past a third of its life is renewed while the channel is up', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const short = await issueIdentity(s.authority, 'relay', undefined, 0.005)
  const identity = await saveIdentity(join(s.dir, 'short'), {
    sensor: short.sensor,
    role: 'relay',
    name: 'x',
    door: `127.0.0.1:${s.door.port}`,
    key: short.key,
    certificate: short.certificate,
    ca: short.ca,
  })
  const journal = await openJournal(join(s.dir, 'journal'))
  t.after(() => journal.close())
  await uplink(t, identity, journal)
  await until('it was renewed', () => identity.serial !== short.serial)
  assert.ok(identity.expires > Date.now() + 80 * 86_400_000)
  assert.notEqual(identity.key, short.key)
  assert.equal((await openIdentity(identity.dir))?.serial, identity.serial)
})

test('a second live connection of one sensor is refused as cloned; one whose line died is replaced', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const identity = await s.identity('sensor')
  const journal = await openJournal(join(s.dir, 'journal'))
  const copyDir = join(s.dir, 'copy')
  // Between sensor and door: a wire that can be cut without a word.
  const wires: Socket[] = []
  const middle = createServer((near) => {
    const far = connectTcp(s.door.port, '127.0.0.1')
    for (const each of [near, far]) each.on('error', () => undefined)
    near.pipe(far).pipe(near)
    wires.push(near, far)
  }).listen(0, '127.0.0.1')
  await once(middle, 'listening')
  t.after(async () => {
    for (const wire of wires) wire.destroy()
    middle.close()
    await journal.close()
  })
  const link = await uplink(t, { ...identity, door: `127.0.0.1:${(middle.address() as AddressInfo).port}` }, journal)
  await until('the first is up', () => link.state.connected)
  await cp(join(identity.dir, 'identity.json'), join(copyDir, 'identity.json'), { recursive: true })
  const copyJournal = await openJournal(join(s.dir, 'journal-copy'))
  t.after(() => copyJournal.close())
  const copy = await uplink(t, (await openIdentity(copyDir)) as SensorIdentity, copyJournal)
  await until('the copy is refused', () => copy.state.reason === 'refused cloned')
  assert.ok(s.core.said.includes('cloned 127.0.0.1 127.0.0.1'))
  assert.ok(link.state.connected)
  for (const wire of wires) {
    wire.unpipe()
    wire.pause()
  }
  await until('the copy takes the place of the dead line', () => copy.state.connected, 15_000)
})

test('a revoked sensor is told and out within two seconds, stays out, and the others hear its serial', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const journals = await Promise.all([openJournal(join(s.dir, 'a')), openJournal(join(s.dir, 'b'))])
  t.after(() => Promise.all(journals.map((each) => each.close())))
  const [bad, good] = [await s.identity('bad'), await s.identity('good', 'decoys')]
  const out = await uplink(t, bad, journals[0] as Journal)
  const stays = await uplink(t, good, journals[1] as Journal)
  await until('both are up', () => out.state.connected && stays.state.connected)
  const began = performance.now()
  s.door.revoke([bad.serial])
  await until('it is out', () => out.state.reason === 'refused revoked', 2_000)
  await until('the other knows', () => stays.revoked.includes(bad.serial), 2_000)
  assert.ok(performance.now() - began < 2_000)
  assert.deepEqual(s.door.connected(), [good.sensor])
  await (journals[0] as Journal).append(draft('late'))
  await until('it tried again', () => out.states.filter((state) => state.reason === 'refused revoked').length > 0)
  await wait(500)
  assert.equal(s.core.committed.size, 0)
})

test('captured files go up in ranges by hash and are forgotten when the core has them', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const journal = await openJournal(join(s.dir, 'journal'))
  const spool = await openBlobSpool(join(s.dir, 'spool'))
  t.after(() => journal.close())
  const before = randomBytes(5_000_000)
  const half = before.subarray(0, 3_000_000)
  const ref = await spool.put(before)
  s.core.blobs.set(ref.sha256, Buffer.from(half))
  await uplink(t, await s.identity('sensor'), journal, { spool })
  await until('the first is there', () => s.core.blobs.get(ref.sha256)?.length === 5_000_000)
  const later = await spool.put([randomBytes(100_000)].values() as unknown as AsyncIterable<Uint8Array>)
  await until('both are forgotten here', () => spool.stats().files === 0)
  assert.equal(
    createHash('sha256')
      .update(s.core.blobs.get(ref.sha256) as Buffer)
      .digest('hex'),
    ref.sha256,
  )
  assert.equal(s.core.blobs.get(later.sha256)?.length, 100_000)
})

test('a channel that breaks the contract is closed and the door serves on', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const identity = await s.identity('enemy')
  const hello = { type: 'hello', contract: 1, epoch: randomUUID(), nextSeq: 1, version: 'x' }
  const batch = (first: number, last: number, events: unknown[]) => ({ type: 'batch', epoch: hello.epoch, first, last, events })
  const bad: unknown[][] = [
    ['not an object'],
    [batch(1, 1, [{ seq: 1 }])],
    [hello, hello],
    [hello, batch(1, 2, [{ seq: 2 }, { seq: 1 }])],
    [hello, batch(1, 1, [null])],
    [hello, batch(1, 1, [{ seq: 1.5 }])],
    [hello, batch(1, 1_000_000, [{ seq: 1 }])],
    [{ ...hello, contract: 40 }],
    [hello, { type: 'health', health: {} }],
    ['x'.repeat(9_000_000)],
  ]
  for (const messages of bad) {
    const { socket } = await dial({ address: `127.0.0.1:${s.door.port}`, identity, expect: { role: 'core' } })
    const ws = new WebSocket('wss://localhost/channel', { createConnection: () => socket })
    ws.on('error', () => undefined)
    await once(ws, 'open')
    for (const message of messages) {
      ws.send(JSON.stringify(message))
      if (message === hello && messages[1] !== hello) await once(ws, 'message')
    }
    await new Promise((resolve) => ws.once('close', resolve))
  }
  const journal = await openJournal(join(s.dir, 'journal'))
  t.after(() => journal.close())
  const link = await uplink(t, await s.identity('friend'), journal)
  await journal.append(draft('fine'))
  assert.equal(await link.drain(5_000), true)
})

test('a gate does not take a sensor for the core, and the door takes no core', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const identity = await s.identity('sensor')
  await assert.rejects(dial({ address: identity.door, identity, expect: { role: 'decoys' } }), /not that of a decoys/)
  const core = await issueIdentity(s.authority, 'core')
  const { socket } = await dial({ address: identity.door, identity: core, expect: { role: 'core' } })
  await assert.rejects(exchange(socket, { method: 'GET', path: '/config' }), /does not connect to its own door/)
})
