/** A sensor's durable journal: nothing is answered to an attacker or sent to the core before it is in here, on disk. */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, writeFileAtomic } from './atomic-file.ts'
import { encodeRecord, headerBytes, type JournalRecord, maxPayloadBytes, readRecords, rising } from './journal-record.ts'
import { listSegments, rewriteSegment, type Segment, segmentPath, writeAll } from './journal-segments.ts'
import { lockFolder } from './lock.ts'
import type { Journal, JournalSlice, OpenJournal } from './uplink-types.ts'

/** Why an append was refused: the bound is reached and nothing may be summarised, the disk failed, it is closed, the event is too large. */
export class JournalError extends Error {
  readonly code: 'full' | 'write' | 'closed' | 'size'
  constructor(code: JournalError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

type Pending = { json: string; bytes: number; resolve: (seq: number) => void; reject: (error: Error) => void }
/** Where the uplink reads on disk: what is from `seq` on is in `ready` or behind `position`. */
type Cursor = { segment: Segment; handle: FileHandle; position: number; seq: number; ready: JournalRecord[] }

const { O_CREAT, O_DSYNC, O_TRUNC, O_WRONLY } = constants
const tailBytes = 8 * 1024 * 1024
const sliceBytes = 1024 * 1024
/** How often the cursor is saved, at most; it costs two more syncs. */
const cursorMs = 1000
const noRoom = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')

/**
 * Opens (or makes) the journal of a folder. Appends are committed in groups: one write, which returns when it is on disk, for all
 * that came while the last was running. On the bound, or on a full disk, the oldest low-value events are replaced by their counts, then
 * the oldest normal ones; high-value ones never: from there on `append` rejects.
 */
export const openJournal: OpenJournal = async (dir, options = {}) => {
  const maxBytes = options.maxBytes ?? 1024 ** 3
  const segmentBytes = options.segmentBytes ?? Math.min(64 * 1024 * 1024, Math.floor(maxBytes / 8))
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const unlock = lockFolder(dir)
  try {
    return await openLocked(dir, { maxBytes, segmentBytes, write: options.write ?? writeAll }, unlock)
  } catch (cause) {
    unlock()
    if (noRoom(cause)) throw new Error(`the disk of ${dir} is full; make room for the journal and start again`, { cause })
    throw cause
  }
}

type Bounds = Required<NonNullable<Parameters<OpenJournal>[1]>>

async function openLocked(dir: string, { write, ...bounds }: Bounds, unlock: () => void): Promise<Journal> {
  let { maxBytes, segmentBytes } = bounds
  let epoch = (await readOwn(join(dir, 'epoch'))) ?? randomUUID()
  await writeFileAtomic(join(dir, 'epoch'), epoch)
  let acked = Number((await readOwn(join(dir, 'acked'))) ?? 0)
  const segments = await listSegments(dir)
  const newest = segments.at(-1)
  if (newest) await trimTail(newest)
  let nextSeq = Math.max((newest?.last ?? 0) + 1, acked + 1)
  let active: { segment: Segment; handle: FileHandle } | undefined
  let queue: Pending[] = []
  let running: Promise<void> | undefined
  let closed = false
  const counters = { summarised: 0, refused: 0, lastError: undefined as string | undefined }
  const listeners = new Set<() => void>()
  const reserve = join(dir, 'reserve')
  // Reading from disk, rewriting and deleting take turns.
  let turn: Promise<unknown> = Promise.resolve()
  const exclusive = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work, work)
    turn = result.catch(() => undefined)
    return result
  }

  const total = (): number => segments.reduce((sum, segment) => sum + segment.bytes, 0)

  async function roll(): Promise<void> {
    const segment: Segment = { path: segmentPath(dir, nextSeq, 0), first: nextSeq, last: nextSeq - 1, bytes: 0, level: 0 }
    const handle = await open(segment.path, O_WRONLY | O_CREAT | O_TRUNC | O_DSYNC, 0o600)
    await syncFolder(dir)
    await active?.handle.close()
    active = { segment, handle }
    segments.push(segment)
    await dropCommitted()
    await refillReserve()
  }

  // A little space of our own, so that a disk that others filled leaves room for the rewriting that frees some.
  async function refillReserve(): Promise<void> {
    const handle = await open(reserve, 'w', 0o600).catch(() => undefined)
    await handle?.writeFile(Buffer.alloc(Math.min(1024 * 1024, Math.floor(segmentBytes / 4)))).catch(() => undefined)
    await handle?.close()
  }

  const dropCommitted = () =>
    exclusive(async () => {
      while (segments.length > 1 && (segments[0] as Segment).last <= acked) {
        const gone = segments.shift() as Segment
        if (cursor?.segment === gone) await dropCursor()
        await unlink(gone.path)
      }
    })

  /** Frees space by summarising the oldest events of least value. Throws a JournalError when nothing is left to summarise. */
  async function makeRoom(what: string, until: () => boolean): Promise<void> {
    while (!until()) {
      const last = active?.segment
      const closedOnes = segments.filter((segment) => segment !== last)
      const target = closedOnes.find((segment) => segment.level === 0) ?? (last && last.bytes > 0 ? last : closedOnes.find((segment) => segment.level === 1))
      if (!target) {
        throw new JournalError(
          'full',
          `${what}; the journal ${dir} (${total()} bytes) holds only events that must be kept: let it reach the core, or make room`,
        )
      }
      if (target === last) await roll()
      else await summarise(target)
    }
  }

  const summarise = (target: Segment) =>
    exclusive(async () => {
      if (!segments.includes(target)) return
      if (cursor?.segment === target) await dropCursor()
      const { segment, taken } = await rewriteSegment(dir, target, target.level + 1, acked)
      Object.assign(target, segment)
      counters.summarised += taken
    })

  async function commit(group: Pending[]): Promise<number> {
    let seq = nextSeq
    const records = group.map((pending) => encodeRecord(seq++, pending.json))
    const bytes = Buffer.concat(records)
    if (total() + bytes.length > maxBytes) await makeRoom(`its bound of ${maxBytes} bytes is reached`, () => total() + bytes.length <= maxBytes)
    if (!active || (active.segment.bytes > 0 && active.segment.bytes + bytes.length > segmentBytes)) await roll()
    const { segment, handle } = active as NonNullable<typeof active>
    try {
      await write(handle, bytes, segment.bytes)
    } catch (error) {
      // What was half written must not be read as a record later: cut it off, and write on in a new file.
      await handle.truncate(segment.bytes).catch(() => undefined)
      throw error
    }
    const first = nextSeq
    segment.bytes += bytes.length
    segment.last = seq - 1
    nextSeq = seq
    remember(first, records)
    return first
  }

  async function commitOrRecover(group: Pending[]): Promise<number> {
    try {
      return await commit(group)
    } catch (error) {
      if (error instanceof JournalError) throw error
      if (!noRoom(error)) {
        if (active && active.segment.bytes > 0) await roll()
        throw error
      }
      await unlink(reserve).catch(() => undefined)
      const before = total()
      await makeRoom('the disk is full', () => total() < before)
      return await commit(group)
    }
  }

  async function run(): Promise<void> {
    // What the same tick appends belongs to the first group.
    await null
    while (queue.length > 0) {
      const group = takeGroup()
      try {
        const first = await commitOrRecover(group)
        counters.lastError = undefined
        group.forEach((pending, index) => {
          pending.resolve(first + index)
        })
        for (const listener of listeners) listener()
      } catch (cause) {
        const error =
          cause instanceof JournalError ? cause : new JournalError('write', `the journal ${dir} cannot be written: ${(cause as Error).message}`, cause)
        counters.refused += group.length
        counters.lastError = error.message
        for (const pending of group) pending.reject(error)
      }
    }
    running = undefined
  }

  // A group stays well below a segment, so that the bound holds to a segment's size.
  function takeGroup(): Pending[] {
    let bytes = 0
    let count = 0
    for (const pending of queue) {
      bytes += pending.bytes
      if (count > 0 && bytes > Math.min(segmentBytes, 4 * 1024 * 1024)) break
      count += 1
    }
    const group = queue.slice(0, count)
    queue = queue.slice(count)
    return group
  }

  // The newest events stay in memory, so that the uplink reads the disk only when it is far behind.
  let tail: JournalRecord[] = []
  let tailHead = 0
  let tailSize = 0
  function remember(first: number, records: Buffer[]): void {
    records.forEach((record, index) => {
      tail.push({ seq: first + index, json: record.subarray(headerBytes) })
      tailSize += record.length
    })
    trimMemory(acked)
  }
  function trimMemory(through: number): void {
    while (tailHead < tail.length && ((tail[tailHead] as JournalRecord).seq <= through || tailSize > tailBytes)) {
      tailSize -= (tail[tailHead] as JournalRecord).json.length + headerBytes
      tailHead += 1
    }
    if (tailHead > 1024 || tailHead === tail.length) {
      tail = tail.slice(tailHead)
      tailHead = 0
    }
  }

  let cursor: Cursor | undefined
  async function dropCursor(): Promise<void> {
    const old = cursor
    cursor = undefined
    await old?.handle.close()
  }

  async function readDisk(fromSeq: number, max: number): Promise<JournalRecord[]> {
    for (let seq = fromSeq; seq < nextSeq; ) {
      const segment = segments.find((each) => each.last >= seq)
      if (!segment) return []
      if (cursor?.segment !== segment || cursor.seq > seq) {
        await dropCursor()
        cursor = { segment, handle: await open(segment.path, 'r'), position: 0, seq: segment.first, ready: [] }
      }
      cursor.seq = seq
      while (cursor.ready[0] && cursor.ready[0].seq < seq) cursor.ready.shift()
      if (cursor.ready.length > 0) {
        const found = cursor.ready.splice(0, max)
        cursor.seq = (found.at(-1) as JournalRecord).seq + 1
        return found
      }
      const { records, next, after } = await readRecords(cursor.handle, cursor.position, segment.bytes, sliceBytes)
      cursor.position = next
      cursor.ready = rising(records, seq)
      if (cursor.ready.length > 0 || after === 'more') continue
      await dropCursor()
      if (after === 'bad' && segment !== active?.segment) {
        // The disk lost this part: it is counted like everything else that is taken out.
        Object.assign(segment, (await rewriteSegment(dir, segment, segment.level, acked)).segment)
      } else seq = segment.last + 1
    }
    return []
  }

  async function read(fromSeq: number, max: number): Promise<JournalSlice | undefined> {
    if (fromSeq >= nextSeq || closed) return undefined
    const oldest = tail[tailHead]
    const at = oldest === undefined ? -1 : fromSeq - oldest.seq
    const records = at >= 0 ? tail.slice(tailHead + at, tailHead + at + max) : await exclusive(() => readDisk(fromSeq, max))
    let bytes = 0
    const events = records.filter((record, index) => {
      bytes += record.json.length
      return index === 0 || bytes <= sliceBytes
    })
    const last = events.at(-1)
    if (last && at < 0 && cursor && events.length < records.length) {
      cursor.ready.unshift(...records.slice(events.length))
      cursor.seq = last.seq + 1
    }
    return last && { first: fromSeq, last: last.seq, events }
  }

  let saving: NodeJS.Timeout | undefined
  let saved = acked
  async function saveCursor(): Promise<void> {
    if (saving) clearTimeout(saving)
    saving = undefined
    const through = acked
    if (through === saved) return
    await writeFileAtomic(join(dir, 'acked'), String(through))
    saved = through
  }
  function ack(through: number): void {
    if (through <= acked || closed) return
    acked = Math.min(through, nextSeq - 1)
    trimMemory(acked)
    if (segments.length > 1 && (segments[0] as Segment).last <= acked) dropCommitted().catch(() => undefined)
    // Losing the newest cursor only sends again what the core knows already, so it is saved now and then.
    saving ??= setTimeout(() => exclusive(saveCursor).catch((error) => (counters.lastError = `${dir}: ${error.message}`)), cursorMs).unref()
  }

  if (newest && newest.level === 0 && newest.bytes < segmentBytes && newest.last + 1 === nextSeq) {
    active = { segment: newest, handle: await open(newest.path, O_WRONLY | O_DSYNC) }
    await refillReserve()
  } else await roll()

  return {
    dir,
    get epoch() {
      return epoch
    },
    get nextSeq() {
      return nextSeq
    },
    get acked() {
      return acked
    },
    append(draft) {
      const json = JSON.stringify(draft)
      const bytes = Buffer.byteLength(json) + headerBytes
      return new Promise((resolve, reject) => {
        if (closed) return reject(new JournalError('closed', `the journal ${dir} is closed`))
        if (bytes > maxPayloadBytes - 64) return reject(new JournalError('size', `an event of ${bytes} bytes is above the journal's ${maxPayloadBytes}`))
        queue.push({ json, bytes, resolve, reject })
        running ??= run()
      })
    },
    read,
    ack,
    onDurable(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stats() {
      const waiting = segments.filter((segment) => segment.last > acked)
      const queueBytes = waiting.reduce((sum, { first, last, bytes }) => sum + bytes * Math.min(1, (last - acked) / Math.max(1, last - first + 1)), 0)
      return { queueEvents: nextSeq - 1 - acked, queueBytes: Math.round(queueBytes), journalBytes: total(), maxBytes, ...counters }
    },
    bound(bytes) {
      maxBytes = bytes
      segmentBytes = Math.min(bounds.segmentBytes, Math.floor(bytes / 8))
    },
    async renew() {
      const fresh = randomUUID()
      await exclusive(() => writeFileAtomic(join(dir, 'epoch'), fresh))
      epoch = fresh
    },
    async close() {
      if (closed) return
      closed = true
      while (running) await running
      await exclusive(async () => {
        // On a full disk the former cursor stays: what it does not know of is sent again and known there.
        await saveCursor().catch((error: Error) => (counters.lastError = `${dir}: ${error.message}`))
        await dropCursor()
        await active?.handle.close()
      }).finally(unlock)
    },
  }
}

async function readOwn(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text?.trim() || undefined
}

/** Finds where the newest segment's whole records end and cuts off what a crash left behind it. */
async function trimTail(segment: Segment): Promise<void> {
  const handle = await open(segment.path, 'r+')
  try {
    let position = 0
    segment.last = segment.first - 1
    const scratch = Buffer.allocUnsafe(Math.min(1 << 20, segment.bytes))
    for (;;) {
      const { records, next, after } = await readRecords(handle, position, segment.bytes, scratch.length, scratch)
      segment.last = rising(records, segment.last + 1).at(-1)?.seq ?? segment.last
      position = next
      if (after !== 'more') break
    }
    if (position < segment.bytes) {
      await handle.truncate(position)
      await handle.sync()
      segment.bytes = position
    }
  } finally {
    await handle.close()
  }
}
