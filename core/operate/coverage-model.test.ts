/** The closed forms of what an attacker touches, held against attackers who try. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Field, simulateTouches, touchesAscending, touchesAtRandom } from './coverage-model.ts'

const rounds = 20_000
/** Mean of so many rounds against what is expected: the spread of touches is about their mean, or the number of decoys. */
const near = (simulated: number, expected: number, decoys: number, what: string): void =>
  assert.ok(
    Math.abs(simulated - expected) < 0.05 + (5 * Math.min(decoys, expected + 1)) / Math.sqrt(rounds),
    `${what}: ${simulated} tried, ${expected} expected`,
  )

test('in random order D/(R+1) decoys come before the first real host', () => {
  for (const [decoys, real] of [
    [63, 60],
    [200, 10],
    [40, 1],
    [5, 200],
    [12, 0],
  ] as const) {
    const field: Field = { decoys: Array.from({ length: decoys }, (_, at) => at), known: [], real, size: decoys + real + 5 }
    near(simulateTouches(field, 'random', rounds, 7), touchesAtRandom(decoys, real), decoys, `${decoys} decoys, ${real} real`)
  }
})

test('in ascending order it hangs on where decoys and the known real hosts stand', () => {
  const every = (from: number, to: number, step: number): number[] => Array.from({ length: Math.ceil((to - from) / step) }, (_, at) => from + at * step)
  const fields: [string, Field][] = [
    ['decoys at the front', { decoys: every(0, 40, 1), known: [], real: 20, size: 254 }],
    ['decoys at the back', { decoys: every(200, 240, 1), known: [], real: 20, size: 254 }],
    ['spread, nothing known', { decoys: every(0, 250, 4), known: [], real: 30, size: 254 }],
    ['spread, some known', { decoys: every(0, 250, 4), known: [41, 90, 201], real: 12, size: 254 }],
    ['all known', { decoys: every(0, 250, 4), known: [21, 90], real: 2, size: 254 }],
    ['no real host', { decoys: every(0, 250, 4), known: [], real: 0, size: 254 }],
    ['no address left', { decoys: every(0, 50, 2), known: [], real: 25, size: 50 }],
  ]
  for (const [what, field] of fields) near(simulateTouches(field, 'ascending', rounds, 11), touchesAscending(field), field.decoys.length, what)
  assert.equal(touchesAscending(fields[4]?.[1] as Field), 6, 'up to the real host at 21: 0, 4, 8, 12, 16, 20')
  assert.equal(touchesAscending(fields[0]?.[1] as Field), 40)
  assert.equal(touchesAscending(fields[5]?.[1] as Field), 63)
})

test('a seed gives the same simulation, and one of a whole /16 is quick', () => {
  const field: Field = { decoys: Array.from({ length: 4096 }, (_, at) => at * 3), known: [50_000], real: 900, size: 65_534 }
  assert.equal(simulateTouches(field, 'random', 500, 3), simulateTouches(field, 'random', 500, 3))
  const began = process.cpuUsage()
  simulateTouches(field, 'ascending', 200, 3)
  touchesAscending(field)
  const { user } = process.cpuUsage(began)
  assert.ok(user < 3_000_000, `${user} µs`)
})
