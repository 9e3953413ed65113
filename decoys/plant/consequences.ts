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
  /** Units with a write that something may still be put down to. */
  written(): Set<string>
  /** The write that was named when this tag was said to have left the undisturbed plant. */
  processTold(tag: string): Write | undefined
  /** A tag left the undisturbed plant. False when no write, or none but the one named before, can be named for it: nothing is told then. */
  processBegins(tag: string, value: number, otherwise: number): boolean
  processEnds(tag: string, value: number, otherwise: number): void
}

const unitOf = (tag: string): string => tag.slice(0, tag.indexOf('.'))
const zoneOf = (tag: string): string => tag.split('.', 2).join('.')

/** Opens the ledger of a branch. `undisturbed` is asked whether the same happened without anybody's doing; `now` is the branch's own time, `defeated` what of a unit's safety it left otherwise, `moves` whether a tag drives the process. */
export function openLedger(
  undisturbed: Run,
  now: () => number,
  tell: (consequence: Consequence) => void,
  writes: Write[] = [],
  told: [string, Write][] = [],
  defeated: (unit: string) => NonNullable<Consequence['defeated']> = () => [],
  moves: (tag: string) => boolean = () => true,
): Ledger {
  const known = new Map(told)
  /** The write that something in this place is put down to: the last on the same zone, else the last on the same unit, that changed anything. */
  const causeAmong = (recent: Write[], tag: string): Write | undefined => recent.findLast((write) => zoneOf(write.tag) === zoneOf(tag)) ?? recent.at(-1)
  const effective = (): Write[] => writes.filter((write) => now() - write.at <= windowMs && write.value !== write.before)
  const ofUnit = (tag: string): Write[] => effective().filter((write) => unitOf(write.tag) === unitOf(tag))
  const cause = (tag: string): Write | undefined => causeAmong(ofUnit(tag), tag)
  /** A limit moves nothing as long as a write of what drives the machine can be named. */
  const mover = (tag: string): Write | undefined => {
    const recent = ofUnit(tag)
    return (
      causeAmong(
        recent.filter((write) => moves(write.tag)),
        tag,
      ) ?? causeAmong(recent, tag)
    )
  }
  const processKey = (tag: string): string => `process ${tag}`
  const say = (kind: Consequence['kind'], id: string, tag: string, value: number, limit: number | undefined, write: Write, otherwise?: number): void =>
    tell({
      at: now(),
      kind,
      id,
      tag,
      value,
      ...(limit !== undefined && { limit }),
      ...(otherwise !== undefined && { otherwise }),
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
    written: () => new Set(effective().map(({ tag }) => unitOf(tag))),
    processTold: (tag) => known.get(processKey(tag)),
    processBegins(tag, value, otherwise) {
      const write = mover(tag)
      if (!write || write.at === known.get(processKey(tag))?.at) return false
      known.set(processKey(tag), write)
      say('process', tag, tag, value, undefined, write, otherwise)
      return true
    },
    processEnds(tag, value, otherwise) {
      const write = known.get(processKey(tag))
      known.delete(processKey(tag))
      if (write && now() - write.at <= windowMs) say('recovered', tag, tag, value, undefined, write, otherwise)
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
