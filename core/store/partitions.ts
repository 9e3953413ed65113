/** Partitions of the table of events, one a day (UTC): made ahead, and dropped when their time is over. */
import type postgres from 'postgres'
import { dropOldBlobs } from '../blobs.ts'
import type { Core } from '../core.ts'

const day = 86_400_000
const daysAhead = 3

/** How long events are kept when the setting `retention` does not say `{"eventDays": N}`. */
export const defaultEventDays = 180

const dateOf = (time: number): string => new Date(time).toISOString().slice(0, 10)
const nameOf = (date: string): string => `event_${date.replaceAll('-', '')}`

/**
 * Makes the partitions of the days around `now`, and of days that came late into the default partition; drops those that ended over
 * `keepDays` ago, with the sessions and rejected events of that age. Answers what it did.
 */
export async function maintainPartitions(sql: postgres.Sql, now: number, keepDays: number): Promise<{ made: string[]; dropped: string[] }> {
  const today = Math.floor(now / day) * day
  const oldest = today - keepDays * day
  const existing = (
    await sql<{ name: string }[]>`select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid where inhparent = 'event'::regclass`
  ).map(({ name }) => name)
  const wanted = new Set(Array.from({ length: daysAhead + 2 }, (_, index) => dateOf(today + (index - 1) * day)))
  const late = await sql<{ date: string }[]>`select distinct to_char(time at time zone 'UTC', 'YYYY-MM-DD') as date from event_default
    where time >= to_timestamp(${oldest / 1000}::float8) and time < to_timestamp(${(today + (daysAhead + 1) * day) / 1000}::float8)`
  for (const { date } of late) wanted.add(date)
  const made = [...wanted].filter((date) => !existing.includes(nameOf(date))).sort()
  for (const date of made) await makePartition(sql, date)

  const dropped = existing.filter((name) => /^event_\d{8}$/.test(name) && name < nameOf(dateOf(oldest))).sort()
  for (const name of dropped) {
    await sql.begin(async (tx) => {
      await tx.unsafe(`alter table event detach partition ${name}`)
      await tx.unsafe(`drop table ${name}`)
    })
  }
  await sql`delete from event_default where time < to_timestamp(${oldest / 1000}::float8)`
  await sql`delete from event_rejected where at < to_timestamp(${oldest / 1000}::float8)`
  await sql`delete from session where last_at < to_timestamp(${oldest / 1000}::float8) and ended_at is not null`
  return { made: made.map(nameOf), dropped }
}

/** Makes the partition of a day (YYYY-MM-DD, UTC) and moves there what the default partition holds of it, which would forbid it else. */
export async function makePartition(sql: postgres.Sql, date: string): Promise<void> {
  const name = nameOf(date)
  const next = dateOf(Date.parse(date) + day)
  await sql.begin(async (tx) => {
    await tx.unsafe(`lock table event_default in access exclusive mode`)
    await tx.unsafe(`create table ${name} (like event including defaults including constraints)`)
    await tx.unsafe(
      `with moved as (delete from event_default where time >= '${date}+00' and time < '${next}+00' returning *) insert into ${name} select * from moved`,
    )
    await tx.unsafe(`alter table event attach partition ${name} for values from ('${date}+00') to ('${next}+00')`)
  })
}

/** Keeps the partitions now and every hour until the core stops. */
export async function startMaintenance(core: Core): Promise<void> {
  const run = async (): Promise<void> => {
    const [setting] = await core.sql<{ days: number | null }[]>`select (value->>'eventDays')::int as days from setting where key = 'retention'`
    const keepDays = Math.max(1, setting?.days ?? defaultEventDays)
    const { dropped } = await maintainPartitions(core.sql, core.clock(), keepDays)
    const files = await dropOldBlobs(core, core.clock() - keepDays * day)
    if (files > 0) core.log(`retention: removed ${files} captured files`)
    if (dropped.length > 0) core.log(`retention: dropped the events of ${dropped.length} days, up to ${dropped.at(-1)}`)
  }
  await run()
  const timer = setInterval(() => void run().catch((error: Error) => core.log(`partitions: ${error.message}`)), 3_600_000)
  timer.unref()
  core.signal.addEventListener('abort', () => clearInterval(timer), { once: true })
}
