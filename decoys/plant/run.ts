/** One running state of a plant, the undisturbed one or a branch: keeps up with the clock in slices, publishes snapshots. */
import type { Watch } from './alarms.ts'
import { type Engine, stepMs } from './engine.ts'
import { type History, openHistory } from './history.ts'
import type { Layout } from './layout.ts'
import type { Snapshot } from './plant.ts'

export interface Run {
  readonly f: Float64Array
  readonly history: History
  step: number
  watch: Watch | undefined
  readonly snapshot: Snapshot
  /** What is to be done again once the run is at its step, in order. */
  readonly due: { step: number; work(): void }[]
  /** Shows a write between steps: tags are filled again, the next snapshot is a new one. */
  touch(): void
  /**
   * Goes on to `target`, for at most so many ms; true when it is there. `onStep` hears every step while the plant keeps up with the
   * clock, and only the last after it was further behind.
   */
  advance(target: number, budgetMs: number, onStep?: (snapshot: Snapshot) => void): boolean
}

/** Steps behind which a plant is catching up rather than keeping up. */
const behind = 20

/** `recordFrom` keeps the historian from what comes before that step. */
export function openRun(engine: Engine, f: Float64Array, step: number, recordFrom = 0): Run {
  const { layout } = engine
  const history = openHistory(layout)
  let current: Snapshot | undefined
  let busy = false
  const doDue = (): void => {
    while (run.due[0] && run.due[0].step <= run.step) run.due.shift()?.work()
  }
  const run: Run = {
    f,
    history,
    step,
    watch: undefined,
    due: [],
    get snapshot() {
      current ??= takeSnapshot(layout, f, run.step)
      return current
    },
    touch() {
      engine.refresh(f)
      current = undefined
    },
    advance(target, budgetMs, onStep) {
      if (!busy) doDue()
      if (run.step >= target) return true
      // A listener that reads the plant would start it anew from within.
      if (busy) return false
      busy = true
      const until = performance.now() + budgetMs
      const live = target - run.step <= behind
      while (run.step < target) {
        run.step++
        engine.advance(f, run.step, run.watch)
        if (run.due.length > 0) doDue()
        if (run.step % 10 === 0 && run.step >= recordFrom) history.record(f, run.step)
        if (live && onStep) {
          current = undefined
          onStep(run.snapshot)
        }
        if (run.step % 16 === 0 && performance.now() >= until) break
      }
      busy = false
      current = undefined
      if (run.step < target) return false
      if (!live) onStep?.(run.snapshot)
      return true
    },
  }
  return run
}

function takeSnapshot(layout: Layout, f: Float64Array, step: number): Snapshot {
  const { index } = layout
  const values = f.slice(layout.values, layout.values + layout.tags.length)
  const goods = f.slice(layout.goods, layout.goods + layout.tags.length)
  return Object.freeze({
    at: step * stepMs,
    step,
    value: (tag: string): number => {
      const plan = index.get(tag)
      return plan ? values[plan.index]! : Number.NaN
    },
    good: (tag: string): boolean => {
      const plan = index.get(tag)
      return plan !== undefined && goods[plan.index] === 1
    },
  })
}
