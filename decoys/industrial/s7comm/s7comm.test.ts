import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { serveDecoy, type TestDecoy } from '../../test-harness.ts'
import { type RawClient, rawClient } from '../client-fixture.ts'
import { testDevice, testPlant } from '../plant-fixture.ts'
import { bcdTime, parseBcdTime } from './clock.ts'
import { s7comm } from './s7comm.ts'
import { decodePassword } from './user-data.ts'

const plant = testPlant()
let decoy: TestDecoy
let client: RawClient
const connectHex = '0300 0016 11 e0 0000 0014 00 c1 02 0100 c2 02 0102 c0 01 0a'

async function frame(on: RawClient): Promise<string> {
  const head = await on.rest(4)
  return head === '' ? '' : head + (await on.rest(Number.parseInt(head.slice(4, 8), 16) - 4))
}
/** Sends an S7 PDU and answers what came in the DT. */
async function s7(hex: string, on = client): Promise<string> {
  const bytes = hex.replaceAll(' ', '')
  on.send(`0300 ${(bytes.length / 2 + 7).toString(16).padStart(4, '0')} 02f080 ${bytes}`)
  const answer = await frame(on)
  assert.equal(answer.slice(8, 14), '02f080')
  return answer.slice(14)
}
const job = (parameters: string, data = ''): string => {
  const [p, d] = [parameters.replaceAll(' ', ''), data.replaceAll(' ', '')]
  const length = (text: string): string => (text.length / 2).toString(16).padStart(4, '0')
  return `32 01 0000 0001 ${length(p)} ${length(d)} ${p} ${d}`
}
async function open(port: number): Promise<RawClient> {
  const opened = await rawClient(port)
  opened.send(connectHex)
  assert.match(await frame(opened), /^0300001611d00014[0-9a-f]{4}00c0010ac1020100c2020102$/)
  assert.equal(await s7(job('f0 00 0001 0001 01e0'), opened), '3203000000010008000000 00f0000001000100f0'.replaceAll(' ', ''))
  return opened
}
before(async () => {
  decoy = await serveDecoy(s7comm, testDevice(), {}, { plant, units: { oven: 'OV2' } })
  client = await open(decoy.port)
})
after(async () => {
  client.close()
  await decoy.close()
  assert.deepEqual(decoy.faults, [])
})

const item = (type: string, count: string, block: string, area: string, address: string): string => `12 0a 10 ${type} ${count} ${block} ${area} ${address}`

test('a data block shows the plant: reals, bits, and bytes across values', async () => {
  assert.equal(await s7(job(`04 01 ${item('08', '0001', '000a', '84', '000000')}`)), '320300000001000200080000 0401 ff07 0004 4333999a'.replaceAll(' ', ''))
  assert.match(await s7(job(`04 01 ${item('01', '0001', '000a', '84', '000140')}`)), /ff030001 ?01$/)
  assert.match(await s7(job(`04 01 ${item('02', '0004', '000a', '84', '000010')}`)), /ff040020999a0000$/)
  const two = await s7(job(`04 02 ${item('02', '0001', '000a', '84', '000000')} ${item('02', '0001', '0000', '82', '000000')}`))
  assert.match(two, /ff04000843 ?00ff04000801$/)
})

test('a write moves the plant and is said with what was there before', async () => {
  assert.equal(
    await s7(job(`05 01 ${item('08', '0001', '000a', '84', '0000a0')}`, '00 07 0004 43660000')),
    '32030000000100020001000005 01ff'.replaceAll(' ', ''),
  )
  assert.equal(plant.values.get('OV2.Z1.SP'), 230)
  const said = decoy.of('industrial.requested').at(-1)
  assert.deepEqual(
    [said?.operation, said?.changed, said?.points[0]?.address, said?.points[0]?.before, said?.points[0]?.value],
    ['write', true, 'DB10.DBD20', 180, 230],
  )
  await s7(job(`05 01 ${item('01', '0001', '000a', '84', '000140')}`, '00 03 0001 00'))
  assert.equal(plant.values.get('OV2.Burner.Cmd'), 0)
  assert.equal(decoy.of('industrial.requested').at(-1)?.operation, 'command')
  await s7(job(`05 01 ${item('02', '0002', '0000', '83', '000020')}`, '00 04 0010 beef'))
  assert.match(await s7(job(`04 01 ${item('02', '0002', '0000', '83', '000020')}`)), /ff040010beef$/)
})

test('what cannot be had gets the code of its item, the rest its values', async () => {
  const answer = await s7(
    job(`04 03 ${item('02', '0001', '00c8', '84', '000000')} ${item('02', '0001', '000a', '84', '001000')} ${item('ff', '0001', '000a', '84', '000000')}`),
  )
  assert.match(answer, /0403 0a000000 05000000 06000000$/.source ? /04030a0000000500000006000000$/ : /x/)
  assert.match(await s7(job(`05 01 ${item('08', '0001', '000a', '84', '0000a0')}`, '00 07 0004 4366')), /0501(07|05)$/)
})

test('requests that are none get the error of the device', async () => {
  assert.match(await s7(job('77 00')), /^32020000000100000000 ?8104$/)
  assert.match(await s7(job('04 01 12 0a 10')), /8500$/)
  assert.match(await s7(job('04 00')), /8500$/)
  const wide = Array.from({ length: 4 }, () => item('02', '0040', '000a', '84', '000000')).join(' ')
  assert.match(await s7(job(`04 04 ${wide}`)), /8500$/, 'an answer longer than the PDU')
})

const userData = (group: string, sub: string, data: string): string => {
  const bytes = data.replaceAll(' ', '')
  return `32 07 0000 0002 0008 ${(bytes.length / 2).toString(16).padStart(4, '0')} 000112041 1 4${group} ${sub} 00 ${bytes}`
}

test('status lists say who it is and how it is', async () => {
  const who = Buffer.from(await s7(userData('4', '01', 'ff 09 0004 0011 0001')), 'hex').toString('latin1')
  assert.match(who, /6ES7 315-2EH14-0AB0/)
  const names = Buffer.from(await s7(userData('4', '01', 'ff 09 0004 001c 0000')), 'hex').toString('latin1')
  assert.match(names, /SIMATIC 300\(\d\d\)/)
  assert.match(await s7(userData('4', '01', 'ff 09 0004 0424 0000')), /ff08/)
  assert.match(await s7(userData('4', '01', 'ff 09 0004 0999 0000')), /d4010a000000$/)
})

test('blocks are listed, described and read out, the same each time', async () => {
  assert.match(await s7(userData('3', '01', '0a 00 0000')), /30380001/)
  assert.match(await s7(userData('3', '02', 'ff 09 0002 3043')), /000a2201$/)
  assert.match(await s7(userData('3', '03', 'ff 09 0008 3043 3030303130 41')), /454e47/)
  assert.match(await s7(userData('3', '03', 'ff 09 0008 3043 3030303939 41')), /d2090a000000$/)
  const read = async (): Promise<string> => {
    const started = await s7(job('1d 00 00 00 00000000 09 5f30433030303130 41'))
    assert.match(started, /1d000100/)
    const id = started.slice(24 + 8 + 0, 24 + 16).slice(0, 8)
    let all = ''
    for (;;) {
      const answer = await s7(job(`1e 00 00 00 ${started.slice(32, 40)}`))
      all += answer.slice(24 + 4 + 8)
      if (answer.slice(26, 28) === '00') break
    }
    assert.ok(id.length > 0)
    await s7(job(`1f 00 00 00 ${started.slice(32, 40)}`))
    return all
  }
  const first = await read()
  assert.ok(first.startsWith('7070'), first.slice(0, 20))
  assert.equal(await read(), first)
})

test('a block is loaded as the controller asks for it, and kept', async () => {
  await s7(job('1a 00 0000 00000000 09 5f30433030303939 50 0d 31 303030303132 303030303034'))
  const asks = await frame(client)
  assert.match(asks, /1b00000000000000095f3043/)
  const reference = asks.slice(14 + 8, 14 + 12)
  client.send(`0300 0019 02f080 3203 0000 ${reference} 0002 0006 0000 1b00 0002 00fb cafe`.replace('0019', '001b'))
  const ends = await frame(client)
  assert.match(ends, /1c0000/)
  client.send(`0300 0014 02f080 3203 0000 ${ends.slice(22, 26)} 0001 0000 0000 1c`)
  await decoy.until(() => decoy.of('file.uploaded').length === 1)
  assert.equal(decoy.blobs.get(decoy.of('file.uploaded')[0]?.file.sha256 ?? '')?.toString('hex'), 'cafe')
})

test('stop stops the program and start starts it, each once', async () => {
  const stop = job('29 0000000000 09 505f50524f4752414d')
  assert.match(await s7(stop), /29$/)
  assert.equal(plant.mode('OV2'), 'stop')
  assert.equal(decoy.of('industrial.requested').at(-1)?.changed, true)
  assert.match(await s7(userData('4', '01', 'ff 09 0004 0424 0000')), /ff04/)
  assert.match(await s7(stop), /2907$/)
  assert.match(await s7(job('28 000000000000 fd 0000 09 505f50524f4752414d')), /28$/)
  assert.equal(plant.mode('OV2'), 'run')
})

test('the clock is read and set, and a password is caught', async () => {
  assert.match(await s7(userData('7', '01', '0a 00 0000')), /0020261123160000/)
  await s7(userData('7', '02', 'ff 09 000a 0020 2601010000000004'))
  assert.match(await s7(userData('7', '01', '0a 00 0000')), /00202601010000/)
  await s7(userData('5', '01', 'ff 09 0008 6164 5f53 6b4b 3e1e'))
  assert.equal(decoy.of('login.attempted').length, 1)
})

test('a password that is sent mixed is told plain, and a time is the same after it was written', () => {
  const plain = 'ADMIN123'
  const mixed: number[] = []
  for (let i = 0; i < 8; i++) mixed.push(i < 2 ? plain.charCodeAt(i) ^ 0x55 : plain.charCodeAt(i) ^ (mixed[i - 2] as number) ^ 0x55)
  assert.equal(decodePassword(Buffer.from(mixed)), plain)
  const at = Date.UTC(2026, 10, 23, 8, 30, 15)
  assert.equal(parseBcdTime(bcdTime(at)), at)
  assert.equal(parseBcdTime(Buffer.from('2613320000000000', 'hex')), undefined)
})

test('another slot is refused, bytes that are no TPKT end the connection, a 0x72 probe gets silence', async () => {
  const wrong = await rawClient(decoy.port)
  wrong.send('0300 0016 11 e0 0000 0014 00 c1 02 0100 c2 02 0103 c0 01 0a')
  assert.equal(await frame(wrong), '0300000b06800014000003')
  await wrong.closed()
  for (const junk of ['4745 5420 2f', '0300 0004', '0300 ffff 02f080', '0300 0007 ff f0 80']) {
    const bad = await rawClient(decoy.port)
    bad.send(junk)
    await bad.closed()
  }
  const plus = await rawClient(decoy.port)
  plus.send(connectHex)
  await frame(plus)
  plus.send('0300 000c 02f080 7201 0000 00')
  await decoy.until(() => decoy.of('industrial.requested').some(({ function: name }) => name === 'S7comm-plus'))
  plus.close()
  assert.match(await s7(job(`04 01 ${item('02', '0001', '000a', '84', '000000')}`)), /ff040008/)
})

test('timers and counters are read as what they are, a bit one at a time', async () => {
  for (const [type, area, count, code] of [
    ['02', '1c', '0001', '06'],
    ['02', '1d', '0003', '06'],
    ['1c', '1c', '0002', 'ff'],
    ['1d', '1d', '0001', 'ff'],
    ['1c', '1d', '0001', '06'],
  ] as const)
    assert.match(await s7(job(`04 01 ${item(type, count, '0000', area, '000000')}`)), new RegExp(`0401${code}`), `${type} of ${area}`)
  assert.match(await s7(job(`04 01 ${item('01', '0002', '000a', '84', '000140')}`)), /040106000000$/)
})

test('a bit beside one of the plant is kept', async () => {
  const bit = item('01', '0001', '000a', '84', '000145')
  await s7(job(`05 01 ${bit}`, '00 03 0001 01'))
  assert.match(await s7(job(`04 01 ${bit}`)), /ff03000101$/)
  await s7(job(`05 01 ${bit}`, '00 03 0001 00'))
  assert.match(await s7(job(`04 01 ${bit}`)), /ff03000100$/)
})

test('a block that is written back as it was read changes nothing in the plant', async () => {
  plant.values.set('OV2.Z1.SP', 180.1)
  const whole = item('02', '0040', '000a', '84', '000000')
  const read = await s7(job(`04 01 ${whole}`))
  const many = plant.written.length
  assert.match(await s7(job(`05 01 ${whole}`, `00 04 0200 ${read.slice(-128)}`)), /0501ff$/)
  assert.deepEqual(plant.written.slice(many), [])
  const said = decoy.of('industrial.requested').at(-1)
  assert.equal(said?.changed, false)
  assert.ok(said?.points.some(({ tag }) => tag === 'OV2.Z1.SP'))
})

test('a block is described in 78 bytes, its names where the dissectors have them', async () => {
  const answer = Buffer.from(await s7('32 07 0000 0002 0008 000c 000112 04 11 43 03 00 ff 09 0008 3043 3030303130 41'), 'hex')
  const data = answer.subarray(22 + 4)
  assert.equal(answer.readUInt16BE(24), 78)
  assert.equal(data.toString('hex', 0, 8), '0143004a00007070')
  assert.equal(data.readUInt16BE(12), 10, 'its number')
  assert.equal(data.readUInt32BE(14), 900, 'its size')
  assert.equal(data.toString('latin1', 42, 45), 'ENG')
})

test('parts of a PDU that never ends are not taken for ever', async () => {
  const endless = await open(decoy.port)
  endless.send('0300 0007 02f000'.repeat(200))
  await endless.closed()
})

test('the buffer says when the program was stopped, the same each time, and a clock that was set goes on for the next connection', async () => {
  const clock = plant.controllerClock
  let now = Date.UTC(2026, 10, 23, 8, 0, 0)
  plant.controllerClock = () => now
  try {
    await s7(job('29 00 00 00 00 00 09 505f50524f4752414d'))
    const buffer = '32 07 0000 0003 0008 0008 000112 04 11 44 01 00 ff 09 0004 00a0 0000'
    const first = await s7(buffer)
    now += 60_000
    assert.equal(await s7(buffer), first)
    await s7(job('28 00 00 00 00 00 00 fd 0000 09 505f50524f4752414d'))
    await s7('32 07 0000 0004 0008 000e 000112 04 11 47 02 00 ff 09 000a 00 20 24 01 02 03 04 05 00 02')
    const again = await open(decoy.port)
    assert.match(await s7('32 07 0000 0005 0008 0004 000112 04 11 47 01 00 0a 00 0000', again), /240102030405/)
    again.close()
  } finally {
    plant.controllerClock = clock
  }
})

test('odd frames: parts, pieces, several at once, lengths that do not fit, one connection too many', async () => {
  const odd = await open(decoy.port)
  const read = job(`04 01 ${item('02', '0001', '000a', '84', '000000')}`).replaceAll(' ', '')
  // One PDU in three TPDUs, the last of them marked; each byte by itself.
  const dt = (part: string, last: boolean): string => `0300${(part.length / 2 + 7).toString(16).padStart(4, '0')}02f0${last ? '80' : '00'}${part}`
  for (const byte of (dt(read.slice(0, 8), false) + dt(read.slice(8, 30), false) + dt(read.slice(30), true)).match(/../g) ?? []) odd.send(byte)
  assert.match(await frame(odd), /ff040008..$/)
  odd.send(dt(read, true).repeat(3))
  for (let i = 0; i < 3; i++) assert.match(await frame(odd), /ff040008..$/)
  const cases: [string, string, RegExp][] = [
    ['no items', job('05 00'), /8500$/],
    ['21 items', job(`04 15 ${item('02', '0001', '000a', '84', '000000').repeat(21)}`), /8500$/],
    ['an item of another form', job('04 01 12 0a b2 02 0001 000a 84 000000'), /040106000000$/],
    ['nothing of a type', job(`04 01 ${item('02', '0000', '000a', '84', '000000')}`), /040106000000$/],
    ['an area that there is not', job(`04 01 ${item('02', '0001', '0000', '99', '000000')}`), /04010a000000$/],
    ['the last address there is', job(`04 01 ${item('02', '0001', '0000', '83', 'ffffff')}`), /040105000000$/],
    ['a write without data', job(`05 01 ${item('02', '0001', '0000', '83', '000000')}`), /050107$/],
    ['no function at all', '32 01 0000 0001 0000 0000', /8104$/],
    ['a set-up that is cut off', job('f0 00 0001'), /8500$/],
    ['user data of a group that there is not', userData('f', '01', '0a 00 0000'), /81040a000000$/],
    ['a list without its number', userData('4', '01', 'ff 09 0002 0011'), /d4050a000000$/],
    ['the rest of an answer that was not begun', '32 07 0000 0002 000c 0004 000112 08 12 44 01 01 07 00 0000 0a000000', /d4050a000000$/],
    ['a date that is none', userData('7', '02', 'ff 09 000a 0020 2613320000000000'), /dc010a000000$/],
  ]
  for (const [name, asked, answer] of cases) assert.match(await s7(asked, odd), answer, name)
  // A length that the head does not say, and a second connection request: the connection ends.
  odd.send(dt(`${read}00`, true))
  await odd.closed()
  const twice = await open(decoy.port)
  twice.send(connectHex)
  await twice.closed()
  const early = await rawClient(decoy.port)
  early.send(dt(read, true))
  await early.closed()
  const before = await rawClient(decoy.port)
  before.send(connectHex)
  await frame(before)
  assert.match(await s7(read, before), /8001$/, 'before set-up')
  before.close()
  // The client that all tests share is the first of the four; places of those that left are free a moment later.
  const more: RawClient[] = []
  while (more.length < 3) {
    const next = await rawClient(decoy.port)
    next.send(connectHex)
    if ((await frame(next)) !== '') more.push(next)
  }
  const fifth = await rawClient(decoy.port)
  await fifth.closed()
  assert.equal(decoy.of('protocol.violated').at(-1)?.reason, 'more than 4 connections')
  for (const one of more) one.close()
})
