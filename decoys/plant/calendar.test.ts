import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plantCalendar } from '@shenlou/contract/plant'
import { openCalendar } from './calendar.ts'
import { statutoryDays } from './holidays.ts'

const calendar = (given: object = {}) =>
  openCalendar(
    plantCalendar.parse({
      startup: 30,
      cooldown: 20,
      shifts: [
        { id: 'early', from: '08:00', to: '16:00', breaks: [['11:30', '12:15']] },
        { id: 'night', from: '22:00', to: '06:00', breaks: [['01:00', '01:30']] },
      ],
      ...given,
    }),
  )
/** Local time in China. */
const at = (text: string): number => Date.parse(`${text}:00+08:00`)
const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 86_400_000
const dayText = (number: number): string => new Date(number * 86_400_000).toISOString().slice(0, 10)

test('a working day has its start-up, shifts, breaks and running down, and a night shift goes past midnight', () => {
  const { at: duty } = calendar()
  const expected: [string, string][] = [
    ['2026-10-20T07:29', 'closed'],
    ['2026-10-20T07:30', 'startup'],
    ['2026-10-20T08:00', 'production'],
    ['2026-10-20T11:30', 'break'],
    ['2026-10-20T12:15', 'production'],
    ['2026-10-20T16:00', 'cooldown'],
    ['2026-10-20T16:20', 'closed'],
    ['2026-10-20T21:40', 'startup'],
    ['2026-10-20T23:59', 'production'],
    ['2026-10-21T01:10', 'break'],
    ['2026-10-21T05:59', 'production'],
    ['2026-10-21T06:00', 'cooldown'],
  ]
  for (const [time, mode] of expected) assert.equal(duty(at(time)).mode, mode, time)
})

test('the arrangements of 2025 and 2026 hold: holidays are free, make-up weekends are worked', () => {
  const { worked } = calendar()
  for (const free of [
    '2025-01-28',
    '2025-02-04',
    '2025-10-08',
    '2026-01-02',
    '2026-02-15',
    '2026-02-23',
    '2026-06-19',
    '2026-09-25',
    '2026-10-07',
    '2026-10-18',
  ])
    assert.equal(worked(day(free)), false, free)
  for (const work of [
    '2025-01-26',
    '2025-02-08',
    '2025-04-27',
    '2025-09-28',
    '2025-10-11',
    '2026-01-04',
    '2026-02-14',
    '2026-02-28',
    '2026-05-09',
    '2026-09-20',
    '2026-10-10',
    '2026-02-24',
  ])
    assert.equal(worked(day(work)), true, work)
})

test('the statutory days of 2027 follow the Chinese calendar and the solar term', () => {
  assert.deepEqual(statutoryDays(2027).map(dayText), [
    '2027-01-01',
    '2027-02-05',
    '2027-02-06',
    '2027-02-07',
    '2027-02-08',
    '2027-04-05',
    '2027-05-01',
    '2027-05-02',
    '2027-06-09',
    '2027-09-15',
    '2027-10-01',
    '2027-10-02',
    '2027-10-03',
  ])
})

test('Dragon Boat and Mid-Autumn of later years are where the almanac has them', () => {
  const known = { 2028: ['2028-05-28', '2028-10-03'], 2029: ['2029-06-16', '2029-09-22'], 2030: ['2030-06-05', '2030-09-12'] }
  for (const [year, days] of Object.entries(known)) for (const text of days) assert.ok(statutoryDays(Number(year)).includes(day(text)), text)
})

test('the days of the Chinese calendar are those of ICU for a century, but for two new years that it has a day off', () => {
  const format = new Intl.DateTimeFormat('en-u-ca-chinese', { timeZone: 'Asia/Shanghai', month: 'numeric', day: 'numeric' })
  const is = (at: number): string => format.format(at * 86_400_000)
  const odd: number[] = []
  for (let year = 2000; year < 2100; year++) {
    const days = statutoryDays(year)
    const [spring, boat, autumn] = [days[2]!, days[8]!, days[9]!]
    if (is(spring) !== '1/1') odd.push(year)
    assert.deepEqual([is(boat), is(autumn)], ['5/5', '8/15'], `${year}`)
  }
  assert.deepEqual(odd, [2027, 2030])
})

test('a calendar asks nothing of ICU: its data alone is 8 MB of resident memory a worker', async (context) => {
  context.mock.property(globalThis, 'Intl', undefined as never)
  const again = (await import(`./holidays.ts?${'again'}`)) as typeof import('./holidays.ts')
  assert.equal(again.chinaDay(day('2031-01-23')), 'holiday')
  assert.equal(openCalendar(plantCalendar.parse({ shifts: [] })).worked(day('2031-06-24')), false)
})

test('where nothing is published the rule gives Spring Festival eight days, Labour Day five, National Day seven', () => {
  const { worked } = calendar()
  for (const free of ['2027-02-05', '2027-02-12', '2027-05-05', '2027-10-07', '2030-02-02', '2030-02-09']) assert.equal(worked(day(free)), false, free)
  for (const work of ['2027-02-15', '2027-05-06', '2027-10-08']) assert.equal(worked(day(work)), true, work)
})

test('days that the works is shut are free even for shifts of every day, and holidays can be left out', () => {
  const shut = calendar({ shut: [{ from: '2026-07-06', to: '2026-07-12' }], shifts: [{ id: 'all', days: 'every', from: '00:00', to: '00:00' }] })
  assert.equal(shut.at(at('2026-07-05T12:00')).mode, 'production')
  assert.equal(shut.at(at('2026-07-08T12:00')).mode, 'closed')
  assert.equal(calendar({ holidays: 'none' }).worked(day('2026-10-01')), true)
})
