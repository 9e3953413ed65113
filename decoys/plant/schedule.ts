/** When the rare benign things happen: maintenance, open doors, broken sensors. A pure function of seed and time, week by week. */
import type { PlantEventTemplate } from '@shenlou/contract/plant'
import type { Calendar } from './calendar.ts'
import { chance, mix, textWord } from './noise.ts'

const hourMs = 3_600_000
const weekMs = 168 * hourMs

export interface Occurrence {
  /** Place of the event in the template. */
  event: number
  from: number
  to: number
  /** A word of its own, for what it draws. */
  word: number
}

export interface Schedule {
  readonly events: readonly PlantEventTemplate[]
  /** What goes on at a time; the same array as long as nothing begins or ends within the hour. */
  near(time: number): readonly Occurrence[]
}

/** How many times in this week: a Poisson draw, bounded. */
function count(mean: number, word: number): number {
  if (mean > 30) return Math.round(mean * (0.8 + 0.4 * chance(word, 1, 31)))
  const limit = Math.exp(-mean)
  let product = 1
  let n = 0
  while (n < 100) {
    product *= chance(word, n, 32)
    if (product <= limit) break
    n++
  }
  return n
}

/** Opens the schedule of a unit; `word` is the unit's own. */
export function openSchedule(events: readonly PlantEventTemplate[], calendar: Calendar, word: number): Schedule {
  const weeks = new Map<number, Occurrence[]>()
  const allowed = (event: PlantEventTemplate, time: number): boolean => {
    const { mode } = calendar.at(time)
    return event.during === 'always' || (event.during === 'production' ? mode === 'production' : mode !== 'closed')
  }
  const week = (number: number): Occurrence[] => {
    const known = weeks.get(number)
    if (known) return known
    const found: Occurrence[] = []
    for (const [i, event] of events.entries()) {
      const own = mix(word, textWord(event.id), number)
      for (let n = count(event.perWeek, own); n > 0; n--) {
        // Tried again until it falls where it may; a week of holidays can be without it.
        for (let attempt = 0; attempt < 16; attempt++) {
          const from = Math.floor(number * weekMs + weekMs * chance(own, n, 100 + attempt))
          if (!allowed(event, from)) continue
          const [least, most] = event.lasts
          const lasts = least * (most / least) ** chance(own, n, 200)
          found.push({ event: i, from, to: from + lasts * 1000, word: mix(own, n, 300) })
          break
        }
      }
    }
    if (weeks.size > 8) weeks.clear()
    weeks.set(number, found)
    return found
  }
  let hour = Number.NaN
  let current: readonly Occurrence[] = []
  return {
    events,
    near(time) {
      const now = Math.floor(time / hourMs)
      if (now !== hour) {
        hour = now
        const number = Math.floor(time / weekMs)
        current = [...week(number - 1), ...week(number)].filter(({ from, to }) => from < (now + 1) * hourMs && to > now * hourMs)
      }
      return current
    },
  }
}
