/**
 * Modbus requests and answers (MODBUS Application Protocol V1.1b3, section 6). Numbers are big-endian; an answer begins with the request's function
 * code, an exception with the code + 0x80 and one byte.
 *
 *   01 02 03 04   start(2) quantity(2)                                          → bytes(1) values
 *   05 06         address(2) value(2)                                           → the request
 *   0f 10         start(2) quantity(2) bytes(1) values                          → start(2) quantity(2)
 *   16            address(2) and(2) or(2)                                       → the request
 *   17            readStart(2) readQuantity(2) writeStart(2) writeQuantity(2) bytes(1) values → bytes(1) values
 *   08            subfunction(2) data                                           → the request (subfunction 0)
 *   11            nothing                                                       → bytes(1) id run(1)
 *   2b            mei(1, 0e) code(1) object(1)                                  → identification
 */

import type { Point } from '../say.ts'

export const exception = { function: 1, address: 2, value: 3, failure: 4, busy: 6, path: 10, target: 11 } as const

/** A request that is answered with this exception code; `points` is what it asked to write, `changed` whether any of it was done. */
export class ModbusException extends Error {
  readonly code: number
  readonly points: Point[]
  readonly changed: boolean
  constructor(code: number, points: Point[] = [], changed = false) {
    super(`exception ${code}`)
    this.code = code
    this.points = points
    this.changed = changed
  }
}

export type Table = 'coils' | 'discreteInputs' | 'holdingRegisters' | 'inputRegisters'
export type Request =
  | { kind: 'read'; table: Table; start: number; quantity: number }
  | { kind: 'write'; table: 'coils' | 'holdingRegisters'; start: number; values: number[] }
  | { kind: 'mask'; address: number; and: number; or: number }
  | { kind: 'exchange'; start: number; quantity: number; writeStart: number; values: number[] }
  | { kind: 'diagnose'; sub: number; data: Buffer }
  | { kind: 'server-id' }
  | { kind: 'identification'; code: number; object: number }
  | { kind: 'umas'; session: number; code: number; data: Buffer }

export const functionNames: Readonly<Record<number, string>> = {
  1: 'Read Coils',
  2: 'Read Discrete Inputs',
  3: 'Read Holding Registers',
  4: 'Read Input Registers',
  5: 'Write Single Coil',
  6: 'Write Single Register',
  7: 'Read Exception Status',
  8: 'Diagnostics',
  11: 'Get Comm Event Counter',
  12: 'Get Comm Event Log',
  15: 'Write Multiple Coils',
  16: 'Write Multiple Registers',
  17: 'Report Server ID',
  20: 'Read File Record',
  21: 'Write File Record',
  22: 'Mask Write Register',
  23: 'Read/Write Multiple Registers',
  24: 'Read FIFO Queue',
  43: 'Encapsulated Interface Transport',
  90: 'UMAS',
}

const tables: Readonly<Record<number, Table>> = { 1: 'coils', 2: 'discreteInputs', 3: 'holdingRegisters', 4: 'inputRegisters' }
const mostRead: Readonly<Record<Table, number>> = { coils: 2000, discreteInputs: 2000, holdingRegisters: 125, inputRegisters: 125 }

/** Parses what follows the function code. Throws a ModbusException: 1 for a function outside of `known`, 3 for a quantity, a value or a length that is not allowed. */
export function parseRequest(pdu: Buffer, known: readonly number[]): Request {
  const code = pdu.readUInt8(0)
  if (!known.includes(code)) throw new ModbusException(exception.function)
  const data = pdu.subarray(1)
  const exactly = (bytes: number): void => {
    if (data.length !== bytes) throw new ModbusException(exception.value)
  }
  const within = (quantity: number, most: number): number => {
    if (quantity < 1 || quantity > most) throw new ModbusException(exception.value)
    return quantity
  }
  switch (code) {
    case 1:
    case 2:
    case 3:
    case 4: {
      exactly(4)
      const table = tables[code] as Table
      return { kind: 'read', table, start: data.readUInt16BE(0), quantity: within(data.readUInt16BE(2), mostRead[table]) }
    }
    case 5: {
      exactly(4)
      const value = data.readUInt16BE(2)
      if (value !== 0 && value !== 0xff00) throw new ModbusException(exception.value)
      return { kind: 'write', table: 'coils', start: data.readUInt16BE(0), values: [value === 0 ? 0 : 1] }
    }
    case 6:
      exactly(4)
      return { kind: 'write', table: 'holdingRegisters', start: data.readUInt16BE(0), values: [data.readUInt16BE(2)] }
    case 15: {
      if (data.length < 5) throw new ModbusException(exception.value)
      const quantity = within(data.readUInt16BE(2), 1968)
      if (data.readUInt8(4) !== Math.ceil(quantity / 8)) throw new ModbusException(exception.value)
      exactly(5 + Math.ceil(quantity / 8))
      const values = Array.from({ length: quantity }, (_, i) => (data.readUInt8(5 + (i >> 3)) >> (i & 7)) & 1)
      return { kind: 'write', table: 'coils', start: data.readUInt16BE(0), values }
    }
    case 16: {
      if (data.length < 5) throw new ModbusException(exception.value)
      const quantity = within(data.readUInt16BE(2), 123)
      return { kind: 'write', table: 'holdingRegisters', start: data.readUInt16BE(0), values: words(data, 4, quantity, exactly) }
    }
    case 22:
      exactly(6)
      return { kind: 'mask', address: data.readUInt16BE(0), and: data.readUInt16BE(2), or: data.readUInt16BE(4) }
    case 23: {
      if (data.length < 9) throw new ModbusException(exception.value)
      const quantity = within(data.readUInt16BE(2), 125)
      const values = words(data, 8, within(data.readUInt16BE(6), 121), exactly)
      return { kind: 'exchange', start: data.readUInt16BE(0), quantity, writeStart: data.readUInt16BE(4), values }
    }
    case 8:
      if (data.length < 4) throw new ModbusException(exception.value)
      return { kind: 'diagnose', sub: data.readUInt16BE(0), data }
    case 17:
      exactly(0)
      return { kind: 'server-id' }
    case 43: {
      if (data.length < 1 || data.readUInt8(0) !== 0x0e) throw new ModbusException(exception.function)
      exactly(3)
      return { kind: 'identification', code: data.readUInt8(1), object: data.readUInt8(2) }
    }
    case 90:
      if (data.length < 2) throw new ModbusException(exception.value)
      return { kind: 'umas', session: data.readUInt8(0), code: data.readUInt8(1), data: data.subarray(2) }
    default:
      throw new ModbusException(exception.function)
  }
}

/** Register values behind a byte count at `at`. */
function words(data: Buffer, at: number, quantity: number, exactly: (bytes: number) => void): number[] {
  if (data.readUInt8(at) !== quantity * 2) throw new ModbusException(exception.value)
  exactly(at + 1 + quantity * 2)
  return Array.from({ length: quantity }, (_, i) => data.readUInt16BE(at + 1 + i * 2))
}

/** Values of an answer to a read: bits packed from the lowest, registers big-endian; the byte count before them. */
export function encodeValues(code: number, table: Table, values: readonly number[]): Buffer {
  const bits = table === 'coils' || table === 'discreteInputs'
  const body = Buffer.alloc(bits ? Math.ceil(values.length / 8) : values.length * 2)
  values.forEach((value, i) => {
    if (bits) body[i >> 3] = (body[i >> 3] as number) | (value << (i & 7))
    else body.writeUInt16BE(value, i * 2)
  })
  return Buffer.concat([Buffer.from([code, body.length]), body])
}

export const encodeException = (code: number, reason: number): Buffer => Buffer.from([(code | 0x80) & 0xff, reason])
