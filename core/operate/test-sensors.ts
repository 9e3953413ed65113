/** Confirmed sensors in a test's database, as enrolment and a person's confirmation leave them. */
import { uuidv7 } from '@shenlou/link/uuid'
import type { Core } from '../core.ts'

export async function enrolTestSensors(core: Core, names: { relay: string; decoys: string }, scope = 'group'): Promise<{ relay: string; decoys: string }> {
  const ids = { relay: uuidv7(), decoys: uuidv7() }
  for (const role of ['relay', 'decoys'] as const)
    await core.sql`insert into sensor (id, name, role, scope, status) values (${ids[role]}, ${names[role]}, ${role}, ${scope}, 'confirmed')`
  return ids
}
