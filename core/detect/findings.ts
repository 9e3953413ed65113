/** Findings as people see them. */
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import type { FindingSummary } from '@shenlou/contract/records'
import type postgres from 'postgres'
import type { z } from 'zod'
import type { Actor } from '../actor.ts'
import { notFound } from '../api-error.ts'
import type { Core } from '../core.ts'
import { countUpTo, isUuid, olderThan, toCursor } from '../store/page.ts'
import { visibleTo } from '../store/visible.ts'
import { techniqueNamed } from './techniques.ts'

type Sql = postgres.Sql | postgres.TransactionSql
type Condition = postgres.PendingQuery<postgres.Row[]>

/** Findings under a condition on the table `f`. */
export async function readFindings(sql: Sql, where: Condition, tail: Condition = sql``): Promise<FindingSummary[]> {
  const rows = await sql<(Omit<FindingSummary, 'techniques'> & { techniques: string[] })[]>`
    select f.id, f.rule, f.rule_version as "ruleVersion", f.title, f.reason, f.severity, f.confidence, f.techniques, f.scope, f.source, f.decoy, f.session, f.sensor, f.origin,
      f.product, f.known_scanner as "knownScanner", (extract(epoch from f.first_at) * 1000)::float8 as "firstAt", (extract(epoch from f.last_at) * 1000)::float8 as "lastAt",
      f.count, (select l.incident from incident_link as l where l.finding = f.id and l.unlinked_at is null) as incident,
      coalesce((select jsonb_agg(jsonb_build_object('event', e.event, 'session', e.session, 'time', (extract(epoch from e.time) * 1000)::float8, 'field', e.field,
        'value', e.value, 'why', e.why) order by e.number) from finding_evidence as e where e.finding = f.id), '[]') as evidence
    from finding as f where ${where} ${tail}`
  return rows.map((row) => ({ ...row, techniques: row.techniques.map(techniqueNamed) }))
}

/** Route `findings`: last active first. */
export async function findings(core: Core, actor: Actor, input: { query: z.output<Routes['findings']['query']> }): Promise<RouteAnswer<'findings'>> {
  const { sql } = core
  const { incident, session, rule, technique, cursor, limit } = input.query
  const byId = (id: string | undefined, condition: (id: string) => Condition): Condition =>
    id === undefined ? sql`true` : isUuid(id) ? condition(id) : sql`false`
  const where = sql`${visibleTo(sql, actor, 'f.scope')}
    and ${byId(incident, (id) => sql`exists (select from incident_link as l where l.finding = f.id and l.unlinked_at is null and l.incident = ${id})`)}
    and ${byId(session, (id) => sql`exists (select from finding_session as s where s.finding = f.id and s.session = ${id})`)}
    and ${rule === undefined ? sql`true` : sql`f.rule = ${rule}`} and ${technique === undefined ? sql`true` : sql`f.techniques @> ${[technique]}::text[]`}`
  const rows = await readFindings(
    sql,
    sql`${where} and ${olderThan(sql, cursor, 'f.last_at', 'f.id')}`,
    sql`order by f.last_at desc, f.id desc limit ${limit + 1}`,
  )
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return {
    items,
    next: rows.length > limit && last ? toCursor(last.lastAt, last.id) : null,
    total: await countUpTo(sql, sql`select from finding as f where ${where}`),
  }
}

/** Route `finding`. */
export async function finding(core: Core, actor: Actor, input: { params: { id: string } }): Promise<RouteAnswer<'finding'>> {
  const { sql } = core
  const { id } = input.params
  const [row] = isUuid(id) ? await readFindings(sql, sql`f.id = ${id} and ${visibleTo(sql, actor, 'f.scope')}`) : []
  if (!row) throw notFound('finding')
  return row
}
