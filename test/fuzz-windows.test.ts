/** Seeded fuzz of the Windows services, two thousand inputs each; fuzz.soak.ts is the long version. */
import { fuzzTests } from './fuzz/case.ts'
import { windowsTargets } from './fuzz/windows.ts'

fuzzTests(windowsTargets, { inputs: 2000, ms: 60_000, least: 2000 })
