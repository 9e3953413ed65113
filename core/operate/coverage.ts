/** How well each segment is covered: who answers, what an attacker touches before anything real, and what nobody sees. */
import type { RouteAnswer } from '@shenlou/contract/api'
import { type AddressState, addressStates, type CoverageSegment } from '@shenlou/contract/coverage'
import type { Segment, SegmentHealth, YieldReason } from '@shenlou/contract/segment'
import type { SensorHealth } from '@shenlou/contract/sensor'
import type { Actor } from '../actor.ts'
import type { Core } from '../core.ts'
import { visibleTo } from '../store/visible.ts'
import { type Field, simulateTouches, touchesAscending, touchesAtRandom } from './coverage-model.ts'
import { type Addresses, readAddresses } from './segment-addresses.ts'
import { toNumber } from './ipv4.ts'

interface Row {
  id: string
  relay: string
  host: string
  scope: string
  name: { zh: string; en: string }
  config: Omit<Segment, 'released'>
  realHosts: number | null
  released: boolean
  releasedAt: number | null
  releasedBy: string | null
  releasedReason: string | null
  connected: boolean | null
  health: SensorHealth | null
}
interface Offer {
  segment: string
  decoy: string
  port: number
  transport: 'tcp' | 'udp'
  service: string
}

/** What worms and people who move sideways knock at first; a segment where nobody offers one is blind to who asks for nothing else. */
const knockedAt = [
  { port: 445, transport: 'tcp', name: 'smb' },
  { port: 3389, transport: 'tcp', name: 'rdp' },
  { port: 22, transport: 'tcp', name: 'ssh' },
  { port: 80, transport: 'tcp', name: 'http' },
  { port: 443, transport: 'tcp', name: 'https' },
  { port: 23, transport: 'tcp', name: 'telnet' },
  { port: 1433, transport: 'tcp', name: 'mssql' },
  { port: 3306, transport: 'tcp', name: 'mysql' },
  { port: 6379, transport: 'tcp', name: 'redis' },
  { port: 102, transport: 'tcp', name: 's7comm' },
  { port: 502, transport: 'tcp', name: 'modbus' },
  { port: 161, transport: 'udp', name: 'snmp' },
] as const

const simulatedRounds = 400

/** Route `coverage`. */
export async function coverage(core: Core, actor: Actor): Promise<RouteAnswer<'coverage'>> {
  const { sql } = core
  const rows = await sql<Row[]>`
    select segment.id, segment.relay, segment.host, segment.scope, segment.name, segment.config, segment.real_hosts as "realHosts", segment.released,
      (extract(epoch from segment.released_at) * 1000)::float8 as "releasedAt", segment.released_by as "releasedBy", segment.released_reason as "releasedReason",
      sensor.connected, sensor.health
    from segment left join sensor on sensor.name = segment.relay and sensor.role = 'relay' and sensor.status = 'confirmed'
    where ${visibleTo(sql, actor, 'segment.scope')} order by segment.id`
  const offers = await sql<Offer[]>`
    select decoy.segment, decoy.id as decoy, placement.port, placement.transport, placement.service from placement join decoy on decoy.id = placement.decoy
    where decoy.segment = any(${rows.map(({ id }) => id)})`
  const offered = new Map<string, Offer[]>()
  for (const offer of offers) {
    const of = offered.get(offer.segment)
    if (of) of.push(offer)
    else offered.set(offer.segment, [offer])
  }
  const items: CoverageSegment[] = []
  for (const row of rows) items.push(coverageOf(row, await readAddresses(sql, row), offered.get(row.id) ?? [], tagsBeside(row, rows)))
  return { items, next: null, total: items.length }
}

/** The tags of a trunk that segments of this relay look at. */
const tagsBeside = ({ relay, config }: Row, rows: readonly Row[]): number[] =>
  rows
    .flatMap((other) => (other.relay === relay && other.config.interface === config.interface && other.config.vlan !== undefined ? [other.config.vlan] : []))
    .sort((a, b) => a - b)

function coverageOf(row: Row, { network, cells, hosts }: Addresses, offers: readonly Offer[], tags: readonly number[]): CoverageSegment {
  const { config } = row
  const said = row.connected ? row.health?.segments?.find(({ id }) => id === row.id) : undefined
  const state: CoverageSegment['state'] = row.connected === null ? 'no-relay' : row.connected ? (said?.state ?? 'starting') : 'away'
  const counts = Object.fromEntries(addressStates.map((each) => [each, 0])) as Record<AddressState, number>
  for (const cell of cells) counts[addressStates[cell] as AddressState] += 1
  const undrawn = [...hosts.values()].filter(({ drawn }) => !drawn).length
  const touches = touchesOf(row, network.from, cells, hosts, offers, said, counts)
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    relay: row.relay,
    host: row.host,
    interface: config.interface,
    vlan: config.vlan ?? null,
    network: config.network,
    state,
    detail: said?.detail ?? '',
    released: row.released ? { at: row.releasedAt ?? 0, by: row.releasedBy ?? '', reason: row.releasedReason ?? '' } : null,
    addresses: cells.length - 2,
    cells: counts,
    hosts: hosts.size,
    undrawn,
    wanted: said?.wanted ?? null,
    claimed: said?.claimed ?? null,
    used: said?.used ?? null,
    realHosts: row.realHosts,
    refused: Object.entries(said?.refused ?? {})
      .map(([reason, count]) => ({ reason: reason as YieldReason, count: count ?? 0 }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count),
    giveUps10m: said?.giveUps10m ?? null,
    touches,
    blind: blindOf(row, state, said, undrawn, offers, tags),
  }
}

function touchesOf(
  { realHosts }: Row,
  first: number,
  cells: Uint8Array,
  hosts: Addresses['hosts'],
  offers: readonly Offer[],
  said: SegmentHealth | undefined,
  counts: Record<AddressState, number>,
): CoverageSegment['touches'] {
  const basis = counts.claimed > 0 ? 'claimed' : 'planned'
  const standing = basis === 'claimed' ? 'claimed' : 'planned'
  const offsets = (state: AddressState): number[] => {
    const found: number[] = []
    for (let at = 1; at < cells.length - 1; at++) if (addressStates[cells[at] as number] === state) found.push(at - 1)
    return found
  }
  const decoys = offsets(standing)
  const known = offsets('used')
  const seen = Math.max(said?.used ?? 0, known.length)
  // Who knows of more is taken at his word: a switch hides hosts from a relay, and a list forgets some.
  const real = Math.max(seen, realHosts ?? 0) || (realHosts ?? null)
  const from = real === null ? 'unknown' : seen >= (realHosts ?? 0) && seen > 0 ? 'seen' : 'said'
  const size = cells.length - 2
  const field: Field = { decoys, known, real: Math.min(real ?? 0, size - decoys.length), size }
  const orders = (['random', 'ascending'] as const).map((order) => ({
    order,
    expected: order === 'random' ? touchesAtRandom(decoys.length, field.real) : touchesAscending(field),
    simulated: simulateTouches(field, order, simulatedRounds, 20_261),
  }))
  const stands = new Set(decoys.map((at) => first + 1 + at))
  const offering = new Set([...hosts.values()].filter(({ idle }) => stands.has(toNumber(idle.address))).map(({ id }) => id))
  const ports = new Map<string, { port: number; transport: 'tcp' | 'udp'; service: string; decoys: Set<string> }>()
  for (const { decoy, port, transport, service } of offers) {
    if (!offering.has(decoy)) continue
    const of = ports.get(`${port}/${transport}`) ?? { port, transport, service, decoys: new Set<string>() }
    of.decoys.add(decoy)
    ports.set(`${port}/${transport}`, of)
  }
  return {
    basis,
    decoys: decoys.length,
    real,
    from,
    ratio: real ? decoys.length / real : null,
    orders: real === null ? [] : orders,
    ports: [...ports.values()]
      .map(({ decoys: of, ...port }) => ({ ...port, decoys: of.size, expected: real === null ? null : touchesAtRandom(of.size, field.real) }))
      .sort((a, b) => b.decoys - a.decoys || a.port - b.port),
  }
}

function blindOf(
  { config, released, realHosts }: Row,
  state: CoverageSegment['state'],
  said: SegmentHealth | undefined,
  undrawn: number,
  offers: readonly Offer[],
  tags: readonly number[],
): CoverageSegment['blind'] {
  const spots: CoverageSegment['blind'] = []
  const add = (kind: CoverageSegment['blind'][number]['kind'], detail = '', count: number | null = null): void => void spots.push({ kind, detail, count })
  if (state === 'no-relay' || state === 'away') add(state)
  else if (!said) add('not-said')
  if (released) add('released')
  if (config.dryRun) add('dry-run')
  if (state === 'halted' || state === 'failed') add(state, said?.detail ?? '')
  if (undrawn > 0) add('undrawn', '', undrawn)
  if (said && realHosts !== null && said.used < realHosts) add('not-seen', `${said.used}/${realHosts}`, realHosts - said.used)
  const open = new Set(offers.map(({ port, transport }) => `${port}/${transport}`))
  for (const { port, transport, name } of knockedAt) if (!open.has(`${port}/${transport}`)) add('port', `${port}/${transport} ${name}`)
  add('other-vlans', config.vlan === undefined ? config.interface : `${config.interface}: ${tags.join(', ')}`)
  return spots
}
