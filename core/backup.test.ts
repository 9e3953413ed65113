import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import type postgres from 'postgres'
import { systemActor } from './actor.ts'
import { recordAudit, verifyChain } from './audit.ts'
import { backup, tablesOf } from './backup.ts'
import { restore } from './backup-restore.ts'
import { readStored } from './blob-store.ts'
import { appendBlob } from './blobs.ts'
import { createCore } from './core.ts'
import { ingestBatch } from './ingest/ingest.ts'
import { commandEvents, testSensor } from './ingest/test-events.ts'
import { releasesFolder } from './releases/store.ts'
import { openDatabase } from './store/database.ts'
import { maintainPartitions } from './store/partitions.ts'
import { testCore } from './store/test-core.ts'

const core = await testCore()
const folder = await mkdtemp(path.join(tmpdir(), 'shenlou-backup-'))
after(async () => {
  await core.close()
  await rm(folder, { recursive: true })
})
const passphrase = 'a long enough passphrase'
const file = path.join(folder, 'backup')

/** Count and hash of every table's rows, independent of their order. */
async function digests(sql: postgres.Sql): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const { name } of await tablesOf(sql)) {
    const [row] = await sql.unsafe<{ digest: string }[]>(
      `select count(*) || ' ' || coalesce(md5(string_agg(md5(row::text), '' order by md5(row::text))), '') as digest from "${name}" as row`,
    )
    found[name] = row?.digest ?? ''
  }
  return found
}

test('what was backed up comes back elsewhere: every row, every file, the keys, and numbers go on', async () => {
  await maintainPartitions(core.sql, Date.now(), 30)
  for (let seq = 1; seq < 3000; seq += 1000)
    await ingestBatch(core, {
      sensor: testSensor,
      epoch: randomUUID(),
      first: seq,
      events: commandEvents(seq, 1000, { body: { mode: 'shell', input: 'tab \\x09 \\\\ 中文 "', user: '', directory: '/' } }),
    })
  await core.sql`insert into sensor (id, name, role, scope, status) values (${testSensor.id}, 'tab\t\\ name', 'decoys', 'group', 'confirmed')`
  for (let index = 0; index < 5; index++) await recordAudit(core, { actor: systemActor, action: 'test', target: String(index), scopes: [] })
  const bytes = randomBytes(700_000)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await appendBlob(core, { sha256, from: 0, total: bytes.length, bytes })
  await mkdir(path.join(core.dataDir, 'ca'))
  await writeFile(path.join(core.dataDir, 'ca', 'ca.key'), 'sealed')
  await writeFile(path.join(core.dataDir, 'lock'), 'of this process')
  await mkdir(releasesFolder(core.dataDir))
  await writeFile(path.join(releasesFolder(core.dataDir), sha256), 'a package')

  const made = await backup(core, { file, passphrase })
  const whole = await digests(core.sql)
  assert.equal(made.events, 3000)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.ok(!(await readFile(file)).includes('中文'))
  await assert.rejects(backup(core, { file: path.join(folder, 'no', 'such', 'folder'), passphrase }), /ENOENT/)

  await assert.rejects(backup(core, { file, passphrase }), /there already/)
  const dataDir = path.join(folder, 'restored')
  assert.deepEqual(await restore({ file, passphrase, dataDir }), { events: 3000, files: 4 })
  const stop = new AbortController()
  const database = await openDatabase({ dataDir }, stop.signal)
  try {
    assert.deepEqual(await digests(database.sql), whole)
    const again = await createCore({ sql: database.sql, dataDir, signal: stop.signal })
    assert.deepEqual(again.masterKey, core.masterKey)
    const parts: Buffer[] = []
    for await (const part of readStored(again, sha256)) parts.push(part)
    assert.deepEqual(Buffer.concat(parts), bytes)
    assert.equal(await readFile(path.join(dataDir, 'ca', 'ca.key'), 'utf8'), 'sealed')
    assert.equal(await readFile(path.join(releasesFolder(dataDir), sha256), 'utf8'), 'a package')
    assert.equal((await verifyChain(database.sql)).intact, true)
    const [highest] = await database.sql<{ position: number }[]>`select max(position) as position from event`
    await ingestBatch(again, { sensor: testSensor, epoch: randomUUID(), events: commandEvents(1, 1) })
    const [next] = await database.sql<{ position: number }[]>`select max(position) as position from event`
    assert.ok((next?.position ?? 0) > (highest?.position ?? 0))
    const [later] =
      await database.sql`insert into incident (id, scope, severity, title, first_at, last_at, created_at) values (${randomUUID()}, 'group', 'low', '{}', now(), now(), now()) returning number`
    assert.equal(later?.number, 1)
  } finally {
    stop.abort()
    await database.close()
  }
  await assert.rejects(restore({ file, passphrase, dataDir }), /not empty/)
})

test('another passphrase, an altered and a cut file are refused, and leave nothing behind', async () => {
  const dataDir = path.join(folder, 'never')
  const gone = async () => {
    await assert.rejects(stat(dataDir), { code: 'ENOENT' })
    await assert.rejects(stat(`${dataDir}.restoring`), { code: 'ENOENT' })
  }
  await assert.rejects(restore({ file, passphrase: 'not the passphrase', dataDir }), /passphrase/)
  await gone()
  const copy = path.join(folder, 'copy')
  const bytes = await readFile(file)
  bytes[bytes.length - 100] = (bytes[bytes.length - 100] as number) ^ 1
  await writeFile(copy, bytes)
  await assert.rejects(restore({ file: copy, passphrase, dataDir }), /altered/)
  await gone()
  await writeFile(copy, await readFile(file))
  await truncate(copy, (await stat(file)).size - 5)
  await assert.rejects(restore({ file: copy, passphrase, dataDir }), /cut short/)
  await gone()
})
