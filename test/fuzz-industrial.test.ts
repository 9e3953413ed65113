/**
 * Seeded fuzz of the services of industrial devices, two thousand inputs a protocol, and what they leave in live memory: what is resident still grows by
 * compiled code in so short a time. fuzz.soak.ts is the long version, which holds resident memory too.
 */
import { fuzzTests } from './fuzz/case.ts'
import { deviceTargets, industrialTargets } from './fuzz/industrial.ts'

fuzzTests(industrialTargets, { inputs: 2000, ms: 60_000, least: 2000, growth: 1.05 })
fuzzTests(deviceTargets, { inputs: 2000, ms: 60_000, least: 2000 })
