/** Lets go of a segment by hand, or takes that back: the relay is told at once. */
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import type { z } from 'zod'
import type { Actor } from '../actor.ts'
import { notFound } from '../api-error.ts'
import { appendAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { visibleTo } from '../store/visible.ts'

/** Route `releaseSegment`. Saying again what holds already changes nothing. */
export async function releaseSegment(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; body: z.output<Routes['releaseSegment']['body']>; address?: string },
): Promise<RouteAnswer<'releaseSegment'>> {
  const { released, reason } = input.body
  const relay = await core.sql.begin(async (tx) => {
    const [row] = await tx<{ id: string; relay: string; scope: string; released: boolean }[]>`
      select id, relay, scope, released from segment where id = ${input.params.id} and ${visibleTo(tx, actor)} for update`
    if (!row) throw notFound('segment')
    if (row.released === released) return undefined
    await tx`update segment set released = ${released}, released_at = to_timestamp(${core.clock() / 1000}::float8), released_by = ${actor.name}, released_reason = ${reason} where id = ${row.id}`
    await tx`select nextval('config_version')`
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: released ? 'segment.release' : 'segment.resume',
      target: row.id,
      detail: { relay: row.relay, reason },
      scopes: [row.scope],
      at: core.clock(),
    })
    return row.relay
  })
  // The relay alone: the others' state is the same.
  if (relay !== undefined)
    for (const { id } of await core.sql<{ id: string }[]>`select id from sensor where name = ${relay} and role = 'relay' and status = 'confirmed'`)
      core.bus.emit('config', { sensor: id })
  return { ok: true }
}
