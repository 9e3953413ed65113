/** Values that the objects of an agent are made of. */
import { deviceIdentity } from '../device.ts'
import type { Persona } from '../../persona.ts'
import type { Value } from './ber.ts'

export const integer = (value: number): Value => ({ type: 'integer', value })
export const text = (value: string): Value => ({ type: 'octets', value: Buffer.from(value) })
export const gauge = (value: number): Value => ({ type: 'gauge', value })
/** Counters run over at 32 bits. */
export const counter = (value: number): Value => ({ type: 'counter', value: Math.max(0, Math.floor(value)) % 4_294_967_296 })
export const none: Value = { type: 'oid', value: [0, 0] }

/** The four bytes of an IPv4 address; undefined for another. */
export function bytesOf(address: string): number[] | undefined {
  const bytes = address.split('.').map(Number)
  return bytes.length === 4 && bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255) ? bytes : undefined
}

/** Texts of a persona, filled in with what this one device is called. */
export function filler(persona: Persona): (pattern: string) => string {
  const { template } = persona
  const identity = deviceIdentity(persona)
  const names: Record<string, string> = {
    product: template.device?.product ?? template.hardware.model,
    orderNumber: template.device?.orderNumber ?? '',
    hardware: template.device?.hardware ?? '',
    firmware: template.device?.firmware ?? '',
    serial: persona.serial,
    station: identity.stationName,
    plant: identity.plantName,
    hostname: persona.hostname,
    mac: persona.mac,
    site: (persona.organisation.domain.split('.')[0] ?? '').slice(0, 20),
  }
  return (pattern) => pattern.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) => names[name] ?? whole)
}
