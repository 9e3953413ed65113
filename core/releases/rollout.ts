/** Roll-outs: a release goes to canaries first, to the others when those stay healthy, and to nobody further once one does not. */
import { createHash } from 'node:crypto'
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import type { SignedRelease } from '@shenlou/contract/release'
import type { RolloutSummary } from '@shenlou/contract/routes-releases'
import type { SensorHealth } from '@shenlou/contract/sensor'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import type { z } from 'zod'
import type { Actor } from '../actor.ts'
import { ApiError, notFound } from '../api-error.ts'
import { appendAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { readSensors } from '../sensors/read.ts'
import { isUuid } from '../store/page.ts'
import { visibleTo } from '../store/visible.ts'
import { nextRollout, type Rollout, type RolloutSensor, type Seen } from './step.ts'
import { readReleases } from './store.ts'

type Sql = postgres.Sql | postgres.TransactionSql
const lookMs = 2000
/** Of a sensor whose setting `updateChannel` nobody set. */
const usualChannel = 'stable'
/** Problems of a sensor that a new version is to blame for. */
const unsound: readonly string[] = ['tunnel-down', 'listen-failed', 'blind', 'silent', 'not-connected', 'segment-failed']

interface Row extends Rollout {
  id: string
  release: string
  startedAt: number
  startedBy: string
}
const readRows = (sql: Sql, where: postgres.PendingQuery<postgres.Row[]>): Promise<Row[]> => sql<Row[]>`
  select id, release, state, stage, wait_minutes as "waitMinutes", (extract(epoch from started_at) * 1000)::float8 as "startedAt", started_by as "startedBy",
    (extract(epoch from healthy_at) * 1000)::float8 as "healthyAt", reason from rollout where ${where} order by started_at desc, id desc limit 100`
const readMembers = (sql: Sql, rollout: string, where: postgres.PendingQuery<postgres.Row[]>): Promise<RolloutSensor[]> => sql<RolloutSensor[]>`
  select sensor, sensor.name, stage, rollout_sensor.state, (extract(epoch from since) * 1000)::float8 as since, detail
  from rollout_sensor join sensor on sensor.id = rollout_sensor.sensor where rollout = ${rollout} and ${where} order by stage, sensor.name`

/** Route `rollouts`: those of the last hundred that concern sensors which the actor may see. */
export async function rollouts(core: Core, actor: Actor): Promise<RouteAnswer<'rollouts'>> {
  const known = new Map((await readReleases(core.sql)).map((release) => [release.sha256, release]))
  const items: RolloutSummary[] = []
  for (const { release: sha256, ...row } of await readRows(core.sql, core.sql`true`)) {
    const release = known.get(sha256)
    const members = await readMembers(core.sql, row.id, visibleTo(core.sql, actor, 'sensor.scope'))
    if (release && members.length > 0) items.push({ ...row, release, sensors: members.map(({ since: _, ...member }) => member) })
  }
  return { items, next: null, total: items.length }
}

/** Route `startRollout`. */
export async function startRollout(
  core: Core,
  actor: Actor,
  input: { body: z.output<Routes['startRollout']['body']>; address?: string },
): Promise<RouteAnswer<'startRollout'>> {
  const { release: sha256, canary, waitMinutes } = input.body
  const id = uuidv7()
  await core.sql.begin(async (tx) => {
    const release = (await readReleases(tx)).find((each) => each.sha256 === sha256)
    if (!release) throw notFound('release')
    if (!(await tx`select from release_key where id = ${release.key}`).count) throw new ApiError(409, 'rollout', 'the key of this release is trusted no longer')
    await tx`lock table rollout in share row exclusive mode`
    const [other] =
      await tx`select from rollout join release on release.sha256 = rollout.release where state in ('running', 'waiting') and role = ${release.role}`
    if (other) throw new ApiError(409, 'rollout', 'another roll-out is under way: stop it first')
    const sensors = await tx<{ id: string; channel: string; scope: string }[]>`
      select sensor.id, sensor.scope, coalesce(sensor.settings ->> 'updateChannel', sensor_group.settings ->> 'updateChannel', ${usualChannel}) as channel
      from sensor left join sensor_group on sensor_group.name = sensor.group_name
      where sensor.role = ${release.role} and sensor.status = 'confirmed' and ${visibleTo(tx, actor, 'sensor.scope')}`
    if (sensors.length === 0) throw new ApiError(409, 'rollout', `there is no confirmed ${release.role} that you may see`)
    const first = new Set(
      'channel' in canary
        ? sensors.filter(({ channel }) => channel === canary.channel).map((sensor) => sensor.id)
        : // Another share for each release, so that it is not always the same park that goes first.
          sensors
            .map((sensor) => ({ id: sensor.id, draw: createHash('sha256').update(sha256).update(sensor.id).digest('hex') }))
            .sort((a, b) => (a.draw < b.draw ? -1 : 1))
            .slice(0, Math.ceil((sensors.length * canary.share) / 100))
            .map((sensor) => sensor.id),
    )
    if (first.size === 0 && 'channel' in canary)
      throw new ApiError(409, 'rollout', `no relay is in the update channel '${canary.channel}': set it for some, or choose a share`)
    const at = tx`to_timestamp(${core.clock() / 1000}::float8)`
    await tx`insert into rollout (id, release, state, stage, wait_minutes, started_at, started_by) values (${id}, ${sha256}, 'running', 'canary', ${waitMinutes}, ${at}, ${actor.name})`
    for (const sensor of sensors)
      await tx`insert into rollout_sensor (rollout, sensor, stage, state, since) values (${id}, ${sensor.id}, ${first.has(sensor.id) ? 'canary' : 'rest'}, 'pending', ${at})`
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: 'rollout.start',
      target: `${release.role} ${release.version}`,
      detail: { rollout: id, sha256, sequence: release.sequence, canary, waitMinutes, sensors: sensors.length, canaries: first.size },
      scopes: [...new Set(sensors.map(({ scope }) => scope))],
      at: core.clock(),
    })
  })
  await lookAtRollouts(core)
  return { id }
}

/** Route `stepRollout`. */
export async function stepRollout(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; body: z.output<Routes['stepRollout']['body']>; address?: string },
): Promise<RouteAnswer<'stepRollout'>> {
  const { action } = input.body
  await core.sql.begin(async (tx) => {
    const [row] = isUuid(input.params.id) ? await readRows(tx, tx`id = ${input.params.id}`) : []
    const all = row
      ? await tx<{ scope: string; seen: boolean }[]>`
      select sensor.scope, ${visibleTo(tx, actor, 'sensor.scope')} as seen from rollout_sensor join sensor on sensor.id = rollout_sensor.sensor where rollout = ${row.id}`
      : []
    // It acts on every sensor of the roll-out, so all must be the actor's to see.
    if (!row || all.some(({ seen }) => !seen)) throw notFound('rollout')
    if (row.state !== 'running' && row.state !== 'waiting') throw new ApiError(409, 'rollout', `this roll-out is ${row.state}: start another`)
    if (action === 'continue' && (row.stage !== 'canary' || row.healthyAt === null)) throw new ApiError(409, 'rollout', 'the canaries are not all healthy yet')
    if (action === 'continue') await tx`update rollout set state = 'running', stage = 'rest' where id = ${row.id}`
    else await tx`update rollout set state = 'stopped', reason = ${`stopped by ${actor.name}`} where id = ${row.id}`
    await tx`select nextval('config_version')`
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: `rollout.${action}`,
      target: row.id,
      detail: { release: row.release },
      scopes: [...new Set(all.map(({ scope }) => scope))],
      at: core.clock(),
    })
  })
  for (const { sensor } of await core.sql<{ sensor: string }[]>`select sensor from rollout_sensor where rollout = ${input.params.id}`)
    core.bus.emit('config', { sensor })
  await lookAtRollouts(core)
  return { ok: true }
}

/** What a relay is offered now, as it was signed. */
export async function offeredTo(sql: Sql, sensor: string): Promise<{ update?: SignedRelease }> {
  const [row] = await sql<{ signed: SignedRelease }[]>`
    select signed from rollout_sensor join rollout on rollout.id = rollout_sensor.rollout and rollout.state in ('running', 'waiting') join release on release.sha256 = rollout.release
    where sensor = ${sensor} and rollout_sensor.state in ('offered', 'updating')`
  return row ? { update: row.signed } : {}
}

/** Steps every roll-out that is under way by what its sensors say now. */
export async function lookAtRollouts(core: Core): Promise<void> {
  const told = await core.sql.begin(async (tx) => {
    const tell: string[] = []
    await tx`lock table rollout in share row exclusive mode`
    for (const row of await readRows(tx, tx`state in ('running', 'waiting')`)) {
      const release = (await readReleases(tx)).find(({ sha256 }) => sha256 === row.release)
      if (!release) continue
      const members = await readMembers(tx, row.id, tx`true`)
      const ids = members.map(({ sensor }) => sensor)
      const summaries = await readSensors(tx, core.clock(), tx`sensor.id = any(${ids})`)
      const reports = new Map(
        (await tx<{ id: string; health: SensorHealth | null }[]>`select id, health from sensor where id = any(${ids})`).map(({ id, health }) => [id, health]),
      )
      const seen = new Map<string, Seen>(
        summaries.map(({ id, connected, version, problems }) => [
          id,
          {
            connected,
            version,
            update: reports.get(id)?.update,
            sound: !problems.some(({ key, detail }) => (key === 'other' ? detail.startsWith('config-failed') : unsound.includes(key))),
          },
        ]),
      )
      const next = nextRollout(row, members, seen, release, core.clock())
      const over = next.rollout.state !== row.state && next.rollout.state !== 'waiting'
      for (const [index, member] of next.sensors.entries()) {
        const before = members[index] as RolloutSensor
        if (member !== before)
          await tx`update rollout_sensor set state = ${member.state}, detail = ${member.detail}, since = to_timestamp(${member.since / 1000}::float8)
            where rollout = ${row.id} and sensor = ${member.sensor}`
        if (member.state !== before.state || over) tell.push(member.sensor)
      }
      const { state, stage, healthyAt, reason } = next.rollout
      if (next.rollout === row) continue
      await tx`update rollout set state = ${state}, stage = ${stage}, healthy_at = ${healthyAt === null ? null : tx`to_timestamp(${healthyAt / 1000}::float8)`}, reason = ${reason} where id = ${row.id}`
      if (state === 'halted') core.log(`the roll-out of ${release.role} ${release.version} was halted: ${reason}`)
    }
    if (tell.length > 0) await tx`select nextval('config_version')`
    return tell
  })
  for (const sensor of told) core.bus.emit('config', { sensor })
}

/** Looks from time to time. One core of several at a time, as each look holds the table. */
export function startRollouts(core: Core): { close(): Promise<void> } {
  let turn = Promise.resolve()
  const timer = setInterval(() => {
    turn = turn
      .then(() => lookAtRollouts(core))
      .catch((error: Error) => {
        if (!core.signal.aborted) core.log(`roll-outs were not looked at: ${error.message}`)
      })
  }, lookMs)
  timer.unref()
  return {
    async close() {
      clearInterval(timer)
      await turn
    },
  }
}
