/** Backup: the whole of a core, as it was at one moment, in one encrypted file. */
import { createReadStream, existsSync } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type postgres from 'postgres'
import { type Actor, systemActor } from './actor.ts'
import { ApiError } from './api-error.ts'
import { recordAudit } from './audit.ts'
import { type BackupWriter, createBackupFile } from './backup-file.ts'
import type { Core } from './core.ts'

/** Entries of the core's folder that are not part of a backup: the cluster (its tables are), and what belongs to a running process. */
const leftOut = new Set(['postgres', 'postgres.new', 'lock', 'admin-socket'])

export interface TableInfo {
  name: string
  columns: string[]
}

/** The tables to copy, those that others refer to first. Partitions are read through their parent. */
export async function tablesOf(sql: postgres.Sql | postgres.TransactionSql): Promise<TableInfo[]> {
  const tables = await sql<{ name: string; columns: string[]; needs: string[] }[]>`
    select relname as name,
      (select array_agg(attname::text order by attnum) from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped and attgenerated = '') as columns,
      coalesce((select array_agg(distinct confrelid::regclass::text) from pg_constraint where conrelid = pg_class.oid and contype = 'f' and confrelid <> conrelid), '{}') as needs
    from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition and relname <> 'migration' order by relname`
  const ordered: TableInfo[] = []
  const waiting = [...tables]
  while (waiting.length > 0) {
    const ready = waiting.findIndex(({ needs }) => needs.every((need) => !waiting.some(({ name }) => name === need)))
    const [table] = waiting.splice(Math.max(0, ready), 1)
    if (table) ordered.push({ name: table.name, columns: table.columns })
  }
  return ordered
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const columnList = (columns: string[]): string => columns.map(quoted).join(', ')

/**
 * Writes database, captured files, authority, site secret and master key to `file` (0600), encrypted under `passphrase`. The
 * database is read in one snapshot while the core works on. Throws when the file is there already or cannot be written.
 */
export async function backup(
  core: Core,
  given: { file: string; passphrase: string },
  actor: Actor = systemActor,
): Promise<{ bytes: number; events: number; files: number }> {
  if (existsSync(given.file)) throw new ApiError(409, 'exists', `${given.file} is there already: choose another name, or remove it first`)
  await recordAudit(core, { actor, action: 'core.backup', target: given.file, scopes: [] })
  const partial = `${given.file}.partial`
  await rm(partial, { force: true })
  const writer = await createBackupFile(partial, given.passphrase)
  try {
    const rows = await writeTables(core, writer)
    const files = await writeFiles(core.dataDir, writer)
    await writer.entry({ type: 'end', rows, files })
    const bytes = await writer.end()
    await rename(partial, given.file)
    return { bytes, events: rows.event ?? 0, files }
  } catch (error) {
    await writer.abort().catch(() => {})
    await rm(partial, { force: true })
    throw error
  }
}

async function writeTables(core: Core, writer: BackupWriter): Promise<Record<string, number>> {
  const rows: Record<string, number> = {}
  await core.sql.begin('isolation level repeatable read read only', async (tx) => {
    const migrations = await tx<{ name: string; checksum: string }[]>`select name, checksum from migration order by name`
    const partitions = await tx<{ name: string }[]>`select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = 'event'::regclass and relname <> 'event_default' order by relname`
    await writer.entry({ type: 'start', at: core.clock(), migrations: [...migrations], partitions: partitions.map(({ name }) => name) })
    for (const { name, columns } of await tablesOf(tx)) {
      const [counted] = await tx.unsafe<{ count: number }[]>(`select count(*)::int as count from ${quoted(name)}`)
      rows[name] = counted?.count ?? 0
      const stream = await tx.unsafe(`copy (select ${columnList(columns)} from ${quoted(name)}) to stdout`).readable()
      await writer.entry({ type: 'table', name, columns }, stream as AsyncIterable<Uint8Array>)
    }
  })
  // After the tables, so that none of them holds a number above these.
  const sequences = await core.sql<
    { name: string; value: number | null }[]
  >`select sequencename as name, last_value as value from pg_sequences where schemaname = current_schema()`
  await writer.entry({ type: 'sequences', values: sequences.filter(({ value }) => value !== null) })
  return rows
}

async function writeFiles(dataDir: string, writer: BackupWriter): Promise<number> {
  let files = 0
  const walk = async (folder: string): Promise<void> => {
    for (const each of await readdir(path.join(dataDir, folder), { withFileTypes: true })) {
      const name = path.join(folder, each.name)
      if (folder === '' && (leftOut.has(each.name) || each.name.startsWith('lock.'))) continue
      if (each.isDirectory()) await walk(name)
      else if (each.isFile()) {
        files++
        await writer.entry({ type: 'file', name }, createReadStream(path.join(dataDir, name)))
      }
    }
  }
  await walk('')
  return files
}
