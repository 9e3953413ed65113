/**
 * Conversations of a capture file (libpcap's classic format, as tcpdump writes it): bytes of TCP over IPv4 over Ethernet, put in order, by connection.
 *
 *   file    magic(4: a1b2c3d4, or a1b23c4d with nanoseconds, in the order of its machine) version(4) 0(8) longest(4) link type(4, 1 is Ethernet)
 *   frame   seconds(4) fraction(4) captured(4) original(4) bytes
 */

export interface Conversation {
  /** Port that was connected to. */
  port: number
  /** What each side sent, in the order in which it was captured; pieces as they travelled. */
  pieces: { from: 'client' | 'server'; bytes: Buffer }[]
}

/** Throws a RangeError on what is no capture of Ethernet, and on a frame that is cut off. */
export function readCapture(file: Buffer): Conversation[] {
  const magic = file.length >= 24 ? file.readUInt32LE(0) : 0
  const little = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d
  if (!little && magic !== 0xd4c3b2a1 && magic !== 0x4d3cb2a1) throw new RangeError('this is no capture file of the classic format')
  const read32 = (at: number): number => (little ? file.readUInt32LE(at) : file.readUInt32BE(at))
  if (read32(20) !== 1) throw new RangeError(`link type ${read32(20)} is not Ethernet`)
  const found = new Map<string, Conversation & { next: Record<'client' | 'server', number | undefined> }>()
  for (let at = 24; at < file.length; ) {
    const length = at + 16 <= file.length ? read32(at + 8) : -1
    if (length < 0 || at + 16 + length > file.length) throw new RangeError(`a frame that is cut off at byte ${at}`)
    const frame = file.subarray(at + 16, at + 16 + length)
    at += 16 + length
    if (frame.length < 54 || frame.readUInt16BE(12) !== 0x0800 || frame.readUInt8(23) !== 6) continue
    const head = 14 + (frame.readUInt8(14) & 15) * 4
    const end = Math.min(frame.length, 14 + frame.readUInt16BE(16))
    const [source, target, sequence, flags] = [frame.readUInt16BE(head), frame.readUInt16BE(head + 2), frame.readUInt32BE(head + 4), frame.readUInt8(head + 13)]
    const bytes = frame.subarray(head + (frame.readUInt8(head + 12) >> 4) * 4, end)
    const opens = (flags & 2) !== 0
    const key = [`${frame.readUInt32BE(26)}:${source}`, `${frame.readUInt32BE(30)}:${target}`].sort().join(' ')
    let conversation = found.get(key)
    if (!conversation) {
      conversation = { port: opens && (flags & 0x10) === 0 ? target : Math.min(source, target), pieces: [], next: { client: undefined, server: undefined } }
      found.set(key, conversation)
    }
    const from = target === conversation.port ? 'client' : 'server'
    const expected = conversation.next[from] ?? sequence
    // Sent again: it is there already.
    if (bytes.length > 0 && sequence === expected) conversation.pieces.push({ from, bytes: Buffer.from(bytes) })
    if (sequence === expected) conversation.next[from] = (sequence + bytes.length + (opens ? 1 : 0)) >>> 0
  }
  return [...found.values()].map(({ port, pieces }) => ({ port, pieces })).filter(({ pieces }) => pieces.length > 0)
}

/** A capture of one conversation of this machine with itself, for fixtures. */
export function writeCapture({ port, pieces }: Conversation): Buffer {
  const head = Buffer.alloc(24)
  head.writeUInt32LE(0xa1b2c3d4, 0)
  head.writeUInt32LE(0x00040002, 4)
  head.writeUInt32LE(65_535, 16)
  head.writeUInt32LE(1, 20)
  const next = { client: 1000, server: 9000 }
  const frames = pieces.map(({ from, bytes }, nth) => {
    const frame = Buffer.alloc(16 + 54)
    frame.writeUInt32LE(1_700_000_000 + nth, 0)
    frame.writeUInt32LE(54 + bytes.length, 8)
    frame.writeUInt32LE(54 + bytes.length, 12)
    const ethernet = frame.subarray(16)
    ethernet.writeUInt16BE(0x0800, 12)
    ethernet.writeUInt8(0x45, 14)
    ethernet.writeUInt16BE(40 + bytes.length, 16)
    ethernet.writeUInt8(6, 23)
    ethernet.writeUInt32BE(0x7f000001, 26)
    ethernet.writeUInt32BE(0x7f000001, 30)
    ethernet.writeUInt16BE(from === 'client' ? 40_000 : port, 34)
    ethernet.writeUInt16BE(from === 'client' ? port : 40_000, 36)
    ethernet.writeUInt32BE(next[from], 38)
    ethernet.writeUInt8(0x50, 46)
    next[from] += bytes.length
    return Buffer.concat([frame, bytes])
  })
  return Buffer.concat([head, ...frames])
}

/** Whole frames of each side in order; `lengthOf` answers a frame's length from its begin, 0 while it cannot be told. */
export function framesOf({ pieces }: Conversation, lengthOf: (bytes: Buffer) => number): { from: 'client' | 'server'; frame: Buffer }[] {
  const rest = { client: Buffer.alloc(0), server: Buffer.alloc(0) }
  const frames: { from: 'client' | 'server'; frame: Buffer }[] = []
  for (const { from, bytes } of pieces) {
    rest[from] = Buffer.concat([rest[from], bytes])
    for (let length = lengthOf(rest[from]); length > 0 && rest[from].length >= length; length = lengthOf(rest[from])) {
      frames.push({ from, frame: rest[from].subarray(0, length) })
      rest[from] = rest[from].subarray(length)
    }
  }
  return frames
}
