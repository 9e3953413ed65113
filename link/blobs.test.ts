import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openBlobSpool } from './blobs.ts'

const folder = async (t: { after(end: () => unknown): void }): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'blobs-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}
async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('a file is kept by its hash, once, and survives reopening', async (t) => {
  const dir = await folder(t)
  const spool = await openBlobSpool(dir)
  const bytes = randomBytes(300_000)
  const puts: string[] = []
  spool.onPut((blob) => puts.push(blob.sha256))
  assert.deepEqual(await spool.put(pieces(bytes, 7_000)), { sha256: sha(bytes), size: 300_000, truncated: false })
  assert.deepEqual(await spool.put(bytes), { sha256: sha(bytes), size: 300_000, truncated: false })
  assert.deepEqual(puts, [sha(bytes)])
  await writeFile(join(dir, 'left.part'), 'what a crash left')
  const again = await openBlobSpool(dir)
  assert.deepEqual(again.waiting(), [{ sha256: sha(bytes), size: 300_000 }])
  assert.ok((await again.read(sha(bytes), 100_000, 50_000)).equals(bytes.subarray(100_000, 150_000)))
  await again.forget(sha(bytes))
  assert.deepEqual(await readdir(dir), [])
  assert.equal(again.stats().bytes, 0)
})

test('beyond its bound a file is hash and size only, and leaves no bytes', async (t) => {
  const dir = await folder(t)
  const spool = await openBlobSpool(dir, { fileBytes: 100_000, totalBytes: 250_000 })
  const large = randomBytes(150_000)
  assert.deepEqual(await spool.put(pieces(large, 9_000)), { sha256: sha(large), size: 150_000, truncated: true })
  assert.deepEqual(await spool.put(randomBytes(60_000), { fileBytes: 50_000 }).then((ref) => ref.truncated), true)
  const refs = await Promise.all(Array.from({ length: 5 }, () => spool.put(pieces(randomBytes(90_000), 9_000))))
  assert.ok(spool.stats().bytes <= 250_000)
  assert.ok(refs.some((ref) => ref.truncated))
  assert.equal(refs.filter((ref) => !ref.truncated).length, spool.stats().files)
  assert.equal((await readdir(dir)).length, spool.stats().files)
})

test('a source that fails leaves nothing behind', async (t) => {
  const dir = await folder(t)
  const spool = await openBlobSpool(dir)
  await assert.rejects(
    spool.put(
      (async function* () {
        yield Buffer.alloc(1000)
        throw new Error('the connection was lost')
      })(),
    ),
    /connection was lost/,
  )
  assert.deepEqual(await readdir(dir), [])
  assert.equal(spool.stats().bytes, 0)
})
