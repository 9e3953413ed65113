/**
 * The machinery park as engineers' and attackers' own clients meet it, each dialogue read by independent dissectors; and one write as every view of the
 * plant shows it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { floatWords, iec104Client, modbusClient, s7Client, setPoint } from './industrial/clients.ts'
import { type Capture, capture, type DecodeAs, shownFault } from './industrial/dissect.ts'
import { execute, mbpoll, nmap, nodes7, pymodbus } from './industrial/others.ts'
import { openPages } from './industrial/pages.ts'
import { type Park, startPark } from './industrial/park.ts'
import { until } from './installation.ts'

let park: Park
const decodeAs: DecodeAs = {}
const at = (decoy: string, service: string) => ({ host: park.address(decoy), port: park.port(decoy, service) })
/** The same, as the clients of others take it. */
const place = (decoy: string, service: string): [string, number] => [park.address(decoy), park.port(decoy, service)]
/** A password or community that the installation drew; users without one of SNMP are called read and write. */
const passwordOf = async (decoy: string, service: string, user: string): Promise<string> => {
  const { accounts } = JSON.parse((await park.site.command('placements', '--json')).stdout) as {
    accounts: { decoy: string; service: string; user: string; password: string }[]
  }
  const account = accounts.find((each) => each.decoy === decoy && each.service === service && each.user === user)
  assert.ok(account, `${decoy} lets ${user} in through ${service}`)
  return account.password
}

before(async () => {
  park = await startPark()
  await park.site.signIn()
  decodeAs[park.port('topcoat-oven', 'modbus')] = 'mbtcp'
  decodeAs[park.port('primer-oven', 's7comm')] = 'tpkt'
  decodeAs[park.port('wind-rtu', 'iec104')] = 'iec60870_104'
  decodeAs[`udp/${park.port('meters', 'snmp')}`] = 'snmp'
  decodeAs[park.port('topcoat-oven', 'hmi')] = 'http'
  decodeAs[park.port('batching', 'ftp')] = 'ftp'
})
after(() => park?.site.remove())

describe('clients of others are answered as by the devices', () => {
  let dialogues: Capture

  before(async () => {
    dialogues = await capture(
      `net 127.0.0.0/8 and (port ${Object.keys(decodeAs)
        .map((port) => port.replace('udp/', ''))
        .join(' or port ')})`,
      decodeAs,
    )
  })
  after(() => dialogues?.remove())

  test('nmap discovers the Modbus devices and names their makers', async () => {
    const oven = await nmap(...place('topcoat-oven', 'modbus'), 'modbus-discover')
    assert.match(oven, /sid 0x1:/)
    assert.match(oven, /Device identification: Weintek cMT3090 20200318/)
    assert.match(await nmap(...place('batching', 'modbus'), 'modbus-discover'), /Device identification: Schneider Electric BMX P34 2020 v2\.70/)
    const gateway = await nmap(...place('meters', 'modbus'), 'modbus-discover')
    assert.match(gateway, /Slave ID data: DTSD1352 1/)
  })

  test('nmap identifies the Siemens controllers, each with its own serial number', async () => {
    const bench = await nmap(...place('test-bench', 's7comm'), 's7-info')
    assert.match(bench, /Module: 6ES7 315-2EH14-0AB0/)
    assert.match(bench, /Basic Hardware: 6ES7 315-2EH14-0AB0/)
    assert.match(bench, /Version: 3\.2\.8/)
    assert.match(bench, /Copyright: Original Siemens Equipment/)
    const oven = await nmap(...place('primer-oven', 's7comm'), 's7-info')
    // This family tells its order number and version, and has no list of names.
    assert.match(oven, /Module: 6ES7 214-1AG40-0XB0/)
    assert.match(oven, /Version: 4\.2\.1/)
    assert.doesNotMatch(oven, /Serial Number: S/)
    const crane = await nmap(...place('crane', 's7comm'), 's7-info')
    const serial = (text: string): string | undefined => /Serial Number: (.+)/.exec(text)?.[1]
    assert.ok(serial(bench) && serial(crane) && serial(bench) !== serial(crane), `${serial(bench)} ${serial(crane)}`)
  })

  test('nmap finds no trace of the worm that it looks for, and identifies the station of the RTU', async () => {
    assert.doesNotMatch(await nmap(...place('test-bench', 's7comm'), 'stuxnet-detect'), /VULNERABLE|INFECTED/i)
    const rtu = await nmap(...place('wind-rtu', 'iec104'), 'iec-identify')
    assert.match(rtu, /ASDU address: 47/)
    assert.match(rtu, /Information objects: [1-9]\d*/)
  })

  test('mbpoll reads every table, writes a setpoint and reads it back', async () => {
    const oven = place('topcoat-oven', 'modbus')
    const inputs = await mbpoll(...oven, { table: '3', from: 1, count: 9 })
    assert.equal(inputs.values.length, 9, inputs.output)
    const temperature = Number(inputs.values[0])
    assert.ok(temperature > 0 && temperature < 3500, inputs.output)
    const floats = await mbpoll(...oven, { table: '4:float', from: 101, count: 1 })
    assert.ok(Math.abs(Number(floats.values[0]) - temperature / 10) < 3, `${floats.values[0]} beside ${temperature} tenths`)
    assert.equal((await mbpoll(...oven, { table: '0', from: 1, count: 3 })).values.length, 3)
    assert.equal((await mbpoll(...oven, { table: '1', from: 1, count: 16 })).values.length, 16)
    assert.match((await mbpoll(...oven, { table: '4', from: 1, write: ['1875'] })).output, /Written 1 references/)
    assert.deepEqual((await mbpoll(...oven, { table: '4', from: 1, count: 1 })).values, ['1875'])
    const said = await until('the write as an operator would say it', async () =>
      (await park.site.call('events', { query: { kind: 'industrial.requested', limit: 500 } })).events.find(({ body }) => body.operation === 'write'),
    )
    const [point] = said.body.points as { tag?: string; value?: number; unit?: string }[]
    assert.deepEqual([point?.tag, point?.value, point?.unit], ['OV2.Z1.SP', 187.5, '°C'])
  })

  test('pymodbus reads, writes and identifies', async () => {
    const found = (await pymodbus(
      ...place('batching', 'modbus'),
      `
out['weights'] = client.read_holding_registers(80, 8, slave=1).registers
out['written'] = client.write_registers(200, [1, 2, 3], slave=1).isError()
out['kept'] = client.read_holding_registers(200, 3, slave=1).registers
out['coils'] = client.read_coils(0, 9, slave=1).bits[:9]
out['coil'] = client.write_coil(40, True, slave=1).isError()
out['exchanged'] = client.readwrite_registers(read_address=200, read_count=2, write_address=201, write_registers=[9], slave=1).registers
out['mask'] = client.mask_write_register(address=200, and_mask=0xfff0, or_mask=5, slave=1).isError()
out['masked'] = client.read_holding_registers(200, 1, slave=1).registers
out['information'] = [v.decode() for v in client.execute(ReadDeviceInformationRequest(unit=1)).information.values()]
`,
    )) as Record<string, unknown>
    assert.equal((found.weights as number[]).length, 8)
    assert.deepEqual([found.written, found.kept, found.coil, found.exchanged], [false, [1, 2, 3], false, [1, 9]])
    assert.deepEqual([found.mask, found.masked], [false, [5]])
    assert.deepEqual(found.information, ['Schneider Electric', 'BMX P34 2020', 'v2.70'])
  })

  test('nodes7 reads reals, bits and counters, writes a setpoint and reads it back', async () => {
    const client = await nodes7(...place('test-bench', 's7comm'), 2, {
      P: 'DB20,REAL0',
      SP: 'DB20,REAL4',
      Pump: 'DB20,X44.0',
      Cycles: 'DB20,DINT40',
      Input: 'I0.0',
      Output: 'QB4',
      Flag: 'MW20',
    })
    try {
      const first = await client.read()
      assert.ok(typeof first.P === 'number' && first.P >= 0 && first.P < 600, JSON.stringify(first))
      assert.equal(typeof first.Pump, 'boolean')
      await client.write('SP', 205.5)
      assert.equal((await client.read()).SP, 205.5)
    } finally {
      await client.close()
    }
  })

  test('snmp tools walk the agents, which say what the other protocols say; nmap describes one of them', async () => {
    const { stdout } = await execute('snmpwalk', ['-v1', '-c', 'public', '-On', '-t', '3', '-r', '3', place('test-bench', 'snmp').join(':'), '1.3.6.1.2.1.1'])
    assert.match(stdout, /^\.1\.3\.6\.1\.2\.1\.1\.1\.0 = STRING: "Siemens, SIMATIC S7, CPU ?315-2 PN\/DP, 6ES7 315-2EH14-0AB0/m)
    const gateway = (await execute('snmpget', ['-v2c', '-c', 'public', '-Oqv', '-t', '3', '-r', '3', place('meters', 'snmp').join(':'), '1.3.6.1.2.1.1.1.0']))
      .stdout
    assert.match(gateway, /MGate MB3170/)
    const described = await nmap(...place('meters', 'snmp'), 'snmp-sysdescr,snmp-info', 'udp')
    assert.match(described, /snmp-sysdescr: MGate MB3170/)
    assert.match(described, /enterprise: (?!Feenix)/)
  })

  test('curl and lftp meet the page of the panel and the files of the controller', async () => {
    const [host, port] = place('topcoat-oven', 'hmi')
    const page = (await execute('curl', ['-s', '-L', '-m', '10', '-i', `http://${host}:${port}/`])).stdout
    assert.match(page, /^HTTP\/1\.[01] \d\d\d/)
    assert.match(page, /cMT/)
    assert.match(page, />187\.5</, 'the setpoint that mbpoll wrote')
    for (const [decoy, maker] of [
      ['topcoat-oven', 'Weintek'],
      ['primer-oven', 'Siemens'],
    ] as const) {
      const { stdout, stderr } = await execute('curl', ['-skLv', '-m', '10', `https://${place(decoy, 'hmi-https').join(':')}/`])
      assert.match(stdout, /<html/i, decoy)
      assert.match(stderr, new RegExp(`subject: .*O=${maker};.*CN=\\S`), decoy)
    }
    const [files, control] = place('batching', 'ftp')
    const listed = (
      await execute('lftp', [
        '-e',
        'set net:timeout 10; set net:max-retries 2; set ftp:ssl-allow no; ls /; bye',
        '-u',
        `sysdiag,${await passwordOf('batching', 'ftp', 'sysdiag')}`,
        '-p',
        String(control),
        files,
      ])
    ).stdout
    assert.match(listed, /^d.* fw$/m)
  })

  test('none of these dialogues has a malformed frame or one that dissectors call an error', async () => {
    await dialogues.stop()
    const counts = await dialogues.protocols()
    for (const protocol of ['mbtcp', 's7comm', 'iec60870_asdu', 'snmp', 'http', 'ftp'])
      assert.ok((counts.get(protocol) ?? 0) >= 4, `${protocol}: ${[...counts].join(' ')}`)
    // VxWorks, the system of this controller, puts words in front of the path that RFC 959 wants first.
    const faults = (await dialogues.faults()).filter(({ info }) => info !== 'Response: 257 Current directory is "/"')
    assert.deepEqual(faults.map(shownFault), [])
  })
})

describe('dialogues that are wrong on purpose', () => {
  test('are refused in frames that dissectors read whole, with the errors that are expected and no others', async () => {
    const dialogues = await capture(
      `net 127.0.0.0/8 and (port ${park.port('batching', 'modbus')} or port ${park.port('test-bench', 's7comm')} or port ${park.port('wind-rtu', 'iec104')})`,
      decodeAs,
    )
    try {
      const from = park.stranger
      const controller = await modbusClient({ ...at('batching', 'modbus'), from })
      const exceptions: [string, string][] = [
        ['07', '8701'],
        ['03 7000 0001', '8302'],
        ['03 0000 007e', '8303'],
        ['05 0000 1234', '8503'],
        ['2b 0e 09 00', 'ab03'],
        ['2b 0e 04 63', 'ab02'],
        ['10 0000 0002 04 00', '9003'],
      ]
      for (const [asked, answer] of exceptions) assert.equal((await controller.ask(asked)).toString('hex'), answer, asked)
      controller.close()
      const bench = await s7Client({ ...at('test-bench', 's7comm'), from }, 2)
      await assert.rejects(bench.read(777, 0, 4), /0a000000$/)
      await assert.rejects(bench.read(20, 60, 8), /05000000$/)
      // Five items are said and one is there: what the dissector must find, and nothing but that.
      assert.match((await bench.ask(Buffer.from('320100000009000e00000405120a10020001001484000000', 'hex'))).toString('hex'), /8500$/)
      bench.close()
      await assert.rejects(s7Client({ ...at('test-bench', 's7comm'), from }, 5), /refused/)
      const station = await iec104Client({ ...at('wind-rtu', 'iec104'), from })
      station.send('7f 01 06 00 2f00 000000')
      station.send('64 01 06 00 3000 000000 14')
      station.send('2d 01 06 00 2f00 010000 01')
      await until('three refusals', () => station.others.filter((asdu) => /^(7f016c|64016e|2d016f)/.test(asdu)).length === 3, 5000)
      station.close()
      await dialogues.stop()
      // Type 127 does not exist, and what does not exist dissectors cannot read: the request's, and its mirror with cause 44.
      const infos = [...(await dialogues.experts()).keys()]
      assert.deepEqual(infos.sort(), ['Disconnect Request(DR): 0x0 -> 0x1', 'Malformed Packet (Exception occurred)'])
      assert.deepEqual(
        (await dialogues.faults()).map(({ malformed, info }) => [malformed, info]),
        [[true, 'ROSCTR:[Job     ] Function:[Read Var][Malformed Packet]']],
      )
    } finally {
      await dialogues.stop()
      dialogues.remove()
    }
  })
})

describe('one write, every view', () => {
  /** Devices as one adversary sees them. */
  const views = async (from: string) => {
    const oven = await modbusClient({ ...at('primer-oven', 'modbus'), from })
    const ovenS7 = await s7Client({ ...at('primer-oven', 's7comm'), from }, 1)
    const panel = await modbusClient({ ...at('topcoat-oven', 'modbus'), from })
    const rtu = await modbusClient({ ...at('wind-rtu', 'modbus'), from })
    const station = await iec104Client({ ...at('wind-rtu', 'iec104'), from })
    const meters = await modbusClient({ ...at('meters', 'modbus'), from })
    const all = [oven, ovenS7, panel, rtu, station, meters]
    return { oven, ovenS7, panel, rtu, station, meters, close: () => void all.map((client) => client.close()) }
  }
  type Views = Awaited<ReturnType<typeof views>>
  let attacker: Views
  let stranger: Views
  before(async () => {
    attacker = await views(park.attacker)
    stranger = await views(park.stranger)
  })
  after(() => {
    attacker?.close()
    stranger?.close()
  })
  /** The bound between a write and every other view of it. */
  const soon = 2000
  const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-3
  const ovenSetpoint = ({ oven }: Views): Promise<number> => oven.float(8, 'high-first')
  const powerSetpoint = async ({ rtu }: Views): Promise<number> => (await rtu.read(3, 0, 1))[0] ?? Number.NaN
  /** The last value that the station said of a point, by itself or when asked. */
  const said = ({ station }: Views, address: number, causes = [3, 20]) =>
    station.points.findLast((point) => point.address === address && causes.includes(point.cause))

  test('a setpoint raised through S7 shows in Modbus of the same controller, and to nobody else', async () => {
    const undisturbed = await ovenSetpoint(stranger)
    const bytes = Buffer.alloc(4)
    bytes.writeFloatBE(236.5)
    await attacker.ovenS7.write(10, 24, bytes)
    await until('the setpoint in Modbus', async () => near(await ovenSetpoint(attacker), 236.5), soon)
    assert.ok(near(await attacker.ovenS7.float(10, 24), 236.5))
    assert.ok(!near(await ovenSetpoint(stranger), 236.5))
    assert.ok(near(await stranger.ovenS7.float(10, 24), await ovenSetpoint(stranger)), 'its own two views agree')
    assert.ok(Math.abs((await ovenSetpoint(stranger)) - undisturbed) < 30)
  })

  test('a limit lowered through Modbus raises its alarm in the alarm words of both protocols', async () => {
    assert.equal((await stranger.ovenS7.read(99, 0, 1)).readUInt8() & 7, 0, 'no such alarm before')
    await attacker.oven.write(20, floatWords(5, 'high-first'))
    await until('the limit in S7', async () => near(await attacker.ovenS7.float(11, 0), 5), soon)
    await until('the alarm in S7', async () => ((await attacker.ovenS7.read(99, 0, 1)).readUInt8() & 7) !== 0, soon)
    assert.ok((await attacker.oven.read(2, 8, 3)).includes(1), 'the alarm in Modbus')
    assert.ok(((await attacker.oven.read(3, 30, 1))[0] ?? 0) > 0, 'counted')
    assert.equal((await stranger.ovenS7.read(99, 0, 1)).readUInt8() & 7, 0)
  })

  test('a setpoint written on the page of the panel shows in Modbus, one written through Modbus on the page', async () => {
    const password = await passwordOf('topcoat-oven', 'hmi', 'operator')
    const page = openPages(...place('topcoat-oven', 'hmi'), park.attacker)
    const other = openPages(...place('topcoat-oven', 'hmi'), park.stranger)
    try {
      await page.enter('/hmi/login', 'operator', password)
      await page.write('/hmi/setting', '二区设定', '203.4')
      await until('the setpoint of the page in Modbus', async () => (await attacker.panel.read(3, 1, 1))[0] === 2034, soon)
      await attacker.panel.write(2, [1617])
      await until('the setpoint of Modbus on the page', async () => (await page.get('/hmi/main')).includes('>161.7<'), soon)
      assert.notEqual((await stranger.panel.read(3, 1, 1))[0], 2034)
      assert.doesNotMatch(await other.get('/hmi/main'), />203\.4<|>161\.7</)
    } finally {
      page.remove()
      other.remove()
    }
  })

  test('a pump of the other oven, switched off through Modbus on its panel, is off in every table', async () => {
    await attacker.panel.ask('05 0001 0000')
    await until('the proof of the fan to drop', async () => (await attacker.panel.read(2, 1, 1))[0] === 0, 8000)
    assert.equal((await attacker.panel.read(1, 1, 1))[0], 0)
  })

  const outputs = '1.3.6.1.4.1.25761.5.540'
  /** Sets objects of the RTU below `outputs` with Debian's own tools, as an adversary at `from`; gives what it answers. */
  const snmp = async (tool: 'snmpset' | 'snmpget', from: string, how: string[], ...what: string[]): Promise<string> =>
    (await execute(tool, [`--clientaddr=${from}`, ...how, '-On', '-t', '3', '-r', '2', place('wind-rtu', 'snmp').join(':'), ...what])).stdout.trim()
  const writer = ['-v2c', '-c', 'private']

  test('an analogue output and a relay set through SNMP show in Modbus, on the page and by themselves on IEC 104', async () => {
    const undisturbed = await powerSetpoint(stranger)
    attacker.station.send('64 01 06 00 2f00 000000 14')
    await until('the interrogation to end', () => attacker.station.others.some((asdu) => asdu.startsWith('64010a')))
    const [output, fan] = [`${outputs}.5.1.1`, `${outputs}.3.1.2`]
    assert.equal(await snmp('snmpset', park.attacker, writer, output, 'i', '654', fan, 'i', '0'), `.${output} = INTEGER: 654\n.${fan} = INTEGER: 0`)
    await until('the output in Modbus', async () => (await powerSetpoint(attacker)) === 654, soon)
    await until('the output by itself', () => said(attacker, 2013, [3])?.value === 654, soon)
    assert.deepEqual(await attacker.rtu.read(1, 1, 1), [0])
    const page = openPages(...place('wind-rtu', 'hmi'), park.attacker)
    try {
      await page.enter('/login.html', 'operator', await passwordOf('wind-rtu', 'hmi', 'operator'))
      await until('the output on the page', async () => (await page.get('/process.html')).includes('>654<'), soon)
    } finally {
      page.remove()
    }
    assert.equal(await powerSetpoint(stranger), undisturbed)
    assert.equal(await snmp('snmpget', park.stranger, ['-v2c', '-c', 'public'], output), `.${output} = INTEGER: ${undisturbed}`)
    await assert.rejects(snmp('snmpset', park.attacker, ['-v2c', '-c', 'public'], output, 'i', '10'), /noAccess/)
    await assert.rejects(snmp('snmpset', park.attacker, writer, output, 'i', '99999'), /wrongValue|badValue/)
    assert.equal(await powerSetpoint(attacker), 654)
  })

  test('a command of IEC 104 is confirmed, shows in Modbus and on the meters, and comes back as spontaneous data', async () => {
    const undisturbed = await powerSetpoint(stranger)
    attacker.station.send('64 01 06 00 2f00 000000 14')
    await until('the interrogation to end', () => attacker.station.others.some((asdu) => asdu.startsWith('64010a')))
    attacker.station.send(setPoint(47, 6001, 321))
    await until('the set point by itself', () => said(attacker, 2013, [3])?.value === 321, soon)
    assert.equal(await powerSetpoint(attacker), 321)
    assert.ok(attacker.station.others.some((asdu) => asdu.startsWith('320107')) && attacker.station.others.some((asdu) => asdu.startsWith('32010a')))
    await until(
      'the power of the meter to be that of the RTU, and to fall to the setpoint',
      async () => {
        const [[power = 0], meter] = [await attacker.rtu.read(4, 0, 1), await meterPower(attacker)]
        return Math.abs(power - meter) < 60 && meter < 380
      },
      20_000,
    )
    assert.equal(await powerSetpoint(stranger), undisturbed)
    stranger.station.send('64 01 06 00 2f00 000000 14')
    await until('the interrogation of the stranger', () => stranger.station.others.some((asdu) => asdu.startsWith('64010a')))
    assert.equal(said(stranger, 2013)?.value, undisturbed)
  })
  const meterPower = async ({ meters }: Views): Promise<number> => {
    const [high = 0, low = 0] = await meters.read(4, 4, 2)
    const bytes = Buffer.alloc(4)
    bytes.writeUInt16BE(high, 0)
    bytes.writeUInt16BE(low, 2)
    return bytes.readFloatBE()
  }

  test('a limit written through Modbus trips the turbine: its alarm is said by the station itself', async () => {
    await attacker.rtu.write(1, [1])
    await until('the alarm as spontaneous data', () => said(attacker, 1012, [3])?.value === 1 && said(attacker, 1003, [3])?.value === 1, soon)
    assert.equal((await attacker.rtu.read(2, 2, 3)).join(' '), '1 0 1')
    assert.equal(said(stranger, 1012)?.value, 0)
    assert.equal((await stranger.rtu.read(2, 2, 1))[0], 0)
  })

  test('a threshold set by a user of SNMP version 3 trips the converter: its alarm shows in every protocol', async () => {
    const user = ['-v3', '-u', 'engineer', '-l', 'authNoPriv', '-a', 'SHA', '-A', await passwordOf('wind-rtu', 'snmp', 'engineer')]
    const limit = `${outputs}.6.1.2`
    const alarms = async (from: string): Promise<number> =>
      Number(/Gauge32: (\d+)$/.exec(await snmp('snmpget', from, ['-v2c', '-c', 'public'], `${outputs}.1.7.0`))?.[1])
    const before = await alarms(park.attacker)
    // Below what the cabinet is at, in hundredths of a degree.
    const cabinet = Number(/INTEGER: (\d+)$/.exec(await snmp('snmpget', park.attacker, user, `${outputs}.4.1.4`))?.[1])
    const to = Math.floor(cabinet / 200)
    assert.ok(to > 0, `the cabinet is at ${cabinet / 100} °C`)
    assert.equal(await snmp('snmpset', park.attacker, user, limit, 'i', String(to)), `.${limit} = INTEGER: ${to}`)
    await until('the limit by itself', () => near(said(attacker, 2102, [3])?.value ?? 0, to / 100), soon)
    // The interlock itself waits for 5 s before it trips.
    await until('the trip as spontaneous data', () => said(attacker, 1004, [3])?.value === 1, 5000 + soon)
    await until('the trip in Modbus', async () => (await attacker.rtu.read(2, 3, 1))[0] === 1, soon)
    await until('one alarm more in SNMP', async () => (await alarms(park.attacker)) > before, soon)
    assert.equal((await stranger.rtu.read(2, 3, 1))[0], 0)
  })

  test('a restart goes on with both curves where they were', async () => {
    const state = async (seen: Views) => ({
      setpoint: await ovenSetpoint(seen),
      temperature: await seen.oven.float(2, 'high-first'),
      power: await powerSetpoint(seen),
      tripped: (await seen.rtu.read(2, 2, 1))[0],
      fan: (await seen.panel.read(1, 1, 1))[0],
      energy: await seen.rtu.read(4, 6, 2).then(([high = 0, low = 0]) => high * 65_536 + low),
    })
    const before = { attacker: await state(attacker), stranger: await state(stranger) }
    attacker.close()
    stranger.close()
    const stopped = Date.now()
    await park.site.restart()
    attacker = await until('the devices to answer the attacker again', () => views(park.attacker), 60_000)
    stranger = await until('and the stranger', () => views(park.stranger), 60_000)
    const now = { attacker: await state(attacker), stranger: await state(stranger) }
    const seconds = (Date.now() - stopped) / 1000
    for (const who of ['attacker', 'stranger'] as const) {
      const [then, after] = [before[who], now[who]]
      assert.ok(
        Math.abs(after.temperature - then.temperature) < 3 + seconds * 0.5,
        `${who}: ${then.temperature} °C, ${after.temperature} °C ${seconds} s later`,
      )
      assert.ok(after.energy >= then.energy && after.energy - then.energy <= 1 + seconds * 0.6, `${who}: ${then.energy} kWh, then ${after.energy}`)
    }
    assert.ok(near(now.attacker.setpoint, 236.5) && now.attacker.power === 321 && now.attacker.tripped === 1 && now.attacker.fan === 0, JSON.stringify(now))
    assert.ok(!near(now.stranger.setpoint, 236.5) && now.stranger.power !== 321 && now.stranger.tripped === 0, JSON.stringify(now))
  })
})
