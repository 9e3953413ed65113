/** What sets the pages of one maker apart from another's: where they lie, how one logs in, what the web server says of itself. */
import type { HmiTemplate } from '@shenlou/contract/hmi'
import { capitalDate, type EmbeddedServer } from '../../http/embedded.ts'
import { httpDate } from '../../http/date.ts'
import type { Persona } from '../../persona.ts'
import { escapeHtml } from '../../portal/markup.ts'

export const pageNames = ['overview', 'trends', 'alarms', 'control', 'diagnostics', 'network', 'update', 'login'] as const
export type Page = (typeof pageNames)[number]

export interface Style {
  /** Where each page lies; those that are left out do not exist there. `path?key=value` is that page only with that query. */
  pages: Partial<Record<Page, string>>
  /** Old addresses that lead on to another. */
  moved: Readonly<Record<string, string>>
  login: { kind: 'form'; path: string; user: string; password: string; logout: string } | { kind: 'basic'; realm: string }
  cookie: { name: string; kind: 'php' | 'java' | 'plain' }
  /** Folder of what its script asks for, and the ending of those names. */
  data: { folder: string; ending: string; wire: 'json' | 'pairs' }
  /** Where a controller is started and stopped from the page, and how: the field that says which. */
  cpu: { path: string; run: string; stop: string } | undefined
  look: 'side' | 'tabs' | 'screens'
  /** Background, bar, accent; one is drawn. */
  palettes: readonly (readonly [page: string, bar: string, accent: string])[]
  server: EmbeddedServer
}

/** Error pages in the four forms that small servers have. */
function errorPages(persona: Persona): EmbeddedServer['errorPage'] {
  const form = persona.number('hmi error page', 0, 3)
  return (status, reason) =>
    [
      `<HTML><HEAD><TITLE>${status} ${reason}</TITLE></HEAD>\r\n<BODY><H2>${status} ${reason}</H2></BODY></HTML>\r\n`,
      `<html><body><h1>${reason}</h1></body></html>`,
      `<html>\n<head><title>${reason}</title></head>\n<body>\n<h3>${status} ${reason}</h3>\n</body>\n</html>\n`,
      `<html><head><title>Error ${status}</title></head><body>${status}: ${reason}</body></html>`,
    ][form] as string
}

const base = (persona: Persona): EmbeddedServer => ({
  version: 'HTTP/1.1',
  reasons: {},
  order: ['Content-Type', 'Content-Length', 'Connection', 'Cache-Control', 'Set-Cookie', 'Location'],
  fixed: {},
  tight: [],
  date: undefined,
  keepAlive: true,
  methods: ['GET', 'HEAD', 'POST'],
  otherMethod: 501,
  headLimit: 4096,
  bodyLimit: 33_554_432,
  idleMs: persona.pick('hmi idle', [5000, 10_000, 15_000, 30_000]),
  remembersFiles: true,
  errorPage: errorPages(persona),
})

/** What a server of the GoAhead family says below its errors. */
const accessErrors: Record<number, string> = { 401: 'Access to this document requires a User ID', 404: 'Cannot open URL' }
const named = (server: string): Record<string, string> => (server === '' ? {} : { Server: server })

type Draw = (persona: Persona, template: HmiTemplate) => Style

const simatic1200: Draw = (persona) => ({
  pages: {
    overview: '/Portal/Portal.mwsl?PriNav=Start',
    diagnostics: '/Portal/Portal.mwsl?PriNav=Ident',
    alarms: '/Portal/Portal.mwsl?PriNav=Diag',
    network: '/Portal/Portal.mwsl?PriNav=Comm',
    control: '/Portal/Portal.mwsl?PriNav=Varstate',
    trends: '/Portal/Portal.mwsl?PriNav=DataLog',
    update: '/Portal/Portal.mwsl?PriNav=FWUpdate',
    login: '/Portal/Portal.mwsl?PriNav=Login',
  },
  moved: { '/': '/Default.mwsl', '/Default.mwsl': '/Portal/Portal.mwsl?PriNav=Start', '/Portal/Portal.mwsl': '/Portal/Portal.mwsl?PriNav=Start' },
  login: { kind: 'form', path: '/FormLogin', user: 'Login', password: 'Password', logout: '/FormLogin?LOGOUT' },
  cookie: { name: 'siemens_ad_session', kind: 'plain' },
  data: { folder: '/awp/', ending: '.io', wire: 'json' },
  cpu: { path: '/CPUCommands', run: 'Run', stop: 'Stop' },
  look: 'side',
  palettes: [['#f2f4f5', '#006487', '#0d9aa0']],
  server: {
    ...base(persona),
    version: 'HTTP/1.0',
    reasons: { 200: 'OK', 302: 'Object Moved', 404: 'Not Found', 403: 'Forbidden' },
    order: ['Content-Type', 'Content-Length', 'Cache-Control', 'Last-Modified', 'Set-Cookie', 'Connection', 'Location'],
    tight: ['Content-Type'],
    keepAlive: false,
    headLimit: 2048,
    otherMethod: 400,
  },
})

const simatic300: Draw = (persona) => ({
  ...simatic1200(persona, undefined as never),
  pages: {
    overview: '/Portal0000.htm',
    diagnostics: '/Portal1000.htm',
    alarms: '/Portal2000.htm',
    network: '/Portal4000.htm',
    control: '/Portal6000.htm',
    trends: '/Portal7000.htm',
    login: '/Login.htm',
  },
  moved: { '/': '/Portal0000.htm', '/index.htm': '/Portal0000.htm' },
  login: { kind: 'form', path: '/Login.htm', user: 'Login', password: 'Password', logout: '/Logout.htm' },
  data: { folder: '/', ending: '.cgi', wire: 'pairs' },
  cpu: undefined,
  palettes: [['#ffffff', '#2d4a6b', '#3c7d9b']],
  server: {
    ...base(persona),
    version: 'HTTP/1.0',
    reasons: { 302: '' },
    movedPage: 'MOVED TEMPORARILY',
    order: ['Location', 'Content-Type', 'Content-Length', 'Pragma', 'Set-Cookie'],
    fixed: { Pragma: 'no-cache' },
    keepAlive: false,
    headLimit: 1024,
    otherMethod: 400,
    remembersFiles: false,
    errorPage: (status, reason, target) =>
      `<HTML><HEAD><TITLE>Error</TITLE></HEAD>\r\n<BODY><CENTER><H2>${escapeHtml(target.slice(0, 80))}<BR><BR>${status} : ${reason.toUpperCase()}</H2></CENTER></BODY></HTML>`,
  },
})

const factorycast: Draw = (persona, { version }) => ({
  pages: {
    overview: '/html/english/home/index.htm',
    diagnostics: '/html/english/diag/rack.htm',
    alarms: '/html/english/diag/alarm.htm',
    network: '/html/english/diag/eth.htm',
    trends: '/html/english/monitor/chart.htm',
    control: '/html/english/monitor/table.htm',
    update: '/secure/system/upgrade.htm',
  },
  moved: { '/': '/index.htm', '/index.htm': '/html/english/home/index.htm', '/html/english/index.htm': '/html/english/home/index.htm' },
  login: { kind: 'basic', realm: persona.pick('hmi realm', ['Schneider Web', 'FactoryCast', 'Web Server Authentication']) },
  cookie: { name: 'sid', kind: 'plain' },
  data: { folder: '/rest/', ending: '', wire: 'json' },
  cpu: { path: '/secure/system/plc.htm', run: 'RUN', stop: 'STOP' },
  look: 'tabs',
  palettes: [['#ffffff', '#3a7d34', '#1f8f3a']],
  server: {
    ...base(persona),
    reasons: { 302: 'Redirect', 400: 'Page not found' },
    order: ['Server', 'Date', 'WWW-Authenticate', 'Pragma', 'Cache-Control', 'Last-Modified', 'Content-length', 'Content-Type', 'Location', 'Set-Cookie'],
    fixed: { Server: `Schneider-WEB/V${version || '2.1.4'}`, Pragma: 'no-cache', 'Cache-Control': 'no-cache' },
    date: capitalDate,
    errorPage: (status, reason) =>
      `<html><head><title>Document Error: ${reason}</title></head>\r\n\t\t<body><h2>Access Error: ${reason}</h2>\r\n\t\t<p>${accessErrors[status] ?? 'Bad request type'}</p></body></html>\r\n`,
    uncounted: '\r\n',
    keepAlive: false,
    otherMethod: 400,
  },
})

const consolePage: Draw = (persona, { version }) => ({
  pages: {
    overview: '/home.htm',
    diagnostics: '/sysinfo.htm',
    alarms: '/eventlog.htm',
    network: '/network.htm',
    trends: '/traffic.htm',
    update: '/upgrade.htm',
    login: '/',
  },
  moved: { '/index.htm': '/' },
  login: { kind: 'form', path: '/', user: 'account', password: 'password', logout: '/logout.htm' },
  cookie: { name: 'ChallID', kind: 'plain' },
  data: { folder: '/', ending: '.xml', wire: 'pairs' },
  cpu: undefined,
  look: 'side',
  palettes: [['#ffffff', '#00736b', '#5aa39d']],
  server: {
    ...base(persona),
    order: [
      'Date',
      'Server',
      'Pragma',
      'Cache-Control',
      'Last-Modified',
      'Content-type',
      'Content-length',
      'WWW-Authenticate',
      'Set-Cookie',
      'Location',
      'Connection',
    ],
    fixed: { Server: `MoxaHttp/${version || '2.2'}`, Pragma: 'no-cache', 'Cache-Control': 'no-cache' },
    date: httpDate,
    otherMethod: 400,
    headLimit: 3072,
  },
})

const rtu: Draw = (persona, { version }) => ({
  pages: {
    overview: '/status.html',
    diagnostics: '/device.html',
    alarms: '/events.html',
    network: '/lines.html',
    trends: '/archive.html',
    control: '/process.html',
    update: '/firmware.html',
    login: '/login.html',
  },
  moved: { '/': '/login.html', '/index.html': '/login.html' },
  login: { kind: 'form', path: '/login.html', user: 'username', password: 'password', logout: '/logout.html' },
  cookie: { name: 'JSESSION', kind: 'java' },
  data: { folder: '/cgi-bin/', ending: '', wire: 'json' },
  cpu: undefined,
  look: 'tabs',
  palettes: [['#f4f4f4', '#3b3b3b', '#a0322c']],
  server: {
    ...base(persona),
    order: ['Server', 'Date', 'Content-Type', 'Content-Length', 'Last-Modified', 'Connection', 'Cache-Control', 'Set-Cookie', 'Location'],
    fixed: named(version),
    date: httpDate,
    otherMethod: 405,
    headLimit: 8192,
  },
})

const panel: Draw = (persona, { version }) => ({
  pages: {
    overview: '/hmi/main',
    trends: '/hmi/trend',
    alarms: '/hmi/event',
    control: '/hmi/setting',
    diagnostics: '/hmi/system',
    update: '/hmi/maintain',
    login: '/hmi/login',
  },
  moved: { '/': '/hmi/main', '/hmi': '/hmi/main', '/index.html': '/hmi/main' },
  login: { kind: 'form', path: '/hmi/login', user: 'user', password: 'passwd', logout: '/hmi/logout' },
  cookie: { name: persona.pick('hmi cookie', ['sid', 'token', 'hmisid', 'session']), kind: persona.pick('hmi cookie form', ['php', 'plain', 'java']) },
  data: { folder: '/api/', ending: '', wire: 'json' },
  cpu: undefined,
  look: 'screens',
  palettes: [
    ['#1d2733', '#0f1720', '#22a6b3'],
    ['#c9ced3', '#4a5560', '#d35400'],
    ['#e8edf2', '#1b4f8a', '#27ae60'],
    ['#20242b', '#2f3640', '#e1b12c'],
    ['#b8c4bd', '#2f4f4f', '#c0392b'],
  ],
  server: {
    ...base(persona),
    order: ['Content-Type', 'Cache-Control', 'Last-Modified', 'Content-Length', 'Set-Cookie', 'Location', 'Connection', 'Date', 'Server'],
    fixed: named(version),
    date: httpDate,
    otherMethod: 405,
    headLimit: 8192,
  },
})

const styles: Record<HmiTemplate['style'], Draw> = { 'simatic-1200': simatic1200, 'simatic-300': simatic300, factorycast, console: consolePage, rtu, panel }
export const drawStyle = (persona: Persona, template: HmiTemplate): Style => styles[template.style](persona, template)

/** Which page a request is for, by its path and query. */
export function pageAt(style: Style, path: string, query: string): Page | undefined {
  for (const name of pageNames) {
    const [at, wanted] = (style.pages[name] ?? '').split('?')
    if (at === path && at !== '' && (wanted === undefined || query.split('&').includes(wanted))) return name
  }
  return undefined
}
