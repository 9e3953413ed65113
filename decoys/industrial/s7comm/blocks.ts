/**
 * Blocks of a controller's program as one adversary has left them: those of the template but for the deleted ones, and those that were loaded. A block
 * that was loaded is passive until it is inserted (`_INSE`): only then it is in the lists and part of the program.
 */
import type { S7commTemplate } from '@shenlou/contract/s7comm'
import type { Device } from '../device.ts'
import { type Block, type BlockType, blockTypeNames, blockTypes, codeOf, describe, drawImage, isImage, languageOf } from './block-image.ts'
import { type LoadMemory, openLoadMemory } from './load-memory.ts'
import type { Registers } from './memory.ts'
import { s7Error } from './pdu.ts'

/** A block that is named `0 type number(5 digits)` and a letter for its file system: A linked, P passive, B either. */
export interface BlockName {
  type: BlockType
  number: number
  in: 'A' | 'P' | 'B'
}
export interface Blocks {
  /** Counts by type: 30 type count(2) each. */
  counts(): Buffer
  /** Numbers of one type: number(2) flags(1) language(1) each; undefined when there are none. */
  numbers(type: number): Buffer | undefined
  /** Description of a block, 78 bytes; undefined when there is none. */
  info(name: Buffer): Buffer | undefined
  /** The block as it is read out; undefined when there is none. */
  image(name: Buffer): Buffer | undefined
  /** Takes a block that was loaded, as a passive one. False where the load memory has no room. */
  keep(name: BlockName, image: Buffer): boolean
  /** Makes passive blocks part of the program, all or none. Answers an error's code, 0 when it is done. */
  insert(names: readonly BlockName[]): number
  /** Deletes blocks, all or none. Answers an error's code, 0 when it is done. */
  remove(names: readonly BlockName[]): number
  /** Whether the program has this block. */
  has(type: BlockType, number: number): boolean
  /** Whether the program of the template calls it. */
  uses(type: BlockType, number: number): boolean
  /** Whether a data block of the template was deleted. */
  deletedData(number: number): boolean
  /** What a data block that was loaded and inserted holds at first; undefined for another. */
  loadedData(number: number): Buffer | undefined
  /** Closes the gaps of the load memory. */
  compress(): void
}

/** `0C00010P`, with or without the letter; undefined for what is no name. */
export function parseBlockName(name: Buffer): BlockName | undefined {
  const [, code, digits, letter = 'A'] = /^0([0-9A-F])(\d{5})([ABP]?)/.exec(name.toString('latin1', 0, 8)) ?? []
  const type = blockTypeNames.find((each) => blockTypes[each] === code?.charCodeAt(0))
  const number = Number(digits)
  return type && number <= 0xffff ? { type, number, in: letter === 'P' || letter === 'B' ? letter : 'A' } : undefined
}

const ofSystem = (type: BlockType): boolean => type === 'SFC' || type === 'SFB'
const deletedArea = 's7 deleted'
const keyOf = ({ type, number }: { type: BlockType; number: number }): number => blockTypeNames.indexOf(type) * 0x10000 + number

/** `presentData`: what a data block of the template holds now; undefined where the template has no data for it. */
export function openBlocks(template: S7commTemplate, device: Device, registers: Registers, presentData: (number: number) => Buffer | undefined): Blocks {
  const loaded: LoadMemory = openLoadMemory(registers)
  const deleted = (of: { type: BlockType; number: number }): boolean => registers.get(deletedArea, keyOf(of)) === 1
  const own = ({ type, number }: { type: BlockType; number: number }): Block | undefined =>
    template.blocks.find((block) => block.type === type && block.number === number && !deleted(block))

  function linked(of: { type: BlockType; number: number }): Buffer | undefined {
    const image = loaded.get(keyOf(of), true)
    if (image) return image
    const block = own(of)
    return block && drawImage(device, block, block.type === 'DB' ? presentData(block.number) : undefined)
  }
  const found = (name: BlockName): Buffer | undefined => {
    const passive = (): Buffer | undefined => loaded.get(keyOf(name), false)
    return name.in === 'P' ? passive() : (linked(name) ?? (name.in === 'B' ? passive() : undefined))
  }
  /** Numbers and languages of the linked blocks of a type. */
  function linkedOf(type: BlockType): Map<number, number> {
    const all = new Map<number, number>()
    for (const block of template.blocks) if (block.type === type && !deleted(block)) all.set(block.number, block.language)
    const first = keyOf({ type, number: 0 })
    for (const key of loaded.keys(true)) {
      const image = key >= first && key < first + 0x10000 ? loaded.get(key, true) : undefined
      if (image) all.set(key - first, languageOf(image))
    }
    return all
  }

  return {
    counts: () =>
      Buffer.concat(
        blockTypeNames.map((type) => {
          const { size } = linkedOf(type)
          return Buffer.from([0x30, blockTypes[type], size >> 8, size & 0xff])
        }),
      ),
    numbers(code) {
      const type = blockTypeNames.find((each) => blockTypes[each] === code)
      const all = type ? [...linkedOf(type)].sort(([a], [b]) => a - b) : []
      if (!type || all.length === 0) return undefined
      return Buffer.concat(all.map(([number, language]) => Buffer.from([number >> 8, number & 0xff, ofSystem(type) ? 0x42 : 0x22, language])))
    },
    info(given) {
      const name = parseBlockName(given)
      const image = name && found(name)
      return name && image && describe(name.type, name.number, image)
    },
    image(given) {
      const name = parseBlockName(given)
      return name && found(name)
    },
    keep: (name, image) => loaded.put(keyOf(name), image),
    insert(names) {
      for (const name of names) {
        if (ofSystem(name.type)) return s7Error.refused
        const image = loaded.get(keyOf(name), false)
        if (!image) return s7Error.blockMissing
        if (!isImage(image)) return s7Error.blockLength
      }
      for (const name of names) loaded.activate(keyOf(name))
      return 0
    },
    remove(names) {
      for (const name of names) {
        if (!found(name)) return s7Error.blockMissing
        if (ofSystem(name.type)) return s7Error.refused
      }
      for (const name of names) {
        const key = keyOf(name)
        if (name.in !== 'A') loaded.drop(key, false)
        if (name.in === 'P') continue
        loaded.drop(key, true)
        if (own(name)) registers.set(deletedArea, key, 1)
      }
      return 0
    },
    has: (type, number) => own({ type, number }) !== undefined || loaded.get(keyOf({ type, number }), true) !== undefined,
    uses: (type, number) => own({ type, number }) !== undefined,
    deletedData: (number) => deleted({ type: 'DB', number }),
    loadedData(number) {
      const image = loaded.get(keyOf({ type: 'DB', number }), true)
      return image && codeOf(image)
    },
    compress: () => loaded.compress(),
  }
}
