/** Seeded fuzz of what reads other tools' lines, the disk, and our own links; fuzz.soak.ts is the long version. */
import { fuzzTests } from './fuzz/case.ts'
import { linkTargets } from './fuzz/links.ts'
import { parserTargets } from './fuzz/parsers.ts'
import { workerLink } from './fuzz/worker.ts'

fuzzTests(parserTargets, { inputs: 1500, ms: 1500, least: 10 })
fuzzTests({ ...linkTargets, 'the gate, from a worker that was taken over,': workerLink }, { inputs: 300, ms: 2500, least: 10 })
