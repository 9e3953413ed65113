/** Who a Modbus unit says it is: Report Server ID and Read Device Identification (MODBUS Application Protocol V1.1b3, sections 6.13 and 6.21). */
import type { ModbusUnit } from '@shenlou/contract/modbus'
import type { Device } from '../device.ts'
import { exception, ModbusException } from './pdu.ts'

const maxPdu = 253

function fill(device: Device, text: string): string {
  const { template, identity } = device
  const words: Record<string, string> = {
    firmware: template.firmware,
    orderNumber: template.orderNumber,
    product: template.product,
    station: identity.stationName,
    plant: identity.plantName,
    serial: device.persona.serial,
  }
  return text.replaceAll(/\{(\w+)\}/g, (all, name: string) => words[name] ?? all)
}

/** Answer to function 17: the id, then whether the program runs. */
export function serverId(unit: ModbusUnit, device: Device): Buffer {
  const id = Buffer.from(fill(device, unit.serverId), 'latin1').subarray(0, 240)
  return Buffer.concat([Buffer.from([17, id.length + 1]), id, Buffer.from([device.mode === 'run' ? 0xff : 0])])
}

/**
 * Answer to function 43/14. Codes 1 to 3 stream the basic, regular and extended objects from `object` on, 4 is one object. Throws exception 3 for
 * another code and 2 for an object that there is not.
 */
export function identification(unit: ModbusUnit, device: Device, code: number, object: number): Buffer {
  const objects = Object.entries(unit.identification)
    .map(([id, text]) => ({ id: Number(id), text: Buffer.from(fill(device, text), 'latin1').subarray(0, 200) }))
    .sort((a, b) => a.id - b.id)
  if (objects.length === 0) throw new ModbusException(exception.function)
  if (code < 1 || code > 4) throw new ModbusException(exception.value)
  const conformity = 0x80 | (objects.some(({ id }) => id >= 0x80) ? 3 : objects.some(({ id }) => id > 2) ? 2 : 1)
  const level = [0, 2, 0x7f, 0xff][code] ?? 0
  if (code === 4) {
    const one = objects.find(({ id }) => id === object)
    if (!one) throw new ModbusException(exception.address)
    return Buffer.concat([Buffer.from([43, 14, 4, conformity, 0, 0, 1, one.id, one.text.length]), one.text])
  }
  const wanted = objects.filter(({ id }) => id <= level)
  // A stream that is begun at an object that is not there begins at the first (section 6.21).
  const from = wanted.some(({ id }) => id === object) ? object : (wanted[0]?.id ?? 0)
  const parts: Buffer[] = []
  let size = 7
  let next = 0
  for (const { id, text } of wanted.filter((each) => each.id >= from)) {
    if (size + 2 + text.length > maxPdu) {
      next = id
      break
    }
    size += 2 + text.length
    parts.push(Buffer.from([id, text.length]), text)
  }
  return Buffer.concat([Buffer.from([43, 14, code, conformity, next === 0 ? 0 : 0xff, next, parts.length / 2]), ...parts])
}
