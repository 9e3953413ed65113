/** Tickets as people work them: the list, one ticket, and the one door through which it changes. */
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import { escapeText } from '@shenlou/contract/bytes'
import { type Role, roles } from '@shenlou/contract/permissions'
import { timeOf } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import type { z } from 'zod'
import { type Actor, maySee } from '../actor.ts'
import { ApiError, notFound } from '../api-error.ts'
import { appendAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { type Said, sayNotice, tellInboxes } from '../notices.ts'
import { isUuid } from '../store/page.ts'
import { visibleTo } from '../store/visible.ts'
import { linkEvidence, lockTicket, readClock, readTickets, saveTicket, summaryOf, type TicketRow, turnClock, writeActivity } from './rows.ts'
import { type Refusal, type Step, step, type Ticket } from './transitions.ts'

type Tx = postgres.TransactionSql
type Body = z.output<Routes['stepTicket']['body']>

/** Most urgent first: open before closed, then what nobody answered by its deadline, then by severity, newest last. */
const urgency = (sql: postgres.Sql) => sql`order by (t.closed_at is not null), (t.answered_at is not null), (t.state in ('on_hold', 'accepted')),
  case when t.answered_at is null then t.due_at end asc nulls last, array_position(array['critical', 'high', 'medium', 'low', 'info'], t.severity), t.updated_at desc, t.id`

/** Route `tickets`. The cursor is a place in the list, which may shift while people work. */
export async function tickets(core: Core, actor: Actor, input: { query: z.output<Routes['tickets']['query']> }): Promise<RouteAnswer<'tickets'>> {
  const { sql } = core
  const { cursor, limit, state, open, mine, overdue, incident } = input.query
  const now = core.clock()
  if (cursor !== undefined && !/^\d{1,7}$/.test(cursor))
    throw new ApiError(400, 'bad-cursor', 'the cursor is not one that this list gave: start from the first page')
  const start = Number(cursor ?? 0)
  const late = sql`(t.closed_at is null and t.answered_at is null and t.due_at < to_timestamp(${now / 1000}::float8))`
  const choose = (value: 'true' | 'false' | undefined, condition: postgres.PendingQuery<postgres.Row[]>) =>
    value === undefined ? sql`true` : value === 'true' ? condition : sql`not ${condition}`
  const where = sql`${visibleTo(sql, actor, 't.scope')} and ${state === undefined ? sql`true` : sql`t.state = ${state}`}
    and ${choose(open, sql`(t.closed_at is null)`)} and ${choose(mine, sql`(t.assignee is not distinct from ${actor.id})`)} and ${choose(overdue, late)}
    and ${incident === undefined ? sql`true` : isUuid(incident) ? sql`t.incident = ${incident}` : sql`false`}`
  const rows = await readTickets(sql, where, sql`${urgency(sql)} offset ${start} limit ${limit + 1}`)
  const [total] = await sql<{ total: number }[]>`select count(*) as total from ticket as t where ${where}`
  return {
    items: rows.slice(0, limit).map((row) => summaryOf(row, actor, now)),
    next: rows.length > limit ? String(start + limit) : null,
    total: total?.total ?? 0,
  }
}

/** Route `ticket`. */
export async function ticket(core: Core, actor: Actor, input: { params: { id: string } }): Promise<RouteAnswer<'ticket'>> {
  const { sql } = core
  const { id } = input.params
  const [row] = isUuid(id) ? await readTickets(sql, sql`t.id = ${id} and ${visibleTo(sql, actor, 't.scope')}`) : []
  if (!row) throw notFound('ticket')
  const activity = await sql<RouteAnswer<'ticket'>['activity']>`
    select id, (extract(epoch from at) * 1000)::float8 as at, actor, action, from_state as from, to_state as to, comment, detail
    from ticket_activity where ticket = ${id} order by at, id`
  const evidence = await sql<RouteAnswer<'ticket'>['evidence']>`
    select id, kind, target, label, by, (extract(epoch from at) * 1000)::float8 as at, why from ticket_evidence where ticket = ${id} and unlinked_at is null order by at, id`
  const clock = await readClock(sql, id)
  return {
    ticket: summaryOf(row, actor, core.clock()),
    activity: [...activity],
    evidence: [...evidence],
    clock: clock.map(({ from, to, running, why }) => ({ from, to, running, why })),
  }
}

/** The person who may be given a ticket of `scope`: enabled, allowed to work on tickets, and able to see it. */
async function assignable(tx: Tx, id: string | undefined, scope: string): Promise<Step['person']> {
  if (id === undefined || !isUuid(id)) return undefined
  const [row] = await tx<
    { id: string; name: string; role: Role; scopes: string[] }[]
  >`select id, name, role, scopes from person where id = ${id} and not disabled`
  const reader = { kind: 'person', scopes: row?.scopes ?? [] } as unknown as Actor
  return row && roles[row.role].permissions.includes('ticket.work') && maySee(reader, scope) ? { id: row.id, name: row.name } : undefined
}

/** An event lies within a day of the time inside its id, or where its partition was chosen by it: so one partition is read, not all. */
const near = (tx: Tx, id: string) =>
  id[14] === '7'
    ? tx`time between to_timestamp(${timeOf(id.toLowerCase()) / 1000 - 86_401}::float8) and to_timestamp(${timeOf(id.toLowerCase()) / 1000 + 86_401}::float8)`
    : tx`true`

/** What a link to evidence is called; undefined when there is no such thing that the actor may see. */
async function labelOf(tx: Tx, actor: Actor, { kind, target }: { kind: string; target: string }): Promise<string | undefined> {
  if (kind === 'note') return escapeText(target)
  if (!isUuid(target)) return undefined
  const found =
    kind === 'event'
      ? tx<{ label: string }[]>`select kind as label from event where id = ${target} and ${near(tx, target)} and ${visibleTo(tx, actor)} limit 1`
      : kind === 'session'
        ? tx<{ label: string }[]>`select service || ' ' || source as label from session where id = ${target} and ${visibleTo(tx, actor)}`
        : tx<{ label: string }[]>`select title->>'en' as label from finding where id = ${target} and ${visibleTo(tx, actor)}`
  return (await found)[0]?.label
}

const refused = ({ status, rule, message, fields }: Refusal): ApiError =>
  new ApiError(status, `ticket.${rule}`, message, { ...(Object.keys(fields).length > 0 && { fields }) })

const clean = (text: string | undefined): string | undefined => (text === undefined ? undefined : text.replaceAll(/[^\P{Cc}\n\t]|\p{Cs}/gu, '\ufffd'))

/** Route `stepTicket`: the only way a ticket changes by a person's hand. A refusal's code is `ticket.` and the rule that refused. */
export async function stepTicket(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; body: Body; address?: string | null },
): Promise<RouteAnswer<'stepTicket'>> {
  const { id } = input.params
  if (!isUuid(id)) throw notFound('ticket')
  const now = core.clock()
  const said: Said[] = []
  const row = await core.sql.begin(async (tx) => {
    const before = await lockTicket(tx, actor, id)
    if (!before) throw notFound('ticket')
    const given = await lookUp(tx, actor, before, input.body)
    const result = step(before, given, actor, now)
    if (!result.ok) throw refused(result)
    const { detail, notice } = await takeStep(tx, actor, before, result.ticket, given, now)
    if (notice) {
      await sayNotice(tx, notice, now)
      said.push(notice)
    }
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: `ticket.${given.action}`,
      target: id,
      detail: { number: before.number, ...detail },
      scopes: [before.scope],
      at: now,
    })
    const [after] = await readTickets(tx, tx`t.id = ${id}`)
    return after as TicketRow
  })
  core.bus.emit('ticket', { record: summaryOf(row, actor, now), scope: row.scope })
  await tellInboxes(core, said)
  return summaryOf(row, actor, now)
}

async function lookUp(tx: Tx, actor: Actor, before: TicketRow, body: Body): Promise<Step> {
  const { evidence, ticket: otherId, ...rest } = body
  const given: Step = { ...rest, reason: clean(body.reason), comment: clean(body.comment) }
  if (body.assignee !== undefined) given.person = await assignable(tx, body.assignee, before.scope)
  if (otherId !== undefined) {
    given.ticket = otherId
    const number = /^#?(\d{1,12})$/.exec(otherId)?.[1]
    const named = number ? tx`t.number = ${Number(number)}` : isUuid(otherId) ? tx`t.id = ${otherId}` : tx`false`
    const [other] = await readTickets(tx, tx`${named} and ${visibleTo(tx, actor, 't.scope')}`)
    if (other) given.other = { id: other.id, state: other.state, duplicateOf: other.duplicateOf }
  }
  if (evidence) {
    const label = await labelOf(tx, actor, evidence)
    if (label === undefined)
      throw new ApiError(409, 'ticket.evidence', `there is no ${evidence.kind} ${escapeText(evidence.target)} that you may see: link one that exists`, {
        fields: { evidence: 'unknown' },
      })
    given.evidence = { kind: evidence.kind, target: evidence.kind === 'note' ? escapeText(evidence.target) : evidence.target, why: clean(evidence.why) ?? '' }
  }
  return given
}

/** Writes a step that the table allowed: the row, its clock, its evidence, its line of history, and what others are told. */
export async function takeStep(
  tx: Tx,
  actor: Actor,
  before: TicketRow,
  after: Ticket,
  given: Step,
  now: number,
): Promise<{ detail: Record<string, unknown>; notice?: Said }> {
  const detail: Record<string, unknown> = {}
  if (given.reason) detail.reason = given.reason
  if (given.until !== undefined && after.holdUntil !== null) detail.until = given.until
  if (given.person && given.action === 'assign') detail.assignee = given.person
  if (given.other && given.action === 'close_duplicate') detail.duplicateOf = given.other.id
  if (given.evidence) {
    const label = (await labelOf(tx, actor, given.evidence)) ?? given.evidence.target
    detail.evidence = { ...given.evidence, label, id: await linkEvidence(tx, after.id, { ...given.evidence, label, actor }, now) }
  }
  if (given.action === 'unlink' && given.link) {
    await tx`update ticket_evidence set unlinked_at = to_timestamp(${now / 1000}::float8), unlinked_by = ${actor.name} where id = ${given.link} and ticket = ${after.id}`
    detail.link = given.link
  }
  const assigneeName = after.assignee === before.assignee ? before.assigneeName : after.assignee === given.person?.id ? given.person?.name : actor.name
  await saveTicket(tx, after, assigneeName ?? null, now)
  await turnClock(tx, before, after, given.reason ?? given.action, now)
  await writeActivity(tx, after.id, { actor, action: given.action, from: before.state, to: after.state, comment: given.comment ?? null, detail }, now)
  const toOther = given.action === 'assign' && given.person && given.person.id !== actor.id
  const notice: Said | undefined = toOther
    ? {
        kind: 'assigned',
        target: after.id,
        title: { zh: `工单 #${before.number} 已指派给您:${before.title.zh}`, en: `Ticket #${before.number} is yours: ${before.title.en}` },
        link: `/tickets/${after.id}`,
        scope: before.scope,
        person: given.person?.id as string,
      }
    : undefined
  return { detail, ...(notice && { notice }) }
}
