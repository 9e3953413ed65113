/** Rate limits in memory, by address and by account. Guessing passwords is bounded besides, in the database (auth/lock-out.ts). */
import type { RouteName } from '@shenlou/contract/api'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { addressBlock } from '../auth/address-block.ts'
import { doorError } from './errors.ts'

export interface Limits {
  /** Counts a request of an address; throws 429. */
  address(address: string, route: RouteName | 'live'): Promise<void>
  /** Counts a request of an account; throws 429. */
  account(id: string): Promise<void>
}

/** Requests a minute. */
export interface LimitFigures {
  address: number
  account: number
  signIn: number
}

/** A console page asks for some twenty things; a whole office may share an address. */
export const usualLimits: LimitFigures = { address: 6000, account: 3000, signIn: 30 }

export function createLimits(figures: LimitFigures = usualLimits): Limits {
  const limiter = (points: number, keyPrefix: string) => new RateLimiterMemory({ points, duration: 60, keyPrefix })
  const addresses = limiter(figures.address, 'address')
  const accounts = limiter(figures.account, 'account')
  const signIns = limiter(figures.signIn, 'sign-in')
  return {
    async address(given, route) {
      const address = addressBlock(given)
      await count(addresses, address)
      if (route === 'signIn') await count(signIns, address)
    },
    account: (id) => count(accounts, id),
  }
}

async function count(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error
    const seconds = String(Math.max(1, Math.ceil(error.msBeforeNext / 1000)))
    throw doorError('too-many-requests', `too many requests: try again in ${seconds} s`, { seconds })
  }
}
