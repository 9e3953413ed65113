/** Who calls: the person behind a session cookie, or the API token behind a bearer header. */
import { type Role, roles } from '@shenlou/contract/permissions'
import type { Actor } from '../actor.ts'
import { ApiError } from '../api-error.ts'
import type { Core } from '../core.ts'
import { tokenActor } from '../tokens.ts'
import { authOf, callHeaders } from './auth.ts'

export interface Caller {
  actor: Actor
  /** The session cookie's value; undefined for a token. */
  cookie?: string
  /** Id of the session or token; live sockets hang on it. */
  credential: string
  /** When the session or token ends, ms since 1970 UTC. */
  expires: number
  /** The person that a token belongs to: it ends with them. */
  owner?: string
  /** Only me, changePassword and signOut are open until this is false. */
  mustChangePassword: boolean
  person?: { id: string; username: string; name: string; role: Role; scopes: string[] }
}

export interface Credentials {
  authorization?: string | undefined
  /** Value of our session cookie. */
  cookie?: string | undefined
  address: string
}

/** Finds the caller; null when the credentials are absent, wrong, expired or ended. A bearer header outranks a cookie. */
export async function findCaller(core: Core, { authorization, cookie, address }: Credentials): Promise<Caller | null> {
  if (authorization !== undefined) {
    const token = /^Bearer (shl_[A-Za-z0-9_-]{43})$/i.exec(authorization)?.[1]
    const found = token ? await tokenActor(core, token) : null
    return (
      found && {
        actor: found.actor,
        credential: found.actor.id,
        expires: found.expires,
        mustChangePassword: false,
        ...(found.actor.person && { owner: found.actor.person }),
      }
    )
  }
  if (!cookie || cookie.length > 300) return null
  const found = await authOf(core).api.getSession({ headers: callHeaders(address, null, cookie) })
  if (!found || found.user.disabled) return null
  const { id, username, name, mustChangePassword } = found.user
  const role = found.user.role as Role
  const scopes = found.user.scopes as string[]
  return {
    actor: { kind: 'person', id, name: username ?? id, permissions: new Set(roles[role].permissions), scopes },
    cookie,
    credential: found.session.id,
    expires: found.session.expiresAt.getTime(),
    mustChangePassword: Boolean(mustChangePassword),
    person: { id, username: username ?? id, name, role, scopes },
  }
}

/** The signed-in person behind a call. Tokens have no account of their own: 403. */
export function personOf(caller: Caller | null): Caller & { person: NonNullable<Caller['person']>; cookie: string } {
  if (!caller?.person || !caller.cookie) throw new ApiError(403, 'person-required', 'this acts on the account of a signed-in person; an API token has none')
  return { ...caller, person: caller.person, cookie: caller.cookie }
}
