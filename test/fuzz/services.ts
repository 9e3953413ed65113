/** Fuzz targets that are decoy services: what real clients sent them, mutated, in the clear and inside SSH's encryption. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import ssh2 from 'ssh2'
import { host } from '../../decoys/http/harness-fixture.ts'
import { webPersona } from '../../decoys/http/persona-fixture.ts'
import { portal, portalHttps } from '../../decoys/portal/portal.ts'
import { ssh } from '../../decoys/ssh/ssh.ts'
import { serveDecoy, testPersona } from '../../decoys/test-harness.ts'
import { sshRun } from '../clients.ts'
import { recorded } from './connection.ts'
import type { Random } from './mutate.ts'
import type { FuzzTarget } from './run.ts'

const execute = promisify(execFile)
const account = { user: 'root', password: 'Yssc@2021', origin: 'given' as const }
const login = { accounts: [account] }

/** Sends all of it, ends, and waits until the server is done with it or silent. */
function send(port: number, input: Buffer, silentMs: number): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1')
    const done = (): void => {
      socket.destroy()
      resolve()
    }
    socket.setTimeout(silentMs, done)
    socket.on('data', () => undefined)
    socket.on('error', done).on('close', done)
    socket.end(input)
  })
}

async function http(secure: boolean): Promise<FuzzTarget> {
  const served = await host(secure ? portalHttps : portal, webPersona(0), { login })
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-fuzz-http-'))
  const file = join(folder, 'upload.bin')
  writeFileSync(file, Buffer.alloc(3000, 'MZ'))
  const asked: string[][] = [
    [],
    ['-I'],
    ['--compressed', '-H', 'Range: bytes=0-99,200-'],
    ['-H', 'If-None-Match: "x"', '-H', 'If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT'],
    ['-d', 'username=admin&password=admin'],
    ['-F', `file=@${file}`, '-F', 'note=x'],
    ['-H', 'Transfer-Encoding: chunked', '-d', 'a=1'],
    ['-u', 'admin:admin'],
    ['-T', file],
    ['-H', 'Expect: 100-continue', '-d', 'a=1'],
    ['--http1.0'],
  ]
  const corpus = await recorded(served.port, async (port) => {
    for (const [nth, more] of asked.entries())
      await execute('curl', [
        '-s',
        '-k',
        '-m',
        '5',
        '-o',
        '/dev/null',
        ...more,
        `${secure ? 'https' : 'http'}://127.0.0.1:${port}${['/', '/login', '/search?q=a'][nth % 3]}`,
      ]).catch(() => undefined)
  })
  assert.ok(corpus.length >= asked.length, 'clients were recorded')
  return {
    name: secure ? 'portal over TLS' : 'portal over HTTP',
    corpus,
    concurrency: 16,
    async feed(input) {
      await send(served.port, input, 300)
      const faults = served.events.splice(0).filter(({ kind }) => kind === 'failed')
      // Ends of the connection are no faults; anything else that leaves `serve` is.
      for (const { body } of faults) if (!/ECONNRESET|EPIPE|closed|SSL|TLS|tls_/.test(String(body.error))) throw new Error(String(body.error))
    },
    async serves() {
      const { stdout } = await execute('curl', [
        '-s',
        '-k',
        '-m',
        '10',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        `${secure ? 'https' : 'http'}://127.0.0.1:${served.port}/`,
      ])
      assert.equal(stdout, '200')
      served.blobs.clear()
    },
    async close() {
      await served.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A persona that answers a wrong password at once, so that many are tried. */
function quick(id: string): ReturnType<typeof testPersona> {
  const persona = testPersona(id)
  const { ssh: section } = persona.template
  return section ? { ...persona, template: { ...persona.template, ssh: { ...section, refusalMs: [0, 1] } } } : persona
}

type SshDecoy = Awaited<ReturnType<typeof serveDecoy>>
async function served(decoy: SshDecoy): Promise<void> {
  assert.equal(await sshRun(decoy.port, account.password, 'echo served'), 'served\n')
  decoy.events.length = 0
  decoy.blobs.clear()
  assert.deepEqual(decoy.faults.splice(0), [])
}

/** Version line, key exchange and everything else that comes before encryption. */
async function sshInClear(id: string): Promise<FuzzTarget> {
  const decoy = await serveDecoy(ssh, quick(id), { login })
  const corpus = await recorded(decoy.port, async (port) => {
    for (const kex of ['curve25519-sha256', 'diffie-hellman-group14-sha256'])
      await sshRun(port, account.password, 'id', { more: ['-o', `KexAlgorithms=${kex}`] })
  }).catch(async (error: unknown) => {
    await decoy.close()
    throw error
  })
  return {
    name: `SSH of ${id} in the clear`,
    corpus,
    concurrency: 16,
    feed: (input) => send(decoy.port, input, 300),
    serves: () => served(decoy),
    close: () => decoy.close(),
  }
}

interface Encrypting {
  _protocol?: { _cipher?: { encrypt(packet: Buffer): void } }
}

/** Changes up to three places of some packets before they are encrypted: length(4) padding(1) payload. */
function harm(client: ssh2.Client, pick: Random): void {
  const cipher = (client as unknown as Encrypting)._protocol?._cipher
  if (!cipher) return
  const encrypt = cipher.encrypt.bind(cipher)
  cipher.encrypt = (packet) => {
    if (pick(4) === 0) {
      for (let left = 1 + pick(3); left > 0; left--) {
        const end = packet.length - (packet[4] as number)
        const at = 5 + pick(Math.max(1, end - 5))
        if (pick(2) === 0 && at + 4 <= end) packet.writeUInt32BE([0, 1, 0x7fff_ffff, 0xffff_ffff, 65_536][pick(5)] as number, at)
        else if (at < end) packet[at] = pick(256)
      }
    }
    encrypt(packet)
  }
}

/** Authentication, channels, shell and SFTP, their packets changed before they are encrypted. */
async function sshEncrypted(id: string): Promise<FuzzTarget> {
  const decoy = await serveDecoy(ssh, quick(id), { login })
  return {
    name: `SSH of ${id} encrypted`,
    corpus: [Buffer.from('echo a | tee /tmp/b && cat /tmp/b; ls -la / | head -n 3'), Buffer.from('for i in 1 2 3; do echo $((i*2)); done > /tmp/x')],
    concurrency: 8,
    feed: (input, pick) =>
      new Promise((resolve) => {
        const client = new ssh2.Client()
        const timer = setTimeout(() => client.destroy(), 400 + pick(200))
        const settled = (): void => {
          clearTimeout(timer)
          client.destroy()
          resolve()
        }
        client.on('error', settled).on('close', settled)
        client.on('handshake', () => harm(client, pick))
        client.on('ready', () => {
          const quiet = (stream: { on(event: string, listener: () => void): unknown }): void => {
            for (const event of ['data', 'error']) stream.on(event, () => undefined)
          }
          try {
            client.exec(input.toString('latin1'), (error, channel) => !error && quiet(channel))
            client.shell({ term: 'xterm', cols: 80, rows: 24 }, (error, channel) => {
              if (error) return
              quiet(channel)
              channel.setWindow(pick(1000), pick(1000), 0, 0)
              channel.write(input)
            })
            client.sftp((error, files) => {
              if (error) return
              files.on('error', () => undefined)
              files.readdir('/tmp', () => undefined)
              files.writeFile(`/tmp/f${pick(9)}`, input, () => undefined)
              files.readFile('/etc/passwd', () => undefined)
            })
            client.forwardOut('127.0.0.1', 1, '10.0.0.1', 80, () => undefined)
          } catch {
            // A client that was cut may not open channels.
          }
        })
        client.connect({
          host: '127.0.0.1',
          port: decoy.port,
          username: account.user,
          password: pick(8) === 0 ? 'wrong' : account.password,
          readyTimeout: 5000,
        })
      }),
    serves: () => served(decoy),
    close: () => decoy.close(),
  }
}

export const serviceTargets: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  'the portal over HTTP': () => http(false),
  'the portal over TLS': () => http(true),
  'the SSH of an OpenSSH persona, in the clear,': () => sshInClear('centos-7'),
  'the SSH of a Dropbear persona, in the clear,': () => sshInClear('openwrt-19.07'),
  'the SSH of an OpenSSH persona, encrypted,': () => sshEncrypted('centos-7'),
  'the SSH of a Dropbear persona, encrypted,': () => sshEncrypted('openwrt-19.07'),
}
