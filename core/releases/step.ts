/** How a roll-out goes on, as one pure function of what its sensors say. */
import type { UpdateReport } from '@shenlou/contract/release'
import type { RolloutSummary } from '@shenlou/contract/routes-releases'

/** From the moment that a sensor has the package: the launcher's probation (5 minutes), a start, and time to join. Longer is not healthy. */
export const boundMs = 10 * 60_000

export interface Rollout {
  state: RolloutSummary['state']
  stage: 'canary' | 'rest'
  waitMinutes: number | null
  healthyAt: number | null
  reason: string
}
export interface RolloutSensor {
  sensor: string
  name: string
  stage: 'canary' | 'rest'
  state: RolloutSummary['sensors'][number]['state']
  /** Milliseconds since 1970 UTC. */
  since: number
  detail: string
}
/** What the core knows of a sensor now. */
export interface Seen {
  connected: boolean
  version: string | null
  update: UpdateReport | undefined
  /** It has its present desired state, its tunnels are up, and it is not blind where proof touches are made. */
  sound: boolean
}

/** `wanted` is what is rolled out. Returns what changed: the same objects where nothing did. */
export function nextRollout(
  rollout: Rollout,
  sensors: readonly RolloutSensor[],
  seen: ReadonlyMap<string, Seen>,
  wanted: { version: string; sequence: number },
  now: number,
): { rollout: Rollout; sensors: RolloutSensor[] } {
  if (rollout.state !== 'running' && rollout.state !== 'waiting') return { rollout, sensors: [...sensors] }
  let next = rollout
  const change = (sensor: RolloutSensor, state: RolloutSensor['state'], detail = ''): RolloutSensor =>
    sensor.state === state && sensor.detail === detail ? sensor : { ...sensor, state, detail, since: sensor.state === state ? sensor.since : now }

  let after = sensors.map((sensor) => {
    if (sensor.state === 'pending' || sensor.state === 'failed') return sensor
    return change(sensor, ...judge(sensor, seen.get(sensor.sensor), wanted, now))
  })
  const failed = after.find(({ state }) => state === 'failed')
  if (failed) return { rollout: { ...next, state: 'halted', reason: `${failed.name}: ${failed.detail}` }, sensors: after }

  const canariesHealthy = after.every(({ stage, state }) => stage !== 'canary' || state === 'healthy')
  if (next.stage === 'canary') {
    if (!canariesHealthy) next = next.healthyAt === null && next.state === 'running' ? next : { ...next, state: 'running', healthyAt: null }
    else if (next.healthyAt === null) next = { ...next, healthyAt: now, state: next.waitMinutes === null ? 'waiting' : 'running' }
    if (next.healthyAt !== null && next.waitMinutes !== null && now - next.healthyAt >= next.waitMinutes * 60_000) next = { ...next, stage: 'rest' }
  }
  after = after.map((sensor) => (sensor.state === 'pending' && (sensor.stage === 'canary' || next.stage === 'rest') ? change(sensor, 'offered') : sensor))
  if (next.stage === 'rest' && after.every(({ state }) => state === 'healthy')) next = { ...next, state: 'done' }
  return { rollout: next, sensors: after }
}

function judge(sensor: RolloutSensor, seen: Seen | undefined, wanted: { version: string; sequence: number }, now: number): [RolloutSensor['state'], string] {
  const { state, since, detail } = sensor
  const update = seen?.update
  if (update?.state === 'unmanaged') return ['failed', update.detail]
  if (update?.about === wanted.sequence && (update.state === 'rolled-back' || update.state === 'refused'))
    return ['failed', `${update.state === 'refused' ? 'it did not take it' : 'it switched back'}: ${update.detail}`]
  const there = update?.sequence === wanted.sequence && seen?.version === wanted.version
  if (there && update.state !== 'probation' && seen?.connected && seen.sound) return ['healthy', '']
  if (state === 'healthy') {
    // A moment away, as when its machine starts again, is no fault of the release.
    return there || !update ? ['healthy', detail] : ['failed', `it runs release ${update.sequence} again`]
  }
  const begun = state === 'updating' || there || (update?.about === wanted.sequence && update.state === 'ready')
  if (!begun) return ['offered', update?.about === wanted.sequence && update.state === 'downloading' ? update.detail : '']
  // It was put off there, and is fetched and tried again.
  if (update?.about === wanted.sequence && update.state === 'downloading') return ['offered', update.detail]
  if (state === 'updating' && now - since > boundMs)
    return ['failed', seen?.connected ? 'the new version is there and does not do its work' : `it did not come back within ${boundMs / 60_000} minutes`]
  return ['updating', '']
}
