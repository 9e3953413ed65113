/** Which protocol a datagram belongs to. Each entry names the port that it is at home at: many of them look alike anywhere else. */
import { type Found, lineOf, startsWith, textOf } from './found.ts'
import { questionOf, readLdap } from './recognise-binary.ts'

interface DatagramRecogniser {
  protocol: string
  spec: string
  /** Asked only at these ports; at any when not given. */
  ports?: readonly number[]
  find(bytes: Buffer): Omit<Found, 'protocol'> | undefined
}

/** A DNS message that asks, and what for. */
const question = (bytes: Buffer): Omit<Found, 'protocol'> | undefined => {
  if (bytes.length < 17 || (bytes[2] as number) & 0x80) return undefined
  const name = questionOf(bytes)
  return name === undefined ? undefined : { request: name }
}

/** NetBIOS names are 32 letters, a half byte each, from A on (RFC 1001 14.1). */
function netbiosName(name: string): string {
  const letters = name.slice(0, 32)
  if (!/^[A-P]{32}$/.test(letters)) return name
  const bytes = Buffer.alloc(16)
  for (let at = 0; at < 16; at++) bytes[at] = ((letters.charCodeAt(at * 2) - 65) << 4) | (letters.charCodeAt(at * 2 + 1) - 65)
  return `${bytes.toString('latin1', 0, 15).trimEnd().replaceAll('\0', '')}<${(bytes[15] as number).toString(16).padStart(2, '0')}>`
}

const bacnet: Readonly<Record<number, string>> = { 8: 'Who-Is', 7: 'Who-Has', 0: 'I-Am', 1: 'I-Have', 9: 'UTC time synchronisation', 6: 'time synchronisation' }

export const datagramRecognisers: readonly DatagramRecogniser[] = [
  {
    protocol: 'ssdp',
    spec: 'UPnP device architecture 1.3.2',
    find: (bytes) => (startsWith(bytes, 'M-SEARCH * HTTP/1') || startsWith(bytes, 'NOTIFY * HTTP/1') ? { request: lineOf(bytes) } : undefined),
  },
  { protocol: 'sip', spec: 'RFC 3261 7.1', find: (bytes) => (/ SIP\/\d/.test(lineOf(bytes).slice(-9)) ? { request: lineOf(bytes) } : undefined) },
  {
    protocol: 'ntp',
    spec: 'RFC 5905 7.3, appendix A of RFC 1305, NTP private mode',
    ports: [123],
    find(bytes) {
      const mode = (bytes[0] as number) & 7
      if (bytes.length >= 48 && mode === 3) return { request: 'client', detail: { version: String(((bytes[0] as number) >> 3) & 7) } }
      if (bytes.length >= 8 && mode === 7) return { request: bytes[3] === 42 ? 'monlist' : `private request ${bytes[3]}` }
      return bytes.length >= 12 && mode === 6 ? { request: `control operation ${(bytes[1] as number) & 31}` } : undefined
    },
  },
  {
    protocol: 'netbios-ns',
    spec: 'RFC 1002 4.2',
    ports: [137],
    find(bytes) {
      const asked = question(bytes)
      if (!asked) return undefined
      const [name = '', rest = ''] = asked.request.split('. type ')
      return { request: `${netbiosName(name)} type ${rest}` }
    },
  },
  { protocol: 'mdns', spec: 'RFC 6762 18', ports: [5353], find: question },
  { protocol: 'llmnr', spec: 'RFC 4795 2.1', ports: [5355], find: question },
  {
    protocol: 'dns',
    spec: 'RFC 1035 4.1',
    find: (bytes) => (bytes.length >= 17 && bytes.length <= 512 && bytes.readUInt16BE(6) === 0 && bytes.readUInt16BE(4) === 1 ? question(bytes) : undefined),
  },
  { protocol: 'cldap', spec: '[MS-ADTS] 6.3.3.2, RFC 4511 4.5', find: (bytes) => (readLdap(bytes)?.operation === 0x63 ? { request: 'search' } : undefined) },
  {
    protocol: 'bacnet',
    spec: 'ANSI/ASHRAE 135 annex J, clause 6.2.2, 20.1.4',
    find(bytes) {
      if (bytes[0] !== 0x81 || bytes.length < 8 || bytes.readUInt16BE(2) !== bytes.length || bytes[4] !== 1) return undefined
      // Network control: bit 5 a destination (network, length, address, hops), bit 3 a source.
      const control = bytes[5] as number
      let at = 6
      const hops = control & 0x20 ? 1 : 0
      if (control & 0x20) at += 3 + (bytes[at + 2] ?? 0)
      if (control & 0x08) at += 3 + (bytes[at + 2] ?? 0)
      at += hops
      const type = bytes[at]
      if (type === undefined || control & 0x80) return { request: 'network message' }
      return {
        request: type >> 4 === 1 ? (bacnet[bytes[at + 1] ?? -1] ?? `unconfirmed request ${bytes[at + 1] ?? ''}`) : `confirmed request ${bytes[at + 3] ?? ''}`,
      }
    },
  },
  {
    protocol: 'knx',
    spec: 'ISO 22510 (KNXnet/IP) 7.1',
    find: (bytes) =>
      startsWith(bytes, [6, 0x10]) && bytes.length >= 6 && bytes.readUInt16BE(4) === bytes.length
        ? {
            request: { 513: 'search request', 515: 'description request', 517: 'connect request' }[bytes.readUInt16BE(2)] ?? `service ${bytes.readUInt16BE(2)}`,
          }
        : undefined,
  },
  {
    protocol: 'enip',
    spec: 'CIP Networks Library volume 2, 2-4.2',
    find: (bytes) =>
      bytes.length >= 24 && bytes.readUInt16LE(2) + 24 === bytes.length && [4, 99, 100].includes(bytes.readUInt16LE(0))
        ? { request: { 4: 'ListServices', 99: 'ListIdentity', 100: 'ListInterfaces' }[bytes.readUInt16LE(0)] ?? '' }
        : undefined,
  },
  {
    protocol: 'ipmi',
    spec: 'IPMI 2.0 13.1.3, ASF 2.0 3.2.2',
    find(bytes) {
      if (!startsWith(bytes, [6, 0]) || bytes.length < 5) return undefined
      if (bytes[3] === 6) return { request: 'ASF ping' }
      return bytes[3] === 7 ? { request: bytes[4] === 6 ? 'RMCP+ session' : 'session or authentication capabilities' } : undefined
    },
  },
  {
    protocol: 'memcached',
    spec: 'memcached protocol.txt, UDP frame header',
    find: (bytes) =>
      bytes.length > 9 && bytes.readUInt16BE(4) === 1 && bytes.readUInt16BE(6) === 0 && /^(?:stats|gets?|version|set|delete) ?/.test(textOf(bytes, 8, 24))
        ? { request: lineOf(bytes.subarray(8)) }
        : undefined,
  },
  {
    protocol: 'openvpn',
    spec: 'OpenVPN wire protocol 4.1',
    find(bytes) {
      const opcode = (bytes[0] as number) >> 3
      return bytes.length >= 14 && (opcode === 7 || opcode === 10) && ((bytes[0] as number) & 7) === 0
        ? { request: opcode === 7 ? 'client reset V2' : 'client reset V3' }
        : undefined
    },
  },
  {
    protocol: 'snmp',
    spec: 'RFC 1157 4, RFC 3412 6',
    find(bytes) {
      if (bytes[0] !== 0x30 || bytes.length < 12 || bytes[2] !== 2 || bytes[3] !== 1) return undefined
      const version = bytes[4] as number
      if (version === 3) return { request: 'SNMPv3 message', detail: { version: '3' } }
      return version < 2 && bytes[5] === 4
        ? { request: 'request', detail: { version: String(version + 1), password: textOf(bytes, 7, 7 + (bytes[6] as number)) } }
        : undefined
    },
  },
  {
    protocol: 'tftp',
    spec: 'RFC 1350 5',
    ports: [69],
    find: (bytes) =>
      bytes.length >= 6 && bytes[0] === 0 && (bytes[1] === 1 || bytes[1] === 2)
        ? { request: `${bytes[1] === 1 ? 'read' : 'write'} ${textOf(bytes, 2, 258).split('\0', 1)[0]}` }
        : undefined,
  },
  {
    protocol: 'mssql-browser',
    spec: '[MC-SQLR] 2.2.1',
    ports: [1434],
    find: (bytes) => ([2, 3, 4, 15].includes(bytes[0] as number) ? { request: `instances ${textOf(bytes, 1, 33).replaceAll('\0', '')}`.trim() } : undefined),
  },
]

/** The first that knows the datagram; `unknown` with its first line, where it is text. */
export function recogniseDatagram(bytes: Buffer, port: number): Found {
  if (bytes.length > 0)
    for (const { protocol, ports, find } of datagramRecognisers) {
      if (ports && !ports.includes(port)) continue
      const found = find(bytes)
      if (found) return { protocol, ...found }
    }
  const line = lineOf(bytes).slice(0, 256)
  return { protocol: 'unknown', request: /^[\t\x20-\x7e]+$/.test(line) ? line : '' }
}
