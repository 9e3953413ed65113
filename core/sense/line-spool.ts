/**
 * Lines of one source between their arrival and their commit, on disk: what was taken survives a crash and is committed once, because
 * each line has a number in an epoch of its own, as events of a sensor have (ingest/ingest.ts).
 *
 * Layout of a file, named EPOCH.lines: records of `length(4, big-endian) UTF-8 bytes`; the first record is line 1. What a crash cut off at
 * the end is left out.
 */
import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'

/** A file above this many bytes is put away as soon as all of it is committed. */
const fileBytes = 33_554_432

export interface LineSpool {
  readonly epoch: string
  /** The number that the next line will have. */
  readonly next: number
  /** Notes a line. */
  add(line: string): void
  /** Resolves when every noted line is durable; rejects when the disk takes none, which holds until the next file. */
  written(): Promise<void>
  /** To be called when everything that was noted is committed: begins another file when this one is large or broken, or `anew` is said. */
  committed(anew?: boolean): Promise<void>
  close(): Promise<void>
}

/** A spool in `dir`, a folder of its own, and what was in it: all lines of the epoch at hand from number 1 on. */
export async function openLineSpool(dir: string): Promise<{ spool: LineSpool; lines: string[] }> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const [name] = (await readdir(dir)).filter((each) => /^[0-9a-f-]{36}\.lines$/.test(each))
  let epoch = name?.slice(0, 36) ?? randomUUID()
  const fileOf = (): string => path.join(dir, `${epoch}.lines`)
  const { lines, whole } = await readLines(fileOf())
  let handle: FileHandle | undefined
  let position = whole
  let next = lines.length + 1
  let waiting: Buffer[] = []
  let turn: Promise<void> | undefined
  let broken: Error | undefined

  const write = async (): Promise<void> => {
    while (waiting.length > 0 && !broken) {
      const bytes = Buffer.concat(waiting)
      waiting = []
      try {
        if (!handle) {
          handle = await open(fileOf(), position === 0 ? 'w' : 'r+', 0o600)
          await handle.truncate(position)
        }
        await handle.write(bytes, 0, bytes.length, position)
        await handle.datasync()
        position += bytes.length
      } catch (error) {
        // A line that is not there would give its number to the one after it.
        broken = error as Error
        waiting = []
      }
    }
    turn = undefined
  }
  const spool: LineSpool = {
    get epoch() {
      return epoch
    },
    get next() {
      return next
    },
    add(line) {
      next++
      if (broken) return
      const bytes = Buffer.from(line, 'utf8')
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      waiting.push(length, bytes)
      turn ??= write()
    },
    async written() {
      while (turn) await turn
      if (broken) throw broken
    },
    async committed(anew = false) {
      if (turn || !(anew || broken || position >= fileBytes)) return
      const [file, former] = [fileOf(), handle]
      handle = undefined
      broken = undefined
      epoch = randomUUID()
      position = 0
      next = 1
      await former?.close().catch(() => {}) // its lines are committed: nothing of it is needed
      await rm(file, { force: true })
    },
    async close() {
      while (turn) await turn
      await handle?.close().catch(() => {}) // each line was written before it counted as kept
      handle = undefined
    },
  }
  return { spool, lines }
}

async function readLines(file: string): Promise<{ lines: string[]; whole: number }> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  })
  const lines: string[] = []
  let at = 0
  while (at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) break
    lines.push(bytes.toString('utf8', at + 4, end))
    at = end
  }
  return { lines, whole: at }
}
