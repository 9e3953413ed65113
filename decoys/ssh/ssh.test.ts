/** The SSH service against real clients and a raw one: what a scanner and a brute forcer see. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import constants from 'ssh2/lib/protocol/constants.js'
import { serveDecoy, type TestDecoy, testPersona } from '../test-harness.ts'
import { ssh } from './ssh.ts'

import { client, common, given, hasKexInit, offered, old, personas, type Ran, run, settings, talk, testFolder } from './client-fixture.ts'

const folder = testFolder()

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
    const dropbear = testPersona(id).template.ssh?.server === 'dropbear'
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
        kex.filter((name) => !constants.SUPPORTED_KEX.includes(name) && !/^kex(guess2@matt|-strict-s-v00@openssh)/.test(name)),
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
      const pairs = kex.filter((name) => !/^kex/.test(name)).map((name, i) => [name, cipher[i % cipher.length] as string] as const)
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
          : id === 'debian-12-dropbear'
            ? /open\s+ssh\s+Dropbear sshd 2022\.83 \(protocol 2\.0\)/
            : id === 'centos-7'
              ? /open\s+ssh\s+OpenSSH 7\.4 \(protocol 2\.0\)/
              : /open\s+ssh\s+OpenSSH 7\.6p1 Ubuntu 4ubuntu0\.7 \(Ubuntu Linux; protocol 2\.0\)/,
      )
    })

    test('answers what is no version line as the claimed server does', async () => {
      const bare = await talk(decoy.port, 'GET / HTTP/1.0\r\n\r\n', (bytes) => dropbear && hasKexInit(bytes))
      const text = bare.bytes.toString('latin1')
      if (dropbear) assert.ok(hasKexInit(bare.bytes), 'Dropbear goes on with its key exchange and waits for a version line')
      else assert.equal(text, `${template.ident}\r\nProtocol mismatch.\n`)
      const major = await talk(decoy.port, 'SSH-1.5-old\r\n')
      assert.equal(major.ended, true)
      if (!dropbear) assert.equal(major.bytes.toString('latin1'), `${template.ident}\r\nProtocol major versions differ.\n`)
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
      await writeFile(join(folder(), 'words'), ['123456', 'root', 'admin@123', given.password, 'later'].join('\n'))
      const { out } = await run('hydra', ['-t', '2', '-f', '-l', 'root', '-P', join(folder(), 'words'), '-s', String(decoy.port), '127.0.0.1', 'ssh'])
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
      const key = join(folder(), 'key')
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
