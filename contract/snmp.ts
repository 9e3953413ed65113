/** The SNMP agent of a device (RFC 1157, 3416, 3414, 1213): what it calls itself, which versions it speaks, its interfaces and its vendor's objects. */
import { z } from 'zod'
import { valueSource } from './device.ts'

/** Dotted, such as `1.3.6.1.4.1.4196.1.1.8`. */
export const objectId = z
  .string()
  .max(255)
  .regex(/^[0-2](\.\d{1,10}){1,60}$/, 'must be a dotted object identifier')

/** What an object's value is on the wire; `bits` is an octet string written in hexadecimal. */
export const snmpType = z.enum(['integer', 'string', 'bits', 'oid', 'ip', 'counter', 'gauge', 'ticks', 'counter64'])

const object = z.strictObject({
  /** With its instance: `.0` of a scalar. */
  oid: objectId,
  name: z.string().max(64).default(''),
  type: snmpType,
  /** A value of the plant or the device; what is not a number on the wire has a `value` instead. */
  from: valueSource.optional(),
  /** Fixed text or number. `{product}`, `{orderNumber}`, `{hardware}`, `{firmware}`, `{serial}`, `{station}`, `{plant}`, `{hostname}` and `{mac}` are filled in. */
  value: z.union([z.string().max(255), z.number()]).optional(),
  scale: z.number().default(1),
  /** Who may set it, of those whose community or user may write at all. */
  write: z.enum(['no', 'operator', 'engineer']).default('no'),
})
export type SnmpObject = z.infer<typeof object>

const networkInterface = z.strictObject({
  description: z.string().max(100),
  /** Of the IANA list: 6 ethernet, 24 loopback, 33 serial. */
  type: z.number().int().min(1).max(300).default(6),
  mtu: z.number().int().min(0).max(65_535).default(1500),
  speed: z.number().int().min(0).max(4_294_967_295).default(100_000_000),
  /** A port that nothing is plugged into. */
  up: z.boolean().default(true),
  /** Whether it has a hardware address: the device's, counted on from the first one that has. */
  hardwareAddress: z.boolean().default(true),
  /** The device's IP address is here: the first that is up, where none says so. What lies before it are ports of its switch. */
  address: z.boolean().default(false),
  /** Usual traffic, octets a second in and out. */
  traffic: z.tuple([z.number().min(0), z.number().min(0)]).default([0, 0]),
})
export type SnmpInterface = z.infer<typeof networkInterface>

export const snmpTemplate = z.strictObject({
  versions: z.array(z.enum(['v1', 'v2c', 'v3'])).min(1),
  /** sysDescr, filled in as values are; short, because a source that has proven nothing gets no more than three bytes for one. */
  description: z.string().min(1).max(120),
  objectId,
  /** sysServices. */
  services: z.number().int().min(0).max(127).default(72),
  name: z.string().max(64).default('{hostname}'),
  contact: z.string().max(255).default(''),
  location: z.string().max(255).default(''),
  /** Whether sysContact, sysName and sysLocation may be set with a community that may write. */
  writable: z.boolean().default(true),
  /** IANA's number of who made the agent: in its engine identifier (RFC 3411), with the hardware address. */
  enterprise: z.number().int().min(1).max(2_147_483_647),
  /** Longest message it sends. */
  maxMessage: z.number().int().min(484).max(65_507).default(1472),
  /** Groups of MIB-II (RFC 1213) that it has. */
  groups: z.array(z.enum(['system', 'interfaces', 'ip', 'icmp', 'tcp', 'udp', 'snmp'])).default(['system', 'interfaces', 'ip', 'icmp', 'tcp', 'udp', 'snmp']),
  ttl: z.number().int().min(1).max(255).default(64),
  /** At most so many connections (tcpMaxConn); -1 is no fixed number. */
  tcpMaxConnections: z.number().int().min(-1).max(65_535).default(-1),
  /** Whether its ports listen on every address or on the one that it has. */
  listens: z.enum(['any-address', 'own-address']).default('any-address'),
  interfaces: z.array(networkInterface).min(1).max(32),
  objects: z.array(object).max(1000).default([]),
})
export type SnmpTemplate = z.infer<typeof snmpTemplate>

/** As RFC 1157 has it: any octets; `$drawn` stands for a weak one that each installation draws for itself. */
const community = z.string().min(1).max(64)
const secret = z
  .string()
  .max(64)
  .refine((text) => text.length >= 8 || text === '$drawn', { message: 'RFC 3414 has at least 8 characters' })

/** Who the agent answers. A community that may write may read. */
export const snmpSettings = z.strictObject({
  communities: z
    .strictObject({ read: z.array(community).max(16).default([]), write: z.array(community).max(16).default([]) })
    .default({ read: ['public'], write: [] }),
  /** Users of version 3 (RFC 3414, 3826, 7860); without `auth` anybody who knows the name is one. `$drawn` as with communities. */
  users: z
    .array(
      z
        .strictObject({
          user: z.string().min(1).max(32),
          auth: z.strictObject({ protocol: z.enum(['MD5', 'SHA', 'SHA-224', 'SHA-256', 'SHA-384', 'SHA-512']), password: secret }).optional(),
          privacy: z.strictObject({ protocol: z.enum(['DES', 'AES']), password: secret }).optional(),
          access: z.enum(['read', 'write']).default('read'),
        })
        .refine(({ auth, privacy }) => auth !== undefined || privacy === undefined, { message: 'privacy needs auth', path: ['auth'] }),
    )
    .max(16)
    .default([]),
})
export type SnmpSettings = z.infer<typeof snmpSettings>
export type SnmpUser = SnmpSettings['users'][number]
