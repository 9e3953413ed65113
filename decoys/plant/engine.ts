/** Moves a plant on by steps of 100 ms. All state is one array of numbers, so that a copy of the array is a copy of the plant. */
import { evaluateAlarm, evaluateInterlock, resetInterlock, type Watch } from './alarms.ts'
import type { Layout, UnitPlan } from './layout.ts'
import type { Surroundings } from './models/model.ts'
import { chance, normal } from './noise.ts'
import { tend } from './people.ts'
import { plantModels } from '@shenlou/contract/plant-models'

export const stepMs = 100

/** Runs one plant's states; several states (the undisturbed one and its branches) share an engine. */
export interface Engine {
  readonly layout: Layout
  /** State of a plant that has been there for years, at a step when nobody has yet begun. */
  begin(step: number): Float64Array
  /** One step further, to `step`. */
  advance(f: Float64Array, step: number, watch?: Watch): void
  /** Fills tag values again from their sources after a write between steps. */
  refresh(f: Float64Array): void
}

export function openEngine(layout: Layout): Engine {
  let unitSeed = 0
  const around: { -readonly [K in keyof Surroundings]: Surroundings[K] } = {
    time: 0,
    step: 0,
    warmth: 0,
    weather: 0,
    noise: (stream) => normal(around.step, stream, unitSeed),
  }
  /** The slow surroundings hold for ten seconds. */
  let slowAt = Number.NaN
  const surround = (step: number): void => {
    around.step = step
    around.time = step * stepMs
    const now = Math.floor(step / 100)
    if (now === slowAt) return
    slowAt = now
    around.warmth = layout.waves.warmth(now * 10_000)
    around.weather = layout.waves.weather(now * 10_000)
  }

  const publish = (f: Float64Array, unit: UnitPlan): void => {
    for (const { value, source } of unit.plain) f[value] = f[source]!
  }
  const measure = (f: Float64Array, unit: UnitPlan): void => {
    const fault = f[unit.fault]!
    const { step, time } = around
    // Drift is a matter of days: looked at once a minute, spread over the scans of that minute.
    const drifting = step % 600 < unit.scan
    for (const plan of unit.sensors) {
      const sensor = plan.sensor!
      let x = f[plan.source]!
      if (sensor.gain < 1) x = f[sensor.lagged] = f[sensor.lagged]! + (x - f[sensor.lagged]!) * sensor.gain
      if (drifting) f[sensor.drifted] = sensor.drift(time)
      const low = plan.tag.range[0]
      let code = Math.round((x - low) / sensor.quantum + f[sensor.drifted]! + sensor.noise * normal(step, sensor.stream, 0))
      code = code < 0 ? 0 : code > sensor.steps ? sensor.steps : code
      let good = 1
      if (fault !== 0 && Math.abs(fault) - 1 === plan.index) {
        if (fault > 0) {
          code = sensor.steps
          good = 0
        } else code = Math.round((f[unit.faultValue]! - low) / sensor.quantum)
      }
      f[plan.value] = low + code * sensor.quantum
      f[plan.good] = good
    }
  }
  const scan = (f: Float64Array, unit: UnitPlan, watch: Watch | undefined): void => {
    const running = f[unit.stopped] === 0
    if (running) unit.model.control(f, unit.points, around, unit.scan * 0.1)
    else unit.model.safe(f, unit.points)
    publish(f, unit)
    measure(f, unit)
    if (!running) return
    for (const plan of unit.interlocks) evaluateInterlock(f, plan, around.time, watch)
    for (const { source } of unit.buttons) {
      const pressed = f[source]!
      if (pressed === 0) continue
      // Held for three scans: the machine's own latches open in the first, what hangs on them in the next.
      for (const at of unit.resets) f[at] = 1
      for (const plan of unit.interlocks) resetInterlock(f, plan, around.time, watch)
      f[source] = pressed >= 3 ? 0 : pressed + 1
    }
    for (const plan of unit.alarms) evaluateAlarm(f, plan, around.time, watch)
  }

  return {
    layout,
    begin(step) {
      const f = new Float64Array(layout.size)
      surround(step)
      for (const unit of layout.units) {
        const { model } = layout.template.equipment[layout.template.units[unit.index]!.equipment]!
        for (const [i, { initial }] of Object.values(plantModels[model].points).entries()) f[unit.points + i] = initial
        const equipment = layout.template.equipment[layout.template.units[unit.index]!.equipment]!
        for (const [i, plan] of unit.tags.entries()) if (plan.from === 'value') f[plan.source] = equipment.tags[i]!.value!
        unit.model.begin(f, unit.points, around, (i) => chance(unit.word, i, 51))
        for (const plan of unit.sensors) {
          f[plan.sensor!.lagged] = f[plan.source]!
          f[plan.sensor!.drifted] = plan.sensor!.drift(around.time)
        }
        for (const plan of unit.tags) f[plan.good] = 1
        publish(f, unit)
        unitSeed = unit.word
        measure(f, unit)
      }
      return f
    },
    advance(f, step, watch) {
      surround(step)
      const second = step % 10 === 0
      for (const unit of layout.units) {
        unitSeed = unit.word
        if (second) tend(layout, f, unit, around.time)
        unit.model.physics(f, unit.points, around)
        if ((step + unit.scanAt) % unit.scan === 0) scan(f, unit, watch)
      }
    },
    refresh(f) {
      for (const unit of layout.units) publish(f, unit)
    },
  }
}
