/** What delays took from attackers and what they cost us: a projection of delay.began and delay.ended, and its sums. */
import type { RouteAnswer } from '@shenlou/contract/api'
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { DelayRecord, DelaySum } from '@shenlou/contract/routes-delays'
import type postgres from 'postgres'
import type { Actor } from '../actor.ts'
import type { Core } from '../core.ts'
import { type Consumer, startConsumer } from '../ingest/consumer.ts'
import { visibleTo } from '../store/visible.ts'

type Sql = postgres.Sql | postgres.TransactionSql

/** Starts the projection. */
export const startHolds = (core: Core): Promise<Consumer> => startConsumer(core, 'delays', (tx, events) => project(tx, events))

export async function project(tx: postgres.TransactionSql, events: readonly StoredEvent[]): Promise<void> {
  for (const { kind, body, connection, session, source, scope, decoy, time } of events) {
    if (!connection || !source) continue
    const at = tx`to_timestamp(${time / 1000}::float8)`
    if (kind === 'delay.began') {
      const began = body as EventBody<'delay.began'>
      await tx`insert into delay_hold (connection, delay, scope, source, session, decoy, kind, began_at)
        values (${connection}, ${began.delay}, ${scope}, ${source.ip}::inet, ${session ?? null}, ${decoy ?? null}, ${began.kind}, ${at})
        on conflict (connection) do nothing`
    } else if (kind === 'delay.ended') {
      const { delay, kind: how, heldMs, bytesOut, cpuMs, reason } = body as EventBody<'delay.ended'>
      await tx`insert into delay_hold (connection, delay, scope, source, session, decoy, kind, began_at, ended_at, held_ms, bytes_out, cpu_ms, reason)
        values (${connection}, ${delay}, ${scope}, ${source.ip}::inet, ${session ?? null}, ${decoy ?? null}, ${how}, ${at}, ${at}, ${heldMs}, ${bytesOut}, ${cpuMs}, ${reason})
        on conflict (connection) do update set ended_at = excluded.ended_at, held_ms = excluded.held_ms, bytes_out = excluded.bytes_out, cpu_ms = excluded.cpu_ms,
          reason = excluded.reason, session = coalesce(delay_hold.session, excluded.session)`
    }
  }
}

/** Longest that a connection can be held: one whose end was never said was held no longer. Seconds. */
const longestS = 900

/** The sum over rows of delay_hold as `h`. */
const sumOf = (sql: Sql, now: number) => {
  const open = sql`h.ended_at is null and h.began_at > to_timestamp(${now / 1000}::float8) - make_interval(secs => ${longestS})`
  return sql`count(*)::int as connections, (count(*) filter (where ${open}))::int as now,
    coalesce(sum(case when ${open} then extract(epoch from to_timestamp(${now / 1000}::float8) - h.began_at) * 1000 else h.held_ms end), 0)::float8 as "heldMs",
    coalesce(sum(h.bytes_out), 0)::float8 as "bytesOut", coalesce(sum(h.cpu_ms), 0)::float8 as "cpuMs"`
}

/** Route `delays`: what is asked about, as far as the actor sees it. */
export async function delays(
  core: Core,
  actor: Actor,
  { query }: { query: { session?: string | undefined; incident?: string | undefined; source?: string | undefined } },
): Promise<RouteAnswer<'delays'>> {
  const { sql } = core
  const now = core.clock()
  const { session, incident, source } = query
  const sources =
    session !== undefined
      ? sql`select source::inet from session where id::text = ${session} and ${visibleTo(sql, actor)}`
      : incident !== undefined
        ? sql`select f.source::inet from incident_link as l join finding as f on f.id = l.finding where l.incident::text = ${incident} and l.unlinked_at is null and f.source is not null and ${visibleTo(sql, actor, 'f.scope')}`
        : source !== undefined
          ? sql`select ${source}::inet`
          : undefined
  const about = sources ? sql`source in (${sources})` : sql`true`
  const rows = await sql<(Omit<DelayRecord, 'sum'> & DelaySum)[]>`
    select d.id, d.scope, host(d.source) as source, d.kinds, (extract(epoch from d.at) * 1000)::float8 as at, (extract(epoch from d.until) * 1000)::float8 as until,
      d.reason, d.by, d.session, d.incident, d.ended_at is null and d.until > to_timestamp(${now / 1000}::float8) as active,
      (extract(epoch from d.ended_at) * 1000)::float8 as "endedAt", d.ended_by as "endedBy", s.*
    from (select * from delay where ${about} and ${visibleTo(sql, actor)} order by at desc limit 100) as d
    cross join lateral (select ${sumOf(sql, now)} from delay_hold as h where h.delay = d.id) as s order by d.at desc`
  // Of a session its own connections, of all else those of the sources.
  const held = session === undefined ? about : sql`h.session::text = ${session}`
  const [sum] = await sql<DelaySum[]>`select ${sumOf(sql, now)} from delay_hold as h where ${held} and ${visibleTo(sql, actor, 'h.scope')}`
  return {
    items: rows.map(({ connections, now: open, heldMs, bytesOut, cpuMs, ...row }) => ({ ...row, sum: { connections, now: open, heldMs, bytesOut, cpuMs } })),
    sum: { ...(sum ?? { connections: 0, now: 0, heldMs: 0, bytesOut: 0, cpuMs: 0 }) },
  }
}
