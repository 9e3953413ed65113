/** Sentences from a site's own words: short, with numbers between the words, as a works writes about itself. */
import type { En, Zh } from './lexicon.ts'
import type { Random } from './random.ts'

/** A code such as a works gives to its models. */
export const code = (random: Random): string =>
  Array.from({ length: random.int(1, 3) }, () => random.pick([...'ABCDFGHJKLMNPQRSTVWXYZ'])).join('') + random.int(2, 98) * random.pick([5, 10])

/** A Chinese sentence about something that happened shortly before `at` (ms since 1970 UTC): a headline without its end. */
export function happened(zh: Zh, at: number, random: Random): string {
  const day = new Date(at - random.int(0, 2) * 86_400_000)
  const [month, date] = [day.getUTCMonth() + 1, day.getUTCDate()]
  const when = random.pick([`${date}日`, `${month}月`, `${month}月${date}日`])
  const who = `${random.pick(zh.trade)}${random.int(1, 12)}${random.pick(zh.unit)}`
  return `${when}${who}${random.pick(zh.did)}${random.int(2, 46)}${random.pick(zh.measure)}${random.pick(zh.what)} ${code(random)}`
}

/** What came of it. */
export const came = (zh: Zh, random: Random): string => `${random.pick(zh.so)}${random.int(2, 39)}.${random.int(0, 9)}%`

/** A Chinese paragraph about the company, told by years. */
export function stands(zh: Zh, founded: number, random: Random): string {
  let year = founded + random.int(0, 4)
  const parts: string[] = []
  for (let left = random.int(2, 4); left > 0; left--) {
    parts.push(
      random.pick([
        () => `${year} 年${random.pick(zh.begun)}${random.pick(zh.make)}`,
        () => `${year} 年供${random.pick(zh.serve)}`,
        () => `${year} 起${random.pick(zh.care)}`,
      ])(),
    )
    year += random.int(1, 9)
  }
  return `${parts.join(random.pick(['，', '；', '、']))}。`
}

/** What machines are rated for, with the unit and the greatest number. */
const ratings = '温升 K 60|噪声 dB 88|效率 % 97|寿命 kh 60|振幅 mm 4|回差 % 3|漏率 % 2|自重 t 40|行程 m 12|扭矩 kNm 90|转速 r/min 1900|响应 ms 80'
  .split('|')
  .map((text) => text.split(' '))

/** A Chinese paragraph about a product: what it is rated for, and one good word. */
export function praises(zh: Zh, name: string, random: Random): string {
  const rated = random
    .sample(ratings, random.int(2, 3))
    .map(([what, unit, most]) => `${what} ${(Number(most) * (0.5 + random.real() / 2)).toFixed(Number(most) > 100 ? 0 : 1)} ${unit}`)
  return `${name} ${code(random)}：${rated.join('，')}，${random.pick(zh.trait)}。`
}

/** An English sentence about something that happened. */
export const happenedEn = (en: En, random: Random): string =>
  `${random.pick(en.who)} ${random.int(1, 12)} ${random.pick(en.did)} ${random.int(2, 46)} ${random.pick(en.what)} ${code(random)}; ${random.pick(en.so)} -${random.int(2, 39)}.${random.int(0, 9)}%.`

/** An English sentence about the company. */
export const standsEn = (en: En, founded: number, random: Random): string =>
  `${founded + random.int(0, 29)}: ${random.pick(en.what)} ${code(random)}, ${random.pick(en.serve)}.`
