import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { SensorEvent } from '@shenlou/contract/event'
import { type LiveAsk, type LiveFrame, liveFrame } from '@shenlou/contract/live'
import { uuidv7 } from '@shenlou/link/uuid'
import { WebSocket } from 'ws'
import { systemActor } from '../actor.ts'
import { ingestBatch } from '../ingest/ingest.ts'
import { commandEvents } from '../ingest/test-events.ts'
import { writerOf } from '../ingest/writer.ts'
import { changePerson } from '../people.ts'
import { type TestHttp, standIns, testHttp } from './test-http.ts'

let http: TestHttp
before(async () => {
  const handlers = {
    ...standIns([]),
    ticket: async (_core: unknown, actor: { name: string }, input: { params: { id: string } }) => ({ ticket: { id: input.params.id, for: actor.name } }),
  }
  http = await testHttp({
    handlers: new Proxy(standIns([]), { get: (target, name) => (name === 'ticket' ? handlers.ticket : target[name as never]) }) as never,
  })
})
after(() => http.close())

const sensors = { a: { id: uuidv7(), scope: 'group/a/park-1' }, b: { id: uuidv7(), scope: 'group/b' } }
const epoch = uuidv7()
const next: Record<string, number> = {}

/** Commits events as a sensor of branch a or b would send them. */
async function commit(branch: 'a' | 'b', drafts: Partial<SensorEvent>[]): Promise<void> {
  const sensor = sensors[branch]
  const events = drafts.map((draft) => {
    next[branch] = (next[branch] ?? 0) + 1
    return commandEvents(next[branch], 1, draft)[0]
  })
  await ingestBatch(http.core, { sensor, epoch, events })
}
const terminal = (session: string, text: string): Partial<SensorEvent> => ({ session, kind: 'terminal.data', body: { stream: 'output', data: btoa(text) } })

interface Client {
  ws: WebSocket
  frames: LiveFrame[]
  ask(ask: LiveAsk): void
  /** Waits until the frames so far satisfy. */
  until(done: (frames: LiveFrame[]) => boolean): Promise<void>
  events(): { position: number; kind: string; session?: string | undefined; scope: string }[]
  closed: Promise<[number, string]>
}

async function open(credentials: { cookie?: string; token?: string }): Promise<Client> {
  const headers = {
    ...(credentials.token && { authorization: `Bearer ${credentials.token}` }),
    ...(credentials.cookie && { cookie: credentials.cookie, origin: http.server.url }),
  }
  const ws = new WebSocket(`${http.server.url.replace('http', 'ws')}/api/v1/live`, { headers })
  const frames: LiveFrame[] = []
  let wake = () => {}
  ws.on('message', (data) => {
    frames.push(JSON.parse(String(data)) as LiveFrame)
    wake()
  })
  const closed = new Promise<[number, string]>((resolve) => ws.on('close', (code, reason) => resolve([code, String(reason)])))
  await once(ws, 'open')
  const client: Client = {
    ws,
    frames,
    closed,
    ask: (ask) => ws.send(JSON.stringify(ask)),
    async until(done) {
      while (!done(frames)) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    events: () => frames.flatMap((frame) => (frame.type === 'events' || frame.type === 'session-events' ? frame.events : [])),
  }
  await client.until((list) => list.some(({ type }) => type === 'hello'))
  return client
}

/** The HTTP status that an upgrade was refused with. */
const refusal = (headers: Record<string, string>, pathname = '/api/v1/live'): Promise<number> =>
  new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://127.0.0.1:${http.server.port}${pathname}`, { headers })
    ws.on('unexpected-response', (_request, answer) => {
      resolve(answer.statusCode ?? 0)
      answer.destroy()
    })
    ws.on('open', () => {
      resolve(101)
      ws.close()
    })
    ws.on('error', reject)
  })

test('an upgrade needs a name of ours, a site of ours and a sign-in', async () => {
  const { cookie } = await http.enter({ username: 'upgrade' })
  const token = await http.token(['event.read'])
  const authorization = `Bearer ${token}`
  const origin = http.server.url
  assert.equal(await refusal({ cookie, origin }), 101)
  assert.equal(await refusal({ authorization }), 101)
  assert.equal(await refusal({}), 401)
  assert.equal(await refusal({ origin }), 401)
  assert.equal(await refusal({ cookie: `${cookie}x`, origin }), 401)
  assert.equal(await refusal({ cookie }), 403, 'a cookie without Origin')
  assert.equal(await refusal({ cookie, origin: 'https://evil.example' }), 403)
  assert.equal(await refusal({ authorization, origin: 'https://evil.example' }), 403)
  assert.equal(await refusal({ authorization, host: 'evil.example' }), 421)
  assert.equal(await refusal({ authorization }, '/api/v1/other'), 404)
  await http.core.sql`update person set must_change_password = true where username = 'upgrade'`
  assert.equal(await refusal({ cookie, origin }), 403)
})

test('a feed resumes from a position without gap or repeat, while events go on being committed', async () => {
  const token = await http.token(['event.read'])
  const session = uuidv7()
  await commit(
    'a',
    Array.from({ length: 300 }, () => ({ session })),
  )
  let writing = true
  const writer = (async () => {
    for (let round = 0; round < 60; round++)
      await commit(
        round % 2 ? 'a' : 'b',
        Array.from({ length: 1 + (round % 40) }, () => ({ session })),
      )
    writing = false
  })()
  const { positions } = await writerOf(http.core)
  const clients: { client: Client; from: number }[] = []
  while (writing) {
    const client = await open({ token })
    const from = Math.floor(Math.random() * positions.watermark())
    client.ask({ type: 'events', after: from })
    clients.push({ client, from })
    await delay(5)
  }
  await writer
  const all = (await http.core.sql<{ position: number }[]>`select position from event order by position`).map(({ position }) => position)
  const last = all.at(-1) as number
  assert.ok(clients.length >= 5, `${clients.length} clients`)
  for (const { client, from } of clients) {
    await client.until(() => client.events().at(-1)?.position === last)
    assert.deepEqual(
      client.events().map(({ position }) => position),
      all.filter((position) => position > from),
    )
    for (const frame of client.frames) liveFrame.parse(frame)
    client.ws.close()
  }
})

test('without `after` a feed starts now; terminal bytes come only to who asks for them; kinds filter', async () => {
  const token = await http.token(['event.read', 'session.read'])
  const [feed, login, watch] = [await open({ token }), await open({ token }), await open({ token })]
  const session = uuidv7()
  feed.ask({ type: 'events' })
  login.ask({ type: 'events', kinds: ['terminal.data'] })
  watch.ask({ type: 'session', session })
  await delay(50)
  const before = (await writerOf(http.core)).positions.watermark()
  await commit('a', [{ session }, terminal(session, 'root@erp:~# '), terminal(uuidv7(), 'other'), { session: uuidv7() }])
  await feed.until(() => feed.events().length >= 2)
  await login.until(() => login.events().length >= 2)
  await watch.until(() => watch.events().length >= 2)
  assert.ok(feed.events().every((event) => event.kind === 'command.executed' && event.position > before))
  assert.ok(login.events().every((event) => event.kind === 'terminal.data'))
  assert.deepEqual(
    watch.events().map(({ kind }) => kind),
    ['command.executed', 'terminal.data'],
  )
  assert.equal(watch.frames.filter(({ type }) => type === 'session-events').length, 1, 'one commit is one frame')
  watch.ask({ type: 'drop', topic: 'session', session })
  feed.ask({ type: 'drop', topic: 'events' })
  await delay(50)
  await commit('a', [{ session }])
  const again = await open({ token })
  again.ask({ type: 'session', session, after: 0 })
  await again.until(() => again.events().length >= 3)
  assert.equal(watch.events().length, 2)
  assert.equal(feed.events().length, 2)
  for (const { ws } of [feed, login, watch, again]) ws.close()
})

test('a socket sees its scopes and permissions only', async () => {
  const mine = await open({ token: await http.token(['event.read', 'session.read'], ['group/a']) })
  const all = await open({ token: await http.token(['event.read', 'session.read', 'sensor.read']) })
  const session = uuidv7()
  for (const client of [mine, all]) {
    client.ask({ type: 'events' })
    client.ask({ type: 'session', session })
  }
  await delay(50)
  await commit('b', [{ session }, terminal(session, 'secret')])
  await commit('a', [{}])
  const record = (topic: string, id: string, scope: string) => http.core.bus.emit(topic as 'sensor', { record: { id } as never, scope })
  record('session', 'of-b', 'group/b')
  record('session', 'of-ab', 'group/ab')
  record('session', 'of-a', 'group/a/park-9')
  record('sensor', 'sensor-a', 'group/a')
  await all.until((frames) => frames.some((frame) => frame.type === 'sensor'))
  await mine.until((frames) => frames.some((frame) => frame.type === 'session'))
  await delay(50)
  assert.deepEqual([...new Set(mine.events().map(({ scope }) => scope))], ['group/a/park-1'])
  assert.deepEqual(
    mine.frames.flatMap((frame) => (frame.type === 'session' ? frame.session.id : [])),
    ['of-a'],
  )
  assert.ok(!mine.frames.some(({ type }) => type === 'sensor'))
  assert.deepEqual(new Set(all.events().map(({ scope }) => scope)), new Set(['group/b', 'group/a/park-1']))
  assert.ok(!JSON.stringify(mine.frames).includes('group/b'))
  // What is asked for from the past is filtered alike.
  mine.ask({ type: 'session', session, after: 0 })
  mine.ask({ type: 'events', after: 0 })
  await commit('a', [{}])
  await mine.until(() => mine.events().length > 10)
  assert.ok(!JSON.stringify(mine.frames).includes('group/b'))
  for (const { ws } of [mine, all]) ws.close()
  const poor = await open({ token: await http.token(['ticket.read']) })
  poor.ask({ type: 'events' })
  assert.deepEqual(await poor.closed, [1008, 'this needs the permission event.read'])
})

test('a ticket is shown to each reader as their own, a fast-changing record at once and then with its latest state', async () => {
  const one = await open({ cookie: (await http.enter({ username: 'reader-1' })).cookie })
  const two = await open({ cookie: (await http.enter({ username: 'reader-2' })).cookie })
  http.core.bus.emit('ticket', { record: { id: 'T' } as never, scope: 'group/a' })
  await one.until((frames) => frames.some(({ type }) => type === 'ticket'))
  await two.until((frames) => frames.some(({ type }) => type === 'ticket'))
  const shown = (client: Client) => client.frames.find((frame) => frame.type === 'ticket') as unknown as { ticket: { for: string } }
  assert.deepEqual([shown(one).ticket.for, shown(two).ticket.for], ['reader-1', 'reader-2'])
  for (let n = 1; n <= 1000; n++) http.core.bus.emit('incident', { record: { id: 'I', events: n } as never, scope: 'group' })
  const seen = () => one.frames.flatMap((frame) => (frame.type === 'incident' ? frame.incident.events : []))
  await one.until(() => seen().at(-1) === 1000)
  assert.deepEqual(seen(), [1, 1000])
  for (const { ws } of [one, two]) ws.close()
})

test('the inbox count comes at once and when it changes', async () => {
  const person = await http.enter({ username: 'inbox', scopes: ['group/a'] })
  const insert = (target: string, scope: string, to: string | null) => http.core.sql`
    insert into notice (id, person, scope, kind, target, title, link, at) values (${uuidv7()}, ${to}, ${scope}, 'ticket', ${target}, '{}', '/', now())`
  await insert('1', 'group/a', person.id)
  await insert('2', 'group/a', null)
  await insert('3', 'group/b', null)
  await insert('4', 'group/a', uuidv7())
  const client = await open({ cookie: person.cookie })
  const unread = () => client.frames.flatMap((frame) => (frame.type === 'notices' ? frame.unread : []))
  await client.until(() => unread().at(-1) === 2)
  await insert('5', 'group/a', person.id)
  http.core.bus.emit('notices', { person: person.id })
  await client.until(() => unread().at(-1) === 3)
  client.ws.close()
})

test('a reader that stops reading costs a bounded amount; it hears how many events it missed and misses nothing of a session', async () => {
  const token = await http.token(['event.read', 'session.read'])
  const client = await open({ token })
  const session = uuidv7()
  client.ask({ type: 'events' })
  client.ask({ type: 'session', session })
  await delay(50)
  client.ws.pause()
  const rounds = 150
  let peak = 0
  for (let round = 0; round < rounds; round++) {
    await commit('a', [
      ...Array.from({ length: 4 }, () => ({ body: { mode: 'shell', input: 'x'.repeat(60_000), user: 'root', directory: '/' } })),
      terminal(session, `${round} `.repeat(2000)),
    ])
    peak = Math.max(peak, http.server.live.waitingBytes())
  }
  client.ws.resume()
  await client.until(() => client.frames.some((frame) => frame.type === 'events' && frame.skipped > 0))
  const texts = () => client.frames.flatMap((frame) => (frame.type === 'session-events' ? frame.events : []))
  await client.until(() => texts().length >= rounds)
  assert.deepEqual(
    texts().map((event) => Number.parseInt(atob((event.body as { data: string }).data), 10)),
    Array.from({ length: rounds }, (_, n) => n),
  )
  const fed = client.frames.flatMap((frame) => (frame.type === 'events' ? [frame] : []))
  const total = fed.reduce((sum, frame) => sum + frame.events.length + frame.skipped, 0)
  assert.equal(total, rounds * 4, 'shown and skipped are all')
  assert.ok(fed.reduce((sum, frame) => sum + frame.skipped, 0) > 100)
  assert.ok(peak > 1_000_000 && peak < 3_000_000, `${peak} bytes waited, of 36 MB`)
  client.ws.close()
})

test('a socket closes when its sign-in ends: signed out, revoked, or changed in what it may do', async () => {
  const person = await http.enter({ username: 'leaves' })
  const first = await open({ cookie: person.cookie })
  await http.call('/api/v1/sign-out', { cookie: person.cookie, json: {} })
  assert.deepEqual(await first.closed, [1008, 'signed out'])

  const other = await http.enter({ username: 'changes' })
  const second = await open({ cookie: other.cookie })
  await changePerson(http.core, systemActor, { params: { id: other.id }, body: { scopes: ['group/b'] }, address: '' })
  assert.deepEqual(await second.closed, [1008, 'signed out'])

  const admin = await http.enter({ username: 'revokes', role: 'administrator' })
  const token = await http.token(['event.read'])
  const third = await open({ token })
  const [row] = await http.core.sql<{ id: string }[]>`select id from api_token order by id desc limit 1`
  await http.call(`/api/v1/tokens/${row?.id}`, { cookie: admin.cookie, method: 'DELETE' })
  assert.deepEqual(await third.closed, [1008, 'signed out'])
})

test('what is no question closes the socket, and so does asking without end', async () => {
  const token = await http.token(['event.read', 'session.read'])
  for (const bad of ['{', '{"type":"everything"}', '{"type":"session","session":"x"}', '[]', 'x'.repeat(20_000)]) {
    const client = await open({ token })
    client.ws.send(bad)
    const [code] = await client.closed
    assert.ok(code === 1008 || code === 1009, `${bad.slice(0, 30)}: ${code}`)
  }
  const client = await open({ token })
  for (let n = 0; n < 150; n++) client.ask({ type: 'drop', topic: 'events' })
  assert.equal((await client.closed)[0], 1008)
})

test('at 200 live sessions a keystroke is on every watching socket well within 300 ms', async () => {
  const token = await http.token(['event.read', 'session.read'])
  const sessions = Array.from({ length: 200 }, () => uuidv7())
  const watchers = await Promise.all(Array.from({ length: 5 }, () => open({ token })))
  const sentAt = new Map<string, number>()
  const times: number[] = []
  for (const [n, client] of watchers.entries()) {
    client.ask({ type: 'events' })
    client.ask({ type: 'session', session: sessions[n] as string })
    client.ws.on('message', (data) => {
      const frame = JSON.parse(String(data)) as LiveFrame
      if (frame.type !== 'session-events') return
      for (const { body } of frame.events) times.push(performance.now() - (sentAt.get((body as { data: string }).data) as number))
    })
  }
  await delay(50)
  let key = 0
  const round = async () => {
    // Every session types a key: a batch from each of four hosts.
    const drafts = sessions.map((session) => {
      const draft = terminal(session, `key ${++key}`)
      sentAt.set((draft.body as { data: string }).data, performance.now())
      return draft
    })
    await Promise.all([0, 1, 2, 3].map((host) => commit('a', drafts.slice(host * 50, host * 50 + 50))))
  }
  for (let n = 0; n < 20; n++) {
    const started = performance.now()
    await round()
    await delay(Math.max(0, 100 - (performance.now() - started)))
  }
  while (times.length < 100) await delay(5)
  times.sort((a, b) => a - b)
  const p95 = times[94] as number
  console.log(
    `commit and show, 200 sessions at 10 keys a second: p50 ${times[49]?.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, most ${times.at(-1)?.toFixed(1)} ms`,
  )
  assert.ok(p95 < 300, `p95 ${p95}`)
  assert.ok((times.at(-1) as number) < 1000)
  for (const { ws } of watchers) ws.close()
})
