/** Decides who gets in: given and lure accounts at once, listed users after as many tries as this adversary's luck has it, nobody else. */
import type { LoginPolicy } from '@shenlou/contract/template'
import type { Persona } from '../persona.ts'
import type { Logins } from '../world/logins.ts'

export type Verdict = { accepted: false } | { accepted: true; by: 'given' | 'lure' | 'tries' }

/**
 * Judges one password and remembers it in the world's luck: the password that was accepted stays the user's password for this adversary, and
 * every other one is refused from then on.
 */
export function judge(policy: LoginPolicy, about: { persona: Persona; logins: Logins; adversary: string }, user: string, password: string): Verdict {
  const account = policy.accounts.find((a) => latin(a.user) === user && latin(a.password) === password)
  if (account) return { accepted: true, by: account.origin }
  const { luck } = about.logins
  if (luck.accepted.some((known) => known.user === user && known.password === password)) return { accepted: true, by: 'tries' }
  const rule = policy.afterTries
  if (!rule || luck.accepted.length > 0 || password === '' || password.length > 128 || !rule.users.some((u) => latin(u) === user)) return { accepted: false }
  luck.tries++
  about.logins.touch()
  const [from, to] = rule.from <= rule.to ? [rule.from, rule.to] : [rule.to, rule.from]
  if (luck.tries < about.persona.number(`login-tries ${about.adversary}`, from, to)) return { accepted: false }
  luck.accepted.push({ user, password })
  return { accepted: true, by: 'tries' }
}

/** UTF-8 text as one character a byte, as names and passwords come from the wire. */
const latin = (text: string): string => Buffer.from(text).toString('latin1')
