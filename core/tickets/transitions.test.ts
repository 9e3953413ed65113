import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Role, roles } from '@shenlou/contract/permissions'
import { type TicketAction, ticketAction, ticketState, ticketSummary } from '@shenlou/contract/records'
import { type Actor, systemActor } from '../actor.ts'
import { allowedActions, isClosed, type Step, step, type Ticket, transitions } from './transitions.ts'

const now = 1_800_000_000_000
const loops = ticketSummary.shape.loop.options
const actorOf = (role: Role): Actor => ({ kind: 'person', id: role, name: role, permissions: new Set(roles[role].permissions), scopes: ['group'] })
const actors = [...(Object.keys(roles) as Role[]).map(actorOf), systemActor]

const ticket = (change: Partial<Ticket> = {}): Ticket => ({
  id: 't1',
  loop: 'incident',
  state: 'new',
  previousState: null,
  assignee: null,
  holdUntil: null,
  duplicateOf: null,
  reopened: 0,
  version: 3,
  openedAt: now - 1000,
  answeredAt: null,
  closedAt: null,
  evidence: [{ id: 'e1', by: 'analyst', at: now - 10 }],
  ...change,
})
/** Everything that any action could ask for. */
const full = (action: TicketAction): Step => ({
  action,
  version: 3,
  assignee: 'p1',
  person: { id: 'p1', name: 'P' },
  reason: 'because',
  comment: 'done',
  evidence: { kind: 'event', target: 'x', why: 'shows it' },
  ticket: 't2',
  other: { id: 't2', state: 'open', duplicateOf: null },
  until: now + 86_400_000,
  link: 'e1',
})

test('each state, action, role and loop is taken exactly when one row of the table says so', () => {
  let taken = 0
  let refused = 0
  for (const loop of loops)
    for (const state of ticketState.options)
      for (const action of ticketAction.options)
        for (const actor of actors) {
          const before = ticket({ loop, state, previousState: state === 'on_hold' ? 'assigned' : null, holdUntil: state === 'accepted' ? now - 1 : null })
          const rows = transitions.filter((row) => row.action === action && row.loops.includes(loop) && row.from.includes(state))
          assert.ok(rows.length <= 1, `${loop} ${state} ${action} has ${rows.length} rows`)
          const row = rows[0]
          const expected = Boolean(row && actor.permissions.has(row.permission) && !(row.system && actor.kind !== 'system'))
          const result = step(before, full(action), actor, now)
          assert.equal(result.ok, expected, `${loop} ${state} ${action} ${actor.id}`)
          const listed = allowedActions(before, actor).some((entry) => entry.action === action)
          assert.equal(listed, expected, `listed: ${loop} ${state} ${action} ${actor.id}`)
          if (result.ok) {
            taken++
            assert.equal(result.ticket.version, 4)
            if (!isClosed(state)) assert.equal(isClosed(result.to), result.ticket.closedAt !== null)
          } else {
            refused++
            assert.ok(['state', 'permission', 'system'].includes(result.rule), result.rule)
          }
        }
  assert.ok(taken > 200 && refused > 2000, `${taken} taken, ${refused} refused`)
})

test('a field that an action needs is asked for by name', () => {
  for (const row of transitions)
    for (const need of row.needs) {
      const given = full(row.action)
      delete given[need]
      const before = ticket({ loop: row.loops[0] ?? 'incident', state: row.from[0] ?? 'new', evidence: need === 'evidence' ? [] : ticket().evidence })
      const result = step(before, given, row.system ? systemActor : actorOf('administrator'), now)
      assert.ok(!result.ok, `${row.action} without ${need}`)
      assert.equal(result.fields[need], 'needed')
    }
})

test('the table cannot be changed', () => {
  assert.ok(Object.isFrozen(transitions) && transitions.every((row) => Object.isFrozen(row) && Object.isFrozen(row.needs) && Object.isFrozen(row.guards)))
})

test('closing an incident as fixed needs evidence that a person linked in this round', () => {
  const analyst = actorOf('analyst')
  const close: Step = { action: 'close_fixed', reason: 'blocked' }
  const at = (evidence: Ticket['evidence']) => step(ticket({ state: 'contained', evidence }), close, analyst, now)
  for (const evidence of [[], [{ id: 'e', by: 'system', at: now }], [{ id: 'e', by: 'analyst', at: now - 5000 }]]) {
    const result = at(evidence)
    assert.ok(!result.ok)
    assert.equal(result.rule, 'positive-evidence')
    assert.equal(result.status, 409)
  }
  assert.ok(at([{ id: 'e', by: 'analyst', at: now - 10 }]).ok)
  assert.ok(
    step(ticket({ state: 'contained', evidence: [] }), { ...close, evidence: { kind: 'note', target: 'fw-change-7', why: 'blocked' } }, analyst, now).ok,
  )
})

test('a hold returns to the state it left, and must end in time', () => {
  const analyst = actorOf('analyst')
  const held = step(ticket({ state: 'in_progress', assignee: 'a' }), { action: 'hold', reason: 'plant shutdown', until: now + 5 }, analyst, now)
  assert.ok(held.ok)
  assert.equal(held.ticket.holdUntil, now + 5)
  const moved = step(held.ticket, { action: 'assign', assignee: 'p', person: { id: 'p', name: 'P' } }, analyst, now)
  assert.ok(moved.ok)
  assert.equal(moved.to, 'on_hold')
  const back = step(moved.ticket, { action: 'resume' }, analyst, now)
  assert.ok(back.ok)
  assert.deepEqual([back.to, back.ticket.holdUntil, back.ticket.previousState, back.ticket.assignee], ['in_progress', null, null, 'p'])
  for (const until of [now, now - 1, now + 91 * 86_400_000]) {
    const result = step(ticket({ state: 'open' }), { action: 'hold', reason: 'r', until }, analyst, now)
    assert.ok(!result.ok && result.rule === 'future')
  }
})

test('a duplicate names another ticket that is not itself a duplicate', () => {
  const analyst = actorOf('analyst')
  const tries: [Step['other'], boolean][] = [
    [undefined, false],
    [{ id: 't1', state: 'open', duplicateOf: null }, false],
    [{ id: 't2', state: 'closed_duplicate', duplicateOf: 't3' }, false],
    [{ id: 't2', state: 'closed_fixed', duplicateOf: null }, true],
  ]
  for (const [other, expected] of tries)
    assert.equal(step(ticket(), { action: 'close_duplicate', ticket: 't2', ...(other && { other }) }, analyst, now).ok, expected)
})

test('reopening counts, clears the closing and asks for an answer again when the product did it', () => {
  const before = ticket({ state: 'closed_fixed', closedAt: now - 5, answeredAt: now - 50, reopened: 1 })
  const byRule = step(before, { action: 'reopen', reason: 'seen again' }, systemActor, now)
  assert.ok(byRule.ok)
  assert.deepEqual([byRule.ticket.reopened, byRule.ticket.closedAt, byRule.ticket.answeredAt, byRule.ticket.openedAt], [2, null, null, now])
  const byPerson = step(before, { action: 'reopen', reason: 'not over' }, actorOf('analyst'), now)
  assert.ok(byPerson.ok)
  assert.equal(byPerson.ticket.answeredAt, now)
})

test('the first move of a person answers the ticket; a comment does not', () => {
  const analyst = actorOf('analyst')
  const comment = step(ticket(), { action: 'comment', comment: 'hm' }, analyst, now)
  assert.ok(comment.ok && comment.ticket.answeredAt === null)
  const triage = step(ticket(), { action: 'triage' }, analyst, now)
  assert.ok(triage.ok && triage.ticket.answeredAt === now)
  const started = step(triage.ticket, { action: 'start' }, analyst, now + 9)
  assert.ok(started.ok)
  assert.deepEqual([started.ticket.answeredAt, started.ticket.assignee], [now, 'analyst'])
})

test('who fixes does not confirm the retest, and a stale page is refused', () => {
  const analyst = actorOf('analyst')
  const before = ticket({ loop: 'vulnerability', state: 'retesting', assignee: 'analyst' })
  const own = step(before, full('pass'), analyst, now)
  assert.ok(!own.ok && own.rule === 'not-the-fixer')
  assert.ok(step({ ...before, assignee: 'other' }, full('pass'), analyst, now).ok)
  const stale = step(ticket(), { action: 'triage', version: 2 }, analyst, now)
  assert.ok(!stale.ok && stale.rule === 'version' && stale.status === 409)
})
