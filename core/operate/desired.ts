/** Desired state of one sensor, as it pulls it: what a relay answers, what a decoy host runs. */
import type { DecoysConfig, RelayConfig } from '@shenlou/contract/sensor'
import { isService, services } from '@shenlou/contract/services'
import type { Placement } from '@shenlou/contract/placement'
import type { Core } from '../core.ts'
import { loadPersonas, loadPlants } from './personas.ts'
import { siteSettings } from './settings.ts'
import { decoySeed, plantSeed, siteSecret } from './site-secret.ts'
import { decoySecrets } from './templates.ts'

/**
 * The configuration of a confirmed sensor; an unconfirmed one gets one with nothing in it. Throws when there is no such sensor.
 * `revoked` are the serials of all revoked certificates.
 */
export async function desiredState(core: Core, sensorId: string): Promise<RelayConfig | DecoysConfig> {
  const { sql } = core
  const [sensor] = await sql<
    { id: string; name: string; role: string; scope: string; status: string }[]
  >`select id, name, role, scope, status from sensor where id = ${sensorId}`
  if (!sensor || sensor.role === 'source') throw new Error(`there is no sensor ${sensorId}`)
  const [state] = await sql<{ version: number }[]>`select case when is_called then last_value::int else 0 end as version from config_version`
  const revoked = (await sql<{ serial: string }[]>`select c.serial from sensor_certificate c join sensor s on s.id = c.sensor where s.status = 'revoked'`).map(
    ({ serial }) => serial,
  )
  const confirmed = sensor.status === 'confirmed'
  const side = sensor.role === 'relay' ? sql`p.relay = ${sensor.name}` : sql`p.host = ${sensor.name}`
  const rows = confirmed
    ? await sql<Placement[]>`select p.id, r.id as relay, h.id as gate, p.address, p.port, p.transport, p.decoy, p.service from placement p
        join sensor r on r.name = p.relay and r.role = 'relay' and r.status = 'confirmed' join sensor h on h.name = p.host and h.role = 'decoys' and h.status = 'confirmed' where ${side} order by p.id`
    : []
  const placements = [...rows]
  const common = { version: state?.version ?? 0, sensor: sensor.id, name: sensor.name, scope: sensor.scope, placements, revoked }
  const fallback = (await siteSettings(sql)).tunnel
  const tunnels = new Map(
    (await sql<{ key: string; value: string }[]>`select key, value from setting where key like 'tunnel %'`).map(({ key, value }) => [key.slice(7), value]),
  )

  if (sensor.role === 'relay') {
    const gates = confirmed
      ? await sql<
          { id: string; name: string }[]
        >`select id, name from sensor where role = 'decoys' and status = 'confirmed' and id in ${sql(['00000000-0000-0000-0000-000000000000', ...placements.map(({ gate }) => gate)])}`
      : []
    return { ...common, role: 'relay', gates: gates.map(({ id, name }) => ({ sensor: id, address: tunnels.get(name) ?? fallback })) }
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
          plant: { id: string; template: string; units: Record<string, string> } | null
        }[]
      >`select id, persona, organisation, services, secrets, plant from decoy where host = ${sensor.name} order by id`
    : []
  const plants = decoys.some(({ plant }) => plant) ? loadPlants(core.dataDir, core.log) : new Map<string, never>()
  return {
    ...common,
    role: 'decoys',
    plants: [...new Map(decoys.flatMap(({ plant }) => (plant ? [[plant.id, plant.template] as const] : [])))].flatMap(([id, name]) => {
      const template = plants.get(name)
      return template ? [{ id, template, seed: plantSeed(secret, id) }] : []
    }),
    tunnel: tunnels.get(sensor.name) ?? fallback,
    relays: [...new Set(placements.map(({ relay }) => relay))],
    sites: Object.fromEntries(
      (
        await sql<
          { id: string; scope: string }[]
        >`select id, scope from sensor where role = 'relay' and status = 'confirmed' and name in ${sql(['', ...relayNames])}`
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
          seed: decoySeed(secret, decoy.id),
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
}
