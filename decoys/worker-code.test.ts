import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { keepWorkerCode } from './worker-code.ts'

/** What Node has loaded once it has imported a module as a worker does. */
async function loadedBy(module: string): Promise<string[]> {
  const program = `await import(${JSON.stringify(module)}); console.log(JSON.stringify(process.moduleLoadList)); process.exit(0)`
  const hook = new URL('worker-code-hook.js', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(process.execPath, [`--import=${hook}`, '--input-type=module', '--eval', program])
  return JSON.parse(stdout) as string[]
}
const compiler = /amaro/
const fetch = /undici/

test('a worker with its services loads neither a compiler nor a client of the web', async () => {
  await keepWorkerCode()
  for (const file of ['worker.ts', 'ssh/ssh.ts', 'portal/portal.ts', 'plant/plants.ts', 'industrial/modbus/modbus.ts']) {
    const loaded = await loadedBy(new URL(file, import.meta.url).href)
    assert.ok(loaded.length > 50)
    assert.deepEqual(
      loaded.filter((name) => compiler.test(name) || fetch.test(name)),
      [],
      file,
    )
  }
})

test('a source that nothing is kept of is read as it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-code-'))
  try {
    writeFileSync(join(folder, 'new.ts'), `export const made: number = ${Date.now()}`)
    assert.ok((await loadedBy(join(folder, 'new.ts'))).some((name) => compiler.test(name)))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
