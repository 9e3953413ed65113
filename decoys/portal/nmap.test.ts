/** What nmap makes of the portal. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { type Harness, host } from '../http/harness-fixture.ts'
import { webPersona } from '../http/persona-fixture.ts'
import { portal, portalHttps } from './portal.ts'

let plain: Harness
let secure: Harness
before(async () => {
  const persona = webPersona(0)
  plain = await host(portal, persona, {})
  secure = await host(portalHttps, persona, {})
})
after(async () => {
  await plain.close()
  await secure.close()
})

const run = (program: string, ...args: string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile(program, args, { encoding: 'latin1', maxBuffer: 1e8, timeout: 60_000 }, (_, out, err) => resolve(out + err))
  })

test('nmap names the server, its title and the TLS settings', async () => {
  const [web, tls] = await Promise.all([
    run('nmap', '-Pn', '-n', '-sV', '-p', String(plain.port), '--script', 'http-title,http-headers', '127.0.0.1'),
    run('nmap', '-Pn', '-n', '-sV', '-p', String(secure.port), '--script', 'ssl-enum-ciphers', '127.0.0.1'),
  ])
  assert.match(web, /open\s+http\s+nginx 1\.20\.1/)
  assert.match(web, /http-title: /)
  assert.match(tls, /ssl\/http\s+nginx 1\.20\.1/)
  assert.match(tls, /TLSv1\.0:[\s\S]*TLSv1\.1:[\s\S]*TLSv1\.2:/)
  assert.match(tls, /TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256/)
  assert.match(tls, /cipher preference: server/)
  assert.doesNotMatch(tls, /TLSv1\.3/)
})
