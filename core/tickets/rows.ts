/** Tickets in the database: reading one for a step, writing what a step changed, its clock and its record for people. */

import type { Severity } from '@shenlou/contract/primitives'
import type { TicketState, TicketSummary } from '@shenlou/contract/records'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import type { Actor } from '../actor.ts'
import { visibleTo } from '../store/visible.ts'
import { answerPolicy } from './calendars.ts'
import { dueAt, type Segment } from './clock.ts'
import { allowedActions, isClosed, type Loop, type Ticket } from './transitions.ts'

type Tx = postgres.TransactionSql
type Sql = postgres.Sql | Tx

/** A ticket as the table holds it: what `step` knows, and what people see. */
export interface TicketRow extends Ticket {
  number: number
  severity: Severity
  title: { zh: string; en: string }
  scope: string
  assigneeName: string | null
  incident: string | null
  createdAt: number
  updatedAt: number
  dueAt: number | null
}

const columns = (sql: Sql) => sql`t.id, t.number, t.loop, t.state, t.previous_state as "previousState", t.severity, t.title, t.scope, t.assignee,
  t.assignee_name as "assigneeName", t.incident, t.duplicate_of as "duplicateOf", t.reopened, t.version, (extract(epoch from t.hold_until) * 1000)::float8 as "holdUntil",
  (extract(epoch from t.created_at) * 1000)::float8 as "createdAt", (extract(epoch from t.updated_at) * 1000)::float8 as "updatedAt",
  (extract(epoch from t.opened_at) * 1000)::float8 as "openedAt", (extract(epoch from t.answered_at) * 1000)::float8 as "answeredAt",
  (extract(epoch from t.closed_at) * 1000)::float8 as "closedAt", (extract(epoch from t.due_at) * 1000)::float8 as "dueAt",
  coalesce((select jsonb_agg(jsonb_build_object('id', e.id, 'by', e.by_id, 'at', (extract(epoch from e.at) * 1000)::float8) order by e.at, e.id)
    from ticket_evidence as e where e.ticket = t.id and e.unlinked_at is null), '[]') as evidence`

/** Tickets under a condition on the table `t`. */
export const readTickets = (
  sql: Sql,
  where: postgres.PendingQuery<postgres.Row[]>,
  tail: postgres.PendingQuery<postgres.Row[]> = sql``,
): Promise<TicketRow[]> => sql<TicketRow[]>`select ${columns(sql)} from ticket as t where ${where} ${tail}`

/** One ticket that `actor` may see, locked until the transaction ends. */
export async function lockTicket(tx: Tx, actor: Actor, id: string): Promise<TicketRow | undefined> {
  const [row] = await readTickets(tx, tx`t.id = ${id} and ${visibleTo(tx, actor, 't.scope')}`, tx`for update of t`)
  return row
}

/** Late: nobody has answered, it is open, and its deadline lies behind `now`. */
export const isOverdue = (row: Pick<TicketRow, 'state' | 'answeredAt' | 'dueAt'>, now: number): boolean =>
  !isClosed(row.state) && row.answeredAt === null && row.dueAt !== null && row.dueAt < now

/** The record that the API and the live channel show. `actor` decides the actions. */
export const summaryOf = (row: TicketRow, actor: Actor, now: number): TicketSummary => ({
  id: row.id,
  number: row.number,
  loop: row.loop,
  state: row.state,
  severity: row.severity,
  title: row.title,
  scope: row.scope,
  assignee: row.assignee ? { id: row.assignee, name: row.assigneeName ?? row.assignee } : null,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  closedAt: row.closedAt,
  dueAt: row.dueAt,
  answeredAt: row.answeredAt,
  overdue: isOverdue(row, now),
  incident: row.incident,
  version: row.version,
  actions: allowedActions(row, actor),
})

const at = (sql: Sql, time: number | null) => (time === null ? sql`null` : sql`to_timestamp(${time / 1000}::float8)`)

/** A new ticket of `loop` with its clock running. */
export async function insertTicket(
  tx: Tx,
  given: { loop: Loop; severity: Severity; title: { zh: string; en: string }; scope: string; incident: string | null },
  now: number,
): Promise<string> {
  const id = uuidv7()
  await tx`insert into ticket (id, loop, state, severity, title, scope, incident, created_at, updated_at, opened_at)
    values (${id}, ${given.loop}, 'new', ${given.severity}, ${tx.json(given.title)}, ${given.scope}, ${given.incident}, ${at(tx, now)}, ${at(tx, now)}, ${at(tx, now)})`
  await startClock(tx, id, true, 'opened', now)
  await refreshDue(tx, id)
  return id
}

/** Writes what a step changed. */
export async function saveTicket(tx: Tx, ticket: Ticket, assigneeName: string | null, now: number): Promise<void> {
  await tx`update ticket set state = ${ticket.state}, previous_state = ${ticket.previousState}, assignee = ${ticket.assignee}, assignee_name = ${assigneeName},
    duplicate_of = ${ticket.duplicateOf}, hold_until = ${at(tx, ticket.holdUntil)}, reopened = ${ticket.reopened}, version = ${ticket.version}, updated_at = ${at(tx, now)},
    opened_at = ${at(tx, ticket.openedAt)}, answered_at = ${at(tx, ticket.answeredAt)}, closed_at = ${at(tx, ticket.closedAt)},
    late_noticed = late_noticed and ${ticket.reopened} = reopened where id = ${ticket.id}`
}

export interface Activity {
  actor: Pick<Actor, 'kind' | 'id' | 'name'>
  action: string
  from?: TicketState | null
  to?: TicketState | null
  comment?: string | null
  detail?: Record<string, unknown>
}

/** One line of the ticket's history; never changed afterwards. */
export async function writeActivity(tx: Tx, ticket: string, given: Activity, now: number): Promise<void> {
  const { actor, action, from = null, to = null, comment = null, detail = {} } = given
  await tx`insert into ticket_activity (id, ticket, at, actor_id, actor, action, from_state, to_state, comment, detail)
    values (${uuidv7()}, ${ticket}, ${at(tx, now)}, ${actor.id}, ${actor.name}, ${action}, ${from}, ${to}, ${comment}, ${tx.json(detail as never)})`
}

/** Links evidence and answers the link's id. */
export async function linkEvidence(
  tx: Tx,
  ticket: string,
  given: { kind: string; target: string; label: string; why: string; actor: Pick<Actor, 'id' | 'name'> },
  now: number,
): Promise<string> {
  const id = uuidv7()
  await tx`insert into ticket_evidence (id, ticket, kind, target, label, by_id, by, at, why)
    values (${id}, ${ticket}, ${given.kind}, ${given.target}, ${given.label}, ${given.actor.id}, ${given.actor.name}, ${at(tx, now)}, ${given.why})`
  return id
}

async function startClock(tx: Tx, ticket: string, running: boolean, why: string, now: number): Promise<void> {
  const { id, calendar, budgetMs } = answerPolicy
  await tx`insert into ticket_clock (id, ticket, started, running, why, calendar, policy, budget_ms)
    values (${uuidv7()}, ${ticket}, ${at(tx, now)}, ${running}, ${why}, ${calendar}, ${id}, ${budgetMs})`
}

/** Ends the segment at hand and begins the one that the new state calls for: none once closed, a standing one while on hold. */
export async function turnClock(tx: Tx, before: Ticket, after: Ticket, why: string, now: number): Promise<void> {
  if (before.state === after.state) return
  const stands = (state: TicketState): boolean => state === 'on_hold' || state === 'accepted'
  const same = !isClosed(before.state) && !isClosed(after.state) && stands(before.state) === stands(after.state)
  if (!same) {
    await tx`update ticket_clock set stopped = ${at(tx, now)} where ticket = ${after.id} and stopped is null`
    if (!isClosed(after.state)) await startClock(tx, after.id, !stands(after.state), why, now)
  }
  await refreshDue(tx, after.id)
}

/** The segments of a ticket's clock; of its present round only, since it was last opened, with `round`. */
export async function readClock(sql: Sql, ticket: string, round?: number): Promise<(Segment & { budgetMs: number; policy: string })[]> {
  return sql<(Segment & { budgetMs: number; policy: string })[]>`
    select (extract(epoch from started) * 1000)::float8 as from, (extract(epoch from stopped) * 1000)::float8 as to, running, why, calendar, policy, budget_ms as "budgetMs"
    from ticket_clock where ticket = ${ticket} and ${round === undefined ? sql`true` : sql`started >= to_timestamp(${round / 1000}::float8)`} order by started, id`
}

/** Derives the deadline again from the clock's rows and keeps it for sorting. */
async function refreshDue(tx: Tx, id: string): Promise<void> {
  const [row] = await tx<{ opened: number }[]>`select (extract(epoch from opened_at) * 1000)::float8 as opened from ticket where id = ${id}`
  // One microsecond of slack: a time that went through the database may have lost a fraction.
  const segments = await readClock(tx, id, (row?.opened ?? 0) - 0.01)
  const due = dueAt(segments, segments[0]?.budgetMs ?? answerPolicy.budgetMs)
  await tx`update ticket set due_at = ${at(tx, due)} where id = ${id}`
}
