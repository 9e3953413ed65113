/** Events as people search them: lists under filters, one event, counts of values, and those that were rejected. */
import { escapeText } from '@shenlou/contract/bytes'
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import type { eventFilter } from '@shenlou/contract/routes-observed'
import { timeOf } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import type { z } from 'zod'
import type { Actor } from './actor.ts'
import { ApiError, notFound } from './api-error.ts'
import type { Core } from './core.ts'
import { writerOf } from './ingest/writer.ts'
import { type EventRow, eventColumns, toEvent } from './store/event-rows.ts'
import { countUpTo, inNetworks, isUuid, olderThan, parseFilter, toCursor } from './store/page.ts'
import { visibleTo } from './store/visible.ts'

type Sql = postgres.Sql | postgres.TransactionSql
type Condition = postgres.PendingQuery<postgres.Row[]>
type Filter = z.output<typeof eventFilter>

const oneOf = (sql: Sql, filter: string | undefined, column: string, cast: 'text' | 'uuid' = 'text'): Condition => {
  if (filter === undefined) return sql`true`
  const { not, values } = parseFilter(filter)
  const known = cast === 'uuid' ? values.filter(isUuid) : values
  const inside = cast === 'uuid' ? sql`${sql(column)} = any(${known}::uuid[])` : sql`${sql(column)} = any(${known}::text[])`
  return not ? sql`(${inside}) is not true` : inside
}

/** Sensors by id or by name. */
function bySensor(sql: Sql, filter: string | undefined): Condition {
  if (filter === undefined) return sql`true`
  const { not, values } = parseFilter(filter)
  const inside = sql`event.sensor = any(array(select id from sensor where name = any(${values}::text[])) || ${values.filter(isUuid)}::uuid[])`
  return not ? sql`not (${inside})` : inside
}

/** Condition on the table `event` for what this actor may see and asks for. */
export function eventsUnder(sql: Sql, actor: Actor, filter: Filter): Condition {
  const pattern = `%${(filter.text ?? '').replace(/[\\%_]/g, '\\$&')}%`
  return sql`${visibleTo(sql, actor, 'event.scope')}
    and ${oneOf(sql, filter.kind, 'event.kind')} and ${oneOf(sql, filter.decoy, 'event.decoy')} and ${oneOf(sql, filter.service, 'event.service')}
    and ${filter.proof === 'only' ? sql`event.proof is not null` : filter.proof === 'with' || filter.session !== undefined || filter.connection !== undefined ? sql`true` : sql`event.proof is null`}
    and ${bySensor(sql, filter.sensor)} and ${oneOf(sql, filter.session, 'event.session', 'uuid')} and ${oneOf(sql, filter.connection, 'event.connection', 'uuid')}
    and ${filter.source === undefined ? sql`true` : inNetworks(sql, filter.source, sql`event.source_ip`)}
    and ${filter.from === undefined ? sql`true` : sql`event.time >= to_timestamp(${filter.from}::float8 / 1000)`}
    and ${filter.to === undefined ? sql`true` : sql`event.time < to_timestamp(${filter.to}::float8 / 1000)`}
    and ${filter.text === undefined ? sql`true` : sql`event.kind <> 'terminal.data' and exists (select from jsonb_path_query(event.body, 'strict $.** ? (@.type() == "string")') as text where text #>> '{}' ilike ${pattern})`}`
}

/** Longest that one search may take. Milliseconds. */
const patience = 15_000

/** Runs a search in a transaction that ends itself when it takes too long. */
async function search<T>(core: Core, run: (tx: postgres.TransactionSql) => Promise<T>): Promise<T> {
  try {
    return (await core.sql.begin('read only', async (tx) => {
      await tx`select set_config('statement_timeout', ${String(patience)}, true)`
      return run(tx)
    })) as T
  } catch (error) {
    if ((error as { code?: string }).code === '57014')
      throw new ApiError(503, 'too-much', 'the search took over 15 seconds: narrow the time or add a filter', { cause: error })
    throw error
  }
}

/** Route `events`: newest first, or with `after` oldest first from that position. `newest` is the position to go on from. */
export async function events(core: Core, actor: Actor, input: { query: z.output<Routes['events']['query']> }): Promise<RouteAnswer<'events'>> {
  const { query } = input
  const newest = (await writerOf(core)).positions.watermark()
  return search(core, async (sql) => {
    const where = eventsUnder(sql, actor, query)
    const order =
      query.after === undefined
        ? sql`${olderThan(sql, query.cursor, 'event.time', 'event.id')} order by event.time desc, event.id desc`
        : sql`event.position > ${query.after} order by event.position`
    const rows = await sql<
      EventRow[]
    >`select ${eventColumns(sql)} from event where ${where} and event.position <= ${newest} and ${order} limit ${query.limit + 1}`
    const found = rows.slice(0, query.limit).map(toEvent)
    const last = found.at(-1)
    const more = rows.length > query.limit && last
    return { events: found, next: more ? (query.after === undefined ? toCursor(last.time, last.id) : String(last.position)) : null, newest }
  })
}

/** Route `event`. */
export async function event(core: Core, actor: Actor, input: { params: { id: string } }): Promise<RouteAnswer<'event'>> {
  const { id } = input.params
  const { sql } = core
  if (!isUuid(id)) throw notFound('event')
  // The time inside the id bounds the partitions; ids of other versions have none.
  const at = id[14] === '7' ? timeOf(id.toLowerCase()) : undefined
  for (const spread of at === undefined ? [undefined] : [5000, 90_000_000]) {
    const near =
      at === undefined || spread === undefined
        ? sql`true`
        : sql`event.time between to_timestamp(${(at - spread) / 1000}::float8) and to_timestamp(${(at + spread) / 1000}::float8)`
    const [row] = await sql<EventRow[]>`select ${eventColumns(sql)} from event where event.id = ${id} and ${near} and ${visibleTo(sql, actor, 'event.scope')}`
    if (row) return toEvent(row)
  }
  throw notFound('event')
}

const facetFields = ['kind', 'source', 'decoy', 'service', 'sensor'] as const
const topValues = 5
const wantedBuckets = 60
const bucketSizes = [1000, 5000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 10_800_000, 43_200_000, 86_400_000, 604_800_000, 2_592_000_000]

/** Route `eventFacets`: the five most frequent values of each field, and counts over time, of exactly the rows that `events` lists. */
export async function eventFacets(core: Core, actor: Actor, input: { query: Filter }): Promise<RouteAnswer<'eventFacets'>> {
  const { query } = input
  const newest = (await writerOf(core)).positions.watermark()
  return search(core, async (sql) => {
    const where = sql`${eventsUnder(sql, actor, query)} and event.position <= ${newest} and ${query.after === undefined ? sql`true` : sql`event.position > ${query.after}`}`
    const edge = async (order: Condition) =>
      (await sql<{ time: number }[]>`select (extract(epoch from time) * 1000)::float8 as time from event where ${where} order by ${order} limit 1`)[0]?.time
    const from = query.from ?? (await edge(sql`time, id`)) ?? core.clock()
    const to = query.to ?? (await edge(sql`time desc, id desc`)) ?? core.clock()
    const bucketMs = bucketSizes.find((size) => (to - from) / size <= wantedBuckets) ?? (bucketSizes.at(-1) as number)
    const rows = await sql<{ field: string; value: string | null; count: number }[]>`
      with found as materialized (
        select kind, host(source_ip) as source, decoy, service, sensor::text as sensor,
          (floor(extract(epoch from time) * 1000 / ${bucketMs}::bigint) * ${bucketMs}::bigint)::bigint::text as bucket
        from event where ${where}
      )
      select case when grouping(kind) = 0 then 'kind' when grouping(source) = 0 then 'source' when grouping(decoy) = 0 then 'decoy' when grouping(service) = 0 then 'service'
          when grouping(sensor) = 0 then 'sensor' when grouping(bucket) = 0 then 'bucket' else 'total' end as field,
        coalesce(kind, source, decoy, service, sensor, bucket) as value, count(*)::int as count
      from found group by grouping sets ((kind), (source), (decoy), (service), (sensor), (bucket), ())
      order by count desc, value`
    const names = new Map((await sql<{ id: string; name: string }[]>`select id, name from sensor`).map(({ id, name }) => [id, name]))
    const facets = facetFields.map((field) => ({
      field,
      values: rows
        .filter((row) => row.field === field && row.value !== null)
        .slice(0, topValues)
        .map(({ value, count }) => ({ value: field === 'sensor' ? (names.get(value as string) ?? (value as string)) : (value as string), count })),
    }))
    const histogram = rows
      .filter((row) => row.field === 'bucket')
      .map(({ value, count }): [number, number] => [Number(value), count])
      .sort(([a], [b]) => a - b)
    return { facets, histogram, bucketMs, total: rows.find((row) => row.field === 'total')?.count ?? 0 }
  })
}

/** Route `rejectedEvents`: newest first, the raw text escaped for display. */
export async function rejectedEvents(
  core: Core,
  actor: Actor,
  input: { query: z.output<Routes['rejectedEvents']['query']> },
): Promise<RouteAnswer<'rejectedEvents'>> {
  const { sql } = core
  const { cursor, limit } = input.query
  const where = visibleTo(sql, actor, 'rejected.scope')
  const rows = await sql<{ id: string; at: number; sensor: string; reason: string; raw: string }[]>`
    select rejected.id, (extract(epoch from rejected.at) * 1000)::float8 as at, coalesce(sensor.name, rejected.sensor::text) as sensor, reason, raw
    from event_rejected as rejected left join sensor on sensor.id = rejected.sensor
    where ${where} and ${olderThan(sql, cursor, 'rejected.at', 'rejected.id')} order by rejected.at desc, rejected.id desc limit ${limit + 1}`
  const items = rows.slice(0, limit).map((row) => ({ ...row, raw: escapeText(row.raw) }))
  const last = items.at(-1)
  return {
    items,
    next: rows.length > limit && last ? toCursor(last.at, last.id) : null,
    total: await countUpTo(sql, sql`select from event_rejected as rejected where ${where}`),
  }
}
