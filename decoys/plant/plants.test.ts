import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layOut } from './layout.ts'
import { openBed, seedOf, templateOf, tuesday } from './plant-fixture.ts'

const engineer = { access: 'engineer', note: 'test' } as const
const operator = { access: 'operator', note: 'test' } as const
const paint = templateOf('paint-line')
const field = templateOf('test-field')
const quiet = { ...paint, equipment: { oven: { ...paint.equipment.oven!, events: [], trims: {}, recipes: paint.equipment.oven!.recipes.slice(0, 1) } } }

test('a restart goes on with the curve of the plant and of the branch', async () => {
  const bed = openBed(paint)
  const other = openBed(paint)
  const views = [await bed.plants.open('paint-line', 'a'), await other.plants.open('paint-line', 'a')]
  for (const view of views) view.write('OV2.Z2.SP', 200, operator)
  bed.pass(views[0]!, 60)
  other.pass(views[1]!, 60)
  await bed.restart()
  for (const one of [bed, other]) one.now += 3 * 3_600_000
  const again = await bed.plants.open('paint-line', 'a')
  const fresh = await bed.plants.open('paint-line', 'b')
  assert.equal(again.branched, true)
  assert.equal(again.snapshot.value('OV2.Z2.SP'), 200)
  const [still, untouched] = [await other.plants.open('paint-line', 'a'), await other.plants.open('paint-line', 'b')]
  for (const { id } of again.tags()) {
    assert.equal(again.snapshot.value(id), still.snapshot.value(id), id)
    assert.equal(fresh.snapshot.value(id), untouched.snapshot.value(id), id)
  }
  const trend = again.history('OV2.Z2.PV', bed.now - 4 * 3_600_000, bed.now, 241)
  assert.equal(trend.length, 241)
  await bed.plants.close()
  await other.plants.close()
})

test('a write is saved before the second is over, so that a crash does not undo it', async () => {
  const bed = openBed(paint)
  const view = await bed.plants.open('paint-line', 'a')
  view.write('OV2.Z2.SP', 199, operator)
  for (const begin = Date.now(); !bed.store.has('paint-line/a'); await new Promise((done) => setTimeout(done, 20))) assert.ok(Date.now() - begin < 5000)
  const crashed = openBed(paint)
  for (const [key, bytes] of bed.store) crashed.store.set(key, bytes)
  assert.equal((await crashed.plants.open('paint-line', 'a')).snapshot.value('OV2.Z2.SP'), 199)
  await bed.plants.close()
  await crashed.plants.close()
})

test('after days away the plant begins 24 h back and counters do not go back; a branch keeps what was written', async () => {
  const bed = openBed(paint)
  const view = await bed.plants.open('paint-line', 'a')
  view.write('OV2.HH', 150, engineer)
  const parts = view.snapshot.value('OV1.Parts')
  await bed.plants.close()
  bed.now += 5 * 86_400_000
  await bed.restart()
  const again = await bed.plants.open('paint-line', 'a')
  assert.equal(again.snapshot.at, bed.now)
  assert.equal(again.snapshot.value('OV2.HH'), 150)
  assert.ok((await bed.plants.open('paint-line', 'b')).snapshot.value('OV1.Parts') >= parts)
  await bed.plants.close()
})

test('what does not fit is not loaded: cut bytes, another seed, another template; and it is said', async () => {
  const bed = openBed(paint)
  const view = await bed.plants.open('paint-line', 'a')
  view.write('OV2.Z2.SP', 199, operator)
  await bed.plants.close()
  for (const spoil of [
    (bytes: Uint8Array) => bytes.slice(0, 900),
    (bytes: Uint8Array) => bytes.map((byte, i) => (i > 40 && i < 60 ? 0x7b : byte)),
    () => new Uint8Array(64).fill(255),
  ]) {
    const other = openBed(paint)
    for (const [key, bytes] of bed.store) other.store.set(key, spoil(bytes))
    const opened = await other.plants.open('paint-line', 'a')
    assert.equal(opened.branched, false)
    assert.ok(other.lines.some((line) => /does not fit/.test(line)))
    await other.plants.close()
  }
  const otherSeed = openBed(paint, { seed: 8 })
  for (const [key, bytes] of bed.store) otherSeed.store.set(key, bytes)
  assert.equal((await otherSeed.plants.open('paint-line', 'a')).branched, false)
  await otherSeed.plants.close()
})

test('two hosts with one seed show the same plant, whenever they were started; another seed shows another', async () => {
  const early = openBed(paint, { at: tuesday - 7 * 3_600_000, cold: true })
  const late = openBed(paint, { cold: true })
  const different = openBed(paint, { seed: 9 })
  const first = await early.plants.open('paint-line', 'a')
  early.now = tuesday
  await new Promise((done) => setTimeout(done, 0))
  const again = await early.plants.open('paint-line', 'b')
  for (const begin = Date.now(); again.snapshot.at < tuesday; await new Promise((done) => setTimeout(done, 20))) assert.ok(Date.now() - begin < 10_000)
  const second = await late.plants.open('paint-line', 'a')
  for (const tag of ['OV1.Z1.PV', 'OV2.Z2.PV', 'OV2.Conv.PV', 'OV2.LEL', 'OV1.Gas']) {
    const span = first.tag(tag)!.range[1]
    assert.ok(
      Math.abs(first.snapshot.value(tag) - second.snapshot.value(tag)) < span * 0.002,
      `${tag}: ${first.snapshot.value(tag)} and ${second.snapshot.value(tag)}`,
    )
  }
  const third = await different.plants.open('paint-line', 'a')
  const apart = ['OV1.Z1.PV', 'OV2.Z2.PV', 'OV2.Conv.PV', 'OV2.LEL', 'OV1.Gas'].filter(
    (tag) => Math.abs(first.snapshot.value(tag) - third.snapshot.value(tag)) > 0.05,
  )
  assert.ok(apart.length >= 3, apart.join(', '))
  for (const bed of [early, late, different]) await bed.plants.close()
})

test('the oldest branch gives way to one too many, and it is said', async () => {
  const bed = openBed(field, { maxBranches: 3 })
  const views = []
  for (let i = 0; i < 5; i++) {
    const view = await bed.plants.open('test-field', `a${i}`)
    bed.now += 1000
    view.write('HB1.P.SP', 100 + i, operator)
    view.release()
    views.push(view)
  }
  assert.deepEqual(
    views.map(({ branched }) => branched),
    [false, false, true, true, true],
  )
  assert.equal(bed.lines.filter((line) => /is dropped: 3 are kept/.test(line)).length, 2)
  assert.match(bed.lines[0] ?? '', /the branch of a0,/)
  await bed.restart()
  const back = await bed.plants.open('test-field', 'a4')
  assert.equal(back.snapshot.value('HB1.P.SP'), 104)
  assert.equal((await bed.plants.open('test-field', 'a0')).branched, false)
  const another = await bed.plants.open('test-field', 'a9')
  another.write('HB1.P.SP', 109, operator)
  assert.equal(bed.store.has('test-field/a2'), false)
  await bed.plants.close()
})

test('catching up never holds the loop for long', async () => {
  const bed = openBed(field, { cold: true })
  let longest = 0
  let last = performance.now()
  const beat = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 1)
    last = performance.now()
  }, 1)
  const spent = process.cpuUsage()
  await bed.plants.open('test-field', 'a')
  clearInterval(beat)
  const used = process.cpuUsage(spent)
  assert.ok(used.user > 200_000, 'nothing was caught up')
  // On shared cores somebody else may hold the processor; a plant caught up in one go would hold it for seconds.
  assert.ok(longest < 120, `${longest} ms`)
  await bed.plants.close()
})

test('history goes from the second to the month, and a branch keeps what it did', async () => {
  const bed = openBed(quiet)
  const view = await bed.plants.open('paint-line', 'a')
  const day = view.history('OV2.Z2.PV', bed.now - 86_400_000, bed.now, 100_000)
  assert.equal(day.length, 2000)
  assert.ok(day.every(({ at, value }, i) => value >= 0 && value <= 350 && (i === 0 || at >= day[i - 1]!.at)))
  assert.ok(Math.min(...day.map(({ value }) => value)) < 60 && Math.max(...day.map(({ value }) => value)) > 170)
  assert.deepEqual(view.history('OV2.Trip', bed.now - 1000, bed.now, 5), [])
  assert.deepEqual(view.history('OV2.Z2.PV', bed.now, bed.now - 5, 5), [])
  for (
    const begin = Date.now();
    view.history('OV2.Z2.PV', bed.now - 60 * 86_400_000, bed.now, 600).length < 600;
    await new Promise((done) => setTimeout(done, 50))
  )
    assert.ok(Date.now() - begin < 60_000)
  const month = view.history('OV2.Z2.PV', bed.now - 30 * 86_400_000, bed.now, 720)
  assert.ok(month.filter(({ value }) => value < 60).length > 150, 'nights and holidays are cold')
  assert.ok(month.filter(({ value }) => value > 170).length > 150, 'shifts are hot')
  assert.deepEqual(view.history('OV2.Z2.PV', bed.now - 30 * 86_400_000, bed.now, 720), month)
  view.write('OV2.Z2.SP', 100, operator)
  bed.pass(view, 1500)
  const [first, ...rest] = view.history('OV2.Z2.PV', bed.now - 1500_000, bed.now, 50)
  assert.ok(first!.value > 170 && rest.at(-1)!.value < 120)
  await bed.plants.close()
})

test("a controller's clock drifts by a second or two a day and is set now and then", () => {
  const { units } = layOut(paint, seedOf(3))
  for (const { clock } of units) {
    assert.ok(Math.abs(clock.perDay) >= 800 && Math.abs(clock.perDay) <= 2100)
    assert.ok(clock.every >= 7 * 86_400_000)
  }
})

test('a store that fails is said, and the plant goes on', async () => {
  const bed = openBed(field, {
    load: async (_plant, adversary) => {
      if (adversary === '' || adversary === 'b') throw new Error('disk on fire')
      return undefined
    },
    save: () => {
      throw new Error('disk full')
    },
  })
  const view = await bed.plants.open('test-field', 'a')
  assert.ok(view.write('HB1.P.SP', 100, operator).accepted)
  await assert.rejects(bed.plants.open('test-field', 'b'), /disk on fire/)
  bed.pass(view, 10)
  assert.equal(view.snapshot.value('HB1.P.SP'), 100)
  await bed.plants.close()
  assert.ok(bed.lines.some((line) => /cannot be read \(disk on fire\)/.test(line)))
  assert.ok(bed.lines.some((line) => /disk full/.test(line)))
})
