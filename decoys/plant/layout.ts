/** A template made ready to run: every point, tag, alarm and interlock gets its place in one array of numbers, every parameter its draw. */
import type { DayMode, PlantAlarmTemplate, PlantInterlockTemplate, PlantTagTemplate, PlantTemplate } from '@shenlou/contract/plant'
import type { TagRole } from '@shenlou/contract/plant-role'
import { type ModelDescription, plantModels } from '@shenlou/contract/plant-models'
import { type Calendar, openCalendar } from './calendar.ts'
import { models } from './models.ts'
import type { Model } from './models/model.ts'
import { chance, mix, normal, seedWords, textWord } from './noise.ts'
import type { PlantTag } from './plant.ts'
import { openSchedule, type Schedule } from './schedule.ts'

/** Places of an alarm, from its first on. */
export const alarmSlot = { state: 0, since: 1, pending: 2, value: 3, limit: 4, returning: 5 } as const
export const alarmSlots = 6
/** Places of an interlock, from its first on. */
export const interlockSlot = { active: 0, since: 1, pending: 2, value: 3 } as const
export const interlockSlots = 4

export const dayModes: readonly DayMode[] = ['closed', 'startup', 'production', 'break', 'cooldown', 'maintenance']

export interface TagPlan {
  readonly tag: PlantTag
  readonly index: number
  readonly unit: number
  /** Where the true value lies: a point, a memory cell, the state of an interlock. */
  readonly source: number
  readonly from: 'point' | 'value' | 'interlock' | 'button'
  readonly value: number
  readonly good: number
  /** 1 once an adversary wrote it: operators then leave it alone. */
  readonly touched: number
  /** It keeps people safe or the machine whole. */
  readonly guards: boolean
  readonly sensor?: {
    lagged: number
    gain: number
    quantum: number
    steps: number
    noise: number
    drift: (time: number) => number
    drifted: number
    stream: number
  }
}

export interface Limit {
  readonly when: 'above' | 'below' | 'on' | 'off' | 'bad'
  readonly value: number
  readonly good: number
  readonly limit: number
  /** Where the limit lies when it is a tag; -1 for a fixed one. */
  readonly limitAt: number
  readonly deadband: number
  readonly delay: number
}

export interface AlarmPlan {
  readonly id: string
  readonly template: PlantAlarmTemplate
  readonly tag: string
  readonly at: number
  readonly limit: Limit
  readonly word: number
}

export interface InterlockPlan {
  readonly id: string
  readonly template: PlantInterlockTemplate
  readonly tag: string
  readonly at: number
  readonly limit: Limit
  readonly bypass: number
  readonly forces: readonly { tag: number; source: number; value: number }[]
  readonly refuses: ReadonlySet<number>
}

interface Setting {
  tag: number
  source: number
  value: number
  trim: number
  low: number
  high: number
}

export interface Settings {
  readonly tags: readonly Setting[]
  readonly points: readonly { source: number; value: number }[]
}

export interface UnitPlan {
  readonly id: string
  readonly index: number
  readonly points: number
  readonly model: Model
  readonly scan: number
  readonly scanAt: number
  readonly tags: readonly TagPlan[]
  readonly plain: readonly TagPlan[]
  readonly sensors: readonly TagPlan[]
  readonly buttons: readonly TagPlan[]
  readonly alarms: readonly AlarmPlan[]
  readonly interlocks: readonly InterlockPlan[]
  /** Points ending in `.reset`, which the reset button presses too. */
  readonly resets: readonly number[]
  readonly modes: Readonly<Partial<Record<DayMode, Settings>>>
  readonly recipes: readonly { weight: number; settings: Settings }[]
  readonly recipeMinutes: readonly [number, number]
  readonly schedule: Schedule
  /** Points that events hold, and where what stood there before is kept: two places an event and point. */
  readonly eventPoints: readonly (readonly { source: number; value: number; kept: number; touched: number }[])[]
  readonly word: number
  /** Single places: controller stopped, mode of the day, recipe, fault (0, or tag index + 1, negative when stuck), next reset, running again. */
  readonly stopped: number
  readonly dayMode: number
  readonly recipe: number
  readonly fault: number
  readonly faultValue: number
  readonly resetAt: number
  readonly againAt: number
  readonly clock: { perDay: number; every: number; from: number }
}

export interface Layout {
  readonly template: PlantTemplate
  readonly seed: Uint32Array
  readonly calendar: Calendar
  readonly size: number
  /** Tag values lie together from `values` on, their qualities from `goods` on. */
  readonly values: number
  readonly goods: number
  readonly touched: number
  readonly tags: readonly TagPlan[]
  readonly index: ReadonlyMap<string, TagPlan>
  readonly logged: readonly TagPlan[]
  readonly units: readonly UnitPlan[]
  readonly unitIndex: ReadonlyMap<string, UnitPlan>
  readonly alarms: ReadonlyMap<string, AlarmPlan>
  /** Tells a saved state of another template, seed or version apart. */
  readonly fingerprint: number
  readonly waves: Waves
}

/** Slow sums of sines: weather and warmth of this site. */
export interface Waves {
  warmth(time: number): number
  weather(time: number): number
}

const hour = 3_600_000
const day = 24 * hour
const defaultType = (tagClass: PlantTagTemplate['class']): PlantTag['type'] =>
  tagClass === 'CNT' ? 'count' : tagClass === 'PV' || tagClass === 'SP' || tagClass === 'LIM' ? 'real' : 'bool'

/** What a tag is there for: as the template says, else by the interlocks that use it (the graver layer counts), else by its class. */
function roleOf(tag: PlantTagTemplate, { interlocks }: PlantTemplate['equipment'][string]): TagRole {
  if (tag.role) return tag.role
  const layers = interlocks.filter(({ bypass, limitTag }) => bypass === tag.id || limitTag === tag.id).map(({ layer, kind }) => layer ?? layerOf[kind])
  if (layers.includes('safety')) return 'safety'
  if (layers.includes('protection')) return 'protection'
  if (tag.button) return 'reset'
  return tag.class === 'LIM' ? 'limit' : tag.class === 'SP' ? 'setpoint' : tag.class === 'CMD' ? 'drive' : 'state'
}
const layerOf = { trip: 'protection', interlock: 'process' } as const

function openWaves(seed: Uint32Array, offset: number): Waves {
  const sines = Array.from({ length: 6 }, (_, i) => ({
    period: [7, 17, 31, 58, 97, 211][i]! * hour * (0.85 + 0.3 * chance(seed[6]!, i, 11)),
    phase: 2 * Math.PI * chance(seed[6]!, i, 12),
    height: [0.18, 0.25, 0.25, 0.22, 0.2, 0.15][i]! * (0.6 + 0.8 * chance(seed[6]!, i, 13)),
  }))
  const slow = (time: number): number => {
    let sum = 0
    for (const { period, phase, height } of sines) sum += height * Math.sin((2 * Math.PI * time) / period + phase)
    // Bounded without an edge: weather that stands still for an hour at its bound is none.
    return sum / (1 + sum ** 4) ** 0.25
  }
  const phaseOfDay = 0.6 * (chance(seed[6]!, 1, 14) - 0.5)
  return {
    weather: slow,
    // Warmest in the afternoon and in July.
    warmth: (time) =>
      0.4 * Math.sin((2 * Math.PI * (time + offset - 9 * hour)) / day + phaseOfDay) +
      0.5 * Math.sin((2 * Math.PI * (time - 108 * day)) / (365.2425 * day)) +
      0.25 * slow(time * 0.7),
  }
}

/** Draws the site's parameters: what a unit says itself holds exactly, the rest differs by the seed within the model's spread. */
function drawParameters(model: ModelDescription, given: Record<string, number>, own: Record<string, number>, seed: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(model.parameters).map(([name, { value, range, spread }]) => {
      if (own[name] !== undefined) return [name, own[name]]
      const drawn = Math.max(-2.2, Math.min(2.2, normal(seed, textWord(name), 21)))
      return [name, Math.max(range[0], Math.min(range[1], (given[name] ?? value) * (1 + spread * drawn)))]
    }),
  )
}

/** Prepares a template that the contract has checked. Throws for a seed that is none. */
export function layOut(template: PlantTemplate, seedText: string): Layout {
  const seed = seedWords(seedText)
  const calendar = openCalendar(template.calendar)
  let size = 0
  const take = (count: number): number => {
    size += count
    return size - count
  }
  const equipmentOf = (unit: PlantTemplate['units'][number]) => template.equipment[unit.equipment]!
  const total = template.units.reduce((sum, unit) => sum + equipmentOf(unit).tags.length, 0)
  const values = take(total)
  const goods = take(total)
  const touched = take(total)
  const tags: TagPlan[] = []
  const units: UnitPlan[] = []

  for (const [u, unit] of template.units.entries()) {
    const equipment = equipmentOf(unit)
    const description: ModelDescription = plantModels[equipment.model]
    const word = mix(seed[0]!, textWord(unit.id), 1)
    const points = take(Object.keys(description.points).length)
    const pointAt = new Map(Object.keys(description.points).map((name, i) => [name, points + i]))
    const parameters = drawParameters(description, equipment.parameters, unit.parameters, word)
    const interlockAt = new Map(equipment.interlocks.map(({ id }) => [id, take(interlockSlots)]))
    const mine: TagPlan[] = equipment.tags.map((tag) => {
      const index = tags.length
      const from = tag.point !== undefined ? 'point' : tag.value !== undefined ? 'value' : tag.interlock !== undefined ? 'interlock' : 'button'
      const source = from === 'point' ? pointAt.get(tag.point!)! : from === 'interlock' ? interlockAt.get(tag.interlock!)! : take(1)
      const type = defaultType(tag.class)
      const tagWord = mix(word, textWord(tag.id), 2)
      const plan: TagPlan = {
        index,
        unit: u,
        source,
        from,
        value: values + index,
        good: goods + index,
        touched: touched + index,
        guards: ['safety', 'protection'].includes(roleOf(tag, equipment)) && tag.access !== 'read',
        tag: {
          id: `${unit.id}.${tag.id}`,
          unitId: unit.id,
          title: tag.title,
          class: tag.class,
          role: roleOf(tag, equipment),
          type,
          unit: tag.unit,
          range: [tag.range[0], tag.range[1]],
          access: tag.access,
          logged: tag.log ?? (tag.class === 'PV' || tag.class === 'SP'),
        },
        ...(tag.sensor && {
          sensor: {
            lagged: take(1),
            drifted: take(1),
            gain: tag.sensor.lag > 0 ? Math.min(1, equipment.scan / 1000 / tag.sensor.lag) : 1,
            steps: 2 ** tag.sensor.bits - 1,
            quantum: (tag.range[1] - tag.range[0]) / (2 ** tag.sensor.bits - 1),
            noise: tag.sensor.noise * (0.7 + 0.6 * chance(tagWord, 1, 3)),
            drift: driftOf(tag.sensor.drift, tagWord),
            stream: tagWord,
          },
        }),
      }
      tags.push(plan)
      return plan
    })
    const local = new Map(equipment.tags.map(({ id }, i) => [id, mine[i]!]))
    const limitOf = (item: PlantAlarmTemplate | PlantInterlockTemplate): Limit => ({
      when: item.when,
      value: local.get(item.tag)!.value,
      good: local.get(item.tag)!.good,
      limit: item.limit ?? (item.when === 'on' || item.when === 'bad' ? 1 : 0),
      limitAt: item.limitTag === undefined ? -1 : local.get(item.limitTag)!.source,
      deadband: item.deadband,
      delay: item.delay * 1000,
    })
    const settingsOf = (given: { tags: Record<string, number>; points: Record<string, number> }): Settings => ({
      tags: Object.entries(given.tags).map(([id, value]) => {
        const plan = local.get(id)!
        return { tag: plan.index, source: plan.source, value, trim: equipment.trims[id] ?? 0, low: plan.tag.range[0], high: plan.tag.range[1] }
      }),
      points: Object.entries(given.points).map(([name, value]) => ({ source: pointAt.get(name)!, value })),
    })
    const model = (models[equipment.model] as (parameters: Record<string, number>) => Model)(parameters)
    units.push({
      id: unit.id,
      index: u,
      points,
      model,
      scan: Math.max(1, Math.round(equipment.scan / 100)),
      scanAt: mix(word, 3, 3) % Math.max(1, Math.round(equipment.scan / 100)),
      tags: mine,
      plain: mine.filter(({ sensor }) => !sensor),
      sensors: mine.filter(({ sensor }) => sensor),
      buttons: mine.filter(({ from }) => from === 'button'),
      alarms: equipment.alarms.map((alarm) => ({
        id: `${unit.id}.${alarm.id}`,
        template: alarm,
        tag: `${unit.id}.${alarm.tag}`,
        at: take(alarmSlots),
        limit: limitOf(alarm),
        word: mix(word, textWord(alarm.id), 4),
      })),
      interlocks: equipment.interlocks.map((interlock) => ({
        id: `${unit.id}.${interlock.id}`,
        template: interlock,
        tag: `${unit.id}.${interlock.tag}`,
        at: interlockAt.get(interlock.id)!,
        limit: limitOf(interlock),
        bypass: interlock.bypass === undefined ? -1 : local.get(interlock.bypass)!.source,
        forces: Object.entries(interlock.forces).map(([id, value]) => ({ tag: local.get(id)!.index, source: local.get(id)!.source, value })),
        refuses: new Set(interlock.refuses.map((id) => local.get(id)!.index)),
      })),
      resets: [...pointAt].filter(([name]) => name.endsWith('.reset')).map(([, at]) => at),
      modes: Object.fromEntries(Object.entries(equipment.modes).map(([mode, given]) => [mode, settingsOf(given)])),
      recipes: equipment.recipes.map((recipe) => ({
        // The mix of products is the site's own.
        weight: recipe.weight * (0.35 + 1.3 * chance(word, textWord(recipe.id), 5)),
        settings: settingsOf(recipe),
      })),
      recipeMinutes: equipment.recipeMinutes,
      schedule: openSchedule(equipment.events, calendar, word),
      eventPoints: equipment.events.map(({ set }) =>
        Object.entries(set).map(([name, value]) => {
          const source = pointAt.get(name)!
          return { source, value, kept: take(2), touched: mine.find((plan) => plan.source === source)?.touched ?? -1 }
        }),
      ),
      word,
      stopped: take(1),
      dayMode: take(1),
      recipe: take(1),
      fault: take(1),
      faultValue: take(1),
      resetAt: take(1),
      againAt: take(1),
      clock: {
        perDay: (chance(word, 1, 6) < 0.5 ? -1 : 1) * (800 + 1300 * chance(word, 2, 6)),
        every: (7 + Math.floor(60 * chance(word, 3, 6))) * day,
        from: Math.floor(day * 60 * chance(word, 4, 6)),
      },
    })
  }
  return {
    template,
    seed,
    calendar,
    size,
    values,
    goods,
    touched,
    tags,
    index: new Map(tags.map((plan) => [plan.tag.id, plan])),
    logged: tags.filter(({ tag }) => tag.logged),
    units,
    unitIndex: new Map(units.map((unit) => [unit.id, unit])),
    alarms: new Map(units.flatMap(({ alarms }) => alarms.map((alarm) => [alarm.id, alarm]))),
    fingerprint: mix(mix(textWord(JSON.stringify(processOf(template))), seed[0]!, 71), seed[1]!, size),
    waves: openWaves(seed, calendar.offset),
  }
}

/** The template without its pictures: who draws a machine anew has not another process. */
const processOf = (template: PlantTemplate): PlantTemplate => ({
  ...template,
  equipment: Object.fromEntries(Object.entries(template.equipment).map(([name, { picture: _, ...process }]) => [name, process])),
})

/** Drift of a transmitter in converter steps: a slow swing of its own, up to `most`. */
function driftOf(most: number, word: number): (time: number) => number {
  const period = (18 + 40 * chance(word, 7, 7)) * day
  const phase = 2 * Math.PI * chance(word, 8, 7)
  const height = most * (chance(word, 9, 7) - 0.5) * 2
  return (time) => height * Math.sin((2 * Math.PI * time) / period + phase)
}
