/** Decoys as people see them: who each pretends to be, where it answers, who came. */
import type { RouteAnswer } from '@shenlou/contract/api'
import type { SensorHealth } from '@shenlou/contract/sensor'
import type { Actor } from './actor.ts'
import type { Core } from './core.ts'
import { loadPersonas } from './operate/personas.ts'
import { visibleTo } from './store/visible.ts'

interface DecoyRow {
  id: string
  persona: string
  host: string
  scope: string
  services: { service: string }[]
  sessions: number
  last: number | null
  identity: RouteAnswer<'decoys'>['items'][number]['identity']
}

interface PlacementRow {
  decoy: string
  relay: string
  address: string
  port: number
  service: string
  connected: boolean | null
  config_version: number | null
  health: SensorHealth | null
  /** Of a host of a segment: whether its relay claims the address. */
  claimed: boolean | null
}

const hostPort = (address: string, port: number): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)

/**
 * Whether a relay answers there, by its own word: null when it is away or has not yet taken the present configuration, false when it
 * could not listen or has no tunnel.
 */
function answering(row: PlacementRow, version: number): boolean | null {
  if (!row.connected || !row.health || (row.config_version ?? 0) < version) return null
  if (row.claimed === false) return false
  const where = hostPort(row.address, row.port)
  return !row.health.problems.some((problem) => problem.startsWith('tunnel-down') || (problem.startsWith('listen-failed ') && problem.split(' ')[1] === where))
}

/** Route `decoys`. Who a decoy was drawn as is known once its decoy host has said it (sensors/identities.ts). */
export async function decoys(core: Core, actor: Actor): Promise<RouteAnswer<'decoys'>> {
  const { sql } = core
  const now = core.clock() / 1000
  const rows = await sql<DecoyRow[]>`
    select decoy.id, decoy.persona, decoy.host, decoy.scope, decoy.services, coalesce(touched.sessions, 0)::int as sessions, touched.last,
      case when said.decoy is not null then jsonb_build_object('hostname', said.hostname, 'mac', said.mac, 'serial', said.serial,
        'saidAt', (extract(epoch from said.said_at) * 1000)::float8) end as identity
    from decoy left join lateral (
      select count(*) filter (where started_at > to_timestamp(${now - 86_400}::float8)) as sessions, (extract(epoch from max(last_at)) * 1000)::float8 as last
      from session where session.decoy = decoy.id and not session.proof
    ) as touched on true left join decoy_identity as said on said.decoy = decoy.id
    where ${visibleTo(sql, actor, 'decoy.scope')} order by decoy.id`
  const placements = await sql<PlacementRow[]>`
    select placement.decoy, placement.relay, placement.address, placement.port, placement.service, sensor.connected, sensor.config_version, sensor.health,
      case when decoy.segment is not null then coalesce(known.state = 'claimed', false) end as claimed
    from placement join decoy on decoy.id = placement.decoy
    left join segment_address as known on known.segment = decoy.segment and host(known.address) = placement.address
    left join sensor on sensor.name = placement.relay and sensor.role = 'relay' and sensor.status = 'confirmed'
    where placement.decoy = any(${rows.map(({ id }) => id)}) order by placement.address, placement.port`
  const [state] = await sql<{ version: number }[]>`select case when is_called then last_value::int else 0 end as version from config_version`
  const personas = loadPersonas(core.dataDir, () => {}) // a broken file is said where the decoys are run
  const placed = Map.groupBy(placements, ({ decoy }) => decoy)
  const items = rows.map((row) => {
    const persona = personas.get(row.persona)
    return {
      id: row.id,
      persona: row.persona,
      host: row.host,
      hostname: row.identity?.hostname ?? persona?.host.hostname.join(', ') ?? '',
      identity: row.identity,
      product: persona ? `${persona.hardware.vendor} ${persona.hardware.model}` : '',
      scope: row.scope,
      services: row.services.map(({ service }) => service),
      placements: (placed.get(row.id) ?? []).map((each) => ({
        relay: each.relay,
        address: each.address,
        port: each.port,
        service: each.service,
        answering: answering(each, state?.version ?? 0),
      })),
      sessions24h: row.sessions,
      lastTouchedAt: row.last,
    }
  })
  return { items, next: null, total: items.length }
}
