/** Settings of sensors as plain data, which the console loads: ranges, defaults, and which role has which. */
import type { SensorSettings } from './tuning.ts'

export type SettingKey = keyof SensorSettings

/** Least and greatest value; a setting that is a name has none. */
export const settingRanges = {
  /** Longest time between two proofs of one address or segment, in seconds. With two tries of 9 s behind it, a blind relay is red within two minutes. */
  proofIntervalS: [20, 90],
  heartbeatS: [1, 15],
  /** Bytes that the journal may take on disk, in MiB. */
  journalMiB: [16, 1_048_576],
  /** Connections that a relay carries at once; what its process may have open still bounds it. */
  maxConnections: [64, 20_000],
  /** What a decoy host takes of one relay: streams at once, new ones a second, MiB a second. */
  streams: [64, 100_000],
  opensPerSecond: [10, 100_000],
  mibPerSecond: [1, 10_000],
  /** Which updates it is offered. */
  updateChannel: null,
} as const

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
export const settingsOf: Record<'relay' | 'decoys', SettingKey[]> = {
  relay: ['proofIntervalS', ...common, 'maxConnections'],
  decoys: [...common, 'streams', 'opensPerSecond', 'mibPerSecond'],
}
