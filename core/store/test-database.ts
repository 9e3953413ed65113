/** Databases for tests: fresh and migrated, from one server a process. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type postgres from 'postgres'
import { connect, rememberUrl } from './database.ts'
import { type EmbeddedServer, startEmbedded } from './embedded.ts'
import { migrate } from './migrate.ts'

interface Shared {
  url: string
  template: string
  close(): Promise<void>
}
let shared: Promise<Shared> | undefined
let users = 0

async function open(): Promise<Shared> {
  let server: EmbeddedServer | undefined
  let folder: string | undefined
  let url = process.env.SHENLOU_TEST_DATABASE_URL
  if (!url) {
    folder = await mkdtemp(path.join(tmpdir(), 'shenlou-test-'))
    server = await startEmbedded(folder, new AbortController().signal)
    url = server.url
  }
  const template = `shenlou_template_${randomBytes(6).toString('hex')}`
  const admin = connect(url, { max: 1 })
  await admin.unsafe(`create database ${template}`)
  const sql = connect(named(url, template), { max: 1 })
  await migrate(sql)
  await sql.end()
  return {
    url,
    template,
    async close() {
      await admin.unsafe(`drop database ${template}`)
      await admin.end()
      await server?.close()
      if (folder) await rm(folder, { recursive: true, force: true })
    },
  }
}

function named(url: string, database: string): string {
  const parsed = new URL(url)
  parsed.pathname = `/${database}`
  return parsed.href
}

/**
 * A fresh migrated database, dropped by `close`. The embedded server starts with the first and stops with the last; set
 * SHENLOU_TEST_DATABASE_URL to use another server.
 */
export async function testDatabase(): Promise<{ sql: postgres.Sql; url: string; close(): Promise<void> }> {
  users++
  shared ??= open()
  const server = await shared
  const name = `shenlou_test_${randomBytes(6).toString('hex')}`
  const admin = connect(server.url, { max: 1 })
  await admin.unsafe(`create database ${name} template ${server.template}`)
  const url = named(server.url, name)
  const sql = connect(url)
  rememberUrl(sql, url)
  return {
    sql,
    url,
    async close() {
      await sql.end({ timeout: 5 })
      await admin.unsafe(`drop database ${name} with (force)`)
      await admin.end()
      if (--users === 0) {
        shared = undefined
        await server.close()
      }
    },
  }
}
