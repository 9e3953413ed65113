/** Byte ranges and conditions of static files (RFC 9110 sections 13 and 14), in nginx's reading. */
import type { StaticFile } from './answer.ts'
import { parseHttpDate } from './date.ts'

export type Range = { start: number; end: number }

/** Ranges of `bytes=...` with `end` exclusive; `undefined`: send the whole; `'unsatisfiable'`: 416. */
export function parseRanges(header: string, size: number, limit = 1000): Range[] | 'unsatisfiable' | undefined {
  if (!/^bytes=/i.test(header)) return undefined
  const ranges: Range[] = []
  let sum = 0
  for (const part of header.slice(6).split(',')) {
    const match = /^ {0,100}(\d{0,18}) {0,100}- {0,100}(\d{0,18}) {0,100}$/.exec(part)
    if (!match || (match[1] === '' && match[2] === '')) return 'unsatisfiable'
    let start: number
    let end: number
    if (match[1] === '') {
      start = Math.max(0, size - Number(match[2]))
      end = size
      if (Number(match[2]) === 0) continue
    } else {
      start = Number(match[1])
      end = match[2] === '' ? size : Math.min(size, Number(match[2]) + 1)
    }
    if (match[1] !== '' && match[2] !== '' && Number(match[1]) > Number(match[2])) return 'unsatisfiable'
    if (start >= end || start >= size) continue
    sum += end - start
    ranges.push({ start, end })
    if (ranges.length > limit) return undefined
  }
  if (ranges.length === 0) return 'unsatisfiable'
  if (sum > size) return undefined
  return ranges
}

/** ETag of a file in nginx's form: modification time and size, hexadecimal. */
export const nginxTag = (file: StaticFile): string => `"${file.modified.toString(16)}-${file.body.length.toString(16)}"`

const listed = (header: string, tag: string, weak: boolean): boolean => {
  if (header.trim() === '*') return true
  const bare = (text: string) => (weak && text.startsWith('W/') ? text.slice(2) : text)
  const wanted = bare(tag)
  return header.split(',').some((item) => bare(item.trim()) === wanted)
}

/** What the conditions of a request ask for a file: 200, 304 or 412. `since` decides when If-Modified-Since counts as met. */
export function condition(fields: ReadonlyMap<string, string>, modified: number, tag: string, since: 'exact' | 'before'): 200 | 304 | 412 {
  const unmodified = fields.get('if-unmodified-since')
  if (unmodified !== undefined) {
    const time = parseHttpDate(unmodified)
    if (time === undefined || modified > time) return 412
  }
  const match = fields.get('if-match')
  if (match !== undefined && !listed(match, tag, false)) return 412
  const ims = fields.get('if-modified-since')
  const none = fields.get('if-none-match')
  if (ims === undefined && none === undefined) return 200
  if (ims !== undefined) {
    const time = parseHttpDate(ims)
    const unchanged = time !== undefined && (since === 'exact' ? time === modified : time >= modified)
    if (!unchanged && (since === 'exact' || none === undefined)) return 200
  }
  if (none !== undefined && !listed(none, tag, true)) return 200
  return 304
}

/** Whether If-Range lets ranges be served. */
export function ifRangeHolds(header: string | undefined, modified: number, tag: string): boolean {
  if (header === undefined) return true
  if (header.endsWith('"')) return header === tag
  return parseHttpDate(header) === modified
}
