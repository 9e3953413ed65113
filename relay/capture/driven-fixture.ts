/** A segment with a relay of driver-fixture.ts on it, as a process of its own that may be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { IdleHost, Segment } from '@shenlou/contract/segment'
import { until } from '../idle/lan-fixture.ts'
import type { Drive } from './driver-fixture.ts'
import type { Probed } from './kernel.ts'
import type { StepName } from './steps.ts'

type Said =
  | { type: 'ready'; capture: number; shared: boolean; ms: number }
  | { type: 'health'; segments: { id: string; claimed: number; state: string; detail: string }[]; problems: string[]; rss: number; ms: number }
  | { type: 'line'; text: string }
  | { type: 'ended'; text: string }
  | { type: 'refused'; text: string }
  | { type: 'connection'; placement: string; source: string; observed?: { ja4t?: string } }
  | { type: 'datagrams'; sockets: number; ms: number }
  | { type: 'scanned'; rows: Probed[] }
  | { type: 'step'; name: StepName }
  | { type: 'released'; addresses: string[] }

export interface Driven {
  child: ChildProcess
  said: Said[]
  of<T extends Said['type']>(type: T): Extract<Said, { type: T }>[]
  /** Until so many hosts are claimed. */
  claimed(count: number): Promise<void>
  /** Of the capture process itself. */
  capturePid(): number
  readonly exited: Promise<number | null>
  /** Resolves to the exit code. */
  end(): Promise<number | null>
}

const code = fileURLToPath(new URL('driver-fixture.ts', import.meta.url))

/** `within` is a command that runs it in another namespace, such as `ip netns exec NAME`. */
export function drive(settings: Drive, within: readonly string[] = []): Driven {
  const [program = '', ...args] = [...within, process.execPath, code]
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const said: Said[] = []
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) said.push(JSON.parse(line) as Said)
  })
  child.stdin?.on('error', () => {})
  child.stdin?.write(`${JSON.stringify(settings)}\n`)
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const of: Driven['of'] = (type) => said.filter((one): one is Extract<Said, { type: typeof type }> => one.type === type)
  return {
    child,
    said,
    exited,
    of,
    claimed: (count) =>
      until(
        `${count} claims`,
        () => of('health').at(-1)?.segments[0]?.claimed === count,
        15_000,
        () => JSON.stringify(said.slice(-3)),
      ),
    capturePid() {
      // Its parent is what made its namespaces.
      const parent = of('ready')[0]?.capture ?? 0
      return Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')[0])
    },
    end() {
      child.stdin?.write('end\n')
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      return exited.finally(() => clearTimeout(timer))
    },
  }
}

export const hall = (device: string, network = '10.77.0.0/24', more: Partial<Segment> = {}): Segment => ({
  id: 'hall',
  interface: device,
  network,
  dhcpServers: [],
  exclusions: [],
  quietS: 5,
  quota: 65_536,
  dryRun: false,
  released: false,
  ...more,
})
/** The `nth` host of that network, of a vendor of its own. */
export const idle = (address: string, nth: number, more: Partial<IdleHost> = {}): IdleHost => {
  const vendors = ['00:1b:1b', '00:00:bc', '00:50:56', '00:80:f4', '00:0c:29', '3c:ec:ef', '00:30:de', '00:a0:45']
  const tail = nth.toString(16).padStart(6, '0').match(/../g)?.join(':')
  return { segment: 'hall', address, mac: `${vendors[nth % vendors.length]}:${tail}`, tcp: 'linux', closed: 'reset', ...more }
}
