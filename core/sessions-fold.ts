/** What each kind of event does to the row of its session. Pure, so that rows can be made again from the events. */
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody, EventKind } from '@shenlou/contract/event-kinds'
import type { IndustrialSummary } from '@shenlou/contract/records'

/** A session as its table keeps it; times in milliseconds since 1970 UTC. */
export interface SessionState {
  id: string
  sensor: string
  epoch: string
  scope: string
  decoy: string
  service: string
  connection: string | null
  source: string
  source_port: number | null
  destination: string
  destination_port: number | null
  via: StoredEvent['via'] | null
  started: number
  last: number
  ended: number | null
  end_reason: string | null
  adversary: string
  user_name: string | null
  client: string | null
  hassh: string | null
  ja4: string | null
  login_attempts: number
  logged_in: boolean
  commands: number
  requests: number
  files: number
  events: number
  bytes_out: number
  last_action: string | null
  industrial: IndustrialSummary | null
  /** It holds nothing but what proof touches caused. */
  proof: boolean
}

/** Why a session ended that nobody closed: its sensor went away. */
export const lost = 'lost'

const lineLength = 200

/** The first characters of escaped text, never ending inside an escape. */
export function cutEscaped(text: string, length = lineLength): string {
  if (text.length <= length) return text
  let end = 0
  while (end < length) {
    const step = text[end] === '\\' ? (text[end + 1] === 'x' ? 4 : 2) : (text.codePointAt(end) as number) > 0xffff ? 2 : 1
    if (end + step > length) break
    end += step
  }
  return `${text.slice(0, end)}…`
}

type Fold<K extends EventKind> = (session: SessionState, body: EventBody<K>, event: StoredEvent) => void

const base64Bytes = (text: string): number => (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0)

const changing = ['write', 'alarm'] as const
const commanding = ['command', 'start', 'stop', 'restart', 'download', 'delete'] as const
const among = (names: readonly string[], name: string): boolean => names.includes(name)

/** The industrial part of a session, begun when something is said of it. */
function industrialOf(session: SessionState): IndustrialSummary {
  session.industrial ??= { protocol: session.service, reads: 0, writes: 0, commands: 0, refused: 0, changed: 0, consequences: 0, plant: null }
  return session.industrial
}

/** `OV2.Z1.SP 180 → 230 °C`: the first points of a request as its last action; what the protocol calls it where it names none. */
function actionOf(body: EventBody<'industrial.requested'>): string {
  const points = body.points.slice(0, 3).map(({ tag, address, before, value, unit }) => {
    const values = body.operation === 'read' || value === undefined ? '' : before === undefined ? ` ${value}` : ` ${before} → ${value}`
    return `${tag ?? address}${values}${values && unit ? ` ${unit}` : ''}`
  })
  const more = body.count > points.length && points.length > 0 ? `, +${body.count - points.length}` : ''
  return `${body.function}${points.length > 0 ? `: ${points.join(', ')}${more}` : ''}${body.outcome === 'done' ? '' : ` (${body.reason ?? body.outcome})`}`
}

const folds: { [K in EventKind]?: Fold<K> } = {
  'session.opened': (session, body, event) => {
    session.adversary = body.adversary
    session.started = event.time
  },
  'session.closed': (session, body, event) => {
    session.ended = event.time
    session.end_reason = body.reason
  },
  'ssh.negotiated': (session, body) => {
    session.client = body.clientVersion
    session.hassh = body.hassh
  },
  'protocol.negotiated': (session, body) => {
    const { name, build, system, cookie } = body.client
    session.client = [name, build, system].filter(Boolean).join(' ') || session.client
    session.last_action = cutEscaped(`${body.protocol.toUpperCase()} ${body.selected}${cookie === undefined ? '' : `, ${cookie}`}`)
  },
  'exploit.attempted': (session, body) => {
    session.last_action = cutEscaped(`${body.vulnerability}: ${body.step}`)
  },
  'payload.recognised': (session, body) => {
    session.client = body.detail.client ?? session.client
    session.ja4 = body.detail.ja4 ?? session.ja4
    session.last_action = cutEscaped(`${body.protocol}: ${body.request}`)
  },
  'tls.negotiated': (session, body) => {
    session.ja4 = body.ja4 ?? session.ja4
  },
  'login.attempted': (session, body) => {
    // `none` only asks which methods there are (RFC 4252 section 5.2).
    if (body.method === 'none') return
    session.login_attempts++
    if (!session.logged_in) session.user_name = body.user
    if (body.outcome === 'accepted') {
      session.logged_in = true
      session.user_name = body.user
    }
    session.last_action = cutEscaped(`${body.user} / ${body.password ?? body.key?.fingerprint ?? body.ntlm?.form ?? body.method}: ${body.outcome}`)
  },
  'command.executed': (session, body) => {
    session.commands++
    session.last_action = cutEscaped(body.input)
  },
  'file.uploaded': (session, body) => {
    session.files++
    session.last_action = cutEscaped(`${body.method} > ${body.path}`)
  },
  'file.downloaded': (session, body) => {
    session.last_action = cutEscaped(`${body.method} < ${body.path}`)
  },
  'download.requested': (session, body) => {
    session.last_action = cutEscaped(`${body.tool} ${body.url}`)
  },
  'egress.refused': (session, body) => {
    session.last_action = cutEscaped(`${body.tool} ${body.host}${body.port === undefined ? '' : `:${body.port}`}`)
  },
  'forward.requested': (session, body) => {
    session.last_action = cutEscaped(`${body.type} ${body.host}:${body.port}`)
  },
  'terminal.data': (session, body) => {
    if (body.stream !== 'input') session.bytes_out += base64Bytes(body.data)
  },
  'http.exchanged': (session, body) => {
    session.requests++
    session.bytes_out += body.responseSize
    if (body.file) session.files++
    const agent = body.headers.find(([name]) => name.toLowerCase() === 'user-agent')
    session.client = agent?.[1] ?? session.client
    session.last_action = cutEscaped(`${body.method} ${body.target} ${body.status}`)
  },
  'industrial.requested': (session, body) => {
    session.requests++
    session.bytes_out += base64Bytes(body.response)
    session.last_action = cutEscaped(actionOf(body))
    const industrial = industrialOf(session)
    industrial.protocol = body.protocol
    if (body.outcome !== 'done') industrial.refused++
    else if (among(changing, body.operation)) industrial.writes++
    else if (among(commanding, body.operation)) industrial.commands++
    else if (body.operation === 'read') industrial.reads++
    if (body.changed) industrial.changed++
  },
  'plant.affected': (session, body) => {
    if (body.consequence !== 'recovered') industrialOf(session).consequences++
  },
  'plant.sampled': (session, body, event) => {
    const industrial = industrialOf(session)
    if (industrial.plant && industrial.plant.at > event.time) return
    industrial.plant = { id: body.plant, branched: body.branched, at: event.time, values: body.values }
  },
  'protocol.violated': (session, body) => {
    session.last_action = cutEscaped(`${body.reason}: ${body.data}`)
  },
}

/** A session of which nothing but this event is known. */
export const openSession = (event: StoredEvent): SessionState => ({
  id: event.session as string,
  sensor: event.sensor,
  epoch: event.epoch,
  scope: event.scope,
  decoy: event.decoy ?? '',
  service: event.service ?? '',
  connection: event.connection ?? null,
  source: event.source?.ip ?? '',
  source_port: event.source?.port ?? null,
  destination: event.destination?.ip ?? '',
  destination_port: event.destination?.port ?? null,
  via: event.via ?? null,
  started: event.time,
  last: event.time,
  ended: null,
  end_reason: null,
  adversary: '',
  user_name: null,
  client: null,
  hassh: null,
  ja4: null,
  login_attempts: 0,
  logged_in: false,
  commands: 0,
  requests: 0,
  files: 0,
  events: 0,
  bytes_out: 0,
  last_action: null,
  industrial: null,
  proof: event.proof !== undefined,
})

/** Counts one event into its session. */
export function foldEvent(session: SessionState, event: StoredEvent): void {
  session.events++
  if (event.proof === undefined) session.proof = false
  session.last = Math.max(session.last, event.time)
  session.started = Math.min(session.started, event.time)
  // The sensor was only out of reach, not gone.
  if (session.end_reason === lost) {
    session.ended = null
    session.end_reason = null
  }
  const fold = Object.hasOwn(folds, event.kind) ? (folds[event.kind as EventKind] as Fold<never>) : undefined
  fold?.(session, event.body as never, event)
}
