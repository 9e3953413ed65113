/** Frames as an attacker makes them, byte by byte; sent by a raw socket of his namespace. */
import type { LanHost } from '../idle/lan-fixture.ts'

export const broadcast = 'ff:ff:ff:ff:ff:ff'
const mac = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex')
const ip = (text: string): Buffer => Buffer.from(text.split('.').map(Number))

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt8(at) * 256 + (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
function checked(bytes: Buffer, at: number, over: Buffer = bytes): Buffer {
  bytes.writeUInt16BE(checksum(over), at)
  return bytes
}

/** `tags` are hexadecimal, such as `81000005`; padded to the least length of a frame. */
export function ethernet(to: string, from: string, type: number, payload: Buffer, tags = ''): Buffer {
  const head = Buffer.concat([mac(to), mac(from), Buffer.from(tags, 'hex'), Buffer.from([type >> 8, type & 255])])
  return Buffer.concat([head, payload, Buffer.alloc(Math.max(0, 60 - head.length - payload.length))])
}
export interface Arp {
  operation?: number
  /** Sender's. */
  mac: string
  ip: string
  /** Who is asked for. */
  target: string
  targetMac?: string
}
export const arp = ({ operation = 1, mac: sender, ip: own, target, targetMac = '00:00:00:00:00:00' }: Arp): Buffer =>
  Buffer.concat([Buffer.from([0, 1, 8, 0, 6, 4, 0, operation]), mac(sender), ip(own), mac(targetMac), ip(target)])

export function ipv4(source: string, destination: string, protocol: number, payload: Buffer, { options = '', fragment = 0, ttl = 64 } = {}): Buffer {
  const more = Buffer.from(options, 'hex')
  const head = Buffer.alloc(20 + more.length)
  head.writeUInt8(0x40 | (head.length / 4), 0)
  head.writeUInt16BE(head.length + payload.length, 2)
  head.writeUInt16BE(7, 4)
  head.writeUInt16BE(fragment, 6)
  head.writeUInt8(ttl, 8)
  head.writeUInt8(protocol, 9)
  ip(source).copy(head, 12)
  ip(destination).copy(head, 16)
  more.copy(head, 20)
  return Buffer.concat([checked(head, 10), payload])
}
export const icmp = (type: number, code = 0, rest = '0001000161626364'): Buffer =>
  checked(Buffer.concat([Buffer.from([type, code, 0, 0]), Buffer.from(rest, 'hex')]), 2)
/** Without a checksum, as UDP over IPv4 may be. */
export function udp(from: number, to: number, data = Buffer.from('x')): Buffer {
  const head = Buffer.alloc(8)
  for (const [at, value] of [from, to, 8 + data.length].entries()) head.writeUInt16BE(value, at * 2)
  return Buffer.concat([head, data])
}
export function syn(source: string, destination: string, port: number): Buffer {
  const head = Buffer.alloc(20)
  head.writeUInt16BE(4444, 0)
  head.writeUInt16BE(port, 2)
  head.writeUInt32BE(1, 4)
  head.writeUInt16BE(0x5002, 12)
  head.writeUInt16BE(1024, 14)
  const pseudo = Buffer.concat([ip(source), ip(destination), Buffer.from([0, 6, 0, 20]), head])
  return checked(head, 16, pseudo)
}

/** Sends them from this host, so many milliseconds apart; returns once they are out. */
export function send(from: LanHost, frames: readonly Buffer[], apartMs = 2): void {
  const script = `import socket,sys,time
s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW)
s.bind(("eth0",0))
for line in sys.argv[1:]:
  s.send(bytes.fromhex(line))
  time.sleep(${apartMs / 1000})`
  for (let at = 0; at < frames.length; at += 500) {
    const { status, text } = from.run('python3', '-c', script, ...frames.slice(at, at + 500).map((frame) => frame.toString('hex')))
    if (status !== 0) throw new Error(text)
  }
}
