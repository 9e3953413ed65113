/**
 * Where the passive transfers of an `ftp` arrive. A relay listens only on what it was told, so a port of the device has to be known before anybody asks
 * for a transfer: it is what the scenario says of `ftp-data`, and else one that is drawn here, the same at every placement of the decoy.
 */
import { createHash } from 'node:crypto'
import type { ScenarioTemplate } from '@shenlou/contract/template'

type Decoy = ScenarioTemplate['decoys'][number]

/** What small devices take for connections of their own, from just above the reserved ports on; below what Linux takes, so that a relay never uses it itself. */
const [first, last] = [1026, 1999]

/** Ports that are said for `ftp-data` of a decoy, each once; none where one is to be drawn. */
export const saidDataPorts = (scenario: ScenarioTemplate, decoy: Decoy): number[] => {
  const own = decoy.services.find(({ service }) => service === 'ftp-data')?.port
  const said = scenario.placements.filter((placement) => placement.decoy === decoy.id).map(({ ports }) => ports['ftp-data'] ?? own)
  return [...new Set(said.length > 0 ? said : [own])].filter((port) => port !== undefined)
}

/** The port of `ftp-data`; undefined for a decoy without `ftp`. It is no other port of the decoy, nor one of another decoy at the same address of a relay. */
export function dataPortOf(scenario: ScenarioTemplate, decoy: Decoy): number | undefined {
  if (!decoy.services.some(({ service }) => service === 'ftp')) return undefined
  const [said] = saidDataPorts(scenario, decoy)
  if (said !== undefined) return said
  const places = new Set(scenario.placements.filter((placement) => placement.decoy === decoy.id).map(placeOf))
  const taken = new Set(decoy.services.map(({ port }) => port))
  for (const placement of scenario.placements) {
    if (!places.has(placeOf(placement))) continue
    const other = scenario.decoys.find(({ id }) => id === placement.decoy)
    for (const { service, port } of other?.services ?? []) taken.add(placement.ports[service] ?? port)
    if (other !== undefined && other.id !== decoy.id && other.services.some(({ service }) => service === 'ftp')) {
      // Who comes first in the file draws first.
      if (scenario.decoys.indexOf(other) < scenario.decoys.indexOf(decoy)) taken.add(dataPortOf(scenario, other) as number)
    }
  }
  const span = last - first + 1
  const start = createHash('sha256').update(`ftp-data ${scenario.name} ${decoy.id}`).digest().readUInt32BE(0) % span
  for (let step = 0; step < span; step++) {
    const port = first + ((start + step) % span)
    if (!taken.has(port)) return port
  }
  return first
}

const placeOf = ({ relay, address }: ScenarioTemplate['placements'][number]): string => `${relay} ${address}`

/** A decoy as its relays place it: with the `ftp-data` that its `ftp` needs, and what it tells clients of it. */
export function withDataPort(scenario: ScenarioTemplate, decoy: Decoy): Decoy {
  const port = dataPortOf(scenario, decoy)
  if (port === undefined) return decoy
  const services = decoy.services.map((each) =>
    each.service === 'ftp' ? { ...each, settings: { dataPort: port, ...each.settings } } : each.service === 'ftp-data' ? { ...each, port } : each,
  )
  return { ...decoy, services: services.some(({ service }) => service === 'ftp-data') ? services : [...services, { service: 'ftp-data', port, settings: {} }] }
}
