/** Seeded fuzz of the decoy services with what real clients send; fuzz.soak.ts is the long version. */
import { fuzzTests } from './fuzz/case.ts'
import { serviceTargets } from './fuzz/services.ts'

fuzzTests(serviceTargets, { inputs: 300, ms: 1500, least: 10 })
