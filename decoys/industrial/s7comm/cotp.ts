/**
 * TPKT (RFC 1006 section 6) and the class 0 transport of ISO 8073 (RFC 905) that S7comm travels in.
 *
 *   TPKT  03 00 length(2), the head included
 *   CR    li e0 destination(2) source(2) class(1) parameters: c0 01 size, c1 length source TSAP, c2 length destination TSAP
 *   CC    li d0, the same; DR li 80 destination(2) source(2) reason(1); DT 02 f0 80 data (the last part), 00 where more follow
 */
import { type FrameReader, openFrameReader } from '../frame-reader.ts'

const maxFrame = 2048

export const openTpktReader = (): FrameReader =>
  openFrameReader({
    headBytes: 4,
    maxBytes: maxFrame,
    lengthOf(head) {
      if (head.readUInt8(0) !== 3) throw new RangeError(`TPKT version ${head.readUInt8(0)}`)
      const length = head.readUInt16BE(2)
      if (length < 7) throw new RangeError(`a TPKT of ${length} bytes`)
      return length
    },
  })

export type Tpdu =
  | { kind: 'connect'; source: number; sourceTsap: Buffer; destinationTsap: Buffer; size: number }
  | { kind: 'data'; last: boolean; data: Buffer }
  | { kind: 'disconnect' }
  | { kind: 'other'; code: number }

/** Parses one frame. Throws a RangeError when its lengths do not fit together. */
export function parseTpdu(frame: Buffer): Tpdu {
  const indicator = frame.readUInt8(4)
  const end = 5 + indicator
  if (indicator < 2 || end > frame.length) throw new RangeError(`a length indicator of ${indicator} in a frame of ${frame.length} bytes`)
  const code = frame.readUInt8(5) & 0xf0
  if (code === 0xf0) return { kind: 'data', last: (frame.readUInt8(6) & 0x80) !== 0, data: frame.subarray(end) }
  if (code === 0x80) return { kind: 'disconnect' }
  if (code !== 0xe0 || indicator < 6) return { kind: 'other', code }
  const found = { kind: 'connect' as const, source: frame.readUInt16BE(8), sourceTsap: Buffer.alloc(0), destinationTsap: Buffer.alloc(0), size: 0x0a }
  for (let at = 11; at + 2 <= end; ) {
    const [type, length] = [frame.readUInt8(at), frame.readUInt8(at + 1)]
    const value = frame.subarray(at + 2, at + 2 + length)
    if (at + 2 + length > end) throw new RangeError('a parameter that runs over its TPDU')
    if (type === 0xc0 && length === 1) found.size = value.readUInt8(0)
    else if (type === 0xc1) found.sourceTsap = Buffer.from(value)
    else if (type === 0xc2) found.destinationTsap = Buffer.from(value)
    at += 2 + length
  }
  return found
}

function tpkt(tpdu: Buffer): Buffer {
  const head = Buffer.from([3, 0, 0, 0])
  head.writeUInt16BE(tpdu.length + 4, 2)
  return Buffer.concat([head, tpdu])
}

/** The confirmation: the client's TSAPs as it gave them, a size of at most 1,024 bytes. */
export function encodeConfirm({ source, sourceTsap, destinationTsap, size }: Extract<Tpdu, { kind: 'connect' }>, own: number): Buffer {
  const parameters = Buffer.concat([
    Buffer.from([0xc0, 1, Math.min(Math.max(size, 7), 0x0a), 0xc1, sourceTsap.length]),
    sourceTsap,
    Buffer.from([0xc2, destinationTsap.length]),
    destinationTsap,
  ])
  const head = Buffer.from([6 + parameters.length, 0xd0, source >> 8, source & 0xff, own >> 8, own & 0xff, 0])
  return tpkt(Buffer.concat([head, parameters]))
}

/** A refusal (RFC 905, section 13.5.3): reason 3 is an address that nobody has. */
export const encodeDisconnect = (destination: number, reason: number): Buffer =>
  tpkt(Buffer.from([6, 0x80, destination >> 8, destination & 0xff, 0, 0, reason]))

export const encodeData = (data: Buffer): Buffer => tpkt(Buffer.concat([Buffer.from([2, 0xf0, 0x80]), data]))
