/** Runs one bare model with the reference's parameters, without sensors, alarms or people: for tests and measurements. */
import { type ModelName, type PointOf, plantModels } from '@shenlou/contract/plant-models'
import { models } from './models.ts'
import type { Model, Parameters, Surroundings } from './models/model.ts'
import { normal } from './noise.ts'

export interface Rig<M extends ModelName> {
  /** Seconds since the start. */
  readonly seconds: number
  get(point: PointOf<M>): number
  set(point: PointOf<M>, value: number): void
  /** Goes on for so many seconds, or until the condition holds; true when it did. */
  run(seconds: number, until?: () => boolean): boolean
  stop(stopped: boolean): void
}

/** A model with its default parameters, weather off unless said, its inputs at their initial values. */
export function rig<M extends ModelName>(name: M, given: Partial<Parameters<M>> = {}, seed = 1): Rig<M> {
  const { points, parameters } = plantModels[name]
  const names = Object.keys(points)
  const values = Object.fromEntries(Object.entries(parameters).map(([key, { value }]) => [key, key === 'ambientSwing' ? 0 : value]))
  const model: Model = (models[name] as (parameters: Record<string, number>) => Model)({ ...values, ...given })
  const f = Float64Array.from(Object.values(points), ({ initial }) => initial)
  let stopped = false
  const around: Surroundings & { step: number; time: number } = {
    time: 0,
    step: 0,
    warmth: 0,
    weather: 0,
    noise: (stream) => normal(around.step, stream, seed),
  }
  const at = (point: string): number => {
    const index = names.indexOf(point)
    if (index < 0) throw new Error(`no point ${point}`)
    return index
  }
  return {
    get seconds() {
      return around.step / 10
    },
    get: (point) => f[at(point)] as number,
    set(point, value) {
      f[at(point)] = value
    },
    run(seconds, until) {
      for (let i = 0; i < seconds * 10; i++) {
        around.step++
        model.physics(f, 0, around)
        if (stopped) model.safe(f, 0)
        else model.control(f, 0, around, 0.1)
        if (until?.()) return true
      }
      return false
    },
    stop(now) {
      stopped = now
    },
  }
}
