/**
 * Every route of `/api/v1`, as data: the server mounts handlers by these names, `/api/openapi.json` is printed from them and
 * the console's client is typed by them.
 */
import { z } from 'zod'
import { storedEvent } from './event.ts'
import { type Permission, permissions } from './permissions.ts'
import { scopePath, severity } from './primitives.ts'
import * as r from './records.ts'
import { planStep, templateFault } from './template.ts'

/** Error body of every route: a stable code, a sentence for people, and where it lies. */
export const apiError = z.object({
  error: z.object({ code: z.string(), message: z.string(), faults: z.array(templateFault).optional(), fields: z.record(z.string(), z.string()).optional() }),
})

const page = { cursor: z.string().max(200).optional(), limit: z.coerce.number().int().min(1).max(500).default(100) }
const list = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable(), total: z.number().int().nullable() })
const ok = z.object({ ok: z.literal(true) })
const version = z.number().int()
const password = z.string().min(12).max(256)

/** Filters of events; the console keeps them in its address bar under the same names. A leading `!` filters out. */
export const eventFilter = z.object({
  kind: z.string().max(500).optional(),
  source: z.string().max(200).optional(),
  decoy: z.string().max(200).optional(),
  service: z.string().max(200).optional(),
  sensor: z.string().max(200).optional(),
  session: z.string().max(64).optional(),
  connection: z.string().max(64).optional(),
  text: z.string().max(200).optional(),
  from: z.coerce.number().optional(),
  to: z.coerce.number().optional(),
  after: z.coerce.number().int().optional(),
})

type Route = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  permission: Permission | 'signed-in' | 'public'
  summary: string
  query?: z.ZodObject
  body?: z.ZodType
  answer: z.ZodType | 'bytes'
}
const define = <const T extends Record<string, Route>>(routes: T): T => routes

export const routes = define({
  health: {
    method: 'GET',
    path: '/health',
    permission: 'public',
    summary: 'Whether the core serves.',
    answer: z.object({ ok: z.boolean(), version: z.string() }),
  },
  signIn: {
    method: 'POST',
    path: '/sign-in',
    permission: 'public',
    summary: 'Sign in with name and password, and the TOTP code where it is on.',
    body: z.object({ username: z.string().max(64), password: z.string().max(256), totp: z.string().max(10).optional() }),
    answer: z.object({ next: z.enum(['done', 'totp', 'change-password']) }),
  },
  signOut: { method: 'POST', path: '/sign-out', permission: 'signed-in', summary: 'End this session.', answer: ok },
  me: { method: 'GET', path: '/me', permission: 'signed-in', summary: 'Who is signed in and what they may do.', answer: r.me },
  changePassword: {
    method: 'POST',
    path: '/me/password',
    permission: 'signed-in',
    summary: 'Change the own password; ends all other sessions.',
    body: z.object({ current: z.string().max(256), next: password }),
    answer: ok,
  },
  setPreferences: {
    method: 'PUT',
    path: '/me/preferences',
    permission: 'signed-in',
    summary: 'Keep what this person set in the console.',
    body: z.object({ preferences: z.record(z.string().max(100), z.unknown()) }),
    answer: ok,
  },
  preferences: {
    method: 'GET',
    path: '/me/preferences',
    permission: 'signed-in',
    summary: 'What this person set in the console.',
    answer: z.object({ preferences: z.record(z.string(), z.unknown()) }),
  },
  totpBegin: {
    method: 'POST',
    path: '/me/totp',
    permission: 'signed-in',
    summary: 'Begin TOTP: answers the secret as an otpauth URI.',
    body: z.object({ password: z.string().max(256) }),
    answer: z.object({ uri: z.string() }),
  },
  totpConfirm: {
    method: 'POST',
    path: '/me/totp/confirm',
    permission: 'signed-in',
    summary: 'Turn TOTP on with a code.',
    body: z.object({ code: z.string().max(10) }),
    answer: ok,
  },
  totpOff: {
    method: 'POST',
    path: '/me/totp/off',
    permission: 'signed-in',
    summary: 'Turn TOTP off.',
    body: z.object({ password: z.string().max(256) }),
    answer: ok,
  },

  overview: { method: 'GET', path: '/overview', permission: 'session.read', summary: 'What changed, what it touches, what to do next.', answer: r.overview },
  sessions: {
    method: 'GET',
    path: '/sessions',
    permission: 'session.read',
    summary: 'Sessions, newest first.',
    query: z.object({
      ...page,
      live: z.enum(['true', 'false']).optional(),
      source: z.string().max(64).optional(),
      decoy: z.string().max(64).optional(),
      service: z.string().max(32).optional(),
      incident: z.string().max(64).optional(),
      from: z.coerce.number().optional(),
      to: z.coerce.number().optional(),
    }),
    answer: list(r.sessionSummary),
  },
  session: { method: 'GET', path: '/sessions/:id', permission: 'session.read', summary: 'One session.', answer: r.sessionSummary },
  sessionEvents: {
    method: 'GET',
    path: '/sessions/:id/events',
    permission: 'session.read',
    summary: 'Events of one session in order, without terminal data unless asked.',
    query: z.object({
      after: z.coerce.number().int().default(0),
      limit: z.coerce.number().int().min(1).max(2000).default(500),
      terminal: z.enum(['true', 'false']).default('false'),
    }),
    answer: z.object({ events: z.array(storedEvent), more: z.boolean() }),
  },
  recording: {
    method: 'GET',
    path: '/sessions/:id/recording',
    permission: 'session.read',
    summary: 'Terminal recording with technique marks.',
    answer: r.recording,
  },
  recordingCast: {
    method: 'GET',
    path: '/sessions/:id/recording.cast',
    permission: 'session.read',
    summary: 'The recording as asciicast v2.',
    answer: 'bytes',
  },
  events: {
    method: 'GET',
    path: '/events',
    permission: 'event.read',
    summary: 'Events, newest first; with `after`, oldest first from that position.',
    query: eventFilter.extend(page),
    answer: r.eventPage,
  },
  event: { method: 'GET', path: '/events/:id', permission: 'event.read', summary: 'One event, raw, with its source.', answer: storedEvent },
  eventFacets: {
    method: 'GET',
    path: '/events/facets',
    permission: 'event.read',
    summary: 'The most frequent values of each field under the same filters.',
    query: eventFilter,
    answer: z.object({
      facets: z.array(z.object({ field: z.string(), values: z.array(z.object({ value: z.string(), count: z.number().int() })) })),
      histogram: z.array(z.tuple([z.number(), z.number()])),
      bucketMs: z.number(),
      total: z.number().int(),
    }),
  },
  rejectedEvents: {
    method: 'GET',
    path: '/events/rejected',
    permission: 'event.read',
    summary: 'Events that failed their schema, with raw bytes and reason.',
    query: z.object(page),
    answer: list(r.rejectedEvent),
  },
  blob: {
    method: 'GET',
    path: '/blobs/:sha256',
    permission: 'blob.read',
    summary: 'A captured file, as an attachment in a ZIP with the password `infected`.',
    answer: 'bytes',
  },

  findings: {
    method: 'GET',
    path: '/findings',
    permission: 'incident.read',
    summary: 'Findings, newest first.',
    query: z.object({
      ...page,
      incident: z.string().max(64).optional(),
      session: z.string().max(64).optional(),
      rule: z.string().max(64).optional(),
      technique: z.string().max(16).optional(),
    }),
    answer: list(r.findingSummary),
  },
  finding: { method: 'GET', path: '/findings/:id', permission: 'incident.read', summary: 'One finding with its evidence.', answer: r.findingSummary },
  incidents: {
    method: 'GET',
    path: '/incidents',
    permission: 'incident.read',
    summary: 'Incidents, last active first.',
    query: z.object({ ...page, source: z.string().max(64).optional(), severity: severity.optional(), open: z.enum(['true', 'false']).optional() }),
    answer: list(r.incidentSummary),
  },
  incident: {
    method: 'GET',
    path: '/incidents/:id',
    permission: 'incident.read',
    summary: 'One incident: identities and why its findings are one.',
    answer: z.object({
      incident: r.incidentSummary,
      identities: z.array(r.incidentIdentity),
      history: z.array(z.object({ at: z.number(), actor: z.string(), action: z.string(), detail: z.record(z.string(), z.unknown()) })),
    }),
  },
  mergeIncidents: {
    method: 'POST',
    path: '/incidents/:id/merge',
    permission: 'incident.change',
    summary: 'Join another incident into this one; can be undone.',
    body: z.object({ other: z.string(), why: z.string().min(1).max(1000) }),
    answer: r.incidentSummary,
  },
  splitIncident: {
    method: 'POST',
    path: '/incidents/:id/split',
    permission: 'incident.change',
    summary: 'Move findings out into an incident of their own; can be undone by a merge.',
    body: z.object({ findings: z.array(z.string()).min(1).max(1000), why: z.string().min(1).max(1000) }),
    answer: r.incidentSummary,
  },

  tickets: {
    method: 'GET',
    path: '/tickets',
    permission: 'ticket.read',
    summary: 'Tickets, most urgent first.',
    query: z.object({
      ...page,
      state: r.ticketState.optional(),
      open: z.enum(['true', 'false']).optional(),
      mine: z.enum(['true', 'false']).optional(),
      overdue: z.enum(['true', 'false']).optional(),
      incident: z.string().max(64).optional(),
    }),
    answer: list(r.ticketSummary),
  },
  ticket: {
    method: 'GET',
    path: '/tickets/:id',
    permission: 'ticket.read',
    summary: 'One ticket with its activity, evidence and clock.',
    answer: z.object({
      ticket: r.ticketSummary,
      activity: z.array(r.ticketActivity),
      evidence: z.array(
        z.object({
          id: z.string(),
          kind: z.enum(['event', 'session', 'finding', 'note']),
          target: z.string(),
          label: z.string(),
          by: z.string(),
          at: z.number(),
          why: z.string(),
        }),
      ),
      clock: z.array(z.object({ from: z.number(), to: z.number().nullable(), running: z.boolean(), why: z.string() })),
    }),
  },
  stepTicket: {
    method: 'POST',
    path: '/tickets/:id/actions',
    permission: 'ticket.work',
    summary: 'Take an action that the ticket allows. `version` guards against a stale page.',
    body: z.object({
      action: r.ticketAction,
      version,
      assignee: z.string().optional(),
      reason: z.string().max(2000).optional(),
      comment: z.string().max(10_000).optional(),
      evidence: z.object({ kind: z.enum(['event', 'session', 'finding', 'note']), target: z.string().max(200), why: z.string().max(1000) }).optional(),
      ticket: z.string().optional(),
      until: z.number().optional(),
      link: z.string().optional(),
    }),
    answer: r.ticketSummary,
  },

  sensors: {
    method: 'GET',
    path: '/sensors',
    permission: 'sensor.read',
    summary: 'Relays, decoy hosts and sources with their health.',
    answer: list(r.sensorSummary),
  },
  issueEnrolment: {
    method: 'POST',
    path: '/sensors/enrolments',
    permission: 'sensor.manage',
    summary: 'Make an enrolment token, good once, for at most an hour.',
    body: z.object({
      role: z.enum(['relay', 'decoys']),
      name: z.string().min(1).max(64),
      scope: scopePath,
      network: z.string().max(49),
      minutes: z.number().int().min(1).max(60).default(60),
    }),
    answer: z.object({ token: z.string(), expires: z.number() }),
  },
  confirmSensor: {
    method: 'POST',
    path: '/sensors/:id/confirm',
    permission: 'sensor.manage',
    summary: 'Confirm a new sensor by its fingerprint.',
    body: z.object({ fingerprint: z.string() }),
    answer: ok,
  },
  revokeSensor: {
    method: 'POST',
    path: '/sensors/:id/revoke',
    permission: 'sensor.manage',
    summary: 'Revoke a sensor; its channel and tunnels close within 2 s.',
    body: z.object({ reason: z.string().min(1).max(500) }),
    answer: ok,
  },
  sources: { method: 'GET', path: '/sources', permission: 'sensor.read', summary: 'Other tools that send their alerts here.', answer: list(r.source) },
  createSource: {
    method: 'POST',
    path: '/sources',
    permission: 'source.manage',
    summary: 'Register a tool that sends alerts by syslog or HTTP push.',
    body: z.object({
      name: z.string().min(1).max(64),
      format: z.enum(['suricata-eve', 'cef']),
      transport: z.enum(['syslog', 'http']),
      scope: scopePath,
      allowed: z.array(z.string().max(49)).max(50).default([]),
    }),
    answer: r.source,
  },
  pushAlerts: {
    method: 'POST',
    path: '/sources/:id/alerts',
    permission: 'source.push',
    summary: 'Push alerts: one record a line (EVE JSON or CEF), at most 1 MiB.',
    body: z.string().max(1_048_576),
    answer: z.object({ accepted: z.number().int(), ignored: z.number().int(), rejected: z.array(z.object({ line: z.number().int(), reason: z.string() })) }),
  },

  decoys: { method: 'GET', path: '/decoys', permission: 'sensor.read', summary: 'Decoys and where they answer.', answer: list(r.decoySummary) },
  templates: {
    method: 'GET',
    path: '/templates',
    permission: 'template.read',
    summary: 'Applied templates and those that ship with the product.',
    answer: z.object({
      applied: z.array(
        z.object({ name: z.string(), title: z.object({ zh: z.string(), en: z.string() }), appliedAt: z.number(), by: z.string(), text: z.string() }),
      ),
      shipped: z.array(z.object({ name: z.string(), text: z.string() })),
    }),
  },
  planTemplate: {
    method: 'POST',
    path: '/templates/plan',
    permission: 'template.read',
    summary: 'What applying this template would change; changes nothing.',
    body: z.object({ text: z.string().max(1_048_576) }),
    answer: z.object({ name: z.string(), steps: z.array(planStep), warnings: z.array(z.string()), base: z.string() }),
  },
  applyTemplate: {
    method: 'POST',
    path: '/templates/apply',
    permission: 'template.apply',
    summary: 'Apply a template. `base` is the plan it was reviewed as.',
    body: z.object({ text: z.string().max(1_048_576), base: z.string().optional() }),
    answer: z.object({ name: z.string(), steps: z.array(planStep), version: z.number().int() }),
  },
  knownScanners: {
    method: 'GET',
    path: '/known-scanners',
    permission: 'template.read',
    summary: 'Known scanners and monitors, reviewed, with owner and expiry.',
    answer: list(r.knownScanner),
  },

  notices: { method: 'GET', path: '/notices', permission: 'signed-in', summary: 'The inbox.', query: z.object(page), answer: list(r.notice) },
  readNotices: {
    method: 'POST',
    path: '/notices/read',
    permission: 'signed-in',
    summary: 'Mark notices as read.',
    body: z.object({ ids: z.array(z.string()).max(500) }),
    answer: ok,
  },

  people: {
    method: 'GET',
    path: '/people',
    permission: 'ticket.read',
    summary: 'People who can be assigned; administrators see all fields.',
    answer: list(r.person),
  },
  createPerson: {
    method: 'POST',
    path: '/people',
    permission: 'user.manage',
    summary: 'Create an account with a one-time password.',
    body: z.object({
      username: z
        .string()
        .min(2)
        .max(64)
        .regex(/^[a-z0-9._-]+$/),
      name: z.string().min(1).max(100),
      role: z.enum(['administrator', 'analyst', 'viewer']),
      scopes: z.array(scopePath).min(1).max(50),
    }),
    answer: z.object({ person: r.person, password: z.string() }),
  },
  changePerson: {
    method: 'PUT',
    path: '/people/:id',
    permission: 'user.manage',
    summary: 'Change role, scopes or state; ends sessions when disabled.',
    body: z.object({
      role: z.enum(['administrator', 'analyst', 'viewer']).optional(),
      scopes: z.array(scopePath).min(1).max(50).optional(),
      disabled: z.boolean().optional(),
      resetPassword: z.boolean().optional(),
    }),
    answer: z.object({ person: r.person, password: z.string().nullable() }),
  },
  scopes: {
    method: 'GET',
    path: '/scopes',
    permission: 'signed-in',
    summary: 'The organisation tree that this person may see.',
    answer: list(z.object({ path: z.string(), name: z.object({ zh: z.string(), en: z.string() }) })),
  },
  tokens: { method: 'GET', path: '/tokens', permission: 'token.manage', summary: 'API tokens, without their secrets.', answer: list(r.apiToken) },
  createToken: {
    method: 'POST',
    path: '/tokens',
    permission: 'token.manage',
    summary: 'Create an API token; its secret is shown once.',
    body: z.object({
      name: z.string().min(1).max(64),
      permissions: z.array(z.enum(permissions)).min(1),
      scopes: z.array(scopePath).min(1).max(50),
      days: z.number().int().min(1).max(365),
    }),
    answer: z.object({ token: r.apiToken, secret: z.string() }),
  },
  revokeToken: { method: 'DELETE', path: '/tokens/:id', permission: 'token.manage', summary: 'Revoke an API token.', answer: ok },
  audit: {
    method: 'GET',
    path: '/audit',
    permission: 'audit.read',
    summary: 'The audit log, newest first.',
    query: z.object({ ...page, actor: z.string().max(64).optional(), action: z.string().max(64).optional() }),
    answer: list(r.auditEntry),
  },
  verifyAudit: {
    method: 'GET',
    path: '/audit/verify',
    permission: 'audit.read',
    summary: 'Recompute the hash chain and name the first altered entry.',
    answer: z.object({ entries: z.number().int(), intact: z.boolean(), firstBad: z.number().int().nullable(), head: z.string() }),
  },
})
export type Routes = typeof routes
export type RouteName = keyof Routes
export type RouteBody<N extends RouteName> = Routes[N] extends { body: infer B extends z.ZodType } ? z.input<B> : undefined
export type RouteQuery<N extends RouteName> = Routes[N] extends { query: infer Q extends z.ZodType } ? z.input<Q> : undefined
export type RouteAnswer<N extends RouteName> = Routes[N] extends { answer: infer A extends z.ZodType } ? z.output<A> : Uint8Array
