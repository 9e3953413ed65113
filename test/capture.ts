/** Everything that a careful stranger can get out of one installation's decoys: raw bytes by protocol, and what names a host. */
import { execFile } from 'node:child_process'
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { promisify } from 'node:util'
import { connect as connectTls } from 'node:tls'
import { type IdentityField, identityFields } from '@shenlou/contract/identity-fields'
import ssh2 from 'ssh2'
import type { Installation } from './installation.ts'

const execute = promisify(execFile)

export interface Capture {
  /** Bytes that left the decoys, by where they came from. */
  bytes: Map<string, Buffer>
  /** Values that name these hosts and no others: an entry for every field of the contract, empty when none was seen. */
  identity: ReadonlyMap<IdentityField, Set<string>>
  /** Passwords that were drawn. */
  passwords: string[]
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

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: www\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nConnection: close\r\n\r\n`
const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: www\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`

/** What the shells are asked; answers with the attacker's own address, port or the time of day in them are left out. */
export const commands = [
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
  'cat /etc/fstab',
  'cat /sys/class/dmi/id/product_serial',
  'cat /sys/class/dmi/id/product_uuid',
  'grep btime /proc/stat',
  'stat -c %Y /etc/hostname',
]

async function shellOutput(port: number, username: string, password: string): Promise<Map<string, Buffer>> {
  const client = new ssh2.Client()
  await new Promise<void>((resolve, reject) => {
    client.once('ready', resolve).once('error', reject)
    client.connect({ host: '127.0.0.1', port, username, password })
  })
  const said = new Map<string, Buffer>()
  const collect = (channel: ssh2.ClientChannel, name: string, resolve: () => void): void => {
    const parts: Buffer[] = []
    channel.on('data', (part: Buffer) => parts.push(part))
    channel.stderr.on('data', (part: Buffer) => parts.push(part))
    channel.on('close', () => {
      said.set(name, Buffer.concat(parts))
      resolve()
    })
  }
  for (const command of commands)
    await new Promise<void>((resolve, reject) => {
      client.exec(command, (error, channel) => (error ? reject(error) : collect(channel, command, resolve)))
    })
  // What a terminal shows before anything is typed: greeting and prompt.
  await new Promise<void>((resolve, reject) => {
    client.shell((error, channel) => {
      if (error) return reject(error)
      collect(channel, 'terminal', resolve)
      channel.end('exit\n')
    })
  })
  client.end()
  return said
}

interface Notes {
  bytes: Map<string, Buffer>
  note(field: IdentityField, value: string | undefined): void
}
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Asks everything of the decoys of an installation. */
export async function capture(site: Installation): Promise<Capture> {
  const identity = new Map<IdentityField, Set<string>>(identityFields.map(({ name }) => [name, new Set()]))
  const notes: Notes = { bytes: new Map(), note: (field, value) => void (value && identity.get(field)?.add(value)) }
  await captureWeb(site, notes)
  await captureCertificate(site, notes)
  const { accounts } = JSON.parse((await site.command('placements', '--json')).stdout) as { accounts: { decoy: string; user: string; password: string }[] }
  const passwords: string[] = []
  for (const [decoy, port] of [
    ['router', site.ports.router],
    ['portal', site.ports.ssh],
  ] as const) {
    const account = accounts.find((given) => given.decoy === decoy && given.user === 'root')
    if (!account) throw new Error(`no account of ${decoy}`)
    passwords.push(account.password)
    await captureHost(decoy, port, account, notes)
  }
  return { bytes: notes.bytes, identity, passwords }
}

/** The web site: every page that a crawler reaches, its static files, its error pages, a failed sign-in, malformed requests. */
async function captureWeb({ ports }: Installation, { bytes, note }: Notes): Promise<void> {
  const asked = randomBytes(5).toString('hex')
  const queue = ['/', '/robots.txt', '/sitemap.xml', '/favicon.ico', '/admin', '/login', '/nosuchpage', '/.git/config', `/search?q=${asked}`]
  const seen = new Set(queue)
  const pages: Buffer[] = []
  const read = (path: string, answer: Buffer): string => {
    pages.push(answer)
    const text = answer.toString('latin1')
    for (const [, name, value] of text.matchAll(/\r\nSet-Cookie: ([^=;]+)=([^;\r]+)/gi)) for (const part of [name, value]) note('web.cookie', part)
    for (const [, tag] of text.matchAll(/\r\nETag: "?([^"\r]+)/gi)) note('web.etag', tag)
    for (const [, name] of text.matchAll(/(?:href|src)="?([^"\s>]+\.(?:css|js|png|svg|jpg|pdf|zip|woff2?))/gi)) note('web.assetName', name?.split('/').pop())
    for (const [, id] of text.matchAll(/<(?:input|textarea)[^>]*\sname="([^"]+)"/gi)) note('web.pageId', id)
    for (const [, names] of text.matchAll(/\s(?:id|class)="([^"]+)"/gi)) for (const name of names?.split(' ') ?? []) note('web.pageId', name)
    for (const [token] of text.matchAll(/(?<=\svalue=")[0-9A-Za-z+/=_-]{16,}(?=")|(?<=ICP\S{3})\d{8}/g)) note('web.pageId', token)
    if (/ 200 /.test(text.slice(0, 20))) {
      const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4)
      if (path === '/favicon.ico') note('web.favicon', sha256(body))
      else if (/\.(?:css|js|png|svg|jpg|pdf|zip|woff2?)$/.test(path)) note('web.assetHash', sha256(body))
    }
    return text
  }
  for (let path = queue.shift(); path !== undefined && pages.length < 150; path = queue.shift()) {
    const text = read(path, await exchange(ports.portal, get(path)))
    for (const [, link] of text.matchAll(/(?:href|src|action)="?(\/[^"\s>#]*)/gi)) {
      const clean = link?.replaceAll('&amp;', '&')
      if (clean && !seen.has(clean) && !clean.startsWith('//')) {
        seen.add(clean)
        queue.push(clean)
      }
    }
  }
  read('/login', await exchange(ports.portal, post('/login', `username=${asked}&password=${asked}`)))
  bytes.set('portal', Buffer.concat(pages))
  const malformed = [
    'GET / HTTP/9.9\r\n\r\n',
    'BREW / HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /\r\n',
    '\x16\x03\x01\x00\xa5\x01',
    'GET / HTTP/1.1\r\n\r\n',
    `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  ]
  bytes.set('portal malformed', Buffer.concat(await Promise.all(malformed.map((probe) => exchange(ports.portal, probe)))))
}

async function captureCertificate({ ports }: Installation, { bytes, note }: Notes): Promise<void> {
  const socket = connectTls({ port: ports.https, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const certificate = new X509Certificate(socket.getPeerX509Certificate()?.raw ?? Buffer.alloc(0))
  socket.destroy()
  bytes.set('certificate', certificate.raw)
  note('certificate.serial', certificate.serialNumber)
  for (const name of [certificate.subject, certificate.issuer, ...(certificate.subjectAltName ?? '').split(', ')]) note('certificate.subject', name)
  note('certificate.key', sha256(certificate.publicKey.export({ format: 'der', type: 'spki' })))
}

/** SSH to its refusals, and all that the shells of a host say of it. */
async function captureHost(decoy: string, port: number, account: { user: string; password: string }, { bytes, note }: Notes): Promise<void> {
  bytes.set(`${decoy} ssh greeting`, await exchange(port, 'SSH-2.0-probe\r\n'))
  bytes.set(`${decoy} ssh malformed`, await exchange(port, 'GET / HTTP/1.0\r\n\r\n'))
  const { stdout } = await execute('ssh-keyscan', ['-p', String(port), '127.0.0.1']).catch((error: { stdout: string }) => error)
  for (const line of stdout.split('\n').filter((row) => !row.startsWith('#'))) note('ssh.hostKey', line.split(' ')[2])
  const said = await shellOutput(port, account.user, account.password)
  for (const [command, output] of said) bytes.set(`${decoy} shell: ${command}`, output)
  const answer = (command: string): string => said.get(command)?.toString('utf8').trim() ?? ''
  const text = Buffer.concat([...said.values()]).toString('utf8')
  note('host.name', answer('uname -a').split(' ')[1])
  for (const [mac] of text.matchAll(/\b(?!00:00:00:00:00:00|ff:ff:ff:ff:ff:ff)(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi)) note('host.mac', mac.toLowerCase())
  for (const [id] of text.matchAll(/\b(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/gi)) note('host.machineId', id)
  note('host.serial', /^\w{6,}$/.exec(answer('cat /sys/class/dmi/id/product_serial'))?.[0])
  note('host.installed', /^btime (\d{9,})$/.exec(answer('grep btime /proc/stat'))?.[1])
  note('host.installed', /^\d{9,}$/.exec(answer('stat -c %Y /etc/hostname'))?.[0])
  for (const [, name, id] of text.matchAll(/^([a-z][\w.-]*):x:(\d+):\d+:[^:\n]+:\/home\//gm)) if (Number(id) >= 1000) note('host.people', name)
}
