/** A scenario text, checked whole: schema, then what a schema cannot say. */
import { isService, services } from '@shenlou/contract/services'
import { type ScenarioTemplate, scenarioTemplate, type TemplateFault } from '@shenlou/contract/template'
import type { PersonaTemplate } from '@shenlou/contract/persona'
import { lintPersona } from '@shenlou/contract/persona-linter'
import type { PlantTemplate } from '@shenlou/contract/plant'
import { saidDataPorts, withDataPort } from './passive.ts'
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
    const persona = personas.get(decoy.persona)
    if (!persona) faults.push(at([...path, 'persona'], `there is no persona '${decoy.persona}'; known: ${[...personas.keys()].join(', ')}`))
    const [contradiction] = persona ? lintPersona(persona) : []
    if (contradiction) faults.push(at([...path, 'persona'], `persona '${decoy.persona}' contradicts itself: ${contradiction}`))
    if (persona) for (const { path: inside, message } of checkDevice(decoy, persona, scenario, plants)) faults.push(at([...path, ...inside], message))
    const ports = new Set<string>()
    decoy.services.forEach((service, s) => {
      const here = [...path, 'services', s]
      if (!isService(service.service)) {
        faults.push(at([...here, 'service'], `there is no service '${service.service}'; known: ${Object.keys(services).join(', ')}`))
        return
      }
      if (persona && !persona[services[service.service].needs])
        faults.push(
          at([...here, 'service'], `persona '${decoy.persona}' has no '${services[service.service].needs}' section, so it cannot serve '${service.service}'`),
        )
      if (persona && service.service === 'hmi-https' && persona.hmi && !persona.hmi.tls)
        faults.push(at([...here, 'service'], `the page of persona '${decoy.persona}' has no 'tls', so it cannot serve 'hmi-https'`))
      const place = `${services[service.service].transport} ${service.port}`
      if (ports.has(place)) faults.push(at([...here, 'port'], `port ${service.port} is taken by another service of this decoy`))
      ports.add(place)
      const settings = services[service.service].settings.safeParse(service.settings)
      for (const issue of settings.error?.issues ?? []) faults.push(at([...here, 'settings', ...issue.path], issue.message))
    })
  })

  scenario.decoys.forEach((decoy, i) => {
    const said = saidDataPorts(scenario, decoy)
    if (said.length > 1)
      faults.push(at(['decoys', i, 'services'], `its placements give 'ftp-data' the ports ${said.join(' and ')}; the device names one to its clients`))
    if (withDataPort(scenario, decoy).services.length > mostServices)
      faults.push(at(['decoys', i, 'services'], `with the port that 'ftp' needs for transfers this decoy has more than ${mostServices} ports`))
  })

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

/** Whether a device and the plant that it is given fit: every alias of its maps has a unit of the model that it is made for, with the tags that they name. */
function checkDevice(
  decoy: ScenarioTemplate['decoys'][number],
  persona: PersonaTemplate,
  scenario: ScenarioTemplate,
  plants: ReadonlyMap<string, PlantTemplate>,
): { path: (string | number)[]; message: string }[] {
  const { device } = persona
  if (!device) return decoy.plant === undefined ? [] : [{ path: ['plant'], message: `persona '${decoy.persona}' is no device, so it belongs to no plant` }]
  if (decoy.plant === undefined) return [{ path: ['persona'], message: `persona '${decoy.persona}' is a device; name its 'plant' and 'units'` }]
  const named = scenario.plants.find(({ id }) => id === decoy.plant)
  if (!named)
    return [{ path: ['plant'], message: `there is no plant '${decoy.plant}' in this file; known: ${scenario.plants.map(({ id }) => id).join(', ') || 'none'}` }]
  const plant = plants.get(named.template)
  if (!plant) return []
  const wrong: { path: (string | number)[]; message: string }[] = []
  const known = new Map(plant.units.map((unit) => [unit.id, plant.equipment[unit.equipment]]))
  for (const alias of Object.keys(decoy.units))
    if (!Object.hasOwn(device.units, alias))
      wrong.push({ path: ['units', alias], message: `persona '${decoy.persona}' has no alias '${alias}'; it has ${Object.keys(device.units).join(', ')}` })
  for (const [alias, model] of Object.entries(device.units)) {
    const unit = decoy.units[alias]
    const equipment = unit === undefined ? undefined : known.get(unit)
    if (unit === undefined) wrong.push({ path: ['units'], message: `say which unit of plant '${decoy.plant}' is '${alias}', a ${model}` })
    else if (!equipment) wrong.push({ path: ['units', alias], message: `plant '${decoy.plant}' has no unit '${unit}'; it has ${[...known.keys()].join(', ')}` })
    else if (equipment.model !== model) wrong.push({ path: ['units', alias], message: `'${unit}' is a ${equipment.model}, and '${alias}' must be a ${model}` })
    else {
      const tags = new Set(equipment.tags.map(({ id }) => id))
      const missing = [...sourcesOf(persona)].filter((from) => from.startsWith(`${alias}.`) && !tags.has(from.slice(alias.length + 1)))
      if (missing.length > 0) wrong.push({ path: ['units', alias], message: `'${unit}' has no tag ${missing.slice(0, 5).join(', ')} that the device shows` })
    }
  }
  return wrong
}

/** Every value source that the protocol sections of a persona name. */
function sourcesOf(persona: PersonaTemplate): Set<string> {
  const found = new Set<string>()
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk)
    else if (value && typeof value === 'object')
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'from' && typeof inner === 'string') found.add(inner)
        else walk(inner)
      }
  }
  walk(persona)
  return found
}
