/** The decoy service `rdp`: remote desktop of a Windows host up to the logon, by network level authentication or, where it is not required, by TLS alone. */
import type { TLSSocket } from 'node:tls'
import { escapeText } from '@shenlou/contract/bytes'
import type { ServiceSettings } from '@shenlou/contract/services'
import type { RdpTemplate } from '@shenlou/contract/windows'
import { type Connection, defineDecoy, type Session } from '../../decoy.ts'
import { clean, cleanBytes } from '../../http/clean.ts'
import { openTls } from '../../http/tls.ts'
import { admitOrReset } from '../../industrial/connections.ts'
import { openFrameReader } from '../../industrial/frame-reader.ts'
import { wholeLength } from '../der.ts'
import { fineClock, windowsIdentity } from '../identity.ts'
import { logOn } from '../logon.ts'
import { openNtlm } from '../ntlmssp.ts'
import { goOn, readSpnego } from '../spnego.ts'
import { rdpTls } from './certificate.ts'
import { errorRequest, longestTsRequest, readTsRequest, tokenRequest } from './credssp.ts'
import { logOnWithoutNla } from './plain.ts'
import { piecesOf, type RdpSeat } from './seat.ts'
import { type ConnectionRequest, connectionConfirm, failure, longestRequest, protocolNames, rdpProtocol, readConnectionRequest } from './x224.ts'

export const rdp = defineDecoy<ServiceSettings<'rdp'>>({
  name: 'rdp',
  transport: 'tcp',
  async serve(connection, context, settings) {
    const template = context.persona.template.rdp
    if (!template) throw new Error(`decoy ${context.decoy}: its persona ${context.persona.template.id} has no rdp section`)
    const session = context.session()
    connection.on('error', () => {})
    const leave = admitOrReset(connection, context, session, 'rdp', template.connections)
    if (!leave) return
    const idle = setTimeout(() => connection.destroy(), template.idleS * 1000)
    try {
      const asked = await firstRequest(connection, session)
      if (!asked) return
      const requested = asked.requested ?? 0
      const offered = protocolNames(requested)
      const cookie = asked.cookie === '' ? {} : { cookie: clean(asked.cookie.replace(/^Cookie: mstshash=/, ''), 256) }
      const seat: RdpSeat = {
        context,
        session,
        settings,
        template,
        requested,
        alive: () => void idle.refresh(),
        told: (selected, client = {}) => session.emit('protocol.negotiated', { protocol: 'rdp', offered, selected, client: { ...cookie, ...client } }),
      }
      await context.latency(1 + Math.random() * 6)
      const selected = choose(template, requested)
      if (typeof selected !== 'number') {
        seat.told(selected.name)
        // A client that negotiates nothing is left without a word.
        if (!connection.destroyed && asked.requested !== undefined) connection.write(connectionConfirm({ failure: selected.failure }))
        return
      }
      if (selected !== rdpProtocol.tls) seat.told(protocolNames(selected).at(-1) ?? '')
      if (connection.destroyed) return
      connection.write(connectionConfirm({ selected }))
      // Who only asked what is spoken leaves now.
      if ((await connection.peek(1)).length === 0) return
      const secure = await openTls(connection, context, session, rdpTls(context.persona, context.clock()))
      if (!secure) return
      if (selected === rdpProtocol.tls) await logOnWithoutNla(secure, seat)
      else await credSsp(secure, seat)
      secure.end()
    } finally {
      clearTimeout(idle)
      leave()
      connection.end()
    }
  },
})

/** What Windows takes of what is asked for, the strongest first; the failure where nothing is left ([MS-RDPBCGR] section 5.4.2.1). */
function choose({ nla }: RdpTemplate, requested: number): number | { failure: number; name: string } {
  for (const protocol of [rdpProtocol.hybridEx, rdpProtocol.hybrid, rdpProtocol.rdsTls]) if (requested & protocol) return protocol
  if (nla === 'required') return { failure: failure.hybridRequired, name: 'refused: CredSSP required' }
  return requested & rdpProtocol.tls ? rdpProtocol.tls : { failure: failure.tlsRequired, name: 'refused: TLS required' }
}

/** Takes exactly the first request off the connection: TLS begins with the byte behind it. */
async function firstRequest(connection: Connection, session: Session): Promise<ConnectionRequest | undefined> {
  const head = await connection.peek(4)
  const length = head.length === 4 && head.readUInt8(0) === 3 ? head.readUInt16BE(2) : 0
  const frame = length >= 11 && length <= longestRequest ? await connection.peek(length) : head
  const request = frame.length === length ? readConnectionRequest(frame) : undefined
  if (!request) {
    if (head.length > 0)
      session.emit('protocol.violated', {
        reason: 'no connection request of RDP',
        data: cleanBytes(((connection.read() as Buffer | null) ?? head).subarray(0, 512), 2048),
      })
    return undefined
  }
  connection.read(length)
  return request
}

/** TSRequests until the client has answered the challenge or is out of turn. */
async function credSsp(secure: TLSSocket, { context, session, settings, template, alive }: RdpSeat): Promise<void> {
  const reader = openFrameReader({
    headBytes: 6,
    maxBytes: longestTsRequest,
    lengthOf(head) {
      if (head.readUInt8(0) !== 0x30) throw new RangeError('no TSRequest')
      return wholeLength(head) ?? 0
    },
  })
  const ntlm = openNtlm(windowsIdentity(context.persona), fineClock(context.clock))
  for await (const bytes of piecesOf(secure)) {
    alive()
    for (const frame of reader.take(bytes)) {
      const asked = readTsRequest(frame)
      const token = asked?.token && readSpnego(asked.token)
      if (!asked || !token) return violated(frame)
      if (!token.ntlm) {
        if (token.form !== 'init' || !token.offersNtlm) return violated(frame)
        secure.write(tokenRequest(template.credSsp, goOn('init')))
        continue
      }
      const step = ntlm.take(token.ntlm)
      if (!step) return violated(frame)
      if ('challenge' in step) {
        secure.write(tokenRequest(template.credSsp, goOn(token.form, step.challenge)))
        continue
      }
      const code = await logOn(step.answer, { context, session, policy: settings.login, refusalMs: template.refusalMs })
      if (!secure.destroyed && asked.version >= 3 && asked.version !== 5) secure.write(errorRequest(template.credSsp, code))
      return
    }
    if (reader.broken !== undefined) return violated(bytes)
  }

  function violated(bytes: Buffer): void {
    session.emit('protocol.violated', {
      reason: escapeText(reader.broken ?? 'CredSSP out of turn').slice(0, 200),
      data: cleanBytes(bytes.subarray(0, 512), 2048),
    })
  }
}
