/**
 * Records of a journal segment, one after the other:
 *
 *   u32  length of the payload         big-endian
 *   u32  CRC-32 of seq and payload
 *   u64  seq
 *        payload: the whole event as JSON
 */
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'

export const headerBytes = 16
/** Longest payload; an event above it is refused by `append`. */
export const maxPayloadBytes = 2 * 1024 * 1024

export interface JournalRecord {
  seq: number
  json: Buffer
}

/** Puts a draft's JSON with its seq in front, as a record. */
export function encodeRecord(seq: number, draftJson: string): Buffer {
  const payload = `{"seq":${seq},${draftJson.slice(1)}`
  const length = Buffer.byteLength(payload)
  const record = Buffer.allocUnsafe(headerBytes + length)
  record.writeUInt32BE(length, 0)
  record.writeBigUInt64BE(BigInt(seq), 8)
  record.write(payload, headerBytes, 'utf8')
  record.writeUInt32BE(crc32(record.subarray(8)), 4)
  return record
}

/** The record that an event already stamped makes. */
export function encodeStamped(seq: number, json: Buffer): Buffer {
  const record = Buffer.allocUnsafe(headerBytes + json.length)
  record.writeUInt32BE(json.length, 0)
  record.writeBigUInt64BE(BigInt(seq), 8)
  json.copy(record, headerBytes)
  record.writeUInt32BE(crc32(record.subarray(8)), 4)
  return record
}

/**
 * The records from seq `from` on whose seqs rise. A record that falls back is whole, yet of an older segment (a disk that gives back old blocks, a
 * folder put together from copies): it was told already where it belongs, and read here it would make its seq come twice.
 */
export function rising(records: readonly JournalRecord[], from: number): JournalRecord[] {
  let next = from
  return records.filter(({ seq }) => {
    if (seq < next) return false
    next = seq + 1
    return true
  })
}

/** What follows the records that were read: more of them, the clean end, or bytes that are no record. */
export type After = 'more' | 'end' | 'bad'

/**
 * Whole records from `position` on, about `wanted` bytes of them and at least one; reads nothing beyond `limit` bytes of the file. With `scratch` they are
 * views of it, good until it is used again.
 */
export async function readRecords(
  handle: FileHandle,
  position: number,
  limit: number,
  wanted = 1 << 20,
  scratch?: Buffer,
): Promise<{ records: JournalRecord[]; next: number; after: After }> {
  let size = Math.min(wanted, limit - position)
  for (;;) {
    const chunk = scratch && size >= 0 && size <= scratch.length ? scratch.subarray(0, size) : Buffer.allocUnsafe(Math.max(0, size))
    let filled = 0
    while (filled < chunk.length) {
      const { bytesRead } = await handle.read(chunk, filled, chunk.length - filled, position + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    const whole = filled < chunk.length || position + filled >= limit
    const { records, used, bad, need } = parse(chunk.subarray(0, filled))
    if (records.length === 0 && !bad && need > filled && !whole) {
      size = Math.min(need, limit - position)
      continue
    }
    const leftover = filled - used
    const after = bad ? 'bad' : whole ? (leftover === 0 ? 'end' : 'bad') : 'more'
    return { records, next: position + used, after }
  }
}

function parse(chunk: Buffer): { records: JournalRecord[]; used: number; bad: boolean; need: number } {
  const records: JournalRecord[] = []
  let at = 0
  while (at + headerBytes <= chunk.length) {
    const length = chunk.readUInt32BE(at)
    if (length === 0 || length > maxPayloadBytes) return { records, used: at, bad: true, need: 0 }
    const end = at + headerBytes + length
    if (end > chunk.length) return { records, used: at, bad: false, need: end - at }
    if (crc32(chunk.subarray(at + 8, end)) !== chunk.readUInt32BE(at + 4)) return { records, used: at, bad: true, need: 0 }
    records.push({ seq: Number(chunk.readBigUInt64BE(at + 8)), json: chunk.subarray(at + headerBytes, end) })
    at = end
  }
  return { records, used: at, bad: false, need: headerBytes }
}
