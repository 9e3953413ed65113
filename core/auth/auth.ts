/**
 * Local accounts through better-auth: sign-in by user name, sessions in PostgreSQL, TOTP. Its own HTTP handler is not mounted:
 * our routes call its server API, so there is one door.
 */
import { drizzleAdapter } from 'better-auth/adapters/drizzle'
import { APIError } from 'better-auth/api'
import { betterAuth } from 'better-auth/minimal'
import { twoFactor } from 'better-auth/plugins/two-factor'
import { username } from 'better-auth/plugins/username'
import { drizzle } from 'drizzle-orm/postgres-js'
import type postgres from 'postgres'
import { uuidv7 } from '@shenlou/link/uuid'
import type { Core } from '../core.ts'
import { deriveKey } from '../seal.ts'
import { hashPassword, verifyPassword } from './password.ts'
import * as tables from './tables.ts'

/** A sign-in lasts this long, however it is used. */
export const sessionSeconds = 12 * 3600
/** Header in which our routes hand the caller's address to better-auth. */
export const addressHeader = 'x-shenlou-address'

const cookieName = 'session'

export type Auth = ReturnType<typeof build>
const built = new WeakMap<postgres.Sql, Auth>()

/** The sign-in machinery of a core; made on first use. */
export function authOf(core: Core): Auth {
  let auth = built.get(core.sql)
  if (!auth) {
    auth = build(core)
    built.set(core.sql, auth)
  }
  return auth
}

function build(core: Core) {
  const secret = deriveKey(core.masterKey, 'people').toString('base64url')
  return betterAuth({
    appName: 'Shenlou',
    baseURL: 'http://shenlou.invalid',
    secret,
    database: drizzleAdapter(drizzle(quietClient(core.sql)), { provider: 'pg', schema: tables, transaction: true }),
    // Sign-in is by user name only; these settings still rule its passwords.
    emailAndPassword: {
      enabled: false,
      disableSignUp: true,
      minPasswordLength: 12,
      maxPasswordLength: 256,
      password: { hash: hashPassword, verify: ({ hash, password }) => verifyPassword(hash, password) },
    },
    user: {
      additionalFields: {
        role: { type: 'string', input: false },
        scopes: { type: 'string[]', input: false },
        disabled: { type: 'boolean', input: false },
        mustChangePassword: { type: 'boolean', input: false },
      },
    },
    session: { expiresIn: sessionSeconds, disableSessionRefresh: true },
    plugins: [
      username({ displayUsername: false, minUsernameLength: 2, maxUsernameLength: 64, usernameValidator: isUsername }),
      twoFactor({ issuer: 'Shenlou' }),
    ],
    databaseHooks: { session: { create: { before: refuseDisabled(core) } } },
    advanced: {
      cookies: { session_token: { name: cookieName } },
      useSecureCookies: false,
      database: { generateId: () => uuidv7() },
      ipAddress: { ipAddressHeaders: [addressHeader] },
      // Host, Origin and CSRF are checked at our own door for every route.
      disableCSRFCheck: true,
      disableOriginCheck: true,
    },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
  })
}

/** What a user name may look like; the contract's rule. */
export const isUsername = (name: string): boolean => /^[a-z0-9._-]{2,64}$/.test(name)

const refuseDisabled = (core: Core) => async (session: { userId: string }) => {
  const [row] = await core.sql`select disabled from person where id = ${session.userId}`
  if (!row || row.disabled) throw new APIError('UNAUTHORIZED', { code: 'DISABLED', message: 'this account is disabled' })
}

/**
 * The core's own connections for drizzle. Drizzle overwrites the parsers of the client it is given, so it gets a stand-in
 * with parsers of its own and the other readers of `core.sql` keep theirs.
 */
function quietClient(sql: postgres.Sql): postgres.Sql {
  const client = { options: { parsers: {}, serializers: {} }, unsafe: sql.unsafe.bind(sql), begin: sql.begin.bind(sql) }
  return client as unknown as postgres.Sql
}

/** Headers of a call to better-auth for one caller: `cookie` is the value of our session cookie. */
export function callHeaders(address: string, userAgent: string | null, cookie?: string): Headers {
  const headers = new Headers({ [addressHeader]: address })
  if (userAgent) headers.set('user-agent', userAgent.slice(0, 200))
  if (cookie) headers.set('cookie', `${cookieName}=${cookie}`)
  return headers
}

/** The session cookie's value among the Set-Cookie headers of an answer, as it stood there; undefined when none was set. */
export function sessionCookie(headers: Headers): string | undefined {
  for (const line of headers.getSetCookie()) {
    const value = line.slice(0, line.indexOf(';') < 0 ? undefined : line.indexOf(';'))
    if (value.startsWith(`${cookieName}=`) && value.length > cookieName.length + 1) return value.slice(cookieName.length + 1)
  }
  return undefined
}

/** All cookies of an answer as a Cookie header, to take a second step with (a TOTP code after a password). */
export const cookiesOf = (headers: Headers): string =>
  headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')

export { APIError }
