/** One site whole: its files by path, and the parts that its application needs. Built when first touched, renewed as days pass. */
import type { StaticFile } from '../http/answer.ts'
import type { Persona } from '../persona.ts'
import { drawMachine, drawMark, drawPattern, drawWorks, markCells } from './art.ts'
import { type Content, drawContent } from './content.ts'
import { type Design, drawDesign } from './design.ts'
import { drawLayout, type Layout } from './layout.ts'
import { drawMarkup, type Markup } from './markup.ts'
import { drawTaste, type Pages, pageMaker, type SiteParts } from './pages.ts'
import { type Random, randomFor } from './random.ts'
import { type Drawing, ico, png, rgb } from './raster.ts'
import { script } from './script.ts'
import { staticPages } from './static-pages.ts'

export interface PublicSite {
  files: ReadonlyMap<string, StaticFile>
  folders: ReadonlySet<string>
  missing: StaticFile
  parts: SiteParts
  pages: Pages
  layout: Layout
  content: Content
  markup: Markup
  design: Design
}

const built = new WeakMap<Persona, { day: number; site: PublicSite }>()

/** The site of a persona at `now` (ms since 1970 UTC); the same object for the whole day. */
export function siteOf(persona: Persona, now: number): PublicSite {
  const day = Math.floor(now / 86_400_000)
  const held = built.get(persona)
  if (held && held.day === day) return held.site
  const site = build(persona, now, held?.site)
  built.set(persona, { day, site })
  return site
}

const types: Record<string, string> = {
  css: 'text/css',
  js: 'application/javascript',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  pdf: 'application/pdf',
  zip: 'application/zip',
  txt: 'text/plain',
  xml: 'text/xml',
}
const typeOf = (path: string): string => types[path.slice(path.lastIndexOf('.') + 1)] ?? 'text/html'

function build(persona: Persona, now: number, former: PublicSite | undefined): PublicSite {
  const content = drawContent(persona, now)
  // The same news as yesterday: every file stays as it is.
  if (former && former.content.articles[0]?.at === content.articles[0]?.at) return former
  const markup = drawMarkup(randomFor(persona, 'markup'))
  const design = drawDesign(markup, randomFor(persona, 'design'))
  const layout = drawLayout(randomFor(persona, 'layout'))
  const random = randomFor(persona, 'assets')
  const files = new Map<string, StaticFile>()
  const launch = Math.floor(persona.installedAt / 1000) + random.int(1, 30) * 86_400 + random.int(0, 80_000)
  const put: Put = (path, body, modified = launch + random.int(0, 900)) => {
    files.set(path, typeof body === 'function' ? drawnLater(body, typeOf(path), modified) : { body, type: typeOf(path), modified })
    return path
  }
  const assets = drawAssets(persona, put, content, design, layout, markup, random)
  const parts: SiteParts = { persona, content, layout, design, markup, assets, taste: drawTaste(randomFor(persona, 'taste'), now) }
  const pages = pageMaker(parts)
  const newest = Math.floor((content.articles[0]?.at ?? persona.installedAt) / 1000)
  const published = new Map(content.articles.map((article) => [layout.entry('news', article.slug), Math.floor(article.at / 1000)]))
  for (const [path, body] of staticPages(parts, pages)) {
    const stable = randomFor(persona, `time ${path}`)
    const listing = path === layout.page('home') || path === layout.page('home', true) || path.includes('list') || path === layout.page('news')
    const modified = (published.get(path) ?? (listing ? newest : launch + stable.int(0, 90) * 86_400)) + stable.int(5, 2400)
    put(path.endsWith('/') ? `${path}index.html` : path, body, modified)
  }
  const wanted = [
    ...published.keys(),
    layout.page('home'),
    layout.page('about'),
    layout.page('products'),
    layout.page('news'),
    layout.page('contact'),
    layout.page('careers'),
    layout.page('downloads'),
  ]
  put('/sitemap.xml', sitemap(persona, wanted, newest, markup), newest + 61)
  put('/robots.txt', robots(persona, layout, randomFor(persona, 'robots')))
  const missingBody = pages.page(
    { title: content.labels.missing[0] },
    pages.strip(content.labels.missing[0]),
    pages.band(false, pages.paragraphs([content.lead[0]]), pages.link(layout.page('home'), pages.text(content.labels.home[0]))),
  )
  const missing: StaticFile = { body: missingBody, type: 'text/html', modified: launch + random.int(0, 4000) }
  const folders = new Set<string>(['/'])
  for (const path of files.keys()) for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) folders.add(path.slice(0, at + 1))
  return { files, folders, missing, parts, pages, layout, content, markup, design }
}

/** A picture that is drawn when somebody asks for it: a site that nobody looks at costs nothing. */
function drawnLater(draw: () => Drawing, type: string, modified: number): StaticFile {
  let body: Buffer | undefined
  let drawing: Promise<void> | undefined
  return {
    type,
    modified,
    get body() {
      body ??= draw().now()
      return body
    },
    prepare() {
      if (body) return undefined
      drawing ??= draw()
        .slowly()
        .then((bytes) => {
          body ??= bytes
        })
      return drawing
    },
  }
}

type Put = (path: string, body: Buffer | (() => Drawing), modified?: number) => string

function drawAssets(persona: Persona, put: Put, content: Content, design: Design, layout: Layout, markup: Markup, random: Random): SiteParts['assets'] {
  const { palette } = design
  const own = (name: string): Random => randomFor(persona, name)
  const cells = markCells(random)
  const level = random.int(1, 9)
  const icon = (size: number): Buffer => {
    const main = rgb(palette.main)
    const accent = rgb(palette.accent)
    const block = design.brand === 'block'
    return png(
      size,
      size,
      (x, y) => {
        const [cx, cy] = [Math.floor((x * 5) / size), Math.floor((y * 5) / size)]
        const on = cells[cy]?.[cx] === true
        if (on) return [...(cx === 2 && cy === 2 ? accent : block ? ([255, 255, 255] as const) : main), 255]
        return block ? [...main, 255] : [0, 0, 0, 0]
      },
      level,
    )
  }
  const pattern = (index: number): Drawing => (index >= content.products.length ? drawPattern : drawMachine)(palette, own(`picture ${index}`))
  const name = (stem: string, extension: string): string => `${random.chance(0.5) ? random.word(2) : stem}.${extension}`
  return {
    css: put(layout.asset('css', name(random.pick(['main', 'site', 'app', 'index', 'web', 'base']), 'css')), Buffer.from(design.css)),
    js: put(layout.asset('js', name(random.pick(['main', 'site', 'app', 'index', 'web', 'ui']), 'js')), script(markup, random)),
    icon: put('/favicon.ico', ico(random.pick([[16, 32], [32], [16, 32, 48]]).map((size) => ({ size, png: icon(size) })))),
    mark: put(layout.asset('img', name('logo', 'png')), () => drawMark(cells, design.brand, palette, own('mark'))),
    hero: put(layout.asset('img', name(random.pick(['banner', 'top', 'kv']), 'png')), () => drawWorks(palette, own('hero'), design.hero === 'light')),
    works: put(layout.asset('img', name(random.pick(['plant', 'site', 'hall']), 'png')), () => drawWorks(palette, own('works'), true)),
    pictures: Array.from({ length: content.products.length + 3 }, (_, index) => put(layout.asset('img', name(`p${index}`, 'png')), () => pattern(index))),
    papers: content.papers.map((paper) => put(layout.asset('file', paper.name), paper.body, paper.modified)),
  }
}

function robots(persona: Persona, layout: Layout, random: Random): Buffer {
  const lines = [
    'User-agent: *',
    ...random
      .shuffle([layout.admin.slice(0, layout.admin.lastIndexOf('/') + 1), layout.login.slice(0, layout.login.lastIndexOf('/') + 1), layout.search])
      .map((path) => `Disallow: ${path}`),
  ]
  if (random.chance(0.5)) lines.push('', `Sitemap: https://www.${persona.organisation.domain}/sitemap.xml`)
  return Buffer.from(`${lines.join('\n')}\n`)
}

function sitemap(persona: Persona, paths: readonly string[], newest: number, markup: Markup): Buffer {
  const day = new Date(newest * 1000).toISOString().slice(0, 10)
  const newline = markup.newline === '' ? '\n' : markup.newline
  const urls = paths.map(
    (path) => `<url><loc>https://www.${persona.organisation.domain}${path}</loc>${path.endsWith('/') ? `<lastmod>${day}</lastmod>` : ''}</url>`,
  )
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>${newline}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${newline}${urls.join(newline)}${newline}</urlset>${newline}`,
  )
}
