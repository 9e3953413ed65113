/** The device's web application: which path is what, who is logged in, and what each request gets. */
import { createHash } from 'node:crypto'
import type { LoginPolicy } from '@shenlou/contract/template'
import { escapeBytes } from '@shenlou/contract/bytes'
import type { Answer } from '../../http/answer.ts'
import { clean } from '../../http/clean.ts'
import type { Field, Head } from '../../http/head.ts'
import { formFields, utf8 } from '../../http/multipart.ts'
import type { HttpRequest, Site } from '../../http/wire.ts'
import type { Persona } from '../../persona.ts'
import { basicCredentials } from '../../portal/app.ts'
import { openVisitors, type Visitors } from '../../portal/visitors.ts'
import type { Device } from '../device.ts'
import { type Item, itemsOf, show } from './items.ts'
import { activeAlarms, clockText, framed, linkTo, note, type Role, type View } from './frame.ts'
import { alarmRows, alarms, control, diagnostics, login, network, overview, trends, update } from './pages.ts'
import { type Skin, skinOf } from './skin.ts'
import { type Page, pageAt } from './styles.ts'
import { type Language, say } from './words.ts'
import { acknowledge, type Done, setItem, setMode } from './writes.ts'

export interface HmiSettings {
  login: LoginPolicy
  engineers: string[]
}

const memory = new WeakMap<Persona, Visitors>()
const items = new WeakMap<Persona, { units: string; items: Item[] }>()

/** The application over one connection. `open` opens the device when it is first needed. */
export function hmiSite(persona: Persona, settings: HmiSettings, address: string, open: () => Device): Site {
  const skin = skinOf(persona)
  let visitors = memory.get(persona)
  if (!visitors) {
    visitors = openVisitors(persona)
    memory.set(persona, visitors)
  }
  const app: App = { skin, persona, visitors, settings, address, open }
  return {
    reads: (head) => head.method === 'POST',
    answer: (request) => answer(request, app),
  }
}

interface App {
  skin: Skin
  persona: Persona
  visitors: Visitors
  settings: HmiSettings
  /** As the client reached it. */
  address: string
  open(): Device
}

async function answer(request: HttpRequest, app: App): Promise<Answer> {
  const { head } = request
  const { style, files, at, template } = app.skin
  const file = files.get(head.path)
  if (file) {
    await request.context.latency(app.persona.number('hmi file ms', 4, 25))
    return { kind: 'file', file }
  }
  const target = head.query === '' ? head.path : `${head.path}?${head.query}`
  const moved = style.moved[target] ?? (head.query === '' ? style.moved[head.path] : undefined)
  if (moved !== undefined) return { kind: 'redirect', status: 302, target: moved }
  const how = style.login
  if (how.kind === 'form' && (target === how.logout || (head.path === how.logout && how.logout !== how.path))) return signOut(request, app)
  if (how.kind === 'form' && head.path === how.path && head.method === 'POST') return signIn(request, app)
  const page = pageAt(style, head.path, head.query)
  const data = (Object.keys(at) as (keyof typeof at)[]).find((name) => at[name] === head.path)
  const cpu = style.cpu?.path === head.path
  if (!page && !data && !cpu) {
    await request.context.latency(app.persona.number('hmi file ms', 4, 25))
    return { kind: 'error', status: 404 }
  }
  const user = await userOf(request, app)
  if (how.kind === 'basic' && !user && (!template.open || page === 'update' || page === 'control' || cpu || data === 'write' || data === 'acknowledge'))
    return { kind: 'error', status: 401, headers: [['WWW-Authenticate', `Basic realm="${how.realm}"`]] }
  if (!template.open && !user && page !== 'login') {
    if (data) return { kind: 'error', status: 403 }
    return { kind: 'redirect', status: 302, target: style.pages.login ?? '/' }
  }
  const device = app.open()
  const view = viewOf(request, app, device, user)
  await device.pace()
  if (page) return pageAnswer(request, app, view, page)
  if (cpu) return commandCpu(request, app, view)
  switch (data) {
    case 'values':
      return poll(app, view)
    case 'history':
      return history(request, app, view)
    case 'alarms':
      return plainAnswer(alarmRows(view), 'text/html; charset=utf-8', `alarms ${persona(app)}`)
    case 'write': {
      if (head.method !== 'POST') return { kind: 'error', status: 405 }
      const fields = fieldsOf(request)
      const item = view.items.find(({ key }) => key === (fields.get('k') ?? ''))
      if (!item) return told(app, view, 'control', { fine: false, word: 'malformed' })
      return told(app, view, 'control', setItem(request, device, item, (fields.get('v') ?? '').slice(0, 40), user?.role))
    }
    default: {
      if (head.method !== 'POST') return { kind: 'error', status: 405 }
      const id = fieldsOf(request).get('id') ?? ''
      const known = activeAlarms(device).some((alarm) => alarm.id === id)
      return told(app, view, 'alarms', acknowledge(request, device, known, id, user?.role))
    }
  }
}

const persona = ({ persona }: App): string => persona.machineId

function viewOf(request: HttpRequest, app: App, device: Device, user: View['user']): View {
  const { skin } = app
  const wanted = formFields(request.head.query).get('lang')
  const language = skin.template.languages.find((one) => one === wanted) ?? (skin.template.languages[0] as Language)
  const units = JSON.stringify(request.context.units)
  let held = items.get(app.persona)
  if (held?.units !== units) {
    held = { units, items: itemsOf(skin.template, device, skin.spelling) }
    items.set(app.persona, held)
  }
  return { skin, device, items: held.items, language, user, address: app.address }
}

const html = (text: string, status = 200, headers: Field[] = []): Answer => ({
  kind: 'page',
  status,
  type: 'text/html; charset=utf-8',
  headers: [['Cache-Control', 'no-cache'], ...headers],
  body: Buffer.from(text),
})
/** What a script asks for again and again is shown once a session. */
const plainAnswer = (text: string, type: string, name: string): Answer => ({
  kind: 'page',
  status: 200,
  type,
  headers: [['Cache-Control', 'no-cache']],
  body: Buffer.from(text),
  page: createHash('sha256').update(name).digest('hex'),
})

const contents: Record<Exclude<Page, 'login'>, (view: View) => ReturnType<typeof overview>> = {
  overview,
  trends,
  alarms,
  control,
  diagnostics,
  network,
  update,
}

async function pageAnswer(request: HttpRequest, app: App, view: View, page: Page): Promise<Answer> {
  if (page === 'login') return html(framed(view, page, login(view)))
  if (page === 'update' && request.head.method === 'POST') {
    if (view.user?.role !== 'engineer') return told(app, view, page, { fine: false, word: view.user ? 'denied' : 'needed' })
    // The file itself was kept as it came in; the device looks at it for a while.
    await request.context.latency(app.persona.number('hmi image ms', 1200, 4000))
    return told(app, view, page, { fine: false, word: 'image' })
  }
  return html(framed(view, page, contents[page](view)))
}

/** The page of an action again, with what it came to. */
function told(_: App, view: View, page: Exclude<Page, 'login'>, { fine, word }: Done): Answer {
  const shown = view.skin.style.pages[page] === undefined ? 'overview' : page
  return html(framed(view, shown, [note(view, say(view.language, word), fine), contents[shown](view)]), fine || word !== 'needed' ? 200 : 403)
}

function poll({ skin, persona }: App, { device, items, language }: View): Answer {
  const { field, style } = skin
  const mode = device.mode === 'run' ? 'RUN' : 'STOP'
  const count = activeAlarms(device).length
  const time = clockText(skin, device.plantTime())
  if (style.data.wire === 'json') {
    const values = Object.fromEntries(items.map((item) => [item.key, Object.values(show(item, device, language))]))
    return plainAnswer(
      JSON.stringify({ [field.time]: time, [field.mode]: mode, [field.alarms]: count, [field.values]: values }),
      'application/json',
      `values ${persona.machineId}`,
    )
  }
  const lines = items.map((item) => {
    const { text, level } = show(item, device, language)
    return `${item.key}=${text}|${level}`
  })
  return plainAnswer(
    [`${field.time}=${time}`, `${field.mode}=${mode}`, `${field.alarms}=${count}`, ...lines, ''].join('\n'),
    'text/plain; charset=utf-8',
    `values ${persona.machineId}`,
  )
}

/** `seconds,value;…` of one curve: `k` which, `h` how many hours back. */
function history(request: HttpRequest, app: App, { device, items }: View): Answer {
  const fields = formFields(request.head.query)
  const item = items.find(({ key }) => key === fields.get('k'))
  const tag = item && device.tagOf(item.from)
  const hours = Math.min(720, Math.max(0.05, Number(fields.get('h')) || 1))
  if (!tag) return { kind: 'error', status: 404 }
  const now = device.plant.snapshot.at
  const points = device.plant.history(tag, now - hours * 3_600_000, now, 240)
  const text = points.map(({ at, value }) => `${Math.round(at / 1000)},${value.toFixed(item.decimals)}`).join(';')
  return plainAnswer(text, 'text/plain', `history ${app.persona.machineId}`)
}

function commandCpu(request: HttpRequest, app: App, view: View): Answer {
  const { cpu } = app.skin.style
  if (!cpu || request.head.method !== 'POST') return { kind: 'redirect', status: 302, target: app.skin.style.pages.overview ?? '/' }
  const fields = fieldsOf(request)
  const mode = fields.has(cpu.stop) ? 'stop' : fields.has(cpu.run) ? 'run' : undefined
  if (!mode) return told(app, view, 'control', { fine: false, word: 'malformed' })
  return told(app, view, 'control', setMode(request, view.device, mode, view.user?.role))
}

/** Fields of a form, whatever its encoding, as Latin-1 of their bytes. */
function fieldsOf(request: HttpRequest): Map<string, string> {
  if (request.parts) return new Map(request.parts.filter(({ filename }) => filename === undefined).map(({ name, data }) => [name, data.toString('latin1')]))
  return formFields(request.body.bytes.toString('latin1').trim())
}

const cookieOf = (head: Head, name: string): string | undefined => {
  for (const pair of (head.fields.get('cookie') ?? '').split(';', 50)) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name)
      return pair
        .slice(at + 1)
        .trim()
        .slice(0, 128)
  }
  return undefined
}

const roleOf = ({ settings }: App, user: string): Role => (settings.engineers.includes(user) ? 'engineer' : 'operator')

/** Who sends this: by cookie, or by the credentials that come with each request. */
async function userOf(request: HttpRequest, app: App): Promise<View['user']> {
  const { style } = app.skin
  if (style.login.kind === 'form') {
    const name = app.visitors.userOf(cookieOf(request.head, style.cookie.name))
    return name === undefined ? undefined : { name, role: roleOf(app, name) }
  }
  const given = basicCredentials(request.head)
  if (!given) return undefined
  const key = createHash('sha256').update(`${request.context.adversary.id}\n${given.user}\n${given.password}`).digest('hex')
  const known = app.visitors.userOf(key)
  const name = known ?? (await judged(request, app, 'basic', given.user, given.password))
  if (name === undefined || name === null) return undefined
  if (known === undefined) app.visitors.signIn(key, name)
  return { name, role: roleOf(app, name) }
}

/** Judges credentials and says the attempt; the user's name, or null and how long it is locked for. */
async function judged(
  request: HttpRequest,
  app: App,
  method: 'form' | 'basic',
  user: string,
  password: string,
  locked?: (minutes: number) => void,
): Promise<string | null> {
  const { context } = request
  const verdict = app.visitors.judge(
    app.settings.login,
    { persona: app.persona, logins: context.world.logins, adversary: context.adversary.id },
    user,
    password,
    context.clock(),
  )
  request.session.emit('login.attempted', {
    method,
    user: clean(user, 4096),
    password: clean(password, 8192),
    outcome: verdict.outcome,
    ...(verdict.outcome === 'accepted' ? { by: verdict.by } : {}),
  })
  await context.latency(app.persona.number(verdict.outcome === 'accepted' ? 'hmi login ms' : 'hmi refusal ms', 150, 900))
  if (verdict.outcome === 'refused') {
    if (verdict.why === 'locked') locked?.(verdict.minutes)
    return null
  }
  if (verdict.by === 'lure') await context.prove({ kind: 'credential', value: `${clean(user, 4096)}:${clean(password, 8192)}` })
  return utf8(user)
}

async function signIn(request: HttpRequest, app: App): Promise<Answer> {
  const { style } = app.skin
  if (style.login.kind !== 'form') return { kind: 'error', status: 404 }
  const fields = fieldsOf(request)
  const user = fields.get(style.login.user) ?? fields.get('username') ?? fields.get('user') ?? ''
  const password = fields.get(style.login.password) ?? fields.get('password') ?? ''
  let minutes = 0
  const name =
    user === '' && password === ''
      ? null
      : await judged(request, app, 'form', user, password, (wait) => {
          minutes = wait
        })
  const view = viewOf(request, app, app.open(), undefined)
  if (name === null) {
    const message = minutes > 0 ? say(view.language, 'locked').replace('#', String(minutes)) : say(view.language, 'wrong')
    return html(framed(view, 'login', [note(view, message), login(view, escapeBytes(Buffer.from(user.slice(0, 60), 'latin1')))]))
  }
  const id = app.visitors.begin(style.cookie.kind)
  app.visitors.signIn(id, name)
  return {
    kind: 'page',
    status: 302,
    type: 'text/html',
    headers: [
      ['Set-Cookie', `${style.cookie.name}=${id}; path=/`],
      ['Location', linkTo(view, style.pages.overview ?? '/')],
    ],
    body: Buffer.alloc(0),
  }
}

function signOut(request: HttpRequest, app: App): Answer {
  const { style } = app.skin
  const held = cookieOf(request.head, style.cookie.name)
  if (held !== undefined) app.visitors.signOut(held)
  return {
    kind: 'page',
    status: 302,
    type: 'text/html',
    headers: [
      ['Set-Cookie', `${style.cookie.name}=; path=/`],
      ['Location', style.pages.login ?? style.pages.overview ?? '/'],
    ],
    body: Buffer.alloc(0),
  }
}
