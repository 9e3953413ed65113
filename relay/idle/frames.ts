/**
 * What a capture of the segment's frames says: a pcap stream, and of its Ethernet frames ARP, IPv4, DHCP and TCP's SYN. Others wrote the
 * bytes, so every field is read only where the frame has it; what is cut off or contradicts itself is no frame.
 */

/** Frames longer than this are not asked for: DHCP with its options fits (RFC 2131, section 2: clients take 576 bytes). */
export const snapBytes = 640

interface Common {
  /** MAC addresses of the frame's header, as 48-bit numbers. */
  etherFrom: number
  etherTo: number
  /** Tag of the trunk; the inner one of two. */
  vlan: number | undefined
}
/** ARP for IPv4 over Ethernet (RFC 826). Addresses are numbers: sender and target, hardware and protocol. */
export interface ArpFrame extends Common {
  kind: 'arp'
  operation: 'request' | 'reply'
  senderMac: number
  senderIp: number
  targetMac: number
  targetIp: number
}
/** A datagram that is neither of the two below. */
export interface IpFrame extends Common {
  kind: 'ip'
  source: number
  destination: number
  ttl: number
  protocol: number
}
/** A message of DHCP (RFC 2131, section 2) with what its options say (RFC 2132, section 9). */
export interface DhcpFrame extends Common {
  kind: 'dhcp'
  source: number
  destination: number
  from: 'client' | 'server'
  /** Option 53: 1 DISCOVER, 2 OFFER, 3 REQUEST, 4 DECLINE, 5 ACK, 6 NAK, 7 RELEASE, 8 INFORM; 0 where it is not said (BOOTP). */
  message: number
  /** `ciaddr`, `yiaddr`, `giaddr`; 0 where there is none. */
  clientIp: number
  yourIp: number
  relayIp: number
  clientMac: number
  /** Options 50, 54 and 51; 0 where they are not there. */
  requestedIp: number
  serverId: number
  leaseS: number
}
/** The first segment of a connection (RFC 9293, section 3.1) as its client made it. */
export interface SynFrame extends Common {
  kind: 'syn'
  source: number
  destination: number
  sourcePort: number
  destinationPort: number
  ttl: number
  window: number
  /** Kinds of the options in their order; each byte of padding is a 0. */
  options: number[]
  mss: number | undefined
  windowScale: number | undefined
}
export type Frame = ArpFrame | IpFrame | DhcpFrame | SynFrame

const etherTypes = { arp: 0x0806, ipv4: 0x0800, customerTag: 0x8100, serviceTag: 0x88a8 } as const
const isTag = (type: number): boolean => type === etherTypes.customerTag || type === etherTypes.serviceTag

/**
 * Ethernet II: destination(6) source(6) [0x8100 or 0x88a8, priority and VLAN(2)]{0,2} type(2) payload (IEEE 802.1Q-2018, 9.5).
 * Undefined for what is not ARP or IPv4, and for what is broken.
 */
export function parseFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 14) return undefined
  let at = 12
  let vlan: number | undefined
  for (let tags = 0; tags < 2 && isTag(bytes.readUInt16BE(at)); tags++) {
    if (bytes.length < at + 6) return undefined
    vlan = bytes.readUInt16BE(at + 2) & 0x0fff
    at += 4
  }
  const type = bytes.readUInt16BE(at)
  const common = { etherFrom: bytes.readUIntBE(6, 6), etherTo: bytes.readUIntBE(0, 6), vlan }
  const payload = bytes.subarray(at + 2)
  if (type === etherTypes.arp) return parseArp(payload, common)
  if (type === etherTypes.ipv4) return parseIpv4(payload, common)
  return undefined
}

/** RFC 826: hardware(2)=1 protocol(2)=0x0800 lengths(1,1)=6,4 operation(2) sender(6,4) target(6,4). */
function parseArp(bytes: Buffer, common: Common): ArpFrame | undefined {
  if (bytes.length < 28 || bytes.readUInt32BE(0) !== 0x0001_0800 || bytes.readUInt16BE(4) !== 0x0604) return undefined
  const operation = bytes.readUInt16BE(6)
  if (operation !== 1 && operation !== 2) return undefined
  return {
    kind: 'arp',
    ...common,
    operation: operation === 1 ? 'request' : 'reply',
    senderMac: bytes.readUIntBE(8, 6),
    senderIp: bytes.readUInt32BE(14),
    targetMac: bytes.readUIntBE(18, 6),
    targetIp: bytes.readUInt32BE(24),
  }
}

/** RFC 791, section 3.1: version and length(1) … length(2) at 2, fragment(2) at 6, TTL(1) at 8, protocol(1), source(4) at 12, destination(4). */
function parseIpv4(bytes: Buffer, common: Common): IpFrame | DhcpFrame | SynFrame | undefined {
  if (bytes.length < 20 || bytes.readUInt8(0) >> 4 !== 4) return undefined
  const header = (bytes.readUInt8(0) & 15) * 4
  if (header < 20) return undefined
  const ip: IpFrame = {
    kind: 'ip',
    ...common,
    source: bytes.readUInt32BE(12),
    destination: bytes.readUInt32BE(16),
    ttl: bytes.readUInt8(8),
    protocol: bytes.readUInt8(9),
  }
  // A frame is padded to 60 bytes: what is beyond the datagram's own length is not its. A later fragment begins with no header.
  const length = bytes.readUInt16BE(2)
  if (length < header || (bytes.readUInt16BE(6) & 0x1fff) !== 0) return ip
  const payload = bytes.subarray(header, Math.min(bytes.length, length))
  if (ip.protocol === 17) return parseDhcp(payload, ip) ?? ip
  if (ip.protocol === 6) return parseSyn(payload, ip) ?? ip
  return ip
}

const dhcpCookie = 0x63_82_53_63

/**
 * UDP(8) then RFC 2131, section 2: op(1) htype(1) hlen(1) hops(1) xid(4) secs(2) flags(2) ciaddr(4) yiaddr(4) siaddr(4) giaddr(4) chaddr(16)
 * sname(64) file(128) cookie(4) options. Options that were moved into `sname` and `file` (RFC 2132, section 9.3) are not looked for.
 */
function parseDhcp(bytes: Buffer, { source, destination, etherFrom, etherTo, vlan }: IpFrame): DhcpFrame | undefined {
  const fixed = 8 + 236
  if (bytes.length < fixed) return undefined
  const from = bytes.readUInt16BE(0)
  const to = bytes.readUInt16BE(2)
  // A relay agent speaks from the servers' port to the servers' port.
  if (![67, 68].includes(from) || ![67, 68].includes(to)) return undefined
  const operation = bytes.readUInt8(8)
  if (operation !== 1 && operation !== 2) return undefined
  const ethernet = bytes.readUInt8(9) === 1 && bytes.readUInt8(10) === 6
  const options = readDhcpOptions(bytes, fixed)
  return {
    kind: 'dhcp',
    etherFrom,
    etherTo,
    vlan,
    source,
    destination,
    from: operation === 1 ? 'client' : 'server',
    message: options.get(53) ?? 0,
    clientIp: bytes.readUInt32BE(8 + 12),
    yourIp: bytes.readUInt32BE(8 + 16),
    relayIp: bytes.readUInt32BE(8 + 24),
    clientMac: ethernet ? bytes.readUIntBE(8 + 28, 6) : 0,
    requestedIp: options.get(50) ?? 0,
    serverId: options.get(54) ?? 0,
    leaseS: options.get(51) ?? 0,
  }
}

/** Length of the options that are read, by their code. */
const dhcpNumbers = new Map([
  [50, 4],
  [51, 4],
  [53, 1],
  [54, 4],
])

/** code(1) length(1) value; 0 is padding, 255 the end (RFC 2132, sections 2 and 3). The first of a kind counts. */
function readDhcpOptions(bytes: Buffer, from: number): Map<number, number> {
  const found = new Map<number, number>()
  if (bytes.length < from + 4 || bytes.readUInt32BE(from) !== dhcpCookie) return found
  for (let at = from + 4; at < bytes.length; ) {
    const code = bytes.readUInt8(at)
    if (code === 255) break
    if (code === 0) {
      at += 1
      continue
    }
    if (at + 2 > bytes.length) break
    const length = bytes.readUInt8(at + 1)
    if (at + 2 + length > bytes.length) break
    if (dhcpNumbers.get(code) === length && !found.has(code)) found.set(code, bytes.readUIntBE(at + 2, length))
    at += 2 + length
  }
  return found
}

/**
 * RFC 9293, section 3.1: source(2) destination(2) sequence(4) acknowledgement(4) offset and flags(2) window(2) checksum(2) urgent(2) options.
 * Undefined for anything but a SYN without ACK.
 */
function parseSyn(bytes: Buffer, { source, destination, ttl, etherFrom, etherTo, vlan }: IpFrame): SynFrame | undefined {
  if (bytes.length < 20) return undefined
  const flags = bytes.readUInt8(13)
  const header = (bytes.readUInt8(12) >> 4) * 4
  if ((flags & 0x17) !== 0x02 || header < 20) return undefined
  const options: number[] = []
  let mss: number | undefined
  let windowScale: number | undefined
  const end = Math.min(header, bytes.length)
  for (let at = 20; at < end; ) {
    const kind = bytes.readUInt8(at)
    options.push(kind)
    if (kind <= 1) {
      at += 1
      continue
    }
    const length = at + 1 < end ? bytes.readUInt8(at + 1) : 0
    if (length < 2 || at + length > end) break
    if (kind === 2 && length === 4) mss ??= bytes.readUInt16BE(at + 2)
    if (kind === 3 && length === 3) windowScale ??= bytes.readUInt8(at + 2)
    at += length
  }
  return {
    kind: 'syn',
    etherFrom,
    etherTo,
    vlan,
    source,
    destination,
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    ttl,
    window: bytes.readUInt16BE(14),
    options,
    mss,
    windowScale,
  }
}

export interface PcapStream {
  /** Takes the next bytes of the stream; calls back for each record in them. */
  push(bytes: Buffer): void
  /** Why nothing more can be read from this stream. */
  readonly broken: string | undefined
}

const fileHeaderBytes = 24
const recordHeaderBytes = 16
/** What tcpdump itself takes for the longest frame. */
const longestRecord = 262_144
const ethernetLink = 1

/**
 * A pcap file as it grows (draft-ietf-opsawg-pcap): header magic(4) version(2,2) zone(4) accuracy(4) snap length(4) link type(4), then records seconds(4)
 * fraction(4) captured(4) original(4) bytes. Both byte orders; microseconds and nanoseconds. `time` is milliseconds since 1970 UTC.
 */
export function readPcap(onRecord: (bytes: Buffer, time: number) => void): PcapStream {
  let rest: Buffer = Buffer.alloc(0)
  let format: { little: boolean; perMs: number } | undefined
  let broken: string | undefined
  const uint32 = (bytes: Buffer, at: number, little: boolean): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))

  const begin = (bytes: Buffer): void => {
    const little = bytes.readUInt8(0) === 0xd4 || bytes.readUInt8(0) === 0x4d
    const magic = uint32(bytes, 0, little)
    const perMs = magic === 0xa1b2c3d4 ? 1e3 : magic === 0xa1b23c4d ? 1e6 : 0
    if (perMs === 0) broken = 'this is no pcap stream'
    else if ((uint32(bytes, 20, little) & 0x0fff_ffff) !== ethernetLink) broken = `link type ${uint32(bytes, 20, little)} is not Ethernet`
    else format = { little, perMs }
  }

  return {
    push(bytes) {
      if (broken !== undefined) return
      const data = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes
      let at = 0
      if (!format) {
        if (data.length < fileHeaderBytes) {
          rest = Buffer.from(data)
          return
        }
        begin(data)
        at = fileHeaderBytes
      }
      while (format && data.length - at >= recordHeaderBytes) {
        const { little, perMs } = format
        const captured = uint32(data, at + 8, little)
        if (captured > longestRecord) {
          broken = `a record of ${captured} bytes`
          break
        }
        if (data.length - at < recordHeaderBytes + captured) break
        const time = uint32(data, at, little) * 1000 + uint32(data, at + 4, little) / perMs
        onRecord(data.subarray(at + recordHeaderBytes, at + recordHeaderBytes + captured), time)
        at += recordHeaderBytes + captured
      }
      // A copy: what is left is small, and the chunk it lies in is not to be kept for it.
      rest = broken === undefined ? Buffer.from(data.subarray(at)) : Buffer.alloc(0)
    },
    get broken() {
      return broken
    },
  }
}
