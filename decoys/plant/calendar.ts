/** Who is at work when: shifts, breaks, weekends and holidays of a plant. A pure function of time. */
import type { PlantCalendar } from '@shenlou/contract/plant'
import { chinaDay } from './holidays.ts'

const dayMs = 86_400_000
const minuteMs = 60_000

/** What the calendar says of a moment. `shift` is its place in the template, -1 without one; `since` is when that shift began, ms. */
export interface Duty {
  mode: 'closed' | 'startup' | 'production' | 'break' | 'cooldown'
  shift: number
  since: number
}

export interface Calendar {
  at(time: number): Duty
  /** Whether the local day (number since 1970-01-01) is worked. */
  worked(day: number): boolean
  /** ms that local time is ahead of UTC. */
  readonly offset: number
}

interface Span extends Duty {
  from: number
  to: number
}

const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))

/** Prepares a calendar for being asked every second: days are worked out once and the last few kept. */
export function openCalendar(calendar: PlantCalendar): Calendar {
  const offset = calendar.utcOffset * minuteMs
  const shut = calendar.shut.map(({ from, to }) => [Date.parse(`${from}T00:00:00Z`) / dayMs, Date.parse(`${to}T00:00:00Z`) / dayMs] as const)
  const isShut = (day: number): boolean => shut.some(([from, to]) => day >= from && day <= to)
  const weekend = new Set(calendar.weekend)
  const worked = (day: number): boolean => {
    if (isShut(day)) return false
    const special = calendar.holidays === 'china' ? chinaDay(day) : undefined
    if (special) return special === 'worked'
    return !weekend.has((((day + 4) % 7) + 7) % 7) // 1970-01-01 was a Thursday
  }

  /** Shifts that begin on a local day. */
  const shiftsOf = (day: number): Span[] =>
    calendar.shifts.flatMap((shift, index) => {
      if (shift.days === 'working' ? !worked(day) : isShut(day)) return []
      const from = minutes(shift.from)
      const length = (minutes(shift.to) - from + 1440) % 1440 || 1440
      const begin = day * dayMs - offset + from * minuteMs
      return [{ mode: 'production' as const, shift: index, since: begin, from: begin, to: begin + length * minuteMs }]
    })
  const breaksOf = (span: Span): Span[] =>
    (calendar.shifts[span.shift]?.breaks ?? []).map(([from, to]) => {
      const begin = span.since + ((minutes(from) - minutes(calendar.shifts[span.shift]?.from ?? '00:00') + 1440) % 1440) * minuteMs
      return { ...span, mode: 'break', from: begin, to: begin + ((minutes(to) - minutes(from) + 1440) % 1440) * minuteMs }
    })

  const days = new Map<number, Span[]>()
  /** What happens around a local day, the most particular first. */
  const around = (day: number): Span[] => {
    const known = days.get(day)
    if (known) return known
    const shifts = [day - 1, day, day + 1].flatMap(shiftsOf)
    const startups = shifts.map((span): Span => ({ ...span, mode: 'startup', from: span.from - calendar.startup * minuteMs, to: span.from }))
    const cooldowns = shifts.map((span): Span => ({ ...span, mode: 'cooldown', from: span.to, to: span.to + calendar.cooldown * minuteMs }))
    const spans = [...shifts.flatMap(breaksOf), ...shifts, ...startups, ...cooldowns]
    if (days.size > 64) days.clear()
    days.set(day, spans)
    return spans
  }

  return {
    offset,
    worked,
    at(time) {
      for (const span of around(Math.floor((time + offset) / dayMs))) if (time >= span.from && time < span.to) return span
      return { mode: 'closed', shift: -1, since: 0 }
    },
  }
}
