/** Other tools that send their alerts here: who they are, and how their records become events of the same stream as everything else. */
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import { escapeText } from '@shenlou/contract/bytes'
import type { EventDraft } from '@shenlou/contract/event'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import type { z } from 'zod'
import { type Actor, maySee } from '../actor.ts'
import { ApiError, notFound } from '../api-error.ts'
import { appendAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { emitEvents, ingestBatch } from '../ingest/ingest.ts'
import { isNetwork, networkTest } from '../known-scanners.ts'
import { requirePlaces } from '../places.ts'
import { isDuplicate } from '../store/errors.ts'
import { isUuid } from '../store/page.ts'
import { visibleTo } from '../store/visible.ts'
import { readCef } from './cef.ts'
import { readEve } from './eve.ts'
import { kept, type Reading } from './record.ts'
import { readSyslog } from './syslog-message.ts'

type Sql = postgres.Sql | postgres.TransactionSql
export type SourceRecord = RouteAnswer<'sources'>['items'][number]

/** Refused lines kept raw of one delivery; the rest are only counted. */
const rejectedKept = 50
const rejectedChars = 8192
/** Events of one commit. */
const batchSize = 500

export const readSources = (sql: Sql, where: postgres.PendingQuery<postgres.Row[]>): Promise<SourceRecord[]> =>
  sql<SourceRecord[]>`select source.id, sensor.name, source.format, source.transport, sensor.scope, source.allowed::text[] as allowed,
      (extract(epoch from source.created_at) * 1000)::float8 as "createdAt", (extract(epoch from source.last_at) * 1000)::float8 as "lastAt", source.received, source.rejected
    from source join sensor on sensor.id = source.id where ${where} and sensor.status <> 'revoked' order by sensor.name, source.id`

/** Route `sources`. */
export async function sources(core: Core, actor: Actor, _input: unknown): Promise<RouteAnswer<'sources'>> {
  const items = await readSources(core.sql, visibleTo(core.sql, actor, 'sensor.scope'))
  return { items: [...items], next: null, total: items.length }
}

/** Route `createSource`. The source is a sensor of its own, whose events lie in `scope`. */
export async function createSource(
  core: Core,
  actor: Actor,
  input: { body: z.output<Routes['createSource']['body']>; address?: string | null },
): Promise<RouteAnswer<'createSource'>> {
  const { name, format, transport, scope, allowed } = input.body
  if (!maySee(actor, scope)) throw new ApiError(403, 'scope', `the scope ${scope} is not one of yours: choose one at or below your own`)
  await requirePlaces(core.sql, [scope])
  const wrong = allowed.find((network) => !isNetwork(network))
  if (wrong !== undefined)
    throw new ApiError(400, 'bad-network', `${JSON.stringify(wrong)} is not an address or network: write one such as 192.0.2.7 or 192.0.2.0/24`, {
      fields: { allowed: 'not a network' },
    })
  if (transport === 'syslog' && allowed.length === 0)
    throw new ApiError(400, 'no-network', 'a syslog source needs the networks that it may send from: syslog proves nothing about its sender', {
      fields: { allowed: 'needed' },
    })
  const id = uuidv7()
  const now = core.clock()
  const at = now / 1000
  await core.sql
    .begin(async (tx) => {
      await tx`insert into sensor (id, name, role, scope, status, enrolled_at, confirmed_at, confirmed_by)
        values (${id}, ${name}, 'source', ${scope}, 'confirmed', to_timestamp(${at}::float8), to_timestamp(${at}::float8), ${actor.name})`
      await tx`insert into source (id, format, transport, allowed, created_at)
        values (${id}, ${format}, ${transport}, array(select network(n::inet) from unnest(${[...allowed]}::text[]) as n), to_timestamp(${at}::float8))`
      await appendAudit(tx, {
        actor,
        address: input.address ?? null,
        action: 'source.create',
        target: id,
        detail: { name, format, transport, scope, allowed },
        scopes: [scope],
        at: now,
      })
    })
    .catch((error: unknown) => {
      if (isDuplicate(error))
        throw new ApiError(409, 'name-taken', `there is a source ${JSON.stringify(name)} already: choose another name`, { fields: { name: 'taken' } })
      throw error
    })
  core.bus.emit('source', { id })
  const [made] = await readSources(core.sql, core.sql`source.id = ${id}`)
  return made as SourceRecord
}

/** Reads one line by the source's format, past a syslog header where there is one. */
export function readLine(format: SourceRecord['format'], line: string, received: number): Reading {
  if (format === 'suricata-eve') return readEve(line, received)
  const { host, message } = readSyslog(line)
  return readCef(message.includes('CEF:') || !line.includes('CEF:') ? message : line, received, kept(host, 255))
}

export interface Delivered {
  accepted: number
  ignored: number
  rejected: { line: number; reason: string }[]
}

/**
 * Commits the alerts among `lines` as events of the source, keeps what was refused, and counts both. Resolves after the commit. With `place`
 * the lines have these numbers, and a line that is delivered again is committed once.
 */
export async function deliver(
  core: Core,
  source: Pick<SourceRecord, 'id' | 'scope' | 'format'>,
  lines: readonly string[],
  place?: { epoch: string; first: number },
): Promise<Delivered> {
  const received = core.clock()
  const drafts: (EventDraft & { line: number })[] = []
  const rejected: Delivered['rejected'] = []
  const raw: string[] = []
  let ignored = 0
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    const reading = readLine(source.format, line, received)
    if (reading.kind === 'ignored') ignored++
    else if (reading.kind === 'rejected') {
      rejected.push({ line: index + 1, reason: reading.reason })
      raw.push(line)
    } else {
      const { body, time, source: from, destination } = reading
      drafts.push({ line: index, id: uuidv7(time), time, ...(from && { source: from }), ...(destination && { destination }), kind: 'alert.received', body })
    }
  }
  await keepRejected(core, source, rejected, raw)
  const sensor = { id: source.id, scope: source.scope, role: 'source' } as const
  if (place) {
    const events = drafts.map(({ line, ...draft }) => ({ ...draft, seq: place.first + line }))
    await ingestBatch(core, { sensor, epoch: place.epoch, first: place.first, last: place.first + lines.length - 1, events })
  } else
    for (let at = 0; at < drafts.length; at += batchSize)
      await emitEvents(
        core,
        sensor,
        drafts.slice(at, at + batchSize).map(({ line: _, ...draft }) => draft),
      )
  await core.sql`update source set received = received + ${drafts.length}, ignored = ignored + ${ignored}, rejected = rejected + ${rejected.length},
    last_at = to_timestamp(${received / 1000}::float8) where id = ${source.id}`
  return { accepted: drafts.length, ignored, rejected }
}

async function keepRejected(core: Core, source: Pick<SourceRecord, 'id' | 'scope'>, rejected: Delivered['rejected'], raw: readonly string[]): Promise<void> {
  if (rejected.length === 0) return
  const rows = rejected.slice(0, rejectedKept).map(({ reason }, at) => ({ id: uuidv7(), reason, raw: escapeText((raw[at] as string).slice(0, rejectedChars)) }))
  // These lines never had a place in a sequence; each stands as one of its own.
  await core.sql`insert into event_rejected (id, at, sensor, epoch, seq, scope, reason, raw)
    select id, to_timestamp(${core.clock() / 1000}::float8), ${source.id}::uuid, id, 1, ${source.scope}, reason, raw
    from jsonb_to_recordset(${core.sql.json(rows)}) as r(id uuid, reason text, raw text)`
}

/** Route `pushAlerts`: answers when the alerts are committed. */
export async function pushAlerts(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; body: string; address?: string | null },
): Promise<RouteAnswer<'pushAlerts'>> {
  const { sql } = core
  const { id } = input.params
  const [source] = isUuid(id) ? await readSources(sql, sql`source.id = ${id} and ${visibleTo(sql, actor, 'sensor.scope')}`) : []
  if (!source) throw notFound('source')
  if (source.transport !== 'http')
    throw new ApiError(409, 'transport', `the source ${source.name} sends by ${source.transport}: register one that pushes over HTTP`)
  if (source.allowed.length > 0 && !(input.address && networkTest(source.allowed)(input.address)))
    throw new ApiError(403, 'network', `the source ${source.name} may not push from ${input.address ?? 'an unknown address'}`)
  const delivered = await deliver(core, source, input.body.split('\n'))
  return { ...delivered, rejected: delivered.rejected.slice(0, 1000) }
}
