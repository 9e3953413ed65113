/** A network segment as a scenario writes it: where a relay answers for idle addresses, and the mix of hosts that it is there. */
import { z } from 'zod'
import { scopePath, slug } from './primitives.ts'
import { addressRange, segment } from './segment.ts'

/** Hosts of one segment by a template, and of one relay in all. */
export const mostHosts = { segment: 4096, relay: 65_536 }

/** Ports that a host offers. More of them is one more to betray it. */
export const mostPorts = 6

const unit = z.string().min(1).max(16)

/** One kind of host among those of a segment. */
export const mixEntry = z.strictObject({
  persona: slug,
  services: z
    .array(z.strictObject({ service: slug, port: z.number().int().min(1).max(65535), settings: z.record(z.string(), z.unknown()).default({}) }))
    .min(1),
  /** Of what `count` leaves, in proportion to the other shares: 3 beside 1 is three quarters. */
  share: z.number().max(1000).optional(),
  /** Exactly so many. */
  count: z.number().int().min(1).max(mostHosts.segment).optional(),
  /** For industrial devices: their plant, and the unit that each alias stands for; of several units each device is given one. */
  plant: slug.optional(),
  units: z.record(z.string().max(16), z.union([unit, z.array(unit).min(1).max(64)])).default({}),
  /** What a closed port of them does. */
  closed: z.enum(['reset', 'silent']).default('reset'),
})
export type MixEntry = z.infer<typeof mixEntry>

export const segmentTemplate = z.strictObject({
  /** Ids of its decoys begin with it. */
  id: slug.max(40),
  name: z.strictObject({ zh: z.string().min(1).max(100), en: z.string().min(1).max(100) }),
  relay: slug,
  /** The decoy host that its hosts run on. */
  host: slug.default('decoys'),
  /** The organisation's place that it belongs to; the first scope of the scenario when it is not given. */
  scope: scopePath.optional(),
  interface: segment.shape.interface,
  vlan: segment.shape.vlan,
  network: segment.shape.network,
  gateway: segment.shape.gateway,
  /** Servers that lease here, and the ranges that they lease from: never answered. */
  dhcp: z
    .strictObject({ servers: z.array(z.ipv4()).max(100).default([]), pools: z.array(addressRange).max(100).default([]) })
    .default({ servers: [], pools: [] }),
  exclude: z
    .array(z.strictObject({ range: addressRange, reason: z.enum(['cmdb', 'list']).default('list'), note: z.string().max(200).default('') }))
    .max(19_000)
    .default([]),
  /** Nobody was seen on an address for so long before it is claimed. */
  quiet: z
    .union([
      z.strictObject({ seconds: z.number().int().min(1).max(86_400) }),
      z.strictObject({ minutes: z.number().min(1).max(43_200) }),
      z.strictObject({ hours: z.number().min(0.1).max(720) }),
    ])
    .default({ hours: 24 }),
  /** Addresses answered at once at most; all of its hosts when it is not given. */
  quota: z.number().int().min(0).max(65_536).optional(),
  /** Looks, and says what it would claim; answers nothing. */
  dryRun: z.boolean().default(false),
  /** How many real hosts are known to be there, to be compared with what is seen. */
  realHosts: z.number().int().min(0).max(65_536).optional(),
  mix: z.array(mixEntry).min(1).max(50),
  /** Share of the network's addresses that become hosts. */
  density: z.number().gt(0).max(1).optional(),
  /** Instead of a share: so many hosts. */
  count: z.number().int().min(1).optional(),
})
export type SegmentTemplate = z.infer<typeof segmentTemplate>

/** What no sensor at a port of a switch can see, so that a plan says it before anybody answers. */
export const unseenKinds = ['unicast-of-others', 'silent-owners', 'relayed-dhcp', 'other-vlans', 'ipv6'] as const
export type UnseenKind = (typeof unseenKinds)[number]
