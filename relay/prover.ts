/**
 * Proof touches: a bland client for the core. It says where it will come from, waits for the word, connects, listens for a moment and
 * closes. No byte is sent; ports are drawn from the kernel's own range and times vary, so that nothing tells it from another client.
 */
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { connect, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { ProofOutcome } from '@shenlou/contract/sensor'
import type { ProofAsk, ProofSaid } from '@shenlou/link/door-types'
import type { Prover } from '@shenlou/link/uplink-types'

type Prove = Extract<ProofAsk, { type: 'prove' }>

/** Touches under way at once, and in one minute: whatever the core asks, this scans nothing. */
const most = { waiting: 16, minute: 240 }
/** The core's word comes at once or not at all. */
const wordMs = 10_000
const connectMs = 5_000

/** The kernel's range of ports for clients; RFC 6335's where it is not told. */
export function clientPorts(read = (): string => readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')): [number, number] {
  try {
    const [from = 0, to = 0] = read().trim().split(/\s+/).map(Number)
    if (from >= 1024 && to > from && to < 65_536) return [from, to]
  } catch {
    // Not Linux.
  }
  return [49_152, 65_535]
}

/** The address that this machine would come from; no packet is sent for it. */
function sourceTowards(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    socket.on('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.connect(9, address, () => {
      const { address: source } = socket.address()
      socket.close()
      resolve(source)
    })
  })
}

/** Addresses of this machine's interfaces with their prefix, as health says them. */
export function ownNetworks(interfaces = networkInterfaces()): string[] {
  const all = Object.values(interfaces).flatMap((addresses) => addresses ?? [])
  return all.flatMap(({ cidr, address }) => (cidr === null || address.startsWith('fe80:') ? [] : [cidr])).slice(0, 64)
}

const between = (from: number, to: number): number => from + Math.random() * (to - from)

function outcomeOf(code: string | undefined): ProofOutcome {
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET') return 'refused'
  // Nobody answered for the address where it should be a neighbour.
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH') return 'timeout'
  if (code === 'ENETUNREACH' || code === 'EACCES' || code === 'EPERM') return 'unreachable'
  return 'failed'
}

/** Connects once from `source`:`port`, waits for a greeting or about a second, and closes. */
function touch({ address, port }: Prove, source: string, sourcePort: number): Promise<ProofOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, localAddress: source, localPort: sourcePort })
    let timer = setTimeout(() => end('timeout'), connectMs)
    const end = (outcome: ProofOutcome): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    socket.on('error', ({ code }: NodeJS.ErrnoException) => end(outcomeOf(code)))
    socket.on('connect', () => {
      clearTimeout(timer)
      const leave = (): void => {
        socket.end()
        timer = setTimeout(() => end('connected'), 1_000)
      }
      timer = setTimeout(leave, between(700, 1_700))
      socket.once('data', () => {
        clearTimeout(timer)
        timer = setTimeout(leave, between(20, 400))
      })
      // What follows is nobody's business: it was let in.
      socket.resume()
      socket.removeAllListeners('error')
      socket.on('error', () => end('connected'))
      socket.on('close', () => end('connected'))
    })
  })
}

/** A prober. What it cannot do it says as `failed` or `unreachable`; it never throws. */
export function openProver(): Prover {
  const waiting = new Map<string, { ask: Prove; source: string; port: number; timer: NodeJS.Timeout }>()
  const recent: number[] = []
  const ports = clientPorts()

  async function bind(ask: Prove, say: (said: ProofSaid) => void): Promise<void> {
    const now = Date.now()
    while (recent[0] !== undefined && recent[0] < now - 60_000) recent.shift()
    if (waiting.size >= most.waiting || recent.length >= most.minute || waiting.has(ask.id))
      return say({ type: 'proof-done', id: ask.id, outcome: 'failed', ms: 0 })
    recent.push(now)
    try {
      const source = await sourceTowards(ask.address)
      const port = Math.floor(between(ports[0], ports[1] + 1))
      const timer = setTimeout(() => waiting.delete(ask.id), wordMs).unref()
      waiting.set(ask.id, { ask, source, port, timer })
      say({ type: 'proof-bound', id: ask.id, source, port })
    } catch (error) {
      say({ type: 'proof-done', id: ask.id, outcome: outcomeOf((error as NodeJS.ErrnoException).code) === 'failed' ? 'failed' : 'unreachable', ms: 0 })
    }
  }

  return {
    hear(ask, say) {
      if (ask.type === 'prove') return void bind(ask, say)
      const found = waiting.get(ask.id)
      if (!found) return
      waiting.delete(ask.id)
      clearTimeout(found.timer)
      const began = performance.now()
      void touch(found.ask, found.source, found.port).then((outcome) =>
        say({ type: 'proof-done', id: ask.id, outcome, ms: Math.round(performance.now() - began) }),
      )
    },
  }
}
