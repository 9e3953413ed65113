/**
 * The code of workers without its types, kept beside the packages and trusted as those are: a file is named by the hash of the source it was made of, so
 * that it is never of another.
 */
import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const kept = join(root, 'node_modules/.cache/shenlou-workers')

/** The sources of workers by their hash, and what is kept of none of them. */
function compare(): { missing: Map<string, Buffer>; stale: string[] } {
  const names = new Set(existsSync(kept) ? readdirSync(kept) : [])
  const missing = new Map<string, Buffer>()
  const wanted = new Set<string>()
  for (const folder of ['contract', 'link', 'decoys']) {
    for (const name of readdirSync(join(root, folder), { recursive: true }) as string[]) {
      if (!name.endsWith('.ts') || /\.(test|soak|d)\.ts$|^node_modules\//.test(name)) continue
      const source = readFileSync(join(root, folder, name))
      const key = hash('sha256', source)
      wanted.add(key)
      if (!names.has(key)) missing.set(key, source)
    }
  }
  return { missing, stale: [...names].filter((name) => !wanted.has(name)) }
}

/** Makes what is missing. Where it cannot be kept, workers read the sources themselves, which takes longer and more memory. */
export async function keepWorkerCode(): Promise<void> {
  try {
    // In a process of its own, which takes Node's compiler along when it ends.
    if (compare().missing.size > 0) await promisify(execFile)(process.execPath, ['--no-warnings', fileURLToPath(import.meta.url)])
  } catch {}
}

if (import.meta.main) {
  mkdirSync(kept, { recursive: true })
  const { missing, stale } = compare()
  for (const name of stale) rmSync(join(kept, name), { force: true })
  for (const [key, source] of missing) {
    const temporary = join(kept, `${key}.${process.pid}`)
    writeFileSync(temporary, stripTypeScriptTypes(source.toString()))
    renameSync(temporary, join(kept, key))
  }
}
