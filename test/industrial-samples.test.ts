/** Captures of real clients and servers, replayed request by request against the decoy services: what each is answered, beside what it was answered then. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { modbus } from '../decoys/industrial/modbus/modbus.ts'
import { testPlant } from '../decoys/industrial/plant-fixture.ts'
import { s7comm } from '../decoys/industrial/s7comm/s7comm.ts'
import type { Persona } from '../decoys/persona.ts'
import { serveDecoy, type TestDecoy, testPersona } from '../decoys/test-harness.ts'
import { openWire } from './industrial/clients.ts'
import { type Conversation, framesOf, readCapture, writeCapture } from './industrial/pcap.ts'

const samples = process.env.SHENLOU_SAMPLES
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

interface Protocol {
  lengthOf(bytes: Buffer): number
  /** What was asked, for people. */
  name(request: Buffer): string
  /** What came of it, for people: `done`, or the error. */
  status(answer: Buffer): string
  /** Throws when the answer does not belong to the request. */
  fits(request: Buffer, answer: Buffer): void
}

const mbtcp: Protocol = {
  lengthOf: (bytes) => (bytes.length < 6 ? 0 : 6 + bytes.readUInt16BE(4)),
  name: (request) => `function ${request.readUInt8(7)}${request.readUInt8(7) === 8 ? `/${request.readUInt16BE(8)}` : ''} of unit ${request.readUInt8(6)}`,
  status: (answer) => ((answer.readUInt8(7) & 0x80) === 0 ? 'done' : `exception ${answer.readUInt8(8)}`),
  fits(request, answer) {
    assert.equal(answer.readUInt16BE(0), request.readUInt16BE(0), 'the transaction')
    assert.equal(answer.readUInt8(6), request.readUInt8(6), 'the unit')
    assert.equal(answer.readUInt8(7) & 0x7f, request.readUInt8(7), 'the function')
  },
}
const s7: Protocol = {
  lengthOf: (bytes) => (bytes.length < 4 ? 0 : bytes.readUInt16BE(2)),
  name(request) {
    if (request.readUInt8(5) === 0xe0) return 'connection'
    if (request.readUInt8(8) !== 7) return `job ${request.readUInt8(17).toString(16)}`
    return `user data ${request.readUInt8(22) & 15}/${request.readUInt8(23)}${request.length >= 33 ? ` list ${request.toString('hex', 29, 31)}` : ''}`
  },
  status(answer) {
    if (answer.readUInt8(5) !== 0xf0) return answer.readUInt8(5) === 0xd0 ? 'done' : 'refused'
    const error = answer.readUInt8(8) === 7 ? answer.readUInt16BE(27) : answer.readUInt16BE(17)
    return error === 0 ? 'done' : `error ${error.toString(16)}`
  },
  fits(request, answer) {
    if (request.readUInt8(5) === 0xe0) return assert.equal(answer.readUInt8(5), 0xd0, 'the connection')
    assert.equal(answer.readUInt16BE(11), request.readUInt16BE(11), 'the reference')
    assert.equal(answer.readUInt8(8), request.readUInt8(8) === 7 ? 7 : answer.readUInt8(8) === 2 ? 2 : 3, 'the kind')
  },
}

interface Row {
  asked: string
  was: string
  now: string
}

/** Sends each request once the one before was answered, as its client did. Rejects when one is not answered within 5 s. */
async function replay(conversation: Conversation, protocol: Protocol, port: number): Promise<Row[]> {
  const frames = framesOf(conversation, protocol.lengthOf)
  const wire = await openWire({ host: '127.0.0.1', port }, protocol.lengthOf)
  const rows: Row[] = []
  try {
    for (const [i, { from, frame }] of frames.entries()) {
      if (from !== 'client') continue
      const next = frames[i + 1]
      wire.send(frame)
      const answer = await wire.frame()
      protocol.fits(frame, answer)
      rows.push({ asked: protocol.name(frame), was: next?.from === 'server' ? protocol.status(next.frame) : 'nothing', now: protocol.status(answer) })
    }
  } finally {
    wire.close()
  }
  return rows
}

function show(context: TestContext, what: string, rows: Row[]): void {
  const different = rows.filter(({ was, now }) => was !== now)
  context.diagnostic(`shown: ${what}: ${rows.length} requests answered, ${rows.length - different.length} as then`)
  for (const { asked, was, now } of different) context.diagnostic(`shown:   ${asked}: then ${was}, here ${now}`)
}

/** The file, or undefined after the test was marked as one that did not run. */
function sample(context: TestContext, name: string): Conversation[] | undefined {
  if (!samples || !existsSync(join(samples, 'ot-pcap', name))) {
    context.skip('2 captures of devices did not run: set SHENLOU_SAMPLES to the folder that holds ot-pcap/')
    return undefined
  }
  return readCapture(readFileSync(join(samples, 'ot-pcap', name)))
}

const units = { oven: 'OV1', bench: 'HB1', batch: 'BT1', m1: 'WT1', m2: 'WT2', m3: 'WT3' }
const decoys: TestDecoy[] = []
/** The controller of the batching plant, as a gateway in front of it would show it: at the units 0 to 10. */
function wideUnits(persona: Persona): Persona {
  const section = persona.template.modbus
  const [first] = section?.units ?? []
  assert.ok(section && first)
  return { ...persona, template: { ...persona.template, modbus: { ...section, units: [{ ...first, ids: Array.from({ length: 11 }, (_, id) => id) }] } } }
}
function atSlot(persona: Persona, slot: number): Persona {
  const section = persona.template.s7comm
  assert.ok(section)
  return { ...persona, template: { ...persona.template, s7comm: { ...section, slots: [slot] } } }
}
let controller: TestDecoy
let gateway: TestDecoy
let older: TestDecoy
let newer: TestDecoy
before(async () => {
  const plant = testPlant()
  const options = { plant, units }
  controller = await serveDecoy(modbus, wideUnits(testPersona('schneider-m340')), {}, options)
  gateway = await serveDecoy(modbus, testPersona('moxa-mgate'), {}, options)
  older = await serveDecoy(s7comm, atSlot(testPersona('siemens-s7-300'), 1), {}, options)
  newer = await serveDecoy(s7comm, testPersona('siemens-s7-1200'), {}, options)
  decoys.push(controller, gateway, older, newer)
})
after(async () => {
  for (const decoy of decoys) await decoy.close()
  for (const { faults } of decoys) assert.deepEqual(faults, [])
})

const ping = (client: string, server: string): Conversation['pieces'] => [
  { from: 'client', bytes: hex(client) },
  { from: 'server', bytes: hex(server) },
]
const handMade = {
  modbus: {
    port: 502,
    pieces: [
      ...ping('0001 0000 0006 01 03 0050 0002', '0001 0000 0007 01 03 04 00000000'),
      ...ping('0002 0000 0006 01 03 7000 0001', '0002 0000 0003 01 83 02'),
    ],
  },
  s7: {
    port: 102,
    pieces: [
      ...ping('0300 0016 11e0 0000 0001 00 c001 0a c102 0100 c202 0101', '0300 0016 11d0 0001 0002 00 c001 0a c102 0100 c202 0101'),
      ...ping('0300 0019 02f080 3201 0000 0000 0008 0000 f000 0001 0001 00f0', '0300 001b 02f080 3203 0000 0000 0008 0000 0000 f000 0001 0001 00f0'),
      ...ping(
        '0300 0021 02f080 3207 0000 0001 0008 0008 0001 1204 1144 0100 ff09 0004 0011 0000',
        '0300 0021 02f080 3207 0000 0001 000c 0004 0001 1208 1284 0101 0000 0000 0a00 0000',
      ),
    ],
  },
} satisfies Record<string, Conversation>

test('a capture is read as it was written, whatever is in it twice', () => {
  const bytes = writeCapture(handMade.s7)
  const frames = framesOf(handMade.s7, s7.lengthOf).length
  assert.deepEqual(readCapture(bytes), [handMade.s7])
  const length = 16 + bytes.readUInt32LE(24 + 8)
  const twice = Buffer.concat([bytes.subarray(0, 24 + length), bytes.subarray(24, 24 + length), bytes.subarray(24 + length)])
  assert.equal(framesOf(readCapture(twice)[0] as Conversation, s7.lengthOf).length, frames)
  assert.throws(() => readCapture(bytes.subarray(0, -1)), RangeError)
  assert.throws(() => readCapture(Buffer.from('no capture at all, is it')), RangeError)
})

test('a conversation made by hand is replayed', async (context) => {
  const [first] = readCapture(writeCapture(handMade.modbus))
  const [second] = readCapture(writeCapture(handMade.s7))
  assert.ok(first && second)
  const rows = await replay(first, mbtcp, controller.port)
  assert.deepEqual(
    rows.map(({ was, now }) => [was, now]),
    [
      ['done', 'done'],
      ['exception 2', 'exception 2'],
    ],
  )
  const answered = await replay(second, s7, newer.port)
  assert.deepEqual(
    answered.map(({ now }) => now),
    ['done', 'done', 'done'],
  )
  show(context, 'by hand', [...rows, ...answered])
})

test('every request of a captured Modbus conversation is answered as a controller and a gateway would', async (context) => {
  const conversations = sample(context, 'modbus_example.pcap')
  if (!conversations) return
  const rows: Row[] = []
  for (const conversation of conversations) rows.push(...(await replay(conversation, mbtcp, controller.port)))
  show(context, 'modbus_example.pcap on the controller', rows)
  assert.ok(rows.length >= 24, `${rows.length} requests`)
  // What this controller does not have, by its list of functions.
  const unknown = [7, 17, 20, 21, 24]
  for (const { asked, was, now } of rows) {
    const code = Number(/^function (\d+)/.exec(asked)?.[1])
    // It has more registers than the one that was captured.
    if (was === 'done') assert.equal(now, unknown.includes(code) || asked.startsWith('function 8/2') ? 'exception 1' : was, asked)
  }
  // A gateway waits for its serial line before it gives up on a unit: each of several clients asks a part. Unit 0 is all of them, and none answers.
  const single = conversations.map(({ port, pieces }) => ({ port, pieces: pieces.filter(({ bytes }) => bytes[6] !== 0) }))
  const parts = single.flatMap(({ port, pieces }) =>
    Array.from({ length: Math.ceil(pieces.length / 6) }, (_, i): Conversation => ({ port, pieces: pieces.slice(i * 6, i * 6 + 6) })),
  )
  const answered = (await Promise.all(parts.map((part) => replay(part, mbtcp, gateway.port)))).flat()
  assert.equal(answered.length, rows.filter(({ asked }) => !/unit 0\b/.test(asked)).length)
  const ours = gateway.persona.template.modbus?.units.flatMap(({ ids }) => ids) ?? []
  const others = answered.filter(({ asked }) => !ours.includes(Number(/unit (\d+)/.exec(asked)?.[1])))
  for (const { asked, now } of others) assert.equal(now, 'exception 11', `${asked}, behind which nobody is`)
  show(
    context,
    'modbus_example.pcap on the units of the gateway',
    answered.filter((row) => !others.includes(row)),
  )
})

test('every request of a captured identification of an S7 controller is answered', async (context) => {
  const conversations = sample(context, 's7ident.pcap')
  if (!conversations) return
  for (const [decoy, what] of [
    [older, 'S7-300'],
    [newer, 'S7-1200'],
  ] as const) {
    const rows: Row[] = []
    for (const conversation of conversations) rows.push(...(await replay(conversation, s7, decoy.port)))
    show(context, `s7ident.pcap on the ${what}`, rows)
    assert.ok(rows.length >= 11, `${rows.length} requests`)
    for (const { asked, was, now } of rows) {
      // An older one has blocks that may be read out, and says of another that it is none. The newer family has neither blocks nor names to tell.
      if (what === 'S7-1200')
        assert.equal(now, asked.startsWith('job 1d') ? 'error 8104' : asked.includes('list 001c') ? 'error d401' : was, `${what}: ${asked}`)
      else if (!asked.startsWith('job 1d')) assert.equal(now, was, `${what}: ${asked}`)
    }
  }
})
