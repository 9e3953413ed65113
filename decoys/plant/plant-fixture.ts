/** Plants for tests: the shipped templates, a clock that is moved by hand, a store in memory. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PlantTemplate, plantTemplate } from '@shenlou/contract/plant'
import { parse } from 'yaml'
import { openPlants, type Plants, type PlantsOptions, type PlantView } from './plant.ts'

const folder = join(import.meta.dirname, '../../templates/plants')
export const templateNames: string[] = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -5))
export const readTemplate = (name: string): unknown => parse(readFileSync(join(folder, `${name}.yaml`), 'utf8'), { schema: 'core', maxAliasCount: 0 })
export const templateOf = (name: string): PlantTemplate => plantTemplate.parse(readTemplate(name))

export const seedOf = (n: number): string => n.toString(16).padStart(2, '0').repeat(32)

/** 10:00 in China on a Tuesday that is worked: everybody has been at work for hours. */
export const tuesday: number = Date.UTC(2026, 9, 20, 2, 0)

/** The undisturbed plant at a time, run once for all tests of a file. */
const warm = new Map<string, Promise<Uint8Array | undefined>>()
function warmed(template: PlantTemplate, seed: string, at: number): Promise<Uint8Array | undefined> {
  const key = `${JSON.stringify(template)} ${seed} ${at}`
  let bytes = warm.get(key)
  if (!bytes) {
    bytes = (async () => {
      let saved: Uint8Array | undefined
      const plants = openPlants({
        plants: [{ id: template.id, template, seed }],
        clock: () => at,
        load: async () => undefined,
        save: (_plant, adversary, given) => {
          if (adversary === '') saved = given
        },
        log: () => undefined,
      })
      await plants.open(template.id, 'warm')
      await plants.close()
      return saved
    })()
    warm.set(key, bytes)
  }
  return bytes
}

export interface Bed {
  plants: Plants
  store: Map<string, Uint8Array>
  lines: string[]
  now: number
  /** Moves the clock in steps of at most a second and reads the plant at each, as a master would. */
  pass(view: PlantView, seconds: number, until?: () => boolean): boolean
  restart(): Promise<void>
}

export function openBed(
  template: PlantTemplate | PlantTemplate[],
  options: Partial<PlantsOptions> & { seed?: number; at?: number; cold?: boolean; kept?: Map<string, Uint8Array> } = {},
): Bed {
  // Plants that nobody saved yet were running all along, unless they are to start cold.
  const list = Array.isArray(template) ? template : [template]
  const open = (): Plants =>
    openPlants({
      plants: list.map((one) => ({ id: one.id, template: one, seed: seedOf(options.seed ?? 7) })),
      clock: () => bed.now,
      load: async (plant, adversary) => {
        const saved = bed.store.get(`${plant}/${adversary}`)
        if (saved || adversary !== '' || options.cold) return saved
        return warmed(list.find(({ id }) => id === plant)!, seedOf(options.seed ?? 7), options.at ?? tuesday)
      },
      save: (plant, adversary, bytes) => void (bytes.length === 0 ? bed.store.delete(`${plant}/${adversary}`) : bed.store.set(`${plant}/${adversary}`, bytes)),
      log: (line) => void bed.lines.push(line),
      ...options,
    })
  const bed: Bed = {
    plants: undefined as never,
    store: new Map(options.kept),
    lines: [],
    now: options.at ?? tuesday,
    pass(view, seconds, until) {
      for (let i = 0; i < seconds; i++) {
        bed.now += 1000
        void view.snapshot
        if (until?.()) return true
      }
      return false
    },
    async restart() {
      await bed.plants.close()
      bed.plants = open()
    },
  }
  bed.plants = open()
  return bed
}

/** A template whose parameters are exactly the reference's, so that its figures can be asked for. */
export function exact(template: PlantTemplate, parameters: Record<string, number>): PlantTemplate {
  return { ...template, units: template.units.map((unit) => ({ ...unit, parameters: { ...parameters, ...unit.parameters } })) }
}
