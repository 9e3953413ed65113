/** The long version of the seeded fuzz: two minutes a target at most. SHENLOU_FUZZ_SEED chooses other inputs. */
import { fuzzTests } from './fuzz/case.ts'
import { linkTargets } from './fuzz/links.ts'
import { parserTargets } from './fuzz/parsers.ts'
import { serviceTargets } from './fuzz/services.ts'

const long = { inputs: 200_000, ms: 120_000, least: 1000, progress: true }
fuzzTests(parserTargets, { ...long, ms: 60_000 })
fuzzTests(linkTargets, long)
fuzzTests(serviceTargets, long)
