/** The long version of the seeded fuzz: two minutes a target at most, and a hundred thousand inputs for each service of industrial devices. SHENLOU_FUZZ_SEED chooses other inputs. */
import { fuzzTests } from './fuzz/case.ts'
import { deviceTargets, industrialTargets } from './fuzz/industrial.ts'
import { linkTargets } from './fuzz/links.ts'
import { listenerTargets } from './fuzz/listener.ts'
import { parserTargets } from './fuzz/parsers.ts'
import { serviceTargets } from './fuzz/services.ts'
import { windowsTargets } from './fuzz/windows.ts'

const long = { inputs: 200_000, ms: 120_000, least: 1000, progress: true }
fuzzTests(parserTargets, { ...long, ms: 60_000 })
fuzzTests(linkTargets, long)
fuzzTests(serviceTargets, long)
fuzzTests(windowsTargets, long)
fuzzTests(listenerTargets, long)
const whole = { inputs: 100_000, least: 100_000, progress: true, residentGrowth: 1.05 }
fuzzTests(industrialTargets, { ...whole, ms: 1_200_000 })
// A dialogue of these has a log-in, which takes its time.
fuzzTests(deviceTargets, { ...whole, ms: 5_400_000 })
