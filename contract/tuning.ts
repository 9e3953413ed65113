/** What may be set for a sensor: a default for all, a value for a group of sensors, a value for one. The nearest one counts. */
import { z } from 'zod'
import { slug } from './primitives.ts'

const whole = (min: number, max: number, unit: string): z.ZodNumber =>
  z.number().int().min(min, `must be at least ${min} ${unit}`).max(max, `must be at most ${max} ${unit}`)

/** One entry for each setting; a sensor is sent those that concern its role. */
export const sensorSettings = z.strictObject({
  /** Longest time between two proofs of one address or segment, in seconds. With two tries of 10 s behind it, a blind relay is red within two minutes. */
  proofIntervalS: whole(20, 90, 's').optional(),
  heartbeatS: whole(1, 15, 's').optional(),
  /** Bytes that the journal may take on disk, in MiB. */
  journalMiB: whole(16, 1_048_576, 'MiB').optional(),
  /** Connections that a relay carries at once; what its process may have open still bounds it. */
  maxConnections: whole(64, 20_000, 'connections').optional(),
  /** What a decoy host takes of one relay: streams at once, new ones a second, MiB a second. */
  streams: whole(64, 100_000, 'streams').optional(),
  opensPerSecond: whole(10, 100_000, 'a second').optional(),
  mibPerSecond: whole(1, 10_000, 'MiB a second').optional(),
  /** Which updates it is offered. */
  updateChannel: slug.optional(),
})
export type SensorSettings = z.infer<typeof sensorSettings>
export type SettingKey = keyof SensorSettings

export const settingDefaults: Required<SensorSettings> = {
  proofIntervalS: 85,
  heartbeatS: 5,
  journalMiB: 1024,
  maxConnections: 20_000,
  streams: 20_000,
  opensPerSecond: 10_000,
  mibPerSecond: 200,
  updateChannel: 'stable',
}
export const settingKeys = Object.keys(settingDefaults) as SettingKey[]

const common: SettingKey[] = ['heartbeatS', 'journalMiB', 'updateChannel']
/** Settings that mean something to a sensor of this role. */
export const settingsOf = {
  relay: ['proofIntervalS', ...common, 'maxConnections'],
  decoys: [...common, 'streams', 'opensPerSecond', 'mibPerSecond'],
} satisfies Record<'relay' | 'decoys', SettingKey[]>

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
