/** The clock of a segment's politeness: it stands while the watch is blind, or the relay was off. */
import type { PolitenessRules } from './rules.ts'
import type { Saved } from './saved.ts'

/** Each `now` is milliseconds that never go back. */
export interface WatchedTime {
  /** Answers the milliseconds that passed since it was last called, watched or not. */
  advance(now: number): number
  /** Seconds of watching. */
  seconds(): number
  /** Quiet times count from here at the earliest, in seconds of watching: before it was a gap. */
  readonly quietSince: number
  readonly seeing: boolean
  /** The watch ended, or began to see again; both at the time of the last `advance`. */
  blind(): void
  sees(): void
  /** Goes on where an earlier run was saved; `wallClock` is now by the clock of `saved.at`. */
  restore(saved: Pick<Saved, 'at' | 'watchedS' | 'quietSince'>, wallClock: number): void
}

/** What passes between two calls and is longer was not watched, as by a machine that slept. */
const longestStepMs = 30_000

/** Begins at one second, so that 0 can stand for never. */
export function openWatchedTime(begin: number, { gapMs }: Pick<PolitenessRules, 'gapMs'>): WatchedTime {
  let last = begin
  let watchedMs = 1000
  let quietSince = 1
  let seeing = true
  let blindSince = begin
  const seconds = (): number => Math.floor(watchedMs / 1000)
  return {
    advance(now) {
      const passed = Math.max(0, now - last)
      last = Math.max(last, now)
      if (seeing && passed <= longestStepMs) watchedMs += passed
      else if (seeing && passed > gapMs) quietSince = seconds()
      return passed
    },
    seconds,
    get quietSince() {
      return quietSince
    },
    get seeing() {
      return seeing
    },
    blind() {
      seeing = false
      blindSince = last
    },
    sees() {
      if (!seeing && last - blindSince > gapMs) quietSince = seconds()
      seeing = true
    },
    restore(saved, wallClock) {
      watchedMs = saved.watchedS * 1000
      const gap = wallClock - saved.at
      quietSince = gap >= 0 && gap <= gapMs ? saved.quietSince : seconds()
    },
  }
}
