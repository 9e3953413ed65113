/** The connection protocol (RFC 4254) after login: sessions, and every kind of forwarding refused as the server refuses it. */
import { escapeBytes } from '@shenlou/contract/bytes'
import type { Connection, Context, Session } from '../decoy.ts'
import { Channel } from './channel.ts'
import { hostKeys } from './host-keys.ts'
import { Recorder } from './record.ts'
import type { ServerKind } from './server-kind.ts'
import { SessionChannel } from './session-channel.ts'
import type { Transport } from './transport.ts'
import { message, pack, Reader } from './wire.ts'

const show = (text: string, max: number): string => escapeBytes(Buffer.from(text.slice(0, Math.floor(max / 4)), 'latin1'))
const port16 = (port: number): number => port & 0xffff

export interface Channels {
  /** Takes a message of the connection protocol; false when it is not one. */
  message(type: number, payload: Buffer): boolean
  closed(): void
}

/** Serves the connection protocol to a user who is in. */
export function serveChannels(options: {
  connection: Connection
  transport: Transport
  kind: ServerKind
  context: Context
  session: Session
  user: string
}): Channels {
  const { connection, transport, kind, context, session, user } = options
  const channels = new Map<number, { channel: Channel; session: SessionChannel }>()
  const recorder = new Recorder(session)
  let noMoreSessions = false
  let forwards = 0

  const forward = (type: 'direct-tcpip' | 'tcpip-forward' | 'streamlocal' | 'agent' | 'x11', host: string, port: number): void => {
    if (forwards++ < 10_000) session.emit('forward.requested', { type, host: show(host, 1024), port: port16(port) })
  }

  if (kind.tellsHostKeys) {
    const seen = new Set<unknown>()
    const keys = (context.persona.template.ssh?.hostKey ?? [])
      .map((name) => hostKeys(context.persona)[name])
      .filter((key) => key && !seen.has(key) && seen.add(key))
    transport.send(pack(message.GLOBAL_REQUEST, 'hostkeys-00@openssh.com', false, ...keys.map((key) => key?.getPublicSSH() ?? Buffer.alloc(0))))
  }

  function open(reader: Reader): void {
    const type = reader.text()
    const remote = reader.uint32()
    const window = reader.uint32()
    const packet = reader.uint32()
    const refuse = (reason: number, text: string): void => transport.send(pack(message.CHANNEL_OPEN_FAILURE, remote, reason, text, ''))
    if (type === 'session') {
      if (noMoreSessions) {
        transport.disconnect('Possible attack: attempt to open a session after additional sessions disabled')
        return
      }
      if (channels.size >= Math.min(kind.maxSessions, 64)) {
        refuse(1, kind.refuse.session)
        return
      }
      let id = 0
      while (channels.has(id)) id++
      const channel = new Channel(id, { remote, window, packet }, transport, kind, () => channels.delete(id))
      channels.set(id, { channel, session: new SessionChannel({ channel, connection, context, session, recorder, kind, user, forward }) })
      return
    }
    if (type === 'direct-tcpip') {
      const host = reader.text()
      forward('direct-tcpip', host, reader.uint32())
      refuse(kind.refuse.reason, kind.refuse.forward)
      return
    }
    if (type === 'direct-streamlocal@openssh.com') {
      forward('streamlocal', reader.text(), 0)
      refuse(kind.refuse.reason, kind.refuse.forward)
      return
    }
    refuse(kind.refuse.unknownReason, kind.refuse.unknown)
  }

  function global(reader: Reader): void {
    const name = reader.text()
    const wantReply = reader.bool()
    const answer = (good: boolean, ...parts: Uint8Array[]): void => {
      if (wantReply) transport.send(pack(good ? message.REQUEST_SUCCESS : message.REQUEST_FAILURE, ...parts.map((raw) => ({ raw }))))
    }
    const disabled = (): void => {
      if (kind.tellsHostKeys) transport.send(pack(message.DEBUG, false, 'Server has disabled port forwarding.', ''))
      answer(false)
    }
    if (name === 'tcpip-forward') {
      const host = reader.text()
      forward('tcpip-forward', host, reader.uint32())
      disabled()
      return
    }
    if (name === 'streamlocal-forward@openssh.com') {
      forward('streamlocal', reader.text(), 0)
      disabled()
      return
    }
    if (name === 'no-more-sessions@openssh.com' && kind.tellsHostKeys) {
      noMoreSessions = true
      answer(true)
      return
    }
    if (name === 'hostkeys-prove-00@openssh.com' && kind.tellsHostKeys) {
      const proofs: Buffer[] = []
      while (reader.left > 0 && proofs.length < 4) {
        const blob = reader.string()
        const entry = Object.entries(hostKeys(context.persona)).find(([, key]) => key.getPublicSSH().equals(blob))
        if (!entry) {
          answer(false)
          return
        }
        const [, key] = entry
        const signed = key.sign(pack(0, 'hostkeys-prove-00@openssh.com', transport.sessionId, blob).subarray(1), key.type === 'ssh-rsa' ? 'sha512' : undefined)
        if (signed instanceof Error) {
          answer(false)
          return
        }
        proofs.push(signatureBlob(key.type === 'ssh-rsa' ? 'rsa-sha2-512' : key.type, signed))
      }
      answer(true, ...proofs.map((proof) => pack(0, proof).subarray(1)))
      return
    }
    answer(false)
  }

  return {
    message(type, payload) {
      const reader = new Reader(payload)
      if (type === message.GLOBAL_REQUEST) global(reader)
      else if (type === message.CHANNEL_OPEN) open(reader)
      else if (type >= message.CHANNEL_WINDOW_ADJUST && type <= message.CHANNEL_REQUEST) {
        const id = reader.uint32()
        const found = channels.get(id)
        if (!found) {
          if (kind.tooManyFailures) transport.disconnect(`Received ${names[type] ?? 'message'} for nonexistent channel ${id}.`)
          else transport.end()
          return true
        }
        const { channel } = found
        if (type === message.CHANNEL_DATA) {
          channel.received(Buffer.from(reader.string()))
          if (channel.overrun) transport.end()
        } else if (type === message.CHANNEL_WINDOW_ADJUST) channel.adjusted(reader.uint32())
        else if (type === message.CHANNEL_EOF) channel.gotEof()
        else if (type === message.CHANNEL_CLOSE) channel.gotClose()
        else if (type === message.CHANNEL_REQUEST) found.session.request(reader)
      } else if (type !== message.REQUEST_SUCCESS && type !== message.REQUEST_FAILURE && type !== message.CHANNEL_SUCCESS && type !== message.CHANNEL_FAILURE)
        return false
      return true
    },
    closed() {
      for (const { channel } of channels.values()) channel.drop()
      channels.clear()
    },
  }
}

const names: Record<number, string> = { 93: 'window adjust', 94: 'data', 95: 'extended_data', 96: 'ieof', 97: 'oclose', 98: 'request' }

function signatureBlob(type: string, signature: Buffer): Buffer {
  return pack(0, type, signature).subarray(1)
}
