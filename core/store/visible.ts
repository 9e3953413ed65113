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
