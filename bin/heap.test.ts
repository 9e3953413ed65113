import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { heapFlags } from './heap.ts'

/** What a command says when it ends, with Node's own arguments on the last line. */
const run = (args: string[]): Promise<string> =>
  new Promise((resolve) => {
    const shown = `data:text/javascript,${encodeURIComponent("process.on('exit',()=>console.log(JSON.stringify(process.execArgv)))")}`
    execFile(process.execPath, [join(import.meta.dirname, 'shenlou.js'), ...args], { env: { NODE_OPTIONS: `--import=${shown}` } }, (_error, said, errors) =>
      resolve(`${errors}${said}`),
    )
  })

test('a role that is started by itself is held to its memory, and still says in one line what it lacks', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-heap-'))
  try {
    const said = (await run(['decoys', '--data', folder])).trim().split('\n')
    assert.match(said[0] as string, /holds no identity; enrol this machine with --token/)
    assert.deepEqual(JSON.parse(said[1] as string), heapFlags.decoys)
    assert.equal(said.length, 2)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('any other word is left as it is', async () => {
  assert.deepEqual(JSON.parse((await run(['constructor'])).trim().split('\n').at(-1) as string), [])
})
