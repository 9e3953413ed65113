/**
 * A block as it is loaded and read out (as published dissections of STEP 7's blocks have it). Numbers are big-endian.
 *
 *   7070 version(1) flags(1) language(1) subtype(1) number(2) load memory(4, the whole block) security(4) code changed(6) interface changed(6)
 *   interface(2) additional(2) local data(2) code(2)      then the code, the interface, and
 *   author(8) family(8) name(8) version(1) 00 checksum(2) 0000000000000000
 */
import type { S7commTemplate } from '@shenlou/contract/s7comm'
import type { Device } from '../device.ts'

export type Block = S7commTemplate['blocks'][number]
export type BlockType = Block['type']
/** Type of a block as its listings write it, an ASCII character after 0. */
export const blockTypes = { OB: 0x38, DB: 0x41, SDB: 0x42, FC: 0x43, SFC: 0x44, FB: 0x45, SFB: 0x46 } as const
export const blockTypeNames = Object.keys(blockTypes) as BlockType[]
/** Second code of a type inside a block. */
const subTypes = { OB: 0x08, DB: 0x0a, SDB: 0x0b, FC: 0x0c, SFC: 0x0d, FB: 0x0e, SFB: 0x0f } as const

export const headBytes = 36
const footBytes = 36
const interfaceBytes = 20
/** Days and ms since 1984 in which blocks are dated. */
const epoch = Date.UTC(1984, 0, 1)
const day = 86_400_000
/** Most that one drawing of a persona gives. */
const drawn = 8000

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

/** Code of this controller's own that is the same every time. */
function code(device: Device, { type, number }: Block, bytes: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes; at += drawn)
    parts.push(device.persona.draw(`s7 block ${type} ${number}${at === 0 ? '' : ` ${at}`}`, Math.min(drawn, bytes - at)))
  return Buffer.concat(parts)
}

/** A block of the template. `data`: what a data block holds now, which is then its code. */
export function drawImage(device: Device, block: Block, data?: Buffer): Buffer {
  const { code: changed, interface: shaped } = times(device, block)
  const bytes = data ? headBytes + data.length + interfaceBytes + footBytes : block.bytes
  // Blocks of the system are shorter than their ends would be: they have none.
  const ends = bytes > headBytes + interfaceBytes + footBytes
  const codeBytes = bytes - headBytes - (ends ? interfaceBytes + footBytes : 0)
  const size = Buffer.alloc(8)
  size.writeUInt32BE(bytes)
  return Buffer.concat([
    Buffer.from([0x70, 0x70, 1, 1, block.language, subTypes[block.type]]),
    words(block.number),
    size,
    dated(changed),
    dated(shaped),
    words(ends ? interfaceBytes : 0, 0, block.type.endsWith('DB') ? 0 : 26, codeBytes),
    data ?? code(device, block, codeBytes),
    ends ? Buffer.alloc(interfaceBytes) : Buffer.alloc(0),
    ends ? foot(device, block) : Buffer.alloc(0),
  ])
}
const foot = (device: Device, { type, number, author, family, name }: Block): Buffer =>
  Buffer.concat([text(author), text(family), text(name), Buffer.from([1, 0]), device.persona.draw(`s7 checksum ${type}${number}`, 2), Buffer.alloc(8)])

/** Whether bytes that were loaded are a block: they begin as one and are as long as they say. */
export const isImage = (image: Buffer): boolean =>
  image.length >= headBytes && image.readUInt16BE(0) === 0x7070 && image.readUInt32BE(8) === image.length && codeOf(image).length === image.readUInt16BE(34)

/** The code of a block; of a data block what it holds when it is loaded. */
export const codeOf = (image: Buffer): Buffer => image.subarray(headBytes, headBytes + (image.length >= headBytes ? image.readUInt16BE(34) : 0))
/** Its language, as lists of blocks have it; 0 for what is too short to have one. */
export const languageOf = (image: Buffer): number => image[4] ?? 0

/**
 * The description of a block, 78 bytes.
 *
 *   01 type(1) 004a 0000 7070 version(1) flags(1) language(1) subtype(1) number(2) load memory(4) security(4) code changed(6) interface changed(6)
 *   interface(2) additional(2) local data(2) code(2) author(8) family(8) name(8) version(1) 00 checksum(2) 0000000000000000
 */
export function describe(type: BlockType, number: number, image: Buffer): Buffer {
  const head = Buffer.alloc(headBytes)
  image.copy(head, 0, 0, headBytes)
  head.writeUInt16BE(0x7070, 0)
  head.writeUInt16BE(number, 6)
  head.writeUInt32BE(image.length, 8)
  const end = Buffer.alloc(footBytes)
  if (image.length >= headBytes + codeOf(image).length + footBytes) image.copy(end, 0, image.length - footBytes)
  // What follows these, and two bytes of which no dissector knows the meaning.
  return Buffer.concat([Buffer.from([1, blockTypes[type]]), words(0x004a, 0x0000), head, end])
}
