/** The decoy service `ssh`. */
import { createHash } from 'node:crypto'
import { escapeBytes } from '@shenlou/contract/bytes'
import type { ServiceSettings } from '@shenlou/contract/services'
import { defineDecoy } from '../decoy.ts'
import { type Auth, serveAuth } from './auth.ts'
import { type Channels, serveChannels } from './connection.ts'
import { serverKind } from './server-kind.ts'
import { type ClientOffer, openTransport } from './transport.ts'
import { Malformed, message } from './wire.ts'

const show = (text: string, max: number): string => escapeBytes(Buffer.from(text.slice(0, Math.floor(max / 4)), 'latin1'))
const list = (names: string[]): string[] => names.slice(0, 200).map((name) => show(name, 200))

/** HASSH: MD5 of the client's lists of key exchange, cipher, MAC and compression, joined by semicolons. */
export const hassh = (offer: ClientOffer): string =>
  createHash('md5')
    .update([offer.kex, offer.cipher, offer.mac, offer.compression].map((names) => names.join(',')).join(';'), 'latin1')
    .digest('hex')

/** SSH as the server of the persona: login by policy, shell, commands, SFTP and SCP in the adversary's world; forwarding refused. */
export const ssh = defineDecoy<ServiceSettings<'ssh'>>({
  name: 'ssh',
  transport: 'tcp',
  async serve(connection, context, settings) {
    const template = context.persona.template.ssh
    if (!template) throw new Error(`decoy ${context.decoy}: its persona ${context.persona.template.id} has no ssh section`)
    const kind = serverKind(template)
    const session = context.session()
    let auth: Auth | undefined
    let channels: Channels | undefined
    let reason = 'client closed'

    const ended = new Promise<void>((resolve) => {
      connection.on('error', () => resolve())
      connection.once('close', () => resolve())
      connection.once('end', () => {
        if (!channels) connection.end()
        setTimeout(() => connection.destroy(), 500).unref()
      })
      context.signal.addEventListener('abort', () => connection.destroy(), { once: true })
    })
    const transport = await openTransport(connection, context.persona, {
      negotiated(offer) {
        session.emit('ssh.negotiated', {
          clientVersion: show(offer.version, 255),
          hassh: hassh(offer),
          kex: list(offer.kex),
          hostKey: list(offer.hostKey),
          cipher: list(offer.cipher),
          mac: list(offer.mac),
          compression: list(offer.compression),
        })
      },
      violated(why) {
        reason = show(why, 200)
        session.emit('protocol.violated', { reason, data: '' })
      },
      message(type, payload) {
        try {
          if (type === message.DISCONNECT) {
            reason = 'client disconnected'
            return transport.end()
          }
          if (type === message.IGNORE || type === message.DEBUG || type === message.UNIMPLEMENTED || type === message.EXT_INFO) return
          if (!channels && auth?.message(type, payload)) return
          if (channels && type === message.USERAUTH_REQUEST) return
          if (channels?.message(type, payload)) return
          transport.unimplemented()
        } catch (error) {
          if (!(error instanceof Malformed)) throw error
          session.emit('protocol.violated', { reason: `malformed message ${type}`, data: escapeBytes(payload.subarray(0, 256)) })
          transport.end()
        }
      },
    })
    auth = serveAuth({
      transport,
      kind,
      context,
      session,
      policy: settings.login,
      accepted(user) {
        clearTimeout(grace)
        channels = serveChannels({ connection, transport, kind, context, session, user })
      },
    })
    const grace = setTimeout(
      () => {
        reason = 'login grace time'
        transport.end()
      },
      template.loginGraceS * 1000 + (context.holdMs ?? 0),
    )
    await ended
    clearTimeout(grace)
    auth.closed()
    channels?.closed()
    transport.end()
    session.close(reason)
  },
})
