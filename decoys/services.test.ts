import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { isService, services as named } from '@shenlou/contract/services'

const root = join(import.meta.dirname, '..')
/** What code of a worker may use of Node: it computes, and is given everything that reaches further. */
const allowed = new Set([
  'assert',
  'buffer',
  'crypto',
  'events',
  'path',
  'path/posix',
  'perf_hooks',
  'stream',
  'string_decoder',
  'timers',
  'timers/promises',
  'tls',
  'url',
  'util',
  'zlib',
])
/** Libraries are given streams only; that the kernel holds them too is shown by contain.test.ts. */
const libraries = new Set(['zod', 'ssh2'])

interface Import {
  from: string
  target: string
}

/** Every import that is reached from a module at run time, with the names of built-in modules and packages. */
function walk(entry: string): { files: string[]; builtins: Import[]; packages: Import[] } {
  const files = new Set<string>()
  const builtins: Import[] = []
  const packages: Import[] = []
  const visit = (file: string): void => {
    if (files.has(file)) return
    files.add(file)
    const text = readFileSync(file, 'utf8')
    assert.doesNotMatch(text, /\bprocess\.(binding|dlopen|kill|getBuiltinModule)\b|\bcreateRequire\b/, `${file} takes another way to a module`)
    for (const match of text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*(?:['"]([^'"]+)['"]|[^)]*)\s*\)/gm)) {
      const target = match[1] ?? match[2]
      assert.ok(target, `${file} imports something that is not written down: ${match[0]}`)
      const from = relative(root, file)
      if (target.startsWith('node:')) builtins.push({ from, target: target.slice(5) })
      else if (target.startsWith('.')) visit(join(dirname(file), target))
      else if (target.startsWith('@shenlou/')) visit(join(root, `${target.slice('@shenlou/'.length)}.ts`))
      else packages.push({ from, target: target.split('/')[0] as string })
    }
  }
  visit(join(root, entry))
  return { files: [...files].map((file) => relative(root, file)), builtins, packages }
}

for (const entry of ['decoys/services.ts', 'decoys/worker.ts']) {
  test(`what ${entry} reaches imports nothing that reaches the network, files or programs`, () => {
    const { files, builtins, packages } = walk(entry)
    assert.ok(files.length > 10, `only ${files.length} files were read`)
    assert.ok(files.every((file) => existsSync(join(root, file))))
    assert.deepEqual(
      builtins.filter(({ target }) => !allowed.has(target)),
      [],
    )
    assert.deepEqual(
      packages.filter(({ target }) => !libraries.has(target)),
      [],
    )
  })
}

test('the walk finds what it looks for', () => {
  const found = walk('decoys/main.ts').builtins.map(({ target }) => target)
  for (const target of ['child_process', 'fs', 'https']) assert.ok(found.includes(target), `${target} is imported below decoys/main.ts`)
})

test('no code of workers that the installation ships reads schemas: the gate has parsed the settings', () => {
  assert.deepEqual(
    walk('decoys/services.ts').packages.filter(({ target }) => target === 'zod'),
    [],
    'give defineDecoy the type ServiceSettings of contract/services.ts, and no schema',
  )
})

test('the services are those that the contract names', async () => {
  const { services } = await import('./services.ts')
  assert.deepEqual(services.map(({ name }) => name).sort(), Object.keys(named).sort())
  for (const { name, load } of services) {
    assert.ok(isService(name))
    assert.equal((await load()).name, name)
  }
})
