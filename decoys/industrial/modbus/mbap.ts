/**
 * Modbus/TCP framing (MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3).
 *
 *   transaction(2) protocol(2, 0) length(2) unit(1) function(1) data(length - 2)        length counts from the unit on: 2 to 254
 */
import { type FrameReader, openFrameReader } from '../frame-reader.ts'

export interface Adu {
  transaction: number
  unit: number
  /** Function code and data; at least the code. */
  pdu: Buffer
}

const headBytes = 7
const maxLength = 254

/** Frames of one connection; a head that is not Modbus breaks it, and a device closes the connection then. */
export const openMbapReader = (): FrameReader =>
  openFrameReader({
    headBytes,
    maxBytes: 6 + maxLength,
    lengthOf(head) {
      const protocol = head.readUInt16BE(2)
      const length = head.readUInt16BE(4)
      if (protocol !== 0) throw new RangeError(`protocol identifier ${protocol} is not Modbus`)
      if (length < 2 || length > maxLength) throw new RangeError(`length ${length} is not 2 to ${maxLength}`)
      return 6 + length
    },
  })

export const parseAdu = (frame: Buffer): Adu => ({ transaction: frame.readUInt16BE(0), unit: frame.readUInt8(6), pdu: frame.subarray(7) })

export function encodeAdu({ transaction, unit, pdu }: Adu): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt16BE(transaction, 0)
  head.writeUInt16BE(pdu.length + 1, 4)
  head.writeUInt8(unit, 6)
  return Buffer.concat([head, pdu])
}
