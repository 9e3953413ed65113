/** Captured files: taken in ranges from sensors, hashed again here, given out only as an attachment under a password. */
import { createHash } from 'node:crypto'
import { DoorError } from '@shenlou/link/door-types'
import type { Actor } from './actor.ts'
import { ApiError, notFound } from './api-error.ts'
import { readStored, removeStored, storeBytes, storedBytes } from './blob-store.ts'
import { zipWithPassword } from './blob-zip.ts'
import type { Core } from './core.ts'
import { visibleTo } from './store/visible.ts'

/** Largest file that is taken, in bytes. */
export const maxBlobBytes = 67_108_864

const turns = new Map<string, Promise<unknown>>()

/** One writer a file at a time: two sensors may hold the same one. */
function inTurn<T>(sha256: string, work: () => Promise<T>): Promise<T> {
  const own = (turns.get(sha256) ?? Promise.resolve()).then(work, work)
  const settled = own
    .catch(() => {})
    .then(() => {
      if (turns.get(sha256) === settled) turns.delete(sha256)
    })
  turns.set(sha256, settled)
  return own
}

function check(sha256: string, size: number): void {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new DoorError(400, 'hash', 'a captured file is named by its SHA-256')
  if (size > maxBlobBytes) throw new DoorError(413, 'size', `a captured file may have ${maxBlobBytes} bytes and this one has ${size}`)
}

/** How many bytes of a file are kept; `size` when it is whole. */
export async function keptBytes(core: Core, sha256: string, size: number): Promise<number> {
  check(sha256, size)
  // Nothing will be sent of an empty file.
  if (size === 0) return appendBlob(core, { sha256, from: 0, total: 0, bytes: Buffer.alloc(0) })
  const [row] = await core.sql<{ complete: boolean }[]>`select complete from blob where sha256 = ${sha256}`
  return row?.complete ? size : Math.min(await storedBytes(core, sha256), size)
}

/** Keeps a range and answers how many bytes from the start are kept. At the end the hash is taken again: one that differs is dropped and refused. */
export async function appendBlob(core: Core, range: { sha256: string; from: number; total: number; bytes: Buffer }): Promise<number> {
  const { sha256, from, total, bytes } = range
  check(sha256, total)
  if (from + bytes.length > total) throw new DoorError(400, 'range', `the range ends at ${from + bytes.length} of ${total} bytes`)
  return inTurn(sha256, async () => {
    const now = core.clock() / 1000
    const [row] = await core.sql<{ complete: boolean }[]>`insert into blob (sha256, size, first_at) values (${sha256}, ${total}, to_timestamp(${now}::float8))
      on conflict (sha256) do update set size = case when blob.complete then blob.size else excluded.size end returning complete`
    if (row?.complete) return total
    const received = bytes.length > 0 ? await storeBytes(core, sha256, from, bytes) : await storedBytes(core, sha256)
    const whole = received >= total
    if (whole && (await hashOf(core, sha256, total)) !== sha256) {
      await removeStored(core, sha256)
      await core.sql`update blob set received = 0 where sha256 = ${sha256}`
      throw new DoorError(422, 'hash', `the bytes sent as ${sha256} have another hash`)
    }
    await core.sql`update blob set received = ${received}, complete = ${whole}, complete_at = ${whole ? core.sql`to_timestamp(${now}::float8)` : null} where sha256 = ${sha256}`
    return received
  })
}

async function hashOf(core: Core, sha256: string, total: number): Promise<string> {
  const hash = createHash('sha256')
  if (total > 0) for await (const part of readStored(core, sha256)) hash.update(part)
  return hash.digest('hex')
}

/** Route `blob`: a ZIP with the password `infected`. A file is seen by those who may see an event that carried it. */
export async function blob(core: Core, actor: Actor, input: { params: { sha256: string } }): Promise<Uint8Array> {
  const { sha256 } = input.params
  const { sql } = core
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw notFound('file')
  const [row] = await sql<
    { complete: boolean | null; size: number | null }[]
  >`select blob.complete, blob.size from blob_scope left join blob on blob.sha256 = blob_scope.sha256
    where blob_scope.sha256 = ${sha256} and ${visibleTo(sql, actor, 'blob_scope.scope')} limit 1`
  if (!row) throw notFound('file')
  if (!row.complete) throw new ApiError(409, 'not-yet-here', 'the sensor has not sent this file yet: try again when it is connected')
  const parts: Buffer[] = []
  if (row.size) for await (const part of readStored(core, sha256)) parts.push(part)
  return zipWithPassword(sha256, Buffer.concat(parts))
}
