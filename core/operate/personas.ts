/** The persona templates that ship with the product and those that a site adds in its data folder. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PersonaTemplate, personaTemplate } from '@shenlou/contract/persona'
import { parseYaml } from './yaml.ts'

export const templatesFolder = join(import.meta.dirname, '..', '..', 'templates')

/** All personas by id. Throws with file, line and column when one of them is not valid. */
export function loadPersonas(dataDir?: string): Map<string, PersonaTemplate> {
  const personas = new Map<string, PersonaTemplate>()
  for (const folder of [join(templatesFolder, 'personas'), ...(dataDir ? [join(dataDir, 'personas')] : [])]) {
    if (!existsSync(folder)) continue
    for (const name of readdirSync(folder)
      .filter((file) => file.endsWith('.yaml'))
      .sort()) {
      const parsed = parseYaml(readFileSync(join(folder, name), 'utf8'), personaTemplate)
      if ('faults' in parsed) {
        const [fault] = parsed.faults
        throw new Error(`persona ${name}: line ${fault?.line}, column ${fault?.column}: ${fault?.path ? `${fault.path}: ` : ''}${fault?.message}`)
      }
      personas.set(parsed.value.id, parsed.value)
    }
  }
  return personas
}
