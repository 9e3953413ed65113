import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Consequence, PlantView } from './plant.ts'
import { openBed, templateOf, tuesday } from './plant-fixture.ts'

const engineer = { access: 'engineer', note: 'test' } as const
const operator = { access: 'operator', note: 'test' } as const
const paint = templateOf('paint-line')
const field = templateOf('test-field')
/** 23:30 on a Sunday, which is not worked: the ovens are cold and stay so. */
const sunday = Date.UTC(2026, 9, 18, 15, 30)

const listen = (view: PlantView): Consequence[] => {
  const told: Consequence[] = []
  view.onConsequence((one) => void (one.kind === 'process' || one.otherwise !== undefined ? told.push(one) : undefined))
  return told
}

test('a setpoint written to a cold oven whose burner is off changes no process', async () => {
  const bed = openBed(paint, { at: sunday })
  const view = await bed.plants.open('paint-line', 'a')
  const told = listen(view)
  assert.equal(view.snapshot.value('OV2.Burner.Run'), 0)
  const before = view.snapshot.value('OV2.Z1.SP')
  assert.ok(view.write('OV2.Z1.SP', before + 60, operator).accepted)
  assert.ok(view.write('OV2.HH', 240, engineer).accepted)
  bed.pass(view, 900)
  assert.equal(view.snapshot.value('OV2.Z1.SP'), before + 60)
  assert.deepEqual(told, [])
  await bed.plants.close()
})

test('a running oven that follows the setpoint leaves the undisturbed one: said once, put down to the setpoint and not to a limit written after it', async () => {
  const bed = openBed(paint)
  const other = await bed.plants.open('paint-line', 'b')
  const view = await bed.plants.open('paint-line', 'a')
  const told = listen(view)
  const before = view.snapshot.value('OV2.Z1.SP')
  view.write('OV2.Z1.SP', before + 15, operator)
  view.write('OV2.HH', 260, engineer)
  const zone = () => told.filter(({ tag }) => tag === 'OV2.Z1.PV')
  bed.pass(view, 2)
  assert.deepEqual(zone(), [])
  let undisturbed = 0
  assert.ok(
    bed.pass(view, 600, () => {
      undisturbed = other.snapshot.value('OV2.Z1.PV')
      return zone().length > 0
    }),
  )
  const [first] = zone()
  assert.deepEqual([first?.kind, first?.id, first?.after], ['process', 'OV2.Z1.PV', { tag: 'OV2.Z1.SP', value: before + 15, at: tuesday }])
  assert.equal(first?.otherwise, undisturbed)
  assert.ok(first!.value - undisturbed > 3.5, `${first!.value} beside ${undisturbed}`)
  bed.pass(view, 300)
  assert.equal(zone().length, 1)
  assert.deepEqual(
    told.filter(({ tag }) => !tag.startsWith('OV2.')),
    [],
  )
  // Put back, it comes to where it would have been, and that is said once it stays there.
  view.write('OV2.Z1.SP', before, operator)
  assert.ok(bed.pass(view, 1500, () => zone().some(({ kind }) => kind === 'recovered')))
  assert.ok(Math.abs(zone().at(-1)!.value - zone().at(-1)!.otherwise!) <= 1.75)
  await bed.plants.close()
})

test('a pump that is switched off is said at once, its pressure when it has been gone for seconds', async () => {
  const bed = openBed(field)
  const view = await bed.plants.open('test-field', 'a')
  const told = listen(view)
  assert.ok(bed.pass(view, 3600, () => view.snapshot.value('HB1.Pump.Run') === 1 && view.snapshot.value('HB1.P.PV') > 60))
  const at = bed.now
  assert.ok(view.write('HB1.Pump.Cmd', 0, operator).accepted)
  const stopped = () => told.find(({ tag }) => tag === 'HB1.Pump.Run')
  assert.ok(bed.pass(view, 60, () => view.snapshot.value('HB1.Pump.Run') === 0))
  const stood = bed.now
  assert.ok(bed.pass(view, 2, () => stopped() !== undefined) || stopped())
  assert.ok(stopped()!.at - stood <= 1000, `${stopped()!.at - stood} ms`)
  assert.deepEqual([stopped()?.value, stopped()?.otherwise, stopped()?.after], [0, 1, { tag: 'HB1.Pump.Cmd', value: 0, at }])
  bed.pass(view, 60)
  const pressure = told.find(({ tag }) => tag === 'HB1.P.PV')
  assert.ok(pressure && pressure.at - at >= 5000 && pressure.value < pressure.otherwise!)
  await bed.plants.close()
})

test('a plant whose adversary wrote limits alone stays the undisturbed one to the digit, and nobody is told anything', async () => {
  const bed = openBed(field)
  const view = await bed.plants.open('test-field', 'a')
  const other = await bed.plants.open('test-field', 'b')
  const told = listen(view)
  const limits = view.tags().filter(({ role, access, type, class: kind }) => kind === 'LIM' && type === 'real' && role !== undefined && access !== 'read')
  assert.ok(limits.length > 0)
  for (const { id, range } of limits) view.write(id, range[1], engineer)
  assert.equal(view.branched, true)
  bed.pass(view, 300)
  for (const { id, class: kind } of view.tags()) if (kind === 'PV') assert.equal(view.snapshot.value(id), other.snapshot.value(id), id)
  assert.deepEqual(told, [])
  await bed.plants.close()
})
