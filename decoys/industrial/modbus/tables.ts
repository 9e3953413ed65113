/** The four tables of a Modbus unit over the plant: what a register reads, what writing it does. */
import type { WireValue } from '@shenlou/contract/device'
import type { ModbusTable, ModbusUnit } from '@shenlou/contract/modbus'
import type { Device } from '../device.ts'
import { joinWrites, pointOf, type Point, type Wrote } from '../say.ts'
import { decodeRaw, encodeRaw, fromRaw, toRaw, widthOf } from '../wire-value.ts'
import { exception, ModbusException, type Table } from './pdu.ts'

/** Plain memory of a device as one adversary has left it: areas by name, cells by number. */
export interface Memory {
  get(area: string, at: number): number | undefined
  set(area: string, at: number, value: number): void
}
export interface Tables {
  /** Throws exception 2 where an address does not exist. */
  read(table: Table, start: number, quantity: number): number[]
  /** Writes and answers what it came to, one point for each value of the plant and one for each plain cell. */
  write(table: 'coils' | 'holdingRegisters', start: number, values: readonly number[]): Wrote
  /** What a read touched, as an operator would name it. */
  points(table: Table, start: number, values: readonly number[]): Point[]
}

type Entry = ModbusTable['values'][number]
interface Compiled {
  ranges: readonly (readonly [number, number])[]
  /** By address: the value that lies there and which of its words this is. */
  cells: ReadonlyMap<number, { entry: Entry; word: number }>
}

const compiled = new WeakMap<ModbusTable, Compiled>()
/** Classic notation: the table's digit and the address counted from 1. */
const digit: Readonly<Record<Table, number>> = { coils: 0, discreteInputs: 1, inputRegisters: 3, holdingRegisters: 4 }
const notation = (table: Table, at: number): string => `${digit[table]}${String(at + 1).padStart(5, '0')}`
const wordsOf = (value: WireValue): number => Math.max(1, widthOf(value.as) / 2)

function compile(table: ModbusTable): Compiled {
  let known = compiled.get(table)
  if (!known) {
    const cells = new Map<number, { entry: Entry; word: number }>()
    for (const entry of table.values) for (let word = 0; word < wordsOf(entry); word++) cells.set(entry.at + word, { entry, word })
    known = { ranges: table.ranges, cells }
    compiled.set(table, known)
  }
  return known
}

export function openTables(unit: ModbusUnit, device: Device, memory: Memory): Tables {
  const order = device.template.wordOrder
  const area = (table: Table): string => `modbus ${unit.ids[0]} ${table}`
  const exists = ({ ranges, cells }: Compiled, at: number): boolean => cells.has(at) || ranges.some(([first, last]) => at >= first && at <= last)
  const check = (table: Table, start: number, quantity: number): Compiled => {
    const known = compile(unit[table])
    for (let at = start; at < start + quantity; at++) if (at > 65_535 || !exists(known, at)) throw new ModbusException(exception.address)
    return known
  }
  const bits = (table: Table): boolean => table === 'coils' || table === 'discreteInputs'
  /** The words of an entry, or its one bit, as they read now. */
  const now = (table: Table, entry: Entry): number[] => {
    const raw = toRaw(entry, device.read(entry.from))
    if (bits(table)) return [raw === 0 ? 0 : 1]
    if (entry.as === 'bit') return [raw]
    const bytes = encodeRaw(entry.as, raw, order)
    return Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(i * 2))
  }
  const read = (table: Table, known: Compiled, at: number): number => {
    const cell = known.cells.get(at)
    return cell ? (now(table, cell.entry)[cell.word] ?? 0) : (memory.get(area(table), at) ?? 0)
  }

  interface Asked {
    before: number
    /** Undefined for bytes that are no number. */
    value: number | undefined
    points: Wrote['points']
  }
  /** What a write asks of one entry: its new words, put together with those that stay. */
  function ask(table: Table, entry: Entry, start: number, values: readonly number[]): Asked {
    const cells = now(table, entry)
    const before = device.read(entry.from)
    cells.forEach((_, word) => {
      const value = values[entry.at + word - start]
      if (value !== undefined && entry.at + word >= start) cells[word] = value
    })
    const raw = bits(table) || entry.as === 'bit' ? Number(cells[0] !== 0) : decodeRaw(entry.as, wordsToBytes(cells), order)
    const value = raw === undefined ? undefined : fromRaw(entry, raw)
    return { before, value, points: [pointOf(device, notation(table, entry.at), entry.from, { before, ...(value === undefined ? {} : { value }) })] }
  }
  /** The exception that a strict unit has for it, looked for before anything is written. */
  function fault(entry: Entry, { value }: Asked): number | undefined {
    const id = device.tagOf(entry.from)
    const tag = id === undefined ? undefined : device.plant.tag(id)
    if (!tag || entry.write === 'no' || tag.access === 'read' || (tag.access === 'engineer' && entry.write === 'operator')) return exception.address
    return value === undefined || value < tag.range[0] || value > tag.range[1] ? exception.value : undefined
  }
  function writeEntry(entry: Entry, { value, points }: Asked): Wrote {
    if (value === undefined) return { points, changed: false }
    const result = device.write(entry, value)
    if (!result.accepted && unit.strict) throw new ModbusException(result.reason === 'range' ? exception.value : exception.failure, points)
    return { points, changed: result.accepted && result.after !== result.before }
  }

  return {
    read(table, start, quantity) {
      const known = check(table, start, quantity)
      return Array.from({ length: quantity }, (_, i) => read(table, known, start + i))
    },
    write(table, start, values) {
      const known = check(table, start, values.length)
      const parts: Wrote[] = []
      const done = new Set<Entry>()
      const asked = new Map<Entry, Asked>()
      values.forEach((_, i) => {
        const entry = known.cells.get(start + i)?.entry
        if (entry && !asked.has(entry)) asked.set(entry, ask(table, entry, start, values))
      })
      if (unit.strict)
        for (const [entry, one] of asked) {
          const code = fault(entry, one)
          if (code !== undefined)
            throw new ModbusException(
              code,
              [...asked.values()].flatMap(({ points }) => points),
            )
        }
      values.forEach((value, i) => {
        const cell = known.cells.get(start + i)
        if (!cell) {
          const before = read(table, known, start + i)
          memory.set(area(table), start + i, value)
          parts.push({ points: [{ address: notation(table, start + i), before, value }], changed: false })
        } else if (!done.has(cell.entry)) {
          done.add(cell.entry)
          parts.push(writeEntry(cell.entry, asked.get(cell.entry) as Asked))
        }
      })
      return joinWrites(parts)
    },
    points(table, start, values) {
      const known = compile(unit[table])
      const done = new Set<Entry>()
      return values.flatMap((value, i) => {
        const cell = known.cells.get(start + i)
        if (!cell) return value === 0 ? [] : [{ address: notation(table, start + i), value }]
        if (done.has(cell.entry)) return []
        done.add(cell.entry)
        return [
          pointOf(device, notation(table, cell.entry.at), cell.entry.from, { value: fromRaw(cell.entry, toRaw(cell.entry, device.read(cell.entry.from))) }),
        ]
      })
    },
  }
}

function wordsToBytes(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(words.length * 2)
  words.forEach((word, i) => {
    bytes.writeUInt16BE(word & 0xffff, i * 2)
  })
  return bytes
}
