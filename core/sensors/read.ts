/** Sensors as people see them: one row each with its health, judged honestly. */
import { escapeText } from '@shenlou/contract/bytes'
import type { SensorHealth } from '@shenlou/contract/sensor'
import type { SensorSummary } from '@shenlou/contract/records'
import type postgres from 'postgres'
import { silentAfter } from './limits.ts'
import { identityProblems } from './identity-problems.ts'

type Sql = postgres.Sql | postgres.TransactionSql
type Problem = SensorSummary['problems'][number]

type Said = 'problems' | 'gaps' | 'missingEvents' | 'uptimeMs' | 'queueBytes' | 'journalBytes' | 'addresses' | 'touches' | 'segments' | 'proofs' | 'update'
interface Row extends Omit<SensorSummary, Said> {
  placed: number | null
  /** Version that it is offered. */
  offered: string | null
  touches: number | null
  paths: SensorSummary['proofs'] | null
  health: SensorHealth | null
  gaps: number | null
  missing: number | null
  noted: { key: string; detail: string; count: number }[] | null
  /** Of a source: lines that were not taken. */
  lost: number | null
  refused: number
}

/** Worst first; the console shows them in this order. */
const order: Problem['key'][] = [
  'revoked',
  'cloned',
  'blind',
  'gap',
  'silent',
  'not-connected',
  'segment-failed',
  'segment-halted',
  'not-contained',
  'journal-full',
  'listen-failed',
  'tunnel-down',
  'rejected',
  'certificate',
  'clock',
  'unproved',
  'unconfirmed',
  'other',
]

const hour = 3_600_000
const day = 86_400_000
/** A certificate renews from its 30th day on (DESIGN.md): one with so little left did not manage to. */
const renewalOverdue = 30 * day
const clockTolerance = 2000

/** Summaries of the sensors under `where`, a condition on the table `sensor`, by name. `now` in milliseconds since 1970 UTC. */
export async function readSensors(sql: Sql, now: number, where: postgres.PendingQuery<postgres.Row[]>): Promise<SensorSummary[]> {
  const since = Math.floor(now / hour) * hour - 23 * hour
  const rows = await sql<Row[]>`
    select sensor.id, sensor.name, sensor.role, sensor.scope, sensor.status, sensor.fingerprint, sensor.connected, sensor.version, sensor.contained,
      (extract(epoch from sensor.certificate_expires) * 1000)::float8 as "certificateExpires", (extract(epoch from sensor.enrolled_at) * 1000)::float8 as "enrolledAt",
      (extract(epoch from sensor.last_seen_at) * 1000)::float8 as "lastSeenAt", (extract(epoch from sensor.last_event_at) * 1000)::float8 as "lastEventAt",
      sensor.clock_offset_ms as "clockOffsetMs", sensor.queue_events as "queueEvents", sensor.streams, sensor.rejected, sensor.health,
      sensor.group_name as group, placed.placed, offered.version as offered, touched.touches, proved.paths,
      hole.gaps, hole.missing, noted.noted, source.lost
    from sensor left join source on source.id = sensor.id
    left join (
      select sensor, count(*)::int as gaps, sum(first_seq - before - 1)::bigint as missing
      from (select sensor, first_seq, committed_at,
          coalesce(max(last_seq) over (partition by sensor, epoch order by first_seq rows between unbounded preceding and 1 preceding), 0) as before from sensor_range) as range
      where first_seq > before + 1 and committed_at < to_timestamp(${(now - 60_000) / 1000}::float8) group by sensor
    ) as hole on hole.sensor = sensor.id and sensor.role <> 'source'
    left join lateral (
      select json_agg(json_build_object('key', key, 'detail', detail, 'count', count) order by last_at desc) as noted
      from sensor_problem where sensor_problem.sensor = sensor.id and last_at > to_timestamp(${(now - 7 * day) / 1000}::float8)
    ) as noted on true
    left join lateral (
      select count(distinct placement.address)::int as placed from placement join decoy on decoy.id = placement.decoy and decoy.idle is null
      where placement.relay = sensor.name
    ) as placed on sensor.role = 'relay' and sensor.status = 'confirmed'
    left join lateral (
      select release.version from rollout_sensor join rollout on rollout.id = rollout_sensor.rollout and rollout.state in ('running', 'waiting')
      join release on release.sha256 = rollout.release where rollout_sensor.sensor = sensor.id and rollout_sensor.state in ('offered', 'updating')
    ) as offered on sensor.role = 'relay'
    left join lateral (
      select coalesce(sum(touches), 0)::bigint as touches from sensor_touches where sensor_touches.sensor = sensor.id and hour >= to_timestamp(${since / 1000}::float8)
    ) as touched on sensor.role = 'relay'
    left join lateral (
      select json_agg(json_build_object('path', path, 'state', state, 'since', extract(epoch from since) * 1000, 'provedAt', extract(epoch from proved_at) * 1000,
        'by', by.name, 'source', host(source), 'target', target, 'inside', coalesce(prober = proof_path.sensor, false), 'detail', detail)
        order by array_position(array['blind', 'unproved', 'waiting', 'proved'], state), path) as paths
      from proof_path left join sensor as by on by.id = proof_path.prober where proof_path.sensor = sensor.id
    ) as proved on sensor.role = 'relay'
    where ${where} order by sensor.name, sensor.id`
  return rows.map(({ health, gaps, missing, noted, lost, placed, offered, touches, paths, ...row }) => {
    const segments = (health?.segments ?? []).map((segment) => ({ ...segment, detail: escapeText(segment.detail) }))
    const relay = row.role === 'relay'
    const summary = {
      ...row,
      gaps: gaps ?? 0,
      missingEvents: missing ?? 0,
      uptimeMs: health?.uptimeMs ?? null,
      queueBytes: health?.queueBytes ?? null,
      journalBytes: health?.journalBytes ?? null,
      addresses: relay ? (placed ?? 0) + segments.reduce((sum, { claimed }) => sum + claimed, 0) : null,
      touches: relay ? { count: touches ?? 0, since } : null,
      segments,
      update: relay ? { wanted: offered, state: health?.update?.state ?? null, detail: escapeText(health?.update?.detail ?? '') } : null,
      proofs: relay && row.status === 'confirmed' ? (paths ?? []) : [],
    }
    return {
      ...summary,
      problems: problemsOf(summary, health, [...(noted ?? []), ...(lost ? [{ key: 'other', detail: `lines-lost ${lost}`, count: 1 }] : [])], now),
    }
  })
}

const isKey = (key: string): key is Problem['key'] => (order as string[]).includes(key)

function problemsOf(
  row: Omit<SensorSummary, 'problems'>,
  health: SensorHealth | null,
  noted: { key: string; detail: string; count: number }[],
  now: number,
): Problem[] {
  const problems: Problem[] = []
  const add = (key: Problem['key'], detail: string | number): void => {
    problems.push({ key, detail: String(detail) })
  }
  for (const { key, detail, count } of noted)
    add(identityProblems.some((each) => each === key) ? 'cloned' : isKey(key) ? key : 'other', count > 1 ? `${detail} (${count})` : detail)
  if (row.gaps > 0) add('gap', row.missingEvents)
  if (row.rejected > 0) add('rejected', row.rejected)
  if (row.role === 'source') return problems.sort(worstFirst)
  if (row.status === 'revoked') return [{ key: 'revoked', detail: '' }, ...problems.sort(worstFirst)]
  if (row.status === 'pending') add('unconfirmed', row.fingerprint ?? '')
  if (row.lastSeenAt === null || now - row.lastSeenAt > silentAfter) add('silent', row.lastSeenAt === null ? '' : Math.round((now - row.lastSeenAt) / 1000))
  else if (!row.connected) add('not-connected', '')
  if (row.contained === false) add('not-contained', '')
  for (const { path, state, detail } of row.proofs) if (state === 'blind' || state === 'unproved') add(state, `${path} ${detail}`.trim())
  for (const { id, state, detail } of row.segments)
    if (row.connected && (state === 'failed' || state === 'halted')) add(state === 'failed' ? 'segment-failed' : 'segment-halted', `${id} ${detail}`.trim())
  if (row.clockOffsetMs !== null && Math.abs(row.clockOffsetMs) > clockTolerance) add('clock', Math.round(row.clockOffsetMs))
  if (row.certificateExpires !== null && row.certificateExpires - now < renewalOverdue) add('certificate', Math.round(row.certificateExpires))
  for (const text of row.connected ? (health?.problems ?? []) : []) {
    const [first = '', ...rest] = text.split(' ')
    // Said by a machine that meets attackers: shown escaped.
    if (isKey(first)) {
      if (!problems.some(({ key }) => key === first && (key === 'not-contained' || key === 'clock'))) add(first, escapeText(rest.join(' ')))
    } else add('other', escapeText(text))
  }
  return problems.sort(worstFirst)
}

const worstFirst = (a: Problem, b: Problem): number => order.indexOf(a.key) - order.indexOf(b.key)
