/** A group's public web site, over HTTP and HTTPS: files and application behind the persona's web server. */
import type { LoginPolicy } from '@shenlou/contract/template'
import { type Connection, type Context, defineDecoy, type Session } from '../decoy.ts'
import type { Answer } from '../http/answer.ts'
import { clean } from '../http/clean.ts'
import { dialectFor } from '../http/dialect.ts'
import type { Head } from '../http/head.ts'
import { openTls } from '../http/tls.ts'
import { type HttpRequest, serveHttp, type Site } from '../http/wire.ts'
import type { Persona } from '../persona.ts'
import { basicCredentials, route } from './app.ts'
import { type PublicSite, siteOf } from './site.ts'
import { openVisitors, type Visitors } from './visitors.ts'

interface Settings {
  login: LoginPolicy
}

export const portal = defineDecoy<Settings>({
  name: 'portal',
  transport: 'tcp',
  sessions: 'idle',
  serve: (connection, context, settings) => servePlain(connection, context, settings),
})

export const portalHttps = defineDecoy<Settings>({
  name: 'portal-https',
  transport: 'tcp',
  sessions: 'idle',
  serve: (connection, context, settings) => serveSecure(connection, context, settings),
})

async function servePlain(connection: Connection, context: Context, settings: Settings): Promise<void> {
  await serveHttp(connection, context, wire(connection, context, settings, false))
}

async function serveSecure(connection: Connection, context: Context, settings: Settings): Promise<void> {
  const first = await connection.peek(1)
  if (first.length === 0) return
  const options = wire(connection, context, settings, true)
  // A TLS record, or the old two-byte form of SSL 2; all else is plain HTTP on the wrong port.
  if (first[0] !== 0x16 && (first[0] as number) < 0x80) return serveHttp(connection, context, { ...options, secure: false, plainOnTls: true })
  const socket = await openTls(connection, context, options.session)
  if (socket) await serveHttp(socket, context, options)
}

const memory = new WeakMap<Persona, Visitors>()

function visitorsOf(persona: Persona): Visitors {
  let held = memory.get(persona)
  if (!held) {
    held = openVisitors(persona)
    memory.set(persona, held)
  }
  return held
}

function wire(connection: Connection, context: Context, settings: Settings, secure: boolean) {
  const { persona } = context
  const site = siteOf(persona, context.clock())
  return {
    dialect: dialectFor(persona, site.missing),
    site: publicSite(site, visitorsOf(persona), settings.login),
    secure,
    port: connection.destination.port,
    address: connection.destination.ip,
    session: whenSpoken(context),
  }
}

/** The session begins with the first thing there is to say: a connection that stays silent is no visit. */
function whenSpoken(context: Context): Session {
  let session: Session | undefined
  const begun = (): Session => {
    session ??= context.session()
    return session
  }
  return {
    get id() {
      return begun().id
    },
    emit: (kind, body) => begun().emit(kind, body),
    close: (reason) => session?.close(reason),
  }
}

const sites = new WeakMap<PublicSite, WeakMap<LoginPolicy, Site>>()

/** The site as the wire asks it: which paths are files, which the application's. */
export function publicSite(site: PublicSite, visitors: Visitors, policy: LoginPolicy): Site {
  let held = sites.get(site)?.get(policy)
  if (held) return held
  const app = { site, visitors, policy }
  held = {
    reads: (head) => route(site, head.path) !== undefined && applies(head),
    answer(request) {
      const { head } = request
      const handler = applies(head) ? route(site, head.path) : undefined
      if (handler) return handler(request, app)
      sawBasic(request)
      const answer = fileAt(site, head)
      const drawing = answer.kind === 'file' ? answer.file.prepare?.() : undefined
      return drawing ? drawing.then(() => answer) : answer
    },
  }
  const byPolicy = sites.get(site) ?? new WeakMap<LoginPolicy, Site>()
  byPolicy.set(policy, held)
  sites.set(site, byPolicy)
  return held
}

/** Methods that the application takes; others meet the web server. */
const applies = (head: Head): boolean => head.method === 'GET' || head.method === 'HEAD' || head.method === 'POST'

function sawBasic(request: HttpRequest): void {
  if (!request.head.fields.has('authorization')) return
  const given = basicCredentials(request.head)
  if (given)
    request.session.emit('login.attempted', { method: 'basic', user: clean(given.user, 4096), password: clean(given.password, 8192), outcome: 'refused' })
}

const hidden = /\/\.(?!well-known(?:\/|$))/
const script = /\.php(?:\/|$)/i

/** What lies at a path, as the web server finds it. */
function fileAt(site: PublicSite, head: Head): Answer {
  const { path } = head
  const direct = site.files.get(path)
  if (direct) return { kind: 'file', file: direct }
  if (hidden.test(path)) return { kind: 'error', status: 403 }
  const { backend } = site.layout
  if (backend.kind === 'php' && script.test(path)) return missingScript(site)
  if (head.method !== 'GET' && head.method !== 'HEAD' && head.method !== 'POST') return { kind: 'error', status: 405 }
  if (path.endsWith('/')) {
    const index = site.files.get(`${path}index.html`)
    if (index) return { kind: 'file', file: index }
    return { kind: 'error', status: site.folders.has(path) ? 403 : 404 }
  }
  if (site.folders.has(`${path}/`)) return { kind: 'redirect', status: 301, target: `${encodeURI(path)}/${head.query === '' ? '' : `?${head.query}`}` }
  return { kind: 'error', status: 404 }
}

/** PHP-FPM's own words for a script that is not there. */
function missingScript(site: PublicSite): Answer {
  const { backend } = site.layout
  return {
    kind: 'page',
    status: 404,
    type: `text/html; charset=UTF-8`,
    headers: backend.poweredBy ? [['X-Powered-By', backend.poweredBy]] : [],
    body: Buffer.from('File not found.\n'),
  }
}
