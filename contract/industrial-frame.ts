/**
 * The fields of an industrial protocol's frame, for showing bytes beside what they mean: Modbus/TCP and UMAS (MODBUS Messaging on TCP/IP V1.0b, MODBUS
 * Application Protocol V1.1b3), S7comm on COTP (RFC 1006, ISO 8073), IEC 60870-5-104, SNMP (RFC 1157, 3416, 3412). Never throws: what is cut off or
 * unknown is one field of bytes at the end. Names are those of the specifications.
 */
export interface FrameField {
  /** Where its bytes lie. */
  at: number
  length: number
  name: string
  /** A number in decimal, a code in hexadecimal, text as it is; empty when the bytes say it. */
  value: string
}
export type FrameProtocol = 'modbus' | 'umas' | 's7comm' | 'iec104' | 'snmp' | 'hmi'
export type FrameSide = 'request' | 'response'

/** Fields shown of one frame at most. */
const maxFields = 120

class Cut extends Error {}

/** Takes fields from the front. Little-endian where `le` is said. */
export class FieldReader {
  readonly fields: FrameField[] = []
  readonly bytes: Uint8Array
  at: number
  end: number
  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }
  get left(): number {
    return this.end - this.at
  }
  peek(ahead = 0): number {
    return this.at + ahead < this.end ? (this.bytes[this.at + ahead] as number) : -1
  }
  /** An unsigned number of 1 to 4 bytes. `show` words it; the number itself is answered. */
  number(name: string, size: number, show: (value: number) => string = String, le = false): number {
    if (this.left < size || this.fields.length >= maxFields) throw new Cut()
    let value = 0
    for (let i = 0; i < size; i++) value = value * 256 + (this.bytes[this.at + (le ? size - 1 - i : i)] as number)
    this.fields.push({ at: this.at, length: size, name, value: show(value) })
    this.at += size
    return value
  }
  data(name: string, size = this.left, show: (part: Uint8Array) => string = () => ''): Uint8Array {
    if (size < 0 || this.left < size || this.fields.length >= maxFields) throw new Cut()
    const part = this.bytes.subarray(this.at, this.at + size)
    if (size > 0) this.fields.push({ at: this.at, length: size, name, value: show(part) })
    this.at += size
    return part
  }
}

export const hex = (digits: number) => (value: number) => `0x${value.toString(16).padStart(digits, '0')}`
export const named =
  (names: Readonly<Record<number, string>>, digits = 2) =>
  (value: number): string =>
    names[value] ? `${hex(digits)(value)} ${names[value]}` : hex(digits)(value)
/** Printable ASCII as it is, anything else as a dot. */
export const ascii = (part: Uint8Array): string =>
  [...part.subarray(0, 64)].map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('')
/** Runs a dissection; what it cannot take is left as bytes. */
export function dissect(bytes: Uint8Array, take: (reader: FieldReader) => void): FrameField[] {
  const reader = new FieldReader(bytes)
  try {
    take(reader)
  } catch (error) {
    if (!(error instanceof Cut)) throw error
  }
  reader.end = bytes.length
  if (reader.left > 0) reader.fields.push({ at: reader.at, length: reader.left, name: 'data', value: '' })
  return reader.fields
}
