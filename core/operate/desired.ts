/** Desired state of one sensor, as it pulls it: what a relay answers, what a decoy host runs. */
import type { DecoysConfig, RelayConfig, SentDecoysConfig } from '@shenlou/contract/sensor'
import type { IdleHost, Segment } from '@shenlou/contract/segment'
import { isService, services } from '@shenlou/contract/services'
import type { Placement } from '@shenlou/contract/placement'
import type { Core } from '../core.ts'
import { runningDelays } from '../delay/delays.ts'
import { decoySecrets } from './apply-rows.ts'
import { loadPersonas, loadPlants } from './personas.ts'
import { canonical } from './plan.ts'
import { siteSettings } from './settings.ts'
import { offeredTo } from '../releases/rollout.ts'
import { tuningOf } from '../sensors/settings.ts'
import { decoySeed, hostSeed, plantSeed, siteSecret } from './site-secret.ts'
import type { Idle } from './wanted.ts'

/** Below so many decoys a host's state is sent whole, as hosts of the former version of the contract read it. */
const foldedFrom = 256

/** The number of the present state: it rises with every change of what sensors should run. */
export async function desiredVersion({ sql }: Pick<Core, 'sql'>): Promise<number> {
  const [state] = await sql<{ version: number }[]>`select case when is_called then last_value::int else 0 end as version from config_version`
  return state?.version ?? 0
}

/**
 * The configuration of a confirmed sensor, without decoys whose keys are still to be drawn; an unconfirmed one gets one with nothing in it. Throws when there is no such sensor.
 * `revoked` are the serials of all revoked certificates.
 */
export async function desiredState(core: Core, sensorId: string): Promise<RelayConfig | DecoysConfig | SentDecoysConfig> {
  const { sql } = core
  const [sensor] = await sql<
    { id: string; name: string; role: string; scope: string; status: string }[]
  >`select id, name, role, scope, status from sensor where id = ${sensorId}`
  if (!sensor || sensor.role === 'source') throw new Error(`there is no sensor ${sensorId}`)
  // Read first: what changes while the rest is read raises it again, and the sensor pulls once more.
  const version = await desiredVersion(core)
  const revoked = (await sql<{ serial: string }[]>`select c.serial from sensor_certificate c join sensor s on s.id = c.sensor where s.status = 'revoked'`).map(
    ({ serial }) => serial,
  )
  const confirmed = sensor.status === 'confirmed'
  const side = sensor.role === 'relay' ? sql`p.relay = ${sensor.name}` : sql`p.host = ${sensor.name}`
  const rows = confirmed
    ? await sql<Placement[]>`select p.id, r.id as relay, h.id as gate, p.address, p.port, p.transport, p.decoy, p.service from placement p
        join decoy d on d.id = p.decoy and d.secrets is not null join sensor r on r.name = p.relay and r.role = 'relay' and r.status = 'confirmed' join sensor h on h.name = p.host and h.role = 'decoys' and h.status = 'confirmed' where ${side} order by p.id`
    : []
  const placements = [...rows]
  const common = { version, ...(await tuningOf(sql, sensor.id)), sensor: sensor.id, name: sensor.name, scope: sensor.scope, placements, revoked }
  const fallback = (await siteSettings(sql)).tunnel
  const tunnels = new Map(
    (await sql<{ key: string; value: string }[]>`select key, value from setting where key like 'tunnel %'`).map(({ key, value }) => [key.slice(7), value]),
  )

  if (sensor.role === 'relay') {
    const gates = confirmed
      ? await sql<
          { id: string; name: string }[]
        >`select id, name from sensor where role = 'decoys' and status = 'confirmed' and id = any(${[...new Set(placements.map(({ gate }) => gate))]})`
      : []
    const idle = confirmed ? { ...(await idleOf(core, sensor.name)), ...(await offeredTo(sql, sensor.id)) } : {}
    return { ...common, ...idle, role: 'relay', gates: gates.map(({ id, name }) => ({ sensor: id, address: tunnels.get(name) ?? fallback })) }
  }
  const secret = siteSecret(core)
  const personas = loadPersonas(core.dataDir, core.log)
  const relayNames = (await sql<{ relay: string }[]>`select distinct relay from placement where host = ${sensor.name}`).map(({ relay }) => relay)
  const decoys = confirmed
    ? await sql<
        {
          id: string
          persona: string
          organisation: Record<string, unknown>
          services: { service: string; port: number; settings: Record<string, unknown> }[]
          secrets: Buffer
          segment: string | null
          idle: Idle | null
          plant: { id: string; template: string; units: Record<string, string> } | null
        }[]
      >`select id, persona, organisation, services, secrets, segment, idle, plant from decoy where host = ${sensor.name} and secrets is not null order by id`
    : []
  const plants = decoys.some(({ plant }) => plant) ? loadPlants(core.dataDir, core.log) : new Map<string, never>()
  const whole: DecoysConfig = {
    ...common,
    ...(confirmed ? { delays: await runningDelays(core) } : {}),
    role: 'decoys',
    plants: [...new Map(decoys.flatMap(({ plant }) => (plant ? [[plant.id, plant.template] as const] : [])))].flatMap(([id, name]) => {
      const template = plants.get(name)
      return template ? [{ id, template, seed: plantSeed(secret, id) }] : []
    }),
    tunnel: tunnels.get(sensor.name) ?? fallback,
    relays: [...new Set(placements.map(({ relay }) => relay))],
    sites: Object.fromEntries(
      (
        await sql<{ id: string; scope: string }[]>`select id, scope from sensor where role = 'relay' and status = 'confirmed' and name = any(${relayNames})`
      ).map(({ id, scope }) => [id, scope]),
    ),
    decoys: decoys.flatMap((decoy) => {
      const persona = personas.get(decoy.persona)
      if (!persona) return []
      return [
        {
          id: decoy.id,
          persona,
          organisation: decoy.organisation as DecoysConfig['decoys'][number]['organisation'],
          seed: decoy.segment === null ? decoySeed(secret, decoy.id) : hostSeed(secret, decoy.id, decoy.persona),
          ...(decoy.idle ? { steps: decoy.idle.steps } : {}),
          secrets: decoySecrets(core, decoy.id, decoy.secrets),
          services: decoy.services.map(({ service, port, settings }) => ({
            service,
            ...(isService(service) ? { listens: { transport: services[service].transport, port } } : {}),
            settings,
          })),
          ...(decoy.plant ? { plant: { id: decoy.plant.id, units: decoy.plant.units } } : {}),
        },
      ]
    }),
  }
  return whole.decoys.length < foldedFrom ? whole : fold(whole)
}

/** Personas and organisations once each, and by name where they are used. */
function fold(whole: DecoysConfig): SentDecoysConfig {
  const organisations = new Map<string, { name: string; organisation: DecoysConfig['decoys'][number]['organisation'] }>()
  const named = (organisation: DecoysConfig['decoys'][number]['organisation']): string => {
    const text = canonical(organisation)
    const found = organisations.get(text) ?? { name: String(organisations.size + 1), organisation }
    organisations.set(text, found)
    return found.name
  }
  const decoys = whole.decoys.map((decoy) => ({ ...decoy, persona: decoy.persona.id, organisation: named(decoy.organisation) }))
  return {
    ...whole,
    personas: Object.fromEntries(whole.decoys.map(({ persona }) => [persona.id, persona])),
    organisations: Object.fromEntries([...organisations.values()].map(({ name, organisation }) => [name, organisation])),
    decoys,
  }
}

/** Segments of a relay and the hosts that it is there. */
async function idleOf({ sql }: Core, relay: string): Promise<Pick<RelayConfig, 'segments' | 'hosts'>> {
  const segments = await sql<
    { config: Omit<Segment, 'released'>; released: boolean }[]
  >`select config, released from segment where relay = ${relay} order by id`
  if (segments.length === 0) return {}
  const hosts = await sql<{ segment: string; idle: Idle }[]>`
    select decoy.segment, decoy.idle from decoy join segment on segment.id = decoy.segment where segment.relay = ${relay} and decoy.secrets is not null order by decoy.id`
  return {
    segments: segments.map(({ config, released }) => ({ ...config, released })),
    hosts: hosts.map(({ segment, idle: { address, mac, tcp, closed } }): IdleHost => ({ segment, address, mac, tcp, closed })),
  }
}
