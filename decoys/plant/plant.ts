/** The plant as devices see it: one process, read in snapshots, written with consequence. */
import type { PlantTemplate, TagClass } from '@shenlou/contract/plant'
import type { TagRole } from '@shenlou/contract/plant-role'

/** All tags at one step of the plant. Immutable, and the same object for every reader of that step. */
export interface Snapshot {
  /** ms since 1970 UTC, of the plant's clock; a multiple of 100. */
  readonly at: number
  readonly step: number
  /** The value in engineering units, booleans 0 or 1; NaN for a tag that does not exist. */
  value(tag: string): number
  /** Whether the value can be trusted: false while a sensor is broken, and for a tag that does not exist. */
  good(tag: string): boolean
}

/** A tag of the plant; `id` is unit and local tag, such as `OV2.Z1.PV`. */
export interface PlantTag {
  readonly id: string
  readonly unitId: string
  readonly title: { readonly zh: string; readonly en: string }
  readonly class: TagClass
  /** What it is there for; every tag of a plant has one. */
  readonly role?: TagRole
  /** Booleans are 0 or 1, counters whole numbers. */
  readonly type: 'real' | 'bool' | 'count'
  /** Engineering unit, such as °C; empty for booleans and counters. */
  readonly unit: string
  readonly range: readonly [number, number]
  readonly access: 'read' | 'operator' | 'engineer'
  /** Whether the historian keeps it. */
  readonly logged: boolean
}

/** One alarm as an alarm list shows it. States after ISA-18.2; `returned` is back to normal and not yet acknowledged. */
export interface AlarmState {
  /** Unit and alarm, such as `OV2.Z2.HH`; what `acknowledge` takes. */
  id: string
  tag: string
  title: { readonly zh: string; readonly en: string }
  priority: 1 | 2 | 3 | 4
  state: 'normal' | 'unacknowledged' | 'acknowledged' | 'returned'
  /** When it came to this state, ms since 1970; 0 for an alarm that was never raised. */
  since: number
  /** The value that raised it, and the limit it was beyond (1 or 0 for conditions without one). */
  value: number
  limit: number
}

export type WriteResult =
  | { accepted: true; before: number; after: number }
  | { accepted: false; before: number; reason: 'unknown' | 'read-only' | 'range' | 'interlocked' | 'stopped' }

/**
 * What an adversary's write came to. Only what did not happen to the undisturbed plant too, and within 30 minutes of the write.
 * A controller that was stopped or started counts as a write of 0 or 1 to `UNIT.Mode`.
 */
export interface Consequence {
  at: number
  kind: 'alarm' | 'trip' | 'interlock' | 'damage' | 'quality' | 'process' | 'recovered'
  /** Unit and alarm or interlock; the tag itself where the process left the undisturbed one. */
  id: string
  tag: string
  value: number
  limit?: number
  /** What the undisturbed plant has there at the same time, where the process left it or came back to it. */
  otherwise?: number
  after: { tag: string; value: number; at: number }
  /** Tags of the unit's safety and protection that the adversary left another way than the undisturbed plant has them. */
  defeated?: { tag: string; value: number }[]
}

/** The plant as one adversary sees it: the undisturbed one until its first write, its own branch from then on. */
export interface PlantView {
  readonly id: string
  readonly template: PlantTemplate
  readonly branched: boolean
  readonly snapshot: Snapshot
  tag(id: string): PlantTag | undefined
  /** All tags in the order of the template, unit by unit. */
  tags(): readonly PlantTag[]
  /** Takes effect at once; booleans take 0 and 1 only, buttons 1 only. `note` (who and how) stays beside the write. */
  write(tag: string, value: number, by: { access: 'operator' | 'engineer'; note: string }): WriteResult
  /** Controllers of the plant, one a unit: stopping freezes the logic, outputs go to their safe state, the process drifts on. A unit that does not exist is 'stop'. */
  mode(unit: string): 'run' | 'stop'
  setMode(unit: string, mode: 'run' | 'stop'): void
  /** What the clock of the unit's controller shows, ms since 1970: it drifts by a second or two a day between settings. */
  controllerClock(unit: string): number
  alarms(): readonly AlarmState[]
  /** False when the alarm does not exist or waits for nobody. */
  acknowledge(alarm: string): boolean
  /** At most `points` (itself at most 2,000) values between two times, oldest first: by the second for the last hour, by the minute for 90 days. Empty for a tag that is not logged. */
  history(tag: string, from: number, to: number, points: number): { at: number; value: number }[]
  /** Called once a step while the plant keeps up with the clock, and once after it caught up. Returns its end. */
  onStep(listener: (snapshot: Snapshot) => void): () => void
  onConsequence(listener: (consequence: Consequence) => void): () => void
  release(): void
}

export interface Plants {
  /** Resolves when the plant has caught up with the clock. Rejects for a plant that was not given. */
  open(plant: string, adversary: string): Promise<PlantView>
  /** Hands what was written since to `save`: what is said or answered after it is true after a crash, too. Costs nothing when nothing was. */
  flush(): void
  close(): Promise<void>
}

export interface PlantsOptions {
  /** `seed` is 64 hexadecimal digits. */
  plants: { id: string; template: PlantTemplate; seed: string }[]
  /** ms since 1970 UTC. */
  clock(): number
  /** What was saved last; adversary '' is the undisturbed plant, '.acts' what was written to branches since they were saved. */
  load(plant: string, adversary: string): Promise<Uint8Array | undefined>
  /** Keeps at most 512 KiB; no bytes at all means to forget. */
  save(plant: string, adversary: string, bytes: Uint8Array): void
  log(line: string): void
  /** Branches of all plants together, in memory and saved (256). */
  maxBranches?: number
}

export { openPlants } from './plants.ts'
