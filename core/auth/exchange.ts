/** What the routes of signing in need of a request beyond its parsed input. */
import type { Caller } from './caller.ts'

export interface Exchange {
  userAgent: string | null
  /** Who called; null for an anonymous call to a public route. */
  caller: Caller | null
  /** Gives the browser a session cookie, or takes it away. */
  setSession(cookie: string | null): void
}
