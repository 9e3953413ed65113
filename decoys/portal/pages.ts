/** Pages of a site, put together from its content, layout, handwriting and look. */
import type { Persona } from '../persona.ts'
import type { Article, Content, Product } from './content.ts'
import type { Design } from './design.ts'
import type { Layout } from './layout.ts'
import type { Label } from './lexicon.ts'
import type { Child, Markup } from './markup.ts'
import type { Random } from './random.ts'

export interface SiteParts {
  persona: Persona
  content: Content
  layout: Layout
  design: Design
  markup: Markup
  /** Paths of pictures and files, by role. */
  assets: { css: string; js: string; icon: string; mark: string; hero: string; works: string; pictures: string[]; papers: string[] }
  /** Drawn once a site: small decisions on order and presence. */
  taste: Taste
}
export interface Taste {
  lang: string
  separator: string
  doctype: string
  title: (own: string, name: string) => string
  keywords: boolean
  year: number
  menu: readonly Label[]
  dates: (at: number) => string
  comments: readonly string[]
  headOrder: readonly number[]
  homeOrder: readonly number[]
  arrow: string
}

/** Draws a site's small habits. */
export function drawTaste(random: Random, now: number): Taste {
  const separator = random.pick([' - ', ' | ', '_', ' – ', '-', ' · '])
  const format = random.int(0, 3)
  return {
    lang: random.pick(['zh-CN', 'zh', 'zh-Hans', 'zh-cn', 'zh-Hans-CN']),
    separator,
    doctype: random.pick(['<!DOCTYPE html>', '<!doctype html>', '<!DOCTYPE HTML>']),
    title: random.chance(0.7) ? (own, name) => `${own}${separator}${name}` : (own, name) => `${name}${separator}${own}`,
    keywords: random.chance(0.6),
    year: new Date(now).getUTCFullYear() - (random.chance(0.25) ? 1 : 0),
    menu: ['about', ...random.shuffle(['products', 'news', 'careers', 'downloads'] as const), 'contact'],
    dates: (at) => {
      const [year, month, date] = new Date(at + 8 * 3_600_000).toISOString().slice(0, 10).split('-') as [string, string, string]
      return [`${year}-${month}-${date}`, `${year}.${month}.${date}`, `${year}/${month}/${date}`, `${Number(month)}月${Number(date)}日 ${year}`][
        format
      ] as string
    },
    comments: Array.from({ length: random.int(0, 3) }, () =>
      random.pick([() => ` ${random.word(2)} `, () => random.word(3), () => ` ${random.hex(8)} `, () => ` ${random.int(1, 40)}ms `])(),
    ),
    headOrder: random.shuffle([0, 1, 2, 3, 4]),
    homeOrder: random.shuffle([0, 1, 2]),
    arrow: random.pick(['', ' →', ' »', ' ›', ' ＋']),
  }
}

export interface PageOptions {
  title: string
  english?: boolean
  here?: Label
  description?: string
}

/** The maker of pages for one site. */
export function pageMaker(parts: SiteParts) {
  const { persona, content, layout, design, markup, assets, taste } = parts
  const { el, cls, text, tag } = markup
  const one =
    (english = false) =>
    (label: Label): string =>
      content.labels[label][english ? 1 : 0]
  const company = (english = false): string => persona.organisation.name[english ? 'en' : 'zh']
  const link = (href: string, ...inner: Child[]): string => el('a', { href }, ...inner)
  const hasEnglish: readonly Label[] = ['about', 'products', 'contact']

  const head = (options: PageOptions): string => {
    const title = taste.title(options.title, company(options.english))
    const bits = [
      el('meta', { name: 'viewport', content: 'width=device-width,initial-scale=1' }),
      el('title', {}, text(title)),
      el('meta', { name: 'description', content: (options.description ?? content.lead[options.english ? 1 : 0]).slice(0, 120) }),
      el('link', { rel: 'icon', href: assets.icon }),
      el('link', { rel: 'stylesheet', href: assets.css }),
    ]
    const keywords = taste.keywords
      ? el('meta', { name: 'keywords', content: content.products.map((product) => product.name[options.english ? 1 : 0]).join(',') })
      : ''
    return el('head', {}, el('meta', { charset: layout.backend.charset }), ...taste.headOrder.map((at) => bits[at]), keywords)
  }

  const header = (options: PageOptions): string => {
    const say = one(options.english)
    const roles = taste.menu.filter((role) => !options.english || hasEnglish.includes(role))
    const items = roles.map((role) =>
      el('li', {}, el('a', { href: layout.page(role as 'about', options.english), class: role === options.here ? cls('here') : undefined }, text(say(role)))),
    )
    if (!options.english) items.push(el('li', {}, link(layout.search, text(say('search')))))
    return el(
      tag('header'),
      { class: cls('top') },
      el(
        'div',
        { class: cls('wrap') },
        el(
          'a',
          { class: cls('brand'), href: layout.page('home', options.english) },
          el('img', { src: assets.mark, alt: '', width: '40', height: '40' }),
          el('span', {}, text(shortName(company(options.english)))),
        ),
        el(tag('nav') === 'nav' ? 'nav' : 'div', { style: 'display:contents' }, el('ul', { class: cls('menu') }, ...items)),
        el('a', { class: cls('tongue'), href: layout.page('home', !options.english) }, options.english ? '中文' : 'EN'),
      ),
    )
  }

  const footer = (english = false): string => {
    const say = one(english)
    const about = el('div', {}, el('h3', {}, text(company(english))), el('p', {}, text(content.lead[english ? 1 : 0])))
    const links = el(
      'div',
      {},
      el('h3', {}, text(say('products'))),
      ...content.products.slice(0, 5).map((product) => link(layout.entry('products', product.slug, english), text(product.name[english ? 1 : 0]))),
    )
    const reach = el(
      'div',
      {},
      el('h3', {}, text(say('contact'))),
      el('p', {}, text(content.phone), el('br', {}), text(content.mail), english ? undefined : el('br', {}), english ? undefined : text(content.street)),
      link(layout.login, text(say('login'))),
    )
    return el(
      tag('footer'),
      { class: cls('foot') },
      el(
        'div',
        { class: cls('wrap') },
        el('div', { class: cls('columns') }, about, links, reach),
        el(
          'div',
          { class: cls('legal') },
          el('span', {}, text(`© ${content.founded}–${taste.year} ${company(english)}`)),
          el('span', {}, text(say('rights'))),
          english ? undefined : el('span', {}, text(content.icp)),
        ),
      ),
    )
  }

  const page = (options: PageOptions, ...body: Child[]): Buffer => {
    const lang = options.english ? 'en' : taste.lang
    const script = el('script', { src: assets.js, defer: true })
    const comments = taste.comments.map((comment) => markup.comment(comment)).join('')
    const html = el(
      'html',
      { lang },
      head(options),
      el('body', {}, header(options), el(tag('main'), { id: markup.id('main') }, ...body), footer(options.english), script),
    )
    return Buffer.from(`${taste.doctype}${markup.newline}${html}${comments}`)
  }

  const heading = (title: string, more?: string, english = false): string =>
    el('div', { class: cls('heading') }, el('h2', {}, text(title)), more === undefined ? undefined : link(more, text(one(english)('more') + taste.arrow)))
  const band = (tinted: boolean, ...inner: Child[]): string =>
    el(tag('section'), { class: tinted ? `${cls('band')} ${cls('tinted')}` : cls('band') }, el('div', { class: cls('wrap') }, ...inner))
  const strip = (title: string, english = false, over?: readonly [string, string]): string =>
    el(
      tag('block'),
      { class: cls('strip') },
      el(
        'div',
        { class: cls('wrap') },
        el(
          'p',
          { class: cls('crumb') },
          link(layout.page('home', english), text(one(english)('home'))),
          over ? [' / ', link(over[1], text(over[0]))] : undefined,
        ),
        el('h1', {}, text(title)),
      ),
    )
  const productCard = (product: Product, at: number, english = false): string =>
    el(
      'a',
      { class: cls('card'), href: layout.entry('products', product.slug, english) },
      el('img', { src: assets.pictures[at % assets.pictures.length], alt: product.name[english ? 1 : 0], loading: at > 3 ? 'lazy' : undefined }),
      el(
        'div',
        { class: cls('inside') },
        el('h3', {}, text(product.name[english ? 1 : 0])),
        el('p', {}, text((product.text[english ? 1 : 0][0] as string).slice(0, english ? 110 : 48))),
      ),
    )
  const newsRow = (article: Article): string =>
    el('li', { class: cls('row') }, link(layout.entry('news', article.slug), text(article.title)), el('span', { class: cls('day') }, taste.dates(article.at)))
  const rows = (articles: readonly Article[]): string => el('ul', { class: cls('rows') }, ...articles.map(newsRow))
  const figures = (english = false): string =>
    el(
      'div',
      { class: cls('figures') },
      ...content.figures.map((figure) =>
        el('div', {}, el('b', {}, text(english ? figure.value.replace('万', '') : figure.value)), el('span', {}, text(figure.label[english ? 1 : 0]))),
      ),
    )
  const paragraphs = (list: readonly string[]): string => list.map((line) => el('p', {}, text(line))).join('')
  const field = (name: string, label: string, type = 'text', extra: Record<string, string | true | undefined> = {}): string =>
    el('label', {}, text(label), type === 'area' ? el('textarea', { name, rows: '5', ...extra }) : el('input', { type, name, ...extra }))
  const table = (cells: readonly (readonly string[])[]): string =>
    el(
      'div',
      { class: cls('scroll') },
      el('table', {}, ...cells.map((row, y) => el('tr', {}, ...row.map((cell) => el(y === 0 ? 'th' : 'td', {}, y === 0 ? text(cell) : cell))))),
    )

  const hero = (english: boolean): string => {
    const at = english ? 1 : 0
    const words = el(
      'div',
      {},
      el('h1', {}, text(content.slogan[at])),
      el('p', {}, text(content.lead[at])),
      el('a', { class: cls('button'), href: layout.page('products', english) }, text(one(english)('products'))),
      el('a', { class: cls('ghost'), href: layout.page('contact', english) }, text(one(english)('contact'))),
    )
    const art = el('img', { src: assets.hero, alt: '', class: design.hero === 'behind' ? cls('behind') : undefined })
    return el(
      tag('section'),
      { class: cls('hero') },
      design.hero === 'behind' ? art : undefined,
      el('div', { class: cls('wrap') }, words, design.hero === 'behind' ? undefined : art),
    )
  }

  return { id: markup.id, one, company, page, band, strip, heading, hero, productCard, newsRow, rows, figures, paragraphs, field, table, link, el, cls, text }
}
export type Pages = ReturnType<typeof pageMaker>

/** A company's short name: without the legal form. */
export const shortName = (name: string): string =>
  name.replace(/(集团)?(股份)?有限(责任)?公司$|集团公司$|,? (Co\.?,? )?(Ltd|Limited|Inc|Corporation|Corp)\.?$/i, (whole) =>
    whole.startsWith('集团') ? '集团' : '',
  ) || name
