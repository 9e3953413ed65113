/** Seeded choice for the site generator: fast streams, each for one purpose. */
import type { Persona } from '../persona.ts'

export interface Random {
  /** Whole number, `from` to `to` inclusive. */
  int(from: number, to: number): number
  /** 0 inclusive to 1 exclusive. */
  real(): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  /** `count` different entries in drawn order, all when there are fewer. */
  sample<T>(from: readonly T[], count: number): T[]
  shuffle<T>(from: readonly T[]): T[]
  /** Lower-case hexadecimal digits. */
  hex(digits: number): string
  /** A word that can be spoken, of `syllables` syllables. */
  word(syllables: number): string
}

const onsets = 'b c d f g h j k l m n p q r s t v w x z br cl dr fl gr pl st tr'.split(' ')
const vowels = 'a e i o u ai ea io'.split(' ')

/** Numbers from 0 inclusive to 1 exclusive, the same for the same seed; quick, and even enough for grain (a linear congruence, Numerical Recipes). */
export function stream(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

/** A stream of its own for `purpose`: the same persona and purpose give the same choices. */
export function randomFor(persona: Persona, purpose: string): Random {
  const bytes = persona.draw(`portal ${purpose}`, 16)
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => bytes.readUInt32LE(at) | 0) as [number, number, number, number]
  // sfc32: small, fast and even enough for choosing words.
  const next = (): number => {
    const sum = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 4_294_967_296
  }
  for (let i = 0; i < 12; i++) next()
  const random: Random = {
    int: (from, to) => from + Math.floor(next() * (to - from + 1)),
    real: next,
    chance: (probability) => next() < probability,
    pick: (from) => from[Math.floor(next() * from.length)] as (typeof from)[number],
    sample: (from, count) => random.shuffle(from).slice(0, count),
    shuffle: (from) => {
      const out = [...from]
      for (let i = out.length - 1; i > 0; i--) {
        const j = Math.floor(next() * (i + 1))
        ;[out[i], out[j]] = [out[j] as (typeof from)[number], out[i] as (typeof from)[number]]
      }
      return out
    },
    hex: (digits) => Array.from({ length: digits }, () => '0123456789abcdef'[Math.floor(next() * 16)]).join(''),
    word: (syllables) => Array.from({ length: syllables }, () => random.pick(onsets) + random.pick(vowels)).join(''),
  }
  return random
}
