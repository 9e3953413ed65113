/** Who may import whom, as DESIGN draws it: read from the import lines of every source file. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const layers = ['contract', 'link', 'decoys', 'relay', 'core', 'console'] as const

/** What each folder may import of the others. `test/`, `bench/` and `bin/` may import all. */
const may: Record<(typeof layers)[number], readonly string[]> = {
  contract: [],
  link: ['contract'],
  decoys: ['contract', 'link'],
  relay: ['contract', 'link'],
  core: ['contract', 'link'],
  console: ['contract'],
}

/** Inside core: who may import whom among its areas; an area not listed may be imported by all of core. */
const inCore: Record<string, readonly string[]> = {
  store: ['store'],
  ingest: ['ingest', 'store'],
  detect: ['detect', 'correlate', 'tickets', 'ingest', 'store'],
  correlate: ['correlate', 'tickets', 'ingest', 'store'],
  tickets: ['tickets', 'store'],
  sense: ['sense', 'ingest', 'store'],
}

interface Import {
  file: string
  target: string
  line: number
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s(?:[^'"\n;]|\n(?!\s*(?:import|export)\s))*?from\s+['"]([^'"\n]+)['"]|(?:^|[^.\w])import\(\s*['"]([^'"\n]+)['"]\s*\)|(?:^|\n)\s*import\s+['"]([^'"\n]+)['"]/g
  return [...text.matchAll(pattern)].map((match) => ({
    file,
    target: match[1] ?? match[2] ?? match[3] ?? '',
    line: text.slice(0, match.index).split('\n').length,
  }))
}

const sources = (folder: string): string[] =>
  globSync(`${folder}/**/*.{ts,svelte}`, {
    cwd: root,
    exclude: (name) => ['node_modules', 'dist', 'paraglide'].some((part) => String(name).endsWith(part)),
  }).filter((file) => !/node_modules|\/dist\/|\/paraglide\//.test(file))

const isTest = (file: string): boolean => /\.(test|soak)\.ts$|test-|\/dev\//.test(file)

for (const layer of layers) {
  test(`${layer} imports only ${may[layer].join(', ') || 'zod'} of the project`, () => {
    const wrong: string[] = []
    for (const file of sources(layer)) {
      for (const found of importsOf(file)) {
        const other =
          /^@shenlou\/([a-z]+)/.exec(found.target)?.[1] ??
          (found.target.startsWith('.') ? normalize(join(dirname(file), found.target)).split('/')[0] : undefined)
        if (other === undefined || other === layer) continue
        if (isTest(file) && ['core', 'decoys', 'link', 'contract', 'relay', 'test', 'templates'].includes(other)) continue
        if (!may[layer].includes(other)) wrong.push(`${file}:${found.line} imports ${found.target}`)
      }
    }
    assert.deepEqual(wrong, [])
  })
}

test('the contract imports nothing but zod, so that it loads in a browser', () => {
  const wrong = sources('contract')
    .filter((file) => !isTest(file))
    .flatMap(importsOf)
    .filter(({ target }) => target !== 'zod' && !target.startsWith('./'))
  assert.deepEqual(wrong, [])
})

test('areas of core import downwards only, and nobody imports http', () => {
  const wrong: string[] = []
  for (const file of sources('core').filter((name) => !isTest(name))) {
    const area = file.split('/')[1] ?? ''
    for (const { target, line } of importsOf(file)) {
      if (!target.startsWith('.')) continue
      const parts = normalize(join(dirname(file), target)).split('/')
      const other = parts.length > 2 ? (parts[1] ?? '') : ''
      if (other === '' || other === area) continue
      if (other === 'http' && area !== 'main.ts') wrong.push(`${file}:${line} imports ${target}`)
      const allowed = inCore[area]
      if (allowed && other in inCore && !allowed.includes(other)) wrong.push(`${file}:${line} imports ${target}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('relative imports name their .ts file, so that Node runs them as they are', () => {
  const wrong = layers
    .flatMap((layer) => sources(layer))
    .concat(sources('bin'), sources('bench'), sources('test'))
    .flatMap(importsOf)
    .filter(({ file, target }) => target.startsWith('.') && !/\.(ts|js|svelte|css|json)$/.test(target) && !file.startsWith('console/src'))
  assert.deepEqual(wrong, [])
})
