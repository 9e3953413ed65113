/** What a site has to tell: goods, news, jobs, papers, numbers. Drawn from the seed; news goes on as time passes. */
import type { Persona } from '../persona.ts'
import { pdf, zip } from './documents.ts'
import { chooseLabels, type En, type Label, ownChinese, ownEnglish, type Zh } from './lexicon.ts'
import { came, code, happened, happenedEn, praises, stands, standsEn } from './prose.ts'
import { type Random, randomFor } from './random.ts'

export interface Product {
  slug: string
  name: readonly [string, string]
  text: readonly [string[], string[]]
  /** Rows of a table of sizes, first the head. */
  table: string[][]
}
export interface Article {
  slug: string
  title: string
  /** Milliseconds since 1970 UTC. */
  at: number
  text: string[]
  english: string
}
export interface Job {
  title: string
  count: number
  lines: string[]
}
export interface Paper {
  name: string
  title: string
  body: Buffer
  type: string
  /** Seconds since 1970 UTC. */
  modified: number
}
export interface Content {
  labels: Record<Label, readonly [string, string]>
  zh: Zh
  en: En
  slogan: readonly [string, string]
  lead: readonly [string, string]
  story: readonly [string[], string[]]
  values: string[]
  figures: { value: string; label: readonly [string, string] }[]
  products: Product[]
  articles: Article[]
  jobs: Job[]
  papers: Paper[]
  founded: number
  phone: string
  mail: string
  street: string
  icp: string
}

const pairs = (text: string): (readonly [string, string])[] => text.split('|').map((pair) => pair.split('=') as unknown as readonly [string, string])
/** Kinds, Chinese and English; a product's name is a kind and a good. */
export const kinds = pairs(
  '立式=Vertical|卧式=Flat|双级=Double|重型=Heavy|轻型=Light|高速=Fast|数控=CNC|气动=Air|电动=Electric|封闭=Closed|单臂=Single|低温=Cold|耐磨=Hard',
)
/** Goods, Chinese and English. */
export const goods = pairs(
  '减速机=gears|破碎机=crushers|输送机=belts|离心泵=pumps|闸阀=valves|起重机=cranes|换热器=coolers|铣床=mills|油缸=rams|轮毂=hubs|除尘器=filters|联轴器=joints|卷扬机=winches|压力机=presses|提升机=lifts|振动筛=screens|变频柜=cabinets|葫芦=hoists|风机=fans|机械手=loaders|丝杠=screws|轴承=bearings|制动器=brakes|车桥=axles|切割机=cutters',
)

const units = [
  '功率 kW|额定 kW|电机 kW',
  '转速 rpm|r/min|n (rpm)',
  '自重 kg|质量 kg|净重 kg',
  '流量 m³/h|Q (m³/h)|排量 m³',
  '扭矩 N·m|T (N·m)',
  '行程 mm|L (mm)|外径 mm',
  '压力 MPa|P (MPa)|工压 bar',
  '电压 V|AC (V)',
]

const day = 86_400_000

/** Draws everything a persona's site says at the time `now` (ms since 1970 UTC). */
export function drawContent(persona: Persona, now: number): Content {
  const random = randomFor(persona, 'content')
  const ownZh = ownChinese(randomFor(persona, 'lexicon zh'))
  const ownEn = ownEnglish(randomFor(persona, 'lexicon en'))
  const founded = persona.organisation.founded ?? random.int(1958, 2008)
  const city = persona.organisation.city?.zh ?? ''
  const some = (count: number, make: () => string): string[] => Array.from({ length: count }, make)
  const two = random.sample(ownZh.care, 2)
  const names = random.sample(goods, random.int(6, 8)).map(([zh, en]) => [random.pick(kinds), [zh, en]] as const)
  const products = names.map(([kind, [zh, en]]) => drawProduct([kind[0] + zh, `${kind[1]} ${en}`], ownZh, ownEn, random))
  const serial = random.pick([() => `${random.int(400, 899)}-`, () => `0${random.int(310, 899)}-`, () => `0${random.int(21, 29)}-`])()
  return {
    labels: chooseLabels(randomFor(persona, 'labels')),
    zh: ownZh,
    en: ownEn,
    slogan: [`${two[0]}${random.pick(['，', ' ', '、', '　'])}${two[1]}`, random.sample(ownEn.care, 2).join(random.pick(['. ', ', ', '; ']))],
    lead: [stands(ownZh, founded, random), standsEn(ownEn, founded, random)],
    story: [some(random.int(3, 5), () => stands(ownZh, founded, random)), some(random.int(2, 3), () => standsEn(ownEn, founded, random))],
    values: random.sample(ownZh.value, 4),
    figures: drawFigures(founded, random),
    products,
    articles: drawArticles(persona, ownZh, ownEn, now),
    jobs: random.sample(ownZh.job, random.int(4, 6)).map((title) => ({
      title,
      count: random.int(1, 12),
      lines: [random.sample(ownZh.need, 3).join(' / '), `${random.sample(ownZh.perk, 3).join(' / ')} / ${random.int(4, 19)}.${random.int(1, 9)}k`],
    })),
    papers: drawPapers(persona, products, random),
    founded,
    phone: `${serial}${random.int(2, 8)}${String(random.int(0, 999_999)).padStart(6, '0')}`,
    mail: `${random.pick(['info', 'office', 'sales', 'market', 'service', 'bgs', 'zhb', 'xiaoshou', 'contact'])}@${persona.organisation.domain}`,
    street: `${city}${random.pick(['高新区', '经开区', '工业园', '北郊', '东区', '滨江片区', '老城南'])}${street(random)}${random.int(3, 980)}号`,
    icp: `${random.pick([...'京沪津渝冀晋辽吉黑苏浙皖闽赣鲁豫鄂湘粤川贵云陕甘'])}ICP备${random.int(10_000_000, 22_999_999)}号`,
  }
}

const street = (random: Random): string =>
  random.pick([...'兴明振安宏建长永新泰金玉春青']) +
  random.pick([...'业华达康远盛宁和丰园山河林泉']) +
  random.pick(['路', '大道', '东路', '西路', '街', '三路'])

function drawFigures(founded: number, random: Random): Content['figures'] {
  const say = (chinese: string, english: string): readonly [string, string] => [random.pick(chinese.split('|')), random.pick(english.split('|'))]
  const all: Content['figures'] = [
    { value: String(founded), label: say('始于|建厂|创立|起家', 'Since|Founded') },
    { value: `${random.int(6, 42) * 100}`, label: say('在册职工|员工|同事|在岗', 'People|Staff') },
    { value: `${random.int(8, 96)}`, label: say('万平米厂区|万平厂房|占地万㎡', 'Hectares') },
    { value: `${random.int(19, 240)}`, label: say('专利|授权专利|项发明', 'Patents') },
    { value: `${random.int(11, 64)}`, label: say('出口国|海外市场|到达国家', 'Markets') },
    { value: `${random.int(3, 16)}`, label: say('基地|厂区|分厂', 'Plants') },
    { value: `${random.int(120, 980)}`, label: say('台装备|机台|主要设备', 'Rigs') },
  ]
  return random.sample(all, 4)
}

function drawProduct(name: readonly [string, string], ownZh: Zh, ownEn: En, random: Random): Product {
  const model = code(random)
  const columns = random
    .sample(units, 6)
    .slice(0, random.int(3, 4))
    .map((unit) => random.pick(unit.split('|')))
  const base = columns.map(() => random.int(2, 60))
  let size = random.int(1, 9) * random.pick([10, 25, 50])
  const table = [['', ...columns]]
  for (let i = 0; i < random.int(4, 6); i++) {
    table.push([`${model}-${size}`, ...base.map((value, at) => String(Math.round(value * (1 + i * (0.35 + at * 0.1) + random.real()) * 10) / 10))])
    size += random.pick([10, 15, 25, 50])
  }
  const traits = (): string => `${name[1]} ${model}: ${random.int(11, 98)}.${random.int(1, 9)} kW, ${random.pick(ownEn.serve)}.`
  return {
    slug: random.pick([() => `${random.word(2)}-${model.toLowerCase()}`, () => `${random.int(10_000, 98_999)}`, () => model.toLowerCase() + random.hex(4)])(),
    name,
    text: [Array.from({ length: random.int(2, 3) }, () => praises(ownZh, name[0], random)), [traits()]],
    table,
  }
}

/** Articles appear at drawn distances from the installation on; the newest 30 are on the site. */
function drawArticles(persona: Persona, ownZh: Zh, ownEn: En, now: number): Article[] {
  const pace = randomFor(persona, 'news pace')
  const [least, most] = [pace.int(3, 7), pace.int(11, 24)]
  const slugStyle = pace.int(0, 2)
  const slugBase = pace.int(12_000, 89_000)
  const slugStep = pace.int(3, 19)
  const times: number[] = []
  let at = persona.installedAt - pace.int(60, 200) * day
  for (let i = 0; i < 2000 && at < now; i++) {
    times.push(at)
    at += pace.int(least, most) * day + pace.int(-9, 9) * 1_800_000
  }
  return times
    .map((time, number) => ({ time, number }))
    .slice(-30)
    .reverse()
    .map(({ time, number }) => {
      const random = randomFor(persona, `news ${number}`)
      const title = happened(ownZh, time, random)
      const date = new Date(time + 8 * 3_600_000).toISOString().slice(0, 10)
      return {
        slug: slugStyle === 0 ? `${slugBase + number * slugStep}` : slugStyle === 1 ? `${date.replaceAll('-', '')}${random.int(100, 999)}` : random.hex(10),
        title,
        at: time,
        text: Array.from({ length: random.int(2, 4) }, (_, at) => `${at === 0 ? title : happened(ownZh, time, random)}，${came(ownZh, random)}。`),
        english: happenedEn(ownEn, random),
      }
    })
}

function drawPapers(persona: Persona, products: readonly Product[], random: Random): Paper[] {
  const producer = random.pick(['WPS Office', 'Acrobat Distiller 15.0', 'iText 5.5.13', 'PDFsharp 1.50', 'Skia/PDF m94', 'cairo 1.16.0'])
  const version = random.pick(['1.4', '1.5', '1.7'])
  const compress = random.chance(0.7)
  const shade = (): string => (random.int(20, 480) / 1000).toFixed(3)
  const start = `${shade()} ${shade()} ${shade()} rg BT /F1 ${random.int(17, 23)} Tf ${random.int(48, 66)} ${random.int(761, 789)} Td`
  const mark = Buffer.from(Array.from({ length: 4 }, () => random.int(128, 255)))
  const papers = products.slice(0, random.int(3, 5)).map((product): Paper => {
    const modified = Math.floor(persona.installedAt / 1000) + random.int(20, 400) * 86_400 + random.int(0, 40_000)
    const rows = product.table.map((row) => row.map((cell) => cell.replace(/[^\x20-\x7e]/g, '').trim()).join('    '))
    const created = `${new Date(modified * 1000).toISOString().replace(/\D/g, '').slice(0, 14)}+08'00'`
    const body = pdf(product.name[1], [[product.name[1], ...(product.text[1] as string[]), '', ...rows], rows], {
      version,
      producer,
      created,
      id: random.hex(32),
      compress,
      mark,
      start,
    })
    return {
      name: `${random.pick([product.slug, random.hex(12), `${random.word(2)}${random.int(2, 99)}`])}.pdf`,
      title: product.name[0],
      body,
      type: 'application/pdf',
      modified,
    }
  })
  const modified = Math.floor(persona.installedAt / 1000) + random.int(100, 500) * 86_400
  const drawings = products.slice(0, 3).map((product) => ({ name: `${product.slug}.dxf`, body: Buffer.from(dxf(random)) }))
  papers.push({
    name: `${random.word(2)}${random.int(10, 999)}.zip`,
    title: `${products[0]?.name[0] ?? ''} DXF`,
    body: zip(drawings, modified),
    type: 'application/zip',
    modified,
  })
  return papers
}

/** A small drawing in the DXF text form: lines only. */
function dxf(random: Random): string {
  let out = `999\n${random.hex(12)}\n0\nSECTION\n2\nENTITIES\n`
  for (let i = 0; i < random.int(14, 30); i++)
    out += `0\nLINE\n8\n${random.int(0, 4)}\n10\n${random.int(0, 900)}\n20\n${random.int(0, 700)}\n11\n${random.int(0, 900)}\n21\n${random.int(0, 700)}\n`
  return `${out}0\nENDSEC\n0\nEOF\n`
}
