/** System status lists (SZL): who the controller is, its state, its lamps and its diagnostic buffer, as the list numbers of S7-300/400 have them. */
import type { S7commTemplate } from '@shenlou/contract/s7comm'
import type { Device } from '../device.ts'
import { bcdTime, type Clock } from './clock.ts'
import { familyOf } from './family.ts'

export interface StatusList {
  /** Bytes of one record; 0 for a list without any. */
  size: number
  records: Buffer[]
}

const text = (value: string, bytes: number, fill = 0): Buffer => {
  const padded = Buffer.alloc(bytes, fill)
  Buffer.from(value, 'latin1').copy(padded, 0, 0, bytes)
  return padded
}
const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2)
  values.forEach((value, i) => {
    bytes.writeUInt16BE(value & 0xffff, i * 2)
  })
  return bytes
}

/** `V3.2.8` as the letter V and three bytes. */
function version(firmware: string): Buffer {
  const [major = 1, minor = 0, patch = 0] = firmware
    .replace(/^[vV]\.?/, '')
    .split('.')
    .map(Number)
  return Buffer.from([0x56, major & 0xff, minor & 0xff, patch & 0xff])
}

/** A list by number, or undefined when this controller does not have it. `index` selects one record where the list is asked so. */
export function statusList(id: number, index: number, device: Device, template: S7commTemplate, clock: Clock): StatusList | undefined {
  const { identity, persona } = device
  const family = familyOf(template)
  if (!family.lists.some((list) => (list & 0x00ff) === (id & 0x00ff))) return undefined
  const { product, orderNumber, hardware, firmware } = device.template
  const run = device.mode === 'run'
  const one = (records: Buffer[], at: (record: Buffer) => number = (record) => record.readUInt16BE(0)): StatusList => {
    const kept = (id & 0xff00) === 0x0100 || (id & 0xff00) === 0x0200 ? records.filter((record) => at(record) === index) : records
    return { size: records[0]?.length ?? 0, records: kept }
  }
  switch (id & 0x00ff) {
    case 0x00:
      return { size: 2, records: family.lists.map((list) => words(list)) }
    case 0x11: {
      const record = (at: number, of: string, first: number, second: number): Buffer =>
        Buffer.concat([words(at), text(of, 20, 0x20), words(family.kind, first, second)])
      const numbers = version(firmware)
      return one([
        record(1, orderNumber, Number(hardware) || 1, family.filler),
        record(6, orderNumber, Number(hardware) || 1, family.filler),
        Buffer.concat([words(7), text(orderNumber, 20, 0x20), words(family.kind), numbers]),
        ...(family.bootLoader
          ? [Buffer.concat([words(0x81), text(template.bootLoader || 'Boot Loader', 20, 0x20), words(0), Buffer.from([0x41, 0x20, 9, 9])])]
          : []),
      ])
    }
    case 0x1c: {
      const record = (at: number, of: string): Buffer => Buffer.concat([words(at), text(of, 32)])
      return one([
        record(1, identity.stationName),
        record(2, product),
        record(3, identity.plantName),
        record(4, template.copyright),
        record(5, persona.serial),
        record(7, template.cpuType),
        Buffer.concat([words(8), text(`MMC ${persona.draw('s7 card', 4).toString('hex').toUpperCase()}`, 32)]),
        Buffer.concat([words(9, 0x002a, 0xf600, 1), Buffer.alloc(26)]),
        Buffer.concat([words(0x0a), Buffer.alloc(32)]),
        record(0x0b, ''),
      ])
    }
    case 0x12:
      return { size: 2, records: [words(0x0000), words(0x0100), words(0x0200), words(0x0300)] }
    case 0x13: {
      const record = (at: number, bytes: number): Buffer => {
        const found = Buffer.alloc(36)
        found.writeUInt16BE(at, 0)
        found.writeUInt16BE(1, 2)
        found.writeUInt32BE(bytes, 4)
        return found
      }
      return one([record(1, 384 * 1024), record(2, 8 * 1024 * 1024)])
    }
    case 0x14: {
      const record = (at: number, quantity: number): Buffer => Buffer.concat([words(at, 1, quantity, 0)])
      return one([
        record(1, template.inputs.bytes),
        record(2, template.outputs.bytes),
        record(3, template.flags.bytes),
        record(4, template.timers),
        record(5, template.counters),
      ])
    }
    case 0x19:
    case 0x74:
      // Lamps: SF, BF1, RUN, STOP, FRCE as number, on, flashing.
      return one([1, 2, 4, 5, 6].map((lamp) => Buffer.concat([words(lamp), Buffer.from([lamp === 4 ? Number(run) : lamp === 5 ? Number(!run) : 0, 0])])))
    case 0x24:
      return {
        size: 20,
        records: [
          Buffer.concat([
            Buffer.from([0x51, run ? 0x44 : 0x43, 0xff, run ? 0x08 : 0x04]),
            Buffer.alloc(4),
            bcdTime(persona.bootedAt),
            bcdTime(clock.now()).subarray(0, 4),
          ]),
        ],
      }
    case 0x31:
      return one([Buffer.concat([words(index || 1, template.pdu, template.connections), Buffer.alloc(34)])])
    case 0x32: {
      const found = Buffer.alloc(40)
      found.writeUInt16BE(index || 4, 0)
      found.writeUInt16BE(template.protection, 2)
      found.writeUInt16BE(template.protection > 1 ? 1 : 0, 4)
      found.writeUInt16BE(template.protection, 6)
      found.writeUInt16BE(run ? 2 : 4, 8)
      return { size: 40, records: [found] }
    }
    case 0xa0: {
      // Diagnostic buffer: event id, priority, number, reserved, additional data, time; newest first.
      const entry = (event: number, at: number): Buffer => Buffer.concat([words(event), Buffer.from([0xff, 0x84, 0xc7, 0]), Buffer.alloc(6), bcdTime(at)])
      const starts = [entry(0x4302, persona.bootedAt + 2600), entry(0x1381, persona.bootedAt + 2200), entry(0x4301, persona.bootedAt + 900)]
      return { size: 20, records: run ? starts : [entry(0x4303, clock.stoppedAt), ...starts] }
    }
    default:
      return undefined
  }
}
