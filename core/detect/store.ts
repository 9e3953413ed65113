/** Keeps what detection concludes: threshold windows, findings with their evidence, and the identities that correlation joins by. */
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import { episodeMs, type Touched } from '../correlate/touched.ts'
import { rank } from '../tickets/severity.ts'
import { type Conclusion, type Evidence, evidenceLimit, type Hit, type SessionIdentity } from './conclude.ts'
import type { Entry } from './window.ts'

type Tx = postgres.TransactionSql

/** A client fingerprint joins nobody until this many addresses have shown one, and then only when at most two of them share it. */
export const fingerprintBase = 20
const fingerprintShared = 2

/** The rings that `hits` fall into, by their key. */
export async function loadRings(tx: Tx, hits: readonly Hit[]): Promise<Map<string, Entry[]>> {
  const keys = [...new Set(hits.flatMap((hit) => hit.ring ?? []))]
  if (keys.length === 0) return new Map()
  const rows = await tx<{ key: string; ring: Entry[] }[]>`select key, ring from detect_window where key = any(${keys})`
  return new Map(rows.map((row) => [row.key, row.ring]))
}

/** Writes the rings back. */
export async function saveRings(tx: Tx, hits: readonly Hit[], rings: ReadonlyMap<string, Entry[]>): Promise<void> {
  const rules = new Map(hits.flatMap((hit) => (hit.ring ? [[hit.ring, hit] as const] : [])))
  const rows = [...rules].flatMap(([key, hit]) => {
    const ring = rings.get(key)
    return ring?.length ? [{ rule: hit.rule.id, key, scope: hit.event.scope, ring, last: Math.max(...ring.map((entry) => entry.time)) / 1000 }] : []
  })
  if (rows.length === 0) return
  await tx`insert into detect_window (rule, key, scope, ring, last_at)
    select rule, key, scope, ring, to_timestamp(last) from jsonb_to_recordset(${tx.json(rows as never)}) as r(rule text, key text, scope text, ring jsonb, last float8)
    on conflict (rule, key) do update set ring = excluded.ring, last_at = excluded.last_at`
}

interface Episode {
  id: string
  key: string
  first: number
  last: number
  evidence: number
  isNew: boolean
  added: Conclusion[]
}

/** Adds each conclusion to the finding of its key and time, or begins one. */
export async function storeFindings(tx: Tx, conclusions: readonly Conclusion[]): Promise<Touched[]> {
  if (conclusions.length === 0) return []
  const keys = [...new Set(conclusions.map((each) => each.key))]
  const oldest = Math.min(...conclusions.map((each) => each.firstAt)) - episodeMs
  const rows = await tx<Omit<Episode, 'isNew' | 'added'>[]>`
    select id, key, (extract(epoch from first_at) * 1000)::float8 as first, (extract(epoch from last_at) * 1000)::float8 as last, evidence_count as evidence
    from finding where key = any(${keys}) and last_at >= to_timestamp(${oldest / 1000}::float8) order by last_at desc`
  const episodes = new Map<string, Episode[]>()
  for (const row of rows) episodes.set(row.key, [...(episodes.get(row.key) ?? []), { ...row, isNew: false, added: [] }])
  for (const each of conclusions) {
    const own = episodes.get(each.key) ?? []
    episodes.set(each.key, own)
    let episode = own.find((known) => each.firstAt <= known.last + episodeMs && each.lastAt >= known.first - episodeMs)
    if (!episode) {
      episode = { id: uuidv7(), key: each.key, first: each.firstAt, last: each.lastAt, evidence: 0, isNew: true, added: [] }
      own.push(episode)
    }
    episode.first = Math.min(episode.first, each.firstAt)
    episode.last = Math.max(episode.last, each.lastAt)
    episode.added.push(each)
  }
  const touched = [...episodes.values()].flat().filter((episode) => episode.added.length > 0)
  await insertNew(
    tx,
    touched.filter((episode) => episode.isNew),
  )
  await writeCounts(tx, touched)
  await writeEvidence(tx, touched)
  const sessions = touched.flatMap(({ id, added }) => [...new Set(added.flatMap((each) => each.sessions))].map((session) => ({ finding: id, session })))
  if (sessions.length > 0)
    await tx`insert into finding_session (finding, session) select finding, session from jsonb_to_recordset(${tx.json(sessions)}) as r(finding uuid, session uuid)
      on conflict do nothing`
  return touched.map(toTouched)
}

const strongest = (added: readonly Conclusion[]): Conclusion => added.reduce((best, each) => (rank(each.severity) > rank(best.severity) ? each : best))

function toTouched({ id, isNew, added }: Episode): Touched {
  const best = strongest(added)
  return {
    id,
    isNew,
    title: best.title,
    severity: best.severity,
    scope: best.scope,
    source: best.source,
    decoy: best.decoy,
    origin: best.rule.from === 'alert' ? 'alert' : 'decoy',
    known: best.known,
    opens: added.some((each) => each.opens),
    about: best.rule.about ?? null,
    firstAt: Math.min(...added.map((each) => each.firstAt)),
    lastAt: Math.max(...added.map((each) => each.lastAt)),
    sessions: [...new Set(added.flatMap((each) => each.sessions))],
  }
}

async function insertNew(tx: Tx, episodes: readonly Episode[]): Promise<void> {
  if (episodes.length === 0) return
  const rows = episodes.map(({ id, key, first, last, added }) => {
    const best = strongest(added)
    const origin = best.rule.from === 'alert' ? 'alert' : 'decoy'
    return {
      ...{ id, key, fields: best.keyFields, rule: best.rule.id, version: best.rule.version, title: best.title, reason: best.reason },
      ...{ severity: best.severity, confidence: best.rule.confidence, techniques: best.techniques, scope: best.scope, source: best.source },
      ...{ decoy: best.decoy, session: best.session, sensor: best.sensor, origin, product: best.product, known: best.known },
      ...{ first: first / 1000, last: last / 1000 },
    }
  })
  await tx`insert into finding (id, key, key_fields, rule, rule_version, title, reason, severity, confidence, techniques, scope, source, decoy, session, sensor, origin,
      product, known_scanner, first_at, last_at, count)
    select id, key, fields, rule, version, title, reason, severity, confidence, array(select jsonb_array_elements_text(techniques)), scope, source, decoy, session, sensor,
      origin, product, known, to_timestamp(first), to_timestamp(last), 0
    from jsonb_to_recordset(${tx.json(rows as never)}) as r(id uuid, key text, fields jsonb, rule text, version integer, title jsonb, reason jsonb, severity text,
      confidence text, techniques jsonb, scope text, source text, decoy text, session uuid, sensor uuid, origin text, product text, known text, first float8, last float8)`
}

async function writeCounts(tx: Tx, episodes: readonly Episode[]): Promise<void> {
  const rows = episodes.map(({ id, first, last, added }) => ({
    ...{ id, first: first / 1000, last: last / 1000, count: added.reduce((sum, each) => sum + each.count, 0) },
    severity: strongest(added).severity,
  }))
  await tx`update finding set count = finding.count + r.count, first_at = least(first_at, to_timestamp(r.first)), last_at = greatest(last_at, to_timestamp(r.last)),
      severity = (array['info', 'low', 'medium', 'high', 'critical'])[greatest(array_position(array['info', 'low', 'medium', 'high', 'critical'], finding.severity),
        array_position(array['info', 'low', 'medium', 'high', 'critical'], r.severity))]
    from jsonb_to_recordset(${tx.json(rows)}) as r(id uuid, first float8, last float8, count bigint, severity text) where finding.id = r.id`
}

async function writeEvidence(tx: Tx, episodes: readonly Episode[]): Promise<void> {
  const rows = episodes.flatMap((episode) => {
    const chosen: Evidence[] = []
    for (const { evidence, rule } of episode.added) {
      // The first event shows itself whole; a repeat only by the field that matched. What is said of a sensor differs each time.
      chosen.push(...(episode.evidence + chosen.length === 0 || rule.threshold || rule.about ? evidence : evidence.slice(0, 1)))
      if (episode.evidence + chosen.length >= evidenceLimit) break
    }
    return chosen
      .slice(0, evidenceLimit - episode.evidence)
      .map((each, at) => ({ finding: episode.id, number: episode.evidence + at + 1, ...each, time: each.time / 1000 }))
  })
  if (rows.length === 0) return
  await tx`with added as (
      insert into finding_evidence (finding, number, event, session, time, field, value, why)
      select finding, number, event, session, to_timestamp(time), field, value, why
      from jsonb_to_recordset(${tx.json(rows as never)}) as r(finding uuid, number integer, event uuid, session uuid, time float8, field text, value text, why text)
      returning finding, number
    ) update finding set evidence_count = most.number from (select finding, max(number) as number from added group by finding) as most where finding.id = most.finding`
}

/** Keeps what sessions show of their clients, and answers the sessions that showed something new. */
export async function storeSessionIdentities(tx: Tx, identities: readonly SessionIdentity[]): Promise<string[]> {
  if (identities.length === 0) return []
  const prints = new Map(identities.filter((each) => each.kind === 'fingerprint' && each.source).map((each) => [`${each.value} ${each.source}`, each]))
  if (prints.size > 0)
    await tx`insert into fingerprint_source (value, source, last_at)
      select value, source, to_timestamp(time) from jsonb_to_recordset(${tx.json([...prints.values()].map(({ value, source, time }) => ({ value, source, time: time / 1000 })))})
        as r(value text, source text, time float8)
      on conflict (value, source) do update set last_at = greatest(fingerprint_source.last_at, excluded.last_at)`
  const rare = prints.size > 0 ? await rareFingerprints(tx, [...new Set([...prints.values()].map((each) => each.value))]) : new Set<string>()
  const rows = identities.map(({ session, kind, value, time }) => ({
    session,
    kind,
    value,
    joins: kind !== 'fingerprint' || rare.has(value),
    time: time / 1000,
  }))
  const added = await tx<{ session: string }[]>`insert into session_identity (session, kind, value, joins, at)
    select session, kind, value, joins, to_timestamp(time) from jsonb_to_recordset(${tx.json(rows)}) as r(session uuid, kind text, value text, joins boolean, time float8)
    on conflict do nothing returning session`
  return [...new Set(added.map((row) => row.session))]
}

/**
 * The fingerprints, of those given, that are rare enough to join by: enough other addresses are known to judge, and at most two show this one.
 * Stock clients share theirs with everybody, so in a young installation none joins.
 */
async function rareFingerprints(tx: Tx, values: string[]): Promise<Set<string>> {
  const kind = (value: string): string => value.slice(0, value.indexOf(' '))
  const rows = await tx<{ value: string; sources: number; base: number }[]>`
    select v.value, (select count(*) from fingerprint_source as f where f.value = v.value and f.last_at > now() - interval '30 days') as sources,
      (select count(distinct f.source) from fingerprint_source as f where f.value like v.kind || ' %' and f.last_at > now() - interval '30 days') as base
    from jsonb_to_recordset(${tx.json(values.map((value) => ({ value, kind: kind(value) })))}) as v(value text, kind text)`
  return new Set(rows.filter((row) => row.base >= fingerprintBase && row.sources <= fingerprintShared).map((row) => row.value))
}

const identitiesPerFinding = 100

/**
 * Gives findings the identities that they have: address, own session, and what their sessions show. Answers the findings of `sessions` too,
 * which gained something although no rule matched again.
 */
export async function storeIdentities(tx: Tx, touched: readonly Touched[], sessions: readonly string[]): Promise<Touched[]> {
  const known = new Set(touched.map((each) => each.id))
  const gained = sessions.length > 0 ? await findingsOf(tx, sessions) : []
  const all = [...touched, ...gained.filter((each) => !known.has(each.id))]
  const rows = all.flatMap((each) => {
    const [first, last] = [each.firstAt / 1000, each.lastAt / 1000]
    const own = [
      { finding: each.id, kind: 'address', value: each.source, first, last },
      ...(each.sessions.length === 1 ? [{ finding: each.id, kind: 'session', value: each.sessions[0] as string, first, last }] : []),
    ]
    return own.filter((row) => row.value)
  })
  if (rows.length > 0)
    await tx`insert into finding_identity (finding, kind, value, joins, first_at, last_at)
      select finding, kind, value, true, to_timestamp(first), to_timestamp(last)
      from jsonb_to_recordset(${tx.json(rows as never)}) as r(finding uuid, kind text, value text, first float8, last float8)
      on conflict (finding, kind, value) do update set first_at = least(finding_identity.first_at, excluded.first_at), last_at = greatest(finding_identity.last_at, excluded.last_at)`
  const pairs = all.flatMap((each) => each.sessions.map((session) => ({ finding: each.id, session, first: each.firstAt / 1000, last: each.lastAt / 1000 })))
  if (pairs.length > 0)
    await tx`insert into finding_identity (finding, kind, value, joins, first_at, last_at)
      select finding, kind, value, joins, first_at, last_at from (
        select p.finding, i.kind, i.value, bool_or(i.joins) as joins, to_timestamp(min(p.first)) as first_at, to_timestamp(max(p.last)) as last_at,
          row_number() over (partition by p.finding order by min(p.first)) as place
        from jsonb_to_recordset(${tx.json(pairs)}) as p(finding uuid, session uuid, first float8, last float8) join session_identity as i on i.session = p.session
        group by p.finding, i.kind, i.value
      ) as found where place <= ${identitiesPerFinding}
      on conflict (finding, kind, value) do update set joins = finding_identity.joins or excluded.joins,
        first_at = least(finding_identity.first_at, excluded.first_at), last_at = greatest(finding_identity.last_at, excluded.last_at)`
  return all
}

const findingsOf = (tx: Tx, sessions: readonly string[]): Promise<Touched[]> =>
  tx<
    Touched[]
  >`select f.id, false as "isNew", f.title, f.severity, f.scope, f.source, f.decoy, f.origin, f.known_scanner as known, false as opens, null as about,
      (extract(epoch from f.first_at) * 1000)::float8 as "firstAt", (extract(epoch from f.last_at) * 1000)::float8 as "lastAt", array_agg(s.session) as sessions
    from finding_session as s join finding as f on f.id = s.finding where s.session = any(${[...sessions]}::uuid[]) group by f.id`
