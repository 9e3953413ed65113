/** What is written of incidents: rows, links and history. Nothing is removed: a link ends, a merged incident points to where it went. */
import type { Severity } from '@shenlou/contract/primitives'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import { lockKeys } from '../store/locks.ts'

type Tx = postgres.TransactionSql

export interface IncidentRow {
  id: string
  number: number
  scope: string
  severity: Severity
  title: { zh: string; en: string }
  firstAt: number
  lastAt: number
  mergedInto: string | null
  known: string | null
  /** Spans two branches of the organisation by a person's merge; its scope no longer follows its findings. */
  wide: boolean
}

/** Why a finding belongs to an incident: the equal value, who says so, and in words. */
export interface LinkReason {
  by: string
  why: string
  kind?: string
  value?: string
  mergedFrom?: string
}

const at = (tx: Tx, time: number) => tx`to_timestamp(${time / 1000}::float8)`

/** Rules that join and people who change incidents wait for each other; held until the transaction ends. */
export const lockIncidents = async (tx: Tx): Promise<void> => {
  await tx`select pg_advisory_xact_lock(${lockKeys.incidents})`
}

export async function readIncidents(tx: Tx, ids: readonly string[]): Promise<IncidentRow[]> {
  if (ids.length === 0) return []
  return tx<IncidentRow[]>`select id, number, scope, severity, title, (extract(epoch from first_at) * 1000)::float8 as "firstAt",
      (extract(epoch from last_at) * 1000)::float8 as "lastAt", merged_into as "mergedInto", known_scanner as known, wide
    from incident where id = any(${[...ids]}::uuid[])`
}

export async function insertIncident(tx: Tx, row: Omit<IncidentRow, 'id' | 'number' | 'mergedInto' | 'wide'>, now: number): Promise<IncidentRow> {
  const id = uuidv7()
  const [made] = await tx<{ number: number }[]>`insert into incident (id, scope, severity, title, first_at, last_at, known_scanner, created_at)
    values (${id}, ${row.scope}, ${row.severity}, ${tx.json(row.title)}, ${at(tx, row.firstAt)}, ${at(tx, row.lastAt)}, ${row.known}, ${at(tx, now)}) returning number`
  return { ...row, id, number: made?.number ?? 0, mergedInto: null, wide: false }
}

/** Writes what may change of an incident while findings join it. */
export async function saveIncident(tx: Tx, row: IncidentRow): Promise<void> {
  await tx`update incident set scope = ${row.scope}, severity = ${row.severity}, title = ${tx.json(row.title)}, first_at = ${at(tx, row.firstAt)},
    last_at = ${at(tx, row.lastAt)}, merged_into = ${row.mergedInto}, known_scanner = ${row.known}, wide = ${row.wide} where id = ${row.id}`
}

export async function linkFindings(tx: Tx, incident: string, findings: readonly string[], reason: LinkReason, now: number): Promise<void> {
  if (findings.length === 0) return
  const rows = findings.map((finding) => ({ id: uuidv7(), finding }))
  await tx`insert into incident_link (id, incident, finding, by, why, identity_kind, identity_value, merged_from, at)
    select id, ${incident}::uuid, finding, ${reason.by}, ${reason.why}, ${reason.kind ?? null}, ${reason.value ?? null}, ${reason.mergedFrom ?? null}::uuid, ${at(tx, now)}
    from jsonb_to_recordset(${tx.json(rows)}) as r(id uuid, finding uuid)`
}

/** Ends the live links of `findings` (all of the incident without them) and answers the findings that were linked. */
export async function unlinkFindings(tx: Tx, incident: string, findings: readonly string[] | null, by: string, why: string, now: number): Promise<string[]> {
  const rows = await tx<{ finding: string }[]>`update incident_link set unlinked_at = ${at(tx, now)}, unlinked_by = ${by}, unlinked_why = ${why}
    where incident = ${incident} and unlinked_at is null and ${findings === null ? tx`true` : tx`finding = any(${[...findings]}::uuid[])`} returning finding`
  return rows.map((row) => row.finding)
}

export async function writeHistory(tx: Tx, incident: string, actor: string, action: string, detail: Record<string, unknown>, now: number): Promise<void> {
  await tx`insert into incident_history (id, incident, at, actor, action, detail)
    values (${uuidv7()}, ${incident}, ${at(tx, now)}, ${actor}, ${action}, ${tx.json(detail as never)})`
}

/** Recomputes severity and times from the findings that are linked now; an incident without any keeps what it had. */
export async function refreshIncident(tx: Tx, id: string): Promise<void> {
  await tx`update incident set first_at = f.first_at, last_at = f.last_at, severity = (array['info', 'low', 'medium', 'high', 'critical'])[f.rank]
    from (select min(finding.first_at) as first_at, max(finding.last_at) as last_at,
        max(array_position(array['info', 'low', 'medium', 'high', 'critical'], finding.severity)) as rank
      from incident_link join finding on finding.id = incident_link.finding where incident_link.incident = ${id} and incident_link.unlinked_at is null) as f
    where incident.id = ${id} and f.first_at is not null`
}
