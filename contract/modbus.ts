/** The Modbus/TCP side of a device (MODBUS Application Protocol V1.1b3): units, identification, and where the plant lies in its tables. */
import { z } from 'zod'
import { wireValue } from './device.ts'

const address = z.number().int().min(0).max(65_535)

/** One of the four tables: which addresses exist, and which of them show the plant. An address that exists and shows nothing is plain memory, 0 at first. */
const table = z.strictObject({
  /** First and last address, inclusive, counted from 0 as on the wire. */
  ranges: z
    .array(z.tuple([address, address]))
    .max(64)
    .default([]),
  values: z
    .array(wireValue.extend({ at: address }))
    .max(2000)
    .default([]),
})

const unit = z.strictObject({
  /** Unit identifiers that it answers to. */
  ids: z.array(z.number().int().min(0).max(255)).min(1).max(256),
  /** Function codes that it knows; every other gets exception 1. */
  functions: z.array(z.number().int().min(1).max(127)).min(1).max(64),
  /** Objects of function 43/14 by number (0 vendor, 1 product code, 2 revision, 3 URL, 4 product name, 5 model name, 6 application). `{firmware}`, `{orderNumber}`, `{product}`, `{station}` are filled in. */
  identification: z.record(z.string().regex(/^\d{1,3}$/), z.string().max(100)).default({}),
  /** Of function 17, before its run indicator. */
  serverId: z.string().max(200).default(''),
  /** A value out of range or an address that may not be written is refused, as by a controller; otherwise it is taken and overwritten, as memory of a PLC is. */
  strict: z.boolean().default(false),
  coils: table.default({ ranges: [], values: [] }),
  discreteInputs: table.default({ ranges: [], values: [] }),
  holdingRegisters: table.default({ ranges: [], values: [] }),
  inputRegisters: table.default({ ranges: [], values: [] }),
})
export type ModbusUnit = z.infer<typeof unit>
export type ModbusTable = z.infer<typeof table>

export const modbusTemplate = z.strictObject({
  /** Connections at once; the next is reset. */
  connections: z.number().int().min(1).max(256).default(16),
  /** Seconds without a request until it closes; 0 is never. */
  idleS: z.number().min(0).max(86_400).default(0),
  units: z.array(unit).min(1).max(64),
  /**
   * What a unit identifier gets that is not listed: a gateway's exception 11 or 10; silence, as of a station that compares it with its own; or the answer
   * of the first unit, as of a server that is addressed by its IP alone (MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 4.4.2.3).
   */
  absent: z.enum(['target-failed', 'path-unavailable', 'silent', 'first-unit']).default('silent'),
  /** A gateway sends unit 0 to everybody on its serial line: each does the write, and nobody answers (MODBUS over Serial Line V1.02, section 2.1). */
  broadcast: z.boolean().default(false),
  /** Schneider's own function 90, on the first unit. */
  umas: z.strictObject({ project: z.string().max(32), hardwareId: z.number().int().min(0).max(0xffffffff), version: z.string().max(16) }).optional(),
})
export type ModbusTemplate = z.infer<typeof modbusTemplate>
