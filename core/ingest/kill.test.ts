import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { createCore } from '../core.ts'
import { openDatabase } from '../store/database.ts'
import { testDatabase } from '../store/test-database.ts'
import { startConsumer } from './consumer.ts'
import { ingestBatch } from './ingest.ts'
import { commandEvents, testSensor } from './test-events.ts'

/** A sensor as the uplink is: keeps what is not acknowledged, several batches in flight, sends all of it again to a new core. */
function createSensor() {
  const events = commandEvents(1, 0)
  const id = randomUUID()
  const epoch = randomUUID()
  return { id, epoch, events, acked: 0, next: 1 }
}
const batchSize = 25
const window = 4

test('a core killed in rounds loses nothing, stores nothing twice, and its consumers count each event once', { timeout: 60_000 }, async () => {
  const database = await testDatabase()
  const dataDir = await mkdtemp(path.join(tmpdir(), 'shenlou-kill-'))
  await database.sql`create table copied (id uuid, sensor uuid, seq bigint, position bigint)`
  const sensors = Array.from({ length: 6 }, createSensor)
  const rounds = 5
  let acknowledged = 0
  try {
    for (let round = 0; round <= rounds; round++) {
      const last = round === rounds
      const child = fork(path.join(import.meta.dirname, 'killed-core.ts'), [database.url, dataDir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      await once(child, 'message')
      await pump(child, sensors, last ? 0 : 15 + Math.floor(Math.random() * 40))
      if (!last) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      } else {
        const sent = sensors.reduce((sum, { events }) => sum + events.length, 0)
        for (const end = Date.now() + 20_000; ; ) {
          const [row] = await database.sql<{ count: number }[]>`select count(*)::int as count from copied`
          if (row?.count === sent) break
          assert.ok(Date.now() < end, `the consumer counted ${row?.count} of ${sent}`)
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      acknowledged = sensors.reduce((sum, { acked }) => sum + acked, 0)
    }
    const sent = sensors.reduce((sum, { events }) => sum + events.length, 0)
    assert.equal(acknowledged, sent)
    for (const { id, events } of sensors) {
      const rows = await database.sql<{ id: string; seq: number }[]>`select id, seq from event where sensor = ${id} order by seq`
      assert.deepEqual(
        [...rows].map(({ seq }) => seq),
        events.map(({ seq }) => seq),
      )
      assert.deepEqual(
        [...rows].map((row) => row.id),
        events.map((event) => event.id),
      )
    }
    const [copied] = await database.sql`select count(*)::int as rows, count(distinct id)::int as ids, count(distinct position)::int as positions from copied`
    assert.deepEqual({ ...copied }, { rows: sent, ids: sent, positions: sent })
    console.log(`${sent} events sent over ${rounds} kills: ${copied?.rows} stored, ${sent - copied?.ids} lost, ${copied?.rows - copied?.ids} twice`)
  } finally {
    await database.close()
    await rm(dataDir, { recursive: true })
  }
})

test('a database killed in rounds under load loses nothing and stores nothing twice', { timeout: 60_000 }, async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'shenlou-kill-'))
  const stop = new AbortController()
  const database = await openDatabase({ dataDir }, stop.signal)
  const { sql } = database
  try {
    const core = await createCore({ sql, dataDir, signal: stop.signal })
    await sql`create table copied (id uuid)`
    const consumer = await startConsumer(core, 'copy', async (tx, events) => {
      await tx`insert into copied select id from json_to_recordset(${JSON.stringify(events.map(({ id }) => ({ id })))}::text::json) as x(id uuid)`
    })
    const live: string[] = []
    core.bus.on('committed', ({ events }) => live.push(...events.map(({ id }) => id)))
    const sensors = Array.from({ length: 4 }, createSensor)
    let over = false
    const sending = sensors.map(async (sensor) => {
      while (!over) {
        const events = commandEvents(sensor.events.length + 1, batchSize)
        sensor.events.push(...events)
        sensor.acked = (await ingestBatch(core, { sensor: { ...testSensor, id: sensor.id }, epoch: sensor.epoch, events })).committed
      }
    })
    for (let round = 0; round < 3; round++) {
      const before = sensors.reduce((sum, { acked }) => sum + acked, 0)
      while (sensors.reduce((sum, { acked }) => sum + acked, 0) < before + 300) await new Promise((resolve) => setTimeout(resolve, 5))
      process.kill(database.serverPid() as number, 'SIGKILL')
    }
    over = true
    await Promise.all(sending)
    await consumer.reached()
    const ids = sensors.flatMap(({ events }) => events.map(({ id }) => id)).sort()
    assert.deepEqual([...(await sql<{ id: string }[]>`select id from event`)].map(({ id }) => id).sort(), ids)
    assert.deepEqual([...(await sql<{ id: string }[]>`select id from copied`)].map(({ id }) => id).sort(), ids)
    assert.deepEqual(live.sort(), ids)
    console.log(`${ids.length} events over 3 kills of PostgreSQL: ${ids.length} stored, 0 lost, 0 twice`)
  } finally {
    stop.abort()
    await database.close()
    await rm(dataDir, { recursive: true, force: true })
  }
})

/** Sends until `answers` acknowledgements came; with 0, until everything sent so far is acknowledged. */
async function pump(child: ChildProcess, sensors: ReturnType<typeof createSensor>[], answers: number): Promise<void> {
  const flight = new Map<number, ReturnType<typeof createSensor>>()
  let number = 0
  let count = 0
  for (const sensor of sensors) sensor.next = sensor.acked + 1
  await new Promise<void>((resolve) => {
    const fill = (): void => {
      for (const sensor of sensors) {
        while ([...flight.values()].filter((each) => each === sensor).length < window) {
          if (answers > 0 && sensor.next > sensor.events.length) sensor.events.push(...commandEvents(sensor.events.length + 1, batchSize))
          // Not where it ended before: what is sent again overlaps with what was committed.
          const events = sensor.events.slice(sensor.next - 1, sensor.next - 1 + batchSize - 3)
          if (events.length === 0) break
          flight.set(++number, sensor)
          child.send({ number, batch: { sensor: { ...testSensor, id: sensor.id }, epoch: sensor.epoch, first: sensor.next, events } })
          sensor.next += events.length
        }
      }
      if (answers === 0 && sensors.every(({ acked, events }) => acked === events.length)) resolve()
    }
    child.on('message', (answer: { number: number; committed: number }) => {
      const sensor = flight.get(answer.number)
      if (!sensor) return
      flight.delete(answer.number)
      sensor.acked = Math.max(sensor.acked, answer.committed)
      if (answers > 0 && ++count >= answers) resolve()
      else fill()
    })
    fill()
  })
}
