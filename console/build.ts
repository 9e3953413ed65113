/** Builds the console into `dist`, only when its sources changed. Runs without a network. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))

/** The folder that holds the built console: `index.html` and `assets/`. */
export const consoleDist = join(here, 'dist')

const stampFile = join(consoleDist, 'sources.sha256')
const lockFile = join(consoleDist, '.lock')
const inputs = ['src', 'messages', 'public', 'project.inlang/settings.json', 'index.html', 'vite.config.ts', 'tsconfig.json', 'build.ts', '../contract']

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined)
  if (!entries) return [path]
  const inner = entries
    .filter((entry) => entry.name !== 'paraglide' && entry.name !== 'node_modules' && !entry.name.endsWith('.test.ts'))
    .map((entry) => filesOf(join(path, entry.name)))
  return (await Promise.all(inner)).flat()
}

/** SHA-256 over names and contents of everything that the build reads, and the versions that it builds with. */
async function hashSources(): Promise<string> {
  const files = (await Promise.all(inputs.map((input) => filesOf(join(here, input))))).flat().sort()
  const hash = createHash('sha256')
  for (const file of files)
    hash
      .update(relative(here, file))
      .update('\0')
      .update(await readFile(file))
      .update('\0')
  hash.update(await readFile(join(here, 'package.json')))
  return hash.digest('hex')
}

const isBuilt = async (wanted: string): Promise<boolean> => (await readFile(stampFile, 'utf8').catch(() => '')).trim() === wanted

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Takes the build lock; resolves with the function that gives it back. A lock whose owner has died is taken over. */
async function takeLock(): Promise<() => Promise<void>> {
  await mkdir(consoleDist, { recursive: true })
  for (;;) {
    const file = await open(lockFile, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    if (file) {
      await file.writeFile(`${process.pid}`)
      await file.close()
      return () => rm(lockFile, { force: true })
    }
    const owner = Number(await readFile(lockFile, 'utf8').catch(() => ''))
    if (owner > 0 && !isAlive(owner)) await rm(lockFile, { force: true })
    await delay(200)
  }
}

/** Runs the bundler in a process of its own: its modules and timers do not stay in the caller's. */
async function bundle(outDir: string): Promise<void> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--bundle', outDir], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`the console could not be built (exit ${code}):\n${said}`)
}

/** Puts a finished build in place of the former one. */
async function publish(next: string): Promise<void> {
  for (const name of await readdir(consoleDist)) if (!name.startsWith('.')) await rm(join(consoleDist, name), { recursive: true, force: true })
  for (const name of await readdir(next)) await rename(join(next, name), join(consoleDist, name))
  await rm(next, { recursive: true, force: true })
}

/**
 * Builds when the sources differ from those of the last build, else returns at once. `log` gets one line when a build starts
 * and one when it ended. Throws when the build fails; the former build then stays in place.
 */
export async function buildConsole({ log }: { log: (line: string) => void }): Promise<{ built: boolean }> {
  // A package brings it built, without sources.
  if (!existsSync(join(here, 'src'))) return { built: false }
  if (await isBuilt(await hashSources())) return { built: false }
  const release = await takeLock()
  try {
    const wanted = await hashSources()
    if (await isBuilt(wanted)) return { built: false }
    log('building the console …')
    const started = performance.now()
    const next = join(consoleDist, '.next')
    await bundle(next)
    await publish(next)
    await writeFile(stampFile, `${wanted}\n`)
    log(`console built in ${((performance.now() - started) / 1000).toFixed(1)} s`)
    return { built: true }
  } finally {
    await release()
  }
}

if (import.meta.main) {
  const outDir = process.argv[2] === '--bundle' ? process.argv[3] : undefined
  try {
    if (outDir) {
      const { build } = await import('vite')
      await build({ configFile: join(here, 'vite.config.ts'), root: here, logLevel: 'warn', build: { outDir, emptyOutDir: true } })
    } else await buildConsole({ log: (line) => process.stdout.write(`${line}\n`) })
    process.exit(0) // the message compiler leaves timers of half a minute behind
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exit(1)
  }
}
