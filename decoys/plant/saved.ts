/** A plant or branch as bytes: what it takes to go on as if nothing had happened. */
import type { Layout } from './layout.ts'

/**
 *   4 bytes  'SLP1'
 *   uint32   length of the JSON, little-endian
 *   JSON     facts
 *   float64  state, as many as the layout has
 *   bytes    days of the historian
 */
const magic = 0x31_50_4c_53
export const savedLimit = 512 * 1024

export interface Write {
  tag: string
  value: number
  before: number
  at: number
  note: string
}

export interface SavedFacts {
  fingerprint: number
  step: number
  /** Of a branch: where it left the undisturbed plant, its last writes, what was already told. */
  since?: number
  writes?: Write[]
  told?: [string, Write][]
  /** How many acts of its adversary the state holds. */
  acts?: number
  /** Of the undisturbed plant: the branches there are, with when each was last seen (ms). */
  branches?: [string, number][]
}

export function encodePlant(facts: SavedFacts, f: Float64Array, history: (most: number) => Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(facts))
  const head = 8 + json.length + f.byteLength
  const days = history(Math.max(0, savedLimit - head))
  const bytes = new Uint8Array(head + days.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic, true)
  view.setUint32(4, json.length, true)
  bytes.set(json, 8)
  bytes.set(new Uint8Array(f.buffer, f.byteOffset, f.byteLength), 8 + json.length)
  bytes.set(days, head)
  return bytes
}

/** Undefined for bytes that are none of this layout: another template, another seed, cut short. */
export function decodePlant(layout: Layout, bytes: Uint8Array | undefined): { facts: SavedFacts; f: Float64Array; days: Uint8Array } | undefined {
  if (!bytes || bytes.length < 8 || bytes.length > 2 * savedLimit) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getUint32(4, true)
  if (view.getUint32(0, true) !== magic || 8 + length + layout.size * 8 > bytes.length) return undefined
  let facts: SavedFacts
  try {
    facts = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  } catch {
    return undefined
  }
  if (facts?.fingerprint !== layout.fingerprint || !Number.isSafeInteger(facts.step)) return undefined
  const f = new Float64Array(layout.size)
  new Uint8Array(f.buffer).set(bytes.subarray(8 + length, 8 + length + f.byteLength))
  if (!f.every(Number.isFinite)) return undefined
  return { facts, f, days: bytes.subarray(8 + length + f.byteLength) }
}
