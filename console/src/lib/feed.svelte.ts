/** A list that the live channel fills: gathered, shown once per frame of the screen, bounded, and paused without loss of count. */
import type { StoredEvent } from '@shenlou/contract/event'
import { live } from './live.svelte.ts'

/** Rows kept on screen. What is older is in the database. */
export const feedCap = 5_000

/** Newest first. `take` decides which events belong; `stop` ends it. */
export class Feed {
  rows = $state.raw<StoredEvent[]>([])
  waiting = $state(0)
  skipped = $state(0)
  paused = $state(false)
  #pending: StoredEvent[] = []
  #frame = 0
  #newest = 0
  #end: () => void
  readonly #take: (event: StoredEvent) => boolean

  constructor(take: (event: StoredEvent) => boolean = () => true) {
    this.#take = take
    this.#end = live.events((events, skipped) => this.#gather(events, skipped))
  }

  /** Puts known rows (newest first) in place of what is shown; events that are already among them will not show twice. */
  set(rows: StoredEvent[]): void {
    const newest = rows.reduce((most, row) => Math.max(most, row.position), 0)
    live.seen(newest)
    // What came between the question and its answer stays.
    const later = [...this.#pending.toReversed(), ...this.rows].filter((row) => row.position > newest && this.#take(row))
    this.#newest = Math.max(newest, later[0]?.position ?? 0)
    this.rows = [...later, ...rows].slice(0, feedCap)
    this.#pending = []
    this.waiting = 0
  }

  /** Adds older rows at the end. */
  append(rows: StoredEvent[]): void {
    this.rows = [...this.rows, ...rows]
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.#show()
  }

  stop(): void {
    this.#end()
    cancelAnimationFrame(this.#frame)
  }

  #gather(events: StoredEvent[], skipped: number): void {
    this.skipped += skipped
    for (const event of events) if (event.kind !== 'terminal.data' && this.#take(event)) this.#pending.push(event)
    if (this.#pending.length > feedCap) this.#pending.splice(0, this.#pending.length - feedCap)
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#show())
  }

  #show(): void {
    this.#frame = 0
    if (this.paused) {
      this.waiting = this.#pending.length
      return
    }
    if (this.#pending.length === 0) {
      this.waiting = 0
      return
    }
    const fresh = this.#pending.filter((event) => event.position > this.#newest).reverse()
    this.#newest = fresh[0]?.position ?? this.#newest
    this.#pending = []
    this.waiting = 0
    if (fresh.length > 0) this.rows = [...fresh, ...this.rows].slice(0, feedCap)
  }
}
