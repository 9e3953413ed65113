/** A core on a fresh test database, for tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { writerOf } from '../ingest/writer.ts'
import { type Core, createCore } from '../core.ts'
import { testDatabase } from './test-database.ts'

export interface TestCore extends Core {
  url: string
  /** Lines that the core logged. */
  lines: string[]
  close(): Promise<void>
}

/** A whole core without doors. `close` stops everything and removes its folder and database. */
export async function testCore(clock: () => number = Date.now): Promise<TestCore> {
  const database = await testDatabase()
  const dataDir = await mkdtemp(path.join(tmpdir(), 'shenlou-core-'))
  const stop = new AbortController()
  const lines: string[] = []
  const core = await createCore({ sql: database.sql, dataDir, signal: stop.signal, clock, log: (line) => lines.push(line) })
  const close = async (): Promise<void> => {
    stop.abort()
    await (await writerOf(test).catch(() => undefined))?.close()
    await database.close()
    await rm(dataDir, { recursive: true, force: true })
  }
  const test: TestCore = { ...core, url: database.url, lines, close }
  return test
}
