/** What the first hop saw of a client's connection: its SYN, kept until the connection is accepted. */
import type { FirstHop } from '@shenlou/contract/event-kinds'
import { macText } from './addresses.ts'
import type { SynFrame } from './frames.ts'

/** Of one SYN, as it goes from the watch to where the connection is accepted. */
export interface SynFacts {
  ttl: number
  /** Routers between the client and here, guessed from the initial TTLs that stacks use (64, 128, 255). */
  hops: number
  ja4t: string
  /** MAC address of the frame: the client's own, or its router's. */
  mac: string
  /** Milliseconds since 1970 UTC, with fraction, as the interface saw it. */
  at: number
}

/** JA4T: `WINDOW_OPTIONS_MSS_SCALE` in decimals, options joined by hyphens in their order, 00 for what is not there. Windows 10: `64240_2-1-3-1-1-4_1460_8`. */
export const ja4t = ({ window, options, mss, windowScale }: Pick<SynFrame, 'window' | 'options' | 'mss' | 'windowScale'>): string =>
  `${window}_${options.length > 0 ? options.join('-') : '00'}_${mss ?? '00'}_${windowScale ?? '00'}`

/** Routers passed: the distance to the next initial TTL in use above it. */
export const guessHops = (ttl: number): number => (ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255) - ttl

export const synFacts = (syn: SynFrame, at: number): SynFacts => ({ ttl: syn.ttl, hops: guessHops(syn.ttl), ja4t: ja4t(syn), mac: macText(syn.etherFrom), at })

export interface FirstHops {
  saw(source: string, port: number, facts: SynFacts): void
  /** The facts of a connection that was accepted at `acceptedAt` (milliseconds since 1970 UTC), once; undefined when its SYN was not seen yet. */
  take(source: string, port: number, acceptedAt: number): FirstHop | undefined
  /** As `take`, waiting at most `waitMs` for a SYN that is still on its way here. */
  wait(source: string, port: number, acceptedAt: number, waitMs?: number): Promise<FirstHop | undefined>
  readonly size: number
}

/** SYNs of connect scans and floods are never accepted: the table is bounded, the oldest go. A repeated SYN keeps the time of the first. */
export function openFirstHops({ most = 16_384, keepMs = 30_000 }: { most?: number; keepMs?: number } = {}): FirstHops {
  const seen = new Map<string, SynFacts>()
  const waiting = new Map<string, () => void>()
  const keyOf = (source: string, port: number): string => `${source} ${port}`

  const take: FirstHops['take'] = (source, port, acceptedAt) => {
    const key = keyOf(source, port)
    const facts = seen.get(key)
    if (!facts) return undefined
    seen.delete(key)
    if (acceptedAt - facts.at > keepMs) return undefined
    const { at, ...observed } = facts
    return { ...observed, handshakeMs: Math.max(0, Math.round((acceptedAt - at) * 1000) / 1000) }
  }
  return {
    saw(source, port, facts) {
      const key = keyOf(source, port)
      const known = seen.get(key)
      if (known && facts.ja4t === known.ja4t && facts.at - known.at < keepMs) return
      seen.delete(key)
      seen.set(key, facts)
      for (const [oldest, { at }] of seen) {
        if (seen.size <= most && facts.at - at <= keepMs) break
        seen.delete(oldest)
      }
      waiting.get(key)?.()
    },
    take,
    wait(source, port, acceptedAt, waitMs = 25) {
      const found = take(source, port, acceptedAt)
      const key = keyOf(source, port)
      if (found || waiting.has(key) || waiting.size >= 1024) return Promise.resolve(found)
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          waiting.delete(key)
          resolve(take(source, port, acceptedAt))
        }
        const timer = setTimeout(done, waitMs)
        waiting.set(key, done)
      })
    },
    get size() {
      return seen.size
    },
  }
}
