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
    const leave = admit(context.decoy, 'hmi', skin.template.connections)
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
