/** The plant behind a session's decoy, as its template describes it: what the numbers of `plant.sampled` are called and where they stand in its picture. */
import type { RouteAnswer } from '@shenlou/contract/api'
import type { PlantTemplate } from '@shenlou/contract/plant'
import { withTags } from '@shenlou/contract/plant-symbols'
import type { PlantPicture } from '@shenlou/contract/records'
import type { Actor } from './actor.ts'
import { notFound } from './api-error.ts'
import type { Core } from './core.ts'
import { loadPlants } from './operate/personas.ts'
import { session } from './sessions.ts'

/** Route `sessionPlant`. Not found when the decoy is gone, is no device, or its plant's template is gone. */
export async function sessionPlant(core: Core, actor: Actor, input: { params: { id: string } }): Promise<RouteAnswer<'sessionPlant'>> {
  const { decoy } = await session(core, actor, input)
  const [row] = await core.sql<{ plant: { id: string; template: string; units: Record<string, string> } | null }[]>`select plant from decoy where id = ${decoy}`
  const template = row?.plant ? loadPlants(core.dataDir, () => {}).get(row.plant.template) : undefined
  if (!row?.plant || !template) throw notFound('plant')
  return pictureOf(row.plant.id, template, Object.values(row.plant.units))
}

/** The units named, in the plant's order, with tags, alarms and pictures under the ids that events have. */
export function pictureOf(plant: string, template: PlantTemplate, shown: readonly string[]): PlantPicture {
  return {
    plant,
    title: template.title,
    units: template.units.flatMap((unit) => {
      const equipment = template.equipment[unit.equipment]
      if (!equipment || !shown.includes(unit.id)) return []
      const named = (local: string): string => `${unit.id}.${local}`
      return [
        {
          id: unit.id,
          title: unit.title,
          model: equipment.model,
          tags: equipment.tags.map((tag) => ({ id: named(tag.id), title: tag.title, class: tag.class, unit: tag.unit, range: tag.range })),
          alarms: [
            ...equipment.alarms.map(({ id, title, tag, priority }) => ({ id: named(id), title, tag: named(tag), priority })),
            ...equipment.interlocks.map(({ id, title, tag, kind }) => ({
              id: named(id),
              title,
              tag: named(tag),
              priority: kind === 'trip' ? (1 as const) : (2 as const),
            })),
          ],
          ...(equipment.picture ? { picture: withTags(equipment.picture, named) } : {}),
        },
      ]
    }),
  }
}
