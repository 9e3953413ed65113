/** Settings of decoys' services as their schemas make them: workers are given them parsed, and hold no schemas. */
import { isService, services } from '@shenlou/contract/services'
import type { DecoyConfig } from '@shenlou/contract/sensor'

type Placed = DecoyConfig['services']

/** The services whose settings fit, with defaults filled in, and a line about each that does not. A service that the contract does not name judges its own. */
export function parseSettings(placed: Placed): { services: Placed; problems: string[] } {
  const problems: string[] = []
  const fitting = placed.flatMap((each): Placed => {
    const { service, settings } = each
    if (!isService(service)) return [each]
    const parsed = services[service].settings.safeParse(settings)
    if (parsed.success) return [{ ...each, settings: parsed.data }]
    problems.push(...parsed.error.issues.slice(0, 5).map(({ path, message }) => `${service}: ${path.join('.') || 'settings'}: ${message}`))
    return []
  })
  return { services: fitting, problems }
}
