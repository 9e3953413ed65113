/** The live channel, `WS /api/v1/live`: what was committed, pushed to who may see it. One serialisation serves all sockets. */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Permission } from '@shenlou/contract/permissions'
import { WebSocketServer } from 'ws'
import { maySee } from '../actor.ts'
import { type Caller, type Credentials, findCaller } from '../auth/caller.ts'
import { onEnded } from '../auth/ended.ts'
import type { Exchange } from '../auth/exchange.ts'
import type { BusMessages } from '../bus.ts'
import type { Core } from '../core.ts'
import { writerOf } from '../ingest/writer.ts'
import { unreadNotices } from '../notices.ts'
import { callerAddress, type Door, readCookie, requireDoor, requireSameSite } from './door.ts'
import { doorError, errorBody, toApiError } from './errors.ts'
import { type Frames, framesOf } from './live-frames.ts'
import type { Limits } from './limits.ts'
import { type LiveSocket, openLiveSocket } from './live-socket.ts'
import type { Handlers } from './route-types.ts'

export const livePath = '/api/v1/live'
const maxSockets = 2000
const maxSocketsPerAccount = 50
/** Sockets are asked whether they and their sign-in still stand this often. */
const checkMs = 20_000
/** A record that changes faster is shown once in this time, with its latest state. Events are never held back. */
const recordMs = 200

export interface Live {
  sockets(): number
  /** Bytes that readers have not taken yet. */
  waitingBytes(): number
  close(): void
}

export interface LiveParts {
  core: Core
  server: Server
  door: () => Door
  limits: Limits
  /** `ticket` shows a ticket as its reader may work on it. */
  handlers: Pick<Handlers, 'ticket'>
}

/** Serves the channel on `server`. */
export async function attachLive({ core, server, door, limits, handlers }: LiveParts): Promise<Live> {
  const { positions } = await writerOf(core)
  const acceptor = new WebSocketServer({ noServer: true, maxPayload: 16_384, perMessageDeflate: false, clientTracking: false })
  const open = new Map<LiveSocket, { caller: Caller; credentials: Credentials; alive: boolean }>()

  const enter = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const credentials = readCredentials(request, door())
    await limits.address(credentials.address, 'live')
    const caller = await findCaller(core, credentials)
    if (!caller) throw doorError('signed-out')
    if (caller.mustChangePassword) throw doorError('password-change-required')
    if (caller.cookie) requireSameSite(request.headers.origin, undefined)
    const own = [...open.values()].filter((entry) => entry.caller.actor.id === caller.actor.id).length
    if (open.size >= maxSockets || own >= maxSocketsPerAccount) throw doorError('too-many-requests', 'too many live channels are open: close some pages')
    acceptor.handleUpgrade(request, socket, head, (ws) => {
      const live = openLiveSocket({ core, ws, actor: caller.actor, watermark: positions.watermark })
      open.set(live, { caller, credentials, alive: true })
      ws.on('close', () => open.delete(live))
      ws.on('pong', () => {
        const entry = open.get(live)
        if (entry) entry.alive = true
      })
      sendUnread(core, live)
    })
  }
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy())
    enter(request, socket, head).catch((thrown) => {
      const { error, unexpected } = toApiError(thrown)
      if (unexpected) core.log(`the live channel failed: ${thrown instanceof Error ? thrown.stack : thrown}`)
      refuse(socket, error.status, JSON.stringify(errorBody(error)))
    })
  }
  server.on('upgrade', upgrade)

  const off = [
    core.bus.on('committed', ({ events, position }) => {
      if (open.size === 0) return
      const frames: Frames = framesOf(events, position)
      for (const live of open.keys()) live.committed(frames)
    }),
    ...recordTopics(core, open, handlers),
    core.bus.on('notices', ({ person }) => {
      for (const live of open.keys()) if (live.actor.id === person) sendUnread(core, live)
    }),
    onEnded(core, (ended) => {
      for (const [live, { caller }] of open) {
        if ('credential' in ended ? caller.credential === ended.credential : [caller.actor.id, caller.owner].includes(ended.person)) live.end('signed out')
      }
    }),
  ]
  const check = setInterval(() => {
    for (const [live, entry] of open) {
      if (!entry.alive) live.terminate()
      entry.alive = false
      live.ping()
      const gone = entry.caller.expires <= core.clock()
      if (gone) live.end('signed out')
      // A session that ended elsewhere, or a token revoked by another process.
      else
        findCaller(core, entry.credentials).then(
          (caller) => caller ?? live.end('signed out'),
          () => {},
        )
    }
  }, checkMs).unref()

  return {
    sockets: () => open.size,
    waitingBytes: () => [...open.keys()].reduce((sum, live) => sum + live.waitingBytes(), 0),
    close() {
      clearInterval(check)
      for (const stop of off) stop()
      server.off('upgrade', upgrade)
      for (const live of open.keys()) live.end('the core stops')
    },
  }
}

/** Checks path, Host and Origin of an upgrade. */
function readCredentials(request: IncomingMessage, door: Door): Credentials {
  requireDoor(door, request.headers.host, request.headers.origin)
  if (request.url?.split('?', 1)[0] !== livePath) throw doorError('not-found')
  const forwarded = request.headers['x-forwarded-for']
  return {
    authorization: request.headers.authorization,
    cookie: readCookie(request.headers.cookie, door.cookieName),
    address: callerAddress(door, request.socket.remoteAddress, Array.isArray(forwarded) ? forwarded.at(-1) : forwarded),
  }
}

function refuse(socket: Duplex, status: number, body: string): void {
  const head = [`HTTP/1.1 ${status} Refused`, 'Connection: close', 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function sendUnread(core: Core, live: LiveSocket): void {
  if (live.actor.kind !== 'person') return
  unreadNotices(core, live.actor).then(
    (unread) => live.record('notices', Buffer.from(JSON.stringify({ type: 'notices', unread }))),
    (error: Error) => core.log(`unread notices could not be counted: ${error.message}`),
  )
}

type RecordTopic = 'session' | 'incident' | 'ticket' | 'sensor'
const recordPermissions: Record<RecordTopic, Permission> = {
  session: 'session.read',
  incident: 'incident.read',
  ticket: 'ticket.read',
  sensor: 'sensor.read',
}

/** Sends changed records: the first change at once, those that follow within `recordMs` as one. */
function recordTopics(core: Core, open: ReadonlyMap<LiveSocket, unknown>, handlers: Pick<Handlers, 'ticket'>): (() => void)[] {
  const send = <T extends RecordTopic>(topic: T, { record, scope }: BusMessages[T]): void => {
    const shared = topic === 'ticket' ? undefined : frameOf(topic, record)
    for (const live of open.keys()) {
      if (!live.actor.permissions.has(recordPermissions[topic]) || !maySee(live.actor, scope)) continue
      if (shared) live.record(`${topic} ${record.id}`, shared)
      else sendTicket(core, live, record.id, handlers)
    }
  }
  const resting = new Map<string, (() => void) | undefined>()
  const rest = setInterval(() => {
    for (const [key, again] of resting) {
      if (!again) resting.delete(key)
      else {
        resting.set(key, undefined)
        again()
      }
    }
  }, recordMs).unref()
  const topics = Object.keys(recordPermissions) as RecordTopic[]
  const off = topics.map((topic) =>
    core.bus.on(topic, (message) => {
      if (open.size === 0) return
      const key = `${topic} ${message.record.id}`
      const again = () => send(topic, message as never)
      if (resting.has(key)) resting.set(key, again)
      else {
        resting.set(key, undefined)
        again()
      }
    }),
  )
  return [...off, () => clearInterval(rest)]
}

const frameOf = (topic: RecordTopic, record: unknown): Buffer => Buffer.from(JSON.stringify({ type: topic, [topic]: record }))

/** A ticket names the actions that this reader may take, so each gets their own. */
function sendTicket(core: Core, live: LiveSocket, id: string, handlers: Pick<Handlers, 'ticket'>): void {
  handlers.ticket(core, live.actor, { params: { id }, query: undefined, body: undefined, address: '' }, nobodyAsks).then(
    ({ ticket }) => live.record(`ticket ${id}`, frameOf('ticket', ticket)),
    (error: Error) => core.log(`a ticket could not be shown live: ${error.message}`),
  )
}
const nobodyAsks: Exchange = { userAgent: null, caller: null, setSession: () => {} }
