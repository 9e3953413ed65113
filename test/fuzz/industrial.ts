/** Fuzz targets that are services of industrial devices: frames as real clients send them, mutated inside their framing and out of it. */
import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { connect } from 'node:net'
import { ftp, ftpData } from '../../decoys/industrial/ftp/ftp.ts'
import { hmi } from '../../decoys/industrial/hmi/hmi.ts'
import { iec104 } from '../../decoys/industrial/iec104/iec104.ts'
import { modbus } from '../../decoys/industrial/modbus/modbus.ts'
import { testDevice, testPlant } from '../../decoys/industrial/plant-fixture.ts'
import { s7comm } from '../../decoys/industrial/s7comm/s7comm.ts'
import { serveAgent } from '../../decoys/industrial/snmp/snmp-fixture.ts'
import type { Persona } from '../../decoys/persona.ts'
import { serveDecoy, type TestDecoy, testPersona } from '../../decoys/test-harness.ts'
import { iec104Client, modbusClient, s7Client } from '../industrial/clients.ts'
import { ending, talk } from './connection.ts'
import { mutate, type Random } from './mutate.ts'
import type { FuzzTarget } from './run.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** The device of tests, which answers without the pace of a controller and lets many in. */
function quick(): Persona {
  const persona = testDevice()
  const { device, modbus: mb, s7comm: s7, iec104: iec } = persona.template
  assert.ok(device && mb && s7 && iec)
  return {
    ...persona,
    template: {
      ...persona.template,
      device: { ...device, cycleMs: [0.1, 0.1], latencyMs: [0.1, 0.1] },
      modbus: { ...mb, connections: 256, absent: 'silent' },
      s7comm: { ...s7, connections: 64, protection: 2 },
      iec104: { ...iec, connections: 32 },
    },
  }
}

/** Nothing but what it says may come of input: no fault of an event, no error that leaves `serve`. What was said is forgotten. */
function quiet({ faults, events, blobs }: TestDecoy): void {
  assert.deepEqual(faults.splice(0), [])
  events.length = 0
  blobs.clear()
}

interface Framing {
  name: string
  /** What goes before every dialogue, as it is. */
  prelude: Buffer
  /** Payloads that real clients send inside of their frames. */
  payloads: readonly Buffer[]
  /** A frame of the dialogue by its number. */
  frame(payload: Buffer, nth: number): Buffer
  open(): Promise<TestDecoy>
  serves(decoy: TestDecoy): Promise<void>
}

/** Dialogues of one to four frames: most of them whole with something changed inside, some of them changed as a stream. */
async function framed({ name, prelude, payloads, frame, open, serves }: Framing): Promise<FuzzTarget> {
  const decoy = await open()
  return {
    name,
    corpus: payloads,
    concurrency: 12,
    async feed(input, pick: Random) {
      const parts = [frame(input.subarray(0, 60_000), 0)]
      for (let more = pick(4); more > 0; more--)
        parts.push(frame((pick(2) === 0 ? mutate(payloads, pick) : (payloads[pick(payloads.length)] as Buffer)).subarray(0, 60_000), parts.length))
      const whole = Buffer.concat([prelude, ...parts])
      await talk(decoy.port, pick(5) === 0 ? mutate([whole], pick).subarray(0, 65_536) : whole)
      if (decoy.faults.length > 0) throw new Error(decoy.faults.splice(0).join('; '))
    },
    async serves() {
      await serves(decoy)
      quiet(decoy)
    },
    close: () => decoy.close(),
  }
}

const plantOptions = () => ({ plant: testPlant(), units: { oven: 'OV2' } })

const modbusTarget = (): Promise<FuzzTarget> =>
  framed({
    name: 'Modbus',
    prelude: Buffer.alloc(0),
    // Unit and PDU.
    payloads: [
      '01 01 0000 0008',
      '01 02 0000 0010',
      '01 03 0000 0010',
      '01 04 0000 0001',
      '01 05 0000 ff00',
      '01 06 0000 0708',
      '01 06 000c 4366',
      '01 08 0000 a537',
      '01 0f 0000 000a 02 cd01',
      '01 10 000c 0002 04 43660000',
      '01 10 0020 0003 06 000100020003',
      '01 11',
      '01 16 0020 00f2 0025',
      '01 17 0000 0004 0020 0002 04 00010002',
      '01 2b 0e 01 00',
      '01 2b 0e 04 01',
      '07 03 0000 0002',
      '07 10 0000 0002 04 00b40001',
      '05 03 0000 0001',
      '01 07',
      '01 14 00',
      '01 18 0000',
      '01 5a 00 01 00',
      '01 5a 00 02',
      '01 5a 00 03 00',
      '01 5a 00 04',
      '01 5a 00 10 2a000000 04 54455354',
      '01 5a 00 12',
      '01 5a 00 20 00 0001 0000 0000 0040',
      '01 5a 00 30 0001',
      '01 5a 00 31 0001 0100 0400 01020304',
      '01 5a 00 32 0001',
      '01 5a 00 33 0001',
      '01 5a 00 34 0001 0000',
      '01 5a 00 40 ff00',
      '01 5a 00 41 ff00',
    ].map(hex),
    frame: (payload, nth) => Buffer.concat([Buffer.from([0, nth, 0, 0, payload.length >> 8, payload.length & 0xff]), payload]),
    open: () => serveDecoy(ending(modbus), quick(), {}, plantOptions()),
    async serves({ port }) {
      const client = await modbusClient({ host: '127.0.0.1', port })
      try {
        assert.equal((await client.read(4, 0, 1)).length, 1)
      } finally {
        client.close()
      }
    },
  })

const s7Job = (parameters: string, data = ''): string => {
  const length = (text: string): string => (text.replaceAll(' ', '').length / 2).toString(16).padStart(4, '0')
  return `3201 0000 0001 ${length(parameters)} ${length(data)} ${parameters} ${data}`
}
const s7Data = (group: string, data: string): string =>
  `3207 0000 0002 0008 ${(data.replaceAll(' ', '').length / 2).toString(16).padStart(4, '0')} 0001 1204 11 ${group} 00 ${data}`
const tpkt = (tpdu: Buffer): Buffer => Buffer.concat([Buffer.from([3, 0, (tpdu.length + 4) >> 8, (tpdu.length + 4) & 0xff]), tpdu])
const s7Target = (): Promise<FuzzTarget> =>
  framed({
    name: 'S7comm',
    prelude: Buffer.concat([tpkt(hex('11e0 0000 0014 00 c102 0100 c202 0102 c001 0a')), tpkt(hex(`02f080 ${s7Job('f000 0001 0001 01e0')}`))]),
    payloads: [
      s7Job('04 01 120a 1008 0001 000a 84 000000'),
      s7Job('04 02 120a 1002 0004 000a 84 0000a0 120a 1001 0001 0000 82 000000'),
      s7Job('04 01 120a 101c 0004 0000 1c 000000'),
      s7Job('04 01 120a 101d 0001 0000 1d 000004'),
      s7Job('05 01 120a 1008 0001 000a 84 0000a0', '00 07 0004 43480000'),
      s7Job('05 01 120a 1001 0001 000a 84 000140', '00 03 0001 01'),
      s7Job('05 02 120a 1002 0001 0000 83 000020 120a 1004 0001 0000 83 000040', '00 04 0008 be 00 00 04 0010 1234'),
      s7Job('05 01 120a 101c 0001 0000 1c 000000', '00 09 0002 1234'),
      s7Job('29 00 00 00 00 00 09 505f50524f4752414d'),
      s7Job('28 00 00 00 00 00 00 fd 0000 09 505f50524f4752414d'),
      s7Job('28 00 00 00 00 00 00 fd 000a 01 00 3038 30303030 3141 05 5f494e5345'),
      s7Job('1d 00 00 00 00 00 00 00 09 5f30413030303130 41'),
      s7Job('1e 00 00 00 00 00 00 01'),
      s7Job('1f 00 00 00 00 00 00 01'),
      s7Job('1a 00 00 00 00 00 00 00 09 5f304330303031 3150 0d 31303030303030303030303030'),
      '3203 0000 0001 0002 0008 0000 1b00 0004 00fb 01020304',
      '3203 0000 0002 0001 0000 0000 1c',
      s7Job('f000 0001 0001 03c0'),
      s7Data('44 01', 'ff09 0004 0011 0000'),
      s7Data('44 01', 'ff09 0004 001c 0000'),
      s7Data('44 01', 'ff09 0004 0424 0000'),
      s7Data('44 01', 'ff09 0004 00a0 0000'),
      s7Data('44 01', 'ff09 0004 0132 0004'),
      s7Data('43 01', '0a00 0000'),
      s7Data('43 02', 'ff09 0002 3041'),
      s7Data('43 03', 'ff09 0008 3041 3030303130 41'),
      s7Data('45 01', 'ff09 0008 2535563750345237'),
      s7Data('45 02', '0a00 0000'),
      s7Data('47 01', '0a00 0000'),
      s7Data('47 02', 'ff09 000a 0019 2611230830150002'),
      '7201 0000',
    ].map(hex),
    frame: (payload) => tpkt(Buffer.concat([hex('02f080'), payload])),
    open: () => serveDecoy(ending(s7comm), quick(), { password: 'siemens' }, plantOptions()),
    async serves({ port }) {
      const client = await s7Client({ host: '127.0.0.1', port }, 2)
      try {
        assert.equal((await client.read(10, 0, 4)).length, 4)
      } finally {
        client.close()
      }
    },
  })

const iec104Target = (): Promise<FuzzTarget> =>
  framed({
    name: 'IEC 104',
    prelude: hex('6804 07000000'),
    payloads: [
      '64 01 06 00 2f00 000000 14',
      '64 01 06 00 ffff 000000 15',
      '65 01 06 00 2f00 000000 05',
      '66 01 05 00 2f00 d10700',
      '67 01 06 00 2f00 000000 8c3c1e10370b1a',
      '6b 01 06 00 2f00 000000 aa55 8c3c1e10370b1a',
      '69 01 06 00 2f00 000000 01',
      '2d 01 06 00 2f00 b90b00 81',
      '2d 01 06 00 2f00 b90b00 01',
      '2d 01 08 00 2f00 b90b00 01',
      '2e 01 06 00 2f00 b90b00 02',
      '32 01 06 00 2f00 711700 00004843 00',
      '31 01 06 00 2f00 721700 fc08 00',
      '3a 01 06 00 2f00 b90b00 81 8c3c1e10370b1a',
      '3f 01 06 00 2f00 711700 00004843 00 8c3c1e10370b1a',
      '7f 01 06 00 2f00 000000',
    ].map(hex),
    frame(payload, nth) {
      const control = Buffer.from([0x68, (payload.length + 4) & 0xff, nth << 1, 0, 0, 0])
      return Buffer.concat([control, payload])
    },
    open: () => serveDecoy(ending(iec104), quick(), {}, plantOptions()),
    async serves({ port }) {
      const station = await iec104Client({ host: '127.0.0.1', port })
      try {
        station.send('64 01 06 00 2f00 000000 14')
        for (const end = Date.now() + 5000; !station.others.some((asdu) => asdu.startsWith('64010a')); ) {
          assert.ok(Date.now() < end, 'the interrogation does not end')
          await new Promise((resolve) => setTimeout(resolve, 2))
        }
      } finally {
        station.close()
      }
    },
  })

async function snmpTarget(): Promise<FuzzTarget> {
  const agent = await serveAgent()
  /** Clients that keep their port, as a scanner's do: what is kept of each lasts as long as its datagrams come, which is for ever here. */
  const sockets: Socket[] = []
  /** Whether an answer came within `ms`. */
  const said = async (datagram: Buffer, ms: number): Promise<boolean> => {
    const socket = sockets.pop() ?? createSocket('udp4')
    const answered = await new Promise<boolean>((resolve) => {
      const done = (): void => resolve(true)
      socket.once('message', done)
      setTimeout(() => {
        socket.off('message', done)
        resolve(false)
      }, ms)
      socket.send(datagram, agent.port, '127.0.0.1')
    })
    sockets.push(socket)
    return answered
  }
  const get = hex('3026 020101 0406 7075626c6963 a019 0202 1267 020100 020100 300d 300b 0607 2b060102010101 0500')
  return {
    name: 'SNMP',
    corpus: [
      get,
      hex('3026 020100 0406 7075626c6963 a119 0202 1267 020100 020100 300d 300b 0607 2b060102010101 0500'),
      hex('3026 020101 0406 7075626c6963 a519 0202 1267 020100 02010a 300d 300b 0607 2b060102010101 0500'),
      hex('3029 020101 0407 70726976617465 a31b 0202 1267 020100 020100 300f 300d 0608 2b06010201010500 0401 61'),
      hex(
        '303e 020103 3011 0204 1a2b3c4d 020300ffe3 0401 04 020103 0410 300e 0400 020100 020100 0400 0400 0400 3014 0400 0400 a00e 0204 37f07a3d 020100 020100 3000',
      ),
    ],
    concurrency: 12,
    async feed(input) {
      await said(input.subarray(0, 1400), 4)
      if (agent.faults.length > 0) throw new Error(agent.faults.splice(0).join('; '))
    },
    async serves() {
      let served = false
      for (let tries = 0; tries < 3 && !served; tries++) served = await said(get, 1000)
      assert.ok(served, 'no answer to a request')
      quiet(agent)
    },
    async close() {
      for (const socket of sockets) socket.close()
      await agent.close()
    },
  }
}

/** A service of lines or of HTTP: dialogues as their clients send them. */
async function spoken(
  name: string,
  decoy: TestDecoy,
  dialogues: readonly string[],
  greets: RegExp,
  { more = [] as TestDecoy[], most = 65_536 } = {},
): Promise<FuzzTarget> {
  const corpus = dialogues.map((text) => Buffer.from(text, 'latin1'))
  return {
    name,
    corpus,
    concurrency: 12,
    async feed(input) {
      await talk(decoy.port, input.subarray(0, most))
      if (decoy.faults.length > 0) throw new Error(decoy.faults.splice(0).join('; '))
    },
    serves: () =>
      new Promise((resolve, reject) => {
        const socket = connect({ port: decoy.port, host: '127.0.0.1' })
        let said = ''
        const timer = setTimeout(() => socket.destroy(new Error(`not served: ${said.slice(0, 200)}`)), 5000)
        socket.on('data', (bytes: Buffer) => {
          said += bytes.toString('latin1')
          if (!greets.test(said)) return
          clearTimeout(timer)
          socket.destroy()
          quiet(decoy)
          resolve()
        })
        socket.on('error', reject)
        socket.write(corpus[0] as Buffer)
      }),
    async close() {
      await decoy.close()
      for (const each of more) await each.close()
    },
  }
}

const login = { accounts: [{ user: 'USER', password: 'USER', origin: 'given' as const }] }
async function ftpTarget(): Promise<FuzzTarget> {
  const drawn = testPersona('schneider-m340')
  const { device, ftp: section } = drawn.template
  assert.ok(device && section)
  // Neither the pace of the device nor that of its log-in, and places for all.
  const number: Persona['number'] = (purpose, from, to) => (purpose.startsWith('ftp ') ? 1 : drawn.number(purpose, from, to))
  const persona: Persona = {
    ...drawn,
    number,
    template: { ...drawn.template, device: { ...device, latencyMs: [0.1, 0.1] }, ftp: { ...section, connections: 64 } },
  }
  const data = await serveDecoy(ending(ftpData), persona, {})
  const control = await serveDecoy(ending(ftp), persona, { login, dataPort: data.port })
  const enter = 'USER USER\r\nPASS USER\r\n'
  const dialogues = [
    `${enter}SYST\r\nFEAT\r\nPWD\r\nCWD /fw\r\nQUIT\r\n`,
    `${enter}TYPE I\r\nSIZE /fw/m340_2.70.bin\r\nMDTM /fw/m340_2.70.bin\r\nPASV\r\nQUIT\r\n`,
    'USER anonymous\r\nPASS a@b\r\nLIST\r\nQUIT\r\n',
    `${enter}EPSV\r\nPORT 127,0,0,1,4,1\r\nRNFR /sdca/x\r\nRNTO /sdca/y\r\nRMD /sdca/y\r\nDELE /fw/none\r\nREST 100\r\nABOR\r\nQUIT\r\n`,
    `${enter}MKD /sdca/new\r\nXMKD /dat/a/b\r\nCWD /sdca/new\r\nMKD deeper\r\nCDUP\r\nRMD new\r\nQUIT\r\n`,
  ]
  // A thousand commands would take a minute even at this pace.
  return spoken('FTP', control, dialogues, /230 /, { more: [data], most: 1500 })
}

async function hmiTarget(): Promise<FuzzTarget> {
  const drawn = testPersona('weintek-oven-hmi')
  const { hmi: section } = drawn.template
  assert.ok(section)
  // The few places of such a page would make most of the inputs wait for one.
  const persona: Persona = { ...drawn, template: { ...drawn.template, hmi: { ...section, connections: 64 } } }
  const decoy = await serveDecoy(ending(hmi), persona, { login, engineers: ['USER'] }, plantOptions())
  const post = (path: string, body: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: hmi\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
  const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: hmi\r\n${more}Connection: close\r\n\r\n`
  const dialogues = [
    get('/'),
    get('/?lang=zh', 'Cookie: a=b; c=d\r\n'),
    get('/', 'Authorization: Basic VVNFUjpVU0VS\r\n'),
    post('/login', 'username=USER&password=USER'),
    post('/', 'tag=OV2.Z1.SP&value=200&id=0'),
  ]
  return spoken('web page of a device', decoy, dialogues, /^HTTP\/1\.[01] (?:200|302|303|401)/)
}

export const industrialTargets: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  'Modbus/TCP': modbusTarget,
  S7comm: s7Target,
  'IEC 60870-5-104': iec104Target,
  SNMP: snmpTarget,
}

/** Services beside them, which keep what a visitor left: their live memory grows with it up to the bounds of a visitor's world. */
export const deviceTargets: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  'the FTP of a device': ftpTarget,
  'the web page of a device': hmiTarget,
}
