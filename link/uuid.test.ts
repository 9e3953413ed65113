import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timeOf, uuidv7 } from './uuid.ts'

test('a million ids made in a row are distinct and ascend', () => {
  let last = ''
  for (let i = 0; i < 1_000_000; i++) {
    const id = uuidv7()
    assert.ok(id > last, `${id} after ${last}`)
    last = id
  }
})

test('ids of one frozen millisecond ascend past the counter', () => {
  const at = Date.now() + 60_000
  let last = ''
  for (let i = 0; i < 300_000; i++) {
    const id = uuidv7(at)
    assert.ok(id > last, `${id} after ${last}`)
    last = id
  }
})

test('the time inside is the time given', () => {
  for (const ms of [0, 1, 1_700_000_000_123, 2 ** 48 - 1]) assert.equal(timeOf(uuidv7(ms)), ms)
  assert.match(uuidv7(), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.throws(() => timeOf('00000000-0000-4000-8000-000000000000'), RangeError)
})
