import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { ListenerSettings } from '@shenlou/contract/listener'
import { serveDecoy, type TestDecoy, testPersona } from '../test-harness.ts'
import { listener } from './listener.ts'

const execute = promisify(execFile)
const debian = testPersona('debian-12-dropbear')

/** Serves a listener, and takes it away after the test; what it said must fit the catalogue. */
async function serve(settings: Partial<ListenerSettings>, work: (decoy: TestDecoy) => Promise<void>, persona = debian): Promise<void> {
  const decoy = await serveDecoy(listener, persona, settings as ListenerSettings)
  try {
    await work(decoy)
    assert.deepEqual(decoy.faults, [])
  } finally {
    await decoy.close()
  }
}

/** Sends all of it and answers what came until the other side closed, and how it closed. */
async function talk(port: number, bytes: string | Buffer, waitFor?: RegExp): Promise<{ text: string; reset: boolean }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let reset = false
  socket.on('data', (part: Buffer) => {
    text += part.toString('latin1')
    if (waitFor?.test(text)) socket.end()
  })
  socket.on('error', () => {
    reset = true
  })
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  await new Promise((resolve) => socket.once('close', resolve))
  return { text, reset }
}

/** Runs a client whatever it makes of the refusal; answers what it wrote. */
const client = async (program: string, args: string[]): Promise<string> => {
  const { stdout, stderr } = await execute(program, args, { timeout: 8000 }).catch((error: { stdout?: string; stderr?: string }) => error)
  return `${stdout ?? ''}${stderr ?? ''}`
}

const first = (decoy: TestDecoy) => decoy.of('payload.recognised')[0]
const seen = async (decoy: TestDecoy, protocol: string) => {
  await decoy.until(() => decoy.of('payload.recognised').some((body) => body.protocol === protocol))
  return decoy.of('payload.recognised').find((body) => body.protocol === protocol)
}

test('a port that guesses nothing names TLS with its name and fingerprints, SSH and HTTP by what real clients send first', async () => {
  await serve({ as: 'silent' }, async (decoy) => {
    await Promise.all([
      client('openssl', ['s_client', '-connect', `127.0.0.1:${decoy.port}`, '-servername', 'mes.example']),
      client('ssh', ['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-p', String(decoy.port), 'a@127.0.0.1']),
      client('curl', ['-s', '-m', '4', `http://127.0.0.1:${decoy.port}/manager/html?a=1`]),
    ])
    const tls = await seen(decoy, 'tls')
    assert.equal(tls?.detail.serverName, 'mes.example')
    assert.match(tls?.detail.ja4 ?? '', /^t1[23]d\d{4}/)
    assert.match(tls?.detail.ja3 ?? '', /^[0-9a-f]{32}$/)
    assert.match((await seen(decoy, 'ssh'))?.detail.version ?? '', /^SSH-2\.0-OpenSSH/)
    const http = await seen(decoy, 'http')
    assert.equal(http?.request, 'GET /manager/html?a=1')
    assert.match(http?.detail.client ?? '', /^curl\//)
  })
})

test('TLS is ended by the alert that a server without a common cipher sends', async () => {
  await serve({ as: 'tls' }, async (decoy) => {
    assert.match(await client('openssl', ['s_client', '-connect', `127.0.0.1:${decoy.port}`]), /handshake failure/)
    assert.match(await client('curl', ['-sSk', '-m', '4', `https://127.0.0.1:${decoy.port}/`]), /handshake failure/)
  })
})

test('Redis asks for a password, takes one, and what a worm writes is marked and kept by its hash', async () => {
  await serve({ as: 'redis' }, async (decoy) => {
    const worm = '*1\r\n$4\r\nINFO\r\n*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$3\r\ndir\r\n$15\r\n/var/spool/cron\r\nAUTH redis123\r\nQUIT\r\n'
    const { text } = await talk(decoy.port, worm)
    assert.equal(
      text,
      '-NOAUTH Authentication required.\r\n-NOAUTH Authentication required.\r\n-WRONGPASS invalid username-password pair or user is disabled.\r\n+OK\r\n',
    )
    await decoy.until(() => decoy.of('payload.received').length > 0)
    assert.deepEqual(
      decoy.of('payload.recognised').map(({ request, marks }) => [request, marks]),
      [
        ['INFO', []],
        ['CONFIG SET dir /var/spool/cron', ['redis.config-set']],
        ['AUTH redis123', []],
        ['QUIT', []],
      ],
    )
    const [whole] = decoy.of('payload.received')
    assert.equal(whole?.sha256, createHash('sha256').update(worm).digest('hex'))
    assert.deepEqual([whole?.size, whole?.messages, whole?.marks], [worm.length, 4, ['redis.config-set']])
    assert.deepEqual(decoy.of('login.attempted')[0], { method: 'password', user: 'default', password: 'redis123', outcome: 'refused' })
  })
})

test('Redis closes without a word on a request of HTTP, as Redis does', async () => {
  await serve({ as: 'redis' }, async (decoy) => {
    const { text } = await talk(decoy.port, 'POST / HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.equal(text, '')
    assert.equal(first(decoy)?.protocol, 'http')
  })
})

test('Telnet asks user and password, refuses in its words, and hears what bots send', async () => {
  await serve({ as: 'telnet' }, async (decoy) => {
    const { text } = await talk(decoy.port, '\xff\xfb\x18root\r\nxc3511\r\n/bin/busybox MIRAI\r\n', /Login incorrect.*Password: $/s)
    assert.ok(text.startsWith('\xff\xfd'), 'negotiates first')
    assert.ok(text.includes(`${debian.hostname} login: `))
    assert.deepEqual(decoy.of('login.attempted')[0], { method: 'password', user: 'root', password: 'xc3511', outcome: 'refused' })
    assert.ok(decoy.of('payload.recognised').some(({ marks }) => marks.includes('telnet.bot')))
  })
})

test('two hosts greet as themselves, and one the same every time where its software does', async () => {
  const other = testPersona('ubuntu-18.04', '6b')
  const greetings = new Map<string, string[]>()
  for (const as of ['smtp', 'telnet', 'mysql'] as const)
    for (const persona of [debian, other])
      await serve(
        { as },
        async (decoy) => {
          const [one, two] = await Promise.all([talk(decoy.port, '', /\n$|: $|password\0/), talk(decoy.port, '', /\n$|: $|password\0/)])
          greetings.set(`${as} ${persona.hostname}`, [one.text, two.text])
        },
        persona,
      )
  for (const as of ['smtp', 'telnet']) {
    assert.notDeepEqual(greetings.get(`${as} ${debian.hostname}`), greetings.get(`${as} ${other.hostname}`))
    const [one, two] = greetings.get(`${as} ${debian.hostname}`) ?? []
    assert.equal(one, two)
    assert.ok(one?.includes(debian.hostname))
  }
  const [one, two] = greetings.get(`mysql ${debian.hostname}`) ?? []
  assert.notEqual(one, two, 'each connection has a scramble of its own')
})

test('SMTP takes a login of curl and refuses it', async () => {
  await serve({ as: 'smtp' }, async (decoy) => {
    await client('curl', [
      '-s',
      '-m',
      '6',
      '--mail-from',
      'a@b.cn',
      '--mail-rcpt',
      'c@b.cn',
      '-u',
      'backup:Qwer1234',
      '-T',
      '/etc/hostname',
      `smtp://127.0.0.1:${decoy.port}`,
    ])
    await decoy.until(() => decoy.of('login.attempted').length > 0)
    assert.deepEqual([decoy.of('login.attempted')[0]?.user, decoy.of('login.attempted')[0]?.password], ['backup', 'Qwer1234'])
  })
})

test('FTP, POP3 and IMAP refuse what curl logs in with', async () => {
  for (const [as, scheme] of [
    ['ftp', 'ftp'],
    ['pop3', 'pop3'],
    ['imap', 'imap'],
  ] as const)
    await serve({ as }, async (decoy) => {
      await client('curl', ['-s', '-m', '6', '-u', 'wang:Spring2026', `${scheme}://127.0.0.1:${decoy.port}/`])
      await decoy.until(() => decoy.of('login.attempted').length > 0)
      assert.equal(decoy.of('login.attempted')[0]?.user, 'wang', as)
    })
})

test('SQL Server tells its version, takes the login apart and refuses it with error 18456', async () => {
  await serve({ as: 'mssql' }, async (decoy) => {
    const socket = connect(decoy.port, '127.0.0.1')
    const parts: Buffer[] = []
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('error', () => undefined)
    const until = async (length: number): Promise<Buffer> => {
      while (Buffer.concat(parts).length < length && !socket.destroyed) await Promise.race([once(socket, 'data'), once(socket, 'close')])
      return Buffer.concat(parts)
    }
    socket.write(Buffer.from('120100140000000000000600060600000000ff00', 'hex').subarray(0, 20))
    const prelogin = await until(43)
    assert.equal(prelogin[0], 4)
    assert.equal(prelogin.readUInt16BE(2), prelogin.length)
    parts.length = 0
    socket.write(login7('sa', 'P@ssw0rd', 'PC7'))
    await once(socket, 'end')
    const answer = Buffer.concat(parts)
    assert.equal(answer.readUInt32LE(11), 18_456)
    assert.ok(answer.toString('utf16le', 0).length > 0 && answer.includes(Buffer.from("Login failed for user 'sa'.", 'utf16le')))
    assert.deepEqual(decoy.of('login.attempted')[0], { method: 'password', user: 'sa', password: 'P@ssw0rd', outcome: 'refused' })
    socket.destroy()
  })
})

/** A LOGIN7 packet made by hand from [MS-TDS] 2.2.6.4. */
function login7(user: string, password: string, host: string): Buffer {
  const hidden = Buffer.from(password, 'utf16le').map((byte) => ((((byte & 15) << 4) | (byte >> 4)) ^ 0xa5) & 0xff)
  const texts = [Buffer.from(host, 'utf16le'), Buffer.from(user, 'utf16le'), hidden]
  const fixed = Buffer.alloc(94)
  let at = 94
  for (const [nth, text] of texts.entries()) {
    fixed.writeUInt16LE(at, 36 + nth * 4)
    fixed.writeUInt16LE(text.length / 2, 38 + nth * 4)
    at += text.length
  }
  fixed.writeUInt32LE(at, 0)
  const head = Buffer.from([0x10, 1, 0, 0, 0, 0, 1, 0])
  head.writeUInt16BE(at + 8, 2)
  return Buffer.concat([head, fixed, ...texts])
}

test('PostgreSQL asks for a password in the clear and refuses it as the server does', async () => {
  await serve({ as: 'postgresql' }, async (decoy) => {
    const start = Buffer.from('\0\0\0\x25\0\x03\0\0user\0postgres\0database\0erp\0\0', 'latin1')
    start.writeUInt32BE(start.length)
    const { text } = await talk(decoy.port, Buffer.concat([start, Buffer.from('p\0\0\0\x0bsecret\0', 'latin1')]))
    assert.ok(text.startsWith('R\0\0\0\x08\0\0\0\x03E'))
    assert.match(text, /C28P01\0Mpassword authentication failed for user "postgres"/)
    assert.equal(decoy.of('login.attempted')[0]?.password, 'secret')
  })
})

test('LDAP and MQTT refuse a bind and a connection, with what was offered', async () => {
  await serve({ as: 'ldap' }, async (decoy) => {
    const bind = Buffer.from('301c020101601702010304086377696e646f77738008', 'hex')
    const { text } = await talk(decoy.port, Buffer.concat([bind, Buffer.from('Passw0rd')]), /^.{14}/s)
    assert.equal(Buffer.from(text, 'latin1').toString('hex'), '300c02010161070a013104000400')
    assert.deepEqual([decoy.of('login.attempted')[0]?.user, decoy.of('login.attempted')[0]?.password], ['cwindows', 'Passw0rd'])
  })
  await serve({ as: 'mqtt' }, async (decoy) => {
    const { text } = await talk(decoy.port, '\x10\x18\0\x04MQTT\x04\xc2\0\x3c\0\x02id\0\x03plc\0\x03pwd')
    assert.equal(text, '\x20\x02\0\x05')
    assert.deepEqual([decoy.of('login.attempted')[0]?.user, decoy.of('login.attempted')[0]?.password], ['plc', 'pwd'])
  })
})

test('Docker and Elasticsearch refuse, and creating a container is marked', async () => {
  await serve({ as: 'docker' }, async (decoy) => {
    const answer = await client('curl', [
      '-si',
      '-m',
      '5',
      '-H',
      'Content-Type: application/json',
      '-d',
      '{"Image":"alpine","Cmd":["sh"]}',
      `http://127.0.0.1:${decoy.port}/v1.24/containers/create`,
    ])
    assert.match(answer, /^HTTP\/1\.1 403 Forbidden/)
    await decoy.until(() => decoy.of('payload.recognised').length > 0)
    assert.deepEqual(first(decoy)?.marks, ['docker.container-create'])
  })
  await serve({ as: 'elasticsearch' }, async (decoy) => {
    const answer = await client('curl', ['-s', '-m', '5', `http://127.0.0.1:${decoy.port}/_cat/indices`])
    assert.equal((JSON.parse(answer) as { status: number }).status, 401)
  })
})

test('a share or a controller that is asked for where there is none is reset', async () => {
  await serve({ as: 'smb' }, async (decoy) => {
    const { reset } = await talk(
      decoy.port,
      Buffer.from('00000031ff534d4272000000001801280000000000000000000000000000729c0000000000000e00024e54204c4d20302e313200', 'hex'),
    )
    assert.equal(reset, true)
    await decoy.until(() => decoy.of('payload.received').length > 0)
    assert.equal(first(decoy)?.request, 'SMB1 negotiate')
  })
})

test('more than 64 KiB is hashed whole and kept in part', async () => {
  await serve({ as: 'silent' }, async (decoy) => {
    const bytes = Buffer.alloc(200_000, 'abcdefg')
    const socket = connect(decoy.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.end(bytes)
    await decoy.until(() => decoy.of('payload.received').length > 0)
    const [whole] = decoy.of('payload.received')
    assert.deepEqual([whole?.size, whole?.sha256], [bytes.length, createHash('sha256').update(bytes).digest('hex')])
    assert.equal(whole?.file?.size, 65_536)
    assert.equal(decoy.blobs.get(whole?.file?.sha256 ?? '')?.equals(bytes.subarray(0, 65_536)), true)
    socket.destroy()
  })
})

test('who says nothing meets the silence and the end of such a server, and leaves no payload', async () => {
  await serve({ as: 'vnc', idleS: 1 }, async (decoy) => {
    const { text, reset } = await talk(decoy.port, '')
    assert.deepEqual([text, reset], ['RFB 003.008\n', false])
    assert.equal(decoy.of('payload.received').length, 0)
  })
})

test('a greeting that is written out is sent as it is, with the name of the host', async () => {
  await serve({ as: 'silent', greets: '200 {hostname} ready\\x00\\r\\n', idleS: 1 }, async (decoy) => {
    assert.equal((await talk(decoy.port, '')).text, `200 ${debian.hostname} ready\0\r\n`)
  })
})

test('nmap finds out the versions that are shown, and reads no fault of ours', async () => {
  await serve({ as: 'mysql' }, async (decoy) => {
    const child = spawn('nmap', ['-Pn', '-sV', '--version-intensity', '2', '-p', String(decoy.port), '127.0.0.1'])
    let text = ''
    child.stdout.on('data', (part: Buffer) => {
      text += part.toString()
    })
    await once(child, 'close')
    assert.match(text, /open\s+mysql\s+(?:MySQL|MariaDB)/)
  })
})
