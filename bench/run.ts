/** `npm run bench`: every `*.bench.ts` in turn, each against its reference in the same run; `npm run bench -- ssh` runs those named so. */
import { globSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { benchTools, installTools } from '../test/tools.ts'
import { type Row, table } from './row.ts'

const only = process.argv.slice(2)
const missing = installTools(console.log, benchTools)
if (missing) {
  console.log(missing)
  process.exit(1)
}
const files = globSync('*.bench.ts', { cwd: import.meta.dirname })
  .sort()
  .filter((file) => only.length === 0 || only.some((part) => file.includes(part)))
console.log(`${cpus().length} × ${cpus()[0]?.model}; Node ${process.versions.node}\n`)
let failed = 0
for (const file of files) {
  console.log(`== ${file.replace('.bench.ts', '')}`)
  try {
    const { run } = (await import(join(import.meta.dirname, file))) as { run: () => Promise<Row[]> }
    console.log(`${table(await run())}\n`)
  } catch (error) {
    failed++
    console.log(`FAILED: ${(error as Error).stack}\n`)
  }
}
process.exit(failed === 0 ? 0 : 1)
