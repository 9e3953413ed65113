/** Signed updates of relays, as packages make them: canaries first, then the others; a version that does not start is switched back by its launcher. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RouteAnswer } from '@shenlou/contract/api'
import { pack } from '../package/archive.ts'
import { packageName } from '../package/build.ts'
import { type Installation, install, until } from './installation.ts'
import { madePackage, unpack } from './packages.ts'

interface Relay {
  name: string
  home: string
  child: ChildProcess
  said(): string
}

describe('updates of relays', () => {
  let folder: string
  let installation: Installation
  const relays: Relay[] = []
  const keys = () => join(folder, 'release.key')

  /** As install.sh leaves it, in folders of the test. */
  async function launch(name: string, trust: string, token?: string): Promise<Relay> {
    const home = join(folder, name, 'opt')
    if (!existsSync(home)) {
      const first = unpackedOf('0.1.0')
      mkdirSync(join(home, 'versions', '0.1.0-0'), { recursive: true })
      mkdirSync(join(home, 'state'))
      for (const file of ['shenlou-relay', 'SHA256SUMS']) copyFileSync(join(first, file), join(home, 'versions', '0.1.0-0', file))
      writeFileSync(join(home, 'versions', '0.1.0-0', 'sequence'), '0\n')
      symlinkSync('versions/0.1.0-0', join(home, 'current'))
      copyFileSync(join(first, 'launcher'), join(home, 'launcher'))
      writeFileSync(join(folder, name, 'trusted-keys.pem'), trust)
    }
    const child = spawn(join(home, 'launcher'), [], {
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        SHENLOU_DATA: join(folder, name, 'data'),
        SHENLOU_TRUST: join(folder, name, 'trusted-keys.pem'),
        SHENLOU_PROBATION: '60',
        ...(token ? { SHENLOU_TOKEN: token } : {}),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    const relay = { name, home, child, said: () => said }
    relays.push(relay)
    return relay
  }
  const unpackedOf = (version: string): string => join(folder, packageName('relay', version))
  const release = async (...args: string[]): Promise<string> => (await installation.command('release', ...args)).stdout
  const sensor = async (name: string) => (await installation.call('sensors')).items.find((each) => each.name === name)
  const rollout = async (): Promise<RouteAnswer<'rollouts'>['items'][number]> => {
    const [newest] = (await installation.call('rollouts')).items
    assert.ok(newest)
    return newest
  }
  const told = (error: Error): never => {
    throw new Error(`${error.message}\n${relays.map(({ name, said }) => `--- ${name}\n${said().slice(-3000)}`).join('\n')}`)
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shenlou-updates-'))
    // The launcher gives the relay another user, who must come to its folders.
    execFileSync('chmod', ['0755', folder])
    for (const version of ['0.1.0', '0.2.0']) unpack(await madePackage('relay', version), folder)
    installation = await install()
    await installation.signIn()
    await release('key', '-f', keys())
    await release('trust', '-f', `${keys()}.pub`, '--name', 'release desk')
    for (const name of ['park-1', 'park-2']) {
      const { stdout } = await installation.command('enrol', '--role', 'relay', '--name', name, '--scope', 'group/head-office', '--network', '127.0.0.0/8')
      const { said } = await launch(name, readFileSync(`${keys()}.pub`, 'utf8'), stdout.trim())
      const [, fingerprint = ''] = await until(`${name} to enrol`, () => /"fingerprint":"([0-9a-f]{64})"/.exec(said())).catch(told)
      await installation.command('confirm', name, '--fingerprint', fingerprint)
    }
    const canary = await sensor('park-1')
    await installation.call('configureSensor', { params: { id: canary?.id ?? '' }, body: { group: null, settings: { updateChannel: 'canary' } } })
    // The relay of the installation itself has no launcher, and is none of this.
    await installation.command('revoke', 'relay')
  })
  after(async () => {
    for (const { child } of relays) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    await installation?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  const archive = async (version: string): Promise<string> => {
    const file = join(folder, `${packageName('relay', version)}.tar.gz`)
    if (!existsSync(file)) await pack(unpackedOf(version), file)
    return file
  }

  test('a core takes only what a trusted key signed, and the very package', async () => {
    const file = await archive('0.2.0')
    await release('key', '-f', join(folder, 'stranger.key'))
    await release('sign', '--key', join(folder, 'stranger.key'), '--sequence', '4', file)
    await assert.rejects(release('import', file), /the release was not taken: it was signed by the key [0-9a-f]{16}…, which is not trusted here/)
    await release('sign', '--key', keys(), '--sequence', '5', file)
    const other = join(folder, 'other', `${packageName('relay', '0.2.0')}.tar.gz`)
    mkdirSync(join(folder, 'other'))
    writeFileSync(other, 'something else')
    copyFileSync(`${file}.manifest.json`, `${other}.manifest.json`)
    await assert.rejects(release('import', other), /the package is not the one that its manifest names/)
    assert.match(await release('import', file), /^release 5, version 0\.2\.0, is here: [0-9a-f]{64}\n$/)
    assert.equal((await installation.call('releases')).items.length, 1)
  })

  test('the canary has it first and the other one only when a person says so; both run it, and nothing else changed', { timeout: 180_000 }, async () => {
    await release('roll-out', '0.2.0', '--canary', 'canary', '--wait', 'hand')
    await until('the canary to be healthy', async () => (await rollout()).state === 'waiting', 90_000).catch(told)
    assert.deepEqual(
      (await rollout()).sensors.map(({ name, stage, state }) => [name, stage, state]),
      [
        ['park-1', 'canary', 'healthy'],
        ['park-2', 'rest', 'pending'],
      ],
    )
    assert.equal((await sensor('park-1'))?.version, '0.2.0')
    assert.equal((await sensor('park-2'))?.version, '0.1.0')
    assert.deepEqual((await sensor('park-2'))?.update, { wanted: null, state: 'idle', detail: '' })
    await release('continue', (await rollout()).id)
    await until('all to be healthy', async () => (await rollout()).state === 'done', 90_000).catch(told)
    for (const { name, home } of relays) {
      assert.equal((await sensor(name))?.version, '0.2.0')
      assert.equal(readlinkSync(join(home, 'current')), 'versions/0.2.0-5')
      assert.equal(readlinkSync(join(home, 'previous')), 'versions/0.1.0-0')
      assert.equal(readFileSync(join(home, 'state', 'floor'), 'utf8'), '5\n')
      assert.ok(!existsSync(join(home, 'state', 'probation')))
    }
  })

  test('one that ends at its start is switched back by its launcher; the roll-out halts and the other one never sees it', { timeout: 180_000 }, async () => {
    const broken = unpackedOf('0.3.0')
    cpSync(unpackedOf('0.2.0'), broken, { recursive: true })
    writeFileSync(join(broken, 'shenlou-relay'), '#!/bin/sh\necho "no such thing" >&2\nexit 3\n', { mode: 0o755 })
    const file = await archive('0.3.0')
    await release('sign', '--key', keys(), '--sequence', '6', file)
    await release('import', file)
    await release('roll-out', '0.3.0', '--canary', 'canary', '--wait', '0')
    await until('the roll-out to halt', async () => (await rollout()).state === 'halted', 90_000).catch(told)
    assert.equal((await rollout()).reason, 'park-1: it switched back: it ended by itself with 3 before it was healthy')
    const [first, second] = relays as [Relay, Relay]
    assert.match(first.said(), /launcher: release 6: it ended by itself with 3 before it was healthy\nlauncher: back to versions\/0\.2\.0-5\n/)
    assert.equal(readlinkSync(join(first.home, 'current')), 'versions/0.2.0-5')
    await until('it to be back', async () => (await sensor('park-1'))?.connected).catch(told)
    assert.equal((await sensor('park-1'))?.version, '0.2.0')
    assert.doesNotMatch(second.said(), /release 6/)
    assert.deepEqual(
      (await rollout()).sensors.map(({ state }) => state),
      ['failed', 'pending'],
    )
  })

  test('what a stolen core could offer is not taken: another key, an old release, a broken archive; each is one line, and nothing changed', {
    timeout: 120_000,
  }, async () => {
    const [{ home }] = relays as [Relay]
    const inbox = join(folder, 'inbox')
    const before = readdirSync(join(home, 'versions')).sort()
    const offer = async (sequence: number, key: string, version = '0.2.0', more: string[] = []): Promise<string> => {
      const file = await archive(version)
      await release('sign', '--key', key, '--sequence', String(sequence), ...more, file)
      rmSync(inbox, { recursive: true, force: true })
      mkdirSync(join(inbox, 'ready'), { recursive: true })
      copyFileSync(file, join(inbox, 'ready', 'package.tar.gz'))
      copyFileSync(`${file}.manifest.json`, join(inbox, 'ready', 'manifest.json'))
      return join(inbox, 'ready', 'package.tar.gz')
    }
    const refused = (code = 1): string => {
      const trust = join(folder, 'park-1', 'trusted-keys.pem')
      const { stderr, status } = spawnSync(join(home, 'current', 'shenlou-relay'), ['install-update', '--inbox', inbox, '--home', home, '--trust', trust], {
        encoding: 'utf8',
      })
      assert.equal(status, code)
      assert.equal(readlinkSync(join(home, 'current')), 'versions/0.2.0-5')
      assert.ok(existsSync(join(home, 'current', 'shenlou-relay')))
      assert.deepEqual(
        readdirSync(join(home, 'versions')).filter((name) => !before.includes(name)),
        [],
      )
      assert.ok(!existsSync(join(home, 'state', 'probation')) && !existsSync(join(home, 'state', 'incoming')))
      assert.equal(stderr.trim().split('\n').length, 1)
      return stderr.trim().replace('shenlou-relay: the update was not installed: ', '')
    }
    await offer(20, join(folder, 'stranger.key'))
    assert.match(refused(), /^it was signed by the key [0-9a-f]{16}…, which is not trusted here$/)
    await offer(5, keys())
    assert.equal(refused(), 'release 5 is not above 5, which was taken here before')
    await offer(6, keys())
    assert.match(refused(), /^release 6 was tried here and switched back/)
    await offer(21, keys(), '0.1.0')
    assert.equal(refused(), '0.1.0 is below 0.2.0, and its manifest does not allow going back')
    const file = await offer(22, keys())
    const bytes = readFileSync(file)
    bytes[bytes.length - 1000] = (bytes[bytes.length - 1000] as number) ^ 1
    writeFileSync(file, bytes)
    assert.equal(refused(75), 'the package is not the one that its manifest names; it is tried again later')
    writeFileSync(file, bytes.subarray(0, 1000))
    // Signed well, it may come whole another time.
    assert.match(refused(75), /^the package does not have the \d+ bytes that its manifest names; it is tried again later$/)
    assert.equal(JSON.parse(readFileSync(join(home, 'state', 'put-off'), 'utf8')).times, 2)
    assert.equal(readFileSync(join(home, 'state', 'refused'), 'utf8'), '6\n')
    // Signed as it is, it will not.
    const cut = readFileSync(await archive('0.2.0')).subarray(0, 1_000_000)
    mkdirSync(join(folder, 'cut'))
    const broken = join(folder, 'cut', `${packageName('relay', '0.2.0')}.tar.gz`)
    writeFileSync(broken, cut)
    await assert.rejects(release('sign', '--key', keys(), '--sequence', '23', broken), /the archive is broken: unexpected end of file/)
  })
})
