/** What detection hands to correlation: a finding that a batch made or added to. */
import type { Severity } from '@shenlou/contract/primitives'

/** Repeats within this many milliseconds raise a finding's count, and shared identities within it make one incident. */
export const episodeMs = 86_400_000

export interface Touched {
  id: string
  isNew: boolean
  title: { zh: string; en: string }
  severity: Severity
  scope: string
  source: string | null
  decoy: string | null
  origin: 'decoy' | 'alert'
  /** Owner of the known scanner that did it. */
  known: string | null
  /** A login, an exploit, or a known scanner where nobody expects it. */
  opens: boolean
  /** It is about one of our sensors, not about what an attacker did at a decoy. */
  about: 'sensor' | null
  /** Of what this batch added, in milliseconds since 1970 UTC. */
  firstAt: number
  lastAt: number
  sessions: string[]
}
