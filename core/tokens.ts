/** API tokens: for programs, with permissions, scopes and an end. Only the SHA-256 of a secret is kept. */
import { createHash, randomBytes } from 'node:crypto'
import type { RouteAnswer } from '@shenlou/contract/api'
import { type Permission, type Role, permissions as allPermissions, roles } from '@shenlou/contract/permissions'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import { type Actor, maySee } from './actor.ts'
import { ApiError, notFound } from './api-error.ts'
import { appendAudit } from './audit.ts'
import { sayEnded } from './auth/ended.ts'
import type { Core } from './core.ts'
import { requirePlaces } from './places.ts'

interface TokenRow {
  id: string
  name: string
  permissions: Permission[]
  scopes: string[]
  created_by: string
  person: string | null
  created_at: Date
  expires_at: Date
  last_used_at: Date | null
}
type TokenRecord = RouteAnswer<'createToken'>['token']

const columns = (sql: postgres.Sql | postgres.TransactionSql) => sql`id, name, permissions, scopes, created_by, person, created_at, expires_at, last_used_at`

const record = (row: TokenRow): TokenRecord => ({
  id: row.id,
  name: row.name,
  permissions: row.permissions,
  scopes: row.scopes,
  createdBy: row.created_by,
  createdAt: row.created_at.getTime(),
  expiresAt: row.expires_at.getTime(),
  lastUsedAt: row.last_used_at?.getTime() ?? null,
})

const digest = (secret: string): Buffer => createHash('sha256').update(secret).digest()
/** A token is visible to who sees all of its scopes. */
const visible = (actor: Actor, scopes: readonly string[]): boolean => scopes.every((scope) => maySee(actor, scope))

/** Tokens that are not revoked, newest first. */
export async function tokens(core: Core, actor: Actor, _input: unknown): Promise<RouteAnswer<'tokens'>> {
  const rows = await core.sql<TokenRow[]>`select ${columns(core.sql)} from api_token where revoked_at is null order by created_at desc`
  const items = rows.filter((row) => visible(actor, row.scopes)).map(record)
  return { items, next: null, total: items.length }
}

/** Nobody gives away more than they have: permissions and scopes must be the actor's own. The secret is shown only here. It ends with its maker. */
export async function createToken(
  core: Core,
  actor: Actor,
  { body, address }: { body: { name: string; permissions: Permission[]; scopes: string[]; days: number }; address: string | null },
): Promise<RouteAnswer<'createToken'>> {
  const beyond = body.permissions.find((permission) => !actor.permissions.has(permission))
  if (beyond) throw new ApiError(403, 'permission-beyond', `you lack the permission ${beyond} that the token would have`)
  requireScopes(actor, body.scopes)
  await requirePlaces(core.sql, body.scopes)
  const secret = `shl_${randomBytes(32).toString('base64url')}`
  const now = core.clock()
  const row = {
    id: uuidv7(),
    name: body.name,
    hash: digest(secret),
    permissions: [...new Set(body.permissions)],
    scopes: [...new Set(body.scopes)],
    created_by: actor.name,
    person: actor.kind === 'person' ? actor.id : (actor.person ?? null),
    created_at: new Date(now),
    expires_at: new Date(now + body.days * 86_400_000),
  }
  const token = await core.sql.begin(async (tx) => {
    const [made] = await tx<TokenRow[]>`insert into api_token ${tx(row)} returning ${columns(tx)}`
    const detail = { name: row.name, permissions: row.permissions, scopes: row.scopes, expires: row.expires_at.toISOString() }
    await appendAudit(tx, { actor, address, action: 'token.created', target: row.id, detail, scopes: row.scopes })
    return record(made as TokenRow)
  })
  return { token, secret }
}

/** Ends a token at once, and what is open under it. */
export async function revokeToken(
  core: Core,
  actor: Actor,
  { params, address }: { params: { id: string }; address: string },
): Promise<RouteAnswer<'revokeToken'>> {
  await core.sql.begin(async (tx) => {
    const [row] = await tx<TokenRow[]>`select ${columns(tx)} from api_token where id::text = ${params.id} and revoked_at is null for update`
    if (!row || !visible(actor, row.scopes)) throw notFound('token')
    await tx`update api_token set revoked_at = ${new Date(core.clock())} where id = ${row.id}`
    await appendAudit(tx, { actor, address, action: 'token.revoked', target: row.id, detail: { name: row.name }, scopes: row.scopes })
  })
  sayEnded(core, { credential: params.id })
  return { ok: true }
}

/**
 * The actor behind a secret; null when there is none, it was revoked or has run out, or its person is disabled. It may do no more than its
 * person may now. Notes its use, once a minute.
 */
export async function tokenActor(core: Core, secret: string): Promise<{ actor: Actor; expires: number } | null> {
  const now = new Date(core.clock())
  const [row] = await core.sql<TokenRow[]>`
    select ${columns(core.sql)} from api_token where hash = ${digest(secret)} and revoked_at is null and expires_at > ${now}`
  if (!row) return null
  const owner = row.person === null ? undefined : await ownerOf(core, row.person)
  if (owner === null) return null
  if (!row.last_used_at || now.getTime() - row.last_used_at.getTime() > 60_000) {
    await core.sql`update api_token set last_used_at = ${now} where id = ${row.id}`
  }
  const known = row.permissions.filter((permission) => allPermissions.includes(permission) && (!owner || owner.permissions.has(permission)))
  const scopes = owner ? row.scopes.filter((scope) => maySee(owner, scope)) : row.scopes
  return {
    actor: { kind: 'token', id: row.id, name: `token:${row.name}`, permissions: new Set(known), scopes, ...(row.person && { person: row.person }) },
    expires: row.expires_at.getTime(),
  }
}

/** What the person of a token may do now; null for one that is disabled. */
async function ownerOf(core: Core, person: string): Promise<Actor | null> {
  const [row] = await core.sql<
    { role: Role; scopes: string[]; name: string }[]
  >`select role, scopes, username as name from person where id = ${person} and not disabled`
  return row ? { kind: 'person', id: person, name: row.name, permissions: new Set(roles[row.role].permissions), scopes: row.scopes } : null
}

/** Throws 403 when any of `scopes` lies outside of what the actor may see. */
export function requireScopes(actor: Actor, scopes: readonly string[]): void {
  const outside = scopes.find((scope) => !maySee(actor, scope))
  if (outside) throw new ApiError(403, 'scope-outside', `'${outside}' lies outside of what you may see`)
}
