import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type RouteName, routes } from '@shenlou/contract/api'
import { eventKindNames } from '@shenlou/contract/event-kinds'
import { permissions, roles } from '@shenlou/contract/permissions'
import { severity } from '@shenlou/contract/primitives'
import { sensorSummary, ticketAction, ticketState } from '@shenlou/contract/records'
import { answers } from './dev/answers.ts'
import { findings, incidents, tickets } from './dev/cases.ts'
import { events, sessions } from './dev/records.ts'
import { segments } from './dev/segments.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
/** A message: its text, or its texts by plural. */
type Message = string | { match: Record<string, string> }[]
const other = (message: Message): string => (typeof message === 'string' ? message : (message[0]?.match['count=other'] ?? ''))
const read = async (language: string): Promise<Record<string, string>> => {
  const messages: Record<string, Message> = JSON.parse(await readFile(join(here, 'messages', `${language}.json`), 'utf8'))
  return Object.fromEntries(Object.entries(messages).map(([key, message]) => [key, other(message)]))
}
const [zh, en] = await Promise.all([read('zh'), read('en')])
const holes = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string).sort()

async function sources(folder = join(here, 'src')): Promise<[string, string][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile() && /\.(svelte|ts)$/.test(entry.name) && !entry.parentPath.includes('paraglide'))
    .map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(files.map(async (file): Promise<[string, string]> => [file.slice(here.length), await readFile(file, 'utf8')]))
}

test('both languages have the same messages with the same values in them', () => {
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort())
  for (const [key, text] of Object.entries(zh)) {
    assert.ok(text.trim() && en[key]?.trim(), `${key} is empty`)
    assert.deepEqual(holes(text), holes(en[key] ?? ''), `${key} takes other values in the two languages`)
    assert.doesNotMatch(text, /[\u4e00-\u9fff][,;?]/, `${key} has half-width punctuation in Chinese`)
  }
})

test('every word of the contract has a translation', () => {
  const words = [
    ...eventKindNames.map((kind) => `kind_${kind.replaceAll('.', '_')}`),
    ...permissions.map((permission) => `permission_${permission.replaceAll('.', '_')}`),
    ...Object.keys(roles).map((role) => `role_${role}`),
    ...ticketAction.options.map((action) => `action_${action}`),
    ...ticketState.options.map((state) => `state_${state}`),
    ...severity.options.map((level) => `severity_${level}`),
    ...sensorSummary.shape.problems.element.shape.key.options.map((key) => `problem_${key.replaceAll('-', '_')}`),
  ]
  assert.ok(words.length > 80)
  assert.deepEqual(
    words.filter((word) => !zh[word] || !en[word]),
    [],
  )
})

test('every message is used, and nothing is put on a page as HTML', async () => {
  const files = await sources()
  const text = files.map(([, content]) => content).join('\n')
  const used = new Set([...text.matchAll(/\bm\.([a-z_0-9]+)/g)].map((match) => match[1]))
  assert.deepEqual(
    Object.keys(zh).filter((key) => !used.has(key)),
    [],
  )
  for (const [file, content] of files) assert.doesNotMatch(content, /\{@html|innerHTML|insertAdjacentHTML|document\.write/, file)
})

test('colours come from the variables of app.css alone', async () => {
  for (const [file, content] of await sources()) {
    if (file.endsWith('Terminal.svelte')) continue // a terminal has its own sixteen
    assert.doesNotMatch(content, /#[0-9a-f]{6}\b|rgb\(|(?:bg|text|border)-(?:gray|slate|zinc|red|green|blue|white|black)\b/i, file)
  }
})

test('the mock answers every route as the contract says', async () => {
  const ids: Partial<Record<RouteName, string>> = { event: events[0]?.id, finding: findings[0]?.id, segmentMap: segments[0]?.id }
  const first = (name: RouteName): string =>
    ids[name] ?? (routes[name].path.startsWith('/sessions') ? sessions : routes[name].path.startsWith('/incidents') ? incidents : tickets)[0]?.id ?? ''
  for (const name of Object.keys(routes) as RouteName[]) {
    const answer = answers[name]({ params: { id: first(name) }, query: {}, body: { version: 3, text: 'kind: scenario', password: 'x' } })
    const schema = routes[name].answer
    if (schema === 'bytes') continue
    assert.ok(!(answer instanceof Response), `${name} answered an error`)
    const checked = schema.safeParse(answer)
    assert.ok(checked.success, `${name}: ${checked.success ? '' : JSON.stringify(checked.error.issues[0])}`)
  }
})
