/** A vendor's objects, as a persona lists them: fixed texts and numbers, and values of the plant or the device. */
import type { SnmpObject } from '@shenlou/contract/snmp'
import type { Wrote } from '../say.ts'
import { pointFor } from './agent.ts'
import { type Oid, parseOid, type Value } from './ber.ts'
import { status } from './message.ts'
import type { Node, Write } from './tree.ts'
import { bytesOf, counter, gauge, integer, text } from './values.ts'

/** One of them. Texts and addresses are fixed; numbers may come from the plant, and go there where the persona says so. */
export function vendorNode(object: SnmpObject, fill: (pattern: string) => string): Node {
  const oid = parseOid(object.oid)
  const last = oid.at(-1)
  const { from } = object
  const fixed = from === undefined ? fixedValue(object, fill) : undefined
  return {
    oid,
    object: last === 0 ? oid.length - 1 : oid.length,
    name: object.name,
    ...(from === undefined ? {} : { from }),
    read: ({ device }) => fixed ?? scaled(object, device.read(from as string)),
    ...(object.write === 'no' || from === undefined ? {} : { write: plantWrite(object, from, oid) }),
  }
}

function fixedValue({ type, value = '' }: SnmpObject, fill: (pattern: string) => string): Value {
  if (type === 'string') return text(fill(String(value)))
  if (type === 'bits') return { type: 'octets', value: Buffer.from(fill(String(value)).replaceAll(':', ''), 'hex') }
  if (type === 'oid') return { type: 'oid', value: parseOid(String(value)) }
  if (type === 'ip') return { type: 'ip', value: Buffer.from(bytesOf(String(value)) ?? [0, 0, 0, 0]) }
  return ranged(type, Number(value))
}

const scaled = ({ type, scale }: SnmpObject, value: number): Value => {
  const number = Number.isFinite(value) ? value * scale : 0
  // An agent without floating point shows such values as text.
  return type === 'string' ? text(String(Number(number.toFixed(2)))) : ranged(type, number)
}

function ranged(type: SnmpObject['type'], value: number): Value {
  const whole = Math.round(value)
  if (type === 'counter') return counter(whole)
  if (type === 'gauge') return gauge(Math.min(4_294_967_295, Math.max(0, whole)))
  if (type === 'ticks') return { type: 'ticks', value: Math.max(0, whole) % 4_294_967_296 }
  if (type === 'counter64') return { type: 'counter64', value: BigInt(Math.max(0, whole)) }
  return integer(Math.min(2_147_483_647, Math.max(-2_147_483_648, whole)))
}

function plantWrite(object: SnmpObject, from: string, oid: Oid): Write {
  const wanted = object.type === 'string' ? 'octets' : object.type
  return {
    check(value) {
      if (value.type !== wanted) return status.wrongType
      return asNumber(value, object.scale) === undefined ? status.wrongValue : status.noError
    },
    apply(value, view): Wrote | undefined {
      const to = asNumber(value, object.scale)
      if (to === undefined || object.write === 'no') return undefined
      const result = view.device.write({ from, write: object.write }, to)
      if (!result.accepted) return undefined
      const { before, after } = result
      const point = pointFor(view, { oid, object: oid.length, name: object.name, from, read: () => value }, { oid, value: integer(0) }, before)
      return { points: [{ ...point, value: to }], changed: after !== before }
    },
  }
}

function asNumber(value: Value, scale: number): number | undefined {
  const raw = value.type === 'octets' ? numberIn(value.value) : 'value' in value && typeof value.value === 'number' ? value.value : undefined
  return raw === undefined ? undefined : raw / scale
}
const numberIn = (bytes: Buffer): number | undefined =>
  /^-?\d{1,9}(\.\d{1,6})?$/.test(bytes.subarray(0, 20).toString('latin1')) ? Number(bytes.toString('latin1')) : undefined
