/**
 * Portal against nginx, in one run: GET of the same page and POST of a sign-in, on kept connections. First the service alone, then the decoy host as it runs
 * (gate, contained worker, journal on disk), then a whole installation through its relay. Every answer is held against a captured event.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, install, until } from '../test/installation.ts'
import { find } from '../test/processes.ts'
import { openLoad } from './portal-load.ts'
import { cpuMs, treeCpuMs, treePssKib } from './process-cost.ts'
import type { Row } from './row.ts'

interface Server {
  port: number
  pid: number
  /** Exchanges captured so far. */
  captured?(): Promise<number>
  stop(): Promise<void>
}
interface Cost {
  perS: number
  cpuUs: number
  answers: number
  captured: number
}

const pinned = (program: string, args: string[]): [string, string[]] =>
  availableParallelism() > 1 ? ['taskset', ['-c', '0', program, ...args]] : [program, args]

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

async function startAlone(): Promise<Server> {
  const [program, args] = pinned(process.execPath, [join(import.meta.dirname, '../decoys/portal/bench-fixture.ts')])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const stop = async (): Promise<void> => {
    child.kill()
    await ended(child)
  }
  return { port: (JSON.parse(line.toString()) as { port: number }).port, pid: child.pid as number, stop }
}

async function startHost(): Promise<Server> {
  const [program, [...args]] = pinned(process.execPath, [])
  const child = fork(join(import.meta.dirname, 'portal-host.ts'), { execPath: program, execArgv: args })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    port,
    pid: child.pid as number,
    async captured() {
      child.send('count')
      const [{ counts }] = (await once(child, 'message')) as [{ counts: Record<string, number> }]
      return counts['http.exchanged'] ?? 0
    },
    async stop() {
      child.disconnect()
      await ended(child)
    },
  }
}

async function startNginx(folder: string, page: Buffer): Promise<Server> {
  const [port] = (await freePorts(1)) as [number]
  writeFileSync(join(folder, 'index.html'), page)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((part) => `${part}_temp_path ${folder}/${part};`).join(' ')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;\nevents {}\nhttp { include /etc/nginx/mime.types; access_log ${folder}/access.log; keepalive_requests 100000000; ${temporary}\nserver { listen 127.0.0.1:${port}; root ${folder}; location = /login { default_type text/html; return 200 "${'x'.repeat(2000)}"; } } }\n`,
  )
  const [program, args] = pinned('nginx', ['-c', join(folder, 'nginx.conf'), '-e', 'stderr'])
  const child = spawn(program, args, { stdio: 'ignore' })
  const open = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('connect', () => resolve(socket.destroy() !== undefined)).on('error', () => resolve(false))
    })
  await until('nginx', open)
  const stop = async (): Promise<void> => {
    child.kill()
    await ended(child)
  }
  return { port, pid: child.pid as number, stop }
}

/** Loads a server for so long after a moment to warm up; `cpu` counts the milliseconds of the processes that serve. */
async function measure(
  server: Pick<Server, 'port' | 'captured'>,
  kind: 'GET' | 'POST' | 'plain POST',
  { seconds = 3, connections = 50, cpu }: { seconds?: number; connections?: number; cpu: () => number },
): Promise<Cost> {
  const before = (await server.captured?.()) ?? 0
  const load = openLoad(server.port, kind, connections)
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const [from, cpuFrom, started] = [load.answers, cpu(), performance.now()]
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const [asked, used, elapsed] = [load.answers - from, cpu() - cpuFrom, (performance.now() - started) / 1000]
  await load.stop()
  const answers = load.answers + (kind === 'POST' ? load.forms : 0)
  let captured = 0
  const count = async (): Promise<boolean> => {
    captured = ((await server.captured?.()) ?? 0) - before
    return captured >= answers
  }
  if (server.captured) await until('every answer among the events', count, 60_000).catch(() => undefined) // the row of captured requests shows what is missing
  return { perS: asked / elapsed, cpuUs: (used * 1000) / Math.max(1, asked), answers, captured }
}

const kinds = ['GET', 'POST'] as const
type Theirs = Record<(typeof kinds)[number], Cost>

const rows = (what: string, kind: 'GET' | 'POST', ours: Cost, theirs: Cost, note: string): Row[] => [
  {
    what: `portal ${kind}, ${what}`,
    value: ours.perS,
    unit: '/s',
    against: { name: 'nginx', value: theirs.perS },
    ratio: ours.perS / theirs.perS,
    note,
  },
  {
    what: `portal ${kind}, ${what}, CPU a request`,
    value: ours.cpuUs,
    unit: 'us',
    against: { name: 'nginx', value: theirs.cpuUs },
    // The figure is one of requests per core: what else runs on this machine changes rates, but hardly this.
    ratio: theirs.cpuUs / ours.cpuUs,
    target: '>= 0.4 x nginx',
    met: theirs.cpuUs >= 0.4 * ours.cpuUs,
  },
]
const counted = ({ answers, captured }: Cost): string => `${captured} events for ${answers} answers`
const allCaptured = (what: string, costs: Cost[]): Row => {
  const [answers, captured] = [costs.reduce((sum, cost) => sum + cost.answers, 0), costs.reduce((sum, cost) => sum + cost.captured, 0)]
  return { what: `requests captured, ${what}`, value: captured, unit: `of ${answers} answered`, target: 'all', met: captured >= answers }
}

/** Through the relay of a whole installation, whose application thinks before it refuses: the rate of POST is that of its patience, so its cost counts. */
async function throughRelay(theirs: Theirs, seconds: number): Promise<Row[]> {
  const site = await install()
  try {
    await site.signIn()
    const start = site.process.pid as number
    const [gate, relay] = [find(start, 'gate') as number, find(start, 'relay') as number]
    const server = {
      port: site.ports.portal,
      captured: async () => (await site.call('eventFacets', { query: { kind: 'http.exchanged' } })).total,
    }
    const out: Row[] = []
    const costs: Cost[] = []
    for (const kind of kinds) {
      const relayBefore = treeCpuMs(relay)
      const ours = await measure(server, kind, { seconds, connections: kind === 'GET' ? 50 : 1000, cpu: () => treeCpuMs(gate) })
      costs.push(ours)
      const relayUs = ((treeCpuMs(relay) - relayBefore) * 1000) / Math.max(1, ours.answers)
      const [rate, cost] = rows('through the relay', kind, ours, theirs[kind], counted(ours)) as [Row, Row]
      // Core, database, relay and load share the cores here, so no figure is aimed at.
      delete cost.target
      delete cost.met
      out.push(rate, { ...cost, note: `the relay ${relayUs.toFixed(0)} us more` })
    }
    return [...out, allCaptured('in the database', costs)]
  } finally {
    await site.remove()
  }
}

/** Measures them in turn, servers on one core and the load on another where there are two. */
export async function run(seconds = 3): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-bench-'))
  const servers: Server[] = []
  try {
    const alone = await startAlone()
    servers.push(alone)
    const page = Buffer.from(await (await fetch(`http://127.0.0.1:${alone.port}/`)).arrayBuffer())
    const nginx = await startNginx(folder, page)
    servers.push(nginx)
    const host = await startHost()
    servers.push(host)
    const out: Row[] = []
    const theirs = {} as Theirs
    const hosted: Cost[] = []
    for (const kind of kinds) {
      const service = await measure(alone, kind, { seconds, cpu: () => cpuMs(alone.pid) })
      const reference = await measure(nginx, kind === 'GET' ? 'GET' : 'plain POST', { seconds, cpu: () => cpuMs(nginx.pid) })
      const whole = await measure(host, kind, { seconds, cpu: () => treeCpuMs(host.pid) })
      theirs[kind] = reference
      hosted.push(whole)
      const note = kind === 'GET' ? 'the same page, access log on' : 'a sign-in judged and a page made, against a fixed text'
      out.push(...rows('service alone', kind, service, reference, note))
      out.push(...rows('gate, worker and journal', kind, whole, reference, counted(whole)))
    }
    out.push(allCaptured('in the journal', hosted))
    out.push({ what: 'memory of gate and worker after it', value: treePssKib(host.pid) / 1024, unit: 'MiB PSS' })
    for (const server of servers.splice(0)) await server.stop()
    return [...out, ...(await throughRelay(theirs, seconds))]
  } finally {
    for (const server of servers) await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const { table } = await import('./row.ts')
  console.log(table(await run()))
  process.exit(0)
}
