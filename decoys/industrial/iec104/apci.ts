/**
 * Control information of IEC 60870-5-104 (edition 2, section 5): numbered transfer over TCP.
 *
 *   68 length(1, of what follows: 4 to 253) control(4) ASDU
 *   I   send << 1 (2, LE), receive << 1 (2, LE)     S   01 00 receive << 1 (2, LE)     U   function(1) 00 00 00
 */
import { type FrameReader, openFrameReader } from '../frame-reader.ts'

export const uFunction = { startAct: 0x07, startCon: 0x0b, stopAct: 0x13, stopCon: 0x23, testAct: 0x43, testCon: 0x83 } as const
export type Apdu = { kind: 'I'; send: number; receive: number; asdu: Buffer } | { kind: 'S'; receive: number } | { kind: 'U'; function: number }

export const openApduReader = (): FrameReader =>
  openFrameReader({
    headBytes: 2,
    maxBytes: 255,
    lengthOf(head) {
      if (head.readUInt8(0) !== 0x68) throw new RangeError(`start octet 0x${head.readUInt8(0).toString(16)}`)
      const length = head.readUInt8(1)
      if (length < 4 || length > 253) throw new RangeError(`length ${length} is not 4 to 253`)
      return length + 2
    },
  })

/** Parses a whole frame. Throws a RangeError on control octets that are none. */
export function parseApdu(frame: Buffer): Apdu {
  const first = frame.readUInt8(2)
  const receive = frame.readUInt16LE(4) >> 1
  if ((first & 1) === 0) return { kind: 'I', send: frame.readUInt16LE(2) >> 1, receive, asdu: frame.subarray(6) }
  if (frame.length !== 6) throw new RangeError(`data behind ${(first & 3) === 1 ? 'an S' : 'a U'} format`)
  if ((first & 3) === 1) return { kind: 'S', receive }
  if (!Object.values(uFunction).some((code) => code === first)) throw new RangeError(`U format 0x${first.toString(16)}`)
  return { kind: 'U', function: first }
}

export function encodeI(send: number, receive: number, asdu: Buffer): Buffer {
  const head = Buffer.alloc(6)
  head.writeUInt8(0x68, 0)
  head.writeUInt8(asdu.length + 4, 1)
  head.writeUInt16LE((send << 1) & 0xffff, 2)
  head.writeUInt16LE((receive << 1) & 0xffff, 4)
  return Buffer.concat([head, asdu])
}
export function encodeS(receive: number): Buffer {
  const frame = Buffer.from([0x68, 4, 1, 0, 0, 0])
  frame.writeUInt16LE((receive << 1) & 0xffff, 4)
  return frame
}
export const encodeU = (code: number): Buffer => Buffer.from([0x68, 4, code, 0, 0, 0])
