/** What an air-gapped site gets: core and decoys from one archive, a relay from another, on a machine without Node, npm or a network. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RouteAnswer } from '@shenlou/contract/api'
import { askCore } from '@shenlou/core/admin-socket'
import { freePorts, scenarioHead, until } from './installation.ts'
import { madePackage, pathWithoutNode, unpack } from './packages.ts'

describe('packages', () => {
  let folder: string
  let env: NodeJS.ProcessEnv
  let site: string
  let relay: string
  const running: { child: ChildProcess; said(): string }[] = []

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shenlou-packages-'))
    env = { PATH: pathWithoutNode(folder), HOME: folder }
    site = unpack(await madePackage('site'), folder)
    relay = unpack(await madePackage('relay'), folder)
  })
  after(async () => {
    for (const { child } of running.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  })

  const launch = (program: string, args: string[], more: NodeJS.ProcessEnv = {}) => {
    const child = spawn(program, args, { cwd: folder, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    const started = { child, said: () => said }
    running.push(started)
    return started
  }

  test('each holds what its sums say, scripts that a shell can read, units that systemd can, and the licences of what is inside', () => {
    assert.equal(spawnSync('node', ['--version'], { env }).error?.message, 'spawnSync node ENOENT')
    for (const [place, units] of [
      [site, ['shenlou-core.service', 'shenlou-decoys.service']],
      [relay, ['shenlou-relay.service']],
    ] as const) {
      execFileSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: place })
      for (const script of ['install.sh', 'uninstall.sh']) {
        assert.equal(statSync(join(place, script)).mode & 0o777, 0o755)
        execFileSync('sh', ['-n', join(place, script)])
      }
      for (const unit of units) {
        const text = readFileSync(join(place, unit), 'utf8')
        assert.match(text, /^NoNewPrivileges=yes$/m)
        assert.match(text, /^ProtectSystem=strict$/m)
        assert.match(text, /^Restart=always$/m)
        assert.match(text, /^CapabilityBoundingSet=CAP_/m)
        assert.doesNotMatch(text, /@[A-Z]+@/)
      }
      assert.match(readFileSync(join(place, 'LICENSES.txt'), 'utf8'), /^zod 4\.[\d.]+ \(MIT\)$/m)
      assert.match(readFileSync(join(place, 'README.zh.md'), 'utf8'), /不需要/)
    }
    assert.match(readFileSync(join(relay, 'LICENSES.txt'), 'utf8'), /^ws 8\.[\d.]+ \(MIT\)$/m)
  })

  test('the relay is one executable that names itself, and says in one line what it lacks', () => {
    const run = (...args: string[]) => spawnSync(join(relay, 'shenlou-relay'), args, { env, cwd: folder, encoding: 'utf8' })
    assert.equal(run('--version').stdout, '0.1.0\n')
    assert.match(run('--help').stdout, /^shenlou-relay \[COMMAND\]/)
    assert.equal(run('strat').stderr, "shenlou-relay: there is no command 'strat'; 'shenlou-relay --help' lists them\n")
    const { stderr, status } = run('--data', join(folder, 'nobody'))
    assert.match(stderr, /^shenlou-relay: \S+ holds no identity; enrol this machine with --token.*\n$/)
    assert.equal(status, 1)
    assert.match(run('capture').stderr, /^shenlou-relay: it is started by a relay/)
  })

  test('core and decoys start from theirs, the relay joins from its own, and a touch of a decoy is an event in the core', { timeout: 120_000 }, async () => {
    const data = join(folder, 'data')
    const [http, sensors, tunnel, port] = await freePorts(4)
    const command = join(site, 'shenlou')
    launch(command, [
      'core',
      `--data=${data}`,
      `--http=127.0.0.1:${http}`,
      `--sensors=127.0.0.1:${sensors}`,
      `--tunnel=127.0.0.1:${tunnel}`,
      '--syslog=off',
      '--no-scenario',
    ])
    const core = running.at(-1)!
    const alive = (): void => {
      for (const { child, said } of running) if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said()}`)
    }
    await until('the core', () => (alive(), /ready/.test(core.said())), 60_000)
    const ask = (...args: string[]): string => execFileSync(command, [...args, '--data', data], { env, cwd: folder, encoding: 'utf8' })
    for (const [role, name, program, words] of [
      ['decoys', 'zone-1', command, ['decoys']],
      ['relay', 'park-1', join(relay, 'shenlou-relay'), []],
    ] as const) {
      const token = ask('enrol', '--role', role, '--name', name, '--scope', 'group/head-office', '--network', '127.0.0.0/8').trim()
      const { said } = launch(program, [...words, '--data', join(folder, name)], { SHENLOU_TOKEN: token })
      const ready = await until(name, () => (alive(), /"fingerprint":"([0-9a-f]{64})"/.exec(said())), 30_000)
      ask('confirm', name, '--fingerprint', ready[1] as string)
    }
    assert.equal(readFileSync(`/proc/${running.at(-1)!.child.pid}/comm`, 'utf8'), 'shenlou-relay\n')

    const scenario = join(folder, 'scenario.yaml')
    writeFileSync(
      scenario,
      `${scenarioHead}decoys:
  - { id: portal, persona: centos-7, scope: group/head-office, services: [{ service: portal, port: 80 }] }
placements:
  - { relay: park-1, host: zone-1, decoy: portal, address: 127.0.0.1, ports: { portal: ${port} } }
`,
    )
    ask('apply', '-f', scenario)
    const items = await until(
      'the decoy to answer',
      async () => {
        alive()
        const { items } = await askCore<RouteAnswer<'decoys'>>(join(data, 'core'), 'decoys')
        return items.length > 0 && items.every(({ placements }) => placements.length > 0 && placements.every(({ answering }) => answering)) && items
      },
      60_000,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${running.map(({ said }) => said()).join('\n')}`)
    })
    assert.equal(items[0]?.placements[0]?.relay, 'park-1')
    const answer = await fetch(`http://127.0.0.1:${port}/touched-by-a-test`)
    assert.match(answer.headers.get('server') ?? '', /^nginx/)
    const event = await until('the event', async () => {
      const { events } = await askCore<RouteAnswer<'events'>>(join(data, 'core'), 'events', { query: { kind: 'http.exchanged' } })
      return events.find((each) => JSON.stringify(each).includes('touched-by-a-test'))
    })
    assert.equal(event.source?.ip, '127.0.0.1')
    for (const { child } of [...running].reverse()) {
      child.kill('SIGTERM')
      const [code] = (await once(child, 'exit')) as [number | null]
      assert.equal(code, 0)
    }
  })
})
