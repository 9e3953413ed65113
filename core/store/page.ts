/** Paging by key: a cursor holds time and id of the last row shown, so that new rows shift nothing. */
import { isIP } from 'node:net'
import type postgres from 'postgres'
import { ApiError } from '../api-error.ts'

type Sql = postgres.Sql | postgres.TransactionSql

/** `time` in milliseconds since 1970 UTC, to the microsecond. */
export const toCursor = (time: number, id: string): string => `${time}_${id}`

/** Condition for rows after the cursor, newest first by (`timeColumn`, `idColumn`); true without one. Throws an ApiError for text that is no cursor. */
export function olderThan(sql: Sql, cursor: string | undefined, timeColumn: string, idColumn: string): postgres.PendingQuery<postgres.Row[]> {
  if (cursor === undefined) return sql`true`
  const match = /^(\d{1,16}(?:\.\d{1,6})?)_([0-9a-f-]{36})$/.exec(cursor)
  if (!match) throw new ApiError(400, 'bad-cursor', 'the cursor is not one that this list gave: start from the first page')
  return sql`(${sql(timeColumn)}, ${sql(idColumn)}) < (to_timestamp(${Number(match[1])}::float8 / 1000), ${match[2] as string}::uuid)`
}

/** How many rows `query` has, counted up to 10,000; null for more, which nobody reads to the end. */
export async function countUpTo(sql: Sql, query: postgres.PendingQuery<postgres.Row[]>, limit = 10_000): Promise<number | null> {
  const [row] = await sql<{ total: number }[]>`select count(*)::int as total from (${query} limit ${limit + 1}) as counted`
  return row && row.total <= limit ? row.total : null
}

export const isUuid = (text: string): boolean => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)

/** A value, or values with commas, of which a leading `!` says not. */
export function parseFilter(text: string): { not: boolean; values: string[] } {
  const not = text.startsWith('!')
  return {
    not,
    values: (not ? text.slice(1) : text)
      .split(',')
      .map((value) => value.trim())
      .filter(Boolean),
  }
}

/** Condition that an address lies in one of the networks or equals one of the addresses of `filter`. Throws an ApiError for others. */
export function inNetworks(sql: Sql, filter: string, column: postgres.PendingQuery<postgres.Row[]>): postgres.PendingQuery<postgres.Row[]> {
  const { not, values } = parseFilter(filter)
  for (const value of values) {
    const [address, prefix] = value.split('/')
    const family = isIP(address as string)
    if (family === 0 || (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128)))) {
      throw new ApiError(400, 'bad-filter', `${JSON.stringify(value)} is not an address or network: write one such as 203.0.113.7 or 203.0.113.0/24`)
    }
  }
  const inside = sql`(${column} <<= any(${values}::inet[]))`
  return not ? sql`(${inside}) is not true` : inside
}
