/** One host of a scenario, written out or of a segment's mix: whether persona, services and plant fit. */
import type { PersonaTemplate } from '@shenlou/contract/persona'
import { lintPersona } from '@shenlou/contract/persona-linter'
import type { PlantTemplate } from '@shenlou/contract/plant'
import { isService, services } from '@shenlou/contract/services'
import type { ScenarioTemplate } from '@shenlou/contract/template'

export interface Wrong {
  path: PropertyKey[]
  message: string
}

type Host = Pick<ScenarioTemplate['decoys'][number], 'persona' | 'plant' | 'units' | 'services'>

/** What is wrong with it, with paths inside of its entry. */
export function checkHost(
  host: Host,
  personas: ReadonlyMap<string, PersonaTemplate>,
  scenario: ScenarioTemplate,
  plants: ReadonlyMap<string, PlantTemplate>,
): Wrong[] {
  const wrong: Wrong[] = []
  const say = (path: Wrong['path'], message: string): void => void wrong.push({ path, message })
  const persona = personas.get(host.persona)
  if (!persona) say(['persona'], `there is no persona '${host.persona}'; known: ${[...personas.keys()].join(', ')}`)
  const [contradiction] = persona ? lintPersona(persona) : []
  if (contradiction) say(['persona'], `persona '${host.persona}' contradicts itself: ${contradiction}`)
  if (persona) wrong.push(...checkDevice(host, persona, scenario, plants))
  const ports = new Set<string>()
  host.services.forEach((service, s) => {
    const here = ['services', s]
    if (!isService(service.service)) {
      say([...here, 'service'], `there is no service '${service.service}'; known: ${Object.keys(services).join(', ')}`)
      return
    }
    if (persona && !persona[services[service.service].needs])
      say([...here, 'service'], `persona '${host.persona}' has no '${services[service.service].needs}' section, so it cannot serve '${service.service}'`)
    if (persona && service.service === 'hmi-https' && persona.hmi && !persona.hmi.tls)
      say([...here, 'service'], `the page of persona '${host.persona}' has no 'tls', so it cannot serve 'hmi-https'`)
    const place = `${services[service.service].transport} ${service.port}`
    if (ports.has(place)) say([...here, 'port'], `port ${service.port} is taken by another service of this host`)
    ports.add(place)
    const settings = services[service.service].settings.safeParse(service.settings)
    for (const issue of settings.error?.issues ?? []) say([...here, 'settings', ...issue.path], issue.message)
  })
  return wrong
}

/** Whether a device and the plant that it is given fit: every alias of its maps has a unit of the model that it is made for, with the tags that they name. */
function checkDevice(decoy: Host, persona: PersonaTemplate, scenario: ScenarioTemplate, plants: ReadonlyMap<string, PlantTemplate>): Wrong[] {
  const { device } = persona
  if (!device) return decoy.plant === undefined ? [] : [{ path: ['plant'], message: `persona '${decoy.persona}' is no device, so it belongs to no plant` }]
  if (decoy.plant === undefined) return [{ path: ['persona'], message: `persona '${decoy.persona}' is a device; name its 'plant' and 'units'` }]
  const named = scenario.plants.find(({ id }) => id === decoy.plant)
  if (!named)
    return [{ path: ['plant'], message: `there is no plant '${decoy.plant}' in this file; known: ${scenario.plants.map(({ id }) => id).join(', ') || 'none'}` }]
  const plant = plants.get(named.template)
  if (!plant) return []
  const wrong: Wrong[] = []
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
