/** Thresholds: the latest matching events of one group, and whether they are enough. Pure; the state is kept by the caller. */
import type { Rule } from './rule.ts'

/** One matching event inside a window. `values` are those of the distinct fields, hashed by the caller; `counted` once a finding has it. */
export interface Entry {
  time: number
  event: string
  session: string | null
  values: string[]
  field: string
  value: string
  counted: boolean
}

/**
 * Puts an event into the ring of its group and answers the entries that a finding now gains: none while there are too few, all that were not
 * counted yet as soon as there are enough. `ring` is changed; it never holds more than the threshold counts.
 */
export function addToWindow(ring: Entry[], entry: Entry, { count, withinMs, distinct }: NonNullable<Rule['threshold']>): Entry[] {
  const oldest = Math.max(entry.time, ...ring.map((each) => each.time)) - withinMs
  const keeps = (each: Entry): boolean => each.time >= oldest && !(distinct && each.values.some((value, at) => value === entry.values[at]))
  const kept = ring.filter(keeps)
  if (entry.time >= oldest) kept.push(entry)
  kept.sort((a, b) => a.time - b.time)
  ring.splice(0, ring.length, ...kept.slice(-count))
  if (ring.length < count) return []
  const gained = ring.filter((each) => !each.counted)
  for (const each of gained) each.counted = true
  return gained
}
