/** Detection as one consumer of events: rules, findings, incidents, tickets and notices, all in the transaction that moves its place. */
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody } from '@shenlou/contract/event-kinds'
import type postgres from 'postgres'
import type { Core } from '../core.ts'
import { correlate } from '../correlate/correlate.ts'
import { tellIncidents } from '../correlate/incidents.ts'
import type { Touched } from '../correlate/touched.ts'
import { type Consumer, startConsumer } from '../ingest/consumer.ts'
import { delayByRule, readDelaySettings } from '../delay/delays.ts'
import { countTouches, type FindScanner, loadScanners } from '../known-scanners.ts'
import { type Said, sayNotice } from '../notices.ts'
import { readSessions } from '../sessions.ts'
import { rank } from '../tickets/severity.ts'
import { followIncidents, tellTickets, tick } from '../tickets/automatic.ts'
import { concludeHits, findHits, sessionIdentities } from './conclude.ts'
import { loadRings, saveRings, storeFindings, storeIdentities, storeSessionIdentities } from './store.ts'

type Tx = postgres.TransactionSql

const tickEveryMs = 30_000
const cleanEveryMs = 3_600_000
/** Sessions of one batch whose records are sent again because findings touched them. */
const sessionsTold = 200

/** Handles one page of events; the answer tells the live channel, after the commit. */
export async function detectBatch(core: Core, tx: Tx, all: StoredEvent[]): Promise<() => void> {
  const now = core.clock()
  // A touch of our own is nobody's doing.
  const events = all.filter(({ proof }) => proof === undefined)
  await countSensorTouches(tx, events)
  const findScanner = await loadScanners(tx)
  await countTouches(tx, touchesOf(events, findScanner))
  const gained = await storeSessionIdentities(tx, sessionIdentities(events))
  const hits = findHits(events)
  const rings = await loadRings(tx, hits)
  const conclusions = concludeHits(hits, rings, findScanner)
  await saveRings(tx, hits, rings)
  const touched = await storeIdentities(tx, await storeFindings(tx, conclusions), gained)
  const said = await saySensors(tx, touched, now)
  const changes = await correlate(tx, touched, now)
  const tickets = await followIncidents(tx, changes, now)
  const delayed = await delayTouched(core, tx, touched, events, now)
  const incidents = new Set(changes.flatMap((change) => [change.incident.id, ...change.merged]))
  const sessions = [...new Set(touched.flatMap((each) => each.sessions))].slice(-sessionsTold)
  return () => {
    delayed?.()
    tell(core, incidents, { ...tickets, said: [...tickets.said, ...said] }, sessions).catch((error: Error) => {
      if (!core.signal.aborted) core.log(`the live channel was not told of findings: ${error.message}`)
    })
  }
}

/** Delays sources by what was found of them now, where the settings say so. */
async function delayTouched(core: Core, tx: Tx, touched: readonly Touched[], events: readonly StoredEvent[], now: number): Promise<(() => void) | undefined> {
  const settings = await readDelaySettings(tx)
  if (!settings.on) return undefined
  const found = touched.flatMap(({ source, scope, title, severity, known, about }) =>
    source === null || known !== null || about !== null
      ? []
      : [{ source, scope, rule: 'severity', reason: title.en, severe: settings.severity !== null && rank(severity) >= rank(settings.severity), scanned: 0 }],
  )
  const scans = events.flatMap(({ kind, source, scope, body }) => {
    if (kind !== 'scan.detected' || !source) return []
    const { addresses, ports } = body as EventBody<'scan.detected'>
    return [{ source: source.ip, scope, rule: 'scan', reason: 'Network scan', severe: false, scanned: Math.max(addresses.length, ports.length) }]
  })
  return delayByRule(core, tx, [...found, ...scans], settings, now)
}

/** Tells the inbox of its scope of each finding about a sensor that has no ticket to tell of it. */
async function saySensors(tx: Tx, touched: readonly Touched[], now: number): Promise<Said[]> {
  const ids = touched.filter(({ about, opens }) => about === 'sensor' && !opens).map(({ id }) => id)
  if (ids.length === 0) return []
  const rows = await tx<{ id: string; title: { zh: string; en: string }; scope: string; name: string }[]>`
    select f.id, f.title, f.scope, s.name from finding as f join sensor as s on s.id = f.sensor where f.id = any(${ids}::uuid[])`
  const said = rows.map(({ id, title, scope, name }): Said => {
    const named = { zh: `${title.zh}:${name}`, en: `${title.en}: ${name}` }
    return { kind: 'sensor', target: id, title: named, link: '/sensors', scope }
  })
  for (const each of said) await sayNotice(tx, each, now)
  return said
}

async function tell(core: Core, incidents: ReadonlySet<string>, tickets: Awaited<ReturnType<typeof followIncidents>>, sessions: string[]): Promise<void> {
  await tellIncidents(core, incidents)
  await tellTickets(core, tickets)
  if (sessions.length === 0) return
  for (const record of await readSessions(core.sql, core.sql`session.id = any(${sessions}::uuid[])`)) core.bus.emit('session', { record, scope: record.scope })
}

/** Connections of each relay by the hour. */
async function countSensorTouches(tx: Tx, events: readonly StoredEvent[]): Promise<void> {
  const counts = new Map<string, { sensor: string; hour: number; touches: number }>()
  for (const { kind, sensor, time } of events) {
    if (kind !== 'connection.opened') continue
    const hour = Math.floor(time / 3_600_000) * 3600
    const row = counts.get(`${sensor} ${hour}`) ?? { sensor, hour, touches: 0 }
    row.touches++
    counts.set(`${sensor} ${hour}`, row)
  }
  if (counts.size === 0) return
  await tx`insert into sensor_touches (sensor, hour, touches)
    select x.sensor, to_timestamp(x.hour), x.touches from json_to_recordset(${JSON.stringify([...counts.values()])}::text::json) as x(sensor uuid, hour float8, touches bigint)
    join sensor on sensor.id = x.sensor
    on conflict (sensor, hour) do update set touches = sensor_touches.touches + excluded.touches`
}

/** Connections of each known scanner. */
function touchesOf(events: readonly StoredEvent[], findScanner: FindScanner): Map<string, number> {
  const touches = new Map<string, number>()
  for (const event of events) {
    if (event.kind !== 'connection.opened') continue
    const scanner = findScanner(event.source?.ip, event.time, event.scope)
    if (scanner) touches.set(scanner.id, (touches.get(scanner.id) ?? 0) + 1)
  }
  return touches
}

/** Forgets what no rule looks at any more. */
async function clean(core: Core): Promise<void> {
  const { sql } = core
  await sql`delete from detect_window where last_at < now() - interval '2 days'`
  await sql`delete from session_identity where at < now() - interval '30 days'`
  await sql`delete from fingerprint_source where last_at < now() - interval '30 days'`
  await sql`delete from sensor_touches where hour < now() - interval '3 days'`
}

/** Runs detection until `close` or the core's signal: the consumer, and the timers for deadlines and holds. */
export async function startDetection(core: Core): Promise<Consumer> {
  const consumer = await startConsumer(core, 'detect', (tx, events) => detectBatch(core, tx, events))
  let busy = Promise.resolve()
  const quietly = (work: () => Promise<void>) => () => {
    busy = busy.then(work).catch((error: Error) => {
      if (!core.signal.aborted) core.log(`deadlines were not looked at: ${error.message}`)
    })
  }
  const timers = [
    setInterval(
      quietly(() => tick(core)),
      tickEveryMs,
    ),
    setInterval(
      quietly(() => clean(core)),
      cleanEveryMs,
    ),
  ]
  for (const timer of timers) timer.unref()
  const stop = (): void => timers.forEach(clearInterval)
  core.signal.addEventListener('abort', stop, { once: true })
  return {
    ...consumer,
    async close() {
      stop()
      core.signal.removeEventListener('abort', stop)
      await consumer.close()
      await busy
    },
  }
}
