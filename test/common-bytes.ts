/** Bytes that two installations share, less what every web site, real servers and a reviewed list explain. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { withoutStandardWords } from '../decoys/portal/plain-web-fixture.ts'
import { grams } from './capture.ts'

/** The reviewed list: a JSON string of bytes (Latin-1), a tab, the reason. */
export const reviewed = readFileSync(join(import.meta.dirname, 'common-bytes.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [fragment = '', reason = ''] = line.split('\t')
    return { fragment: JSON.parse(fragment) as string, reason }
  })

const allowed = grams(Buffer.from(reviewed.map(({ fragment }) => fragment).join('\0\0\0\0\0\0\0\0'), 'latin1'))

/** Markup, header names and numbers of a web answer say nothing about an installation: only its words are compared. */
const words = (part: string, bytes: Buffer): Buffer =>
  part === 'portal' || part === 'portal malformed' ? Buffer.from(withoutStandardWords(bytes), 'latin1') : bytes

/** Chinese of up to four characters is vocabulary: 工程机械 stands on the pages of every maker. */
const vocabulary = (gram: string): boolean => !gram.includes('\0') && /^[\x80-\xff]+$/.test(gram)

/** Runs of eight bytes in both, by the part they came from, that nothing explains. */
export function unexplained(one: Map<string, Buffer>, two: Map<string, Buffer>, real: Set<string>): Map<string, string[]> {
  const right = grams(Buffer.concat([...two].map(([part, bytes]) => Buffer.concat([words(part, bytes), Buffer.alloc(8)]))))
  const left = [...one].map(([part, bytes]): [string, string[]] => [
    part,
    [...grams(words(part, bytes))].filter((gram) => right.has(gram) && !gram.includes('\0') && !real.has(gram) && !allowed.has(gram) && !vocabulary(gram)),
  ])
  return new Map(left.filter(([, found]) => found.length > 0))
}
