/** Rules of nginx's head parser: its states, buffers, tables, and what it takes for a host. */

export const SPACE = 0x20
export const CR = 0x0d
export const LF = 0x0a

const numbered = <const T extends readonly string[]>(...names: T) => Object.fromEntries(names.map((name, i) => [name, i])) as { [K in T[number]]: number }
/** States of the parser, in the order a head passes them. */
export const S = numbered(
  'start',
  'method',
  'beforeUri',
  'schema',
  'schemaSlash',
  'schemaSlashSlash',
  'hostStart',
  'host',
  'hostLiteral',
  'hostEnd',
  'port',
  'uri',
  'afterUri',
  'http',
  'firstMajor',
  'major',
  'firstMinor',
  'minor',
  'afterVersion',
  'lineEnd',
  'headerStart',
  'name',
  'beforeValue',
  'value',
  'fieldEnd',
  'headEnd',
)

/** Bytes of the first buffer (`client_header_buffer_size`). */
export const firstBuffer = 1024
/** Bytes of each large buffer (`large_client_header_buffers`). */
export const largeBuffer = 8192
/** How many large buffers one head may fill. */
export const largeBuffers = 4

/** Bytes that a header name is made of; others make the line ignored. */
export const isNameByte = new Uint8Array(256)
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-') isNameByte[char.charCodeAt(0)] = 1
/** ASCII letter. */
export const isLetter = (c: number): boolean => (c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a
/** ASCII digit. */
export const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39

/** Headers of which nginx takes one only; a second one is a bad request. */
export const uniques = new Set([
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'if-match',
  'if-none-match',
  'referer',
  'content-length',
  'content-range',
  'content-type',
  'range',
  'if-range',
  'transfer-encoding',
  'expect',
  'upgrade',
  'authorization',
])

/** The host in lower case without its port, or undefined where nginx declines it. */
export function validHost(text: string, strict: boolean): string | undefined {
  let end = text.length
  let literal = false
  let dot = -2
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x2e) {
      if (dot === i - 1) return undefined
      dot = i
    } else if (c === 0x3a) {
      if (!literal && end === text.length) end = i
    } else if (c === 0x5b) {
      if (i === 0) literal = true
    } else if (c === 0x5d) {
      if (literal) {
        end = i + 1
        literal = false
      }
    } else if (c === 0x2f || c === 0) return undefined
    else if (strict && (c <= 0x20 || c === 0x7f)) return undefined
  }
  if (dot === end - 1) end--
  if (end === 0) return undefined
  return text.slice(0, end).toLowerCase()
}

const strictness = new Map<string, boolean>()
/** Whether this version has the rules of 1.21.1. */
export function isStrict(version: string): boolean {
  let strict = strictness.get(version)
  if (strict === undefined) {
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
    strict = major * 1e6 + minor * 1e3 + patch >= 1_021_001
    strictness.set(version, strict)
  }
  return strict
}
