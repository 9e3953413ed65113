/** Builds the console into `dist`, only when its sources changed. Runs without a network. */
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))

/** The folder that holds the built console: `index.html` and `assets/`. */
export const consoleDist = join(here, 'dist')

const stampFile = join(consoleDist, 'sources.sha256')
const inputs = ['src', 'messages', 'public', 'project.inlang', 'index.html', 'vite.config.ts', 'tsconfig.json', 'build.ts', '../contract', '../package-lock.json']

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined)
  if (!entries) return [path]
  const inner = entries
    .filter((entry) => entry.name !== 'paraglide' && entry.name !== 'node_modules' && entry.name !== 'cache' && !entry.name.endsWith('.test.ts'))
    .map((entry) => filesOf(join(path, entry.name)))
  return (await Promise.all(inner)).flat()
}

/** SHA-256 over names and contents of everything that the build reads. */
async function hashSources(): Promise<string> {
  const files = (await Promise.all(inputs.map((input) => filesOf(join(here, input))))).flat().sort()
  const hash = createHash('sha256')
  for (const file of files) {
    hash.update(relative(here, file))
    hash.update('\0')
    hash.update(await readFile(file))
    hash.update('\0')
  }
  return hash.digest('hex')
}

/**
 * Builds when the sources differ from those of the last build, else returns at once. `log` gets one line when a build starts
 * and one when it ended. Throws when the build fails; the former build then stays in place.
 */
export async function buildConsole({ log }: { log: (line: string) => void }): Promise<{ built: boolean }> {
  const wanted = await hashSources()
  const present = await readFile(stampFile, 'utf8').catch(() => '')
  if (present.trim() === wanted) return { built: false }
  log('building the console …')
  const started = performance.now()
  const { build } = await import('vite')
  const next = join(here, 'dist', `.next-${process.pid}`)
  await build({ configFile: join(here, 'vite.config.ts'), root: here, logLevel: 'warn', build: { outDir: next, emptyOutDir: true } })
  await publish(next)
  await writeFile(stampFile, `${wanted}\n`)
  log(`console built in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return { built: true }
}

/** Puts the finished build in place of the former one. */
async function publish(next: string): Promise<void> {
  const { rename } = await import('node:fs/promises')
  for (const name of await readdir(consoleDist)) if (!name.startsWith('.next-')) await rm(join(consoleDist, name), { recursive: true, force: true })
  for (const name of await readdir(next)) await rename(join(next, name), join(consoleDist, name))
  await rm(next, { recursive: true, force: true })
}

if (import.meta.main) {
  await buildConsole({ log: (line) => process.stdout.write(`${line}\n`) })
}
