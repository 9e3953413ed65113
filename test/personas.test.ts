/** Every persona that is shipped: without contradiction, and met whole by real clients in an installation. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { sshQuiet, sshRun } from './clients.ts'
import { freePorts, type Installation, install, root, until } from './installation.ts'

const execute = promisify(execFile)
const folder = join(root, 'templates', 'personas')
const shipped = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -'.yaml'.length))
const shells: Record<string, RegExp> = {
  'centos-7': /CentOS Linux 7/,
  'debian-12-dropbear': /Debian GNU\/Linux 12 \(bookworm\)/,
  'openwrt-19.07': /OpenWrt 19\.07/,
  'ubuntu-18.04': /Ubuntu 18\.04\.5 LTS/,
}

test('no shipped persona contradicts itself, by the command that people use', async () => {
  for (const id of shipped) {
    const { stdout } = await execute(process.execPath, [join(root, 'bin', 'shenlou.js'), 'persona', 'lint', join(folder, `${id}.yaml`)])
    assert.equal(stdout, `${id}: no contradiction found\n`)
  }
})

test('every persona with an SSH server is met below', () => {
  const withSsh = shipped.filter((id) => /^ssh:$/m.test(readFileSync(join(folder, `${id}.yaml`), 'utf8')))
  assert.deepEqual(withSsh.sort(), Object.keys(shells).sort())
})

describe('an installation with every persona that has a shell', () => {
  let site: Installation
  let ports: Map<string, number>
  const named = Object.keys(shells)

  before(async () => {
    const free = await freePorts(named.length)
    ports = new Map(named.map((id, nth) => [id, free[nth] as number]))
    site = await install({
      scenario: () => `kind: scenario
version: 1
name: personas
title: { zh: 全部, en: All }
scopes: [{ path: group, name: { zh: 集团, en: Group } }]
decoys:
${named
  .map(
    (id) => `  - id: ${id.replaceAll('.', '-')}
    persona: ${id}
    scope: group
    services:
      - { service: ssh, port: 22, settings: { login: { accounts: [{ user: root, password: Given#2024 }], afterTries: { users: [guest], from: 2, to: 2 } } } }
`,
  )
  .join('')}placements:
${named.map((id) => `  - { relay: relay, decoy: ${id.replaceAll('.', '-')}, address: $bind, ports: { ssh: ${ports.get(id)} } }\n`).join('')}`,
    })
    await site.signIn()
  })
  after(() => site?.remove())

  /** Tries one password over keyboard-interactive alone; what the client said and printed. */
  const interactive = (password: string, user = 'root'): Promise<{ stdout: string; stderr: string }> =>
    execute(
      'sshpass',
      [
        ...['-p', password, 'ssh', ...sshQuiet, '-vv', '-o', 'PreferredAuthentications=keyboard-interactive', '-o', 'NumberOfPasswordPrompts=1'],
        ...['-p', String(ports.get('ubuntu-18.04')), '-l', user, '127.0.0.1', 'echo in'],
      ],
      { timeout: 30_000 },
    ).catch((error: { stdout: string; stderr: string }) => error)
  const attempts = async (password: string): Promise<unknown[]> => {
    const { events } = await site.call('events', { query: { kind: 'login.attempted', limit: 100 } })
    return events.filter(({ body }) => body.password === password).map(({ body }) => [body.method, body.user, body.outcome])
  }

  test('each lets its account in, and its shell says the system that it claims to be', async () => {
    for (const id of named) {
      const port = ports.get(id) as number
      assert.match(await sshRun(port, 'Given#2024', 'cat /etc/os-release'), shells[id] as RegExp, id)
      assert.equal((await sshRun(port, 'Given#2024', 'id -u; uname -s')).trim(), '0\nLinux', id)
    }
  })

  test('keyboard-interactive is offered where the host has it, each answer is captured, and the policy decides', async () => {
    const refused = await interactive('wrong-by-keyboard')
    assert.equal(refused.stdout, '')
    assert.match(refused.stderr, /can continue: publickey,password,keyboard-interactive\r?\n/)
    assert.match(refused.stderr, /num_prompts 1/)
    assert.match(refused.stderr, /Permission denied \(publickey,password,keyboard-interactive\)/)
    const accepted = await interactive('Given#2024')
    assert.equal(accepted.stdout, 'in\n', accepted.stderr.split('\n').slice(-4).join('\n'))
    // What lets in after tries counts those of this method too.
    assert.equal((await interactive('guess-1', 'guest')).stdout, '')
    await until('the attempts to be stored', async () => (await attempts('guess-1')).length > 0)
    assert.deepEqual(await attempts('wrong-by-keyboard'), [['keyboard-interactive', 'root', 'refused']])
    assert.ok((await attempts('Given#2024')).some((attempt) => JSON.stringify(attempt) === '["keyboard-interactive","root","accepted"]'))
    assert.deepEqual(await attempts('guess-1'), [['keyboard-interactive', 'guest', 'refused']])
    assert.match(
      await sshRun(ports.get('ubuntu-18.04') as number, 'Given#2024', 'grep -i challenge /etc/ssh/sshd_config'),
      /^ChallengeResponseAuthentication yes$/m,
    )
  })

  test('it is not offered where the host does not have it', async () => {
    const { stderr } = await execute(
      'ssh',
      [...sshQuiet, '-v', '-o', 'PreferredAuthentications=keyboard-interactive', '-o', 'BatchMode=yes', '-p', String(ports.get('centos-7')), 'root@127.0.0.1'],
      { timeout: 30_000 },
    ).catch((error: { stderr: string }) => error)
    assert.match(stderr, /can continue: publickey,password\r?\n/)
  })
})
