/** The persona and plant templates that ship with the product and those that a site adds in its data folder. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PersonaTemplate, personaTemplate } from '@shenlou/contract/persona'
import { type PlantTemplate, plantTemplate } from '@shenlou/contract/plant'
import type { z } from 'zod'
import { parseYaml } from './yaml.ts'

export const templatesFolder = join(import.meta.dirname, '..', '..', 'templates')

/** All templates of a folder by id; a site's own come after the shipped ones. Throws with file, line and column when one of them is not valid. */
function load<T extends { id: string }>(folder: 'personas' | 'plants', what: string, schema: z.ZodType<T>, dataDir?: string): Map<string, T> {
  const found = new Map<string, T>()
  for (const path of [join(templatesFolder, folder), ...(dataDir ? [join(dataDir, folder)] : [])]) {
    if (!existsSync(path)) continue
    for (const name of readdirSync(path)
      .filter((file) => file.endsWith('.yaml'))
      .sort()) {
      const parsed = parseYaml(readFileSync(join(path, name), 'utf8'), schema)
      if ('faults' in parsed) {
        const [fault] = parsed.faults
        throw new Error(`${what} ${name}: line ${fault?.line}, column ${fault?.column}: ${fault?.path ? `${fault.path}: ` : ''}${fault?.message}`)
      }
      found.set(parsed.value.id, parsed.value)
    }
  }
  return found
}

/** All personas by id. Throws with file, line and column when one of them is not valid. */
export const loadPersonas = (dataDir?: string): Map<string, PersonaTemplate> => load('personas', 'persona', personaTemplate, dataDir)

/** All plants by id. Throws with file, line and column when one of them is not valid. */
export const loadPlants = (dataDir?: string): Map<string, PlantTemplate> => load('plants', 'plant', plantTemplate, dataDir)
