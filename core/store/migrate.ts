/** Brings a database to this version's schema: the files in migrations/, in order, each in its own transaction, once. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type postgres from 'postgres'
import { lockKeys } from './locks.ts'
import { StartError } from './start-error.ts'

const shipped = path.join(import.meta.dirname, 'migrations')

/** Any number that nobody else locks. */
const lockKey = lockKeys.migrate

/** Applies what is missing, up to the file `through` when given. Throws a StartError when an applied file was altered or the database is from a newer version. */
export async function migrate(sql: postgres.Sql, folder = shipped, through?: string): Promise<void> {
  const files = (await readdir(folder)).filter((file) => /^\d{4}-[a-z0-9-]+\.sql$/.test(file)).sort()
  const own = await sql.reserve()
  try {
    await own`select pg_advisory_lock(${lockKey})`
    await own`create table if not exists migration (name text primary key, checksum text not null, applied_at timestamptz not null default now())`
    const applied = new Map((await own<{ name: string; checksum: string }[]>`select name, checksum from migration`).map((row) => [row.name, row.checksum]))
    const unknown = [...applied.keys()].find((name) => !files.includes(name))
    if (unknown)
      throw new StartError(`the database has the migration ${unknown}, which this version does not know: start the version that made it, or a newer one`)
    for (const file of files.filter((each) => through === undefined || each <= through)) {
      const text = await readFile(path.join(folder, file), 'utf8')
      const checksum = createHash('sha256').update(text).digest('hex')
      const before = applied.get(file)
      if (before === checksum) continue
      if (before) throw new StartError(`the migration ${file} was altered after this database applied it: restore the file as it was`)
      await own.unsafe('begin')
      try {
        await own.unsafe(text)
        await own`insert into migration (name, checksum) values (${file}, ${checksum})`
        await own.unsafe('commit')
      } catch (error) {
        await own.unsafe('rollback')
        throw new Error(`the migration ${file} failed: ${(error as Error).message}`, { cause: error })
      }
    }
  } finally {
    await own`select pg_advisory_unlock(${lockKey})`.catch(() => {})
    own.release()
  }
}
