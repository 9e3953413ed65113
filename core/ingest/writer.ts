/** The one writer of events in an installation: holds the lock that keeps a second core out, and its own two connections. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type postgres from 'postgres'
import type { Core } from '../core.ts'
import { connect, urlOf } from '../store/database.ts'
import { isTransient } from '../store/errors.ts'
import { lockKeys } from '../store/locks.ts'
import { StartError } from '../store/start-error.ts'
import { createPositions, type Positions } from './positions.ts'
import type { Range } from './ranges.ts'

/** What is known of one epoch of one sensor. `flying` is being written. */
export interface Stream {
  committed: Range[]
  flying: Range[]
  /** Rows of this stream in sensor_range, to be joined now and then. */
  rows: number
}

export interface Writer {
  sql: postgres.Sql
  positions: Positions
  streams: Map<string, Promise<Stream>>
  /** Resolves when this process holds the lock; it is taken again after the database was away. */
  ready(): Promise<void>
  close(): Promise<void>
}

const family = 'shenlou ingest'
const writers = new WeakMap<Core, Promise<Writer>>()

/** The writer of `core`, opened at the first call. Throws a StartError when another core writes to the same database. */
export function writerOf(core: Core): Promise<Writer> {
  const open = writers.get(core) ?? openWriter(core)
  writers.set(core, open)
  open.catch(() => writers.delete(core))
  return open
}

async function openWriter(core: Core): Promise<Writer> {
  const url = urlOf(core.sql)
  const name = `${family} ${randomBytes(4).toString('hex')}`
  let closed = false
  let held: Promise<void> | undefined
  let holding = false

  /** Takes the lock and ends what a killed core's connections may still be doing: it must be settled before positions go on. */
  const hold = async (patience: number): Promise<void> => {
    const until = performance.now() + patience
    for (;;) {
      try {
        const [row] = await lock<{ held: boolean }[]>`select pg_try_advisory_lock(${lockKeys.ingest}) as held`
        if (row?.held) {
          const others = await lock`select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name like ${`${family} %`} and application_name not like ${`${name}%`}`
          if (others.length === 0) return
        } else if (performance.now() > until) throw new StartError('another core writes to this database: stop that one first')
      } catch (error) {
        if (!isTransient(error) || closed) throw error
      }
      await delay(50, undefined, { signal: core.signal })
    }
  }
  const holdAgain = (): void => {
    if (closed || core.signal.aborted || !held || holding) return
    holding = true
    held = hold(60_000).finally(() => {
      holding = false
    })
    held.catch((error: Error) => closed || core.signal.aborted || core.log(`ingest stopped: ${error.message}`))
  }
  const lock = connect(url, {
    max: 1,
    lasting: true,
    name: `${name} lock`,
    onclose: holdAgain,
  })
  const sql = connect(url, { max: 2, name })
  const close = async (): Promise<void> => {
    closed = true
    await Promise.all([sql.end({ timeout: 2 }), lock.end({ timeout: 2 })])
  }
  try {
    await hold(5000)
    held = Promise.resolve()
    const [row] = await sql<{ position: number }[]>`select coalesce(max(position), 0) as position from event`
    const nextBlock = async (): Promise<number> => (await sql<{ next: number }[]>`select nextval('event_position') as next`)[0]?.next as number
    const positions = createPositions(row?.position ?? 0, nextBlock, (events, position) => core.bus.emit('committed', { events, position }))
    core.signal.addEventListener('abort', close, { once: true })
    return { sql, positions, streams: new Map(), ready: () => held as Promise<void>, close }
  } catch (error) {
    await close()
    throw error
  }
}
