/** Incidents as people see and change them. All they show is taken from findings that the reader may see. */
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import type { IncidentSummary } from '@shenlou/contract/records'
import type postgres from 'postgres'
import type { z } from 'zod'
import type { Actor } from '../actor.ts'
import { ApiError, notFound } from '../api-error.ts'
import { appendAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { countUpTo, isUuid, olderThan, toCursor } from '../store/page.ts'
import { visibleTo } from '../store/visible.ts'
import { followIncidents, followMerge, followSplit, type IncidentNews, tellTickets } from '../tickets/automatic.ts'
import { mergeRows } from './correlate.ts'
import {
  type IncidentRow,
  insertIncident,
  linkFindings,
  lockIncidents,
  readIncidents,
  refreshIncident,
  saveIncident,
  unlinkFindings,
  writeHistory,
} from './incident-rows.ts'

type Tx = postgres.TransactionSql
type Sql = postgres.Sql | Tx
type Condition = postgres.PendingQuery<postgres.Row[]>

/** Incidents under a condition on the table `i`, with what `seen`, a condition on the findings `f`, lets through. */
export async function readSummaries(sql: Sql, where: Condition, seen: Condition, tail: Condition = sql``): Promise<IncidentSummary[]> {
  return sql<IncidentSummary[]>`
    select i.id, i.number, i.title, i.severity, i.scope, (extract(epoch from i.first_at) * 1000)::float8 as "firstAt", (extract(epoch from i.last_at) * 1000)::float8 as "lastAt",
      i.merged_into as "mergedInto", i.known_scanner as "knownScanner", (select t.id from ticket as t where t.incident = i.id) as ticket,
      coalesce(s.sources, '{}') as sources, coalesce(s.decoys, '{}') as decoys, coalesce(s.products, '{}') as products, s.findings, s.events,
      coalesce((select array_agg(distinct technique order by technique) from incident_link as l join finding as f on f.id = l.finding and ${seen}, unnest(f.techniques) as technique
        where l.incident = i.id and l.unlinked_at is null), '{}') as techniques,
      (select count(distinct fs.session) from incident_link as l join finding as f on f.id = l.finding and ${seen} join finding_session as fs on fs.finding = f.id
        where l.incident = i.id and l.unlinked_at is null) as sessions
    from incident as i left join lateral (
      select array_agg(distinct f.source) filter (where f.source is not null) as sources, array_agg(distinct f.decoy) filter (where f.decoy is not null) as decoys,
        array_agg(distinct f.product) filter (where f.product is not null) as products, count(*) as findings, coalesce(sum(f.count), 0)::bigint as events
      from incident_link as l join finding as f on f.id = l.finding and ${seen} where l.incident = i.id and l.unlinked_at is null
    ) as s on true
    where ${where} ${tail}`
}

const summaryFor = async (sql: Sql, actor: Actor, id: string): Promise<IncidentSummary> => {
  const [row] = isUuid(id) ? await readSummaries(sql, sql`i.id = ${id} and ${visibleTo(sql, actor, 'i.scope')}`, visibleTo(sql, actor, 'f.scope')) : []
  if (!row) throw notFound('incident')
  return row
}

/** Route `incidents`: last active first. Incidents that were merged away are reached through the one they went to. */
export async function incidents(core: Core, actor: Actor, input: { query: z.output<Routes['incidents']['query']> }): Promise<RouteAnswer<'incidents'>> {
  const { sql } = core
  const { cursor, limit, source, severity, open } = input.query
  const isOpen = sql`exists (select from ticket as t where t.incident = i.id and t.closed_at is null)`
  const where = sql`${visibleTo(sql, actor, 'i.scope')} and i.merged_into is null and ${severity === undefined ? sql`true` : sql`i.severity = ${severity}`}
    and ${open === undefined ? sql`true` : open === 'true' ? isOpen : sql`not ${isOpen}`}
    and ${
      source === undefined
        ? sql`true`
        : sql`exists (select from incident_link as l join finding as f on f.id = l.finding and ${visibleTo(sql, actor, 'f.scope')}
            where l.incident = i.id and l.unlinked_at is null and f.source = ${source})`
    }`
  const rows = await readSummaries(
    sql,
    sql`${where} and ${olderThan(sql, cursor, 'i.last_at', 'i.id')}`,
    visibleTo(sql, actor, 'f.scope'),
    sql`order by i.last_at desc, i.id desc limit ${limit + 1}`,
  )
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return {
    items,
    next: rows.length > limit && last ? toCursor(last.lastAt, last.id) : null,
    total: await countUpTo(sql, sql`select from incident as i where ${where}`),
  }
}

/** Route `incident`: with every value that its findings share, and why each finding belongs to it. */
export async function incident(core: Core, actor: Actor, input: { params: { id: string } }): Promise<RouteAnswer<'incident'>> {
  const { sql } = core
  const { id } = input.params
  const summary = await summaryFor(sql, actor, id)
  const identities = await sql<RouteAnswer<'incident'>['identities']>`
    select distinct on (v.kind, v.value) v.kind, v.value, (extract(epoch from v.first_at) * 1000)::float8 as since, l.finding, l.by,
      case when not v.joins then 'too common to join by' when l.identity_kind = v.kind and l.identity_value = v.value then l.why
        else (select count(*) from incident_link as o join finding_identity as w on w.finding = o.finding and w.kind = v.kind and w.value = v.value
          where o.incident = ${id} and o.unlinked_at is null) || ' findings show it' end as why
    from incident_link as l join finding as f on f.id = l.finding and ${visibleTo(sql, actor, 'f.scope')} join finding_identity as v on v.finding = l.finding
    where l.incident = ${id} and l.unlinked_at is null
    order by v.kind, v.value, (l.identity_kind = v.kind and l.identity_value = v.value) desc nulls last, v.first_at limit 500`
  const history = await sql<RouteAnswer<'incident'>['history']>`
    select (extract(epoch from at) * 1000)::float8 as at, actor, action, detail from incident_history where incident = ${id} order by at, id`
  return { incident: summary, identities: [...identities], history: [...history] }
}

/** Two incidents that `actor` may see and that are not merged away, locked against the rules that join. */
async function locked(tx: Tx, actor: Actor, id: string): Promise<IncidentRow> {
  const [visible] = isUuid(id) ? await tx`select from incident where id = ${id} and ${visibleTo(tx, actor)}` : []
  const [row] = visible ? await readIncidents(tx, [id]) : []
  if (!row) throw notFound('incident')
  if (row.mergedInto) throw new ApiError(409, 'incident.merged', `incident #${row.number} was merged into another: act on that one`)
  return row
}

const common = (one: string, other: string): string => {
  const parts = one.split('/')
  const theirs = other.split('/')
  const at = parts.findIndex((part, index) => part !== theirs[index])
  return (at < 0 ? parts : parts.slice(0, at)).join('/')
}

/** Tells the live channel how incidents are now; each as one sees it who may see just its scope. */
export async function tellIncidents(core: Core, ids: Iterable<string>): Promise<void> {
  const wanted = [...ids]
  if (wanted.length === 0) return
  const { sql } = core
  const rows = await readSummaries(sql, sql`i.id = any(${wanted}::uuid[])`, sql`(f.scope = i.scope or f.scope like i.scope || '/%')`)
  for (const record of rows) core.bus.emit('incident', { record, scope: record.scope })
}

/** Route `mergeIncidents`: the other's findings move here. Its row and ticket stay, and point here. */
export async function mergeIncidents(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; body: { other: string; why: string }; address?: string | null },
): Promise<RouteAnswer<'mergeIncidents'>> {
  const { id } = input.params
  const { other, why } = input.body
  if (id === other) throw new ApiError(409, 'incident.itself', 'an incident cannot be merged into itself: name another')
  const now = core.clock()
  const tickets = await core.sql.begin(async (tx) => {
    await lockIncidents(tx)
    const stays = await locked(tx, actor, id)
    const goes = await locked(tx, actor, other)
    const places = [stays.scope, goes.scope]
    const scope = common(stays.scope, goes.scope)
    const apart = stays.scope !== goes.scope && scope !== stays.scope && scope !== goes.scope
    if (apart && scope === '')
      throw new ApiError(409, 'incident.unrelated', `${stays.scope} and ${goes.scope} have nothing above them in common: they stay two incidents`)
    await tx`delete from incident_apart where (one = ${id} and other = ${other}) or (one = ${other} and other = ${id})`
    await mergeRows(tx, stays, goes, { by: actor.name, why }, now)
    // Across two branches only who sees both may see the whole.
    if (apart) Object.assign(stays, { scope, wide: true })
    await saveIncident(tx, stays)
    const changed = await followMerge(tx, id, other, now)
    await tx`update ticket set scope = ${stays.scope} where incident = ${id}`
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: 'incident.merge',
      target: id,
      detail: { other, why, number: stays.number, otherNumber: goes.number },
      scopes: places,
      at: now,
    })
    return changed
  })
  await tellIncidents(core, [id, other])
  await tellTickets(core, { tickets, said: [] })
  return summaryFor(core.sql, actor, id)
}

/**
 * Route `splitIncident`: moves findings out and keeps the two apart. When they are all that came from one merged incident, that incident and
 * its ticket live again; else a new one begins.
 */
export async function splitIncident(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; body: { findings: string[]; why: string }; address?: string | null },
): Promise<RouteAnswer<'splitIncident'>> {
  const { id } = input.params
  const { why } = input.body
  const findings = [...new Set(input.body.findings)]
  const now = core.clock()
  const { target, tickets } = await core.sql.begin(async (tx) => {
    await lockIncidents(tx)
    const from = await locked(tx, actor, id)
    const links = await tx<{ finding: string; mergedFrom: string | null }[]>`select finding, merged_from as "mergedFrom" from incident_link
      where incident = ${id} and unlinked_at is null`
    const held = new Set(links.map((link) => link.finding))
    const missing = findings.find((finding) => !held.has(finding))
    if (missing)
      throw new ApiError(409, 'incident.not-here', `finding ${isUuid(missing) ? missing : 'named'} is not part of incident #${from.number}: look again`)
    if (findings.length === held.size) throw new ApiError(409, 'incident.all', 'these are all of its findings: leave at least one')
    const origin = originOf(links, new Set(findings))
    await unlinkFindings(tx, id, findings, actor.name, why, now)
    const other = origin ? await revive(tx, origin) : await begin(tx, findings, from, now)
    await linkFindings(tx, other.id, findings, { by: actor.name, why: `split from #${from.number}: ${why}` }, now)
    await refreshIncident(tx, id)
    await refreshIncident(tx, other.id)
    const [one, two] = id < other.id ? [id, other.id] : [other.id, id]
    await tx`insert into incident_apart (one, other, by, why, at) values (${one}, ${two}, ${actor.name}, ${why}, to_timestamp(${now / 1000}::float8)) on conflict do nothing`
    await writeHistory(tx, id, actor.name, 'split', { other: other.id, number: other.number, findings: findings.length, why }, now)
    await writeHistory(tx, other.id, actor.name, 'split-off', { other: id, number: from.number, findings: findings.length, why }, now)
    const changed = origin
      ? await followSplit(tx, other.id, `split from incident #${from.number}: ${why}`, now)
      : (await followIncidents(tx, await asChange(tx, other.id, findings), now)).tickets
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: 'incident.split',
      target: id,
      detail: { other: other.id, findings, why, number: from.number },
      scopes: [from.scope],
      at: now,
    })
    return { target: other.id, tickets: changed }
  })
  await tellIncidents(core, [id, target])
  await tellTickets(core, { tickets, said: [] })
  return summaryFor(core.sql, actor, target)
}

/** The merged incident that exactly these findings came from. */
function originOf(links: readonly { finding: string; mergedFrom: string | null }[], findings: ReadonlySet<string>): string | undefined {
  const origins = new Set(links.filter((link) => findings.has(link.finding)).map((link) => link.mergedFrom))
  const [origin] = origins
  if (origins.size !== 1 || !origin) return undefined
  return links.every((link) => link.mergedFrom !== origin || findings.has(link.finding)) ? origin : undefined
}

async function revive(tx: Tx, id: string): Promise<IncidentRow> {
  const [row] = await readIncidents(tx, [id])
  if (!row) throw notFound('incident')
  row.mergedInto = null
  await saveIncident(tx, row)
  return row
}

async function begin(tx: Tx, findings: readonly string[], from: IncidentRow, now: number): Promise<IncidentRow> {
  const [best] = await tx<{ title: IncidentRow['title']; source: string | null; scope: string; severity: IncidentRow['severity'] }[]>`
    select title, source, scope, severity from finding where id = any(${[...findings]}::uuid[])
    order by array_position(array['critical', 'high', 'medium', 'low', 'info'], severity), length(scope) desc limit 1`
  const title = best?.source ? { zh: `${best.title.zh}(${best.source})`, en: `${best.title.en} (${best.source})` } : (best?.title ?? from.title)
  return insertIncident(
    tx,
    { scope: best?.scope ?? from.scope, severity: best?.severity ?? from.severity, title, firstAt: from.firstAt, lastAt: from.lastAt, known: from.known },
    now,
  )
}

/** A new incident as the ticket rules see one that a batch made. */
async function asChange(tx: Tx, id: string, findings: readonly string[]): Promise<IncidentNews[]> {
  const [incident] = await readIncidents(tx, [id])
  const touched = await tx<{ id: string; title: IncidentRow['title']; lastAt: number; opens: boolean }[]>`select id, title, 0 as "lastAt", false as opens
    from finding where id = any(${[...findings]}::uuid[]) order by array_position(array['critical', 'high', 'medium', 'low', 'info'], severity), first_at`
  return incident ? [{ incident, touched, merged: [] }] : []
}
