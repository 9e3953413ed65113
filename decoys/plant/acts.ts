/**
 * What adversaries did to their branches since each was last saved in full, kept in one small file a plant and written before the device answers. The engine
 * gives the same curve for the same acts, so that nothing of it is lost when the host is killed.
 */
import { acknowledge } from './alarms.ts'
import { stepMs } from './engine.ts'
import type { Layout } from './layout.ts'
import type { Ledger } from './consequences.ts'
import type { Run } from './run.ts'

export interface Act {
  /** Counts the acts on a branch from 1. */
  n: number
  /** The step after which it was done. */
  step: number
  kind: 'write' | 'mode' | 'acknowledge'
  /** A tag, a unit, an alarm. */
  id: string
  value: number
  note: string
}

/** Does it, live or again. False when there was nothing to do. */
export function perform(layout: Layout, run: Run, ledger: Ledger, { step, kind, id, value, note }: Act): boolean {
  const at = step * stepMs
  if (kind === 'acknowledge') {
    const alarm = layout.alarms.get(id)
    return alarm !== undefined && acknowledge(run.f, alarm, at)
  }
  if (kind === 'mode') {
    const unit = layout.unitIndex.get(id)
    if (!unit) return false
    ledger.add({ tag: `${id}.Mode`, value: 1 - value, before: 1 - run.f[unit.stopped]!, at, note })
    run.f[unit.stopped] = value
  } else {
    const plan = layout.index.get(id)
    if (!plan) return false
    ledger.add({ tag: id, value, before: run.f[plan.source]!, at, note })
    run.f[plan.source] = value
    run.f[plan.touched] = 1
  }
  run.touch()
  return true
}

export interface Acts {
  readonly size: number
  /** Branches that have any. */
  readonly adversaries: Iterable<string>
  add(adversary: string, since: number, act: Act): void
  /** Those on a branch after its `n`th, in order. `since` tells the branch from an earlier one of the same adversary. */
  after(adversary: string, since: number, n: number): Act[]
  /** The branch was saved in full, or dropped. */
  forget(adversary: string): void
  /** Which of these adversaries has the most. */
  most(adversaries: Iterable<string>): string | undefined
  /** What to keep, when it is another than was last asked for. */
  changed(): Uint8Array | undefined
}

const magic = 'shenlou-acts-1'

/** Opens the acts that were kept; those of another template or seed, and bytes that are none, are passed over. */
export function openActs(layout: Layout, saved: Uint8Array | undefined): Acts {
  const branches = new Map<string, { since: number; acts: Act[] }>()
  let dirty = false
  try {
    const {
      format,
      fingerprint,
      branches: kept,
    } = JSON.parse(new TextDecoder().decode(saved)) as {
      format: string
      fingerprint: number
      branches: [string, number, Act[]][]
    }
    if (format === magic && fingerprint === layout.fingerprint)
      for (const [adversary, since, acts] of kept)
        branches.set(adversary, { since, acts: acts.filter(({ n, step, value }) => [n, step].every(Number.isSafeInteger) && Number.isFinite(value)) })
  } catch {
    branches.clear()
  }
  return {
    get size() {
      let size = 0
      for (const { acts } of branches.values()) size += acts.length
      return size
    },
    get adversaries() {
      return branches.keys()
    },
    add(adversary, since, act) {
      const known = branches.get(adversary)
      if (known?.since === since) known.acts.push(act)
      else branches.set(adversary, { since, acts: [act] })
      dirty = true
    },
    after(adversary, since, n) {
      const known = branches.get(adversary)
      return known?.since === since ? known.acts.filter((act) => act.n > n) : []
    },
    forget(adversary) {
      if (branches.delete(adversary)) dirty = true
    },
    most(adversaries) {
      const count = (adversary: string | undefined): number => branches.get(adversary ?? '')?.acts.length ?? 0
      let most: string | undefined
      for (const adversary of adversaries) if (count(adversary) > count(most)) most = adversary
      return most
    },
    changed() {
      if (!dirty) return undefined
      dirty = false
      const kept = [...branches].map(([adversary, { since, acts }]) => [adversary, since, acts])
      return new TextEncoder().encode(JSON.stringify({ format: magic, fingerprint: layout.fingerprint, branches: kept }))
    },
  }
}
