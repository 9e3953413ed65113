/** One process at a time in a data folder. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * Takes a folder for this process and answers how to give it back; the kernel gives it back when the process dies, however
 * it dies. Throws an Error that names the folder when it is taken. SQLite's file lock is used because Node itself has none.
 */
export function lockFolder(dir: string): () => void {
  const path = join(dir, 'lock')
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path)
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database?.close()
    const code = (cause as { errcode?: number }).errcode
    if (code === 5) throw new Error(`${dir} is in use by another process; stop that one or choose another folder`, { cause })
    throw new Error(`cannot lock ${dir}: ${(cause as Error).message}; check that the folder is writable and the disk has room`, { cause })
  }
  const held = database
  return () => held.close()
}
