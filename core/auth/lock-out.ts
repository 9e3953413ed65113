/**
 * Lock-out of guessed passwords: five failures of one account from one address, then a delay that doubles; a hundred from anywhere, then
 * strange addresses take turns. Survives restart.
 */
import { createHash } from 'node:crypto'
import type postgres from 'postgres'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { ApiError } from '../api-error.ts'
import type { Core } from '../core.ts'
import { addressBlock } from './address-block.ts'

/** Tries before the first delay. */
export const freeTries = 5
/** Seconds that must pass after the given failure, counted from 1: 30 s after the fifth, doubling, an hour at most. */
export const delayAfter = (failures: number): number => (failures < freeTries ? 0 : Math.min(30 * 2 ** (failures - freeTries), 3600))
/** Failures of one account from all addresses before addresses that never signed in to it share one try in `sharedSeconds`. */
export const sharedTries = 100
const sharedSeconds = 30
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
  const name = username.toLowerCase()
  const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')
  const key = digest(`${name}\n${addressBlock(address)}`)
  const shared = digest(name)
  const [own, all] = await Promise.all([failures.penalty(key, 1), failures.penalty(shared, 1)])
  const back = (): Promise<unknown> => Promise.all([failures.reward(key, 1), failures.reward(shared, 1)])
  const wait = async (slot: string, seconds: number): Promise<void> => {
    try {
      await slots.consume(slot, 1, { customDuration: seconds })
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error
      await back()
      const left = Math.ceil(error.msBeforeNext / 1000)
      throw new ApiError(429, 'locked', `too many failed attempts: try again in ${left} s`, { fields: { seconds: String(left) } })
    }
  }
  if (own.consumedPoints >= freeTries) await wait(key, delayAfter(own.consumedPoints))
  if (all.consumedPoints > sharedTries && !(await signedInFrom(core, name, address))) await wait(shared, sharedSeconds)
  return {
    async succeeded() {
      await Promise.all([failures.delete(key), slots.delete(key), failures.delete(shared), slots.delete(shared)])
    },
    async withdrawn() {
      await back()
    },
  }
}

/** Whether the account was signed in to from this address before: its owner is not kept out by what strangers try. */
async function signedInFrom(core: Core, username: string, address: string): Promise<boolean> {
  const [row] = await core.sql`select from audit_entry where action = 'sign-in' and target = ${username} and address = ${address} limit 1`
  return row !== undefined
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
