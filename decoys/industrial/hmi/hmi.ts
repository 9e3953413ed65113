/** The decoy service `hmi`: the web page of a device, its values the plant's own. */
import type { ServiceSettings } from '@shenlou/contract/services'
import { type Context, defineDecoy, type Session } from '../../decoy.ts'
import { serveHttp } from '../../http/wire.ts'
import { admit } from '../connections.ts'
import { type Device, openDevice } from '../device.ts'
import { hmiSite } from './application.ts'
import { skinOf } from './skin.ts'

/** HTTP until the client leaves. */
export const hmi = defineDecoy<ServiceSettings<'hmi'>>({
  name: 'hmi',
  transport: 'tcp',
  sessions: 'idle',
  async serve(connection, context, settings) {
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
      await serveHttp(connection, context, { dialect: skin.dialect, site, secure: false, port, address: ip, session })
    } finally {
      device?.close()
      leave()
    }
  },
})

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
