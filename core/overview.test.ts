import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SensorEvent } from '@shenlou/contract/event'
import { routes } from '@shenlou/contract/api'
import { roles } from '@shenlou/contract/permissions'
import { uuidv7 } from '@shenlou/link/uuid'
import type { Actor } from './actor.ts'
import { eventFacets, events } from './events.ts'
import { ingestBatch } from './ingest/ingest.ts'
import { commandEvents } from './ingest/test-events.ts'
import { overview } from './overview.ts'
import { sensors } from './sensors/registry.ts'
import { sessions } from './sessions.ts'
import { startSessions } from './sessions-projection.ts'
import { type TestCore, testCore } from './store/test-core.ts'
import { tickets } from './tickets/tickets.ts'

const day = 86_400_000
let core: TestCore
let close: () => Promise<void>
const me = uuidv7()
const actorOf = (scopes: string[]): Actor => ({ kind: 'person', id: me, name: 'me', permissions: new Set(roles.analyst.permissions), scopes })

before(async () => {
  core = await testCore()
  const projection = await startSessions(core)
  close = projection
  for (const [park, hosts] of [
    ['group/a', 3],
    ['group/b', 2],
  ] as const) {
    const sensor = { id: uuidv7(), scope: park }
    await core.sql`insert into sensor (id, name, role, scope, status) values (${sensor.id}, ${`host ${park}`}, 'decoys', ${park}, 'confirmed')`
    let seq = 0
    const drafts: Partial<SensorEvent>[] = []
    for (let n = 0; n < hosts; n++) {
      const common = { session: uuidv7(), source: { ip: `198.51.100.${n + 1}`, port: 4000 } }
      drafts.push({ ...common, kind: 'session.opened', body: { adversary: 'x' } }, { ...common })
      for (let k = 0; k <= n; k++)
        drafts.push({ ...common, kind: 'login.attempted', body: { method: 'password', user: 'root', password: 'x', outcome: 'refused' } })
      if (n === 0) drafts.push({ ...common, kind: 'session.closed', body: { reason: 'end', durationMs: 5 } })
    }
    // Yesterday's, and those of the day before, which no figure but `before` may count.
    const old = Date.now() - 1.5 * day
    drafts.push(
      { id: uuidAt(old), time: old },
      { id: uuidAt(old + 1), time: old + 1, source: { ip: '192.0.2.5' } },
      { id: uuidAt(old - 2 * day), time: old - 2 * day },
    )
    const batch = drafts.map((draft) => commandEvents(++seq, 1, draft)[0])
    await ingestBatch(core, { sensor, epoch: uuidv7(), events: batch })
  }
  await ticket('group/a', { assignee: me })
  await ticket('group/a', { assignee: me, late: true })
  await ticket('group/a', { assignee: me, closed: true })
  await ticket('group/b', { late: true })
  await projection.reached()
})
after(async () => {
  await close()
  await core.close()
})

/** A version 7 UUID of that moment (RFC 9562 section 5.7). */
function uuidAt(time: number): string {
  const hex = Math.floor(time).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}${uuidv7().slice(13)}`
}

async function ticket(scope: string, { assignee, late, closed }: { assignee?: string; late?: boolean; closed?: boolean }): Promise<void> {
  await core.sql`insert into ticket (id, loop, state, severity, title, scope, assignee, created_at, updated_at, opened_at, closed_at, due_at)
    values (${uuidv7()}, 'incident', ${closed ? 'closed_fixed' : 'open'}, 'high', '{"zh": "t", "en": "t"}', ${scope}, ${assignee ?? null}, now(), now(), now(),
      ${closed ? new Date() : null}, now() + ${late ? '-1 hour' : '1 hour'}::text::interval)`
}

/** The rows of the list that a figure links to, counted by paging through the list itself. */
async function rowsBehind(actor: Actor, link: string): Promise<unknown[]> {
  const url = new URL(link, 'http://x')
  const given = Object.fromEntries(url.searchParams)
  const read = async (cursor?: string): Promise<{ items: unknown[]; next: string | null }> => {
    const query = { ...given, ...(cursor && { cursor }), limit: '2' }
    if (url.pathname === '/sessions') return sessions(core, actor, { query: routes.sessions.query.parse(query) })
    if (url.pathname === '/tickets') return tickets(core, actor, { query: routes.tickets.query.parse(query) })
    if (url.pathname === '/sensors') return sensors(core, actor)
    const page = await events(core, actor, { query: routes.events.query.parse(query) })
    return { items: page.events, next: page.next }
  }
  const rows: unknown[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await read(cursor)
    rows.push(...page.items)
    cursor = page.next
  }
  return rows
}

for (const scopes of [['group'], ['group/a'], ['group/b'], ['group/c'], ['group/a', 'group/b']]) {
  test(`every figure is the number of rows of the list it links to, seen from ${scopes.join(' and ')}`, async () => {
    const actor = actorOf(scopes)
    const { figures } = await overview(core, actor, {})
    assert.deepEqual(figures.map(({ key }) => key).sort(), [
      'events-24h',
      'live-sessions',
      'logins-24h',
      'my-tickets',
      'open-tickets',
      'overdue-tickets',
      'sensor-problems',
      'sources-24h',
    ])
    for (const { key, value, link } of figures) {
      const rows = await rowsBehind(actor, link)
      const counted =
        key === 'sources-24h'
          ? new Set((rows as { source?: { ip: string } }[]).map((row) => row.source?.ip)).size
          : key === 'sensor-problems'
            ? (rows as { problems: unknown[] }[]).filter((row) => row.problems.length > 0).length
            : rows.length
      assert.equal(value, counted, `${key} by ${link}`)
    }
  })
}

test('the figures are real: they are what was put in', async () => {
  const { figures, services, sources, rate, next } = await overview(core, actorOf(['group']), {})
  const figure = Object.fromEntries(figures.map(({ key, value }) => [key, value]))
  assert.deepEqual(figure, {
    'live-sessions': 3,
    'open-tickets': 3,
    'my-tickets': 2,
    'overdue-tickets': 2,
    'events-24h': 2 * 5 + 2 + 6 + 3,
    'sources-24h': 3,
    'logins-24h': 9,
    'sensor-problems': 2,
  })
  const before = Object.fromEntries(figures.map(({ key, before }) => [key, before]))
  assert.deepEqual([before['events-24h'], before['sources-24h'], before['logins-24h']], [4, 2, 0])
  assert.deepEqual([...services], [{ service: 'ssh', sessions: 5 }])
  assert.deepEqual({ ...sources[0] }, { source: '198.51.100.1', events: 8, sessions: 2, incident: null })
  assert.equal(rate.length, 60)
  assert.equal(
    rate.reduce((sum, [, count]) => sum + count, 0),
    figure['events-24h'],
  )
  assert.equal(next.length, 3)
  assert.ok(next.every((row) => row.state === 'open'))
})

test('an event figure counts what its facets count', async () => {
  const actor = actorOf(['group/a'])
  const { figures } = await overview(core, actor, {})
  const found = figures.find(({ key }) => key === 'logins-24h')
  const query = routes.eventFacets.query.parse(Object.fromEntries(new URL(found?.link as string, 'http://x').searchParams))
  assert.equal((await eventFacets(core, actor, { query })).total, found?.value)
})

test('what may not be read is left out', async () => {
  const poor: Actor = { ...actorOf(['group']), permissions: new Set(['session.read']) }
  const answer = await overview(core, poor, {})
  assert.deepEqual(
    answer.figures.map(({ key }) => key),
    ['live-sessions'],
  )
  assert.deepEqual([answer.next, answer.incidents, answer.sources, answer.rate], [[], [], [], []])
  assert.ok(routes.overview.answer.safeParse(answer).success)
})
