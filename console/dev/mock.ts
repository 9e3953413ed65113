/** A stand-in for the core's door for people: fixed answers for every route, a live socket, the built console under its real policy. Development and tests only. */
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { serve, upgradeWebSocket } from '@hono/node-server'
import { type RouteName, routes } from '@shenlou/contract/api'
import type { StoredEvent } from '@shenlou/contract/event'
import type { LiveAsk, LiveFrame } from '@shenlou/contract/live'
import { type Context, Hono } from 'hono'
import { WebSocketServer } from 'ws'
import { consoleDist } from '../build.ts'
import { type Answers, answers } from './answers.ts'
import { event, now, uuid } from './records.ts'

export const policy =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** Options of the mock. `twist` changes every answer and frame before it leaves (hostile values); `live` sends an event each interval. */
export type MockOptions = { port?: number; twist?: <T>(value: T) => T; liveMs?: number; signedOut?: boolean; answers?: Partial<Answers> }
export type Mock = {
  url: string
  calls: { name: RouteName; body: unknown }[]
  asks: LiveAsk[]
  send(frame: LiveFrame): void
  dropSockets(): void
  close(): Promise<void>
}

async function asset(context: Context): Promise<Response> {
  const path = normalize(new URL(context.req.url).pathname)
  const wanted = extname(path) ? path : '/index.html'
  const file = await readFile(join(consoleDist, wanted)).catch(() => undefined)
  if (!file) return context.text('no such file', 404)
  return new Response(new Uint8Array(file), {
    headers: {
      'content-type': types[extname(wanted)] ?? 'application/octet-stream',
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
  })
}

/** Starts the mock on a port of 127.0.0.1 (0: any). */
export async function startMock(options: MockOptions = {}): Promise<Mock> {
  const twist = options.twist ?? (<T>(value: T): T => value)
  const calls: Mock['calls'] = []
  const asks: LiveAsk[] = []
  const app = new Hono()
  let signedIn = !options.signedOut
  const table = { ...answers, ...options.answers }
  const sockets = new Set<{ send(text: string): void; close(): void; events: boolean }>()
  const timers = new Set<NodeJS.Timeout>()
  const say = (socket: { send(text: string): void }, frame: LiveFrame): void => socket.send(JSON.stringify(twist(frame)))

  app.get(
    '/api/v1/live',
    upgradeWebSocket(() => {
      const mine = { send: (_: string) => {}, close: () => {}, events: false }
      return {
        onOpen: (_, ws) => {
          Object.assign(mine, { send: (text: string) => ws.send(text), close: () => ws.close() })
          sockets.add(mine)
          say(mine, { type: 'hello', position: 1_000_000, clock: Date.now() })
        },
        onMessage: (message) => {
          const ask = JSON.parse(String(message.data)) as LiveAsk
          asks.push(ask)
          if (ask.type === 'events') mine.events = true
          if (ask.type === 'drop' && ask.topic === 'events') mine.events = false
        },
        onClose: () => void sockets.delete(mine),
      }
    }),
  )
  // Fixed paths first: `/events/facets` is no event's id.
  const routeList = (Object.entries(routes) as [RouteName, (typeof routes)[RouteName]][]).sort(
    ([, a], [, b]) => Number(a.path.includes(':')) - Number(b.path.includes(':')),
  )
  for (const [name, route] of routeList) {
    app.on(route.method, `/api/v1${route.path}`, async (context) => {
      const text = await context.req.text()
      const body = text && context.req.header('content-type')?.includes('json') ? (JSON.parse(text) as unknown) : text
      calls.push({ name, body })
      if (!signedIn && route.permission !== 'public') return context.json({ error: { code: 'signed-out', message: 'Sign in first.' } }, 401)
      const answer = table[name]({ params: context.req.param() as Record<string, string>, query: context.req.query(), body: body as never })
      if (name === 'signIn' && (answer as { next: string }).next === 'done') signedIn = true
      if (name === 'signOut') signedIn = false
      if (answer instanceof Response) return answer
      return context.json(twist(answer) as object)
    })
  }
  app.all('/api/*', (context) => context.json({ error: { code: 'not-found', message: 'No such route.' } }, 404))
  app.get('*', asset)

  let position = 1_000_000
  if (options.liveMs) {
    timers.add(
      setInterval(() => {
        position += 1
        const made: StoredEvent = {
          ...event('login.attempted', 3, 0, { method: 'password', user: 'root', password: `guess${position}`, outcome: 'refused' }),
          id: uuid(20, position),
          position,
          time: Date.now() - 20,
          received: Date.now(),
        }
        for (const socket of sockets) if (socket.events) say(socket, { type: 'events', events: [made], position, skipped: 0 })
      }, options.liveMs),
    )
  }
  const sockServer = new WebSocketServer({ noServer: true })
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const started = serve({ fetch: app.fetch, port: options.port ?? 0, hostname: '127.0.0.1', websocket: { server: sockServer } }, () => resolve(started))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    asks,
    send: (frame) => {
      for (const socket of sockets) if (frame.type !== 'events' || socket.events) say(socket, frame)
    },
    dropSockets: () => {
      for (const socket of sockets) socket.close()
    },
    close: async () => {
      for (const timer of timers) clearInterval(timer)
      for (const client of sockServer.clients) client.terminate()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      })
    },
  }
}

if (import.meta.main) {
  const mock = await startMock({ port: Number(process.argv[2] ?? 8480), liveMs: 700 })
  process.stdout.write(`mock of the core on ${mock.url}, records as of ${new Date(now).toISOString()}\n`)
}
