/** Seeded mutation of bytes that real peers send: the same seed and number give the same bytes. */

export type Random = (below: number) => number

/** xorshift32 from a text; whole numbers below `below`. */
export function random(seed: string): Random {
  let state = 2_166_136_261
  for (const character of seed) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16_777_619) >>> 0
  state ||= 1
  return (below) => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % Math.max(1, below)
  }
}

/** Largest input; longer ones are cut. */
export const maxInput = 256 * 1024

const lengths = [0, 1, 4, 5, 127, 128, 255, 256, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff]
const words = [
  '\r\n',
  '\r\n\r\n',
  '\0',
  '%00',
  '../',
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  ',',
  '|',
  '=',
  '\\',
  '\\|',
  '\u001b[',
  '\u202e',
  'null',
  'true',
  '1e999',
  '-1',
  '9007199254740993',
  '__proto__',
  '\ud83d\ude00',
  '\ud800',
  'chunked',
  'Content-Length: 99999999999\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Host: \r\n',
  'CEF:0|',
  '<34>1 ',
  'T1110.001',
]

type Change = (input: Buffer, pick: Random, corpus: readonly Buffer[]) => Buffer

const changes: readonly Change[] = [
  // A bit, a byte, a big-endian length.
  (input, pick) => {
    const out = Buffer.from(input)
    if (out.length > 0) out[pick(out.length)] = (out[pick(out.length)] as number) ^ (1 << pick(8))
    return out
  },
  (input, pick) => {
    const out = Buffer.from(input)
    if (out.length > 0) out[pick(out.length)] = [0, 0xff, 0x7f, 0x80, 0x0a, 0x20, 0x22][pick(7)] as number
    return out
  },
  (input, pick) => {
    const out = Buffer.from(input)
    if (out.length >= 4) out.writeUInt32BE(lengths[pick(lengths.length)] as number, pick(out.length - 3))
    return out
  },
  (input, pick) => {
    const out = Buffer.from(input)
    if (out.length >= 2) out.writeUInt16BE((lengths[pick(lengths.length)] as number) & 0xffff, pick(out.length - 1))
    return out
  },
  // Something goes in, out, twice, or elsewhere.
  (input, pick) => insert(input, pick(input.length + 1), Buffer.from(words[pick(words.length)] as string)),
  (input, pick) => insert(input, pick(input.length + 1), Buffer.from(Array.from({ length: 1 + pick(40) }, () => pick(256)))),
  (input, pick) => {
    const at = pick(input.length + 1)
    return Buffer.concat([input.subarray(0, at), input.subarray(at + pick(Math.min(64, input.length - at) + 1))])
  },
  (input, pick) => {
    const at = pick(input.length + 1)
    const part = input.subarray(at, at + 1 + pick(200))
    return insert(input, at, Buffer.concat(Array.from({ length: 1 + pick(pick(12) === 0 ? 600 : 4) }, () => part)))
  },
  (input, pick) => input.subarray(0, pick(input.length + 1)),
  (input, pick, corpus) => {
    const other = corpus[pick(corpus.length)] ?? input
    return Buffer.concat([input.subarray(0, pick(input.length + 1)), other.subarray(pick(other.length + 1))])
  },
  // A number in text becomes another.
  (input, pick) => {
    const text = input.toString('latin1')
    const numbers = [...text.matchAll(/\d{1,12}/g)]
    const hit = numbers[pick(numbers.length)]
    if (!hit) return input
    const value = ['0', '-1', '65536', '4294967296', '99999999999999999999', '0x10', '1e9', ''][pick(8)] as string
    return Buffer.from(text.slice(0, hit.index) + value + text.slice(hit.index + hit[0].length), 'latin1')
  },
]

const insert = (input: Buffer, at: number, part: Buffer): Buffer => Buffer.concat([input.subarray(0, at), part, input.subarray(at)])

/** One of the corpus with one to five changes; now and then it stays as it is, so that what follows real bytes is met too. */
export function mutate(corpus: readonly Buffer[], pick: Random): Buffer {
  let out = corpus[pick(corpus.length)] ?? Buffer.alloc(0)
  for (let left = pick(6); left > 0; left--) out = (changes[pick(changes.length)] as Change)(out, pick, corpus).subarray(0, maxInput)
  return Buffer.from(out)
}
