/** What the shape of a plant template cannot say: that every name leads somewhere and every value can be reached. */
import type { EquipmentTemplate, PlantTagTemplate, PlantTemplate } from './plant.ts'
import { type ModelDescription, plantModels } from './plant-models.ts'
import { checkPicture } from './plant-picture-check.ts'

export interface PlantFault {
  path: readonly (string | number)[]
  message: string
}

/** Tags of all units of a plant together: what one snapshot may hold. */
export const maxPlantTags = 2000

/** Faults of a plant whose shape is right, in the order of the file, at most 50. */
export function checkPlant(plant: PlantTemplate): PlantFault[] {
  const faults: PlantFault[] = []
  // A message is only made while there is room: looking for the nearest name costs something, and a file can be all wrong.
  const add: Add = (path, message) => void (faults.length < 50 && faults.push({ path, message: typeof message === 'string' ? message : message() }))
  for (const [name, equipment] of Object.entries(plant.equipment)) {
    checkEquipment(equipment, (path, message) => add(['equipment', name, ...path], message))
  }
  const seen = new Set<string>()
  let tags = 0
  for (const [i, unit] of plant.units.entries()) {
    if (seen.has(unit.id)) add(['units', i, 'id'], `'${unit.id}' is there twice; give each unit its own id`)
    seen.add(unit.id)
    const equipment = Object.hasOwn(plant.equipment, unit.equipment) ? plant.equipment[unit.equipment] : undefined
    if (!equipment) {
      add(['units', i, 'equipment'], `there is no equipment '${unit.equipment}'; known: ${Object.keys(plant.equipment).join(', ')}`)
      continue
    }
    tags += equipment.tags.length
    checkParameters(unit.parameters, plantModels[equipment.model], (path, message) => add(['units', i, 'parameters', ...path], message))
  }
  if (tags > maxPlantTags) add(['units'], `make ${tags} tags together; a plant has at most ${maxPlantTags}, split it in two`)
  for (const [i, { from, to }] of plant.calendar.shut.entries()) if (from > to) add(['calendar', 'shut', i], `'${from}' is after '${to}'`)
  for (const [i, shift] of plant.calendar.shifts.entries())
    if (shift.from === shift.to && !(shift.from === '00:00' && shift.days === 'every'))
      add(['calendar', 'shifts', i], `begins and ends at ${shift.from}; only a shift of every day from 00:00 to 00:00 lasts all day`)
  return faults
}

type Message = string | (() => string)
type Add = (path: readonly (string | number)[], message: Message) => void

const listed = (known: readonly string[]): string => (known.length > 12 ? `${known.slice(0, 12).join(', ')} and ${known.length - 12} more` : known.join(', '))

/** Distance in letters, for 'did you mean'; names are at most 48 letters. */
function near(name: string, known: readonly string[]): string {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i)
    for (let i = 1; i <= a.length; i++) {
      const next = [i]
      for (let j = 1; j <= b.length; j++)
        next[j] = Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1))
      row = next
    }
    return row[b.length] as number
  }
  const [best] = known.map((other) => ({ other, far: distance(name, other) })).sort((a, b) => a.far - b.far)
  return best && best.far <= 3 ? `; did you mean '${best.other}'?` : `; known: ${listed(known)}`
}

function checkParameters(given: Record<string, number>, model: ModelDescription, add: Add): void {
  for (const [name, value] of Object.entries(given)) {
    const parameter = Object.hasOwn(model.parameters, name) ? model.parameters[name] : undefined
    if (!parameter) add([name], () => `the model has no parameter '${name}'${near(name, Object.keys(model.parameters))}`)
    else if (value < parameter.range[0] || value > parameter.range[1])
      add([name], `${value} is outside ${parameter.range[0]} to ${parameter.range[1]} ${parameter.unit}`.trimEnd())
  }
}

function checkEquipment(equipment: EquipmentTemplate, add: Add): void {
  const model: ModelDescription = plantModels[equipment.model]
  checkParameters(equipment.parameters, model, (path, message) => add(['parameters', ...path], message))
  const tags = new Map<string, PlantTagTemplate>()
  const interlocks = new Set(equipment.interlocks.map(({ id }) => id))
  for (const [i, tag] of equipment.tags.entries()) {
    const at = (key: string, message: Message): void => add(['tags', i, key], message)
    if (tags.has(tag.id)) at('id', `'${tag.id}' is there twice`)
    tags.set(tag.id, tag)
    checkTag(tag, model, interlocks, at)
  }
  const known = [...tags.keys()]
  /** The tag of that name, or a fault at `path`. */
  const find = (name: string, path: readonly (string | number)[]): PlantTagTemplate | undefined => {
    const tag = tags.get(name)
    if (!tag) add(path, () => `there is no tag '${name}' in this equipment${near(name, known)}`)
    return tag
  }
  const inRange = (tag: PlantTagTemplate, value: number, path: readonly (string | number)[]): void => {
    if (value < tag.range[0] || value > tag.range[1])
      add(path, `${value} is outside the range of ${tag.id}, ${tag.range[0]} to ${tag.range[1]} ${tag.unit}`.trimEnd())
  }
  const settable = (values: Record<string, number>, path: readonly (string | number)[]): void => {
    for (const [name, value] of Object.entries(values)) {
      const tag = find(name, [...path, name])
      if (!tag) continue
      if (tag.interlock !== undefined || tag.button !== undefined || isOutput(tag, model))
        add([...path, name], `'${name}' cannot be set; it is made by the plant`)
      inRange(tag, value, [...path, name])
    }
  }
  const points = (values: Record<string, number>, path: readonly (string | number)[]): void => {
    for (const [name, value] of Object.entries(values)) {
      const point = Object.hasOwn(model.points, name) ? model.points[name] : undefined
      const inputs = Object.keys(model.points).filter((key) => model.points[key]?.kind === 'input')
      if (point?.kind !== 'input') add([...path, name], () => `the model has no input point '${name}'${near(name, inputs)}`)
      else if (value < point.range[0] || value > point.range[1]) add([...path, name], `${value} is outside ${point.range[0]} to ${point.range[1]}`)
    }
  }
  for (const part of ['alarms', 'interlocks'] as const) {
    const ids = new Set<string>()
    for (const [i, item] of equipment[part].entries()) {
      if (ids.has(item.id)) add([part, i, 'id'], `'${item.id}' is there twice`)
      ids.add(item.id)
      const tag = find(item.tag, [part, i, 'tag'])
      const compares = item.when === 'above' || item.when === 'below'
      if (compares && (item.limit === undefined) === (item.limitTag === undefined)) add([part, i], `'${item.when}' needs a limit or a limitTag, one of them`)
      if (!compares && (item.limit !== undefined || item.limitTag !== undefined))
        add([part, i], `'${item.when}' compares with nothing; leave limit and limitTag out`)
      if (tag && item.limit !== undefined) inRange(tag, item.limit, [part, i, 'limit'])
      const limit = item.limitTag === undefined ? undefined : find(item.limitTag, [part, i, 'limitTag'])
      if (tag && limit?.value !== undefined) inRange(tag, limit.value, [part, i, 'limitTag'])
      if (tag && item.deadband > tag.range[1] - tag.range[0]) add([part, i, 'deadband'], 'is wider than the range of the tag: the alarm would never return')
    }
  }
  for (const [i, interlock] of equipment.interlocks.entries()) {
    settable(interlock.forces, ['interlocks', i, 'forces'])
    for (const [k, name] of interlock.refuses.entries()) find(name, ['interlocks', i, 'refuses', k])
    if (interlock.bypass !== undefined) find(interlock.bypass, ['interlocks', i, 'bypass'])
    if (Object.keys(interlock.forces).length === 0 && interlock.refuses.length === 0) add(['interlocks', i], 'forces nothing and refuses nothing')
  }
  for (const [mode, given] of Object.entries(equipment.modes)) {
    settable(given.tags, ['modes', mode, 'tags'])
    points(given.points, ['modes', mode, 'points'])
  }
  for (const [i, recipe] of equipment.recipes.entries()) {
    settable(recipe.tags, ['recipes', i, 'tags'])
    points(recipe.points, ['recipes', i, 'points'])
  }
  for (const [name, value] of Object.entries(equipment.trims)) {
    const tag = find(name, ['trims', name])
    if (tag && (value < 0 || value > tag.range[1] - tag.range[0])) add(['trims', name], 'is wider than the range of the tag')
  }
  const events = new Set<string>()
  for (const [i, event] of equipment.events.entries()) {
    if (events.has(event.id)) add(['events', i, 'id'], `'${event.id}' is there twice`)
    events.add(event.id)
    points(event.set, ['events', i, 'set'])
    if (event.fault && !equipment.tags.some(({ sensor }) => sensor)) add(['events', i, 'fault'], 'no tag of this equipment has a sensor')
  }
  if (equipment.picture)
    checkPicture(
      equipment.picture,
      (name, path) => find(name, ['picture', ...path]),
      (path, message) => add(['picture', ...path], message),
    )
}

const isOutput = (tag: PlantTagTemplate, model: ModelDescription): boolean =>
  tag.point !== undefined && Object.hasOwn(model.points, tag.point) && model.points[tag.point]?.kind === 'output'

function checkTag(tag: PlantTagTemplate, model: ModelDescription, interlocks: ReadonlySet<string>, at: (key: string, message: Message) => void): void {
  const sources = (['point', 'value', 'interlock', 'button'] as const).filter((key) => tag[key] !== undefined)
  if (sources.length !== 1)
    at('id', `'${tag.id}' needs exactly one of point, value, interlock, button${sources.length > 1 ? `; it has ${sources.join(' and ')}` : ''}`)
  if (tag.range[0] === tag.range[1]) at('range', 'is empty')
  const name = tag.point
  if (name !== undefined) {
    const point = Object.hasOwn(model.points, name) ? model.points[name] : undefined
    if (!point) at('point', () => `the model has no point '${name}'${near(name, Object.keys(model.points))}`)
    else if (point.kind === 'output' && tag.access !== 'read') at('access', `'${tag.point}' is made by the model; only inputs can be written`)
    else if (point.kind === 'input' && (tag.range[0] < point.range[0] || tag.range[1] > point.range[1]))
      at('range', `goes beyond what the model takes for '${tag.point}', ${point.range[0]} to ${point.range[1]}`)
  } else if (tag.sensor) at('sensor', 'belongs to a point of the model')
  if (tag.value !== undefined && (tag.value < tag.range[0] || tag.value > tag.range[1]))
    at('value', `${tag.value} is outside the range, ${tag.range[0]} to ${tag.range[1]}`)
  const held = tag.interlock
  if (held !== undefined && !interlocks.has(held)) at('interlock', () => `there is no interlock '${held}'${near(held, [...interlocks])}`)
  if (tag.interlock !== undefined && tag.access !== 'read') at('access', 'the state of an interlock cannot be written')
}
