/** What a site has to tell: goods, news, jobs, papers, numbers. Drawn from the seed; news goes on as time passes. */
import type { Persona } from '../persona.ts'
import { pdf, zip } from './documents.ts'
import { chooseLabels, type En, type Label, ownChinese, ownEnglish, type Zh } from './lexicon.ts'
import { happened, happenedEn, praises, stands, standsEn } from './prose.ts'
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

/** Goods that a site may have, Chinese and English. */
export const machines: readonly (readonly [string, string])[] =
  `硬齿面减速机=Helical gear units|颚式破碎机=Jaw crushers|螺旋输送机=Screw conveyors|离心泵=Centrifugal pumps|闸阀=Gate valves|双梁起重机=Double girder cranes|板式换热器=Plate heat exchangers|立式铣床=Vertical mills|液压缸=Hydraulic cylinders|风电轮毂=Rotor hubs|布袋除尘器=Bag filters|联轴器=Couplings|卷扬机=Winches|球磨机=Ball mills|回转支承=Slewing rings|冲压线=Press lines|斗式提升机=Bucket elevators|振动筛=Vibrating screens|变频柜=Drive cabinets|电动葫芦=Chain hoists|罗茨风机=Lobe blowers|空压站=Air stations|挤出机=Extruders|桁架机械手=Gantry loaders|滚珠丝杠=Ball screws|压滤机=Filter presses|码垛机=Palletisers|深沟轴承=Deep groove bearings|高压釜=Autoclaves|制动器=Brakes|皮带机=Belt conveyors|车桥=Axles`
    .split('|')
    .map((pair) => pair.split('=') as unknown as readonly [string, string])

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
  const products = random.sample(machines, random.int(6, 8)).map((name) => drawProduct(name, ownZh, ownEn, random))
  const serial = random.pick([() => `${random.int(400, 899)}-`, () => `0${random.int(310, 899)}-`, () => `0${random.int(21, 29)}-`])()
  return {
    labels: chooseLabels(randomFor(persona, 'labels')),
    zh: ownZh,
    en: ownEn,
    slogan: [`${two[0]}${random.pick(['，', ' ', '、', '　'])}${two[1]}`, sentence(random.sample(ownEn.care, 2).join(random.pick([', ', '; ', ' and '])))],
    lead: [stands(ownZh, random), standsEn(ownEn, random)],
    story: [
      some(random.int(3, 5), () => stands(ownZh, random) + stands(ownZh, random)),
      some(random.int(2, 3), () => `${standsEn(ownEn, random)} ${standsEn(ownEn, random)}`),
    ],
    values: random.sample(ownZh.value, 4),
    figures: drawFigures(founded, random),
    products,
    articles: drawArticles(persona, ownZh, ownEn, now),
    jobs: random.sample(ownZh.job, random.int(4, 6)).map((title) => ({
      title,
      count: random.int(1, 12),
      lines: [random.sample(ownZh.need, 3).join('，'), random.sample(ownZh.perk, 3).join('、')],
    })),
    papers: drawPapers(persona, products, random),
    founded,
    phone: `${serial}${random.int(2, 8)}${String(random.int(0, 999_999)).padStart(6, '0')}`,
    mail: `${random.pick(['info', 'office', 'sales', 'market', 'service', 'bgs', 'zhb', 'xiaoshou', 'contact'])}@${persona.organisation.domain}`,
    street: `${city}${random.pick(['高新区', '经开区', '工业园', '北郊', '东区', '滨江片区', '老城南'])}${street(random)}${random.int(3, 980)}号`,
    icp: `${random.pick([...'京沪津渝冀晋辽吉黑苏浙皖闽赣鲁豫鄂湘粤川贵云陕甘'])}ICP备${random.int(10_000_000, 22_999_999)}号`,
  }
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
const street = (random: Random): string =>
  random.pick([...'兴明振安宏建长永新泰金玉春青']) +
  random.pick([...'业华达康远盛宁和丰园山河林泉']) +
  random.pick(['路', '大道', '东路', '西路', '街', '三路'])

function drawFigures(founded: number, random: Random): Content['figures'] {
  const say = (chinese: string, english: string): readonly [string, string] => [random.pick(chinese.split('|')), random.pick(english.split('|'))]
  const all: Content['figures'] = [
    { value: String(founded), label: say('始于|建厂|创立|起家', 'Since|Founded|Begun') },
    { value: `${random.int(6, 42) * 100}`, label: say('在册职工|员工|同事|在岗', 'People|Staff|Hands') },
    { value: `${random.int(8, 96)}`, label: say('万平米厂区|万平厂房|占地万㎡', 'Hectares|Halls') },
    { value: `${random.int(19, 240)}`, label: say('专利|授权专利|项发明', 'Patents|Filings') },
    { value: `${random.int(11, 64)}`, label: say('出口国|海外市场|到达国家', 'Nations|Markets') },
    { value: `${random.int(3, 16)}`, label: say('基地|厂区|分厂', 'Plants|Sites') },
    { value: `${random.int(120, 980)}`, label: say('台装备|机台|主要设备', 'Rigs|Tools') },
  ]
  return random.sample(all, 4)
}

function drawProduct(name: readonly [string, string], ownZh: Zh, ownEn: En, random: Random): Product {
  const code = Array.from({ length: random.int(1, 3) }, () => random.pick([...'ABCDFGHJKLMNPQRSTVWXYZ'])).join('')
  const columns = random
    .sample(units, 6)
    .slice(0, random.int(3, 4))
    .map((unit) => random.pick(unit.split('|')))
  const base = columns.map(() => random.int(2, 60))
  let size = random.int(1, 9) * random.pick([10, 25, 50])
  const table = [['', ...columns]]
  for (let i = 0; i < random.int(4, 6); i++) {
    table.push([`${code}${size}`, ...base.map((value, at) => String(Math.round(value * (1 + i * (0.35 + at * 0.1)) * 10) / 10))])
    size += random.pick([10, 15, 25, 50])
  }
  const traits = (): string =>
    `${name[1]}: ${random.sample(ownEn.trait, 3).join(random.pick([', ', '; ', ' / ']))}. ${sentence(random.sample(ownEn.serve, 3).join(', '))}.`
  return {
    slug: random.pick([() => `${random.word(2)}-${code.toLowerCase()}`, () => `${random.int(11, 989)}`, () => code.toLowerCase() + random.hex(3)])(),
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
  const slugBase = pace.int(120, 8000)
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
      const first = happened(ownZh, random)
      const date = new Date(time + 8 * 3_600_000).toISOString().slice(0, 10)
      return {
        slug: slugStyle === 0 ? `${slugBase + number * 7}` : slugStyle === 1 ? `${date.replaceAll('-', '')}${random.int(10, 99)}` : random.hex(10),
        title:
          (first.split(/[，；。]/).find((part) => part.length >= 7) ?? first).slice(0, 40) +
          (random.chance(0.4) ? `${random.pick(['：', ' ', '，'])}${random.pick(ownZh.so)}` : ''),
        at: time,
        text: [first, ...Array.from({ length: random.int(2, 4) }, () => happened(ownZh, random) + (random.chance(0.5) ? stands(ownZh, random) : ''))],
        english: happenedEn(ownEn, random),
      }
    })
}

function drawPapers(persona: Persona, products: readonly Product[], random: Random): Paper[] {
  const producer = random.pick([
    'WPS Office',
    'Microsoft: Print To PDF',
    'Acrobat Distiller 15.0',
    'iText 5.5.13',
    'PDFsharp 1.50',
    'Skia/PDF m94',
    'cairo 1.16.0',
  ])
  const version = random.pick(['1.4', '1.5', '1.7'])
  const compress = random.chance(0.7)
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
    title: `${products[0]?.name[0] ?? ''}外形图`,
    body: zip(drawings, modified),
    type: 'application/zip',
    modified,
  })
  return papers
}

/** A small drawing in the DXF text form: lines only. */
function dxf(random: Random): string {
  let out = '0\nSECTION\n2\nENTITIES\n'
  for (let i = 0; i < random.int(14, 30); i++)
    out += `0\nLINE\n8\n${random.int(0, 4)}\n10\n${random.int(0, 900)}\n20\n${random.int(0, 700)}\n11\n${random.int(0, 900)}\n21\n${random.int(0, 700)}\n`
  return `${out}0\nENDSEC\n0\nEOF\n`
}
