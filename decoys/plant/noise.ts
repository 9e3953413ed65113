/** Chance that belongs to the seed and the time, not to how often it was asked: the same step of the same plant draws the same numbers again. */

/** Mixes three whole numbers into one of 32 bits (the finaliser constants are those of lowbias32). */
export function mix(a: number, b: number, c: number): number {
  let h = (a | 0) ^ Math.imul(b | 0, 0x9e3779b1) ^ Math.imul(c | 0, 0x85ebca6b)
  h ^= h >>> 16
  h = Math.imul(h, 0x7feb352d)
  h ^= h >>> 15
  h = Math.imul(h, 0x846ca68b)
  return (h ^ (h >>> 16)) >>> 0
}

/** A number in [0, 1). */
export const chance = (a: number, b: number, c: number): number => mix(a, b, c) / 4_294_967_296

/** Quantiles of the normal distribution in 4,096 steps: reach is 3.67 standard deviations, so nothing is ever wild. */
const quantiles: Float64Array = (() => {
  const table = new Float64Array(4096)
  let sum = 0
  let next = 0
  const step = 1e-3
  const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
  for (let x = -4.5; x < 4.5 && next < 4096; x += step) {
    sum += density(x + step / 2) * step
    while (next < 4096 && (next + 0.5) / 4096 <= sum) table[next++] = x + step
  }
  return table
})()

/** A standard normal number. */
export const normal = (a: number, b: number, c: number): number => quantiles[mix(a, b, c) >>> 20] as number

/** Eight words of a seed of 64 hexadecimal digits. Throws when it is none. */
export function seedWords(seed: string): Uint32Array {
  if (!/^[0-9a-f]{64}$/.test(seed)) throw new Error('a plant seed is 64 hexadecimal digits in lower case')
  return Uint32Array.from({ length: 8 }, (_, i) => Number.parseInt(seed.slice(i * 8, i * 8 + 8), 16))
}

/** A number for a text, so that a draw follows a name and not its place in a list. */
export function textWord(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}
