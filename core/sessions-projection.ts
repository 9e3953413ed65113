/** Keeps the table of sessions: a consumer folds events into rows, and tells the bus of those that changed. */
import type { StoredEvent } from '@shenlou/contract/event'
import { fileRef } from '@shenlou/contract/primitives'
import type postgres from 'postgres'
import type { Core } from './core.ts'
import { startConsumer } from './ingest/consumer.ts'
import { readSessions } from './sessions.ts'
import { foldEvent, lost, openSession, type SessionState } from './sessions-fold.ts'

/** A sensor silent for that long has lost its sessions. Milliseconds. */
export const silenceLimit = 15 * 60_000

/** Frames of one session are at least that far apart. Milliseconds. */
const frameGap = 100

/** Starts the projection. The answered object's `reached` resolves when all events so far are in the table. */
export async function startSessions(core: Core): Promise<(() => Promise<void>) & { reached(): Promise<void> }> {
  const { sql } = core
  const started = core.clock()
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let telling: Promise<void> = Promise.resolve()

  const tell = async (): Promise<void> => {
    timer = undefined
    const ids = [...changed]
    changed.clear()
    for (const record of await readSessions(sql, sql`session.id = any(${ids}::uuid[]) and not session.proof`))
      core.bus.emit('session', { record, scope: record.scope })
  }
  const note = (ids: Iterable<string>): void => {
    for (const id of ids) changed.add(id)
    if (changed.size > 0 && !timer && !core.signal.aborted) {
      timer = setTimeout(() => {
        telling = tell().catch((error: Error) => core.log(`session frames: ${error.message}`))
      }, frameGap)
    }
  }
  const consumer = await startConsumer(core, 'sessions', async (tx, events) => {
    const ids = await project(tx, events)
    return () => note(ids)
  })
  const sweep = async (): Promise<void> => {
    const before = core.clock() - silenceLimit
    // Silence before this core ran is its own absence, not the sensor's.
    if (started > before) return
    const rows = await sql<{ id: string }[]>`update session set ended_at = last_at, end_reason = ${lost}
      where ended_at is null and last_at < to_timestamp(${before}::float8 / 1000)
        and not exists (select from sensor where sensor.id = session.sensor and last_seen_at >= to_timestamp(${before}::float8 / 1000)) returning id`
    note(rows.map(({ id }) => id))
  }
  const sweeping = setInterval(() => void sweep().catch((error: Error) => core.log(`lost sessions: ${error.message}`)), 30_000)
  sweeping.unref()
  const close = async (): Promise<void> => {
    clearInterval(sweeping)
    await consumer.close()
    clearTimeout(timer)
    await telling
  }
  return Object.assign(close, { reached: () => consumer.reached(), sweep })
}

const columns = (
  sql: postgres.TransactionSql,
) => sql`id, sensor, epoch, scope, decoy, service, connection, source, source_port, destination, destination_port, via,
  (extract(epoch from started_at) * 1000)::float8 as started, (extract(epoch from last_at) * 1000)::float8 as last,
  (extract(epoch from ended_at) * 1000)::float8 as ended, end_reason, adversary, user_name, client, hassh, ja4, login_attempts, logged_in, commands,
  requests, files, events, bytes_out, last_action, industrial, proof`

/** Folds a page of events into the table. Answers the ids of all sessions that it changed. */
async function project(tx: postgres.TransactionSql, events: StoredEvent[]): Promise<Set<string>> {
  const ids = [...new Set(events.flatMap(({ session }) => session ?? []))]
  const changed = new Set(ids)
  const rows = ids.length > 0 ? await tx<SessionState[]>`select ${columns(tx)} from session where id = any(${ids}::uuid[]) for update` : []
  const sessions = new Map([...rows].map((row) => [row.id, row]))
  for (const event of events) {
    if (event.session) {
      const session = sessions.get(event.session) ?? openSession(event)
      sessions.set(session.id, session)
      foldEvent(session, event)
    }
    // A new process of a decoy host knows nothing of the sessions of the one before.
    if (event.kind === 'sensor.started') {
      for (const session of sessions.values()) {
        if (session.sensor !== event.sensor || session.ended !== null || session.started >= event.time) continue
        session.ended = session.last
        session.end_reason = lost
      }
      const ended = await tx<{ id: string }[]>`update session set ended_at = last_at, end_reason = ${lost}
        where sensor = ${event.sensor} and ended_at is null and started_at < to_timestamp(${event.time}::float8 / 1000) and id <> all(${ids}::uuid[]) returning id`
      for (const { id } of ended) changed.add(id)
    }
  }
  const files = events.flatMap(({ body, scope }) => {
    const file = fileRef.safeParse(body.file)
    return file.success ? [{ sha256: file.data.sha256, scope }] : []
  })
  if (files.length > 0) {
    await tx`insert into blob_scope (sha256, scope) select sha256, scope from json_to_recordset(${JSON.stringify(files)}::text::json) as x(sha256 text, scope text)
      on conflict do nothing`
  }
  if (sessions.size > 0) {
    await tx`insert into session (id, sensor, epoch, scope, decoy, service, connection, source, source_port, destination, destination_port, via, started_at, last_at,
        ended_at, end_reason, adversary, user_name, client, hassh, ja4, login_attempts, logged_in, commands, requests, files, events, bytes_out, last_action,
        industrial, proof)
      select id, sensor, epoch, scope, decoy, service, connection, source, source_port, destination, destination_port, via, to_timestamp(started / 1000),
        to_timestamp(last / 1000), to_timestamp(ended / 1000), end_reason, adversary, user_name, client, hassh, ja4, login_attempts, logged_in, commands, requests,
        files, events, bytes_out, last_action, industrial, proof
      from json_to_recordset(${JSON.stringify([...sessions.values()])}::text::json) as x(id uuid, sensor uuid, epoch uuid, scope text, decoy text, service text,
        connection uuid, source text, source_port integer, destination text, destination_port integer, via jsonb, started float8, last float8, ended float8,
        end_reason text, adversary text, user_name text, client text, hassh text, ja4 text, login_attempts integer, logged_in boolean, commands integer,
        requests integer, files integer, events integer, bytes_out bigint, last_action text, industrial jsonb, proof boolean)
      on conflict (id) do update set connection = excluded.connection, started_at = excluded.started_at, last_at = excluded.last_at, ended_at = excluded.ended_at,
        end_reason = excluded.end_reason, adversary = excluded.adversary, user_name = excluded.user_name, client = excluded.client, hassh = excluded.hassh,
        ja4 = excluded.ja4, login_attempts = excluded.login_attempts, logged_in = excluded.logged_in, commands = excluded.commands, requests = excluded.requests,
        files = excluded.files, events = excluded.events, bytes_out = excluded.bytes_out, last_action = excluded.last_action, industrial = excluded.industrial,
        proof = excluded.proof`
  }
  return changed
}
