/** The rows that a scenario stands for: segments, decoys, placements, known scanners. */
import { createHash } from 'node:crypto'
import { usualListener } from '@shenlou/contract/listener-kinds'
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { IdleHost, Segment } from '@shenlou/contract/segment'
import type { SegmentTemplate } from '@shenlou/contract/segment-template'
import { services } from '@shenlou/contract/services'
import type { SnmpSettings } from '@shenlou/contract/snmp'
import type { Organisation, ScenarioTemplate } from '@shenlou/contract/template'
import type { HostSteps } from '@shenlou/link/host-identity'
import { withDataPort } from './passive.ts'
import { expandSegment } from './segments.ts'

export interface WantedDecoy {
  id: string
  persona: string
  name: ScenarioTemplate['decoys'][number]['name'] | null
  scope: string
  host: string
  organisation: Organisation
  services: { service: string; port: number; settings: Record<string, unknown> }[]
  /** The plant of an industrial device, and which of its units each alias stands for. */
  plant: { id: string; template: string; units: Record<string, string> } | null
  /** Of a host of a segment: which, and what is seen of it from outside. */
  segment: string | null
  idle: Idle | null
}
/** What a relay is told of a host of a segment, and the name that goes with it. */
export interface Idle extends Omit<IdleHost, 'segment'> {
  hostname: string
  steps: HostSteps
}
export interface WantedSegment {
  id: string
  relay: string
  host: string
  scope: string
  name: SegmentTemplate['name']
  /** What the relay is told of it. */
  config: Omit<Segment, 'released'>
  realHosts: number | null
}
export interface WantedPlacement {
  id: string
  relay: string
  host: string
  decoy: string
  address: string
  port: number
  transport: string
  service: string
}
export interface Wanted {
  segments: WantedSegment[]
  /** Those written out and those of segments. */
  decoys: WantedDecoy[]
  placements: WantedPlacement[]
  scanners: (ScenarioTemplate['knownScanners'][number] & { scope: string })[]
}
/** What an installation fills in: the address that `$bind` stands for, and its own fictional group. */
export interface Site {
  bind: string
  organisation: Organisation
  /** The password that `$drawn` stands for. */
  password(decoy: string, user: string): string
  /** The site secret, from which the hosts of segments are drawn. */
  secret: Buffer
  personas: ReadonlyMap<string, PersonaTemplate>
}

type DecoyTemplate = ScenarioTemplate['decoys'][number]

/** The rows that a scenario stands for. */
export function wantedRows(written: ScenarioTemplate, site: Site): Wanted {
  const home = homeOf(written)
  const organisation = written.organisation ?? site.organisation
  const templates = new Map(written.decoys.map((decoy) => [decoy.id, withDataPort(written, decoy)]))
  const hostOf = new Map(written.placements.toReversed().map(({ decoy, host }) => [decoy, host]))
  const decoys = [...templates.values()].map(
    (decoy): WantedDecoy => ({
      id: decoy.id,
      persona: decoy.persona,
      name: decoy.name ?? null,
      scope: decoy.scope ?? home,
      host: hostOf.get(decoy.id) ?? 'decoys',
      organisation,
      services: drawnServices(decoy.id, decoy.services, site),
      plant: plantOf(written, decoy),
      segment: null,
      idle: null,
    }),
  )
  const placements = written.placements.flatMap((placement) => {
    const address = placement.address === '$bind' ? site.bind : placement.address
    return (templates.get(placement.decoy)?.services ?? []).map(({ service, port }) =>
      placementOf({ ...placement, address }, service, placement.ports[service] ?? port),
    )
  })
  for (const segment of written.segments) {
    const { relay, host } = segment
    const placed = written.placements.flatMap((each) => (each.relay === relay && each.address !== '$bind' && !each.address.includes(':') ? [each.address] : []))
    for (const made of expandSegment(segment, { ...site, organisation, placed }).hosts) {
      const { decoy: id, persona, entry, units, address, mac, hostname, tcp, closed, steps } = made
      const template = withDataPort(
        { ...written, decoys: [], placements: [] },
        { id, persona, units, services: entry.services, ...(entry.plant === undefined ? {} : { plant: entry.plant }) },
      )
      decoys.push({
        id,
        persona,
        name: null,
        scope: segment.scope ?? home,
        host,
        organisation,
        services: drawnServices(id, template.services, site),
        plant: plantOf(written, template),
        segment: segment.id,
        idle: { address, mac, hostname, tcp, closed, steps },
      })
      for (const { service, port } of template.services) placements.push(placementOf({ relay, host, decoy: id, address }, service, port))
    }
  }
  const segments = written.segments.map((segment) => wantedSegment(segment, home, decoys.filter((decoy) => decoy.segment === segment.id).length))
  return { segments, decoys, placements, scanners: written.knownScanners.map((entry) => ({ ...entry, scope: entry.scope ?? home })) }
}

const wantedSegment = (segment: SegmentTemplate, home: string, hosts: number): WantedSegment => ({
  id: segment.id,
  relay: segment.relay,
  host: segment.host,
  scope: segment.scope ?? home,
  name: segment.name,
  config: {
    id: segment.id,
    interface: segment.interface,
    ...(segment.vlan === undefined ? {} : { vlan: segment.vlan }),
    network: segment.network,
    ...(segment.gateway === undefined ? {} : { gateway: segment.gateway }),
    dhcpServers: segment.dhcp.servers,
    exclusions: [...segment.dhcp.pools.map((range) => ({ range, reason: 'dhcp-pool' as const, note: '' })), ...segment.exclude],
    quietS: quietSeconds(segment.quiet),
    quota: segment.quota ?? hosts,
    dryRun: segment.dryRun,
  },
  realHosts: segment.realHosts ?? null,
})

function placementOf(
  { relay, host, decoy, address }: { relay: string; host: string; decoy: string; address: string },
  service: string,
  port: number,
): WantedPlacement {
  const { transport } = services[service as keyof typeof services]
  const id = `p-${createHash('sha256').update([relay, address, port, transport, decoy, service].join('\0')).digest('hex').slice(0, 20)}`
  return { id, relay, host, decoy, address, port, transport, service }
}

/** Settings whole, with what an installation draws for itself put in. */
const drawnServices = (decoy: string, given: DecoyTemplate['services'], { password }: Site): WantedDecoy['services'] =>
  given.map(({ service, port, settings }) => {
    if (service === 'snmp') return { service, port, settings: drawnSnmp(services.snmp.settings.parse(settings), (name) => password(decoy, name)) }
    const checked = services[service as keyof typeof services].settings.parse(settings)
    // What is usual at the port that was meant, wherever a trial puts it.
    if (service === 'listener') return { service, port, settings: { as: usualListener(port), ...checked } }
    if (!('login' in checked)) return { service, port, settings: checked }
    const accounts = checked.login.accounts.map((account) =>
      account.password === '$drawn' ? { ...account, password: password(decoy, account.user) } : account,
    )
    return { service, port, settings: { ...checked, login: { ...checked.login, accounts } } }
  })

/** Communities and passwords of SNMP users that are `$drawn`: one a decoy for reading, one for writing, and one a user. */
function drawnSnmp({ communities, users }: SnmpSettings, password: (name: string) => string): SnmpSettings {
  const drawn = (value: string, name: string): string => (value === '$drawn' ? password(name) : value)
  const secret = <T extends { password: string } | undefined>(of: T, name: string): T => of && { ...of, password: drawn(of.password, name) }
  return {
    communities: {
      read: communities.read.map((community) => drawn(community, 'snmp read')),
      write: communities.write.map((community) => drawn(community, 'snmp write')),
    },
    users: users.map(({ auth, privacy, ...rest }) => ({
      ...rest,
      ...(auth ? { auth: secret(auth, `snmp ${rest.user}`) } : {}),
      ...(privacy ? { privacy: secret(privacy, `snmp ${rest.user} privacy`) } : {}),
    })),
  }
}

function plantOf(scenario: ScenarioTemplate, { plant, units }: ScenarioTemplate['decoys'][number]): WantedDecoy['plant'] {
  const named = scenario.plants.find(({ id }) => id === plant)
  return named ? { id: named.id, template: named.template, units } : null
}

/** The place of what a scenario gives none. */
const homeOf = ({ scopes }: ScenarioTemplate): string => scopes[0]?.path ?? 'group'

/** Every place that a scenario touches. */
export const placesOf = (scenario: ScenarioTemplate): string[] => [
  ...new Set([
    ...scenario.scopes.map(({ path }) => path),
    ...[...scenario.decoys, ...scenario.segments, ...scenario.knownScanners].map(({ scope }) => scope ?? homeOf(scenario)),
  ]),
]

const quietSeconds = (quiet: SegmentTemplate['quiet']): number =>
  'seconds' in quiet ? quiet.seconds : Math.round('minutes' in quiet ? quiet.minutes * 60 : quiet.hours * 3600)
