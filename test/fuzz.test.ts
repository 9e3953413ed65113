/** Seeded fuzz of what reads other tools' lines, the disk, and our own links; fuzz.soak.ts is the long version. */
import { fuzzTests } from './fuzz/case.ts'
import { linkTargets } from './fuzz/links.ts'
import { parserTargets } from './fuzz/parsers.ts'

fuzzTests(parserTargets, { inputs: 1500, ms: 1500, least: 10 })
fuzzTests(linkTargets, { inputs: 300, ms: 2500, least: 10 })
