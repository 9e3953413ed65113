import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { answered, ask, oidsOf, request, serveAgent, settings, tool, vendor } from './snmp-fixture.ts'
import { pduTypes } from './message.ts'
import { parseOid } from './ber.ts'

const execute = promisify(execFile)

test('walks of every version see the same objects, in order, to the end', async () => {
  const agent = await serveAgent()
  try {
    const host = `127.0.0.1:${agent.port}`
    const [first, bulk, secure] = await Promise.all([
      tool('snmpwalk', '-v1', '-c', 'public', host, '.1'),
      tool('snmpbulkwalk', '-v2c', '-c', 'public', host, '.1'),
      tool('snmpwalk', '-v3', '-l', 'authPriv', '-u', 'aesuser', '-a', 'SHA', '-A', 'password1', '-x', 'AES', '-X', 'password2', host, '.1'),
    ])
    assert.ok(oidsOf(bulk).length > 150, bulk.slice(0, 2000))
    assert.deepEqual(oidsOf(secure), oidsOf(bulk))
    // Version 1 has no counters of 64 bits.
    assert.deepEqual(
      oidsOf(first),
      oidsOf(bulk).filter((oid) => oid !== `.${vendor}.5.0`),
    )
    assert.match(first, /End of MIB$/)
    assert.match(bulk, /No more variables left in this MIB View/)
    assert.match(bulk, /\.1\.3\.6\.1\.2\.1\.1\.1\.0 = STRING: "Siemens, SIMATIC S7, CPU315-2 PN\/DP, 6ES7 315-2EH14-0AB0 , HW: 5, FW: V3\.2\.8"/)
    assert.match(bulk, /\.4196\.9\.5\.0 = Counter64: 12345678901/)
    assert.deepEqual(agent.faults, [])
  } finally {
    await agent.close()
  }
})

test('what the device is agrees with what its other services say', async () => {
  const agent = await serveAgent()
  try {
    const walked = await tool('snmpbulkwalk', '-v2c', '-c', 'public', `127.0.0.1:${agent.port}`, '1.3.6.1.2.1')
    const value = (oid: string): string | undefined => new RegExp(`^\\.1\\.3\\.6\\.1\\.2\\.1\\.${oid.replaceAll('.', '\\.')} = (.*)$`, 'm').exec(walked)?.[1]
    const ticks = Number(/\((\d+)\)/.exec(value('1.3.0') ?? '')?.[1])
    assert.ok(Math.abs(ticks * 10 - (Date.now() - agent.persona.bootedAt)) < 5000, `${ticks} ticks`)
    assert.equal(value('1.5.0'), `STRING: "${agent.persona.hostname}"`)
    assert.equal(value('2.2.1.6.1')?.toLowerCase().replace('hex-string: ', '').trim(), agent.persona.mac.replaceAll(':', ' '))
    assert.deepEqual([value('6.13.1.1.0.0.0.0.102.0.0.0.0.0'), value('6.13.1.1.0.0.0.0.502.0.0.0.0.0')], ['INTEGER: 2', 'INTEGER: 2'])
    assert.equal(value('7.5.1.2.0.0.0.0.161'), 'INTEGER: 161')
    assert.equal(value('4.20.1.1.127.0.0.1'), 'IpAddress: 127.0.0.1')
    assert.equal(value('2.1.0'), 'INTEGER: 2')
    assert.equal(value('2.2.1.8.2'), 'INTEGER: 2')
    assert.equal(value('2.2.1.10.2'), 'Counter32: 0')
  } finally {
    await agent.close()
  }
})

test('counters advance and never run backwards; what came in is counted', async () => {
  const agent = await serveAgent()
  try {
    const columns = ['1.3.6.1.2.1.2.2.1.10.1', '1.3.6.1.2.1.2.2.1.16.1', '1.3.6.1.2.1.4.3.0', '1.3.6.1.2.1.6.10.0', '1.3.6.1.2.1.11.1.0']
    const seen: number[][] = []
    for (let round = 0; round < 12; round++) {
      const { bindings } = answered(await ask(agent.port, request(pduTypes.get, columns)))
      seen.push(bindings.map(({ value }) => ('value' in value ? Number(value.value) : Number.NaN)))
    }
    for (const [column, name] of columns.entries())
      for (let round = 1; round < seen.length; round++) {
        // A counter may run over at 32 bits once.
        const [before = 0, after = 0] = [seen[round - 1]?.[column], seen[round]?.[column]]
        assert.ok((after - before + 2 ** 32) % 2 ** 32 < 1_000_000, `${name}: ${before} then ${after}`)
      }
    assert.notEqual(seen[0]?.[0], seen.at(-1)?.[0])
    assert.deepEqual(
      seen.map((row) => (row[4] as number) - (seen[0]?.[4] as number)),
      seen.map((_, round) => round),
    )
  } finally {
    await agent.close()
  }
})

test('errors of version 1 and exceptions of version 2 are as their specifications have them', async () => {
  const agent = await serveAgent()
  try {
    const missing = ['1.3.6.1.2.1.1.1.0', '1.3.6.1.2.1.1.1.1', '1.3.6.1.2.1.99.1.0', '1.3.6.1.2.1.2.2.1.2.9']
    const second = answered(await ask(agent.port, request(pduTypes.get, missing)))
    assert.deepEqual(
      second.bindings.map(({ value }) => value.type),
      ['octets', 'noSuchInstance', 'noSuchObject', 'noSuchInstance'],
    )
    const first = answered(await ask(agent.port, request(pduTypes.get, missing, { version: 'v1' })))
    assert.deepEqual([first.status, first.index, first.bindings.map(({ value }) => value.type)], [2, 2, ['null', 'null', 'null', 'null']])
    const last = '1.3.6.1.6.3.15.1.1.6.0'
    assert.deepEqual(answered(await ask(agent.port, request(pduTypes.next, [last]))).bindings, [{ oid: parseOid(last), value: { type: 'endOfMibView' } }])
    assert.deepEqual(
      [answered(await ask(agent.port, request(pduTypes.next, [last], { version: 'v1' })))].map(({ status, index }) => [status, index]),
      [[2, 1]],
    )
    // GetBulk: two once, the third three times; none of it in version 1.
    const bulk = answered(await ask(agent.port, request(pduTypes.bulk, ['1.3.6.1.2.1.1.1', '1.3.6.1.2.1.1.2', '1.3.6.1.2.1.1.3'], { status: 2, index: 3 })))
    assert.deepEqual(
      bulk.bindings.map(({ oid }) => oid.slice(7).join('.')),
      ['1.0', '2.0', '3.0', '4.0', '5.0'].map((tail) => tail),
    )
    assert.equal(await ask(agent.port, request(pduTypes.bulk, ['1.3'], { version: 'v1', index: 3 })), undefined)
    assert.equal(answered(await ask(agent.port, request(pduTypes.get, []))).bindings.length, 0)
    assert.equal(await ask(agent.port, request(pduTypes.response, ['1.3'])), undefined)
    assert.deepEqual(agent.faults, [])
  } finally {
    await agent.close()
  }
})

test('who may write sets texts and the plant; every other gets the error of his version', async () => {
  const agent = await serveAgent()
  try {
    const host = `127.0.0.1:${agent.port}`
    const location = '1.3.6.1.2.1.1.6.0'
    const write = ['-v2c', '-c', 'private', host]
    assert.match(await tool('snmpset', ...write, location, 's', 'hall 9, by the door — 门口', `${vendor}.2.0`, 'i', '2300'), /INTEGER: 2300/)
    assert.match(await tool('snmpget', '-v1', '-c', 'public', '-Oa', host, location, `${vendor}.2.0`), /hall 9, by the door[\s\S]*INTEGER: 2300/)
    assert.deepEqual(agent.plant.written, ['OV2.Z1.SP=230'])
    const wrote = agent.of('industrial.requested').find(({ function: name }) => name === 'Set')
    assert.equal(wrote?.changed, true)
    assert.equal(wrote?.operation, 'write')
    const point = wrote?.points.find(({ tag }) => tag === 'OV2.Z1.SP')
    assert.deepEqual([point?.address, point?.before, point?.value, point?.unit], [`${vendor}.2.0`, 180, 230, '°C'])

    assert.match(await tool('snmpset', '-v2c', '-c', 'public', host, location, 's', 'x'), /noAccess/)
    assert.match(await tool('snmpset', '-v1', '-c', 'public', host, location, 's', 'x'), /noSuchName/)
    assert.match(await tool('snmpset', ...write, '1.3.6.1.2.1.1.1.0', 's', 'x'), /notWritable/)
    assert.match(await tool('snmpset', ...write, location, 'i', '5'), /wrongType/)
    assert.match(await tool('snmpset', '-v1', '-c', 'private', host, location, 'i', '5'), /badValue/)
    assert.match(await tool('snmpset', ...write, location, 's', 'x'.repeat(256)), /wrongLength/)
    assert.match(await tool('snmpset', ...write, '1.3.6.1.2.1.1.6.7', 's', 'x'), /noCreation/)
    // Beyond what the sensor can show, and a limit that only an engineer sets.
    assert.match(await tool('snmpset', ...write, `${vendor}.2.0`, 'i', '99999'), /wrongValue/)
    assert.match(await tool('snmpset', ...write, `${vendor}.3.0`, 'i', '400'), /wrongValue/)
    // All or nothing.
    assert.match(await tool('snmpset', ...write, location, 's', 'nowhere', '1.3.6.1.2.1.1.1.0', 's', 'x'), /notWritable/)
    assert.match(await tool('snmpget', '-v2c', '-c', 'public', '-Oa', host, location), /hall 9/)
    assert.deepEqual(agent.plant.written, ['OV2.Z1.SP=230'])
    assert.deepEqual(agent.faults, [])
  } finally {
    await agent.close()
  }
})

test('values come from the plant at the moment they are read', async () => {
  const agent = await serveAgent()
  try {
    const read = async () => answered(await ask(agent.port, request(pduTypes.get, [`${vendor}.1.0`]))).bindings[0]?.value
    assert.deepEqual(await read(), { type: 'gauge', value: 1796 })
    agent.plant.values.set('OV2.Z1.PV', 201.26)
    assert.deepEqual(await read(), { type: 'gauge', value: 2013 })
    const [said] = agent.of('industrial.requested')
    assert.deepEqual([said?.operation, said?.function, said?.points[0]?.tag], ['read', 'Get', 'OV2.Z1.PV'])
  } finally {
    await agent.close()
  }
})

test('every community and every user is said once a session; unknown ones get no answer', async () => {
  const agent = await serveAgent()
  try {
    const get = (community: string) => ask(agent.port, request(pduTypes.get, ['1.3.6.1.2.1.1.1.0'], { community }), 100)
    assert.ok(await get('public'))
    assert.ok(await get('public'))
    for (const community of ['admin', 'cisco', 'admin', 'Public', 'pub\x00lic\x1b']) assert.equal(await get(community), undefined)
    const said = agent.of('login.attempted')
    assert.deepEqual(
      said.map(({ method, password, outcome }) => [method, password, outcome]),
      [
        ['snmp-community', 'public', 'accepted'],
        ['snmp-community', 'admin', 'refused'],
        ['snmp-community', 'cisco', 'refused'],
        ['snmp-community', 'Public', 'refused'],
        ['snmp-community', 'pub\\x00lic\\x1b', 'refused'],
      ],
    )
    assert.equal(agent.of('industrial.requested').length, 2)
    const walk = await tool('snmpwalk', '-v3', '-l', 'noAuthNoPriv', '-u', 'guest', `127.0.0.1:${agent.port}`, '1.3.6.1.2.1.1')
    assert.equal(oidsOf(walk).length, 7)
    await tool('snmpget', '-v3', '-l', 'noAuthNoPriv', '-u', 'operator', `127.0.0.1:${agent.port}`, '1.3.6.1.2.1.1.1.0')
    assert.deepEqual(
      agent
        .of('login.attempted')
        .slice(5)
        .map(({ method, user, outcome }) => [method, user, outcome]),
      [
        ['snmp-usm', 'guest', 'accepted'],
        ['snmp-usm', 'operator', 'refused'],
      ],
    )
    // Ten thousand guesses are not ten thousand events.
    const before = agent.events.length
    for (let guess = 0; guess < 1500; guess++) await ask(agent.port, request(pduTypes.get, ['1.3'], { community: `guess${guess}` }), 0)
    await agent.until(() => agent.events.some(({ kind }) => kind === 'protocol.violated'))
    assert.ok(agent.events.length - before <= 1000, `${agent.events.length - before} events`)
    assert.deepEqual(agent.faults, [])
  } finally {
    await agent.close()
  }
})

test('an agent without a version is silent to it', async () => {
  const agent = await serveAgent({ versions: ['v1'] })
  try {
    const host = `127.0.0.1:${agent.port}`
    assert.match(await tool('snmpget', '-v1', '-c', 'public', host, '1.3.6.1.2.1.1.5.0'), /STRING/)
    assert.match(await tool('snmpget', '-t', '0.3', '-v2c', '-c', 'public', host, '1.3.6.1.2.1.1.5.0'), /Timeout/)
    assert.match(await tool('snmpget', '-t', '0.3', '-v3', '-l', 'noAuthNoPriv', '-u', 'guest', host, '1.3.6.1.2.1.1.5.0'), /Timeout/)
    assert.deepEqual(
      agent.of('login.attempted').map(({ password, outcome }) => [password, outcome]),
      [
        ['public', 'accepted'],
        ['public', 'refused'],
      ],
    )
  } finally {
    await agent.close()
  }
})

test('users of version 3 get in with every digest and both ciphers, and the right report where they do not', async () => {
  const agent = await serveAgent()
  try {
    const get = (...args: string[]) => tool('snmpget', '-v3', ...args, `127.0.0.1:${agent.port}`, '1.3.6.1.2.1.1.5.0')
    const name = new RegExp(`STRING: "${agent.persona.hostname}"`)
    const protocols = settings.users.flatMap(({ user, auth, privacy }) => (auth && privacy ? [{ user, auth: auth.protocol, privacy: privacy.protocol }] : []))
    assert.equal(protocols.length, 6)
    for (const { user, auth, privacy } of protocols)
      assert.match(await get('-l', 'authPriv', '-u', user, '-a', auth, '-A', 'password1', '-x', privacy, '-X', 'password2'), name, user)
    assert.match(await get('-l', 'authNoPriv', '-u', 'plain', '-a', 'SHA', '-A', 'password1'), name)
    assert.match(await get('-l', 'authNoPriv', '-u', 'plain', '-a', 'SHA', '-A', 'wrong-one'), /Authentication failure/)
    assert.match(await get('-l', 'noAuthNoPriv', '-u', 'nobody'), /Unknown user name/)
    assert.match(await get('-l', 'authPriv', '-u', 'plain', '-a', 'SHA', '-A', 'password1', '-x', 'AES', '-X', 'password2'), /Unsupported security level/)
    assert.match(await get('-l', 'authPriv', '-u', 'aesuser', '-a', 'SHA', '-A', 'password1', '-x', 'AES', '-X', 'wrong-one'), /Decryption error/)
    assert.match(await get('-l', 'noAuthNoPriv', '-u', 'plain'), /authorizationError/)
    assert.match(await get('-l', 'noAuthNoPriv', '-u', 'guest', '-n', 'other'), /Unknown[^\n]*ontext|not in view|context/i)
    // An old time: the client is told and tries again by itself, so it gets in.
    assert.match(await get('-l', 'authNoPriv', '-u', 'plain', '-a', 'SHA', '-A', 'password1', '-Z', `${agent.persona.boots},5`), name)
    const reasons = new Set(agent.of('industrial.requested').map(({ reason }) => reason))
    for (const reason of ['UnknownEngineIDs', 'UnknownUserNames', 'WrongDigests', 'UnsupportedSecLevels', 'DecryptionErrors', 'NotInTimeWindows'])
      assert.ok(reasons.has(`usmStats${reason}`), `${reason} among ${[...reasons].join(' ')}`)
    const set = ['-l', 'authPriv', '-u', 'desuser', '-a', 'MD5', '-A', 'password1', '-x', 'DES', '-X', 'password2', `127.0.0.1:${agent.port}`]
    assert.match(await tool('snmpset', '-v3', ...set, '1.3.6.1.2.1.1.4.0', 's', 'Wang'), /STRING: "Wang"/)
    assert.deepEqual(agent.faults, [])
  } finally {
    await agent.close()
  }
})

test('the engine is its maker and its hardware address, its boots and its time those of the device', async () => {
  const agent = await serveAgent()
  try {
    const engine = await tool('snmpbulkwalk', '-v2c', '-c', 'public', `127.0.0.1:${agent.port}`, '1.3.6.1.6.3.10.2.1')
    assert.match(engine.replaceAll(' ', '').toLowerCase(), new RegExp(`hex-string:80001064 03${agent.persona.mac.replaceAll(':', '')}`.replaceAll(' ', '')))
    assert.ok(agent.persona.boots >= 1)
    assert.match(engine, new RegExp(`2\\.1\\.2\\.0 = INTEGER: ${agent.persona.boots}\n`))
    const time = Number(/2\.1\.3\.0 = INTEGER: (\d+)/.exec(engine)?.[1])
    assert.ok(Math.abs(time - (Date.now() - agent.persona.bootedAt) / 1000) < 5)
  } finally {
    await agent.close()
  }
})

test('a source that has proven nothing gets the first answer of a scanner, and never more than three bytes for one', async () => {
  const agent = await serveAgent({}, { proven: false })
  try {
    const description = answered(await ask(agent.port, request(pduTypes.get, ['1.3.6.1.2.1.1.1.0']).subarray(0)))
    assert.equal(description.bindings[0]?.value.type, 'octets')
    const description4 = Array<string>(4).fill('1.3.6.1.2.1.1.1.0')
    const asks: Buffer[] = [
      request(pduTypes.bulk, ['1.3.6.1.2.1'], { index: 100 }),
      request(pduTypes.bulk, ['1.3.6.1.2.1.1', '1.3.6.1.2.1.2'], { index: 50, status: 1 }),
      request(pduTypes.next, ['1.3.6.1.2.1']),
      request(pduTypes.get, description4),
      request(pduTypes.get, description4, { version: 'v1' }),
      request(pduTypes.get, Array(80).fill('1.3.6.1.2.1.1.1.0')),
      request(pduTypes.get, Array(80).fill('1.3.6.1.2.1.1.1.0'), { version: 'v1' }),
    ]
    const shapes: [number, number][] = []
    for (const bytes of asks) {
      // What is too long for one request is left out until the client has asked often enough.
      const answer = await ask(agent.port, bytes, 150, 4)
      assert.ok(answer, 'an answer that fits was left out')
      assert.ok(answer.bytes.length <= 3 * answer.asked, `${answer.bytes.length} for ${answer.asked}`)
      const pdu = answered(answer)
      shapes.push([pdu.status, pdu.bindings.length])
    }
    assert.ok((shapes[0]?.[1] ?? 0) >= 1 && (shapes[1]?.[1] ?? 0) >= 1)
    assert.deepEqual(
      shapes.map(([status]) => status),
      [0, 0, 0, 0, 0, 1, 1],
    )
    // Longer than any message of this agent: version 2 answers without bindings, version 1 with those that came.
    assert.deepEqual(shapes.slice(5), [
      [1, 0],
      [1, 80],
    ])
    assert.ok(agent.of('industrial.requested').some(({ outcome, reason }) => outcome === 'ignored' && reason?.startsWith('more than three bytes')))
    // A whole walk goes through all the same.
    const walked = await tool('snmpbulkwalk', '-r', '3', '-t', '0.3', '-v2c', '-c', 'public', `127.0.0.1:${agent.port}`, '.1')
    const proven = await serveAgent()
    try {
      assert.deepEqual(oidsOf(walked), oidsOf(await tool('snmpbulkwalk', '-v2c', '-c', 'public', `127.0.0.1:${proven.port}`, '.1')))
    } finally {
      await proven.close()
    }
  } finally {
    await agent.close()
  }
})

test('nmap and its scripts identify the device before it has proven its address', async () => {
  const agent = await serveAgent({}, { proven: false })
  try {
    const scripts = '+snmp-sysdescr,+snmp-info,+snmp-interfaces'
    const { stdout: found } = await execute('nmap', ['-sU', '-Pn', '-n', '-p', String(agent.port), '--script', scripts, '127.0.0.1'], { timeout: 30_000 })
    assert.match(found, /snmp-sysdescr: Siemens, SIMATIC S7, CPU315-2 PN\/DP/)
    assert.match(found, /System uptime: \d+d/)
    assert.match(found, /enterprise: (Siemens|4196)[^\n]*\n/i)
    assert.match(found, /engineIDFormat: mac/)
    assert.match(found, new RegExp(`engineIDData: ${agent.persona.mac.replaceAll(':', '')}`, 'i'))
    assert.match(found, /Port 1\n[\s\S]*IP address: 127\.0\.0\.1/)
  } finally {
    await agent.close()
  }
})

test('tshark reads every message that is sent, with nothing malformed', async () => {
  const agent = await serveAgent()
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-snmp-'))
  try {
    const host = `127.0.0.1:${agent.port}`
    await tool('snmpbulkwalk', '-v2c', '-c', 'public', host, '.1')
    await tool('snmpset', '-v1', '-c', 'private', host, '1.3.6.1.2.1.1.1.0', 's', 'x')
    await tool('snmpget', '-v3', '-l', 'authPriv', '-u', 'desuser', '-a', 'MD5', '-A', 'password1', '-x', 'DES', '-X', 'password2', host, '1.3.6.1.2.1.1.5.0')
    await tool('snmpget', '-v3', '-l', 'authNoPriv', '-u', 'plain', '-a', 'SHA', '-A', 'wrong-one', host, '1.3.6.1.2.1.1.5.0')
    const frames = agent
      .of('industrial.requested')
      .flatMap(({ request: asked, response }) => [asked, response])
      .filter((bytes) => bytes !== '')
    const dump = frames
      .map((bytes) => Buffer.from(bytes, 'base64').toString('hex').replace(/../g, '$& '))
      .map((hex) => `000000 ${hex}`)
      .join('\n')
    const [text, file] = [join(folder, 'frames.txt'), join(folder, 'frames.pcap')]
    writeFileSync(text, `${dump}\n`)
    execFileSync('text2pcap', ['-q', '-u', '40000,161', text, file], { stdio: 'ignore' })
    const fields = [
      '-T',
      'fields',
      '-e',
      'snmp.msgVersion',
      '-e',
      'snmp.version',
      '-e',
      '_ws.malformed',
      '-e',
      '_ws.expert.severity',
      '-e',
      '_ws.expert.message',
    ]
    const lines = execFileSync('tshark', ['-r', file, ...fields], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .trimEnd()
      .split('\n')
    assert.equal(lines.length, frames.length)
    assert.ok(lines.length > 30)
    for (const line of lines) {
      const [, , malformed = '', severity = ''] = line.split('\t')
      assert.equal(malformed, '', line)
      assert.ok(!severity.split(',').includes('8388608'), line)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await agent.close()
  }
})

test('garbage is said and counted, and the next request is answered', async () => {
  const agent = await serveAgent()
  try {
    for (const bytes of [Buffer.from('GET / HTTP/1.0\r\n\r\n'), Buffer.alloc(0), Buffer.alloc(1400, 0x30), Buffer.from('3080', 'hex')])
      assert.equal(await ask(agent.port, bytes, 60), undefined)
    assert.ok(answered(await ask(agent.port, request(pduTypes.get, ['1.3.6.1.2.1.1.3.0']))))
    const errors = answered(await ask(agent.port, request(pduTypes.get, ['1.3.6.1.2.1.11.6.0']))).bindings[0]?.value
    assert.ok(errors?.type === 'counter' && errors.value >= 3)
    assert.ok(agent.of('protocol.violated').length >= 3)
    assert.deepEqual(agent.faults, [])
  } finally {
    await agent.close()
  }
})
