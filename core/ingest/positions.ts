/** Positions in commit order: handed out in rising order, seen by readers only when no lower one can still appear. */
import type { StoredEvent } from '@shenlou/contract/event'

/** Blocks come from a sequence with this increment (0001-events.sql). */
export const blockSize = 65_536

interface Flight {
  first: number
  last: number
  events?: StoredEvent[]
  done: boolean
}

export interface Positions {
  /** The highest position such that it and all below are settled: committed, or never to be used. */
  watermark(): number
  /** Takes `count` rising positions. Call `done` once the outcome is certain, with what was committed. */
  take(count: number): Promise<{ first: number; done(events: StoredEvent[]): void }>
}

/**
 * `nextBlock` answers the first number of a block that nobody had or will have; `settled` hears of committed events in order.
 * `start` is the highest position that was ever committed.
 */
export function createPositions(start: number, nextBlock: () => Promise<number>, settled: (events: StoredEvent[], position: number) => void): Positions {
  let next = 0
  let end = 0
  let mark = start
  let turn: Promise<unknown> = Promise.resolve()
  const flights: Flight[] = []

  const settle = (): void => {
    while (flights[0]?.done) {
      const flight = flights.shift() as Flight
      mark = Math.max(mark, flight.last)
      if (flight.events?.length) settled(flight.events, mark)
    }
  }
  const take = async (count: number): Promise<{ first: number; done(events: StoredEvent[]): void }> => {
    if (next + count > end) {
      // A batch never spans two blocks: blocks of one process follow each other only by chance.
      next = await nextBlock()
      end = next + blockSize
    }
    const flight: Flight = { first: next, last: next + count - 1, done: false }
    next += count
    flights.push(flight)
    return {
      first: flight.first,
      done(events) {
        flight.events = events
        flight.done = true
        settle()
      },
    }
  }
  return {
    watermark: () => mark,
    take(count) {
      // One at a time, so that two callers at the end of a block do not both open a new one.
      const own = turn.then(() => take(count))
      turn = own.catch(() => {})
      return own
    },
  }
}
