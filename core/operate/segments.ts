/**
 * A segment of a scenario made into hosts. The same site secret and segment give the same hosts, and more of them leave those that were there as they
 * are: every address of the network has its place in one order, the first so many of it become hosts, and what an address becomes hangs on that place.
 */
import { createCipheriv, hkdfSync } from 'node:crypto'
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { IdleHost } from '@shenlou/contract/segment'
import { type MixEntry, mostHosts, type SegmentTemplate } from '@shenlou/contract/segment-template'
import type { Organisation } from '@shenlou/contract/template'
import { drawHostname, drawMac, hostDraw, type HostSteps, tcpClassOf } from '@shenlou/link/host-identity'
import { networkOf, type Range, rangeOf, toAddress, toNumber } from './ipv4.ts'
import { hostSeed } from './site-secret.ts'

export interface SegmentHost extends IdleHost {
  /** Id of its decoy. */
  decoy: string
  persona: string
  hostname: string
  steps: HostSteps
  entry: MixEntry
  /** The unit that each alias of an industrial device stands for. */
  units: Record<string, string>
}

/** Addresses of a segment, by what may be made of them. */
export interface Room {
  network: Range
  /** Without the network's own and its broadcast address. */
  usable: number
  /** Never answered, whatever is listed: gateway, DHCP servers, their pools. */
  fixed: Range[]
  /** Told of, or held by a placement of the scenario itself. */
  listed: Range[]
}

export function roomOf(segment: SegmentTemplate, placed: readonly string[] = []): Room {
  const { from, to } = networkOf(segment.network)
  const ranges = (texts: readonly string[]): Range[] => texts.flatMap((text) => rangeOf(text) ?? [])
  const network = { from, to }
  return {
    network,
    usable: to - from - 1,
    fixed: ranges([...(segment.gateway ? [segment.gateway] : []), ...segment.dhcp.servers, ...segment.dhcp.pools]),
    listed: ranges([...segment.exclude.map(({ range }) => range), ...placed]),
  }
}

/** One byte an address of the network: whether a range covers it. */
export function coveredBy({ from, to }: Range, ranges: readonly Range[]): Uint8Array {
  const covered = new Uint8Array(to - from + 1)
  for (const range of ranges) covered.fill(1, Math.max(0, range.from - from), Math.max(0, Math.min(to, range.to) - from + 1))
  return covered
}

/** How many hosts a segment asks for, before it is seen whether there is room. */
export function askedHosts(segment: SegmentTemplate): number {
  const { usable } = roomOf(segment)
  const counted = segment.mix.reduce((sum, { count }) => sum + (count ?? 0), 0)
  const asked = segment.count ?? (segment.density === undefined ? counted : Math.max(1, Math.floor(segment.density * usable)))
  return segment.mix.some(({ share }) => share !== undefined) ? asked : Math.min(asked, counted)
}

/** Uniform numbers in [0, 1) that hang on the site secret and a purpose alone. */
function drawnNumbers(secret: Buffer, purpose: string, count: number): Float64Array {
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), purpose, 32))
  const bytes = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(count * 4))
  return Float64Array.from({ length: count }, (_, at) => bytes.readUInt32LE(at * 4) / 2 ** 32)
}

/**
 * Every usable address of a network, as offsets from its first, in the order in which they become hosts: runs of neighbours as people hand addresses out,
 * some /24s busier than others, single addresses left free within a run; the gaps between runs come after all of these, and the left-out ones last.
 */
export function layoutOf(secret: Buffer, id: string, { from, to }: Range): Uint32Array {
  const size = to - from + 1
  const drawn = drawnNumbers(secret, `segment layout ${id}`, size * 4)
  const busy = drawnNumbers(secret, `segment blocks ${id}`, Math.ceil(size / 256) + 1)
  const order = (start: number, at: number): number => (busy[start >> 8] as number) * 0.6 + (drawn[at] as number) * 0.4
  const runs: { at: number; length: number; order: number }[] = []
  const gaps: typeof runs = []
  let next = 0
  for (let at = 1; at < size - 1; ) {
    const r = drawn[next++] as number
    const length = Math.min(3 + Math.floor(r * r * 26), size - 1 - at)
    runs.push({ at, length, order: order(at, next++) })
    at += length
    const gap = Math.min(2 + Math.floor((drawn[next++] as number) * 12), size - 1 - at)
    if (gap > 0) gaps.push({ at, length: gap, order: order(at, next++) })
    at += gap
  }
  const found = new Uint32Array(Math.max(0, size - 2))
  const skipped: number[] = []
  let count = 0
  for (const run of runs.sort((a, b) => a.order - b.order))
    for (let at = run.at; at < run.at + run.length; at++) {
      if (at > run.at && (drawn[size * 3 + at] as number) < 0.12) skipped.push(at)
      else found[count++] = at
    }
  for (const gap of gaps.sort((a, b) => a.order - b.order)) for (let at = gap.at; at < gap.at + gap.length; at++) found[count++] = at
  for (const at of skipped) found[count++] = at
  return found
}

/** The entry that is furthest behind its share, one place after the other: at every length the mix is the shares', to within a host. */
export function sharesInOrder(shares: readonly number[], length: number): Uint8Array {
  const total = shares.reduce((sum, share) => sum + share, 0)
  const given = shares.map(() => 0)
  const order = new Uint8Array(length)
  for (let at = 0; at < length && total > 0; at++) {
    let best = -1
    let most = -Infinity
    shares.forEach((share, entry) => {
      const behind = (share / total) * (at + 1) - (given[entry] as number)
      if (share > 0 && behind > most + 1e-9) [best, most] = [entry, behind]
    })
    order[at] = best
    given[best] = (given[best] as number) + 1
  }
  return order
}

export interface Expansion {
  hosts: SegmentHost[]
  /** Addresses in the network that may become hosts, these included. */
  room: number
}

/**
 * The hosts of a segment. `placed` are addresses that the scenario places decoys at by hand. Needs a checked segment: every persona is known.
 * Names and MAC addresses are drawn, then stepped until no other host of the segment has them.
 */
export function expandSegment(
  segment: SegmentTemplate,
  {
    secret,
    organisation,
    personas,
    placed,
  }: { secret: Buffer; organisation: Organisation; personas: ReadonlyMap<string, PersonaTemplate>; placed?: readonly string[] },
): Expansion {
  const room = roomOf(segment, placed)
  const { from } = room.network
  const fixed = coveredBy(room.network, room.fixed)
  const listed = coveredBy(room.network, room.listed)
  const places = layoutOf(secret, segment.id, room.network).filter((at) => !fixed[at])
  const free = places.reduce((sum, at) => sum + (listed[at] ? 0 : 1), 0)
  const wanted = Math.min(askedHosts(segment), free, mostHosts.segment)

  const shared = segment.mix.filter(({ share }) => share !== undefined)
  const shares = sharesInOrder(
    shared.map(({ share = 0 }) => share),
    shared.length > 0 ? places.length : 0,
  )
  const counted = segment.mix.flatMap((entry) => Array.from({ length: entry.count ?? 0 }, () => entry))
  const macs = new Set<string>()
  const names = new Set<string>()
  const hosts: SegmentHost[] = []
  let nthCounted = 0
  for (const [place, at] of places.entries()) {
    if (hosts.length >= wanted) break
    // An address that is left out takes its turn all the same, so that listing one more changes no other host.
    const entry = !listed[at] && nthCounted < counted.length ? counted[nthCounted++] : shared[shares[place] as number]
    const persona = entry && personas.get(entry.persona)
    if (!entry || !persona) continue
    const address = toAddress(from + at)
    const decoy = `${segment.id}-${address.replaceAll('.', '-')}`
    const drawer = hostDraw({ seed: hostSeed(secret, decoy, persona.id), decoy, persona: persona.id })
    const [mac, macSteps] = firstFree(macs, (step) => drawMac(persona, drawer, step))
    const [hostname, nameSteps] = firstFree(names, (step) => drawHostname(persona, organisation, drawer, step))
    if (listed[at]) continue
    const units = Object.fromEntries(
      Object.entries(entry.units).map(([alias, unit]) => [alias, typeof unit === 'string' ? unit : drawer.pick(`unit ${alias}`, unit)]),
    )
    hosts.push({
      segment: segment.id,
      address,
      mac,
      tcp: tcpClassOf(persona.os.family),
      closed: entry.closed,
      decoy,
      persona: persona.id,
      hostname,
      steps: { mac: macSteps, name: nameSteps },
      entry,
      units,
    })
  }
  return { hosts: hosts.sort((a, b) => toNumber(a.address) - toNumber(b.address)), room: free }
}

function firstFree(taken: Set<string>, draw: (step: number) => string): [string, number] {
  for (let step = 0; ; step++) {
    const value = draw(step)
    const key = value.toLowerCase()
    if (taken.has(key) && step < 10_000) continue
    taken.add(key)
    return [value, step]
  }
}
