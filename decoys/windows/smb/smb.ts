/** The decoy service `smb`: file sharing of a Windows host over TCP, up to the logon. */
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { ServiceSettings } from '@shenlou/contract/services'
import { defineDecoy } from '../../decoy.ts'
import { cleanBytes } from '../../http/clean.ts'
import { admitOrReset, put } from '../../industrial/connections.ts'
import { openFrameReader } from '../../industrial/frame-reader.ts'
import { windowsIdentity } from '../identity.ts'
import { openSeat, sayExploit } from './seat.ts'
import { openSmb1 } from './smb1.ts'
import { isSmb1 } from './smb1-wire.ts'
import { isSmb2, openSmb2 } from './smb2.ts'

/** Longer messages are of no use before a logon. */
const mostBytes = 131_072
const mostMessages = 4096
const compressed = Buffer.from([0xfc, 0x53, 0x4d, 0x42])

/**
 * Direct TCP transport ([MS-SMB2] section 2.1): 0(1) length(3) message. What a NetBIOS session would send besides (RFC 1002 section 4.3.1) is passed over
 * where it is a keep-alive (0x85), and ends the connection else.
 */
export const smb = defineDecoy<ServiceSettings<'smb'>>({
  name: 'smb',
  transport: 'tcp',
  async serve(connection, context, settings) {
    const template = context.persona.template.smb
    if (!template) throw new Error(`decoy ${context.decoy}: its persona ${context.persona.template.id} has no smb section`)
    const session = context.session()
    connection.on('error', () => {})
    const leave = admitOrReset(connection, context, session, 'smb', template.connections)
    if (!leave) return
    const seat = openSeat({ context, session, settings, template, identity: windowsIdentity(context.persona) })
    const told = (offered: string[], selected: string, more: Partial<EventBody<'protocol.negotiated'>['client']> = {}): void =>
      session.emit('protocol.negotiated', { protocol: 'smb', offered, selected, client: more })
    const smb2 = openSmb2(seat, (offered, chosen, client) => told(offered, chosen, client))
    const smb1 = openSmb1(seat, (offered, chosen, client) => told(offered, chosen, client))
    const reader = openFrameReader({
      headBytes: 4,
      maxBytes: mostBytes + 4,
      lengthOf(head) {
        const kind = head.readUInt8(0)
        if (kind !== 0 && kind !== 0x85) throw new RangeError(`a message of kind 0x${kind.toString(16)}`)
        return 4 + head.readUIntBE(1, 3)
      },
    })
    const idle = setTimeout(() => connection.end(), template.idleS * 1000)
    let family: 0 | 1 | 2 = 0
    let messages = 0
    try {
      for await (const bytes of connection as AsyncIterable<Buffer>) {
        idle.refresh()
        for (const frame of reader.take(bytes)) {
          if (frame.length === 4) continue
          if (++messages > mostMessages) return
          const answer = await answerTo(frame.subarray(4))
          if (connection.destroyed) return
          if (!answer) {
            connection.reset()
            return
          }
          if (answer.length === 0) continue
          const head = Buffer.alloc(4)
          head.writeUIntBE(answer.length, 1, 3)
          await put(connection, Buffer.concat([head, answer]))
        }
        if (reader.broken !== undefined) {
          session.emit('protocol.violated', { reason: reader.broken.slice(0, 200), data: cleanBytes(bytes.subarray(0, 512), 2048) })
          return
        }
      }
    } finally {
      clearTimeout(idle)
      leave()
    }

    async function answerTo(message: Buffer): Promise<Buffer | undefined> {
      if (isSmb2(message)) {
        if (family === 1) return undefined
        family = 2
        return smb2.take(message)
      }
      if (family === 0 && isSmb1(message)) {
        const first = smb1.negotiate(message)
        if (first === 'refused') return undefined
        if ('answer' in first) {
          family = 1
          return first.answer
        }
        family = 2
        return smb2.fromSmb1(first.smb2)
      }
      if (family === 1) return smb1.take(message)
      // COMPRESSION_TRANSFORM_HEADER ([MS-SMB2] section 2.2.42.1), which nobody here agreed on: size and offset whose sum overflows are CVE-2020-0796.
      if (message.length >= 16 && message.subarray(0, 4).equals(compressed)) {
        const overflow = message.readUInt32LE(4) + message.readUInt32LE(12) > 0xffff_ffff
        if (overflow) sayExploit(seat, 'CVE-2020-0796', 'compressed message whose size and offset overflow', message)
      } else session.emit('protocol.violated', { reason: 'no message of SMB', data: cleanBytes(message.subarray(0, 512), 2048) })
      return undefined
    }
  },
})
