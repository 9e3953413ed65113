/** What a controller of each family answers of S7comm. Its engineering tool speaks the successor protocol to the newer ones, which kept what panels need. */
import type { S7commTemplate } from '@shenlou/contract/s7comm'

export interface Family {
  /** Functions of a programming device: blocks, loading and reading out, start and stop, clock, password. Without them all of it is an unknown function. */
  programming: boolean
  /** Numbers of the status lists that it has, as its list 0000 names them. */
  lists: readonly number[]
  /** The word after an order number in list 0011. */
  kind: number
  /** The word behind the hardware version there. */
  filler: number
  /** Whether list 0011 names the boot loader. */
  bootLoader: boolean
}

const classic: Family = {
  programming: true,
  lists: [
    0x0000, 0x0f00, 0x0011, 0x0111, 0x0f11, 0x0012, 0x0013, 0x0014, 0x0019, 0x001c, 0x011c, 0x0f1c, 0x0424, 0x0131, 0x0132, 0x0232, 0x0074, 0x00a0, 0x01a0,
  ],
  kind: 0x00c0,
  filler: 1,
  bootLoader: true,
}

/** As a CPU 1211C with firmware 4.2.1 was measured by others: lists 0000, 0011, 0424 and 0131, variables, and 8104 to the rest. */
const basic: Family = { programming: false, lists: [0x0000, 0x0011, 0x0111, 0x0f11, 0x0424, 0x0131], kind: 0, filler: 0x2020, bootLoader: false }

const families: Readonly<Record<S7commTemplate['family'], Family>> = { '300': classic, '400': classic, '1200': basic }

export const familyOf = (template: S7commTemplate): Family => families[template.family]
