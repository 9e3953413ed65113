/**
 * Joins findings into incidents by concrete values that they share within 24 hours: session, lure credential, key, payload, rare client
 * fingerprint, address. Only where one scope lies in the other: one private address is another host at another site, so attacks on two
 * parks stay two incidents until a person merges them. A finding that bridges two incidents merges the younger into the older.
 */
import type postgres from 'postgres'
import { rank } from '../tickets/severity.ts'
import {
  type IncidentRow,
  insertIncident,
  linkFindings,
  lockIncidents,
  readIncidents,
  refreshIncident,
  saveIncident,
  unlinkFindings,
  writeHistory,
} from './incident-rows.ts'
import { episodeMs, type Touched } from './touched.ts'

type Tx = postgres.TransactionSql

/** Strongest first: which shared value is named as the reason. */
const strength = ['lure', 'session', 'key', 'payload', 'credential', 'fingerprint', 'address', 'asset']

interface Identity {
  kind: string
  value: string
}
interface Seen extends Identity {
  incident: string
  first: number
  last: number
}

/** What happened to one incident in a batch. */
export interface Change {
  incident: IncidentRow
  /** Findings of this batch in it, the strongest first. */
  touched: Touched[]
  /** Incidents that were merged into it now. */
  merged: string[]
}

/** One scope is the other or lies in it. */
export const comparable = (one: string, other: string): boolean => one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`)

/** An incident is seen where its deepest finding is: what lies above sees it too. */
const deeper = (one: string, other: string): string => (other.length > one.length ? other : one)

const pairKey = (one: string, other: string): string => (one < other ? `${one} ${other}` : `${other} ${one}`)

/** A finding that by itself makes an incident: not the touch of a known scanner, a failing sensor, or another tool's alert of little weight. */
const makesIncident = (finding: Touched): boolean =>
  ((finding.known === null && finding.about === null) || finding.opens) && !(finding.origin === 'alert' && rank(finding.severity) < rank('medium'))

const titleOf = ({ title, source, decoy }: Touched): IncidentRow['title'] => {
  const where = source ?? decoy
  return where ? { zh: `${title.zh}(${where})`, en: `${title.en} (${where})` } : title
}

/** Links the findings of a batch and answers the incidents that changed. */
export async function correlate(tx: Tx, touched: readonly Touched[], now: number): Promise<Change[]> {
  if (touched.length === 0) return []
  await lockIncidents(tx)
  const state = await loadState(tx, touched)
  const ordered = [...touched].sort((a, b) => a.firstAt - b.firstAt || a.id.localeCompare(b.id))
  for (const finding of ordered) await place(tx, state, finding, now)
  for (const change of state.changes.values()) {
    if (change.incident.mergedInto) state.changes.delete(change.incident.id)
    else await saveIncident(tx, change.incident)
  }
  return [...state.changes.values()]
}

interface State {
  identities: Map<string, Identity[]>
  seen: Map<string, Seen[]>
  incidents: Map<string, IncidentRow>
  linked: Map<string, string>
  apart: Set<string>
  withTicket: Set<string>
  changes: Map<string, Change>
}

async function loadState(tx: Tx, touched: readonly Touched[]): Promise<State> {
  const ids = touched.map((each) => each.id)
  const own = await tx<(Identity & { finding: string })[]>`select finding, kind, value from finding_identity where finding = any(${ids}::uuid[]) and joins`
  const identities = new Map<string, Identity[]>()
  for (const { finding, ...identity } of own) identities.set(finding, [...(identities.get(finding) ?? []), identity])
  const wanted = [...new Map(own.map(({ kind, value }) => [`${kind} ${value}`, { kind, value }])).values()]
  const from = (Math.min(...touched.map((each) => each.firstAt)) - episodeMs) / 1000
  const to = (Math.max(...touched.map((each) => each.lastAt)) + episodeMs) / 1000
  const found = await tx<
    Seen[]
  >`select i.kind, i.value, l.incident, (extract(epoch from min(i.first_at)) * 1000)::float8 as first, (extract(epoch from max(i.last_at)) * 1000)::float8 as last
    from jsonb_to_recordset(${tx.json(wanted as never)}) as w(kind text, value text)
    join finding_identity as i on i.kind = w.kind and i.value = w.value and i.joins and i.last_at >= to_timestamp(${from}::float8) and i.first_at <= to_timestamp(${to}::float8)
    join incident_link as l on l.finding = i.finding and l.unlinked_at is null
    group by i.kind, i.value, l.incident`
  const seen = new Map<string, Seen[]>()
  for (const each of found) seen.set(`${each.kind} ${each.value}`, [...(seen.get(`${each.kind} ${each.value}`) ?? []), each])
  const links = await tx<
    { finding: string; incident: string }[]
  >`select finding, incident from incident_link where finding = any(${ids}::uuid[]) and unlinked_at is null`
  const linked = new Map(links.map((link) => [link.finding, link.incident]))
  const incidentIds = [...new Set([...found.map((each) => each.incident), ...linked.values()])]
  const incidents = new Map((await readIncidents(tx, incidentIds)).map((row) => [row.id, row]))
  const apart = await tx<
    { one: string; other: string }[]
  >`select one, other from incident_apart where one = any(${incidentIds}::uuid[]) or other = any(${incidentIds}::uuid[])`
  const tickets = await tx<{ incident: string }[]>`select incident from ticket where incident = any(${incidentIds}::uuid[])`
  return {
    ...{ identities, seen, incidents, linked },
    apart: new Set(apart.map((pair) => pairKey(pair.one, pair.other))),
    withTicket: new Set(tickets.map((row) => row.incident)),
    changes: new Map(),
  }
}

/** Where an incident went: itself, or the one that it was merged into. */
function standing(state: State, id: string): IncidentRow | undefined {
  let row = state.incidents.get(id)
  for (let turn = 0; row?.mergedInto && turn < 100; turn++) row = state.incidents.get(row.mergedInto)
  return row
}

async function place(tx: Tx, state: State, finding: Touched, now: number): Promise<void> {
  const own = state.identities.get(finding.id) ?? []
  const linkedId = state.linked.get(finding.id)
  const linked = linkedId ? standing(state, linkedId) : undefined
  const candidates = candidatesOf(state, finding, own)
  let target = linked
  if (!target) {
    const best = candidates[0]
    if (best) {
      target = best.incident
      const { kind, value } = best.reason
      await linkFindings(tx, target.id, [finding.id], { by: 'rule:shared-identity/1', why: `same ${kind} within 24 h`, kind, value }, now)
    } else if (makesIncident(finding)) target = await open(tx, state, finding, own, now)
    else return
    state.linked.set(finding.id, target.id)
  }
  const change = changeOf(state, target)
  change.touched.push(finding)
  change.touched.sort((a, b) => rank(b.severity) - rank(a.severity))
  absorb(target, finding, own, state)
  for (const { incident, reason } of candidates) {
    const other = standing(state, incident.id)
    const self = standing(state, target.id)
    if (!other || !self || other === self || state.apart.has(pairKey(other.id, self.id)) || !comparable(other.scope, self.scope)) continue
    target = await join(tx, state, self, other, reason, now)
  }
}

interface Candidate {
  incident: IncidentRow
  reason: Identity
}

/** The incidents that share a value with the finding in time and lie on its branch, best reason first. */
function candidatesOf(state: State, finding: Touched, own: readonly Identity[]): Candidate[] {
  const found = new Map<string, Candidate>()
  const ordered = [...own].sort((a, b) => strength.indexOf(a.kind) - strength.indexOf(b.kind))
  for (const identity of ordered)
    for (const seen of state.seen.get(`${identity.kind} ${identity.value}`) ?? []) {
      if (finding.firstAt - episodeMs > seen.last || finding.lastAt + episodeMs < seen.first) continue
      const incident = standing(state, seen.incident)
      if (incident && comparable(incident.scope, finding.scope) && !found.has(incident.id)) found.set(incident.id, { incident, reason: identity })
    }
  const weight = ({ incident, reason }: Candidate): [number, number, number] => [
    strength.indexOf(reason.kind),
    state.withTicket.has(incident.id) ? 0 : 1,
    -incident.lastAt,
  ]
  return [...found.values()].sort((a, b) => {
    const [x, y] = [weight(a), weight(b)]
    return x[0] - y[0] || x[1] - y[1] || x[2] - y[2]
  })
}

function changeOf(state: State, incident: IncidentRow): Change {
  const known = state.changes.get(incident.id) ?? { incident, touched: [], merged: [] }
  state.changes.set(incident.id, known)
  return known
}

/** Lets a finding count in its incident: time, severity, scope, and its identities for the findings that follow. */
function absorb(incident: IncidentRow, finding: Touched, own: readonly Identity[], state: State): void {
  incident.firstAt = Math.min(incident.firstAt, finding.firstAt)
  incident.lastAt = Math.max(incident.lastAt, finding.lastAt)
  if (rank(finding.severity) > rank(incident.severity)) {
    incident.severity = finding.severity
    incident.title = titleOf(finding)
  }
  if (!incident.wide) incident.scope = deeper(incident.scope, finding.scope)
  incident.known ??= finding.known
  for (const { kind, value } of own) {
    const key = `${kind} ${value}`
    const list = state.seen.get(key) ?? []
    state.seen.set(key, list)
    const mine = list.find((each) => each.incident === incident.id)
    if (mine) {
      mine.first = Math.min(mine.first, finding.firstAt)
      mine.last = Math.max(mine.last, finding.lastAt)
    } else list.push({ kind, value, incident: incident.id, first: finding.firstAt, last: finding.lastAt })
  }
}

async function open(tx: Tx, state: State, finding: Touched, own: readonly Identity[], now: number): Promise<IncidentRow> {
  const { firstAt, lastAt, severity, scope, known } = finding
  const incident = await insertIncident(tx, { scope, severity, title: titleOf(finding), firstAt, lastAt, known }, now)
  state.incidents.set(incident.id, incident)
  state.changes.set(incident.id, { incident, touched: [], merged: [] })
  await linkFindings(tx, incident.id, [finding.id], { by: 'rule:shared-identity/1', why: 'first finding', kind: own[0]?.kind, value: own[0]?.value }, now)
  // What was only recorded until now, because it made no incident by itself, belongs to it.
  const waiting = await tx<{ finding: string; kind: string; value: string }[]>`
    select distinct on (f.id) f.id as finding, i.kind, i.value from jsonb_to_recordset(${tx.json(own as never)}) as w(kind text, value text)
    join finding_identity as i on i.kind = w.kind and i.value = w.value and i.joins
      and i.last_at >= to_timestamp(${(firstAt - episodeMs) / 1000}::float8) and i.first_at <= to_timestamp(${(lastAt + episodeMs) / 1000}::float8)
    join finding as f on f.id = i.finding and (f.scope = ${scope} or ${scope} like f.scope || '/%' or f.scope like ${`${scope}/%`})
    where f.id <> ${finding.id} and not exists (select from incident_link as l where l.finding = f.id and l.unlinked_at is null)`
  const mine = waiting.filter((row) => !state.linked.has(row.finding))
  for (const { finding: id, kind, value } of mine) {
    await linkFindings(tx, incident.id, [id], { by: 'rule:shared-identity/1', why: `same ${kind} within 24 h`, kind, value }, now)
    state.linked.set(id, incident.id)
  }
  if (mine.length > 0) {
    await refreshIncident(tx, incident.id)
    const [fresh] = await readIncidents(tx, [incident.id])
    if (fresh) Object.assign(incident, { firstAt: Math.min(firstAt, fresh.firstAt), lastAt: Math.max(lastAt, fresh.lastAt), severity: fresh.severity })
  }
  return incident
}

/** Merges the younger of two incidents into the older; one with a ticket stays before one without. */
async function join(tx: Tx, state: State, one: IncidentRow, other: IncidentRow, reason: Identity, now: number): Promise<IncidentRow> {
  const first = state.withTicket.has(one.id) === state.withTicket.has(other.id) ? one.number < other.number : state.withTicket.has(one.id)
  const [stays, goes] = first ? [one, other] : [other, one]
  await mergeRows(tx, stays, goes, { by: 'rule:shared-identity/1', why: `both hold the ${reason.kind} of one finding`, ...reason }, now)
  for (const pair of [...state.apart]) if (pair.includes(goes.id)) state.apart.add(pairKey(stays.id, pair.replace(goes.id, '').trim()))
  const change = changeOf(state, stays)
  const gone = state.changes.get(goes.id)
  change.touched.push(...(gone?.touched ?? []))
  change.touched.sort((a, b) => rank(b.severity) - rank(a.severity))
  change.merged.push(goes.id, ...(gone?.merged ?? []))
  state.changes.delete(goes.id)
  return stays
}

/**
 * Moves every finding of `goes` to `stays`, which takes over times, severity and the deeper scope. Both rows stay; the links say where each
 * finding came from, so that a split can undo it. Changes both rows in memory; `stays` is saved by the caller.
 */
export async function mergeRows(
  tx: Tx,
  stays: IncidentRow,
  goes: IncidentRow,
  reason: { by: string; why: string; kind?: string; value?: string },
  now: number,
): Promise<void> {
  const moved = await unlinkFindings(tx, goes.id, null, reason.by, `merged into #${stays.number}: ${reason.why}`, now)
  await linkFindings(tx, stays.id, moved, { ...reason, why: `merged from #${goes.number}: ${reason.why}`, mergedFrom: goes.id }, now)
  goes.mergedInto = stays.id
  await saveIncident(tx, goes)
  // What a person took apart from the one stays apart from the other.
  await tx`insert into incident_apart (one, other, by, why, at)
    select least(${stays.id}::uuid, other), greatest(${stays.id}::uuid, other), by, why, at
    from (select case when one = ${goes.id} then other else one end as other, by, why, at from incident_apart where ${goes.id} in (one, other)) as pair
    where other <> ${stays.id} on conflict do nothing`
  stays.firstAt = Math.min(stays.firstAt, goes.firstAt)
  stays.lastAt = Math.max(stays.lastAt, goes.lastAt)
  if (rank(goes.severity) > rank(stays.severity)) {
    stays.severity = goes.severity
    stays.title = goes.title
  }
  if (!stays.wide) stays.scope = goes.wide ? goes.scope : deeper(stays.scope, goes.scope)
  stays.wide ||= goes.wide
  const detail = { why: reason.why, findings: moved.length, kind: reason.kind, value: reason.value }
  await writeHistory(tx, stays.id, reason.by, 'merge', { ...detail, other: goes.id, number: goes.number }, now)
  await writeHistory(tx, goes.id, reason.by, 'merged-away', { ...detail, other: stays.id, number: stays.number }, now)
}
