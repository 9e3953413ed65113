/** HTTP/1.1 on a connection: requests in, answers out, each exchange said before its first byte leaves. */
import { escapeBytes } from '@shenlou/contract/bytes'
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { Duplex } from 'node:stream'
import type { Context, Session } from '../decoy.ts'
import type { Answer, Dialect, RenderContext, Rendered } from './answer.ts'
import { type Body, bodyAtHand, bodyReader, noBody, shownBytes } from './body.ts'
import { clean, cleanBytes, cleanFields } from './clean.ts'
import { type Fault, type Head, type HeadParser, versionText } from './head.ts'
import { multipartParts, type Part } from './multipart.ts'
import { openSource, type Source } from './source.ts'
import { firstTime } from './told.ts'

export interface HttpRequest {
  head: Head
  body: Body
  /** Parts of a multipart body. */
  parts: Part[] | undefined
  secure: boolean
  context: Context
  session: Session
}

/** A site behind the wire. */
export interface Site {
  /** Whether the application reads the body before it answers; static files do not. */
  reads(head: Head): boolean
  answer(request: HttpRequest): Answer | Promise<Answer>
}

export interface WireOptions {
  dialect: Dialect
  site: Site
  secure: boolean
  port: number
  address: string
  session: Session
  /** Plain HTTP on a TLS port: whatever well-formed request comes is refused as the server does. */
  plainOnTls?: boolean
  /** How long an answer that does not need the body waits for it, in ms. */
  bodyGraceMs?: number
}

/** Serves requests until either side is done. Resolves when the connection needs nothing more. */
export async function serveHttp(stream: Duplex, context: Context, options: WireOptions): Promise<void> {
  const source = openSource(stream)
  const recent: Recent = { read: undefined, told: undefined }
  try {
    for (let served = 1; ; served++) {
      const stays = await exchange(stream, source, context, options, served, recent)
      if (!stays) break
    }
    await linger(stream, source)
  } finally {
    source.close()
    if (!stream.destroyed) stream.destroy()
  }
}

/** What was read of a request's head. */
type Read = Pick<HeadParser, 'raw' | 'size' | 'head' | 'fault'>
/** A head as its event says it. */
type Told = Pick<EventBody<'http.exchanged'>, 'method' | 'target' | 'version' | 'headers'>
/** The last head of a connection: a tool that asks the same again and again is not read anew. */
interface Recent {
  read: Read | undefined
  told: Told | undefined
}
const longestRecent = 2048

async function exchange(stream: Duplex, source: Source, context: Context, options: WireOptions, served: number, recent: Recent): Promise<boolean> {
  const { dialect, session } = options
  const reading = await readHead(source, dialect, served, recent.read)
  const { silence, read } = reading
  const began = performance.now()
  const renderContext = (head: Head | undefined, keepAlive: boolean): RenderContext => ({
    head,
    secure: options.plainOnTls === true || options.secure,
    port: options.port,
    address: options.address,
    keepAlive,
    now: context.clock(),
  })
  if (silence) {
    if (silence === 'closed' || read.size === 0) return false
    const last = silence === 'timeout' ? dialect.timedOut(read.size > 0, renderContext(undefined, false)) : undefined
    session.emit('protocol.violated', {
      reason: silence === 'timeout' ? 'request head did not end in time' : 'connection ended within a request head',
      data: cleanBytes(read.raw.subarray(0, 4096), 4096),
    })
    if (last) await write(stream, last.bytes)
    return false
  }
  const { head } = read
  const fault = read.fault ?? (options.plainOnTls ? plainOnTls(head) : undefined) ?? tooLarge(head, dialect)
  if (fault || !head) {
    const rendered = dialect.fault(fault as Fault, renderContext(fault?.head as Head, false))
    const body = atHand(source)
    session.emit('protocol.violated', { reason: (fault as Fault).reason, data: cleanBytes(read.raw.subarray(0, 4096), 4096) })
    session.emit('http.exchanged', record(session, options.secure, tell((fault as Fault).head), body, rendered, began))
    await write(stream, rendered.bytes)
    if (head && head.contentLength > body.size) await discard(source, head.contentLength - body.size)
    return false
  }

  if (recent.read !== read) {
    const short = read.size <= longestRecent
    recent.told = short ? tell(head) : undefined
    recent.read = short ? { raw: Buffer.from(read.raw.subarray(0, read.size)), size: read.size, head } : undefined
  }
  const told = recent.told ?? tell(head)
  const keepAlive = head.keepAlive && served < dialect.keepAliveRequests
  const ask = (body: Body, parts?: Part[]): Answer | Promise<Answer> => options.site.answer({ head, body, parts, secure: options.secure, context, session })
  if (!head.chunked && head.contentLength <= 0) {
    const made = ask(noBody)
    const rendered = dialect.render(made instanceof Promise ? await made : made, renderContext(head, keepAlive))
    session.emit('http.exchanged', record(session, options.secure, told, noBody, rendered, began))
    await write(stream, rendered.bytes)
    return !rendered.close
  }
  return withBody({ stream, source, context, options, head, told, keepAlive, ask, began, raw: read.raw, renderContext })
}

interface Bodied {
  stream: Duplex
  source: Source
  context: Context
  options: WireOptions
  head: Head
  told: Told
  keepAlive: boolean
  ask(body: Body, parts?: Part[]): Answer | Promise<Answer>
  began: number
  raw: Buffer
  renderContext(head: Head | undefined, keepAlive: boolean): RenderContext
}

/** An exchange whose request has a body: the application reads it before it answers, a static answer does not wait for it. */
async function withBody({ stream, source, context, options, head, told, keepAlive, ask, began, raw, renderContext }: Bodied): Promise<boolean> {
  const { dialect, session } = options
  const reads = options.site.reads(head)
  const fixed = reads ? undefined : await ask({ ...noBody, state: 'partial' })
  const served = fixed?.kind === 'file' && (head.method === 'GET' || head.method === 'HEAD')
  if (head.expectsContinue && (reads || served)) stream.write(dialect.continueBytes)
  let pending: Promise<Body> | undefined
  let body = bodyAtHand(source, head)
  if (!body) {
    const reading = bodyReader(source, head, context, reads ? dialect.bodyLimit : Number.POSITIVE_INFINITY).read(dialect.timeouts.body)
    body = reads
      ? await reading
      : await early(reading, options.bodyGraceMs ?? 150, () => {
          pending = reading
        })
  }
  if (reads && (body.state === 'gone' || body.state === 'timeout')) {
    session.emit('protocol.violated', { reason: `request body ended early: ${body.state}`, data: cleanBytes(raw.subarray(0, 4096), 4096) })
    session.emit('http.exchanged', record(session, options.secure, told, body, silent, began))
    return false
  }
  let answer: Answer
  if (body.state === 'invalid') {
    session.emit('protocol.violated', { reason: 'invalid chunked body', data: cleanBytes(body.bytes.subarray(0, 4096), 4096) })
    answer = fixed && !served ? fixed : { kind: 'error', status: 400 }
  } else if (body.state === 'too-large') answer = { kind: 'error', status: 413 }
  else {
    const type = head.fields.get('content-type')
    const parts = type !== undefined && body.size > 0 ? multipartParts(type, body.bytes) : undefined
    if (parts || head.method === 'PUT') await keepFiles(parts, head, body, context, session)
    const made = fixed ?? ask(body, parts)
    answer = made instanceof Promise ? await made : made
  }
  const ended = body.state !== 'complete' && !pending
  const rendered = dialect.render(answer, renderContext(head, keepAlive && !ended))
  if (needsFile(body)) await keepWhole(body, context)
  session.emit('http.exchanged', record(session, options.secure, told, body, rendered, began))
  await write(stream, rendered.bytes)
  if (body.state === 'too-large') await discard(source, Number.POSITIVE_INFINITY)
  if (pending) {
    const later = await pending
    await keepLate(later, head, context, session)
    if (later.state !== 'complete') return false
  }
  return !rendered.close
}

const needsFile = (body: Body): boolean => !body.file && body.bytes.length > shownBytes / 4 && body.bytes.length === body.size

/** A body whose escaped text an event cannot hold is kept as a file. */
async function keepWhole(body: Body, context: Context): Promise<void> {
  if (escapeBytes(body.bytes).length <= shownBytes) return
  try {
    body.file = await context.blobs.put(body.bytes)
  } catch {
    // Bounds of captured files are spent; the event holds the first part.
  }
}

const silent: Rendered = { status: 0, headers: [], bytes: Buffer.alloc(0), bodySize: 0, close: true }

/** Reads one head; a silence when it never was whole. One that begins with the bytes of `recent` is that one. */
async function readHead(
  source: Source,
  dialect: Dialect,
  served: number,
  recent: Read | undefined,
): Promise<{ read: Read; silence?: 'end' | 'timeout' | 'closed' }> {
  const deadline = performance.now() + (served === 1 ? dialect.timeouts.head : dialect.timeouts.keepAlive)
  let until = deadline
  let started = served === 1
  let parser: HeadParser | undefined
  while (!parser?.done) {
    let bytes: Buffer | 'end' | 'timeout' | 'closed' | undefined = source.take()
    if (bytes === undefined) bytes = await source.next(Math.max(0, until - performance.now()))
    if (typeof bytes === 'string') return { read: parser ?? dialect.parser(), silence: bytes }
    if (!parser && recent && bytes.length >= recent.size && bytes.compare(recent.raw, 0, recent.size, 0, recent.size) === 0) {
      source.putBack(bytes.subarray(recent.size))
      return { read: recent }
    }
    parser ??= dialect.parser()
    if (!started) {
      started = true
      until = performance.now() + dialect.timeouts.head
    }
    const used = parser.push(bytes)
    if (used < bytes.length) source.putBack(bytes.subarray(used))
  }
  return { read: parser }
}

function plainOnTls(head: Head | undefined): Fault | undefined {
  return head && { status: 400, code: 497, reason: 'plain HTTP request on a TLS port', head }
}

function tooLarge(head: Head | undefined, dialect: Dialect): Fault | undefined {
  if (!head || head.contentLength <= dialect.bodyLimit) return undefined
  return { status: 413, reason: `body of ${head.contentLength} bytes is too large`, head }
}

/** After a fault: what of a body lies at hand, for the record only. */
function atHand(source: Source): Body {
  const pieces: Buffer[] = []
  let size = 0
  for (let piece = source.take(); piece && size < shownBytes; piece = source.take()) {
    pieces.push(piece)
    size += piece.length
  }
  return size === 0 ? noBody : { bytes: Buffer.concat(pieces).subarray(0, shownBytes), size, state: 'partial' }
}

/** Drops what is left of a body that nobody wants: until it is whole, nothing came for 5 s, or 30 s are over. */
async function discard(source: Source, bytes: number): Promise<void> {
  const until = performance.now() + 30_000
  for (let left = bytes; left > 0; ) {
    const piece = await source.next(Math.min(5000, until - performance.now()))
    if (typeof piece === 'string') return
    left -= piece.length
  }
}

/** Gives a body a moment to arrive; what comes later is read after the answer. */
async function early(reading: Promise<Body>, graceMs: number, later: () => void): Promise<Body> {
  let timer: NodeJS.Timeout | undefined
  const grace = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, graceMs, undefined)
  })
  const first = await Promise.race([reading, grace])
  clearTimeout(timer)
  if (first) return first
  later()
  return { ...noBody, state: 'partial' }
}

async function keepFiles(parts: Part[] | undefined, head: Head, body: Body, context: Context, session: Session): Promise<void> {
  const upload = async (path: string, bytes: Buffer): Promise<void> => {
    try {
      session.emit('file.uploaded', { path: clean(path, 4096), method: 'http', file: await context.blobs.put(bytes) })
    } catch {
      // Bounds of captured files are spent; the exchange itself is still said.
    }
  }
  for (const part of parts ?? []) if (part.filename !== undefined && part.filename !== '' && part.data.length > 0) await upload(part.filename, part.data)
  if (head.method === 'PUT' && body.size > 0) {
    if (body.file) session.emit('file.uploaded', { path: clean(head.target, 4096), method: 'http', file: body.file })
    else await upload(head.target, body.bytes)
  }
}

/** The exchange was said before its body came, so the body is a file of its own. */
async function keepLate(body: Body, head: Head, context: Context, session: Session): Promise<void> {
  if (body.size === 0) return
  try {
    const file = body.file ?? (await context.blobs.put(body.bytes))
    session.emit('file.uploaded', { path: clean(head.target, 4096), method: 'http', file })
  } catch {
    // Bounds of captured files are spent.
  }
}

const tell = (head: Partial<Head>): Told => ({
  method: clean(head.method ?? '', 64),
  target: clean(head.target ?? '', 8192),
  version: versionText(head.version),
  headers: cleanFields(head.headers ?? []),
})

function record(session: Session, secure: boolean, told: Told, body: Body, rendered: Rendered, began: number): EventBody<'http.exchanged'> {
  const { method, target, version, headers } = told
  const event: EventBody<'http.exchanged'> = {
    secure,
    method,
    target,
    version,
    headers,
    body: body.size === 0 ? '' : cleanBytes(body.bytes, 65_536),
    bodySize: body.size,
    status: rendered.status,
    responseHeaders: rendered.headers as [string, string][],
    responseSize: rendered.bodySize,
    durationMs: Math.round((performance.now() - began) * 1000) / 1000,
  }
  if (body.file) event.file = body.file
  const { shown, sha256, page } = rendered
  if (sha256 !== undefined) event.responseSha256 = sha256
  if (page !== undefined) event.responsePage = page
  if (shown !== undefined && (page === undefined || firstTime(session.id, page))) event.responseBody = shown
  return event
}

async function write(stream: Duplex, bytes: Buffer): Promise<void> {
  if (!stream.destroyed && !stream.write(bytes)) await drained(stream)
}

const drained = (stream: Duplex): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed) return resolve()
    const done = (): void => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })

/** Lingering close: says its end, then drops what still comes for a while, so that the last answer is not lost to a reset. */
async function linger(stream: Duplex, source: Source): Promise<void> {
  if (stream.destroyed) return
  stream.end()
  const until = performance.now() + 5000
  while (performance.now() < until) {
    const bytes = await source.next(Math.min(5000, until - performance.now()))
    if (typeof bytes === 'string') return
  }
}
