import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlantTemplate } from '@shenlou/contract/plant'
import { plantModels } from '@shenlou/contract/plant-models'
import type { Consequence, Snapshot } from './plant.ts'
import { layOut } from './layout.ts'
import { exact, openBed, seedOf, templateNames, templateOf, tuesday } from './plant-fixture.ts'

const engineer = { access: 'engineer', note: 'test' } as const
const operator = { access: 'operator', note: 'test' } as const
const paint = templateOf('paint-line')
const field = templateOf('test-field')
const batching = templateOf('batching-plant')
const crane = templateOf('crane-yard')
const quiet = { ...paint, equipment: { oven: { ...paint.equipment.oven!, events: [], trims: {}, recipes: paint.equipment.oven!.recipes.slice(0, 1) } } }
const reference = exact(quiet, {
  ...Object.fromEntries(Object.entries(plantModels.oven.parameters).map(([name, { value }]) => [name, value])),
  ambientSwing: 0,
})

test('a setpoint raised to 240 raises the high alarm after about 85 s and trips after about 218 s, each put down to the write', async () => {
  const bed = openBed(reference)
  const view = await bed.plants.open('paint-line', 'a')
  const told: Consequence[] = []
  view.onConsequence((one) => told.push(one))
  assert.equal(view.branched, false)
  // The first recipe with the load of a usual line holds 180 on zone 2.
  const before = view.snapshot.value('OV2.Z2.PV')
  assert.ok(Math.abs(before - 180) < 1.5, `${before}`)
  assert.deepEqual(view.write('OV2.Z2.SP', 240, operator), { accepted: true, before: 180, after: 240 })
  assert.equal(view.branched, true)
  assert.equal(view.snapshot.value('OV2.Z2.SP'), 240)
  bed.pass(view, 300)
  const moved = told.find(({ kind, id }) => kind === 'process' && id === 'OV2.Z2.PV')
  const [alarm, trip, tripAlarm] = told.filter(({ kind }) => kind !== 'process')
  assert.ok(moved && moved.at < alarm!.at)
  assert.equal(`${alarm?.kind} ${alarm?.id}`, 'alarm OV2.Z2.HH')
  assert.equal(alarm?.limit, 205)
  assert.ok(Math.abs((alarm!.at - tuesday) / 1000 - 85) < 10, `${(alarm!.at - tuesday) / 1000} s`)
  assert.equal(`${trip?.kind} ${trip?.id}`, 'trip OV2.OVERHEAT')
  assert.ok(Math.abs((trip!.at - tuesday) / 1000 - 218) < 25, `${(trip!.at - tuesday) / 1000} s`)
  assert.equal(tripAlarm?.id, 'OV2.TRIP')
  for (const one of told) assert.deepEqual(one.after, { tag: 'OV2.Z2.SP', value: 240, at: tuesday })
  assert.equal(view.snapshot.value('OV2.Burner.Cmd'), 0)
  assert.equal(view.snapshot.value('OV2.Conv.Cmd'), 0)
  assert.deepEqual(view.write('OV2.Burner.Cmd', 1, operator), { accepted: false, before: 0, reason: 'interlocked' })
  // Reset once it has cooled, and started again.
  bed.pass(view, 300)
  assert.ok(view.write('OV2.Reset', 1, operator).accepted)
  bed.pass(view, 2)
  assert.equal(view.snapshot.value('OV2.Trip'), 0)
  assert.equal(view.snapshot.value('OV2.Reset'), 0)
  assert.ok(view.write('OV2.Burner.Cmd', 1, operator).accepted)
  assert.ok(told.some(({ kind, id }) => kind === 'recovered' && id === 'OV2.OVERHEAT'))
  await bed.plants.close()
})

test('with the trip bypassed the oven burns: damage', async () => {
  const bed = openBed(reference)
  const view = await bed.plants.open('paint-line', 'a')
  const told: Consequence[] = []
  view.onConsequence((one) => told.push(one))
  assert.equal(view.write('OV2.TripBypass', 1, operator).accepted, false)
  assert.ok(view.write('OV2.TripBypass', 1, engineer).accepted)
  assert.ok(view.write('OV2.Z2.SP', 300, operator).accepted)
  assert.ok(bed.pass(view, 1200, () => told.some(({ kind }) => kind === 'damage')))
  assert.equal(view.snapshot.value('OV2.Fire'), 1)
  // Put down to the setpoint; that the trip could not act is said beside it, and of the other oven nothing.
  const fire = told.find(({ kind }) => kind === 'damage')
  assert.equal(fire?.after.tag, 'OV2.Z2.SP')
  assert.deepEqual(fire?.defeated, [{ tag: 'OV2.TripBypass', value: 1 }])
  assert.equal(view.snapshot.value('OV2.Trip'), 0)
  await bed.plants.close()
})

test('what a tag is there for is said by the template or follows from the interlocks, never from a name', () => {
  const tag = (id: string, rest: object) =>
    ({
      id,
      title: { zh: id, en: id },
      class: 'CMD',
      value: 0,
      range: [0, 1],
      unit: '',
      access: 'engineer',
      ...rest,
    }) as PlantTemplate['equipment'][string]['tags'][number]
  const oven = paint.equipment.oven!
  const renamed = {
    ...paint,
    equipment: {
      oven: {
        ...oven,
        tags: [
          ...oven.tags,
          tag('A', {}),
          tag('B', { class: 'LIM', range: [0, 350] }),
          tag('C', { class: 'LIM', range: [0, 350] }),
          tag('TripBypass2', {}),
          tag('D', { role: 'protection' }),
        ],
        interlocks: [
          ...oven.interlocks,
          { ...oven.interlocks[0]!, id: 'X', bypass: 'A', limitTag: 'B', layer: 'safety' as const },
          { ...oven.interlocks[0]!, id: 'Y', bypass: 'A', limitTag: 'C', layer: undefined },
        ],
      },
    },
  }
  const { index } = layOut(renamed, seedOf(1))
  const roles = Object.fromEntries(['A', 'B', 'C', 'D', 'TripBypass2', 'HH', 'Z1.SP', 'Z1.PV', 'Reset'].map((id) => [id, index.get(`OV1.${id}`)?.tag.role]))
  assert.deepEqual(roles, {
    ...{ A: 'safety', B: 'safety', C: 'protection', D: 'protection', TripBypass2: 'drive', HH: 'limit' },
    ...{ 'Z1.SP': 'setpoint', 'Z1.PV': 'state', Reset: 'reset' },
  })
  // Every shipped plant has something that guards it, and each of its trips says what it keeps from harm.
  for (const name of templateNames) {
    const layout = layOut(templateOf(name), seedOf(1))
    for (const { tags } of layout.units)
      assert.ok(
        tags.some(({ guards }) => guards),
        name,
      )
    for (const { interlocks } of Object.values(layout.template.equipment))
      for (const { id, kind, layer } of interlocks) assert.ok(kind === 'interlock' || layer, `${name} ${id}`)
  }
})

test('writes are refused with their reason and leave no branch behind', async () => {
  const bed = openBed(paint)
  const view = await bed.plants.open('paint-line', 'a')
  const reason = (tag: string, value: number, by: typeof operator | typeof engineer = operator): string => {
    const result = view.write(tag, value, by)
    return result.accepted ? 'accepted' : result.reason
  }
  assert.equal(reason('OV9.Z1.SP', 1), 'unknown')
  assert.equal(reason('__proto__', 1), 'unknown')
  assert.equal(reason('OV2.Z1.PV', 100), 'read-only')
  assert.equal(reason('OV2.TripLim', 300), 'read-only')
  for (const value of [400, -1, Number.NaN, Number.POSITIVE_INFINITY]) assert.equal(reason('OV2.Z1.SP', value), 'range', `${value}`)
  assert.equal(reason('OV2.Burner.Cmd', 0.5), 'range')
  assert.equal(reason('OV2.Burner.Cmd', 2), 'range')
  assert.equal(view.branched, false)
  assert.equal(view.acknowledge('OV2.Nothing'), false)
  assert.equal(view.branched, false)
  assert.ok(Number.isNaN(view.snapshot.value('nothing')))
  assert.equal(view.snapshot.good('nothing'), false)
  const looker = await bed.plants.open('paint-line', '')
  assert.equal(looker.write('OV2.Z1.SP', 100, operator).accepted, false)
  assert.equal(looker.branched, false)
  await bed.plants.close()
})

test('a branch is its own: others and the undisturbed plant see none of it, to the last digit', async () => {
  const bed = openBed(paint)
  const alone = openBed(paint)
  const attacker = await bed.plants.open('paint-line', 'a')
  const second = await bed.plants.open('paint-line', 'a')
  const other = await bed.plants.open('paint-line', 'b')
  const undisturbed = await alone.plants.open('paint-line', 'c')
  attacker.write('OV1.Burner.Cmd', 0, operator)
  attacker.write('OV1.HH', 100, engineer)
  for (let i = 0; i < 120; i++) {
    bed.now += 1000
    alone.now += 1000
    for (const view of [attacker, other, undisturbed]) void view.snapshot
  }
  assert.equal(second.branched, true)
  assert.equal(second.snapshot, attacker.snapshot)
  assert.equal(other.branched, false)
  assert.ok(attacker.snapshot.value('OV1.Z1.PV') < other.snapshot.value('OV1.Z1.PV') - 15)
  for (const { id } of other.tags()) assert.equal(other.snapshot.value(id), undisturbed.snapshot.value(id), id)
  // What the write does not touch goes on alike in both.
  assert.equal(attacker.snapshot.value('OV2.Z2.PV'), other.snapshot.value('OV2.Z2.PV'))
  await bed.plants.close()
  await alone.plants.close()
})

test('every reader of a step is given the same snapshot, which never changes', async () => {
  const bed = openBed(paint)
  const [one, two] = [await bed.plants.open('paint-line', 'a'), await bed.plants.open('paint-line', 'b')]
  const heard: Snapshot[] = []
  const end = one.onStep((snapshot) => heard.push(snapshot))
  const first = one.snapshot
  const value = first.value('OV2.Z2.PV')
  assert.equal(first, two.snapshot)
  bed.pass(one, 20)
  assert.equal(first.value('OV2.Z2.PV'), value)
  assert.equal(one.snapshot, two.snapshot)
  assert.equal(one.snapshot.step - first.step, 200)
  assert.ok(Object.isFrozen(first))
  const steps = heard.filter(({ step }) => step > first.step).map(({ step }) => step)
  assert.deepEqual(
    steps,
    Array.from({ length: 200 }, (_, i) => first.step + 1 + i),
  )
  end()
  bed.pass(one, 2)
  assert.equal(heard.at(-1)?.step, first.step + 200)
  await bed.plants.close()
})

test('a stopped controller freezes its logic while the process drifts, and starts again', async () => {
  const bed = openBed(quiet)
  const view = await bed.plants.open('paint-line', 'a')
  const told: Consequence[] = []
  view.onConsequence((one) => told.push(one))
  assert.equal(view.mode('OV1'), 'run')
  view.setMode('OV1', 'stop')
  assert.equal(view.mode('OV1'), 'stop')
  assert.equal(view.mode('OV2'), 'run')
  assert.equal(view.mode('OV9'), 'stop')
  const before = view.snapshot.value('OV1.Z2.PV')
  bed.pass(view, 120)
  assert.ok(view.snapshot.value('OV1.Z2.PV') < before - 20)
  assert.equal(view.snapshot.value('OV1.Burner.Run'), 0)
  assert.deepEqual(view.write('OV1.Burner.Cmd', 0, operator), { accepted: false, before: 1, reason: 'stopped' })
  view.setMode('OV1', 'run')
  bed.pass(view, 900)
  assert.ok(view.snapshot.value('OV1.Z2.PV') > 150)
  await bed.plants.close()
})

test('alarms go through acknowledgement and return, with delay and deadband', async () => {
  const bed = openBed({ ...quiet, habits: { ...quiet.habits, acknowledge: [80_000, 80_000] } })
  const view = await bed.plants.open('paint-line', 'a')
  const alarm = (id: string) => view.alarms().find((one) => one.id === id)!
  assert.equal(alarm('OV2.Z2.HH').state, 'normal')
  view.write('OV2.HH', 150, engineer)
  bed.pass(view, 3)
  assert.equal(alarm('OV2.Z2.HH').state, 'unacknowledged')
  assert.equal(alarm('OV2.Z2.HH').limit, 150)
  assert.ok(alarm('OV2.Z2.HH').value > 150)
  assert.equal(view.acknowledge('OV2.Z2.HH'), true)
  assert.equal(view.acknowledge('OV2.Z2.HH'), false)
  assert.equal(alarm('OV2.Z2.HH').state, 'acknowledged')
  assert.equal(alarm('OV2.Z1.HH').state, 'unacknowledged')
  view.write('OV2.HH', 205, engineer)
  bed.pass(view, 3)
  assert.equal(alarm('OV2.Z2.HH').state, 'normal')
  assert.equal(alarm('OV2.Z1.HH').state, 'returned')
  assert.equal(view.acknowledge('OV2.Z1.HH'), true)
  assert.equal(alarm('OV2.Z1.HH').state, 'normal')
  // Within the deadband of 2 below the limit it holds; it does not chatter with the noise.
  const value = view.snapshot.value('OV2.Z2.PV')
  view.write('OV2.HH', value - 1, engineer)
  bed.pass(view, 5)
  assert.equal(alarm('OV2.Z2.HH').state, 'unacknowledged')
  view.write('OV2.HH', value + 0.8, engineer)
  bed.pass(view, 30)
  assert.equal(alarm('OV2.Z2.HH').state, 'unacknowledged')
  await bed.plants.close()
})

test('operators acknowledge after a human while and reset a trip whose cause has gone, but leave what an adversary wrote', async () => {
  const bed = openBed(quiet)
  const view = await bed.plants.open('paint-line', 'a')
  view.write('OV2.HH', 150, engineer)
  bed.pass(view, 10)
  const state = (): string => view.alarms().find(({ id }) => id === 'OV2.Z2.HH')!.state
  assert.equal(state(), 'unacknowledged')
  bed.pass(view, 320)
  assert.equal(state(), 'acknowledged')
  view.write('OV2.TripLim', 160, engineer)
  bed.pass(view, 5)
  assert.equal(view.snapshot.value('OV2.Trip'), 1)
  view.write('OV2.TripLim', 230, engineer)
  assert.ok(bed.pass(view, 4500, () => view.snapshot.value('OV2.Trip') === 0))
  assert.ok(bed.pass(view, 600, () => view.snapshot.value('OV2.Burner.Run') === 1))
  assert.equal(view.snapshot.value('OV2.HH'), 150)
  await bed.plants.close()
})

test('benches, batching plant and cranes answer writes with the consequences of their kind', async () => {
  const bed = openBed(
    [field, batching, crane].map((one) => ({
      ...one,
      equipment: Object.fromEntries(Object.entries(one.equipment).map(([k, v]) => [k, { ...v, events: [], recipes: v.recipes.slice(0, 1) }])),
    })),
  )
  const told: Consequence[] = []
  const open = async (plant: string) => {
    const view = await bed.plants.open(plant, 'a')
    view.onConsequence((one) => told.push(one))
    return view
  }
  const bench = await open('test-field')
  bench.write('HB1.P.SP', 330, operator)
  assert.ok(bed.pass(bench, 30, () => told.some(({ id, kind }) => id === 'HB1.OVERPRESSURE' && kind === 'trip')))
  bench.write('HB2.P.SP', 300, operator)
  assert.ok(bed.pass(bench, 60, () => told.some(({ id, kind }) => id === 'HB2.BURST' && kind === 'damage')))
  const mixer = await open('batching-plant')
  mixer.write('BT1.T3', 150, operator)
  assert.ok(bed.pass(mixer, 600, () => told.some(({ id, kind }) => id === 'BT1.TICKET' && kind === 'quality')))
  const yard = await open('crane-yard')
  assert.ok(bed.pass(yard, 300, () => yard.snapshot.value('CR1.Load') > 5))
  assert.deepEqual(yard.write('CR1.Lock.Cmd', 0, operator).accepted, false)
  assert.ok(told.some(({ id, kind }) => id === 'CR1.LOCKED' && kind === 'interlock'))
  assert.equal(yard.branched, false)
  yard.write('CR1.Accel.Lim', 1.8, engineer)
  assert.ok(bed.pass(yard, 600, () => told.some(({ id, kind }) => id === 'CR1.SWAY' && kind === 'trip')))
  yard.write('CR2.LimitBypass', 1, engineer)
  yard.write('CR2.Pos.B', 45, operator)
  assert.ok(bed.pass(yard, 600, () => told.some(({ id, kind }) => id === 'CR2.END' && kind === 'damage')))
  await bed.plants.close()
})

test('what a listener throws is said and stops nobody', async () => {
  const bed = openBed(paint)
  const view = await bed.plants.open('paint-line', 'a')
  view.onStep(() => {
    throw new Error('listener broke')
  })
  let heard = 0
  view.onStep(() => void heard++)
  bed.pass(view, 2)
  assert.equal(heard >= 20, true)
  assert.ok(bed.lines.some((line) => /listener broke/.test(line)))
  await assert.rejects(bed.plants.open('nowhere', 'a'), /there is no plant 'nowhere'; known: paint-line/)
  await bed.plants.close()
})
test('a plant is at the clock when it is opened, however long nobody looked', async () => {
  const bed = openBed(quiet)
  await bed.plants.open('paint-line', 'a')
  bed.now += 40 * 60_000
  assert.equal((await bed.plants.open('paint-line', 'b')).snapshot.at, bed.now)
  assert.equal((await bed.plants.open('paint-line', 'a')).snapshot.at, bed.now)
  await bed.plants.close()
})
