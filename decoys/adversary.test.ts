import assert from 'node:assert/strict'
import { test } from 'node:test'
import { who } from './adversary.ts'

test('without a proof it is the address, at its site', () => {
  assert.equal(who('group/park-1', '10.0.0.5', []).id, 'address:group/park-1/10.0.0.5')
  assert.notEqual(who('group/park-1', '10.0.0.5', []).id, who('group/park-2', '10.0.0.5', []).id)
})

test('the strongest proof decides, wherever it comes from and in whatever order it came', () => {
  const key = { kind: 'key', value: 'SHA256:abc' } as const
  const lure = { kind: 'lure', value: 'serial-7' } as const
  const credential = { kind: 'credential', value: 'root:secret' } as const
  assert.equal(who('a', '10.0.0.5', [key, credential]).id, 'key:SHA256:abc')
  assert.equal(who('a', '10.0.0.5', [credential, lure, key]).id, who('b', '10.9.9.9', [lure]).id)
})

test('an id is short, printable and holds no secret', () => {
  for (const proof of [
    { kind: 'credential', value: 'root:hunter2' },
    { kind: 'lure', value: '\u0000'.repeat(10_000) },
    { kind: 'key', value: '密'.repeat(500) },
  ] as const) {
    const { id } = who('a', '10.0.0.5', [proof])
    assert.match(id, /^[\x21-\x7e]{1,128}$/)
    assert.ok(!id.includes('hunter2'))
  }
  assert.ok(who('s'.repeat(200), '10.0.0.5', []).id.length <= 128)
})
