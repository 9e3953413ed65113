/**
 * Seeded fuzz of the services of industrial devices, two thousand inputs a protocol after a pass with others, and what is live and resident after each
 * half; fuzz.soak.ts is the long version.
 */
import { fuzzAlone } from './fuzz/case.ts'
import { deviceTargets, industrialTargets } from './fuzz/industrial.ts'

fuzzAlone([...Object.keys(industrialTargets), ...Object.keys(deviceTargets)], { inputs: 2000, ms: 60_000, growth: 1.05, residentGrowth: 1.05 })
