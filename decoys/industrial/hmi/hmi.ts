/** The decoy service `hmi`: the web page of a device, its values the plant's own. */
import type { ServiceSettings } from '@shenlou/contract/services'
import type { Duplex } from 'node:stream'
import { type Connection, type Context, defineDecoy, type Session } from '../../decoy.ts'
import { openTls } from '../../http/tls.ts'
import { serveHttp } from '../../http/wire.ts'
import { admit } from '../connections.ts'
import { type Device, openDevice } from '../device.ts'
import { hmiSite } from './application.ts'
import { skinOf } from './skin.ts'

type Settings = ServiceSettings<'hmi'>

/** HTTP until the client leaves. */
export const hmi = defineDecoy<Settings>({
  name: 'hmi',
  transport: 'tcp',
  sessions: 'idle',
  serve: (connection, context, settings) => serve(connection, context, settings, async () => connection, false),
})

/** The same over TLS; both share the device's few places. */
export const hmiHttps = defineDecoy<Settings>({
  name: 'hmi-https',
  transport: 'tcp',
  sessions: 'idle',
  serve: (connection, context, settings) =>
    serve(
      connection,
      context,
      settings,
      async (session) => {
        const late = setTimeout(() => connection.destroy(), handshakeMs)
        try {
          const first = await connection.peek(1)
          return first.length === 0 ? undefined : await openTls(connection, context, session)
        } finally {
          clearTimeout(late)
        }
      },
      true,
    ),
})

/** A client that shakes no hands holds the place of another. */
const handshakeMs = 30_000

async function serve(
  connection: Connection,
  context: Context,
  settings: Settings,
  open: (session: Session) => Promise<Duplex | undefined>,
  secure: boolean,
): Promise<void> {
  const skin = skinOf(context.persona)
  const session = whenSpoken(context)
  const leave = await place(context, skin.template.connections)
  if (!leave) {
    session.emit('protocol.violated', { reason: `more than ${skin.template.connections} connections`, data: '' })
    connection.reset()
    return
  }
  const { ip, port } = connection.destination
  let device: Device | undefined
  const site = hmiSite(context.persona, settings, ip, () => {
    device ??= openDevice(context, session)
    return device
  })
  try {
    const stream = await open(session)
    if (stream) await serveHttp(stream, context, { dialect: skin.dialect, site, secure, port, address: ip, session })
  } finally {
    device?.close()
    leave()
  }
}

/** Connections that wait until one of the few is free, as in the backlog of such a server. */
const mostWaiting = 24
const waitMs = 8000

/** A place among the device's connections, or undefined when there is none within a while. */
async function place(context: Context, most: number): Promise<(() => void) | undefined> {
  const free = admit(context.decoy, 'hmi', most)
  if (free) return free
  const leave = admit(context.decoy, 'hmi waiting', mostWaiting)
  if (!leave) return undefined
  try {
    for (const until = performance.now() + waitMs; performance.now() < until && !context.signal.aborted; ) {
      await context.latency(60)
      const found = admit(context.decoy, 'hmi', most)
      if (found) return found
    }
    return undefined
  } finally {
    leave()
  }
}

/** The session begins with the first thing there is to say: a connection that stays silent is no visit. */
function whenSpoken(context: Context): Session {
  return {
    get id() {
      return context.session().id
    },
    emit: (kind, body) => context.session().emit(kind, body),
    close: (reason) => context.session().close(reason),
  }
}
