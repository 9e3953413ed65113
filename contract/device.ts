/** What an industrial device is, beside its operating system and hardware: its identity, its modules, its pace, and how plant values lie on a wire. */
import { z } from 'zod'

/**
 * Where a value comes from. `alias.TAG` is a tag of the plant, of the unit that the scenario gives this device under that alias (`oven.Z1.PV`).
 * `=12.5` is a constant, `@alarm.ID` whether that alarm of the unit is active (`@alarm.oven.Z1.HH`), `@alarms` how many are, `@mode` 1 while the
 * controller runs, `@heartbeat` a counter of its cycles (0 to 32,767), `@uptime` seconds since its last boot.
 */
export const valueSource = z
  .string()
  .max(96)
  .regex(
    /^(?:[a-z][a-z0-9]{0,15}\.[A-Za-z][A-Za-z0-9_.]{0,47}|=-?\d+(?:\.\d+)?|@alarm\.[a-z][a-z0-9]{0,15}\.[A-Za-z][A-Za-z0-9_.-]{0,47}|@alarms|@mode|@heartbeat|@uptime)$/,
    'must be alias.TAG, =NUMBER, @alarm.alias.ID, @alarms, @mode, @heartbeat or @uptime',
  )

/** How a number is written; more than 16 bits are in the device's own word order. */
export const wireType = z.enum(['bit', 'int16', 'uint16', 'int32', 'uint32', 'float32', 'bcd16'])
export type WireType = z.infer<typeof wireType>

/** A plant value on a wire: raw = value * scale + offset, rounded and clamped to the type (float32: neither). */
export const wireValue = z.strictObject({
  from: valueSource,
  as: wireType,
  scale: z.number().default(1),
  offset: z.number().default(0),
  /** Who may write it: nobody, whoever may operate, or whoever may engineer. What the plant's own tag forbids stays forbidden. */
  write: z.enum(['no', 'operator', 'engineer']).default('no'),
})
export type WireValue = z.infer<typeof wireValue>

export const deviceModule = z.strictObject({
  slot: z.number().int().min(0).max(63),
  /** As printed: `6ES7 331-7KF02-0AB0`. */
  orderNumber: z.string().max(64),
  name: z.string().max(64),
  hardware: z.string().max(16).default('1'),
  firmware: z.string().max(32).default(''),
  serialPattern: z.string().max(64).default(''),
})

/** The device as its plate and its engineering tool name it. Patterns: `#` a digit, `@` a capital letter, `{site}` the organisation's short name. */
export const deviceTemplate = z.strictObject({
  class: z.enum(['plc', 'rtu', 'gateway', 'meter', 'controller', 'hmi']),
  product: z.string().min(1).max(64),
  orderNumber: z.string().max(64),
  hardware: z.string().max(16),
  firmware: z.string().max(32),
  firmwareReleased: z.iso.date(),
  /** Names as an engineer of the group would give them; one is drawn of each. */
  plantName: z.array(z.string().min(1).max(32)).min(1),
  stationName: z.array(z.string().min(1).max(32)).min(1),
  modules: z.array(deviceModule).max(32).default([]),
  /** Length of a cycle of its program in ms, from and to: answers leave at the end of one. */
  cycleMs: z.tuple([z.number().min(0.1), z.number().max(2000)]),
  /** What its communication part takes besides, in ms. */
  latencyMs: z.tuple([z.number().min(0.1), z.number().max(5000)]),
  wordOrder: z.enum(['high-first', 'low-first']).default('high-first'),
  /** Aliases that its maps use, and the plant model that a unit given for one must have. */
  units: z.record(z.string().regex(/^[a-z][a-z0-9]{0,15}$/), z.string().max(64)),
})
export type DeviceTemplate = z.infer<typeof deviceTemplate>
