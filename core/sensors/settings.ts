/** Settings of sensors: a default, a value for the group, a value for the one; the nearest counts. */
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import { settingDefaults, settingKeys, settingsOf } from '@shenlou/contract/setting-ranges'
import type { SensorSettings, Tuning } from '@shenlou/contract/tuning'
import type postgres from 'postgres'
import type { z } from 'zod'
import { type Actor, maySee } from '../actor.ts'
import { ApiError, notFound } from '../api-error.ts'
import { appendAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { requirePlaces } from '../places.ts'
import { isUuid } from '../store/page.ts'
import { visibleTo } from '../store/visible.ts'
import { tellSensor } from './problems.ts'

type Sql = postgres.Sql | postgres.TransactionSql
interface Row {
  id: string
  name: string
  role: 'relay' | 'decoys'
  scope: string
  group: string | null
  own: SensorSettings
  shared: SensorSettings | null
}

const readRow = async (sql: Sql, id: string, where: postgres.PendingQuery<postgres.Row[]>): Promise<Row | undefined> =>
  isUuid(id)
    ? (
        await sql<
          Row[]
        >`select sensor.id, sensor.name, sensor.role, sensor.scope, sensor.group_name as group, sensor.settings as own, sensor_group.settings as shared
          from sensor left join sensor_group on sensor_group.name = sensor.group_name where sensor.id = ${id} and sensor.role <> 'source' and ${where}`
      )[0]
    : undefined

/** Every setting of a role with its value and where that comes from. */
function settingsFor(role: 'relay' | 'decoys', shared: SensorSettings | null, own: SensorSettings) {
  return settingsOf[role].map((key) => {
    const from = own[key] !== undefined ? 'sensor' : shared?.[key] !== undefined ? 'group' : 'default'
    const values = { default: settingDefaults[key], group: shared?.[key] ?? null, sensor: own[key] ?? null }
    return { key, value: (from === 'default' ? values.default : values[from]) as string | number, from: from as 'default' | 'group' | 'sensor', ...values }
  })
}

/** What a sensor is told: the settings of its role that somebody set. */
export async function tuningOf(sql: Sql, id: string): Promise<{ tuning?: Tuning }> {
  const row = await readRow(sql, id, sql`true`)
  if (!row) return {}
  const set = settingsFor(row.role, row.shared, row.own).filter(({ key, from }) => from !== 'default' && key !== 'proofIntervalS')
  return set.length > 0 ? { tuning: Object.fromEntries(set.map(({ key, value }) => [key, value])) } : {}
}

/** Route `sensorSettings`. */
export async function sensorSettings(core: Core, actor: Actor, input: { params: { id: string } }): Promise<RouteAnswer<'sensorSettings'>> {
  const row = await readRow(core.sql, input.params.id, visibleTo(core.sql, actor, 'sensor.scope'))
  if (!row) throw notFound('sensor')
  return { group: row.group, settings: settingsFor(row.role, row.shared, row.own) }
}

/** After the commit: sensors pull what is another for them now, and people see it. */
async function tellChanged(core: Core, members: readonly { id: string }[]): Promise<void> {
  for (const { id } of members) {
    core.bus.emit('config', { sensor: id })
    await tellSensor(core, id)
  }
}

/** Route `configureSensor`: its group and its own settings, whole. Those that its role does not have are refused. */
export async function configureSensor(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; body: z.output<Routes['configureSensor']['body']>; address?: string },
): Promise<RouteAnswer<'configureSensor'>> {
  const { group, settings } = input.body
  await core.sql.begin(async (tx) => {
    const row = await readRow(tx, input.params.id, visibleTo(tx, actor, 'sensor.scope'))
    if (!row) throw notFound('sensor')
    const foreign = settingKeys.filter((key) => settings[key] !== undefined && !settingsOf[row.role].includes(key))
    if (foreign.length > 0) {
      const fields = Object.fromEntries(foreign.map((key) => [`settings.${key}`, 'is none of this role']))
      throw new ApiError(
        400,
        'bad-setting',
        `${row.name} is a ${row.role === 'relay' ? 'relay' : 'decoy host'}, which has no ${foreign.join(', ')}: leave it out`,
        { fields },
      )
    }
    if (group !== null) {
      const [found] = await tx<{ scope: string }[]>`select scope from sensor_group where name = ${group} and ${visibleTo(tx, actor, 'scope')} for share`
      if (!found) throw new ApiError(400, 'no-group', `there is no group ${group}: make it first, or choose another`, { fields: { group: 'is not there' } })
      if (row.scope !== found.scope && !row.scope.startsWith(`${found.scope}/`)) {
        throw new ApiError(
          409,
          'other-scope',
          `the group ${group} is for ${found.scope}, and ${row.name} is at ${row.scope}: choose a group of its own place`,
          {
            fields: { group: 'is for another place' },
          },
        )
      }
    }
    await tx`update sensor set group_name = ${group}, settings = ${tx.json(settings)} where id = ${row.id}`
    await tx`select nextval('config_version')`
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: 'sensor.configure',
      target: row.name,
      detail: { sensor: row.id, group, settings, before: { group: row.group, settings: row.own } },
      scopes: [row.scope],
      at: core.clock(),
    })
  })
  await tellChanged(core, [input.params])
  return sensorSettings(core, actor, input)
}

/** Route `sensorGroups`: those of places that the reader sees. */
export async function sensorGroups(core: Core, actor: Actor): Promise<RouteAnswer<'sensorGroups'>> {
  const { sql } = core
  const items = await sql<RouteAnswer<'sensorGroups'>['items']>`
    select name, scope, settings, (select count(*)::int from sensor where sensor.group_name = sensor_group.name and sensor.status <> 'revoked') as sensors
    from sensor_group where ${visibleTo(sql, actor, 'scope')} order by name`
  return { items, next: null, total: items.length }
}

/** Route `saveSensorGroup`: makes a group or gives it other settings; its sensors pull them at once. */
export async function saveSensorGroup(
  core: Core,
  actor: Actor,
  input: { params: { name: string }; body: z.output<Routes['saveSensorGroup']['body']>; address?: string },
): Promise<RouteAnswer<'saveSensorGroup'>> {
  const { name } = input.params
  const { scope, settings } = input.body
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name))
    throw new ApiError(400, 'bad-name', `${JSON.stringify(name.slice(0, 80))} is no name for a group: use lower-case letters, digits and hyphens`, {
      fields: { name: 'is not a name' },
    })
  if (!maySee(actor, scope)) throw new ApiError(403, 'forbidden', `the scope ${scope} is not yours: choose one of your own`)
  await requirePlaces(core.sql, [scope])
  const members = await core.sql.begin(async (tx) => {
    const [before] = await tx<{ scope: string; settings: SensorSettings }[]>`select scope, settings from sensor_group where name = ${name} for update`
    if (before && !maySee(actor, before.scope))
      throw new ApiError(409, 'name-taken', `there is a group ${name} already: choose another name`, { fields: { name: 'is taken' } })
    const inside = await tx<{ id: string; name: string; scope: string }[]>`select id, name, scope from sensor where group_name = ${name}`
    const outside = inside.find((each) => each.scope !== scope && !each.scope.startsWith(`${scope}/`))
    if (outside)
      throw new ApiError(409, 'other-scope', `${outside.name} of this group is at ${outside.scope}: take it out first`, {
        fields: { scope: 'does not hold all its sensors' },
      })
    await tx`insert into sensor_group (name, scope, settings) values (${name}, ${scope}, ${tx.json(settings)})
      on conflict (name) do update set scope = excluded.scope, settings = excluded.settings`
    await tx`select nextval('config_version')`
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: 'sensor.group',
      target: name,
      detail: { scope, settings, ...(before ? { before } : {}) },
      scopes: [scope],
      at: core.clock(),
    })
    return inside
  })
  await tellChanged(core, members)
  return { ok: true }
}

/** Route `removeSensorGroup`: its sensors go back to the defaults and their own settings. */
export async function removeSensorGroup(
  core: Core,
  actor: Actor,
  input: { params: { name: string }; address?: string },
): Promise<RouteAnswer<'removeSensorGroup'>> {
  const { name } = input.params
  const members = await core.sql.begin(async (tx) => {
    const [row] = await tx<
      { scope: string; settings: SensorSettings }[]
    >`select scope, settings from sensor_group where name = ${name} and ${visibleTo(tx, actor, 'scope')} for update`
    if (!row) throw notFound('group')
    const inside = await tx<{ id: string }[]>`select id from sensor where group_name = ${name}`
    await tx`delete from sensor_group where name = ${name}`
    await tx`select nextval('config_version')`
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: 'sensor.group-removed',
      target: name,
      detail: { ...row, sensors: inside.length },
      scopes: [row.scope],
      at: core.clock(),
    })
    return inside
  })
  await tellChanged(core, members)
  return { ok: true }
}
