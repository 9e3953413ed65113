import assert from 'node:assert/strict'
import { test } from 'node:test'
import { always, chinaOffice } from './calendars.ts'
import { addWorkingTime, dueAt, elapsed, type Segment, workingTime } from './clock.ts'

const hour = 3_600_000
/** Shanghai wall time. */
const at = (text: string): number => Date.parse(`${text.replace(' ', 'T')}:00+08:00`)

/** from, to, working hours between them in Chinese office hours. */
const golden: [string, string, number, string][] = [
  ['2026-03-02 09:00', '2026-03-02 18:00', 8, 'a Monday, less the lunch hour'],
  ['2026-03-02 00:00', '2026-03-03 00:00', 8, 'a whole day'],
  ['2026-03-02 12:00', '2026-03-02 13:00', 0, 'lunch'],
  ['2026-03-02 11:30', '2026-03-02 13:30', 1, 'over lunch'],
  ['2026-03-02 18:00', '2026-03-03 09:00', 0, 'a night'],
  ['2026-03-06 17:00', '2026-03-09 10:00', 2, 'over a weekend'],
  ['2026-03-07 09:00', '2026-03-08 18:00', 0, 'a weekend'],
  ['2026-03-02 10:00', '2026-03-02 09:00', 0, 'backwards'],
  ['2026-01-04 00:00', '2026-01-05 00:00', 8, 'the Sunday worked for New Year'],
  ['2026-01-01 00:00', '2026-01-04 00:00', 0, 'New Year'],
  ['2026-02-14 00:00', '2026-02-15 00:00', 8, 'the Saturday worked before Spring Festival'],
  ['2026-02-15 00:00', '2026-02-24 00:00', 0, 'Spring Festival'],
  ['2026-02-13 17:00', '2026-02-24 10:00', 1 + 8 + 1, 'into and out of Spring Festival'],
  ['2026-02-28 09:00', '2026-02-28 18:00', 8, 'the Saturday worked after Spring Festival'],
  ['2026-04-03 17:00', '2026-04-07 10:00', 2, 'Qingming'],
  ['2026-04-30 17:00', '2026-05-06 10:00', 2, 'Labour Day'],
  ['2026-05-09 00:00', '2026-05-10 00:00', 8, 'the Saturday worked for Labour Day'],
  ['2026-06-18 17:00', '2026-06-22 10:00', 2, 'Dragon Boat'],
  ['2026-09-20 00:00', '2026-09-21 00:00', 8, 'the Sunday worked for National Day'],
  ['2026-09-24 17:00', '2026-09-28 10:00', 2, 'Mid-Autumn'],
  ['2026-09-30 17:00', '2026-10-08 10:00', 2, 'National Day'],
  ['2026-10-10 00:00', '2026-10-11 00:00', 8, 'the Saturday worked after National Day'],
  ['2025-01-26 00:00', '2025-02-05 00:00', 16, 'Sunday worked and Monday before Spring Festival 2025'],
  ['2025-10-01 00:00', '2025-10-09 00:00', 0, 'National Day 2025'],
  ['2026-03-01 00:00', '2026-04-01 00:00', 22 * 8, 'March'],
  ['2026-01-01 00:00', '2027-01-01 00:00', 248 * 8, 'the workdays of 2026'],
]

test('working time over weekends, holidays and make-up workdays is as the calendar says', () => {
  for (const [from, to, hours, what] of golden) assert.equal(workingTime(chinaOffice, at(from), at(to)) / hour, hours, what)
})

test('adding working time is the inverse of measuring it', () => {
  for (const [from, to, hours, what] of golden) {
    if (hours === 0) continue
    const due = addWorkingTime(chinaOffice, at(from), hours * hour) as number
    assert.ok(due <= at(to), what)
    assert.equal(workingTime(chinaOffice, at(from), due), hours * hour, what)
  }
  assert.equal(addWorkingTime(chinaOffice, at('2026-03-06 17:00'), 2 * hour), at('2026-03-09 10:00'))
  assert.equal(addWorkingTime(chinaOffice, at('2026-03-07 03:00'), 0), at('2026-03-07 03:00'))
  assert.equal(addWorkingTime({ ...chinaOffice, week: [[], [], [], [], [], [], []], workdays: new Set() }, at('2026-03-07 03:00'), 1), null)
})

test('a clock of all hours runs through nights and holidays', () => {
  assert.equal(workingTime(always, at('2026-02-14 00:00'), at('2026-02-24 00:00')), 240 * hour)
  assert.equal(addWorkingTime(always, at('2026-10-01 20:30'), 8 * hour), at('2026-10-02 04:30'))
})

const segment = (from: string, to: string | null, running = true, calendar = 'always'): Segment => ({
  from: at(from),
  to: to === null ? null : at(to),
  running,
  why: 'x',
  calendar,
})

test('a pause moves the deadline by its own length, and while it lasts there is none', () => {
  const running = [segment('2026-03-02 09:00', null)]
  assert.equal(dueAt(running, 8 * hour), at('2026-03-02 17:00'))
  const held = [segment('2026-03-02 09:00', '2026-03-02 12:00'), segment('2026-03-02 12:00', null, false)]
  assert.equal(dueAt(held, 8 * hour), null)
  assert.equal(elapsed(held, at('2026-03-05 00:00')), 3 * hour)
  const resumed = [segment('2026-03-02 09:00', '2026-03-02 12:00'), segment('2026-03-02 12:00', '2026-03-04 12:00', false), segment('2026-03-04 12:00', null)]
  assert.equal(dueAt(resumed, 8 * hour), at('2026-03-04 17:00'))
  assert.equal(elapsed(resumed, at('2026-03-04 13:30')), 4.5 * hour)
})

test('a deadline that passed stays where it was, whatever follows', () => {
  const late = [segment('2026-03-02 09:00', '2026-03-02 20:00'), segment('2026-03-02 20:00', null, false)]
  assert.equal(dueAt(late, 8 * hour), at('2026-03-02 17:00'))
})

test('a new policy or calendar begins with a new segment and leaves the old ones as they were', () => {
  const mixed = [segment('2026-03-06 16:00', '2026-03-06 18:00', true, 'china-office'), segment('2026-03-06 18:00', null)]
  assert.equal(elapsed(mixed, at('2026-03-07 00:00')), 8 * hour)
  assert.equal(dueAt(mixed, 8 * hour), at('2026-03-07 00:00'))
  assert.throws(() => elapsed([segment('2026-03-06 16:00', null, true, 'lunar')], 1e13), RangeError)
})
