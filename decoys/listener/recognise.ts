/** Which protocol the first bytes of a client belong to, whatever port it knocked at. */
import { type Found, lineOf, mostLooked, type Recogniser } from './found.ts'
import { binaryRecognisers } from './recognise-binary.ts'
import { textRecognisers } from './recognise-text.ts'

/** All of them, in the order in which they are asked: text has openings that no binary one begins with. */
export const recognisers: readonly Recogniser[] = Object.freeze([...textRecognisers, ...binaryRecognisers])

/** The first that knows the bytes; `unknown` with the first line of text, where it is text. */
export function recognise(bytes: Buffer): Found {
  const looked = bytes.subarray(0, mostLooked)
  for (const { protocol, find } of recognisers) {
    const found = find(looked)
    if (found) return { protocol, ...found }
  }
  const line = lineOf(looked).slice(0, 256)
  return { protocol: 'unknown', request: /^[\t\x20-\x7e]+$/.test(line) ? line : '' }
}
