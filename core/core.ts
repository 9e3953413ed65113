/** What every part of the core is given: database, bus, folders, key, clock. Made once at start by `createCore`. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type postgres from 'postgres'
import { type Bus, createBus } from './bus.ts'

export interface Core {
  /** Pool of connections; plain SQL by tagged templates. `int8` reads as number. */
  sql: postgres.Sql
  bus: Bus
  /** Folder of the core alone, mode 0700. */
  dataDir: string
  blobDir: string
  /** 32 bytes from `master.key` in `dataDir`; keys for blobs and secrets are derived from it. */
  masterKey: Buffer
  /** Milliseconds since 1970 UTC. */
  clock(): number
  /** One line for the operator; never attacker text that was not escaped. */
  log(line: string): void
  /** Aborts when the core stops. */
  signal: AbortSignal
}

/** Reads the 32-byte key in `file`, or draws one and keeps it with mode 0600. */
export async function readOrDrawKey(file: string): Promise<Buffer> {
  try {
    await writeFile(file, randomBytes(32), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const key = await readFile(file)
  if (key.length !== 32) throw new Error(`${file} must hold 32 bytes but holds ${key.length}: restore it from a backup`)
  return key
}

/** Makes the core's folders and key in `dataDir` and joins them with an open, migrated database. */
export async function createCore(given: {
  sql: postgres.Sql
  dataDir: string
  signal: AbortSignal
  log?: (line: string) => void
  clock?: () => number
}): Promise<Core> {
  const { sql, dataDir, signal, log = () => {}, clock = Date.now } = given
  const blobDir = path.join(dataDir, 'blobs')
  await mkdir(blobDir, { recursive: true, mode: 0o700 })
  await chmod(dataDir, 0o700)
  const masterKey = await readOrDrawKey(path.join(dataDir, 'master.key'))
  const bus = createBus((topic, error) => log(`a listener of ${topic} failed: ${error instanceof Error ? error.message : String(error)}`))
  return { sql, bus, dataDir, blobDir, masterKey, clock, log, signal }
}
