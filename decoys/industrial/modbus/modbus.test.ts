import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { serveDecoy, type TestDecoy } from '../../test-harness.ts'
import { type RawClient, rawClient } from '../client-fixture.ts'
import { testDevice, testPlant } from '../plant-fixture.ts'
import { modbus } from './modbus.ts'

const plant = testPlant()
let decoy: TestDecoy
let client: RawClient
before(async () => {
  decoy = await serveDecoy(modbus, testDevice(), {}, { plant, units: { oven: 'OV2' } })
  client = await rawClient(decoy.port)
})
after(async () => {
  client.close()
  await decoy.close()
  assert.deepEqual(decoy.faults, [])
})

/** Sends a PDU to unit 1 and answers the PDU that came. */
async function pdu(hex: string, unit = '01', on = client): Promise<string> {
  const bytes = hex.replaceAll(' ', '')
  const answer = await on.ask(`abcd 0000 ${(bytes.length / 2 + 1).toString(16).padStart(4, '0')} ${unit} ${bytes}`)
  assert.equal(answer.slice(0, 8), 'abcd0000')
  assert.equal(answer.slice(12, 14), unit)
  assert.equal(Number.parseInt(answer.slice(8, 12), 16), answer.length / 2 - 6, 'the length of the head is right')
  return answer.slice(14)
}

test('values of the plant are read in their scale and word order, from each table', async () => {
  assert.equal(await pdu('03 0000 0001'), '03020708')
  assert.equal(await pdu('04 0000 0001'), '04020704')
  assert.equal(await pdu('03 000a 0004'), '0308 4333999a 43660000'.replaceAll(' ', ''))
  assert.equal(await pdu('03 000b 0001'), '0302999a', 'the second word alone')
  assert.equal(await pdu('01 0000 0008'), '010101')
  assert.equal(await pdu('02 0000 0003'), '020101')
})

test('a write reaches the plant and is said as an operator would name it', async () => {
  assert.equal(await pdu('06 0000 08fc'), '06000008fc')
  assert.equal(plant.values.get('OV2.Z1.SP'), 230)
  const said = decoy.of('industrial.requested').at(-1)
  assert.equal(said?.operation, 'write')
  assert.equal(said?.changed, true)
  assert.deepEqual(said?.points, [
    { address: '400001', tag: 'OV2.Z1.SP', name: { zh: 'OV2.Z1.SP', en: 'OV2.Z1.SP' }, class: 'SP', unit: '°C', before: 180, value: 230 },
  ])
  assert.equal(await pdu('05 0000 0000'), '0500000000')
  assert.equal(decoy.of('industrial.requested').at(-1)?.operation, 'command')
  assert.equal(plant.values.get('OV2.Burner.Cmd'), 0)
  assert.equal(await pdu('10 000c 0002 04 43 70 00 00'), '10000c0002')
  assert.equal(plant.values.get('OV2.TripLim'), 240)
  assert.equal(decoy.of('industrial.requested').at(-1)?.operation, 'alarm')
})

test('one word of a float, masks, packed coils and an exchange change only what they name', async () => {
  assert.equal(await pdu('06 000c 4380'), '06000c4380')
  assert.equal(plant.values.get('OV2.TripLim'), 256)
  assert.equal(await pdu('06 0020 00f2'), '06002000f2')
  assert.equal(await pdu('16 0020 00f2 0025'), '16002000f20025')
  assert.equal(await pdu('03 0020 0001'), '030200f7')
  assert.equal(await pdu('0f 0008 000a 02 cd 01'), '0f0008000a')
  assert.equal(await pdu('01 0008 000a'), '0102cd01')
  assert.equal(await pdu('17 0020 0002 0020 0001 02 1234'), '170412340000')
})

test('a register of the process that nobody may write takes the word and shows the process again', async () => {
  assert.equal(await pdu('06 000a 0000'), '06000a0000')
  assert.equal(plant.values.get('OV2.Z1.PV'), 179.6)
  assert.equal(decoy.of('industrial.requested').at(-1)?.changed, false)
  assert.equal(await pdu('03 000a 0002'), '03044333999a')
})

test('what is not allowed gets the exception that the specification names', async () => {
  const cases: [string, string, string][] = [
    ['unknown function', '07', '8701'],
    ['user-defined function', '41', 'c101'],
    ['no registers', '03 0000 0000', '8303'],
    ['126 registers', '03 0000 007e', '8303'],
    ['2,001 coils', '01 0000 07d1', '8103'],
    ['beyond the table', '03 00c8 0001', '8302'],
    ['over the end of the table', '03 00c7 0002', '8302'],
    ['over the end of addresses', '03 ffff 0002', '8302'],
    ['a coil that is neither on nor off', '05 0000 0001', '8503'],
    ['a byte count that does not fit', '10 0020 0002 03 000000', '9003'],
    ['data cut off', '10 0020 0002 04 0000', '9003'],
    ['124 registers written', '10 0020 007c f8 0000', '9003'],
    ['diagnostics that it does not have', '08 0001 0000', '8801'],
    ['an identification code that there is not', '2b 0e 05 00', 'ab03'],
    ['an object that there is not', '2b 0e 04 09', 'ab02'],
    ['another transport than identification', '2b 0d 0000', 'ab01'],
  ]
  for (const [name, request, answer] of cases) assert.equal(await pdu(request), answer, name)
  assert.equal(await pdu('08 0000 a537'), '080000a537')
})

test('a strict unit refuses what its parameters may not be', async () => {
  assert.equal(await pdu('03 0000 0001', '07'), '030200e6')
  assert.equal(await pdu('06 0000 01f4', '07'), '8603')
  assert.equal(await pdu('06 0001 0001', '07'), '8602')
})

test('a unit that nobody has gets the exception of a gateway', async () => {
  assert.equal(await pdu('03 0000 0001', '2a'), '830b')
})

test('requests that come together are answered in order, one that comes in pieces when it is whole', async () => {
  const both = await client.ask('0001 0000 0006 01 03 0000 0001 0002 0000 0006 01 04 0000 0001', 22)
  assert.equal(both, '00010000000501030208fc00020000000501040207 04'.replaceAll(' ', ''))
  client.send('0003 0000 00')
  assert.equal(await client.ask('06 01 03 0000 0001', 11), '00030000000501030208fc')
})

test('bytes that are not Modbus end the connection, and the next client is served', async () => {
  for (const junk of ['0001 0001 0006 01 03 0000 0001', '0001 0000 0001 01 03', '0001 0000 00ff 01 03', '4745 5420 2f20 4854 5450']) {
    const bad = await rawClient(decoy.port)
    bad.send(junk)
    await bad.closed()
  }
  assert.equal(decoy.of('protocol.violated').length >= 4, true)
  assert.equal(await pdu('03 0000 0001'), '030208fc')
})

test('as many clients as the device has connections are served, the next is reset, and a place that was left is free again', async () => {
  // The client that all tests share is the first of the three: it is the same decoy.
  const few = await serveDecoy(modbus, testDevice({ modbus: { ...testDevice().template.modbus, connections: 3 } }), {}, { plant, units: { oven: 'OV2' } })
  const [first, second] = (await Promise.all([rawClient(few.port), rawClient(few.port)])) as [RawClient, RawClient]
  for (const each of [first, second]) assert.equal(await pdu('03 0000 0001', '01', each), '030208fc')
  const third = await rawClient(few.port)
  await third.closed()
  await few.until(() => few.of('protocol.violated').some(({ reason }) => reason === 'more than 3 connections'))
  first.close()
  const next = async (): Promise<string> => {
    const client = await rawClient(few.port)
    const answer = await client.ask('abcd 0000 0006 01 03 0000 0001', 11)
    client.close()
    return answer || next()
  }
  assert.equal(await next(), 'abcd0000000501030208fc')
  second.close()
  await few.close()
})

test('UMAS identifies, reserves for one, stops and starts, and keeps what is loaded', async () => {
  assert.match(await pdu('5a 00 02 00'), /^5a00fe0e/)
  const reserve = await pdu('5a 00 10 01000000 04 41424344')
  assert.match(reserve, /^5a00fe[0-9a-f]{2}$/)
  assert.equal(decoy.of('industrial.requested').at(-1)?.reason, 'reserved as ABCD')
  assert.equal(await pdu('5a 00 41 ff00'), '5a00fe')
  assert.equal(plant.mode('OV2'), 'stop')
  assert.equal(decoy.of('industrial.requested').at(-1)?.operation, 'stop')
  const other = await rawClient(decoy.port)
  assert.equal(await pdu('5a 00 40 ff00', '01', other), '5a00fd81')
  other.close()
  assert.equal(await pdu('5a 00 40 ff00'), '5a00fe')
  assert.equal(await pdu('5a 00 30 0001'), '5a00fef000')
  assert.equal(await pdu('5a 00 31 0001 0000 0400 deadbeef'), '5a00fe')
  assert.equal(await pdu('5a 00 32 0001 0100'), '5a00fe')
  await decoy.until(() => decoy.of('file.uploaded').length === 1)
  assert.equal(decoy.blobs.get(decoy.of('file.uploaded')[0]?.file.sha256 ?? '')?.toString('hex'), 'deadbeef')
  assert.equal(await pdu('5a 00 99'), '5a00fd80')
})

test('answers come as a device gives them: never at once, never alike', async () => {
  const times: number[] = []
  for (let i = 0; i < 20; i++) {
    const begun = performance.now()
    await pdu('03 0000 0001')
    times.push(performance.now() - begun)
  }
  assert.ok(Math.min(...times) >= 1, `${Math.min(...times)} ms`)
  assert.ok(new Set(times.map((time) => time.toFixed(1))).size > 5)
})

test('a request in front of bytes that are none is answered before the connection ends', async () => {
  const late = await rawClient(decoy.port)
  assert.equal(await late.ask('0001 0000 0006 01 01 0000 0008 ffff ffff ffff ffff', 10), '00010000000401010100'.slice(0, 20))
  await late.closed()
})

test('a write that is refused in one place changes nothing in the others, and is said with what it asked for', async () => {
  const before = plant.values.get('OV2.Z1.SP')
  assert.equal(await pdu('10 0000 0002 04 00c8 0001', '07'), '9002')
  assert.equal(plant.values.get('OV2.Z1.SP'), before)
  const said = decoy.of('industrial.requested').at(-1)
  assert.deepEqual([said?.outcome, said?.operation, said?.changed], ['refused', 'write', false])
  assert.deepEqual(
    said?.points.map(({ tag, value }) => [tag, value]),
    [
      ['OV2.Z1.SP', 200],
      ['OV2.Z1.PV', 1],
    ],
  )
  assert.equal(await pdu('06 0000 ffff', '07'), '8603')
  assert.equal(decoy.of('industrial.requested').at(-1)?.points[0]?.value, 65_535)
})
