/** Starts the capture process of a relay, while that is still root: in a namespace of its own with its interfaces, or beside the machine's own where there is only one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, closeSync, constants, openSync } from 'node:fs'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isSea } from 'node:sea'
import { fileURLToPath } from 'node:url'
import { macOf } from './devices.ts'
import type { FromCapture, ToCapture } from './messages.ts'
import { captureUser, onlyCapabilities } from './privilege.ts'
import { packages, programPath, runProgram } from './program.ts'
import { noRuleset } from './ruleset.ts'
import { routeProtocol, type StepName } from './steps.ts'

export interface CaptureOptions {
  interfaces: readonly string[]
  /** It may stay this machine's own interface; else that is found out by the routes. */
  shared?: boolean | undefined
  /** Where the core is, as HOST:PORT, when that is known: an interface that leads there is not taken away. */
  core?: string | undefined
  /** State that `onSave` was given, by segment. */
  saved?: Record<string, string>
  log(line: string): void
  /** For tests: a segment goes no further once this step is taken. */
  pauseAfter?: StepName | undefined
  /** For tests: another program than the capture process of this installation. */
  program?: readonly string[]
}
export interface CaptureProcess {
  readonly shared: boolean
  readonly interfaces: readonly string[]
  /** Of the first process in its namespace; what it started is below. */
  readonly pid: number
  say(message: ToCapture): void
  onMessage(take: (message: FromCapture, handle: unknown) => void): void
  /** Resolves with one line when it ended, whoever ended it. */
  readonly ended: Promise<string>
  /** Lets go of everything in order; resolves when it is gone. */
  end(): Promise<void>
}

const waitMs = 15_000
const endMs = 10_000
const needed = Object.keys(packages)

/** Rejects with a line that says what to do. */
export async function startCapture({ interfaces, core, saved = {}, log, pauseAfter, program, ...options }: CaptureOptions): Promise<CaptureProcess> {
  if (process.platform !== 'linux') throw new Error('--capture works on Linux only')
  if (process.getuid?.() !== 0) throw new Error('--capture needs the relay to be started as root; it gives root up as soon as it has the interface')
  const missing = needed.filter((name) => !found(name))
  if (missing.length > 0)
    throw new Error(`--capture needs ${missing.join(', ')}; as root: apt-get install ${[...new Set(missing.map((name) => packages[name] ?? name))].join(' ')}`)
  for (const name of interfaces) await macOf(name)
  const ways = await waysOut(core)
  const inUse = interfaces.filter((name) => options.shared || ways.has(name))
  const shared = inUse.length > 0
  if (shared && inUse.length < interfaces.length)
    throw new Error(`--capture ${interfaces.join(',')}: ${inUse.join(',')} is also the way out of this machine; capture on it alone, or on the others alone`)
  if (shared)
    log(
      `${inUse.join(',')} stays this machine's own interface, as its way out: only single claimed addresses are routed here, and TCP windows are this machine's. A second interface for capture alone is safer`,
    )
  const own = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).filter(({ family }) => family === 'IPv4').map(({ address }) => address),
  )

  const guard = shared ? startGuard(interfaces) : undefined
  const child = spawnCapture(shared, program ?? captureProgram())
  const takers = new Set<(message: FromCapture, handle: unknown) => void>()
  let failed: string | undefined
  let said = ''
  let asked = false
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes: Buffer) => {
      said = (said + bytes).slice(-2000)
    })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`the capture process could not be started: ${error.message}`))
    child.once('exit', (code, signal) => {
      guard?.stdin?.end()
      const reason =
        failed ??
        said
          .trim()
          .split('\n')
          .findLast((line) => /error/i.test(line))
          ?.trim()
          .slice(0, 300) ??
        (signal ? `it was killed by ${signal}` : `it ended with ${code}`)
      resolve(asked && code === 0 ? 'it was asked to end' : `the capture process is gone: ${reason}`)
    })
  })
  const say = (message: ToCapture): void => {
    if (child.connected) child.send(message, () => {})
  }
  child.on('message', (message: FromCapture, handle) => {
    if (message.type === 'line') log(message.text)
    if (message.type === 'failed') failed = message.text
    for (const take of takers) take(message, handle)
  })
  const until = (type: FromCapture['type']): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => over(() => reject(new Error(`the capture process did not get ready within ${waitMs / 1000} s`))), waitMs)
      const take = (message: FromCapture): void => {
        if (message.type === type) over(resolve)
      }
      const over = (then: () => void): void => {
        clearTimeout(timer)
        takers.delete(take)
        then()
      }
      takers.add(take)
      void ended.then((line) => over(() => reject(new Error(line))))
    })

  try {
    await until('waiting')
    if (!shared) for (const name of interfaces) await runProgram('ip', ['link', 'set', name, 'netns', String(child.pid)])
    const ready = until('health')
    say({ type: 'begin', interfaces: [...interfaces], shared, own, saved, pauseAfter })
    await ready
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return {
    shared,
    interfaces,
    pid: child.pid ?? 0,
    say,
    onMessage: (take) => void takers.add(take),
    ended,
    async end() {
      asked = true
      say({ type: 'end' })
      const timer = setTimeout(() => child.disconnect(), endMs)
      await ended
      clearTimeout(timer)
    },
  }
}

const found = (name: string): boolean =>
  programPath.split(':').some((folder) => {
    try {
      accessSync(`${folder}/${name}`, constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** What capture makes is short-lived or lives as long as itself; without bounds Node lets garbage grow with the machine's memory. */
const heapFlags = ['--max-old-space-size=256', '--max-semi-space-size=2']
const captureProgram = (): string[] => [process.execPath, ...(isSea() ? ['capture'] : [...heapFlags, fileURLToPath(new URL('main.ts', import.meta.url))])]

/** Interfaces over which this machine reaches others: by its default routes, and the core. */
async function waysOut(core: string | undefined): Promise<Set<string>> {
  const devices = async (args: string[]): Promise<string[]> => {
    const text = await runProgram('ip', ['-j', ...args]).catch(() => '[]')
    return (JSON.parse(text || '[]') as { dev?: string }[]).flatMap(({ dev }) => dev ?? [])
  }
  const host = core?.slice(0, core.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  return new Set([...(await devices(['route', 'show', 'default'])), ...(host && isIP(host) ? await devices(['route', 'get', host]) : [])])
}

/**
 * The namespace has no name and no other process, so it is gone with this one and its children. Those are killed with it by a process namespace: one that
 * stayed would keep the interface.
 */
function spawnCapture(shared: boolean, program: readonly string[]): ChildProcess {
  const capabilities = ['net_admin', 'net_raw', ...(shared ? ['net_bind_service'] : [])]
  const spaces = ['unshare', ...(shared ? [] : ['--net']), '--pid', '--fork', '--kill-child=KILL', '--']
  const args = ['--pdeathsig=KILL', '--', ...spaces, 'setpriv', ...onlyCapabilities(captureUser, capabilities), '--', ...program]
  const machine = openSync('/proc/self/ns/net', 'r')
  const child = spawn('setpriv', args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', machine],
    env: { PATH: programPath, NODE_OPTIONS: '' },
    cwd: '/',
    detached: true,
  })
  closeSync(machine)
  return child
}

/** Outlives both on a shared interface, and takes away what they set up there when the pipe to it is closed, however that came about. */
function startGuard(interfaces: readonly string[]): ChildProcess {
  const script = [
    'cat > /dev/null',
    `ip route flush table local proto ${routeProtocol}`,
    `printf '${noRuleset('shenlou_shared').replaceAll('\n', '\\n')}' | nft -f -`,
    ...interfaces.map((name) => `ip link set ${name} promisc off`),
  ].join('\n')
  const privileges = onlyCapabilities(captureUser, ['net_admin']).filter((option) => !option.startsWith('--pdeathsig'))
  const guard = spawn('setpriv', [...privileges, '--', '/bin/sh', '-c', script], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: programPath },
    cwd: '/',
    detached: true,
  })
  guard.on('error', () => {})
  guard.stdin?.on('error', () => {})
  guard.unref()
  return guard
}
