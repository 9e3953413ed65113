/** The segment files of a journal: their names, what they hold, and how one is rewritten without its low-value events. */
import { eventKinds } from '@shenlou/contract/event-kinds'
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from './atomic-file.ts'
import { encodeRecord, encodeStamped, readRecords } from './journal-record.ts'
import { uuidv7 } from './uuid.ts'

/**
 * One segment: seqs first..last in `bytes` of file. `level` says what was summarised in it: 0 nothing, 1 low-value events,
 * 2 normal ones too. It stands in the name, so that of two files that a crash left behind the higher is the newer.
 */
export interface Segment {
  path: string
  first: number
  last: number
  bytes: number
  level: number
}

const ranks = { low: 0, normal: 1, high: 2 } as const
/** Kinds that this version does not know are kept as if high. */
const rankOf = (kind: string): number => (Object.hasOwn(eventKinds, kind) ? ranks[eventKinds[kind as keyof typeof eventKinds].value] : ranks.high)

export const segmentPath = (dir: string, first: number, level: number): string => join(dir, `${String(first).padStart(16, '0')}-${level}.journal`)

/** The segments of a folder in order; what a crash left over is removed. `last` of the newest is not known yet and 0. */
export async function listSegments(dir: string): Promise<Segment[]> {
  const found = new Map<number, Segment>()
  for (const name of (await readdir(dir)).sort()) {
    const path = join(dir, name)
    if (name.endsWith('.tmp')) await unlink(path)
    const match = /^(\d{16})-(\d)\.journal$/.exec(name)
    if (!match) continue
    const first = Number(match[1])
    const older = found.get(first)
    if (older) await unlink(older.path)
    found.set(first, { path, first, last: 0, bytes: (await stat(path)).size, level: Number(match[2]) })
  }
  const segments = [...found.values()].sort((a, b) => a.first - b.first)
  segments.forEach((segment, index) => {
    const next = segments[index + 1]
    if (next) segment.last = next.first - 1
  })
  return segments
}

/**
 * Rewrites a closed segment without the events below `level` and without those up to `acked`; one `journal.summarised` event
 * at the last seq taken out counts them. A part that cannot be read (its CRC is wrong) is counted as `journal.unreadable`.
 * Answers the new segment and how many events were taken out.
 */
export async function rewriteSegment(dir: string, segment: Segment, level: number, acked: number): Promise<{ segment: Segment; taken: number }> {
  const kept: Buffer[] = []
  const counts: Record<string, number> = {}
  let from = 0
  let to = 0
  let summaryAt = 0
  let lastSeen = Math.max(segment.first - 1, acked)
  const take = (first: number, last: number, kind: string) => {
    if (from === 0) from = first
    to = last
    summaryAt = kept.length
    counts[kind] = (counts[kind] ?? 0) + last - first + 1
  }
  const source = await open(segment.path, 'r')
  try {
    for (let position = 0; ; ) {
      const { records, next, after } = await readRecords(source, position, segment.bytes)
      for (const { seq, json } of records) {
        if (seq <= lastSeen) continue
        lastSeen = seq
        const kind = kindOf(json)
        if (rankOf(kind) < level) take(seq, seq, kind)
        else kept.push(encodeStamped(seq, json))
      }
      position = next
      if (after !== 'more') break
    }
  } finally {
    await source.close()
  }
  if (lastSeen < segment.last) take(lastSeen + 1, segment.last, 'journal.unreadable')
  if (to > 0) {
    const summary = { id: uuidv7(), time: Date.now(), kind: 'journal.summarised', body: { fromSeq: from, toSeq: to, counts } }
    kept.splice(summaryAt, 0, encodeRecord(to, JSON.stringify(summary)))
  }
  const path = segmentPath(dir, segment.first, level)
  const temporary = `${path}.tmp`
  const bytes = kept.reduce((sum, record) => sum + record.length, 0)
  try {
    const target = await open(temporary, 'w', 0o600)
    try {
      await writeAll(target, Buffer.concat(kept, bytes), 0)
      await target.sync()
    } finally {
      await target.close()
    }
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  await rename(temporary, path)
  await syncFolder(dir)
  if (path !== segment.path) await unlink(segment.path)
  const taken = Object.values(counts).reduce((sum, count) => sum + count, 0)
  return { segment: { ...segment, path, bytes, level }, taken }
}

/** Writes all of it; a short write (a full disk gives one before ENOSPC) goes on until it is whole or fails. */
export async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, position + at)
    at += bytesWritten
  }
}

function kindOf(json: Buffer): string {
  try {
    return String(JSON.parse(json.toString()).kind)
  } catch {
    return ''
  }
}
