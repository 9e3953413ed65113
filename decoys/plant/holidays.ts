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

/**
 * First day of the first month, fifth of the fifth, fifteenth of the eighth month of the Chinese calendar, as MMDD, five years a line from 2000 to 2099. A table,
 * because the calendar of ICU costs a worker 8 MB of resident memory and is a day off where the new moon falls close to midnight in Beijing (6 February 2027: 23:56).
 */
const lunarDays = [
  '020506060912 012406251001 021206150921 020106040911 012206220928',
  '020906110918 012905311006 021806190925 020706080914 012605281003',
  '021406160922 020306060912 012306230930 021006120919 013106020908',
  '021906200927 020806090915 012805301004 021606180924 020506070913',
  '012506251001 021206140921 020106030910 012206220929 021006100917',
  '012905311006 021706190925 020606090915 012605281003 021306160922',
  '020306050912 012306241001 021106120919 013106010908 021906200927',
  '020806100916 012805301004 021506180924 020406070913 012405271002',
  '021206140920 020106030910 012206220928 021006110917 013005311005',
  '021706190925 020606080915 012605291004 021406150922 020206040911',
  '012306230930 021106130919 020106010907 021906200926 020806100916',
  '012805301005 021506170924 020406060913 012406251002 021206140921',
  '020206030909 012106220928 020906110917 012906011006 021706190925',
  '020506080915 012605281003 021406160923 020306040911 012306230929',
  '021106130919 013106020908 021906200926 020706100916 012705301005',
  '021506170924 020506060912 012406241001 021206140920 020206040910',
  '012206220928 020906110917 012906011006 021706190926 020606070914',
  '012605271003 021406150922 020306050911 012406230929 021006130918',
  '013006020908 021806210927 020706090916 012705291005 021506170924',
  '020506060913 012506240930 021206140920 020106040909 012106230929',
]
const lunarDay = (year: number, which: 0 | 1 | 2): number => {
  const at = ((year - 2000) % 5) * 13 + which * 4
  const text = lunarDays[Math.floor((year - 2000) / 5)]?.slice(at, at + 4)
  if (!text) throw new Error(`the Chinese calendar of ${year} is not known`)
  return toDay(`${year}-${text.slice(0, 2)}-${text.slice(2)}`)
}
const springFestival = (year: number): number => lunarDay(year, 0)

/** Qingming, the solar term at a longitude of 15°: the usual formula for this century. */
const qingming = (year: number): number => {
  const y = year - 2000
  return toDay(`${year}-04-01`) + Math.floor(y * 0.2422 + 4.81) - Math.floor(y / 4) - 1
}

/** The days that the regulation of 2024 itself gives (13 of them), as day numbers; years from 2000 to 2099. */
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
    lunarDay(year, 1),
    lunarDay(year, 2),
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
