import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { routes } from '@shenlou/contract/api'
import { type Role, roles } from '@shenlou/contract/permissions'
import { ticketSummary } from '@shenlou/contract/records'
import { uuidv7 } from '@shenlou/link/uuid'
import { type Actor, systemActor } from '../actor.ts'
import { verifyAudit } from '../audit.ts'
import { notices, readNotices, unreadNotices } from '../notices.ts'
import { testCore } from '../store/test-core.ts'
import { tick } from './automatic.ts'
import { elapsed } from './clock.ts'
import { insertTicket, readClock } from './rows.ts'
import { stepTicket, ticket, tickets } from './tickets.ts'

const hour = 3_600_000
let now = Date.parse('2026-11-23T08:00:00Z')
const core = await testCore(() => now)
after(() => core.close())
const { sql } = core

async function person(name: string, role: Role, scopes: string[]): Promise<Actor> {
  const id = uuidv7()
  await sql`insert into person (id, username, name, email, role, scopes) values (${id}, ${name}, ${name}, ${`${name}@x`}, ${role}, ${scopes})`
  return { kind: 'person', id, name, permissions: new Set(roles[role].permissions), scopes }
}
const li = await person('li', 'analyst', ['group'])
const wang = await person('wang', 'analyst', ['group/park-1'])
const guest = await person('guest', 'viewer', ['group'])
const far = await person('far', 'analyst', ['group/park-2'])

const open = (severity: 'low' | 'high' = 'high', scope = 'group/park-1') =>
  sql.begin((tx) => insertTicket(tx, { loop: 'incident', severity, title: { zh: '事', en: 'Thing' }, scope, incident: null }, now)) as Promise<string>
const act = (who: Actor, id: string, version: number, body: Record<string, unknown>) =>
  stepTicket(core, who, { params: { id }, body: routes.stepTicket.body.parse({ version, ...body }), address: '192.0.2.1' })
const query = { limit: 100 }

test('a ticket goes from new to closed, each step in its history, its clock and the audit log', async () => {
  const id = await open()
  const told: string[] = []
  const off = core.bus.on('ticket', ({ record }) => told.push(record.state))
  let row = await act(li, id, 1, { action: 'assign', assignee: wang.id })
  assert.deepEqual([row.assignee, row.answeredAt], [{ id: wang.id, name: 'wang' }, now])
  now += hour
  row = await act(wang, id, row.version, { action: 'start' })
  row = await act(wang, id, row.version, { action: 'contain', comment: '已封禁\nblocked \u0007 at the firewall' })
  row = await act(wang, id, row.version, { action: 'close_fixed', reason: 'gone', evidence: { kind: 'note', target: 'change 4711', why: 'shows the block' } })
  off()
  assert.deepEqual(told, ['assigned', 'in_progress', 'contained', 'closed_fixed'])
  assert.deepEqual(ticketSummary.parse(row), row)
  assert.deepEqual(
    row.actions.map((each) => each.action),
    ['reopen', 'comment', 'link'],
  )
  const whole = routes.ticket.answer.parse(await ticket(core, li, { params: { id } }))
  assert.deepEqual(
    whole.activity.map(({ actor, action, from, to }) => [actor, action, from, to]),
    [
      ['li', 'assign', 'new', 'assigned'],
      ['wang', 'start', 'assigned', 'in_progress'],
      ['wang', 'contain', 'in_progress', 'contained'],
      ['wang', 'close_fixed', 'contained', 'closed_fixed'],
    ],
  )
  assert.equal(whole.activity[2]?.comment, '已封禁\nblocked \ufffd at the firewall')
  assert.deepEqual(
    whole.evidence.map(({ kind, label, by }) => [kind, label, by]),
    [['note', 'change 4711', 'wang']],
  )
  assert.deepEqual(
    whole.clock.map(({ from, to, running }) => [from, to, running]),
    [[now - hour, now, true]],
  )
  const audited = await sql`select actor, action, address from audit_entry where target = ${id} order by number`
  assert.deepEqual(
    [...audited].map((each) => each.action),
    ['ticket.assign', 'ticket.start', 'ticket.contain', 'ticket.close_fixed'],
  )
  assert.equal((await verifyAudit(core)).intact, true)
  await assert.rejects(sql`update ticket_activity set comment = 'x' where ticket = ${id}`, /refused/)
})

test('who may not see a ticket does not find it, and who may not work on it is told which permission lacks', async () => {
  const id = await open()
  await assert.rejects(ticket(core, far, { params: { id } }), { status: 404 })
  await assert.rejects(act(far, id, 1, { action: 'triage' }), { status: 404 })
  await assert.rejects(act(guest, id, 1, { action: 'triage' }), { status: 403, code: 'ticket.permission' })
  assert.deepEqual((await ticket(core, guest, { params: { id } })).ticket.actions, [])
  assert.ok((await tickets(core, far, { query })).items.every((row) => row.id !== id))
  for (const assignee of [far.id, guest.id, uuidv7(), 'nobody'])
    await assert.rejects(act(li, id, 1, { action: 'assign', assignee }), { code: 'ticket.assignable' })
})

test('of two people with the same page one acts, the other is told to look again', async () => {
  const id = await open()
  const results = await Promise.allSettled([act(li, id, 1, { action: 'triage' }), act(wang, id, 1, { action: 'assign', assignee: wang.id })])
  assert.deepEqual(results.map((each) => each.status).sort(), ['fulfilled', 'rejected'])
  const failed = results.find((each) => each.status === 'rejected') as PromiseRejectedResult
  assert.equal(failed.reason.code, 'ticket.version')
})

test('a hold stops the clock, ends by itself, and every minute can be derived again from its rows', async () => {
  const id = await open()
  let row = await act(li, id, 1, { action: 'triage' })
  now += 2 * hour
  row = await act(li, id, row.version, { action: 'hold', reason: 'plant shutdown', until: now + 5 * hour })
  assert.deepEqual([row.state, row.dueAt], ['on_hold', null])
  now += 4 * hour
  await tick(core)
  assert.equal((await ticket(core, li, { params: { id } })).ticket.state, 'on_hold')
  now += 2 * hour
  await tick(core)
  const whole = await ticket(core, li, { params: { id } })
  assert.deepEqual([whole.ticket.state, whole.ticket.dueAt], ['open', now + 6 * hour])
  assert.deepEqual(
    whole.clock.map(({ running, why }) => [running, why]),
    [
      [true, 'opened'],
      [false, 'plant shutdown'],
      [true, 'its time is over'],
    ],
  )
  assert.equal(elapsed(await readClock(sql, id), now), 2 * hour)
})

test('a ticket that nobody answers in eight hours is overdue, comes first, and is said once', async () => {
  const late = await open('low')
  const fresh = 9 * hour
  now += fresh
  const soon = await open('high')
  await tick(core)
  await tick(core)
  const list = await tickets(core, li, { query: { ...query, open: 'true' } })
  const order = list.items.map((row) => row.id)
  assert.ok(order.indexOf(late) < order.indexOf(soon))
  const overdue = await tickets(core, li, { query: { ...query, overdue: 'true' } })
  assert.ok(overdue.items.every((row) => row.overdue) && overdue.items.some((row) => row.id === late) && !overdue.items.some((row) => row.id === soon))
  const said = (await notices(core, li, { query })).items.filter((each) => each.link === `/tickets/${late}`)
  assert.deepEqual(
    said.map((each) => [each.count, each.title.en.startsWith('Overdue')]),
    [[1, true]],
  )
  const row = await act(li, late, 1, { action: 'triage' })
  assert.equal(row.overdue, false)
})

test('a duplicate is named by its number, and evidence can be unlinked with a reason', async () => {
  const [one, two] = [await open(), await open()]
  const { number } = (await ticket(core, li, { params: { id: two } })).ticket
  await assert.rejects(act(li, one, 1, { action: 'close_duplicate', ticket: '#999999' }), { code: 'ticket.other-ticket' })
  await assert.rejects(act(far, one, 1, { action: 'close_duplicate', ticket: `#${number}` }), { status: 404 })
  const row = await act(li, one, 1, { action: 'close_duplicate', ticket: `#${number}` })
  assert.equal(row.state, 'closed_duplicate')
  const linked = await act(li, two, 1, { action: 'link', evidence: { kind: 'note', target: 'x', why: 'y' } })
  const [evidence] = (await ticket(core, li, { params: { id: two } })).evidence
  await assert.rejects(act(li, two, linked.version, { action: 'unlink', link: uuidv7(), reason: 'wrong' }), { code: 'ticket.own-link' })
  await act(li, two, linked.version, { action: 'unlink', link: evidence?.id, reason: 'wrong one' })
  assert.deepEqual((await ticket(core, li, { params: { id: two } })).evidence, [])
})

test('an inbox holds what its reader may see, counts what is new, and forgets nothing that is said again', async () => {
  const id = await open()
  const told: string[] = []
  const off = core.bus.on('notices', ({ person: who }) => told.push(who))
  const before = await unreadNotices(core, wang)
  await act(li, id, 1, { action: 'assign', assignee: wang.id })
  off()
  assert.deepEqual(told, [wang.id])
  assert.equal(await unreadNotices(core, wang), before + 1)
  const [mine] = (await notices(core, wang, { query })).items
  assert.deepEqual([mine?.kind, mine?.link, mine?.readAt], ['assigned', `/tickets/${id}`, null])
  assert.ok(!(await notices(core, li, { query })).items.some((each) => each.id === mine?.id))
  await readNotices(core, far, { body: { ids: [mine?.id as string, 'nonsense'] } })
  assert.equal(await unreadNotices(core, wang), before + 1)
  await readNotices(core, wang, { body: { ids: [mine?.id as string] } })
  assert.equal(await unreadNotices(core, wang), before)
  now += 1000
  await act(li, id, 2, { action: 'assign', assignee: wang.id })
  const [again] = (await notices(core, wang, { query: { limit: 1 } })).items
  assert.deepEqual([again?.id, again?.count, again?.readAt], [mine?.id, 2, null])
})

test('lists are paged and filtered by state, assignee and incident', async () => {
  const first = await tickets(core, li, { query: { limit: 3 } })
  const all = await tickets(core, li, { query })
  const second = await tickets(core, li, { query: { limit: 100, cursor: first.next as string } })
  assert.deepEqual(
    [...first.items, ...second.items].map((row) => row.id),
    all.items.map((row) => row.id),
  )
  assert.equal(all.total, all.items.length)
  assert.ok((await tickets(core, wang, { query: { ...query, mine: 'true' } })).items.every((row) => row.assignee?.id === wang.id))
  assert.ok((await tickets(core, li, { query: { ...query, state: 'closed_fixed' } })).items.every((row) => row.state === 'closed_fixed'))
  assert.deepEqual((await tickets(core, li, { query: { ...query, incident: 'nonsense' } })).items, [])
  await assert.rejects(tickets(core, li, { query: { limit: 1, cursor: "1'" } }), { code: 'bad-cursor' })
  assert.deepEqual((await tickets(core, systemActor, { query })).items.length, all.items.length)
})
