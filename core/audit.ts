/** The audit log: every action of a person or a playbook, in a hash chain that shows if it was altered. */
import { createHash } from 'node:crypto'
import type { RouteAnswer } from '@shenlou/contract/api'
import { escapeText } from '@shenlou/contract/bytes'
import type postgres from 'postgres'
import type { Actor } from './actor.ts'
import type { Core } from './core.ts'
import { ms } from './store/database.ts'
import { visibleToAll } from './store/visible.ts'

type Tx = postgres.TransactionSql | postgres.Sql
type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What is hashed of an entry. `at` in whole milliseconds since 1970 UTC. */
export interface AuditRow {
  number: number
  at: number
  actorId: string
  actor: string
  address: string | null
  action: string
  target: string
  detail: Record<string, unknown>
  /** Places that it concerns; empty for the whole installation. */
  scopes: readonly string[]
  hash: string
}

/** JSON with sorted keys and no white space, so that what a database gives back hashes as what it was given. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value !== null && typeof value === 'object')
    return `{${Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
      .join(',')}}`
  return JSON.stringify(value ?? null)
}

/** Text that PostgreSQL's JSON takes and a terminal may show: control characters and lone surrogates escaped. */
function clean(value: unknown): Json {
  if (typeof value === 'string') return /[\p{Cc}\p{Cs}]/u.test(value) ? escapeText(value) : value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (Array.isArray(value)) return value.map(clean)
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [clean(key) as string, clean(item)]),
    )
  return typeof value === 'boolean' ? value : null
}

/**
 * SHA-256, in hexadecimal, over: version text, previous hash, number, time, actor's id and name, address, action, target, detail, and each
 * scope where there are any; each as a 4-byte big-endian length and UTF-8 bytes, an absent address as length 0xffffffff, so that no two
 * entries share a form.
 */
export function auditHash(previous: string, row: Omit<AuditRow, 'hash'>): string {
  const hash = createHash('sha256')
  const said = [previous, row.number, row.at, row.actorId, row.actor, row.address, row.action, row.target, canonical(row.detail)]
  const fields = row.scopes.length === 0 ? ['shenlou-audit-1', ...said] : ['shenlou-audit-2', ...said, ...row.scopes]
  for (const field of fields) {
    const length = Buffer.alloc(4)
    const bytes = field === null ? undefined : Buffer.from(String(field), 'utf8')
    length.writeUInt32BE(bytes ? bytes.length : 0xffffffff)
    hash.update(length)
    if (bytes) hash.update(bytes)
  }
  return hash.digest('hex')
}

/** What is audited. `at` in milliseconds since 1970 UTC, now when not given. */
export interface Audited {
  actor: Pick<Actor, 'kind' | 'id' | 'name'>
  address?: string | null
  action: string
  target: string
  detail?: Record<string, unknown>
  /** Places that it concerns, all of which a reader must see; empty for the whole installation. */
  scopes: readonly string[]
  at?: number
}

/** Writes one entry in the caller's transaction. Writers wait for each other until they commit: call it last. */
export async function appendAudit(tx: postgres.TransactionSql, given: Audited): Promise<void> {
  const [head] = await tx<{ number: number; hash: string }[]>`select number, hash from audit_head for update`
  if (!head) throw new Error('the audit log has lost its head row: restore the database from a backup')
  const row = {
    number: head.number + 1,
    at: Math.floor(given.at ?? Date.now()),
    actorId: `${given.actor.kind}:${given.actor.id}`,
    actor: clean(given.actor.name) as string,
    address: given.address ?? null,
    action: clean(given.action) as string,
    target: clean(given.target) as string,
    detail: clean(given.detail ?? {}) as Record<string, Json>,
    scopes: [...new Set(given.scopes)].sort(),
  }
  const hash = auditHash(head.hash, row)
  await tx`insert into audit_entry (number, at, actor_id, actor, address, action, target, detail, scopes, hash) values (${row.number}, to_timestamp(${row.at / 1000}::float8),
    ${row.actorId}, ${row.actor}, ${row.address}, ${row.action}, ${row.target}, ${tx.json(row.detail)}, ${row.scopes}, ${hash})`
  await tx`update audit_head set number = ${row.number}, hash = ${hash}`
}

/** The same, in a transaction of its own. */
export const recordAudit = async (core: Core, given: Audited): Promise<void> => {
  await core.sql.begin((tx) => appendAudit(tx, { at: core.clock(), ...given }))
}

const columns = (sql: Tx) => sql`number, round(${ms(sql, 'at')})::bigint as at, actor_id as "actorId", actor, address, action, target, detail, scopes, hash`

/**
 * Follows the chain from the first entry. `firstBad` is the number of the first entry that is altered, missing or out of order; when the newest are
 * gone it is the first that lacks. `head` is the hash of the last entry that holds.
 */
export async function verifyChain(sql: Tx): Promise<{ entries: number; intact: boolean; firstBad: number | null; head: string }> {
  let hash = ''
  let number = 0
  const [count] = await sql<{ entries: number; number: number; hash: string }[]>`
    select (select count(*) from audit_entry) as entries, number, hash from audit_head`
  const entries = count?.entries ?? 0
  for (;;) {
    const rows = await sql<AuditRow[]>`select ${columns(sql)} from audit_entry where number > ${number} order by number limit 5000`
    for (const row of rows) {
      if (row.number !== number + 1 || auditHash(hash, row) !== row.hash) return { entries, intact: false, firstBad: number + 1, head: hash }
      number = row.number
      hash = row.hash
    }
    if (rows.length < 5000) break
  }
  // Entries may have been added since the head was read; they must only go on from it.
  const behind = !count || number < count.number || (number === count.number && hash !== count.hash)
  return behind ? { entries, intact: false, firstBad: number + 1, head: hash } : { entries, intact: true, firstBad: null, head: hash }
}

/** Route `verifyAudit`. */
export const verifyAudit = (core: Core): Promise<RouteAnswer<'verifyAudit'>> =>
  core.sql.begin('isolation level repeatable read read only', (tx) => verifyChain(tx)) as Promise<RouteAnswer<'verifyAudit'>>

/** Route `audit`: newest first. A reader sees what they did themselves and what concerns only places that they see. */
export async function audit(
  core: Core,
  actor: Actor,
  input: { query: { cursor?: string; limit: number; actor?: string; action?: string } },
): Promise<RouteAnswer<'audit'>> {
  const { sql } = core
  const { cursor, limit, actor: who, action } = input.query
  const before = cursor && /^\d{1,15}$/.test(cursor) ? Number(cursor) : null
  const where = sql`(actor_id = ${`${actor.kind}:${actor.id}`} or ${visibleToAll(sql, actor, 'scopes')})
    and ${who ? sql`(actor_id = ${who} or actor_id like ${`%:${who.replace(/[\\%_]/g, '\\$&')}`} or actor = ${who})` : sql`true`}
    and ${action ? sql`(action = ${action} or action like ${`${action.replace(/[\\%_]/g, '\\$&')}.%`})` : sql`true`}`
  const rows = await sql<AuditRow[]>`select ${columns(sql)} from audit_entry where ${where} and ${before === null ? sql`true` : sql`number < ${before}`}
    order by number desc limit ${limit + 1}`
  const [total] = await sql<{ total: number }[]>`select count(*) as total from audit_entry where ${where}`
  const items = rows.slice(0, limit)
  return {
    items: items.map(({ actorId: _, scopes: __, ...row }) => row),
    next: rows.length > limit ? String(items.at(-1)?.number) : null,
    total: total?.total ?? 0,
  }
}
