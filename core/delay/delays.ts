/** Whose connections are to be held: by hand from a session or an incident, or by rule. Decoy hosts are told at once, and it is in the audit log. */
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import { type DelayEntry, delayKinds } from '@shenlou/contract/delay'
import { type DelaySettings, delaySettings as settingsSchema } from '@shenlou/contract/routes-delays'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import type { z } from 'zod'
import { type Actor, systemActor } from '../actor.ts'
import { ApiError, notFound } from '../api-error.ts'
import { appendAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { loadScanners } from '../known-scanners.ts'
import { lockKeys } from '../store/locks.ts'
import { visibleTo, visibleWhole } from '../store/visible.ts'

type Sql = postgres.Sql | postgres.TransactionSql
type Body<N extends 'startDelay' | 'endDelay' | 'saveDelaySettings'> = z.output<Routes[N]['body']>

/** Sources delayed at once; what a host is sent stays small. */
const mostDelays = 1000
/** Delays of an incident that are begun by one step. */
const mostSources = 50

export const delayOff: DelaySettings = { on: false, severity: 'high', scan: null, minutes: 30 }

export async function readDelaySettings(sql: Sql): Promise<DelaySettings> {
  const [row] = await sql<{ value: unknown }[]>`select value from setting where key = 'delay'`
  const parsed = settingsSchema.safeParse(row?.value)
  return parsed.success ? parsed.data : delayOff
}

interface Wanted {
  scope: string
  source: string
  minutes: number
  kinds: readonly (typeof delayKinds)[number][]
  reason: string
  by: string
  session?: string | undefined
  incident?: string | undefined
}

/**
 * Begins delays, one a source and place; one that is delayed there already gets the later end. Known scanners are never delayed: those are in `known`.
 * Whoever calls tells the sensors after the commit.
 */
async function beginDelays(
  tx: postgres.TransactionSql,
  actor: Actor,
  wanted: readonly Wanted[],
  now: number,
  address?: string,
): Promise<{ items: string[]; known: string[] }> {
  const scanners = await loadScanners(tx)
  const at = (ms: number) => tx`to_timestamp(${ms / 1000}::float8)`
  const items: string[] = []
  const known: string[] = []
  // Two that begin at once must not both find that there is none.
  await tx`select pg_advisory_xact_lock(${lockKeys.delays})`
  const [{ count } = { count: 0 }] = await tx<{ count: number }[]>`select count(*)::int as count from delay where ended_at is null and until > ${at(now)}`
  for (const { scope, source, minutes, kinds, reason, by, session, incident } of wanted) {
    if (scanners(source, now, scope)) {
      known.push(source)
      continue
    }
    if (count + items.length >= mostDelays) throw new ApiError(409, 'limit', `${mostDelays} sources are delayed at once; end some first`)
    const until = now + minutes * 60_000
    const [running] = await tx<{ id: string }[]>`
      update delay set until = greatest(until, ${at(until)}), kinds = (select array_agg(distinct kind) from unnest(kinds || ${[...kinds]}::text[]) as kind)
      where source = ${source}::inet and scope = ${scope} and ended_at is null and until > ${at(now)} returning id`
    const id = running?.id ?? uuidv7()
    if (!running)
      await tx`insert into delay (id, scope, source, kinds, until, reason, by, session, incident, at)
        values (${id}, ${scope}, ${source}::inet, ${[...kinds]}::text[], ${at(until)}, ${reason}, ${by}, ${session ?? null}, ${incident ?? null}, ${at(now)})`
    items.push(id)
    const detail = { source, kinds: [...kinds], minutes, reason, by, session: session ?? null, incident: incident ?? null }
    await appendAudit(tx, { actor, address: address ?? null, action: running ? 'delay.extend' : 'delay.start', target: id, detail, scopes: [scope], at: now })
  }
  if (items.length > 0) await tx`select nextval('config_version')`
  return { items, known }
}

/** Tells every decoy host that its desired state changed. */
async function tellHosts({ sql, bus }: Pick<Core, 'sql' | 'bus'>): Promise<void> {
  for (const { id } of await sql<{ id: string }[]>`select id from sensor where role = 'decoys' and status = 'confirmed'`) bus.emit('config', { sensor: id })
}

/** What a decoy host is told: delays that run, without sources that were listed as known scanners since. */
export async function runningDelays({ sql, clock }: Pick<Core, 'sql' | 'clock'>): Promise<DelayEntry[]> {
  const now = clock()
  const scanners = await loadScanners(sql)
  const rows = await sql<DelayEntry[]>`
    select id, host(source) as source, scope, kinds, (extract(epoch from until) * 1000)::float8 as until from delay
    where ended_at is null and until > to_timestamp(${now / 1000}::float8) order by at limit ${mostDelays}`
  return rows.filter(({ source, scope }) => !scanners(source, now, scope)).map((row) => ({ ...row }))
}

/** Route `startDelay`. */
export async function startDelay(core: Core, actor: Actor, input: { body: Body<'startDelay'>; address?: string }): Promise<RouteAnswer<'startDelay'>> {
  const { session, incident, kinds, minutes, reason } = input.body
  if ((session === undefined) === (incident === undefined)) throw new ApiError(400, 'invalid', "say 'session' or 'incident', one of them")
  const answer = await core.sql.begin(async (tx) => {
    const rows = session === undefined ? await sourcesOf(tx, actor, incident as string) : await sourceOf(tx, actor, session)
    if (rows.length === 0) throw notFound(session === undefined ? 'incident' : 'session')
    const wanted = rows.map(({ source, scope }): Wanted => ({ source, scope, kinds, minutes, reason, by: actor.name, session, incident }))
    return beginDelays(tx, actor, wanted, core.clock(), input.address)
  })
  if (answer.items.length > 0) await tellHosts(core)
  return answer
}

const sourceOf = (tx: Sql, actor: Actor, session: string) =>
  tx<
    { source: string; scope: string }[]
  >`select host(source::inet) as source, scope from session where id::text = ${session} and source is not null and ${visibleTo(tx, actor)}`
const sourcesOf = (tx: Sql, actor: Actor, incident: string) =>
  tx<{ source: string; scope: string }[]>`
    select distinct f.source, f.scope from incident as i join incident_link as l on l.incident = i.id and l.unlinked_at is null join finding as f on f.id = l.finding
    where i.id::text = ${incident} and f.source is not null and ${visibleTo(tx, actor, 'i.scope')} and ${visibleTo(tx, actor, 'f.scope')} order by f.source limit ${mostSources}`

/** Route `endDelay`. Ending what has ended changes nothing. */
export async function endDelay(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; body: Body<'endDelay'>; address?: string },
): Promise<RouteAnswer<'endDelay'>> {
  const now = core.clock()
  const ended = await core.sql.begin(async (tx) => {
    const [row] = await tx<{ id: string; scope: string; source: string; endedAt: Date | null }[]>`
      select id, scope, host(source) as source, ended_at as "endedAt" from delay where id::text = ${input.params.id} and ${visibleTo(tx, actor)} for update`
    if (!row) throw notFound('delay')
    if (row.endedAt) return false
    await tx`update delay set ended_at = to_timestamp(${now / 1000}::float8), ended_by = ${actor.name}, ended_reason = ${input.body.reason} where id = ${row.id}`
    await tx`select nextval('config_version')`
    const detail = { source: row.source, reason: input.body.reason }
    await appendAudit(tx, { actor, address: input.address ?? null, action: 'delay.end', target: row.id, detail, scopes: [row.scope], at: now })
    return true
  })
  if (ended) await tellHosts(core)
  return { ok: true }
}

/** Route `delaySettings`. */
export const delaySettings = (core: Core, _actor: Actor, _input: unknown): Promise<RouteAnswer<'delaySettings'>> => readDelaySettings(core.sql)

/** Route `saveDelaySettings`. They hold in every place, so only who sees every place may change them. */
export async function saveDelaySettings(
  core: Core,
  actor: Actor,
  input: { body: Body<'saveDelaySettings'>; address?: string },
): Promise<RouteAnswer<'saveDelaySettings'>> {
  await core.sql.begin(async (tx) => {
    const [whole] = await tx`select where ${visibleWhole(tx, actor)}`
    if (!whole) throw new ApiError(403, 'forbidden', 'these settings hold in every place, and you do not see all of them')
    await tx`insert into setting (key, value) values ('delay', ${tx.json(input.body)}) on conflict (key) do update set value = excluded.value`
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: 'delay.settings',
      target: 'delay',
      detail: { ...input.body },
      scopes: [],
      at: core.clock(),
    })
  })
  return { ok: true }
}

/** What the settings make of findings of a batch; answers what to do after the commit. */
export async function delayByRule(
  core: Pick<Core, 'sql' | 'bus' | 'log'>,
  tx: postgres.TransactionSql,
  triggers: readonly { source: string; scope: string; rule: string; reason: string; severe: boolean; scanned: number }[],
  settings: DelaySettings,
  now: number,
): Promise<(() => void) | undefined> {
  const { minutes, scan } = settings
  const meant = triggers.filter(({ severe, scanned }) => severe || (scan !== null && scanned >= scan))
  if (!settings.on || meant.length === 0) return undefined
  const each = [...new Map(meant.map((trigger) => [`${trigger.scope} ${trigger.source}`, trigger])).values()]
  const at = tx`to_timestamp(${now / 1000}::float8)`
  const fresh: Wanted[] = []
  for (const { source, scope, rule, reason } of each) {
    // What runs runs on, and what a person ended within that time stays ended.
    const [last] = await tx`select from delay where source = ${source}::inet and scope = ${scope}
      and ((ended_at is null and until > ${at}) or ended_at > ${at} - make_interval(mins => ${minutes})) limit 1`
    if (!last) fresh.push({ source, scope, minutes, kinds: delayKinds, reason, by: `rule:${rule}` })
  }
  const [{ count } = { count: 0 }] = await tx<{ count: number }[]>`select count(*)::int as count from delay where ended_at is null and until > ${at}`
  const { items } = await beginDelays(tx, systemActor, fresh.slice(0, Math.max(0, mostDelays - count)), now)
  if (items.length === 0) return undefined
  return () => void tellHosts(core as Core).catch((error: Error) => core.log(`decoy hosts were not told of a delay: ${error.message}`))
}
