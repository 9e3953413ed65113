/** What every process model is to the engine. State lies in one array of numbers; a model reads and writes its points from `o` on. */
import { type ModelName, type ParameterOf, type PointOf, plantModels } from '@shenlou/contract/plant-models'

/** Seconds of one step. */
export const dt = 0.1

/** What surrounds a unit at one step. */
export interface Surroundings {
  /** ms since 1970. */
  time: number
  step: number
  /** Weather as temperature: about -1 to 1 over day, season and days. */
  warmth: number
  /** Weather as wind and moisture: about -1 to 1 over hours and days. */
  weather: number
  /** A standard normal number of this step; each use has its own stream below 64. */
  noise(stream: number): number
}

export interface Model {
  /** Nature: 100 ms further, whatever the controller does. */
  physics(f: Float64Array, o: number, around: Surroundings): void
  /** The controller's program: one scan of `seconds`. Reads measurements and inputs, writes outputs. */
  control(f: Float64Array, o: number, around: Surroundings, seconds: number): void
  /** The controller is stopped: outputs fall to their safe state. */
  safe(f: Float64Array, o: number): void
  /** Points of a machine that has been there for years: wear, levels, counters. `draw(i)` is a number in [0, 1) of the seed. */
  begin(f: Float64Array, o: number, around: Surroundings, draw: (i: number) => number): void
}

/** Parameters of a model as one site drew them. */
export type Parameters<M extends ModelName> = Readonly<Record<ParameterOf<M>, number>>

/** Where a point of a model lies, relative to the unit's first. */
export function pointIndex<M extends ModelName>(model: M): (point: PointOf<M>) => number {
  const names = new Map(Object.keys(plantModels[model].points).map((name, i) => [name, i]))
  return (point) => {
    const at = names.get(point)
    if (at === undefined) throw new Error(`model ${model} has no point ${point}`)
    return at
  }
}

export const clamp = (value: number, low: number, high: number): number => (value < low ? low : value > high ? high : value)

/** A counter of a machine commissioned three to seven years before 2026, at so many a calendar day. */
export const countedSince = (time: number, drawn: number, perDay: number): number =>
  Math.max(0, Math.floor(((time - Date.UTC(2023 - Math.floor(drawn * 4), 2, 11)) / 86_400_000) * perDay))
