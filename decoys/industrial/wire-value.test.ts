import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WireType } from '@shenlou/contract/device'
import { decodeRaw, encodeRaw, fromRaw, toRaw } from './wire-value.ts'

const plain = (as: WireType, scale = 1, offset = 0) => ({ as, scale, offset })

test('a value is scaled, rounded and clamped to its type', () => {
  assert.equal(toRaw(plain('int16', 10), 180.26), 1803)
  assert.equal(toRaw(plain('uint16', 10), -4), 0)
  assert.equal(toRaw(plain('int16'), 1e9), 32_767)
  assert.equal(toRaw(plain('bcd16'), 12_345), 9999)
  assert.equal(toRaw(plain('int16'), Number.NaN), 0)
  assert.equal(toRaw(plain('uint16', 655.35, 0), 100), 65_535)
  assert.equal(fromRaw(plain('int16', 10), 1800), 180)
  assert.equal(fromRaw(plain('int16', 10, 500), 2300), 180)
})

test('words lie in the order of the device', () => {
  assert.equal(encodeRaw('float32', 180, 'high-first').toString('hex'), '43340000')
  assert.equal(encodeRaw('float32', 180, 'low-first').toString('hex'), '00004334')
  assert.equal(encodeRaw('uint32', 0x01020304, 'low-first').toString('hex'), '03040102')
  assert.equal(encodeRaw('int16', -2, 'low-first').toString('hex'), 'fffe')
  assert.equal(encodeRaw('bcd16', 1234, 'high-first').toString('hex'), '1234')
})

test('what was encoded is decoded to the same, in both orders', () => {
  const cases: [WireType, number][] = [
    ['bit', 1],
    ['int16', -300],
    ['uint16', 60_000],
    ['bcd16', 409],
    ['int32', -70_000],
    ['uint32', 4_000_000_000],
    ['float32', Math.fround(23.7)],
  ]
  for (const [as, raw] of cases) for (const order of ['high-first', 'low-first'] as const) assert.equal(decodeRaw(as, encodeRaw(as, raw, order), order), raw)
})

test('bytes that are no value of their type are none', () => {
  assert.equal(decodeRaw('bcd16', Buffer.from('12a4', 'hex'), 'high-first'), undefined)
  assert.equal(decodeRaw('float32', Buffer.from('7fc00000', 'hex'), 'high-first'), undefined)
  assert.equal(decodeRaw('float32', Buffer.from('7f800000', 'hex'), 'high-first'), undefined)
})
