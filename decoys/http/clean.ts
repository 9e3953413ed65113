/** Attacker text for events, with a quick way for what is plain already. */
import { isUtf8 } from 'node:buffer'
import { escapeBytes } from '@shenlou/contract/bytes'
import type { Field } from './head.ts'

const plain = /^[\x20-\x5b\x5d-\x7e]*$/

/** Latin-1 text of raw bytes, escaped and at most `max` characters. */
export function clean(text: string, max: number): string {
  if (plain.test(text)) return text.length > max ? text.slice(0, max) : text
  return cut(escapeBytes(Buffer.from(text.length > max ? text.slice(0, max) : text, 'latin1')), max)
}

/** Raw bytes, escaped and at most `max` characters. */
export function cleanBytes(bytes: Uint8Array, max: number): string {
  const part = bytes.length > max ? bytes.subarray(0, max) : bytes
  if (part.length < 4096) {
    const text = Buffer.from(part.buffer, part.byteOffset, part.length).toString('latin1')
    if (plain.test(text)) return text
  }
  return cut(escapeBytes(part), max)
}

/** Bytes of an answer that an event shows. */
const pageBytes = 16_384
/** Characters of ordinary pages that stand for themselves; all others are left to `escapeBytes`. */
const unusual = /[^\x20-\x5b\x5d-\x7e\u00a9\u00b7\u2013\u2014\u2018-\u201d\u3000-\u3011\u4e00-\u9fff\uff01-\uff5e]+/g

/** The first 16 KiB of a page that was sent, escaped. */
export function cleanPage(body: Buffer): string {
  let end = Math.min(body.length, pageBytes)
  // Not within a character: the cut would look like bytes that are none.
  if (end < body.length) for (let back = 0; back < 3 && ((body[end] as number) & 0xc0) === 0x80; back++) end--
  const part = body.subarray(0, end)
  if (!isUtf8(part)) return escapeBytes(part)
  return part.toString('utf8').replace(unusual, (text) => escapeBytes(Buffer.from(text)))
}
/** Whether `cleanPage` leaves something out. */
export const isLongPage = (body: Buffer): boolean => body.length > pageBytes

/** Never cuts within an escape or a surrogate pair. */
function cut(text: string, max: number): string {
  if (text.length <= max) return text
  let end = max
  const back = text.lastIndexOf('\\', end - 1)
  if (back >= 0 && end - back < 4) {
    // An even run of backslashes before `back` means that it starts an escape.
    let run = 0
    while (text[back - 1 - run] === '\\') run++
    const starts = run % 2 === 0
    const length = text[back + 1] === 'x' ? 4 : 2
    if (starts && back + length > end) end = back
    else if (!starts && back - 1 + 2 > end) end = back - 1
  }
  const last = text.charCodeAt(end - 1)
  if (last >= 0xd800 && last < 0xdc00) end--
  return text.slice(0, end)
}

/** Headers for an event: at most 200; what does not fit is one last entry without a name. */
export function cleanFields(fields: readonly Field[]): [string, string][] {
  const out: [string, string][] = []
  const whole = fields.length > 200 ? 199 : fields.length
  for (let i = 0; i < whole; i++) {
    const [name, value] = fields[i] as Field
    out.push([clean(name, 512), clean(value, 16_384)])
  }
  if (whole < fields.length) {
    const rest = fields.slice(whole)
    out.push(['', clean(rest.map(([name, value]) => `${name}: ${value}`).join('\r\n'), 16_384)])
  }
  return out
}
