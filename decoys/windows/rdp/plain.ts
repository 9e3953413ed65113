/** RDP without network level authentication: the client's settings, its channels, and the password that it sends ahead; then the host ends the session. */
import type { TLSSocket } from 'node:tls'
import { clean, cleanBytes } from '../../http/clean.ts'
import { openFrameReader } from '../../industrial/frame-reader.ts'
import { judge } from '../../ssh/policy.ts'
import { shown } from '../logon.ts'
import { attachConfirm, connectResponse, disconnect, joinConfirm, readClientInfo, readConnectInitial, readDomainRequest, type ClientInfo } from './mcs.ts'
import { piecesOf, type RdpSeat } from './seat.ts'
import { dataUnit } from './x224.ts'

const mostBytes = 65_535
const mostMessages = 256
/** A channel of the server's own that no client has business with: asking for it is how CVE-2019-0708 begins. */
const ownChannel = 'MS_T120'

/** Serves MCS inside of TLS until the client has sent its name and password, or does what is out of turn. */
export async function logOnWithoutNla(secure: TLSSocket, seat: RdpSeat): Promise<void> {
  const { session, context, template } = seat
  const reader = openFrameReader({
    headBytes: 4,
    maxBytes: mostBytes,
    lengthOf(head) {
      if (head.readUInt8(0) !== 3) throw new RangeError('no TPKT')
      return head.readUInt16BE(2)
    },
  })
  const violated = (reason: string, bytes: Buffer): void => session.emit('protocol.violated', { reason, data: cleanBytes(bytes.subarray(0, 512), 2048) })
  const send = (content: Buffer): void => void (secure.destroyed || secure.write(dataUnit(content)))
  let channels = -1
  let messages = 0
  for await (const bytes of piecesOf(secure)) {
    seat.alive()
    for (const frame of reader.take(bytes)) {
      const content = frame.subarray(7)
      if (++messages > mostMessages || frame.length < 8 || frame.readUInt8(5) !== 0xf0) return violated('no data unit of X.224', frame)
      if (channels < 0) {
        const settings = readConnectInitial(content)
        if (!settings) {
          seat.told('TLS')
          return violated('no MCS Connect-Initial', frame)
        }
        channels = settings.channels.length
        seat.told('TLS', {
          name: shown(settings.name, 64),
          build: String(settings.build),
          keyboard: `0x${settings.keyboard.toString(16).padStart(8, '0')}`,
          screen: `${settings.width}x${settings.height}`,
          channels: settings.channels.map((name) => clean(name, 16)),
        })
        if (settings.channels.some((name) => name.toUpperCase() === ownChannel))
          session.emit('exploit.attempted', {
            vulnerability: 'CVE-2019-0708',
            step: `asks for the channel ${ownChannel}`,
            data: cleanBytes(frame.subarray(0, 2048), 4096),
            size: frame.length,
          })
        send(connectResponse(seat.requested, channels))
        continue
      }
      const asked = readDomainRequest(content)
      if (!asked) return violated('no request of MCS', frame)
      if (asked.kind === 'leave') return
      if (asked.kind === 'attach') send(attachConfirm(channels))
      else if (asked.kind === 'join') send(joinConfirm(asked.user, asked.channel))
      else if (asked.kind === 'data') {
        const info = readClientInfo(asked.data)
        if (!info) return violated('no Client Info', frame)
        if (info.user !== '' || info.password !== '') await tried(info)
        const [least, most] = template.refusalMs
        await context.latency(least + Math.random() * (most - least))
        send(disconnect)
        return
      }
    }
    if (reader.broken !== undefined) return violated(reader.broken.slice(0, 200), bytes)
  }
  if (channels < 0) seat.told('TLS')

  async function tried({ domain, user, password }: ClientInfo): Promise<void> {
    const latin = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
    const about = { persona: context.persona, logins: context.world.logins, adversary: context.adversary.id }
    const verdict = judge({ ...seat.settings.login, afterTries: undefined }, about, latin(user), latin(password))
    session.emit('login.attempted', {
      method: 'password',
      user: shown(user, 1024),
      password: shown(password, 1024),
      ...(domain === '' ? {} : { ntlm: { domain: shown(domain, 256), workstation: '' } }),
      outcome: verdict.accepted ? 'accepted' : 'refused',
      ...(verdict.accepted ? { by: verdict.by } : {}),
    })
    if (verdict.accepted && verdict.by === 'lure') await context.prove({ kind: 'credential', value: `${user}:${password}` })
  }
}
