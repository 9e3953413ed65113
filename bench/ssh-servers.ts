/** Servers that SSH is measured against in the same run: the system's sshd, the bare library, and Cowrie where it is given. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { exchange } from '../test/capture.ts'
import { freePorts, until } from '../test/installation.ts'
import { findTool } from '../test/tools.ts'
import { pin } from './process-cost.ts'
import { overTcp, type SshServer } from './ssh-load.ts'

export interface MeasuredServer extends SshServer {
  name: string
  pid: number
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}

/** The library alone, on the servers' core. */
export async function withBareLibrary<T>(work: (server: MeasuredServer) => Promise<T>): Promise<T> {
  const [program, args] = pin(process.execPath, [join(import.meta.dirname, 'bare-ssh2.ts')])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    return await work({ name: 'bare ssh2', pid: child.pid as number, connect: overTcp(Number(line)), username: 'root', password: 'right' })
  } finally {
    await ended(child)
  }
}

/** The system's OpenSSH with a key of its own, on the servers' core. */
export async function withSshd<T>(work: (server: MeasuredServer) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-sshd-'))
  const [port] = (await freePorts(1)) as [number]
  for (const name of ['host', 'user']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  writeFileSync(join(folder, 'authorized'), readFileSync(join(folder, 'user.pub')), { mode: 0o600 })
  mkdirSync('/run/sshd', { recursive: true })
  const settings = [
    'ListenAddress=127.0.0.1',
    `AuthorizedKeysFile=${join(folder, 'authorized')}`,
    'PermitRootLogin=prohibit-password',
    'StrictModes=no',
    'UseDNS=no',
    'MaxStartups=1000:30:2000',
    'MaxSessions=100',
    'UsePAM=no',
  ]
  const words = ['-D', '-f', '/dev/null', '-p', String(port), '-h', join(folder, 'host'), ...settings.flatMap((setting) => ['-o', setting])]
  const [program, args] = pin(findTool('sshd') ?? 'sshd', words)
  const server = spawn(program, args, { stdio: 'ignore' })
  try {
    await until('sshd', async () => (await exchange(port, 'x\r\n')).length > 0)
    const privateKey = readFileSync(join(folder, 'user'))
    return await work({ name: 'sshd', pid: server.pid as number, connect: overTcp(port), username: userInfo().username, privateKey })
  } finally {
    await ended(server)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Folder of a Cowrie checkout with its own Python (`COWRIE/env/bin/twistd` or twistd of the system); without it Cowrie is not compared. */
export const cowrieFolder = (): string | undefined => process.env.SHENLOU_BENCH_COWRIE || undefined

/** Cowrie with its JSON log, on the servers' core. */
export async function withCowrie<T>(work: (server: MeasuredServer) => Promise<T>): Promise<T | undefined> {
  const source = cowrieFolder()
  if (!source) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-cowrie-'))
  const [port] = (await freePorts(1)) as [number]
  for (const name of ['etc', 'var/log/cowrie', 'var/lib/cowrie/downloads', 'var/lib/cowrie/tty', 'var/run']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(
    join(folder, 'etc/cowrie.cfg'),
    `[honeypot]\nlog_path = var/log/cowrie\nstate_path = var/lib/cowrie\nauth_class = UserDB\n[ssh]\nenabled = true\nlisten_endpoints = tcp:${port}:interface=127.0.0.1\n[telnet]\nenabled = false\n[output_jsonlog]\nenabled = true\nlogfile = var/log/cowrie/cowrie.json\n`,
  )
  writeFileSync(join(folder, 'etc/userdb.txt'), 'root:x:right\n')
  const own = join(source, 'env/bin/twistd')
  // It refuses to run as root.
  const nobody = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  if (nobody.length > 0) execFileSync('chown', ['-R', '65534:65534', folder])
  const words = [...nobody, existsSync(own) ? own : 'twistd3', '--nodaemon', '-l', '-', '--umask=0077', '--pidfile=', 'cowrie']
  const [program, args] = pin(words[0] as string, words.slice(1))
  const child = spawn(program, args, { cwd: folder, env: { ...process.env, PYTHONPATH: join(source, 'src') }, stdio: 'ignore' })
  try {
    await until('Cowrie', async () => (await exchange(port, 'x\r\n')).length > 0, 60_000)
    return await work({ name: 'Cowrie', pid: child.pid as number, connect: overTcp(port), username: 'root', password: 'right', answersLate: true })
  } finally {
    await ended(child)
    rmSync(folder, { recursive: true, force: true })
  }
}
