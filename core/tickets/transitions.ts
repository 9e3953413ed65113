/** A ticket's life in all four loops: one frozen table, and pure functions that read it. Times are milliseconds since 1970 UTC. */
import type { Permission } from '@shenlou/contract/permissions'
import type { TicketAction, TicketState, TicketSummary } from '@shenlou/contract/records'
import type { Actor } from '../actor.ts'

export type Loop = TicketSummary['loop']
type Need = TicketSummary['actions'][number]['needs'][number]

/** What `step` knows of a ticket. */
export interface Ticket {
  id: string
  loop: Loop
  state: TicketState
  /** Where a hold returns to. */
  previousState: TicketState | null
  assignee: string | null
  holdUntil: number | null
  duplicateOf: string | null
  reopened: number
  version: number
  /** When it was last opened: created or reopened. Evidence from before says nothing of this round. */
  openedAt: number
  answeredAt: number | null
  closedAt: number | null
  /** Evidence that is linked now: who linked it and when. */
  evidence: readonly { id: string; by: string; at: number }[]
}

/** What an action asks for, already looked up: `other` is the ticket that a duplicate names, `person` the assignee. */
export interface Step {
  action: TicketAction
  version?: number
  assignee?: string
  /** The assignee as found: undefined when no such person may work on this ticket. */
  person?: { id: string; name: string }
  reason?: string
  comment?: string
  evidence?: { kind: string; target: string; why: string }
  ticket?: string
  other?: { id: string; state: TicketState; duplicateOf: string | null }
  until?: number
  link?: string
}

type Guard = 'positive-evidence' | 'other-ticket' | 'future' | 'assignable' | 'not-the-fixer' | 'own-link' | 'held'
interface Row {
  readonly action: TicketAction
  readonly loops: readonly Loop[]
  readonly from: readonly TicketState[]
  /** `same` stays; `previous` returns to where a hold began. */
  readonly to: TicketState | 'same' | 'previous'
  readonly permission: Permission
  readonly needs: readonly Need[]
  readonly guards: readonly Guard[]
  /** Only the product itself takes it. */
  readonly system?: true
}

const all: readonly Loop[] = ['incident', 'vulnerability', 'baseline', 'risk']
const retested: readonly Loop[] = ['vulnerability', 'baseline', 'risk']
const unowned: readonly TicketState[] = ['new', 'open']
const owned: readonly TicketState[] = ['assigned', 'in_progress', 'contained']
const retest: readonly TicketState[] = ['retest_queued', 'retesting']
const closed: readonly TicketState[] = ['closed_fixed', 'closed_false_positive', 'closed_duplicate']
const unclosed: readonly TicketState[] = [...unowned, ...owned, ...retest, 'on_hold', 'accepted']

const row = (
  action: TicketAction,
  loops: readonly Loop[],
  from: readonly TicketState[],
  to: Row['to'],
  permission: Permission,
  needs: readonly Need[] = [],
  guards: readonly Guard[] = [],
  system?: true,
): Row => Object.freeze({ action, loops, from, to, permission, needs: Object.freeze(needs), guards: Object.freeze(guards), ...(system && { system }) })

/** Every move there is. What is not here is refused. */
export const transitions: readonly Row[] = Object.freeze([
  row('triage', all, ['new'], 'open', 'ticket.work'),
  row('assign', all, unowned, 'assigned', 'ticket.work', ['assignee'], ['assignable']),
  row('assign', all, [...owned, ...retest, 'on_hold'], 'same', 'ticket.work', ['assignee'], ['assignable']),
  row('start', all, ['open', 'assigned', 'contained'], 'in_progress', 'ticket.work'),
  row('contain', ['incident'], ['in_progress'], 'contained', 'ticket.work', ['comment']),
  row('hold', all, ['open', ...owned], 'on_hold', 'ticket.work', ['reason', 'until'], ['future']),
  row('resume', all, ['on_hold'], 'previous', 'ticket.work'),
  row('submit', retested, ['in_progress'], 'retest_queued', 'ticket.work', ['comment']),
  row('retest', retested, ['retest_queued'], 'retesting', 'ticket.work'),
  row('pass', retested, ['retest_queued', 'retesting'], 'closed_fixed', 'ticket.close', ['evidence'], ['not-the-fixer']),
  row('fail', retested, ['retest_queued', 'retesting'], 'in_progress', 'ticket.work', ['reason', 'evidence']),
  row('accept', retested, ['open', 'assigned', 'in_progress'], 'accepted', 'ticket.close', ['reason', 'until'], ['future', 'not-the-fixer']),
  row('expire', retested, ['accepted'], 'open', 'ticket.work', [], ['held'], true),
  row('close_fixed', ['incident'], ['in_progress', 'contained'], 'closed_fixed', 'ticket.close', ['reason', 'evidence'], ['positive-evidence']),
  row('close_false_positive', all, [...unowned, ...owned], 'closed_false_positive', 'ticket.close', ['reason']),
  row('close_duplicate', all, [...unowned, ...owned, 'on_hold'], 'closed_duplicate', 'ticket.close', ['ticket'], ['other-ticket']),
  row('reopen', all, [...closed, 'accepted'], 'open', 'ticket.work', ['reason']),
  row('comment', all, [...unclosed, ...closed], 'same', 'ticket.work', ['comment']),
  row('link', all, [...unclosed, ...closed], 'same', 'ticket.work', ['evidence']),
  row('unlink', all, unclosed, 'same', 'ticket.work', ['link', 'reason'], ['own-link']),
])

/** A refusal names the rule that refused, in words for people, and the field that lacks where one does. */
export interface Refusal {
  ok: false
  status: 400 | 403 | 409
  rule: string
  message: string
  fields: Record<string, string>
}
export interface Taken {
  ok: true
  /** The ticket as it is after the step; `evidence` is not changed here. */
  ticket: Ticket
  from: TicketState
  to: TicketState
}

const refuse = (status: Refusal['status'], rule: string, message: string, fields: Record<string, string> = {}): Refusal => ({
  ok: false,
  status,
  rule,
  message,
  fields,
})

/** A hold or an acceptance ends within this many milliseconds; longer ones are asked for again. */
export const longestHold = 90 * 86_400_000

export const isClosed = (state: TicketState): boolean => closed.includes(state)

const rowFor = (ticket: Ticket, action: TicketAction): Row | undefined =>
  transitions.find((entry) => entry.action === action && entry.loops.includes(ticket.loop) && entry.from.includes(ticket.state))

/** Whether linked evidence already stands for what the action would otherwise have to bring. */
const hasEvidence = (ticket: Ticket): boolean => ticket.evidence.some((link) => link.by !== 'system' && link.at >= ticket.openedAt)

/** What this actor may do to the ticket now, with the fields each action asks for. */
export function allowedActions(ticket: Ticket, actor: Actor): TicketSummary['actions'] {
  const found: TicketSummary['actions'] = []
  for (const entry of transitions) {
    if (!entry.loops.includes(ticket.loop) || !entry.from.includes(ticket.state)) continue
    if (!actor.permissions.has(entry.permission) || (entry.system && actor.kind !== 'system')) continue
    if (entry.guards.includes('not-the-fixer') && ticket.assignee === actor.id && actor.kind !== 'system') continue
    if (entry.guards.includes('own-link') && ticket.evidence.length === 0) continue
    const needs = entry.guards.includes('positive-evidence') && hasEvidence(ticket) ? entry.needs.filter((need) => need !== 'evidence') : entry.needs
    found.push({ action: entry.action, needs: [...needs] })
  }
  return found
}

const needed: Record<Need, (step: Step) => boolean> = {
  assignee: (step) => Boolean(step.assignee),
  reason: (step) => Boolean(step.reason?.trim()),
  comment: (step) => Boolean(step.comment?.trim()),
  evidence: (step) => Boolean(step.evidence?.target && step.evidence.why.trim()),
  ticket: (step) => Boolean(step.ticket),
  until: (step) => step.until !== undefined,
  link: (step) => Boolean(step.link),
}

const guards: Record<Guard, (ticket: Ticket, step: Step, actor: Actor, now: number) => Refusal | undefined> = {
  'positive-evidence': (ticket, step) =>
    step.evidence || hasEvidence(ticket)
      ? undefined
      : refuse(409, 'positive-evidence', 'closing as fixed needs evidence that a person linked since the ticket was opened: link what shows that it is over', {
          evidence: 'needed',
        }),
  'other-ticket': (ticket, step) => {
    if (!step.other) return refuse(409, 'other-ticket', `there is no ticket ${step.ticket} that you may see: name the one that stays`, { ticket: 'unknown' })
    if (step.other.id === ticket.id) return refuse(409, 'other-ticket', 'a ticket cannot be a duplicate of itself: name another', { ticket: 'itself' })
    if (step.other.state === 'closed_duplicate')
      return refuse(409, 'other-ticket', 'that ticket is itself closed as a duplicate: name the one that it points to', { ticket: 'duplicate' })
    return undefined
  },
  future: (_ticket, step, _actor, now) => {
    const until = step.until as number
    if (until > now && until <= now + longestHold) return undefined
    return refuse(409, 'future', `until must lie ahead, within ${longestHold / 86_400_000} days`, { until: until > now ? 'too far' : 'past' })
  },
  assignable: (_ticket, step) =>
    step.person
      ? undefined
      : refuse(409, 'assignable', 'this person does not exist, is disabled, or may not see or work on this ticket: choose another', { assignee: 'unknown' }),
  'not-the-fixer': (ticket, _step, actor) =>
    ticket.assignee === actor.id && actor.kind !== 'system'
      ? refuse(403, 'not-the-fixer', 'who fixes may not also confirm or accept: someone else must do this')
      : undefined,
  'own-link': (ticket, step) =>
    ticket.evidence.some((link) => link.id === step.link)
      ? undefined
      : refuse(409, 'own-link', 'this evidence is not linked to the ticket, or was unlinked already', { link: 'unknown' }),
  held: (ticket, _step, _actor, now) =>
    ticket.holdUntil !== null && ticket.holdUntil <= now ? undefined : refuse(409, 'held', 'the acceptance has not run out yet'),
}

/** Takes one action. Pure: gives the ticket as it would be, or the rule that refuses. */
export function step(ticket: Ticket, given: Step, actor: Actor, now: number): Taken | Refusal {
  if (given.version !== undefined && given.version !== ticket.version)
    return refuse(409, 'version', `the ticket changed meanwhile (it is at version ${ticket.version}, the page showed ${given.version}): look again`)
  const entry = rowFor(ticket, given.action)
  if (!entry) return refuse(409, 'state', `a ticket of the ${ticket.loop} loop that is ${ticket.state} cannot ${given.action}`)
  if (entry.system && actor.kind !== 'system') return refuse(403, 'system', `only the product itself takes ${given.action}`)
  if (!actor.permissions.has(entry.permission)) return refuse(403, 'permission', `${given.action} needs the permission ${entry.permission}`)
  const evident = entry.guards.includes('positive-evidence') && hasEvidence(ticket)
  const missing = entry.needs.filter((need) => !(need === 'evidence' && evident) && !needed[need](given))
  if (missing.length > 0)
    return refuse(
      missing.includes('evidence') && entry.guards.includes('positive-evidence') ? 409 : 400,
      missing.includes('evidence') && entry.guards.includes('positive-evidence') ? 'positive-evidence' : 'needs',
      `${given.action} needs ${missing.join(' and ')}`,
      Object.fromEntries(missing.map((need) => [need, 'needed'])),
    )
  for (const guard of entry.guards) {
    const refusal = guards[guard](ticket, given, actor, now)
    if (refusal) return refusal
  }
  const to = entry.to === 'same' ? ticket.state : entry.to === 'previous' ? (ticket.previousState ?? 'open') : entry.to
  return { ok: true, from: ticket.state, to, ticket: after(ticket, given, actor, now, to) }
}

function after(ticket: Ticket, given: Step, actor: Actor, now: number, to: TicketState): Ticket {
  const next: Ticket = { ...ticket, state: to, version: ticket.version + 1 }
  const waits = to === 'on_hold' || to === 'accepted'
  if (waits && ticket.state !== to) {
    next.previousState = ticket.state
    next.holdUntil = given.until ?? null
  } else if (!waits) {
    next.previousState = null
    next.holdUntil = null
  }
  if (given.action === 'assign') next.assignee = given.person?.id ?? null
  if (given.action === 'start' && ticket.assignee === null && actor.kind === 'person') next.assignee = actor.id
  if (given.action === 'close_duplicate') next.duplicateOf = given.other?.id ?? null
  if (isClosed(to) && !isClosed(ticket.state)) next.closedAt = now
  if (given.action === 'reopen' || given.action === 'expire') {
    next.reopened = ticket.reopened + 1
    next.openedAt = now
    next.closedAt = null
    next.duplicateOf = null
    // Whom the product calls back has not looked yet; who reopens by hand has.
    next.answeredAt = actor.kind === 'system' ? null : now
  } else if (next.answeredAt === null && actor.kind !== 'system' && to !== 'new' && to !== ticket.state) next.answeredAt = now
  return next
}
