/** Records that the API and the live channel show. Attacker text in them is already escaped (bytes.ts). Times: ms since 1970 UTC. */
import { z } from 'zod'
import { storedEvent } from './event.ts'
import { picture } from './plant-picture.ts'
import { firstHop } from './event-kinds.ts'
import { severity, techniqueId } from './primitives.ts'
import { updateReport } from './release.ts'
import { segmentHealth } from './segment.ts'

const id = z.string()
const time = z.number()
const count = z.number().int()
const label = z.object({ zh: z.string(), en: z.string() })

/** What a session did at an industrial device, counted by what its requests came to, with the plant as its adversary last saw it. */
export const industrialSummary = z.object({
  protocol: z.string(),
  reads: count,
  /** Parameters and limits. */
  writes: count,
  /** Commands, starts, stops, restarts, programs loaded or deleted. */
  commands: count,
  /** Refused or left unanswered by the device. */
  refused: count,
  /** After which the process was not what it would have been. */
  changed: count,
  /** Alarms, trips and damage that its writes led to. */
  consequences: count,
  plant: z.object({ id: z.string(), branched: z.boolean(), at: time, values: z.record(z.string(), z.number()) }).nullable(),
})
export type IndustrialSummary = z.infer<typeof industrialSummary>

/** The part of a plant that a decoy shows: its units with what their tags are called. Ids as events have them, such as `OV2.Z1.PV`. */
export const plantPicture = z.object({
  plant: z.string(),
  title: label,
  units: z.array(
    z.object({
      id: z.string(),
      title: label,
      model: z.string(),
      tags: z.array(z.object({ id: z.string(), title: label, class: z.string(), unit: z.string(), range: z.tuple([z.number(), z.number()]) })),
      /** Alarms and interlocks. The priority is the alarm's; a trip counts as 1, an interlock as 2. */
      alarms: z.array(z.object({ id: z.string(), title: label, tag: z.string(), priority: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]) })),
      /** As the template draws it; one without is laid out from its tags by who shows it. */
      picture: picture.optional(),
    }),
  ),
})
export type PlantPicture = z.infer<typeof plantPicture>

export const sessionSummary = z.object({
  id,
  decoy: z.string(),
  service: z.string(),
  sensor: id,
  scope: z.string(),
  source: z.string(),
  sourcePort: count.nullable(),
  destination: z.string(),
  destinationPort: count.nullable(),
  via: z.string().nullable(),
  startedAt: time,
  lastAt: time,
  endedAt: time.nullable(),
  live: z.boolean(),
  adversary: z.string(),
  user: z.string().nullable(),
  client: z.string().nullable(),
  hassh: z.string().nullable(),
  /** What the relay's interface saw of its connection's first segment; of an idle address only. */
  observed: firstHop.nullish(),
  loginAttempts: count,
  loggedIn: z.boolean(),
  commands: count,
  requests: count,
  files: count,
  events: count,
  bytesOut: count,
  lastAction: z.string().nullable(),
  /** Of a session with an industrial device. */
  industrial: industrialSummary.nullable(),
  techniques: z.array(techniqueId),
  severity,
  incident: id.nullable(),
  /** Nobody's: a connection of our own that shows that the relay sees. */
  proof: z.boolean(),
})
export type SessionSummary = z.infer<typeof sessionSummary>

/** Terminal replay: rows `[ms since the session started, stream, base64 data | "COLSxROWS"]`. */
export const recording = z.object({
  session: id,
  startedAt: time,
  columns: count,
  rows: count,
  durationMs: z.number(),
  cut: z.boolean(),
  bytes: count,
  frames: z.array(z.tuple([z.number(), z.enum(['i', 'o', 'e', 'r']), z.string()])),
  marks: z.array(z.object({ at: z.number(), technique: techniqueId, name: z.string(), finding: id, event: id })),
})
export type Recording = z.infer<typeof recording>

export const findingSummary = z.object({
  id,
  rule: z.string(),
  ruleVersion: count,
  title: z.object({ zh: z.string(), en: z.string() }),
  severity,
  confidence: z.enum(['low', 'medium', 'high']),
  techniques: z.array(z.object({ id: techniqueId, name: z.string(), zh: z.string().optional(), matrix: z.enum(['enterprise', 'ics']) })),
  scope: z.string(),
  source: z.string().nullable(),
  decoy: z.string().nullable(),
  session: id.nullable(),
  sensor: z.string().nullable(),
  origin: z.enum(['decoy', 'alert']),
  product: z.string().nullable(),
  firstAt: time,
  lastAt: time,
  count,
  incident: id.nullable(),
  /** Owner of the known scanner that did it, where it was one. */
  knownScanner: z.string().nullable(),
  /** What the rule concludes and why. */
  reason: z.object({ zh: z.string(), en: z.string() }),
  /** Which fields matched with what, and the event with the bytes that show it. */
  evidence: z.array(z.object({ event: id, session: id.nullable(), time, field: z.string(), value: z.string(), why: z.string() })),
})
export type FindingSummary = z.infer<typeof findingSummary>

export const incidentSummary = z.object({
  id,
  number: count,
  title: z.object({ zh: z.string(), en: z.string() }),
  severity,
  scope: z.string(),
  sources: z.array(z.string()),
  decoys: z.array(z.string()),
  techniques: z.array(techniqueId),
  findings: count,
  events: count,
  sessions: count,
  products: z.array(z.string()),
  firstAt: time,
  lastAt: time,
  ticket: id.nullable(),
  mergedInto: id.nullable(),
  knownScanner: z.string().nullable(),
})
export type IncidentSummary = z.infer<typeof incidentSummary>

/** Why two things are one incident: concrete equal values. */
export const incidentIdentity = z.object({
  kind: z.enum(['address', 'credential', 'lure', 'key', 'fingerprint', 'payload', 'asset', 'session']),
  value: z.string(),
  since: time,
  finding: id,
  by: z.string(),
  why: z.string(),
})

export const ticketState = z.enum([
  'new',
  'open',
  'assigned',
  'in_progress',
  'contained',
  'on_hold',
  'retest_queued',
  'retesting',
  'accepted',
  'closed_fixed',
  'closed_false_positive',
  'closed_duplicate',
])
export const ticketAction = z.enum([
  'triage',
  'assign',
  'start',
  'contain',
  'hold',
  'resume',
  'submit',
  'retest',
  'pass',
  'fail',
  'accept',
  'expire',
  'close_fixed',
  'close_false_positive',
  'close_duplicate',
  'reopen',
  'comment',
  'link',
  'unlink',
])
export type TicketState = z.infer<typeof ticketState>
export type TicketAction = z.infer<typeof ticketAction>

export const ticketSummary = z.object({
  id,
  number: count,
  loop: z.enum(['incident', 'vulnerability', 'baseline', 'risk']),
  state: ticketState,
  severity,
  title: z.object({ zh: z.string(), en: z.string() }),
  scope: z.string(),
  assignee: z.object({ id, name: z.string() }).nullable(),
  createdAt: time,
  updatedAt: time,
  closedAt: time.nullable(),
  dueAt: time.nullable(),
  answeredAt: time.nullable(),
  overdue: z.boolean(),
  incident: id.nullable(),
  version: count,
  /** What this person may do now; the console draws its buttons from it. `needs` names the fields the action asks for. */
  actions: z.array(z.object({ action: ticketAction, needs: z.array(z.enum(['assignee', 'reason', 'evidence', 'ticket', 'comment', 'until', 'link'])) })),
})
export type TicketSummary = z.infer<typeof ticketSummary>

export const ticketActivity = z.object({
  id,
  at: time,
  actor: z.string(),
  action: z.string(),
  from: ticketState.nullable(),
  to: ticketState.nullable(),
  comment: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
})

/** How one path of a relay was last proved: a segment, or an address that it listens on. */
export const proofPath = z.object({
  path: z.string(),
  /** `waiting`: not proved yet. `blind`: two touches were not seen. `unproved`: nobody could touch it. */
  state: z.enum(['waiting', 'proved', 'blind', 'unproved']),
  since: time,
  provedAt: time.nullable(),
  /** Name of the sensor that touched it, from which address, at which place. */
  by: z.string().nullable(),
  source: z.string().nullable(),
  target: z.string().nullable(),
  /** Only the relay itself could: what lies between it and an attacker is not proved. */
  inside: z.boolean(),
  detail: z.string(),
})
export type ProofPathSummary = z.infer<typeof proofPath>

export const sensorSummary = z.object({
  id,
  name: z.string(),
  role: z.enum(['relay', 'decoys', 'source']),
  scope: z.string(),
  status: z.enum(['pending', 'confirmed', 'revoked']),
  fingerprint: z.string().nullable(),
  certificateExpires: time.nullable(),
  enrolledAt: time.nullable(),
  connected: z.boolean(),
  lastSeenAt: time.nullable(),
  lastEventAt: time.nullable(),
  clockOffsetMs: z.number().nullable(),
  version: z.string().nullable(),
  contained: z.boolean().nullable(),
  queueEvents: count.nullable(),
  gaps: count,
  missingEvents: count,
  rejected: count,
  streams: count.nullable(),
  group: z.string().nullable(),
  uptimeMs: z.number().nullable(),
  queueBytes: count.nullable(),
  journalBytes: count.nullable(),
  /** Of a relay: addresses that it answers, those of idle hosts as they are claimed now. */
  addresses: count.nullable(),
  /** Of a relay: connections since `since`, the full hour 23 hours before the running one; our own left out. */
  touches: z.object({ count, since: time }).nullable(),
  segments: z.array(segmentHealth),
  /** Of a relay: how its paths were proved, the worst first; none is nothing to prove. */
  proofs: z.array(proofPath),
  /** Of a relay: what it is offered, and how it fares with that by its own account. */
  update: z.object({ wanted: z.string().nullable(), state: updateReport.shape.state.nullable(), detail: z.string() }).nullable(),
  /** Worst first: each a stable key that the console translates, with its subject. */
  problems: z.array(
    z.object({
      key: z.enum([
        'silent',
        'not-connected',
        'gap',
        'rejected',
        'cloned',
        'blind',
        'unproved',
        'segment-failed',
        'segment-halted',
        'not-contained',
        'clock',
        'certificate',
        'listen-failed',
        'tunnel-down',
        'journal-full',
        'unconfirmed',
        'revoked',
        'other',
      ]),
      detail: z.string(),
    }),
  ),
})
export type SensorSummary = z.infer<typeof sensorSummary>

export const decoySummary = z.object({
  id,
  persona: z.string(),
  host: z.string(),
  /** The host's name: the drawn one once its decoy host has said it, until then the pattern it is drawn from. */
  hostname: z.string(),
  /** What the decoy host drew from the seed and said of it; null until it has. */
  identity: z.object({ hostname: z.string(), mac: z.string(), serial: z.string(), saidAt: time }).nullable(),
  product: z.string(),
  scope: z.string(),
  services: z.array(z.string()),
  placements: z.array(z.object({ relay: z.string(), address: z.string(), port: count, service: z.string(), answering: z.boolean().nullable() })),
  sessions24h: count,
  lastTouchedAt: time.nullable(),
})
export type DecoySummary = z.infer<typeof decoySummary>

export const notice = z.object({
  id,
  at: time,
  kind: z.enum(['ticket', 'sensor', 'system', 'assigned', 'mention']),
  title: z.object({ zh: z.string(), en: z.string() }),
  link: z.string(),
  readAt: time.nullable(),
  count,
})
export const person = z.object({
  id,
  name: z.string(),
  username: z.string(),
  role: z.string(),
  scopes: z.array(z.string()),
  disabled: z.boolean(),
  totp: z.boolean(),
  mustChangePassword: z.boolean(),
  lastSignInAt: time.nullable(),
})
export type Person = z.infer<typeof person>
export const me = person.extend({ permissions: z.array(z.string()), locale: z.enum(['zh', 'en']).nullable() })
export const apiToken = z.object({
  id,
  name: z.string(),
  permissions: z.array(z.string()),
  scopes: z.array(z.string()),
  createdBy: z.string(),
  createdAt: time,
  expiresAt: time,
  lastUsedAt: time.nullable(),
})
export const auditEntry = z.object({
  number: count,
  at: time,
  actor: z.string(),
  address: z.string().nullable(),
  action: z.string(),
  target: z.string(),
  detail: z.record(z.string(), z.unknown()),
  hash: z.string(),
})
export const source = z.object({
  id,
  name: z.string(),
  format: z.enum(['suricata-eve', 'cef']),
  transport: z.enum(['syslog', 'http']),
  scope: z.string(),
  allowed: z.array(z.string()),
  createdAt: time,
  lastAt: time.nullable(),
  received: count,
  rejected: count,
})
export const knownScanner = z.object({
  id,
  network: z.string(),
  owner: z.string(),
  reason: z.string(),
  /** Where it is known: this place and below. */
  scope: z.string(),
  expires: z.string(),
  ports: z.array(count),
  expired: z.boolean(),
  touches: count,
})
export const rejectedEvent = z.object({ id, at: time, sensor: z.string(), reason: z.string(), raw: z.string() })

/** The first page: what changed, what does it touch, what do I do next. Each figure names the list that holds its rows. */
export const overview = z.object({
  clock: time,
  figures: z.array(
    z.object({
      key: z.enum(['live-sessions', 'open-tickets', 'my-tickets', 'overdue-tickets', 'events-24h', 'sources-24h', 'logins-24h', 'sensor-problems']),
      value: count,
      before: count.nullable(),
      link: z.string(),
    }),
  ),
  rate: z.array(z.tuple([time, count])), // events a minute, last 60 minutes
  services: z.array(z.object({ service: z.string(), sessions: count })),
  sources: z.array(z.object({ source: z.string(), events: count, sessions: count, incident: id.nullable() })),
  techniques: z.array(z.object({ technique: techniqueId, name: z.string(), findings: count })),
  next: z.array(ticketSummary),
  incidents: z.array(incidentSummary),
})
export const eventPage = z.object({ events: z.array(storedEvent), next: z.string().nullable(), newest: count })
