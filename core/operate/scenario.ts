/** A scenario text, checked whole: schema, then what a schema cannot say. */
import { isService, services } from '@shenlou/contract/services'
import { type ScenarioTemplate, scenarioTemplate, type TemplateFault } from '@shenlou/contract/template'
import type { PersonaTemplate } from '@shenlou/contract/persona'
import { lintPersona } from '@shenlou/contract/persona-linter'
import { parseYaml } from './yaml.ts'

export type CheckedScenario = { scenario: ScenarioTemplate } | { faults: TemplateFault[] }

/** Parses a scenario and checks that its personas, services, decoys and addresses agree with each other. */
export function checkScenario(text: string, personas: ReadonlyMap<string, PersonaTemplate>): CheckedScenario {
  const parsed = parseYaml(text, scenarioTemplate)
  if ('faults' in parsed) return parsed
  const { value: scenario, at } = parsed
  const faults: TemplateFault[] = []
  const decoys = new Map<string, ScenarioTemplate['decoys'][number]>()

  scenario.decoys.forEach((decoy, i) => {
    const path = ['decoys', i]
    if (decoys.has(decoy.id)) faults.push(at([...path, 'id'], `decoy '${decoy.id}' is written twice; each decoy has an id of its own`))
    decoys.set(decoy.id, decoy)
    const persona = personas.get(decoy.persona)
    if (!persona) faults.push(at([...path, 'persona'], `there is no persona '${decoy.persona}'; known: ${[...personas.keys()].join(', ')}`))
    const [contradiction] = persona ? lintPersona(persona) : []
    if (contradiction) faults.push(at([...path, 'persona'], `persona '${decoy.persona}' contradicts itself: ${contradiction}`))
    const ports = new Set<number>()
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
      if (ports.has(service.port)) faults.push(at([...here, 'port'], `port ${service.port} is taken by another service of this decoy`))
      ports.add(service.port)
      const settings = services[service.service].settings.safeParse(service.settings)
      for (const issue of settings.error?.issues ?? []) faults.push(at([...here, 'settings', ...issue.path], issue.message))
    })
  })

  const taken = new Map<string, string>()
  scenario.placements.forEach((placement, i) => {
    const decoy = decoys.get(placement.decoy)
    if (!decoy) {
      faults.push(at(['placements', i, 'decoy'], `there is no decoy '${placement.decoy}' in this file`))
      return
    }
    for (const name of Object.keys(placement.ports)) {
      if (!decoy.services.some((service) => service.service === name))
        faults.push(at(['placements', i, 'ports', name], `decoy '${decoy.id}' has no service '${name}'`))
    }
    for (const service of decoy.services) {
      const port = placement.ports[service.service] ?? service.port
      const key = `${placement.relay} ${placement.address} ${port}`
      const other = taken.get(key)
      if (other) faults.push(at(['placements', i], `${placement.address}:${port} on relay '${placement.relay}' already leads to '${other}'`))
      taken.set(key, `${decoy.id}/${service.service}`)
    }
  })
  return faults.length > 0 ? { faults: faults.slice(0, 20) } : { scenario }
}
