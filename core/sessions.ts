/** Sessions as people see them: lists, one session, its events. */
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import type { SessionSummary } from '@shenlou/contract/records'
import type postgres from 'postgres'
import type { z } from 'zod'
import type { Actor } from './actor.ts'
import { notFound } from './api-error.ts'
import type { Core } from './core.ts'
import { type EventRow, eventColumns, toEvent } from './store/event-rows.ts'
import { countUpTo, inNetworks, isUuid, olderThan, toCursor } from './store/page.ts'
import { visibleTo } from './store/visible.ts'

type Sql = postgres.Sql | postgres.TransactionSql
type Condition = postgres.PendingQuery<postgres.Row[]>

const severities = ['info', 'low', 'medium', 'high', 'critical'] as const

/** Summaries of the sessions under `where`, a condition on the table `session`; techniques, severity and incident come from their findings. */
export async function readSessions(sql: Sql, where: Condition, tail: Condition = sql``): Promise<SessionSummary[]> {
  const rows = await sql<(Omit<SessionSummary, 'severity' | 'live'> & { rank: number | null })[]>`
    select session.id, session.decoy, session.service, session.sensor, session.scope, session.source, session.source_port as "sourcePort", session.destination,
      session.destination_port as "destinationPort", coalesce(relay.name, session.via->>'relay') as via,
      (extract(epoch from session.started_at) * 1000)::float8 as "startedAt", (extract(epoch from session.last_at) * 1000)::float8 as "lastAt",
      (extract(epoch from session.ended_at) * 1000)::float8 as "endedAt", session.adversary, session.user_name as user, session.client, session.hassh,
      session.login_attempts as "loginAttempts", session.logged_in as "loggedIn", session.commands, session.requests, session.files, session.events,
      session.bytes_out as "bytesOut", session.last_action as "lastAction", session.industrial, session.proof, coalesce(seen.techniques, '{}') as techniques, seen.rank, seen.incident,
      (select opened.body->'observed' from event as opened where opened.connection = session.connection and opened.kind = 'connection.opened'
        and opened.sensor = (session.via->>'relay')::uuid
        and opened.time between session.started_at - interval '1 hour' and session.started_at + interval '1 hour' limit 1) as observed
    from session
    left join sensor as relay on relay.id = (session.via->>'relay')::uuid
    left join lateral (
      select (select array_agg(distinct each order by each) from finding_session join finding on finding.id = finding_session.finding, unnest(finding.techniques) as each
          where finding_session.session = session.id) as techniques,
        max(array_position(array['info', 'low', 'medium', 'high', 'critical'], finding.severity)) as rank,
        (array_agg(incident_link.incident order by incident_link.at desc) filter (where incident_link.incident is not null))[1] as incident
      from finding_session join finding on finding.id = finding_session.finding
      left join incident_link on incident_link.finding = finding.id and incident_link.unlinked_at is null
      where finding_session.session = session.id
    ) as seen on true
    where ${where} ${tail}`
  return rows.map(({ rank, ...row }) => ({ ...row, live: row.endedAt === null, severity: severities[(rank ?? 1) - 1] ?? 'info' }))
}

/** Route `sessions`: newest first. `decoy`, `service` and `source` take `!` and commas; `source` takes networks. */
export async function sessions(core: Core, actor: Actor, input: { query: z.output<Routes['sessions']['query']> }): Promise<RouteAnswer<'sessions'>> {
  const { sql } = core
  const { query } = input
  const equal = (column: string, value: string | undefined): Condition => {
    if (value === undefined) return sql`true`
    const not = value.startsWith('!')
    const values = (not ? value.slice(1) : value).split(',')
    return not ? sql`${sql(column)} <> all(${values})` : sql`${sql(column)} = any(${values})`
  }
  const where = sql`${visibleTo(sql, actor, 'session.scope')}
    and ${query.proof === undefined ? sql`not session.proof` : query.proof === 'only' ? sql`session.proof` : sql`true`}
    and ${query.live === undefined ? sql`true` : query.live === 'true' ? sql`session.ended_at is null` : sql`session.ended_at is not null`}
    and ${query.source === undefined ? sql`true` : inNetworks(sql, query.source, sql`nullif(session.source, '')::inet`)}
    and ${equal('session.decoy', query.decoy)} and ${equal('session.service', query.service)}
    and ${query.from === undefined ? sql`true` : sql`session.started_at >= to_timestamp(${query.from}::float8 / 1000)`}
    and ${query.to === undefined ? sql`true` : sql`session.started_at < to_timestamp(${query.to}::float8 / 1000)`}
    and ${
      query.incident === undefined
        ? sql`true`
        : isUuid(query.incident)
          ? sql`exists (select from finding_session join incident_link on incident_link.finding = finding_session.finding and incident_link.unlinked_at is null
              where finding_session.session = session.id and incident_link.incident = ${query.incident})`
          : sql`false`
    }`
  const rows = await readSessions(
    sql,
    sql`${where} and ${olderThan(sql, query.cursor, 'session.started_at', 'session.id')}`,
    sql`order by session.started_at desc, session.id desc limit ${query.limit + 1}`,
  )
  const items = rows.slice(0, query.limit)
  const last = items.at(-1)
  return {
    items,
    next: rows.length > query.limit && last ? toCursor(last.startedAt, last.id) : null,
    total: await countUpTo(sql, sql`select from session where ${where}`),
  }
}

/** Route `session`. */
export async function session(core: Core, actor: Actor, input: { params: { id: string } }): Promise<RouteAnswer<'session'>> {
  const { id } = input.params
  const { sql } = core
  const [row] = isUuid(id) ? await readSessions(sql, sql`session.id = ${id} and ${visibleTo(sql, actor, 'session.scope')}`) : []
  if (!row) throw notFound('session')
  return row
}

/** Route `sessionEvents`: in order of position, from `after` on. */
export async function sessionEvents(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; query: z.output<Routes['sessionEvents']['query']> },
): Promise<RouteAnswer<'sessionEvents'>> {
  const { sql } = core
  const { id } = await session(core, actor, input)
  const { after, limit, terminal } = input.query
  const rows = await sql<EventRow[]>`select ${eventColumns(sql)} from event
    where event.session = ${id} and event.position > ${after} and ${visibleTo(sql, actor, 'event.scope')}
      and ${terminal === 'true' ? sql`true` : sql`event.kind <> 'terminal.data'`}
    order by event.position limit ${limit + 1}`
  return { events: rows.slice(0, limit).map(toEvent), more: rows.length > limit }
}
