/** SSH: login and command, memory of an idle session with its shell, Enter to prompt; against the system's OpenSSH in the same run. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2, { type Client, type ClientChannel, type ConnectConfig } from 'ssh2'
import { exchange } from '../test/capture.ts'
import { freePorts, install, until } from '../test/installation.ts'
import { find } from '../test/processes.ts'
import { findTool } from '../test/tools.ts'
import { treeCpuMs, treePssKib } from './process-cost.ts'
import { median, percentile, type Row } from './row.ts'

const algorithms: ConnectConfig['algorithms'] = { kex: ['curve25519-sha256@libssh.org', 'curve25519-sha256'], cipher: ['aes128-ctr'], hmac: ['hmac-sha2-256'] }

function connect(config: ConnectConfig): Promise<Client> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client()
    client.once('ready', () => resolve(client)).once('error', reject)
    client.connect({ ...config, algorithms, readyTimeout: 20_000, authHandler: [config.privateKey ? 'publickey' : 'password'] })
  })
}

async function loginAndExec(config: ConnectConfig): Promise<void> {
  const client = await connect(config)
  await new Promise<void>((resolve, reject) => {
    client.exec('uname -a', (error, channel) => {
      if (error) return reject(error)
      channel.on('data', () => undefined).on('close', () => resolve())
    })
  })
  client.end()
  await once(client, 'close')
}

/** Runs `count` sessions, `width` at once. Answers sessions a second. */
async function rate(config: ConnectConfig, count: number, width: number): Promise<number> {
  let left = count
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left-- > 0) await loginAndExec(config)
    }),
  )
  return count / ((performance.now() - begun) / 1000)
}

async function openShell(config: ConnectConfig): Promise<{ client: Client; channel: ClientChannel; text: () => string }> {
  const client = await connect(config)
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.shell({ term: 'xterm' }, (error, opened) => (error ? reject(error) : resolve(opened))),
  )
  let text = ''
  channel.on('data', (part: Buffer) => {
    text += part.toString('latin1')
  })
  await until('a prompt', () => /[#$] $/.test(text))
  return { client, channel, text: () => text }
}

/** Milliseconds from Enter to the next prompt, in each of several shells. */
async function enterToPrompt(config: ConnectConfig, shells: number, rounds: number): Promise<number[]> {
  const open = await Promise.all(Array.from({ length: shells }, () => openShell(config)))
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      open.map(async ({ channel, text }, i) => {
        await new Promise((done) => setTimeout(done, (i * 100) / shells))
        const mark = `m${round}x${i}e`
        const begun = performance.now()
        await new Promise<void>((resolve) => {
          const look = (): void => {
            if (!new RegExp(`${mark}\\r?\\n[^\\n]*[#$] $`).test(text().slice(-400))) return
            channel.off('data', look)
            times.push(performance.now() - begun)
            resolve()
          }
          channel.on('data', look)
          channel.write(`echo ${mark}\r`)
        })
      }),
    )
  }
  for (const { client } of open) client.end()
  return times
}

async function systemSshd<T>(work: (config: ConnectConfig, pid: number) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-sshd-'))
  const [port] = (await freePorts(1)) as [number]
  for (const name of ['host', 'user']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  writeFileSync(join(folder, 'authorized'), readFileSync(join(folder, 'user.pub')), { mode: 0o600 })
  mkdirSync('/run/sshd', { recursive: true })
  const server = spawn(
    findTool('sshd') ?? 'sshd',
    [
      '-D',
      '-f',
      '/dev/null',
      '-p',
      String(port),
      '-o',
      'ListenAddress=127.0.0.1',
      '-h',
      join(folder, 'host'),
      '-o',
      `AuthorizedKeysFile=${join(folder, 'authorized')}`,
      '-o',
      'PermitRootLogin=prohibit-password',
      '-o',
      'StrictModes=no',
      '-o',
      'UseDNS=no',
      '-o',
      'MaxStartups=1000:30:2000',
      '-o',
      'MaxSessions=100',
      '-o',
      'UsePAM=no',
    ],
    { stdio: 'ignore' },
  )
  try {
    await until('sshd', async () => (await exchange(port, 'x\r\n')).length > 0)
    return await work({ host: '127.0.0.1', port, username: process.env.USER ?? 'root', privateKey: readFileSync(join(folder, 'user')) }, server.pid as number)
  } finally {
    server.kill()
    await once(server, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
}

export async function run(): Promise<Row[]> {
  const site = await install()
  try {
    const config: ConnectConfig = { host: '127.0.0.1', port: site.ports.router, username: 'root', password: await site.password('router') }
    const start = site.process.pid as number
    const gate = find(start, 'gate') as number
    const relay = find(start, 'relay') as number
    await rate(config, 100, 8)
    const hostBefore = treeCpuMs(gate)
    const relayBefore = treeCpuMs(relay)
    const count = 400
    const ours = await rate(config, count, 16)
    const hostCpu = (treeCpuMs(gate) - hostBefore) / count
    const relayCpu = (treeCpuMs(relay) - relayBefore) / count

    const held = []
    const memoryBefore = treePssKib(gate)
    for (let i = 0; i < 10; i++) held.push(...(await Promise.all(Array.from({ length: 20 }, () => openShell(config)))))
    const perSession = (treePssKib(gate) - memoryBefore) / 200
    for (const { client } of held) client.end()
    const enter = await enterToPrompt(config, 50, 20)

    const system = await systemSshd(async (theirs, pid) => {
      await rate(theirs, 10, 4)
      const before = treeCpuMs(pid)
      const theirRate = await rate(theirs, 60, 16)
      const cpu = (treeCpuMs(pid) - before) / 60
      const shells = []
      const memory = treePssKib(pid)
      for (let i = 0; i < 20; i++) shells.push(await openShell(theirs))
      const each = (treePssKib(pid) - memory) / 20
      for (const { client } of shells) client.end()
      return { rate: theirRate, cpu, memory: each, enter: await enterToPrompt(theirs, 50, 4) }
    })
    return [
      {
        what: 'SSH login + exec, recorded, through the relay',
        value: ours,
        unit: '/s',
        against: { name: 'sshd', value: system.rate },
        ratio: ours / system.rate,
      },
      {
        what: 'CPU a session, decoy host',
        value: hostCpu,
        unit: 'ms',
        against: { name: 'sshd', value: system.cpu },
        ratio: system.cpu / hostCpu,
        target: '≤ 1.75 ms',
        met: hostCpu <= 1.75,
      },
      { what: 'CPU a session, relay', value: relayCpu, unit: 'ms' },
      {
        what: 'idle session with shell, decoy host',
        value: perSession,
        unit: 'KiB',
        against: { name: 'sshd', value: system.memory },
        ratio: system.memory / perSession,
        target: '≤ 40 KiB',
        met: perSession <= 40,
      },
      {
        what: 'Enter to prompt, 50 shells, p50',
        value: median(enter),
        unit: 'ms',
        against: { name: 'sshd', value: median(system.enter) },
        ratio: median(system.enter) / median(enter),
        target: '≤ 3 ms',
        met: median(enter) <= 3,
      },
      { what: 'Enter to prompt, 50 shells, p99', value: percentile(enter, 0.99), unit: 'ms', against: { name: 'sshd', value: percentile(system.enter, 0.99) } },
    ]
  } finally {
    await site.remove()
  }
}

if (import.meta.main) {
  const { table } = await import('./row.ts')
  console.log(table(await run()))
  process.exit(0)
}
