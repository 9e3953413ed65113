/** Captured files: taken in ranges from sensors, hashed again here, given out only as an attachment under a password. */
import { createHash } from 'node:crypto'
import { DoorError } from '@shenlou/link/door-types'
import type { Actor } from './actor.ts'
import { ApiError, notFound } from './api-error.ts'
import { readStored, removeStored, storeBytes, storedBytes } from './blob-store.ts'
import { zipWithPassword } from './blob-zip.ts'
import type { Core } from './core.ts'
import { type Said, sayNotice, tellInboxes } from './notices.ts'
import { visibleTo } from './store/visible.ts'

/** Largest file that is taken, in bytes. */
export const maxBlobBytes = 67_108_864

/** Bytes of all captured files that are kept unless the setting `retention` says `{"blobBytes": N}`. */
export const defaultBlobBytes = 21_474_836_480

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
  const [row] = await core.sql<
    { complete: boolean }[]
  >`update blob set last_at = to_timestamp(${core.clock() / 1000}::float8) where sha256 = ${sha256} returning complete`
  if (row?.complete) return size
  const kept = Math.min(await storedBytes(core, sha256), size)
  await requireRoom(core, size - kept)
  return kept
}

/** Throws when `more` bytes would go beyond the bound of the installation, and tells people of it; the sensor keeps the file and offers it again. */
async function requireRoom(core: Core, more: number): Promise<void> {
  const [state] = await core.sql<{ used: number; bound: number | null }[]>`
    select coalesce(sum(received), 0)::bigint as used, (select (value->>'blobBytes')::bigint from setting where key = 'retention') as bound from blob`
  const { used, bound } = { used: state?.used ?? 0, bound: state?.bound ?? defaultBlobBytes }
  if (used + more <= bound) return
  const gib = (bytes: number): string => `${(bytes / 1_073_741_824).toFixed(1)} GiB`
  const [root] = await core.sql<{ path: string }[]>`select path from scope order by length(path), path limit 1`
  const said: Said = {
    kind: 'system',
    target: 'captured-files-full',
    title: {
      zh: `捕获文件已占用 ${gib(used)},上限 ${gib(bound)}:新文件暂存于传感器`,
      en: `Captured files take ${gib(used)} of ${gib(bound)}: new ones wait on their sensors`,
    },
    link: '/sensors',
    scope: root?.path ?? 'group',
  }
  // Told again only when it was over for an hour.
  const [last] = await core.sql<
    { at: number }[]
  >`select (extract(epoch from at) * 1000)::float8 as at from notice where kind = ${said.kind} and target = ${said.target}`
  if (!last || core.clock() - last.at > 3_600_000) {
    await core.sql.begin((tx) => sayNotice(tx, said, core.clock()))
    await tellInboxes(core, [said])
    core.log(said.title.en)
  }
  throw new DoorError(507, 'full', 'the core has no room for captured files: keep it and offer it again')
}

/** Removes files that nobody offered since `before` (milliseconds since 1970 UTC): the events that carried them are gone by then. Answers how many. */
export async function dropOldBlobs(core: Core, before: number): Promise<number> {
  const old = await core.sql<{ sha256: string }[]>`select sha256 from blob where last_at < to_timestamp(${before / 1000}::float8) order by last_at limit 10000`
  let dropped = 0
  for (const { sha256 } of old)
    await inTurn(sha256, async () => {
      const gone = await core.sql`delete from blob where sha256 = ${sha256} and last_at < to_timestamp(${before / 1000}::float8)`
      if (gone.count === 0) return
      await core.sql`delete from blob_scope where sha256 = ${sha256}`
      await removeStored(core, sha256)
      dropped++
    })
  return dropped
}

/** Keeps a range and answers how many bytes from the start are kept. At the end the hash is taken again: one that differs is dropped and refused. */
export async function appendBlob(core: Core, range: { sha256: string; from: number; total: number; bytes: Buffer }): Promise<number> {
  const { sha256, from, total, bytes } = range
  check(sha256, total)
  if (from + bytes.length > total) throw new DoorError(400, 'range', `the range ends at ${from + bytes.length} of ${total} bytes`)
  return inTurn(sha256, async () => {
    const now = core.clock() / 1000
    const [row] = await core.sql<
      { complete: boolean }[]
    >`insert into blob (sha256, size, first_at, last_at) values (${sha256}, ${total}, to_timestamp(${now}::float8), to_timestamp(${now}::float8))
      on conflict (sha256) do update set size = case when blob.complete then blob.size else excluded.size end returning complete`
    if (row?.complete) return total
    await requireRoom(core, bytes.length)
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
