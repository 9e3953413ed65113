/** Routes of signing in and of the own account: password and second factor. */
import { escapeText } from '@shenlou/contract/bytes'
import type { RouteAnswer } from '@shenlou/contract/api'
import type { Actor } from '../actor.ts'
import { ApiError } from '../api-error.ts'
import { recordAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { APIError, authOf, callHeaders, cookiesOf, isUsername, sessionCookie } from './auth.ts'
import { personOf } from './caller.ts'
import { sayEnded } from './ended.ts'
import type { Exchange } from './exchange.ts'
import { beginAttempt } from './lock-out.ts'
import { hashPassword } from './password.ts'

interface Input<B = unknown> {
  body: B
  address: string
}
const done = { ok: true } as const

const wrong = () => new ApiError(401, 'sign-in-failed', 'the name, the password or the code is wrong')

/**
 * Signs a person in. Without the code of an account that has TOTP on, answers `totp` and gives no session. Unknown, disabled
 * and locked accounts are told from a wrong password neither by the answer nor by its time.
 */
export async function signIn(
  core: Core,
  _actor: Actor,
  { body, address }: Input<{ username: string; password: string; totp?: string | undefined }>,
  exchange: Exchange,
): Promise<RouteAnswer<'signIn'>> {
  const username = body.username.toLowerCase()
  const attempt = await beginAttempt(core, username, address)
  let cookie: string | 'totp'
  try {
    cookie = await checkSignIn(core, username, body, address, exchange.userAgent)
  } catch (error) {
    if (!(error instanceof APIError)) throw error
    const [meant] = await core.sql<{ scopes: string[] }[]>`select scopes from person where username = ${username}`
    const actor = { kind: 'person', id: '', name: shown(username) } as const
    await recordAudit(core, { actor, address, action: 'sign-in.failed', target: shown(username), scopes: meant?.scopes ?? [] })
    throw wrong()
  }
  if (cookie === 'totp') {
    await attempt.withdrawn()
    return { next: 'totp' }
  }
  await attempt.succeeded()
  const [person] = await core.sql<{ id: string; must_change_password: boolean; scopes: string[] }[]>`
    update person set last_sign_in_at = ${new Date(core.clock())} where username = ${username} returning id, must_change_password, scopes`
  if (!person) throw wrong()
  await recordAudit(core, { actor: { kind: 'person', id: person.id, name: username }, address, action: 'sign-in', target: username, scopes: person.scopes })
  exchange.setSession(cookie)
  return { next: person.must_change_password ? 'change-password' : 'done' }
}

/** The new session's cookie, or `totp` when a code is missing. Throws better-auth's APIError when anything is wrong. */
async function checkSignIn(
  core: Core,
  username: string,
  body: { password: string; totp?: string | undefined },
  address: string,
  userAgent: string | null,
): Promise<string> {
  const { api } = authOf(core)
  if (!isUsername(username)) {
    await hashPassword(body.password)
    throw new APIError('UNAUTHORIZED')
  }
  const first = await api.signInUsername({ body: { username, password: body.password }, headers: callHeaders(address, userAgent), returnHeaders: true })
  if (!('twoFactorRedirect' in first.response)) return sessionCookie(first.headers) ?? refuse()
  if (!body.totp) return 'totp'
  const headers = callHeaders(address, userAgent)
  headers.set('cookie', cookiesOf(first.headers))
  const second = await api.verifyTOTP({ body: { code: body.totp }, headers, returnHeaders: true })
  if (!(await useOnce(core, username, body.totp))) {
    await core.sql`delete from person_session where token = ${second.response.token}`
    refuse()
  }
  return sessionCookie(second.headers) ?? refuse()
}

const refuse = (): never => {
  throw new APIError('UNAUTHORIZED')
}

/** A code serves once: it stays valid for up to 90 s, long enough to be read over a shoulder (RFC 6238 section 5.2). */
async function useOnce(core: Core, username: string, code: string): Promise<boolean> {
  const rows = await core.sql`
    update person set totp_used = ${code}, totp_used_at = now()
    where username = ${username} and (totp_used is distinct from ${code} or totp_used_at < now() - interval '90 seconds') returning 1`
  return rows.length === 1
}

/** What a stranger typed, fit for the audit log. */
const shown = (username: string): string => escapeText(username).slice(0, 64)

export async function signOut(core: Core, actor: Actor, { address }: Input, exchange: Exchange): Promise<RouteAnswer<'signOut'>> {
  const { cookie, credential, person } = personOf(exchange.caller)
  await authOf(core).api.signOut({ headers: callHeaders(address, null, cookie) })
  await recordAudit(core, { actor, address, action: 'sign-out', target: person.username, scopes: person.scopes })
  exchange.setSession(null)
  sayEnded(core, { credential })
  return done
}

export async function changePassword(
  core: Core,
  actor: Actor,
  { body, address }: Input<{ current: string; next: string }>,
  exchange: Exchange,
): Promise<RouteAnswer<'changePassword'>> {
  const { cookie, person } = personOf(exchange.caller)
  if (body.next === body.current) throw new ApiError(400, 'password-same', 'the new password is the old one: choose another')
  if (body.next.toLowerCase().includes(person.username)) throw new ApiError(400, 'password-weak', 'the new password holds the user name: choose another')
  const attempt = await beginAttempt(core, person.username, address)
  const changed = await ownAccount(() =>
    authOf(core).api.changePassword({
      body: { currentPassword: body.current, newPassword: body.next, revokeOtherSessions: true },
      headers: callHeaders(address, exchange.userAgent, cookie),
      returnHeaders: true,
    }),
  )
  await attempt.succeeded()
  await core.sql`update person set must_change_password = false, updated_at = now() where id = ${person.id}`
  await recordAudit(core, { actor, address, action: 'password.changed', target: person.username, scopes: person.scopes })
  exchange.setSession(sessionCookie(changed.headers) ?? null)
  sayEnded(core, { person: person.id })
  return done
}

export async function totpBegin(
  core: Core,
  _actor: Actor,
  { body, address }: Input<{ password: string }>,
  exchange: Exchange,
): Promise<RouteAnswer<'totpBegin'>> {
  const { cookie, person } = personOf(exchange.caller)
  const attempt = await beginAttempt(core, person.username, address)
  const begun = await ownAccount(() =>
    authOf(core).api.enableTwoFactor({ body: { password: body.password, method: 'totp' }, headers: callHeaders(address, exchange.userAgent, cookie) }),
  )
  await attempt.succeeded()
  return { uri: (begun as { totpURI: string }).totpURI }
}

export async function totpConfirm(
  core: Core,
  actor: Actor,
  { body, address }: Input<{ code: string }>,
  exchange: Exchange,
): Promise<RouteAnswer<'totpConfirm'>> {
  const { cookie, credential, person } = personOf(exchange.caller)
  const attempt = await beginAttempt(core, person.username, address)
  const confirmed = await ownAccount(() =>
    authOf(core).api.verifyTOTP({ body: { code: body.code }, headers: callHeaders(address, exchange.userAgent, cookie), returnHeaders: true }),
  )
  await attempt.succeeded()
  await useOnce(core, person.username, body.code)
  await recordAudit(core, { actor, address, action: 'totp.on', target: person.username, scopes: person.scopes })
  renewed(core, exchange, confirmed.headers, credential)
  return done
}

export async function totpOff(core: Core, actor: Actor, { body, address }: Input<{ password: string }>, exchange: Exchange): Promise<RouteAnswer<'totpOff'>> {
  const { cookie, credential, person } = personOf(exchange.caller)
  const attempt = await beginAttempt(core, person.username, address)
  const off = await ownAccount(() =>
    authOf(core).api.disableTwoFactor({ body: { password: body.password }, headers: callHeaders(address, exchange.userAgent, cookie), returnHeaders: true }),
  )
  await attempt.succeeded()
  await recordAudit(core, { actor, address, action: 'totp.off', target: person.username, scopes: person.scopes })
  renewed(core, exchange, off.headers, credential)
  return done
}

/** Turning the second factor on or off gives a new session in place of the old one. */
function renewed(core: Core, exchange: Exchange, headers: Headers, former: string): void {
  const cookie = sessionCookie(headers)
  if (!cookie) return
  exchange.setSession(cookie)
  sayEnded(core, { credential: former })
}

const answers: Record<string, [number, string, string]> = {
  INVALID_PASSWORD: [403, 'password-wrong', 'the current password is wrong'],
  INVALID_CODE: [403, 'code-wrong', 'the code is wrong: check that the clock of the device is right, then try the next code'],
  TOTP_NOT_ENABLED: [409, 'totp-not-begun', 'there is no second factor to confirm: begin first'],
  TOTP_ALREADY_ENABLED: [409, 'totp-is-on', 'the second factor is on already: turn it off first'],
}

/** Runs a change of the own account; better-auth's refusals become ours. */
async function ownAccount<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    if (!(error instanceof APIError)) throw error
    const [status, code, message] = answers[String(error.body?.code)] ?? [401, 'signed-out', 'this session has ended: sign in again']
    throw new ApiError(status, code, message, { cause: error })
  }
}
