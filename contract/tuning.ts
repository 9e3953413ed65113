/** What may be set for a sensor: a default for all, a value for a group of sensors, a value for one. The nearest one counts. */
import { z } from 'zod'
import { slug } from './primitives.ts'
import { settingRanges } from './setting-ranges.ts'

const whole = ([min, max]: readonly [number, number]) => z.number().int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`).optional()

/** Each setting by itself (setting-ranges.ts says what it means); what is left out is taken from further away. */
export const sensorSettings = z.strictObject({
  proofIntervalS: whole(settingRanges.proofIntervalS),
  heartbeatS: whole(settingRanges.heartbeatS),
  journalMiB: whole(settingRanges.journalMiB),
  maxConnections: whole(settingRanges.maxConnections),
  streams: whole(settingRanges.streams),
  opensPerSecond: whole(settingRanges.opensPerSecond),
  mibPerSecond: whole(settingRanges.mibPerSecond),
  updateChannel: slug.optional(),
})
export type SensorSettings = z.infer<typeof sensorSettings>

/** The settings as a sensor is told them. Only what was set is sent: a sensor has the same defaults of its own. */
export const tuning = z.object({
  heartbeatS: z.number().int().optional(),
  journalMiB: z.number().int().optional(),
  maxConnections: z.number().int().optional(),
  streams: z.number().int().optional(),
  opensPerSecond: z.number().int().optional(),
  mibPerSecond: z.number().int().optional(),
  updateChannel: z.string().max(64).optional(),
})
export type Tuning = z.infer<typeof tuning>
