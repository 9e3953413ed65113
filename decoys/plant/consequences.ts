/** What an adversary's writes come to: alarms, trips and losses of its branch that the undisturbed plant did not have. */
import { limitOf, normalState, type Watch } from './alarms.ts'
import { type AlarmPlan, alarmSlot, type InterlockPlan, interlockSlot } from './layout.ts'
import type { Consequence } from './plant.ts'
import type { Run } from './run.ts'
import type { Write } from './saved.ts'

/** How long after a write something may be put down to it. */
export const windowMs = 30 * 60_000
const writesKept = 64

export interface Ledger {
  readonly watch: Watch
  readonly writes: Write[]
  readonly told: Map<string, Write>
  add(write: Write): void
}

const unitOf = (tag: string): string => tag.slice(0, tag.indexOf('.'))
const zoneOf = (tag: string): string => tag.split('.', 2).join('.')

/** Opens the ledger of a branch. `undisturbed` is asked whether the same happened without anybody's doing; `now` is the branch's own time, `defeated` what of a unit's safety it left otherwise. */
export function openLedger(
  undisturbed: Run,
  now: () => number,
  tell: (consequence: Consequence) => void,
  writes: Write[] = [],
  told: [string, Write][] = [],
  defeated: (unit: string) => NonNullable<Consequence['defeated']> = () => [],
): Ledger {
  const known = new Map(told)
  /** The write that something in this place is put down to: the last on the same zone, else the last on the same unit, that changed anything. */
  const cause = (tag: string): Write | undefined => {
    const recent = writes.filter((write) => now() - write.at <= windowMs && write.value !== write.before && unitOf(write.tag) === unitOf(tag))
    return recent.findLast((write) => zoneOf(write.tag) === zoneOf(tag)) ?? recent.at(-1)
  }
  const say = (kind: Consequence['kind'], id: string, tag: string, value: number, limit: number | undefined, write: Write): void =>
    tell({
      at: now(),
      kind,
      id,
      tag,
      value,
      ...(limit !== undefined && { limit }),
      after: { tag: write.tag, value: write.value, at: write.at },
      defeated: defeated(unitOf(tag)),
    })
  const compares = (when: string): boolean => when === 'above' || when === 'below'
  const begins = (kind: Consequence['kind'], plan: AlarmPlan | InterlockPlan, value: number, limit: number): void => {
    const write = cause(plan.tag)
    if (!write) return
    known.set(plan.id, write)
    say(kind, plan.id, plan.tag, value, compares(plan.limit.when) ? limit : undefined, write)
  }
  const ends = (plan: AlarmPlan | InterlockPlan, value: number): void => {
    const write = known.get(plan.id)
    if (!write) return
    known.delete(plan.id)
    const after = now() - write.at <= windowMs ? write : cause(plan.tag)
    if (after) say('recovered', plan.id, plan.tag, value, undefined, after)
  }
  return {
    writes,
    told: known,
    add(write) {
      writes.push(write)
      if (writes.length > writesKept) writes.shift()
    },
    watch: {
      alarm(plan, raised, value, limit) {
        if (!raised) ends(plan, value)
        else if (undisturbed.f[plan.at + alarmSlot.state] === normalState) begins(plan.template.means, plan, value, limit)
      },
      interlock(plan, active, value, limit) {
        if (!active) ends(plan, value)
        else if (undisturbed.f[plan.at + interlockSlot.active] === 0) begins(plan.template.kind, plan, value, limit)
      },
    },
  }
}

/** What a refused write ran into, to be told at once. */
export function refusal(plan: InterlockPlan, f: Float64Array, write: Write): Consequence {
  const limit = plan.limit.when === 'above' || plan.limit.when === 'below' ? { limit: limitOf(f, plan.limit) } : {}
  return {
    at: write.at,
    kind: 'interlock',
    id: plan.id,
    tag: write.tag,
    value: f[plan.limit.value]!,
    ...limit,
    after: { tag: write.tag, value: write.value, at: write.at },
  }
}
