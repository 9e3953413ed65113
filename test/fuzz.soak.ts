/** The long version of the seeded fuzz: two minutes a target at most, and a hundred thousand inputs for each service of industrial devices. SHENLOU_FUZZ_SEED chooses other inputs. */
import { fuzzTests } from './fuzz/case.ts'
import { deviceTargets, industrialTargets } from './fuzz/industrial.ts'
import { linkTargets } from './fuzz/links.ts'
import { parserTargets } from './fuzz/parsers.ts'
import { serviceTargets } from './fuzz/services.ts'

const long = { inputs: 200_000, ms: 120_000, least: 1000, progress: true }
fuzzTests(parserTargets, { ...long, ms: 60_000 })
fuzzTests(linkTargets, long)
fuzzTests(serviceTargets, long)
fuzzTests(industrialTargets, { inputs: 100_000, ms: 1_200_000, least: 100_000, progress: true, residentGrowth: 1.05 })
fuzzTests(deviceTargets, long)
