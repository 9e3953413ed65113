import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layOut } from './layout.ts'
import { toSvg, toText } from './picture.ts'
import { seedOf, templateNames, templateOf } from './plant-fixture.ts'
import { lastWorkedDay, type Trace, traceOf, worthDrawing } from './trace.ts'

/** 00:00 in China of a worked Tuesday, and of a Sunday. */
const worked = Date.UTC(2026, 9, 19, 16)
const sunday = Date.UTC(2026, 9, 24, 16)
const seeds = [seedOf(3), seedOf(91)]

const means = (trace: Trace, tag: string): number[] => [...trace.lines.find((line) => line.tag.id === tag)!.mean]
const correlation = (a: number[], b: number[]): number => {
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [ma, mb] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += (a[i]! - ma) * (b[i]! - mb)
    aa += (a[i]! - ma) ** 2
    bb += (b[i]! - mb) ** 2
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb)
}

/** Of each plant what works only when people do, and what changes slowly. */
const shapes: Record<string, { works?: string; slow: string }> = {
  'paint-line': { works: 'OV1.Conv.PV', slow: 'OV1.Z2.PV' },
  'test-field': { works: 'HB1.Motor.Amps', slow: 'HB1.Oil.T' },
  'batching-plant': { works: 'BT1.Mixer.Amps', slow: 'BT1.Bin1' },
  'crane-yard': { works: 'CR1.Trolley.Amps', slow: 'CR1.Wind' },
  utilities: { slow: 'WT1.Tc' },
}

test('a day of every plant under two seeds: nothing beyond its sensor, no two sites alike, each its own past, its shifts and its memory', () => {
  for (const name of templateNames) {
    const template = templateOf(name)
    const measured = worthDrawing(template, 12)
    const days = seeds.map((seed) => traceOf(template, seed, worked, 24, measured, 288))
    for (const day of days)
      for (const { tag, least, most } of day.lines)
        for (let i = 0; i < least.length; i++) assert.ok(least[i]! >= tag.range[0] && most[i]! <= tag.range[1], `${tag.id} ${least[i]} ${most[i]}`)
    const { works, slow } = shapes[name]!
    const { calendar } = layOut(template, seeds[0]!)
    const modeOf = (column: number, off = 0): string => calendar.at(worked + (column + 0.5 + off) * 300_000).mode
    for (const day of days) {
      if (works) {
        const mean = (...modes: string[]): number => {
          // Away from each change by what people are late.
          const of = means(day, works).filter((_, i) => [-2, 0, 1].every((off) => modes.includes(modeOf(i, off))))
          assert.ok(of.length > 2, `${name} ${modes}`)
          return of.reduce((sum, value) => sum + value, 0) / of.length
        }
        assert.ok(mean('closed', 'break') < 0.35 * mean('production'), `${works}: ${mean('closed', 'break')} at rest, ${mean('production')} at work`)
      }
      // Five minutes later it is much as it was, six hours later it is not.
      const line = means(day, slow)
      const [soon, later] = [1, 72].map((lag) => correlation(line.slice(0, -lag), line.slice(lag))) as [number, number]
      assert.ok(soon > 0.6 && later < soon - 0.1, `${slow}: ${soon} after 5 minutes, ${later} after 6 hours`)
    }
    for (const tag of measured) {
      const [one, two] = [means(days[0]!, tag), means(days[1]!, tag)]
      const differing = one.filter(
        (value, i) => Math.abs(value - two[i]!) > (days[0]!.lines.find((line) => line.tag.id === tag)!.tag.range[1] ?? 1) * 1e-4,
      ).length
      assert.ok(differing > 30, `${name} ${tag}: ${differing} of 288 columns differ`)
    }
    // Recipes, pauses and gusts fall elsewhere: the sites differ by more than an offset and a scale.
    const alike = measured.map((tag) => correlation(means(days[0]!, tag), means(days[1]!, tag)))
    assert.ok(
      alike.some((value) => value < 0.93),
      `${name}: ${alike.map((value) => value.toFixed(3)).join(' ')}`,
    )
    const trips = days.flatMap(({ happened }) => happened.filter(({ trip }) => trip))
    assert.deepEqual(
      trips.map(({ id }) => id),
      [],
      `${name}: an undisturbed plant does not trip on an ordinary day`,
    )
    for (const { happened } of days) assert.ok(happened.length < 40, `${name}: ${happened.length} alarms in a day`)
  }
})

test('a day shows its shifts: cold before, hot at work, slower lines at break; a Sunday is quiet; temperatures remember, noise does not', () => {
  const template = templateOf('paint-line')
  const [seed] = seeds
  const day = traceOf(template, seed!, worked, 24, ['OV1.Z2.PV', 'OV1.Conv.PV', 'OV1.LEL'], 288)
  const [oven, conveyor] = [means(day, 'OV1.Z2.PV'), means(day, 'OV1.Conv.PV')]
  const hour = (h: number): number => Math.round(h * 12)
  assert.ok(Math.max(...oven.slice(hour(0.5), hour(7))) < 60)
  assert.ok(Math.min(...oven.slice(hour(8.5), hour(11))) > 150)
  assert.ok(Math.max(...conveyor.slice(hour(11.9), hour(12.4))) < 0.1)
  assert.ok(Math.min(...conveyor.slice(hour(9), hour(9.5))) > 1)
  assert.ok(correlation(oven.slice(0, -1), oven.slice(1)) > 0.95)
  assert.ok(correlation(oven.slice(0, -60), oven.slice(60)) < 0.8)
  const rest = traceOf(template, seed!, sunday, 24, ['OV1.Z2.PV', 'OV1.Conv.PV'], 96)
  assert.ok(Math.max(...means(rest, 'OV1.Conv.PV').slice(4)) < 0.05)
  assert.ok(Math.max(...means(rest, 'OV1.Z2.PV').slice(12)) < 60)
  // Second by second at rest a sensor shows its converter's steps and independent noise.
  const still = traceOf(template, seed!, sunday + 12 * 3_600_000, 0.25, ['OV1.Z2.PV'], 900)
  const noise = means(still, 'OV1.Z2.PV')
  assert.ok(Math.abs(correlation(noise.slice(0, -1), noise.slice(1))) < 0.5)
  const { quantum } = layOut(template, seed!).index.get('OV1.Z2.PV')!.sensor!
  const values = new Set([...still.lines[0]!.least, ...still.lines[0]!.most])
  assert.ok(values.size > 2 && values.size < 40)
  for (const value of values) assert.ok(Math.abs(value / quantum - Math.round(value / quantum)) < 1e-6)
})

test('weather and warmth never stand still, as a value does that meets its bound', () => {
  for (const seed of seeds) {
    const { waves } = layOut(templateOf('batching-plant'), seed)
    for (const wave of [waves.weather, waves.warmth]) {
      let last = Number.NaN
      for (let minute = 0; minute < 60 * 24 * 90; minute += 10) {
        const now = wave(worked + minute * 60_000)
        assert.notEqual(now, last)
        assert.ok(Math.abs(now) < 1.3)
        last = now
      }
    }
  }
})

test('the same seed and day give the same trace', () => {
  const template = templateOf('utilities')
  const [one, two] = [0, 1].map(() => traceOf(template, seeds[0]!, worked, 1, ['WT1.P', 'WT2.Wind'], 60))
  assert.deepEqual(one!.lines, two!.lines)
})

test('sites differ by their events, too, and a sensor breaks about once a week', () => {
  for (const name of templateNames) {
    const layout = layOut(templateOf(name), seeds[0]!)
    const weeks = 26
    for (const unit of layout.units) {
      const faults = new Set<string>()
      for (let hour = 0; hour < weeks * 168; hour++)
        for (const { event, from } of unit.schedule.near(worked + hour * 3_600_000)) if (unit.schedule.events[event]!.fault) faults.add(`${event} ${from}`)
      assert.ok(faults.size >= weeks * 0.4 && faults.size <= weeks * 2, `${unit.id}: ${faults.size} in ${weeks} weeks`)
    }
  }
})

test('a trace is drawn within the width it was given, and as an SVG that is well formed and escaped', () => {
  const template = structuredClone(templateOf('test-field'))
  template.title.en = 'Bench <&"> \u{1b}[31m'
  const from = lastWorkedDay(template, seeds[0]!, Date.UTC(2026, 9, 8, 4))
  // 8 October 2026 follows a week of holidays: the last worked day is 30 September.
  assert.equal(new Date(from).toISOString(), '2026-09-29T16:00:00.000Z')
  const trace = traceOf(template, seeds[0]!, from, 12, ['HB1.P.PV', 'HB1.Pump.Run'], 79)
  for (const [i, row] of toText(trace).entries()) if (i % 5 !== 0) assert.ok([...row].length <= 79, row)
  const svg = toSvg(trace)
  assert.ok(svg.startsWith('<svg') && svg.trimEnd().endsWith('</svg>'))
  assert.ok(svg.includes('Bench &lt;&amp;&quot;&gt;'))
  assert.equal((svg.match(/<polyline/g) ?? []).length, 2)
  assert.doesNotMatch(svg, /NaN|Infinity/)
  assert.throws(() => traceOf(template, seeds[0]!, from, 1, ['HB9.X'], 10), /no tag 'HB9\.X'/)
})
