import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { buildConsole, consoleDist } from './build.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

test('svelte-check finds no error and no warning', async () => {
  await buildConsole({ log: () => {} }) // compiles the messages, whose types the pages need
  const checker = createRequire(import.meta.url).resolve('svelte-check/bin/svelte-check')
  const child = spawn(process.execPath, [checker, '--tsconfig', 'tsconfig.json', '--fail-on-warnings', '--output', 'machine'], {
    cwd: here,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  assert.equal(code, 0, said)
})

/** Compressed size of a script and of all that it imports before it runs, in bytes. */
async function weigh(file: string, seen = new Set<string>()): Promise<number> {
  if (seen.has(file)) return 0
  seen.add(file)
  const text = await readFile(join(consoleDist, 'assets', file), 'utf8')
  let size = gzipSync(text).length
  for (const match of text.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) size += await weigh(match[1] as string, seen)
  return size
}

test('the first page needs at most 180 kB of compressed script, and the terminal loads later', async () => {
  await buildConsole({ log: () => {} })
  const page = await readFile(join(consoleDist, 'index.html'), 'utf8')
  const entry = /src="\/assets\/(index-[\w-]+\.js)"/.exec(page)?.[1] ?? ''
  const overview = (await readdir(join(consoleDist, 'assets'))).find((name) => /^Overview-.*\.js$/.test(name)) ?? ''
  const seen = new Set<string>()
  const size = (await weigh(entry, seen)) + (await weigh(overview, seen))
  assert.ok(size > 50_000 && size < 180_000, `${size} bytes in ${[...seen].join(', ')}`)
  assert.ok(![...seen].some((name) => name.startsWith('Terminal')))
  assert.doesNotMatch(page, /<script(?![^>]*src=)/, 'no inline script')
})
