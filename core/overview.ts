/** The first page: what changed, what does it touch, what do I do next. Every figure is the length of the list that it links to. */
import type { RouteAnswer } from '@shenlou/contract/api'
import type { Permission } from '@shenlou/contract/permissions'
import type postgres from 'postgres'
import type { Actor } from './actor.ts'
import type { Core } from './core.ts'
import { techniqueNamed } from './detect/techniques.ts'
import { eventsUnder } from './events.ts'
import { incidents } from './correlate/incidents.ts'
import { writerOf } from './ingest/writer.ts'
import { sensors } from './sensors/registry.ts'
import { visibleTo } from './store/visible.ts'
import { tickets } from './tickets/tickets.ts'

type Overview = RouteAnswer<'overview'>
type Figure = Overview['figures'][number]
type Tx = postgres.TransactionSql

const day = 86_400_000
const minute = 60_000
/** Longest that the counts over events may take. Milliseconds. */
const patience = 20_000

/** Route `overview`. What the actor may not read is left out. */
export async function overview(core: Core, actor: Actor, _input: unknown): Promise<Overview> {
  const may = (permission: Permission) => actor.permissions.has(permission)
  const clock = core.clock()
  const [captured, live, work, troubles, latest] = await Promise.all([
    may('event.read') ? capturedFor(core, actor) : undefined,
    liveSessions(core, actor),
    may('ticket.read') ? ticketWork(core, actor) : undefined,
    may('sensor.read') ? sensorProblems(core, actor) : undefined,
    may('incident.read') ? incidents(core, actor, { query: { limit: 6 } }) : undefined,
  ])
  const { rate = [], services = [], sources = [], techniques = [] } = captured ?? {}
  const incidentsMayShow = may('incident.read')
  return {
    clock,
    figures: [live, ...(work?.figures ?? []), ...(captured?.figures ?? []), ...(troubles ? [troubles] : [])],
    rate,
    services,
    sources: incidentsMayShow ? sources : sources.map((row) => ({ ...row, incident: null })),
    techniques: incidentsMayShow ? techniques : [],
    next: work?.next ?? [],
    incidents: latest?.items ?? [],
  }
}

async function liveSessions({ sql }: Core, actor: Actor): Promise<Figure> {
  const [row] = await sql<{ value: number }[]>`select count(*) as value from session where ended_at is null and not proof and ${visibleTo(sql, actor)}`
  return { key: 'live-sessions', value: row?.value ?? 0, before: null, link: '/sessions?live=true' }
}

async function sensorProblems(core: Core, actor: Actor): Promise<Figure> {
  const { items } = await sensors(core, actor)
  return { key: 'sensor-problems', value: items.filter(({ problems }) => problems.length > 0).length, before: null, link: '/sensors' }
}

async function ticketWork(core: Core, actor: Actor): Promise<{ figures: Figure[]; next: Overview['next'] }> {
  const list = (query: { open?: 'true'; mine?: 'true'; overdue?: 'true' }, limit = 1) => tickets(core, actor, { query: { ...query, limit } })
  const [open, mine, overdue] = await Promise.all([list({ open: 'true' }, 8), list({ open: 'true', mine: 'true' }), list({ overdue: 'true' })])
  return {
    figures: [
      { key: 'open-tickets', value: open.total ?? 0, before: null, link: '/tickets?open=true' },
      { key: 'my-tickets', value: mine.total ?? 0, before: null, link: '/tickets?open=true&mine=true' },
      { key: 'overdue-tickets', value: overdue.total ?? 0, before: null, link: '/tickets?overdue=true' },
    ],
    next: open.items,
  }
}

type Captured = Pick<Overview, 'figures' | 'rate' | 'services' | 'sources' | 'techniques'>
const kept = new WeakMap<Core, Map<string, { until: number; captured: Promise<Captured> }>>()

/**
 * What was captured in the last day. Counting a day of events costs, and many people look at once: readers of equal scopes share
 * one count, which is kept for twenty times as long as it took, between 1 and 60 s.
 */
function capturedFor(core: Core, actor: Actor): Promise<Captured> {
  const shelf = kept.get(core) ?? new Map<string, { until: number; captured: Promise<Captured> }>()
  kept.set(core, shelf)
  const key = JSON.stringify([actor.kind === 'system', actor.scopes])
  const now = performance.now()
  for (const [other, { until }] of shelf) if (until <= now) shelf.delete(other)
  const found = shelf.get(key)
  if (found) return found.captured
  const entry = { until: Number.POSITIVE_INFINITY, captured: countCaptured(core, actor) }
  shelf.set(key, entry)
  entry.captured.then(
    () => {
      const done = performance.now()
      entry.until = done + Math.min(Math.max(20 * (done - now), 1000), 60_000)
    },
    () => shelf.delete(key),
  )
  return entry.captured
}

async function countCaptured(core: Core, actor: Actor): Promise<Captured> {
  const to = Math.floor(core.clock())
  const from = to - day
  const newest = (await writerOf(core)).positions.watermark()
  return (await core.sql.begin('read only', async (tx) => {
    await tx`select set_config('statement_timeout', ${String(patience)}, true)`
    return {
      figures: await eventFigures(tx, actor, newest, from, to),
      rate: await eventRate(tx, actor, newest, to),
      services: await tx<Overview['services']>`
        select service, count(*) as sessions from session where ${visibleTo(tx, actor)} and not proof and ${inWindow(tx, 'started_at', from, to)}
        group by service order by sessions desc, service limit 12`,
      sources: await topSources(tx, actor, newest, from, to),
      techniques: await topTechniques(tx, actor, from),
    }
  })) as Captured
}

const inWindow = (tx: Tx, column: string, from: number, to: number) =>
  tx`${tx(column)} >= to_timestamp(${from}::float8 / 1000) and ${tx(column)} < to_timestamp(${to}::float8 / 1000)`

async function eventFigures(tx: Tx, actor: Actor, newest: number, from: number, to: number): Promise<Figure[]> {
  const count = async (first: number, end: number) => {
    const [row] = await tx<{ events: number; sources: number; logins: number }[]>`
      select count(*) as events, count(distinct source_ip) as sources, count(*) filter (where kind = 'login.attempted') as logins
      from event where ${eventsUnder(tx, actor, { from: first, to: end })} and position <= ${newest}`
    return row ?? { events: 0, sources: 0, logins: 0 }
  }
  const [now, before] = [await count(from, to), await count(from - day, from)]
  const window = `from=${from}&to=${to}`
  return [
    { key: 'events-24h', value: now.events, before: before.events, link: `/events?${window}` },
    { key: 'sources-24h', value: now.sources, before: before.sources, link: `/events?${window}` },
    { key: 'logins-24h', value: now.logins, before: before.logins, link: `/events?kind=login.attempted&${window}` },
  ]
}

/** Events a minute over the last 60 minutes, the running one last. */
async function eventRate(tx: Tx, actor: Actor, newest: number, to: number): Promise<Overview['rate']> {
  const last = Math.floor(to / minute) * minute
  const first = last - 59 * minute
  const rows = await tx<{ at: number; count: number }[]>`
    select floor(extract(epoch from time) / 60)::bigint * 60000 as at, count(*) as count
    from event where ${eventsUnder(tx, actor, { from: first, to: last + minute })} and position <= ${newest} group by at`
  const counts = new Map(rows.map((row) => [row.at, row.count]))
  return Array.from({ length: 60 }, (_, n): [number, number] => [first + n * minute, counts.get(first + n * minute) ?? 0])
}

async function topSources(tx: Tx, actor: Actor, newest: number, from: number, to: number): Promise<Overview['sources']> {
  const rows = await tx<{ source: string; events: number; sessions: number }[]>`
    select host(source_ip) as source, count(*) as events, count(distinct session) as sessions
    from event where ${eventsUnder(tx, actor, { from, to })} and position <= ${newest} and source_ip is not null
    group by source_ip order by events desc, source limit 8`
  const links = await tx<{ source: string; incident: string }[]>`
    select distinct on (finding.source) finding.source, incident_link.incident
    from finding join incident_link on incident_link.finding = finding.id and incident_link.unlinked_at is null
    where finding.source = any(${rows.map(({ source }) => source)}::text[]) and ${visibleTo(tx, actor, 'finding.scope')}
    order by finding.source, finding.last_at desc`
  const incidentOf = new Map(links.map(({ source, incident }) => [source, incident]))
  return rows.map((row) => ({ ...row, incident: incidentOf.get(row.source) ?? null }))
}

async function topTechniques(tx: Tx, actor: Actor, from: number): Promise<Overview['techniques']> {
  const rows = await tx<{ technique: string; findings: number }[]>`
    select technique, count(*) as findings from finding, unnest(techniques) as technique
    where ${visibleTo(tx, actor)} and last_at >= to_timestamp(${from}::float8 / 1000)
    group by technique order by findings desc, technique limit 10`
  return rows.map(({ technique, findings }) => ({ technique, name: techniqueNamed(technique).name, findings }))
}
