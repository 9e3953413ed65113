/** Where each relay answers, and who could prove it: read from the database, chosen among what is connected. */
import { BlockList, isIP } from 'node:net'
import type { SensorHealth } from '@shenlou/contract/sensor'
import { settingDefaults } from '@shenlou/contract/setting-ranges'
import type { Core } from '../core.ts'

/** One thing of a relay that can go blind by itself: a segment, or an address that it listens on. */
export interface ProofPath {
  relay: string
  scope: string
  /** `segment NAME`, or an address. */
  path: string
  configVersion: number
  intervalMs: number
}
export interface Place {
  address: string
  port: number
}
export interface Prober {
  id: string
  scope: string
  networks: string[]
}
/** What is known of a prober and a path. */
export type Reach = 'reached' | 'failed' | 'untried'

/** Addresses of one relay that are proved each by itself; of the rest one is drawn at a time. */
const most = 16
const rest = 'others'

/** Paths of all confirmed relays that are connected and have what they were told to answer. */
export async function readPaths({ sql }: Pick<Core, 'sql'>): Promise<ProofPath[]> {
  const rows = await sql<
    {
      id: string
      scope: string
      segments: string[] | null
      addresses: string[] | null
      configVersion: number | null
      interval: number | null
      health: SensorHealth | null
    }[]
  >`
    select sensor.id, sensor.scope, sensor.config_version as "configVersion", sensor.health,
      coalesce((sensor.settings->>'proofIntervalS')::int, (sensor_group.settings->>'proofIntervalS')::int) as interval,
      (select array_agg(segment.id order by segment.id) from segment where segment.relay = sensor.name and not segment.released) as segments,
      (select array_agg(distinct placement.address) from placement join decoy on decoy.id = placement.decoy and decoy.secrets is not null and decoy.idle is null
        where placement.relay = sensor.name and placement.transport = 'tcp') as addresses
    from sensor left join sensor_group on sensor_group.name = sensor.group_name
    where sensor.role = 'relay' and sensor.status = 'confirmed' and sensor.connected`
  return rows.flatMap(({ id, scope, segments, addresses, configVersion, interval, health }) => {
    // A segment that answers nothing by intent is no eye that could be shut.
    const answering = (segments ?? []).filter((segment) =>
      health?.segments?.some((each) => each.id === segment && each.claimed > 0 && each.state !== 'dry-run'),
    )
    const single = (addresses ?? []).sort().slice(0, most)
    const paths = [...answering.map((segment) => `segment ${segment}`), ...single, ...((addresses ?? []).length > most ? [rest] : [])]
    const common = { relay: id, scope, configVersion: configVersion ?? 0, intervalMs: (interval ?? settingDefaults.proofIntervalS) * 1000 }
    return paths.map((path) => ({ ...common, path }))
  })
}

/** A place of the path, drawn anew each time; undefined when there is none just now. */
export async function drawPlace({ sql }: Pick<Core, 'sql'>, { relay, path }: ProofPath): Promise<Place | undefined> {
  const segment = path.startsWith('segment ') ? path.slice(8) : undefined
  const where =
    segment !== undefined
      ? sql`decoy.segment = ${segment} and exists (select from segment_address as known where known.segment = ${segment}
          and known.address = placement.address::inet and known.state = 'claimed')`
      : path === rest
        ? sql`decoy.idle is null`
        : sql`decoy.idle is null and placement.address = ${path}`
  const [row] = await sql<Place[]>`
    select placement.address, placement.port from placement join sensor on sensor.name = placement.relay and sensor.id = ${relay}
    join decoy on decoy.id = placement.decoy and decoy.secrets is not null
    where placement.transport = 'tcp' and ${where} order by random() limit 1`
  return row
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1'
const isAny = (address: string): boolean => address === '0.0.0.0' || address === '::'

/** Whether an address lies in one of these networks, each an interface's address with its prefix. */
export function isNeighbour(address: string, networks: readonly string[]): boolean {
  const list = new BlockList()
  for (const network of networks) {
    const [base = '', prefix] = network.split('/')
    const family = isIP(base)
    if (family !== 0 && Number(prefix) > 0 && Number(prefix) <= (family === 4 ? 32 : 128)) list.addSubnet(base, Number(prefix), family === 4 ? 'ipv4' : 'ipv6')
  }
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** A relay that listens on all addresses is touched at its first one. */
export function reachable(address: string, networks: readonly string[]): string {
  if (!isAny(address)) return address
  const own = networks.map((network) => network.split('/')[0] ?? '').filter((each) => isIP(each) === isIP(address))
  return own.find((each) => !isLoopback(each)) ?? own[0] ?? (isIP(address) === 6 ? '::1' : '127.0.0.1')
}

export interface Choice {
  prober: string
  /** The relay touches itself. */
  inside: boolean
  /** Its failure says that the relay is blind: it is a neighbour, or it came through before. Else it only tries. */
  counts: boolean
}

/**
 * Who may prove a place, best first: neighbours, then those of the same park that came through before, then those that were not tried
 * yet (one a time), then the relay itself.
 */
export function probersFor(path: ProofPath, address: string, probers: readonly Prober[], reach: (prober: string) => Reach): Choice[] {
  const own = probers.find(({ id }) => id === path.relay)
  // A private address is another host at another place, and a loopback address on another machine.
  const same = isLoopback(address) ? [] : probers.filter(({ id, scope }) => id !== path.relay && scope === path.scope)
  const shuffled = <T>(all: T[]): T[] =>
    all
      .map((each) => ({ each, at: Math.random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ each }) => each)
  const neighbours = shuffled(same.filter(({ networks }) => isNeighbour(address, networks)))
  const rest = shuffled(same.filter((each) => !neighbours.includes(each)))
  const from = ({ id }: Prober, counts: boolean): Choice => ({ prober: id, inside: false, counts })
  return [
    ...neighbours.map((each) => from(each, true)),
    ...rest.filter(({ id }) => reach(id) === 'reached').map((each) => from(each, true)),
    ...rest
      .filter(({ id }) => reach(id) === 'untried')
      .map((each) => from(each, false))
      .slice(0, 1),
    ...(own ? [{ prober: own.id, inside: true, counts: isNeighbour(address, own.networks) || reach(own.id) === 'reached' }] : []),
  ]
}
