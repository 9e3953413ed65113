/**
 * SSH: login and command, wrong passwords, keys in fifty shells, memory of an idle session; the decoy host alone (gate and worker, events journaled and
 * taken by a core's door) against the bare library, the system's sshd and Cowrie in the same run. ssh-relay.bench.ts has the same through a relay.
 */
import { type DecoyHost, startDecoyHost } from './decoy-host.ts'
import { pinLoad, settledPssKib, treeCpuMs, treePssKib } from './process-cost.ts'
import { median, percentile, type Row } from './row.ts'
import { execRate, keys, openShell, openShells, type SshServer, wrongPasswords } from './ssh-load.ts'
import { cowrieFolder, type MeasuredServer, withBareLibrary, withCowrie, withSshd } from './ssh-servers.ts'

interface Exec {
  perSecond: number
  cpuMs: number
}

/** Sessions a second, and CPU a session of the processes named. */
async function exec(server: SshServer, pid: number, count: number, width = 8): Promise<Exec> {
  const before = treeCpuMs(pid)
  const perSecond = await execRate(server, count, width)
  return { perSecond, cpuMs: (treeCpuMs(pid) - before) / count }
}

/** The second of three rounds by CPU, after a warm-up. */
async function execMedian(server: SshServer, pid: number, count: number): Promise<Exec> {
  await execRate(server, count, 8)
  const rounds: Exec[] = []
  for (let i = 0; i < 3; i++) rounds.push(await exec(server, pid, count))
  return rounds.sort((a, b) => a.cpuMs - b.cpuMs)[1] as Exec
}

/** Three wrong passwords on each of many connections at once. CPU of an attempt holds its third of a connection. */
async function passwords(server: SshServer, pid: number): Promise<{ cpuMs: number; p50: number }> {
  const before = treeCpuMs(pid)
  const times = await wrongPasswords(server, 300, 3, 300)
  return { cpuMs: (treeCpuMs(pid) - before) / times.length, p50: median(times) }
}

/** KiB that an idle session with its shell takes, and what of it is still held some seconds after all were closed. */
async function idle(server: SshServer, pid: number, count: number): Promise<{ each: number; kept: number }> {
  const first = await openShell(server)
  const before = await settledPssKib(pid, 1000)
  const shells = await openShells(server, count, 8)
  const each = ((await settledPssKib(pid, 3000)) - before) / count
  for (const { client } of shells) client.end()
  let left = Number.POSITIVE_INFINITY
  for (let i = 0; i < 20 && left > each * count * 0.1; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1000))
    left = Math.min(left, treePssKib(pid) - before)
  }
  first.client.end()
  return { each, kept: Math.max(0, left) / (each * count) }
}

const hostAsServer = (host: DecoyHost): SshServer => ({
  connect: (lane) => host.connect(`10.0.${lane >> 7}.${1 + (lane & 127)}`),
  username: 'root',
  password: host.password,
})

async function alone(): Promise<Row[]> {
  const bare = await withBareLibrary(async (server) => ({
    exec: await execMedian(server, server.pid, 300),
    idle: await idle(server, server.pid, 300),
    keys: await keys(server),
  }))
  const sshd = await withSshd(async (server) => ({
    exec: await exec(server, server.pid, 40),
    idle: await idle(server, server.pid, 20),
    keys: await keys(server),
  }))
  const cowrie = await withCowrie(async (server: MeasuredServer) => ({
    exec: await execMedian(server, server.pid, 200),
    passwords: await passwords(server, server.pid),
    idle: await idle(server, server.pid, 200),
    keys: await keys(server),
  }))
  const notCompared = cowrie ? undefined : cowrieFolder() ? 'Cowrie did not start' : 'not compared with Cowrie: SHENLOU_BENCH_COWRIE names its folder'

  const host = await startDecoyHost()
  try {
    const server = hostAsServer(host)
    const ours = await execMedian(server, host.pid, 300)
    const wrong = await passwords(server, host.pid)
    const typed = await keys(server)
    // From a fresh start: what earlier rounds left behind would be given back meanwhile.
    await host.restart()
    await execRate(server, 50, 8)
    const memory = await idle(server, host.pid, 300)
    const twice = cowrie && cowrie.exec.cpuMs / ours.cpuMs
    return [
      {
        what: 'SSH login + exec, recorded, CPU of the decoy host',
        value: ours.cpuMs,
        unit: 'ms a session',
        against: { name: 'bare ssh2', value: bare.exec.cpuMs },
        ratio: bare.exec.cpuMs / ours.cpuMs,
        target: '≤ 0.76 x bare ssh2 or ≤ 1.75 ms',
        met: ours.cpuMs <= Math.max(1.75, 0.76 * bare.exec.cpuMs),
        note: `${Math.round(1000 / ours.cpuMs)}/s of one core; ${Math.round(ours.perSecond)}/s in this run, where the load is the limit`,
      },
      {
        what: 'the same, against the system',
        value: ours.cpuMs,
        unit: 'ms',
        against: { name: 'sshd', value: sshd.exec.cpuMs },
        ratio: sshd.exec.cpuMs / ours.cpuMs,
      },
      {
        what: 'the same, against the best peer',
        value: ours.cpuMs,
        unit: 'ms',
        against: cowrie && { name: 'Cowrie', value: cowrie.exec.cpuMs },
        ratio: twice,
        target: '≥ 2 x',
        met: twice === undefined ? undefined : twice >= 2,
        note: notCompared,
      },
      {
        what: 'wrong passwords, CPU of the decoy host',
        value: wrong.cpuMs,
        unit: 'ms an attempt',
        against: cowrie && { name: 'Cowrie', value: cowrie.passwords.cpuMs },
        ratio: cowrie && cowrie.passwords.cpuMs / wrong.cpuMs,
        target: '≤ 0.5 ms',
        met: wrong.cpuMs <= 0.5,
        note: `refused after ${Math.round(wrong.p50)} ms p50, as the claimed server does; a third of a connection counts with each`,
      },
      ...keyRows('decoy host alone', typed, sshd.keys, 3),
      { what: 'Enter to prompt, the library alone, p50', value: median(bare.keys.enter), unit: 'ms' },
      {
        what: 'idle session with shell and world',
        value: memory.each,
        unit: 'KiB',
        against: { name: 'bare ssh2', value: bare.idle.each },
        ratio: bare.idle.each / memory.each,
        target: '≤ 40 KiB',
        met: memory.each > 0 && memory.each <= 40,
        note: `sshd ${Math.round(sshd.idle.each)} KiB${cowrie ? `, Cowrie ${Math.round(cowrie.idle.each)} KiB` : ''}`,
      },
      {
        what: 'of that still held within 20 s of the close',
        value: memory.kept * 100,
        unit: '%',
        against: { name: 'bare ssh2', value: bare.idle.kept * 100 },
        target: '≤ 20 %',
        met: memory.kept <= 0.2,
      },
    ]
  } finally {
    await host.close()
  }
}

function keyRows(where: string, ours: { echo: number[]; enter: number[] }, system: { echo: number[]; enter: number[] }, enterMs?: number): Row[] {
  const row = (what: string, part: number, name: 'echo' | 'enter', most?: number): Row => {
    const [value, theirs] = [percentile(ours[name], part), percentile(system[name], part)]
    return {
      what: `${what}, 50 shells, ${where}, p${part * 100}`,
      value,
      unit: 'ms',
      against: { name: 'sshd', value: theirs },
      ratio: theirs / value,
      target: most === undefined ? undefined : `≤ ${most} ms`,
      met: most === undefined ? undefined : value <= most,
    }
  }
  return [
    row('Enter to prompt', 0.5, 'enter', enterMs),
    row('Enter to prompt', 0.99, 'enter'),
    row('key to echo', 0.5, 'echo'),
    row('key to echo', 0.99, 'echo'),
  ]
}

export async function run(): Promise<Row[]> {
  const unpin = pinLoad()
  try {
    return await alone()
  } finally {
    unpin()
  }
}

if (import.meta.main) {
  const { table } = await import('./row.ts')
  console.log(table(await run()))
  process.exit(0)
}
