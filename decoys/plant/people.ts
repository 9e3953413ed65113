/** What people do at the plant, once a second: start and stop machines by the calendar, change products, acknowledge, reset, mend. */
import type { DayMode } from '@shenlou/contract/plant'
import { acknowledge, returned, unacknowledged } from './alarms.ts'
import type { Duty } from './calendar.ts'
import { alarmSlot, dayModes, interlockSlot, type Layout, type Settings, type UnitPlan } from './layout.ts'
import { chance, normal } from './noise.ts'

const minuteMs = 60_000

/** Sets what an operator sets. What an adversary wrote, and what an interlock holds, is left alone. */
function apply(layout: Layout, f: Float64Array, unit: UnitPlan, settings: Settings, shiftSince: number): void {
  for (const { source, value } of settings.points) f[source] = value
  const key = Math.floor(shiftSince / minuteMs)
  for (const { tag, source, value, trim, low, high } of settings.tags) {
    if (f[layout.touched + tag] === 1) continue
    if (unit.interlocks.some((plan) => f[plan.at + interlockSlot.active] === 1 && plan.forces.some((forced) => forced.tag === tag))) continue
    // One operator likes it a little hotter than the next, in halves of a unit.
    const trimmed = trim === 0 ? value : value + Math.max(-trim, Math.min(trim, (trim / 2) * Math.round(2 * normal(unit.word + tag, key, 41)) * 0.5))
    f[source] = Math.max(low, Math.min(high, trimmed))
  }
}

/** Which product is made: it changes every so often, and is picked by the site's own mix. -1 without recipes. */
function product(unit: UnitPlan, duty: Duty, time: number): { key: number; recipe: number } {
  const [least, most] = unit.recipeMinutes
  const shift = Math.floor(duty.since / minuteMs)
  const period = least + (most - least) * chance(unit.word, shift, 42)
  const slot = Math.floor((time - duty.since) / minuteMs / period)
  let left = chance(unit.word, shift, 43 + slot) * unit.recipes.reduce((sum, { weight }) => sum + weight, 0)
  let recipe = 0
  while (recipe < unit.recipes.length - 1 && left >= unit.recipes[recipe]!.weight) left -= unit.recipes[recipe++]!.weight
  return { key: shift * 1024 + slot + 1, recipe }
}

/** One second of one unit. `time` is a whole second. */
export function tend(layout: Layout, f: Float64Array, unit: UnitPlan, time: number): void {
  const { habits } = layout.template
  const maintained = happenings(f, unit, time)
  // Each change comes as late as people are on that day.
  const today = Math.floor(time / 86_400_000)
  const late = 1000 * (habits.late[0] + (habits.late[1] - habits.late[0]) * chance(unit.word, today, 44))
  const duty = layout.calendar.at(time - late)
  const mode: DayMode = maintained ? 'maintenance' : duty.mode
  const number = dayModes.indexOf(mode) + 1
  if (f[unit.dayMode] !== number) {
    f[unit.dayMode] = number
    const settings = unit.modes[mode]
    if (settings) apply(layout, f, unit, settings, duty.since)
  }
  if ((mode === 'production' || mode === 'startup') && unit.recipes.length > 0) {
    const { key, recipe } = product(unit, duty, time - late)
    if (f[unit.recipe] !== key) {
      f[unit.recipe] = key
      apply(layout, f, unit, unit.recipes[recipe]!.settings, duty.since)
    }
  }
  const staffed = duty.mode !== 'closed'
  if (!staffed) return
  const pause = ([least, most]: readonly [number, number], word: number, since: number): number =>
    1000 * (least + (most - least) * chance(word, Math.floor(since / 1000), 45) ** 2)
  for (const alarm of unit.alarms) {
    const state = f[alarm.at + alarmSlot.state]!
    if (state !== unacknowledged && state !== returned) continue
    const since = f[alarm.at + alarmSlot.since]!
    if (time - since >= pause(habits.acknowledge, alarm.word, since)) acknowledge(f, alarm, time)
  }
  const tripped = unit.interlocks.some((plan) => plan.template.kind === 'trip' && f[plan.at + interlockSlot.active] === 1)
  if (!tripped) f[unit.resetAt] = 0
  else if (f[unit.resetAt] === 0) f[unit.resetAt] = time + pause(habits.reset, unit.word, time)
  else if (time >= f[unit.resetAt]!) {
    f[unit.resetAt] = 0
    const [button] = unit.buttons
    if (button && f[button.source] === 0) f[button.source] = 1
    f[unit.againAt] = time + 20_000 + 60_000 * chance(unit.word, Math.floor(time / 1000), 46)
  }
  if (f[unit.againAt] !== 0 && time >= f[unit.againAt]!) {
    f[unit.againAt] = 0
    f[unit.dayMode] = 0
    f[unit.recipe] = 0
  }
}

/** Begins and ends what the schedule says; true under maintenance. */
function happenings(f: Float64Array, unit: UnitPlan, time: number): boolean {
  let maintained = false
  let fault = 0
  const near = unit.schedule.near(time)
  for (const { event, from, to, word } of near) {
    if (time < from || time >= to) continue
    const template = unit.schedule.events[event]!
    maintained ||= template.maintenance
    if (template.fault) {
      const broken = unit.sensors[word % Math.max(1, unit.sensors.length)]
      if (broken) fault = (broken.index + 1) * (template.fault === 'stuck' ? -1 : 1)
    }
  }
  if (fault !== f[unit.fault]) {
    f[unit.fault] = fault
    const broken = unit.sensors.find(({ index }) => index === Math.abs(fault) - 1)
    if (broken) f[unit.faultValue] = f[broken.value]!
  }
  for (const [event, points] of unit.eventPoints.entries()) {
    if (points.length === 0) continue
    const on = near.some((one) => one.event === event && time >= one.from && time < one.to)
    for (const { source, value, kept, touched } of points) {
      if (touched >= 0 && f[touched] === 1) f[kept] = 0
      else if (on && f[kept] === 0) {
        f[kept] = 1
        f[kept + 1] = f[source]!
        f[source] = value
      } else if (!on && f[kept] === 1) {
        f[kept] = 0
        f[source] = f[kept + 1]!
        // The day may have gone on meanwhile: what it asks for is set again.
        f[unit.dayMode] = f[unit.recipe] = 0
      }
    }
  }
  return maintained
}
