/** What every address of a segment is: by the template, and by what its relay last said of it. */
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import { type AddressState, addressStates, type SegmentAddress } from '@shenlou/contract/coverage'
import type { Segment } from '@shenlou/contract/segment'
import type { Sql } from 'postgres'
import type { z } from 'zod'
import type { Actor } from '../actor.ts'
import { ApiError, notFound } from '../api-error.ts'
import type { Core } from '../core.ts'
import { visibleTo } from '../store/visible.ts'
import { networkOf, type Range, rangeOf, toAddress, toNumber } from './ipv4.ts'
import type { Idle } from './wanted.ts'

export interface SegmentRow {
  id: string
  relay: string
  config: Omit<Segment, 'released'>
}
interface HostRow {
  id: string
  persona: string
  idle: Idle
  drawn: boolean
}
interface SaidRow {
  address: string
  state: 'claimed' | 'refused' | 'released' | 'used' | 'would'
  reason: string | null
  owner: string | null
  at: number
  event: string
}

/** Somebody is there: what the relay found out, whoever told it. */
const usedReasons = new Set(['owner-seen', 'probe-answered', 'dhcp-lease'])

export interface Addresses {
  network: Range
  /** One byte an address, numbered as `addressStates`. */
  cells: Uint8Array
  hosts: Map<string, HostRow>
  said: Map<string, SaidRow>
}

const code = (state: AddressState): number => addressStates.indexOf(state)

/**
 * Reads a segment whole. A relay's word on an address stands until its next one; what it claimed ends with its lease, so that of one that is away is void.
 */
export async function readAddresses(sql: Sql, { id, relay, config }: SegmentRow): Promise<Addresses> {
  const { from, to } = networkOf(config.network)
  const hosts = await sql<HostRow[]>`select id, persona, idle, secrets is not null as drawn from decoy where segment = ${id}`
  const said = await sql<SaidRow[]>`
    select host(address) as address, state, reason, owner, (extract(epoch from at) * 1000)::float8 as at, event from segment_address where segment = ${id}`
  const [sensor] = await sql<{ connected: boolean }[]>`select connected from sensor where name = ${relay} and role = 'relay' and status = 'confirmed'`
  const cells = new Uint8Array(to - from + 1)
  const put = (address: string, state: AddressState): void => {
    const at = toNumber(address) - from
    if (at >= 0 && at < cells.length) cells[at] = code(state)
  }
  const wanted = new Set<string>()
  for (const { idle } of hosts) {
    wanted.add(idle.address)
    put(idle.address, 'planned')
  }
  for (const { address, state, reason } of said) {
    if (state === 'used' || (state !== 'claimed' && reason !== null && usedReasons.has(reason))) put(address, 'used')
    else if (!wanted.has(address) || state === 'would') continue
    else if (state !== 'claimed') put(address, 'refused')
    else if (sensor?.connected) put(address, 'claimed')
  }
  for (const { range, reason } of config.exclusions) {
    const found = rangeOf(range)
    if (found) cells.fill(code(reason === 'dhcp-pool' ? 'pool' : 'excluded'), Math.max(0, found.from - from), Math.min(to, found.to) - from + 1)
  }
  for (const address of [toAddress(from), toAddress(to), ...(config.gateway === undefined ? [] : [config.gateway]), ...config.dhcpServers])
    put(address, 'reserved')
  return {
    network: { from, to },
    cells,
    hosts: new Map(hosts.map((row) => [row.idle.address, row])),
    said: new Map(said.map((row) => [row.address, row])),
  }
}

async function visibleSegment(core: Core, actor: Actor, id: string): Promise<SegmentRow> {
  const [row] = await core.sql<SegmentRow[]>`select id, relay, config from segment where id = ${id} and ${visibleTo(core.sql, actor)}`
  if (!row) throw notFound('segment')
  return row
}

/** Route `segmentMap`. */
export async function segmentMap(core: Core, actor: Actor, input: { params: { id: string } }): Promise<RouteAnswer<'segmentMap'>> {
  const row = await visibleSegment(core, actor, input.params.id)
  const { cells } = await readAddresses(core.sql, row)
  return { network: row.config.network, states: [...addressStates], cells: Buffer.from(cells).toString('base64') }
}

/** Route `segmentAddresses`: ascending; the cursor is the address to go on from. */
export async function segmentAddresses(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; query: z.output<Routes['segmentAddresses']['query']> },
): Promise<RouteAnswer<'segmentAddresses'>> {
  const { state, reason, port, from: first, cursor, limit } = input.query
  const row = await visibleSegment(core, actor, input.params.id)
  const { network, cells, hosts, said } = await readAddresses(core.sql, row)
  const ports = new Map<string, string[]>()
  for (const each of await core.sql<{ decoy: string; port: number; transport: string; service: string }[]>`
    select placement.decoy, placement.port, placement.transport, placement.service from placement join decoy on decoy.id = placement.decoy
    where decoy.segment = ${row.id} order by placement.port`) {
    const text = `${each.port}/${each.transport} ${each.service}`
    const of = ports.get(each.decoy)
    if (of) of.push(text)
    else ports.set(each.decoy, [text])
  }
  if (cursor !== undefined && !/^\d{1,5}$/.test(cursor))
    throw new ApiError(400, 'bad-cursor', 'the cursor is not one that this list gave: start from the first page')
  const start = Math.max(Number(cursor ?? 0), first === undefined ? 0 : toNumber(first) - network.from)
  const fits = (at: number): boolean => {
    if (state !== undefined && addressStates[cells[at] as number] !== state) return false
    const address = toAddress(network.from + at)
    if (reason !== undefined && said.get(address)?.reason !== reason) return false
    return port === undefined || (ports.get(hosts.get(address)?.id ?? '') ?? []).some((text) => text.startsWith(`${port} `))
  }
  const items: SegmentAddress[] = []
  let next: string | null = null
  let total = 0
  for (let at = 0; at < cells.length; at++) {
    if (!fits(at)) continue
    total++
    if (at < start) continue
    if (items.length < limit) items.push(describe(at))
    else next ??= String(at)
  }
  return { items, next, total }

  function describe(at: number): SegmentAddress {
    const address = toAddress(network.from + at)
    const host = hosts.get(address)
    const word = said.get(address)
    const exclusion = row.config.exclusions.find(({ range }) => {
      const found = rangeOf(range)
      return found && found.from <= network.from + at && network.from + at <= found.to
    })
    const fixed = address === row.config.gateway ? 'gateway' : row.config.dhcpServers.includes(address) ? 'dhcp-server' : undefined
    return {
      address,
      state: addressStates[cells[at] as number] as AddressState,
      reason: fixed ?? exclusion?.reason ?? word?.reason ?? null,
      owner: word?.owner ?? null,
      note: exclusion?.note ?? '',
      at: word?.at ?? null,
      event: word?.event ?? null,
      decoy: host
        ? {
            id: host.id,
            persona: host.persona,
            hostname: host.idle.hostname,
            mac: host.idle.mac,
            ports: ports.get(host.id) ?? [],
            drawn: host.drawn,
          }
        : null,
    }
  }
}
