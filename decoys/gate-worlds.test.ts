import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openWorldStore } from './gate-worlds.ts'

const root = mkdtempSync(join(tmpdir(), 'shenlou-worlds-'))
after(() => rmSync(root, { recursive: true, force: true }))
const open = (name: string, bounds = {}) => {
  const dropped: string[] = []
  const dir = join(root, name)
  const store = openWorldStore({ dir, onDropped: (decoy, adversary, why) => dropped.push(`${decoy} ${adversary} ${why}`), ...bounds })
  return { dir, store, dropped }
}
const text = async (store: ReturnType<typeof open>['store'], decoy: string, adversary: string) => (await store.load(decoy, adversary))?.toString()

test('a saved world is there again after a restart, for its decoy and adversary only, readable by nobody else', async () => {
  const { dir, store } = open('kept')
  store.save('jump', 'address:g/203.0.113.9', Buffer.from('one'))
  store.save('jump', 'address:g/203.0.113.9', Buffer.from('two'))
  const again = open('kept').store
  assert.equal(await text(again, 'jump', 'address:g/203.0.113.9'), 'two')
  assert.equal(await text(again, 'other', 'address:g/203.0.113.9'), undefined)
  assert.equal(await text(again, 'jump', 'address:g/203.0.113.8'), undefined)
  for (const file of readdirSync(join(dir, 'jump'))) assert.equal(statSync(join(dir, 'jump', file)).mode & 0o777, 0o600)
})

test('the least recently saved goes when there are too many, and is named', async () => {
  const { store, dropped } = open('many', { maxWorlds: 3 })
  for (const name of ['a', 'b', 'c']) store.save('jump', name, Buffer.from(name))
  store.save('jump', 'a', Buffer.from('again'))
  store.save('jump', 'd', Buffer.from('d'))
  assert.deepEqual(dropped, ['jump b count'])
  assert.equal(await text(store, 'jump', 'b'), undefined)
  assert.equal(await text(store, 'jump', 'a'), 'again')
})

test('bytes are bounded in all and for one world, and never at the cost of the one just saved', async () => {
  const { store, dropped } = open('large', { maxBytes: 1000, maxWorldBytes: 900 })
  store.save('jump', 'a', Buffer.alloc(400))
  store.save('jump', 'b', Buffer.alloc(400))
  store.save('jump', 'c', Buffer.alloc(800))
  store.save('jump', 'd', Buffer.alloc(901))
  assert.deepEqual(dropped, ['jump a bytes', 'jump b bytes', 'jump d size'])
  assert.equal((await store.load('jump', 'c'))?.length, 800)
})

test('no name of an adversary or decoy leaves the folder, and what a kill left half written is swept away', async () => {
  const { dir, store } = open('names')
  store.save('../../up', '../../../etc/passwd', Buffer.from('x'))
  assert.equal(await text(store, '../../up', '../../../etc/passwd'), 'x')
  const [folder] = readdirSync(dir)
  assert.match(folder as string, /^[0-9a-f]{64}$/)
  writeFileSync(join(dir, folder as string, `${'0'.repeat(64)}.new`), 'half')
  await text(open('names').store, '../../up', 'nobody')
  assert.equal(readdirSync(join(dir, folder as string)).length, 1)
})
