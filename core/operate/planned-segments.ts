/** Segments as a plan shows them: every address, persona, MAC, name and port before anything answers, what is left out and why. */
import type { PersonaTemplate } from '@shenlou/contract/persona'
import { type UnseenKind, unseenKinds } from '@shenlou/contract/segment-template'
import { type PlannedHost, type PlannedSegment, type ScenarioTemplate } from '@shenlou/contract/template'
import { networkOf, rangeOf, toNumber } from './ipv4.ts'
import type { Plan } from './plan.ts'
import { coveredBy, roomOf } from './segments.ts'
import type { WantedDecoy, WantedPlacement } from './wanted.ts'

/** Hosts of a segment that are shown where not all were asked for. */
const shownHosts = 48

export function plannedSegments(scenario: ScenarioTemplate, plan: Plan, personas: ReadonlyMap<string, PersonaTemplate>, full: boolean): PlannedSegment[] {
  const hosts = new Map<string, WantedDecoy[]>()
  for (const decoy of plan.wanted.decoys) {
    if (decoy.segment === null) continue
    const of = hosts.get(decoy.segment)
    if (of) of.push(decoy)
    else hosts.set(decoy.segment, [decoy])
  }
  const ports = new Map<string, WantedPlacement[]>()
  for (const placement of plan.wanted.placements) {
    const of = ports.get(placement.decoy)
    if (of) of.push(placement)
    else ports.set(placement.decoy, [placement])
  }
  const settings = new Map(plan.wanted.segments.map(({ id, config }) => [id, config]))
  return scenario.segments.map((segment): PlannedSegment => {
    const config = settings.get(segment.id)
    const mine = hosts.get(segment.id) ?? []
    const placed = scenario.placements.flatMap(({ relay, address }) => (relay === segment.relay ? [address] : []))
    const { network, usable, fixed, listed } = roomOf(segment, placed)
    const out = coveredBy(network, [...fixed, ...listed])
      .subarray(1, -1)
      .reduce((sum, bit) => sum + bit, 0)
    const counts = new Map<string, number>()
    for (const { persona } of mine) counts.set(persona, (counts.get(persona) ?? 0) + 1)
    const shown = full ? mine : spread(mine, shownHosts)
    return {
      id: segment.id,
      name: segment.name,
      relay: segment.relay,
      interface: segment.interface,
      ...(segment.vlan === undefined ? {} : { vlan: segment.vlan }),
      network: segment.network,
      dryRun: segment.dryRun,
      quietS: config?.quietS ?? 0,
      quota: config?.quota ?? 0,
      addresses: usable,
      total: mine.length,
      out,
      idle: Math.max(0, usable - out - mine.length),
      mix: [...counts].map(([persona, count]) => ({ persona, product: productOf(personas.get(persona)), hosts: count })).sort((a, b) => b.hosts - a.hosts),
      vendors: new Set(mine.map(({ persona }) => personas.get(persona)?.hardware.vendor)).size,
      hosts: shown.map((decoy): PlannedHost => {
        const { address = '', mac = '', hostname = '', tcp = 'linux' } = decoy.idle ?? {}
        const answers = (ports.get(decoy.id) ?? []).toSorted((a, b) => a.port - b.port).map(({ port, transport, service }) => `${port}/${transport} ${service}`)
        return { address, mac, persona: decoy.persona, hostname, ports: answers, tcp, action: plan.actions.get(decoy.id) ?? 'create' }
      }),
      excluded: excludedOf(segment, placed),
      unseen: unseenOf(segment),
    }
  })
}

const productOf = (persona: PersonaTemplate | undefined): string => (persona ? `${persona.hardware.vendor} ${persona.hardware.model}` : '')

/** The first, the last and some in between, so that a short table shows the whole network. */
const spread = <T>(rows: readonly T[], most: number): T[] =>
  rows.length <= most ? [...rows] : Array.from({ length: most }, (_, at) => rows[Math.round((at * (rows.length - 1)) / (most - 1))] as T)

function excludedOf(segment: ScenarioTemplate['segments'][number], placed: readonly string[]): PlannedSegment['excluded'] {
  const { from, to, prefix } = networkOf(segment.network)
  const size = (text: string): number => {
    const range = rangeOf(text)
    return range ? range.to - range.from + 1 : 0
  }
  const inside = placed.filter((address) => !address.includes(':') && address !== '$bind' && toNumber(address) >= from && toNumber(address) <= to)
  return [
    { range: segment.network, addresses: 2, reason: 'network', note: `first and last of /${prefix}` },
    ...(segment.gateway === undefined ? [] : [{ range: segment.gateway, addresses: 1, reason: 'gateway', note: '' }]),
    ...segment.dhcp.servers.map((range) => ({ range, addresses: 1, reason: 'dhcp-server', note: '' })),
    ...segment.dhcp.pools.map((range) => ({ range, addresses: size(range), reason: 'dhcp-pool', note: '' })),
    ...segment.exclude.map(({ range, reason, note }) => ({ range, addresses: size(range), reason, note })),
    ...[...new Set(inside)].map((range) => ({ range, addresses: 1, reason: 'placement', note: 'placed by hand in this scenario' })),
  ]
}

/** A tagged interface carries one segment and nothing of the others; of the rest no port of a switch is told. */
const unseenOf = (segment: ScenarioTemplate['segments'][number]): UnseenKind[] =>
  unseenKinds.filter((kind) => kind !== 'other-vlans' || segment.vlan === undefined)
