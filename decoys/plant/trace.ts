/** A stretch of a plant's life, run at once and folded into columns for drawing. */
import type { DayMode, PlantTemplate } from '@shenlou/contract/plant'
import type { Watch } from './alarms.ts'
import { openEngine, stepMs } from './engine.ts'
import { layOut } from './layout.ts'
import type { PlantTag } from './plant.ts'

/** One tag over time: least, greatest and mean of each column. */
export interface Line {
  tag: PlantTag
  least: Float64Array
  most: Float64Array
  mean: Float64Array
}

export interface Trace {
  template: PlantTemplate
  from: number
  to: number
  lines: Line[]
  /** What the calendar said at the middle of each column. */
  duty: Exclude<DayMode, 'maintenance'>[]
  /** Alarms raised and trips, in order. */
  happened: { at: number; id: string; title: { zh: string; en: string }; trip: boolean }[]
  steps: number
}

/** Hours run before the first column, so that machines are where they would be. */
const before = 3

/** Local midnight of the last day that was worked and is over, ms; the plant's own calendar says. */
export function lastWorkedDay(template: PlantTemplate, seed: string, now: number): number {
  const { calendar } = layOut(template, seed)
  let day = Math.floor((now + calendar.offset) / 86_400_000) - 1
  for (let i = 0; i < 30 && !calendar.worked(day); i++) day--
  return day * 86_400_000 - calendar.offset
}

/** Tags worth drawing when nobody says which: what sensors measure, at most so many. */
export function worthDrawing(template: PlantTemplate, most: number): string[] {
  const measured = template.units.map((unit) =>
    template.equipment[unit.equipment]!.tags.filter((tag) => tag.class === 'PV' && tag.sensor && tag.log !== false).map((tag) => `${unit.id}.${tag.id}`),
  )
  // The first unit in full before its siblings, which look much alike.
  return measured.flat().slice(0, most)
}

/** Runs `hours` from `from`. Throws for a tag that the plant has not. */
export function traceOf(template: PlantTemplate, seed: string, from: number, hours: number, tags: readonly string[], columns: number): Trace {
  const layout = layOut(template, seed)
  const engine = openEngine(layout)
  const plans = tags.map((id) => {
    const plan = layout.index.get(id)
    if (!plan) throw new Error(`the plant has no tag '${id}'; it has ${[...layout.index.keys()].slice(0, 8).join(', ')} and so on`)
    return plan
  })
  const first = Math.round(from / stepMs)
  const steps = Math.round((hours * 3_600_000) / stepMs)
  const lines = plans.map(
    ({ tag }): Line => ({
      tag,
      least: new Float64Array(columns).fill(Infinity),
      most: new Float64Array(columns).fill(-Infinity),
      mean: new Float64Array(columns),
    }),
  )
  const counts = new Float64Array(columns)
  const happened: Trace['happened'] = []
  let now = 0
  const watch: Watch = {
    alarm(plan, raised) {
      if (raised && happened.length < 1000) happened.push({ at: now, id: plan.id, title: plan.template.title, trip: false })
    },
    interlock(plan, active) {
      if (active && plan.template.kind === 'trip' && happened.length < 1000) happened.push({ at: now, id: plan.id, title: plan.template.title, trip: true })
    },
  }
  const begin = first - before * 36_000
  const f = engine.begin(begin)
  for (let step = begin + 1; step <= first; step++) engine.advance(f, step)
  for (let i = 0; i < steps; i++) {
    now = (first + i + 1) * stepMs
    engine.advance(f, first + i + 1, watch)
    const column = Math.floor((i / steps) * columns)
    counts[column]! += 1
    for (let k = 0; k < plans.length; k++) {
      const value = f[plans[k]!.value]!
      const line = lines[k]!
      if (value < line.least[column]!) line.least[column] = value
      if (value > line.most[column]!) line.most[column] = value
      line.mean[column]! += value
    }
  }
  for (const line of lines) for (let c = 0; c < columns; c++) line.mean[c] = counts[c]! > 0 ? line.mean[c]! / counts[c]! : Number.NaN
  const duty = Array.from({ length: columns }, (_, c) => layout.calendar.at(from + ((c + 0.5) / columns) * hours * 3_600_000).mode)
  return { template, from, to: from + hours * 3_600_000, lines, duty, happened, steps }
}
