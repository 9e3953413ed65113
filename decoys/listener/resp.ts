/** RESP, what clients of Redis send (Redis serialization protocol specification): arrays of bulk strings, and inline commands. */

const mostArguments = 64
const longest = 65_536

/** One command and the bytes it took; `more` when it is not whole, `broken` when Redis would not take it either. */
export function readCommand(bytes: Buffer): { words: string[]; used: number } | 'more' | 'broken' {
  if (bytes.length === 0) return 'more'
  if (bytes[0] !== 0x2a) return inline(bytes)
  const head = number(bytes, 1)
  if (head === undefined) return bytes.length > 32 ? 'broken' : 'more'
  if (!(head.value >= 0 && head.value <= mostArguments)) return 'broken'
  const words: string[] = []
  let at = head.next
  for (let left = head.value; left > 0; left--) {
    if (at >= bytes.length) return 'more'
    if (bytes[at] !== 0x24) return 'broken'
    const length = number(bytes, at + 1)
    if (!length) return bytes.length - at > 32 ? 'broken' : 'more'
    if (!(length.value >= 0 && length.value <= longest)) return 'broken'
    if (length.next + length.value + 2 > bytes.length) return 'more'
    words.push(bytes.toString('latin1', length.next, length.next + length.value))
    at = length.next + length.value + 2
  }
  return { words, used: at }
}

/** A decimal number that CR LF ends. */
function number(bytes: Buffer, at: number): { value: number; next: number } | undefined {
  const end = bytes.subarray(at, at + 24).indexOf('\r\n')
  if (end < 1) return undefined
  const text = bytes.toString('latin1', at, at + end)
  return { value: /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN, next: at + end + 2 }
}

function inline(bytes: Buffer): { words: string[]; used: number } | 'more' | 'broken' {
  const end = bytes.subarray(0, longest).indexOf(10)
  if (end < 0) return bytes.length >= longest ? 'broken' : 'more'
  const line = bytes.toString('latin1', 0, end).trim()
  return { words: line === '' ? [] : line.split(/[ \t]/, mostArguments).filter((word) => word !== ''), used: end + 1 }
}
