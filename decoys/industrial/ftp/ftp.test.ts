import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { serveDecoy, type TestDecoy, testPersona } from '../../test-harness.ts'
import { rawClient } from '../client-fixture.ts'
import { resolvePath } from './files.ts'
import { ftp, ftpData } from './ftp.ts'
import { openLines } from './lines.ts'

const execute = promisify(execFile)
const login = { accounts: [{ user: 'USER', password: 'USER', origin: 'given' as const }] }

describe('the FTP of a controller', () => {
  let control: TestDecoy
  let data: TestDecoy
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-ftp-'))
  before(async () => {
    const persona = testPersona('schneider-m340')
    data = await serveDecoy(ftpData, persona, {})
    control = await serveDecoy(ftp, persona, { login, dataPort: data.port })
  })
  after(async () => {
    await control.close()
    await data.close()
    rmSync(folder, { recursive: true })
    assert.deepEqual([...control.faults, ...data.faults], [])
  })
  const url = (path: string): string => `ftp://127.0.0.1:${control.port}${path}`
  const curl = async (...args: string[]): Promise<string> => (await execute('curl', ['-sS', '-m', '15', '--user', 'USER:USER', ...args])).stdout
  const text = (hex: string): string => Buffer.from(hex, 'hex').toString('latin1')

  test('lists folders and gives the same firmware twice, of the size that it lists', async () => {
    const list = await curl(url('/fw/'))
    const [, size, name] = / (\d+) Nov {2}1 {2}2014 (m340_2\.70\.bin)/.exec(list) ?? []
    assert.ok(name, list)
    await curl(url(`/fw/${name}`), '-o', join(folder, 'a'))
    await curl(url(`/fw/${name}`), '-o', join(folder, 'b'))
    const [a, b] = [readFileSync(join(folder, 'a')), readFileSync(join(folder, 'b'))]
    assert.equal(a.length, Number(size))
    assert.ok(a.equals(b))
    assert.ok(a.includes('BMXP342020'))
    assert.deepEqual(control.of('file.downloaded').at(-1), { path: `/fw/${name}`, method: 'ftp', size: a.length })
  })

  test('keeps an upload by its hash, and shows it to whom it belongs', async () => {
    const bytes = randomBytes(700_000)
    writeFileSync(join(folder, 'up'), bytes)
    await curl('-T', join(folder, 'up'), url('/sdca/new.stu'))
    const said = control.of('file.uploaded').at(-1)
    assert.equal(said?.method, 'ftp')
    assert.equal(said?.path, '/sdca/new.stu')
    assert.equal(said?.file.sha256, createHash('sha256').update(bytes).digest('hex'))
    assert.match(await curl(url('/sdca/')), / 700000 .* new\.stu\r?\n/)
  })

  test('lets no upload be larger than the device has room, and no firmware be overwritten', async () => {
    writeFileSync(join(folder, 'huge'), Buffer.alloc(15_000_000))
    await assert.rejects(curl('-T', join(folder, 'huge'), url('/dat/huge')), /552|55|transfer|Failed|upload/i)
    assert.doesNotMatch(await curl(url('/dat/')), /huge/)
    await assert.rejects(curl('-T', join(folder, 'up'), url('/fw/m340_2.70.bin')), /553|upload/i)
    await assert.rejects(curl('-Q', 'DELE /fw/m340_2.70.bin', url('/')))
  })

  test('lftp finds its way: moves, makes and removes', async () => {
    const script = `set net:timeout 5; set net:max-retries 1; cd dat; mkdir keep; mv ipconf.ini keep/old.ini; cls keep; rm crash.log; cls; bye`
    const { stdout } = await execute('lftp', ['-u', 'USER,USER', '-p', String(control.port), '-e', script, '127.0.0.1'], { timeout: 20_000 })
    assert.match(stdout, /keep\/old\.ini/)
    assert.doesNotMatch(stdout, /crash\.log/)
    const said = control.of('file.changed').slice(-3)
    assert.deepEqual(
      said.map(({ change, path, to }) => [change, path, to]),
      [
        ['created', '/dat/keep', undefined],
        ['moved', '/dat/ipconf.ini', '/dat/keep/old.ini'],
        ['removed', '/dat/crash.log', undefined],
      ],
    )
  })

  test('refuses to go anywhere for a client: PORT is taken and its transfer finds no way', async () => {
    const client = await rawClient(control.port)
    const ask = async (line: string, until: RegExp): Promise<string> => {
      client.send(Buffer.from(`${line}\r\n`).toString('hex'))
      let got = ''
      while (!until.test(got)) got += text(await client.rest(1))
      return got
    }
    await ask('USER USER', /331 .*\r\n$/)
    await ask('PASS USER', /230 .*\r\n$/)
    assert.match(await ask('PORT 127,0,0,1,4,1', /\r\n$/), /^200 /)
    assert.match(await ask('LIST', /\r\n$/), /^425 /)
    assert.match(await ask('PASV', /\r\n$/), new RegExp(`^227 .*\\(127,0,0,1,${data.port >> 8},${data.port & 255}\\)`))
    assert.match(await ask('CWD ../../../../etc', /\r\n$/), /^501 /)
    assert.match(await ask('SIZE /../../etc/passwd', /\r\n$/), /^550 /)
    assert.match(await ask('x'.repeat(3000), /\r\n$/), /^501 /)
    assert.match(await ask('HACK', /\r\n$/), /^500 /)
    client.close()
  })

  test('a data connection that nobody waits for is reset', async () => {
    const client = await rawClient(data.port)
    await client.closed()
    assert.equal(data.of('protocol.violated').at(-1)?.reason, 'data connection that nobody waits for')
  })

  test('says each guess and closes after five wrong ones', async () => {
    const from = control.of('login.attempted').length
    const client = await rawClient(control.port)
    for (let i = 0; i < 5; i++) client.send(Buffer.from(`USER loader\r\nPASS guess ${i} \r\n`).toString('hex'))
    await client.closed()
    assert.deepEqual(
      control
        .of('login.attempted')
        .slice(from)
        .map(({ method, user, password, outcome }) => [method, user, password, outcome]),
      Array.from({ length: 5 }, (_, i) => ['ftp', 'loader', `guess ${i} `, 'refused']),
    )
  })

  test('turns away more connections than the device has places for', async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => rawClient(control.port)))
    const greetings = await Promise.all(clients.map(async (client) => text(await client.rest(3))))
    assert.deepEqual(greetings.sort(), ['220', '220', '220', '220', '421'])
    for (const client of clients) client.close()
  })
})

test('ABOR ends a transfer at once while its data flows, in either direction, and the session goes on', async () => {
  const drawn = testPersona('schneider-m340')
  assert.ok(drawn.template.ftp)
  // More than a loopback takes in without a reader.
  const files = [{ path: '/fw/huge.bin', kind: 'firmware' as const, bytes: 40_000_000, locked: true }]
  const persona = Object.assign(Object.create(drawn), { template: { ...drawn.template, ftp: { ...drawn.template.ftp, files } } })
  const data = await serveDecoy(ftpData, persona, {})
  const control = await serveDecoy(ftp, persona, { login, dataPort: data.port })
  const client = await rawClient(control.port)
  const told = async (code: number): Promise<string> => {
    let got = ''
    while (!new RegExp(`(?:^|\\n)${code} [^\\n]*\\n$`).test(got)) got += Buffer.from(await client.rest(1), 'hex').toString('latin1')
    return got
  }
  const send = (line: string): void => client.send(Buffer.from(`${line}\r\n`, 'latin1').toString('hex'))
  try {
    for (const [line, code] of [
      ['USER USER', 331],
      ['PASS USER', 230],
      ['TYPE I', 200],
    ] as const) {
      send(line)
      await told(code)
    }
    for (const command of ['RETR /fw/huge.bin', 'STOR /dat/new.bin']) {
      send('PASV')
      await told(227)
      const peer = connect({ port: data.port, host: '127.0.0.1' }).on('error', () => {})
      const gone = new Promise((resolve) => peer.once('close', resolve))
      send(command)
      await told(150)
      if (command.startsWith('RETR')) await new Promise<void>((resolve) => peer.once('data', () => resolve(void peer.pause())))
      else await new Promise<void>((resolve) => peer.write(Buffer.alloc(50_000, 7), () => resolve()))
      const began = performance.now()
      // As clients send it: IAC IP, IAC DM with its mark taken out of the stream, then the command.
      send('\xff\xf4\xffABOR')
      assert.match(await told(226), /^426 [^\n]*\n226 [^\n]*\n$/, command)
      assert.ok(performance.now() - began < 2000, `${command}: ${performance.now() - began} ms`)
      peer.resume()
      await gone
      send('PWD')
      await told(257)
    }
    send('ABOR')
    await told(226)
    // Asked for, and nobody came for it: ABOR is not kept waiting either.
    send('PASV')
    await told(227)
    send('NLST')
    await told(150)
    send('ABOR')
    assert.match(await told(226), /^426 [^\n]*\n226 [^\n]*\n$/)
    assert.deepEqual([...control.faults, ...data.faults], [])
  } finally {
    client.close()
    await control.close()
    await data.close()
  }
})

test('a path never leads out of the root, whatever is written', () => {
  for (const given of ['..', '../..', '/../../x', 'a/../../../x', '..\\..\\x', '/./../x', '....//x'])
    assert.ok(!resolvePath('/dat', given).split('/').includes('..'), given)
  assert.equal(resolvePath('/dat', '../fw/./a'), '/fw/a')
})

test('lines are cut out of any pieces, and those that are too long are passed over whole', () => {
  const whole = Buffer.from(`NOOP\r\nUSER a b\n${'x'.repeat(5000)}\r\nQUIT\r\n`)
  for (const size of [1, 7, 600, whole.length]) {
    const reader = openLines()
    const lines: (string | undefined)[] = []
    for (let at = 0; at < whole.length; at += size) lines.push(...reader.take(whole.subarray(at, at + size)))
    assert.deepEqual(lines, ['NOOP', 'USER a b', undefined, 'QUIT'])
  }
})

test('a panel takes EPSV, lists what it knows, and shows nothing of a Linux host', async () => {
  const persona = testPersona('weintek-oven-hmi')
  const data = await serveDecoy(ftpData, persona, {})
  const control = await serveDecoy(ftp, persona, { login, dataPort: data.port })
  const curl = async (path: string): Promise<{ stdout: string; stderr: string }> =>
    execute('curl', ['-sSv', '-m', '15', '--user', 'USER:USER', `ftp://127.0.0.1:${control.port}${path}`])
  const { stdout, stderr } = await curl('/')
  assert.match(stderr, /< 229 EPSV ok/)
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ').at(-1)?.trim()),
    ['datalog', 'eventlog', 'projects', 'recipe', 'system.log'],
  )
  for (const path of ['/etc/passwd', '/proc/version', '/bin/sh', '/../../etc/passwd']) await assert.rejects(curl(path), path)
  assert.equal((await curl('/system.log')).stdout, (await curl('/system.log')).stdout)
  assert.match((await curl('/recipe/')).stdout, /panel\d\d\.rcp/)
  assert.deepEqual([...control.faults, ...data.faults], [])
  await control.close()
  await data.close()
})

test('2,000 random lines neither stop the server nor get a reply that is none', async () => {
  const persona = testPersona('schneider-m340')
  const fast = Object.assign(Object.create(persona), { template: { ...persona.template, device: { ...persona.template.device, latencyMs: [0, 0.01] } } })
  const control = await serveDecoy(ftp, fast, { login, dataPort: 1 })
  const client = await rawClient(control.port)
  const words = [
    'USER USER',
    'PASS USER',
    'LIST -la',
    'CWD ..',
    'RETR',
    'SIZE /fw',
    'MDTM x',
    'RNTO y',
    'DELE fw',
    'TYPE Z',
    'REST 9',
    'FEAT',
    'PORT 1,2',
    'ABOR',
    'STOR',
    'MKD',
    'RMD /',
  ]
  let state = 99
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 4_294_967_296) * below)
  }
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(`${words[random(words.length)]}${'A'.repeat(random(40) === 0 ? 700 : 0)}`)
    for (let i = random(3); i > 0; i--) bytes[random(bytes.length)] = 32 + random(224)
    client.send(Buffer.concat([bytes, Buffer.from('\r\n')]).toString('hex'))
  }
  client.send(Buffer.from('QUIT\r\n').toString('hex'))
  const got = Buffer.from(await client.rest(10_000_000), 'hex').toString('latin1')
  for (const reply of got.trim().split('\r\n')) assert.match(reply, /^[1-5]\d\d[ -]/)
  client.close()
  const next = await rawClient(control.port)
  assert.match(Buffer.from(await next.rest(4), 'hex').toString(), /^220 /)
  next.close()
  assert.deepEqual(control.faults, [])
  await control.close()
})
