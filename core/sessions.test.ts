import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { SensorEvent } from '@shenlou/contract/event'
import { plantPicture, recording as recordingSchema, sessionSummary } from '@shenlou/contract/records'
import { uuidv7 } from '@shenlou/link/uuid'
import { type Actor, systemActor } from './actor.ts'
import { ApiError } from './api-error.ts'
import { ingestBatch } from './ingest/ingest.ts'
import { session, sessionEvents, sessions } from './sessions.ts'
import { sessionPlant } from './sessions-plant.ts'
import { cutEscaped } from './sessions-fold.ts'
import { startSessions } from './sessions-projection.ts'
import { recording, recordingCast } from './sessions-recording.ts'
import { testCore } from './store/test-core.ts'

const core = await testCore()
let projection: Awaited<ReturnType<typeof startSessions>>
before(async () => {
  projection = await startSessions(core)
})
after(async () => {
  await projection()
  await core.close()
})

const sensor = { id: uuidv7(), scope: 'group/machinery/park-1' }
const epoch = randomUUID()
const began = Date.now() - 60_000
let seq = 0

type Said = [kind: string, body: Record<string, unknown>, more?: Partial<SensorEvent>]
/** Commits what a decoy said in one session, a second apart. */
async function say(id: string, said: Said[], from = { ...sensor, epoch }): Promise<SensorEvent[]> {
  const events = said.map(([kind, body, more], index) => ({
    id: uuidv7(),
    time: began + index * 1000,
    seq: ++seq,
    session: id,
    connection: id,
    decoy: 'erp-1',
    service: 'ssh',
    source: { ip: '203.0.113.7', port: 40_000 },
    destination: { ip: '10.1.2.3', port: 22 },
    kind,
    body,
    ...more,
  }))
  await ingestBatch(core, { sensor: from, epoch: from.epoch, events })
  await projection.reached()
  return events
}
const ask = { cursor: undefined, limit: 100 }
const of = (scope: string): Actor => ({ kind: 'person', id: 'a', name: 'a', permissions: new Set(), scopes: [scope] })
const base64 = (text: string) => Buffer.from(text).toString('base64')

test("what the relay's interface saw of a connection is a fact of its session, and nobody else's word for it", async () => {
  const id = uuidv7()
  const via = { relay: sensor.id, address: '10.1.2.3', port: 22 }
  const observed = { ttl: 63, hops: 1, ja4t: '64240_2-4-8-1-3_1460_7', handshakeMs: 0.8, mac: '00:1b:1b:00:00:01' }
  const forged = { ...observed, ja4t: '1024_00_00_00' }
  await say(id, [['connection.opened', { transport: 'tcp', observed: forged }, { session: undefined, via } as never]], {
    id: uuidv7(),
    scope: sensor.scope,
    epoch: randomUUID(),
  })
  await say(id, [
    ['connection.opened', { transport: 'tcp', observed }, { session: undefined, via } as never],
    ['session.opened', { adversary: 'ip 203.0.113.7' }, { via }],
  ])
  assert.deepEqual(sessionSummary.parse(await session(core, systemActor, { params: { id } })).observed, observed)
})

test('a session is counted from its events', async () => {
  const id = uuidv7()
  const frames: string[] = []
  const off = core.bus.on('session', ({ record }) => frames.push(record.id))
  await say(id, [
    ['session.opened', { adversary: 'ip 203.0.113.7' }],
    ['ssh.negotiated', { clientVersion: 'SSH-2.0-OpenSSH_9.2p1', hassh: 'a'.repeat(32), kex: [], hostKey: [], cipher: [], mac: [], compression: [] }],
    ['login.attempted', { method: 'none', user: 'root', outcome: 'refused' }],
    ['login.attempted', { method: 'password', user: 'root', password: '123456', outcome: 'refused' }],
    ['login.attempted', { method: 'password', user: 'admin', password: 'P@ss', outcome: 'accepted', by: 'given' }],
    ['terminal.data', { stream: 'output', data: base64('hello') }],
    ['command.executed', { mode: 'shell', input: 'cat /etc/passwd\\x0a', user: 'admin', directory: '/' }],
  ])
  const found = sessionSummary.parse(await session(core, systemActor, { params: { id } }))
  assert.equal(found.live, true)
  assert.equal(found.loginAttempts, 2)
  assert.equal(found.loggedIn, true)
  assert.equal(found.user, 'admin')
  assert.equal(found.client, 'SSH-2.0-OpenSSH_9.2p1')
  assert.equal(found.bytesOut, 5)
  assert.equal(found.events, 7)
  assert.equal(found.lastAction, 'cat /etc/passwd\\x0a')
  assert.equal(found.startedAt, began)
  await say(id, [['session.closed', { reason: 'client', durationMs: 9000 }, { time: began + 9000 }]])
  const ended = await session(core, systemActor, { params: { id } })
  assert.equal(ended.live, false)
  assert.equal(ended.endedAt, began + 9000)
  while (frames.length === 0) await new Promise(setImmediate)
  off()
  assert.ok(frames.includes(id))
})

test('web requests count, and name the client by its agent', async () => {
  const id = uuidv7()
  const exchange = {
    secure: true,
    method: 'GET',
    target: '/news',
    version: 'HTTP/1.1',
    headers: [['User-Agent', 'curl/8']],
    body: '',
    bodySize: 0,
    status: 200,
    responseHeaders: [],
    responseSize: 512,
    durationMs: 3,
  }
  await say(id, [
    ['session.opened', { adversary: 'x' }, { service: 'portal' }],
    ['http.exchanged', exchange, { service: 'portal' }],
    ['http.exchanged', { ...exchange, target: '/admin', status: 401 }, { service: 'portal' }],
  ])
  const found = await session(core, systemActor, { params: { id } })
  assert.deepEqual([found.requests, found.client, found.bytesOut, found.lastAction, found.service], [2, 'curl/8', 1024, 'GET /admin 401', 'portal'])
})

test('a person sees the sessions of their own scope and none beside it', async () => {
  const id = uuidv7()
  await say(id, [['session.opened', { adversary: 'x' }]], { id: uuidv7(), scope: 'group/energy', epoch: randomUUID() })
  const ids = async (actor: Actor) => (await sessions(core, actor, { query: ask })).items.map((each) => each.id)
  assert.deepEqual(await ids(of('group/energy')), [id])
  assert.ok(!(await ids(of('group/machinery'))).includes(id))
  assert.ok((await ids(of('group'))).includes(id))
  assert.deepEqual(await ids(of('group/ener')), [])
  await assert.rejects(session(core, of('group/machinery'), { params: { id } }), (error: ApiError) => error.status === 404)
  await assert.rejects(sessionEvents(core, of('group/machinery'), { params: { id }, query: { after: 0, limit: 10, terminal: 'false' } }), ApiError)
  await assert.rejects(recordingCast(core, of('group/machinery'), { params: { id } }), ApiError)
})

test('a list goes on from its cursor without repeating or leaving out a session', async () => {
  const wanted = (await sessions(core, systemActor, { query: ask })).items.map(({ id }) => id)
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await sessions(core, systemActor, { query: { cursor, limit: 1 } })
    seen.push(...page.items.map(({ id }) => id))
    assert.equal(page.total, wanted.length)
    cursor = page.next ?? undefined
  } while (cursor)
  assert.deepEqual(seen, wanted)
  await assert.rejects(sessions(core, systemActor, { query: { cursor: "1'; drop table session", limit: 1 } }), ApiError)
})

test('filters take networks, lists and their opposite', async () => {
  const id = uuidv7()
  await say(id, [['session.opened', { adversary: 'x' }, { source: { ip: '198.51.100.9', port: 1 }, service: 'ftp' }]])
  const ids = async (query: object) => (await sessions(core, systemActor, { query: { ...ask, ...query } })).items.map((each) => each.id)
  assert.deepEqual(await ids({ source: '198.51.100.0/24' }), [id])
  assert.ok(!(await ids({ source: '!198.51.100.9' })).includes(id))
  assert.deepEqual(await ids({ service: 'ftp,telnet' }), [id])
  assert.ok(!(await ids({ service: '!ftp' })).includes(id))
  assert.deepEqual(await ids({ service: 'ftp', live: 'false' }), [])
  await assert.rejects(ids({ source: 'everywhere' }), /not an address/)
})

test('events of a session come in order, with terminal data only when asked', async () => {
  const id = uuidv7()
  const said = await say(id, [
    ['session.opened', { adversary: 'x' }],
    ['terminal.opened', { term: 'xterm', columns: 100, rows: 30 }],
    ['terminal.data', { stream: 'output', data: base64('$ ') }],
    ['command.executed', { mode: 'shell', input: 'id', user: 'root', directory: '/' }],
  ])
  const read = (after: number, limit: number, terminal: 'true' | 'false') =>
    sessionEvents(core, systemActor, { params: { id }, query: { after, limit, terminal } })
  const all = await read(0, 10, 'true')
  assert.deepEqual(
    all.events.map((event) => event.id),
    said.map((event) => event.id),
  )
  assert.equal((await read(0, 10, 'false')).events.length, 3)
  const first = await read(0, 3, 'true')
  assert.equal(first.more, true)
  assert.deepEqual((await read(first.events.at(-1)?.position ?? 0, 3, 'true')).events, all.events.slice(3))
})

test('a recording is byte for byte what passed, in the order it was said though committed in another', async () => {
  const id = uuidv7()
  const own = { id: uuidv7(), scope: sensor.scope, epoch: randomUUID() }
  const bytes = Buffer.from('\u4f60\u597d \x1b[31mred\x1b[0m\r\n')
  const event = (number: number, kind: string, body: object) => ({
    id: uuidv7(),
    time: began + number * 100,
    seq: number,
    session: id,
    decoy: 'erp-1',
    service: 'ssh',
    kind,
    body,
  })
  const all = [
    event(1, 'session.opened', { adversary: 'x' }),
    event(2, 'terminal.opened', { term: 'xterm', columns: 100, rows: 30 }),
    event(3, 'terminal.data', { stream: 'output', data: bytes.subarray(0, 2).toString('base64') }),
    event(4, 'terminal.resized', { columns: 120, rows: 40 }),
    event(5, 'terminal.data', { stream: 'output', data: bytes.subarray(2).toString('base64') }),
    event(6, 'terminal.data', { stream: 'input', data: base64('q') }),
    event(7, 'recording.cut', { bytes: 33_554_432 }),
  ]
  await ingestBatch(core, { sensor: own, epoch: own.epoch, events: all.slice(4) })
  await ingestBatch(core, { sensor: own, epoch: own.epoch, events: all.slice(0, 4) })
  await projection.reached()
  const made = recordingSchema.parse(await recording(core, systemActor, { params: { id } }))
  assert.deepEqual([made.columns, made.rows, made.cut, made.bytes, made.durationMs], [100, 30, true, bytes.length + 1, 600])
  assert.deepEqual(
    made.frames.map(([at, stream]) => [at, stream]),
    [
      [200, 'o'],
      [300, 'r'],
      [400, 'o'],
      [500, 'i'],
    ],
  )
  const output = made.frames.filter(([, stream]) => stream === 'o').map(([, , data]) => Buffer.from(data, 'base64'))
  assert.deepEqual(Buffer.concat(output), bytes)
  const [header, ...lines] = Buffer.from(await recordingCast(core, systemActor, { params: { id } }))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual([header.version, header.width, header.height], [2, 100, 30])
  assert.equal(
    lines
      .filter(([, code]) => code === 'o')
      .map(([, , text]) => text)
      .join(''),
    bytes.toString(),
  )
  assert.deepEqual(lines[1], [0.3, 'r', '120x40'])
})

test('techniques, severity, incident and marks of a session come from its findings', async () => {
  const id = uuidv7()
  const [, command] = await say(id, [
    ['session.opened', { adversary: 'x' }],
    ['command.executed', { mode: 'shell', input: 'uname -a', user: 'root', directory: '/' }],
  ])
  const [finding, incident] = [uuidv7(), uuidv7()]
  const { sql } = core
  await sql`insert into finding (id, key, key_fields, rule, rule_version, title, reason, severity, confidence, techniques, scope, origin, first_at, last_at, count)
    values (${finding}, 'k', '{}', 'discovery', 1, '{}', '{}', 'high', 'high', ${['T1082']}, ${sensor.scope}, 'decoy', now(), now(), 1)`
  await sql`insert into finding_evidence (finding, number, event, session, time, field, value, why)
    values (${finding}, 1, ${command?.id as string}, ${id}, to_timestamp(${(began + 1000) / 1000}::float8), 'input', 'uname -a', 'w')`
  await sql`insert into finding_session (finding, session) values (${finding}, ${id})`
  await sql`insert into incident (id, scope, severity, title, first_at, last_at, created_at) values (${incident}, ${sensor.scope}, 'high', '{}', now(), now(), now())`
  await sql`insert into incident_link (id, incident, finding, by, why, at) values (${uuidv7()}, ${incident}, ${finding}, 'rule', 'w', now())`
  const found = await session(core, systemActor, { params: { id } })
  assert.deepEqual([found.techniques, found.severity, found.incident], [['T1082'], 'high', incident])
  const made = await recording(core, systemActor, { params: { id } })
  assert.deepEqual(made.marks, [{ at: 1000, technique: 'T1082', name: 'System Information Discovery', finding, event: command?.id }])
  assert.deepEqual(
    (await sessions(core, systemActor, { query: { ...ask, incident } })).items.map((each) => each.id),
    [id],
  )
})

test('sessions end as lost when their decoy host comes back as a new process', async () => {
  const own = { id: uuidv7(), scope: sensor.scope, epoch: randomUUID() }
  const [first, second] = [uuidv7(), uuidv7()]
  await say(first, [['session.opened', { adversary: 'x' }]], own)
  await say(
    second,
    [
      ['session.opened', { adversary: 'x' }],
      ['sensor.started', { version: '1', node: 'v24', host: 'h' }, { session: undefined, time: Date.now() }],
    ],
    own,
  )
  for (const id of [first, second]) {
    const found = await session(core, systemActor, { params: { id } })
    assert.equal(found.live, false, id)
    assert.equal(found.endedAt, found.lastAt)
  }
})

test('a cut never parts an escape', () => {
  assert.equal(cutEscaped('ab\\x1bcd', 4), 'ab…')
  assert.equal(cutEscaped('ab\\\\cd', 4), 'ab\\\\…')
  assert.equal(cutEscaped('short', 10), 'short')
})

test('a session with a controller counts what its requests came to and keeps the plant as it was last seen', async () => {
  const id = uuidv7()
  const ask = (body: Record<string, unknown>): Said => [
    'industrial.requested',
    {
      ...{ protocol: 'modbus', operation: 'read', function: 'Read Holding Registers', unit: 1, points: [], count: 4, outcome: 'done', changed: false },
      ...{ request: base64('q'), response: base64('answer'), ...body },
    },
  ]
  const point = { address: '40001', tag: 'OV2.Z1.SP', before: 180, value: 230, unit: '°C' }
  await say(id, [
    ['session.opened', { adversary: 'address 203.0.113.7' }],
    ['plant.sampled', { plant: 'paint', branched: false, values: { 'OV2.Z1.PV': 181 } }],
    ask({}),
    ask({}),
    ask({ outcome: 'refused', reason: 'exception 2' }),
    ask({ operation: 'write', function: 'Write Single Register', points: [point], count: 1, changed: true }),
    ['plant.sampled', { plant: 'paint', branched: true, values: { 'OV2.Z1.PV': 206 } }],
    [
      'plant.affected',
      { plant: 'paint', consequence: 'alarm', id: 'OV2.Z1.HH', tag: 'OV2.Z1.PV', value: 206, after: { tag: 'OV2.Z1.SP', value: 230, time: began } },
    ],
  ])
  const row = await session(core, systemActor, { params: { id } })
  assert.deepEqual(sessionSummary.parse(row), row)
  assert.deepEqual(row.industrial, {
    ...{ protocol: 'modbus', reads: 2, writes: 1, commands: 0, refused: 1, changed: 1, consequences: 1 },
    plant: { id: 'paint', branched: true, at: began + 6000, values: { 'OV2.Z1.PV': 206 } },
  })
  assert.deepEqual([row.requests, row.bytesOut, row.lastAction], [4, 24, 'Write Single Register: OV2.Z1.SP 180 → 230 °C'])
})

test('the plant of a session is described as its template has it, and to nobody outside of its scope', async () => {
  const id = uuidv7()
  await say(id, [['session.opened', { adversary: 'address 203.0.113.7' }, { decoy: 'oven-2', service: 'modbus' }]])
  const ask = { params: { id } }
  await assert.rejects(sessionPlant(core, systemActor, ask), (error: ApiError) => error.status === 404)
  await core.sql`insert into template (name, title, text, version, applied_by, applied_at) values ('t', '{}', '', 1, 'a', now())`
  await core.sql`insert into decoy (id, template, persona, scope, host, organisation, services, plant, secrets)
    values ('oven-2', 't', 'p', ${sensor.scope}, 'h', '{}', '[]', ${core.sql.json({ id: 'paint', template: 'paint-line', units: { oven: 'OV2' } })}, '')`
  const picture = plantPicture.parse(await sessionPlant(core, systemActor, ask))
  assert.deepEqual([picture.plant, picture.units.map(({ id }) => id)], ['paint', ['OV2']])
  const tag = picture.units[0]?.tags.find(({ id }) => id === 'OV2.Z1.SP')
  assert.deepEqual([tag?.class, tag?.unit, tag?.title.en], ['SP', '°C', 'Zone 1 setpoint'])
  const trip = picture.units[0]?.alarms.find(({ id }) => id === 'OV2.OVERHEAT')
  assert.deepEqual([trip?.tag, trip?.priority], ['OV2.Z2.PV', 1])
  assert.equal(picture.units[0]?.alarms.find(({ id }) => id === 'OV2.Z1.HH')?.priority, 2)
  const zone = picture.units[0]?.picture?.symbols.find((symbol) => symbol.id === 'zone1')
  assert.deepEqual([zone?.kind, zone?.tags.value, zone?.tags.setpoint], ['zone', 'OV2.Z1.PV', 'OV2.Z1.SP'])
  await assert.rejects(sessionPlant(core, of('group/other'), ask), (error: ApiError) => error.status === 404)
})
