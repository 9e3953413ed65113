/** Datagrams as a UDP service sees them, and the bound that keeps a decoy from being anybody's amplifier. */
import type { DatagramFlow } from './decoy.ts'
import type { WorkerConnection } from './worker-connection.ts'

/** Bytes of answers for each byte that was asked, for a source whose address nothing proves. */
const amplification = 3
const maxWaiting = 64
/** What UDP over IPv4 can carry. */
const maxDatagramBytes = 65_507

/** Sources that have proven their address: a TCP connection of theirs sent data, so they got our answers. The newest 10,000, for an hour. */
export interface ProvenSources {
  saw(ip: string): void
  has(ip: string): boolean
}

export function openProvenSources(now: () => number = Date.now): ProvenSources {
  const seen = new Map<string, number>()
  return {
    saw(ip) {
      if (now() - (seen.get(ip) ?? 0) < 60_000) return
      seen.delete(ip)
      seen.set(ip, now())
      const [oldest] = seen.keys()
      if (seen.size > 10_000 && oldest !== undefined) seen.delete(oldest)
    },
    has: (ip) => now() - (seen.get(ip) ?? Number.NEGATIVE_INFINITY) < 3_600_000,
  }
}

/** The flow over a stream of the worker link; it ends with the stream. */
export function openFlow(stream: WorkerConnection, proven: ProvenSources): DatagramFlow {
  let waiting: Buffer[] = []
  let wake: (() => void) | undefined
  let ended = false
  let asked = 0
  let answered = 0
  const end = (): void => {
    ended = true
    wake?.()
  }
  const take = (bytes: Buffer): void => {
    asked += bytes.length
    if (waiting.length < maxWaiting) waiting.push(bytes)
    wake?.()
  }
  stream.early.splice(0).forEach(take)
  stream.on('datagram', take)
  stream.on('end', end)
  stream.on('close', end)
  stream.on('error', () => {})
  stream.resume()
  const allowance = (): number => (proven.has(stream.source.ip) ? Number.POSITIVE_INFINITY : asked * amplification - answered)
  return {
    id: stream.id,
    source: stream.source,
    destination: stream.destination,
    get allowance() {
      return allowance()
    },
    reply(bytes) {
      if (bytes.length > Math.min(allowance(), maxDatagramBytes) || stream.destroyed) return false
      answered += bytes.length
      stream.sendDatagram(bytes)
      return true
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const now = waiting
        waiting = []
        yield* now
        if (waiting.length > 0) continue
        if (ended) return
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}
