/**
 * Deadlines as lists of segments over business calendars. Pure: times are milliseconds since 1970 UTC and come in as arguments,
 * so that any minute shown can be computed again from the rows.
 */
import { type Calendar, calendars, type Hours } from './calendars.ts'

/** A stretch of a ticket's life in which its clock ran or stood, under one calendar. `to` null: it still does. */
export interface Segment {
  from: number
  to: number | null
  running: boolean
  why: string
  calendar: string
}

const minute = 60_000
const dayMs = 86_400_000

/** No deadline looks further ahead than this many days; a calendar without any work would never end otherwise. */
const horizonDays = 3700

function hoursOf(calendar: Calendar, localMidnight: number): Hours {
  const date = new Date(localMidnight)
  const name = date.toISOString().slice(0, 10)
  if (calendar.holidays.has(name)) return []
  if (calendar.workdays.has(name)) return calendar.week[1]
  return calendar.week[date.getUTCDay()] as Hours
}

/** The stretches of working time that begin at or hold `from` or come later, as UTC `[from, to)`, in order. */
function* workFrom(calendar: Calendar, from: number): Generator<[number, number]> {
  const shift = calendar.offset * minute
  let midnight = Math.floor((from + shift) / dayMs) * dayMs
  for (let day = 0; day < horizonDays; day++, midnight += dayMs)
    for (const [start, end] of hoursOf(calendar, midnight)) {
      const opens = Math.max(midnight + start * minute - shift, from)
      const closes = midnight + end * minute - shift
      if (closes > opens) yield [opens, closes]
    }
}

/** Working milliseconds between two instants; 0 when `to` is not after `from`. */
export function workingTime(calendar: Calendar, from: number, to: number): number {
  let sum = 0
  for (const [opens, closes] of workFrom(calendar, from)) {
    if (opens >= to) break
    sum += Math.min(closes, to) - opens
  }
  return sum
}

/** The instant at which `amount` working milliseconds have passed since `from`; null when the calendar never has that many. */
export function addWorkingTime(calendar: Calendar, from: number, amount: number): number | null {
  if (amount <= 0) return from
  let left = amount
  for (const [opens, closes] of workFrom(calendar, from)) {
    if (closes - opens >= left) return opens + left
    left -= closes - opens
  }
  return null
}

/** The calendar of that name. Throws a RangeError for one that does not exist. */
export function calendarNamed(id: string): Calendar {
  const found = calendars.get(id)
  if (!found) throw new RangeError(`there is no calendar ${id}`)
  return found
}

/** Working milliseconds that all running segments hold until `now`. */
export const elapsed = (segments: readonly Segment[], now: number): number =>
  segments.reduce((sum, part) => sum + (part.running ? workingTime(calendarNamed(part.calendar), part.from, Math.min(part.to ?? now, now)) : 0), 0)

/** When `budgetMs` of working time is used up; in the past when it already was; null while the clock stands with time left. */
export function dueAt(segments: readonly Segment[], budgetMs: number): number | null {
  let left = budgetMs
  for (const part of segments) {
    if (!part.running) continue
    const calendar = calendarNamed(part.calendar)
    const due = addWorkingTime(calendar, part.from, left)
    if (due === null) return null
    if (part.to === null || due <= part.to) return due
    left -= workingTime(calendar, part.from, part.to)
  }
  return null
}
