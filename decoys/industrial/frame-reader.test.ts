import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFrameReader } from './frame-reader.ts'

const reader = () => openFrameReader({ headBytes: 2, maxBytes: 10, lengthOf: (head) => head.readUInt16BE(0) })
const frame = (text: string): Buffer => Buffer.concat([Buffer.from([0, text.length + 2]), Buffer.from(text)])

test('frames come out whole, however the bytes are cut', () => {
  const all = Buffer.concat(['a', 'bcd', '', 'efghijkl'].map(frame))
  for (let size = 1; size <= all.length; size++) {
    const cut = reader()
    const found: string[] = []
    for (let at = 0; at < all.length; at += size) for (const each of cut.take(all.subarray(at, at + size))) found.push(each.toString('latin1', 2))
    assert.deepEqual(found, ['a', 'bcd', '', 'efghijkl'], `pieces of ${size}`)
    assert.equal(cut.held, 0)
  }
})

test('a frame that is longer than allowed, or shorter than its head, is refused, and nothing is read after it', () => {
  for (const head of [
    [0, 11],
    [0, 1],
  ]) {
    const cut = reader()
    assert.deepEqual(cut.take(Buffer.from(head)), [])
    assert.match(cut.broken ?? '', /a frame of \d+ bytes, where 2 to 10 are allowed/)
    assert.deepEqual(cut.take(frame('a')), [])
    assert.equal(cut.held, 0)
  }
})

test('what came whole before a broken head is given', () => {
  const cut = reader()
  assert.deepEqual(cut.take(Buffer.concat([frame('a'), frame('b'), Buffer.from([9, 9])])).length, 2)
  assert.ok(cut.broken)
})

test('no more is held than one frame', () => {
  const cut = reader()
  cut.take(Buffer.from([0, 10, 1, 2, 3]))
  assert.equal(cut.held, 5)
})
