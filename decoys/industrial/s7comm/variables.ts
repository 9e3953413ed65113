/**
 * Read and write of variables (functions 04 and 05).
 *
 *   parameters   function(1) items(1), each item: 12 0a 10 type(1) count(2) block(2) area(1) address(3, in bits; timers and counters by number)
 *   data         each item: return(1) type(1) length(2, in bits for types 3 to 5, in bytes for 7 and 9) bytes, filled to even but for the last
 */
import { type Asked, joinWrites, operationOfWrite, type Point, type Wrote } from '../say.ts'
import { areaCode, type S7Memory } from './memory.ts'
import { ack, item, type Pdu, s7Error } from './pdu.ts'

/** Bytes of one element by the type that a request names. */
const elementBytes: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 4, 8: 4, 28: 2, 29: 2 }
const maxItems = 20

interface Item {
  type: number
  count: number
  block: number
  area: number
  at: number
  bit: number
  bytes: number
}
export type Answered = { pdu: Pdu } & Pick<Asked, 'operation' | 'function' | 'outcome' | 'reason' | 'points' | 'count' | 'changed'>

/** Items of a request; undefined where one is cut off or of a form that is not answered. */
function parseItems(parameters: Buffer): (Item | undefined)[] | undefined {
  if (parameters.length < 2) return undefined
  const items: (Item | undefined)[] = []
  let at = 2
  for (let i = 0; i < parameters.readUInt8(1); i++) {
    if (at + 2 > parameters.length || parameters.readUInt8(at) !== 0x12) return undefined
    const length = parameters.readUInt8(at + 1)
    const body = parameters.subarray(at + 2, at + 2 + length)
    if (body.length < length) return undefined
    at += 2 + length
    if (length !== 10 || body.readUInt8(0) !== 0x10) {
      items.push(undefined)
      continue
    }
    const [type, count, block, area] = [body.readUInt8(1), body.readUInt16BE(2), body.readUInt16BE(4), body.readUInt8(6)]
    const address = body.readUIntBE(7, 3)
    const byNumber = area === areaCode.timers || area === areaCode.counters
    items.push({ type, count, block, area, at: byNumber ? address : address >> 3, bit: byNumber ? 0 : address & 7, bytes: count * (elementBytes[type] ?? 0) })
  }
  return items
}

function resultType(type: number): { code: number; inBits: boolean } {
  if (type === 1) return { code: 3, inBits: true }
  if (type === 5 || type === 7) return { code: 5, inBits: true }
  if (type === 8) return { code: 7, inBits: false }
  return type === 28 || type === 29 || type === 3 ? { code: 9, inBits: false } : { code: 4, inBits: true }
}

/** The code for an item that cannot be had, or undefined. */
function fault(found: Item | undefined, memory: S7Memory): number | undefined {
  if (!found) return item.type
  if (elementBytes[found.type] === undefined || found.count === 0 || (found.type === 1 && found.count !== 1)) return item.type
  // Timers and counters have types of their own, and nothing else has them.
  if ((found.area === areaCode.counters) !== (found.type === 28) || (found.area === areaCode.timers) !== (found.type === 29)) return item.type
  // Of timers and counters a controller may have none, which then have no address.
  if (!memory.exists(found.area, found.block)) return found.type === 28 || found.type === 29 ? item.address : item.missing
  return memory.fits(found.area, found.block, found.at, found.bytes) ? undefined : item.address
}

const refused = (reference: number, error: number, name: string, operation: 'read' | 'write', reason: string): Answered => ({
  pdu: ack(reference, error),
  operation,
  function: name,
  outcome: 'refused',
  reason,
})

export function readVariables({ reference, parameters }: Pdu, memory: S7Memory, maxPdu: number): Answered {
  const items = parseItems(parameters)
  if (!items || items.length === 0 || items.length > maxItems) return refused(reference, s7Error.badLength, 'Read Var', 'read', 'malformed')
  const parts: Buffer[] = []
  const points: Point[] = []
  let worst: number | undefined
  items.forEach((found, i) => {
    const wrong = fault(found, memory)
    if (wrong !== undefined || !found) {
      worst = wrong
      parts.push(Buffer.from([wrong ?? item.type, 0, 0, 0]))
      return
    }
    let bytes = memory.read(found.area, found.block, found.at, found.bytes) as Buffer
    if (found.type === 1) bytes = Buffer.from([((bytes[0] as number) >> found.bit) & 1])
    const { code, inBits } = resultType(found.type)
    const length = found.type === 1 ? 1 : inBits ? bytes.length * 8 : bytes.length
    const fill = bytes.length % 2 === 1 && i < items.length - 1 ? Buffer.alloc(1) : Buffer.alloc(0)
    parts.push(Buffer.from([item.ok, code, length >> 8, length & 0xff]), bytes, fill)
    points.push(...memory.points(found.area, found.block, found.at, found.bytes))
  })
  const data = Buffer.concat(parts)
  if (14 + data.length > maxPdu) return refused(reference, s7Error.badLength, 'Read Var', 'read', 'answer longer than the PDU')
  const image = items.some((found) => found?.area === areaCode.inputs || found?.area === areaCode.outputs)
  return {
    pdu: ack(reference, 0, Buffer.from([4, items.length]), data),
    operation: 'read',
    function: image ? 'Read Var (process image)' : 'Read Var',
    outcome: points.length === 0 ? 'refused' : 'done',
    ...(worst === undefined ? {} : { reason: `return code ${worst.toString(16).padStart(2, '0')}` }),
    points,
  }
}

export function writeVariables({ reference, parameters, data }: Pdu, memory: S7Memory, mayWrite: boolean): Answered {
  const items = parseItems(parameters)
  if (!items || items.length === 0 || items.length > maxItems) return refused(reference, s7Error.badLength, 'Write Var', 'write', 'malformed')
  if (!mayWrite)
    return {
      ...refused(reference, 0, 'Write Var', 'write', 'write protected'),
      pdu: ack(reference, 0, Buffer.from([5, items.length]), Buffer.alloc(items.length, item.access)),
    }
  const results: number[] = []
  const parts: Wrote[] = []
  let at = 0
  items.forEach((found, i) => {
    if (at + 4 > data.length) {
      results.push(item.size)
      return
    }
    const [type, length] = [data.readUInt8(at + 1), data.readUInt16BE(at + 2)]
    const bytes = type === 3 ? length : type === 4 || type === 5 ? length >> 3 : length
    const value = data.subarray(at + 4, at + 4 + bytes)
    at += 4 + bytes + (bytes % 2 === 1 && i < items.length - 1 ? 1 : 0)
    const wrong = fault(found, memory)
    if (wrong !== undefined || !found) results.push(wrong ?? item.type)
    else if (value.length !== bytes || value.length !== found.bytes) results.push(item.size)
    else {
      parts.push(memory.write(found.area, found.block, found.at, value, found.type === 1 ? found.bit : undefined))
      results.push(item.ok)
    }
  })
  const { points, changed } = joinWrites(parts)
  const image = items.some((found) => found?.area === areaCode.inputs)
  const bad = results.find((code) => code !== item.ok)
  return {
    pdu: ack(reference, 0, Buffer.from([5, items.length]), Buffer.from(results)),
    operation: operationOfWrite(points),
    function: image ? 'Write Var (process image)' : 'Write Var',
    outcome: results.includes(item.ok) ? 'done' : 'refused',
    ...(bad === undefined ? {} : { reason: `return code ${bad.toString(16).padStart(2, '0')}` }),
    points,
    changed,
  }
}
