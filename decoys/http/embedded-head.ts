/** A small web server's reading of a request head: lines up to an empty one, few questions asked. What does not fit its buffer is refused. */
import type { Fault, Field, Head, HeadParser } from './head.ts'
import { RawBytes } from './raw-bytes.ts'

export interface EmbeddedHeadOptions {
  /** Bytes of a whole head. */
  limit: number
  /** Bytes of a target. */
  targetLimit: number
  /** Methods that it knows; another one is answered with `otherMethod`. */
  methods: readonly string[]
  otherMethod: number
}

const LF = 0x0a
const CR = 0x0d
const mostFields = 64

/** Request line (RFC 9112 section 3) and field lines (section 5) in bounded space; each byte is looked at once. */
export function embeddedHead(options: EmbeddedHeadOptions): HeadParser {
  const raw = new RawBytes(options.limit + 1)
  let at = 0
  let lineStart = 0
  let lines = 0
  let end = -1
  const parser: HeadParser & { done: boolean } = {
    done: false,
    get size() {
      return raw.size
    },
    get raw() {
      return raw.view()
    },
    push(bytes) {
      const before = raw.size
      // Empty lines before a request are passed over (RFC 9112 section 2.2).
      let skip = 0
      if (before === 0) while (skip < bytes.length && (bytes[skip] === LF || bytes[skip] === CR)) skip++
      raw.append(skip > 0 ? bytes.subarray(skip) : bytes)
      const view = raw.view()
      for (; at < view.length; at++) {
        if (view[at] !== LF) continue
        const lineEnd = at > lineStart && view[at - 1] === CR ? at - 1 : at
        const empty = lineEnd === lineStart
        lineStart = at + 1
        // A request of HTTP/0.9 is one line.
        if (empty || (lines === 0 && !/ HTTP\/\d/.test(view.toString('latin1', 0, Math.min(lineEnd, options.limit))))) {
          end = at + 1
          break
        }
        lines++
      }
      if (end >= 0) {
        parser.done = true
        const read = parse(view.toString('latin1', 0, end), options)
        if ('fault' in read) parser.fault = read.fault
        else parser.head = read.head
        return skip + end - before
      }
      if (raw.size > options.limit) {
        parser.done = true
        parser.fault = { status: lines === 0 ? 414 : 400, reason: lines === 0 ? 'request line too long' : 'request head too long', head: {} }
      }
      return bytes.length
    },
  }
  return parser
}

function parse(text: string, options: EmbeddedHeadOptions): { head: Head } | { fault: Fault } {
  const [first = '', ...rest] = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  const words = first.split(' ').filter((word) => word !== '')
  const [method = '', target = '', protocol] = words
  const headers: Field[] = []
  const fields = new Map<string, string>()
  const partial: Partial<Head> = { method: method.slice(0, 64), target, headers, fields }
  const refuse = (status: number, reason: string): { fault: Fault } => ({ fault: { status, reason, head: partial } })
  for (const line of rest.slice(0, mostFields)) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()]
    headers.push([name, value])
    const key = name.trim().toLowerCase()
    if (!fields.has(key)) fields.set(key, value)
  }
  const read = protocol === undefined ? ['', '0', '9'] : /^HTTP\/(\d)\.(\d)$/.exec(protocol)
  if (!read || words.length > 3 || !/^[A-Za-z]{1,20}$/.test(method)) return refuse(400, 'malformed request line')
  const version = protocol === undefined ? 9 : Number(read[1]) * 1000 + Number(read[2])
  partial.version = version
  if (version !== 9 && version !== 1000 && version !== 1001) return refuse(400, 'unknown version')
  if (!options.methods.includes(method)) return refuse(options.otherMethod, 'method not known')
  if (target.length > options.targetLimit) return refuse(414, 'target too long')
  const found = pathOf(target)
  if (!found) return refuse(400, 'malformed target')
  const length = fields.get('content-length')
  if (length !== undefined && !/^\d{1,12}$/.test(length)) return refuse(400, 'malformed Content-Length')
  const connection = fields.get('connection')?.toLowerCase() ?? ''
  return {
    head: {
      method,
      target,
      ...found,
      version,
      headers,
      fields,
      host: (fields.get('host') ?? '')
        .replace(/:\d{1,5}$/, '')
        .toLowerCase()
        .slice(0, 255),
      keepAlive: connection.includes('close') ? false : version === 1001 || (version === 1000 && connection.includes('keep-alive')),
      chunked: (fields.get('transfer-encoding') ?? '').toLowerCase() === 'chunked',
      contentLength: length === undefined ? -1 : Number(length),
      expectsContinue: version === 1001 && fields.get('expect')?.toLowerCase() === '100-continue',
    },
  }
}

/** Decoded path and raw query. Undefined for a target that is no path, leaves the root or hides a NUL. */
function pathOf(target: string): { path: string; query: string } | undefined {
  const local = /^https?:\/\/[^/?]{0,300}/i.exec(target)
  const text = local ? target.slice(local[0].length) || '/' : target
  if (!text.startsWith('/')) return undefined
  const mark = text.indexOf('?')
  const plain = (mark < 0 ? text : text.slice(0, mark)).replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
  if (plain.includes('\0') || plain.split(/[/\\]/).includes('..')) return undefined
  return { path: plain, query: mark < 0 ? '' : text.slice(mark + 1) }
}
