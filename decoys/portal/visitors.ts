/** What the application remembers of its visitors: sessions, refused tries, lock-outs. Bounded; the oldest is forgotten. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { LoginPolicy } from '@shenlou/contract/template'
import type { Persona } from '../persona.ts'

const most = 5000

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
  judge(policy: LoginPolicy, adversary: string, user: string, password: string, now: number): Outcome
}

/** Memory of one portal. */
export function openVisitors(persona: Persona): Visitors {
  const key = randomBytes(32)
  const sessions = bounded<{ user?: string }>()
  const refused = bounded<{ count: number; until: number }>()
  const won = bounded<string>()
  const bound = persona.number('portal lock tries', 5, 9)
  const minutes = persona.pick('portal lock minutes', [5, 10, 15, 20, 30])
  const tokenDigits = persona.number('portal token digits', 10, 20) * 2
  const token = (session: string): string => createHmac('sha256', key).update(session).digest('hex').slice(0, tokenDigits)

  return {
    begin(kind) {
      const bytes = randomBytes(32)
      const id =
        kind === 'java'
          ? bytes.subarray(0, 16).toString('hex').toUpperCase()
          : kind === 'php'
            ? Array.from(bytes.subarray(0, 26), (byte) => 'abcdefghijklmnopqrstuvwxyz0123456789'[byte % 36]).join('')
            : bytes.toString('base64url')
      sessions.set(id, {})
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
    signIn: (session, user) => sessions.set(session, { user }),
    signOut: (session) => sessions.delete(session),
    userOf: (session) => (session === undefined ? undefined : sessions.get(session)?.user),
    judge(policy, adversary, user, password, now) {
      const account = policy.accounts.find((one) => one.user === user && one.password === password)
      const place = `${adversary}\n${user.slice(0, 200)}`
      const tries = policy.afterTries
      const listed = tries?.users.includes(user) === true
      const held = refused.get(place) ?? { count: 0, until: 0 }
      if (!listed && now < held.until) return { outcome: 'refused', why: 'locked', minutes: Math.max(1, Math.ceil((held.until - now) / 60_000)) }
      if (account) {
        refused.delete(place)
        return { outcome: 'accepted', by: account.origin }
      }
      if (listed && won.get(place) === password) return { outcome: 'accepted', by: 'tries' }
      held.count++
      if (tries && listed && password !== '' && won.get(place) === undefined) {
        // The adversary's own luck: another adversary needs another number of tries.
        const lucky = persona.number(`portal tries ${place}`, Math.min(tries.from, tries.to), Math.max(tries.from, tries.to))
        if (held.count >= lucky) {
          won.set(place, password)
          return { outcome: 'accepted', by: 'tries' }
        }
      }
      if (!listed && held.count >= bound) {
        held.until = now + minutes * 60_000
        held.count = 0
      }
      refused.set(place, held)
      if (now < held.until) return { outcome: 'refused', why: 'locked', minutes }
      return { outcome: 'refused', why: 'wrong' }
    },
  }
}
