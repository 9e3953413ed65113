/** A scenario text, checked whole: schema, then what a schema cannot say. */
import { isService, services } from '@shenlou/contract/services'
import { type ScenarioTemplate, scenarioTemplate, type TemplateFault } from '@shenlou/contract/template'
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { PlantTemplate } from '@shenlou/contract/plant'
import { checkHost } from './host-check.ts'
import { saidDataPorts, withDataPort } from './passive.ts'
import { checkSegments } from './segment-check.ts'
import { parseYaml } from './yaml.ts'

/** As contract/template.ts has it for those that are written out. */
const mostServices = 6

export type CheckedScenario = { scenario: ScenarioTemplate } | { faults: TemplateFault[] }

/** Parses a scenario and checks that its personas, services, decoys and addresses agree with each other. */
export function checkScenario(
  text: string,
  personas: ReadonlyMap<string, PersonaTemplate>,
  plants: ReadonlyMap<string, PlantTemplate> = new Map(),
): CheckedScenario {
  const parsed = parseYaml(text, scenarioTemplate)
  if ('faults' in parsed) return parsed
  const { value: scenario, at } = parsed
  const faults: TemplateFault[] = []
  const decoys = new Map<string, ScenarioTemplate['decoys'][number]>()

  scenario.plants.forEach(({ id, template }, i) => {
    if (scenario.plants.findIndex((other) => other.id === id) !== i) faults.push(at(['plants', i, 'id'], `plant '${id}' is written twice`))
    if (!plants.has(template)) faults.push(at(['plants', i, 'template'], `there is no plant template '${template}'; known: ${[...plants.keys()].join(', ')}`))
  })
  scenario.decoys.forEach((decoy, i) => {
    const path = ['decoys', i]
    if (decoys.has(decoy.id)) faults.push(at([...path, 'id'], `decoy '${decoy.id}' is written twice; each decoy has an id of its own`))
    decoys.set(decoy.id, decoy)
    for (const { path: inside, message } of checkHost(decoy, personas, scenario, plants)) faults.push(at([...path, ...inside], message))
  })

  scenario.decoys.forEach((decoy, i) => {
    const said = saidDataPorts(scenario, decoy)
    if (said.length > 1)
      faults.push(at(['decoys', i, 'services'], `its placements give 'ftp-data' the ports ${said.join(' and ')}; the device names one to its clients`))
    if (withDataPort(scenario, decoy).services.length > mostServices)
      faults.push(at(['decoys', i, 'services'], `with the port that 'ftp' needs for transfers this decoy has more than ${mostServices} ports`))
  })

  if (scenario.decoys.length === 0 && scenario.segments.length === 0) faults.push(at([], "has neither 'decoys' nor 'segments'; one of them is needed"))
  for (const { path, message } of checkSegments(scenario, personas, plants)) faults.push(at(path, message))

  const taken = new Map<string, string>()
  scenario.placements.forEach((placement, i) => {
    const decoy = decoys.get(placement.decoy)
    if (!decoy) {
      faults.push(at(['placements', i, 'decoy'], `there is no decoy '${placement.decoy}' in this file`))
      return
    }
    for (const name of Object.keys(placement.ports)) {
      if (!withDataPort(scenario, decoy).services.some((service) => service.service === name))
        faults.push(at(['placements', i, 'ports', name], `decoy '${decoy.id}' has no service '${name}'`))
      else if (decoy.services.filter(({ service }) => service === name).length > 1)
        faults.push(
          at(['placements', i, 'ports', name], `decoy '${decoy.id}' has '${name}' at several ports; write the ports themselves, and what each is as 'as'`),
        )
    }
    for (const service of withDataPort(scenario, decoy).services) {
      const port = placement.ports[service.service] ?? service.port
      const transport = isService(service.service) ? services[service.service].transport : 'tcp'
      const key = `${placement.relay} ${placement.address} ${transport} ${port}`
      const other = taken.get(key)
      if (other) faults.push(at(['placements', i], `${placement.address}:${port} on relay '${placement.relay}' already leads to '${other}'`))
      taken.set(key, `${decoy.id}/${service.service}`)
    }
  })
  return faults.length > 0 ? { faults: faults.slice(0, 20) } : { scenario }
}
