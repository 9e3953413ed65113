/** How well each segment of idle addresses is covered by decoys. Times: ms since 1970 UTC. */
import { z } from 'zod'
import { segmentHealth, yieldReason } from './segment.ts'

const count = z.number().int()
const label = z.object({ zh: z.string(), en: z.string() })

/** What an address of a segment is, in the order of the codes of `segmentMap`. */
export const addressStates = ['free', 'reserved', 'excluded', 'pool', 'used', 'planned', 'claimed', 'refused'] as const
export const addressState = z.enum(addressStates)
export type AddressState = z.infer<typeof addressState>

export const blindSpot = z.object({
  kind: z.enum(['no-relay', 'away', 'not-said', 'dry-run', 'released', 'halted', 'failed', 'undrawn', 'not-seen', 'port', 'other-vlans']),
  /** What it is about: a port, the VLANs that are covered, a reason. */
  detail: z.string(),
  count: count.nullable(),
})

export const coverageSegment = z.object({
  id: z.string(),
  name: label,
  scope: z.string(),
  relay: z.string(),
  host: z.string(),
  interface: z.string(),
  vlan: count.nullable(),
  network: z.string(),
  /** By the relay's word; `no-relay` and `away` where there is none. */
  state: z.enum([...segmentHealth.shape.state.options, 'no-relay', 'away']),
  detail: z.string(),
  released: z.object({ at: z.number(), by: z.string(), reason: z.string() }).nullable(),
  /** Usable addresses, and how many of them are what. */
  addresses: count,
  cells: z.record(addressState, count),
  /** Hosts of the template, and those of them whose keys are still being made. */
  hosts: count,
  undrawn: count,
  /** By the relay's word; null where it has said nothing. */
  wanted: count.nullable(),
  claimed: count.nullable(),
  used: count.nullable(),
  realHosts: count.nullable(),
  refused: z.array(z.object({ reason: yieldReason, count })),
  giveUps10m: count.nullable(),
  touches: z.object({
    /** Decoys that answer now, or those planned where none does. */
    basis: z.enum(['claimed', 'planned']),
    decoys: count,
    /** Real hosts, and who says so; null when nobody knows of any. */
    real: count.nullable(),
    from: z.enum(['seen', 'said', 'unknown']),
    ratio: z.number().nullable(),
    /** Decoys touched before the first real host: by formula, and by trying. */
    orders: z.array(z.object({ order: z.enum(['random', 'ascending']), expected: z.number(), simulated: z.number() })),
    /** The same by one who asks every address for one port, were every real host to offer it too. */
    ports: z.array(z.object({ port: count, transport: z.enum(['tcp', 'udp']), service: z.string(), decoys: count, expected: z.number().nullable() })),
  }),
  blind: z.array(blindSpot),
})
export type CoverageSegment = z.infer<typeof coverageSegment>

/** One address and what is known of it. */
export const segmentAddress = z.object({
  address: z.string(),
  state: addressState,
  /** Of the relay's last word on it, or of its exclusion. */
  reason: z.string().nullable(),
  /** Ethernet address of its owner, where one was seen. */
  owner: z.string().nullable(),
  note: z.string(),
  at: z.number().nullable(),
  event: z.string().nullable(),
  decoy: z.object({ id: z.string(), persona: z.string(), hostname: z.string(), mac: z.string(), ports: z.array(z.string()), drawn: z.boolean() }).nullable(),
})
export type SegmentAddress = z.infer<typeof segmentAddress>
