import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { plantTemplate } from '@shenlou/contract/plant'
import type { Picture, PictureSymbol } from '@shenlou/contract/plant-picture'
import { layOutPicture, symbolKinds } from '@shenlou/contract/plant-symbols'
import { parse } from 'yaml'
import { fitted, place, type Rect, route, textWidth } from './mimic-geometry.ts'
import { isOn, shapesOf } from './mimic-shapes.ts'

const folder = join(import.meta.dirname, '../../../templates/plants')
const drawn: [string, Picture][] = readdirSync(folder).flatMap((file) =>
  Object.entries(plantTemplate.parse(parse(readFileSync(join(folder, file), 'utf8'), { schema: 'core' })).equipment).flatMap(
    ([name, { picture, tags }]): [string, Picture][] => [
      ...(picture ? ([[`${file} ${name}`, picture]] as [string, Picture][]) : []),
      [`${file} ${name} laid out`, layOutPicture(tags) as Picture],
    ],
  ),
)
const symbol = (rest: Partial<PictureSymbol>): PictureSymbol => ({ id: 's', kind: 'pump', at: [10, 10], tags: {}, ...rest })
const within = (inner: Rect, outer: Rect): boolean =>
  inner.x >= outer.x - 0.1 && inner.y >= outer.y - 0.1 && inner.x + inner.w <= outer.x + outer.w + 0.1 && inner.y + inner.h <= outer.y + outer.h + 0.1

test('the drawing and the texts of every symbol of every shipped plant stand inside of it, none over another', () => {
  for (const [name, picture] of drawn)
    for (const each of picture.symbols) {
      const { box, drawing, title, readings } = place(each)
      const at = `${name} ${each.id}`
      assert.ok(drawing.w > 0 && drawing.h > 0 && within(drawing, box), at)
      if (each.kind === 'box') continue
      assert.equal(readings.length, Object.keys(each.tags).length, at)
      for (const [i, text] of readings.entries()) {
        const left = text.anchor === 'middle' ? text.x - text.room / 2 : text.x
        assert.ok(within({ x: left, y: text.y - 11, w: text.room, h: 11 }, box), `${at} reading ${i}`)
        assert.ok(text.y - 11 >= title.y, `${at} reading ${i} below its title`)
        for (const other of readings.slice(i + 1)) assert.ok(other.y - text.y >= 12 || Math.abs(other.x - text.x) >= text.room, `${at} readings apart`)
      }
    }
})

test('every line of every shipped plant goes in right angles from its first symbol to its second', () => {
  let lines = 0
  for (const [name, picture] of drawn)
    for (const line of picture.lines) {
      lines += 1
      const points = route(line, picture.symbols) ?? []
      assert.ok(points.length >= 2, `${name} ${line.from}`)
      for (const [i, [x, y]] of points.entries()) {
        const last = points[i - 1]
        if (last) assert.ok(Math.abs(last[0] - x) < 0.5 || Math.abs(last[1] - y) < 0.5, `${name} ${line.from} → ${line.to} is straight`)
        assert.ok(x >= 0 && y >= 0 && x <= picture.size[0] * 10 && y <= picture.size[1] * 10)
      }
    }
  assert.ok(lines > 20)
})

test('ends that are nearly level are met by a straight line, a line to nowhere is none', () => {
  const symbols = [symbol({ id: 'a', tags: { run: 'R' } }), symbol({ id: 'b', at: [30, 10], tags: { run: 'R', value: 'V' } })]
  const line = { from: 'a.right', to: 'b.left', via: [], kind: 'pipe' as const, arrow: true }
  assert.equal(route(line, symbols)?.length, 2)
  assert.equal(route({ ...line, to: 'c.left' }, symbols), undefined)
})

test('a text is cut to its room, Chinese letters counting as squares', () => {
  assert.equal(fitted('Zone 1', 100, 11), 'Zone 1')
  const cut = fitted('Converter cabinet temperature', 60, 11)
  assert.match(cut, /^Conv.*…$/)
  assert.ok(textWidth(cut, 11) <= 60)
  assert.equal(fitted('超温联锁动作', 40, 10), '超温联…')
})

test('every kind draws something when nothing is known, and no more of a value than is known', () => {
  const tag = { id: 'T', title: '', class: 'PV', unit: '', range: [0, 100] as const }
  const seen = (slot: string, value: number | undefined) => ({ slot, id: 'T', tag, value, before: undefined, written: false, bad: false, alarm: undefined })
  const box = { x: 0, y: 0, w: 120, h: 60 }
  for (const kind of Object.keys(symbolKinds) as (keyof typeof symbolKinds)[]) {
    const slots = Object.keys(symbolKinds[kind].slots)
    const none = shapesOf(
      kind,
      box,
      slots.map((slot) => seen(slot, undefined)),
    )
    assert.ok(none.length > 0, kind)
    assert.equal(
      none.some(({ tone }) => tone === 'fill' || tone === 'tick' || tone === 'limit'),
      false,
      `${kind} makes up no value`,
    )
    for (const { d } of shapesOf(
      kind,
      box,
      slots.map((slot) => seen(slot, 50)),
    ))
      assert.doesNotMatch(d, /NaN|undefined/, kind)
  }
  assert.match(shapesOf('tank', box, [seen('value', 50)]).find(({ tone }) => tone === 'fill')?.d ?? '', /^M0 30h120v30/)
  assert.match(shapesOf('tank', box, [seen('value', 900)]).find(({ tone }) => tone === 'fill')?.d ?? '', /^M0 0h120v60/)
})

test('what runs is what answers, as commanded where nothing answers, unknown where nothing is known', () => {
  const one = (slot: string, value: number | undefined) => ({
    slot,
    id: slot,
    tag: undefined,
    value,
    before: undefined,
    written: false,
    bad: false,
    alarm: undefined,
  })
  assert.equal(isOn([one('command', 1), one('run', 0)]), false)
  assert.equal(isOn([one('command', 1)]), true)
  assert.equal(isOn([one('command', 1), one('run', undefined)]), undefined)
  assert.equal(isOn([one('value', 3)]), undefined)
})
