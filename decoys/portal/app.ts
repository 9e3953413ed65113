/** The application behind the site: search, messages, sign-in, a small intranet page, the way to the admin's door. */
import { hash } from 'node:crypto'
import { escapeBytes } from '@shenlou/contract/bytes'
import type { LoginPolicy } from '@shenlou/contract/template'
import type { Answer } from '../http/answer.ts'
import { clean, cleanBytes, cleanPage, isLongPage } from '../http/clean.ts'
import type { Field, Head } from '../http/head.ts'
import { formFields, utf8 } from '../http/multipart.ts'
import type { HttpRequest } from '../http/wire.ts'
import type { Persona } from '../persona.ts'
import type { World } from '../world.ts'
import { escapeHtml } from './markup.ts'
import { randomFor } from './random.ts'
import type { PublicSite } from './site.ts'
import type { Visitors } from './visitors.ts'

type Handler = (request: HttpRequest, app: App) => Answer | Promise<Answer>
interface App {
  site: PublicSite
  visitors: Visitors
  policy: LoginPolicy
}

/** The handler of a path, or undefined when it is not the application's. */
export function route(site: PublicSite, path: string): Handler | undefined {
  const { layout } = site
  const door = layout.admin.slice(0, layout.admin.lastIndexOf('/'))
  if (path === layout.search || path === '/search') return search
  if (path === layout.message) return message
  if (path === layout.login || path === '/login') return signIn
  if (path === layout.logout) return signOut
  if (path === layout.inside) return inside
  if (layout.adminBasic && (path === '/admin' || path.startsWith('/admin/') || path === door || path.startsWith(`${door}/`))) return basic
  if (path === layout.admin) return signIn
  if (path === '/admin' || path === '/admin/' || path === door || path === `${door}/`) return (_, app) => redirect(app, layout.admin)
  return undefined
}

function cookieOf(head: Head, name: string): string | undefined {
  for (const pair of (head.fields.get('cookie') ?? '').split(';', 100)) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name)
      return pair
        .slice(at + 1)
        .trim()
        .slice(0, 256)
  }
  return undefined
}

/** Fields of a form, whatever its encoding; Latin-1 of the bytes. */
function fieldsOf(request: HttpRequest): Map<string, string> {
  if (request.parts) return new Map(request.parts.filter((part) => part.filename === undefined).map((part) => [part.name, part.data.toString('latin1')]))
  return formFields(request.body.bytes.toString('latin1'))
}

/** The visitor's session, begun when there is none, and the header that says so. */
function session(request: HttpRequest, { site, visitors }: App): { id: string; headers: Field[] } {
  const { backend } = site.layout
  const held = cookieOf(request.head, backend.cookie)
  if (held !== undefined && visitors.known(held)) return { id: held, headers: [] }
  const id = visitors.begin(backend.kind)
  const tail = backend.kind === 'php' ? '; path=/; HttpOnly' : backend.kind === 'java' ? '; Path=/; HttpOnly' : '; Path=/; HttpOnly; SameSite=Lax'
  return { id, headers: [['Set-Cookie', `${backend.cookie}=${id}${tail}`]] }
}

/** A page's bytes, and how an event shows them where that is known; `page` is the hash of its fixed parts. */
interface Made {
  body: Buffer
  shown?: string
  page?: string
}

function reply(app: App, status: number, made: Made | Buffer, cookies: Field[] = [], extra: Field[] = []): Answer {
  const { backend } = app.site.layout
  const headers: Field[] = []
  if (backend.poweredBy) headers.push(['X-Powered-By', backend.poweredBy])
  headers.push(...cookies)
  if (backend.kind === 'php')
    headers.push(['Expires', 'Thu, 19 Nov 1981 08:52:00 GMT'], ['Cache-Control', 'no-store, no-cache, must-revalidate'], ['Pragma', 'no-cache'])
  else if (backend.kind === 'plain') headers.push(['Cache-Control', 'no-cache'])
  headers.push(...extra)
  const separator = backend.kind === 'java' ? ';' : '; '
  const { body, shown, page }: Made = Buffer.isBuffer(made) ? { body: made } : made
  // Tomcat sends no phrase; the others leave it to the server, but for the newer word for 302.
  const reason = backend.kind === 'java' ? '' : status === 302 ? 'Found' : undefined
  return { kind: 'page', status, reason, type: `text/html${separator}charset=${backend.charset}`, headers, body, shown, page }
}

const redirect = (app: App, to: string, cookies: Field[] = []): Answer => reply(app, 302, Buffer.alloc(0), cookies, [['Location', to]])

const thoughts = new WeakMap<Persona, Map<string, number>>()

/** A drawn think time of the application, the same for each kind of answer. */
function think(request: HttpRequest, purpose: string, from: number, to: number): Promise<void> {
  const { persona } = request.context
  const known = thoughts.get(persona) ?? new Map<string, number>()
  thoughts.set(persona, known)
  const ms = known.get(purpose) ?? persona.number(`portal ${purpose} ms`, from, to)
  known.set(purpose, ms)
  return request.context.latency(ms)
}

const remembered = new WeakMap<Persona, Persona>()

/** The persona with its drawn numbers kept: a guesser asks for the same one thousands of times. */
function remembering(persona: Persona): Persona {
  const held = remembered.get(persona)
  if (held) return held
  const numbers = new Map<string, number>()
  const number = (purpose: string, from: number, to: number): number => {
    const key = `${purpose} ${from} ${to}`
    const value = numbers.get(key) ?? persona.number(purpose, from, to)
    if (numbers.size < 10_000) numbers.set(key, value)
    return value
  }
  const made: Persona = { ...persona, number }
  remembered.set(persona, made)
  return made
}

const who = ({ context }: HttpRequest): { persona: Persona; logins: World['logins']; adversary: string } => ({
  persona: remembering(context.persona),
  logins: context.world.logins,
  adversary: context.adversary.id,
})

async function search(request: HttpRequest, app: App): Promise<Answer> {
  const { site } = app
  const { pages, content, markup } = site
  const name = markup.id('query')
  const fields = new Map([...formFields(request.head.query), ...(request.body.size > 0 ? fieldsOf(request) : [])])
  const wanted = utf8(fields.get(name) ?? fields.get('q') ?? fields.get('keyword') ?? fields.get('s') ?? '').slice(0, 200)
  await think(request, 'search', 15, 90)
  const form = pages.el(
    'form',
    { class: pages.cls('form'), action: site.layout.search, method: 'get' },
    pages.el('label', {}, pages.text(content.labels.search[0]), pages.el('input', { name, type: 'search', value: wanted })),
    pages.el('button', { class: pages.cls('button'), type: 'submit' }, pages.text(content.labels.search[0])),
  )
  const needle = wanted.trim().toLowerCase()
  const articles = needle === '' ? [] : content.articles.filter((article) => (article.title + article.text.join('')).toLowerCase().includes(needle))
  const products = needle === '' ? [] : content.products.filter((product) => (product.name.join(' ') + product.text[0].join('')).toLowerCase().includes(needle))
  const count = articles.length + products.length
  const line = needle === '' ? '' : (count > 0 ? content.labels.found[0].replace('#', String(count)) : content.labels.none[0]).replace('%', () => wanted)
  const found = [
    ...products.map((product) =>
      pages.el('li', { class: pages.cls('row') }, pages.link(site.layout.entry('products', product.slug), pages.text(product.name[0]))),
    ),
    ...articles.map((article) => pages.newsRow(article)),
  ]
  const body = pages.page(
    { title: content.labels.search[0] },
    pages.strip(content.labels.search[0]),
    pages.band(false, form, line === '' ? undefined : pages.el('p', {}, pages.text(line)), pages.el('ul', { class: pages.cls('rows') }, ...found)),
  )
  return reply(app, 200, body)
}

async function message(request: HttpRequest, app: App): Promise<Answer> {
  const { site } = app
  const { pages, content, markup } = site
  if (request.head.method !== 'POST') return redirect(app, site.layout.page('contact'))
  const fields = fieldsOf(request)
  const english = fields.has(markup.id('tongue'))
  const at = english ? 1 : 0
  await think(request, 'message', 60, 240)
  const complete = (fields.get(markup.id('name')) ?? '').trim() !== '' && (fields.get(markup.id('message')) ?? '').trim() !== ''
  const text = complete ? content.labels.thanks[at] : content.labels.incomplete[at]
  const title = content.labels.contact[at]
  const notice = pages.el('p', { class: complete ? `${pages.cls('notice')} ${pages.cls('fine')}` : pages.cls('notice') }, pages.text(text))
  return reply(
    app,
    200,
    pages.page(
      { title, english, here: 'contact' },
      pages.strip(title, english),
      pages.band(false, notice, pages.link(site.layout.page('contact', english), pages.text(title))),
    ),
  )
}

/** The sign-in page of one path and notice, made once: its fixed parts as bytes and as an event shows them, and which gap follows each. */
interface Draft {
  page: string
  parts: { bytes: Buffer; shown: string; gap: 'token' | 'user' | undefined }[]
}
const drafts = new WeakMap<PublicSite, Map<string, Draft>>()
const mark = '\uE000'

/** The sign-in page with this session's token and the name as it was typed. */
function signInPage(app: App, sessionId: string, path: string, notice = '', user = ''): Made {
  const held = drafts.get(app.site) ?? new Map<string, Draft>()
  drafts.set(app.site, held)
  const key = `${path}\n${notice}`
  let draft = held.get(key)
  if (!draft) {
    const parts = signInDraft(app, path, notice)
    draft = { parts, page: hash('sha256', Buffer.concat(parts.map(({ bytes }) => bytes))) }
    if (held.size < 200) held.set(key, draft)
  }
  const token = app.visitors.token(sessionId)
  const name = Buffer.from(escapeHtml(user))
  let size = 0
  for (const { bytes, gap } of draft.parts) size += bytes.length + (gap === 'token' ? token.length : gap === 'user' ? name.length : 0)
  const body = Buffer.allocUnsafe(size)
  let at = 0
  let shown = ''
  for (const { bytes, shown: text, gap } of draft.parts) {
    at += bytes.copy(body, at)
    shown += text
    if (gap === 'token') {
      at += body.latin1Write(token, at)
      shown += token
    } else if (gap === 'user') {
      at += name.copy(body, at)
      shown += cleanPage(name)
    }
  }
  return isLongPage(body) ? { body } : { body, shown, page: draft.page }
}

function signInDraft({ site }: App, path: string, notice: string): Draft['parts'] {
  const { pages, content, markup } = site
  const say = pages.one()
  const form = pages.el(
    'form',
    { class: pages.cls('form'), method: 'post', action: path },
    pages.field(markup.id('user'), say('user'), 'text', { value: `${mark}user${mark}`, autocomplete: 'username' }),
    pages.field(markup.id('password'), say('password'), 'password', { autocomplete: 'off' }),
    isGuarded(site) ? pages.el('input', { type: 'hidden', name: markup.id('token'), value: `${mark}token${mark}` }) : undefined,
    pages.el('button', { class: pages.cls('button'), type: 'submit' }, pages.text(say('enter'))),
  )
  const warning = notice === '' ? undefined : pages.el('p', { class: pages.cls('notice') }, pages.text(notice))
  const pieces = pages
    .page({ title: content.labels.login[0] }, pages.el('div', { class: pages.cls('panel') }, pages.el('h1', {}, pages.text(say('login'))), warning, form))
    .toString()
    .split(mark)
  // Every second piece names a gap.
  return pieces.flatMap((piece, at) => {
    if (at % 2 === 1) return []
    const bytes = Buffer.from(piece)
    return [{ bytes, shown: escapeBytes(bytes), gap: pieces[at + 1] as 'token' | 'user' | undefined }]
  })
}

const guards = new WeakMap<PublicSite, boolean>()
/** Whether the application's form carries a token against forged requests; older ones have none. */
export function isGuarded(site: PublicSite): boolean {
  const held = guards.get(site) ?? randomFor(site.parts.persona, 'form guard').chance(0.6)
  guards.set(site, held)
  return held
}

const userNames = ['username', 'user', 'account', 'login', 'name', 'loginname', 'userid', 'uname', 'j_username', 'email']
const passwordNames = ['password', 'passwd', 'pass', 'pwd', 'userpwd', 'j_password']
const first = (fields: ReadonlyMap<string, string>, names: readonly string[]): string | undefined => {
  for (const name of names) if (fields.has(name)) return fields.get(name)
  return undefined
}

async function signIn(request: HttpRequest, app: App): Promise<Answer> {
  const { site, visitors, policy } = app
  const { markup, content, layout } = site
  const path = request.head.path
  const held = session(request, app)
  if (request.head.method !== 'POST') {
    if (visitors.userOf(held.id) !== undefined) return redirect(app, layout.inside)
    return reply(app, 200, signInPage(app, held.id, path), held.headers)
  }
  const fields = fieldsOf(request)
  const user = first(fields, [markup.id('user'), ...userNames])
  const password = first(fields, [markup.id('password'), ...passwordNames])
  if (user === undefined && password === undefined) return reply(app, 200, signInPage(app, held.id, path, content.labels.incomplete[0]), held.headers)
  const said = utf8(user ?? '')
  const answer = (notice: string): Answer => reply(app, 200, signInPage(app, held.id, path, notice, said.slice(0, 100)), held.headers)
  const report = (outcome: 'accepted' | 'refused', by?: 'given' | 'lure' | 'tries'): void =>
    request.session.emit('login.attempted', {
      method: 'form',
      user: clean(user ?? '', 4096),
      password: clean(password ?? '', 8192),
      outcome,
      ...(by ? { by } : {}),
    })
  // A guarded form must carry this session's token; what was typed into one that does not is an attempt all the same.
  if (isGuarded(site) && !visitors.tokenFits(held.id, fields.get(markup.id('token')) ?? '')) {
    report('refused')
    return answer(content.labels.expired[0])
  }
  const verdict = visitors.judge(policy, who(request), user ?? '', password ?? '', request.context.clock())
  // Said before the thinking, so that a client that leaves meanwhile has still been heard.
  if (verdict.outcome === 'refused') report('refused')
  else report('accepted', verdict.by)
  await think(request, verdict.outcome === 'accepted' ? 'login' : 'refusal', 180, 900)
  if (verdict.outcome === 'refused')
    return answer(verdict.why === 'locked' ? content.labels.locked[0].replace('#', String(verdict.minutes)) : content.labels.wrong[0])
  if (verdict.by === 'lure') await request.context.prove({ kind: 'credential', value: `${clean(user ?? '', 4096)}:${clean(password ?? '', 8192)}` })
  visitors.signOut(held.id)
  const id = visitors.begin(layout.backend.kind)
  visitors.signIn(id, said)
  const tail = layout.backend.kind === 'php' ? '; path=/; HttpOnly' : '; Path=/; HttpOnly'
  return redirect(app, layout.inside, [['Set-Cookie', `${layout.backend.cookie}=${id}${tail}`]])
}

function signOut(request: HttpRequest, app: App): Answer {
  const held = cookieOf(request.head, app.site.layout.backend.cookie)
  if (held !== undefined) app.visitors.signOut(held)
  return redirect(app, app.site.layout.login)
}

function inside(request: HttpRequest, app: App): Answer {
  const { site, visitors } = app
  const { pages, content, layout } = site
  const user = visitors.userOf(cookieOf(request.head, layout.backend.cookie))
  if (user === undefined) return redirect(app, layout.login)
  const random = randomFor(request.context.persona, 'intranet')
  const notes = content.articles.slice(0, 5)
  const people = request.context.persona.accounts.filter((account) => account.uid >= 1000)
  const rows = [
    [content.labels.name[0], content.labels.phone[0], content.labels.mail[0]],
    ...people.map((account) => [
      pages.text(account.fullName || account.name),
      String(random.int(2000, 8999)),
      pages.text(`${account.name}@${request.context.persona.organisation.domain}`),
    ]),
  ]
  const body = pages.page(
    { title: content.labels.login[0] },
    pages.strip(`${user.slice(0, 60)}`),
    pages.band(false, pages.heading(content.labels.latest[0]), pages.rows(notes)),
    pages.band(
      true,
      pages.heading(content.labels.file[0]),
      pages.table(rows),
      pages.link(layout.logout, pages.text(random.pick(['退出', '注销', '安全退出', '离开']))),
    ),
  )
  return reply(app, 200, body)
}

/** An admin's door with the web server's own lock (Basic, RFC 7617). */
async function basic(request: HttpRequest, app: App): Promise<Answer> {
  const given = basicCredentials(request.head)
  const refuse: Answer = { kind: 'error', status: 401, headers: [['WWW-Authenticate', `Basic realm="${app.site.layout.realm}"`]] }
  if (!given) return refuse
  const verdict = app.visitors.judge(app.policy, who(request), given.user, given.password, request.context.clock())
  request.session.emit('login.attempted', {
    method: 'basic',
    user: cleanBytes(Buffer.from(given.user, 'latin1'), 4096),
    password: cleanBytes(Buffer.from(given.password, 'latin1'), 8192),
    outcome: verdict.outcome,
    ...(verdict.outcome === 'accepted' ? { by: verdict.by } : {}),
  })
  if (verdict.outcome !== 'accepted') return refuse
  return redirect(app, app.site.layout.login)
}

/** User and password of a Basic header, Latin-1; undefined when there is none. */
export function basicCredentials(head: Head): { user: string; password: string } | undefined {
  const header = head.fields.get('authorization')
  if (header === undefined || !/^basic /i.test(header)) return undefined
  const text = Buffer.from(header.slice(6).trim(), 'base64').toString('latin1')
  const at = text.indexOf(':')
  return at < 0 ? undefined : { user: text.slice(0, at), password: text.slice(at + 1) }
}
