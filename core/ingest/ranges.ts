/** Sets of sequence numbers as sorted, disjoint intervals: what of one sensor's epoch is committed or on its way. */

export type Range = [first: number, last: number]

/** Adds `range`, joining neighbours. Answers the interval that now holds it. */
export function addRange(ranges: Range[], [first, last]: Range): Range {
  let from = first
  let to = last
  let at = ranges.findIndex((range) => range[1] >= first - 1)
  if (at === -1) at = ranges.length
  let count = 0
  for (let next = ranges[at]; next && next[0] <= to + 1; next = ranges[at + ++count]) {
    from = Math.min(from, next[0])
    to = Math.max(to, next[1])
  }
  const joined: Range = [from, to]
  ranges.splice(at, count, joined)
  return joined
}

/** The parts of `range` that are in none of `ranges`, in order. */
export function missingIn(ranges: readonly Range[], [first, last]: Range): Range[] {
  const missing: Range[] = []
  let at = first
  for (const [from, to] of ranges) {
    if (to < at) continue
    if (from > last) break
    if (from > at) missing.push([at, from - 1])
    at = to + 1
  }
  if (at <= last) missing.push([at, last])
  return missing
}

/** Whether `range` touches any of `ranges`. */
export const overlaps = (ranges: readonly Range[], [first, last]: Range): boolean => ranges.some(([from, to]) => from <= last && to >= first)

/** The highest number below which, from 1 on, everything is there; 0 when 1 is missing. */
export const cumulative = (ranges: readonly Range[]): number => (ranges[0]?.[0] === 1 ? ranges[0][1] : 0)
