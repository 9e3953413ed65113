/**
 * The load memory of a controller as one adversary has filled it, kept in the plain memory of its world: so it is this adversary's alone, survives a
 * restart, and stays within the bound of that memory. A directory of places, and cells of six bytes: a number keeps 48 bits exactly.
 */
import type { Registers } from './memory.ts'

export interface LoadMemory {
  /** Names (whole numbers) of the blocks that are linked, or of the passive ones. */
  keys(linked: boolean): number[]
  get(key: number, linked: boolean): Buffer | undefined
  /** Takes a passive block in place of one of the same name. False where there is no room. */
  put(key: number, bytes: Buffer): boolean
  /** Makes the passive block the linked one. */
  activate(key: number): void
  drop(key: number, linked: boolean): void
  /** Closes the gaps. */
  compress(): void
}

const places = 128
/** 84 KiB, so that what is loaded never pushes its own begin out of the world's memory. */
const cells = 14_336
const cellBytes = 6
const area = { name: 's7 block', start: 's7 block start', bytes: 's7 block bytes', cells: 's7 load memory' } as const

interface Entry {
  place: number
  key: number
  linked: boolean
  start: number
  bytes: number
}
const cellsOf = (bytes: number): number => Math.ceil(bytes / cellBytes)

export function openLoadMemory(registers: Registers): LoadMemory {
  /** What was read last: a block is asked for many times in a row. */
  let last: { revision: number; key: number; linked: boolean; bytes: Buffer | undefined } | undefined
  function entries(): Entry[] {
    const all: Entry[] = []
    for (let place = 0; place < places; place++) {
      // Twice the name, plus 2 where the place is taken, plus 1 where it is linked.
      const name = registers.get(area.name, place) ?? 0
      if (name < 2) continue
      const [start, bytes] = [registers.get(area.start, place), registers.get(area.bytes, place)]
      if (start !== undefined && bytes !== undefined) all.push({ place, key: (name >> 1) - 1, linked: (name & 1) === 1, start, bytes })
    }
    return all
  }
  const entry = (key: number, linked: boolean): Entry | undefined => entries().find((each) => each.key === key && each.linked === linked)
  const drop = (key: number, linked: boolean): void => {
    const found = entry(key, linked)
    if (found) registers.set(area.name, found.place, 0)
  }
  /** Undefined when a part of it fell out of the world's memory: then the block is not there. */
  function bytesOf({ start, bytes }: Entry): Buffer | undefined {
    const all = Buffer.alloc(cellsOf(bytes) * cellBytes)
    for (let i = 0; i < cellsOf(bytes); i++) {
      const cell = registers.get(area.cells, start + i)
      if (cell === undefined) return undefined
      all.writeUIntBE(cell, i * cellBytes, cellBytes)
    }
    return all.subarray(0, bytes)
  }
  function write(start: number, bytes: Buffer): void {
    const whole = Buffer.alloc(cellsOf(bytes.length) * cellBytes)
    bytes.copy(whole)
    for (let i = 0; i < whole.length / cellBytes; i++) registers.set(area.cells, start + i, whole.readUIntBE(i * cellBytes, cellBytes))
  }
  /** The first gap of so many cells. */
  function room(many: number): number | undefined {
    let at = 0
    for (const { start, bytes } of entries().sort((a, b) => a.start - b.start)) {
      if (start - at >= many) return at
      at = Math.max(at, start + cellsOf(bytes))
    }
    return at + many <= cells ? at : undefined
  }
  function compress(): void {
    let at = 0
    for (const each of entries().sort((a, b) => a.start - b.start)) {
      const bytes = each.start === at ? undefined : bytesOf(each)
      if (bytes) {
        write(at, bytes)
        registers.set(area.start, each.place, at)
        at += cellsOf(each.bytes)
      } else at = Math.max(at, each.start + cellsOf(each.bytes))
    }
  }

  return {
    keys: (linked) => entries().flatMap((each) => (each.linked === linked ? [each.key] : [])),
    get(key, linked) {
      if (last?.revision !== registers.revision || last.key !== key || last.linked !== linked) {
        const found = entry(key, linked)
        last = { revision: registers.revision, key, linked, bytes: found && bytesOf(found) }
      }
      return last.bytes
    },
    put(key, bytes) {
      drop(key, false)
      const taken = new Set(entries().map(({ place }) => place))
      const place = Array.from({ length: places }, (_, nth) => nth).find((nth) => !taken.has(nth))
      const many = cellsOf(bytes.length)
      let start = room(many)
      if (start === undefined) {
        compress()
        start = room(many)
      }
      if (place === undefined || start === undefined) return false
      write(start, bytes)
      registers.set(area.start, place, start)
      registers.set(area.bytes, place, bytes.length)
      registers.set(area.name, place, (key + 1) * 2)
      return true
    },
    activate(key) {
      const found = entry(key, false)
      if (!found) return
      drop(key, true)
      registers.set(area.name, found.place, (key + 1) * 2 + 1)
    },
    drop,
    compress,
  }
}
