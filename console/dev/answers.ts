/** What the mock answers on each route of the contract. */
import type { RouteAnswer, RouteName } from '@shenlou/contract/api'
import { addressStates } from '@shenlou/contract/coverage'
import type { StoredEvent } from '@shenlou/contract/event'
import * as cases from './cases.ts'
import * as fleet from './fleet.ts'
import { ovenPicture } from './oven.ts'
import * as records from './records.ts'
import { addressesOf, segmentCells, segments } from './segments.ts'

const r = { ...records, ...cases, ...fleet }

type Input = { params: Record<string, string>; query: Record<string, string>; body: Record<string, unknown> }
export type Answers = { [N in RouteName]: (input: Input) => RouteAnswer<N> | Response }

const list = <T>(items: T[]): { items: T[]; next: string | null; total: number | null } => ({ items, next: null, total: items.length })
const ok = () => ({ ok: true as const })
const problem = (status: number, code: string, message: string, more: object = {}): Response => Response.json({ error: { code, message, ...more } }, { status })
const attachment = (name: string): Response => new Response('', { headers: { 'content-disposition': `attachment; filename="${name}"` } })
const one = <T extends { id: string }>(rows: T[], id: string | undefined): T | Response =>
  rows.find((row) => row.id === id) ?? problem(404, 'not-found', 'There is no such record.')

const columns: Record<string, (event: StoredEvent) => string | undefined> = {
  kind: (e) => e.kind,
  source: (e) => e.source?.ip,
  decoy: (e) => e.decoy,
  service: (e) => e.service,
  sensor: (e) => e.sensor,
  session: (e) => e.session,
}
function chosen(query: Record<string, string>): StoredEvent[] {
  return r.events.filter((event) => {
    for (const [name, value] of Object.entries(columns)) {
      const wanted = query[name]
      if (!wanted) continue
      const out = wanted.startsWith('!')
      if ((value(event) === (out ? wanted.slice(1) : wanted)) === out) return false
    }
    if (query.text && !JSON.stringify(event.body).includes(query.text)) return false
    return (!query.from || event.time >= Number(query.from)) && (!query.to || event.time <= Number(query.to)) && event.kind !== 'terminal.data'
  })
}

export const answers: Answers = {
  health: () => ({ ok: true, version: '0.1.0' }),
  signIn: ({ body }) => {
    if (body.password === 'wrong') return problem(401, 'sign-in', 'User name or password is wrong.')
    if (body.password === 'one-time-password') return { next: 'change-password' }
    if (body.password === 'with-totp' && !body.totp) return { next: 'totp' }
    return { next: 'done' }
  },
  signOut: ok,
  me: () => r.others.me,
  changePassword: ok,
  setPreferences: ok,
  preferences: () => ({ preferences: {} }),
  totpBegin: () => ({ uri: 'otpauth://totp/Shenlou:lin.wei?secret=JBSWY3DPEHPK3PXP&issuer=Shenlou' }),
  totpConfirm: ok,
  totpOff: ok,
  overview: () => ({
    clock: Date.now(),
    figures: [
      { key: 'live-sessions', value: 2, before: null, link: '/sessions?live=true' },
      { key: 'open-tickets', value: 3, before: 2, link: '/tickets?open=true' },
      { key: 'my-tickets', value: 1, before: null, link: '/tickets?mine=true&open=true' },
      { key: 'overdue-tickets', value: 1, before: 0, link: '/tickets?overdue=true' },
      { key: 'events-24h', value: 1284, before: 1102, link: `/events?from=${r.now - 86_400_000}` },
      { key: 'sources-24h', value: 34, before: 41, link: `/events?from=${r.now - 86_400_000}` },
      { key: 'logins-24h', value: 616, before: 616, link: '/events?kind=login.attempted' },
      { key: 'sensor-problems', value: 3, before: null, link: '/sensors' },
    ],
    rate: Array.from({ length: 60 }, (_, i): [number, number] => [
      Math.floor(r.now / 60_000 - 59 + i) * 60_000,
      Math.round(8 + 6 * Math.sin(i / 6) + (i > 50 ? (i - 50) * 6 : 0) + ((i * 7) % 5)),
    ]),
    services: [
      { service: 'ssh', sessions: 33 },
      { service: 'portal', sessions: 9 },
    ],
    sources: r.sessions
      .slice(0, 6)
      .map((row, i) => ({ source: `${row.source.slice(0, -1)}${i}`, events: 520 - i * 80, sessions: 9 - i, incident: row.incident })),
    techniques: [
      { technique: 'T1110.001', name: 'Password Guessing', findings: 12 },
      { technique: 'T1190', name: 'Exploit Public-Facing Application', findings: 4 },
      { technique: 'T1105', name: 'Ingress Tool Transfer', findings: 1 },
    ],
    next: r.tickets.slice(0, 3),
    incidents: r.incidents,
  }),
  sessions: ({ query }) =>
    list(
      r.sessions.filter(
        (row) =>
          (!query.live || String(row.live) === query.live) &&
          (!query.source || row.source === query.source) &&
          (!query.service || row.service === query.service) &&
          (!query.incident || row.incident === query.incident) &&
          (!query.decoy || row.decoy === query.decoy),
      ),
    ),
  session: ({ params }) => one(r.sessions, params.id),
  sessionEvents: ({ params, query }) => ({
    events: r.events.filter(
      (event) => event.session === params.id && event.position > Number(query.after ?? 0) && (query.terminal === 'true' || event.kind !== 'terminal.data'),
    ),
    more: false,
  }),
  sessionPlant: () => ovenPicture,
  recording: ({ params }) =>
    params.id === r.recording.session ? r.recording : { ...r.recording, session: params.id ?? '', frames: [], marks: [], durationMs: 0, bytes: 0 },
  recordingCast: () => attachment('session.cast'),
  events: ({ query }) => ({
    events: chosen(query)
      .toReversed()
      .slice(0, Number(query.limit ?? 100)),
    next: null,
    newest: r.events.at(-1)?.position ?? 0,
  }),
  event: ({ params }) => one(r.events, params.id),
  eventFacets: ({ query }) => {
    const events = chosen(query)
    const facets = Object.entries(columns).map(([field, value]) => {
      const counts = new Map<string, number>()
      for (const event of events) counts.set(value(event) ?? '', (counts.get(value(event) ?? '') ?? 0) + 1)
      return {
        field,
        values: [...counts]
          .filter(([name]) => name)
          .sort((a, b) => b[1] - a[1])
          .slice(0, 20)
          .map(([name, count]) => ({ value: name, count })),
      }
    })
    const bucketMs = 1_800_000
    const last = Math.floor(r.now / bucketMs)
    const histogram = Array.from({ length: 48 }, (_, i): [number, number] => [
      (last - 47 + i) * bucketMs,
      events.filter((event) => Math.floor(event.time / bucketMs) === last - 47 + i).length,
    ])
    return { facets, histogram, bucketMs, total: events.length }
  },
  rejectedEvents: () => list(r.others.rejected),
  blob: () => attachment('captured.zip'),
  findings: ({ query }) =>
    list(
      r.findings.filter(
        (row) =>
          (!query.session || row.session === query.session) &&
          (!query.incident || row.incident === query.incident) &&
          (!query.technique || row.techniques.some((technique) => technique.id === query.technique)),
      ),
    ),
  finding: ({ params }) => one(r.findings, params.id),
  incidents: ({ query }) => list(r.incidents.filter((row) => !query.severity || row.severity === query.severity)),
  incident: ({ params }) => {
    const incident = one(r.incidents, params.id)
    return incident instanceof Response ? incident : { incident, identities: r.others.identities, history: r.others.incidentHistory }
  },
  mergeIncidents: ({ params }) => one(r.incidents, params.id),
  splitIncident: ({ params }) => one(r.incidents, params.id),
  tickets: ({ query }) =>
    list(
      r.tickets.filter(
        (row) =>
          (query.open === undefined || (row.closedAt === null) === (query.open === 'true')) &&
          (query.overdue !== 'true' || row.overdue) &&
          (query.mine !== 'true' || row.assignee?.id === r.others.me.id),
      ),
    ),
  ticket: ({ params }) => {
    const ticket = one(r.tickets, params.id)
    return ticket instanceof Response ? ticket : { ticket, ...r.ticketDetail }
  },
  stepTicket: ({ params, body }) =>
    body.version === 3 ? one(r.tickets, params.id) : problem(409, 'stale', 'Somebody else changed this ticket meanwhile; look at it again.'),
  sensors: () => list(r.sensorList),
  releases: () => list(r.releaseList),
  importRelease: () => r.releaseList[0] as RouteAnswer<'importRelease'>,
  releaseKeys: () => list([]),
  trustReleaseKey: () => ({ id: '7d41b0a6'.repeat(8) }),
  distrustReleaseKey: ok,
  rollouts: () => list(r.rolloutList),
  startRollout: () => ({ id: r.rolloutList[0]?.id ?? '' }),
  stepRollout: ok,
  issueEnrolment: () => ({
    token: 'sle1.eyJyb2xlIjoicmVsYXkiLCJuYW1lIjoicmVsYXktcGFyay05In0.q3Zt9o2mVb1xL0u4Yw7pRk8sNc5dHf6a',
    expires: Date.now() + 3_600_000,
  }),
  confirmSensor: ok,
  revokeSensor: ok,
  sensorSettings: () => r.sensorSettings,
  configureSensor: () => r.sensorSettings,
  sensorGroups: () => list(r.sensorGroups),
  saveSensorGroup: ok,
  removeSensorGroup: ok,
  sources: () => list(r.others.sources),
  createSource: () => r.others.sources[0] as RouteAnswer<'createSource'>,
  pushAlerts: () => ({ accepted: 1, ignored: 0, rejected: [] }),
  decoys: () => list(r.others.decoys),
  templates: () => r.others.templates,
  planTemplate: ({ body }) =>
    String(body.text).includes('kind: scenario')
      ? r.others.plan
      : problem(400, 'template', 'The template has 1 fault; nothing was changed.', {
          faults: [{ line: 3, column: 7, path: 'name', message: 'must be lower-case letters, digits, dots and hyphens' }],
        }),
  applyTemplate: () => ({ name: 'starter', steps: r.others.plan.steps, version: 4, undrawn: 0 }),
  coverage: () => list(segments),
  segmentMap: ({ params }) => {
    const cells = segmentCells.get(params.id ?? '')
    const segment = segments.find(({ id }) => id === params.id)
    return cells && segment
      ? { network: segment.network, states: [...addressStates], cells: Buffer.from(cells).toString('base64') }
      : problem(404, 'not-found', 'There is no such segment.')
  },
  segmentAddresses: ({ params, query }) => addressesOf(params.id ?? '', query),
  releaseSegment: ok,
  delays: () => ({
    items: [
      {
        id: r.uuid(90, 1),
        scope: 'group/park-1',
        source: '203.0.113.77',
        kinds: ['ssh', 'http', 'window'],
        at: r.now - 600_000,
        until: r.now + 1_200_000,
        reason: 'while the site looks',
        by: 'lin',
        session: null,
        incident: null,
        active: true,
        endedAt: null,
        endedBy: null,
        sum: { connections: 7, now: 2, heldMs: 3_723_000, bytesOut: 5120, cpuMs: 42.5 },
      },
    ],
    sum: { connections: 7, now: 2, heldMs: 3_723_000, bytesOut: 5120, cpuMs: 42.5 },
  }),
  startDelay: () => ({ items: [r.uuid(90, 1)], known: [] }),
  endDelay: ok,
  delaySettings: () => ({ on: false, severity: 'high', scan: null, minutes: 30 }),
  saveDelaySettings: ok,
  knownScanners: () => list(r.others.knownScanners),
  notices: () => list(r.others.notices),
  readNotices: ok,
  people: () => list(r.others.people),
  createPerson: () => ({ person: r.others.people[1] as RouteAnswer<'createPerson'>['person'], password: 'vqk7-m2xd-9hat-w3pe' }),
  changePerson: () => ({ person: r.others.people[1] as RouteAnswer<'createPerson'>['person'], password: null }),
  scopes: () => list(r.others.scopes),
  tokens: () => list(r.others.tokens),
  createToken: () => ({ token: r.others.tokens[0] as RouteAnswer<'createToken'>['token'], secret: 'sl_7f3c1e9a5b2d8f4c6e0a' }),
  revokeToken: ok,
  audit: () => list(r.others.audit),
  verifyAudit: () => ({ entries: 824, intact: true, firstBad: null, head: 'f'.repeat(64) }),
}
