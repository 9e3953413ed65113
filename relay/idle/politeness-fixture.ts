/** A segment's engine with a clock that is turned by hand, and neighbours that answer its probes. */
import type { IdleHost, Segment } from '@shenlou/contract/segment'
import { addressNumber, addressText } from './addresses.ts'
import { startPoliteness } from './politeness.ts'
import type { IdleDraft, Politeness, PolitenessOptions } from './politeness-types.ts'

export const ip = (text: string): number => addressNumber(text) ?? -1
export const hostsOf = (network: string, count: number, from = 1): IdleHost[] =>
  Array.from({ length: count }, (_, nth) => {
    const number = ip(network.split('/')[0] ?? '') + from + nth
    const tail = (number % 65_536).toString(16).padStart(4, '0')
    return { segment: 'office', address: addressText(number), mac: `00:1b:1b:00:${tail.slice(0, 2)}:${tail.slice(2)}`, tcp: 'linux', closed: 'reset' }
  })
export const office = (over: Partial<Segment> = {}): Segment => ({
  id: 'office',
  interface: 'eth0',
  network: '10.1.2.0/24',
  dhcpServers: [],
  exclusions: [],
  quietS: 60,
  quota: 256,
  dryRun: false,
  released: false,
  ...over,
})

export interface Bench {
  engine: Politeness
  now(): number
  /** Addresses that the kernel answers for. */
  claimed: Set<number>
  events: IdleDraft[]
  heals: { address: number; mac: number }[]
  servers: number[]
  probes: number[]
  /** Who answers probes: MAC by address. */
  answers: Map<number, number>
  /** Lets time pass in ticks of `stepS` seconds; probes are answered within each. */
  pass(seconds: number, stepS?: number): void
  /** Carries out what the engine wants now. */
  carry(): void
  said(kind: IdleDraft['kind']): IdleDraft[]
}

export function openBench(segment: Segment, hosts: readonly IdleHost[], more: Partial<PolitenessOptions> = {}, startMs = 1_000_000): Bench {
  let now = startMs
  const engine = startPoliteness({ segment, hosts, now, deviceMac: '02:00:00:00:00:01', own: ['10.1.2.250'], ...more })
  const bench: Bench = {
    engine,
    now: () => now,
    claimed: new Set(),
    events: [],
    heals: [],
    servers: [],
    probes: [],
    answers: new Map(),
    pass(seconds, stepS = 1) {
      for (let passed = 0; passed < seconds; passed += stepS) {
        now += stepS * 1000
        engine.tick(now)
        bench.carry()
      }
    },
    carry() {
      const acts = engine.take()
      for (const address of acts.releases) bench.claimed.delete(address)
      for (const { address } of acts.claims) bench.claimed.add(ip(address))
      bench.events.push(...acts.events)
      bench.heals.push(...acts.heals)
      bench.servers.push(...acts.servers)
      bench.probes.push(...acts.probes)
      if (acts.probes.length === 0) return
      for (const address of acts.probes) {
        const mac = bench.answers.get(address)
        if (mac !== undefined) engine.seen(address, mac, 'probe', now)
      }
      engine.clean(
        acts.probes.filter((address) => !bench.answers.has(address)),
        now,
      )
      bench.carry()
    },
    said: (kind) => bench.events.filter((event) => event.kind === kind),
  }
  return bench
}
