/** Attacker bytes as text: one reversible, display-safe escape. */

const printable = (code: number): boolean =>
  code >= 0x20 &&
  code !== 0x5c &&
  !(code >= 0x7f && code <= 0x9f) && // DEL and C1 controls
  code !== 0xad && // soft hyphen
  code !== 0x61c && // Arabic letter mark
  !(code >= 0x115f && code <= 0x1160) && // Hangul fillers (invisible)
  !(code >= 0x180b && code <= 0x180f) && // Mongolian separators
  !(code >= 0x200b && code <= 0x200f) && // zero width, direction marks
  !(code >= 0x2028 && code <= 0x202e) && // line separators, bidi embedding
  !(code >= 0x2060 && code <= 0x206f) && // word joiner, bidi isolates
  !(code >= 0xd800 && code <= 0xf8ff) && // surrogates, private use
  !(code >= 0xfe00 && code <= 0xfe0f) && // variation selectors
  !(code >= 0xfff0 && code <= 0xffff) && // specials, noncharacters
  code !== 0xfeff &&
  !(code >= 0xe0000) // tags, private use planes

const byteEscape = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`

/** Length in bytes of the UTF-8 sequence at `at`, and its code point; 0 when it is not valid UTF-8 (RFC 3629 section 4). */
function sequence(bytes: Uint8Array, at: number): { length: number; code: number } {
  const first = bytes[at] as number
  if (first < 0x80) return { length: 1, code: first }
  const length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
  if (length === 0 || first >= 0xf5 || at + length > bytes.length) return { length: 0, code: 0 }
  let code = first & (0xff >> (length + 1))
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i] as number
    if ((next & 0xc0) !== 0x80) return { length: 0, code: 0 }
    code = (code << 6) | (next & 0x3f)
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return { length: 0, code: 0 }
  return { length, code }
}

/**
 * Bytes as printable text: valid, visible UTF-8 stays, every other byte (controls, bidi, zero width, invalid UTF-8) becomes
 * `\xNN` and a backslash becomes `\\`. `unescapeBytes` gives the exact bytes back.
 */
export function escapeBytes(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const { length, code } = sequence(bytes, at)
    if (length > 0 && printable(code)) {
      text += String.fromCodePoint(code)
      at += length
    } else if (bytes[at] === 0x5c) {
      text += '\\\\'
      at += 1
    } else {
      const end = at + Math.max(1, length)
      for (; at < end; at++) text += byteEscape(bytes[at] as number)
    }
  }
  return text
}

const utf8 = new TextEncoder()

/** The bytes that `escapeBytes` was given. Throws a RangeError when the text is not of that form. */
export function unescapeBytes(text: string): Uint8Array {
  const parts: Uint8Array[] = []
  const pattern = /\\(?:x([0-9a-f]{2})|(\\))|[^\\]+/gy
  let at = 0
  while (at < text.length) {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (!match) throw new RangeError(`bad escape at character ${at}`)
    at = pattern.lastIndex
    if (match[1] !== undefined) parts.push(Uint8Array.of(Number.parseInt(match[1], 16)))
    else if (match[2] !== undefined) parts.push(Uint8Array.of(0x5c))
    else parts.push(utf8.encode(match[0]))
  }
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}

/** Escapes a string that came from an attacker as text (UTF-16 in memory). */
export const escapeText = (text: string): string => escapeBytes(utf8.encode(text))
