/** Sentences from a site's own words. */
import type { En, Zh } from './lexicon.ts'
import type { Random } from './random.ts'

const connect = ['，', '；', '。']

/** A Chinese sentence about something that happened. */
export function happened(zh: Zh, random: Random): string {
  const parts = [random.pick(zh.when), random.pick(zh.who) + random.pick(zh.did) + random.pick(zh.what), random.pick(zh.so)]
  if (random.chance(0.5)) parts.push(random.pick(zh.next))
  if (random.chance(0.3)) parts[0] = random.pick(zh.serve) + random.pick(['板块', '客户', '同行', '项目', '方面', '用户'])
  return join(parts, random)
}

/** A Chinese sentence about the company. */
export function stands(zh: Zh, random: Random): string {
  const makes = random.sample(zh.make, random.int(2, 3)).join('、')
  const serves = random.sample(zh.serve, random.int(2, 4)).join('、')
  const [one, two] = random.sample(zh.care, 2)
  switch (random.int(0, 5)) {
    case 0:
      return join([`${random.pick(zh.we)}${one}`, `${two}`, `${makes}${random.pick(['卖到', '用在', '进入', '走向', '装在'])}${serves}`], random)
    case 1:
      return join([`${random.pick(['从', '由', '以', '自'])}${makes}${random.pick(['做起', '起步', '开局', '入行'])}`, `${random.pick(zh.we)}${two}`], random)
    case 2:
      return join([`${serves}${random.pick(['用户', '客户', '同行', '厂家'])}${random.pick(['认得', '信赖', '常用', '点名要'])}${makes}`, `${one}`], random)
    case 3:
      return join([`${one}`, `${two}`, `${random.pick(['所以', '于是', '故而', '才有'])}${random.pick(zh.so)}`], random)
    case 4:
      return join([`${makes}${random.pick(zh.trait)}`, `${random.pick(zh.we)}${one}`], random)
    default:
      return join([`${random.pick(zh.who)}${one}`, `${random.pick(zh.who)}${two}`], random)
  }
}

/** A Chinese sentence about a product. */
export function praises(zh: Zh, name: string, random: Random): string {
  const traits = random.sample(zh.trait, random.int(2, 4))
  const parts = random.chance(0.5)
    ? [name + traits[0], ...traits.slice(1)]
    : [...traits, `${random.pick(['多见于', '常用在', '适合', '配套', '面向'])}${random.sample(zh.serve, 2).join(random.pick(['和', '与', '、', '及']))}`]
  if (random.chance(0.4)) parts.push(random.pick(zh.so))
  return join(parts, random)
}

const join = (parts: readonly string[], random: Random): string => {
  let text = parts[0] ?? ''
  for (const part of parts.slice(1)) text += random.pick(connect) + part
  return `${text}。`
}

/** An English sentence about something that happened. */
export function happenedEn(en: En, random: Random): string {
  const base = `${random.pick(en.when)} ${random.pick(en.who)} ${random.pick(en.did)} ${random.pick(en.what)}`
  return capital(random.chance(0.5) ? `${base}; ${random.pick(en.so)}.` : `${base}, so ${random.pick(en.so)}.`)
}

/** An English sentence about the company. */
export function standsEn(en: En, random: Random): string {
  const makes = random.sample(en.make, 2).join(' and ')
  const serves = random.sample(en.serve, 3).join(', ')
  const [one, two] = random.sample(en.care, 2)
  switch (random.int(0, 2)) {
    case 0:
      return capital(`${random.pick(en.we)} ${one}, ${two}. ${capital(makes)}: ${serves}.`)
    case 1:
      return capital(`${serves} ${random.pick(['run', 'use', 'take', 'need', 'buy'])} ${makes}. ${random.pick(en.we)} ${one}.`)
    default:
      return capital(`${makes}: each ${random.pick(en.trait)}. ${random.pick(en.we)} ${two}, ${one}.`)
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
