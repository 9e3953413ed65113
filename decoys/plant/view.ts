/** A plant as one adversary sees it; the first write makes a branch. */
import { alarmStates } from './alarms.ts'
import { refusal } from './consequences.ts'
import { stepMs } from './engine.ts'
import { daysKept } from './history.ts'
import { alarmSlot, interlockSlot, type TagPlan } from './layout.ts'
import type { AlarmState, Consequence, PlantView, Snapshot, WriteResult } from './plant.ts'
import type { Seat } from './site.ts'

const pointsAtMost = 2000
/** Steps that a reader may wait for: more is left to the slices of the host. */
const readerSteps = 50

interface Host {
  clock(): number
  stepNow(): number
  report(what: string, work: () => void): void
}

export function openView(seat: Seat, host: Host): PlantView {
  const { site } = seat
  const { layout } = site
  const own = { steps: new Set<(snapshot: Snapshot) => void>(), consequences: new Set<(consequence: Consequence) => void>() }
  let released = false
  seat.views++
  /** A reader sees the plant of this very step, even between two ticks of the host. */
  const fresh = (): void => {
    seat.seen = host.clock()
    const target = host.stepNow()
    const { run } = seat
    if (run.step < target && target - run.step <= readerSteps) site.advance(target, performance.now() + 2)
  }
  const tell = (consequence: Consequence): void => {
    for (const listener of seat.consequences) host.report(`plant ${site.id}`, () => listener(consequence))
  }
  const write = (plan: TagPlan, value: number, access: 'operator' | 'engineer', note: string): WriteResult => {
    const { run } = seat
    const { tag } = plan
    const before = run.f[plan.source]!
    const no = (reason: 'read-only' | 'range' | 'interlocked' | 'stopped'): WriteResult => ({ accepted: false, before, reason })
    if (seat.adversary === '' || tag.access === 'read' || (tag.access === 'engineer' && access !== 'engineer')) return no('read-only')
    const fits = tag.type === 'bool' ? value === 0 || value === 1 : value >= tag.range[0] && value <= tag.range[1]
    if (!fits || (tag.type === 'count' && !Number.isInteger(value))) return no('range')
    const unit = layout.units[plan.unit]!
    if (run.f[unit.stopped] === 1 && tag.type === 'bool') return no('stopped')
    const at = run.step * stepMs
    for (const interlock of unit.interlocks) {
      if (run.f[interlock.at + interlockSlot.active] !== 1) continue
      const forced = interlock.forces.find((one) => one.tag === plan.index)
      if (interlock.refuses.has(plan.index) || (forced && forced.value !== value)) {
        tell(refusal(interlock, run.f, { tag: tag.id, value, before, at, note }))
        return no('interlocked')
      }
    }
    site.act(seat, 'write', tag.id, value, note.slice(0, 200))
    return { accepted: true, before, after: value }
  }
  return {
    id: site.id,
    template: layout.template,
    get branched() {
      return seat.branch !== undefined
    },
    get snapshot() {
      fresh()
      return seat.run.snapshot
    },
    tag: (id) => layout.index.get(id)?.tag,
    tags: () => layout.tags.map(({ tag }) => tag),
    write(id, value, { access, note }) {
      fresh()
      const plan = layout.index.get(id)
      if (!plan) return { accepted: false, before: Number.NaN, reason: 'unknown' }
      return write(plan, value, access, note)
    },
    mode(id) {
      const unit = layout.unitIndex.get(id)
      return unit && seat.run.f[unit.stopped] === 0 ? 'run' : 'stop'
    },
    setMode(id, mode) {
      fresh()
      const unit = layout.unitIndex.get(id)
      const stopped = mode === 'stop' ? 1 : 0
      if (!unit || seat.adversary === '' || seat.run.f[unit.stopped] === stopped) return
      site.act(seat, 'mode', id, stopped, mode)
    },
    controllerClock(id) {
      const now = host.clock()
      const unit = layout.unitIndex.get(id)
      if (!unit) return now
      const { perDay, every, from } = unit.clock
      return Math.round(now + (perDay * ((((now - from) % every) + every) % every)) / 86_400_000)
    },
    alarms() {
      fresh()
      const { f } = seat.run
      return [...layout.alarms.values()].map(
        ({ id, tag, at, template }): AlarmState => ({
          id,
          tag,
          title: template.title,
          priority: template.priority,
          state: alarmStates[f[at + alarmSlot.state]!]!,
          since: f[at + alarmSlot.since]!,
          value: f[at + alarmSlot.value]!,
          limit: f[at + alarmSlot.limit]!,
        }),
      )
    },
    acknowledge(id) {
      fresh()
      const plan = layout.alarms.get(id)
      if (!plan || seat.adversary === '') return false
      const state = alarmStates[seat.run.f[plan.at + alarmSlot.state]!]
      if (state !== 'unacknowledged' && state !== 'returned') return false
      return site.act(seat, 'acknowledge', id, 1, '')
    },
    history(id, from, to, points) {
      fresh()
      const plan = layout.index.get(id)
      if (!plan?.tag.logged || !(to > from) || !(points >= 1)) return []
      const now = seat.run.step * stepMs
      const begin = Math.max(from, now - daysKept * 86_400_000)
      const end = Math.min(to, now)
      const count = Math.min(pointsAtMost, Math.floor(points), Math.floor((end - begin) / 1000) + 1)
      // Days before the records are made when somebody first asks for them.
      if (begin < now - 25 * 3_600_000) site.past.wanted = true
      const { branch } = seat
      const found: { at: number; value: number }[] = []
      for (let i = 0; i < count; i++) {
        const at = count === 1 ? end : begin + ((end - begin) * i) / (count - 1)
        const value = (branch && at >= branch.since ? branch.run.history.at(plan, at) : undefined) ?? site.base.history.at(plan, at) ?? site.past.at(plan, at)
        if (value !== undefined) found.push({ at: Math.floor(at / 1000) * 1000, value })
      }
      return found
    },
    onStep(listener) {
      const heard = (snapshot: Snapshot): void => listener(snapshot)
      own.steps.add(heard)
      seat.steps.add(heard)
      return () => {
        own.steps.delete(heard)
        seat.steps.delete(heard)
      }
    },
    onConsequence(listener) {
      const heard = (consequence: Consequence): void => listener(consequence)
      own.consequences.add(heard)
      seat.consequences.add(heard)
      return () => {
        own.consequences.delete(heard)
        seat.consequences.delete(heard)
      }
    },
    release() {
      if (released) return
      released = true
      seat.views--
      seat.seen = host.clock()
      for (const listener of own.steps) seat.steps.delete(listener)
      for (const listener of own.consequences) seat.consequences.delete(listener)
    },
  }
}
