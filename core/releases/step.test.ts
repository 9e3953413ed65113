import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundMs, type Rollout, type RolloutSensor, type Seen, nextRollout } from './step.ts'

const wanted = { version: '0.2.0', sequence: 5 }
const minute = 60_000
const fresh = (waitMinutes: number | null): Rollout => ({ state: 'running', stage: 'canary', waitMinutes, healthyAt: null, reason: '' })
const sensors = (): RolloutSensor[] =>
  (['canary', 'rest', 'rest'] as const).map((stage, index) => ({ sensor: String(index), name: `park-${index}`, stage, state: 'pending', since: 0, detail: '' }))
const before: Seen = { connected: true, version: '0.1.0', update: { state: 'idle', sequence: 0, detail: '' }, sound: true }
const updated: Seen = { connected: true, version: '0.2.0', update: { state: 'idle', sequence: 5, detail: '' }, sound: true }
const seen = (...each: Seen[]): Map<string, Seen> => new Map(each.map((one, index) => [String(index), one]))
const states = (each: { sensors: RolloutSensor[] }): string[] => each.sensors.map(({ state }) => state)

test('canaries go first, the others after the time without a problem', () => {
  let now = nextRollout(fresh(10), sensors(), seen(before, before, before), wanted, 0)
  assert.deepEqual(states(now), ['offered', 'pending', 'pending'])
  now = nextRollout(now.rollout, now.sensors, seen(updated, before, before), wanted, minute)
  assert.deepEqual([now.rollout.healthyAt, ...states(now)], [minute, 'healthy', 'pending', 'pending'])
  now = nextRollout(now.rollout, now.sensors, seen(updated, before, before), wanted, 10 * minute)
  assert.deepEqual(states(now), ['healthy', 'pending', 'pending'])
  now = nextRollout(now.rollout, now.sensors, seen(updated, before, before), wanted, 11 * minute)
  assert.deepEqual(states(now), ['healthy', 'offered', 'offered'])
  now = nextRollout(now.rollout, now.sensors, seen(updated, updated, updated), wanted, 12 * minute)
  assert.equal(now.rollout.state, 'done')
})

test('by hand, the others wait for a person', () => {
  let now = nextRollout(fresh(null), sensors(), seen(before, before, before), wanted, 0)
  for (let at = 1; at < 1000; at += 100) now = nextRollout(now.rollout, now.sensors, seen(updated, before, before), wanted, at * minute)
  assert.deepEqual([now.rollout.state, now.rollout.stage, ...states(now)], ['waiting', 'canary', 'healthy', 'pending', 'pending'])
  now = nextRollout({ ...now.rollout, state: 'running', stage: 'rest' }, now.sensors, seen(updated, before, before), wanted, 1001 * minute)
  assert.deepEqual(states(now), ['healthy', 'offered', 'offered'])
})

test('one that switches back, refuses, falls ill or stays away halts it, and says which and why', () => {
  const begun = nextRollout(fresh(0), sensors(), seen(before, before, before), wanted, 0)
  const halted = (one: Seen, later = minute): string => {
    let now = nextRollout(
      begun.rollout,
      begun.sensors,
      seen({ ...before, update: { state: 'ready', sequence: 0, about: 5, detail: '' } }, before, before),
      wanted,
      1,
    )
    now = nextRollout(now.rollout, now.sensors, seen(one, before, before), wanted, later)
    assert.deepEqual(states(now).slice(1), ['pending', 'pending'])
    if (now.rollout.state !== 'halted') return now.rollout.state
    assert.equal(nextRollout(now.rollout, now.sensors, seen(updated, updated, updated), wanted, later + minute).rollout, now.rollout)
    return now.rollout.reason
  }
  assert.equal(halted({ ...before, update: { state: 'rolled-back', sequence: 0, about: 5, detail: 'it ended' } }), 'park-0: it switched back: it ended')
  assert.equal(halted({ ...before, update: { state: 'refused', sequence: 0, about: 5, detail: 'no key' } }), 'park-0: it did not take it: no key')
  assert.equal(halted({ ...before, update: { state: 'unmanaged', sequence: 0, detail: 'no launcher' } }), 'park-0: no launcher')
  assert.equal(halted({ ...updated, connected: false }, boundMs), 'running')
  assert.equal(halted({ ...updated, connected: false }, boundMs + 2), 'park-0: it did not come back within 10 minutes')
  assert.equal(halted({ ...updated, sound: false }, boundMs + 2), 'park-0: the new version is there and does not do its work')
})

test('one that put it off, as its disk is full, is offered it again and halts nothing', () => {
  const says = (state: 'ready' | 'downloading', detail: string): Seen => ({ ...before, update: { state, sequence: 0, about: 5, detail } })
  let now = nextRollout(fresh(0), sensors(), seen(before, before, before), wanted, 0)
  now = nextRollout(now.rollout, now.sensors, seen(says('ready', ''), before, before), wanted, 1)
  assert.deepEqual(states(now), ['updating', 'pending', 'pending'])
  for (const at of [2, boundMs, 2 * boundMs])
    now = nextRollout(now.rollout, now.sensors, seen(says('downloading', 'put off: no room'), before, before), wanted, at)
  assert.deepEqual([now.rollout.state, ...states(now), now.sensors[0]?.detail], ['running', 'offered', 'pending', 'pending', 'put off: no room'])
})

test('one that is away when it is offered is waited for, and one that was healthy may be away for a moment', () => {
  let now = nextRollout(fresh(0), sensors(), seen({ ...before, connected: false }, before, before), wanted, 0)
  now = nextRollout(now.rollout, now.sensors, seen({ ...before, connected: false }, before, before), wanted, 100 * boundMs)
  assert.deepEqual([now.rollout.state, ...states(now)], ['running', 'offered', 'pending', 'pending'])
  now = nextRollout(now.rollout, now.sensors, seen(updated, before, before), wanted, 101 * boundMs)
  now = nextRollout(now.rollout, now.sensors, seen({ ...updated, connected: false }, updated, before), wanted, 102 * boundMs)
  assert.deepEqual([now.rollout.state, ...states(now)], ['running', 'healthy', 'healthy', 'offered'])
  now = nextRollout(now.rollout, now.sensors, seen(before, updated, before), wanted, 103 * boundMs)
  assert.equal(now.rollout.reason, 'park-0: it runs release 0 again')
})
