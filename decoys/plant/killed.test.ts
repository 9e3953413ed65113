import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bed, openBed, templateOf, tuesday } from './plant-fixture.ts'

const engineer = { access: 'engineer', note: 'test' } as const
const operator = { access: 'operator', note: 'test' } as const
const paint = templateOf('paint-line')

/** A host that is begun from what another has kept at this very moment, as after kill -9: nothing of it was closed. */
const killed = (bed: Bed, kept = bed.store): Bed => {
  const next = openBed(paint, { kept })
  next.now = bed.now
  return next
}

test('every act is kept before it is answered: after a kill at any moment the curve is the same to the last digit', async () => {
  const bed = openBed(paint)
  const view = await bed.plants.open('paint-line', 'a')
  const acts = [
    () => view.write('OV2.HH', 150, engineer).accepted,
    () => view.write('OV2.Z2.SP', 240, operator).accepted,
    () => view.acknowledge('OV2.Z2.HH'),
    () => (view.setMode('OV1', 'stop'), view.mode('OV1') === 'stop'),
    () => view.write('OV2.Burner.Cmd', 0, operator).accepted,
    () => (view.setMode('OV1', 'run'), view.mode('OV1') === 'run'),
  ]
  const crashed: Bed[] = []
  for (const act of acts) {
    assert.ok(act())
    bed.plants.flush()
    crashed.push(killed(bed))
    bed.pass(view, 20)
  }
  const last = crashed.at(-1)!
  last.now = bed.now
  const again = await last.plants.open('paint-line', 'a')
  assert.equal(again.branched, true)
  for (const { id } of view.tags()) assert.equal(again.snapshot.value(id), view.snapshot.value(id), id)
  assert.deepEqual(again.alarms(), view.alarms())
  const from = bed.now - 100_000
  assert.deepEqual(again.history('OV2.Z2.PV', from, bed.now, 100), view.history('OV2.Z2.PV', from, bed.now, 100))
  // Killed earlier, it holds what was answered until then and nothing later.
  const first = await crashed[0]!.plants.open('paint-line', 'a')
  assert.deepEqual([first.snapshot.value('OV2.HH'), first.snapshot.value('OV2.Z2.SP') === 240], [150, false])
  const second = await crashed[1]!.plants.open('paint-line', 'a')
  assert.deepEqual([second.snapshot.value('OV2.HH'), second.snapshot.value('OV2.Z2.SP')], [150, 240])
  for (const one of [bed, ...crashed]) await one.plants.close()
})

test('what is kept for it is small, however much is written, and nothing of a branch that is dropped', async () => {
  const bed = openBed(paint, { maxBranches: 2 })
  const view = await bed.plants.open('paint-line', 'a')
  view.write('OV2.Z2.SP', 190, operator)
  bed.pass(view, 300)
  for (let i = 0; i < 1000; i++) {
    view.write('OV2.Z2.SP', 150 + (i % 50), operator)
    if (i % 7 === 0) bed.plants.flush()
    assert.ok((bed.store.get('paint-line/.acts')?.length ?? 0) < 16_384)
  }
  bed.plants.flush()
  for (const other of ['b', 'c']) {
    bed.now += 1000
    const next = await bed.plants.open('paint-line', other)
    next.write('OV2.Z2.SP', 160, operator)
    next.write('OV2.Z2.SP', 161, operator)
    bed.plants.flush()
  }
  assert.equal(bed.store.has('paint-line/a'), false)
  assert.doesNotMatch(new TextDecoder().decode(bed.store.get('paint-line/.acts')), /"a"/)
  const after = killed(bed)
  assert.equal((await after.plants.open('paint-line', 'a')).branched, false)
  assert.equal((await after.plants.open('paint-line', 'c')).snapshot.value('OV2.Z2.SP'), 161)
  await bed.plants.close()
  await after.plants.close()
})

test('acts of another plant, and bytes that are none, are passed over', async () => {
  const bed = openBed(paint)
  const view = await bed.plants.open('paint-line', 'a')
  view.write('OV2.HH', 150, engineer)
  bed.plants.flush()
  const odd = [
    new Uint8Array(40).fill(7),
    new TextEncoder().encode('{"format":"shenlou-acts-1","fingerprint":1,"branches":[["a",0,[]]]}'),
    new TextEncoder().encode('{"branches":7}'),
  ]
  for (const bytes of odd) {
    const other = killed(bed, new Map([...bed.store, ['paint-line/.acts', bytes]]))
    assert.equal((await other.plants.open('paint-line', 'a')).snapshot.value('OV2.HH'), 150)
    await other.plants.close()
  }
  await assert.rejects(bed.plants.open('paint-line', '.acts'), /is no name of an adversary/)
  await bed.plants.close()
})

test('a plant that began from its calendar is saved as soon as it runs: counters do not go back after a kill in another hour', async () => {
  const bed = openBed(paint, { cold: true, at: tuesday + 59 * 60_000 })
  const view = await bed.plants.open('paint-line', 'a')
  const after = openBed(paint, { cold: true, at: tuesday + 61 * 60_000, kept: bed.store })
  bed.now += 120_000
  const again = await after.plants.open('paint-line', 'a')
  for (const begin = Date.now(); view.snapshot.at < again.snapshot.at; await new Promise((done) => setTimeout(done, 5))) assert.ok(Date.now() - begin < 10_000)
  for (const { id } of view.tags()) assert.equal(again.snapshot.value(id), view.snapshot.value(id), id)
  await bed.plants.close()
  await after.plants.close()
})
