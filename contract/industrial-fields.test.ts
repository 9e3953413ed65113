import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressIn, fieldsOf } from './industrial-fields.ts'
import type { FrameProtocol, FrameSide } from './industrial-frame.ts'

const named = (protocol: FrameProtocol, text: string, side: FrameSide = 'request'): Record<string, string> =>
  Object.fromEntries(fieldsOf(protocol, Buffer.from(text.replaceAll(' ', ''), 'hex'), side).map(({ name, value }) => [name, value]))

test('a Modbus write shows its register and value, an exception its code', () => {
  const write = named('modbus', '0014 0000 0006 01 06 0014 0af0')
  assert.equal(write['function code'], '0x06 Write Single Register')
  assert.deepEqual([write['unit identifier'], write.address, write.value], ['1', '20', '2800'])
  assert.equal(named('modbus', '0002 0000 0003 04 83 0b', 'response')['exception code'], '0x0b gateway target failed to respond')
})

test('an S7 write shows area, block and address', () => {
  const write = named('s7comm', '0300 0027 02f080 3201 0000 0007 000e 0008 05 01 120a10 02 0004 000a 84 0000a0 0004 0020 437a0000')
  assert.deepEqual([write.function, write['DB number'], write.area, write.address], ['0x05 write variable', '10', '0x84 data block', '20.0'])
})

test('an IEC 104 setpoint shows object and number, a STOPDT its name', () => {
  const set = named('iec104', '68120a000a00 32 01 06 00 2f00 711700 0000fa43 00')
  assert.deepEqual([set.type, set.cause, set['common address'], set['object address'], set.element], ['50 C_SE_NC_1', '6 activation', '47', '6001', '500'])
  assert.equal(named('iec104', '680413000000')['receive number'], '0')
})

test('an SNMP request shows community and object', () => {
  const get = named('snmp', '302902010104067075626c6963a01c02041234567802010002010030 0e 300c06082b060102010101000500')
  assert.deepEqual([get.version, get.community, get.name], ['0x01 v2c', 'public', '1.3.6.1.2.1.1.1.0'])
})

test('the address that a request names is found', () => {
  assert.equal(addressIn('modbus', Buffer.from('001400000006010600140af0', 'hex')), '20')
  assert.equal(addressIn('iec104', Buffer.from('680e000000002d0106002f00a00f0001', 'hex')), '4000')
  assert.equal(addressIn('hmi', Buffer.from('anything')), undefined)
})

test('no bytes make it throw, and every byte belongs to one field', () => {
  let seed = 7
  const next = (): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff)
  for (const protocol of ['modbus', 'umas', 's7comm', 'iec104', 'snmp', 'hmi'] as const)
    for (let turn = 0; turn < 400; turn++) {
      const bytes = Buffer.from(Array.from({ length: next() % 60 }, () => (next() >> 8) & 255))
      if (protocol === 's7comm' && bytes.length > 8) bytes.set([3, 0, 0, bytes.length, 2, 0xf0, 0x80, 0x32])
      if (protocol === 'iec104' && bytes.length > 6) bytes.set([0x68, bytes.length - 2, 0, 0, 0, 0])
      const fields = fieldsOf(protocol, bytes, turn % 2 ? 'request' : 'response')
      let at = 0
      for (const field of fields) {
        assert.equal(field.at, at, `${protocol} ${bytes.toString('hex')}`)
        at += field.length
      }
      assert.equal(at, bytes.length, `${protocol} ${bytes.toString('hex')}`)
    }
})
