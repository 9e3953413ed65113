/** Writes one run of a sensor's sequence in one statement: the events, those rejected, and the interval that is now committed. */
import { escapeText } from '@shenlou/contract/bytes'
import type { SensorEvent, StoredEvent } from '@shenlou/contract/event'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import { isDuplicate, isTransient } from '../store/errors.ts'
import { partitionTime } from './check-event.ts'
import type { Claim } from './proofs.ts'

/** A place of the sequence that has an event: as it came, as it will be read back, and the JSON texts of its body and (empty for none) its `via`. */
export interface GoodPlace {
  seq: number
  said: SensorEvent
  event: StoredEvent
  body: string
  via: string
  /** What storing it settles about a proof touch. */
  claim?: Claim | undefined
}
/** One place of the sequence: its event, or why there is none. */
export type Place = GoodPlace | { seq: number; reason: string; raw: string }

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

/** The place of an event that may be stored; its times are to the microsecond, as the database keeps them. */
export function toPlace(
  said: SensorEvent,
  run: Pick<Run, 'sensor' | 'epoch' | 'scope' | 'received'>,
  position: number,
  mark?: { proof: string; claim?: Claim },
): GoodPlace {
  const time = Math.round(partitionTime(said) * 1000) / 1000
  const event: StoredEvent = { ...said, time, position, received: run.received, sensor: run.sensor, epoch: run.epoch, scope: run.scope }
  if (mark) event.proof = mark.proof
  return { seq: said.seq, said, event, claim: mark?.claim, body: JSON.stringify(said.body), via: said.via ? JSON.stringify(said.via) : '' }
}

/** Stands between JSON texts: they hold no control character, so it needs no escaping, which would cost as much as writing them. */
const separator = '\x1f'

/** PostgreSQL's text of an array of numbers or UUIDs; null for one that holds nothing but nulls. */
function plainArray(values: readonly (string | number | undefined)[]): string | null {
  if (values.every((value) => value === undefined)) return null
  return `{${values.map((value) => value ?? 'NULL').join()}}`
}

/** The same of any text, quoted; the few different ones of a batch are quoted once each. */
function textArray(values: readonly (string | undefined)[]): string | null {
  const known = new Map<string, string>()
  const quoted = (value: string): string => {
    const text = known.get(value) ?? `"${value.replace(/["\\]/g, '\\$&')}"`
    known.set(value, text)
    return text
  }
  return plainArray(values.map((value) => (value === undefined ? undefined : quoted(value))))
}

/** The insert of events by columns: arrays cost the server less than half of what one JSON text of rows does. */
function insertEvents(sql: postgres.Sql, run: Run, good: readonly GoodPlace[]): postgres.PendingQuery<postgres.Row[]> {
  const plain = (of: (place: GoodPlace) => string | number | undefined): string | null => plainArray(good.map(of))
  const text = (of: (place: GoodPlace) => string | undefined): string | null => textArray(good.map(of))
  const vias = good.some(({ via }) => via !== '') ? good.map(({ via }) => via).join(separator) : null
  return sql`insert into event (position, id, time, said_time, received, sensor, epoch, seq, scope, kind, connection, session, decoy, service,
      source_ip, source_port, destination_ip, destination_port, via, body, proof)
    select position, id, to_timestamp(time / 1000), to_timestamp(said_time / 1000), to_timestamp(${run.received}::float8 / 1000), ${run.sensor}::uuid, ${run.epoch}::uuid,
      seq, ${run.scope}, kind, connection, session, decoy, service, source_ip, source_port, destination_ip, destination_port, via, body, proof
    from unnest(${plain(({ event }) => event.position)}::text::bigint[], ${plain(({ event }) => event.id)}::text::uuid[], ${plain(({ event }) => event.time)}::text::float8[],
      ${plain(({ said, event }) => (Math.round(said.time * 1000) / 1000 === event.time ? undefined : said.time))}::text::float8[], ${plain(({ seq }) => seq)}::text::bigint[],
      ${text(({ said }) => said.kind)}::text::text[], ${plain(({ said }) => said.connection)}::text::uuid[], ${plain(({ said }) => said.session)}::text::uuid[],
      ${text(({ said }) => said.decoy)}::text::text[], ${text(({ said }) => said.service)}::text::text[],
      ${text(({ said }) => said.source?.ip)}::text::inet[], ${plain(({ said }) => said.source?.port)}::text::integer[],
      ${text(({ said }) => said.destination?.ip)}::text::inet[], ${plain(({ said }) => said.destination?.port)}::text::integer[],
      string_to_array(${vias}::text, ${separator}, '')::jsonb[], string_to_array(${good.map(({ body }) => body).join(separator)}::text, ${separator})::jsonb[],
      ${plain(({ event }) => event.proof)}::text::uuid[])
      as x(position, id, time, said_time, seq, kind, connection, session, decoy, service, source_ip, source_port, destination_ip, destination_port, via, body, proof)`
}

/**
 * Commits `run` in one statement: its places, by rising seq, and its interval. Answers the events that are now in the table: fewer than were
 * given when the database cannot hold one (it is rejected) or its id is taken. `again` says that an earlier try's outcome is unknown.
 * `taken` says that an id may be in the table already: such events are passed over, which costs every insert a second look. Throws transient
 * errors only.
 */
export async function writeRun(sql: postgres.Sql, run: Run, again = false, taken = again): Promise<StoredEvent[]> {
  const good = run.places.filter((place) => 'event' in place)
  const bad = run.places.filter((place) => 'reason' in place)
  const claims = good.flatMap(({ claim }) => claim ?? [])
  const rejected = JSON.stringify(bad.map(({ seq, reason, raw }) => ({ id: uuidv7(), seq, reason, raw: raw.slice(0, rawLimit) })))
  try {
    const { count } = await sql`
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
      }${
        claims.length === 0
          ? sql``
          : sql`, claimed as (
        update proof set connection = x.connection, seen_at = case when x.seen then to_timestamp(${run.received}::float8 / 1000) else proof.seen_at end
        from (select id, connection, bool_or(seen) as seen from json_to_recordset(${JSON.stringify(claims)}::text::json) as y(id uuid, connection uuid, seen boolean)
          group by id, connection) as x where proof.id = x.id and (proof.connection is null or proof.connection = x.connection)
      )`
      } ${insertEvents(sql, run, good)} ${taken ? sql`on conflict do nothing` : sql``}`
    return count === good.length ? good.map(({ event }) => event) : await rejectTaken(sql, run, good)
  } catch (error) {
    if (isTransient(error)) throw error
    if (isDuplicate(error) && !taken) return writeRun(sql, run, again, true)
    if (isDuplicate(error) && again) return afterCommitted(sql, run)
    if (run.places.length > 1) {
      // One of them is refused by the database itself; halving finds it and commits the others.
      const middle = run.places.length >> 1
      const [left, right] = [run.places.slice(0, middle), run.places.slice(middle)]
      const border = left.at(-1)?.seq as number
      const stored = await writeRun(sql, { ...run, last: border, places: left }, again, taken)
      return [...stored, ...(await writeRun(sql, { ...run, first: border + 1, places: right }, again, taken))]
    }
    const first = run.places[0]
    if (!first || !('event' in first)) throw error
    const reason = escapeText(`${first.said.kind}: the database cannot hold it: ${(error as Error).message}`)
    return writeRun(sql, { ...run, places: [{ seq: first.seq, reason, raw: JSON.stringify(first.said) }] }, again, taken)
  }
}

/** An earlier try did commit, whole or its first part: this one waited for that row in sensor_range and met it. Writes the rest. */
async function afterCommitted(sql: postgres.Sql, run: Run): Promise<StoredEvent[]> {
  const [row] = await sql<{ last: number }[]>`
    select last_seq as last from sensor_range where sensor = ${run.sensor} and epoch = ${run.epoch} and first_seq = ${run.first}`
  const last = row?.last ?? run.first - 1
  const there = run.places.filter((place) => place.seq <= last && 'event' in place) as GoodPlace[]
  const rest = run.places.filter((place) => place.seq > last)
  const stored = await rejectTaken(sql, run, there)
  return last < run.last ? [...stored, ...(await writeRun(sql, { ...run, first: last + 1, places: rest }, true))] : stored
}

/** Finds which of `good` are not in the table because another event has their id, and keeps those as rejected. */
async function rejectTaken(sql: postgres.Sql, run: Run, good: GoodPlace[]): Promise<StoredEvent[]> {
  if (good.length === 0) return []
  const positions = good.map(({ event }) => event.position)
  const rows = await sql<{ position: number }[]>`select position from event where position between ${Math.min(...positions)} and ${Math.max(...positions)}`
  const there = new Set(rows.map(({ position }) => position))
  const taken = good.filter(({ event }) => !there.has(event.position))
  const refused = taken.map(({ seq, said }) => ({ id: uuidv7(), seq, reason: 'another event has this id', raw: JSON.stringify(said).slice(0, rawLimit) }))
  if (refused.length > 0) {
    await sql`with refused as (
        insert into event_rejected (id, at, sensor, epoch, seq, scope, reason, raw)
        select id, to_timestamp(${run.received}::float8 / 1000), ${run.sensor}, ${run.epoch}, seq, ${run.scope}, reason, raw
        from json_to_recordset(${JSON.stringify(refused)}::text::json) as x(id uuid, seq bigint, reason text, raw text)
      ) update sensor set rejected = rejected + ${refused.length} where id = ${run.sensor}`
  }
  return good.filter(({ event }) => there.has(event.position)).map(({ event }) => event)
}
