/** The portal met by real clients: curl, hydra, nmap, openssl, Chromium. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { escapeBytes } from '@shenlou/contract/bytes'
import { chromium } from 'playwright-core'
import { type Harness, host } from '../http/harness-fixture.ts'
import { webPersona } from '../http/persona-fixture.ts'
import type { Persona } from '../persona.ts'
import { isGuarded } from './app.ts'
import { portal, portalHttps } from './portal.ts'
import { siteOf } from './site.ts'

const persona: Persona = webPersona(0)
const site = siteOf(persona, Date.now())
const login = {
  accounts: [
    { user: 'wangwei', password: 'Wang@2021' },
    { user: 'lure', password: 'Planted#9', origin: 'lure' },
  ],
  afterTries: { users: ['admin'], from: 3, to: 5 },
}
const folder = mkdtempSync(join(tmpdir(), 'shenlou-portal-'))
let plain: Harness
let secure: Harness

before(async () => {
  plain = await host(portal, persona, { login })
  secure = await host(portalHttps, persona, { login })
})
after(async () => {
  await plain.close()
  await secure.close()
  rmSync(folder, { recursive: true })
})

/** Runs a program; its whole output, whatever its exit code. */
const run = (program: string, ...args: string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile(program, args, { encoding: 'latin1', maxBuffer: 1e8, timeout: 60_000 }, (_, out, err) => resolve(out + err))
  })
const curl = (...args: string[]): Promise<string> => run('curl', '-s', ...args)
const at = (path: string): string => `http://127.0.0.1:${plain.port}${path}`
const atTls = (path: string): string => `https://127.0.0.1:${secure.port}${path}`

test('curl crawls every link of the site and finds no dead one', async () => {
  const seen = new Set<string>()
  const queue = ['/', '/robots.txt', '/sitemap.xml', '/favicon.ico', '/login', '/search']
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (seen.has(path)) continue
    seen.add(path)
    const answer = await fetch(at(path), { redirect: 'manual' })
    const body = Buffer.from(await answer.arrayBuffer())
    assert.ok(answer.status === 200 || answer.status === 302, `${path} answers ${answer.status}`)
    if (!/html/.test(answer.headers.get('content-type') ?? '')) continue
    for (const [, link] of body.toString('utf8').matchAll(/(?:href|src|action)="(\/[^"#]*)"/g)) queue.push((link as string).replaceAll('&amp;', '&'))
  }
  assert.ok(seen.size > 60, `${seen.size} paths`)
})

test('headers come in the order and casing of nginx', async () => {
  const names = (text: string): string[] =>
    text
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(':')[0] ?? '')
      .filter(Boolean)
  assert.deepEqual(names(await curl('-I', at('/'))), [
    'Server',
    'Date',
    'Content-Type',
    'Content-Length',
    'Last-Modified',
    'Connection',
    'ETag',
    'Accept-Ranges',
  ])
  assert.deepEqual(names(await curl('-I', at('/no/such/page'))), ['Server', 'Date', 'Content-Type', 'Content-Length', 'Connection', 'ETag'])
  assert.match(await curl('-i', at('/.git/config')), /^HTTP\/1.1 403 Forbidden\r\n[\s\S]*<hr><center>nginx\/1\.20\.1<\/center>/)
})

test('a search finds the news, escapes what it shows, and says when there is nothing', async () => {
  const word = site.content.articles[0]?.title.slice(0, 4) ?? ''
  assert.match(Buffer.from(await curl(at(`/search?q=${encodeURIComponent(word)}`)), 'latin1').toString(), new RegExp(word))
  const evil = await curl(at(`/search?q=${encodeURIComponent('"><script>alert(1)</script>')}`))
  assert.ok(!evil.includes('<script>alert'))
  assert.ok(evil.includes('&lt;script&gt;alert(1)&lt;/script&gt;'))
})

test('a wrong password is refused on a page, the right one opens the intranet, both are said with the answer', async () => {
  const jar = join(folder, 'jar')
  const { markup } = site
  await curl('-c', jar, at('/login'))
  const form = (password: string): string => `${markup.id('user')}=wangwei&${markup.id('password')}=${encodeURIComponent(password)}`
  const wrong = Buffer.from(await curl('-b', jar, '-d', form('n<o>pe'), at('/login')), 'latin1')
  assert.ok(wrong.toString().includes(site.content.labels.wrong[0]))
  const exchange = plain.of('http.exchanged').at(-1) as { responseBody: string; responsePage: string; responseSize: number }
  assert.deepEqual([exchange.responseBody, exchange.responseSize], [escapeBytes(wrong), wrong.length])
  await curl('-b', jar, '-d', form('again'), at('/login'))
  const again = plain.of('http.exchanged').at(-1) as { responseBody?: string; responsePage: string }
  assert.deepEqual([again.responseBody, again.responsePage], [undefined, exchange.responsePage])
  const right = await curl('-i', '-b', jar, '-c', jar, '-d', form('Wang@2021'), at('/login'))
  assert.match(right, /^HTTP\/1.1 302/)
  const inside = Buffer.from(await curl('-i', '-b', jar, at(site.layout.inside)), 'latin1').toString()
  assert.ok(inside.startsWith('HTTP/1.1 200') && inside.includes('wangwei'))
  assert.match(await curl('-i', at(site.layout.inside)), /^HTTP\/1.1 302/)
  const said = plain.of('login.attempted').filter(({ user }) => user === 'wangwei')
  assert.deepEqual(
    said.map(({ password, outcome, by }) => [password, outcome, by]),
    [
      ['n<o>pe', 'refused', undefined],
      ['again', 'refused', undefined],
      ['Wang@2021', 'accepted', 'given'],
    ],
  )
})

test('a guarded form takes nothing without the token of its session, and what was typed is said all the same', async () => {
  const guardedPersona = webPersona(3)
  const guardedSite = siteOf(guardedPersona, Date.now())
  assert.ok(isGuarded(guardedSite) && !isGuarded(site))
  const guarded = await host(portal, guardedPersona, { login })
  try {
    const { markup, content, layout } = guardedSite
    const url = `http://127.0.0.1:${guarded.port}${layout.login}`
    const jar = join(folder, 'guarded')
    const hidden = /<input[^>]*hidden[^>]*>/.exec(await curl('-c', jar, url))?.[0] ?? ''
    const token = /value="?([0-9a-f]{20,})/.exec(hidden)?.[1]
    const form = (...more: string[]): string => [`${markup.id('user')}=wangwei`, `${markup.id('password')}=Wang@2021`, ...more].join('&')
    const page = async (...args: string[]): Promise<string> => Buffer.from(await curl('-i', ...args, url), 'latin1').toString()
    for (const data of [form(), form(`${markup.id('token')}=`), form(`${markup.id('token')}=${'f'.repeat(token?.length ?? 0)}`)])
      assert.ok((await page('-b', jar, '-d', data)).includes(content.labels.expired[0]), data)
    const elsewhere = await page('-d', form(`${markup.id('token')}=${token}`))
    assert.ok(elsewhere.includes(content.labels.expired[0]) && /\r\nSet-Cookie: /.test(elsewhere))
    assert.match(await page('-b', jar, '-d', form(`${markup.id('token')}=${token}`)), /^HTTP\/1\.1 302 Found\r\n/)
    assert.deepEqual(
      guarded.of('login.attempted').map(({ user, password, outcome }) => `${user} ${password} ${outcome}`),
      [...Array<string>(4).fill('wangwei Wang@2021 refused'), 'wangwei Wang@2021 accepted'],
    )
  } finally {
    await guarded.close()
  }
})

test('hydra gets in where the policy lets the listed user in after some tries, and each of its tries is said', async () => {
  const words = join(folder, 'words')
  writeFileSync(words, Array.from({ length: 12 }, (_, i) => `guess${i}`).join('\n'))
  const { markup, content } = site
  const before = plain.of('login.attempted').length
  const out = await run(
    'hydra',
    '-I',
    '-t',
    '1',
    '-l',
    'admin',
    '-P',
    words,
    '-s',
    String(plain.port),
    '127.0.0.1',
    'http-post-form',
    `/login:${markup.id('user')}=^USER^&${markup.id('password')}=^PASS^:S=302`,
  )
  assert.match(out, /login: admin {3}password: guess\d/)
  const said = plain.of('login.attempted').slice(before)
  assert.ok(said.length >= 3 && said.some(({ outcome, by }) => outcome === 'accepted' && by === 'tries'))
  void content
})

test('after some failures the account is locked for a while', async () => {
  let page = ''
  for (let i = 0; i < 12 && !page.includes(site.content.labels.locked[0].split('#')[0] as string); i++)
    page = Buffer.from(await curl('-d', `username=zhang&password=p${i}`, at('/login')), 'latin1').toString()
  assert.match(page, new RegExp(site.content.labels.locked[0].replace('#', '\\d+').replace(/[()]/g, '.')))
})

test('a message with a drawing is answered, the file is kept by hash', async () => {
  const file = join(folder, 'shell.jpg.php')
  const bytes = Buffer.concat([Buffer.from('<?php system($_GET["c"]); ?>'), Buffer.alloc(200_000, 7)])
  writeFileSync(file, bytes)
  const { markup } = site
  const page = Buffer.from(
    await curl('-F', `${markup.id('name')}=x`, '-F', `${markup.id('message')}=hello`, '-F', `${markup.id('attach')}=@${file}`, at(site.layout.message)),
    'latin1',
  ).toString()
  assert.ok(page.includes(site.content.labels.thanks[0]))
  const said = plain.of('file.uploaded').at(-1) as { path: string; file: { sha256: string } }
  assert.equal(said.path, 'shell.jpg.php')
  assert.deepEqual(plain.blobs.get(said.file.sha256), bytes)
  const exchange = plain.of('http.exchanged').at(-1) as { bodySize: number; file: { size: number } }
  assert.ok(exchange.bodySize > 200_000 && exchange.file.size === exchange.bodySize)
})

test('an upload to where nothing is meets 405 and is still kept', async () => {
  const file = join(folder, 'put.bin')
  writeFileSync(file, Buffer.alloc(150_000, 3))
  assert.match(await curl('-i', '-H', 'Expect:', '-T', file, at('/up.jsp')), /405 Not Allowed/)
  await settled(() => plain.of('file.uploaded').some(({ path }) => path === '/up.jsp'))
})

test('downloads are valid PDF and ZIP files, ranges are served', async () => {
  for (const path of site.parts.assets.papers) {
    const out = join(folder, 'paper')
    await curl('-o', out, at(path))
    const bytes = readFileSync(out)
    if (path.endsWith('.pdf')) {
      assert.match(bytes.toString('latin1', 0, 8), /^%PDF-1\.\d/)
      assert.match(bytes.toString('latin1').slice(-40), /startxref\n\d+\n%%EOF\n$/)
    } else assert.match(await run('python3', '-c', `import zipfile,sys; print(zipfile.ZipFile(sys.argv[1]).testzip())`, out), /None/)
    assert.equal((await curl('-r', '2-5', at(path))).length, 4)
  }
})

test('openssl s_client sees the certificate and resumes by ticket', async () => {
  const saved = join(folder, 'session')
  const first = await run(
    'sh',
    '-c',
    `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:${secure.port} -sess_out ${saved} -ign_eof 2>&1`,
  )
  assert.match(first, /CN ?= ?www\.haichuan-heavy\.cn/)
  assert.match(first, /TLS session ticket:/)
  const again = await run(
    'sh',
    '-c',
    `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:${secure.port} -sess_in ${saved} -ign_eof 2>&1`,
  )
  assert.match(again, /Reused, TLSv1\.2/)
  const said = secure.of('tls.negotiated').at(-1) as { ja4: string; ja3: string; version: string }
  assert.equal(said.version, 'TLSv1.2')
  assert.match(said.ja4, /^t13i\d{4}00_[0-9a-f]{12}_[0-9a-f]{12}$/)
  assert.match(said.ja3, /^[0-9a-f]{32}$/)
})

test('ALPN is answered with HTTP/1.1 and a client of HTTP/2 alone is served without it', async () => {
  assert.match(await curl('-kv', '--http1.1', atTls('/')), /ALPN: server accepted http\/1\.1/)
  assert.match(
    await run('sh', '-c', `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:${secure.port} -alpn h2 -ign_eof 2>&1`),
    /No ALPN negotiated[\s\S]*HTTP\/1\.1 200 OK/,
  )
})

test('Chromium shows the site whole at 1440 and 390 pixels, with no error and no request elsewhere', async () => {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  try {
    for (const width of [1440, 390]) {
      const page = await browser.newPage({ viewport: { width, height: 900 } })
      const faults: string[] = []
      page.on('pageerror', (error) => faults.push(error.message))
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
      page.on('request', (request) => request.url().startsWith(at('')) || request.url().startsWith('data:') || faults.push(request.url()))
      for (const path of ['/', site.layout.page('about'), site.layout.page('contact'), site.layout.page('news'), '/login', site.layout.page('home', true)]) {
        await page.goto(at(path), { waitUntil: 'load' })
        const facts = await page.evaluate(() => ({
          overflow: document.documentElement.scrollWidth - innerWidth,
          broken: [...document.images].filter((image) => image.complete && image.naturalWidth === 0).length,
        }))
        assert.deepEqual(facts, { overflow: 0, broken: 0 }, `${path} at ${width}`)
      }
      assert.deepEqual(faults, [])
      await page.close()
    }
  } finally {
    await browser.close()
  }
})

test('the same seed gives the same site, and yesterday’s pages stay as they are', () => {
  const again = siteOf(webPersona(0), Date.now())
  assert.deepEqual([...again.files.keys()], [...site.files.keys()])
  for (const [path, file] of site.files) assert.ok(again.files.get(path)?.body.equals(file.body), path)
  const month = siteOf(webPersona(0), Date.now() + 30 * 86_400_000)
  assert.ok((month.content.articles[0]?.at ?? 0) > (site.content.articles[0]?.at ?? 0), 'news goes on')
  const about = site.layout.page('about')
  const path = about.endsWith('/') ? `${about}index.html` : about
  assert.ok(month.files.get(path)?.body.equals(site.files.get(path)?.body as Buffer))
})

/** Waits for a condition, at most 5 s. */
async function settled(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 250 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.ok(condition())
}
