/** Plant values as bytes on a wire and back: scaled, rounded, clamped to their type; big-endian words in the device's word order. */
import type { WireType, WireValue } from '@shenlou/contract/device'

export type WordOrder = 'high-first' | 'low-first'

const range: Record<Exclude<WireType, 'float32'>, readonly [number, number]> = {
  bit: [0, 1],
  int16: [-32_768, 32_767],
  uint16: [0, 65_535],
  int32: [-2_147_483_648, 2_147_483_647],
  uint32: [0, 4_294_967_295],
  bcd16: [0, 9999],
}

/** Bytes that a value takes; a bit counts as one. */
export const widthOf = (as: WireType): 1 | 2 | 4 => (as === 'bit' ? 1 : as === 'int32' || as === 'uint32' || as === 'float32' ? 4 : 2)

/** The raw number that stands for `value` in engineering units; what is not a number is 0, as an input that is broken reads. */
export function toRaw({ as, scale, offset }: Pick<WireValue, 'as' | 'scale' | 'offset'>, value: number): number {
  const scaled = Number.isFinite(value) ? value * scale + offset : 0
  if (as === 'float32') return Math.fround(scaled)
  const [least, most] = range[as]
  return Math.min(most, Math.max(least, Math.round(scaled)))
}

/** The engineering value that a raw number stands for. */
export const fromRaw = ({ scale, offset }: Pick<WireValue, 'scale' | 'offset'>, raw: number): number => (raw - offset) / scale

/** Big-endian bytes of a raw number; a bit is one byte, 0 or 1. */
export function encodeRaw(as: WireType, raw: number, order: WordOrder): Buffer {
  const bytes = Buffer.alloc(widthOf(as))
  if (as === 'bit') bytes[0] = raw === 0 ? 0 : 1
  else if (as === 'int16') bytes.writeInt16BE(raw)
  else if (as === 'uint16') bytes.writeUInt16BE(raw)
  else if (as === 'bcd16') bytes.writeUInt16BE(Number.parseInt(String(raw), 16))
  else if (as === 'int32') bytes.writeInt32BE(raw)
  else if (as === 'uint32') bytes.writeUInt32BE(raw)
  else bytes.writeFloatBE(raw)
  return bytes.length === 4 && order === 'low-first' ? swapWords(bytes) : bytes
}

/** The raw number in bytes as `encodeRaw` makes them; undefined for a digit that is none in BCD and for a float that is no number. */
export function decodeRaw(as: WireType, bytes: Buffer, order: WordOrder): number | undefined {
  const at = bytes.length === 4 && order === 'low-first' ? swapWords(bytes) : bytes
  switch (as) {
    case 'bit':
      return at[0] === 0 ? 0 : 1
    case 'int16':
      return at.readInt16BE()
    case 'uint16':
      return at.readUInt16BE()
    case 'bcd16': {
      const digits = at.readUInt16BE().toString(16)
      return /^\d+$/.test(digits) ? Number(digits) : undefined
    }
    case 'int32':
      return at.readInt32BE()
    case 'uint32':
      return at.readUInt32BE()
    case 'float32': {
      const value = at.readFloatBE()
      return Number.isFinite(value) ? value : undefined
    }
  }
}

const swapWords = (bytes: Buffer): Buffer => Buffer.concat([bytes.subarray(2, 4), bytes.subarray(0, 2)])
