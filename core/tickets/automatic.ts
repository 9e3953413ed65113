/** What the product does to tickets by itself: opening one for an incident, raising, calling back, following merges, ending holds. */
import type { Severity } from '@shenlou/contract/primitives'
import type postgres from 'postgres'
import { systemActor } from '../actor.ts'
import type { Core } from '../core.ts'
import { type Said, sayNotice, tellInboxes } from '../notices.ts'
import { insertTicket, linkEvidence, readTickets, summaryOf, type TicketRow, writeActivity } from './rows.ts'
import { rank } from './severity.ts'
import { takeStep } from './tickets.ts'
import { isClosed, type Step, step } from './transitions.ts'

type Tx = postgres.TransactionSql

/** What a batch of findings did to one incident, as far as its ticket goes. */
export interface IncidentNews {
  incident: { id: string; number: number; severity: Severity; title: { zh: string; en: string }; scope: string }
  /** Findings of the batch in it, the strongest first. Times in milliseconds since 1970 UTC. */
  touched: readonly { id: string; title: { zh: string; en: string }; lastAt: number; opens: boolean }[]
  /** Incidents that were merged into it. */
  merged: readonly string[]
}

/** Which tickets a batch changed, and what inboxes were told. */
export interface TicketChanges {
  tickets: Set<string>
  said: Said[]
}

const noticeOf = (row: Pick<TicketRow, 'id' | 'number' | 'title' | 'scope'>, zh: string, en: string): Said => ({
  kind: 'ticket',
  target: row.id,
  title: { zh: `${zh} #${row.number}:${row.title.zh}`, en: `${en} #${row.number}: ${row.title.en}` },
  link: `/tickets/${row.id}`,
  scope: row.scope,
})

/** Lets each changed incident have its one ticket, as severe as itself, and calls back what was closed as fixed while it goes on. */
export async function followIncidents(tx: Tx, changes: readonly IncidentNews[], now: number): Promise<TicketChanges> {
  const done: TicketChanges = { tickets: new Set(), said: [] }
  const ids = changes.flatMap((change) => [change.incident.id, ...change.merged])
  if (ids.length === 0) return done
  const rows = await readTickets(tx, tx`t.incident = any(${ids}::uuid[])`, tx`order by t.id for update of t`)
  const byIncident = new Map(rows.map((row) => [row.incident as string, row]))
  for (const change of changes) {
    const { incident, touched, merged } = change
    let own = byIncident.get(incident.id)
    if (!own && (rank(incident.severity) >= rank('medium') || touched.some((finding) => finding.opens))) own = await openFor(tx, change, done, now)
    if (!own) continue
    for (const other of merged) {
      const theirs = byIncident.get(other)
      if (theirs && !isClosed(theirs.state)) await closeAsDuplicate(tx, theirs, own, done, now)
    }
    await raise(tx, own, change, done, now)
    const latest = Math.max(0, ...touched.map((finding) => finding.lastAt))
    if (own.state === 'closed_fixed' && own.closedAt !== null && latest > own.closedAt) {
      const again = touched.find((finding) => finding.lastAt === latest)
      await take(tx, own, { action: 'reopen', reason: `seen again after it was closed: ${again?.title.en ?? ''}` }, now)
      await say(tx, done, noticeOf(own, '再次出现', 'Seen again'), now)
      done.tickets.add(own.id)
    }
  }
  return done
}

async function openFor(tx: Tx, { incident, touched }: IncidentNews, done: TicketChanges, now: number): Promise<TicketRow> {
  const { severity, title, scope, id: incidentId } = incident
  const id = await insertTicket(tx, { loop: 'incident', severity, title, scope, incident: incidentId }, now)
  await writeActivity(tx, id, { actor: systemActor, action: 'open', to: 'new', detail: { incident: incidentId, number: incident.number } }, now)
  const first = touched[0]
  if (first) await linkEvidence(tx, id, { kind: 'finding', target: first.id, label: first.title.en, why: 'what opened the ticket', actor: systemActor }, now)
  const [row] = await readTickets(tx, tx`t.id = ${id}`)
  if (!row) throw new Error(`ticket ${id} is gone in the transaction that made it`)
  await say(tx, done, noticeOf(row, '新工单', 'New ticket'), now)
  done.tickets.add(id)
  return row
}

/** Severity, title and scope of an open ticket follow its incident; only a rise of severity is worth a notice. */
async function raise(tx: Tx, own: TicketRow, { incident }: IncidentNews, done: TicketChanges, now: number): Promise<void> {
  const rises = rank(incident.severity) > rank(own.severity)
  if (!rises && incident.scope === own.scope) return
  await tx`update ticket set severity = ${rises ? incident.severity : own.severity}, title = ${tx.json(rises ? incident.title : own.title)}, scope = ${incident.scope},
    updated_at = to_timestamp(${now / 1000}::float8), version = version + 1 where id = ${own.id}`
  await tx`update notice set scope = ${incident.scope} where kind = 'ticket' and target = ${own.id}`
  own.version += 1
  own.scope = incident.scope
  done.tickets.add(own.id)
  if (!rises) return
  await writeActivity(
    tx,
    own.id,
    { actor: systemActor, action: 'raise', from: own.state, to: own.state, detail: { from: own.severity, to: incident.severity } },
    now,
  )
  own.severity = incident.severity
  own.title = incident.title
  await say(tx, done, noticeOf(own, '严重程度升高', 'More severe'), now)
}

async function closeAsDuplicate(tx: Tx, theirs: TicketRow, own: TicketRow, done: TicketChanges, now: number): Promise<void> {
  const { id, state, duplicateOf } = own
  // A person may have called it a duplicate of a third; theirs then stays open for that person to judge.
  if (state === 'closed_duplicate') return
  await take(
    tx,
    theirs,
    { action: 'close_duplicate', ticket: id, other: { id, state, duplicateOf }, reason: `its incident is now that of #${own.number}` },
    now,
  )
  done.tickets.add(theirs.id)
}

/** Takes a step as the product itself, without an entry in the audit log: it is no one's action. A refusal is a fault of ours. */
async function take(tx: Tx, before: TicketRow, given: Step, now: number): Promise<void> {
  const result = step(before, given, systemActor, now)
  if (!result.ok) throw new Error(`ticket #${before.number}: ${given.action} was refused by ${result.rule}: ${result.message}`)
  await takeStep(tx, systemActor, before, result.ticket, given, now)
}

async function say(tx: Tx, done: TicketChanges, notice: Said, now: number): Promise<void> {
  await sayNotice(tx, notice, now)
  done.said.push(notice)
}

/** A person's merge: the ticket of the incident that went becomes a duplicate of the other's; a split opens it again. */
export async function followMerge(tx: Tx, stays: string, goes: string, now: number): Promise<Set<string>> {
  const done: TicketChanges = { tickets: new Set(), said: [] }
  const rows = await readTickets(tx, tx`t.incident in (${stays}, ${goes})`, tx`order by t.id for update of t`)
  const own = rows.find((row) => row.incident === stays)
  const theirs = rows.find((row) => row.incident === goes)
  if (own && theirs && !isClosed(theirs.state)) await closeAsDuplicate(tx, theirs, own, done, now)
  else if (!own && theirs) {
    await tx`update ticket set incident = ${stays}, version = version + 1 where id = ${theirs.id}`
    done.tickets.add(theirs.id)
  }
  return done.tickets
}

/** Undoes `followMerge` when the incident is taken apart again. */
export async function followSplit(tx: Tx, incident: string, why: string, now: number): Promise<Set<string>> {
  const [theirs] = await readTickets(tx, tx`t.incident = ${incident}`, tx`for update of t`)
  if (theirs?.state !== 'closed_duplicate') return new Set()
  await take(tx, theirs, { action: 'reopen', reason: why }, now)
  return new Set([theirs.id])
}

/** Ends holds and acceptances whose time is over, and says once of each ticket that its deadline has passed. */
export async function tick(core: Core): Promise<void> {
  const now = core.clock()
  const done: TicketChanges = { tickets: new Set(), said: [] }
  await core.sql.begin(async (tx) => {
    const at = tx`to_timestamp(${now / 1000}::float8)`
    const due = await readTickets(tx, tx`t.state in ('on_hold', 'accepted') and t.hold_until <= ${at}`, tx`order by t.id for update of t`)
    for (const row of due) {
      await take(tx, row, { action: row.state === 'accepted' ? 'expire' : 'resume', reason: 'its time is over' }, now)
      await say(tx, done, noticeOf(row, '搁置到期', 'Hold is over'), now)
      done.tickets.add(row.id)
    }
    const late = await readTickets(
      tx,
      tx`t.closed_at is null and t.answered_at is null and t.due_at < ${at} and not t.late_noticed`,
      tx`order by t.id for update of t`,
    )
    for (const row of late) {
      await tx`update ticket set late_noticed = true where id = ${row.id}`
      await writeActivity(tx, row.id, { actor: systemActor, action: 'overdue', from: row.state, to: row.state, detail: { dueAt: row.dueAt } }, now)
      await say(tx, done, noticeOf(row, '已超期', 'Overdue'), now)
      done.tickets.add(row.id)
    }
  })
  await tellTickets(core, done)
}

/** Sends what changed to the live channel; after the commit. */
export async function tellTickets(core: Core, { tickets, said }: TicketChanges): Promise<void> {
  if (tickets.size > 0) {
    const now = core.clock()
    for (const row of await readTickets(core.sql, core.sql`t.id = any(${[...tickets]}::uuid[])`))
      core.bus.emit('ticket', { record: summaryOf(row, systemActor, now), scope: row.scope })
  }
  await tellInboxes(core, said)
}
