/** Places that sensors, sources, tokens and people are given: they must lie in the organisation's tree, or nobody would see what is theirs. */
import type postgres from 'postgres'
import { ApiError } from './api-error.ts'

/** Throws 400 for a scope that is neither a known place nor below one. A place below one may be new: a scenario names it later. */
export async function requirePlaces(sql: postgres.Sql | postgres.TransactionSql, scopes: readonly string[]): Promise<void> {
  const known = (await sql<{ path: string }[]>`select path from scope order by path`).map(({ path }) => path)
  const unknown = scopes.find((scope) => !known.some((path) => scope === path || scope.startsWith(`${path}/`)))
  if (unknown === undefined) return
  const shown = known.length > 12 ? [...known.slice(0, 12), '…'] : known
  throw new ApiError(400, 'scope-unknown', `there is no place '${unknown}', nor one above it; known are ${shown.join(', ')}`)
}
