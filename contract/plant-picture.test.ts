import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readTemplate, templateNames } from '../decoys/plant/plant-fixture.ts'
import { plantTemplate } from './plant.ts'
import { type Picture, picture } from './plant-picture.ts'
import { layOutPicture, leastHeight, pictureTags, sizeOf, switchClasses, symbolKinds, withTags } from './plant-symbols.ts'

// biome-ignore lint/suspicious/noExplicitAny: a picture is broken on purpose in every way
type Loose = any

/** What is wrong with the oven when its picture is changed. */
const broken = (change: (drawn: Loose) => void): string[] => {
  const template = structuredClone(readTemplate('paint-line')) as Loose
  change(template.equipment.oven.picture)
  const result = plantTemplate.safeParse(template)
  assert.equal(result.success, false)
  return result.error?.issues.map(({ path, message }) => `${path.slice(2).join('.')}: ${message}`) ?? []
}

test('every shipped plant draws each of its kinds of equipment, and shows every value that operators may set', () => {
  for (const name of templateNames)
    for (const [kind, { picture: drawn, tags }] of Object.entries(plantTemplate.parse(readTemplate(name)).equipment)) {
      assert.ok(drawn, `${name} ${kind} has a picture`)
      const shown = new Set(pictureTags(drawn))
      const setpoints = tags.filter((tag) => tag.class === 'SP').map(({ id }) => id)
      assert.deepEqual(
        setpoints.filter((id) => !shown.has(id)),
        [],
        `${name} ${kind}`,
      )
    }
})

test('a tag that is not there, or does not fit its slot, is said', () => {
  assert.deepEqual(
    broken((drawn) => (drawn.symbols[1].tags.value = 'LEK')),
    ["picture.symbols.1.tags.value: there is no tag 'LEK' in this equipment; did you mean 'LEL'?"],
  )
  assert.deepEqual(
    broken((drawn) => (drawn.symbols[0].tags.run = 'Exh.Amps')),
    ["picture.symbols.0.tags.run: 'Exh.Amps' is a number (PV); 'run' of a fan takes a switch"],
  )
  assert.deepEqual(
    broken((drawn) => (drawn.symbols[1].tags.value = 'Door')),
    ["picture.symbols.1.tags.value: 'Door' is a switch (STAT); 'value' of an indicator takes a number"],
  )
  assert.deepEqual(
    broken((drawn) => (drawn.symbols[0].tags = { speed: 'Exh.Amps' })),
    ["picture.symbols.0.tags.speed: a fan has no 'speed'; it takes value, run, command"],
  )
  assert.deepEqual(
    broken((drawn) => (drawn.symbols[1].tags = {})),
    ["picture.symbols.1.tags: 'solvent' shows nothing; bind one of value, setpoint, high, low, or make it a box"],
  )
  assert.deepEqual(
    broken((drawn) => (drawn.lines[2].flow = 'Burner.Ran')),
    ["picture.lines.2.flow: there is no tag 'Burner.Ran' in this equipment; did you mean 'Burner.Run'?"],
  )
})

test('what lies outside of the canvas, over another symbol, or has no room for its readings is refused', () => {
  assert.deepEqual(
    broken((drawn) => (drawn.symbols[3].at = [56, 1])),
    ["picture.symbols.3.at: 'burner' reaches to 68, 9, outside of the picture, which is 64 by 38"],
  )
  assert.deepEqual(
    broken((drawn) => (drawn.symbols[2].at = [20, 1])),
    ["picture.symbols.2.at: 'gas' lies over 'solvent'; move one of them"],
  )
  assert.deepEqual(
    broken((drawn) => (drawn.symbols[0].size = [5, 4])),
    ["picture.symbols.0.size: 'exhaust' is 5 by 4; with 3 readings it needs at least 6 by 8"],
  )
  assert.deepEqual(
    broken((drawn) => (drawn.symbols[1].id = 'exhaust')),
    ["picture.symbols.1.id: 'exhaust' is there twice; give each symbol its own id"],
  )
})

test('a line has two ends that exist, and its corners inside', () => {
  assert.match(
    broken((drawn) => (drawn.lines[0].to = 'exhauster.bottom'))[0] ?? '',
    /lines\.0\.to: there is no symbol 'exhauster' in this picture; known: exhaust, solvent/,
  )
  assert.match(broken((drawn) => (drawn.lines[0].to = 'zone1.top'))[0] ?? '', /lines\.0: begins and ends at zone1\.top/)
  assert.match(broken((drawn) => (drawn.lines[0].to = 'zone1'))[0] ?? '', /must be a symbol and its side, such as pump\.right/)
  assert.match(broken((drawn) => (drawn.lines[3].via = [[70, 3]]))[0] ?? '', /lines\.3\.via\.0: 70, 3 is outside of the picture, which is 64 by 38/)
})

/** Every pair of symbols that lie over each other, boxes left out. */
const overlaps = ({ symbols, size }: Picture): string[] => {
  const solid = symbols.filter(({ kind }) => kind !== 'box')
  const found: string[] = []
  for (const [i, one] of solid.entries()) {
    const [wide, high] = sizeOf(one)
    if (one.at[0] + wide > size[0] || one.at[1] + high > size[1]) found.push(`${one.id} outside`)
    if (high < leastHeight(one.kind, wide, Object.keys(one.tags).length)) found.push(`${one.id} low`)
    for (const other of solid.slice(i + 1)) {
      const [otherWide, otherHigh] = sizeOf(other)
      if (one.at[0] < other.at[0] + otherWide && other.at[0] < one.at[0] + wide && one.at[1] < other.at[1] + otherHigh && other.at[1] < one.at[1] + high)
        found.push(`${one.id} over ${other.id}`)
    }
  }
  return found
}

test('a machine without a picture is laid out from its tags: setpoints beside what is measured, commands beside their answer, nothing over another', () => {
  for (const name of templateNames)
    for (const { tags } of Object.values(plantTemplate.parse(readTemplate(name)).equipment)) {
      const drawn = picture.parse(layOutPicture(tags))
      assert.deepEqual(overlaps(drawn), [], name)
      assert.deepEqual([...pictureTags(drawn)].sort(), tags.map(({ id }) => id).sort(), `${name}: each tag once`)
      for (const symbol of drawn.symbols)
        for (const [slot, id] of Object.entries(symbol.tags)) {
          const slots: Record<string, string> = symbolKinds[symbol.kind].slots
          assert.equal(slots[slot], switchClasses.includes(tags.find((tag) => tag.id === id)?.class ?? '') ? 'switch' : 'number')
        }
    }
  const oven = plantTemplate.parse(readTemplate('paint-line')).equipment.oven
  const drawn = layOutPicture(oven?.tags.map((tag) => ({ ...tag, id: `OV2.${tag.id}` })) ?? [])
  assert.ok(drawn?.symbols.some(({ tags }) => tags.value === 'OV2.Z1.PV' && tags.setpoint === 'OV2.Z1.SP'))
  assert.ok(drawn?.symbols.some(({ tags }) => tags.on === 'OV2.Burner.Run' && tags.command === 'OV2.Burner.Cmd'))
})

test('a machine of two hundred tags is laid out as far as there is room, one without tags not at all', () => {
  const many = Array.from({ length: 200 }, (_, i) => ({ id: `T${i}`, class: i % 3 === 0 ? 'CMD' : 'PV' }))
  const drawn = picture.parse(layOutPicture(many))
  assert.deepEqual(overlaps(drawn), [])
  assert.ok(drawn.symbols.length > 50)
  assert.equal(layOutPicture([]), undefined)
})

test('the tags of a picture take the names of their unit, once each', () => {
  const oven = plantTemplate.parse(readTemplate('paint-line')).equipment.oven?.picture
  assert.ok(oven)
  const named = withTags(oven, (tag) => `OV2.${tag}`)
  assert.deepEqual(
    pictureTags(named),
    pictureTags(oven).map((tag) => `OV2.${tag}`),
  )
  assert.equal(pictureTags(named).filter((tag) => tag === 'OV2.HH').length, 1)
  assert.equal(named.lines[0]?.flow, 'OV2.Exh.Proof')
})

test('docs/plants.md lists every kind of symbol with its slots', () => {
  const text = readFileSync(join(import.meta.dirname, '../docs/plants.md'), 'utf8')
  const rows = Object.entries(symbolKinds).map(([kind, { slots }]) => {
    const of = (wanted: string): string =>
      Object.entries(slots)
        .filter(([, takes]) => takes === wanted)
        .map(([slot]) => `\`${slot}\``)
        .join(', ')
    return `| \`${kind}\` | ${of('number')} | ${of('switch')} |`
  })
  assert.deepEqual(
    text.split('\n').filter((line) => line.startsWith('| `')),
    rows,
  )
})
