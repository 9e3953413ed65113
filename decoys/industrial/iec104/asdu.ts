/**
 * Application data of IEC 60870-5-101 and -104 (section 7 of both). Numbers are little-endian.
 *
 *   type(1) sequence and number(1) cause(1: 80 test, 40 negative) originator(1) common address(2) { object address(3) elements }
 */
export const type = {
  M_SP_NA_1: 1,
  M_DP_NA_1: 3,
  M_ME_NB_1: 11,
  M_ME_NC_1: 13,
  M_SP_TB_1: 30,
  M_DP_TB_1: 31,
  M_ME_TE_1: 35,
  M_ME_TF_1: 36,
  C_SC_NA_1: 45,
  C_DC_NA_1: 46,
  C_RC_NA_1: 47,
  C_SE_NA_1: 48,
  C_SE_NB_1: 49,
  C_SE_NC_1: 50,
  C_SC_TA_1: 58,
  C_DC_TA_1: 59,
  C_SE_TB_1: 62,
  C_SE_TC_1: 63,
  M_EI_NA_1: 70,
  C_IC_NA_1: 100,
  C_CI_NA_1: 101,
  C_RD_NA_1: 102,
  C_CS_NA_1: 103,
  C_RP_NA_1: 105,
  C_TS_TA_1: 107,
} as const
export type TypeName = keyof typeof type
export const typeName = (code: number): string => Object.entries(type).find(([, each]) => each === code)?.[0] ?? `type ${code}`

export const cause = {
  spontaneous: 3,
  initialised: 4,
  request: 5,
  activation: 6,
  confirmation: 7,
  deactivation: 8,
  deactivationConfirmation: 9,
  termination: 10,
  returned: 11,
  station: 20,
  unknownType: 44,
  unknownCause: 45,
  unknownAddress: 46,
  unknownObject: 47,
} as const

export interface Asdu {
  type: number
  count: number
  sequence: boolean
  cause: number
  negative: boolean
  test: boolean
  /** Who asked; what it is answered carries the same back, 0 is everybody (section 7.2.3.2 of -101). */
  originator: number
  address: number
  /** What follows the common address. */
  body: Buffer
}

/** Parses an ASDU. Throws a RangeError when it is shorter than its head. */
export function parseAsdu(bytes: Buffer): Asdu {
  if (bytes.length < 6) throw new RangeError(`an ASDU of ${bytes.length} bytes`)
  const [numbers, why] = [bytes.readUInt8(1), bytes.readUInt8(2)]
  return {
    type: bytes.readUInt8(0),
    count: numbers & 0x7f,
    sequence: (numbers & 0x80) !== 0,
    cause: why & 0x3f,
    negative: (why & 0x40) !== 0,
    test: (why & 0x80) !== 0,
    originator: bytes.readUInt8(3),
    address: bytes.readUInt16LE(4),
    body: bytes.subarray(6),
  }
}

export function encodeAsdu({ type: code, count, sequence, cause: why, negative, test, originator, address, body }: Asdu): Buffer {
  const head = Buffer.from([code, (sequence ? 0x80 : 0) | count, (test ? 0x80 : 0) | (negative ? 0x40 : 0) | why, originator, 0, 0])
  head.writeUInt16LE(address, 4)
  return Buffer.concat([head, body])
}

export const objectAddress = (at: number): Buffer => Buffer.from([at & 0xff, (at >> 8) & 0xff, (at >> 16) & 0xff])

/** CP56Time2a back, in ms since 1970 UTC; undefined for what is no time. */
export function decodeTime(bytes: Buffer): number | undefined {
  if (bytes.length < 7) return undefined
  const [ms, minute, hour] = [bytes.readUInt16LE(0), bytes.readUInt8(2) & 63, bytes.readUInt8(3) & 31]
  const [day, month, year] = [bytes.readUInt8(4) & 31, bytes.readUInt8(5) & 15, bytes.readUInt8(6) & 127]
  if (ms > 59_999 || minute > 59 || hour > 23 || day < 1 || month < 1 || month > 12 || year > 99) return undefined
  return Date.UTC(2000 + year, month - 1, day, hour, minute, 0, ms) - 8 * 3_600_000
}

/** Types without a time by those that have one: an interrogation is answered in the former (IEC 60870-5-101, section 7.4.5). */
export const withoutTime: Readonly<Record<string, TypeName>> = {
  M_SP_TB_1: 'M_SP_NA_1',
  M_DP_TB_1: 'M_DP_NA_1',
  M_ME_TE_1: 'M_ME_NB_1',
  M_ME_TF_1: 'M_ME_NC_1',
}

/** CP56Time2a (IEC 60870-5-4, section 6.8): milliseconds(2) minute hour day and weekday month year. The wall clock of UTC+8. */
export function encodeTime(at: number): Buffer {
  const time = new Date(at + 8 * 3_600_000)
  const bytes = Buffer.alloc(7)
  bytes.writeUInt16LE(time.getUTCSeconds() * 1000 + time.getUTCMilliseconds(), 0)
  bytes.writeUInt8(time.getUTCMinutes(), 2)
  bytes.writeUInt8(time.getUTCHours(), 3)
  bytes.writeUInt8(time.getUTCDate() | ((time.getUTCDay() || 7) << 5), 4)
  bytes.writeUInt8(time.getUTCMonth() + 1, 5)
  bytes.writeUInt8(time.getUTCFullYear() % 100, 6)
  return bytes
}

/** Bytes of the elements of one object of a monitored type: value and quality, and the time where the type has one. */
export function encodeElement(name: TypeName, value: number, good: boolean, at: number): Buffer {
  const quality = good ? 0 : 0x80
  const time = name.endsWith('_TB_1') || name.endsWith('_TE_1') || name.endsWith('_TF_1') ? encodeTime(at) : Buffer.alloc(0)
  if (name.startsWith('M_SP')) return Buffer.concat([Buffer.from([(value === 0 ? 0 : 1) | quality]), time])
  if (name.startsWith('M_DP')) return Buffer.concat([Buffer.from([(value === 0 ? 1 : 2) | quality]), time])
  const bytes = Buffer.alloc(name === 'M_ME_NB_1' || name === 'M_ME_TE_1' ? 3 : 5)
  if (bytes.length === 3) bytes.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round(value))), 0)
  else bytes.writeFloatLE(value, 0)
  bytes.writeUInt8(quality, bytes.length - 1)
  return Buffer.concat([bytes, time])
}
