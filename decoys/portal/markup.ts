/** HTML in one site's handwriting: its class names, attribute order, quotes and line breaks are drawn from the seed. */
import type { Random } from './random.ts'

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[sign] as string)

export type Attributes = Record<string, string | true | undefined>
export type Child = string | readonly Child[] | undefined

export interface Markup {
  /** An element. `role` names become this site's class; children are markup already, text goes through `text`. */
  el(tag: string, attributes: Attributes, ...children: Child[]): string
  /** A block element whose tag varies by site: `section`, `block`, `article`, `aside`, `strong`. */
  tag(kind: string): string
  text(text: string): string
  /** This site's class for a role. */
  cls(role: string): string
  /** This site's id, field or file name for a role. */
  id(role: string): string
  comment(text: string): string
  readonly newline: string
}

/** Letters without sense, as tools that build sites make names: two sites seldom begin a name alike. */
const letters = (random: Random, count: number): string => Array.from({ length: count }, () => random.pick([...'abcdefghijklmnopqrstuvwxyz'])).join('')

const empty = new Set(['area', 'base', 'br', 'hr', 'img', 'input', 'link', 'meta', 'source', 'wbr'])
const variants: Record<string, string[]> = {
  section: ['section', 'div'],
  block: ['div', 'div', 'section'],
  article: ['article', 'div', 'section'],
  aside: ['aside', 'div'],
  header: ['header', 'div'],
  footer: ['footer', 'div'],
  nav: ['nav', 'div'],
  main: ['main', 'div'],
  strong: ['strong', 'b', 'span', 'em'],
  small: ['small', 'span', 'p'],
  list: ['ul', 'ol', 'div'],
}

/** Draws a handwriting. */
export function drawMarkup(random: Random): Markup {
  const quote = '"'
  const newline = random.pick(['\n', '\n', '\r\n', ''])
  const breaks = newline === '' ? 0 : random.int(1, 3)
  const voidEnd = random.pick(['>', ' />', '/>'])
  const prefix = random.pick([() => `${letters(random, 3)}-`, () => `${letters(random, 2)}${random.int(2, 98)}_`, () => ''])()
  const style = random.int(0, 2)
  const names = new Map<string, string>()
  const used = new Set<string>()
  const name = (role: string): string => {
    let held = names.get(role)
    while (held === undefined) {
      const made =
        style === 0 ? letters(random, random.int(5, 7)) : style === 1 ? `${letters(random, 2)}${random.hex(4)}` : `${letters(random, 3)}-${random.hex(3)}`
      if (!used.has(made)) {
        used.add(made)
        held = made
        names.set(role, made)
      }
    }
    return held
  }
  const tags = Object.fromEntries(Object.entries(variants).map(([kind, choices]) => [kind, random.pick(choices)]))
  const ranks = new Map<string, string>()
  const rank = (attribute: string): string => {
    let held = ranks.get(attribute)
    if (held === undefined) {
      held = random.hex(6)
      ranks.set(attribute, held)
    }
    return held
  }
  const flat = (children: readonly Child[]): string => {
    let out = ''
    for (const child of children) if (child !== undefined) out += typeof child === 'string' ? child : flat(child)
    return out
  }
  const blocky = new Set(
    random.sample(
      [
        'div',
        'section',
        'article',
        'ul',
        'li',
        'p',
        'header',
        'footer',
        'nav',
        'main',
        'h1',
        'h2',
        'h3',
        'form',
        'table',
        'tr',
        'head',
        'body',
        'meta',
        'link',
        'html',
        'dl',
        'dt',
        'dd',
        'aside',
        'label',
      ],
      breaks * 8,
    ),
  )

  return {
    newline,
    tag: (kind) => tags[kind] ?? kind,
    cls: (role) => prefix + name(role),
    id: (role) => name(`#${role}`),
    text: escapeHtml,
    comment: (text) => `<!--${text}-->${newline}`,
    el(tag, attributes, ...children) {
      let out = `<${tag}`
      const pairs = Object.entries(attributes).filter(([, value]) => value !== undefined)
      if (pairs.length > 1) pairs.sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1))
      for (const [key, value] of pairs) out += value === true ? ` ${key}` : ` ${key}=${quote}${escapeHtml(value as string)}${quote}`
      if (empty.has(tag)) return `${out}${voidEnd}${blocky.has(tag) ? newline : ''}`
      return `${out}>${flat(children)}</${tag}>${blocky.has(tag) ? newline : ''}`
    },
  }
}
