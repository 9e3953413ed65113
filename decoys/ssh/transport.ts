/**
 * The SSH transport (RFC 4253) of a persona over one connection: version lines, key exchange and packets. ssh2 does the key exchange and the ciphers;
 * everything by which a server is told from another (what it offers, says and refuses) is done here.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'
import kexModule from 'ssh2/lib/protocol/kex.js'
import Protocol from 'ssh2/lib/protocol/Protocol.js'
import ssh2Crypto from 'ssh2/lib/protocol/crypto.js'
import utils from 'ssh2/lib/protocol/utils.js'
import type { Connection } from '../decoy.ts'
import type { Persona } from '../persona.ts'
import { sendPlain, serveGroupExchange } from './group-exchange.ts'
import { hostKeys } from './host-keys.ts'
import { serverKind } from './server-kind.ts'
import { VersionLine } from './version-line.ts'
import { message, pack, Reader } from './wire.ts'

/** What a client offered in its KEXINIT (RFC 4253 section 7.1), client to server. */
export interface ClientOffer {
  version: string
  kex: string[]
  hostKey: string[]
  cipher: string[]
  mac: string[]
  compression: string[]
}

export interface Transport {
  /** Sends one message; held back by the transport while keys are exchanged. */
  send(payload: Buffer): void
  /** Sends a disconnect with reason 2 unless told otherwise, and ends the connection. */
  disconnect(text: string, reason?: number): void
  /** Ends the connection without a word, as for what the server does not answer. */
  end(): void
  /** Sends USERAUTH_SUCCESS and turns delayed compression on. */
  accepted(): void
  /** Answers the message now being handled with UNIMPLEMENTED. */
  unimplemented(): void
  readonly sessionId: Buffer
  readonly clientVersion: string
  /** Bytes written that the network has not taken. */
  readonly waiting: number
}

export interface TransportEvents {
  negotiated(offer: ClientOffer): void
  message(type: number, payload: Buffer): void
  /** The client broke the protocol; the connection is ending. */
  violated(reason: string): void
}

const maxInflated = 256 * 1024

interface Shared {
  offer: object
  ident: Buffer
}
const shared = new WeakMap<NonNullable<Persona['template']['ssh']>, Shared>()

/** Lists of the persona's KEXINIT and its version line, built once a template. */
function sharedOf(ssh: NonNullable<Persona['template']['ssh']>): Shared {
  let known = shared.get(ssh)
  if (!known) {
    const way = { cipher: ssh.cipher, mac: ssh.mac, compress: ssh.compression, lang: [] }
    known = { offer: new kexModule.KexInit({ kex: ssh.kex, serverHostKey: ssh.hostKey, cs: way, sc: way }), ident: unpooled(Buffer.from(ssh.ident, 'latin1')) }
    shared.set(ssh, known)
  }
  return known
}

/** A copy with memory of its own: one small view that stays keeps 8 KiB of Node's pool. */
function unpooled(bytes: Uint8Array): Buffer {
  const own = Buffer.alloc(bytes.length)
  own.set(bytes)
  return own
}

/** Lets go of what a finished key exchange held; of what stays, keys are read once and small buffers leave the pool. */
function settle(protocol: Protocol): void {
  const kex = protocol._kex
  if (kex) protocol._kex = { sessionID: unpooled(kex.sessionID), negotiated: kex.negotiated, type: kex.type, remoteExtInfoEnabled: false } as typeof kex
  for (const side of [protocol._cipher, protocol._decipher]) {
    if (!side) continue
    readKeyOnce(side)
    for (const [name, value] of Object.entries(side))
      if (value instanceof Uint8Array && value.byteLength < value.buffer.byteLength) Object.assign(side, { [name]: unpooled(value) })
  }
}

/** A key that is read already; from plain bytes, as ssh2 keeps it, OpenSSL would make it anew for every packet, which costs five times the MAC itself. */
function readKeyOnce(side: { _macKey?: KeyObject | Uint8Array }): void {
  if (side._macKey instanceof Uint8Array && side._macKey.length > 0) side._macKey = createSecretKey(side._macKey)
}

/** Opens the transport once the cipher library is ready; the persona's template must have `ssh`. */
export async function openTransport(connection: Connection, persona: Persona, events: TransportEvents): Promise<Transport> {
  await ssh2Crypto.init
  const ssh = persona.template.ssh
  if (!ssh) throw new Error(`persona ${persona.template.id} has no ssh section`)
  const kind = serverKind(ssh)
  let ended = false
  let corked = false
  let clientVersion = ''
  let handshakes = 0
  let wantsExtensions = false

  const write = (data: Uint8Array | string): void => {
    if (connection.destroyed || connection.writableEnded) return
    if (!corked) {
      corked = true
      connection.cork()
      process.nextTick(() => {
        corked = false
        connection.uncork()
      })
    }
    connection.write(data)
  }
  const end = (): void => {
    if (ended) return
    ended = true
    connection.end()
    protocol.cleanup()
    // a client that keeps its side open is not waited for
    const timer = setTimeout(() => connection.destroy(), 2000)
    connection.once('close', () => clearTimeout(timer))
    connection.resume()
  }
  const fail = (reason: string): void => {
    if (ended) return
    events.violated(reason)
    end()
  }

  const protocol = new Protocol({
    server: true,
    hostKeys: hostKeys(persona),
    offer: sharedOf(ssh).offer,
    onWrite: write,
    onError: (error: Error) => fail(error.message),
    onHandshakeComplete: () => {
      handshakes++
      if (handshakes === 1 && wantsExtensions && kind.signatureAlgorithms)
        transport.send(pack(message.EXT_INFO, 1, 'server-sig-algs', kind.signatureAlgorithms))
      settle(protocol)
      const { read } = protocol._packetRW
      if (read._zlib) read._zlib._maxOutputLength = maxInflated
    },
  })
  Object.assign(protocol, { _identRaw: sharedOf(ssh).ident, start: undefined })
  // ssh2 ends every fault with an empty disconnect; the servers say something only about a broken packet, and say it in their words
  protocol.disconnect = (reason) => {
    if (reason === 2 && kind.corrupt) sendPlain(protocol, pack(message.DISCONNECT, 2, kind.corrupt, ''))
  }
  // Strict key exchange is agreed on by both sides; ssh2 would begin it on the client's word alone
  Object.assign(protocol, { _strictMode: ssh.kex.includes('kex-strict-s-v00@openssh.com') ? undefined : false })

  /** After a KEXINIT was taken: what the client asked for, and the exchange ssh2 lacks. */
  const agreed = (payload: Buffer): void => {
    const kex = protocol._kex
    if (ended || !kex) return
    kex.remoteExtInfoEnabled = false
    if (kex.type === 'groupex') serveGroupExchange(protocol, fail)
    if (handshakes > 0) return
    const reader = new Reader(payload, 17)
    const [kexes = [], hostKey = [], cipher = [], , mac = [], , compression = []] = Array.from({ length: 7 }, () => reader.list())
    wantsExtensions = kexes.includes('ext-info-c')
    events.negotiated({ version: clientVersion, kex: kexes, hostKey, cipher, mac, compression })
  }
  protocol._onPayload = (raw) => {
    if (ended || raw.length === 0) return undefined
    const payload = protocol._packetRW.read.read(raw)
    const type = payload[0] as number
    if (type === message.KEXINIT) {
      const rest = kexModule.HANDLERS[message.KEXINIT]?.(protocol, payload)
      agreed(payload)
      return rest
    }
    events.message(type, payload)
    return ended ? Number.POSITIVE_INFINITY : undefined
  }

  const transport: Transport = {
    send(payload) {
      if (ended) return
      const { write: packer } = protocol._packetRW
      const packet = packer.alloc(payload.length)
      packet.set(payload, packer.allocStart)
      utils.sendPacket(protocol, packer.finalize(packet))
    },
    disconnect(text, reason = 2) {
      if (ended) return
      sendPlain(protocol, pack(message.DISCONNECT, reason, text, ''))
      end()
    },
    end,
    accepted() {
      protocol._authsQueue = ['password'] // ssh2 insists on a request of its own reading
      protocol.authSuccess()
      const { read } = protocol._packetRW
      if (read._zlib) read._zlib._maxOutputLength = maxInflated
    },
    unimplemented() {
      transport.send(pack(message.UNIMPLEMENTED, ((protocol._decipher?.inSeqno ?? 1) - 1) >>> 0))
    },
    get sessionId() {
      return protocol._kex?.sessionID ?? Buffer.alloc(0)
    },
    get clientVersion() {
      return clientVersion
    },
    get waiting() {
      return connection.writableLength
    },
  }

  const version = new VersionLine(kind)
  let versionDone = false
  write(`${ssh.ident}\r\n`)
  if (kind.kexFirst) kexModule.kexinit(protocol)

  connection.on('data', (chunk: Buffer) => {
    if (ended) return
    let from = 0
    try {
      if (!versionDone) {
        const result = version.take(chunk)
        if (result === 'more') return
        if ('refused' in result) {
          if (result.say) write(result.say)
          fail(result.refused)
          return
        }
        versionDone = true
        clientVersion = result.line
        protocol._remoteIdentRaw = unpooled(Buffer.from(result.line, 'latin1'))
        const state = { firstPacket: true }
        protocol._decipher = new ssh2Crypto.NullDecipher(0, (payload: Buffer) => {
          const first = payload[0] === message.KEXINIT
          const rest = kexModule.onKEXPayload.call(protocol, state, payload)
          if (first) agreed(payload)
          return rest // tells the reader that what follows in this chunk is for the new keys
        })
        protocol._parse = function parse(bytes, at, to) {
          return this._decipher ? this._decipher.decrypt(bytes, at, to) : to
        }
        if (!kind.kexFirst) kexModule.kexinit(protocol)
        from = result.used
      }
      if (from < chunk.length) protocol.parse(chunk, from, chunk.length)
    } catch (error) {
      if (ended) return
      if (kind.corrupt && protocol._destruct) protocol.disconnect(2)
      fail(error instanceof Error ? error.message : 'broken packet')
    }
  })
  return transport
}
