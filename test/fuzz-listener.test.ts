/** Seeded fuzz of ports that only listen, two thousand inputs; fuzz.soak.ts is the long version. */
import { fuzzTests } from './fuzz/case.ts'
import { listenerTargets } from './fuzz/listener.ts'

fuzzTests(listenerTargets, { inputs: 2000, ms: 60_000, least: 2000 })
