/**
 * How many decoys an attacker touches before the first real host: closed forms, and the same by simulation.
 *
 * Random order, without looking twice: each of R real hosts and D decoys is met in a uniformly drawn order, so each decoy comes before all real ones with
 * probability 1/(R+1), and D/(R+1) of them do (the mean of a negative hypergeometric distribution).
 * Ascending order: the decoys stand where they stand; of real hosts some addresses are known and the rest are anywhere among those that are neither.
 * By port: random order among the hosts that offer it, where every real host is taken to offer it as well: the least that it can be.
 */

export interface Field {
  /** Sorted offsets of decoys that answer. */
  decoys: readonly number[]
  /** Sorted offsets of real hosts whose place is known. */
  known: readonly number[]
  /** Real hosts in all, at least those known. */
  real: number
  /** Usable addresses: offsets 0 to `size` - 1. */
  size: number
}

/** Decoys met before the first of `real` hosts, in random order; all of them where there is no real host. */
export const touchesAtRandom = (decoys: number, real: number): number => decoys / (real + 1)

/** Decoys met before the first real host by one who goes from the lowest address up. */
export function touchesAscending({ decoys, known, real, size }: Field): number {
  const first = known[0] ?? Number.POSITIVE_INFINITY
  const unknown = Math.max(0, real - known.length)
  const others = size - decoys.length - known.length
  let expected = 0
  // Chance that none of the unknown lies among the `passed` free addresses below: falls from factor to factor, so no binomial grows large.
  let none = 1
  let passed = 0
  let before = -1
  for (const at of decoys) {
    if (at > first) break
    const gap = at - before - 1
    for (let step = 0; step < gap; step++) {
      none *= others - passed > 0 ? Math.max(0, others - passed - unknown) / (others - passed) : 1
      passed++
    }
    before = at
    expected += none
  }
  return expected
}

/** Numbers in [0, 1) from a seed: xorshift of 32 bits, enough for counting. */
function numbersOf(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** The same by trying: mean touches of `rounds` attackers. */
export function simulateTouches(field: Field, order: 'random' | 'ascending', rounds: number, seed = 1): number {
  const { decoys, known, real, size } = field
  const number = numbersOf(seed)
  const taken = new Uint8Array(size)
  for (const at of decoys) taken[at] = 1
  for (const at of known) taken[at] = 2
  const others = Array.from({ length: size }, (_, at) => at).filter((at) => taken[at] === 0)
  const unknown = Math.min(others.length, Math.max(0, real - known.length))
  let sum = 0
  for (let round = 0; round < rounds; round++) {
    if (order === 'random') {
      // Hosts one after the other out of an urn, until a real one comes.
      let left = decoys.length
      for (let hosts = left + real; left > 0 && number() * hosts < left; hosts--) {
        left--
        sum++
      }
      continue
    }
    let first = known[0] ?? size
    for (let drawn = 0; drawn < unknown; drawn++) {
      const at = drawn + Math.floor(number() * (others.length - drawn))
      const place = others[at] as number
      others[at] = others[drawn] as number
      others[drawn] = place
      first = Math.min(first, place)
    }
    for (const at of decoys) {
      if (at > first) break
      sum++
    }
  }
  return sum / rounds
}
