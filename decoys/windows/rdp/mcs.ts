/** MCS and GCC of RDP (T.125, T.124, [MS-RDPBCGR] section 2.2.1): what a client without network level authentication says of itself up to its password. */
import { children, der, integer, readTlv } from '../der.ts'

/** What clients say of themselves in their settings. Texts are raw. */
export interface ClientSettings {
  name: string
  build: number
  keyboard: number
  width: number
  height: number
  channels: string[]
}

const mostChannels = 31

/**
 * MCS Connect-Initial ([MS-RDPBCGR] section 2.2.1.3): APPLICATION 101 { two selectors, flag, three sets of parameters, OCTET STRING user data }. The user
 * data is a GCC request whose key is 'Duca', and behind that and a length are blocks: type(2) length(2) content. Undefined for what is none.
 */
export function readConnectInitial(content: Buffer): ClientSettings | undefined {
  if (content[0] !== 0x7f || content[1] !== 0x65) return undefined
  const outer = readTlv(content, 1)
  const data = outer && children(outer.value).at(-1)
  const key = data?.tag === 0x04 ? data.value.indexOf('Duca', 0, 'latin1') : -1
  if (!data || key < 0) return undefined
  const { value } = data
  let at = key + 5 + ((value[key + 4] ?? 0) & 0x80 ? 1 : 0)
  const settings: ClientSettings = { name: '', build: 0, keyboard: 0, width: 0, height: 0, channels: [] }
  let core = false
  while (at + 4 <= value.length) {
    const type = value.readUInt16LE(at)
    const length = value.readUInt16LE(at + 2)
    if (length < 4 || at + length > value.length) break
    const block = value.subarray(at, at + length)
    if (type === 0xc001 && length >= 56) {
      // CS_CORE (section 2.2.1.3.2): version(4) width(2) height(2) depth(2) sequence(2) keyboard(4) build(4) name(32, UTF-16)
      core = true
      settings.width = block.readUInt16LE(8)
      settings.height = block.readUInt16LE(10)
      settings.keyboard = block.readUInt32LE(16)
      settings.build = block.readUInt32LE(20)
      settings.name = (block.toString('utf16le', 24, 56).split('\0')[0] ?? '').toWellFormed()
    } else if (type === 0xc003 && length >= 8) {
      // CS_NET (section 2.2.1.3.4): count(4), then name(8) options(4) of each
      const count = Math.min(block.readUInt32LE(4), mostChannels, Math.floor((length - 8) / 12))
      for (let nth = 0; nth < count; nth++) settings.channels.push(block.toString('latin1', 8 + nth * 12, 16 + nth * 12).split('\0')[0] ?? '')
    }
    at += length
  }
  return core ? settings : undefined
}

/** First channel of MCS that is not fixed, and the one for input and output. */
const firstUser = 1001
const ioChannel = 1003

/**
 * MCS Connect-Response ([MS-RDPBCGR] section 2.2.1.4) with SC_CORE: version(4) protocols(4) capabilities(4), SC_NET: channel(2) count(2) channels(2 each),
 * SC_SECURITY: method(4, none) level(4, none).
 */
export function connectResponse(requested: number, channels: number): Buffer {
  const core = Buffer.alloc(16)
  core.writeUInt32LE(0x0010_0c01, 0)
  core.writeUInt32LE(0x0008_0004, 4)
  core.writeUInt32LE(requested, 8)
  core.writeUInt32LE(1, 12)
  const net = Buffer.alloc(8 + 2 * (channels + (channels % 2)))
  net.writeUInt16LE(0x0c03, 0)
  net.writeUInt16LE(net.length, 2)
  net.writeUInt16LE(ioChannel, 4)
  net.writeUInt16LE(channels, 6)
  for (let nth = 0; nth < channels; nth++) net.writeUInt16LE(ioChannel + 1 + nth, 8 + 2 * nth)
  const security = Buffer.from('020c0c000000000000000000', 'hex')
  const blocks = Buffer.concat([core, net, security])
  const length = blocks.length < 0x80 ? Buffer.from([blocks.length]) : Buffer.from([0x80 | (blocks.length >> 8), blocks.length & 255])
  // GCC ConferenceCreateResponse (T.124 section 8.7): its key, a node, a tag, success, one set of user data 'McDn'.
  const gcc = Buffer.concat([Buffer.from('000500147c00012a14760a01010001c0004d63446e', 'hex'), length, blocks])
  const limits = der(0x30, ...[34, 3, 0, 1, 0, 1, 65_528, 2].map(integer))
  const body = der(0x66, der(0x0a, Buffer.from([0])), integer(0), limits, der(0x04, gcc))
  return Buffer.concat([Buffer.from([0x7f]), body])
}

/** What a client asks for in the domain (T.125 section 7): the first byte holds the kind in its upper six bits. */
export type DomainRequest =
  | { kind: 'erect' }
  | { kind: 'attach' }
  | { kind: 'join'; user: number; channel: number }
  | { kind: 'data'; channel: number; data: Buffer }
  | { kind: 'leave' }

/** ErectDomain 1, DisconnectProviderUltimatum 8, AttachUser 10, ChannelJoin 14: user(2) channel(2), SendData 25: user(2) channel(2) priority(1) length(1 or 2). */
export function readDomainRequest(content: Buffer): DomainRequest | undefined {
  const kind = (content[0] ?? 0) >> 2
  if (kind === 1) return { kind: 'erect' }
  if (kind === 8) return { kind: 'leave' }
  if (kind === 10) return { kind: 'attach' }
  if (kind === 14 && content.length >= 5) return { kind: 'join', user: content.readUInt16BE(1), channel: content.readUInt16BE(3) }
  if (kind === 25 && content.length >= 8)
    return { kind: 'data', channel: content.readUInt16BE(3), data: content.subarray((content.readUInt8(6) & 0x80) !== 0 ? 8 : 7) }
  return undefined
}

/** AttachUserConfirm (11): result(1) user(2, from 1001 on). The user is the channel behind all that were given. */
export function attachConfirm(channels: number): Buffer {
  const bytes = Buffer.from('2e000000', 'hex')
  bytes.writeUInt16BE(ioChannel + channels + 1 - firstUser, 2)
  return bytes
}

/** ChannelJoinConfirm (15): result(1) user(2) requested(2) channel(2). */
export function joinConfirm(user: number, channel: number): Buffer {
  const bytes = Buffer.from('3e00000000000000', 'hex')
  bytes.writeUInt16BE(user, 2)
  bytes.writeUInt16BE(channel, 4)
  bytes.writeUInt16BE(channel, 6)
  return bytes
}

/** DisconnectProviderUltimatum (8), reason rn-provider-initiated. */
export const disconnect = Buffer.from('2180', 'hex')

export interface ClientInfo {
  domain: string
  user: string
  password: string
}

/**
 * Client Info PDU ([MS-RDPBCGR] section 2.2.1.11): security flags(2, 0x40) more(2), code page(4) flags(4) lengths of domain, user, password, shell,
 * directory(2 each, without the zero at the end) and these texts. Undefined for what is none.
 */
export function readClientInfo(data: Buffer): ClientInfo | undefined {
  if (data.length < 22 || (data.readUInt16LE(0) & 0x40) === 0) return undefined
  const wide = (data.readUInt32LE(8) & 0x10) !== 0
  const texts: string[] = []
  let at = 22
  for (let nth = 0; nth < 3; nth++) {
    const length = data.readUInt16LE(12 + 2 * nth)
    if (at + length > data.length) return undefined
    texts.push(data.toString(wide ? 'utf16le' : 'latin1', at, at + Math.min(length, 1024)).toWellFormed())
    at += length + (wide ? 2 : 1)
  }
  const [domain = '', user = '', password = ''] = texts
  return { domain, user, password }
}
