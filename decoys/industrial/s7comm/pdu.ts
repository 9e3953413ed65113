/**
 * The S7comm PDU, as independent dissectors describe it (no public specification exists). Numbers are big-endian.
 *
 *   32 rosctr(1) 0000 reference(2) parameters(2) data(2) [class(1) code(1) where rosctr is 2 or 3]  parameters  data
 *   rosctr: 1 job, 2 acknowledgement, 3 acknowledgement with data, 7 user data
 */
export const rosctr = { job: 1, ack: 2, ackData: 3, userData: 7 } as const

export interface Pdu {
  rosctr: number
  reference: number
  parameters: Buffer
  data: Buffer
  /** Class and code of an acknowledgement. */
  error: number
}

/** Parses a PDU. Throws a RangeError when it is none or its lengths do not fit. */
export function parsePdu(bytes: Buffer): Pdu {
  if (bytes.length < 10 || bytes.readUInt8(0) !== 0x32)
    throw new RangeError(bytes.length > 0 ? `protocol 0x${bytes.readUInt8(0).toString(16)}` : 'an empty PDU')
  const kind = bytes.readUInt8(1)
  const head = kind === rosctr.ack || kind === rosctr.ackData ? 12 : 10
  const [parameters, data] = [bytes.readUInt16BE(6), bytes.readUInt16BE(8)]
  if (bytes.length !== head + parameters + data) throw new RangeError(`${bytes.length} bytes, where the head says ${head + parameters + data}`)
  return {
    rosctr: kind,
    reference: bytes.readUInt16BE(4),
    parameters: bytes.subarray(head, head + parameters),
    data: bytes.subarray(head + parameters),
    error: head === 12 ? bytes.readUInt16BE(10) : 0,
  }
}

export function encodePdu({ rosctr: kind, reference, parameters, data, error }: Pdu): Buffer {
  const acknowledges = kind === rosctr.ack || kind === rosctr.ackData
  const head = Buffer.alloc(acknowledges ? 12 : 10)
  head.writeUInt8(0x32, 0)
  head.writeUInt8(kind, 1)
  head.writeUInt16BE(reference, 4)
  head.writeUInt16BE(parameters.length, 6)
  head.writeUInt16BE(data.length, 8)
  if (acknowledges) head.writeUInt16BE(error, 10)
  return Buffer.concat([head, parameters, data])
}

/** Error classes and codes of acknowledgements, with the meanings that dissectors give them. */
export const s7Error = {
  none: 0,
  /** Not performed in the present state. */
  state: 0x8001,
  unknownFunction: 0x8104,
  /** Loading or reading out in another order than start, parts, end. */
  sequence: 0x8401,
  /** Not with the state that the controller is in. */
  mode: 0x8402,
  badLength: 0x8500,
  refused: 0x8703,
  blockName: 0xd201,
  piParameters: 0xd202,
  blockMissing: 0xd209,
  blockLength: 0xd219,
  /** Not at the present level of protection. */
  protectedLevel: 0xd241,
  listSyntax: 0xd405,
  password: 0xd602,
  noPassword: 0xd605,
  time: 0xdc01,
} as const
/** Return codes of items. */
export const item = { ok: 0xff, hardware: 0x01, access: 0x03, address: 0x05, type: 0x06, size: 0x07, missing: 0x0a } as const
const nothing = Buffer.alloc(0)
export const ack = (reference: number, error: number, parameters: Buffer = nothing, data: Buffer = nothing): Pdu => ({
  rosctr: parameters.length > 0 ? rosctr.ackData : rosctr.ack,
  reference,
  parameters,
  data,
  error,
})
