import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { uuidv7 } from '@shenlou/link/uuid'
import { ingestBatch } from '../ingest/ingest.ts'
import { commandEvents, testSensor } from '../ingest/test-events.ts'
import { maintainPartitions } from './partitions.ts'
import { testCore } from './test-core.ts'

const core = await testCore()
after(() => core.close())
const { sql } = core
const day = 86_400_000

const at = (time: number, seq: number) => ({ ...commandEvents(seq, 1)[0], id: uuidv7(time), time })
const tableOf = async (id: string | undefined) =>
  (await sql<{ name: string }[]>`select tableoid::regclass::text as name from event where id = ${id ?? ''}`)[0]?.name
const nameOf = (time: number) => `event_${new Date(time).toISOString().slice(0, 10).replaceAll('-', '')}`

test('events lie in the partition of their day; late days get one of their own; old days are dropped whole', async () => {
  const now = Date.now()
  const [today, tomorrow, late, ancient] = [at(now, 1), at(now + day, 2), at(now - 10 * day, 3), at(now - 400 * day, 4)]
  await ingestBatch(core, { sensor: testSensor, epoch: randomUUID(), events: [today, tomorrow, late, ancient] })
  assert.equal(await tableOf(late.id), 'event_default')

  const { made, dropped } = await maintainPartitions(sql, now, 30)
  assert.equal(made.length, 6)
  assert.deepEqual(dropped, [])
  assert.equal(await tableOf(today.id), nameOf(now))
  assert.equal(await tableOf(tomorrow.id), nameOf(now + day))
  assert.equal(await tableOf(late.id), nameOf(now - 10 * day))
  assert.equal(await tableOf(ancient.id), undefined, 'older than is kept')

  const second = at(now, 5)
  await ingestBatch(core, { sensor: testSensor, epoch: randomUUID(), first: 5, events: [second] })
  assert.equal(await tableOf(second.id), nameOf(now))

  assert.deepEqual(await maintainPartitions(sql, now, 30), { made: [], dropped: [] })
  assert.deepEqual((await maintainPartitions(sql, now, 5)).dropped, [nameOf(now - 10 * day)])
  assert.equal(await tableOf(late.id), undefined)
  assert.equal(await tableOf(today.id), nameOf(now))
})

test('partitions carry the indexes of their parent', async () => {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from pg_indexes where tablename = ${nameOf(Date.now())}`
  const [parent] = await sql<{ count: number }[]>`select count(*)::int as count from pg_indexes where tablename = 'event'`
  assert.equal(row?.count, parent?.count)
})
