import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { connect } from 'node:net'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { apiError, type RouteName, routes } from '@shenlou/contract/api'
import { roles } from '@shenlou/contract/permissions'
import { systemActor } from '../actor.ts'
import { createPerson } from '../people.ts'
import { StartError } from '../store/start-error.ts'
import { createAuthority } from '@shenlou/link/authority'
import { issueIdentity } from '@shenlou/link/identity'
import { standIns, type TestHttp, testHttp } from './test-http.ts'
import { startHttp } from './server.ts'

let http: TestHttp
before(async () => {
  http = await testHttp()
})
after(() => http.close())

/** Status and error code of an answer; the body must be of the contract's form. */
async function outcome(answer: Response): Promise<[number, string]> {
  const body = await answer.json()
  if (answer.status < 400) return [answer.status, '']
  return [answer.status, apiError.parse(body).error.code]
}
const pathOf = (name: RouteName) => `/api/v1${routes[name].path.replaceAll(/:[a-z0-9]+/g, '01990000-0000-7000-8000-000000000001')}`

/** A request with headers that fetch would not send. Answers status and body. */
const raw = (headers: Record<string, string>, method = 'GET', pathname = '/api/v1/health'): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port: http.server.port, path: pathname, method, headers }, (answer) => {
      let body = ''
      answer.on('data', (chunk) => {
        body += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
    })
    call.on('error', reject)
    call.end()
  })

/** The first line that comes back for bytes as they are. */
const firstLine = (bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(http.server.port, '127.0.0.1')
    socket.on('error', reject)
    socket.once('data', (data) => {
      resolve(String(data).split('\r\n', 1)[0] as string)
      socket.destroy()
    })
    socket.write(bytes)
  })

test('every answer carries the strict policy and the headers that go with it', async () => {
  for (const pathname of ['/', '/api/v1/health', '/api/v1/me', '/nowhere', '/api/v1/nowhere', '/api/openapi.json']) {
    const { headers } = await http.call(pathname)
    const policy = Object.fromEntries((headers.get('content-security-policy') ?? '').split(/; ?/).map((part) => [part.split(' ')[0], part]))
    assert.equal(policy['default-src'], "default-src 'self'", pathname)
    assert.equal(policy['script-src'], "script-src 'self'")
    assert.equal(policy['style-src'], "style-src 'self' 'unsafe-inline'")
    assert.equal(policy['img-src'], "img-src 'self' data:")
    assert.equal(policy['connect-src'], "connect-src 'self'")
    assert.equal(policy['frame-ancestors'], "frame-ancestors 'none'")
    assert.equal(policy['object-src'], "object-src 'none'")
    assert.equal(policy['base-uri'], "base-uri 'none'")
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('x-frame-options'), 'DENY')
    assert.equal(headers.get('referrer-policy'), 'no-referrer')
    assert.equal(headers.get('x-powered-by'), null)
    assert.equal(headers.get('access-control-allow-origin'), null)
    assert.equal(headers.get('strict-transport-security'), null, 'not without TLS')
  }
})

test('only the own names are answered, whatever the route', async () => {
  const { port } = http.server
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) assert.equal((await raw({ host })).status, 200, host)
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', `127.0.0.1:${port + 1}`, `127.0.0.1.evil.example:${port}`]) {
    const { status, body } = await raw({ host })
    assert.equal(status, 421, host)
    assert.equal(JSON.parse(body).error.code, 'host-refused')
  }
  for (const lines of [
    'GET /api/v1/health HTTP/1.1\r\nHost:',
    'GET /api/v1/health HTTP/1.1\r\nX: y',
    'GET /api/v1/health HTTP/1.0',
    `GET http://127.0.0.1:${port}/api/v1/health HTTP/1.1\r\nHost: evil.example`,
  ]) {
    assert.match(await firstLine(`${lines}\r\n\r\n`), /^HTTP\/1.1 (400|421) /, lines)
  }
  assert.equal((await raw({ host: 'evil.example' }, 'GET', '/')).status, 421)
})

test('a call from another site is refused, signed in or not', async () => {
  const { cookie } = await http.enter({ username: 'origin' })
  const host = `127.0.0.1:${http.server.port}`
  const own = `http://${host}`
  for (const origin of ['https://evil.example', 'null', `https://${host}`, 'http://127.0.0.1', `${own}.evil.example`]) {
    assert.equal((await raw({ host, origin, cookie }, 'GET', '/api/v1/me')).status, 403, origin)
  }
  assert.equal((await raw({ host, origin: own, cookie }, 'GET', '/api/v1/me')).status, 200)
  assert.equal((await raw({ host, cookie }, 'GET', '/api/v1/me')).status, 200, 'a GET without Origin')
  assert.equal((await raw({ host, cookie }, 'POST', '/api/v1/sign-out')).status, 403, 'a change without Origin')
  assert.equal((await raw({ host, cookie, 'sec-fetch-site': 'cross-site' }, 'POST', '/api/v1/sign-out')).status, 403)
  assert.equal((await raw({ host, cookie, 'sec-fetch-site': 'same-origin' }, 'POST', '/api/v1/sign-out')).status, 200)
})

test('every route needs its permission: nobody 401, without it 403, with it through', async () => {
  const { cookie: viewer } = await http.enter({ username: 'perm-viewer', role: 'viewer' })
  const everything = await http.token(roles.administrator.permissions as never)
  for (const name of Object.keys(routes) as RouteName[]) {
    const { method, permission } = routes[name]
    if (permission === 'public') continue
    const anonymous = await http.call(pathOf(name), { method })
    assert.deepEqual(await outcome(anonymous), [401, 'signed-out'], name)
    if (permission === 'signed-in') continue
    const others = roles.administrator.permissions.filter((one) => one !== permission)
    const without = await http.token(others as never)
    assert.deepEqual(await outcome(await http.call(pathOf(name), { method, token: without })), [403, 'permission-missing'], name)
    if (!roles.viewer.permissions.includes(permission)) {
      assert.deepEqual(await outcome(await http.call(pathOf(name), { method, cookie: viewer })), [403, 'permission-missing'], name)
    }
    const allowed = await http.call(pathOf(name), { method, token: everything })
    assert.ok(![401, 403].includes(allowed.status), `${name}: ${allowed.status}`)
    await allowed.arrayBuffer()
  }
})

test('until a one-time password is changed nothing else is open', async () => {
  const { cookie, id, password } = await http.enter({ username: 'fresh', role: 'administrator' })
  await http.core.sql`update person set must_change_password = true where id = ${id}`
  for (const name of Object.keys(routes) as RouteName[]) {
    if (routes[name].permission === 'public' || ['me', 'changePassword', 'signOut'].includes(name)) continue
    assert.deepEqual(await outcome(await http.call(pathOf(name), { method: routes[name].method, cookie })), [403, 'password-change-required'], name)
  }
  assert.equal((await http.call('/api/v1/me', { cookie })).status, 200)
  const changed = await http.call('/api/v1/me/password', { cookie, json: { current: password, next: 'something quite new' } })
  assert.equal(changed.status, 200)
  const renewed = changed.headers.getSetCookie()[0]?.split(';', 1)[0] as string
  assert.equal((await http.call('/api/v1/events', { cookie: renewed })).status, 200)
  assert.deepEqual(await outcome(await http.call('/api/v1/me', { cookie })), [401, 'signed-out'], 'the former session')
})

test('the session cookie is HttpOnly and SameSite=Strict, and ends with sign-out', async () => {
  const { cookie, username, password } = await http.enter({ username: 'cookie' })
  const again = await http.call('/api/v1/sign-in', { json: { username, password } })
  const [line = ''] = again.headers.getSetCookie()
  assert.match(line, new RegExp(`^shenlou-${http.server.port}=[^;]+; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200$`))
  assert.deepEqual(await again.json(), { next: 'done' })
  const out = await http.call('/api/v1/sign-out', { cookie, json: {} })
  assert.match(out.headers.getSetCookie()[0] ?? '', /Max-Age=0$/)
  assert.deepEqual(await outcome(await http.call('/api/v1/me', { cookie })), [401, 'signed-out'])
})

test('handlers get what the schema parsed, and a bad request names its fields', async () => {
  const token = await http.token(['event.read', 'ticket.work', 'source.push', 'template.read'])
  http.called.length = 0
  await http.call('/api/v1/events?limit=7&kind=!login.attempted&unknown=1', { token })
  assert.deepEqual((http.called[0]!.input as { query: unknown }).query, { limit: 7, kind: '!login.attempted' })
  await http.call('/api/v1/events/facets', { token })
  await http.call('/api/v1/events/rejected', { token })
  await http.call('/api/v1/events/0199', { token })
  assert.deepEqual(
    http.called.map(({ name }) => name),
    ['events', 'eventFacets', 'rejectedEvents', 'event'],
  )
  assert.deepEqual((http.called[3]!.input as { params: unknown }).params, { id: '0199' })

  const bad = await http.call('/api/v1/events?limit=0', { token })
  assert.equal(bad.status, 400)
  const { error } = apiError.parse(await bad.json())
  assert.equal(error.code, 'bad-request')
  assert.ok(error.fields?.limit)
  const post = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    http.call('/api/v1/tickets/1/actions', { token, method: 'POST', body, headers })
  assert.deepEqual(await outcome(await post('{')), [400, 'bad-request'])
  assert.deepEqual(await outcome(await post('{"action":"fly","version":1}')), [400, 'bad-request'])
  assert.deepEqual(await outcome(await post('action=assign', { 'content-type': 'application/x-www-form-urlencoded' })), [415, 'body-type'])
  assert.equal((await post('{"action":"triage","version":1,"__proto__":{"x":1}}')).status, 200)

  http.called.length = 0
  await http.call('/api/v1/sources/0199/alerts', { token, method: 'POST', body: '{"a":1}\n{"b":2}', headers: { 'content-type': 'text/plain' } })
  assert.equal((http.called[0]!.input as { body: unknown }).body, '{"a":1}\n{"b":2}')
})

test('bodies are bounded before they are read', async () => {
  const token = await http.token(['ticket.work', 'source.push', 'template.read'])
  const headers = { 'content-type': 'application/json' }
  const big = (size: number) => JSON.stringify({ action: 'comment', version: 1, comment: 'x'.repeat(size) })
  assert.deepEqual(await outcome(await http.call('/api/v1/tickets/1/actions', { token, method: 'POST', body: big(200_000), headers })), [413, 'body-too-large'])
  assert.deepEqual(await outcome(await http.call('/api/v1/sources/1/alerts', { token, method: 'POST', body: 'x'.repeat(1_048_577) })), [413, 'body-too-large'])
  assert.equal((await http.call('/api/v1/sources/1/alerts', { token, method: 'POST', body: 'x'.repeat(1_048_576) })).status, 200)
  assert.equal(
    (await http.call('/api/v1/templates/plan', { token, method: 'POST', body: JSON.stringify({ text: 'x'.repeat(1_000_000) }), headers })).status,
    200,
  )
  // Announces nothing and never ends: refused once it is over the bound.
  const head = `POST /api/v1/tickets/1/actions HTTP/1.1\r\nHost: 127.0.0.1:${http.server.port}\r\nAuthorization: Bearer ${token}\r\n`
  const pieces = `10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(3)
  const status = await firstLine(`${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${pieces}`)
  assert.equal(status, 'HTTP/1.1 413 Payload Too Large')
})

test('captured files leave as attachments', async () => {
  const token = await http.token(['blob.read', 'session.read'])
  const sha = 'a'.repeat(64)
  const file = await http.call(`/api/v1/blobs/${sha}`, { token })
  assert.equal(file.headers.get('content-type'), 'application/zip')
  assert.equal(file.headers.get('content-disposition'), `attachment; filename="${sha}.zip"`)
  assert.equal(file.headers.get('x-content-type-options'), 'nosniff')
  const cast = await http.call('/api/v1/sessions/0199"%0d%0ax/recording.cast', { token })
  assert.equal(cast.headers.get('content-disposition'), 'attachment; filename="download.cast"')
})

test('bad tokens are nobody, good ones act within permissions and note their use', async () => {
  const secret = await http.token(['event.read'])
  assert.match(secret, /^shl_[A-Za-z0-9_-]{43}$/)
  for (const authorization of ['Bearer', 'Bearer x', `Bearer ${secret}x`, `Bearer shl_${'A'.repeat(43)}`, `Basic ${btoa('admin:admin')}`, secret]) {
    assert.deepEqual(await outcome(await http.call('/api/v1/events', { headers: { authorization } })), [401, 'signed-out'], authorization)
  }
  assert.equal((await http.call('/api/v1/events', { token: secret })).status, 200)
  const [row] = await http.core.sql<{ id: string; hash: Buffer; last_used_at: Date }[]>`select * from api_token order by created_at desc limit 1`
  assert.ok(row?.last_used_at)
  assert.equal(row?.hash.length, 32)
  assert.deepEqual(await outcome(await http.call('/api/v1/me/preferences', { token: secret })), [403, 'person-required'])
  const admin = await http.enter({ username: 'token-admin', role: 'administrator' })
  const revoked = await http.call(`/api/v1/tokens/${row?.id}`, { cookie: admin.cookie, method: 'DELETE' })
  assert.equal(revoked.status, 200)
  assert.deepEqual(await outcome(await http.call('/api/v1/events', { token: secret })), [401, 'signed-out'])
  await http.core.sql`update api_token set revoked_at = null, expires_at = now() - interval '1 second' where id = ${row?.id as string}`
  assert.deepEqual(await outcome(await http.call('/api/v1/events', { token: secret })), [401, 'signed-out'], 'run out')
})

test('the console is served with caching by kind, compressed, and every unknown page is its index', async () => {
  const page = await http.call('/sessions?live=true')
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.equal(page.headers.get('cache-control'), 'no-cache')
  assert.match(await page.text(), /<title>console/)
  const asset = await http.call('/assets/index-AbCd1234.js', { headers: { 'accept-encoding': 'gzip' } })
  assert.equal(asset.headers.get('cache-control'), 'public, max-age=31536000, immutable')
  assert.equal(asset.headers.get('content-encoding'), 'gzip')
  assert.match(await asset.text(), /^export const x/)
  const same = await http.call('/assets/index-AbCd1234.js', { headers: { 'if-none-match': asset.headers.get('etag') as string } })
  assert.equal(same.status, 304)
  assert.equal((await http.call('/assets/missing-AbCd1234.js')).status, 404)
  assert.equal((await http.call('/', { method: 'HEAD' })).status, 200)
  assert.equal((await http.call('/', { method: 'POST' })).status, 404)
})

test('no path leads out of the console folder', async () => {
  await writeFile(path.join(http.consoleDir, '..', 'secret-of-this-test.txt'), 'secret')
  const host = `127.0.0.1:${http.server.port}`
  for (const pathname of [
    '/../secret-of-this-test.txt',
    '/assets/../../secret-of-this-test.txt',
    '/%2e%2e/secret-of-this-test.txt',
    '/..%2fsecret-of-this-test.txt',
    '//etc/passwd',
  ]) {
    const { body } = await raw({ host }, 'GET', pathname)
    assert.ok(!body.includes('secret') && !body.includes('root:'), pathname)
  }
})

test('a fault of ours is a 500 that tells nothing, and is in the log', async () => {
  const broken = { ...standIns([]), events: () => Promise.reject(new Error('the inside of the house')) } as never
  const other = await testHttp({ handlers: broken }, http)
  try {
    const token = await other.token(['event.read', 'sensor.read'])
    const answer = await other.call('/api/v1/events', { token })
    assert.equal(answer.status, 500)
    assert.ok(!(await answer.text()).includes('inside'))
    assert.ok(other.core.lines.some((line) => line.includes('GET /api/v1/events failed') && line.includes('the inside of the house')))
  } finally {
    await other.close()
  }
})

test('an answer that breaks the contract is refused or said, once, where answers are checked', async () => {
  for (const checkAnswers of ['refuse', 'log'] as const) {
    const other = await testHttp({ checkAnswers }, http)
    try {
      const token = await other.token(['event.read'])
      for (let n = 0; n < 2; n++) assert.equal((await other.call('/api/v1/events', { token })).status, checkAnswers === 'refuse' ? 500 : 200)
      const lines = other.core.lines.splice(0).filter((line) => line.includes('the answer of events breaks its contract: events'))
      assert.equal(lines.length, checkAnswers === 'refuse' ? 2 : 1)
      assert.equal((await other.call('/api/v1/me', { token })).status, 200)
    } finally {
      await other.close()
    }
  }
})

test('requests are limited by address and by account', async () => {
  const other = await testHttp({ limits: { address: 60, account: 20, signIn: 5 } }, http)
  try {
    const token = await other.token(['event.read'])
    const statuses = await Promise.all(Array.from({ length: 30 }, () => other.call('/api/v1/events', { token }).then(({ status }) => status)))
    assert.equal(statuses.filter((status) => status === 200).length, 20)
    assert.equal(statuses.filter((status) => status === 429).length, 10)
    const limited = await other.call('/api/v1/events', { token })
    assert.ok(Number(limited.headers.get('retry-after')) >= 1)
    assert.deepEqual(await outcome(limited), [429, 'too-many-requests'])
    const tries = await Promise.all(
      Array.from({ length: 8 }, (_, n) => other.call('/api/v1/sign-in', { json: { username: `nobody${n}`, password: 'x' } }).then(({ status }) => status)),
    )
    assert.equal(tries.filter((status) => status === 429).length, 3)
    const rest = await Promise.all(Array.from({ length: 40 }, () => other.call('/api/v1/health').then(({ status }) => status)))
    assert.ok(rest.includes(429), 'an address as a whole')
  } finally {
    await other.close()
  }
})

test('off loopback it does not start without TLS or a proxy, and a taken port is one line', async () => {
  const options = { consoleDir: http.consoleDir, handlers: standIns([]), port: 0 }
  await assert.rejects(
    startHttp(http.core, { ...options, host: '0.0.0.0' }),
    (error: Error) => error instanceof StartError && !error.message.includes('\n') && /TLS/.test(error.message),
  )
  await assert.rejects(startHttp(http.core, { ...options, host: '192.0.2.1' }), StartError)
  await assert.rejects(startHttp(http.core, { ...options, host: '127.0.0.1', behindProxy: true }), /--public-name/)
  await assert.rejects(
    startHttp(http.core, { ...options, host: '127.0.0.1', port: http.server.port }),
    (error: Error) => error instanceof StartError && /is taken/.test(error.message),
  )
})

test('behind a proxy the public name counts, cookies are Secure and the forwarded address is believed', async () => {
  const called: never[] = []
  const other = await testHttp({ handlers: standIns(called), behindProxy: true, publicNames: ['soc.example.com'] }, http)
  try {
    await other.core.sql`select 1`
    const answer = await new Promise<{ status: number; cookies: string[] }>((resolve, reject) => {
      const body = JSON.stringify({ username: 'nobody', password: 'x' })
      const headers = {
        host: 'soc.example.com',
        origin: 'https://soc.example.com',
        'x-forwarded-for': '203.0.113.1, 198.51.100.77',
        'content-type': 'application/json',
      }
      const call = request({ host: '127.0.0.1', port: other.server.port, path: '/api/v1/sign-in', method: 'POST', headers }, (got) => {
        got.resume()
        resolve({ status: got.statusCode ?? 0, cookies: [] })
      })
      call.on('error', reject)
      call.end(body)
    })
    assert.equal(answer.status, 401)
    const [entry] = await other.core.sql<{ address: string }[]>`select address from audit_entry where action = 'sign-in.failed' order by number desc limit 1`
    assert.equal(entry?.address, '198.51.100.77', 'what the proxy itself saw, not what the client claimed')
    assert.equal(other.server.door.cookieName, '__Host-shenlou')
    assert.equal(other.server.url, 'https://soc.example.com')
    const { cookie } = await other.enter({ username: 'proxied' })
    assert.match(cookie, /^__Host-shenlou=/)
  } finally {
    await other.close()
  }
})

test('over TLS cookies are __Host- and Secure, HSTS is said, and plain HTTP gets no answer', async () => {
  const authority = await createAuthority(path.join(http.core.dataDir, 'tls-test'), http.core.masterKey)
  const { certificate, key } = await issueIdentity(authority, 'core')
  const other = await testHttp({ tls: { certificate, key } }, http)
  try {
    const { port } = other.server
    assert.equal(other.server.url, `https://127.0.0.1:${port}`)
    await createPerson(other.core, systemActor, { body: { username: 'tls', name: 'T', role: 'viewer', scopes: ['group'] }, address: null }).then(
      async ({ password }) => {
        const body = JSON.stringify({ username: 'tls', password })
        const answer = await new Promise<{ status: number; headers: Record<string, unknown> }>((resolve, reject) => {
          const headers = { 'content-type': 'application/json', origin: `https://127.0.0.1:${port}` }
          const call = secureRequest({ host: '127.0.0.1', port, path: '/api/v1/sign-in', method: 'POST', rejectUnauthorized: false, headers }, (got) => {
            got.resume()
            resolve({ status: got.statusCode ?? 0, headers: got.headers })
          })
          call.on('error', reject)
          call.end(body)
        })
        assert.equal(answer.status, 200)
        assert.match(String((answer.headers['set-cookie'] as string[])[0]), /^__Host-shenlou=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Secure; Max-Age=43200$/)
        assert.equal(answer.headers['strict-transport-security'], 'max-age=31536000')
      },
    )
    await assert.rejects(fetch(`http://127.0.0.1:${port}/api/v1/health`))
  } finally {
    await other.close()
  }
})
