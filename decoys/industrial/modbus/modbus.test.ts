import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { serveDecoy, type TestDecoy, testPersona } from '../../test-harness.ts'
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

test('a write that an interlock refuses in one place has done the rest, and says so behind the exception that comes after processing', async () => {
  const [first, strict] = testDevice().template.modbus?.units ?? []
  assert.ok(first && strict)
  const two = { ...strict, holdingRegisters: { ranges: [], values: [...strict.holdingRegisters.values] } }
  two.holdingRegisters.values = [
    { ...(strict.holdingRegisters.values[0] as (typeof two.holdingRegisters.values)[number]), at: 0 },
    { ...(strict.holdingRegisters.values[0] as (typeof two.holdingRegisters.values)[number]), at: 1, from: 'oven.Burner.Cmd' },
    { ...(strict.holdingRegisters.values[0] as (typeof two.holdingRegisters.values)[number]), at: 2, from: 'oven.TripLim', write: 'engineer' },
  ]
  const locked = testPlant()
  const { write } = locked
  locked.write = (id, value, by) => (id === 'OV2.Burner.Cmd' ? { accepted: false, before: 1, reason: 'interlocked' } : write(id, value, by))
  const device = await serveDecoy(modbus, testDevice({ modbus: { connections: 4, units: [two] } }), {}, { plant: locked, units: { oven: 'OV2' } })
  const one = await rawClient(device.port)
  try {
    assert.equal(await pdu('10 0000 0003 06 00c8 0000 00f0', '07', one), '9004')
    assert.deepEqual([locked.values.get('OV2.Z1.SP'), locked.values.get('OV2.TripLim'), locked.values.get('OV2.Burner.Cmd')], [200, 240, 1])
    const said = device.of('industrial.requested').at(-1)
    assert.deepEqual([said?.outcome, said?.changed, said?.reason, said?.points.length], ['done', true, 'exception 4', 3])
    assert.equal(await pdu('10 0000 0003 06 00c9 0000 ffff', '07', one), '9003', 'what is checked before has no effect at all')
    assert.equal(locked.values.get('OV2.Z1.SP'), 200)
    assert.equal(await pdu('06 0001 0000', '07', one), '8604')
    assert.deepEqual([device.of('industrial.requested').at(-1)?.outcome, device.of('industrial.requested').at(-1)?.changed], ['refused', false])
  } finally {
    one.close()
    await device.close()
  }
})

test('each persona answers a unit that is not its own as its family does', async () => {
  const units = { oven: 'OV2', batch: 'OV2', wt: 'OV2', m1: 'OV2', m2: 'OV2', m3: 'OV2', turbine: 'OV2' }
  const cases: [string, Record<string, string>][] = [
    ['siemens-s7-1200', { '00': 'any', '01': 'any', '2a': 'any', ff: 'any' }],
    ['schneider-m340', { '00': 'any', '01': 'any', '2a': 'any', ff: 'any' }],
    ['weintek-oven-hmi', { '00': 'any', '01': 'any', '2a': '', ff: '' }],
    ['rtu-iec104', { '00': '', '01': 'any', '2a': '', ff: '' }],
    ['moxa-mgate', { '01': 'any', '02': 'any', '2a': '830b' }],
  ]
  for (const [persona, wanted] of cases) {
    const device = await serveDecoy(modbus, testPersona(persona), {}, { plant: testPlant(), units })
    for (const [unit, answer] of Object.entries(wanted)) {
      const one = await rawClient(device.port)
      one.send(`0001 0000 0006 ${unit} 03 0000 0001`)
      if (answer === '') {
        await device.until(() => device.of('industrial.requested').some((said) => said.unit === Number.parseInt(unit, 16) && said.outcome === 'ignored'))
        one.close()
        continue
      }
      const head = await one.rest(7)
      assert.equal(head.slice(12), unit, persona)
      const body = await one.rest(Number.parseInt(head.slice(8, 12), 16) - 1)
      if (answer === 'any') assert.match(body, /^0302/, `${persona} at ${unit}`)
      else assert.equal(body, answer, `${persona} at ${unit}`)
      one.close()
    }
    await device.close()
    assert.deepEqual(device.faults, [])
  }
})

test('odd frames are answered or end the connection as the framing says', async () => {
  const read = '01 03 0000 0001'
  const cases: [string, string, string][] = [
    ['a request for each byte that comes', `0001 0000 0006 ${read}`, '0001'],
    ['a request without data', '0002 0000 0002 01 03', '0002'],
    ['data behind a request', '0003 0000 0008 01 03 0000 0001 ffff', '0003'],
    ['the longest frame, of an unknown function', `0004 0000 00fe 01 41 ${'00'.repeat(252)}`, '0004'],
    ['function 0', '0005 0000 0002 01 00', '0005'],
    ['a function with the bit of an exception', '0006 0000 0002 01 83', '0006'],
    ['a write whose last word is missing', '0007 0000 0009 01 10 0020 0002 04 0000', '0007'],
    ['coils with a byte too many', '0008 0000 0009 01 0f 0000 0008 02 ffff', '0008'],
    ['121 registers exchanged and one read too many', `0009 0000 000d 01 17 0000 007e 0000 0001 02 0000`, '0009'],
    ['a mask that is cut off', '000a 0000 0006 01 16 0020 00f2', '000a'],
  ]
  const answers = ['03 02', '83 03', '83 03', 'c1 01', '80 01', '83 01', '90 03', '8f 03', '97 03', '96 03']
  const one = await rawClient(decoy.port)
  for (const [i, [name, asked, transaction]] of cases.entries()) {
    for (const byte of asked.replaceAll(' ', '').match(/../g) ?? []) one.send(byte)
    const head = await one.rest(7)
    assert.equal(head.slice(0, 4), transaction, name)
    assert.equal((await one.rest(Number.parseInt(head.slice(8, 12), 16) - 1)).slice(0, 4), answers[i]?.replace(' ', ''), name)
  }
  one.send(cases.map(([, asked]) => asked).join(''))
  for (const [name, , transaction] of cases) {
    const head = await one.rest(7)
    assert.equal(head.slice(0, 4), transaction, `${name}, all at once`)
    await one.rest(Number.parseInt(head.slice(8, 12), 16) - 1)
  }
  one.send('0001 0000 00ff 01 03')
  await one.closed()
})

test('what a gateway is sent for unit 0 every meter behind it writes, and none answers', async () => {
  const gateway = await serveDecoy(modbus, testPersona('moxa-mgate'), {}, { plant: testPlant(), units: { m1: 'OV2', m2: 'OV2', m3: 'OV2' } })
  const on = await rawClient(gateway.port)
  try {
    on.send('0001 0000 0006 00 06 006e 002a')
    on.send('0002 0000 0006 00 03 006e 0001')
    for (const unit of ['01', '02', '03']) assert.equal(await pdu('03 006e 0001', unit, on), '0302002a', `unit ${unit}`)
    assert.equal(await pdu('03 006e 0001', 'ff', on), '830b')
    const said = gateway.of('industrial.requested').slice(0, 4)
    assert.deepEqual(
      said.map(({ unit, outcome, response }) => [unit, outcome, response]),
      [
        [1, 'done', ''],
        [2, 'done', ''],
        [3, 'done', ''],
        [0, 'ignored', ''],
      ],
    )
  } finally {
    on.close()
    await gateway.close()
  }
  assert.deepEqual(gateway.faults, [])
})
