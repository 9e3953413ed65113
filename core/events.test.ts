import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { routes } from '@shenlou/contract/api'
import { uuidv7 } from '@shenlou/link/uuid'
import { type Actor, systemActor } from './actor.ts'
import { ApiError } from './api-error.ts'
import { event, eventFacets, events, rejectedEvents } from './events.ts'
import { ingestBatch } from './ingest/ingest.ts'
import { commandEvents } from './ingest/test-events.ts'
import { testCore } from './store/test-core.ts'

const core = await testCore()
after(() => core.close())
const park1 = { id: uuidv7(), scope: 'group/machinery/park-1' }
const park2 = { id: uuidv7(), scope: 'group/machinery/park-2' }
const of = (scope: string): Actor => ({ kind: 'person', id: 'a', name: 'a', permissions: new Set(), scopes: [scope] })
const list = (query: Record<string, unknown>, actor: Actor = systemActor) => events(core, actor, { query: routes.events.query.parse(query) as never })
const facets = (query: Record<string, unknown>, actor: Actor = systemActor) =>
  eventFacets(core, actor, { query: routes.eventFacets.query.parse(query) as never })
const values = async (query: Record<string, unknown>, field: string) =>
  Object.fromEntries(((await facets(query)).facets.find((each) => each.field === field)?.values ?? []).map(({ value, count }) => [value, count]))

before(async () => {
  await core.sql`insert into sensor (id, name, role, scope, status) values (${park1.id}, 'park-1', 'decoys', ${park1.scope}, 'confirmed')`
  const base = Date.now() - 3_600_000
  await ingestBatch(core, { sensor: park1, epoch: randomUUID(), events: commandEvents(1, 40).map((each, index) => ({ ...each, time: base + index * 60_000 })) })
  const other = commandEvents(1, 10, {
    source: { ip: '198.51.100.4' },
    decoy: 'mail-1',
    kind: 'download.requested',
    body: { tool: 'wget', url: 'http://evil.example/100%_\\x00a' },
  })
  await ingestBatch(core, { sensor: park2, epoch: randomUUID(), events: other.map((each, index) => ({ ...each, time: base + index * 60_000 + 500 })) })
  await ingestBatch(core, { sensor: park2, epoch: randomUUID(), first: 1, events: [{ seq: 1, junk: '\u202e<b>' }] })
})

test('pages of the newest first cover every event once', async () => {
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await list({ cursor, limit: 7 })
    seen.push(...page.events.map(({ id }) => id))
    cursor = page.next ?? undefined
  } while (cursor)
  assert.equal(new Set(seen).size, 50)
  assert.equal(seen.length, 50)
  const times = (await list({ limit: 50 })).events.map(({ time }) => time)
  assert.deepEqual(
    times,
    [...times].sort((a, b) => b - a),
  )
})

test('from a position on they come oldest first, to the newest', async () => {
  const first = await list({ after: 0, limit: 30 })
  const second = await list({ after: Number(first.next), limit: 30 })
  const positions = [...first.events, ...second.events].map(({ position }) => position)
  assert.equal(positions.length, 50)
  assert.deepEqual(
    positions,
    [...positions].sort((a, b) => a - b),
  )
  assert.equal(second.next, null)
  assert.ok(second.newest >= (positions.at(-1) ?? 0))
})

test('every filter narrows, and with an exclamation mark leaves out', async () => {
  const count = async (query: Record<string, unknown>) => (await list({ ...query, limit: 500 })).events.length
  assert.equal(await count({ kind: 'download.requested' }), 10)
  assert.equal(await count({ kind: '!download.requested' }), 40)
  assert.equal(await count({ kind: 'download.requested,command.executed' }), 50)
  assert.equal(await count({ source: '198.51.100.0/24' }), 10)
  assert.equal(await count({ source: '!198.51.100.0/24' }), 40)
  assert.equal(await count({ decoy: 'mail-1' }), 10)
  assert.equal(await count({ decoy: '!mail-1' }), 40)
  assert.equal(await count({ sensor: 'park-1' }), 40)
  assert.equal(await count({ sensor: `!${park1.id}` }), 10)
  assert.equal(await count({ session: 'not-an-id' }), 0)
  assert.equal(await count({ text: 'EVIL.example' }), 10)
  assert.equal(await count({ text: '100%_\\x00a' }), 10)
  assert.equal(await count({ text: '0%x' }), 0)
  assert.equal(await count({ text: 'cpuinfo | grep 7' }), 1)
  assert.equal(await count({ from: Date.now() }), 0)
  assert.equal(await count({ to: Date.now() }), 50)
  await assert.rejects(count({ source: '10.0.0.0/99' }), ApiError)
})

test('what a person may not see is in no list, no count and no single look', async () => {
  const [hidden] = (await list({ kind: 'download.requested', limit: 1 })).events
  assert.equal((await list({ limit: 500 }, of(park1.scope))).events.length, 40)
  assert.equal((await facets({}, of(park1.scope))).total, 40)
  assert.equal((await rejectedEvents(core, of(park1.scope), { query: { limit: 10 } })).total, 0)
  await assert.rejects(event(core, of(park1.scope), { params: { id: hidden?.id ?? '' } }), ApiError)
  assert.deepEqual(await event(core, of(park2.scope), { params: { id: hidden?.id ?? '' } }), hidden)
})

test('facets and histogram count exactly the rows of the list', async () => {
  assert.deepEqual(await values({}, 'kind'), { 'command.executed': 40, 'download.requested': 10 })
  assert.deepEqual(await values({ kind: '!command.executed' }, 'source'), { '198.51.100.4': 10 })
  assert.deepEqual(await values({}, 'sensor'), { 'park-1': 40, [park2.id]: 10 })
  const { histogram, bucketMs, total } = await facets({})
  assert.equal(total, 50)
  assert.equal(
    histogram.reduce((sum, [, count]) => sum + count, 0),
    50,
  )
  assert.ok(histogram.length <= 61 && histogram.every(([at]) => at % bucketMs === 0))
})

test('a rejected event is shown with its reason and its raw text made safe', async () => {
  const { items } = await rejectedEvents(core, systemActor, { query: { limit: 10 } })
  assert.equal(items.length, 1)
  assert.match(items[0]?.reason ?? '', /^envelope: id/)
  assert.ok(!items[0]?.raw.includes('\u202e'))
  assert.match(items[0]?.raw ?? '', /\\xe2\\x80\\xae/)
})
