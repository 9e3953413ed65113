import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BerError, compareOid, decodeOid, decodeValue, encode, encodeInteger, encodeOid, encodeValue, openReader, parseOid, type Value } from './ber.ts'
import { numbers } from './snmp-fixture.ts'
import { encodeCommunity, encodePdu, parseMessage, pduTypes } from './message.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('integers are as short as they can be and come back as they were', () => {
  const written: [number, string][] = [
    [0, '02 01 00'],
    [127, '02 01 7f'],
    [128, '02 02 00 80'],
    [256, '02 02 01 00'],
    [-1, '02 01 ff'],
    [-128, '02 01 80'],
    [-129, '02 02 ff 7f'],
    [2_147_483_647, '02 04 7f ff ff ff'],
    [-2_147_483_648, '02 04 80 00 00 00'],
  ]
  for (const [value, bytes] of written) {
    assert.deepEqual(encodeInteger(value), hex(bytes))
    assert.equal(openReader(hex(bytes)).integer('it'), value)
  }
})

test('values of every type come back as they were', () => {
  const values: Value[] = [
    { type: 'integer', value: -40 },
    { type: 'counter', value: 4_294_967_295 },
    { type: 'gauge', value: 2_147_483_648 },
    { type: 'ticks', value: 255 },
    { type: 'octets', value: Buffer.alloc(300, 'x') },
    { type: 'ip', value: Buffer.from([10, 0, 0, 1]) },
    { type: 'oid', value: [1, 3, 6, 1, 4, 1, 4_294_967_295] },
    { type: 'oid', value: [2, 100, 3] },
    { type: 'oid', value: [0, 0] },
    { type: 'counter64', value: 18_446_744_073_709_551_615n },
    { type: 'counter64', value: 0n },
    { type: 'null' },
    { type: 'noSuchInstance' },
    { type: 'endOfMibView' },
  ]
  for (const value of values) assert.deepEqual(decodeValue(openReader(encodeValue(value)).next()), value)
  assert.deepEqual(encodeOid(parseOid('1.3.6.1.4.1.4196')), hex('06 07 2b 06 01 04 01 a0 64'))
})

test('what is cut off, too long or no BER is refused', () => {
  const wrong = ['30', '30 05 02 01 00', '30 80 00 00', '30 85 00 00 00 00 01 00', '30 84 ff ff ff ff', '3f 01 00']
  for (const bytes of wrong) assert.throws(() => openReader(hex(bytes)).next(), BerError, bytes)
  assert.throws(() => openReader(hex('02 05 01 00 00 00 00')).integer('it'), BerError)
  assert.throws(() => openReader(hex('02 00')).integer('it'), BerError)
  for (const bytes of ['', '2b 86', '2b 80 01', '2b 9f ff ff ff 7f']) assert.throws(() => decodeOid(hex(bytes)), BerError, bytes)
  assert.throws(() => decodeOid(Buffer.alloc(200, 1)), BerError)
  assert.throws(() => decodeValue({ tag: 0x09, body: Buffer.alloc(4) }), BerError)
})

test('object identifiers are in the order of a walk', () => {
  const order = ['1.3', '1.3.6', '1.3.6.1', '1.3.6.2', '1.3.6.10', '1.3.7']
  assert.deepEqual(
    order
      .toReversed()
      .map(parseOid)
      .toSorted(compareOid)
      .map((oid) => oid.join('.')),
    order,
  )
})

test('a request with more bindings than an agent takes is refused', () => {
  const binding = encode(0x30, encodeOid([1, 3]), encode(5))
  const message = (count: number): Buffer =>
    encode(
      0x30,
      encodeInteger(1),
      encode(4, Buffer.from('public')),
      encode(pduTypes.get, encodeInteger(1), encodeInteger(0), encodeInteger(0), encode(0x30, ...Array<Buffer>(count).fill(binding))),
    )
  assert.equal(parseMessage(message(1000)).version, 'v2c')
  assert.throws(() => parseMessage(message(1001)), BerError)
})

test('a message that was changed at random is read or refused, nothing else', () => {
  const next = numbers(20_261_123)
  const whole = encodeCommunity({
    version: 'v2c',
    community: Buffer.from('public'),
    pdu: {
      type: pduTypes.bulk,
      requestId: 77,
      status: 0,
      index: 10,
      bindings: [
        { oid: [1, 3, 6, 1, 2, 1], value: { type: 'null' } },
        { oid: [1, 3, 6, 1, 2, 1, 2], value: { type: 'oid', value: [1, 3] } },
      ],
    },
  })
  let refused = 0
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(whole.subarray(0, 1 + (next() % whole.length)))
    for (let change = next() % 4; change >= 0; change--) bytes[next() % bytes.length] = next() & 0xff
    try {
      const message = parseMessage(bytes)
      if (message.version !== 'v3') encodePdu(message.pdu)
    } catch (error) {
      assert.ok(error instanceof BerError, `${bytes.toString('hex')}: ${String(error)}`)
      refused += 1
    }
  }
  assert.ok(refused > 10_000, `${refused} of 20,000 were refused`)
})
