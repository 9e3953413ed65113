/** What the application remembers of its visitors: sessions, refused tries, lock-outs. Bounded; the oldest is forgotten. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { LoginPolicy } from '@shenlou/contract/template'
import type { Persona } from '../persona.ts'
import { judge } from '../ssh/policy.ts'

const most = 5000

let pool = Buffer.alloc(0)
/** Random bytes, fetched many at a time. */
function pooled(size: number): Buffer {
  if (pool.length < size) pool = randomBytes(8192)
  const out = pool.subarray(0, size)
  pool = pool.subarray(size)
  return out
}

/** A map that forgets its oldest entries. */
function bounded<V>(): { get(key: string): V | undefined; set(key: string, value: V): void; delete(key: string): void } {
  const map = new Map<string, V>()
  return {
    get: (key) => map.get(key),
    set(key, value) {
      map.delete(key)
      map.set(key, value)
      if (map.size > most) for (const first of map.keys()) return void map.delete(first)
    },
    delete: (key) => void map.delete(key),
  }
}

export type Outcome =
  | { outcome: 'accepted'; by: 'given' | 'lure' | 'tries' }
  | { outcome: 'refused'; why: 'wrong' }
  | { outcome: 'refused'; why: 'locked'; minutes: number }

export interface Visitors {
  /** A new session id in the application's form. */
  begin(kind: 'php' | 'java' | 'plain'): string
  known(session: string): boolean
  /** The form token that belongs to a session. */
  token(session: string): string
  tokenFits(session: string | undefined, token: string): boolean
  signIn(session: string, user: string): void
  signOut(session: string): void
  userOf(session: string | undefined): string | undefined
  /** The decoy's login policy, the same luck as its other services have; user and password as Latin-1 of their bytes. */
  judge(policy: LoginPolicy, about: Parameters<typeof judge>[1], user: string, password: string, now: number): Outcome
}

/** Memory of one portal. */
export function openVisitors(persona: Persona): Visitors {
  const sessions = bounded<{ token: string; user?: string }>()
  const refused = bounded<{ count: number; until: number }>()
  const bound = persona.number('portal lock tries', 5, 9)
  const minutes = persona.pick('portal lock minutes', [5, 10, 15, 20, 30])
  const tokenDigits = persona.number('portal token digits', 10, 20) * 2
  const token = (session: string): string => sessions.get(session)?.token ?? ''

  return {
    begin(kind) {
      const bytes = pooled(32)
      const id =
        kind === 'java'
          ? bytes.subarray(0, 16).toString('hex').toUpperCase()
          : kind === 'php'
            ? Array.from(bytes.subarray(0, 26), (byte) => 'abcdefghijklmnopqrstuvwxyz0123456789'[byte % 36]).join('')
            : bytes.toString('base64url')
      sessions.set(id, { token: pooled(20).toString('hex').slice(0, tokenDigits) })
      return id
    },
    known: (session) => sessions.get(session) !== undefined,
    token,
    tokenFits(session, given) {
      if (session === undefined || sessions.get(session) === undefined) return false
      const right = Buffer.from(token(session))
      const bytes = Buffer.from(given)
      return bytes.length === right.length && timingSafeEqual(bytes, right)
    },
    signIn: (session, user) => sessions.set(session, { token: token(session), user }),
    signOut: (session) => sessions.delete(session),
    userOf: (session) => (session === undefined ? undefined : sessions.get(session)?.user),
    judge(policy, about, user, password, now) {
      const place = `${about.adversary}\n${user.slice(0, 200)}`
      // Listed users are let in by luck, so their door stays open.
      const listed = policy.afterTries?.users.some((one) => Buffer.from(one).toString('latin1') === user) === true
      const held = refused.get(place) ?? { count: 0, until: 0 }
      if (!listed && now < held.until) return { outcome: 'refused', why: 'locked', minutes: Math.max(1, Math.ceil((held.until - now) / 60_000)) }
      const verdict = judge(policy, about, user, password)
      if (verdict.accepted) {
        refused.delete(place)
        return { outcome: 'accepted', by: verdict.by }
      }
      if (listed) return { outcome: 'refused', why: 'wrong' }
      held.count++
      if (held.count >= bound) {
        held.until = now + minutes * 60_000
        held.count = 0
      }
      refused.set(place, held)
      return now < held.until ? { outcome: 'refused', why: 'locked', minutes } : { outcome: 'refused', why: 'wrong' }
    },
  }
}
