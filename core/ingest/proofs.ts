/**
 * Labels of proof touches. What one will look like is announced before it is made (source, source port, relay, target, window); the
 * first connection that looks so is it, and no other ever is. The label is stored with each event, in the statement that stores it.
 */
import type { SensorEvent } from '@shenlou/contract/event'
import type { Core } from '../core.ts'

export interface Announced {
  id: string
  relay: string
  path: string
  prober: string
  source: string
  sourcePort: number
  target: string
  targetPort: number
  /** The touch begins in it: milliseconds since 1970 UTC by the core's clock. */
  from: number
  until: number
}
interface Known extends Announced {
  connection: string | undefined
}
/** What storing an event settles about a proof. `seen`: it is the relay's own word that it took the connection. */
export interface Claim {
  id: string
  connection: string
  seen: boolean
}
export interface Marks {
  /** Announces a touch: what was answered is on disk. */
  announce(what: Announced): Promise<void>
  /** It will not be made after all. */
  withdraw(id: string): Promise<void>
  /** How far a sensor's clock is ahead, in milliseconds. */
  clock(sensor: string, offset: number): void
  /** The proof that an event belongs to, and what that settles. */
  markOf(event: SensorEvent, sensor: string): { proof: string; claim?: Claim } | undefined
}

/** Clocks of sensors are known to the heartbeat; within that an event may seem earlier or later than it was. Milliseconds. */
export const clockSlack = 5_000
/** Events of a labelled connection come later too: from a decoy host that was cut off, for so long. */
const rememberMs = 6 * 3_600_000
/** A scan report counts what came before it, as far back. */
const countedMs = 48 * 3_600_000

/** What a client that sends nothing causes. Anything else on that connection is somebody's doing, and is shown. */
function isBland({ kind, body }: SensorEvent): boolean {
  if (kind === 'connection.closed') return body.bytesIn === 0
  if (kind === 'terminal.data') return body.stream !== 'input'
  if (kind === 'protocol.violated') return body.data === ''
  return kind === 'connection.opened' || kind === 'connection.refused' || kind === 'session.opened' || kind === 'session.closed'
}

const keyOf = (relay: string, source: string, sourcePort: number, target: string, targetPort: number): string =>
  `${relay} ${source} ${sourcePort} ${target} ${targetPort}`

const open = new WeakMap<Core, Promise<Marks>>()
/** The labels of a core: read from the database at the first call. */
export function marksOf(core: Core): Promise<Marks> {
  const marks = open.get(core) ?? load(core)
  open.set(core, marks)
  marks.catch(() => open.delete(core))
  return marks
}

async function load(core: Core): Promise<Marks> {
  const { sql } = core
  const announced = new Map<string, Known>()
  const byConnection = new Map<string, Known>()
  /** Of each relay and prober: when touches were seen, and where. */
  const counts = new Map<string, { times: number[]; targets: Set<string> }>()
  const clocks = new Map<string, number>()

  const remember = (known: Known): void => {
    if (known.connection === undefined) return
    byConnection.set(known.connection, known)
    const key = `${known.relay} ${known.source}`
    const count = counts.get(key) ?? { times: [], targets: new Set() }
    counts.set(key, count)
    count.times.push(known.from)
    count.targets.add(known.target).add(String(known.targetPort))
    while ((count.times[0] ?? Number.POSITIVE_INFINITY) < known.from - countedMs) count.times.shift()
  }
  const now = core.clock()
  const rows = await sql<Known[]>`
    select id, relay, path, prober, host(source) as source, source_port as "sourcePort", host(target) as target, target_port as "targetPort",
      (extract(epoch from announced_at) * 1000)::float8 as from, (extract(epoch from until) * 1000)::float8 as until, connection
    from proof where announced_at > to_timestamp(${(now - countedMs) / 1000}::float8) order by announced_at`
  for (const row of rows) {
    const known = { ...row, connection: row.connection ?? undefined }
    if (known.connection === undefined || known.until > now - rememberMs)
      announced.set(keyOf(known.relay, known.source, known.sourcePort, known.target, known.targetPort), known)
    remember(known)
  }
  for (const { id, offset } of await sql<{ id: string; offset: number }[]>`select id, clock_offset_ms as offset from sensor where clock_offset_ms is not null`)
    clocks.set(id, offset)

  const forget = (): void => {
    const before = core.clock() - rememberMs
    for (const [key, known] of announced) if (known.until < before) announced.delete(key)
    for (const [key, known] of byConnection) if (known.until < before) byConnection.delete(key)
  }
  const within = (known: Known, event: SensorEvent, sensor: string): boolean => {
    const at = event.time - (clocks.get(sensor) ?? 0)
    return at >= known.from - clockSlack && at <= known.until + clockSlack
  }

  /** A scan report that counts nothing but touches of our own. */
  const scanOf = (event: SensorEvent, sensor: string): { proof: string } | undefined => {
    if (!event.source) return undefined
    const count = counts.get(`${sensor} ${event.source.ip}`)
    if (!count) return undefined
    const {
      connections,
      silent,
      probes = 0,
      addresses,
      ports,
      windowMs,
    } = event.body as {
      connections: number
      silent: number
      probes?: number
      addresses: string[]
      ports: number[]
      windowMs: number
    }
    const since = event.time - (clocks.get(sensor) ?? 0) - windowMs - 60_000 - clockSlack
    const ours = count.times.filter((time) => time >= since).length
    // A probe of what nothing answers on is none of ours.
    if (connections > ours || silent > ours || probes > 0) return undefined
    if (![...addresses, ...ports.map(String)].every((each) => count.targets.has(each))) return undefined
    const last = [...announced.values()].findLast(
      ({ relay, source, connection }) => connection !== undefined && relay === sensor && source === event.source?.ip,
    )
    return last && { proof: last.id }
  }

  return {
    async announce(what) {
      await sql`insert into proof (id, relay, path, prober, source, source_port, target, target_port, announced_at, until)
        values (${what.id}, ${what.relay}, ${what.path}, ${what.prober}, ${what.source}, ${what.sourcePort}, ${what.target}, ${what.targetPort},
          to_timestamp(${what.from / 1000}::float8), to_timestamp(${what.until / 1000}::float8))`
      forget()
      announced.set(keyOf(what.relay, what.source, what.sourcePort, what.target, what.targetPort), { ...what, connection: undefined })
    },
    async withdraw(id) {
      for (const [key, known] of announced) if (known.id === id && known.connection === undefined) announced.delete(key)
      await sql`delete from proof where id = ${id} and connection is null`
    },
    clock: (sensor, offset) => void clocks.set(sensor, offset),
    markOf(event, sensor) {
      if (announced.size === 0) return undefined
      const { connection, source, destination, via } = event
      if (event.kind === 'scan.detected') return scanOf(event, sensor)
      if (connection === undefined || source?.port === undefined || destination?.port === undefined || !via || !isBland(event)) return undefined
      const known = announced.get(keyOf(via.relay, source.ip, source.port, destination.ip, destination.port))
      if (!known || (known.connection !== undefined && known.connection !== connection)) return undefined
      const own = sensor === known.relay
      const seen = own && event.kind === 'connection.opened'
      if (known.connection === undefined) {
        // Only what happens when it was to happen can be it.
        if (!within(known, event, sensor)) return undefined
        known.connection = connection
        remember(known)
        return { proof: known.id, claim: { id: known.id, connection, seen } }
      }
      return { proof: known.id, ...(seen ? { claim: { id: known.id, connection, seen } } : {}) }
    },
  }
}
