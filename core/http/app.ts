/** The Hono app: every route of the contract's table, mounted from the table; no rule of any domain lives here. */
import { type RouteName, routes } from '@shenlou/contract/api'
import { type Context, Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { z } from 'zod'
import type { Actor } from '../actor.ts'
import type { ApiError } from '../api-error.ts'
import { type Caller, findCaller } from '../auth/caller.ts'
import { sessionSeconds } from '../auth/auth.ts'
import type { Exchange } from '../auth/exchange.ts'
import type { Core } from '../core.ts'
import { readJson, readText } from './body.ts'
import { callerAddress, type Door, readCookie, requireDoor, requireSameSite } from './door.ts'
import { doorError, errorBody, toApiError } from './errors.ts'
import type { Limits } from './limits.ts'
import { bytesTypes, isText, openApi } from './openapi.ts'
import type { Handlers } from './route-types.ts'
import type { StaticFiles } from './static.ts'

export interface AppParts {
  core: Core
  handlers: Handlers
  /** Known once the port is bound. */
  door: () => Door
  limits: Limits
  files: StaticFiles
  version: string
  /** Compare answers with their schemas: `refuse` makes a mismatch a 500, `log` says it once for each route. */
  checkAnswers: 'off' | 'log' | 'refuse'
}

/** What @hono/node-server gives beside the request. */
interface Bindings {
  incoming?: { socket?: { remoteAddress?: string } }
}
type Ctx = Context<{ Bindings: Bindings }>

/** A call that nobody signed in for: it may do and see nothing. */
const nobody: Actor = { kind: 'person', id: '', name: 'anonymous', permissions: new Set(), scopes: [] }

const contentSecurityPolicy = {
  defaultSrc: ["'self'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  fontSrc: ["'self'"],
  connectSrc: ["'self'"],
  objectSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
}

/** Makes the app. It answers through `app.fetch` or, in tests, `app.request`. */
export function createApp(parts: AppParts): Hono<{ Bindings: Bindings }> {
  const { core, files, version } = parts
  const app = new Hono<{ Bindings: Bindings }>()
  const common = {
    contentSecurityPolicy,
    xFrameOptions: 'DENY',
    referrerPolicy: 'no-referrer',
    permissionsPolicy: { camera: [], microphone: [], geolocation: [] },
  }
  const plain = secureHeaders({ ...common, strictTransportSecurity: false })
  const secure = secureHeaders({ ...common, strictTransportSecurity: 'max-age=31536000' })
  app.use('*', (c, next) => (parts.door().secure ? secure : plain)(c, next))
  app.use('*', async (c, next) => {
    requireDoor(parts.door(), c.req.header('host') ?? new URL(c.req.url).host, c.req.header('origin'))
    await next()
  })
  app.onError((thrown, c) => {
    const { error, unexpected } = toApiError(thrown)
    if (unexpected) core.log(`${c.req.method} ${new URL(c.req.url).pathname.slice(0, 200)} failed: ${thrown.stack ?? thrown.message}`)
    return answerError(c, error)
  })
  let description: string | undefined
  app.get('/api/openapi.json', (c) => {
    description ??= JSON.stringify(openApi(version))
    return c.body(description, 200, { 'content-type': 'application/json', 'cache-control': 'no-cache' })
  })
  // A path without parameters goes first: /events/facets is not the event `facets`.
  const names = (Object.keys(routes) as RouteName[]).sort((a, b) => Number(routes[a].path.includes(':')) - Number(routes[b].path.includes(':')))
  for (const name of names) app.on(routes[name].method, `/api/v1${routes[name].path}`, (c) => serveRoute(parts, name, c))
  app.all('/api/*', () => {
    throw doorError('not-found')
  })
  app.get('*', (c) => files.answer(c.req.raw))
  app.notFound((c) => answerError(c, doorError('not-found')))
  return app
}

function answerError(c: Ctx, error: ApiError): Response {
  const seconds = error.extra.fields?.seconds
  if (seconds) c.header('retry-after', seconds)
  c.header('cache-control', 'no-store')
  return c.json(errorBody(error), error.status as 400)
}

/** Templates are whole files, alerts come in batches; everything else is small. */
const bodyLimits: Partial<Record<RouteName, number>> = { planTemplate: 4_194_304, applyTemplate: 4_194_304, pushAlerts: 1_048_576 }
const bodyLimit = 131_072

async function serveRoute(parts: AppParts, name: RouteName, c: Ctx): Promise<Response> {
  const { core, limits } = parts
  const route = routes[name]
  const door = parts.door()
  const address = callerAddress(door, c.env?.incoming?.socket?.remoteAddress, c.req.header('x-forwarded-for'))
  await limits.address(address, name)
  const cookie = readCookie(c.req.header('cookie'), door.cookieName)
  const authorization = c.req.header('authorization')
  const caller = route.permission === 'public' ? null : await findCaller(core, { authorization, cookie, address })
  await requirePermission(parts, name, caller, c)
  const body = 'body' in route ? parse(route.body, await readBody(name, route.body, c.req.raw)) : undefined
  const query = 'query' in route ? parse(route.query, Object.fromEntries(new URL(c.req.url).searchParams)) : undefined
  const params = c.req.param() as Record<string, string>
  if (Object.values(params).some((value) => value.length > 200)) throw doorError('not-found')
  const exchange: Exchange = {
    userAgent: c.req.header('user-agent') ?? null,
    caller,
    setSession: (value) => c.header('set-cookie', setCookie(door, value), { append: true }),
  }
  // The table gave each handler its own input; TypeScript cannot follow a name that is known only here.
  const handler = parts.handlers[name] as (core: Core, actor: Actor, input: unknown, exchange: Exchange) => Promise<unknown>
  const answer = await handler(core, caller?.actor ?? nobody, { params, query, body, address }, exchange)
  c.header('cache-control', 'no-store')
  if (route.answer === 'bytes') return answerBytes(c, name, params, answer as Uint8Array<ArrayBuffer>)
  if (parts.checkAnswers !== 'off') checkAnswer(parts, name, route.answer, answer)
  return c.json(answer as object)
}

/** Throws unless the caller may take this route: signed in, own password, permission, no forgery, within limits. */
async function requirePermission(parts: AppParts, name: RouteName, caller: Caller | null, c: Ctx): Promise<void> {
  const { permission, method } = routes[name]
  if (permission === 'public') return
  if (!caller) throw doorError('signed-out')
  await parts.limits.account(caller.actor.id)
  if (caller.cookie && method !== 'GET') requireSameSite(c.req.header('origin'), c.req.header('sec-fetch-site'))
  const open = name === 'me' || name === 'changePassword' || name === 'signOut'
  if (caller.mustChangePassword && !open) throw doorError('password-change-required')
  if (permission !== 'signed-in' && !caller.actor.permissions.has(permission)) {
    throw doorError('permission-missing', `this needs the permission ${permission}, which this account lacks`)
  }
}

const readBody = (name: RouteName, body: z.ZodType, request: Request): Promise<unknown> => {
  const limit = bodyLimits[name] ?? bodyLimit
  return isText(body) ? readText(request, limit) : readJson(request, limit)
}

/** Parses by a schema; throws 400 that names each field at fault. */
function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const fields = Object.fromEntries(result.error.issues.slice(0, 20).map((issue) => [issue.path.join('.') || 'body', issue.message]))
  const [first] = Object.entries(fields)
  throw doorError('bad-request', `${first?.[0]}: ${first?.[1]}`, fields)
}

/** Routes whose mismatch was said. */
const said = new WeakMap<AppParts, Set<RouteName>>()

function checkAnswer(parts: AppParts, name: RouteName, schema: z.ZodType, answer: unknown): void {
  const result = schema.safeParse(answer)
  if (result.success) return
  const issue = result.error.issues[0]
  const fault = `the answer of ${name} breaks its contract: ${issue?.path.join('.')}: ${issue?.message}`
  if (parts.checkAnswers === 'refuse') throw new Error(fault)
  const known = said.get(parts) ?? new Set()
  said.set(parts, known)
  if (!known.has(name)) parts.core.log(fault)
  known.add(name)
}

const endings: Partial<Record<RouteName, string>> = { blob: '.zip', recordingCast: '.cast' }

/** Bytes leave only as an attachment that no browser shows, `nosniff` as everything. */
function answerBytes(c: Ctx, name: RouteName, params: Record<string, string>, bytes: Uint8Array<ArrayBuffer>): Response {
  const id = Object.values(params)[0] ?? ''
  const file = `${/^[A-Za-z0-9-]+$/.test(id) ? id : 'download'}${endings[name] ?? ''}`
  const headers = { 'content-type': bytesTypes[name] ?? 'application/octet-stream', 'content-disposition': `attachment; filename="${file}"` }
  return c.body(bytes, 200, headers)
}

const setCookie = (door: Door, value: string | null): string =>
  [
    `${door.cookieName}=${value ?? ''}`,
    'Path=/',
    'HttpOnly',
    'SameSite=Strict',
    ...(door.secure ? ['Secure'] : []),
    `Max-Age=${value === null ? 0 : sessionSeconds}`,
  ].join('; ')
