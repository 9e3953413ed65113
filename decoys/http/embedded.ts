/** The web servers of devices: one small dialect for all of them, told apart by what they send, in which order and spelling. */
import { hash } from 'node:crypto'
import type { Answer, Dialect, RenderContext, Rendered } from './answer.ts'
import { cleanPage, isLongPage } from './clean.ts'
import { embeddedHead } from './embedded-head.ts'
import type { Field } from './head.ts'

export interface EmbeddedServer {
  /** Of its status line, whatever was asked with. */
  version: 'HTTP/1.0' | 'HTTP/1.1'
  reasons: Readonly<Record<number, string>>
  /** Names of its headers, spelled and in order; those that an answer does not have are left out. */
  order: readonly string[]
  /** What it always sends. */
  fixed: Readonly<Record<string, string>>
  /** Headers that it writes without a blank before their value. */
  tight: readonly string[]
  /** Its form of a date; undefined for a server without `Date`. */
  date: ((ms: number) => string) | undefined
  keepAlive: boolean
  methods: readonly string[]
  /** Status for a method that it does not know. */
  otherMethod: number
  headLimit: number
  bodyLimit: number
  idleMs: number
  /** Whether files say when they were changed and a browser that has them is spared. */
  remembersFiles: boolean
  /** Its own page for a status. */
  errorPage(status: number, reason: string, target: string): string
  /** What it sends after its own pages and does not count, where it closes anyway. */
  uncounted?: string
  /** What leads on to another address is a page of its own, with this phrase. */
  movedPage?: string
  /** Status that it answers for one that it does not have. */
  instead?: Readonly<Record<number, number>>
}

const usual: Record<number, string> = {
  200: 'OK',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
}
const nothing = Buffer.alloc(0)

/** The dialect of one such server. */
export function embeddedDialect(server: EmbeddedServer): Dialect {
  const places = new Map(server.order.map((name, place) => [name.toLowerCase(), { name, place }]))

  const assemble = (
    context: RenderContext,
    asked: number,
    given: Field[],
    type: string | undefined,
    body: Buffer | undefined,
    shown?: Partial<Rendered>,
  ): Rendered => {
    const status = server.instead?.[asked] ?? asked
    const { head } = context
    const sent = head?.method === 'HEAD' || body === undefined ? nothing : body
    if (head?.version === 9 && status < 400) return { status, headers: [], bytes: sent, bodySize: sent.length, ...shown, close: true }
    const stays = server.keepAlive && context.keepAlive && status < 400 + (status === 401 || status === 404 ? 100 : 0)
    const fields: Field[] = [
      ...Object.entries(server.fixed),
      ...(server.date ? ([['Date', server.date(context.now)]] as Field[]) : []),
      ...(type === undefined ? [] : ([['Content-Type', type]] as Field[])),
      ...(body === undefined ? [] : ([['Content-Length', String(body.length)]] as Field[])),
      ['Connection', stays ? 'keep-alive' : 'close'],
    ]
    const all = fields.filter(([name]) => !given.some(([other]) => other.toLowerCase() === name.toLowerCase()))
    all.push(...given)
    const headers = all
      .flatMap(([name, value], at) => {
        const known = places.get(name.toLowerCase())
        if (!known && fields.some(([other]) => other === name) && !(name in server.fixed)) return []
        return [{ name: known?.name ?? name, value, place: known?.place ?? 100, at }]
      })
      .sort((a, b) => a.place - b.place || a.at - b.at)
      .map(({ name, value }): Field => [name, value])
    const reason = server.reasons[status] ?? usual[status] ?? ''
    let text = `${server.version} ${status}${reason === '' ? '' : ` ${reason}`}\r\n`
    for (const [name, value] of headers) text += `${name}:${server.tight.includes(name) ? '' : ' '}${value}\r\n`
    const bytes = Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), sent])
    return { status, headers, bytes, bodySize: sent.length, ...(sent.length === 0 ? {} : shown), close: !stays }
  }

  const error = (context: RenderContext, asked: number, given: Field[] = []): Rendered => {
    const status = server.instead?.[asked] ?? asked
    const body = Buffer.from(server.errorPage(status, server.reasons[status] ?? usual[status] ?? 'Error', context.head?.path ?? '/'))
    const rendered = assemble(context, status, given, 'text/html', body, { shown: cleanPage(body) })
    return server.uncounted === undefined || rendered.bodySize === 0
      ? rendered
      : { ...rendered, bytes: Buffer.concat([rendered.bytes, Buffer.from(server.uncounted)]) }
  }

  return {
    parser: () =>
      embeddedHead({ limit: server.headLimit, targetLimit: Math.floor(server.headLimit / 2), methods: server.methods, otherMethod: server.otherMethod }),
    bodyLimit: server.bodyLimit,
    timeouts: { head: 20_000, body: 30_000, keepAlive: server.idleMs },
    keepAliveRequests: 1_000_000,
    continueBytes: Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'),
    timedOut: () => undefined,
    fault: ({ status }, context) => error({ ...context, keepAlive: false }, status),
    render(answer: Answer, context) {
      switch (answer.kind) {
        case 'file': {
          const { file } = answer
          const modified = server.remembersFiles ? new Date(file.modified * 1000).toUTCString() : undefined
          const fields: Field[] = modified === undefined ? [] : [['Last-Modified', modified]]
          if (modified !== undefined && context.head?.fields.get('if-modified-since') === modified) return assemble(context, 304, fields, undefined, undefined)
          return assemble(context, 200, fields, file.type, file.body, { sha256: hash('sha256', file.body) })
        }
        case 'error':
          return error(context, answer.status, answer.headers)
        case 'redirect': {
          const body = server.movedPage === undefined ? nothing : Buffer.from(server.errorPage(answer.status, server.movedPage, context.head?.path ?? '/'))
          return assemble(context, answer.status, [['Location', answer.target]], 'text/html', body)
        }
        case 'page': {
          const { status, headers, type, body, page } = answer
          const seen = {
            shown: body.length === 0 ? undefined : (answer.shown ?? cleanPage(body)),
            page,
            ...(isLongPage(body) ? { sha256: hash('sha256', body) } : {}),
          }
          return assemble(context, status, headers, type, body, seen)
        }
      }
    },
  }
}

const two = (value: number): string => String(value).padStart(2, '0')
const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
/** `MON NOV 23 08:01:02 2026`, as VxWorks' ctime writes it in capitals. */
export function capitalDate(ms: number): string {
  const d = new Date(ms)
  return `${days[d.getUTCDay()]} ${months[d.getUTCMonth()]} ${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} ${d.getUTCFullYear()}`
}
