/** The one place that decides which rows a reader sees (invariant 7). */
import type postgres from 'postgres'
import type { Actor } from '../actor.ts'

/** SQL condition: `column` is one of the actor's scopes or lies below one. `column` may be qualified, as in `e.scope`. */
export function visibleTo(sql: postgres.Sql | postgres.TransactionSql, actor: Actor, column = 'scope'): postgres.PendingQuery<postgres.Row[]> {
  if (actor.kind === 'system') return sql`true`
  const own = [...actor.scopes]
  // A scope path holds no LIKE wildcard (contract/primitives.ts).
  const below = own.map((scope) => `${scope}/%`)
  return sql`(${sql(column)} = any(${own}::text[]) or ${sql(column)} like any(${below}::text[]))`
}

/** SQL condition: the actor sees the whole tree of places, and so may decide what holds in all of them. */
export const visibleWhole = (sql: postgres.Sql | postgres.TransactionSql, actor: Actor): postgres.PendingQuery<postgres.Row[]> =>
  sql`not exists (select from scope where not ${visibleTo(sql, actor, 'scope.path')})`

/**
 * SQL condition: every place in the array `column` is seen by the actor; an empty one stands for the whole installation, which is seen by who
 * sees the whole tree of places.
 */
export function visibleToAll(sql: postgres.Sql | postgres.TransactionSql, actor: Actor, column: string): postgres.PendingQuery<postgres.Row[]> {
  if (actor.kind === 'system') return sql`true`
  return sql`case when cardinality(${sql(column)}) = 0 then ${visibleWhole(sql, actor)}
    else not exists (select from unnest(${sql(column)}) as place (path) where not ${visibleTo(sql, actor, 'place.path')}) end`
}
