/** The test command: installs the clients it needs, runs every `*.test.ts` (with `--soak` every `*.soak.ts`), prints the ten slowest. */
import { globSync } from 'node:fs'
import { run } from 'node:test'
import { join } from 'node:path'
import { installTools } from './tools.ts'

const root = join(import.meta.dirname, '..')
const soak = process.argv.includes('--soak')
const fast = process.argv.includes('--fast')
const only = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))

const folders = ['contract', 'link', 'decoys', 'relay', 'core', 'console', 'bin', 'templates', 'bench', 'test']
const suffix = soak ? 'soak' : 'test'
/** Files that use the whole machine, a browser or a clock: they run alone. */
const alone = (file: string): boolean =>
  (file.startsWith('test/') && !file.startsWith('test/fuzz')) || file.startsWith('console/') || /\.(soak|whole)\./.test(file)

export function testFiles(): string[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.${suffix}.ts`, { cwd: root }))
    .filter((file) => !file.includes('node_modules'))
    .filter((file) => only.length === 0 || only.some((part) => file.includes(part)))
    .sort()
}

interface Outcome {
  name: string
  file: string
  ms: number
  failed: string | undefined
  /** Why it did not run. */
  skipped: string | undefined
}

/** Runs the files and prints each failure as it comes. */
async function runFiles(files: string[], concurrency: number, outcomes: Outcome[]): Promise<void> {
  if (files.length === 0) return
  const stream = run({
    files: files.map((file) => join(root, file)),
    concurrency,
    isolation: 'process',
    timeout: soak ? 3_600_000 : 300_000,
    cwd: root,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  for await (const { type, data } of stream) {
    if (type === 'test:stderr' && process.env.SHENLOU_TEST_VERBOSE) process.stderr.write(data.message)
    if (type === 'test:diagnostic' && data.message.startsWith('shown: ')) console.log(`  ${data.message.slice(7)}`)
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const file = (data.file ?? '').replace(`${root}/`, '')
    // A file is reported as a test of its own when it could not be run at all; its inner tests report themselves.
    const isFile = data.name.replace(`${root}/`, '') === file
    if (type === 'test:pass' && (isFile || data.details.type === 'suite')) continue
    if (type === 'test:fail' && data.details.error?.failureType === 'subtestsFailed') continue
    const error = type === 'test:fail' ? data.details.error : undefined
    const cause = error?.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error?.cause ?? error?.message ?? '')
    const skipped = data.skip === undefined || data.skip === false ? undefined : data.skip === true ? 'no reason given' : data.skip
    outcomes.push({ name: data.name, file, ms: data.details.duration_ms, failed: error ? cause : undefined, skipped })
    if (error) console.log(`FAILED ${file}: ${data.name}\n${cause.replace(/^/gm, '    ')}`)
  }
}

async function main(): Promise<number> {
  const started = Date.now()
  const files = testFiles()
  if (!fast) {
    const missing = installTools(console.log)
    if (missing) {
      console.log(missing)
      console.log('0 passed, 1 failed')
      return 1
    }
  }
  process.env.NODE_ENV = 'test'
  const outcomes: Outcome[] = []
  const single = files.filter(alone)
  console.log(`${files.length} files`)
  await runFiles(
    files.filter((file) => !alone(file)),
    2,
    outcomes,
  )
  if (!fast || only.length > 0) await runFiles(single, 1, outcomes)
  const failed = outcomes.filter((outcome) => outcome.failed !== undefined)
  const skipped = outcomes.filter((outcome) => outcome.skipped !== undefined)
  console.log(`\nten slowest of ${Math.round((Date.now() - started) / 1000)} s:`)
  for (const { name, file, ms } of outcomes.sort((a, b) => b.ms - a.ms).slice(0, 10)) console.log(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${file}: ${name}`)
  if (failed.length > 0) console.log(`\nfailed:\n${failed.map(({ file, name }) => `  ${file}: ${name}`).join('\n')}`)
  for (const [why, tests] of Map.groupBy(skipped, (outcome) => outcome.skipped)) console.log(`\n${tests.length} did not run: ${why}`)
  const passed = outcomes.length - failed.length - skipped.length
  console.log(`\n${passed} passed, ${failed.length} failed`)
  return failed.length === 0 && passed > 0 ? 0 : 1
}

if (import.meta.main) process.exit(await main())
