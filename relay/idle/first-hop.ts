/** What the first hop saw of a client's connection: its SYN, kept until the connection is accepted. */
import { addressText, macText } from './addresses.ts'
import type { SynFrame } from './frames.ts'

/** As it travels with the stream (tunnel OPEN, `observed`). */
export interface FirstHop {
  ttl: number
  /** Routers between the client and here, guessed from the initial TTLs that stacks use (64, 128, 255). */
  hops: number
  /** JA4T: window, kinds of the options, MSS, window scale. */
  ja4t: string
  /** Milliseconds from the SYN as the interface saw it to the connection's acceptance: the client's round trip and a little. */
  handshakeMs?: number
  /** MAC address of the frame: the client's own, or its router's. */
  mac: string
}

/** `WINDOW_OPTIONS_MSS_SCALE` in decimals, options joined by hyphens in their order, 00 for what is not there. Windows 10: `64240_2-1-3-1-1-4_1460_8`. */
export const ja4t = ({ window, options, mss, windowScale }: Pick<SynFrame, 'window' | 'options' | 'mss' | 'windowScale'>): string =>
  `${window}_${options.length > 0 ? options.join('-') : '00'}_${mss ?? '00'}_${windowScale ?? '00'}`

/** Routers passed: the distance to the next initial TTL in use above it. */
export const guessHops = (ttl: number): number => (ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255) - ttl

export interface FirstHops {
  saw(syn: SynFrame, time: number): void
  /** The facts of a connection that was accepted at `acceptedAt` (milliseconds since 1970 UTC), once; undefined when its SYN was not seen. */
  take(source: string, port: number, acceptedAt?: number): FirstHop | undefined
  readonly size: number
}

/** SYNs of connect scans and floods are never accepted: the table is bounded, the oldest go. A repeated SYN keeps the time of the first. */
export function openFirstHops({ most = 16_384, keepMs = 30_000 }: { most?: number; keepMs?: number } = {}): FirstHops {
  const seen = new Map<string, { syn: SynFrame; time: number }>()
  return {
    saw(syn, time) {
      const key = `${addressText(syn.source)} ${syn.sourcePort}`
      const known = seen.get(key)
      if (known && known.syn.destination === syn.destination && known.syn.destinationPort === syn.destinationPort && time - known.time < keepMs) return
      seen.delete(key)
      seen.set(key, { syn, time })
      for (const [oldest, { time: at }] of seen) {
        if (seen.size <= most && time - at <= keepMs) break
        seen.delete(oldest)
      }
    },
    take(source, port, acceptedAt) {
      const key = `${source} ${port}`
      const found = seen.get(key)
      if (!found) return undefined
      seen.delete(key)
      if (acceptedAt !== undefined && acceptedAt - found.time > keepMs) return undefined
      const { syn, time } = found
      const waited = acceptedAt === undefined ? undefined : Math.max(0, Math.round((acceptedAt - time) * 1000) / 1000)

      return { ttl: syn.ttl, hops: guessHops(syn.ttl), ja4t: ja4t(syn), mac: macText(syn.etherFrom), ...(waited === undefined ? {} : { handshakeMs: waited }) }
    },
    get size() {
      return seen.size
    },
  }
}
