/** Notes what went wrong with a sensor's identity, where people look: its row, the audit log, the bus. The watch (watch.ts) makes it a finding. */
import { uuidv7 } from '@shenlou/link/uuid'
import { systemActor } from '../actor.ts'
import { recordAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import type { IdentityProblem } from './identity-problems.ts'
import { readSensors } from './read.ts'

/** Tells readers how a sensor stands now. */
export async function tellSensor(core: Core, id: string): Promise<void> {
  const [record] = await readSensors(core.sql, core.clock(), core.sql`sensor.id = ${id}`)
  if (record) core.bus.emit('sensor', { record, scope: record.scope })
}

/** Notes a problem of a sensor; the same again only counts. Each is audited as `sensor.KEY` at its first time. */
export async function noteProblem(core: Core, sensor: string, key: IdentityProblem, detail: string, address: string): Promise<void> {
  const now = core.clock() / 1000
  const [row] = await core.sql<{ count: number }[]>`insert into sensor_problem (id, sensor, key, detail, address, first_at, last_at)
    values (${uuidv7()}, ${sensor}, ${key}, ${detail}, ${address}, to_timestamp(${now}::float8), to_timestamp(${now}::float8))
    on conflict (sensor, key, detail) do update set last_at = excluded.last_at, count = sensor_problem.count + 1 returning count`
  core.log(`sensor ${sensor}: ${detail}`)
  if (row?.count === 1) {
    const [found] = await core.sql<{ scope: string }[]>`select scope from sensor where id = ${sensor}`
    await recordAudit(core, { actor: systemActor, address, action: `sensor.${key}`, target: sensor, detail: { detail }, scopes: found ? [found.scope] : [] })
  }
  await tellSensor(core, sensor)
}
