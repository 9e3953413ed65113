/** The S7comm side of a Siemens controller: where it answers, its blocks, and where the plant lies in its memory. */
import { z } from 'zod'
import { wireValue } from './device.ts'

/** Bytes of one area, and the plant's values in it: `at` is the byte, `bit` the bit of it for a value of type bit. */
const area = z.strictObject({
  bytes: z.number().int().min(0).max(65_536).default(0),
  values: z
    .array(wireValue.extend({ at: z.number().int().min(0).max(65_535), bit: z.number().int().min(0).max(7).default(0) }))
    .max(2000)
    .default([]),
})
export type S7Area = z.infer<typeof area>

const empty = { bytes: 0, values: [] }

export const s7commTemplate = z.strictObject({
  /** A 1200 has variables and a few status lists of this protocol, and refuses what a programming device asks: its own speaks a successor. */
  family: z.enum(['300', '400', '1200']),
  /** Connections at once; the next is reset. */
  connections: z.number().int().min(1).max(64),
  /** Longest PDU that it agrees to. */
  pdu: z.union([z.literal(240), z.literal(480), z.literal(960)]),
  /** Rack and slot that a destination TSAP must name in its low byte (rack * 32 + slot); connections of other devices are refused. */
  rack: z.number().int().min(0).max(7).default(0),
  slots: z.array(z.number().int().min(0).max(31)).min(1),
  /** As system status list 001C index 4 has it. */
  copyright: z.string().max(26).default('Original Siemens Equipment'),
  /** Type as list 001C index 7 has it: `CPU 315-2 PN/DP`. */
  cpuType: z.string().max(32),
  bootLoader: z.string().max(16).default(''),
  /** What may be done without the password: everything (1), no writing (2), nothing (3). */
  protection: z.number().int().min(1).max(3).default(1),
  blocks: z
    .array(
      z.strictObject({
        type: z.enum(['OB', 'DB', 'SDB', 'FC', 'SFC', 'FB', 'SFB']),
        number: z.number().int().min(0).max(65_535),
        /** 1 STL, 2 LAD, 3 FBD, 4 SCL, 5 DB, 6 GRAPH. */
        language: z.number().int().min(0).max(9).default(1),
        bytes: z.number().int().min(36).max(65_535),
        author: z.string().max(8).default(''),
        family: z.string().max(8).default(''),
        name: z.string().max(8).default(''),
      }),
    )
    .max(500)
    .default([]),
  dataBlocks: z.array(area.extend({ number: z.number().int().min(1).max(65_535) })).max(100),
  inputs: area.default(empty),
  outputs: area.default(empty),
  flags: area.default(empty),
  timers: z.number().int().min(0).max(2048).default(0),
  counters: z.number().int().min(0).max(2048).default(0),
})
export type S7commTemplate = z.infer<typeof s7commTemplate>
