/** The public pages that lie as files under the web server. */
import type { Pages, SiteParts } from './pages.ts'
import type { Product } from './content.ts'

const perPage = 10

/** Every public page by path. */
export function staticPages(parts: SiteParts, make: Pages): Map<string, Buffer> {
  const out = new Map<string, Buffer>()
  const { layout } = parts
  for (const english of [false, true]) {
    out.set(layout.page('home', english), home(parts, make, english))
    out.set(layout.page('about', english), about(parts, make, english))
    out.set(layout.page('products', english), products(parts, make, english))
    out.set(layout.page('contact', english), contact(parts, make, english))
    parts.content.products.forEach((product, at) => {
      out.set(layout.entry('products', product.slug, english), product_(parts, make, product, at, english))
    })
  }
  news(parts, make, out)
  out.set(layout.page('careers'), careers(parts, make))
  out.set(layout.page('downloads'), downloads(parts, make))
  return out
}

function home({ content, layout, assets, taste }: SiteParts, make: Pages, english: boolean): Buffer {
  const { el, cls, one } = make
  const say = one(english)
  const goods = [
    make.heading(say('products'), layout.page('products', english), english),
    el('div', { class: cls('grid') }, ...content.products.slice(0, 6).map((product, at) => make.productCard(product, at, english))),
  ]
  const us = el(
    'div',
    { class: cls('split') },
    el('div', {}, make.heading(say('strengths')), make.paragraphs(content.story[english ? 1 : 0].slice(0, 2)), make.figures(english)),
    el('img', { src: assets.works, alt: '' }),
  )
  const latest = english
    ? [make.heading(say('latest')), make.paragraphs(content.articles.slice(0, 4).map((article) => article.english))]
    : [make.heading(say('latest'), layout.page('news')), make.rows(content.articles.slice(0, 6))]
  const bands = [goods, us, latest]
  const ordered = taste.homeOrder.map((which, at) => make.band(at % 2 === 1, bands[which]))
  return make.page({ title: content.slogan[english ? 1 : 0], english }, make.hero(english), ...ordered)
}

function about({ content, assets }: SiteParts, make: Pages, english: boolean): Buffer {
  const { el, cls, text, one } = make
  const title = one(english)('about')
  const values = english ? '' : el('p', {}, content.values.map((value) => el('b', {}, text(value))).join('　'))
  return make.page(
    { title, english, here: 'about' },
    make.strip(title, english),
    make.band(
      false,
      el(
        'div',
        { class: cls('split') },
        el('div', { class: cls('prose') }, make.paragraphs(content.story[english ? 1 : 0]), values),
        el('img', { src: assets.works, alt: '' }),
      ),
    ),
    make.band(true, make.heading(one(english)('strengths')), make.figures(english)),
  )
}

function products({ content }: SiteParts, make: Pages, english: boolean): Buffer {
  const title = make.one(english)('products')
  return make.page(
    { title, english, here: 'products' },
    make.strip(title, english),
    make.band(false, make.el('div', { class: make.cls('grid') }, ...content.products.map((product, at) => make.productCard(product, at, english)))),
  )
}

function product_({ content, layout, assets }: SiteParts, make: Pages, product: Product, at: number, english: boolean): Buffer {
  const { el, cls, text, one } = make
  const name = product.name[english ? 1 : 0]
  const cells = product.table.map((row, y) =>
    row.map((cell, x) => (y === 0 && x === 0 ? one(english)('model') : english ? cell.replace(/[一-鿿]+ ?/g, '') : cell)),
  )
  const others = content.products.filter((other) => other !== product).slice(0, 3)
  return make.page(
    { title: name, english, here: 'products', description: product.text[english ? 1 : 0][0] },
    make.strip(name, english, [one(english)('products'), layout.page('products', english)]),
    make.band(
      false,
      el(
        'div',
        { class: cls('split') },
        el('img', { src: assets.pictures[at % assets.pictures.length], alt: name }),
        el(
          'div',
          {},
          make.paragraphs(product.text[english ? 1 : 0]),
          el('a', { class: cls('button'), href: layout.page('contact', english) }, text(one(english)('contact'))),
        ),
      ),
      make.table(cells),
    ),
    make.band(
      true,
      make.heading(one(english)('related')),
      el('div', { class: cls('grid') }, ...others.map((other) => make.productCard(other, content.products.indexOf(other), english))),
    ),
  )
}

function news({ content, layout, assets, taste }: SiteParts, make: Pages, out: Map<string, Buffer>): void {
  const { el, cls, one, link, text } = make
  const title = one()('news')
  const count = Math.max(1, Math.ceil(content.articles.length / perPage))
  const listPath = (number: number): string => (number === 1 ? layout.page('news') : layout.entry('news', `list${number}`))
  for (let number = 1; number <= count; number++) {
    const turn = el(
      'div',
      { class: cls('pages') },
      number > 1 ? link(listPath(number - 1), text(one()('previous'))) : undefined,
      el('span', {}, `${number} / ${count}`),
      number < count ? link(listPath(number + 1), text(one()('following'))) : undefined,
    )
    out.set(
      listPath(number),
      make.page(
        { title, here: 'news' },
        make.strip(title),
        make.band(false, make.rows(content.articles.slice((number - 1) * perPage, number * perPage)), turn),
      ),
    )
  }
  content.articles.forEach((article, at) => {
    const others = content.articles.filter((other) => other !== article).slice(at % 5, (at % 5) + 4)
    out.set(
      layout.entry('news', article.slug),
      make.page(
        { title: article.title, here: 'news', description: article.text[0] },
        make.strip(article.title, false, [title, layout.page('news')]),
        make.band(
          false,
          el(
            'div',
            { class: cls('prose') },
            el('p', { class: cls('day') }, taste.dates(article.at)),
            at % 3 === 0 ? el('img', { src: assets.pictures[content.products.length + (at % 3)], alt: '' }) : undefined,
            make.paragraphs(article.text),
          ),
        ),
        make.band(true, make.heading(one()('related')), make.rows(others)),
      ),
    )
  })
}

function contact({ persona, content, layout }: SiteParts, make: Pages, english: boolean): Buffer {
  const { el, cls, text, one } = make
  const say = one(english)
  return make.page(
    { title: say('contact'), english, here: 'contact' },
    make.strip(say('contact'), english),
    make.band(
      false,
      el(
        'div',
        { class: cls('split') },
        el(
          'div',
          {},
          el('h2', {}, text(make.company(english))),
          el('p', {}, text(`${say('phone')} ${content.phone}`)),
          el('p', {}, text(`${say('mail')} ${content.mail}`)),
          el('p', {}, text(`${say('address')} ${english ? (persona.organisation.city?.en ?? persona.domain) : content.street}`)),
        ),
        messageForm(layout, make, english),
      ),
    ),
  )
}

/** Names of the message form's fields are the site's own. */
export const messageFields = ['name', 'phone', 'message', 'attach'] as const

function messageForm(layout: SiteParts['layout'], make: Pages, english: boolean): string {
  const say = make.one(english)
  const { el, cls, text } = make
  return el(
    'form',
    { class: cls('form'), method: 'post', action: layout.message, enctype: 'multipart/form-data' },
    make.field(make.id('name'), say('name'), 'text', { maxlength: '40' }),
    make.field(make.id('phone'), say('phone'), 'tel', { maxlength: '30' }),
    make.field(make.id('message'), say('message'), 'area'),
    make.field(make.id('attach'), say('attach'), 'file'),
    english ? el('input', { type: 'hidden', name: make.id('tongue'), value: 'en' }) : undefined,
    el('button', { class: cls('button'), type: 'submit' }, text(say('submit'))),
  )
}

function careers({ content, layout }: SiteParts, make: Pages): Buffer {
  const { el, cls, text, one } = make
  const cards = content.jobs.map((job) =>
    el(
      'div',
      { class: cls('card') },
      el('div', { class: cls('inside') }, el('h3', {}, text(`${job.title} × ${job.count}`)), ...job.lines.map((line) => el('p', {}, text(line)))),
    ),
  )
  return make.page(
    { title: one()('careers'), here: 'careers' },
    make.strip(one()('careers')),
    make.band(
      false,
      el('div', { class: cls('grid') }, ...cards),
      el('p', {}, text(content.mail), ' ', make.link(layout.page('contact'), text(one()('contact')))),
    ),
  )
}

function downloads({ content, assets, taste }: SiteParts, make: Pages): Buffer {
  const { text, one } = make
  const cells = [
    [one()('file'), one()('size'), one()('date')],
    ...content.papers.map((paper, at) => [
      make.link(assets.papers[at] as string, text(`${paper.title}（${paper.name.split('.').pop()?.toUpperCase()}）`)),
      `${(paper.body.length / 1024).toFixed(1)} KB`,
      taste.dates(paper.modified * 1000),
    ]),
  ]
  return make.page({ title: one()('downloads'), here: 'downloads' }, make.strip(one()('downloads')), make.band(false, make.table(cells)))
}
