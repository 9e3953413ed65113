import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import type { SensorSummary } from '@shenlou/contract/records'
import { decodeToken, enrol, encodeToken } from '@shenlou/link/enrol'
import { openBlobSpool } from '@shenlou/link/blobs'
import type { DoorError } from '@shenlou/link/door-types'
import type { Authority } from '@shenlou/link/identity-types'
import { openJournal } from '@shenlou/link/journal'
import { startUplink } from '@shenlou/link/uplink'
import { uuidv7 } from '@shenlou/link/uuid'
import { type Actor, systemActor } from '../actor.ts'
import { ApiError } from '../api-error.ts'
import { blob } from '../blobs.ts'
import { rejectedEvents } from '../events.ts'
import { changePerson, createPerson } from '../people.ts'
import { startSessions } from '../sessions-projection.ts'
import { testCore } from '../store/test-core.ts'
import { openDoor } from './door.ts'
import { createHandlers } from './handlers.ts'
import { enrolmentsPerMinute } from './limits.ts'
import { confirmSensor, issueEnrolment, revokeSensor, sensors } from './registry.ts'

let now = Date.now
const core = await testCore(() => now())
const folder = await mkdtemp(path.join(tmpdir(), 'shenlou-sensors-'))
const closing: (() => Promise<unknown>)[] = []
let door: Awaited<ReturnType<typeof openDoor>>
before(async () => {
  door = await openDoor(core, { host: '127.0.0.1', port: 0 })
})
after(async () => {
  for (const close of closing.reverse()) await close()
  await door?.close()
  await core.close()
  await rm(folder, { recursive: true })
})

const scope = 'group/machinery/park-1'
const issue = (name: string, network = '127.0.0.0/8', role: 'relay' | 'decoys' = 'decoys') =>
  issueEnrolment(core, systemActor, { body: { role, name, scope, network, minutes: 60 } })
const named = async (name: string): Promise<SensorSummary> => {
  const found = (await sensors(core, systemActor)).items.find((each) => each.name === name)
  assert.ok(found)
  return found
}
async function until<T>(look: () => Promise<T> | T): Promise<NonNullable<T>> {
  for (const end = Date.now() + 10_000; ; ) {
    const found = await look()
    if (found) return found
    assert.ok(Date.now() < end, `waited too long for ${look}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
const keys = (sensor: SensorSummary) => sensor.problems.map(({ key }) => key)

async function start(name: string, confirmed = true) {
  const identity = await enrol({ token: (await issue(name)).token, dir: path.join(folder, name) })
  if (confirmed) await confirmSensor(core, systemActor, { params: { id: identity.sensor }, body: { fingerprint: identity.fingerprint } })
  const journal = await openJournal(path.join(folder, name, 'journal'))
  const spool = await openBlobSpool(path.join(folder, name, 'blobs'))
  const configs: number[] = []
  const revoked: string[] = []
  const problems: string[] = []
  const uplink = startUplink({
    identity,
    journal,
    spool,
    version: '0.1.0',
    onConfig: (config) => void configs.push(config.version),
    onRevoked: (serials) => void revoked.push(...serials),
    health: () => ({ sessions: 0, streams: 3, contained: false, configVersion: configs.at(-1) ?? 0, problems }),
  })
  closing.push(async () => {
    await uplink.close()
    await spool.close()
    await journal.close()
  })
  return { identity, journal, spool, uplink, configs, revoked, problems }
}
const command = (session: string) => ({
  id: uuidv7(),
  time: Date.now(),
  session,
  kind: 'command.executed' as const,
  body: { mode: 'shell' as const, input: 'id', user: 'root', directory: '/' },
})

test('a token names an address of the door, lives for an hour at most and is kept as a hash', async () => {
  const { token, expires } = await issue('first')
  const said = decodeToken(token)
  assert.equal(said.door, `127.0.0.1:${door.port}`)
  assert.ok(expires - Date.now() <= 3_600_000)
  const [row] = await core.sql`select row_to_json(enrolment_token)::text as text from enrolment_token where id = ${said.id}`
  assert.ok(!row?.text.includes(said.secret))
  await assert.rejects(issue('bad', 'park 3'), ApiError)
  const other: Actor = { ...systemActor, kind: 'person', scopes: ['group/energy'] }
  await assert.rejects(
    issueEnrolment(core, other, { body: { role: 'relay', name: 'x', scope, network: '10.0.0.0/8', minutes: 5 } }),
    (error: ApiError) => error.status === 403,
  )
})

test('a token serves once; its second use is refused and shown with the sensor', async () => {
  const { token } = await issue('twice')
  await enrol({ token, dir: path.join(folder, 'twice-a') })
  await assert.rejects(enrol({ token, dir: path.join(folder, 'twice-b') }), /has been used/)
  const sensor = await until(async () => ((await named('twice')).problems.some(({ key }) => key === 'cloned') ? named('twice') : undefined))
  assert.match(sensor.problems.find(({ key }) => key === 'cloned')?.detail ?? '', /second time, from 127\.0\.0\.1/)
  const [audited] = await core.sql`select from audit_entry where action = 'sensor.token-reused'`
  assert.ok(audited)
  await assert.rejects(issue('twice'), (error: ApiError) => error.code === 'name-taken')
})

test('a token is refused from another network, after its time, and with another secret', async () => {
  await assert.rejects(
    enrol({ token: (await issue('elsewhere', '10.0.0.0/8')).token, dir: path.join(folder, 'elsewhere') }),
    /not for a sensor at 127\.0\.0\.1/,
  )
  const { token } = await issue('late')
  await core.sql`update enrolment_token set expires = now() where name = 'late'`
  await assert.rejects(enrol({ token, dir: path.join(folder, 'late') }), /run out/)
  const said = decodeToken((await issue('guess')).token)
  await assert.rejects(enrol({ token: encodeToken({ ...said, secret: 'x'.repeat(43) }), dir: path.join(folder, 'guess') }), /not one of ours/)
  assert.equal((await sensors(core, systemActor)).items.filter(({ name }) => ['elsewhere', 'late', 'guess'].includes(name)).length, 0)
})

test('an unconfirmed sensor may only speak of itself; a wrong fingerprint confirms nothing', async () => {
  const { identity, journal, uplink } = await start('new', false)
  await journal.append({ id: uuidv7(), time: Date.now(), kind: 'sensor.started', body: { version: '1', node: 'v24', host: 'h' } })
  await journal.append(command(uuidv7()))
  assert.ok(await uplink.drain(5000))
  const kinds = (await core.sql<{ kind: string }[]>`select kind from event where sensor = ${identity.sensor}`).map(({ kind }) => kind)
  assert.deepEqual(kinds, ['sensor.started'])
  const { items } = await rejectedEvents(core, systemActor, { query: { limit: 10 } })
  assert.match(items[0]?.reason ?? '', /not confirmed/)
  assert.deepEqual(
    keys(await named('new')).filter((key) => key === 'unconfirmed' || key === 'rejected'),
    ['rejected', 'unconfirmed'],
  )
  await assert.rejects(
    confirmSensor(core, systemActor, { params: { id: identity.sensor }, body: { fingerprint: 'a'.repeat(64) } }),
    (error: ApiError) => error.code === 'fingerprint',
  )
  assert.equal((await named('new')).status, 'pending')
})

test('a confirmed sensor commits its journal, shows its health, is told of new configuration, and sends its files', async () => {
  const projection = await startSessions(core)
  closing.push(projection)
  const { identity, journal, spool, uplink, configs, problems } = await start('host')
  const session = uuidv7()
  const bytes = Buffer.from('#!/bin/sh\nrm -rf /\n'.repeat(200_000))
  const file = await spool.put(bytes)
  for (let index = 0; index < 50; index++) await journal.append(command(session))
  await journal.append({ ...command(session), kind: 'file.uploaded', body: { path: '/tmp/x', method: 'sftp', file } })
  problems.push('listen-failed 127.0.0.1:22 EADDRINUSE', 'odd \u001b[31m thing')
  assert.ok(await uplink.drain(5000))
  await core.sql`select nextval('config_version')`
  core.bus.emit('config', { sensor: identity.sensor })
  await until(() => (configs.at(-1) ?? 0) > (configs[0] ?? 0))
  const shown = await until(async () => {
    const sensor = await named('host')
    return sensor.streams === 3 && sensor.lastEventAt !== null && sensor.problems.length === 3 ? sensor : undefined
  })
  assert.deepEqual([shown.connected, shown.status, shown.version, shown.contained, shown.gaps, shown.missingEvents], [true, 'confirmed', '0.1.0', false, 0, 0])
  assert.ok(Math.abs(shown.clockOffsetMs ?? 99_999) < 2000)
  assert.deepEqual(keys(shown), ['not-contained', 'listen-failed', 'other'])
  assert.ok(shown.problems.every(({ detail }) => !detail.includes('\u001b')))
  await projection.reached()
  const zip = await until(async () =>
    blob(core, systemActor, { params: { sha256: file.sha256 } }).catch((error: ApiError) => assert.equal(error.code, 'not-yet-here')),
  )
  assert.ok(zip && zip.length > 100)
  await until(() => spool.waiting().length === 0)
})

test('a revoked sensor loses its channel within two seconds, stays out, and the others hear of it', async () => {
  const other = await start('other')
  const gone = await start('gone')
  await until(() => other.uplink.state.connected && gone.uplink.state.connected)
  const began = performance.now()
  await revokeSensor(core, systemActor, { params: { id: gone.identity.sensor }, body: { reason: 'stolen' } })
  await until(() => !gone.uplink.state.connected && other.revoked.includes(gone.identity.serial))
  assert.ok(performance.now() - began < 2000)
  await until(() => /revoked/.test(gone.uplink.state.reason ?? ''))
  assert.deepEqual(keys(await named('gone'))[0], 'revoked')
  await assert.rejects(confirmSensor(core, systemActor, { params: { id: gone.identity.sensor }, body: { fingerprint: gone.identity.fingerprint } }), ApiError)
})

test('a second machine with the same identity is refused and shown', async () => {
  const { identity, journal, uplink } = await start('original')
  await until(() => uplink.state.connected)
  const copy = startUplink({
    identity,
    journal,
    version: '0.1.0',
    onConfig() {},
    onRevoked() {},
    health: () => ({ sessions: 0, streams: 0, configVersion: 0, problems: [] }),
  })
  await until(async () => keys(await named('original')).includes('cloned'))
  await copy.close()
  assert.ok(uplink.state.connected)
})

test('a sensor whose journal went back is refused: its new events would be taken for old ones', async () => {
  const { identity, journal, uplink } = await start('restored')
  for (let index = 0; index < 20; index++) await journal.append(command(uuidv7()))
  assert.ok(await uplink.drain(5000))
  await uplink.close()
  const back = startUplink({
    identity,
    journal: { ...journal, epoch: journal.epoch, nextSeq: 5, acked: 0, read: async () => undefined },
    version: '0.1.0',
    onConfig() {},
    onRevoked() {},
    health: () => ({ sessions: 0, streams: 0, configVersion: 0, problems: [] }),
  })
  const sensor = await until(async () => ((await named('restored')).problems.find(({ key }) => key === 'cloned') ? named('restored') : undefined))
  await back.close()
  assert.match(sensor.problems[0]?.detail ?? '', /went back from 20 to 4/)
})

test('a missing stretch of the sequence and a silent sensor are shown', async () => {
  const { identity, uplink } = await start('holes')
  await until(() => uplink.state.connected)
  await core.sql`insert into sensor_range (sensor, epoch, first_seq, last_seq, committed_at) values (${identity.sensor}, ${uuidv7()}, 11, 20, now() - interval '2 minutes')`
  const holed = await named('holes')
  assert.deepEqual([holed.gaps, holed.missingEvents], [1, 10])
  assert.ok(keys(holed).includes('gap'))
  now = () => Date.now() + 120_000
  const silent = await named('holes')
  now = Date.now
  assert.ok(keys(silent).includes('silent'))
})

test('renewal keeps the sensor and its confirmation', async () => {
  const { identity } = await start('renewed')
  const before = identity.serial
  const { renew } = await import('@shenlou/link/enrol')
  await renew(identity)
  assert.notEqual(identity.serial, before)
  const sensor = await named('renewed')
  assert.deepEqual([sensor.status, sensor.fingerprint], ['confirmed', identity.fingerprint])
})

test('no file is taken of a sensor that nobody confirmed; its unused tokens end with it and with who issued them', async () => {
  const { identity, spool, uplink } = await start('unseen', false)
  const { sha256 } = await spool.put(Buffer.from('payload of a stranger'))
  await until(() => core.lines.some((line) => line.includes('nobody has confirmed this sensor')))
  assert.deepEqual([...(await core.sql`select from blob where sha256 = ${sha256}`)], [])
  await uplink.close()
  const spare = decodeToken((await issue('spare')).token)
  await core.sql`update enrolment_token set name = 'unseen' where id = ${spare.id}`
  await revokeSensor(core, systemActor, { params: { id: identity.sensor }, body: { reason: 'test' } })
  await assert.rejects(enrol({ token: encodeToken(spare), dir: path.join(folder, 'spare') }), /run out/)
  const { person } = await createPerson(core, systemActor, { body: { username: 'issuer', name: 'I', role: 'analyst', scopes: ['group'] }, address: null })
  const issuer: Actor = { ...systemActor, kind: 'person', id: person.id, name: 'issuer', scopes: ['group'] }
  const { token } = await issueEnrolment(core, issuer, { body: { role: 'decoys', name: 'theirs', scope, network: '127.0.0.0/8', minutes: 60 } })
  await changePerson(core, systemActor, { params: { id: person.id }, body: { disabled: true }, address: '127.0.0.1' })
  await assert.rejects(enrol({ token, dir: path.join(folder, 'theirs') }), /run out/)
})

test('one address may try only so many enrolments a minute', async () => {
  const handlers = createHandlers(core, {} as Authority)
  const tried = (address: string) =>
    handlers.enrol({ token: uuidv7(), secret: 'x'.repeat(43), csr: '', address }).then(String, (error: DoorError) => error.code)
  const codes = await Promise.all(Array.from({ length: enrolmentsPerMinute + 5 }, (_, at) => tried(`2001:db8::${at}`)))
  assert.deepEqual(
    [codes.filter((code) => code === 'token-unknown').length, codes.filter((code) => code === 'too-many-requests').length],
    [enrolmentsPerMinute, 5],
  )
  assert.equal(await tried('192.0.2.8'), 'token-unknown')
  await handlers.close()
})
