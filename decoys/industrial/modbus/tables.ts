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
  /** The words of an entry, or its one bit, that stand for a raw number. */
  const wordsFor = (table: Table, entry: Entry, raw: number): number[] => {
    if (bits(table)) return [raw === 0 ? 0 : 1]
    if (entry.as === 'bit') return [raw]
    const bytes = encodeRaw(entry.as, raw, 'high-first')
    const high = bytes.readUInt16BE(0)
    if (bytes.length === 2) return [high]
    return order === 'low-first' ? [bytes.readUInt16BE(2), high] : [high, bytes.readUInt16BE(2)]
  }
  const now = (table: Table, entry: Entry): number[] => wordsFor(table, entry, toRaw(entry, device.read(entry.from)))
  const plain = (area: string, at: number): number => memory.get(area, at) ?? 0
  /** Raw numbers of the entries that were read last: what is said of a request is what it was answered, and is looked up once. */
  const answered = new Map<Entry, number>()

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
  function writeEntry(entry: Entry, { value, points }: Asked): Wrote & { failed: boolean } {
    if (value === undefined) return { points, changed: false, failed: false }
    const result = device.write(entry, value)
    return { points, changed: result.accepted && result.after !== result.before, failed: !result.accepted }
  }

  return {
    read(table, start, quantity) {
      const known = check(table, start, quantity)
      const [found, from]: [number[], string] = [[], area(table)]
      answered.clear()
      let words: number[] = []
      let of: Entry | undefined
      for (let at = start; at < start + quantity; at++) {
        const cell = known.cells.get(at)
        if (cell && cell.entry !== of) {
          of = cell.entry
          const raw = toRaw(of, device.read(of.from))
          answered.set(of, raw)
          words = wordsFor(table, of, raw)
        }
        found.push(cell ? (words[cell.word] ?? 0) : plain(from, at))
      }
      return found
    },
    write(table, start, values) {
      const known = check(table, start, values.length)
      const parts: Wrote[] = []
      let failed = false
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
          const before = plain(area(table), start + i)
          memory.set(area(table), start + i, value)
          parts.push({ points: [{ address: notation(table, start + i), before, value }], changed: false })
        } else if (!done.has(cell.entry)) {
          done.add(cell.entry)
          const part = writeEntry(cell.entry, asked.get(cell.entry) as Asked)
          failed ||= part.failed
          parts.push(part)
        }
      })
      const whole = joinWrites(parts)
      // Every check that a server makes lies before any effect (section 6.12, figure 22: codes 3 and 2 come before the writing), so a request is refused
      // whole. What an interlock of the process refuses is met while writing, and the state diagram has code 4 behind it: the other registers have
      // their words by then, as in a device that hands them to its application one by one. A controller whose memory takes every word (not strict: an
      // M340) answers as if it were done, and its program puts back what it does not allow.
      if (failed && unit.strict) throw new ModbusException(exception.failure, whole.points, whole.changed)
      return whole
    },
    points(table, start, values) {
      const known = compile(unit[table])
      const done = new Set<Entry>()
      return values.flatMap((value, i) => {
        const cell = known.cells.get(start + i)
        if (!cell) return value === 0 ? [] : [{ address: notation(table, start + i), value }]
        if (done.has(cell.entry)) return []
        done.add(cell.entry)
        const raw = answered.get(cell.entry) ?? toRaw(cell.entry, device.read(cell.entry.from))
        return [pointOf(device, notation(table, cell.entry.at), cell.entry.from, { value: fromRaw(cell.entry, raw) })]
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
