/** nginx's answers: its pages, its headers in its order and casing, its rules for static files and for closing. */
import { hash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Answer, Dialect, RenderContext, Rendered, StaticFile } from './answer.ts'
import { cleanPage, isLongPage } from './clean.ts'
import { httpDate } from './date.ts'
import type { Fault, Field } from './head.ts'
import { nginxHead } from './nginx-head.ts'
import { condition, ifRangeHolds, nginxTag, parseRanges } from './ranges.ts'

const lines: Record<number, string> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  303: 'See Other',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Time-out',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Large',
  415: 'Unsupported Media Type',
  416: 'Requested Range Not Satisfiable',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
  505: 'HTTP Version Not Supported',
}
const titles: Record<number, string> = { ...lines, 302: 'Found', 401: 'Authorization Required' }
const notes: Record<number, string> = {
  494: 'Request Header Or Cookie Too Large',
  497: 'The plain HTTP request was sent to HTTPS port',
}
const padding = '<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n'.repeat(6)
/** After these nginx closes, whatever the client asked for. */
const closing = new Set([400, 413, 414, 494, 497, 500, 501])

export interface NginxOptions {
  /** Such as `1.20.1`: decides how strictly heads are read. */
  version: string
  /** The `Server` header, also at the foot of its own pages. */
  server: string
  /** `gzip on` with its default types (text/html). */
  gzip?: boolean
  /** client_max_body_size in bytes. */
  bodyLimit?: number
  /** Milliseconds; nginx's `keepalive_timeout`. */
  keepAliveMs?: number
  /** The site's own pages by status (`error_page`). */
  pages?: ReadonlyMap<number, StaticFile>
}

const nothing = Buffer.alloc(0)

/** What an answer says of itself besides its status; `length` or `chunked`. */
interface Parts {
  reason?: string
  type?: string
  length?: number
  modified?: number
  location?: string
  chunked?: boolean
  extra?: Field[]
  shown?: string
  sha256?: string
  page?: string
}

const chromeOrMsie = (agent: string): boolean => {
  const opera = agent.includes('Opera')
  const msie = agent.indexOf('MSIE ')
  if (msie >= 0 && msie + 7 < agent.length && !opera) return true
  return !opera && !agent.includes('Gecko/') && agent.includes('Chrome/')
}

/** The dialect of one nginx with its configuration. */
export function nginxDialect(options: NginxOptions): Dialect {
  const foot = `<hr><center>${options.server}</center>\r\n</body>\r\n</html>\r\n`
  const hot = new WeakMap<StaticFile, { date: string; close: boolean; rendered: Rendered }>()
  /** The server's own pages: a few for each status. */
  const words = new Map<string, { body: Buffer; shown: string; page: string }>()
  let boundary = Math.floor(Number(process.hrtime.bigint() % 1_000_000n))

  const ownPage = (code: number, status: number): string =>
    `<html>\r\n<head><title>${status} ${notes[code] ?? titles[status]}</title></head>\r\n<body>\r\n<center><h1>${status} ${titles[status]}</h1></center>\r\n${
      notes[code] ? `<center>${notes[code]}</center>\r\n` : ''
    }${foot}`

  /** The header filter: one order for all answers. */
  const assemble = (context: RenderContext, status: number, parts: Parts, body: Buffer | undefined, keepAlive: boolean): Rendered => {
    const version = context.head?.version ?? 1000
    const bare = context.head?.method === 'HEAD'
    const sent = bare || body === undefined ? nothing : body
    const seen = sent.length === 0 ? undefined : parts
    if (version < 1000)
      return { status, headers: [], bytes: sent, bodySize: sent.length, shown: seen?.shown, sha256: seen?.sha256, page: seen?.page, close: true }
    const headers: Field[] = [
      ['Server', options.server],
      ['Date', httpDate(context.now)],
    ]
    if (parts.type !== undefined) headers.push(['Content-Type', parts.type])
    // HEAD never meets the chunked filter.
    const chunked = parts.chunked === true && version > 1000 && !bare
    const untilClose = parts.chunked === true && version <= 1000
    if (parts.length !== undefined && !parts.chunked) headers.push(['Content-Length', String(parts.length)])
    if (parts.modified !== undefined) headers.push(['Last-Modified', new Date(parts.modified * 1000).toUTCString()])
    if (parts.location !== undefined) headers.push(['Location', parts.location])
    if (chunked) headers.push(['Transfer-Encoding', 'chunked'])
    const stays = keepAlive && !(untilClose && !bare)
    headers.push(['Connection', stays ? 'keep-alive' : 'close'])
    for (const field of parts.extra ?? []) headers.push(field)
    let text = `HTTP/1.1 ${status} ${parts.reason ?? lines[status] ?? ''}\r\n`
    for (const [name, value] of headers) text += `${name}: ${value}\r\n`
    text += chunked && sent.length > 0 ? `\r\n${sent.length.toString(16)}\r\n` : '\r\n'
    const tail = chunked ? (sent.length > 0 ? '\r\n0\r\n\r\n' : '0\r\n\r\n') : ''
    const bytes = Buffer.allocUnsafe(text.length + sent.length + tail.length)
    bytes.latin1Write(text, 0)
    sent.copy(bytes, text.length)
    bytes.latin1Write(tail, text.length + sent.length)
    return { status, headers, bytes, bodySize: sent.length, shown: seen?.shown, sha256: seen?.sha256, page: seen?.page, close: !stays }
  }

  /** Whether the gzip filter takes an answer: whole HTML, for HTTP/1.1 clients that accept it and are no proxy's. */
  const compresses = ({ head }: RenderContext, status: number, parts: Parts): boolean =>
    options.gzip === true &&
    (status === 200 || status === 403 || status === 404) &&
    (parts.length ?? 20) >= 20 &&
    parts.type?.startsWith('text/html') === true &&
    head !== undefined &&
    head.version > 1000 &&
    !head.fields.has('via') &&
    acceptsGzip(head.fields.get('accept-encoding'))

  /** The gzip filter comes before the header filter. */
  const filtered = (context: RenderContext, status: number, parts: Parts, body: Buffer, keepAlive: boolean, squeezed: () => Buffer): Rendered => {
    if (!compresses(context, status, parts)) return assemble(context, status, parts, body, keepAlive)
    const extra: Field[] = []
    for (const [name, value] of parts.extra ?? []) {
      if (name === 'ETag') extra.push([name, `W/${value}`])
      else if (name !== 'Accept-Ranges') extra.push([name, value])
    }
    extra.push(['Content-Encoding', 'gzip'])
    return assemble(context, status, { ...parts, length: undefined, chunked: true, extra }, squeezed(), keepAlive)
  }

  const error = (context: RenderContext, status: number, code: number, extra?: Field[], location?: string): Rendered => {
    const keepAlive = context.keepAlive && !closing.has(code)
    const own = options.pages?.get(code)
    if (own) {
      const tag: Field[] = [['ETag', nginxTag(own)]]
      const parts = { type: own.type, length: own.body.length, extra: [...(extra ?? []), ...tag], sha256: hashOf(own) }
      return filtered(context, status, parts, own.body, keepAlive, () => gzipped(own))
    }
    let text = ownPage(code, status)
    const agent = context.head?.fields.get('user-agent')
    if (status >= 400 && agent !== undefined && chromeOrMsie(agent)) text += padding
    let known = words.get(text)
    if (!known) {
      const body = Buffer.from(text, 'latin1')
      known = { body, shown: cleanPage(body), page: hash('sha256', body) }
      words.set(text, known)
    }
    const { body, ...seen } = known
    const parts = { type: 'text/html', length: body.length, location, extra, ...seen }
    return filtered(context, status, parts, body, keepAlive, () => gzipSync(body, { level: 1 }))
  }

  const file = (context: RenderContext, entry: StaticFile): Rendered => {
    const head = context.head
    const fields = head?.fields ?? new Map<string, string>()
    if (head && head.method !== 'GET' && head.method !== 'HEAD') return error(context, 405, 405)
    const tag = nginxTag(entry)
    const met = condition(fields, entry.modified, tag, 'exact')
    if (met === 412) return error(context, 412, 412)
    if (met === 304) return assemble(context, 304, { modified: entry.modified, extra: [['ETag', tag]] }, undefined, context.keepAlive)
    const parts: Parts = {
      type: entry.type,
      length: entry.body.length,
      modified: entry.modified,
      extra: [
        ['ETag', tag],
        ['Accept-Ranges', 'bytes'],
      ],
      sha256: hashOf(entry),
    }
    const range = compresses(context, 200, parts) ? undefined : fields.get('range')
    if (range !== undefined && head !== undefined && head.version >= 1000 && ifRangeHolds(fields.get('if-range'), entry.modified, tag)) {
      const ranges = parseRanges(range, entry.body.length)
      if (ranges === 'unsatisfiable') return unsatisfiable(context, entry)
      if (ranges !== undefined) return partial(context, entry, ranges, tag)
    }
    return filtered(context, 200, parts, entry.body, context.keepAlive, () => gzipped(entry))
  }

  const unsatisfiable = (context: RenderContext, entry: StaticFile): Rendered => error(context, 416, 416, [['Content-Range', `bytes */${entry.body.length}`]])

  const partial = (context: RenderContext, entry: StaticFile, ranges: { start: number; end: number }[], tag: string): Rendered => {
    const size = entry.body.length
    const only = ranges[0]
    if (ranges.length === 1 && only) {
      const extra: Field[] = [
        ['ETag', tag],
        ['Content-Range', `bytes ${only.start}-${only.end - 1}/${size}`],
      ]
      const body = entry.body.subarray(only.start, only.end)
      return assemble(context, 206, { type: entry.type, length: body.length, modified: entry.modified, extra, sha256: hashOf(entry) }, body, context.keepAlive)
    }
    const mark = String(++boundary).padStart(20, '0')
    const pieces: Buffer[] = []
    for (const { start, end } of ranges) {
      pieces.push(Buffer.from(`\r\n--${mark}\r\nContent-Type: ${entry.type}\r\nContent-Range: bytes ${start}-${end - 1}/${size}\r\n\r\n`))
      pieces.push(entry.body.subarray(start, end))
    }
    pieces.push(Buffer.from(`\r\n--${mark}--\r\n`))
    const body = Buffer.concat(pieces)
    const parts = {
      type: `multipart/byteranges; boundary=${mark}`,
      length: body.length,
      modified: entry.modified,
      extra: [['ETag', tag]] as Field[],
      sha256: hashOf(entry),
    }
    return assemble(context, 206, parts, body, context.keepAlive)
  }

  /** The plain GET of a file, ready for the whole second. */
  const hotFile = (context: RenderContext, entry: StaticFile): Rendered => {
    const date = httpDate(context.now)
    const held = hot.get(entry)
    if (held && held.date === date && held.close === !context.keepAlive) return held.rendered
    const rendered = file(context, entry)
    hot.set(entry, { date, close: !context.keepAlive, rendered })
    return rendered
  }

  const made = (context: RenderContext, { status, reason, type, headers, body, shown, page }: Answer & { kind: 'page' }): Rendered => {
    const parts: Parts = { reason, type, chunked: true, extra: headers, shown: body.length === 0 ? undefined : (shown ?? cleanPage(body)), page }
    if (isLongPage(body)) parts.sha256 = hash('sha256', body)
    return filtered(context, status, parts, body, context.keepAlive, () => gzipSync(body, { level: 1 }))
  }

  return {
    parser: () => nginxHead(options.version),
    bodyLimit: options.bodyLimit ?? 1_048_576,
    timeouts: { head: 60_000, body: 60_000, keepAlive: options.keepAliveMs ?? 65_000 },
    keepAliveRequests: 1000,
    continueBytes: Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'),
    timedOut: () => undefined,
    fault: (fault: Fault, context) => error(context, fault.status, fault.code ?? fault.status),
    render(answer: Answer, context: RenderContext): Rendered {
      switch (answer.kind) {
        case 'file': {
          const head = context.head
          if (head && head.method === 'GET' && head.version > 1000 && plain(head.fields, options.gzip === true)) return hotFile(context, answer.file)
          return file(context, answer.file)
        }
        case 'error':
          return error(context, answer.status, answer.code ?? answer.status, answer.headers)
        case 'redirect': {
          const host = context.head?.host || context.address
          const usual = context.secure ? 443 : 80
          const at = `${context.secure ? 'https' : 'http'}://${host}${context.port === usual ? '' : `:${context.port}`}`
          return error(context, answer.status, answer.status, undefined, at + answer.target)
        }
        case 'page':
          return made(context, answer)
      }
    },
  }
}

const plain = (fields: ReadonlyMap<string, string>, gzip: boolean): boolean =>
  !(
    fields.has('range') ||
    fields.has('if-none-match') ||
    fields.has('if-modified-since') ||
    fields.has('if-match') ||
    fields.has('if-unmodified-since') ||
    (gzip && fields.has('accept-encoding'))
  )

const hashes = new WeakMap<StaticFile, string>()
function hashOf(entry: StaticFile): string {
  let digest = hashes.get(entry)
  if (!digest) {
    digest = hash('sha256', entry.body)
    hashes.set(entry, digest)
  }
  return digest
}

const compressed = new WeakMap<StaticFile, Buffer>()
function gzipped(entry: StaticFile): Buffer {
  let bytes = compressed.get(entry)
  if (!bytes) {
    bytes = gzipSync(entry.body, { level: 1 })
    compressed.set(entry, bytes)
  }
  return bytes
}

/** nginx's test of Accept-Encoding: `gzip` as a word, not refused by `q=0`. */
function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined || header.length > 8192) return false
  if (header.startsWith('gzip,')) return true
  const match = /(?:^|[, ])gzip *(?:; *q=([0-9.]{1,5}))? *(?:,|$)/i.exec(header)
  return match !== null && (match[1] === undefined || Number(match[1]) > 0)
}
