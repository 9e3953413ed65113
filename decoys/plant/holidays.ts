/** Days off in China: published arrangements as data, later years by the rule written here. */

/** Local days as `YYYY-MM-DD`; ranges are inclusive. */
interface Year {
  off: readonly (readonly [string, string])[]
  /** Weekend days that are worked instead. */
  worked: readonly string[]
}

/** General Office of the State Council, arrangements for 2025 (12 November 2024) and 2026 (4 November 2025). */
const published: Readonly<Record<number, Year>> = {
  2025: {
    off: [
      ['2025-01-01', '2025-01-01'],
      ['2025-01-28', '2025-02-04'],
      ['2025-04-04', '2025-04-06'],
      ['2025-05-01', '2025-05-05'],
      ['2025-05-31', '2025-06-02'],
      ['2025-10-01', '2025-10-08'],
    ],
    worked: ['2025-01-26', '2025-02-08', '2025-04-27', '2025-09-28', '2025-10-11'],
  },
  2026: {
    off: [
      ['2026-01-01', '2026-01-03'],
      ['2026-02-15', '2026-02-23'],
      ['2026-04-04', '2026-04-06'],
      ['2026-05-01', '2026-05-05'],
      ['2026-06-19', '2026-06-21'],
      ['2026-09-25', '2026-09-27'],
      ['2026-10-01', '2026-10-07'],
    ],
    worked: ['2026-01-04', '2026-02-14', '2026-02-28', '2026-05-09', '2026-09-20', '2026-10-10'],
  },
}

const dayMs = 86_400_000
const toDay = (text: string): number => Date.parse(`${text}T00:00:00Z`) / dayMs

/** The Gregorian day of a day of the Chinese calendar; leap months are never meant. Day numbers count from 1970-01-01. */
const lunar = new Intl.DateTimeFormat('en-u-ca-chinese', { timeZone: 'Asia/Shanghai', month: 'numeric', day: 'numeric' })
function lunarDay(year: number, month: number, day: number): number {
  const first = toDay(`${year}-01-15`)
  for (let at = first; at < first + 330; at++) if (lunar.format(at * dayMs) === `${month}/${day}`) return at
  throw new Error(`no day ${month}/${day} of the Chinese calendar in ${year}`)
}

/**
 * First days of the Chinese year. Listed, because the calendar of ICU is a day off where the new moon falls close to midnight
 * (6 February 2027: 23:56 in Beijing).
 */
const newYears: Readonly<Record<number, string>> = {
  2025: '2025-01-29',
  2026: '2026-02-17',
  2027: '2027-02-06',
  2028: '2028-01-26',
  2029: '2029-02-13',
  2030: '2030-02-03',
  2031: '2031-01-23',
  2032: '2032-02-11',
  2033: '2033-01-31',
  2034: '2034-02-19',
  2035: '2035-02-08',
}
const springFestival = (year: number): number => (newYears[year] === undefined ? lunarDay(year, 1, 1) : toDay(newYears[year]))

/** Qingming, the solar term at a longitude of 15°: the usual formula for this century. */
const qingming = (year: number): number => {
  const y = year - 2000
  return toDay(`${year}-04-01`) + Math.floor(y * 0.2422 + 4.81) - Math.floor(y / 4) - 1
}

/** The days that the regulation of 2024 itself gives (13 of them), as day numbers. */
export function statutoryDays(year: number): number[] {
  const spring = springFestival(year)
  const labour = toDay(`${year}-05-01`)
  const national = toDay(`${year}-10-01`)
  return [
    toDay(`${year}-01-01`),
    spring - 1,
    spring,
    spring + 1,
    spring + 2,
    qingming(year),
    labour,
    labour + 1,
    lunarDay(year, 5, 5),
    lunarDay(year, 8, 15),
    national,
    national + 1,
    national + 2,
  ]
}

/**
 * The rule where no arrangement is published: the statutory days; Spring Festival from its eve for eight days, Labour Day for
 * five, National Day for seven; nothing is worked instead.
 */
function byRule(year: number): Set<number> {
  const days = new Set(statutoryDays(year))
  const eve = springFestival(year) - 1
  for (let i = 0; i < 8; i++) days.add(eve + i)
  for (let i = 0; i < 5; i++) days.add(toDay(`${year}-05-01`) + i)
  for (let i = 0; i < 7; i++) days.add(toDay(`${year}-10-01`) + i)
  return days
}

const years = new Map<number, { off: Set<number>; worked: Set<number> }>()

/** Whether a local day (number since 1970-01-01) is a holiday, or a weekend day that is worked instead; years from 2000 to 2099. */
export function chinaDay(day: number): 'holiday' | 'worked' | undefined {
  const year = new Date(day * dayMs).getUTCFullYear()
  if (year < 2000 || year > 2099) return undefined
  let known = years.get(year)
  if (!known) {
    const given = published[year]
    const off = new Set<number>()
    for (const [from, to] of given?.off ?? []) for (let at = toDay(from); at <= toDay(to); at++) off.add(at)
    known = { off: given ? off : byRule(year), worked: new Set(given?.worked.map(toDay)) }
    years.set(year, known)
  }
  return known.off.has(day) ? 'holiday' : known.worked.has(day) ? 'worked' : undefined
}
