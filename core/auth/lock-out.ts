/** Lock-out of guessed passwords: five failures of one account from one address, then a delay that doubles. Survives restart. */
import { createHash } from 'node:crypto'
import type postgres from 'postgres'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { ApiError } from '../api-error.ts'
import type { Core } from '../core.ts'

/** Tries before the first delay. */
export const freeTries = 5
/** Seconds that must pass after the given failure, counted from 1: 30 s after the fifth, doubling, an hour at most. */
export const delayAfter = (failures: number): number => (failures < freeTries ? 0 : Math.min(30 * 2 ** (failures - freeTries), 3600))
/** Failures are forgotten after a day. */
const memorySeconds = 86_400

export interface Attempt {
  /** The password was right: failures are forgotten. */
  succeeded(): Promise<void>
  /** Neither right nor wrong, such as a missing code: counts as nothing. */
  withdrawn(): Promise<void>
}

/**
 * Counts an attempt before it is checked, so that a hundred at once are not a hundred free tries. What is not told to have
 * succeeded is a failure. Throws 429 while a delay runs; the account need not exist, so the answer tells nothing.
 */
export async function beginAttempt(core: Core, username: string, address: string): Promise<Attempt> {
  const { failures, slots } = limitersOf(core)
  const key = createHash('sha256').update(`${username.toLowerCase()}\n${address}`).digest('base64url')
  const { consumedPoints } = await failures.penalty(key, 1)
  if (consumedPoints >= freeTries) {
    try {
      await slots.consume(key, 1, { customDuration: delayAfter(consumedPoints) })
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error
      await failures.reward(key, 1)
      const seconds = Math.ceil(error.msBeforeNext / 1000)
      throw new ApiError(429, 'locked', `too many failed attempts: try again in ${seconds} s`, { fields: { seconds: String(seconds) } })
    }
  }
  return {
    async succeeded() {
      await Promise.all([failures.delete(key), slots.delete(key)])
    },
    async withdrawn() {
      await failures.reward(key, 1)
    },
  }
}

interface Limiters {
  failures: RateLimiterPostgres
  slots: RateLimiterPostgres
}
const made = new WeakMap<postgres.Sql, Limiters>()

function limitersOf(core: Core): Limiters {
  let limiters = made.get(core.sql)
  if (!limiters) {
    const query = async ({ text, values }: { text: string; values: never[] }) => {
      const rows = await core.sql.unsafe(text, values)
      return { rows, rowCount: rows.count }
    }
    const common = { storeClient: { query }, storeType: 'client', tableName: 'sign_in_limit', tableCreated: true, clearExpiredByTimeout: false }
    limiters = {
      failures: new RateLimiterPostgres({ ...common, keyPrefix: 'failures', points: 1_000_000, duration: memorySeconds }),
      slots: new RateLimiterPostgres({ ...common, keyPrefix: 'slot', points: 1, duration: 30 }),
    }
    made.set(core.sql, limiters)
  }
  return limiters
}
