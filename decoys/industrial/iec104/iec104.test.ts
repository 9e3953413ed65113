import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { serveDecoy, type TestDecoy } from '../../test-harness.ts'
import { type RawClient, rawClient } from '../client-fixture.ts'
import { testDevice, testPlant } from '../plant-fixture.ts'
import { encodeTime } from './asdu.ts'
import { iec104 } from './iec104.ts'
import { openLink, standardTimes } from './link.ts'

let plant: ReturnType<typeof testPlant>
let decoy: TestDecoy
before(async () => {
  plant = testPlant()
  decoy = await serveDecoy(iec104, testDevice(), {}, { plant, units: { oven: 'OV2' } })
})
after(async () => {
  await decoy.close()
  assert.deepEqual(decoy.faults, [])
})

interface Master {
  raw: RawClient
  frame(): Promise<string>
  /** Sends an ASDU and answers the ASDUs of the I frames that come, `count` of them. */
  ask(asdu: string, count: number): Promise<string[]>
  close(): Promise<void>
}
async function master(): Promise<Master> {
  const raw = await rawClient(decoy.port)
  let send = 0
  let received = 0
  const frame = async (): Promise<string> => {
    const head = await raw.rest(2)
    return head === '' ? '' : head + (await raw.rest(Number.parseInt(head.slice(2), 16)))
  }
  const counter = (value: number): string => Buffer.from([(value << 1) & 0xff, (value >> 7) & 0xff]).toString('hex')
  raw.send('6804 07000000')
  assert.equal(await frame(), '68040b000000')
  return {
    raw,
    frame,
    async ask(hex, count) {
      const asdu = hex.replaceAll(' ', '')
      raw.send(`68 ${(asdu.length / 2 + 4).toString(16).padStart(2, '0')} ${counter(send++)} ${counter(received)} ${asdu}`)
      const found: string[] = []
      while (found.length < count) {
        const next = await frame()
        if (next === '') break
        if ((Number.parseInt(next.slice(4, 6), 16) & 1) !== 0) continue
        received += 1
        found.push(next.slice(12))
      }
      return found
    },
    async close() {
      raw.close()
      await decoy.until(() => decoy.of('session.closed').length >= 0)
    },
  }
}
let station: Master
beforeEach(async () => {
  station?.raw.close()
  station = await master()
})
after(() => station.raw.close())

test('the interrogation gives every point, in its type, with cause 20, between confirmation and termination', async () => {
  const [confirmed, single, double, floats, scaled, ended] = (await station.ask('64 01 06 00 2f00 000000 14', 6)) as string[]
  assert.equal(confirmed, '640107002f0000000014')
  assert.equal(single, '010114002f00e9030001')
  assert.equal(double, '030114002f00ea030002', 'without a time: types with one are for what is sent by itself (IEC 60870-5-101, section 7.4.5)')
  assert.equal(floats, '0d0114002f00d107009a99334300')
  assert.equal(scaled, '0b0114002f00d20700080700')
  assert.equal(ended, '64010a002f0000000014')
  assert.equal(decoy.of('industrial.requested').at(-1)?.operation, 'browse')
  assert.equal(decoy.of('industrial.requested').at(-1)?.points[2]?.tag, 'OV2.Z1.PV')
})

test('a group gives its own points, the broadcast address is answered by the own one', async () => {
  const found = await station.ask('64 01 06 00 ffff 000000 16', 3)
  assert.deepEqual(found, ['640107002f0000000016', '0d0116002f00d107009a99334300', '64010a002f0000000016'])
})

test('a point is read by its address', async () => {
  assert.deepEqual(await station.ask('66 01 05 00 2f00 d20700', 1), ['0b0105002f00d20700080700'])
})

test('a set point moves the plant, is confirmed, and shows as spontaneous data', async () => {
  await station.ask('64 01 06 00 2f00 000000 14', 6)
  const found = await station.ask('32 01 06 00 2f00 711700 00004843 00', 3)
  assert.deepEqual(found.slice(0, 2), ['320107002f0071170000004843 00'.replaceAll(' ', ''), '32010a002f007117000000484300'])
  assert.equal(plant.values.get('OV2.Z1.SP'), 200)
  assert.equal(found[2], '0b0103002f00d20700d00700')
  const said = decoy.of('industrial.requested').at(-1)
  assert.deepEqual([said?.operation, said?.changed, said?.points[0]?.before, said?.points[0]?.value], ['write', true, 180, 200])
})

test('a command that wants a select is refused without one and done after one', async () => {
  assert.deepEqual(await station.ask('2d 01 06 00 2f00 b90b00 00', 1), ['2d0147002f00b90b0000'])
  assert.equal(plant.values.get('OV2.Burner.Cmd'), 1)
  assert.deepEqual(await station.ask('2d 01 06 00 2f00 b90b00 80', 1), ['2d0107002f00b90b0080'])
  assert.deepEqual((await station.ask('2d 01 06 00 2f00 b90b00 00', 2)).slice(0, 2), ['2d0107002f00b90b0000', '2d010a002f00b90b0000'])
  assert.equal(plant.values.get('OV2.Burner.Cmd'), 0)
})

test('what the station does not have is refused with the cause that says so', async () => {
  const cases: [string, string, string][] = [
    ['unknown type', '7f 01 06 00 2f00 000000', '7f016c002f00000000'],
    ['unknown cause', '64 01 09 00 2f00 000000 14', '64016d002f0000000014'],
    ['unknown common address', '64 01 06 00 3000 000000 14', '64016e00300000000014'],
    ['unknown object', '2d 01 06 00 2f00 010000 01', '2d016f002f0001000001'],
    ['an object of another type', '2e 01 06 00 2f00 b90b00 01', '2e016f002f00b90b0001'],
    ['out of range', '32 01 06 00 2f00 711700 00007a44 00', '320147002f0071170000007a4400'],
    ['not a number', '32 01 06 00 2f00 711700 0000c07f 00', '320147002f007117000000c07f00'],
  ]
  for (const [name, asked, answer] of cases) assert.deepEqual(await station.ask(asked, 1), [answer], name)
})

test('the clock is confirmed as sent, and a test frame is answered', async () => {
  const time = encodeTime(Date.UTC(2026, 10, 23, 8, 30, 15, 500)).toString('hex')
  assert.equal(time, '8c3c1e10370b1a')
  assert.deepEqual(await station.ask(`67 01 06 00 2f00 000000 ${time}`, 1), [`670107002f00000000${time}`])
  station.raw.send('6804 43000000')
  assert.equal(await station.frame(), '680483000000')
})

test('frames that break the transfer end the connection, and the next master is served', async () => {
  for (const junk of ['6804 0000 0000', '68 03 01', '4745 5420', '6804 0f000000', '680e 0400 0000 64 01 06 00 2f00 000000 14']) {
    const bad = await rawClient(decoy.port)
    bad.send('6804 07000000')
    await bad.rest(6)
    bad.send(junk)
    await bad.closed()
  }
  const early = await rawClient(decoy.port)
  early.send('680e 0000 0000 64 01 06 00 2f00 000000 14')
  await early.closed()
  assert.equal((await station.ask('66 01 05 00 2f00 d10700', 1)).length, 1)
})

test('no more than k frames go unacknowledged, and each is sent in its turn', async () => {
  const written: Buffer[] = []
  const link = openLink({ write: (frame) => written.push(frame), fail: () => {} })
  link.take({ kind: 'U', function: 0x07 })
  for (let i = 0; i < 30; i++) link.send(Buffer.from([i]))
  assert.equal(written.length, 1 + 12)
  assert.equal(link.take({ kind: 'S', receive: 5 }), true)
  assert.equal(written.length, 1 + 17)
  assert.equal(link.take({ kind: 'S', receive: 18 }), false, 'more than was sent')
  assert.deepEqual(
    written.slice(1).map((frame) => frame[6]),
    Array.from({ length: 17 }, (_, i) => i),
  )
  link.close()
})

test('a master that does not acknowledge is left after t1, one that is silent is tested after t3', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const written: string[] = []
  const failed: string[] = []
  const link = openLink({ write: (frame) => written.push(frame.toString('hex')), fail: (why) => failed.push(why) })
  link.take({ kind: 'U', function: 0x07 })
  context.mock.timers.tick(20_000)
  assert.equal(written.at(-1), '680443000000')
  link.take({ kind: 'U', function: 0x83 })
  context.mock.timers.tick(14_000)
  assert.deepEqual(failed, [])
  link.send(Buffer.from([1]))
  context.mock.timers.tick(15_000)
  assert.deepEqual(failed, ['no acknowledgement within t1'])
  link.close()
})

test('a point that is read has its type, with its time', async () => {
  assert.match((await station.ask('66 01 05 00 2f00 ea0300', 1))[0] as string, /^1f0105002f00ea030002[0-9a-f]{14}$/)
})

test('a point that can no longer be trusted is sent by itself, its value as it was', async () => {
  await station.ask('64 01 06 00 2f00 000000 14', 6)
  const { good } = plant.snapshot
  Object.assign(plant.snapshot, { good: (id: string) => id !== 'OV2.Z1.PV' && good(id) })
  try {
    const head = await station.frame()
    assert.equal(head.slice(12), '0d0103002f00d107009a99334380')
  } finally {
    Object.assign(plant.snapshot, { good })
  }
})

test('a clock that was set shows in the times of what comes after', async () => {
  const time = encodeTime(Date.UTC(2020, 0, 2, 3, 4, 5)).toString('hex')
  await station.ask(`67 01 06 00 2f00 000000 ${time}`, 1)
  const [read] = await station.ask('66 01 05 00 2f00 ea0300', 1)
  assert.equal((read as string).slice(-10), time.slice(-10), 'hour, day, month and year')
  await station.ask(`67 01 06 00 2f00 000000 ${encodeTime(Date.UTC(2026, 10, 23, 8)).toString('hex')}`, 1)
})

test('t1 counts from the oldest frame that is not acknowledged', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const failed: string[] = []
  const link = openLink({ write: () => {}, fail: (why) => failed.push(why), times: { ...standardTimes, t3: 1_000_000 } })
  link.take({ kind: 'U', function: 0x07 })
  for (let n = 1; n <= 20; n++) {
    link.send(Buffer.from([n]))
    context.mock.timers.tick(5000)
    // All but the newest.
    link.take({ kind: 'S', receive: n - 1 })
  }
  assert.deepEqual(failed, [])
  context.mock.timers.tick(9999)
  assert.deepEqual(failed, [])
  context.mock.timers.tick(1)
  assert.deepEqual(failed, ['no acknowledgement within t1'])
  link.close()
})

test('an originator gets its own address back in all that it asked for, and 0 in what is for everybody', async () => {
  const found = await station.ask('64 01 06 2a 2f00 000000 14', 6)
  assert.deepEqual([...new Set(found.map((asdu) => asdu.slice(6, 8)))], ['2a'])
  assert.deepEqual(await station.ask('66 01 05 07 2f00 d20700', 1), [`0b010507${(await station.ask('66 01 05 00 2f00 d20700', 1))[0]?.slice(8)}`])
  assert.deepEqual(await station.ask('7f 01 06 2a 2f00 000000', 1), ['7f016c2a2f00000000'])
  const found2 = await station.ask('32 01 06 2a 2f00 711700 00001643 00', 3)
  assert.deepEqual(
    found2.map((asdu) => asdu.slice(0, 8)),
    ['3201072a', '32010a2a', '0b010300'],
  )
})

test('each type comes with the causes that it has, and only what was selected is executed or taken back', async () => {
  plant.values.set('OV2.Burner.Cmd', 1)
  const time = encodeTime(Date.UTC(2026, 10, 23, 8, 0, 0)).toString('hex')
  const cases: [string, string, string[]][] = [
    ['deactivation of a clock', `67 01 08 00 2f00 000000 ${time}`, [`67016d002f00000000${time}`]],
    ['deactivation of a restart', '69 01 08 00 2f00 000000 01', ['69016d002f0000000001']],
    ['activation of a read', '66 01 06 00 2f00 d20700', ['66016d002f00d20700']],
    ['deactivation of an interrogation that does not run', '64 01 08 00 2f00 000000 14', ['640149002f0000000014']],
    ['deactivation of a command that there is not', '2d 01 08 00 2f00 010000 00', ['2d016f002f0001000000']],
    ['deactivation of what was not selected', '2d 01 08 00 2f00 b90b00 00', ['2d0149002f00b90b0000']],
    ['counters of an object', '65 01 06 00 2f00 010000 05', ['65016f002f0001000005']],
    ['a restart of an object', '69 01 06 00 2f00 010000 01', ['69016f002f0001000001']],
    ['select', '2d 01 06 00 2f00 b90b00 80', ['2d0107002f00b90b0080']],
    ['its deactivation', '2d 01 08 00 2f00 b90b00 80', ['2d0109002f00b90b0080']],
    ['execution after it', '2d 01 06 00 2f00 b90b00 00', ['2d0147002f00b90b0000']],
    ['select off', '2d 01 06 00 2f00 b90b00 80', ['2d0107002f00b90b0080']],
    ['execute on', '2d 01 06 00 2f00 b90b00 01', ['2d0147002f00b90b0001']],
    ['a command with a time that is cut off', '3f 01 06 00 2f00 711700 00001643 00 0000', ['3f0147002f00711700000016430000 00'.replaceAll(' ', '')]],
    [
      'a test of a command',
      '32 01 86 00 2f00 711700 00002042 00',
      ['320187002f0071170000002042 00', '32018a002f0071170000002042 00'].map((one) => one.replaceAll(' ', '')),
    ],
  ]
  const before = plant.values.get('OV2.Z1.SP')
  for (const [name, asked, answers] of cases) assert.deepEqual(await station.ask(asked, answers.length), answers, name)
  assert.equal(plant.values.get('OV2.Burner.Cmd'), 1)
  assert.equal(plant.values.get('OV2.Z1.SP'), before)
})

test('a station that was told to restart ends the connection and says first that it is initialised, once', async () => {
  assert.deepEqual(await station.ask('69 01 06 00 2f00 000000 01', 1), ['690107002f0000000001'])
  await station.raw.closed()
  const again = await master()
  assert.equal((await again.frame()).slice(12), '460104002f0000000002')
  again.raw.close()
  const later = await master()
  assert.equal((await later.ask('66 01 05 00 2f00 d10700', 1))[0]?.slice(0, 6), '0d0105')
  later.raw.close()
})

test('odd frames: pieces, several at once, data behind a supervisory frame, one master too many', async () => {
  const read = '66010500 2f00 d10700'
  station.raw.send(`680d 0000 0000 ${read} 680d 0200 0000 ${read} 680443000000`)
  const got = [await station.frame(), await station.frame(), await station.frame()]
  assert.deepEqual(
    got.map((frame) => frame.slice(4, 6) + frame.slice(12, 16)),
    ['000d01', '020d01', '83'],
  )
  for (const byte of `680d 0400 0400 ${read}`.replaceAll(' ', '').match(/../g) ?? []) station.raw.send(byte)
  assert.match(await station.frame(), /^68120400/)
  const second = await master()
  const third = await rawClient(decoy.port)
  await third.closed()
  second.raw.send('6806 0100 0000 ffff')
  await second.raw.closed()
})
