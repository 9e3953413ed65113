import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import type { DoorError } from '@shenlou/link/door-types'
import { type Actor, systemActor } from './actor.ts'
import { ApiError } from './api-error.ts'
import { blobFile } from './blob-store.ts'
import { zipWithPassword } from './blob-zip.ts'
import { appendBlob, blob, dropOldBlobs, keptBytes, maxBlobBytes } from './blobs.ts'
import { notices } from './notices.ts'
import { testCore } from './store/test-core.ts'

const core = await testCore()
after(() => core.close())
const run = promisify(execFile)
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const carriedIn = (sha256: string, scope: string) => core.sql`insert into blob_scope (sha256, scope) values (${sha256}, ${scope})`
const hasUnzip = await run('unzip', ['-v']).then(
  () => true,
  () => false,
)

/** What `unzip -P infected` makes of a ZIP; Python's zipfile where there is no unzip. */
async function unzipped(zip: Uint8Array): Promise<Buffer> {
  const file = path.join(core.dataDir, 'test.zip')
  await writeFile(file, zip)
  const options = { encoding: 'buffer', maxBuffer: 100_000_000 } as const
  const python = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); sys.stdout.buffer.write(z.read(z.namelist()[0], b'infected'))"
  const { stdout } = hasUnzip ? await run('unzip', ['-p', '-P', 'infected', file], options) : await run('python3', ['-c', python, file], options)
  await rm(file)
  return stdout
}

test('a file that comes in ranges, sent twice and out of step, is kept once and comes out as it was', async () => {
  const bytes = randomBytes(900_001)
  const sha256 = digest(bytes)
  const put = (from: number, to: number) => appendBlob(core, { sha256, from, total: bytes.length, bytes: bytes.subarray(from, to) })
  assert.equal(await keptBytes(core, sha256, bytes.length), 0)
  assert.equal(await put(0, 300_000), 300_000)
  assert.equal(await put(0, 300_000), 300_000)
  assert.equal(await put(600_000, 700_000), 300_000, 'a hole is not kept')
  assert.equal(await put(200_000, 500_000), 500_000)
  assert.equal(await keptBytes(core, sha256, bytes.length), 500_000)
  await carriedIn(sha256, 'group/a')
  await assert.rejects(blob(core, systemActor, { params: { sha256 } }), (error: ApiError) => error.code === 'not-yet-here')
  assert.equal(await put(500_000, bytes.length), bytes.length)
  assert.equal(await keptBytes(core, sha256, bytes.length), bytes.length)
  assert.ok(!(await readFile(blobFile(core, sha256))).includes(bytes.subarray(1000, 1064)), 'encrypted at rest')
  assert.deepEqual(await unzipped(await blob(core, systemActor, { params: { sha256 } })), bytes)
})

test('half a record left by a crash is written over', async () => {
  const bytes = randomBytes(600_000)
  const sha256 = digest(bytes)
  await appendBlob(core, { sha256, from: 0, total: bytes.length, bytes: bytes.subarray(0, 500_000) })
  await truncate(blobFile(core, sha256), 400_000)
  const kept = await keptBytes(core, sha256, bytes.length)
  assert.equal(kept, 262_144)
  assert.equal(await appendBlob(core, { sha256, from: kept, total: bytes.length, bytes: bytes.subarray(kept) }), bytes.length)
})

test('bytes with another hash are dropped and refused; too large and impossible ones too', async () => {
  const sha256 = digest(Buffer.from('announced'))
  await assert.rejects(appendBlob(core, { sha256, from: 0, total: 5, bytes: Buffer.from('other') }), (error: DoorError) => error.status === 422)
  assert.equal(await keptBytes(core, sha256, 5), 0)
  assert.equal(await appendBlob(core, { sha256, from: 0, total: 9, bytes: Buffer.from('announced') }), 9, 'the right bytes may follow')
  await assert.rejects(keptBytes(core, sha256, maxBlobBytes + 1), (error: DoorError) => error.status === 413)
  await assert.rejects(keptBytes(core, '../../etc/passwd', 1), (error: DoorError) => error.status === 400)
  await assert.rejects(
    appendBlob(core, { sha256: digest(Buffer.from('x')), from: 0, total: 1, bytes: Buffer.from('xy') }),
    (error: DoorError) => error.code === 'range',
  )
})

test('an altered file is noticed, not given out', async () => {
  const bytes = randomBytes(1000)
  const sha256 = digest(bytes)
  await appendBlob(core, { sha256, from: 0, total: bytes.length, bytes })
  await carriedIn(sha256, 'group/a')
  const stored = await readFile(blobFile(core, sha256))
  stored[100] = (stored[100] as number) ^ 1
  await writeFile(blobFile(core, sha256), stored)
  await assert.rejects(blob(core, systemActor, { params: { sha256 } }), /altered/)
})

test('a file is seen by those who may see an event that carried it', async () => {
  const bytes = Buffer.from('payload of park 1')
  const sha256 = digest(bytes)
  await appendBlob(core, { sha256, from: 0, total: bytes.length, bytes })
  const of = (scope: string): Actor => ({ kind: 'person', id: 'a', name: 'a', permissions: new Set(), scopes: [scope] })
  await assert.rejects(blob(core, systemActor, { params: { sha256 } }), ApiError)
  await carriedIn(sha256, 'group/park-1')
  assert.deepEqual(await unzipped(await blob(core, of('group'), { params: { sha256 } })), bytes)
  await assert.rejects(blob(core, of('group/park-2'), { params: { sha256 } }), (error: ApiError) => error.status === 404)
  await assert.rejects(blob(core, systemActor, { params: { sha256: '..' } }), ApiError)
})

test('an empty file is whole at once', async () => {
  const sha256 = digest(Buffer.alloc(0))
  assert.equal(await keptBytes(core, sha256, 0), 0)
  await carriedIn(sha256, 'group')
  assert.equal((await unzipped(await blob(core, systemActor, { params: { sha256 } }))).length, 0)
})

test('a ZIP opens with its password alone, whatever it holds', async () => {
  for (const content of [Buffer.from('a'), Buffer.alloc(1_000_000, 'compressible '), randomBytes(65_537)])
    assert.deepEqual(await unzipped(zipWithPassword('name', content)), content)
  const zip = zipWithPassword('name', Buffer.from('the secret text '.repeat(10)))
  assert.ok(!zip.includes('secret'))
})

test('beyond the bound of all files a new one is refused and people are told once; what is here already stays', async () => {
  const kept = randomBytes(5000)
  await appendBlob(core, { sha256: digest(kept), from: 0, total: 5000, bytes: kept })
  const [{ used }] = (await core.sql<{ used: number }[]>`select sum(received)::bigint as used from blob`) as unknown as [{ used: number }]
  await core.sql`insert into setting (key, value) values ('retention', ${core.sql.json({ blobBytes: used + 100 })})`
  const more = digest(randomBytes(8))
  for (let turn = 0; turn < 3; turn++) await assert.rejects(keptBytes(core, more, 101), (error: DoorError) => error.status === 507)
  assert.equal(await keptBytes(core, more, 100), 0)
  assert.equal(await keptBytes(core, digest(kept), 5000), 5000)
  const told = (await notices(core, systemActor, { query: { limit: 10 } })).items
  assert.deepEqual(
    told.map(({ kind, count }) => [kind, count]),
    [['system', 1]],
  )
  await core.sql`delete from setting where key = 'retention'`
})

test('files that nobody offered for as long as events are kept are removed, and no others', async () => {
  const [old, seen] = [randomBytes(300), randomBytes(300)]
  for (const bytes of [old, seen]) {
    await appendBlob(core, { sha256: digest(bytes), from: 0, total: 300, bytes })
    await carriedIn(digest(bytes), 'group/a')
    await core.sql`update blob set last_at = now() - interval '200 days' where sha256 = ${digest(bytes)}`
  }
  await keptBytes(core, digest(seen), 300)
  assert.equal(await dropOldBlobs(core, Date.now() - 180 * 86_400_000), 1)
  await assert.rejects(blob(core, systemActor, { params: { sha256: digest(old) } }), (error: ApiError) => error.status === 404)
  await assert.rejects(readFile(blobFile(core, digest(old))), { code: 'ENOENT' })
  assert.ok((await blob(core, systemActor, { params: { sha256: digest(seen) } })).length > 300)
})
