/** Texts that somebody has set on a device, kept in its plain memory: the length in cell 0, then six bytes a cell. */
import type { Registers } from '../../world/registers.ts'

export interface Texts {
  get(name: string): Buffer | undefined
  set(name: string, text: Buffer): void
}

const perCell = 6

export const openTexts = (registers: () => Registers): Texts => ({
  get(name) {
    const area = `snmp ${name}`
    const length = registers().get(area, 0)
    if (length === undefined) return undefined
    const bytes = Buffer.alloc(Math.ceil(length / perCell) * perCell)
    for (let cell = 0; cell * perCell < length; cell++) bytes.writeUIntBE(registers().get(area, cell + 1) ?? 0, cell * perCell, perCell)
    return bytes.subarray(0, length)
  },
  set(name, text) {
    const area = `snmp ${name}`
    const bytes = Buffer.concat([text, Buffer.alloc(perCell)])
    for (let cell = 0; cell * perCell < text.length; cell++) registers().set(area, cell + 1, bytes.readUIntBE(cell * perCell, perCell))
    registers().set(area, 0, text.length)
  },
})
