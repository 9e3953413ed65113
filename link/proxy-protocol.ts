/**
 * PROXY protocol version 2 (haproxy.org/download/3.0/doc/proxy-protocol.txt, section 2.2): the true addresses in front of a
 * connection that some other program takes on.
 *
 *   12  signature
 *    1  version (2) << 4 | command (0 LOCAL, 1 PROXY)
 *    1  family (1 IPv4, 2 IPv6) << 4 | transport (1 stream, 2 datagram)
 *    2  length of what follows, big-endian
 *       source address, destination address, source port, destination port; then TLVs: type(1) length(2) value
 */
import { isIPv4, isIPv6 } from 'node:net'

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const fixedBytes = 16
/** A header above this is refused; addresses take 52 bytes at most, the rest are TLVs. */
export const maxProxyHeaderBytes = 1024

export interface ProxyAddresses {
  transport: 'tcp' | 'udp'
  source: { ip: string; port: number }
  destination: { ip: string; port: number }
}

export interface ProxyHeader {
  /** Undefined for LOCAL (a health check of the proxy itself) and for families that are not IP: the connection's own addresses count. */
  addresses: ProxyAddresses | undefined
  /** TLVs by type, such as 0x05 unique id. A type that came twice keeps its first value. */
  tlvs: Map<number, Buffer>
  /** Bytes of the header; what follows belongs to the client. */
  length: number
}

/** The header for a connection. Both addresses must be of one family; an IPv4 one beside an IPv6 one is mapped (`::ffff:`). Throws a RangeError for what is no address. */
export function encodeProxyHeader(
  { transport, source, destination }: ProxyAddresses,
  tlvs: ReadonlyArray<readonly [type: number, value: Uint8Array]> = [],
): Buffer {
  const v4 = isIPv4(source.ip) && isIPv4(destination.ip)
  const addresses = Buffer.concat([addressBytes(source.ip, v4), addressBytes(destination.ip, v4), portBytes(source.port), portBytes(destination.port)])
  const extra = tlvs.map(([type, value]) => Buffer.concat([Buffer.of(type, value.length >> 8, value.length & 0xff), value]))
  const body = Buffer.concat([addresses, ...extra])
  if (fixedBytes + body.length > maxProxyHeaderBytes)
    throw new RangeError(`a PROXY header of ${fixedBytes + body.length} bytes is above ${maxProxyHeaderBytes}`)
  const head = Buffer.of(0x21, ((v4 ? 1 : 2) << 4) | (transport === 'tcp' ? 1 : 2), body.length >> 8, body.length & 0xff)
  return Buffer.concat([signature, head, body])
}

/**
 * Reads the header at the start of what came so far: undefined while more is needed (never above `maxProxyHeaderBytes`).
 * Throws a RangeError for anything else than a header: the connection must then be closed (section 2.2).
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  const seen = Math.min(bytes.length, signature.length)
  if (bytes.compare(signature, 0, seen, 0, seen) !== 0) throw new RangeError('this is no PROXY header')
  if (bytes.length < fixedBytes) return undefined
  const version = (bytes[12] as number) >> 4
  const command = (bytes[12] as number) & 0x0f
  if (version !== 2 || command > 1) throw new RangeError(`PROXY version ${version} command ${command} is not known`)
  const length = fixedBytes + bytes.readUInt16BE(14)
  if (length > maxProxyHeaderBytes) throw new RangeError(`a PROXY header of ${length} bytes is above ${maxProxyHeaderBytes}`)
  if (bytes.length < length) return undefined
  const family = (bytes[13] as number) >> 4
  const transport = (['', 'tcp', 'udp'] as const)[(bytes[13] as number) & 0x0f]
  const size = family === 1 ? 4 : family === 2 ? 16 : 0
  // LOCAL and UNSPEC: the receiver skips the rest by its length.
  if (command === 0 || size === 0 || !transport) return { addresses: undefined, tlvs: new Map(), length }
  const end = fixedBytes + 2 * size + 4
  if (end > length) throw new RangeError('the PROXY header is too short for its addresses')
  const ip = (at: number) => (size === 4 ? [...bytes.subarray(at, at + 4)].join('.') : textOfV6(bytes.subarray(at, at + 16)))
  return {
    addresses: {
      transport,
      source: { ip: ip(fixedBytes), port: bytes.readUInt16BE(end - 4) },
      destination: { ip: ip(fixedBytes + size), port: bytes.readUInt16BE(end - 2) },
    },
    tlvs: parseTlvs(bytes.subarray(end, length)),
    length,
  }
}

function parseTlvs(bytes: Buffer): Map<number, Buffer> {
  const tlvs = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length; ) {
    if (at + 3 > bytes.length) throw new RangeError('a TLV of the PROXY header is cut off')
    const type = bytes[at] as number
    const end = at + 3 + bytes.readUInt16BE(at + 1)
    if (end > bytes.length) throw new RangeError('a TLV of the PROXY header is longer than the header')
    if (!tlvs.has(type)) tlvs.set(type, bytes.subarray(at + 3, end))
    at = end
  }
  return tlvs
}

function portBytes(port: number): Buffer {
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new RangeError(`${port} is not a port`)
  return Buffer.of(port >> 8, port & 0xff)
}

function addressBytes(ip: string, v4: boolean): Buffer {
  if (isIPv4(ip)) {
    const bytes = Buffer.from(ip.split('.').map(Number))
    return v4 ? bytes : Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), bytes])
  }
  if (!isIPv6(ip) || ip.includes('%')) throw new RangeError(`${ip} is not an IP address`)
  // The URL parser writes an IPv4 tail as two groups, so that only hexadecimal ones are left.
  const plain = new URL(`http://[${ip}]`).hostname.slice(1, -1)
  const [before = '', after] = plain.split('::') as [string, string?]
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

/** RFC 5952, by the URL parser; a mapped IPv4 address as IPv4. */
function textOfV6(bytes: Buffer): string {
  if (bytes.subarray(0, 12).equals(Buffer.from('00000000000000000000ffff', 'hex'))) return [...bytes.subarray(12)].join('.')
  const groups = (bytes.toString('hex').match(/.{4}/g) as string[]).join(':')
  return new URL(`http://[${groups}]`).hostname.slice(1, -1)
}
