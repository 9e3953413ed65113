import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { capture, type Capture, shownFault } from '../../../test/industrial/dissect.ts'
import { serveDecoy, type TestDecoy } from '../../test-harness.ts'
import { openWorld } from '../../world.ts'
import { openRegisters } from '../../world/registers.ts'
import { type RawClient, rawClient } from '../client-fixture.ts'
import type { Device } from '../device.ts'
import { testDevice, testPlant } from '../plant-fixture.ts'
import { openBlocks, parseBlockName } from './blocks.ts'
import { openLoadMemory } from './load-memory.ts'
import { s7comm } from './s7comm.ts'

const plant = testPlant()
let decoy: TestDecoy
let client: RawClient
let dialogues: Capture
const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex')
const size = (text: string, bytes = 2): string => (text.length / 2).toString(16).padStart(bytes * 2, '0')

async function frame(): Promise<Buffer> {
  const head = await client.rest(4)
  return Buffer.from(head + (await client.rest(Number.parseInt(head.slice(4, 8), 16) - 4)), 'hex').subarray(7)
}
const send = (pdu: string): void => client.send(`0300 ${(pdu.length / 2 + 7).toString(16).padStart(4, '0')} 02f080 ${pdu}`)
async function job(parameters: string, data = ''): Promise<Buffer> {
  const [p, d] = [parameters.replaceAll(' ', ''), data.replaceAll(' ', '')]
  send(`320100000001${size(p)}${size(d)}${p}${d}`)
  return frame()
}
const errorOf = (answer: Buffer): string => answer.toString('hex', 10, 12)
async function ask(group: number, sub: number, data: string): Promise<{ error: string; data: Buffer }> {
  const bytes = data.replaceAll(' ', '')
  send(`320700000002 0008 ${size(bytes)} 000112041 14${group}0${sub}00 ${bytes}`.replaceAll(' ', ''))
  const answer = await frame()
  return { error: answer.toString('hex', 20, 22), data: answer.subarray(26) }
}
const service = (name: string, argument = ''): Promise<Buffer> => job(`28 000000000000 fd ${size(argument)} ${argument} ${size(hex(name), 1)} ${hex(name)}`)
/** `0C00010P` as the argument of _INSE and _DELE. */
const listed = (...names: string[]): string => `${names.length.toString(16).padStart(2, '0')}00${names.map(hex).join('')}`
const counted = async (type: string): Promise<number> => {
  const { data } = await ask(3, 1, '0a00 0000')
  for (let at = 0; at < data.length; at += 4) if (data.toString('latin1', at, at + 2) === type) return data.readUInt16BE(at + 2)
  return 0
}
const numbers = async (type: string): Promise<number[]> => {
  const { data, error } = await ask(3, 2, `ff09 0002 ${hex(type)}`)
  return error === '0000' ? Array.from({ length: data.length / 4 }, (_, i) => data.readUInt16BE(i * 4)) : []
}
const info = (name: string) => ask(3, 3, `ff09 0008 ${hex(name)}`)

/** Loads bytes as the controller asks for them. */
async function download(name: string, bytes: Buffer): Promise<void> {
  const ends = `1${String(bytes.length).padStart(6, '0')}${String(Math.max(0, bytes.length - 92)).padStart(6, '0')}`
  assert.equal(errorOf(await job(`1a 00 0000 00000000 09 ${hex(`_${name}`)} 0d ${hex(ends)}`)), '0000')
  for (let at = 0; ; at += 200) {
    const asked = await frame()
    const reference = asked.toString('hex', 4, 6)
    if (asked[10] === 0x1c) {
      send(`32030000${reference}0001000000001c`)
      return
    }
    const part = bytes.subarray(at, at + 200).toString('hex')
    send(`32030000${reference}0002${size(`00000000${part}`)}00001b${at + 200 < bytes.length ? '01' : '00'}${size(part)}00fb${part}`)
  }
}
async function upload(name: string): Promise<Buffer | string> {
  const started = await job(`1d 00 0000 00000000 09 ${hex(`_${name}`)}`)
  if (errorOf(started) !== '0000') return errorOf(started)
  const id = started.toString('hex', 16, 20)
  const parts: Buffer[] = []
  for (let more = true; more; ) {
    const answer = await job(`1e 00 0000 ${id}`)
    more = answer[13] === 1
    parts.push(answer.subarray(18))
  }
  await job(`1f 00 0000 ${id}`)
  const whole = Buffer.concat(parts)
  assert.equal(Number(started.toString('latin1', 21, 28)), whole.length, 'the length that was announced')
  return whole
}
/** A block of STEP 7 with `code` in it. */
function block(language: number, subtype: number, number: number, code: Buffer): Buffer {
  const whole = Buffer.alloc(36 + code.length + 20 + 36)
  whole.set([0x70, 0x70, 1, 1, language, subtype], 0)
  whole.writeUInt16BE(number, 6)
  whole.writeUInt32BE(whole.length, 8)
  whole.writeUInt16BE(20, 28)
  whole.writeUInt16BE(code.length, 34)
  code.copy(whole, 36)
  whole.write('INTRUDER', whole.length - 36, 'latin1')
  return whole
}

before(async () => {
  decoy = await serveDecoy(s7comm, testDevice(), {}, { plant, units: { oven: 'OV2' } })
  dialogues = await capture(`port ${decoy.port}`, { [decoy.port]: 'tpkt' })
  client = await rawClient(decoy.port)
  client.send('0300 0016 11 e0 0000 0014 00 c1 02 0100 c2 02 0102 c0 01 0a')
  await client.rest(22)
  await job('f0 00 0001 0001 01e0')
})
after(async () => {
  client.close()
  await decoy.close()
  dialogues.remove()
  assert.deepEqual(decoy.faults, [])
})

const code = Buffer.from(Array.from({ length: 900 }, (_, i) => (i * 7) & 0xff))
const loaded = block(1, 0x0c, 77, code)

test('a block that is loaded is passive until it is inserted, then it is listed, described and read out byte for byte', async () => {
  const many = await counted('0C')
  await download('0C00077P', loaded)
  assert.equal(await counted('0C'), many)
  assert.equal((await info('0C00077A')).error, 'd209')
  assert.equal(await upload('0C00077A'), 'd209')
  assert.deepEqual(await upload('0C00077P'), loaded, 'the passive one is there')
  assert.equal(errorOf(await service('_INSE', listed('0C00077P'))), '0000')
  assert.equal(decoy.of('industrial.requested').at(-1)?.function, 'Insert block FC77')
  assert.equal(await counted('0C'), many + 1)
  assert.deepEqual(await numbers('0C'), [10, 77])
  const described = (await info('0C00077A')).data
  assert.equal(described.readUInt32BE(14), loaded.length, 'its real length')
  assert.equal(described.readUInt16BE(40), code.length, 'of its code')
  assert.equal(described.toString('latin1', 42, 50), 'INTRUDER')
  assert.deepEqual(await upload('0C00077A'), loaded)
  assert.equal(await upload('0C00077P'), 'd209', 'it is not passive any more')
  assert.equal(errorOf(await service('_INSE', listed('0C00077P'))), 'd209')
})

test('a block that is deleted is gone from the list, its description and what can be read out', async () => {
  assert.equal(errorOf(await service('_DELE', listed('0C00077B'))), '0000')
  assert.deepEqual(await numbers('0C'), [10])
  assert.equal((await info('0C00077A')).error, 'd209')
  assert.equal(await upload('0C00077A'), 'd209')
  assert.equal(errorOf(await service('_DELE', listed('0C00077B'))), 'd209')
})

test('a data block that is loaded can be read and written, and is read out as it was loaded', async () => {
  await download('0A00200P', block(5, 0x0a, 200, Buffer.from('0102030405060708', 'hex')))
  const read = (at: string): Promise<Buffer> => job(`04 01 120a1002 0004 00c8 84 ${at}`)
  assert.equal((await read('000000')).toString('hex', 14), '0a000000', 'no such block before it is inserted')
  assert.equal(errorOf(await service('_INSE', listed('0A00200P'))), '0000')
  assert.equal((await read('000010')).toString('hex', 14), 'ff04002003040506')
  assert.equal((await read('000028')).toString('hex', 14), '05000000', 'it ends where its code does')
  await job('05 01 120a1002 0002 00c8 84 000010', '0004 0010 beef')
  assert.equal((await read('000010')).toString('hex', 14), 'ff040020beef0506')
})

test("a data block of the program that is loaded anew begins with its own values, and is read out with the plant's", async () => {
  const data = Buffer.alloc(64)
  data.writeFloatBE(211.5, 20)
  data[40] = 1
  await download('0A00010P', block(5, 0x0a, 10, data))
  assert.equal(plant.values.get('OV2.Z1.SP'), 180, 'nothing before it is inserted')
  assert.equal(errorOf(await service('_INSE', listed('0A00010P'))), '0000')
  assert.equal(plant.values.get('OV2.Z1.SP'), 211.5)
  const said = decoy.of('industrial.requested').at(-1)
  assert.equal(said?.changed, true)
  assert.ok(said?.points.some(({ tag, value }) => tag === 'OV2.Z1.SP' && value === 211.5))
})

test('what the program calls and does not find stops it; what cannot be deleted is refused', async () => {
  assert.equal(plant.mode('OV2'), 'run')
  assert.equal(errorOf(await service('_MODU', hex('EP'))), '8402', 'the card is not written while the program runs')
  assert.equal(errorOf(await service('_DELE', listed('0C00010B'))), '0000')
  assert.equal(plant.mode('OV2'), 'stop')
  assert.equal(decoy.of('industrial.requested').at(-1)?.changed, true)
  assert.equal(errorOf(await service('_MODU', hex('EP'))), '0000')
  assert.equal(errorOf(await service('_GARB')), '0000')
  assert.equal(errorOf(await service('P_PROGRAM')), '0000')
})

test('services whose blocks or lengths do not fit are refused, and so is what is no block', async () => {
  const cases: [string, string, string][] = [
    ['none', `28 000000000000 fd 0002 0000 05 ${hex('_INSE')}`, 'd201'],
    ['more than there are', `28 000000000000 fd 000a 0200${hex('0C00077P')} 05 ${hex('_INSE')}`, 'd201'],
    ['no name', `28 000000000000 fd 000a 0100${hex('0C0007xP')} 05 ${hex('_DELE')}`, 'd201'],
    ['a service that is cut off', `28 000000000000 fd 0000 09 ${hex('_GARB')}`, 'd202'],
    ['an argument that is cut off', `28 000000000000 fd 0100 05 ${hex('_GARB')}`, 'd202'],
    ['a service that there is not', `28 000000000000 fd 0000 05 ${hex('_NONE')}`, '8104'],
    ['a part of an upload that nobody began', '1e 00 0000 000000ff', '8401'],
    ['an upload of what is no name', `1d 00 0000 00000000 09 ${hex('_0C0007xA')}`, 'd201'],
    ['a download of what is no name', `1a 00 0000 00000000 09 ${hex('_9900077P')}`, 'd201'],
  ]
  for (const [name, asked, error] of cases) assert.equal(errorOf(await job(asked)), error, name)
  await download('0C00078P', Buffer.from('7070 no block at all'))
  assert.equal(errorOf(await service('_INSE', listed('0C00078P'))), 'd219')
  assert.deepEqual(await numbers('0C'), [])
})

test('dissectors read all of this without a fault', async () => {
  await dialogues.stop()
  const counts = await dialogues.protocols()
  assert.ok((counts.get('s7comm') ?? 0) > 60, [...counts].join(' '))
  // What is cut off on purpose, and nothing of what is answered.
  const faults = (await dialogues.faults()).filter(({ info }) => !/^ROSCTR:\[Job/.test(info))
  assert.deepEqual(faults.map(shownFault), [])
})

test('blocks are one adversary’s own and outlive a restart of its world', () => {
  const persona = testDevice()
  const template = persona.template.s7comm
  assert.ok(template)
  const device = { persona, read: () => 0 } as unknown as Device
  const open = (world: ReturnType<typeof openWorld>) => openBlocks(template, device, world.registers, () => undefined)
  const name = parseBlockName(Buffer.from('0C00077P'))
  const deleted = parseBlockName(Buffer.from('0C00010B'))
  assert.ok(name && deleted)
  const mine = openWorld(persona)
  assert.equal(open(mine).keep(name, loaded), true)
  assert.equal(open(mine).insert([name]), 0)
  assert.equal(open(mine).remove([deleted]), 0)
  const after = open(openWorld(persona, mine.save()))
  assert.deepEqual(after.image(Buffer.from('0C00077A')), loaded)
  assert.equal(after.image(Buffer.from('0C00010A')), undefined)
  const other = open(openWorld(persona))
  assert.equal(other.image(Buffer.from('0C00077A')), undefined)
  assert.ok(other.image(Buffer.from('0C00010A')))
})

test('the load memory is bounded, gives room back, and closes its gaps', () => {
  const registers = openRegisters()
  const memory = openLoadMemory(registers)
  const of = (key: number, bytes: number): Buffer => Buffer.alloc(bytes, key)
  for (let key = 1; key <= 8; key++) assert.equal(memory.put(key, of(key, 10_000)), true)
  assert.equal(memory.put(9, of(9, 10_000)), false)
  for (const key of [2, 4]) memory.drop(key, false)
  assert.equal(memory.put(9, of(9, 15_000)), true, 'in two gaps that were made one')
  for (const key of [1, 3, 5, 6, 7, 8]) assert.deepEqual(memory.get(key, false), of(key, 10_000))
  assert.deepEqual(memory.get(9, false), of(9, 15_000))
  for (const key of memory.keys(false)) memory.drop(key, false)
  for (let key = 1; key <= 200; key++) assert.equal(memory.put(key, of(key, 10)), key <= 128)
})
