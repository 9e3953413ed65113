/** Restore: a backup back into an empty folder and an empty database, whole or not at all. */
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type postgres from 'postgres'
import { columnList, tablesOf } from './backup.ts'
import { readBackupFile, verifyBackupFile } from './backup-file.ts'
import { connect } from './store/database.ts'
import { startEmbedded } from './store/embedded.ts'
import { migrate } from './store/migrate.ts'
import { makePartition } from './store/partitions.ts'
import { StartError } from './store/start-error.ts'

export interface RestoreOptions {
  file: string
  passphrase: string
  /** The core's folder; must be empty or missing. */
  dataDir: string
  /** An empty database elsewhere; without it the embedded one in `dataDir`. */
  url?: string | undefined
}

/** Answers how many events and files came back. Throws an Error that says what is wrong; `dataDir` is then as it was. */
export async function restore(given: RestoreOptions): Promise<{ events: number; files: number }> {
  const { dataDir } = given
  const there = await readdir(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (there && there.length > 0) throw new StartError(`${dataDir} is not empty: restore into a new folder, so that nothing is overwritten`)
  await verifyBackupFile(given.file, given.passphrase)
  const target = `${dataDir}.restoring`
  await rm(target, { recursive: true, force: true })
  await mkdir(target, { recursive: true, mode: 0o700 })
  const stop = new AbortController()
  try {
    const server = given.url ? undefined : await startEmbedded(target, stop.signal)
    let answer: { events: number; files: number }
    try {
      const sql = connect(given.url ?? (server?.url as string), { max: 2 })
      try {
        const [used] = await sql`select from pg_class where relname = 'migration' and relnamespace = current_schema()::regnamespace`
        if (used) throw new StartError('the database is not empty: restore into a new one')
        answer = await load(sql, given, target)
      } finally {
        await sql.end({ timeout: 5 })
      }
    } finally {
      await server?.close()
    }
    if (there) await rmdir(dataDir)
    await rename(target, dataDir)
    return answer
  } catch (error) {
    await rm(target, { recursive: true, force: true })
    throw error
  }
}

async function load(sql: postgres.Sql, { file, passphrase }: RestoreOptions, target: string): Promise<{ events: number; files: number }> {
  let files = 0
  let rows: Record<string, number> | undefined
  for await (const { head, parts } of readBackupFile(file, passphrase)) {
    if (head.type === 'start') await begin(sql, head as never)
    else if (head.type === 'table') await copyIn(sql, head as never, parts())
    else if (head.type === 'sequences') {
      for (const { name, value } of head.values as { name: string; value: number }[]) await sql`select setval(${name}::regclass, ${value})`
    } else if (head.type === 'file') {
      files++
      await writeFile(target, String(head.name), parts())
    } else if (head.type === 'end') rows = head.rows as Record<string, number>
  }
  if (!rows) throw new Error(`${file} has no end: take another copy of it`)
  for (const [name, count] of Object.entries(rows)) {
    const [counted] = await sql<{ count: number }[]>`select count(*)::int as count from ${sql(name)}`
    if (counted?.count !== count) throw new Error(`${file}: ${name} came back with ${counted?.count} rows of ${count}`)
  }
  // A backup of an older version is brought up to this one only when its rows are in.
  await migrate(sql)
  return { events: rows.event ?? 0, files }
}

/** The schema as it was, its partitions, and none of the rows that migrations bring. */
async function begin(sql: postgres.Sql, head: { migrations: { name: string; checksum: string }[]; partitions: string[] }): Promise<void> {
  const last = head.migrations.at(-1)?.name
  await migrate(sql, undefined, last)
  const applied = new Map((await sql<{ name: string; checksum: string }[]>`select name, checksum from migration`).map(({ name, checksum }) => [name, checksum]))
  const odd = head.migrations.find(({ name, checksum }) => applied.get(name) !== checksum)
  if (odd) throw new StartError(`the backup is of a version with another ${odd.name}: restore it with the version that made it`)
  for (const name of head.partitions) {
    const date = /^event_(\d{4})(\d{2})(\d{2})$/.exec(name)
    if (date) await makePartition(sql, `${date[1]}-${date[2]}-${date[3]}`)
  }
  for (const { name } of (await tablesOf(sql)).reverse()) await sql`delete from ${sql(name)}`
}

async function copyIn(sql: postgres.Sql, { name, columns }: { name: string; columns: string[] }, parts: AsyncGenerator<Buffer>): Promise<void> {
  const known = (await tablesOf(sql)).find((table) => table.name === name)
  if (!known || columns.some((column) => !known.columns.includes(column))) throw new Error(`the backup has a table ${name} that this version does not know`)
  const into = await sql.unsafe(`copy "${name}" (${columnList(columns)}) from stdin`).writable()
  await pipeline(Readable.from(parts, { objectMode: true }), into)
}

async function writeFile(target: string, name: string, parts: AsyncGenerator<Buffer>): Promise<void> {
  const file = path.resolve(target, name)
  if (!file.startsWith(`${path.resolve(target)}${path.sep}`)) throw new Error(`the backup has a file outside its folder: ${name}`)
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  await pipeline(Readable.from(parts), createWriteStream(file, { mode: 0o600, flags: 'wx', flush: true }))
}
