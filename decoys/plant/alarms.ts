/** Alarms after ISA-18.2 and interlocks, evaluated once a scan on the values that everybody reads. */
import { type AlarmPlan, alarmSlot, type InterlockPlan, interlockSlot, type Limit } from './layout.ts'

export const alarmStates = ['normal', 'unacknowledged', 'acknowledged', 'returned'] as const
export const normalState = 0
export const unacknowledged = 1
export const acknowledged = 2
export const returned = 3

/** What alarms and interlocks tell whoever watches consequences. */
export interface Watch {
  alarm(plan: AlarmPlan, raised: boolean, value: number, limit: number): void
  interlock(plan: InterlockPlan, active: boolean, value: number, limit: number): void
}

export const limitOf = (f: Float64Array, limit: Limit): number => (limit.limitAt < 0 ? limit.limit : f[limit.limitAt]!)

/** Whether the condition holds; `held` widens it by the deadband, so that a noisy value at the limit does not chatter. A broken sensor changes nothing. */
function holds(f: Float64Array, limit: Limit, held: boolean): boolean {
  const value = f[limit.value]!
  if (limit.when === 'bad') return f[limit.good] === 0
  if (f[limit.good] === 0) return held
  switch (limit.when) {
    case 'above':
      return value > limitOf(f, limit) - (held ? limit.deadband : 0)
    case 'below':
      return value < limitOf(f, limit) + (held ? limit.deadband : 0)
    case 'on':
      return value === 1
    default:
      return value === 0
  }
}

export function evaluateAlarm(f: Float64Array, plan: AlarmPlan, time: number, watch: Watch | undefined): void {
  const { at, limit } = plan
  const state = f[at + alarmSlot.state]!
  const active = state === unacknowledged || state === acknowledged
  const now = holds(f, limit, active)
  if (now === active) {
    if (f[at + alarmSlot.pending] !== 0) f[at + alarmSlot.pending] = 0
    if (f[at + alarmSlot.returning] !== 0) f[at + alarmSlot.returning] = 0
    return
  }
  const since = now ? alarmSlot.pending : alarmSlot.returning
  if (f[at + since] === 0) f[at + since] = time
  if (time - f[at + since]! < (now ? limit.delay : plan.template.returnDelay * 1000)) return
  f[at + since] = 0
  f[at + alarmSlot.since] = time
  if (now) {
    f[at + alarmSlot.state] = unacknowledged
    f[at + alarmSlot.value] = f[limit.value]!
    f[at + alarmSlot.limit] = limitOf(f, limit)
  } else f[at + alarmSlot.state] = state === unacknowledged && plan.template.latch ? returned : normalState
  watch?.alarm(plan, now, f[limit.value]!, limitOf(f, limit))
}

/** Somebody saw it: false when it waits for nobody. */
export function acknowledge(f: Float64Array, plan: AlarmPlan, time: number): boolean {
  const state = f[plan.at + alarmSlot.state]!
  if (state !== unacknowledged && state !== returned) return false
  f[plan.at + alarmSlot.state] = state === unacknowledged ? acknowledged : normalState
  f[plan.at + alarmSlot.since] = time
  return true
}

const bypassed = (f: Float64Array, plan: InterlockPlan): boolean => plan.bypass >= 0 && f[plan.bypass] === 1

export function evaluateInterlock(f: Float64Array, plan: InterlockPlan, time: number, watch: Watch | undefined): void {
  const { at, limit } = plan
  const active = f[at + interlockSlot.active] === 1
  const now = !bypassed(f, plan) && holds(f, limit, active)
  if (active) {
    if (plan.template.kind === 'interlock' && !now) release(f, plan, time, watch)
  } else if (now) {
    if (f[at + interlockSlot.pending] === 0) f[at + interlockSlot.pending] = time
    if (time - f[at + interlockSlot.pending]! >= limit.delay) {
      f[at + interlockSlot.active] = 1
      f[at + interlockSlot.since] = time
      f[at + interlockSlot.value] = f[limit.value]!
      f[at + interlockSlot.pending] = 0
      watch?.interlock(plan, true, f[limit.value]!, limitOf(f, limit))
    }
  } else f[at + interlockSlot.pending] = 0
  if (f[at + interlockSlot.active] === 1) for (const { source, value } of plan.forces) f[source] = value
}

/** A trip gives way to the reset button once its cause has gone or it is bypassed. */
export function resetInterlock(f: Float64Array, plan: InterlockPlan, time: number, watch: Watch | undefined): void {
  if (f[plan.at + interlockSlot.active] === 1 && (bypassed(f, plan) || !holds(f, plan.limit, true))) release(f, plan, time, watch)
}

function release(f: Float64Array, plan: InterlockPlan, time: number, watch: Watch | undefined): void {
  f[plan.at + interlockSlot.active] = 0
  f[plan.at + interlockSlot.since] = time
  watch?.interlock(plan, false, f[plan.limit.value]!, limitOf(f, plan.limit))
}
