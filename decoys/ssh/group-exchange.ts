/** The server's side of Diffie-Hellman group exchange (RFC 4419), which ssh2 leaves out. */
import { createDiffieHellmanGroup, type DiffieHellmanGroup } from 'node:crypto'
import type Protocol from 'ssh2/lib/protocol/Protocol.js'
import { Malformed, pack, Reader } from './wire.ts'

const GROUP = 31
const INIT = 32
const REPLY = 33
const REQUEST = 34

// The standard safe primes (RFC 3526) stand in for a moduli file, which a server picks from by size.
const sizes = [
  [2048, 'modp14'],
  [3072, 'modp15'],
  [4096, 'modp16'],
  [6144, 'modp17'],
  [8192, 'modp18'],
] as const

const mpint = (bytes: Buffer): Buffer => ((bytes[0] as number) & 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes)

/** Makes the group exchange that was just agreed on answer; `fail` ends the connection. */
export function serveGroupExchange(protocol: Protocol, fail: (reason: string) => void): void {
  const kex = protocol._kex
  if (!kex) return
  let chosen: DiffieHellmanGroup | undefined
  // what every exchange does after its own messages; ssh2's group exchange would wait for the client's side of it
  const rest = (Object.getPrototypeOf(Object.getPrototypeOf(kex)) as typeof kex).parse.bind(kex)
  kex.parse = (payload) => {
    const type = payload[0]
    try {
      const reader = new Reader(payload)
      if (!chosen && type === REQUEST) {
        const least = reader.uint32()
        const wanted = reader.uint32()
        const most = reader.uint32()
        if (least > wanted || wanted > most || most < 2048) return fail('DH GEX group out of range')
        const fit = sizes.filter(([bits]) => bits >= least && bits <= most)
        const pick = fit.find(([bits]) => bits >= wanted) ?? fit.at(-1)
        if (!pick) return fail('no matching DH grp found')
        chosen = createDiffieHellmanGroup(pick[1])
        Object.assign(kex, { _minBits: least, _prefBits: wanted, _maxBits: most })
        sendPlain(protocol, pack(GROUP, mpint(chosen.getPrime()), chosen.getGenerator()))
        return undefined
      }
      if (chosen && type === INIT && kex._step === 1) {
        kex._dhData = reader.string()
        kex._hostKey = protocol._hostKeys[kex.negotiated.serverHostKey]
        Object.assign(kex, { _dh: chosen, _public: chosen.generateKeys() })
        const cipher = protocol._cipher
        const encrypt = cipher.encrypt
        // ssh2 numbers its answer as plain Diffie-Hellman's 31; here that number is the group's
        cipher.encrypt = (packet) => {
          if (packet[5] === GROUP) packet[5] = REPLY
          cipher.encrypt = encrypt
          encrypt.call(cipher, packet)
        }
        kex.finish()
        kex._step = 2
        return undefined
      }
    } catch (error) {
      if (error instanceof Malformed) return fail('malformed DH GEX message')
      throw error
    }
    return rest(payload)
  }
}

/** Sends a message of the exchange itself, which is not held back while keys are made. */
export function sendPlain(protocol: Protocol, payload: Buffer): void {
  const { write } = protocol._packetRW
  const packet = write.alloc(payload.length, true)
  packet.set(payload, write.allocStartKEX)
  protocol._cipher.encrypt(write.finalize(packet, true))
}
