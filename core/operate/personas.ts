/** The persona and plant templates that ship with the product and those that a site adds in its data folder. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type PersonaTemplate, personaTemplate } from '@shenlou/contract/persona'
import { type PlantTemplate, plantTemplate } from '@shenlou/contract/plant'
import type { z } from 'zod'
import { parseYaml } from './yaml.ts'

export const templatesFolder = join(import.meta.dirname, '..', '..', 'templates')

/** What a file held when it was last read; read again when its time or size is another. */
const cache = new Map<string, { stamp: string; value: unknown; fault: string | undefined }>()

function read<T>(file: string, name: string, what: string, schema: z.ZodType<T>): { value: T | undefined; fault: string | undefined } {
  const { mtimeMs, size } = statSync(file)
  const stamp = `${mtimeMs} ${size}`
  const known = cache.get(file)
  if (known?.stamp === stamp) return { value: known.value as T | undefined, fault: known.fault }
  const parsed = parseYaml(readFileSync(file, 'utf8'), schema)
  const [wrong] = 'faults' in parsed ? parsed.faults : []
  const fault = wrong && `${what} ${name}: line ${wrong.line}, column ${wrong.column}: ${wrong.path ? `${wrong.path}: ` : ''}${wrong.message}`
  const value = 'faults' in parsed ? undefined : parsed.value
  cache.set(file, { stamp, value, fault })
  return { value, fault }
}

/**
 * All templates of a folder by id; a site's own come after the shipped ones. One that is not valid is told to `onFault` and left out, or thrown with file,
 * line and column where nobody listens.
 */
function load<T extends { id: string }>(
  folder: 'personas' | 'plants',
  schema: z.ZodType<T>,
  dataDir: string | undefined,
  onFault: ((fault: string) => void) | undefined,
): Map<string, T> {
  const found = new Map<string, T>()
  for (const path of [join(templatesFolder, folder), ...(dataDir ? [join(dataDir, folder)] : [])]) {
    if (!existsSync(path)) continue
    for (const name of readdirSync(path)
      .filter((file) => file.endsWith('.yaml'))
      .sort()) {
      const { value, fault } = read(join(path, name), name, folder.slice(0, -1), schema)
      if (value) found.set(value.id, value)
      else if (onFault) onFault(fault ?? name)
      else throw new Error(fault)
    }
  }
  return found
}

/** All personas by id. What runs must go on beside a broken file of a site's own, so it gives `onFault`. */
export const loadPersonas = (dataDir?: string, onFault?: (fault: string) => void): Map<string, PersonaTemplate> =>
  load('personas', personaTemplate, dataDir, onFault)

/** All plants by id, likewise. */
export const loadPlants = (dataDir?: string, onFault?: (fault: string) => void): Map<string, PlantTemplate> => load('plants', plantTemplate, dataDir, onFault)
