/** Plant template: the process behind industrial decoys, as data. Equipment says how a kind of machine is instrumented and run; units are the machines. */
import { z } from 'zod'
import { type ModelName, plantModels } from './plant-models.ts'
import { checkPlant } from './plant-check.ts'
import { pictureShape } from './plant-picture.ts'
import { tagRole } from './plant-role.ts'
import { slug } from './primitives.ts'

const names = z.strictObject({ zh: z.string().min(1).max(100), en: z.string().min(1).max(100) })
const finite = z.number().min(-1e12, 'is too small').max(1e12, 'is too large')
const seconds = z
  .number()
  .min(0)
  .max(86_400 * 7)
const between = (schema: z.ZodNumber) => z.tuple([schema, schema]).refine(([low, high]) => low <= high, 'must be [least, most]')

/** A tag within its unit, such as `Z1.PV`; with the unit before it, `OV2.Z1.PV`, it is known to every protocol. */
export const localTag = z
  .string()
  .max(48)
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,15}(\.[A-Za-z0-9][A-Za-z0-9_]{0,15}){0,2}$/, 'must be one to three words of letters and digits, such as Z1.PV')

/** An identifier of a unit, alarm or interlock, such as OV2. */
export const plantId = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,31}$/, 'must begin with a letter and hold letters, digits, dots, hyphens, at most 32')

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 08:30')

/** What a tag is, as the tag tables of controllers sort them. LIM: an alarm or trip limit; CNT: a counter. */
export const tagClass = z.enum(['PV', 'SP', 'CMD', 'STAT', 'ALM', 'TRIP', 'LIM', 'CNT'])
export type TagClass = z.infer<typeof tagClass>

export const plantTagTemplate = z.strictObject({
  id: localTag,
  title: names,
  class: tagClass,
  /** When nothing is said it follows from where the tag is used: the limit and the bypass of an interlock belong to its layer. */
  role: tagRole.optional(),
  /** Exactly one of these says where the value comes from: a point of the model, a memory cell of the controller with this start value, an interlock (1 while it holds), or the button that resets tripped interlocks. */
  point: z.string().max(48).optional(),
  value: finite.optional(),
  interlock: plantId.optional(),
  button: z.literal('reset').optional(),
  unit: z.string().max(16).default(''),
  range: between(finite).default([0, 1]),
  /** Who may write it: nobody, who runs the plant, or who may change limits and bypasses. */
  access: z.enum(['read', 'operator', 'engineer']).default('read'),
  /** Whether the historian keeps it; process values and setpoints are kept when nothing is said. */
  log: z.boolean().optional(),
  /** How the transmitter sees the point: converter bits over the range, noise and yearly drift in converter steps, lag in seconds. */
  sensor: z
    .strictObject({
      bits: z.number().int().min(8).max(16).default(12),
      noise: z.number().min(0).max(50).default(1.2),
      lag: z.number().min(0).max(600).default(0),
      drift: z.number().min(0).max(100).default(4),
    })
    .optional(),
})
export type PlantTagTemplate = z.infer<typeof plantTagTemplate>

/** When a tag is in a state that matters: beyond a number or a limit that is itself a tag, on, off, or of bad quality. */
const condition = {
  tag: localTag,
  when: z.enum(['above', 'below', 'on', 'off', 'bad']),
  limit: finite.optional(),
  limitTag: localTag.optional(),
  deadband: z.number().min(0).max(1e9).default(0),
  /** Seconds that the condition must hold. */
  delay: seconds.default(0),
}

/** An alarm after ISA-18.2. `latch`: one that returned stays on the list until somebody acknowledges it. */
export const plantAlarmTemplate = z.strictObject({
  id: plantId,
  title: names,
  ...condition,
  returnDelay: seconds.default(0),
  priority: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
  latch: z.boolean().default(true),
  /** What it means beyond an alarm when somebody's write caused it. */
  means: z.enum(['alarm', 'damage', 'quality']).default('alarm'),
})
export type PlantAlarmTemplate = z.infer<typeof plantAlarmTemplate>

/** An interlock forces tags and refuses writes while its condition holds; a trip does so until it is reset. */
export const plantInterlockTemplate = z.strictObject({
  id: plantId,
  title: names,
  kind: z.enum(['trip', 'interlock']),
  /** What it keeps from harm: people, the machine, or only the order of work. When nothing is said a trip is protection. */
  layer: z.enum(['safety', 'protection', 'process']).optional(),
  ...condition,
  forces: z.record(localTag, finite).default({}),
  refuses: z.array(localTag).max(50).default([]),
  /** A tag that takes the interlock out of service while it is 1. */
  bypass: localTag.optional(),
})
export type PlantInterlockTemplate = z.infer<typeof plantInterlockTemplate>

const settings = z.record(localTag, finite)

/** How the machine is run through the day. */
export const dayMode = z.enum(['closed', 'startup', 'production', 'break', 'cooldown', 'maintenance'])
export type DayMode = z.infer<typeof dayMode>

export const plantEventTemplate = z.strictObject({
  id: plantId,
  title: names,
  /** How often in a week, on average. */
  perWeek: z.number().min(0).max(2000),
  /** How long, in seconds. */
  lasts: between(z.number().min(1).max(86_400)),
  during: z.enum(['production', 'staffed', 'always']).default('always'),
  /** Points of the model that it holds. */
  set: z.record(z.string().max(48), finite).default({}),
  /** The unit is under maintenance meanwhile. */
  maintenance: z.boolean().default(false),
  /** A sensor of the unit is stuck at its value, or open (full scale, bad quality). */
  fault: z.enum(['stuck', 'open']).optional(),
})
export type PlantEventTemplate = z.infer<typeof plantEventTemplate>

export const equipmentTemplate = z.strictObject({
  model: z.enum(Object.keys(plantModels) as [ModelName, ...ModelName[]]),
  /** Cycle of the controller's program in ms, rounded to the 100 ms step. */
  scan: z.number().int().min(100).max(10_000).multipleOf(100).default(100),
  parameters: z.record(z.string().max(48), finite).default({}),
  tags: z.array(plantTagTemplate).min(1).max(200),
  alarms: z.array(plantAlarmTemplate).max(100).default([]),
  interlocks: z.array(plantInterlockTemplate).max(50).default([]),
  /** What operators set when the day reaches each mode; points of the model (load, doors) may be set as `points`. */
  modes: z.partialRecord(dayMode, z.strictObject({ tags: settings.default({}), points: z.record(z.string().max(48), finite).default({}) })).default({}),
  /** Products: what is set for each, how often it is made. */
  recipes: z
    .array(
      z.strictObject({
        id: plantId,
        title: names,
        weight: z.number().min(0).max(1000).default(1),
        tags: settings.default({}),
        points: z.record(z.string().max(48), finite).default({}),
      }),
    )
    .max(100)
    .default([]),
  /** Minutes between changes of product. */
  recipeMinutes: between(z.number().min(1).max(10_080)).default([60, 240]),
  /** How far an operator of one shift trims a setpoint to taste, either way. */
  trims: settings.default({}),
  events: z.array(plantEventTemplate).max(50).default([]),
  /** How defenders see each unit of this equipment beside a session; one is laid out from the tags when nothing is said. The process knows nothing of it. */
  picture: pictureShape(localTag).optional(),
})
export type EquipmentTemplate = z.infer<typeof equipmentTemplate>

export const plantCalendar = z.strictObject({
  /** Minutes east of UTC; China has no summer time. */
  utcOffset: z.number().int().min(-720).max(840).default(480),
  holidays: z.enum(['china', 'none']).default('china'),
  /** Days of the week without work, 0 is Sunday. */
  weekend: z.array(z.number().int().min(0).max(6)).max(7).default([0, 6]),
  shifts: z
    .array(
      z.strictObject({
        id: plantId,
        days: z.enum(['working', 'every']).default('working'),
        from: timeOfDay,
        to: timeOfDay,
        breaks: z
          .array(z.tuple([timeOfDay, timeOfDay]))
          .max(8)
          .default([]),
      }),
    )
    .max(6),
  /** Minutes before the first shift of a day at which the machines are started. */
  startup: z.number().min(0).max(600).default(30),
  /** Minutes after the last shift in which they run down. */
  cooldown: z.number().min(0).max(600).default(0),
  /** Days on which the works is shut beyond the holidays. */
  shut: z
    .array(z.strictObject({ from: z.iso.date(), to: z.iso.date() }))
    .max(100)
    .default([]),
})
export type PlantCalendar = z.infer<typeof plantCalendar>

const plantShape = z.strictObject({
  kind: z.literal('plant'),
  version: z.literal(1),
  id: slug,
  title: names,
  calendar: plantCalendar,
  habits: z
    .strictObject({
      /** Seconds until an operator acknowledges an alarm. */
      acknowledge: between(seconds).default([20, 300]),
      /** Seconds until somebody resets a trip whose cause has gone. */
      reset: between(seconds).default([900, 3600]),
      /** Seconds by which people begin, end and change over later than the clock. */
      late: between(seconds).default([0, 240]),
    })
    .prefault({}),
  equipment: z.record(plantId, equipmentTemplate).refine((kinds) => Object.keys(kinds).length <= 32, 'holds at most 32 kinds of equipment'),
  units: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,15}$/, 'must begin with a letter and hold letters, digits and _, at most 16'),
        equipment: plantId,
        title: names,
        parameters: z.record(z.string().max(48), finite).default({}),
      }),
    )
    .min(1)
    .max(32),
})

/** A plant as a person describes it; see templates/plants. Names that lead nowhere and limits that cannot be reached are refused. */
export const plantTemplate = plantShape.superRefine((plant, context) => {
  for (const { path, message } of checkPlant(plant)) context.addIssue({ code: 'custom', path: [...path], message })
})
export type PlantTemplate = z.infer<typeof plantShape>
