/** Writes one run of a sensor's sequence in one statement: the events, those rejected, and the interval that is now committed. */
import { escapeText } from '@shenlou/contract/bytes'
import type { SensorEvent, StoredEvent } from '@shenlou/contract/event'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import { isDuplicate, isTransient } from '../store/errors.ts'
import { partitionTime } from './check-event.ts'

/** One place of the sequence: an event with its position, or why there is none. */
export type Place = { seq: number; event: StoredEvent; text: string } | { seq: number; reason: string; raw: string }

export interface Run {
  sensor: string
  epoch: string
  scope: string
  received: number
  /** The interval that is settled by this run; a sensor that summarised sends fewer events than it has numbers. */
  first: number
  last: number
  places: Place[]
}

/** Longest raw text kept of a rejected event, in characters. */
const rawLimit = 1_048_576

/** The event as it will be read back: times to the microsecond, as the database keeps them. */
export function toStored(
  event: SensorEvent,
  run: Pick<Run, 'sensor' | 'epoch' | 'scope' | 'received'>,
  position: number,
): { event: StoredEvent; text: string } {
  const { source, destination } = event
  const time = Math.round(partitionTime(event) * 1000) / 1000
  const text = JSON.stringify({
    p: position,
    i: event.id,
    t: time,
    s: time === Math.round(event.time * 1000) / 1000 ? undefined : event.time,
    q: event.seq,
    k: event.kind,
    c: event.connection,
    e: event.session,
    d: event.decoy,
    v: event.service,
    a: source?.ip,
    b: source?.port,
    f: destination?.ip,
    g: destination?.port,
    w: event.via,
    y: event.body,
  })
  const stored = { ...event, time, position, received: run.received, sensor: run.sensor, epoch: run.epoch, scope: run.scope }
  return { event: stored, text }
}

/**
 * Commits `run` in one statement: its places, by rising seq, and its interval. Answers the events that are now in the table: fewer than were
 * given when the database cannot hold one (it is rejected) or its id is taken. `again` says that an earlier try's outcome is unknown.
 * Throws transient errors only.
 */
export async function writeRun(sql: postgres.Sql, run: Run, again = false): Promise<StoredEvent[]> {
  const good = run.places.filter((place) => 'event' in place)
  const bad = run.places.filter((place) => 'reason' in place)
  const rejected = JSON.stringify(bad.map(({ seq, reason, raw }) => ({ id: uuidv7(), seq, reason, raw: raw.slice(0, rawLimit) })))
  try {
    const [row] = await sql<{ stored: number }[]>`
      with range as (
        insert into sensor_range (sensor, epoch, first_seq, last_seq) values (${run.sensor}, ${run.epoch}, ${run.first}, ${run.last})
      )${
        bad.length === 0
          ? sql``
          : sql`, refused as (
        insert into event_rejected (id, at, sensor, epoch, seq, scope, reason, raw)
        select id, to_timestamp(${run.received}::float8 / 1000), ${run.sensor}, ${run.epoch}, seq, ${run.scope}, reason, raw
        from json_to_recordset(${rejected}::text::json) as x(id uuid, seq bigint, reason text, raw text)
      ), counted as (
        update sensor set rejected = rejected + ${bad.length} where id = ${run.sensor}
      )`
      }, stored as (
        insert into event (position, id, time, said_time, received, sensor, epoch, seq, scope, kind, connection, session, decoy, service,
          source_ip, source_port, destination_ip, destination_port, via, body)
        select p, i, to_timestamp(t / 1000), to_timestamp(s / 1000), to_timestamp(${run.received}::float8 / 1000), ${run.sensor}::uuid, ${run.epoch}::uuid,
          q, ${run.scope}, k, c, e, d, v, a, b, f, g, w, y
        from json_to_recordset(${`[${good.map(({ text }) => text).join()}]`}::text::json) as x(p bigint, i uuid, t float8, s float8, q bigint, k text,
          c uuid, e uuid, d text, v text, a inet, b integer, f inet, g integer, w jsonb, y jsonb)
        on conflict do nothing
        returning 1
      )
      select count(*)::int as stored from stored`
    return row?.stored === good.length ? good.map(({ event }) => event) : await rejectTaken(sql, run, good)
  } catch (error) {
    if (isTransient(error)) throw error
    if (isDuplicate(error) && again) return afterCommitted(sql, run)
    if (run.places.length > 1) {
      // One of them is refused by the database itself; halving finds it and commits the others.
      const middle = run.places.length >> 1
      const [left, right] = [run.places.slice(0, middle), run.places.slice(middle)]
      const border = left.at(-1)?.seq as number
      const stored = await writeRun(sql, { ...run, last: border, places: left }, again)
      return [...stored, ...(await writeRun(sql, { ...run, first: border + 1, places: right }, again))]
    }
    const first = run.places[0]
    if (!first || !('event' in first)) throw error
    const reason = escapeText(`${first.event.kind}: the database cannot hold it: ${(error as Error).message}`)
    return writeRun(sql, { ...run, places: [{ seq: first.seq, reason, raw: first.text }] }, again)
  }
}

/** An earlier try did commit, whole or its first part: this one waited for that row in sensor_range and met it. Writes the rest. */
async function afterCommitted(sql: postgres.Sql, run: Run): Promise<StoredEvent[]> {
  const [row] = await sql<{ last: number }[]>`
    select last_seq as last from sensor_range where sensor = ${run.sensor} and epoch = ${run.epoch} and first_seq = ${run.first}`
  const last = row?.last ?? run.first - 1
  const there = run.places.filter((place) => place.seq <= last && 'event' in place) as Extract<Place, { event: StoredEvent }>[]
  const rest = run.places.filter((place) => place.seq > last)
  const stored = await rejectTaken(sql, run, there)
  return last < run.last ? [...stored, ...(await writeRun(sql, { ...run, first: last + 1, places: rest }, true))] : stored
}

/** Finds which of `good` are not in the table because another event has their id, and keeps those as rejected. */
async function rejectTaken(sql: postgres.Sql, run: Run, good: Extract<Place, { event: StoredEvent }>[]): Promise<StoredEvent[]> {
  if (good.length === 0) return []
  const positions = good.map(({ event }) => event.position)
  const rows = await sql<{ position: number }[]>`select position from event where position between ${Math.min(...positions)} and ${Math.max(...positions)}`
  const there = new Set(rows.map(({ position }) => position))
  const taken = good.filter(({ event }) => !there.has(event.position))
  const refused = taken.map(({ seq, text }) => ({ id: uuidv7(), seq, reason: 'another event has this id', raw: text }))
  if (refused.length > 0) {
    await sql`with refused as (
        insert into event_rejected (id, at, sensor, epoch, seq, scope, reason, raw)
        select id, to_timestamp(${run.received}::float8 / 1000), ${run.sensor}, ${run.epoch}, seq, ${run.scope}, reason, raw
        from json_to_recordset(${JSON.stringify(refused)}::text::json) as x(id uuid, seq bigint, reason text, raw text)
      ) update sensor set rejected = rejected + ${refused.length} where id = ${run.sensor}`
  }
  return good.filter(({ event }) => there.has(event.position)).map(({ event }) => event)
}
