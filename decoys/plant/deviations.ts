/** Where the process of a branch has left the undisturbed one: what its transmitters measure, what runs and what stands. Both are looked at in the same step. */
import type { Ledger } from './consequences.ts'
import { stepMs } from './engine.ts'
import type { Layout, TagPlan } from './layout.ts'
import type { Run } from './run.ts'

/** Between two looks, in steps. */
const everySteps = 10
/** A measured value must be off for so long; what only shows on or off counts at once. */
const sustainedMs = 5000
/** It has come back once it stayed near for so long: a machine that goes to and fro crosses where it would have been. */
const calmMs = 300_000
/** A tag is not said more often, whoever writes. */
const againMs = 60_000
/** After a pause longer than this what was seen before says nothing any more. */
const pauseMs = 10_000
/** What an ordinary chain of sensor, transmitter and converter may be wrong by, as a share of its range: less nobody could tell from a plant left alone. */
const accuracy = 0.01

interface Seen {
  at: number
  /** Since when it is off, and since when it is near again; 0 for not. */
  off: number
  near: number
  /** How far it was off when that was said, and when. */
  said: number
  saidAt: number
}

const isState = ({ tag, from }: TagPlan): boolean => tag.class === 'STAT' && from === 'point'

/** Tags that show the process itself: transmitters and the states of machines. Setpoints, limits, modes and what the program works out are none. */
export const showsProcess = (plan: TagPlan): boolean => plan.tag.access === 'read' && (plan.sensor !== undefined || isState(plan))

/** How far a tag must be from the undisturbed value, in its unit: the accuracy of its chain, or five standard deviations of its noise if that is more. */
export const boundOf = ({ tag, sensor }: TagPlan): number =>
  sensor ? Math.max(accuracy * (tag.range[1] - tag.range[0]), 5 * sensor.noise * sensor.quantum) : 0.5

/** Opens the comparison of one branch with the undisturbed run. The function is called after every step, and looks at most once a second of the plant. */
export function openDeviations(layout: Layout, undisturbed: Run, run: Run, ledger: Ledger): () => void {
  const seen = new Map<TagPlan, Seen>()
  let next = 0
  const look = (plan: TagPlan, now: number): void => {
    const value = run.f[plan.value]!
    const otherwise = undisturbed.f[plan.value]!
    const off = value - otherwise
    const bound = boundOf(plan)
    const known = ledger.processTold(plan.tag.id)
    let one = seen.get(plan)
    if (!one && !known && Math.abs(off) <= bound) return
    if (!one || now - one.at > pauseMs) {
      one = { at: now, off: 0, near: 0, said: known ? off : 0, saidAt: 0 }
      seen.set(plan, one)
    }
    one.at = now
    one.near = Math.abs(off) > bound / 2 ? 0 : one.near || now
    // What was said once is said again only when a later write moved it as far again.
    one.off = Math.abs(off) <= bound || Math.abs(off - one.said) <= bound ? 0 : one.off || now
    if (one.near !== 0 && (!known || now - one.near >= calmMs)) {
      seen.delete(plan)
      if (known) ledger.processEnds(plan.tag.id, value, otherwise)
    } else if (one.off !== 0 && now - one.off >= (plan.sensor ? sustainedMs : 0) && (!known || now - one.saidAt >= againMs)) {
      if (!ledger.processBegins(plan.tag.id, value, otherwise)) return
      one.said = off
      one.saidAt = now
      one.off = 0
    }
  }
  return () => {
    if (run.step < next || run.step !== undisturbed.step) return
    next = run.step + everySteps
    for (const id of ledger.written()) {
      const unit = layout.unitIndex.get(id)
      // A broken sensor shows nothing of the process.
      for (const plan of unit?.tags ?? []) if (showsProcess(plan) && run.f[plan.good] === 1 && undisturbed.f[plan.good] === 1) look(plan, run.step * stepMs)
    }
  }
}
