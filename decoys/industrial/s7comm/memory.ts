/** Memory of a Siemens controller over the plant: bytes of its areas as they read now, and what writing them does. */
import type { S7Area, S7commTemplate } from '@shenlou/contract/s7comm'
import type { Device } from '../device.ts'
import { joinWrites, pointOf, type Point, type Wrote } from '../say.ts'
import { decodeRaw, encodeRaw, fromRaw, toRaw, widthOf } from '../wire-value.ts'
import type { Blocks } from './blocks.ts'

export const areaCode = { inputs: 0x81, outputs: 0x82, flags: 0x83, dataBlock: 0x84, counters: 0x1c, timers: 0x1d } as const

/** Plain memory of a device as one adversary has left it. */
export interface Registers {
  /** Another number after each change. */
  readonly revision: number
  get(area: string, at: number): number | undefined
  set(area: string, at: number, value: number): void
}
export interface S7Memory {
  /** Undefined where the area does not have these bytes; `exists` says whether it has the block at all. */
  read(area: number, block: number, at: number, bytes: number): Buffer | undefined
  exists(area: number, block: number): boolean
  /** Whether the area has these bytes, without reading them. */
  fits(area: number, block: number, at: number, bytes: number): boolean
  /** Bytes of a data block; 0 when there is none. */
  bytesOf(block: number): number
  /** Writes bytes that exist, or one bit when `bit` is given. */
  write(area: number, block: number, at: number, bytes: Buffer, bit?: number): Wrote
  /** What lies in these bytes, as an operator would name it. */
  points(area: number, block: number, at: number, bytes: number): Point[]
}

type Value = S7Area['values'][number]
/** STEP 7 notation: `DB10.DBD20`, `MW4`, `Q0.1`. */
function notation(area: number, block: number, at: number, size: number, bit?: number): string {
  const letter = { [areaCode.inputs]: 'I', [areaCode.outputs]: 'Q', [areaCode.flags]: 'M', [areaCode.counters]: 'C', [areaCode.timers]: 'T' }[area] ?? ''
  if (area === areaCode.counters || area === areaCode.timers) return `${letter}${at}`
  const unit = size === 4 ? 'D' : size === 2 ? 'W' : 'B'
  if (area === areaCode.dataBlock) return bit === undefined ? `DB${block}.DB${unit}${at}` : `DB${block}.DBX${at}.${bit}`
  return bit === undefined ? `${letter}${unit}${at}` : `${letter}${at}.${bit}`
}

/** `blocks` knows which data blocks the program has. */
export function openS7Memory(
  template: S7commTemplate,
  device: Device,
  registers: Registers,
  blocks: () => Pick<Blocks, 'deletedData' | 'loadedData'>,
): S7Memory {
  const areaOf = (area: number, block: number): S7Area | undefined => {
    if (area === areaCode.dataBlock) {
      const own = template.dataBlocks.find(({ number }) => number === block)
      if (own && !blocks().deletedData(block)) return own
      const data = blocks().loadedData(block)
      return data && (own && own.bytes <= data.length ? own : { bytes: data.length, values: [] })
    }
    if (area === areaCode.inputs) return template.inputs
    if (area === areaCode.outputs) return template.outputs
    return area === areaCode.flags ? template.flags : undefined
  }
  const counted = (area: number): number => (area === areaCode.counters ? template.counters : area === areaCode.timers ? template.timers : 0)
  const name = (area: number, block: number): string => `s7 ${area} ${block}`
  const touching = (of: S7Area, at: number, bytes: number): Value[] => of.values.filter((value) => value.at < at + bytes && value.at + widthOf(value.as) > at)
  const bytesNow = (value: Value): Buffer => encodeRaw(value.as, toRaw(value, device.read(value.from)), 'high-first')

  function fits(area: number, block: number, at: number, bytes: number): boolean {
    const count = counted(area)
    return count > 0 ? bytes % 2 === 0 && at + bytes / 2 <= count : at + bytes <= (areaOf(area, block)?.bytes ?? -1)
  }
  function read(area: number, block: number, at: number, bytes: number): Buffer | undefined {
    const count = counted(area)
    if (count > 0) {
      if (!fits(area, block, at, bytes)) return undefined
      const found = Buffer.alloc(bytes)
      for (let i = 0; i < bytes / 2; i++) found.writeUInt16BE(registers.get(name(area, 0), at + i) ?? 0, i * 2)
      return found
    }
    const of = areaOf(area, block)
    if (!of || at + bytes > of.bytes) return undefined
    const found = Buffer.alloc(bytes)
    // A block that was loaded holds what it was loaded with until it is written.
    if (of.values.length === 0 && area === areaCode.dataBlock) blocks().loadedData(block)?.copy(found, 0, at)
    const here = touching(of, at, bytes)
    // Bytes that whole values lie over show nothing of what is kept.
    const covered = new Uint8Array(bytes)
    for (const value of here) if (value.as !== 'bit') covered.fill(1, Math.max(0, value.at - at), Math.max(0, value.at + widthOf(value.as) - at))
    const kept = name(area, block)
    for (let i = 0; i < bytes; i++) if (covered[i] === 0) found[i] = registers.get(kept, at + i) ?? (found[i] as number)
    for (const value of here) {
      if (value.as === 'bit') {
        const i = value.at - at
        const mask = 1 << value.bit
        found[i] = device.read(value.from) === 0 ? (found[i] as number) & ~mask : (found[i] as number) | mask
      } else bytesNow(value).copy(found, Math.max(0, value.at - at), Math.max(0, at - value.at))
    }
    return found
  }

  /** `same`: the bytes are those that are there already, so nothing is asked of the plant. */
  function writeValue(area: number, block: number, value: Value, raw: number | undefined, same = false): Wrote {
    const address = notation(area, block, value.at, widthOf(value.as), value.as === 'bit' ? value.bit : undefined)
    const before = device.read(value.from)
    if (raw === undefined) return { points: [pointOf(device, address, value.from, { before })], changed: false }
    const to = fromRaw(value, raw)
    if (same) return { points: [pointOf(device, address, value.from, { before, value: to })], changed: false }
    // Memory takes what it is given; the program overwrites what is not its operator's to set.
    const result = device.write(value, to)
    return { points: [pointOf(device, address, value.from, { before, value: to })], changed: result.accepted && result.after !== result.before }
  }

  return {
    read,
    fits,
    bytesOf: (block) => areaOf(areaCode.dataBlock, block)?.bytes ?? 0,
    exists: (area, block) => counted(area) > 0 || (areaOf(area, block)?.bytes ?? 0) > 0,
    write(area, block, at, bytes, bit) {
      if (counted(area) > 0) {
        const points: Point[] = []
        for (let i = 0; i + 1 < bytes.length; i += 2) {
          const value = bytes.readUInt16BE(i)
          points.push({ address: notation(area, 0, at + i / 2, 2), before: registers.get(name(area, 0), at + i / 2) ?? 0, value })
          registers.set(name(area, 0), at + i / 2, value)
        }
        return { points, changed: false }
      }
      const of = areaOf(area, block)
      const now = read(area, block, at, bytes.length)
      if (!of || !now) return { points: [], changed: false }
      const next = Buffer.from(bytes)
      if (bit !== undefined) next[0] = bytes[0] === 0 ? (now[0] as number) & ~(1 << bit) : (now[0] as number) | (1 << bit)
      const values = touching(of, at, bytes.length)
      const parts: Wrote[] = []
      for (const value of values) {
        if (value.as === 'bit') {
          const i = value.at - at
          const mask = 1 << value.bit
          if (bit !== undefined && value.bit !== bit) continue
          const to = ((next[i] as number) & mask) === 0 ? 0 : 1
          const from = ((now[i] as number) & mask) === 0 ? 0 : 1
          if (to !== from || bit !== undefined) parts.push(writeValue(area, block, value, to))
        } else {
          const whole = bytesNow(value)
          const there = Buffer.from(whole)
          whole.forEach((_, i) => {
            const byte = next[value.at + i - at]
            if (byte !== undefined && value.at + i >= at) whole[i] = byte
          })
          parts.push(writeValue(area, block, value, decodeRaw(value.as, whole, 'high-first'), whole.equals(there)))
        }
      }
      next.forEach((byte, i) => {
        // Bits of the plant are put over what is kept, when it is read.
        if (byte !== now[i] && !values.some((value) => value.as !== 'bit' && at + i >= value.at && at + i < value.at + widthOf(value.as)))
          registers.set(name(area, block), at + i, byte)
      })
      if (parts.length === 0) {
        const whole =
          bytes.length === 1
            ? bit === undefined
              ? next[0]
              : (bytes[0] as number)
            : bytes.length === 2
              ? next.readUInt16BE()
              : bytes.length === 4
                ? next.readInt32BE()
                : undefined
        parts.push({ points: [{ address: notation(area, block, at, bytes.length, bit), ...(whole === undefined ? {} : { value: whole }) }], changed: false })
      }
      return joinWrites(parts)
    },
    points(area, block, at, bytes) {
      const of = areaOf(area, block)
      const found = of ? touching(of, at, bytes) : []
      if (found.length === 0) return [{ address: notation(area, block, at, bytes) }]
      return found.map((value) =>
        pointOf(device, notation(area, block, value.at, widthOf(value.as), value.as === 'bit' ? value.bit : undefined), value.from, {
          value: fromRaw(value, toRaw(value, device.read(value.from))),
        }),
      )
    },
  }
}
