/**
 * Delay: holds connections of the sources that the core names. It stands in the gate between worker and tunnel, so that the service has its session and
 * sees what the client sends all the while; what it answers leaves late. Nothing of it outlives the process, and everything is let go at once.
 */
import { randomBytes } from 'node:crypto'
import { type Duplex, Transform, type TransformCallback } from 'node:stream'
import type { DelayEntry, DelayKind, DelayReason } from '@shenlou/contract/delay'
import type { EventDraft } from '@shenlou/contract/event'
import { uuidv7 } from '@shenlou/link/uuid'
import type { ConnectionFacts } from './gate-connection.ts'

/** What delaying may cost a host, and the pace of it. */
export interface DelayBudget {
  /** Connections held at once, in all and of one source. Others are served as always. */
  held: number
  heldPerSource: number
  /** Lines sent before SSH banners, in bytes, of all connections in an hour. */
  bytesPerHour: number
  /** Processor time in a minute. */
  cpuMsPerMinute: number
  /** Longest that one connection is held. */
  connectionMs: number
  /** Between two lines or drips. */
  everyMs: number
}
export const delayBudget: DelayBudget = { held: 64, heldPerSource: 16, bytesPerHour: 1_048_576, cpuMsPerMinute: 600, connectionMs: 900_000, everyMs: 8000 }

/** Clients of SSH give up after 1,024 lines (RFC 4253 section 4.2 sets no bound; OpenSSH does). */
const mostLines = 900
/** Bytes of an answer that leave with each drip. */
const drip: Record<DelayKind, number> = { ssh: 0, http: 4, window: 16 }

export interface Delays {
  /** The sources to be delayed from now on; connections of others are let go. */
  set(entries: readonly DelayEntry[]): void
  /** What this connection is delayed by; nothing where it is not. `site` is the scope of its relay. */
  begin(facts: ConnectionFacts, site: string): Delay | undefined
  readonly held: number
  /** Lets all go. */
  close(): void
}
export interface Delay {
  /** How long the service may have to wait before its first word is heard. */
  readonly holdMs: number
  /** Stands in both directions instead of two pipes. */
  join(tunnel: Duplex, local: Duplex): void
}

const web = new Set(['portal', 'portal-https', 'hmi', 'hmi-https'])
const kindOf = (service: string): DelayKind => (service === 'ssh' ? 'ssh' : web.has(service) ? 'http' : 'window')
const inside = (scope: string, site: string): boolean => site === scope || site.startsWith(`${scope}/`)

interface Held {
  entry: DelayEntry
  source: string
  release(reason: DelayReason): void
}

export function openDelays({
  append,
  budget = delayBudget,
  now = Date.now,
}: {
  append(event: EventDraft): Promise<unknown>
  budget?: DelayBudget
  now?(): number
}): Delays {
  let entries: readonly DelayEntry[] = []
  const all = new Set<Held>()
  /** Spending of the present hour and minute. */
  let bytes = { since: now(), spent: 0 }
  let cpu = { since: now(), spent: 0 }
  const spend = (of: { since: number; spent: number }, amount: number, perMs: number): { since: number; spent: number } =>
    now() - of.since >= perMs ? { since: now(), spent: amount } : { since: of.since, spent: of.spent + amount }

  function begin(facts: ConnectionFacts, site: string): Delay | undefined {
    const kind = kindOf(facts.service)
    const source = facts.source.ip
    const entry = entries.find((each) => each.source === source && each.until > now() && each.kinds.includes(kind) && inside(each.scope, site))
    if (!entry || all.size >= budget.held) return undefined
    if ([...all].filter((each) => each.source === source).length >= budget.heldPerSource) return undefined
    if (bytes.spent >= budget.bytesPerHour && now() - bytes.since < 3_600_000) return undefined
    const holdMs = Math.min(budget.connectionMs, entry.until - now())
    return { holdMs, join: (tunnel, local) => hold(facts, entry, kind, holdMs, tunnel, local) }
  }

  function hold(facts: ConnectionFacts, entry: DelayEntry, kind: DelayKind, holdMs: number, tunnel: Duplex, local: Duplex): void {
    const startedAt = now()
    let said = false
    let over = false
    let bytesOut = 0
    let cpuMs = 0
    let lines = 0
    const outward = new Hold()
    const inward = kind === 'window' ? new Hold() : undefined
    const stamp = (): Omit<EventDraft, 'kind' | 'body'> => {
      const { connection, session, decoy, service, source, destination, via } = facts
      return { id: uuidv7(), time: now(), connection, ...(session === undefined ? {} : { session }), decoy, service, source, destination, via }
    }
    const began = (): void => {
      if (said) return
      said = true
      append({ ...stamp(), kind: 'delay.began', body: { delay: entry.id, kind } } as EventDraft).catch(() => {})
    }
    const release = (reason: DelayReason): void => {
      if (over) return
      over = true
      clearInterval(timer)
      clearTimeout(limit)
      all.delete(held)
      began()
      const body = { delay: entry.id, kind, heldMs: Math.max(0, now() - startedAt), bytesOut, cpuMs: Math.round(cpuMs * 1000) / 1000, reason }
      append({ ...stamp(), kind: 'delay.ended', body } as EventDraft).catch(() => {})
      outward.release()
      inward?.release()
    }
    const tick = (): void => {
      const before = performance.now()
      began()
      if (kind === 'ssh') {
        const line = Buffer.from(`${randomBytes(2 + Math.floor(Math.random() * 14)).toString('base64url')}\r\n`)
        lines += 1
        bytes = spend(bytes, line.length, 3_600_000)
        bytesOut += line.length
        if (!tunnel.destroyed && !tunnel.writableEnded) outward.push(line)
      } else bytesOut += outward.let(drip[kind])
      inward?.let(drip[kind])
      const used = performance.now() - before
      cpuMs += used
      cpu = spend(cpu, used, 60_000)
      if (entry.until <= now()) release('expired')
      else if (lines >= mostLines) release('limit')
      else if (cpu.spent > budget.cpuMsPerMinute || bytes.spent > budget.bytesPerHour) for (const each of [...all]) each.release('budget')
    }
    const held: Held = { entry, source: facts.source.ip, release }
    all.add(held)
    // Not all of them at the same moment.
    const timer = setInterval(tick, budget.everyMs * (0.8 + Math.random() * 0.4)).unref()
    const limit = setTimeout(() => release(entry.until <= now() ? 'expired' : 'limit'), holdMs).unref()
    const first = setTimeout(began, Math.min(500, budget.everyMs)).unref()
    tunnel.once('close', () => {
      clearTimeout(first)
      release('left')
      for (const part of [outward, inward]) part?.destroy()
    })
    // Who has ended his side waits for nothing any more.
    tunnel.once('end', () => release('left'))
    outward.once('end', () => release('done'))
    for (const part of [outward, inward]) part?.on('error', () => {})
    local.pipe(outward).pipe(tunnel)
    if (inward) tunnel.pipe(inward).pipe(local)
    else tunnel.pipe(local)
  }

  return {
    set(next) {
      entries = next
      const ids = new Set(next.filter(({ until }) => until > now()).map(({ id }) => id))
      for (const held of [...all]) if (!ids.has(held.entry.id)) held.release('switched-off')
    },
    begin,
    get held() {
      return all.size
    },
    close() {
      for (const held of [...all]) held.release('stopped')
    },
  }
}

/** Holds what is written to it until it is released, letting a few bytes through when told. It takes one chunk at a time: the rest stays with its writer. */
class Hold extends Transform {
  #released = false
  #waiting: { chunk: Buffer; done: TransformCallback } | undefined

  constructor() {
    super({ writableHighWaterMark: 1024, readableHighWaterMark: 65_536 })
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    if (this.#released) done(null, chunk)
    else this.#waiting = { chunk, done }
  }

  /** Lets `most` bytes through; answers how many there were. */
  let(most: number): number {
    const waiting = this.#waiting
    if (!waiting || this.destroyed) return 0
    const part = waiting.chunk.subarray(0, most)
    waiting.chunk = waiting.chunk.subarray(part.length)
    this.push(part)
    if (waiting.chunk.length === 0) {
      this.#waiting = undefined
      waiting.done()
    }
    return part.length
  }

  release(): void {
    this.#released = true
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting && !this.destroyed) waiting.done(null, waiting.chunk)
  }
}
