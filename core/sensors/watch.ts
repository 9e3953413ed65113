/**
 * The watch over sensors: who fell silent, whose events have a gap or are rejected, whose identity is used twice. What is new about a
 * sensor becomes one event, from which rules conclude (detect/rules/sensors.ts); repeats within a pause only count.
 */
import { escapeText } from '@shenlou/contract/bytes'
import type { Core } from '../core.ts'
import { emitEvents } from '../ingest/ingest.ts'
import { identityProblems } from './identity-problems.ts'
import { silentAfter } from './limits.ts'
import { tellSensor } from './problems.ts'
import { readSensors } from './read.ts'

const lookEveryMs = 5000
const hour = 3_600_000
/** Shortest time between two events of one sensor and problem, in milliseconds. */
const pauses = { cloned: 600_000, 'token-reused': 600_000, 'journal-returned': hour, gap: hour, silent: hour, rejected: hour, blind: 600_000 }
type Problem = keyof typeof pauses

interface Trouble {
  sensor: string
  scope: string
  problem: Problem
  /** Differs when there is more to tell than last time. */
  mark: string
  detail: string
  count: number
  address?: string
}

export interface SensorWatch {
  /** Looks now and says what is new; one look at a time. */
  look(): Promise<void>
  close(): Promise<void>
}

/** Starts the watch. A sensor is not called silent for the time that this core was away. */
export function watchSensors(core: Core): SensorWatch {
  const began = core.clock()
  let silent = new Set<string>()
  let turn: Promise<void> = Promise.resolve()

  const lookOnce = async (): Promise<void> => {
    const troubles = await findTroubles(core, began)
    const now = new Set(troubles.filter(({ problem }) => problem === 'silent').map(({ sensor }) => sensor))
    for (const sensor of now) if (!silent.has(sensor)) await tellSensor(core, sensor)
    silent = now
    for (const trouble of await untold(core, troubles)) await say(core, trouble)
  }
  const look = (): Promise<void> => {
    turn = turn.then(lookOnce).catch((error: Error) => {
      if (!core.signal.aborted) core.log(`sensors were not looked at: ${error.message}`)
    })
    return turn
  }
  const timer = setInterval(look, lookEveryMs)
  timer.unref()
  return {
    look,
    async close() {
      clearInterval(timer)
      await turn
    },
  }
}

async function findTroubles(core: Core, began: number): Promise<Trouble[]> {
  const { sql } = core
  const now = core.clock()
  const found: Trouble[] = []
  for (const { id: sensor, scope, role, status, connected, lastSeenAt, missingEvents, gaps, rejected, proofs } of await readSensors(sql, now, sql`true`)) {
    if (role !== 'source' && status !== 'revoked' && lastSeenAt !== null && now - Math.max(lastSeenAt, began) > silentAfter)
      found.push({ sensor, scope, problem: 'silent', mark: String(lastSeenAt), detail: `last heard at ${new Date(lastSeenAt).toISOString()}`, count: 1 })
    const blind = proofs.filter(({ state }) => state === 'blind')
    if (blind.length > 0 && connected) {
      const detail = `connected, and does not see what is touched: ${blind.map((each) => `${each.path} (${each.detail})`).join(', ')}`
      found.push({ sensor, scope, problem: 'blind', mark: blind.map(({ path, since }) => `${path} ${since}`).join(), detail, count: blind.length })
    }
    if (gaps > 0) {
      const detail = `${missingEvents} events are missing in ${gaps} gaps of its sequence`
      found.push({ sensor, scope, problem: 'gap', mark: String(missingEvents), detail, count: missingEvents })
    }
    if (rejected > 0) found.push({ sensor, scope, problem: 'rejected', mark: String(rejected), detail: '', count: rejected })
  }
  const noted = await sql<{ sensor: string; scope: string; problem: Problem; count: number; detail: string; address: string | null }[]>`
    select p.sensor, s.scope, p.key as problem, sum(p.count)::int as count, (array_agg(p.detail order by p.last_at desc))[1] as detail,
      (array_agg(host(p.address) order by p.last_at desc))[1] as address
    from sensor_problem as p join sensor as s on s.id = p.sensor where p.key = any(${[...identityProblems]}) group by p.sensor, s.scope, p.key`
  for (const { address, ...each } of noted) found.push({ ...each, mark: String(each.count), ...(address && { address }) })
  return found
}

/** Those of which there is something new, and whose pause is over. */
async function untold(core: Core, troubles: readonly Trouble[]): Promise<Trouble[]> {
  if (troubles.length === 0) return []
  const rows = await core.sql<{ sensor: string; problem: string; mark: string; at: number }[]>`
    select sensor, problem, mark, (extract(epoch from told_at) * 1000)::float8 as at from sensor_told`
  const told = new Map(rows.map((row) => [`${row.sensor} ${row.problem}`, row]))
  return troubles.filter(({ sensor, problem, mark }) => {
    const last = told.get(`${sensor} ${problem}`)
    return !last || (last.mark !== mark && core.clock() - last.at >= pauses[problem])
  })
}

/** Says it as an event of the sensor, in a sequence of the core's own, then remembers: a crash between the two says it twice, never not at all. */
async function say(core: Core, { sensor, scope, problem, mark, detail, count, address }: Trouble): Promise<void> {
  const { sql } = core
  const now = core.clock()
  const [last] =
    problem === 'rejected' ? await sql<{ reason: string }[]>`select reason from event_rejected where sensor = ${sensor} order by at desc, id desc limit 1` : []
  const body = { problem, detail: last ? last.reason.slice(0, 900) : escapeText(detail).slice(0, 900), count }
  await emitEvents(core, { id: sensor, scope }, [{ time: now, kind: 'sensor.troubled', ...(address && { source: { ip: address } }), body }])
  await sql`insert into sensor_told (sensor, problem, mark, told_at) values (${sensor}, ${problem}, ${mark}, to_timestamp(${now / 1000}::float8))
    on conflict (sensor, problem) do update set mark = excluded.mark, told_at = excluded.told_at`
}
