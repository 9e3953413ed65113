/** Takes batches of events: each event exactly once by (sensor, epoch, seq), whatever is sent again or killed meanwhile. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { escapeText } from '@shenlou/contract/bytes'
import type { EventDraft, StoredEvent } from '@shenlou/contract/event'
import { uuidv7 } from '@shenlou/link/uuid'
import type { Core } from '../core.ts'
import { startMaintenance } from '../store/partitions.ts'
import { isDiskFull, isTransient } from '../store/errors.ts'
import { checkEvent, refusedByDatabase, type SensorRole } from './check-event.ts'
import { marksOf } from './proofs.ts'
import { addRange, cumulative, missingIn, overlaps, type Range } from './ranges.ts'
import { type Place, type Run, toPlace, writeRun } from './write-batch.ts'
import { type Stream, type Writer, writerOf } from './writer.ts'

export interface Batch {
  /** `scope` is the sensor's own: an event never names its scope. With `role`, kinds that this role may not say are rejected. */
  sensor: { id: string; scope: string; role?: SensorRole }
  epoch: string
  /** The numbers that this batch settles; without them from the first event's `seq` on, one for each event. */
  first?: number
  last?: number
  /** By rising `seq`; the rest is unchecked. */
  events: unknown[]
}

/** Opens ingest ahead of the first batch and keeps the partitions of events. Throws a StartError when another core writes to the same database. */
export const startIngest = async (core: Core): Promise<void> => {
  await writerOf(core)
  await marksOf(core)
  await startMaintenance(core)
}

/**
 * Commits a batch and answers the highest seq below which everything of this epoch is committed. Events that are committed already
 * are left out; events that fail their schema are kept in event_rejected and count as committed. While the database is away it
 * waits; it throws when the core stops.
 */
export async function ingestBatch(core: Core, batch: Batch): Promise<{ committed: number; rejected: number }> {
  const writer = await writerOf(core)
  const stream = await streamOf(writer, batch.sensor.id, batch.epoch)
  const first = batch.first ?? ownSeq(batch.events[0]) ?? 1
  const range: Range = [first, batch.last ?? first + batch.events.length - 1]
  if (range[1] < first) return { committed: cumulative(stream.committed), rejected: 0 }
  const numbered = numberEvents(batch.events, range)
  // Two copies of one event must not be on their way at once: the second would not know what became of the first.
  while (overlaps(stream.flying, range)) await delay(2, undefined, { signal: core.signal })
  const missing = missingIn(stream.committed, range)
  stream.flying.push(...missing)
  let rejected = 0
  try {
    for (const part of missing) rejected += await commitPart(core, writer, stream, batch, part, numbered)
  } finally {
    stream.flying = stream.flying.filter((flying) => !missing.includes(flying))
  }
  if (stream.rows > 256) await joinRanges(writer, stream, batch.sensor.id, batch.epoch)
  return { committed: cumulative(stream.committed), rejected }
}

/** The highest seq below which all of this epoch is committed: what a sensor is told when it comes back. */
export async function committedSeq(core: Core, sensor: string, epoch: string): Promise<number> {
  return cumulative((await streamOf(await writerOf(core), sensor, epoch)).committed)
}

const own = new WeakMap<Core, { epoch: string; next: Map<string, number> }>()

/** Commits events that the core says itself, such as alerts of other tools, as those of the sensor `sensor`. Answers them as drafts with their ids. */
export async function emitEvents(core: Core, sensor: Batch['sensor'], drafts: (Omit<EventDraft, 'id'> & { id?: string })[]): Promise<{ rejected: number }> {
  const mine = own.get(core) ?? { epoch: randomUUID(), next: new Map<string, number>() }
  own.set(core, mine)
  const first = mine.next.get(sensor.id) ?? 1
  mine.next.set(sensor.id, first + drafts.length)
  const events = drafts.map((draft, index) => ({ ...draft, id: draft.id ?? uuidv7(), seq: first + index }))
  const { rejected } = await ingestBatch(core, { sensor, epoch: mine.epoch, first, events })
  return { rejected }
}

type Numbered = { seq: number; value: unknown }

function ownSeq(event: unknown): number | undefined {
  const seq = (event as { seq?: unknown } | null)?.seq
  return typeof seq === 'number' && Number.isSafeInteger(seq) && seq > 0 ? seq : undefined
}

/** Gives each event its place in `range`: its own number where that rises, else the next one, where the check will reject it. */
function numberEvents(events: unknown[], [first, last]: Range): Numbered[] {
  let before = first - 1
  return events.map((value) => {
    const said = ownSeq(value)
    before = said !== undefined && said > before && said <= last ? said : Math.min(before + 1, last)
    return { seq: before, value }
  })
}

function streamOf(writer: Writer, sensor: string, epoch: string): Promise<Stream> {
  const key = `${sensor} ${epoch}`
  const load = async (): Promise<Stream> => {
    const rows = await writer.sql<{ first: number; last: number }[]>`
      select first_seq as first, last_seq as last from sensor_range where sensor = ${sensor} and epoch = ${epoch} order by first_seq`
    const committed: Range[] = []
    for (const { first, last } of rows) addRange(committed, [first, last])
    return { committed, flying: [], rows: rows.length }
  }
  const stream = writer.streams.get(key) ?? load()
  writer.streams.set(key, stream)
  stream.catch(() => writer.streams.delete(key))
  return stream
}

async function commitPart(core: Core, writer: Writer, stream: Stream, batch: Batch, part: Range, numbered: Numbered[]): Promise<number> {
  const { id: sensor, scope, role } = batch.sensor
  const run: Run = { sensor, epoch: batch.epoch, scope, received: core.clock(), first: part[0], last: part[1], places: [] }
  const judged = numbered.filter(({ seq }) => seq >= part[0] && seq <= part[1]).map((each) => ({ ...each, ...checkEvent(each.value, each.seq, role) }))
  const marks = await marksOf(core)
  const flight = await writer.positions.take(judged.length)
  try {
    run.places = judged.map((each, index): Place => {
      if ('reason' in each) return { seq: each.seq, reason: escapeText(each.reason), raw: rawText(each.value) }
      const place = toPlace(each.event, run, flight.first + index, marks.markOf(each.event, sensor))
      if (refusedByDatabase(each.event, place.body + place.via))
        return { seq: each.seq, reason: `${escapeText(each.event.kind)}: holds NUL or half a surrogate pair`, raw: rawText(each.value) }
      return place
    })
    const stored = await writeUntilSure(core, writer, run)
    addRange(stream.committed, part)
    stream.rows++
    flight.done(stored)
    return judged.length - stored.length
  } catch (error) {
    // Refused for certain, so not there: readers need not wait for these positions. Else the core is stopping.
    if (!isTransient(error)) flight.done([])
    throw error
  }
}

/** A value as it came, as JSON; what is nested too deeply for that is cut at depth 64. */
function rawText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return inspect(value, { depth: 64, breakLength: Number.POSITIVE_INFINITY })
  }
}

/** Tries until the outcome is known: positions above this batch stay hidden from readers until then. */
async function writeUntilSure(core: Core, writer: Writer, run: Run): Promise<StoredEvent[]> {
  let said = 0
  for (let turn = 0; ; turn++) {
    try {
      await writer.ready()
      return await writeRun(writer.sql, run, turn > 0)
    } catch (error) {
      if (!isTransient(error) || core.signal.aborted) throw error
      if (performance.now() - said > 10_000) {
        said = performance.now()
        core.log(isDiskFull(error) ? 'events wait: the disk of the database is full' : `events wait: the database is away (${(error as Error).message})`)
      }
      await delay(Math.min(20 * 2 ** turn, 1000), undefined, { signal: core.signal })
    }
  }
}

/** Joins the rows that say one interval; rows of batches that are being committed meanwhile are left alone. */
async function joinRanges(writer: Writer, stream: Stream, sensor: string, epoch: string): Promise<void> {
  const ranges = stream.committed.map(([first, last]) => ({ first, last }))
  stream.rows = ranges.length
  await writer.sql.begin(async (tx) => {
    for (const { first, last } of ranges) {
      const [row] = await tx<{ at: number | null }[]>`with gone as (
          delete from sensor_range where sensor = ${sensor} and epoch = ${epoch} and first_seq >= ${first} and last_seq <= ${last} returning committed_at
        ) select (extract(epoch from min(committed_at)) * 1000)::float8 as at from gone`
      await tx`insert into sensor_range (sensor, epoch, first_seq, last_seq, committed_at) values (${sensor}, ${epoch}, ${first}, ${last}, to_timestamp(${row?.at ?? Date.now()}::float8 / 1000))`
    }
  })
}
