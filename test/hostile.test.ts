/** Hostile input: decoys serve on, memory stays bounded, the console runs nothing of it and asks for nothing. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createConnection, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import ssh2 from 'ssh2'
import { exchange } from './capture.ts'
import { httpStatus, openConsole, sshOptions, sshRun } from './clients.ts'
import { type Installation, install, until } from './installation.ts'
import { memoryMiB, shown, total } from './memory.ts'
import { connectRandomly } from './random-bytes.ts'

const execute = promisify(execFile)
/** What the second half of 5,000 random connections may add, in MiB. Heaps fill with garbage to a level; hostile.soak.ts shows that level. */
const addedMiB = 150
/** What one process may hold, in MiB, whatever came. */
const mostMiB = { core: 450, decoys: 320, worker: 600, relay: 320 } as const

describe('an installation with 1,024 descriptors a process', () => {
  let site: Installation
  let password: string
  before(async () => {
    site = await install({ prefix: ['prlimit', '--nofile=1024:1024'] })
    await site.signIn()
    password = await site.password('portal')
  })
  after(() => site?.remove())

  const loginWorks = async (): Promise<void> => assert.equal(await sshRun(site.ports.ssh, password, 'echo served'), 'served\n')
  const pageWorks = async (): Promise<void> => assert.equal(await httpStatus(site.ports.portal), '200')

  test('5,000 connections with random bytes leave it serving, in bounded memory', async (t) => {
    await connectRandomly(site, 2500)
    const first = memoryMiB(site.process.pid as number)
    await connectRandomly(site, 2500)
    const second = memoryMiB(site.process.pid as number)
    await loginWorks()
    await pageWorks()
    t.diagnostic(`shown: MiB after 2,500 random connections: ${shown(first)}; after 5,000: ${shown(second)}`)
    const added = total(second) - total(first)
    assert.ok(added < addedMiB, `${added.toFixed(0)} MiB added by 2,500 connections`)
    for (const [role, most] of Object.entries(mostMiB)) assert.ok(second[role as keyof typeof mostMiB] < most, `${role} holds ${shown(second)}`)
  })

  test('2,000 silent connections lock nobody out', async (t) => {
    const silent: Socket[] = []
    for (let i = 0; i < 2000; i++) {
      // From many addresses, as a botnet would: one source alone is held to a share.
      const socket = createConnection({
        port: i % 2 ? site.ports.router : site.ports.portal,
        host: '127.0.0.1',
        localAddress: `127.0.${1 + (i % 50)}.${1 + (i % 200)}`,
      })
      socket.on('error', () => undefined)
      silent.push(socket)
      if (i % 100 === 99) await new Promise((done) => setImmediate(done))
    }
    let served = 0
    for (let i = 0; i < 10; i++) {
      await loginWorks()
      await pageWorks()
      served += 2
    }
    for (const socket of silent) socket.destroy()
    t.diagnostic(`shown: ${served} of 20 legitimate clients served beside 2,000 silent connections`)
    assert.equal(served, 20)
  })

  test('slow clients, header bombs and a password of 1 MB are cut without hurting others', async () => {
    const slow = Array.from({ length: 200 }, (_, i) => {
      const socket = createConnection({ port: site.ports.portal, host: '127.0.0.1', localAddress: `127.0.9.${1 + (i % 200)}` })
      socket.on('error', () => undefined)
      socket.write('GET / HTTP/1.1\r\nX-Slow: ')
      return socket
    })
    const bomb = await exchange(
      site.ports.portal,
      `GET / HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 5000 }, (_, i) => `X-${i}: ${'y'.repeat(100)}\r\n`).join('')}\r\n`,
    )
    assert.match(bomb.toString('latin1'), /^HTTP\/1\.1 400 |^$/)
    await new Promise<void>((resolve) => {
      const client = new ssh2.Client()
      client
        .on('error', () => resolve())
        .on('close', () => resolve())
        .on('ready', () => resolve())
      client.connect({ host: '127.0.0.1', port: site.ports.ssh, username: 'root', password: 'p'.repeat(1_000_000), readyTimeout: 10_000 })
    })
    await loginWorks()
    await pageWorks()
    for (const socket of slow) socket.destroy()
  })

  test('script, terminal escapes and bidi marks in every captured field run nothing in the console', async () => {
    const script = '"><img src=http://198.51.100.9/x onerror=alert(1)><script>alert(1)</script>'
    const escapes = '\u001b]8;;http://198.51.100.9/\u0007link\u001b]8;;\u0007\u001b]52;c;YWJj\u0007\u001b[6n\u202e{{7*7}}'
    await execute('curl', [
      '-s',
      '-m',
      '10',
      '-A',
      script,
      '-H',
      `X-Evil: ${script}`,
      '-d',
      `username=${script}&password=${escapes}`,
      `http://127.0.0.1:${site.ports.portal}/login?x=<script>alert(1)</script>`,
    ])
    await exchange(site.ports.router, `SSH-2.0-${script}\r\n`)
    await execute(
      'sshpass',
      [
        '-p',
        password,
        'ssh',
        '-tt',
        ...sshOptions,
        '-p',
        String(site.ports.ssh),
        'root@127.0.0.1',
        `printf '${escapes}'; echo '${script}'; touch '/tmp/${'<script>alert(1)<'}'`,
      ],
      { timeout: 20_000 },
    ).catch(() => undefined)
    await execute('sshpass', ['-p', script, 'ssh', ...sshOptions, '-p', String(site.ports.ssh), '-l', '<img src=x onerror=alert(1)>', '127.0.0.1', 'id'], {
      timeout: 20_000,
    }).catch(() => undefined)
    await until('the exchange to be stored', async () => (await site.call('events', { query: { kind: 'http.exchanged', text: 'onerror' } })).events.length > 0)

    const { page, close } = await openConsole(site)
    try {
      const ran: string[] = []
      const asked: string[] = []
      page.on('dialog', (dialog) => {
        ran.push(dialog.message())
        void dialog.dismiss()
      })
      page.on('request', (request) => {
        if (!request.url().startsWith(site.url) && !request.url().startsWith('data:')) asked.push(request.url())
      })
      const sessions = (await site.call('sessions', { query: { limit: 20 } })).items
      const incidents = (await site.call('incidents', {})).items
      const tickets = (await site.call('tickets', {})).items
      const paths = [
        '/overview',
        '/sessions',
        '/events',
        '/incidents',
        '/tickets',
        '/sensors',
        '/decoys',
        '/templates',
        '/settings',
        ...sessions.slice(0, 6).map(({ id }) => `/sessions/${id}`),
        ...incidents.slice(0, 2).map(({ id }) => `/incidents/${id}`),
        ...tickets.slice(0, 2).map(({ id }) => `/tickets/${id}`),
      ]
      for (const path of paths) {
        await page.goto(`${site.url}${path}`)
        await page.waitForSelector('main')
        await page.waitForLoadState('networkidle').catch(() => undefined)
        assert.equal(await page.locator('main img[src^="http://198"], main script').count(), 0, path)
      }
      assert.deepEqual(ran, [])
      assert.deepEqual(asked, [])
    } finally {
      await close()
    }
  })
})
