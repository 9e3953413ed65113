/** Network segments in which a relay answers for idle addresses, and the hosts that it is to be there. */
import { z } from 'zod'
import { slug } from './primitives.ts'

/** How a host's TCP/IP stack looks from outside. */
export const tcpClass = z.enum(['linux', 'windows', 'embedded'])
export type TcpClass = z.infer<typeof tcpClass>

/** Lower-case colon form, unicast. */
export const mac = z.string().regex(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, 'must be a unicast MAC address such as 00:1b:1b:12:34:56')
const interfaceName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/, 'must be the name of a network interface, at most 15 characters')
/** One address, a network (`10.1.2.0/24`) or a range (`10.1.2.10-10.1.2.99`). */
export const addressRange = z
  .string()
  .max(31)
  .regex(
    /^(\d{1,3}\.){3}\d{1,3}(\/\d{1,2}|-(\d{1,3}\.){3}\d{1,3})?$/,
    'must be an IPv4 address, a network such as 10.1.2.0/24 or a range such as 10.1.2.10-10.1.2.99',
  )

/** Addresses that a relay was told never to answer for. */
export const exclusion = z.object({ range: addressRange, reason: z.enum(['cmdb', 'dhcp-pool', 'list']), note: z.string().max(200).default('') })
export type Exclusion = z.infer<typeof exclusion>

export const segment = z.object({
  id: slug,
  /** The capture interface, as it is called on the relay's machine, and the tag where that is a trunk. */
  interface: interfaceName,
  vlan: z.number().int().min(1).max(4094).optional(),
  network: z.cidrv4(),
  /** Where hosts beyond this segment are reached; without one only neighbours are answered. */
  gateway: z.ipv4().optional(),
  /** Servers that ping before they lease: never answered. Others are learned as they are seen. */
  dhcpServers: z.array(z.ipv4()).max(100).default([]),
  exclusions: z.array(exclusion).max(20_000).default([]),
  /** An address is claimed when nobody was seen on it for so many seconds and its probes stayed unanswered. */
  quietS: z
    .number()
    .int()
    .min(1)
    .max(30 * 86_400)
    .default(86_400),
  /** Addresses answered at once, at most. */
  quota: z.number().int().min(0).max(65_536).default(256),
  /** Looks, and says what it would claim; answers nothing. */
  dryRun: z.boolean().default(false),
  /** Everything here was let go of by hand: nothing is answered until that is taken back. */
  released: z.boolean().default(false),
})
export type Segment = z.infer<typeof segment>

/** A host that an idle address answers as. What it offers are the placements with its address. */
export const idleHost = z.object({
  segment: slug,
  address: z.ipv4(),
  mac,
  tcp: tcpClass,
  /** What a closed port does: resets as a bare host, or is silent as behind a firewall. */
  closed: z.enum(['reset', 'silent']).default('reset'),
})
export type IdleHost = z.infer<typeof idleHost>

/** Why an address was not claimed, or was given up. */
export const yieldReason = z.enum([
  'owner-seen',
  'probe-answered',
  'dhcp-lease',
  'dhcp-pool',
  'cmdb',
  'list',
  'own-address',
  'not-quiet',
  'quota',
  'halted',
  'removed',
  'released',
  'stopped',
])
export type YieldReason = z.infer<typeof yieldReason>

/** What a relay says of a segment with its health. */
export const segmentHealth = z.object({
  id: slug,
  state: z.enum(['starting', 'watching', 'claiming', 'halted', 'dry-run', 'released', 'failed']),
  wanted: z.number().int(),
  claimed: z.number().int(),
  /** Addresses on which somebody was seen. */
  used: z.number().int(),
  /** Wanted and not claimed, by reason. */
  refused: z.partialRecord(yieldReason, z.number().int()),
  giveUps10m: z.number().int(),
  detail: z.string().max(300).default(''),
})
export type SegmentHealth = z.infer<typeof segmentHealth>
