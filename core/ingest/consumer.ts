/** Readers of committed events with a saved place: every effect exactly once, because place and effect commit together. */
import { setTimeout as delay } from 'node:timers/promises'
import type { StoredEvent } from '@shenlou/contract/event'
import type postgres from 'postgres'
import type { Core } from '../core.ts'
import { isTransient } from '../store/errors.ts'
import { type EventRow, eventColumns, toEvent } from '../store/event-rows.ts'
import { writerOf } from './writer.ts'

/** Applies events in `tx`. When it answers a function, that runs after the commit. */
export type ConsumerHandle = (tx: postgres.TransactionSql, events: StoredEvent[]) => Promise<unknown>

export interface Consumer {
  /** Position that all effects are committed up to. */
  position(): number
  /** Resolves when everything up to `position` (default: all that is committed now) has been handled. */
  reached(position?: number): Promise<void>
  /** Ends after the page at hand. */
  close(): Promise<void>
}

const pageSize = 1000

/**
 * Starts the consumer `name` where it left off (a new one at the beginning). Events come in order of position, in pages of at most
 * 1,000. A page whose handling throws is tried event by event; an event that still throws is noted in consumer_skip and passed over.
 */
export async function startConsumer(core: Core, name: string, handle: ConsumerHandle): Promise<Consumer> {
  const { positions } = await writerOf(core)
  const { sql } = core
  await sql`insert into consumer (name, position) values (${name}, 0) on conflict do nothing`
  let position = (await sql<{ position: number }[]>`select position from consumer where name = ${name}`)[0]?.position as number
  let closed = false
  let wake = Promise.withResolvers<void>()
  const waiting = new Set<{ position: number; resolve: () => void }>()
  const off = core.bus.on('committed', () => wake.resolve())

  const apply = async (events: StoredEvent[], to: number): Promise<void> => {
    const after = await sql.begin(async (tx) => {
      const done = events.length > 0 ? await handle(tx, events) : undefined
      const moved = await tx`update consumer set position = ${to} where name = ${name} and position = ${position}`
      if (moved.count !== 1) throw new Error(`the consumer ${name} runs twice: its place was moved by another`)
      return { done }
    })
    position = to
    try {
      if (typeof after.done === 'function') after.done()
    } catch (error) {
      core.log(`the consumer ${name} failed after its commit: ${(error as Error).message}`)
    }
  }
  const applySingly = async (events: StoredEvent[], to: number): Promise<void> => {
    for (const event of events) {
      await apply([event], event.position).catch(async (error: Error) => {
        if (isTransient(error)) throw error
        core.log(`the consumer ${name} passes over event ${event.id} (${event.kind}): ${error.message}`)
        await sql.begin(async (tx) => {
          await tx`insert into consumer_skip (consumer, position, at, reason) values (${name}, ${event.position}, now(), ${error.message.slice(0, 2000)}) on conflict do nothing`
          await tx`update consumer set position = ${event.position} where name = ${name}`
        })
        position = event.position
      })
    }
    if (position < to) await apply([], to)
  }
  const step = async (): Promise<boolean> => {
    const mark = positions.watermark()
    if (position >= mark) return false
    const rows = await sql<EventRow[]>`select ${eventColumns(sql)} from event
      where event.position > ${position} and event.position <= ${mark} order by event.position limit ${pageSize}`
    const events = rows.map(toEvent)
    const to = rows.length < pageSize ? mark : (events.at(-1)?.position ?? mark)
    await apply(events, to).catch((error) => {
      if (isTransient(error) || closed) throw error
      return applySingly(events, to)
    })
    for (const each of waiting) if (position >= each.position && waiting.delete(each)) each.resolve()
    return true
  }
  const run = async (): Promise<void> => {
    let wait = 20
    while (!closed) {
      try {
        while (!closed && (await step())) wait = 20
        if (!closed) await wake.promise
        wake = Promise.withResolvers<void>()
      } catch (error) {
        if (closed || core.signal.aborted) return
        if (!isTransient(error)) core.log(`the consumer ${name} tries again: ${(error as Error).message}`)
        await delay(wait)
        wait = Math.min(wait * 2, 1000)
      }
    }
  }
  const close = async (): Promise<void> => {
    closed = true
    off()
    wake.resolve()
    core.signal.removeEventListener('abort', close)
    await running
  }
  core.signal.addEventListener('abort', close, { once: true })
  const running = run()
  return {
    position: () => position,
    reached(to = positions.watermark()) {
      if (position >= to) return Promise.resolve()
      wake.resolve()
      return new Promise((resolve) => waiting.add({ position: to, resolve }))
    },
    close,
  }
}
