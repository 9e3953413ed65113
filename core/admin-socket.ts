/**
 * The door for commands on the core's own machine: a unix socket that only this user may open. `POST /NAME` with
 * `{params, query, body}` runs the handler of that name as the product's own hand, as the routes of the API do.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type RouteName, routes } from '@shenlou/contract/api'
import type { z } from 'zod'
import { type Actor, systemActor } from './actor.ts'
import { ApiError } from './api-error.ts'
import type { Core } from './core.ts'

export interface HandlerInput {
  params: Record<string, string>
  query: Record<string, unknown>
  body: unknown
  address: string | null
}
export type Handler = (core: Core, actor: Actor, input: never) => Promise<unknown>

/** Checks what a route's schema describes, as the API's door does; commands that are no route check their own. Throws a 400 that names the field. */
function parse(name: string, part: 'query' | 'body', value: unknown): unknown {
  const route = Object.hasOwn(routes, name) ? (routes[name as RouteName] as { query?: z.ZodType; body?: z.ZodType }) : undefined
  const schema = route?.[part]
  if (!schema) return value
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new ApiError(400, 'bad-request', `${issue?.path.join('.') || part}: ${issue?.message}`)
}

const pointer = (dataDir: string): string => join(dataDir, 'admin-socket')
const maxBytes = 4_194_304

async function bodyOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of message as AsyncIterable<Buffer>) {
    size += part.length
    if (size > maxBytes) throw new ApiError(413, 'too-large', `a request holds at most ${maxBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** Opens the socket; its path stands in `admin-socket` of the core's folder (a unix path is at most 107 bytes long). */
export async function openAdminSocket(core: Core, handlers: Readonly<Record<string, Handler>>): Promise<{ close(): Promise<void> }> {
  const path = join(mkdtempSync(join(tmpdir(), 'shenlou-')), 'admin')
  const actor: Actor = { ...systemActor, name: `local:${process.getuid?.() ?? 0}` }
  const server = createServer((incoming, outgoing) => {
    const answer = (status: number, value: unknown): void =>
      void outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value ?? null))
    void (async () => {
      const name = (incoming.url ?? '').slice(1)
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
      if (incoming.method !== 'POST' || !handler) throw new ApiError(404, 'not-found', `there is no command '${name}'`)
      const given = JSON.parse((await bodyOf(incoming)) || '{}') as Partial<HandlerInput>
      answer(
        200,
        await handler(core, actor, {
          params: given.params ?? {},
          query: parse(name, 'query', given.query ?? {}),
          body: parse(name, 'body', given.body),
          address: null,
        } as never),
      )
    })().catch((error: unknown) => {
      const known = error instanceof ApiError
      if (!known) core.log(`command ${incoming.url}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
      answer(known ? error.status : 500, {
        error: {
          code: known ? error.code : 'internal',
          message: known ? error.message : 'the core failed at this; its log says more',
          ...(known ? error.extra : {}),
        },
      })
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  chmodSync(path, 0o600)
  writeFileSync(pointer(core.dataDir), path, { mode: 0o600 })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          rmSync(dirname(path), { recursive: true, force: true })
          rmSync(pointer(core.dataDir), { force: true })
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

/** Runs one handler of the core that serves this folder. Throws an ApiError with the core's own sentence. */
export async function askCore<T>(dataDir: string, name: string, input: Partial<HandlerInput> = {}): Promise<T> {
  const missing = new ApiError(503, 'not-running', `no core is running on ${dataDir}; start it, or name its folder with --data`)
  let socketPath: string
  try {
    socketPath = readFileSync(pointer(dataDir), 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EACCES')
      throw new ApiError(403, 'not-permitted', `${dataDir} belongs to another user; run this as the user that runs the core`)
    throw missing
  }
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = request({ socketPath, path: `/${name}`, method: 'POST' }, (incoming) => {
      bodyOf(incoming).then((text) => resolve({ status: incoming.statusCode ?? 500, text }), reject)
    })
    outgoing.once('error', () => reject(missing))
    outgoing.end(JSON.stringify(input))
  })
  const value = JSON.parse(text)
  if (status !== 200) throw new ApiError(status, value.error.code, value.error.message, value.error)
  return value as T
}
