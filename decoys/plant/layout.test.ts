import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layOut } from './layout.ts'
import { seedOf, templateOf } from './plant-fixture.ts'

test('a plant whose machines are drawn anew is the same process, one with another parameter is not', () => {
  const template = templateOf('paint-line')
  const oven = template.equipment.oven!
  const { picture, ...plain } = oven
  assert.ok(picture)
  const own = layOut(template, seedOf(1)).fingerprint
  assert.equal(layOut({ ...template, equipment: { oven: plain } }, seedOf(1)).fingerprint, own)
  assert.equal(layOut({ ...template, equipment: { oven: { ...oven, picture: { ...picture, size: [70, 40] } } } }, seedOf(1)).fingerprint, own)
  assert.notEqual(layOut({ ...template, equipment: { oven: { ...oven, scan: 300 } } }, seedOf(1)).fingerprint, own)
})
