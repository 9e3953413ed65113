/** People: accounts, their roles and scopes, what they set in the console, and the organisation's tree. */
import type { RouteAnswer } from '@shenlou/contract/api'
import { type Role, roles } from '@shenlou/contract/permissions'
import type { Person } from '@shenlou/contract/records'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import { type Actor, maySee, systemActor } from './actor.ts'
import { ApiError, notFound } from './api-error.ts'
import { appendAudit } from './audit.ts'
import { personOf } from './auth/caller.ts'
import { sayEnded } from './auth/ended.ts'
import type { Exchange } from './auth/exchange.ts'
import { hashPassword, oneTimePassword } from './auth/password.ts'
import type { Core } from './core.ts'
import { visibleTo } from './store/visible.ts'
import { requirePlaces } from './places.ts'
import { requireScopes } from './tokens.ts'

type Sql = postgres.Sql | postgres.TransactionSql

interface PersonRow {
  id: string
  username: string
  name: string
  role: Role
  scopes: string[]
  disabled: boolean
  must_change_password: boolean
  two_factor_enabled: boolean
  last_sign_in_at: Date | null
  preferences: Record<string, unknown>
}

const columns = (sql: Sql) => sql`id, username, name, role, scopes, disabled, must_change_password, two_factor_enabled, last_sign_in_at, preferences`

const record = (row: PersonRow): Person => ({
  id: row.id,
  name: row.name,
  username: row.username,
  role: row.role,
  scopes: row.scopes,
  disabled: row.disabled,
  totp: row.two_factor_enabled,
  mustChangePassword: row.must_change_password,
  lastSignInAt: row.last_sign_in_at?.getTime() ?? null,
})

/** Somebody is known to who works in the same branch of the tree: below one of their scopes, or above it. */
const knows = (actor: Actor, row: Pick<PersonRow, 'scopes'>): boolean =>
  row.scopes.some((theirs) => maySee(actor, theirs) || actor.scopes.some((own) => own.startsWith(`${theirs}/`)))

/** People of the actor's branch. Who may not manage people sees those who can be assigned, by name only. */
export async function people(core: Core, actor: Actor, _input: unknown): Promise<RouteAnswer<'people'>> {
  const rows = await core.sql<PersonRow[]>`select ${columns(core.sql)} from person order by username`
  const known = rows.filter((row) => knows(actor, row)).map(record)
  const items = actor.permissions.has('user.manage')
    ? known
    : known.filter((person) => !person.disabled).map((person) => ({ ...person, scopes: [], totp: false, mustChangePassword: false, lastSignInAt: null }))
  return { items, next: null, total: items.length }
}

/** Makes an account with a one-time password, which is shown only here and must be changed at the first sign-in. */
export async function createPerson(
  core: Core,
  actor: Actor,
  { body, address }: { body: { username: string; name: string; role: Role; scopes: string[] }; address: string | null },
): Promise<RouteAnswer<'createPerson'>> {
  requireScopes(actor, body.scopes)
  await requirePlaces(core.sql, body.scopes)
  const password = oneTimePassword()
  const hash = await hashPassword(password)
  const person = await core.sql.begin(async (tx) => {
    const row = await insertPerson(tx, body, hash)
    if (!row) throw new ApiError(409, 'username-taken', `the user name '${body.username}' is taken: choose another`, { fields: { username: 'taken' } })
    const detail = { name: row.name, role: row.role, scopes: row.scopes }
    await appendAudit(tx, { actor, address, action: 'person.created', target: row.username, detail, scopes: row.scopes })
    return record(row)
  })
  return { person, password }
}

async function insertPerson(tx: Sql, given: { username: string; name: string; role: Role; scopes: string[] }, hash: string): Promise<PersonRow | undefined> {
  const id = uuidv7()
  const { username, name, role } = given
  const [row] = await tx<PersonRow[]>`
    insert into person (id, username, name, email, role, scopes, must_change_password)
    values (${id}, ${username}, ${name}, ${username}, ${role}, ${[...new Set(given.scopes)]}, true)
    on conflict do nothing returning ${columns(tx)}`
  if (row) await tx`insert into person_account (id, account_id, provider_id, user_id, password) values (${uuidv7()}, ${id}, 'credential', ${id}, ${hash})`
  return row
}

/**
 * Makes the account `admin` over the whole tree when there are no people yet, else answers null. The password must be changed
 * at the first sign-in and is never to be read again.
 */
export async function createFirstAdministrator(core: Core, scopes: string[] = ['group']): Promise<{ username: string; password: string } | null> {
  const username = 'admin'
  const [any] = await core.sql`select 1 from person limit 1`
  if (any) return null
  const password = oneTimePassword()
  const hash = await hashPassword(password)
  return core.sql.begin(async (tx) => {
    await tx`lock table person in share row exclusive mode`
    const [other] = await tx`select 1 from person limit 1`
    if (other) return null
    await insertPerson(tx, { username, name: 'Administrator', role: 'administrator', scopes }, hash)
    await appendAudit(tx, { actor: systemActor, address: null, action: 'person.created', target: username, detail: { role: 'administrator', scopes }, scopes })
    return { username, password }
  })
}

/** Changes role, scopes or state. A change of what a person may do ends their sessions, as does a new one-time password. */
export async function changePerson(
  core: Core,
  actor: Actor,
  {
    params,
    body,
    address,
  }: {
    params: { id: string }
    body: { role?: Role | undefined; scopes?: string[] | undefined; disabled?: boolean | undefined; resetPassword?: boolean | undefined }
    address: string
  },
): Promise<RouteAnswer<'changePerson'>> {
  if (body.scopes) {
    requireScopes(actor, body.scopes)
    await requirePlaces(core.sql, body.scopes)
  }
  const password = body.resetPassword ? oneTimePassword() : null
  const hash = password && (await hashPassword(password))
  const answer = await core.sql.begin(async (tx) => {
    // Two administrators that demote each other at once must not both succeed.
    await tx`lock table person in share row exclusive mode`
    const [before] = await tx<PersonRow[]>`select ${columns(tx)} from person where id::text = ${params.id}`
    if (!before || !knows(actor, before)) throw notFound('person')
    requireScopes(actor, before.scopes)
    const wanted = { role: body.role ?? before.role, scopes: body.scopes ?? before.scopes, disabled: body.disabled ?? before.disabled }
    if (before.id === actor.id && (wanted.disabled || wanted.role !== before.role)) {
      throw new ApiError(409, 'own-account', 'nobody disables themselves or changes their own role: ask another administrator')
    }
    if (before.role === 'administrator' && !before.disabled && (wanted.disabled || wanted.role !== 'administrator'))
      await requireAnotherAdministrator(tx, before.id)
    const [row] = await tx<PersonRow[]>`
      update person set role = ${wanted.role}, scopes = ${[...new Set(wanted.scopes)]}, disabled = ${wanted.disabled}, updated_at = now(),
        must_change_password = must_change_password or ${hash !== null}
      where id = ${before.id} returning ${columns(tx)}`
    const after = row as PersonRow
    if (hash) await resetAccount(tx, before.id, hash)
    // What they could still have done with tokens in their hands; API tokens ask for their person themselves (tokens.ts).
    if (after.disabled) await tx`update enrolment_token set expires = least(expires, now()) where issued_by = ${before.username} and used_at is null`
    const changed = changes(before, after)
    const ends = Object.keys(changed).length > 0 || hash !== null
    if (ends) await tx`delete from person_session where user_id = ${before.id}`
    const [now] = await tx<PersonRow[]>`select ${columns(tx)} from person where id = ${before.id}`
    const detail = { ...changed, ...(hash && { resetPassword: true }) }
    await appendAudit(tx, { actor, address, action: 'person.changed', target: before.username, detail, scopes: [...before.scopes, ...after.scopes] })
    return { person: record(now as PersonRow), ends }
  })
  if (answer.ends) sayEnded(core, { person: answer.person.id })
  return { person: answer.person, password }
}

/** A lost password often means a lost device: the second factor goes with it. */
async function resetAccount(tx: Sql, id: string, hash: string): Promise<void> {
  await tx`update person_account set password = ${hash}, updated_at = now() where user_id = ${id} and provider_id = 'credential'`
  await tx`delete from person_two_factor where user_id = ${id}`
  await tx`update person set two_factor_enabled = false where id = ${id}`
}

async function requireAnotherAdministrator(tx: Sql, id: string): Promise<void> {
  const [other] = await tx`select 1 from person where role = 'administrator' and not disabled and id <> ${id} limit 1`
  if (!other) throw new ApiError(409, 'last-administrator', 'this is the last administrator: make another one first')
}

function changes(before: PersonRow, after: PersonRow): Record<string, { from: unknown; to: unknown }> {
  const found: Record<string, { from: unknown; to: unknown }> = {}
  for (const key of ['role', 'scopes', 'disabled'] as const) {
    if (JSON.stringify(before[key]) !== JSON.stringify(after[key])) found[key] = { from: before[key], to: after[key] }
  }
  return found
}

/** Who is signed in. A token answers as itself, with the role `token`. */
export async function me(core: Core, actor: Actor, _input: unknown): Promise<RouteAnswer<'me'>> {
  const common = { permissions: [...actor.permissions], scopes: [...actor.scopes] }
  if (actor.kind !== 'person') {
    const none = { disabled: false, totp: false, mustChangePassword: false, lastSignInAt: null, locale: null }
    return { id: actor.id, name: actor.name, username: actor.name, role: actor.kind, ...common, ...none }
  }
  const [row] = await core.sql<PersonRow[]>`select ${columns(core.sql)} from person where id = ${actor.id}`
  if (!row) throw notFound('person')
  const { locale } = row.preferences
  return { ...record(row), permissions: [...roles[row.role].permissions], locale: locale === 'zh' || locale === 'en' ? locale : null }
}

export async function preferences(core: Core, _actor: Actor, _input: unknown, exchange: Exchange): Promise<RouteAnswer<'preferences'>> {
  const { person } = personOf(exchange.caller)
  const [row] = await core.sql<{ preferences: Record<string, unknown> }[]>`select preferences from person where id = ${person.id}`
  return { preferences: row?.preferences ?? {} }
}

const maxPreferences = 65_536

/** Replaces what a person set; at most 64 KiB. */
export async function setPreferences(
  core: Core,
  _actor: Actor,
  { body }: { body: { preferences: Record<string, unknown> } },
  exchange: Exchange,
): Promise<RouteAnswer<'setPreferences'>> {
  const { person } = personOf(exchange.caller)
  const text = JSON.stringify(body.preferences)
  if (text.length > maxPreferences)
    throw new ApiError(413, 'preferences-too-large', `preferences take ${text.length} characters: at most ${maxPreferences} are kept`)
  if (text.includes('\\u0000')) throw new ApiError(400, 'preferences-invalid', 'preferences hold a NUL character, which cannot be kept')
  await core.sql`update person set preferences = ${text}::text::jsonb, updated_at = now() where id = ${person.id}`
  return { ok: true }
}

/** The tree below the actor's scopes, with places that have no name yet but are somebody's scope. */
export async function scopes(core: Core, actor: Actor, _input: unknown): Promise<RouteAnswer<'scopes'>> {
  const rows = await core.sql<{ path: string; name: { zh: string; en: string } }[]>`
    select path, name from scope where ${visibleTo(core.sql, actor, 'path')} order by path`
  const items = [...rows]
  for (const path of actor.scopes) {
    if (items.some((item) => item.path === path)) continue
    const last = path.slice(path.lastIndexOf('/') + 1)
    items.push({ path, name: { zh: last, en: last } })
  }
  items.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { items, next: null, total: items.length }
}
