import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTemplate, templateNames } from '../decoys/plant/plant-fixture.ts'
import { plantTemplate } from './plant.ts'

// biome-ignore lint/suspicious/noExplicitAny: a template is broken on purpose in every way
type Loose = any

const broken = (name: string, change: (template: Loose) => void): string[] => {
  const template = structuredClone(readTemplate(name)) as Loose
  change(template)
  const result = plantTemplate.safeParse(template)
  assert.equal(result.success, false)
  return result.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
}

test('the shipped plants hold, with titles in both languages', () => {
  assert.deepEqual([...templateNames].sort(), ['batching-plant', 'crane-yard', 'paint-line', 'test-field', 'utilities'])
  for (const name of templateNames) {
    const template = plantTemplate.parse(readTemplate(name))
    assert.match(template.title.zh, /\p{Script=Han}/u)
    assert.ok(template.title.en.length > 0)
  }
})

test('a name that leads nowhere is said with the nearest that exists', () => {
  const oven = (template: Loose): Loose => template.equipment.oven
  assert.deepEqual(
    broken('paint-line', (template) => (oven(template).tags[0].point = 'z1.mesured')),
    ["equipment.oven.tags.0.point: the model has no point 'z1.mesured'; did you mean 'z1.measured'?"],
  )
  assert.deepEqual(
    broken('paint-line', (template) => (oven(template).alarms[0].tag = 'Z1.PW')),
    ["equipment.oven.alarms.0.tag: there is no tag 'Z1.PW' in this equipment; did you mean 'Z1.PV'?"],
  )
  assert.deepEqual(
    broken('paint-line', (template) => (template.units[0].parameters = { tao: 3 })),
    ["units.0.parameters.tao: the model has no parameter 'tao'; did you mean 'tau'?"],
  )
  assert.deepEqual(
    broken('paint-line', (template) => (template.units[1].equipment = 'kiln')),
    ["units.1.equipment: there is no equipment 'kiln'; known: oven"],
  )
  assert.match(broken('paint-line', (template) => (oven(template).events[0].set = { dor: 1 }))[0] ?? '', /no input point 'dor'; did you mean 'door'/)
  assert.match(broken('paint-line', (template) => (oven(template).interlocks[0].bypass = 'Bypass'))[0] ?? '', /there is no tag 'Bypass'/)
})

test('limits, values and settings that cannot be reached are refused', () => {
  const first = (change: (oven: Loose, template: Loose) => void): string =>
    broken('paint-line', (template) => change(template.equipment.oven, template))[0] ?? ''
  assert.match(
    first((oven) => (oven.alarms[3].limit = 250)),
    /alarms\.3\.limit: 250 is outside the range of LEL, 0 to 100 %LEL/,
  )
  assert.match(
    first((oven) => (oven.recipes[0].tags['Z1.SP'] = 900)),
    /recipes\.0\.tags\.Z1\.SP: 900 is outside the range/,
  )
  assert.match(
    first((oven) => (oven.modes.break.tags['Z1.PV'] = 100)),
    /'Z1\.PV' cannot be set; it is made by the plant/,
  )
  assert.match(
    first((oven) => (oven.tags[0].access = 'operator')),
    /made by the model; only inputs can be written/,
  )
  assert.match(
    first((oven) => (oven.tags[0].value = 3)),
    /exactly one of point, value, interlock, button; it has point and value/,
  )
  assert.match(
    first((oven) => (oven.parameters = { tau: 1 })),
    /1 is outside 60 to 3600 s/,
  )
  assert.match(
    first((oven) => (oven.tags[3].range = [0, 900])),
    /goes beyond what the model takes for 'z1\.sp', 0 to 400/,
  )
  assert.match(
    first((oven) => (oven.tags[1].id = 'Z1.PV')),
    /there twice/,
  )
  assert.match(
    first((oven) => (oven.interlocks[0].forces = {})),
    /forces nothing and refuses nothing/,
  )
  assert.match(
    first((oven) => delete oven.alarms[3].limit),
    /needs a limit or a limitTag/,
  )
  assert.match(
    first((_, template) => (template.units[1].id = 'OV1')),
    /there twice/,
  )
  assert.match(
    first((_, template) => (template.calendar.shifts[0].from = '25:00')),
    /time of day/,
  )
  assert.match(
    first((_, template) => (template.calendar.shifts[0].to = '08:00')),
    /begins and ends at 08:00/,
  )
  assert.match(
    first((oven) => (oven.tags[0].range = [5, 5])),
    /is empty|outside the range/,
  )
})

test('a hostile template is refused soon and with few words', () => {
  const begin = performance.now()
  const faults = broken('paint-line', (template) => {
    const oven = template.equipment.oven
    oven.tags = Array.from({ length: 200 }, (_, i) => ({ ...oven.tags[0], id: `T${i}`, point: `${'x'.repeat(40)}${i}` }))
    oven.recipes = Array.from({ length: 100 }, (_, i) => ({
      id: `r${i}`,
      title: { zh: 'x', en: 'x' },
      tags: Object.fromEntries(Array.from({ length: 200 }, (_, k) => [`Q${k}`, 1])),
    }))
    template.equipment = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${i}`, oven]))
  })
  assert.ok(performance.now() - begin < 3000)
  assert.ok(faults.length <= 50)
  for (const value of [null, 'x', [], { kind: 'plant' }, { __proto__: null }]) assert.equal(plantTemplate.safeParse(value).success, false)
  assert.match(broken('paint-line', (template) => (template.equipment.oven.tags[0].point = '__proto__'))[0] ?? '', /no point '__proto__'/)
  assert.match(broken('paint-line', (template) => (template.units[0].equipment = 'constructor'))[0] ?? '', /no equipment 'constructor'/)
  assert.ok(broken('paint-line', (template) => (template.equipment.oven.tags[0].range = [0, Number.NaN])).length > 0)
})
