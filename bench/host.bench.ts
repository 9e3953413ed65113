/** A decoy host: start, memory at rest, an attacker's bytes to a durable event, and its journal against the disk. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openJournal } from '../link/journal.ts'
import { uuidv7 } from '../link/uuid.ts'
import { type DecoyHost, startDecoyHost } from './decoy-host.ts'
import { pin, pinLoad, treeMemoryMib } from './process-cost.ts'
import { median, percentile, type Row } from './row.ts'
import { openShell, openShells, type Shell, type SshServer } from './ssh-load.ts'

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** MiB of Node with nothing in it. */
async function bareNode(): Promise<number> {
  const [program, args] = pin(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log(1)'])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  await wait(1000)
  const mib = treeMemoryMib(child.pid as number)
  child.kill()
  await once(child, 'exit')
  return mib
}

async function startAndRest(host: DecoyHost): Promise<Row[]> {
  const starts: number[] = []
  const rest: number[] = []
  for (let i = 0; i < 5; i++) {
    starts.push(await host.restart())
    await wait(4000)
    rest.push(treeMemoryMib(host.pid))
  }
  const bare = await bareNode()
  return [
    { what: 'decoy host: start to listening', value: median(starts), unit: 'ms', target: '≤ 500 ms', met: median(starts) <= 500 },
    {
      what: 'decoy host: memory at rest, gate and worker',
      value: median(rest),
      unit: 'MiB',
      against: { name: 'bare Node', value: bare },
      ratio: bare / median(rest),
      target: '≤ 90 MiB',
      met: median(rest) <= 90,
      note: 'own pages of both, and those of files once',
    },
  ]
}

/** Milliseconds from a marked command's bytes to the arrival, at a core's door, of the event that the journal then holds on disk. */
async function toDurable(host: DecoyHost, shell: Shell, rounds: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < rounds; i++) {
    const mark = `mk${process.pid}x${i}z`
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no event within 5 s')), 5000)
      const begun = performance.now()
      host.onEvent = (json, at) => {
        if (!json.includes(mark)) return
        clearTimeout(timer)
        times.push(at - begun)
        resolve()
      }
      shell.channel.write(`echo ${mark}\r`)
    })
    host.onEvent = undefined
    await wait(20)
  }
  return times
}

async function eventLatency(host: DecoyHost): Promise<Row[]> {
  const server: SshServer = { connect: (lane) => host.connect(`10.1.0.${1 + lane}`), username: 'root', password: host.password }
  const shell = await openShell(server, 100)
  await toDurable(host, shell, 50)
  const idle = await toDurable(host, shell, 300)
  const others = await openShells(server, 50)
  let commands = 0
  const timers = others.map(({ channel }) => setInterval(() => channel.write(`echo bg${commands++}\r`), 100 * (0.8 + 0.4 * Math.random())))
  await wait(1000)
  const begun = commands
  const from = performance.now()
  const busy = await toDurable(host, shell, 300)
  const perSecond = ((commands - begun) * 1000) / (performance.now() - from)
  for (const timer of timers) clearInterval(timer)
  for (const { client } of [...others, shell]) client.end()
  return [
    { what: "attacker's bytes to durable event, idle, p50", value: median(idle), unit: 'ms', target: '≤ 2 ms', met: median(idle) <= 2 },
    { what: 'the same, p99', value: percentile(idle, 0.99), unit: 'ms' },
    { what: 'the same beside 50 shells, p50', value: median(busy), unit: 'ms', note: `${Math.round(perSecond)} commands a second of the others` },
    { what: 'the same beside 50 shells, p99', value: percentile(busy, 0.99), unit: 'ms', target: '≤ 25 ms', met: percentile(busy, 0.99) <= 25 },
  ]
}

/** Events a second into the journal, 1 or 64 waiting at once, against plain synchronous writes of the same bytes to the same disk. */
async function journalRate(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-journal-bench-'))
  const event = { id: uuidv7(), time: Date.now(), kind: 'terminal.data', body: { stream: 'output', data: 'x'.repeat(200) } }
  try {
    const journal = await openJournal(join(folder, 'journal'))
    const rate = async (width: number, ms: number): Promise<number> => {
      let count = 0
      const begun = performance.now()
      await Promise.all(
        Array.from({ length: width }, async () => {
          while (performance.now() - begun < ms) {
            await journal.append(event as Parameters<typeof journal.append>[0])
            count += 1
          }
        }),
      )
      return (count * 1000) / (performance.now() - begun)
    }
    await rate(64, 500)
    const single = await rate(1, 2000)
    const many = await rate(64, 2000)
    await journal.close()
    const handle = await open(join(folder, 'raw'), 'w')
    const bytes = Buffer.alloc(400)
    const begun = performance.now()
    let writes = 0
    for (; performance.now() - begun < 2000; writes++) {
      await handle.write(bytes, 0, bytes.length, writes * bytes.length)
      await handle.datasync()
    }
    const raw = (writes * 1000) / (performance.now() - begun)
    await handle.close()
    const against = { name: 'write + fdatasync', value: raw }
    return [
      { what: 'journal: events durable, one after the other', value: single, unit: '/s', against, ratio: single / raw },
      { what: 'journal: events durable, 64 at once', value: many, unit: '/s', against, ratio: many / raw },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export async function run(): Promise<Row[]> {
  const unpin = pinLoad()
  const host = await startDecoyHost()
  try {
    return [...(await eventLatency(host)), ...(await startAndRest(host)), ...(await journalRate())]
  } finally {
    await host.close()
    unpin()
  }
}

if (import.meta.main) {
  const { table } = await import('./row.ts')
  console.log(table(await run()))
  process.exit(0)
}
