/**
 * Proof touches: every relay is touched now and then where it answers, and is blind when its own event of that does not come. The
 * heartbeat only says that a process runs; this says that what an attacker does there reaches the database.
 */
import type { ProofOutcome } from '@shenlou/contract/sensor'
import type { ProofAsk, ProofSaid } from '@shenlou/link/door-types'
import { uuidv7 } from '@shenlou/link/uuid'
import type { Core } from '../core.ts'
import { marksOf } from '../ingest/proofs.ts'
import { tellSensor } from './problems.ts'
import { type Choice, drawPlace, type Place, type Prober, type ProofPath, probersFor, type Reach, reachable, readPaths } from './proof-paths.ts'

/** Times in milliseconds. With the longest interval of 90 s a relay that goes blind is told so within two minutes. */
export interface ProofTimes {
  /** From the go-ahead until the relay's event must be stored. */
  deadline: number
  /** Before the second try. */
  pause: number
  /** After it connected or its configuration changed, a relay may still be opening its listeners and tunnels. */
  grace: number
  /** How often paths are read and what is due is looked at. */
  look: number
  /** The first proof of a path comes within this. */
  first: number
  /** A prober says where it will come from within this. */
  bind: number
  /** Between proofs of a path, instead of what is set. */
  interval?: number
}
export const proofTimes: ProofTimes = { deadline: 9_000, pause: 2_000, grace: 60_000, look: 2_000, first: 8_000, bind: 3_000 }

/** One that did not come through is tried again as an explorer after so long. */
const exploreMs = 24 * 3_600_000
/** One that came through counts as on the path for so long. */
const reachedMs = 7 * 24 * 3_600_000
const keptMs = 2 * 24 * 3_600_000
/** Touches under way at once. */
const mostRunning = 32
const maxTries = 4

type State = 'waiting' | 'proved' | 'blind' | 'unproved'
interface Watched extends ProofPath {
  dueAt: number
  graceUntil: number
  running: boolean
  state: State
}
interface Touch {
  path: Watched
  choice: Choice
  place: Place
  source: string
  bound(said: { source: string; port: number } | undefined): void
  done(outcome: ProofOutcome): void
  seen(): void
}
type Result = 'seen' | 'unseen' | ProofOutcome | 'no-prober'

export interface Proofs {
  /** What a prober says. */
  heard(sensor: string, said: ProofSaid): void
  /** Looks now: reads the paths and starts what is due. */
  look(): Promise<void>
  close(): Promise<void>
}

/** Starts proving. `ask` sends to a connected sensor and answers whether it could. */
export function startProofs(core: Core, ask: (sensor: string, message: ProofAsk) => boolean, times: ProofTimes = proofTimes): Proofs {
  const { sql } = core
  const watched = new Map<string, Watched>()
  const touches = new Map<string, Touch & { prober: string }>()
  const running = new Set<Promise<void>>()
  let probers: Prober[] = []
  let closed = false
  let turn: Promise<void> = Promise.resolve()
  const jitter = (ms: number): number => ms * (0.75 + 0.25 * Math.random())
  const keyOf = ({ relay, path }: ProofPath): string => `${relay} ${path}`

  async function read(): Promise<void> {
    const now = core.clock()
    const [paths, rows, all] = await Promise.all([
      readPaths(core),
      sql<{ sensor: string; path: string; state: State }[]>`select sensor, path, state from proof_path`,
      sql<Prober[]>`select id, scope, coalesce(array(select jsonb_array_elements_text(health->'networks')), '{}') as networks from sensor
        where role = 'relay' and status = 'confirmed' and connected and health ? 'networks'`,
    ])
    probers = all
    const states = new Map(rows.map((row) => [`${row.sensor} ${row.path}`, row.state]))
    const seen = new Set<string>()
    for (const path of paths) {
      const key = keyOf(path)
      seen.add(key)
      const known = watched.get(key)
      if (known && known.configVersion === path.configVersion) {
        Object.assign(known, path)
        continue
      }
      const dueAt = now + times.first * Math.random()
      const state = known?.state ?? states.get(key) ?? 'waiting'
      if (known) Object.assign(known, path, { graceUntil: now + times.grace, dueAt: Math.min(known.dueAt, dueAt) })
      else watched.set(key, { ...path, dueAt, graceUntil: now + times.grace, running: false, state })
      if (!states.has(key))
        await sql`insert into proof_path (sensor, path, state, since) values (${path.relay}, ${path.path}, 'waiting', to_timestamp(${now / 1000}::float8)) on conflict do nothing`
    }
    const there = new Set(paths.map(({ relay }) => relay))
    for (const key of [...watched.keys()]) if (!seen.has(key)) watched.delete(key)
    // Of a relay that is away nothing new is known; of one that is there, what it no longer answers is no path any more.
    const connected = new Set(probers.map(({ id }) => id).concat([...there]))
    for (const row of rows) {
      if (seen.has(`${row.sensor} ${row.path}`) || !connected.has(row.sensor)) continue
      await sql`delete from proof_path where sensor = ${row.sensor} and path = ${row.path}`
      await tellSensor(core, row.sensor)
    }
  }

  async function lookOnce(): Promise<void> {
    await read()
    const now = core.clock()
    for (const path of watched.values()) {
      if (closed || path.running || path.dueAt > now || running.size >= mostRunning) continue
      path.running = true
      const work = prove(path)
        .catch((error: Error) => {
          if (!core.signal.aborted && !closed) core.log(`a relay was not proved: ${error.message}`)
        })
        .finally(() => {
          path.running = false
          const blindly = path.state === 'blind' || (path.state !== 'proved' && core.clock() < path.graceUntil)
          const interval = times.interval ?? path.intervalMs
          path.dueAt = core.clock() + jitter(blindly ? interval / 3 : interval)
          running.delete(work)
        })
      running.add(work)
    }
  }

  const reachOf = async ({ relay, path }: ProofPath): Promise<(prober: string) => Reach> => {
    const now = core.clock()
    const rows = await sql<{ prober: string; reached: number | null; failed: number | null }[]>`
      select prober, (extract(epoch from reached_at) * 1000)::float8 as reached, (extract(epoch from failed_at) * 1000)::float8 as failed
      from proof_reach where sensor = ${relay} and path = ${path}`
    const known = new Map(rows.map((row) => [row.prober, row]))
    return (prober) => {
      const { reached = null, failed = null } = known.get(prober) ?? {}
      if (reached !== null && reached > now - reachedMs) return 'reached'
      return failed !== null && failed > now - exploreMs ? 'failed' : 'untried'
    }
  }

  /** One proof of a path: two tries that count, by two probers where there are two. */
  async function prove(path: Watched): Promise<void> {
    const place = await drawPlace(core, path)
    if (!place) return
    const reach = await reachOf(path)
    const own = probers.find(({ id }) => id === path.relay)
    const address = reachable(place.address, own?.networks ?? [])
    const choices = probersFor(path, address, probers, reach)
    const counting = choices.filter(({ counts }) => counts)
    // Outsiders first; the last that counts is asked again where there is only one.
    const plan = [...choices.filter(({ counts, inside }) => !counts && !inside), ...counting]
    const outside = counting.filter(({ inside }) => !inside)
    const twice = outside.length > 0 ? outside : counting
    const order = counting.length === 0 ? choices : [...plan.filter(({ counts }) => !counts), ...[0, 1].map((at) => twice[at % twice.length] as Choice)]
    let failures = 0
    let detail = 'no-prober'
    for (const choice of order.slice(0, maxTries)) {
      if (closed) return
      if (failures > 0) await new Promise((resolve) => setTimeout(resolve, times.pause))
      const result = await touch(path, choice, { ...place, address })
      if (result === 'seen') return
      detail = `${result} ${address.includes(':') ? `[${address}]` : address}:${place.port}`
      if (choice.counts && (result === 'unseen' || result === 'refused' || result === 'timeout' || result === 'connected')) failures++
      if (!choice.counts) await noteReach(path, choice.prober, false)
    }
    const now = core.clock()
    await sql`update proof_path set tried_at = to_timestamp(${now / 1000}::float8), detail = ${detail} where sensor = ${path.relay} and path = ${path.path}`
    if (now < path.graceUntil) return
    if (failures >= 2) await settle(path, 'blind')
    else if (path.state !== 'blind') await settle(path, 'unproved')
  }

  async function touch(path: Watched, choice: Choice, place: Place): Promise<Result> {
    const marks = await marksOf(core)
    const id = uuidv7()
    const binding = Promise.withResolvers<{ source: string; port: number } | undefined>()
    const ending = Promise.withResolvers<Result>()
    const entry = {
      path,
      choice,
      place,
      source: '',
      prober: choice.prober,
      bound: binding.resolve,
      done(outcome: ProofOutcome) {
        binding.resolve(undefined)
        // It was let in: its event may be on the way.
        if (outcome !== 'connected') ending.resolve(outcome)
      },
      seen: () => ending.resolve('seen'),
    }
    touches.set(id, entry)
    const timers = [setTimeout(binding.resolve, times.bind, undefined)]
    try {
      if (!ask(choice.prober, { type: 'prove', id, address: place.address, port: place.port, transport: 'tcp' })) return 'no-prober'
      const bound = await binding.promise
      if (!bound) return await Promise.race([ending.promise, 'no-prober' as const])
      entry.source = bound.source
      const from = core.clock()
      const { relay } = path
      await marks.announce({
        ...{ id, relay, path: path.path, prober: choice.prober, source: bound.source, sourcePort: bound.port },
        ...{ target: place.address, targetPort: place.port, from, until: from + times.deadline },
      })
      if (closed || !ask(choice.prober, { type: 'prove-go', id })) {
        await marks.withdraw(id)
        return 'no-prober'
      }
      timers.push(setTimeout(ending.resolve, times.deadline, 'unseen'))
      const result = await ending.promise
      if (result === 'failed' || result === 'unreachable') await marks.withdraw(id)
      return result
    } finally {
      for (const timer of timers) clearTimeout(timer)
      // One that comes late still shows that it sees.
      setTimeout(() => touches.delete(id), 600_000).unref()
    }
  }

  async function noteReach(path: ProofPath, prober: string, reached: boolean): Promise<void> {
    const at = core.clock() / 1000
    await sql`insert into proof_reach (sensor, path, prober, reached_at, failed_at)
      values (${path.relay}, ${path.path}, ${prober}, ${reached ? sql`to_timestamp(${at}::float8)` : null}, ${reached ? null : sql`to_timestamp(${at}::float8)`})
      on conflict (sensor, path, prober) do update set reached_at = coalesce(excluded.reached_at, proof_reach.reached_at), failed_at = coalesce(excluded.failed_at, proof_reach.failed_at)`
  }

  async function settle(path: Watched, state: State): Promise<void> {
    if (path.state === state) return
    path.state = state
    await sql`update proof_path set state = ${state}, since = to_timestamp(${core.clock() / 1000}::float8) where sensor = ${path.relay} and path = ${path.path}`
    await tellSensor(core, path.relay)
  }

  /** The relay's own event of a touch is stored: also of one that an earlier core announced. */
  async function proved(id: string): Promise<void> {
    const touched = touches.get(id)
    touched?.seen()
    const [row] = await sql<{ relay: string; path: string; prober: string; source: string; target: string }[]>`
      select relay, path, prober, host(source) as source, host(target) || ':' || target_port as target from proof where id = ${id}`
    if (!row) return
    const now = core.clock() / 1000
    await sql`update proof_path set state = 'proved', since = case when state = 'proved' then since else to_timestamp(${now}::float8) end, proved_at = to_timestamp(${now}::float8),
      tried_at = to_timestamp(${now}::float8), prober = ${row.prober}, source = ${row.source}, target = ${row.target}, detail = '' where sensor = ${row.relay} and path = ${row.path}`
    await noteReach({ relay: row.relay, path: row.path } as ProofPath, row.prober, true)
    const path = watched.get(`${row.relay} ${row.path}`)
    const before = path?.state
    if (path) path.state = 'proved'
    if (before !== 'proved') await tellSensor(core, row.relay)
  }

  const off = core.bus.on('committed', ({ events }) => {
    for (const { proof, kind } of events) {
      if (proof === undefined || kind !== 'connection.opened') continue
      const work = proved(proof)
        .catch((error: Error) => {
          if (!core.signal.aborted) core.log(`a proof was not kept: ${error.message}`)
        })
        .finally(() => running.delete(work))
      running.add(work)
    }
  })
  const look = (): Promise<void> => {
    turn = turn.then(lookOnce).catch((error: Error) => {
      if (!core.signal.aborted) core.log(`relays were not looked at: ${error.message}`)
    })
    return turn
  }
  const timer = setInterval(look, times.look).unref()
  const cleaning = setInterval(() => {
    sql`delete from proof where announced_at < to_timestamp(${(core.clock() - keptMs) / 1000}::float8)`.catch((error: Error) => {
      if (!core.signal.aborted && !closed) core.log(`old proofs were not removed: ${error.message}`)
    })
  }, 3_600_000).unref()

  return {
    heard(sensor, said) {
      const found = touches.get(said.id)
      if (!found || found.prober !== sensor) return
      if (said.type === 'proof-bound') found.bound({ source: said.source, port: said.port })
      else found.done(said.outcome)
    },
    look,
    async close() {
      closed = true
      off()
      clearInterval(timer)
      clearInterval(cleaning)
      for (const touched of touches.values()) touched.done('failed')
      await turn
      await Promise.allSettled([...running])
    },
  }
}
