/** The door of the command line: what a newcomer meets when something is in the way. Each is one clear line and a failing exit code. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { freePorts, type Installation, install, root, until } from './installation.ts'

const entry = join(root, 'bin', 'shenlou.js')

interface Ended {
  code: number | null
  lines: string[]
}

/** Runs a command that is expected to end by itself. The last line of stderr is what a person reads. */
function run(args: string[], { prefix = [] as string[], env = {} as NodeJS.ProcessEnv } = {}): Ended {
  const [command = process.execPath, ...others] = [...prefix, process.execPath, entry, ...args]
  const { status, stderr, error } = spawnSync(command, others, { encoding: 'utf8', timeout: 60_000, env: { ...process.env, ...env } })
  if (error) throw error
  return { code: status, lines: stderr.split('\n').filter((line) => line.startsWith('shenlou: ')) }
}

/** A process's words; none when it is gone. */
const commandLine = (pid: string): string[] => {
  try {
    return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')]
  } catch {
    return []
  }
}

const freshFlags = async (data: string): Promise<string[]> => {
  const [http, sensors, tunnel, syslog] = await freePorts(4)
  return [
    `--data=${data}`,
    `--http=127.0.0.1:${http}`,
    `--sensors=127.0.0.1:${sensors}`,
    `--tunnel=127.0.0.1:${tunnel}`,
    `--syslog=127.0.0.1:${syslog}`,
    '--no-scenario',
  ]
}

describe('start', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'shenlou-start-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('help lists every command with one line each', () => {
    const { stdout, status } = spawnSync(process.execPath, [entry, '--help'], { encoding: 'utf8' })
    assert.equal(status, 0)
    for (const name of ['start', 'core', 'decoys', 'relay', 'plan', 'apply', 'enrol', 'token', 'backup', 'restore'])
      assert.match(stdout, new RegExp(`^ {2}${name} +\\S.{10,}$`, 'm'))
  })

  test('an unknown command, flag, value and config key are each named', () => {
    const config = join(folder, 'bad.yaml')
    writeFileSync(config, 'htttp: 127.0.0.1:80\n')
    assert.deepEqual(run(['strat']), { code: 2, lines: ["shenlou: there is no command 'strat'; 'shenlou --help' lists them"] })
    assert.match(run(['core', '--htttp', 'x']).lines[0] ?? '', /Unknown option '--htttp'/)
    assert.match(run(['core', '--http', 'nowhere']).lines[0] ?? '', /--http: must be HOST:PORT/)
    assert.match(run(['core'], { env: { SHENLOU_BIND: 'here' } }).lines[0] ?? '', /SHENLOU_BIND: must be an IP address/)
    assert.match(run(['core', '--config', config]).lines[0] ?? '', /config file .*bad\.yaml: 'htttp' is not a setting; known: data/)
    assert.match(run(['core', '--config', join(folder, 'none.yaml')]).lines[0] ?? '', /there is no such file/)
    assert.match(run(['start', '--http', '127.0.0.1:99999']).lines[0] ?? '', /--http: must have a port up to 65535/)
    assert.match(run(['start', 'again']).lines[0] ?? '', /'again' is one word too many; it is used as: shenlou start$/)
    assert.match(run(['core'], { env: { SHENLOU_BEHIND_PROXY: 'maybe' } }).lines[0] ?? '', /SHENLOU_BEHIND_PROXY: must be true or false/)
    const none = join(folder, 'none')
    for (const args of [
      ['persona', 'lint', none],
      ['plan', '-f', none],
      ['backup', '-f', none, '--passphrase', none],
      ['restore', '-f', none, '--passphrase', none],
    ])
      assert.deepEqual(run([...args, '--data', folder]), { code: 2, lines: [`shenlou: ${none}: there is no such file`] })
    assert.match(
      run(['token', 'create', '--name', 'x', '--permissions', 'event.read', '--scope', 'group', '--days', 'many']).lines[0] ?? '',
      /--days: must be a whole number/,
    )
  })

  test('each command says how it is used', () => {
    for (const name of [
      'start',
      'core',
      'decoys',
      'relay',
      'plan',
      'apply',
      'sensors',
      'placements',
      'enrol',
      'confirm',
      'revoke',
      'token',
      'persona',
      'audit',
    ]) {
      const { stdout, status } = spawnSync(process.execPath, [entry, name, '--help'], { encoding: 'utf8' })
      assert.equal(status, 0)
      assert.match(stdout, new RegExp(`^shenlou ${name}\\b.*\n\n\\S.{10,}\n`))
    }
  })

  test('a taken port is named with the setting that moves it', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((done) => server.once('listening', done))
    const { port } = server.address() as { port: number }
    try {
      const flags = (await freshFlags(join(folder, 'taken'))).map((flag) => (flag.startsWith('--http=') ? `--http=127.0.0.1:${port}` : flag))
      assert.deepEqual(run(['start', ...flags]), {
        code: 1,
        lines: [`shenlou: 127.0.0.1:${port} is taken by another program: end it, or choose another with --http HOST:PORT`],
      })
    } finally {
      server.close()
    }
  })

  test('a data folder that cannot be one, and one that may not be written, are each one line', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const blocked = run(['start', ...(await freshFlags(join(file, 'data')))])
    assert.equal(blocked.code, 1)
    assert.match(blocked.lines.join('\n'), /^shenlou: data folder .* is not a folder: choose another with --data$/)
    // Root may write anywhere, so the folder is a read-only mount of a namespace of its own.
    const readOnly = join(folder, 'read-only')
    mkdirSync(readOnly)
    const { code, lines } = run(['start', ...(await freshFlags(join(readOnly, 'data')))], {
      prefix: ['unshare', '-rm', 'sh', '-c', `mount -t tmpfs -o ro,size=1m none ${readOnly} && exec "$@"`, 'sh'],
    })
    assert.equal(code, 1)
    assert.match(lines.join('\n'), /^shenlou: data folder .* is on a read-only file system: choose another with --data$/)
  })

  test('a folder that can be nowhere, and an address that the machine lacks, are each one line', async () => {
    const nowhere = run(['start', ...(await freshFlags('/proc/foo/data'))])
    assert.deepEqual([nowhere.code, nowhere.lines], [1, ['shenlou: data folder /proc/foo/data cannot be made there: choose another with --data']])
    const flags = (await freshFlags(join(folder, 'lacking'))).filter((flag) => flag !== '--no-scenario')
    const lacking = run(['start', ...flags, '--bind=192.0.2.77'])
    assert.equal(lacking.code, 1)
    assert.match(lacking.lines.join('\n'), /^shenlou: this machine has no address 192\.0\.2\.77: choose one of its own with --bind ADDRESS$/)
  })

  test('a full disk is one line', async () => {
    const full = join(folder, 'full')
    mkdirSync(full)
    const { code, lines } = run(['start', ...(await freshFlags(join(full, 'data')))], {
      prefix: ['unshare', '-rm', 'sh', '-c', `mount -t tmpfs -o size=8m none ${full} && exec "$@"`, 'sh'],
    })
    assert.equal(code, 1)
    assert.match(lines.join('\n'), /^shenlou: data folder .* is on a full disk: free some space, or choose another with --data$/)
  })
})

test('a secret setting stands in no command line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-secret-'))
  // A database that takes the connection and says nothing keeps the core where it can be looked at.
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as { port: number }
  const started = spawn(process.execPath, [entry, 'start', ...(await freshFlags(join(folder, 'data')))], {
    env: { ...process.env, SHENLOU_DATABASE_URL: `postgres://u:sekret-pw@127.0.0.1:${port}/db` },
    stdio: 'ignore',
  })
  try {
    const core = await until('the core', () => {
      const lines = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? commandLine(name) : []))
      return lines.find((line) => line.includes(' core ') && line.includes(folder))
    })
    assert.ok(!core.includes('sekret'), core)
  } finally {
    started.kill()
    await new Promise((resolve) => started.once('exit', resolve))
    silent.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

describe('a running installation', () => {
  let site: Installation
  before(async () => {
    site = await install()
  })
  after(() => site?.remove())

  test('leaves the one-time password in a file that only its user may read, and never prints it off a terminal', () => {
    const file = join(site.data, 'first-password')
    const [, password = ''] = readFileSync(file, 'utf8').split('\n')
    assert.ok(password.length >= 16)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.ok(!site.output().includes(password))
    assert.ok(site.output().includes(file))
  })

  test('refuses a second start on the same folder', async () => {
    const { code, lines } = run(['start', ...(await freshFlags(site.data))])
    assert.equal(code, 1)
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /^shenlou: data folder .* is in use by process \d+: stop that one first, or choose another folder with --data$/)
    // With its ports too, as who types the same command again: not another program has them.
    const again = (await freshFlags(site.data)).map((flag) => (flag.startsWith('--http=') ? `--http=127.0.0.1:${site.ports.http}` : flag))
    assert.deepEqual(run(['start', ...again]), {
      code: 1,
      lines: [`shenlou: it is already running on data folder ${site.data}: end that one first, or choose another folder with --data`],
    })
  })

  test('stops in order at Ctrl-C, leaves no process, and finds all data at the next start', async () => {
    const { stdout: before } = await site.command('placements', '--json')
    const mark = site.data
    assert.equal(await site.stop(), 0)
    const left = spawnSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter((line) => line.includes(mark))
    assert.deepEqual(left, [])
    await site.restart()
    const { stdout: after } = await site.command('placements', '--json')
    const names = (text: string): unknown => JSON.parse(text).items.map(({ id, hostname }: { id: string; hostname: string }) => [id, hostname])
    assert.deepEqual(names(after), names(before))
  })

  test('a bad template names line and column and changes nothing', async () => {
    const file = join(site.data, 'bad.yaml')
    writeFileSync(
      file,
      'kind: scenario\nversion: 1\nname: bad\ntitle: { zh: 坏, en: Bad }\ndecoys:\n  - id: one\n    persona: windows-95\n    services:\n      - { service: ssh, port: 22 }\nplacements: []\n',
    )
    const { stdout: before } = await site.command('placements', '--json')
    const failed = await site.command('apply', '-f', file).then(
      () => undefined,
      (error: { stderr: string; code: number }) => error,
    )
    assert.equal(failed?.code, 1)
    assert.match(failed?.stderr ?? '', /bad\.yaml:7:14: decoys\.0\.persona: there is no persona 'windows-95'; known: /)
    assert.match(failed?.stderr ?? '', /nothing was changed/)
    assert.equal((await site.command('placements', '--json')).stdout, before)
  })

  test('plan shows what apply would do, and the same file twice changes nothing', async () => {
    const file = join(site.data, '..', 'scenario.yaml')
    const { stdout } = await site.command('plan', '-f', file)
    assert.match(stdout, /0 to create, 0 to change, 0 to remove/)
    const first = await site.command('apply', '-f', file)
    const second = await site.command('apply', '-f', file)
    assert.equal(first.stdout, second.stdout)
  })
})
