/** The catalogue of event kinds against its emitters, consumers, documents and both languages of the console. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventKindNames, eventKinds } from '@shenlou/contract/event-kinds'
import { eventsPage } from '../docs/events.ts'

const root = join(import.meta.dirname, '..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const sources = (folder: string): { file: string; text: string }[] =>
  globSync(`${folder}/**/*.{ts,svelte}`, { cwd: root })
    .filter((file) => !/node_modules|\/dist\/|\/paraglide\/|\.(test|soak)\.ts$|fixture|\/dev\//.test(file))
    .map((file) => ({ file, text: read(file) }))

/** Text in quotes that looks like an event kind: a word, a dot, a past participle. */
const quoted =
  /['"`]((?:connection|scan|session|protocol|tls|ssh|login|command|terminal|recording|file|download|egress|forward|http|sensor|worker|world|tunnel|journal|alert|industrial|plant|address|segment|exploit|payload|delay)\.[a-z]+)['"`]/g
const mentions = (folder: string): Map<string, string[]> => {
  const found = new Map<string, string[]>()
  for (const { file, text } of sources(folder))
    for (const [, kind] of text.matchAll(quoted)) found.set(kind as string, [...(found.get(kind as string) ?? []), file])
  return found
}

const emitterFolders: Record<string, string[]> = {
  relay: ['relay'],
  sensor: ['link', 'decoys', 'relay'],
  decoy: ['decoys'],
  core: ['core/sense', 'core/sensors', 'core/ingest'],
}

test('every kind of the catalogue is emitted by the part that it names', () => {
  const silent = eventKindNames.filter((kind) => {
    const folders = emitterFolders[eventKinds[kind].emitter] ?? []
    return !folders.some((folder) => mentions(folder).has(kind))
  })
  assert.deepEqual(silent, [])
})

/** Places that say or compare a kind; rules name theirs by type, which the compiler checks. */
const spoken = /(?:\.emit\(\s*|\bsay\(\s*|\bkind(?::| ===| !==)\s*|\bkind = )['"`]([a-z]+\.[a-z]+)['"`]/g

test('nobody emits or consumes a kind that is not in the catalogue', () => {
  const unknown = ['link', 'decoys', 'relay', 'core', 'console/src', 'bin'].flatMap((folder) =>
    sources(folder).flatMap(({ file, text }) =>
      [...text.matchAll(spoken)]
        .map(([, kind]) => kind as string)
        .filter((kind) => !Object.hasOwn(eventKinds, kind))
        .map((kind) => `${kind} in ${file}`),
    ),
  )
  assert.deepEqual(unknown, [])
})

test('every kind is consumed: by a projection, a rule, or a page', () => {
  const used = new Set([...mentions('core').keys(), ...mentions('console/src').keys()])
  assert.deepEqual(
    eventKindNames.filter((kind) => !used.has(kind)),
    [],
  )
})

test('docs/events.md is what the catalogue prints', () => {
  assert.equal(read('docs/events.md'), eventsPage(), 'run: node docs/events.ts > docs/events.md')
})

test('both languages of the console name every kind', () => {
  for (const language of ['zh', 'en']) {
    const keys = Object.keys(JSON.parse(read(`console/messages/${language}.json`)))
    const missing = eventKindNames.filter(
      (kind) =>
        !keys.some((key) =>
          key
            .replace(/[^a-z]/gi, '')
            .toLowerCase()
            .endsWith(kind.replace('.', '')),
        ),
    )
    assert.deepEqual(missing, [], language)
  }
})
