/** Bytes that two installations share, less what real servers of the same run send and what the reviewed list explains. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Length of the runs that are compared. */
const length = 8
/** Bytes of a run that may agree by chance beside explained ones: two drawn names begin alike, two drawn numbers end alike. */
const chance = 3

export interface Reviewed {
  line: string
  reason: string
  /** Part of a capture, with `*` for anything. */
  where: RegExp
  /** Words of letters alone, which it explains where they stand whole. */
  letters: ReadonlySet<string>
  /** Other bytes that it explains, in Latin-1. */
  bytes: RegExp | undefined
  /** Whether `bytes` is asked of what two captures share in one piece, not of the whole part. */
  alone: boolean
}

/**
 * A line of the list: where, kind, text and reason, divided by tabs. Kinds: `words` (whole words, divided by blanks), `match` (a regular expression),
 * `alone` (a regular expression over what two captures share in one piece, so that a word passes and a sentence does not).
 * Throws an Error that names a line that is none.
 */
export function parseReviewed(text: string): Reviewed[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [where = '', kind = '', content = '', reason = '', more] = line.split('\t')
      if (!['words', 'match', 'alone'].includes(kind) || content === '' || reason === '' || more !== undefined)
        throw new Error(`common-bytes.txt: where, kind, text and reason are needed, divided by tabs: ${line}`)
      const bytes = Buffer.from(content, 'utf8').toString('latin1')
      const words = kind === 'words' ? bytes.split(' ') : []
      const others = words.filter((word) => !/^[A-Za-z]+$/.test(word)).sort((a, b) => b.length - a.length)
      const pattern = kind === 'words' ? others.map(whole).join('|') : bytes
      return {
        line,
        reason,
        where: new RegExp(`^${where.split('*').map(literal).join('.*')}$`),
        letters: new Set(words.filter((word) => /^[A-Za-z]+$/.test(word))),
        bytes: pattern === '' ? undefined : new RegExp(pattern, 'gs'),
        alone: kind === 'alone',
      }
    })
}
const literal = (word: string): string => word.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
/** A word between other signs: no letter beside its letters, no letter or digit beside its digits. */
const whole = (word: string): string =>
  `${/^[A-Za-z]/.test(word) ? '(?<![A-Za-z])' : '(?<![A-Za-z0-9])'}${literal(word)}${/[A-Za-z]$/.test(word) ? '(?![A-Za-z])' : '(?![A-Za-z0-9])'}`

/** The reviewed list. */
export const reviewed = parseReviewed(readFileSync(join(import.meta.dirname, 'common-bytes.txt'), 'utf8'))

/** All runs of eight bytes. */
export function grams(bytes: Buffer, into = new Set<string>()): Set<string> {
  const text = bytes.toString('latin1')
  for (let at = 0; at + length <= text.length; at++) into.add(text.slice(at, at + length))
  return into
}

/** Runs of eight bytes in both, by the part they came from, that neither a real server nor the list explains. */
export function unexplained(
  one: ReadonlyMap<string, Buffer>,
  two: ReadonlyMap<string, Buffer>,
  real: ReadonlySet<string>,
  list: readonly Reviewed[] = reviewed,
): Map<string, string[]> {
  const right = new Set<string>()
  for (const bytes of two.values()) grams(bytes, right)
  const out = new Map<string, string[]>()
  for (const [part, bytes] of one) {
    const text = bytes.toString('latin1')
    const shared: boolean[] = []
    for (let at = 0; at + length <= text.length; at++) shared.push(right.has(text.slice(at, at + length)))
    if (!shared.includes(true)) continue
    const explained = marks(
      text,
      shared,
      list.filter(({ where }) => where.test(part)),
    )
    const found = new Set<string>()
    let own = 0
    for (let at = 0; at < text.length; at++) {
      own += explained[at] ? 0 : 1
      if (at >= length) own -= explained[at - length] ? 0 : 1
      const start = at - length + 1
      if (start < 0 || !shared[start] || own <= chance) continue
      const gram = text.slice(start, at + 1)
      if (!real.has(gram)) found.add(gram)
    }
    if (found.size > 0) out.set(part, [...found])
  }
  return out
}

/** Which bytes the lines explain. */
function marks(text: string, shared: readonly boolean[], list: readonly Reviewed[]): Uint8Array {
  const out = new Uint8Array(text.length)
  const letters = new Set(list.flatMap((line) => [...line.letters]))
  for (const word of text.matchAll(/[A-Za-z]+/g)) if (letters.has(word[0])) out.fill(1, word.index, word.index + word[0].length)
  const fill = (bytes: RegExp | undefined, within: string, from: number): void => {
    if (bytes) for (const match of within.matchAll(bytes)) out.fill(1, from + match.index, from + match.index + match[0].length)
  }
  for (const { bytes, alone } of list) if (!alone) fill(bytes, text, 0)
  const lines = list.filter(({ alone }) => alone)
  for (let at = 0; at < shared.length; at++) {
    if (!shared[at]) continue
    let end = at
    while (shared[end]) end++
    for (const { bytes } of lines) fill(bytes, text.slice(at, end + length - 1), at)
    at = end
  }
  return out
}
