/** Business calendars as data: which minutes count towards a deadline. */

/** Minutes of a day since midnight, `[from, to)`. */
export type Hours = readonly (readonly [number, number])[]

export interface Calendar {
  id: string
  /** Minutes that local time is ahead of UTC, the same all year. */
  offset: number
  /** Working hours of Sunday to Saturday. */
  week: readonly [Hours, Hours, Hours, Hours, Hours, Hours, Hours]
  /** Local days `YYYY-MM-DD` without work, whatever the week says. */
  holidays: ReadonlySet<string>
  /** Local days that are worked although the week says not: make-up workdays. They have the hours of a Monday. */
  workdays: ReadonlySet<string>
  /** The last local day that the lists of holidays cover; after it only the week is known. */
  knownUntil: string | null
}

const day: Hours = [[0, 1440]]

/** Every minute counts. */
export const always: Calendar = {
  id: 'always',
  offset: 0,
  week: [day, day, day, day, day, day, day],
  holidays: new Set(),
  workdays: new Set(),
  knownUntil: null,
}

/** `2026-02-15..2026-02-23` or one day, as the days between. */
function days(...ranges: string[]): Set<string> {
  const found = new Set<string>()
  for (const range of ranges) {
    const [from, to = from] = range.split('..') as [string, string?]
    for (let at = Date.parse(from); at <= Date.parse(to); at += 86_400_000) found.add(new Date(at).toISOString().slice(0, 10))
  }
  return found
}

const office: Hours = [
  [540, 720],
  [780, 1080],
]

/** Chinese office hours (09:00–12:00, 13:00–18:00, UTC+8) with the State Council's holidays and make-up workdays. */
export const chinaOffice: Calendar = {
  id: 'china-office',
  offset: 480,
  week: [[], office, office, office, office, office, []],
  holidays: days(
    '2025-01-01',
    '2025-01-28..2025-02-04',
    '2025-04-04..2025-04-06',
    '2025-05-01..2025-05-05',
    '2025-05-31..2025-06-02',
    '2025-10-01..2025-10-08',
    '2026-01-01..2026-01-03',
    '2026-02-15..2026-02-23',
    '2026-04-04..2026-04-06',
    '2026-05-01..2026-05-05',
    '2026-06-19..2026-06-21',
    '2026-09-25..2026-09-27',
    '2026-10-01..2026-10-07',
  ),
  workdays: days(
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
  ),
  knownUntil: '2026-12-31',
}

export const calendars: ReadonlyMap<string, Calendar> = new Map([always, chinaOffice].map((calendar) => [calendar.id, calendar]))

/** A promise by severity: how much working time until a ticket is answered. A change is a new version; old rows keep theirs. */
export const answerPolicy = { id: 'incident-answer-1', calendar: always.id, budgetMs: 8 * 3_600_000 } as const
