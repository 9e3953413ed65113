/**
 * A park made of network namespaces, with the whole product in it: a bridge with attackers and real hosts, a relay machine with one interface there for capture and
 * another to the core, and the core's machine with its database and a decoy host. Names carry this process's id; all of it is gone after `close`.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { RouteAnswer, RouteBody, RouteName, RouteQuery } from '@shenlou/contract/api'
import type { StoredEvent } from '@shenlou/contract/event'
import type { SegmentHealth } from '@shenlou/contract/segment'
import type { PlannedSegment } from '@shenlou/contract/template'
import { askCore } from '@shenlou/core/admin-socket'
import { type Lan, type LanHost, noLan, openLan } from '../relay/idle/lan-fixture.ts'
import { root, until } from './installation.ts'

const entry = join(root, 'bin', 'shenlou.js')
const execute = promisify(execFile)
const coreAddress = '10.99.0.1'
const roles = ['core', 'decoys', 'relay'] as const
type Role = (typeof roles)[number]

export interface Park {
  lan: Lan
  /** For what a test writes; anybody may read it. */
  folder: string
  call<N extends RouteName>(name: N, given?: { params?: Record<string, string>; query?: RouteQuery<N>; body?: RouteBody<N> }): Promise<RouteAnswer<N>>
  /** A command of the command line, on the core's machine or the relay's. Resolves to what it printed. */
  command(machine: 'core' | 'relay', ...args: string[]): Promise<string>
  plan(scenario: string): Promise<PlannedSegment[]>
  apply(scenario: string): Promise<void>
  /** Health of the relay's segments, as the core was told. */
  segments(): Promise<SegmentHealth[]>
  /** Until so many addresses are claimed, and the core knows. */
  claimed(count: number, withinMs?: number): Promise<void>
  /** Events of a kind, oldest first, once there are some that `which` wants. */
  event<T = Record<string, unknown>>(kind: string, which: (event: StoredEvent & { body: T }) => boolean, withinMs?: number): Promise<StoredEvent & { body: T }>
  events(kind?: string): Promise<StoredEvent[]>
  process(role: Role): ChildProcess
  said(role: Role): string
  /** kill -9; resolves when it is gone. */
  kill(role: Role): Promise<void>
  start(role: Role): Promise<void>
  /** Runs on the relay's machine as its root. */
  onRelayMachine(...args: string[]): { status: number | null; text: string }
  close(): Promise<void>
}

export interface Used {
  status: number | null
  /** Of both its outputs. */
  text: string
}
/** Runs an attacker's program in a host's namespace, for a minute at most. Resolves whatever it ended with. */
export async function use(host: LanHost, ...args: string[]): Promise<Used> {
  const child = host.start('timeout', '60', ...args)
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, text }
}

export interface Dump {
  /** Ends it. Resolves to its lines: seconds, then as `tcpdump -n -e` writes them. */
  stop(): Promise<{ at: number; text: string }[]>
}
/** What tcpdump sees at a host's interface: the judge of these tests. */
export async function dump(host: LanHost, ...filter: string[]): Promise<Dump> {
  const child = host.start('tcpdump', '-i', 'eth0', '-n', '-e', '-tt', '-l', '-s', '200', '--immediate-mode', '-B', '4096', ...filter)
  let [text, said] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    said += part
  })
  await until('tcpdump to listen', () => said.includes('listening on'))
  return {
    async stop() {
      const gone = once(child, 'close')
      child.kill('SIGINT')
      await gone
      if (!/^0 packets dropped by kernel/m.test(said)) throw new Error(`tcpdump has not seen all: ${said}`)
      return text
        .trim()
        .split('\n')
        .map((line) => ({ at: Number(line.slice(0, line.indexOf(' '))), text: line.slice(line.indexOf(' ') + 1) }))
    },
  }
}

/**
 * Throws where this machine cannot make namespaces, so that nobody takes a run without them for a good one. `relay` are the words that start a relay with its data
 * in the given folder and `eth1` for capture; without it, the sources'.
 */
export async function openPark({ relay }: { relay?: (data: string) => string[] } = {}): Promise<Park> {
  const reason = noLan()
  if (reason) throw new Error(`the park needs ${reason}; run this test as root on Linux`)
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-park-'))
  // The relay gives root up and must still reach its folder.
  chmodSync(folder, 0o755)
  const lan = openLan()
  const spaces: string[] = []
  const running = new Map<Role, { child: ChildProcess; said: string }>()
  const tokens = new Map<Role, string>()
  const data = { core: join(folder, 'core'), relay: join(folder, 'relay') }

  const ip = (...args: string[]): void => {
    const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8', timeout: 10_000 })
    if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`)
  }
  const space = (name: string): string => {
    const full = `sl${name}${process.pid}`
    ip('netns', 'add', full)
    spaces.push(full)
    ip('-n', full, 'link', 'set', 'lo', 'up')
    return full
  }

  async function close(): Promise<void> {
    for (const role of roles.toReversed()) {
      const child = running.get(role)?.child
      if (!child || child.exitCode !== null || child.signalCode !== null) continue
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await gone
      clearTimeout(timer)
    }
    await lan.close()
    for (const name of spaces) spawnSync('ip', ['netns', 'del', name])
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    const machine = { core: space('core'), relay: space('rel') }
    const link = `slu${process.pid}`
    ip('-n', machine.core, 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', link, 'netns', machine.relay)
    ip('-n', machine.relay, 'link', 'set', link, 'name', 'eth0')
    ip('-n', machine.core, 'address', 'add', `${coreAddress}/24`, 'dev', 'up0')
    ip('-n', machine.relay, 'address', 'add', '10.99.0.2/24', 'dev', 'eth0')
    ip('-n', machine.core, 'link', 'set', 'up0', 'up')
    ip('-n', machine.relay, 'link', 'set', 'eth0', 'up')

    const launch = async (role: Role): Promise<void> => {
      const at = role === 'relay' ? 'relay' : 'core'
      if (role === 'relay') {
        // With the namespace that held it the former one went.
        lan.plugIn()
        ip('link', 'set', lan.interface, 'netns', machine.relay)
        ip('-n', machine.relay, 'link', 'set', lan.interface, 'name', 'eth1')
      }
      const flags = {
        core: [`--sensors=${coreAddress}:7444`, `--tunnel=${coreAddress}:7443`, '--syslog=off', '--no-scenario'],
        decoys: [],
        relay: ['--capture=eth1'],
      }[role]
      const token = tokens.get(role)
      const words = role === 'relay' && relay ? relay(data.relay) : [process.execPath, entry, role, `--data=${data[at]}`, ...flags]
      const child = spawn('ip', ['netns', 'exec', machine[at], ...words], {
        cwd: folder,
        env: { ...process.env, ...(token ? { SHENLOU_TOKEN: token } : {}) },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const entryOf = { child, said: '' }
      running.set(role, entryOf)
      for (const stream of [child.stdout, child.stderr])
        stream?.setEncoding('utf8').on('data', (text: string) => {
          entryOf.said = (entryOf.said + text).slice(-100_000)
        })
      await until(`the ${role} to be ready`, () => child.exitCode !== null || / ready \{/.test(entryOf.said), 60_000).catch(() => {})
      if (!/ ready \{/.test(entryOf.said)) throw new Error(`the ${role} did not get ready: ${entryOf.said}`)
    }

    const park: Park = {
      lan,
      folder,
      call: (name, given = {}) => askCore(join(data.core, 'core'), name, given as never),
      async command(at, ...args) {
        const { stdout } = await execute('ip', ['netns', 'exec', machine[at], process.execPath, entry, ...args, `--data=${data[at]}`], {
          cwd: folder,
          maxBuffer: 64 * 1024 * 1024,
        })
        return stdout
      },
      plan: async (text) => (await park.call('planTemplate', { body: { text, full: true } })).segments,
      async apply(text) {
        const file = join(folder, 'park.yaml')
        writeFileSync(file, text)
        await park.command('core', 'apply', '-f', file)
      },
      async segments() {
        return (await park.call('sensors')).items.find(({ role }) => role === 'relay')?.segments ?? []
      },
      async claimed(count, withinMs = 60_000) {
        let seen: SegmentHealth[] = []
        await until(
          `${count} addresses to be claimed`,
          async () => {
            seen = await park.segments()
            return seen.reduce((sum, { claimed }) => sum + claimed, 0) === count
          },
          withinMs,
        ).catch((error: Error) => {
          throw new Error(`${error.message}\n${JSON.stringify(seen)}\n${park.said('relay').slice(-3000)}`)
        })
      },
      async events(kind) {
        const all: StoredEvent[] = []
        for (let after = 0; ; ) {
          const { events } = await park.call('events', { query: { after, limit: 500, ...(kind ? { kind } : {}) } as never })
          all.push(...events)
          const last = events.at(-1)
          if (!last) return all
          after = last.position
        }
      },
      event: (kind, which, withinMs = 20_000) =>
        until(`an event ${kind}`, async () => (await park.events(kind)).find((event) => which(event as never)) as never, withinMs),
      process: (role) => running.get(role)?.child as ChildProcess,
      said: (role) => running.get(role)?.said ?? '',
      async kill(role) {
        const child = park.process(role)
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      },
      start: launch,
      onRelayMachine(...args) {
        const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', machine.relay, ...args], { encoding: 'utf8', timeout: 20_000 })
        return { status, text: `${stdout}${stderr}` }
      },
      close,
    }

    await launch('core')
    for (const [role, name] of [
      ['decoys', 'decoys'],
      ['relay', 'park-relay'],
    ] as const) {
      const { token } = await park.call('issueEnrolment', { body: { role, name, scope: 'group', network: '10.99.0.0/24', minutes: 10 } })
      tokens.set(role, token)
      await launch(role)
      tokens.delete(role)
      const sensor = (await park.call('sensors')).items.find((one) => one.name === name)
      const { fingerprint } = JSON.parse(/ ready (\{.*\})/.exec(park.said(role))?.[1] ?? '{}') as { fingerprint?: string }
      await park.call('confirmSensor', { params: { id: sensor?.id ?? '' }, body: { fingerprint: fingerprint ?? '' } })
    }
    return park
  } catch (error) {
    await close()
    throw error
  }
}
