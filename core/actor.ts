/** Who asks: a person, an API token, or the product itself. */
import { type Permission, permissions } from '@shenlou/contract/permissions'

export interface Actor {
  kind: 'person' | 'token' | 'system'
  id: string
  name: string
  permissions: ReadonlySet<Permission>
  /** Paths whose rows, and the rows below, may be seen. The system actor sees all and has none. */
  scopes: readonly string[]
  /** Of a token: the person it belongs to. */
  person?: string
}

/** The product's own hand: startup, timers, rules. */
export const systemActor: Actor = { kind: 'system', id: 'system', name: 'system', permissions: new Set(permissions), scopes: [] }

/** Whether `actor` may see rows of `scope`: equal to one of its scopes or below it. The twin of `visibleTo` for rows in memory. */
export const maySee = (actor: Actor, scope: string): boolean =>
  actor.kind === 'system' || actor.scopes.some((own) => scope === own || scope.startsWith(`${own}/`))
