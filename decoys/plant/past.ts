/** Weeks before the first record: each day as a day of its kind that was really run, shifted and varied by the seed. The same for ever, at no cost per day. */
import { type Engine, openEngine, stepMs } from './engine.ts'
import { type History, openHistory } from './history.ts'
import type { Layout, TagPlan } from './layout.ts'
import { mix, normal } from './noise.ts'

const dayMs = 86_400_000
const hourSteps = 36_000
/** Reference days: around this one, the first worked and the first free day. */
const around = Date.UTC(2026, 2, 16) / dayMs
const kinds = 4

export interface Past {
  readonly ready: boolean
  /** Somebody waits for it: it is worth more of the processor. */
  wanted: boolean
  /** Runs on for at most so many ms; true when the reference days are there. */
  work(budgetMs: number): boolean
  /** What the tag probably was at a time before the records; undefined while the reference days are being run, and for counters. */
  at(plan: TagPlan, time: number): number | undefined
}

/** Local days of a kind to be run: two worked ones and two free ones, where there are such. */
function pick(layout: Layout): { day: number; worked: boolean }[] {
  const found: { day: number; worked: boolean }[] = []
  for (const worked of [true, false]) {
    let count = 0
    for (let day = around; day < around + 14 && count < kinds / 2; day++)
      if (layout.calendar.worked(day) === worked) {
        found.push({ day, worked })
        count++
      }
  }
  return found
}

export function openPast(layout: Layout): Past {
  const references = pick(layout).map((reference) => ({ ...reference, history: openHistory(layout, false) as History }))
  const { offset } = layout.calendar
  let engine: Engine | undefined
  let running: { f: Float64Array; step: number; until: number } | undefined
  let next = 0
  return {
    wanted: false,
    get ready() {
      return next >= references.length
    },
    work(budgetMs) {
      const stop = performance.now() + budgetMs
      engine ??= openEngine(layout)
      while (next < references.length) {
        const { day, history } = references[next]!
        const begin = (day * dayMs - offset) / stepMs
        // Two hours before midnight are for coming in.
        running ??= { f: engine.begin(begin - 2 * hourSteps), step: begin - 2 * hourSteps, until: begin + 24 * hourSteps }
        while (running.step < running.until) {
          running.step++
          engine.advance(running.f, running.step)
          if (running.step % 600 === 0 && running.step >= begin) history.record(running.f, running.step)
          if (running.step % 16 === 0 && performance.now() >= stop) return false
        }
        running = undefined
        next++
      }
      engine = undefined
      return true
    },
    at(plan, time) {
      if (next < references.length || plan.tag.type === 'count') return undefined
      const local = time + offset
      const day = Math.floor(local / dayMs)
      const worked = layout.calendar.worked(day)
      const choices = references.filter((reference) => reference.worked === worked)
      const word = mix(layout.seed[5]!, day, plan.unit)
      const reference = choices[word % choices.length]
      if (!reference) return undefined
      // Nobody begins at the same minute every day.
      const shift = Math.round(4 * normal(word, 1, 61))
      const minute = Math.max(0, Math.min(1439, Math.floor((local - day * dayMs) / 60_000) + shift))
      const value = reference.history.at(plan, reference.day * dayMs - offset + minute * 60_000)
      if (value === undefined || !plan.sensor) return value
      const [low, high] = plan.tag.range
      const code = Math.round((value - low) / plan.sensor.quantum + plan.sensor.noise * normal(Math.floor(time / 60_000), plan.sensor.stream, 62))
      return Math.max(low, Math.min(high, low + code * plan.sensor.quantum))
    },
  }
}
