/** Sensors as people manage them: list, enrol, confirm, revoke. */
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import type postgres from 'postgres'
import type { z } from 'zod'
import type { Actor } from '../actor.ts'
import { ApiError, notFound } from '../api-error.ts'
import { appendAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { isUuid } from '../store/page.ts'
import { visibleTo } from '../store/visible.ts'
import { doorOf } from './door-of.ts'
import { makeToken } from './enrolment.ts'
import { tellSensor } from './problems.ts'
import { readSensors } from './read.ts'

/** Route `sensors`: relays, decoy hosts and sources, by name. */
export async function sensors(core: Core, actor: Actor): Promise<RouteAnswer<'sensors'>> {
  const items = await readSensors(core.sql, core.clock(), visibleTo(core.sql, actor, 'sensor.scope'))
  return { items, next: null, total: items.length }
}

/** Route `issueEnrolment`. */
export async function issueEnrolment(
  core: Core,
  actor: Actor,
  input: { body: z.output<Routes['issueEnrolment']['body']>; address?: string },
): Promise<RouteAnswer<'issueEnrolment'>> {
  const door = doorOf(core)
  if (!door) throw new ApiError(503, 'no-door', 'the door for sensors is not open: start the core with --sensors HOST:PORT')
  return makeToken(core, actor, input, door.address, door.keyHash)
}

interface SensorRow {
  id: string
  name: string
  role: string
  scope: string
  status: 'pending' | 'confirmed' | 'revoked'
  fingerprint: string | null
}

async function lockSensor(tx: postgres.TransactionSql, actor: Actor, id: string): Promise<SensorRow> {
  const [row] = isUuid(id)
    ? await tx<
        SensorRow[]
      >`select id, name, role, scope, status, fingerprint from sensor where id = ${id} and role <> 'source' and ${visibleTo(tx, actor)} for update`
    : []
  if (!row) throw notFound('sensor')
  return row
}

/** Placements of others may name this sensor, so all of them pull their desired state again. */
async function tellConfig(core: Core): Promise<void> {
  for (const { id } of await core.sql<{ id: string }[]>`select id from sensor where role <> 'source' and status = 'confirmed'`)
    core.bus.emit('config', { sensor: id })
}

/** Route `confirmSensor`: by the fingerprint that the sensor's own operator read out. */
export async function confirmSensor(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; body: { fingerprint: string }; address?: string },
): Promise<RouteAnswer<'confirmSensor'>> {
  const said = input.body.fingerprint.replace(/[\s:]/g, '').toLowerCase()
  await core.sql.begin(async (tx) => {
    const row = await lockSensor(tx, actor, input.params.id)
    if (row.status === 'revoked') throw new ApiError(409, 'revoked', `the sensor ${row.name} was revoked: enrol it again`)
    if (said !== row.fingerprint) {
      throw new ApiError(
        409,
        'fingerprint',
        `this is not the fingerprint of ${row.name}: read it from the sensor itself; if that one differs, somebody else enrolled`,
        {
          fields: { fingerprint: 'is not the one of this sensor' },
        },
      )
    }
    if (row.status === 'confirmed') return
    await tx`update sensor set status = 'confirmed', confirmed_at = to_timestamp(${core.clock() / 1000}::float8), confirmed_by = ${actor.name} where id = ${row.id}`
    await tx`select nextval('config_version')`
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: 'sensor.confirm',
      target: row.name,
      detail: { sensor: row.id, fingerprint: said },
      scopes: [row.scope],
      at: core.clock(),
    })
  })
  await tellSensor(core, input.params.id)
  await tellConfig(core)
  return { ok: true }
}

/** Route `revokeSensor`: ends its channel at once and tells every sensor, so that its tunnels close within 2 s. */
export async function revokeSensor(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; body: { reason: string }; address?: string },
): Promise<RouteAnswer<'revokeSensor'>> {
  const serials = await core.sql.begin(async (tx) => {
    const row = await lockSensor(tx, actor, input.params.id)
    if (row.status !== 'revoked') {
      await tx`update sensor set status = 'revoked', connected = false, revoked_at = to_timestamp(${core.clock() / 1000}::float8), revoked_by = ${actor.name},
        revoked_reason = ${input.body.reason} where id = ${row.id}`
      // A token for it that was never used may be in the same hands.
      await tx`update enrolment_token set expires = least(expires, to_timestamp(${core.clock() / 1000}::float8)) where role = ${row.role} and name = ${row.name} and used_at is null`
      await tx`select nextval('config_version')`
      await appendAudit(tx, {
        actor,
        address: input.address ?? null,
        action: 'sensor.revoke',
        target: row.name,
        detail: { sensor: row.id, reason: input.body.reason },
        scopes: [row.scope],
        at: core.clock(),
      })
    }
    return (await tx<{ serial: string }[]>`select serial from sensor_certificate where sensor = ${row.id}`).map(({ serial }) => serial)
  })
  doorOf(core)?.revoke(serials)
  await tellSensor(core, input.params.id)
  await tellConfig(core)
  return { ok: true }
}
