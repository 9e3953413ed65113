import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import type { SensorEvent, StoredEvent } from '@shenlou/contract/event'
import { uuidv7 } from '@shenlou/link/uuid'
import { type EventRow, eventColumns } from '../store/event-rows.ts'
import { testCore } from '../store/test-core.ts'
import { startConsumer } from './consumer.ts'
import { committedSeq, emitEvents, ingestBatch } from './ingest.ts'
import { commandEvents, testSensor } from './test-events.ts'

const core = await testCore()
after(() => core.close())
const { sql } = core

const stored = async (epoch: string) => (await sql<{ seq: number }[]>`select seq from event where epoch = ${epoch} order by seq`).map(({ seq }) => seq)
const to = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

test('a batch sent again, whole, in part or overlapping, is stored once', async () => {
  const epoch = randomUUID()
  const events = commandEvents(1, 100)
  assert.deepEqual(await ingestBatch(core, { sensor: testSensor, epoch, events }), { committed: 100, rejected: 0 })
  assert.deepEqual(await ingestBatch(core, { sensor: testSensor, epoch, events }), { committed: 100, rejected: 0 })
  const more = commandEvents(101, 50)
  await Promise.all([
    ingestBatch(core, { sensor: testSensor, epoch, events: [...events.slice(50), ...more] }),
    ingestBatch(core, { sensor: testSensor, epoch, events: [...events.slice(90), ...more] }),
  ])
  assert.deepEqual(await stored(epoch), to(150))
  assert.equal(await committedSeq(core, testSensor.id, epoch), 150)
})

test('a hole keeps the acknowledgement back until it is filled', async () => {
  const epoch = randomUUID()
  assert.equal((await ingestBatch(core, { sensor: testSensor, epoch, events: commandEvents(11, 10) })).committed, 0)
  assert.equal((await ingestBatch(core, { sensor: testSensor, epoch, events: commandEvents(1, 10) })).committed, 20)
})

test('a batch settles the numbers of events that the sensor summarised', async () => {
  const epoch = randomUUID()
  const summary = { id: uuidv7(), time: Date.now(), seq: 40, kind: 'journal.summarised', body: { fromSeq: 1, toSeq: 39, counts: { 'terminal.data': 39 } } }
  assert.equal((await ingestBatch(core, { sensor: testSensor, epoch, first: 1, last: 42, events: [summary, ...commandEvents(41, 2)] })).committed, 42)
  assert.deepEqual(await stored(epoch), [40, 41, 42])
})

test('what is read back is what was sent', async () => {
  const epoch = randomUUID()
  const [event] = commandEvents(1, 1, {
    time: 1_795_000_000_000.123,
    session: uuidv7(),
    connection: uuidv7(),
    via: { relay: testSensor.id, address: '10.9.9.9', port: 2222 },
    source: { ip: '2001:db8::7', port: 1 },
    destination: { ip: '10.0.0.1' },
    body: { mode: 'shell', input: 'echo \\xff "\u4e2d\u6587" \\\\', user: 'root', directory: '/', extra: [1, null, { deep: true }] },
  })
  const seen: StoredEvent[] = []
  const off = core.bus.on('committed', ({ events }) => seen.push(...events))
  await ingestBatch(core, { sensor: testSensor, epoch, events: [event] })
  off()
  const consumed: StoredEvent[] = []
  const consumer = await startConsumer(core, 'read-back', async (_tx, events) => {
    consumed.push(...events.filter((each) => each.epoch === epoch))
  })
  await consumer.reached()
  await consumer.close()
  assert.equal(seen[0]?.id, event?.id)
  assert.deepEqual(consumed, seen)
  assert.deepEqual(consumed[0]?.body, event?.body)
  // The id was made now, so the claimed time lies too far away: the key is the id's own time, the claim is kept beside it.
  assert.ok(Math.abs((consumed[0]?.time ?? 0) - Date.now()) < 60_000)
  const [row] = await sql`select extract(epoch from said_time) * 1000 as said from event where id = ${event?.id as string}`
  assert.equal(Number(row?.said), 1_795_000_000_000.123)
})

test('no text of an event moves another, whatever signs it holds', async () => {
  const epoch = randomUUID()
  const odd = ['NULL', '{"a",b}', '\\"\\', ',', '', '\x1f', '中\x1f文', "'; drop table event; --", ' padded ', '{}', 'a\nb\tc']
  const drafts = odd.map((text, at) => ({
    ...(commandEvents(at + 1, 1)[0] as SensorEvent),
    kind: `odd.${text}`,
    decoy: text,
    service: text.slice(0, 32),
    body: { text, list: [text, { [text]: text }] },
    ...(at % 2 === 0 && { via: { relay: testSensor.id, address: text, port: at } }),
    ...(at % 3 === 0 && { source: undefined, session: uuidv7() }),
  }))
  const { decoy, service, destination, ...bare } = commandEvents(odd.length + 1, 1)[0] as SensorEvent
  assert.equal((await ingestBatch(core, { sensor: testSensor, epoch, events: [...drafts, bare] })).rejected, 0)
  const rows = await sql<EventRow[]>`select ${eventColumns(sql)} from event where epoch = ${epoch} order by seq`
  const read = rows.map((row) => [row.kind, row.decoy, row.service, row.body, row.via, row.source_ip, row.session])
  assert.deepEqual(
    read,
    [...drafts, bare as SensorEvent].map((event) => {
      const { kind, decoy = null, service = null, body, via = null, source, session = null } = event
      return [kind, decoy, service, body, via, source?.ip ?? null, session]
    }),
  )
})

test('NUL and half a surrogate pair in a name are rejected like those in a body', async () => {
  const epoch = randomUUID()
  const [one, two, good] = commandEvents(1, 3)
  assert.equal((await ingestBatch(core, { sensor: testSensor, epoch, events: [{ ...one, decoy: 'a\0b' }, { ...two, kind: 'x\ud800' }, good] })).rejected, 2)
  assert.deepEqual(await stored(epoch), [3])
})

test('events that fail their schema are kept with raw text and reason, are acknowledged and hold up nothing', async () => {
  const epoch = randomUUID()
  const [good, bad, alien, nul, half, wrongRole, deep, last] = commandEvents(1, 8)
  const nest: { a?: object } = {}
  let inner: { a?: object } = nest
  for (let depth = 0; depth < 5000; depth++) {
    inner.a = {}
    inner = inner.a
  }
  const events = [
    good,
    { ...bad, body: { mode: 'nonsense' } },
    { ...alien, kind: 'future.kind', body: { anything: [1, 2] } },
    { ...nul, kind: 'future.kind', body: { text: 'a\0b' } },
    { ...half, kind: 'future.kind', body: { text: '\ud800' } },
    { ...wrongRole, kind: 'connection.opened', body: { transport: 'tcp' } },
    { ...deep, kind: 'future.kind', body: nest },
    last,
  ]
  const answer = await ingestBatch(core, { sensor: { ...testSensor, role: 'decoys' }, epoch, events })
  const rows = await sql<{ seq: number; reason: string; raw: string }[]>`select seq, reason, raw from event_rejected where epoch = ${epoch} order by seq`
  assert.equal(answer.committed, 8)
  assert.deepEqual((await stored(epoch)).concat(rows.map(({ seq }) => seq)).sort(), to(8))
  const bySeq = new Map(rows.map((row) => [row.seq, row]))
  assert.match(bySeq.get(2)?.reason ?? '', /^command\.executed: mode/)
  assert.match(bySeq.get(2)?.raw ?? '', /nonsense/)
  assert.match(bySeq.get(4)?.reason ?? '', /NUL/)
  assert.match(bySeq.get(5)?.reason ?? '', /surrogate/)
  assert.match(bySeq.get(6)?.reason ?? '', /role decoys may not/)
  assert.match(bySeq.get(7)?.reason ?? '', /nested deeper/)
  assert.equal(answer.rejected, rows.length)
  assert.equal(rows.length, 5)
  assert.ok(!bySeq.has(3), 'an unknown kind is kept raw')
})

test('garbage in place of events is rejected one by one', async () => {
  const epoch = randomUUID()
  const answer = await ingestBatch(core, { sensor: testSensor, epoch, first: 1, events: [null, 7, 'text', [], { seq: 'x' }, ...commandEvents(6, 1)] })
  assert.deepEqual(answer, { committed: 6, rejected: 5 })
  assert.deepEqual(await stored(epoch), [6])
})

test('an event with the id of another is rejected, not dropped', async () => {
  const epoch = randomUUID()
  const [event] = commandEvents(1, 1)
  const answer = await ingestBatch(core, { sensor: testSensor, epoch, events: [event, { ...event, seq: 2 }] })
  assert.deepEqual(answer, { committed: 2, rejected: 1 })
  const [row] = await sql`select reason from event_rejected where epoch = ${epoch}`
  assert.equal(row?.reason, 'another event has this id')
})

test('with batches of many sensors in flight readers see positions rise and miss nothing', async () => {
  const seen: number[] = []
  const off = core.bus.on('committed', ({ events, position }) => {
    seen.push(...events.map((each) => each.position))
    assert.ok(position >= (seen.at(-1) ?? 0))
  })
  const consumed: number[] = []
  const consumer = await startConsumer(core, 'order', async (_tx, events) => {
    consumed.push(...events.map((each) => each.position))
  })
  await consumer.reached()
  consumed.length = 0
  const total = 20 * 15 * 30
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const sensor = { ...testSensor, id: randomUUID() }
      const epoch = randomUUID()
      for (let turn = 0; turn < 15; turn++) await ingestBatch(core, { sensor, epoch, events: commandEvents(turn * 30 + 1, 30) })
    }),
  )
  await consumer.reached()
  await consumer.close()
  off()
  assert.equal(seen.length, total)
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  )
  assert.deepEqual(consumed, seen)
})

test('a consumer takes up where it left off, and its effects are applied once though its handling fails', async () => {
  await sql`create table effect (id uuid)`
  let fail = 3
  const handle = async (tx: typeof sql, events: StoredEvent[]) => {
    for (const { id } of events) await tx`insert into effect values (${id})`
    if (fail-- > 0) throw new Error('not yet')
  }
  const first = await startConsumer(core, 'effects', handle as never)
  await first.reached()
  await first.close()
  await ingestBatch(core, { sensor: testSensor, epoch: randomUUID(), events: commandEvents(1, 10) })
  const second = await startConsumer(core, 'effects', handle as never)
  await second.reached()
  await second.close()
  const [row] =
    await sql`select (select count(*) from event) as events, (select count(*) from effect) as effects, (select count(distinct id) from effect) as ids,
    (select count(*) from consumer_skip where consumer = 'effects') as skipped`
  assert.equal(Number(row?.effects) + Number(row?.skipped), Number(row?.events))
  assert.equal(row?.effects, row?.ids)
})

test('many batches of one sensor leave few rows in its ranges', async () => {
  const epoch = randomUUID()
  for (let seq = 1; seq <= 600; seq += 2) await ingestBatch(core, { sensor: testSensor, epoch, events: commandEvents(seq, 2) })
  const rows = await sql<{ first_seq: number; last_seq: number }[]>`select first_seq, last_seq from sensor_range where epoch = ${epoch} order by first_seq`
  assert.ok(rows.length < 256)
  assert.equal(rows[0]?.first_seq, 1)
  assert.equal(rows.at(-1)?.last_seq, 600)
})

test('the core says events of its own as those of a source', async () => {
  const sensor = { id: randomUUID(), scope: 'group/energy', role: 'source' as const }
  const body = {
    product: 'suricata',
    format: 'suricata-eve',
    rule: '1',
    title: 't',
    category: 'c',
    severity: 'low',
    originalId: '',
    originalTime: '',
    device: '',
    techniques: [],
    raw: '{}',
  } as const
  assert.deepEqual(await emitEvents(core, sensor, [{ time: Date.now(), kind: 'alert.received', body: { ...body, techniques: [] } }]), { rejected: 0 })
  const [row] = await sql`select scope, kind from event where sensor = ${sensor.id}`
  assert.deepEqual({ ...row }, { scope: 'group/energy', kind: 'alert.received' })
})
