/** `npm run check`: format, lint, types, layers, fast tests, in that order, each with the time it took. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const steps: [name: string, command: string, args: string[]][] = [
  ['format', 'biome', ['format', '.']],
  ['lint', 'biome', ['lint', '--diagnostic-level=error', '.']],
  ['types', 'tsc', ['-p', 'tsconfig.json']],
  ['console types', 'svelte-check', ['--tsconfig', 'console/tsconfig.json', '--output', 'human', '--threshold', 'error']],
  ['layers', process.execPath, ['test/run.ts', '--fast', 'layers', 'catalogue']],
  [
    'fast tests',
    process.execPath,
    [
      'test/run.ts',
      '--fast',
      'contract/',
      'link/',
      'core/tickets',
      'core/detect',
      'core/sense',
      'core/operate',
      'decoys/shell',
      'decoys/http',
      'decoys/persona',
      'decoys/linter',
      'bin/',
    ],
  ],
]

let failed = 0
for (const [name, command, args] of steps) {
  const started = Date.now()
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` },
    maxBuffer: 64 * 1024 * 1024,
  })
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(14)} ${((Date.now() - started) / 1000).toFixed(1)} s`)
  if (status !== 0) {
    failed++
    console.log(`${stdout}${stderr}`)
  }
}
process.exit(failed === 0 ? 0 : 1)
