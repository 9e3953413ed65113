/**
 * The tunnel against HAProxy with plain TCP: a relay process and a gate process joined by mutual TLS, beside HAProxy in front
 * of a service process with PROXY headers. Servers share one core, the load has another; rounds take turns, medians count.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { createAuthority } from '../link/authority.ts'
import { issueIdentity, openIdentity, saveIdentity } from '../link/identity.ts'
import type { SensorIdentity } from '../link/identity-types.ts'
import { parseProxyHeader } from '../link/proxy-protocol.ts'
import { listenTunnel } from '../link/tunnel-gate.ts'
import { connectTunnel } from '../link/tunnel-relay.ts'
import { uuidv7 } from '../link/uuid.ts'
import { cpuMs, treePssKib } from './process-cost.ts'
import { median, percentile, type Row, table } from './row.ts'

const bulkBytes = 256 * 1024 * 1024
const rounds = 3
const unlimited = { streams: 1e6, opensPerSecond: 1e6, bytesPerSecond: 1e12 }

/** Measures both and answers one row a figure. */
export async function run(): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'tunnel-bench-'))
  const processes: ChildProcess[] = []
  try {
    const ours = await startTunnel(dir, processes)
    const theirs = await startHaproxy(dir, processes)
    const results: Record<'ours' | 'theirs', Figures[]> = { ours: [], theirs: [] }
    for (let round = 0; round < rounds; round++) {
      results.ours.push(await measure(ours))
      results.theirs.push(await measure(theirs))
    }
    const [a, b] = [results.ours, results.theirs].map((all) => (name: keyof Figures) => median(all.map((each) => each[name]))) as [Reader, Reader]
    const row = (what: string, unit: string, name: keyof Figures, moreIsBetter: boolean, bar?: number): Row => {
      const ratio = moreIsBetter ? a(name) / b(name) : b(name) / a(name)
      const target = bar === undefined ? undefined : moreIsBetter ? `>= ${bar} x` : `<= ${bar} x`
      return {
        what,
        value: a(name),
        unit,
        against: { name: 'HAProxy', value: b(name) },
        ratio,
        target,
        met: bar === undefined ? undefined : moreIsBetter ? ratio >= bar : 1 / ratio <= bar,
      }
    }
    return [
      row('tunnel: connections', '/s', 'connections', true, 0.9),
      row('tunnel: CPU of a connection, both ends', 'us', 'cpuUs', false, 1.2),
      row('tunnel: bulk to the attacker', 'MB/s', 'down', true, 0.4),
      row('tunnel: bulk from the attacker', 'MB/s', 'up', true, 0.2),
      row('tunnel: round trip p50', 'ms', 'rtt50', false),
      row('tunnel: round trip p99', 'ms', 'rtt99', false),
      row('tunnel: memory of an idle connection, both ends', 'KiB', 'idleKib', false),
      row('tunnel: memory of both ends after it all', 'KiB', 'restKib', false),
    ]
  } finally {
    for (const child of processes) child.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  }
}
type Reader = (name: keyof Figures) => number

interface Subject {
  port: number
  pids: number[]
}
interface Figures {
  connections: number
  cpuUs: number
  down: number
  up: number
  rtt50: number
  rtt99: number
  idleKib: number
  restKib: number
}

async function measure(subject: Subject): Promise<Figures> {
  const cpu = () => subject.pids.reduce((sum, pid) => sum + cpuMs(pid), 0)
  const pss = () => subject.pids.reduce((sum, pid) => sum + treePssKib(pid), 0)
  await connections(subject.port, 300)
  // First, before bulk has grown the heaps.
  const before = pss()
  const idle = await Promise.all(Array.from({ length: 1000 }, (_, i) => opened(subject.port, i)))
  await Promise.all(idle.map((socket) => socket.write('p') && once(socket, 'data')))
  const idleKib = Math.max(0.1, (pss() - before) / idle.length)
  for (const socket of idle) socket.destroy()
  const [cpuFrom, started] = [cpu(), performance.now()]
  const count = await connections(subject.port, 3000)
  const seconds = (performance.now() - started) / 1000
  const cpuUs = ((cpu() - cpuFrom) * 1000) / count
  const down = await bulk(subject.port, 'd')
  const up = await bulk(subject.port, 'u')
  const trips = await roundTrips(subject.port)
  return { connections: count / seconds, cpuUs, down, up, rtt50: median(trips), rtt99: percentile(trips, 0.99), idleKib, restKib: pss() }
}

const opened = async (port: number, lane: number): Promise<Socket> => {
  // Source addresses are spread, so that closed connections do not use up the ports of one.
  const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.7.${1 + (lane % 200)}`, noDelay: true })
  await once(socket, 'connect')
  return socket
}

/** Connect, one byte, an answer, the end; 64 at once. Answers how many were whole. */
async function connections(port: number, ms: number): Promise<number> {
  const end = performance.now() + ms
  let count = 0
  const lanes = Array.from({ length: 64 }, async (_, lane) => {
    while (performance.now() < end) {
      const socket = await opened(port, lane)
      socket.write('e')
      socket.resume()
      await once(socket, 'end')
      socket.end()
      count += 1
    }
  })
  await Promise.all(lanes)
  return count
}

async function bulk(port: number, direction: 'd' | 'u'): Promise<number> {
  const socket = await opened(port, 0)
  const began = performance.now()
  socket.write(direction)
  if (direction === 'd') {
    socket.resume()
    await once(socket, 'end')
    socket.end()
  } else {
    const chunk = randomBytes(65_536)
    for (let sent = 0; sent < bulkBytes; sent += chunk.length) if (!socket.write(chunk)) await once(socket, 'drain')
    socket.end()
    await once(socket, 'data')
  }
  const rate = bulkBytes / 1e6 / ((performance.now() - began) / 1000)
  socket.destroy()
  return rate
}

async function roundTrips(port: number): Promise<number[]> {
  const socket = await opened(port, 0)
  const times: number[] = []
  for (let i = 0; i < 2000; i++) {
    const began = performance.now()
    socket.write('p')
    await once(socket, 'data')
    times.push(performance.now() - began)
  }
  socket.destroy()
  return times.slice(200)
}

/** The service behind both: `e` answers and ends, `p` answers each byte, `d` sends bulk, `u` takes bulk. */
function serve(stream: Duplex): void {
  stream.on('error', () => undefined)
  stream.once('data', (first: Buffer) => {
    const mode = String.fromCharCode(first[0] as number)
    if (mode === 'e') return stream.resume().end('answer')
    if (mode === 'p') {
      stream.write(first)
      return stream.on('data', (bytes) => stream.write(bytes)).on('end', () => stream.end())
    }
    if (mode === 'u') return stream.resume().on('end', () => stream.end('done'))
    const chunk = randomBytes(65_536)
    let sent = 0
    const more = (): void => {
      while (sent < bulkBytes) {
        sent += chunk.length
        if (!stream.write(chunk)) return void stream.once('drain', more)
      }
      stream.end()
    }
    return more()
  })
}

// Processes of the tunnel: this file again, with a role.

async function gate(dir: string): Promise<number> {
  const identity = (await openIdentity(dir)) as SensorIdentity
  const listener = await listenTunnel({ address: '127.0.0.1:0', identity, allow: () => true, check: () => 'ok', quotas: unlimited, onStream: serve })
  return listener.port
}

async function relay(dir: string, gatePort: string, gateSensor: string): Promise<number> {
  const identity = (await openIdentity(dir)) as SensorIdentity
  const tunnel = connectTunnel({ address: `127.0.0.1:${gatePort}`, expect: gateSensor, identity })
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const source = { ip: socket.remoteAddress as string, port: socket.remotePort }
    const destination = { ip: socket.localAddress as string, port: socket.localPort }
    const stream = tunnel.open({ connection: uuidv7(), transport: 'tcp', source, destination, placement: 'p', observed: {}, acceptedAt: Date.now() })
    stream.on('error', () => socket.resetAndDestroy())
    socket.on('error', () => stream.destroy())
    socket.on('close', () => stream.destroy())
    socket.pipe(stream).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** HAProxy's backend: the same service, true addresses from PROXY headers. */
async function service(): Promise<number> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (bytes: Buffer) => {
      const header = parseProxyHeader(bytes)
      if (!header) return socket.destroy()
      if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length))
      serve(socket)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** On the first core where there are two and `taskset` to say so. */
function pinned(command: string, args: string[]): ChildProcess {
  const pin = cpus().length > 1 && process.platform === 'linux'
  return pin
    ? spawn('taskset', ['-c', '0', command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    : spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}
async function role(processes: ChildProcess[], ...args: string[]): Promise<{ pid: number; port: number }> {
  const child = pinned(process.execPath, [import.meta.filename, ...args])
  processes.push(child)
  const [line] = await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')
  return { pid: child.pid as number, port: Number(line) }
}

async function startTunnel(dir: string, processes: ChildProcess[]): Promise<Subject> {
  const authority = await createAuthority(join(dir, 'ca'), randomBytes(32))
  const save = async (kind: 'relay' | 'decoys') => {
    const { sensor, key, certificate, ca } = await issueIdentity(authority, kind)
    await saveIdentity(join(dir, kind), { sensor, role: kind, name: kind, door: '127.0.0.1:1', key, certificate, ca })
    return sensor
  }
  const gateSensor = await save('decoys')
  await save('relay')
  const far = await role(processes, 'gate', join(dir, 'decoys'))
  const near = await role(processes, 'relay', join(dir, 'relay'), String(far.port), gateSensor)
  await answering(near.port)
  return { port: near.port, pids: [near.pid, far.pid] }
}

async function startHaproxy(dir: string, processes: ChildProcess[]): Promise<Subject> {
  const backend = await role(processes, 'service')
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  free.close()
  const configuration = `global
  nbthread 1
  maxconn 5000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen front
  bind 127.0.0.1:${port}
  server back 127.0.0.1:${backend.port} send-proxy-v2
`
  writeFileSync(join(dir, 'haproxy.cfg'), configuration)
  execFileSync('haproxy', ['-c', '-f', join(dir, 'haproxy.cfg')], { stdio: 'ignore' })
  const child = pinned('haproxy', ['-f', join(dir, 'haproxy.cfg'), '-db'])
  processes.push(child)
  await answering(port)
  return { port, pids: [child.pid as number, backend.pid] }
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1', () => socket.write('p'))
    const ok = await new Promise<boolean>((resolve) =>
      socket
        .once('data', () => resolve(true))
        .once('error', () => resolve(false))
        .once('close', () => resolve(false)),
    )
    socket.destroy()
    if (ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing answers on port ${port}`)
}

const [name, ...args] = process.argv.slice(2)
const roles: Record<string, () => Promise<number>> = {
  gate: () => gate(args[0] as string),
  relay: () => relay(args[0] as string, args[1] as string, args[2] as string),
  service,
}
if (import.meta.main) {
  const started = name === undefined ? undefined : roles[name]
  if (started) console.log(await started())
  else {
    if (cpus().length > 1) execFileSync('taskset', ['-cp', '1', String(process.pid)], { stdio: 'ignore' })
    console.log(table(await run()))
  }
}
