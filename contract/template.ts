/** Templates: what a person writes in YAML, checked before anything changes. */
import { z } from 'zod'
import { scopePath, slug } from './primitives.ts'
import { tcpClass } from './segment.ts'
import { segmentTemplate, unseenKinds } from './segment-template.ts'

const names = z.object({ zh: z.string().min(1).max(100), en: z.string().min(1).max(100) })

/** Who may get in over SSH or a login page; nobody else does. */
export const loginPolicy = z.strictObject({
  /** Accounts that work at once; the password `$drawn` stands for a weak one that each installation draws for itself. `origin: lure` marks a credential that is planted somewhere; its use proves the lure was read. */
  accounts: z
    .array(z.strictObject({ user: z.string().min(1).max(64), password: z.string().min(1).max(128), origin: z.enum(['given', 'lure']).default('given') }))
    .max(50)
    .default([]),
  /** Lets the listed user in with the password of the attempt numbered by the adversary's own luck between the two bounds. */
  afterTries: z
    .strictObject({ users: z.array(z.string().min(1).max(64)).min(1).max(20), from: z.number().int().min(2).max(1000), to: z.number().int().min(2).max(1000) })
    .optional(),
})
export type LoginPolicy = z.infer<typeof loginPolicy>

/** The group that the decoys pretend to belong to. */
export const organisation = z.strictObject({
  name: names,
  domain: z
    .string()
    .min(3)
    .max(100)
    .regex(/^[a-z0-9.-]+$/),
  city: names.optional(),
  industry: names.optional(),
  founded: z.number().int().min(1900).max(2026).optional(),
})
export type Organisation = z.infer<typeof organisation>

export const serviceTemplate = z.strictObject({
  service: slug,
  port: z.number().int().min(1).max(65535),
  settings: z.record(z.string(), z.unknown()).default({}),
})

export const decoyTemplate = z.strictObject({
  id: slug,
  persona: slug,
  name: names.optional(),
  /** The organisation's place that the decoy belongs to; the first scope of the scenario when it is not given. */
  scope: scopePath.optional(),
  /** For an industrial device: the plant that it belongs to, and which of its units each alias of the persona's maps stands for. */
  plant: slug.optional(),
  units: z.record(z.string().max(16), z.string().max(16)).default({}),
  services: z.array(serviceTemplate).min(1).max(6),
})

/** A whole scenario: one organisation, its places, the decoys and where they answer. */
export const scenarioTemplate = z.strictObject({
  kind: z.literal('scenario'),
  version: z.literal(1),
  name: slug,
  title: names,
  /** Without one, the installation draws a fictional group of its own from its site secret, so that no two show the same. */
  organisation: organisation.optional(),
  scopes: z
    .array(z.strictObject({ path: scopePath, name: names }))
    .max(500)
    .default([]),
  /** Plants that industrial devices share, each of a plant template. */
  plants: z
    .array(z.strictObject({ id: slug, template: slug }))
    .max(50)
    .default([]),
  decoys: z.array(decoyTemplate).max(4096).default([]),
  /** Segments whose idle addresses become hosts; these need no entry under `decoys` or `placements`. */
  segments: z.array(segmentTemplate).max(200).default([]),
  /** Decoy hosts and where each listens for the tunnels of relays; without an entry the core's `tunnel` setting holds. */
  hosts: z
    .array(
      z.strictObject({
        name: slug,
        tunnel: z
          .string()
          .max(255)
          .regex(/^[^\s:]+:\d{1,5}$/, 'must be HOST:PORT'),
      }),
    )
    .max(100)
    .default([]),
  /** Where each decoy answers: on the named relay, at an address; `ports` moves a service's port (for unprivileged trials). */
  placements: z
    .array(
      z.strictObject({
        relay: slug,
        host: slug.default('decoys'),
        decoy: slug,
        address: z.union([z.ipv4(), z.literal('$bind')]),
        ports: z.record(z.string(), z.number().int().min(1).max(65535)).default({}),
      }),
    )
    .max(10_000)
    .default([]),
  knownScanners: z
    .array(
      z.strictObject({
        network: z.string().max(49),
        owner: z.string().max(200),
        expires: z.iso.date(),
        ports: z.array(z.number().int().min(1).max(65535)).max(1000).default([]),
        reason: z.string().max(500),
        /** It is known in this place and below; the first scope of the scenario when it is not given. */
        scope: scopePath.optional(),
      }),
    )
    .max(1000)
    .default([]),
})
export type ScenarioTemplate = z.infer<typeof scenarioTemplate>

/** One line of a plan: what would change where. */
export const planStep = z.object({
  action: z.enum(['create', 'change', 'remove', 'keep']),
  what: z.enum(['scope', 'segment', 'decoy', 'service', 'placement', 'known-scanner']),
  id: z.string(),
  detail: z.string(),
})
export type PlanStep = z.infer<typeof planStep>

/** A host of a segment as a plan shows it, before anything answers. */
export const plannedHost = z.object({
  address: z.string(),
  mac: z.string(),
  persona: z.string(),
  hostname: z.string(),
  /** `22/tcp ssh`, by port. */
  ports: z.array(z.string()),
  tcp: tcpClass,
  action: planStep.shape.action,
})
export type PlannedHost = z.infer<typeof plannedHost>

/** What a plan makes of one segment. */
export const plannedSegment = z.object({
  id: z.string(),
  name: names,
  relay: z.string(),
  interface: z.string(),
  vlan: z.number().int().optional(),
  network: z.string(),
  dryRun: z.boolean(),
  quietS: z.number(),
  quota: z.number().int(),
  /** Usable addresses of the network, hosts planned, addresses left out, and what is left idle. */
  addresses: z.number().int(),
  total: z.number().int(),
  out: z.number().int(),
  idle: z.number().int(),
  mix: z.array(z.object({ persona: z.string(), product: z.string(), hosts: z.number().int() })),
  vendors: z.number().int(),
  /** The first of them, or every one where the plan was asked in full. */
  hosts: z.array(plannedHost),
  excluded: z.array(z.object({ range: z.string(), addresses: z.number().int(), reason: z.string(), note: z.string() })),
  unseen: z.array(z.enum(unseenKinds)),
})
export type PlannedSegment = z.infer<typeof plannedSegment>

/** A fault of a template: 1-based line and column, the path inside, what was expected. */
export const templateFault = z.object({ line: z.number().int(), column: z.number().int(), path: z.string(), message: z.string() })
export type TemplateFault = z.infer<typeof templateFault>
