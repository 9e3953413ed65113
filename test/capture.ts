/** Everything that a careful stranger can get out of one installation's decoys: raw bytes by protocol, and what names a host. */
import { execFile } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { createConnection } from 'node:net'
import { promisify } from 'node:util'
import { connect as connectTls } from 'node:tls'
import ssh2 from 'ssh2'
import type { Installation } from './installation.ts'

const execute = promisify(execFile)

export interface Capture {
  /** Bytes that left the decoys, by where they came from. */
  bytes: Map<string, Buffer>
  /** Values that name this host and no other, by field. */
  identity: Map<string, Set<string>>
}

/** Sends bytes and collects what comes until the peer ends or falls silent. */
export function exchange(port: number, send: string | Buffer, silentMs = 700): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    const parts: Buffer[] = []
    const done = (): void => {
      socket.destroy()
      resolve(Buffer.concat(parts))
    }
    socket.setTimeout(silentMs, done)
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('error', done).on('close', done)
    socket.write(send)
  })
}

const get = (path: string, headers = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: www\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n${headers}Connection: close\r\n\r\n`

/** What the shells are asked; answers with the attacker's own address, port or the time of day in them are left out. */
const commands = [
  'uname -a',
  'id',
  'hostname',
  'cat /etc/passwd',
  'cat /etc/os-release',
  'ls -la /',
  'ls -la /root',
  'ls /etc',
  'ps aux || ps',
  'ip a || ifconfig',
  'cat /proc/cpuinfo',
  'cat /proc/version',
  'free',
  'df',
  'mount',
  'uptime',
  'cat /etc/resolv.conf',
  'cat /etc/hosts',
  'dmesg | head -n 40',
  'nosuchcommand',
  'cat /etc/machine-id',
  'last',
  'env',
]

async function shellOutput(port: number, username: string, password: string): Promise<Map<string, Buffer>> {
  const client = new ssh2.Client()
  await new Promise<void>((resolve, reject) => {
    client.once('ready', resolve).once('error', reject)
    client.connect({ host: '127.0.0.1', port, username, password })
  })
  const said = new Map<string, Buffer>()
  for (const command of commands) {
    const parts: Buffer[] = []
    await new Promise<void>((resolve, reject) => {
      client.exec(command, (error, channel) => {
        if (error) return reject(error)
        channel.on('data', (part: Buffer) => parts.push(part))
        channel.stderr.on('data', (part: Buffer) => parts.push(part))
        channel.on('close', () => resolve())
      })
    })
    said.set(command, Buffer.concat(parts))
  }
  client.end()
  return said
}

export async function capture(site: Installation): Promise<Capture> {
  const bytes = new Map<string, Buffer>()
  const identity = new Map<string, Set<string>>()
  const note = (field: string, value: string | undefined): void => {
    if (value) identity.set(field, (identity.get(field) ?? new Set()).add(value))
  }

  // The web site: every page that a crawler reaches, its static files, its error pages.
  const queue = ['/', '/robots.txt', '/sitemap.xml', '/favicon.ico', '/admin', '/login', '/nosuchpage', '/.git/config', '/search?q=test']
  const seen = new Set(queue)
  const pages: Buffer[] = []
  for (let path = queue.shift(); path !== undefined && pages.length < 150; path = queue.shift()) {
    const answer = await exchange(site.ports.portal, get(path))
    pages.push(answer)
    const text = answer.toString('latin1')
    for (const [, cookie] of text.matchAll(/\r\nSet-Cookie: ([^=;]+)=/gi)) note('cookie name', cookie)
    for (const [, value] of text.matchAll(/\r\nSet-Cookie: [^=;]+=([^;\r]+)/gi)) note('cookie value', value)
    for (const [, tag] of text.matchAll(/\r\nETag: "?([^"\r]+)/gi)) note('etag', tag)
    for (const [, name] of text.matchAll(/(?:href|src)="?([^"\s>]+\.(?:css|js|png|svg|jpg|ico|woff2?))/gi))
      name !== '/favicon.ico' && note('asset', name?.split('/').pop())
    for (const [, id] of text.matchAll(/\sid="?([^"\s>]+)/gi)) note('page id', id)
    const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4)
    if (/favicon|\.ico/.test(path) && / 200 /.test(text.slice(0, 20))) note('favicon', createHash('sha256').update(body).digest('hex'))
    for (const [, link] of text.matchAll(/(?:href|src|action)="?(\/[^"\s>#]*)/gi)) {
      const clean = link?.replaceAll('&amp;', '&')
      if (clean && !seen.has(clean) && !clean.startsWith('//')) {
        seen.add(clean)
        queue.push(clean)
      }
    }
  }
  bytes.set('portal', Buffer.concat(pages))
  bytes.set(
    'portal malformed',
    Buffer.concat(
      await Promise.all(
        [
          'GET / HTTP/9.9\r\n\r\n',
          'BREW / HTTP/1.1\r\nHost: x\r\n\r\n',
          'GET /\r\n',
          '\x16\x03\x01\x00\xa5\x01',
          'GET / HTTP/1.1\r\n\r\n',
          `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
        ].map((probe) => exchange(site.ports.portal, probe)),
      ),
    ),
  )

  await new Promise<void>((resolve, reject) => {
    const socket = connectTls({ port: site.ports.https, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const certificate = new X509Certificate(socket.getPeerX509Certificate()?.raw ?? Buffer.alloc(0))
      bytes.set('certificate', certificate.raw)
      note('certificate serial', certificate.serialNumber)
      note('certificate subject', certificate.subject)
      note('certificate issuer', certificate.issuer)
      note('certificate key', certificate.publicKey.export({ format: 'der', type: 'spki' }).toString('hex').slice(60, 160))
      socket.end()
      resolve()
    })
    socket.once('error', reject)
  })

  const accounts = (JSON.parse((await site.command('placements', '--json')).stdout) as { accounts: { decoy: string; user: string; password: string }[] })
    .accounts
  for (const [decoy, port] of [
    ['router', site.ports.router],
    ['portal', site.ports.ssh],
  ] as const) {
    bytes.set(`${decoy} ssh greeting`, await exchange(port, 'SSH-2.0-probe\r\n'))
    bytes.set(`${decoy} ssh malformed`, await exchange(port, 'GET / HTTP/1.0\r\n\r\n'))
    const { stdout } = await execute('ssh-keyscan', ['-p', String(port), '127.0.0.1']).catch((error: { stdout: string }) => error)
    for (const line of stdout.split('\n').filter((row) => !row.startsWith('#'))) note('host key', line.split(' ')[2])
    const account = accounts.find((given) => given.decoy === decoy && given.user === 'root')
    if (!account) throw new Error(`no account of ${decoy}`)
    note('password', account.password)
    const said = await shellOutput(port, account.user, account.password)
    for (const [command, output] of said) bytes.set(`${decoy} shell: ${command}`, output)
    const text = Buffer.concat([...said.values()]).toString('utf8')
    for (const [mac] of text.matchAll(/\b(?!00:00:00:00:00:00|ff:ff:ff:ff:ff:ff)(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi)) note('mac', mac.toLowerCase())
    note(
      'hostname',
      text
        .split('\n')
        .find((line) => line.startsWith('Linux '))
        ?.split(' ')[1],
    )
    for (const [id] of text.matchAll(/\b[0-9a-f]{32}\b/g)) note('machine id', id)
  }

  return { bytes, identity }
}

/** All runs of `length` bytes. */
export function grams(buffer: Buffer, length = 8): Set<string> {
  const found = new Set<string>()
  const text = buffer.toString('latin1')
  for (let at = 0; at + length <= text.length; at++) found.add(text.slice(at, at + length))
  return found
}
