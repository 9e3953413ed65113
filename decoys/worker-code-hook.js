/**
 * Preloaded into workers: gives Node our modules as worker-code.ts keeps them, without types, so that no worker holds a compiler in memory. Plain JavaScript,
 * as it is read before. What is not kept is left to Node.
 */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const kept = join(import.meta.dirname, '../node_modules/.cache/shenlou-workers')
const plain = (url) => {
  try {
    return readFileSync(join(kept, hash('sha256', readFileSync(fileURLToPath(url)))), 'utf8')
  } catch {
    return undefined
  }
}
registerHooks({
  load(url, context, next) {
    const source = url.startsWith('file:') && url.endsWith('.ts') ? plain(url) : undefined
    return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true }
  },
})
