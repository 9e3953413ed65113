import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testPlant } from './industrial/plant-fixture.ts'
import type { TagRole } from '@shenlou/contract/plant-role'
import type { Consequence, PlantView } from './plant/plant.ts'
import { openConsequences } from './worker-consequences.ts'

const consequence = (tag: string): Consequence => ({
  at: 1,
  kind: 'alarm',
  id: 'OV2.Z1.HH',
  tag: 'OV2.Z1.PV',
  value: 205.123456789,
  limit: 205,
  after: { tag, value: 300, at: 1 },
})

function watched(): { view: PlantView; tell(consequence: Consequence): void; released: () => number; opened: () => number } {
  const plant = testPlant()
  const { tag } = plant
  const listeners = new Set<(consequence: Consequence) => void>()
  let released = 0
  let opened = 0
  const roles: Record<string, TagRole> = { 'OV2.Z1.SP': 'setpoint', 'OV2.TripLim': 'safety' }
  const view: PlantView = Object.assign(plant, {
    tag(id: string) {
      const found = tag(id)
      return found && { ...found, ...(roles[id] ? { role: roles[id] } : {}) }
    },
    onConsequence(listener: (consequence: Consequence) => void) {
      opened += 1
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    release() {
      released += 1
    },
  })
  return { view, tell: (each) => listeners.forEach((listener) => void listener(each)), released: () => released, opened: () => opened }
}

test('a consequence is said by the session that wrote last, with the name of what it is about', async () => {
  const { view, tell, opened } = watched()
  const watch = openConsequences({ open: () => Promise.resolve(view), log: assert.fail })
  const said: string[] = []
  watch.wrote('paint', 'a', 'OV2.Z1.SP', () => said.push('first'))
  watch.wrote('paint', 'a', 'OV2.Z1.SP', (body) =>
    said.push(
      `${body.name?.en} ${body.value} ${body.unit} after ${body.after.tag} (${body.after.role}), ${body.defeated?.map(({ tag, role }) => `${tag} ${role}`)}`,
    ),
  )
  await Promise.resolve()
  await Promise.resolve()
  tell(consequence('OV2.TripLim'))
  tell({ ...consequence('OV2.Z1.SP'), defeated: [{ tag: 'OV2.TripLim', value: 300 }] })
  tell(consequence('OV2.Z1.SP'))
  assert.deepEqual(said, [
    'OV2.Z1.PV 205.1235 °C after OV2.Z1.SP (setpoint), OV2.TripLim safety',
    'OV2.Z1.PV 205.1235 °C after OV2.Z1.SP (setpoint), undefined',
  ])
  assert.equal(opened(), 1)
  watch.close()
})

test('a process that left the undisturbed plant is said with what it would have been', async () => {
  const { view, tell } = watched()
  const watch = openConsequences({ open: () => Promise.resolve(view), log: assert.fail })
  const said: unknown[] = []
  watch.wrote('paint', 'a', 'OV2.Z1.SP', ({ consequence, id, value, limit, otherwise }) => said.push([consequence, id, value, limit, otherwise]))
  await Promise.resolve()
  await Promise.resolve()
  const { limit: _, ...measured } = consequence('OV2.Z1.SP')
  tell({ ...measured, kind: 'process', id: 'OV2.Z1.PV', otherwise: 181.000000042 })
  assert.deepEqual(said, [['process', 'OV2.Z1.PV', 205.1235, undefined, 181]])
  watch.close()
})

test('the plant is let go half an hour after the last write, and the oldest first when many write', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const { view, released } = watched()
  const watch = openConsequences({ open: () => Promise.resolve(view), log: assert.fail })
  watch.wrote('paint', 'a', 'OV2.Z1.SP', () => {})
  context.mock.timers.tick(30 * 60_000)
  watch.wrote('paint', 'a', 'OV2.Z1.SP', () => {})
  context.mock.timers.tick(30 * 60_000)
  await Promise.resolve()
  assert.equal(released(), 0)
  context.mock.timers.tick(60_001)
  await Promise.resolve()
  await Promise.resolve()
  assert.equal(released(), 1)
  for (let i = 0; i < 257; i++) watch.wrote('paint', `adversary ${i}`, 'OV2.Z1.SP', () => {})
  await Promise.resolve()
  await Promise.resolve()
  assert.equal(released(), 2)
  watch.close()
})
