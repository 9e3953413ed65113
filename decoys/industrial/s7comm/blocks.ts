/** Blocks of a controller's program: lists, descriptions, and the bytes that are read out of it. */
import type { S7commTemplate } from '@shenlou/contract/s7comm'
import type { Device } from '../device.ts'

export type Block = S7commTemplate['blocks'][number]
/** Type of a block as its listings write it, an ASCII character after 0. */
export const blockTypes = { OB: 0x38, DB: 0x41, SDB: 0x42, FC: 0x43, SFC: 0x44, FB: 0x45, SFB: 0x46 } as const
const typeOf = (code: number): Block['type'] | undefined => (Object.keys(blockTypes) as Block['type'][]).find((name) => blockTypes[name] === code)
/** Second code of a type inside a block. */
const subTypes = { OB: 0x08, DB: 0x0a, SDB: 0x0b, FC: 0x0c, SFC: 0x0d, FB: 0x0e, SFB: 0x0f } as const
/** Days and ms since 1984 in which blocks are dated. */
const epoch = Date.UTC(1984, 0, 1)
const day = 86_400_000

/** Counts by type: 30 type count(2) each. */
export function listBlocks({ blocks }: S7commTemplate): Buffer {
  return Buffer.concat(
    (Object.keys(blockTypes) as Block['type'][]).map((type) => {
      const count = blocks.filter((block) => block.type === type).length
      return Buffer.from([0x30, blockTypes[type], count >> 8, count & 0xff])
    }),
  )
}

/** Numbers of one type: number(2) flags(1) language(1) each; undefined when there are none. */
export function listType({ blocks }: S7commTemplate, code: number): Buffer | undefined {
  const found = blocks.filter(({ type }) => type === typeOf(code)).sort((a, b) => a.number - b.number)
  if (found.length === 0) return undefined
  return Buffer.concat(
    found.map(({ type, number, language }) => Buffer.from([number >> 8, number & 0xff, type.startsWith('S') && type !== 'SDB' ? 0x42 : 0x22, language])),
  )
}

/** A block that is named `30 type number(5 digits)` and a letter for its file system. */
export function findBlock({ blocks }: S7commTemplate, name: Buffer): Block | undefined {
  const type = typeOf(name[1] ?? 0)
  const digits = name.toString('latin1', 2, 7)
  return /^\d{5}$/.test(digits) ? blocks.find((block) => block.type === type && block.number === Number(digits)) : undefined
}

/** Fixed times of a block: when its code and its interface were last changed, after the installation. */
function times(device: Device, { type, number }: Block): { code: number; interface: number } {
  const { persona } = device
  const spread = Math.max(1, Math.floor((persona.bootedAt - persona.installedAt) / 1000))
  const changed = persona.installedAt + (persona.number(`s7 block ${type}${number}`, 0, spread - 1) % spread) * 1000
  return { code: changed, interface: Math.max(persona.installedAt, changed - 3_600_000) }
}
const dated = (at: number): Buffer => {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt32BE(((at - epoch) % day) >>> 0, 0)
  bytes.writeUInt16BE(Math.floor((at - epoch) / day), 4)
  return bytes
}
const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2)
  values.forEach((value, i) => {
    bytes.writeUInt16BE(value & 0xffff, i * 2)
  })
  return bytes
}
const text = (value: string): Buffer => Buffer.from(value.padEnd(8, '\0').slice(0, 8), 'latin1')

/**
 * Description of the block that `given` names, 78 bytes; undefined when there is none.
 *
 *   01 type(1) 004a 0000 7070 01 flags(1) language(1) subtype(1) number(2) load memory(4) 00000000 code changed(6) interface changed(6)
 *   0014 0000 local data(2) code(2) author(8) family(8) name(8) version(1) 00 checksum(2) 0000000000000000
 */
export function blockInfo(template: S7commTemplate, device: Device, given: Buffer): Buffer | undefined {
  const block = findBlock(template, given)
  if (!block) return undefined
  const { code, interface: changed } = times(device, block)
  const size = Buffer.alloc(8)
  size.writeUInt32BE(block.bytes, 0)
  return Buffer.concat([
    Buffer.from([1, blockTypes[block.type]]),
    // What follows these, and two bytes of which no dissector knows the meaning.
    words(0x004a, 0x0000),
    Buffer.from([0x70, 0x70, 1, 1, block.language, subTypes[block.type]]),
    words(block.number),
    size,
    dated(code),
    dated(changed),
    words(20, 0, block.type === 'DB' ? 0 : 26, Math.max(2, block.bytes - 36)),
    text(block.author),
    text(block.family),
    text(block.name),
    Buffer.from([0x01, 0]),
    device.persona.draw(`s7 checksum ${block.type}${block.number}`, 2),
    Buffer.alloc(8),
  ])
}

/** The block as it is read out: its head, and code of this controller's own that is the same every time. */
export function blockBytes(device: Device, block: Block): Buffer {
  const { code, interface: changed } = times(device, block)
  const size = Buffer.alloc(4)
  size.writeUInt32BE(block.bytes)
  const head = Buffer.concat([
    Buffer.from([0x70, 0x70, 1, 1, block.language, subTypes[block.type]]),
    words(block.number),
    size,
    Buffer.alloc(4),
    dated(code),
    dated(changed),
    words(20, 0, 26, Math.max(2, block.bytes - 72)),
  ])
  const body = device.persona.draw(`s7 block ${block.type} ${block.number}`, Math.min(8000, Math.max(2, block.bytes - head.length)))
  return Buffer.concat([head, body])
}
