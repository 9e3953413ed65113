/** The pages of devices over TLS, as curl and OpenSSL's own client meet them. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { serveDecoy, type TestDecoy, testPersona } from '../../test-harness.ts'
import { rawClient } from '../client-fixture.ts'
import { testPlant } from '../plant-fixture.ts'
import { hmi, hmiHttps } from './hmi.ts'
import { skinOf } from './skin.ts'

const execute = promisify(execFile)
const settings = { login: { accounts: [{ user: 'admin', password: 'ad', origin: 'given' as const }] }, engineers: ['admin'] }

async function secure(id: string, work: (served: TestDecoy, persona: ReturnType<typeof testPersona>) => Promise<void>): Promise<void> {
  const persona = testPersona(id)
  const served = await serveDecoy(hmiHttps, persona, settings, { plant: testPlant(), units: { oven: 'OV2' } })
  try {
    await work(served, persona)
    assert.deepEqual(served.faults, [])
  } finally {
    await served.close()
  }
}
const handshake = async (port: number, ...args: string[]): Promise<string> => {
  const run = execute('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'plc', ...args], { timeout: 15_000 })
  run.child.stdin?.end()
  return run.then(
    ({ stdout, stderr }) => stdout + stderr,
    ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
  )
}

for (const id of ['siemens-s7-1200', 'weintek-oven-hmi'])
  test(`${id} shows its page over HTTPS with a certificate of its own name`, () =>
    secure(id, async (served, persona) => {
      const { stdout, stderr } = await execute('curl', ['-skLv', '-m', '15', `https://127.0.0.1:${served.port}${skinOf(persona).style.pages.overview}`])
      assert.match(stdout, /<html/i)
      assert.match(stderr, new RegExp(`subject: .*CN ?= ?${persona.hostname}`))
      assert.match(stderr, new RegExp(`issuer: .*CN ?= ?${persona.hostname}`))
      assert.doesNotMatch(stderr, /ALPN: server accepted/)
      const [said] = served.of('tls.negotiated')
      assert.equal(said?.version, 'TLSv1.2')
      assert.ok(said?.ja4)
      assert.ok(served.of('http.exchanged').every((exchange) => exchange.secure === true))
      await assert.rejects(execute('curl', ['-s', '-m', '15', `https://127.0.0.1:${served.port}/`]), { code: 60 })
    }))

test('the old controller takes TLS 1.0, the panel does not, and neither answers extensions that are younger than its library', async () => {
  await secure('siemens-s7-1200', async ({ port }) => {
    const old = await handshake(port, '-tls1', '-cipher', 'DEFAULT:@SECLEVEL=0')
    assert.match(old, /Protocol *: TLSv1\n/)
    const now = await handshake(port, '-tlsextdebug')
    assert.match(now, /Cipher is ECDHE-RSA-AES128-GCM-SHA256/)
    assert.doesNotMatch(now, /TLS server extension "(?:session ticket|extended master secret|encrypt-then-mac)"/)
    assert.match(now, /Server Temp Key: ECDH, prime256v1/)
  })
  await secure('weintek-oven-hmi', async ({ port }) => {
    assert.match(await handshake(port, '-tls1_1', '-cipher', 'DEFAULT:@SECLEVEL=0'), /alert protocol version/)
    const now = await handshake(port, '-tlsextdebug')
    assert.match(now, /TLS server extension "session ticket"/)
    assert.doesNotMatch(now, /TLS server extension "(?:extended master secret|encrypt-then-mac)"/)
  })
})

test('a client that speaks no TLS gets an alert and is said, and leaves its place to the next', () =>
  secure('weintek-oven-hmi', async (served) => {
    for (let i = 0; i < 12; i++) {
      const client = await rawClient(served.port)
      client.send(Buffer.from('GET / HTTP/1.0\r\n\r\n').toString('hex'))
      await client.closed()
    }
    await served.until(() => served.of('protocol.violated').length === 12)
    assert.match(served.of('protocol.violated')[0]?.reason ?? '', /^TLS handshake failed: /)
    assert.match((await execute('curl', ['-skL', '-m', '15', `https://127.0.0.1:${served.port}/`])).stdout, /<html/i)
  }))

test('whoever logged in over HTTPS is known over HTTP, for it is one device', () =>
  secure('weintek-oven-hmi', async (served, persona) => {
    const plain = await serveDecoy(hmi, persona, settings, { plant: testPlant(), units: { oven: 'OV2' } })
    const { login, pages } = skinOf(persona).style
    assert.ok(login.kind === 'form')
    const { stdout } = await execute('curl', [
      '-ski',
      '-m',
      '15',
      '-d',
      `${login.user}=admin&${login.password}=ad`,
      `https://127.0.0.1:${served.port}${login.path}`,
    ])
    const cookie = /^set-cookie: ([^;\r]+)/im.exec(stdout)?.[1] ?? ''
    const answer = await fetch(`http://127.0.0.1:${plain.port}${pages.control ?? pages.overview}`, { headers: { cookie } })
    assert.match(await answer.text(), /admin/)
    await plain.close()
  }))
