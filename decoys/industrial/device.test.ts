import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { plantTemplate } from '@shenlou/contract/plant'
import { pictureTags } from '@shenlou/contract/plant-symbols'
import { readTemplate } from '../plant/plant-fixture.ts'
import type { PlantTag, PlantView } from '../plant/plant.ts'
import { serveDecoy, type TestDecoy } from '../test-harness.ts'
import { rawClient } from './client-fixture.ts'
import { modbus } from './modbus/modbus.ts'
import { testDevice, testPlant } from './plant-fixture.ts'

type Sampled = { values: Record<string, number>; alarms?: { id: string; tag: string; priority: number }[]; bad?: string[]; omitted?: number }

async function sampled(decoy: TestDecoy): Promise<Sampled> {
  for (const end = Date.now() + 5000; ; await wait(10)) {
    const [first] = decoy.of('plant.sampled')
    if (first) return first as Sampled
    assert.ok(Date.now() < end, 'never sampled')
  }
}

/** What a session that reads the setpoint is given of this plant. */
async function sampleOf(plant: PlantView): Promise<Sampled> {
  const decoy = await serveDecoy(modbus, testDevice(), {}, { plant, units: { oven: 'OV2' } })
  const client = await rawClient(decoy.port)
  try {
    await client.ask('0001 0000 0006 01 03 0000 0001')
    return await sampled(decoy)
  } finally {
    client.close()
    await decoy.close()
  }
}

test('a sample has the tags of the picture and those that were asked for, and says how many it has not', async () => {
  const template = plantTemplate.parse(readTemplate('paint-line'))
  const small = testPlant()
  const drawn = pictureTags(template.equipment.oven!.picture!).map((tag) => `OV2.${tag}`)
  const like = small.tags()[0] as PlantTag
  // The tag that is read comes last, behind more than a sample holds; those of the picture right before it.
  const fill = Array.from({ length: 300 }, (_, i) => `OV2.Spare${i}`)
  const ids = [...fill, ...drawn.filter((id) => id !== 'OV2.Z1.SP'), 'OV2.Z1.SP']
  const { picture: _, ...undrawn } = template.equipment.oven!
  for (const [equipment, first] of [
    [template.equipment, drawn],
    [{ oven: undrawn }, ['OV2.Z1.SP']],
  ] as const) {
    const plant: PlantView = {
      ...small,
      template: { ...template, equipment },
      tags: () => ids.map((id) => ({ ...like, id })),
      snapshot: { at: 0, step: 0, value: (id) => ids.indexOf(id), good: () => true },
    }
    const { values, omitted } = await sampleOf(plant)
    assert.deepEqual(
      first.filter((id) => values[id] === undefined),
      [],
    )
    assert.equal(values['OV2.Z1.SP'], ids.length - 1)
    assert.ok(Object.keys(values).length < ids.length)
    assert.equal(omitted, ids.length - Object.keys(values).length)
  }
})

test('a sample says which alarms stand and which sensors are broken, and makes up no value that the plant has not', async () => {
  const small = testPlant()
  const alarm = { title: { zh: '', en: '' }, since: 0, value: 0, limit: 0, tag: 'OV2.Z1.PV' }
  const { values, alarms, bad, omitted } = await sampleOf({
    ...small,
    alarms: () => [
      { ...alarm, id: 'OV2.LOW', priority: 3, state: 'acknowledged' },
      { ...alarm, id: 'OV2.HIGH', priority: 1, state: 'unacknowledged' },
      { ...alarm, id: 'OV2.GONE', priority: 1, state: 'returned' },
      { ...alarm, id: 'OV9.OTHER', priority: 1, state: 'unacknowledged' },
    ],
    snapshot: { ...small.snapshot, value: (id) => (id === 'OV2.TripLim' ? Number.NaN : small.snapshot.value(id)), good: (id) => id !== 'OV2.Z1.PV' },
  })
  assert.deepEqual(alarms, [
    { id: 'OV2.HIGH', tag: 'OV2.Z1.PV', priority: 1 },
    { id: 'OV2.LOW', tag: 'OV2.Z1.PV', priority: 3 },
  ])
  assert.deepEqual(bad, ['OV2.Z1.PV'])
  assert.deepEqual(Object.keys(values), ['OV2.Z1.PV', 'OV2.Z1.SP', 'OV2.Burner.Cmd'])
  assert.equal(omitted, 1)
})
