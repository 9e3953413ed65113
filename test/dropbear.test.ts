/** Our Dropbear against Debian's: what a scanner sees of both, and that every algorithm of the real one's lists is served. */
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import ssh2 from 'ssh2'
import { ssh } from '../decoys/ssh/ssh.ts'
import { serveDecoy, type TestDecoy, testPersona } from '../decoys/test-harness.ts'
import { openWorld } from '../decoys/world.ts'
import { exchange } from './capture.ts'
import { sshQuiet, sshRun } from './clients.ts'
import { freePorts, until } from './installation.ts'
import { findTool } from './tools.ts'

const execute = promisify(execFile)
const password = 'Given#2024'
const tries = 3
let folder: string
let real: { port: number; stop(): Promise<void> }
let ours: TestDecoy

/** The version line and the ten lists of the KEXINIT (RFC 4253 section 7.1) of a server that speaks first. */
function offer(bytes: Buffer): { ident: string; lists: string[][] } {
  const start = bytes.indexOf('\n') + 1
  const lists: string[][] = []
  for (let at = start + 4 + 1 + 1 + 16; lists.length < 10; ) {
    const length = bytes.readUInt32BE(at)
    lists.push(length === 0 ? [] : bytes.toString('latin1', at + 4, at + 4 + length).split(','))
    at += 4 + length
  }
  return { ident: bytes.toString('latin1', 0, start).trim(), lists }
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shenlou-dropbear-'))
  const [port] = (await freePorts(1)) as [number]
  const keys = ['rsa', 'ecdsa', 'ed25519'].map((type) => {
    const file = join(folder, type)
    execFileSync(findTool('dropbearkey') ?? 'dropbearkey', ['-t', type, '-f', file], { stdio: 'ignore' })
    return file
  })
  const server = spawn(
    findTool('dropbear') ?? 'dropbear',
    ['-F', '-E', '-T', String(tries), '-p', `127.0.0.1:${port}`, '-P', join(folder, 'pid'), ...keys.flatMap((key) => ['-r', key])],
    { stdio: 'ignore' },
  )
  real = {
    port,
    async stop() {
      const gone = once(server, 'exit')
      server.kill()
      await gone
    },
  }
  await until('dropbear', async () => (await exchange(port, 'SSH-2.0-probe\r\n', 200)).length > 100)
  const persona = testPersona('debian-12-dropbear')
  const section = persona.template.ssh
  assert.ok(section)
  ours = await serveDecoy(
    ssh,
    { ...persona, template: { ...persona.template, ssh: { ...section, maxTries: tries } } },
    { login: { accounts: [{ user: 'root', password, origin: 'given' as const }] } },
  )
})
after(async () => {
  await ours?.close()
  await real?.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('both name their version and send the same lists before they have heard a byte', async (t) => {
  const [left, right] = [offer(await exchange(real.port, '')), offer(await exchange(ours.port, ''))]
  t.diagnostic(`shown: ${left.ident}: ${left.lists.map((list) => list.length).join(' ')} names in its lists`)
  assert.match(left.ident, /^SSH-2\.0-dropbear_20\d\d\.\d+$/)
  assert.deepEqual(right, left)
})

test('both tell the client the same signatures, before anybody has logged in', async () => {
  const said = async (port: number): Promise<string | undefined> => {
    const { stderr } = await execute('ssh', [...sshQuiet, '-v', '-o', 'BatchMode=yes', '-p', String(port), 'root@127.0.0.1', 'true'], {
      timeout: 20_000,
    }).catch((error: { stderr: string }) => error)
    return /server-sig-algs=<(.*)>/.exec(stderr)?.[1]
  }
  const [left, right] = await Promise.all([said(real.port), said(ours.port)])
  assert.ok(left?.includes('rsa-sha2-256'))
  assert.equal(right, left)
})

test('Dropbear reads the host keys that the decoy has on its disk, and they are those that it proves', async () => {
  const world = openWorld(ours.persona)
  for (const type of ['rsa', 'ecdsa', 'ed25519']) {
    const file = join(folder, `ours-${type}`)
    writeFileSync(file, world.files.read(`/etc/dropbear/dropbear_${type}_host_key`))
    const { stdout } = await execute(findTool('dropbearkey') ?? 'dropbearkey', ['-y', '-f', file])
    const { stdout: scanned } = await execute('ssh-keyscan', ['-t', type, '-p', String(ours.port), '127.0.0.1'])
    const [blob = 'no key'] = /AAAA[\w+/=]+/.exec(scanned) ?? []
    assert.ok(stdout.includes(blob), `${type}: ${scanned}`)
  }
})

test('every key exchange, host key, cipher and MAC of the real lists is served', async () => {
  const [kex = [], hostKey = [], cipher = [], , mac = []] = offer(await exchange(real.port, '')).lists
  const named = (option: string, names: string[]): string[][] => names.map((name) => ['-o', `${option}=${name}`])
  for (const more of [
    ...named(
      'KexAlgorithms',
      kex.filter((name) => !/^kex/.test(name)),
    ),
    ...named('HostKeyAlgorithms', hostKey),
    ...named('Ciphers', cipher),
    ...mac.map((name) => ['-o', 'Ciphers=aes128-ctr', '-o', `MACs=${name}`]),
  ])
    assert.equal(await sshRun(ours.port, password, 'echo in', { more }), 'in\n', more.join(' '))
})

test('both end at the same failure, and say as little to what is no client', async () => {
  const refused = (port: number): Promise<{ methods: string[][]; tried: number }> =>
    new Promise((resolve) => {
      const methods: string[][] = []
      let tried = 0
      const client = new ssh2.Client()
      client.on('error', () => undefined)
      client.on('close', () => resolve({ methods, tried }))
      client.connect({
        host: '127.0.0.1',
        port,
        username: 'root',
        authHandler: (left, _partial, next) => {
          if (left) methods.push(left as unknown as string[])
          tried++
          next({ type: 'password', username: 'root', password: `wrong ${tried}` })
        },
      })
    })
  assert.deepEqual(await refused(ours.port), await refused(real.port))
  for (const probe of ['GET / HTTP/1.0\r\n\r\n', 'SSH-1.5-old\r\n', 'SSH-2.0-x\r\nnot a packet at all, not at all']) {
    const [left, right] = [await exchange(real.port, probe), await exchange(ours.port, probe)]
    assert.deepEqual(offer(right), offer(left), probe)
    assert.equal(right.length, left.length, probe)
  }
})
