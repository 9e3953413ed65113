/** From events to what a batch concludes: which rules matched, on which findings that falls, and what identifies the attacker. */
import { createHash } from 'node:crypto'
import type { StoredEvent } from '@shenlou/contract/event'
import { type Severity, severity as severitySchema, techniqueId } from '@shenlou/contract/primitives'
import type { FindScanner } from '../known-scanners.ts'
import { operatorSays } from './operator.ts'
import { type Match, matchRule, type Rule } from './rule.ts'
import { rulesFor } from './rules/all.ts'
import { type View, viewOf } from './view.ts'
import { addToWindow, type Entry } from './window.ts'

/** Events kept as evidence of one finding. */
export const evidenceLimit = 20

export interface Evidence extends Match {
  event: string
  session: string | null
  time: number
}

/** One addition to a finding: a match, or the matches that a threshold gained. */
export interface Conclusion {
  rule: Rule
  key: string
  keyFields: [string, string][]
  title: Rule['title']
  reason: Rule['reason']
  severity: Severity
  techniques: readonly string[]
  scope: string
  source: string | null
  decoy: string | null
  session: string | null
  sensor: string
  product: string | null
  /** Owner of the known scanner that did it. */
  known: string | null
  /** A login, an exploit, or a known scanner where nobody expects it. */
  opens: boolean
  firstAt: number
  lastAt: number
  count: number
  evidence: Evidence[]
  sessions: string[]
}

/** SHA-256, hexadecimal, over a versioned tuple; each part as a 4-byte big-endian length and UTF-8 bytes, so that no two tuples share a form. */
export function tupleHash(parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    const bytes = Buffer.from(part, 'utf8')
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length)
    hash.update(bytes)
  }
  return hash.digest('hex')
}

const text = (view: View, field: string): string => {
  const value = view(field)
  return value === undefined || value === null ? '' : String(value)
}

/** Which ring of a threshold rule an event falls into. */
export const windowKey = (rule: Rule, view: View, scope: string): string =>
  tupleHash(['window-1', rule.id, scope, ...(rule.threshold?.by ?? []).map((field) => text(view, field))])

/** An event that met a rule's condition. */
export interface Hit {
  rule: Rule
  event: StoredEvent
  view: View
  matches: Match[]
  /** Ring of the threshold, where the rule has one. */
  ring?: string
}

/** Every rule that each event meets, thresholds not counted yet. */
export function findHits(events: readonly StoredEvent[]): Hit[] {
  const hits: Hit[] = []
  for (const event of events) {
    const rules = rulesFor(event.kind)
    if (rules.length === 0) continue
    const view = viewOf(event)
    for (const rule of rules) {
      const matches = matchRule(rule, view)
      if (matches) hits.push({ rule, event, view, matches, ...(rule.threshold && { ring: windowKey(rule, view, event.scope) }) })
    }
  }
  return hits
}

/** Whether a known scanner touched what its owner did not list. */
function strays(event: StoredEvent, ports: readonly number[]): boolean {
  if (ports.length === 0) return false
  const touched = event.kind === 'scan.detected' ? (event.body.ports as number[]) : event.destination?.port === undefined ? [] : [event.destination.port]
  return touched.some((port) => !ports.includes(port))
}

/** Why it is a finding: the rule's reason, after what an operator would say where the rule wants that. */
function reasonOf({ reason, says }: Rule, event: StoredEvent): Rule['reason'] {
  const said = says ? operatorSays(event) : undefined
  return said ? { zh: `${said.zh}。${reason.zh}`.slice(0, 1000), en: `${said.en}. ${reason.en}`.slice(0, 1000) } : reason
}

function conclude(hit: Hit, findScanner: FindScanner, gained?: Entry[]): Conclusion {
  const { rule, event, view } = hit
  const keyFields = [['scope', event.scope], ...rule.per.map((field) => [field, text(view, field)])] as [string, string][]
  const scanner = findScanner(event.source?.ip, event.time, event.scope)
  const said = rule.from === 'alert' ? event.body : undefined
  const alertSeverity = severitySchema.safeParse(said?.severity)
  const title = said ? String(said.title).slice(0, 300) || rule.title.en : ''
  const evidence: Evidence[] = gained
    ? gained.map((entry) => ({ event: entry.event, session: entry.session, time: entry.time, field: entry.field, value: entry.value, why: whyOf(rule) }))
    : // One event shows itself by the field that matched first; the others follow.
      inOrder(rule, hit.matches).map((match) => ({ ...match, event: event.id, session: event.session ?? null, time: event.time }))
  const times = gained ? gained.map((entry) => entry.time) : [event.time]
  const sessions = gained ? gained.flatMap((entry) => entry.session ?? []) : event.session ? [event.session] : []
  return {
    rule,
    key: tupleHash(['finding-1', rule.id, ...keyFields.flat()]),
    keyFields,
    title: said ? { zh: title, en: title } : rule.title,
    reason: reasonOf(rule, event),
    severity: alertSeverity.success ? alertSeverity.data : rule.severity,
    techniques: said ? ((said.techniques ?? []) as string[]).filter((id) => techniqueId.safeParse(id).success) : rule.techniques,
    scope: event.scope,
    source: event.source?.ip ?? null,
    decoy: event.decoy ?? null,
    session: event.session ?? null,
    sensor: event.sensor,
    product: said ? String(said.product) : null,
    known: scanner?.owner ?? null,
    opens: rule.opens === true || (scanner !== undefined && strays(event, scanner.ports)),
    firstAt: Math.min(...times),
    lastAt: Math.max(...times),
    count: times.length,
    evidence,
    sessions,
  }
}

/** What an operator would say comes before what the rule looked at. */
const inOrder = ({ says, evidence }: Rule, matches: readonly Match[]): Match[] =>
  says ? [...matches].sort((a, b) => Number(b.field === evidence[0]) - Number(a.field === evidence[0])) : [...matches]

const whyOf = ({ threshold }: Rule): string => {
  if (!threshold) return ''
  const { count, withinMs, distinct } = threshold
  return `≥ ${count} / ${withinMs / 1000} s${distinct ? `, ≠ ${distinct.join(', ')}` : ''}`
}

/** Counts thresholds in `rings` (changed in place) and answers what all hits conclude, in their order. */
export function concludeHits(hits: readonly Hit[], rings: Map<string, Entry[]>, findScanner: FindScanner): Conclusion[] {
  const found: Conclusion[] = []
  for (const hit of hits) {
    const { rule, event, view, ring } = hit
    if (!ring || !rule.threshold) {
      found.push(conclude(hit, findScanner))
      continue
    }
    const entries = rings.get(ring) ?? []
    rings.set(ring, entries)
    // The field that changes from event to event says more than the condition that all of them meet.
    const shown = hit.matches.find((match) => match.field === (rule.threshold?.distinct?.at(-1) ?? rule.evidence[0])) ?? hit.matches[0]
    const entry: Entry = {
      time: event.time,
      event: event.id,
      session: event.session ?? null,
      values: (rule.threshold.distinct ?? []).map((field) => tupleHash([text(view, field)]).slice(0, 16)),
      field: shown?.field ?? '',
      value: shown?.value ?? '',
      counted: false,
    }
    const gained = addToWindow(entries, entry, rule.threshold)
    if (gained.length > 0) found.push(conclude(hit, findScanner, gained))
  }
  return found
}

/** A concrete value of a session that can tie it to others. */
export interface SessionIdentity {
  session: string
  kind: 'lure' | 'key' | 'fingerprint' | 'payload'
  value: string
  source: string | null
  time: number
}

const smallestPayload = 16

/** What events say of a session's client apart from any rule: lure credentials, keys, files it brought, how it speaks SSH and TLS. */
export function sessionIdentities(events: readonly StoredEvent[]): SessionIdentity[] {
  const found = new Map<string, SessionIdentity>()
  for (const event of events) {
    const { session, body } = event
    if (!session) continue
    const add = (kind: SessionIdentity['kind'], value: unknown): void => {
      if (typeof value !== 'string' || value === '') return
      found.set(`${session} ${kind} ${value}`, { session, kind, value: value.slice(0, 512), source: event.source?.ip ?? null, time: event.time })
    }
    if (event.kind === 'ssh.negotiated') add('fingerprint', `hassh ${body.hassh}`)
    else if (event.kind === 'tls.negotiated' && body.ja4) add('fingerprint', `ja4 ${body.ja4}`)
    else if (event.kind === 'login.attempted') {
      add('key', (body.key as { fingerprint?: unknown } | undefined)?.fingerprint)
      if (body.by === 'lure') add('lure', `${body.user}:${body.password}`)
    } else if (event.kind === 'file.uploaded' || event.kind === 'http.exchanged') {
      const file = body.file as { sha256?: unknown; size?: unknown } | undefined
      // Empty and tiny files are the same everywhere.
      if (file && Number(file.size) >= smallestPayload) add('payload', file.sha256)
    } else if (event.kind === 'payload.received') {
      // Probes of scanners are the same bytes whoever sends them; only what holds an exploit tells its sender.
      if (Number(body.size) >= smallestPayload && Array.isArray(body.marks) && body.marks.length > 0) add('payload', body.sha256)
    }
  }
  return [...found.values()]
}
