/** For tests and measurements: a real TCP server on loopback whose connections a decoy service serves, with what it says kept. */
import { createHash } from 'node:crypto'
import { createServer, type Server, type Socket, type AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'
import { checkBody } from '@shenlou/contract/event'
import { isService, services } from '@shenlou/contract/services'
import type { Connection, Context, DecoyService, TlsOptions } from '../decoy.ts'
import type { Persona } from '../persona.ts'
import { openWorld } from '../world.ts'

export interface Said {
  kind: string
  body: Record<string, unknown>
}
export interface Harness {
  port: number
  events: Said[]
  blobs: Map<string, Buffer>
  /** Bodies of the events of one kind. */
  of(kind: string): Said['body'][]
  close(): Promise<void>
}
export interface HarnessOptions {
  keep?: boolean
  /** The port that the client is believed to have touched; the real one when absent. */
  port?: number
  clock?: () => number
}

/** Serves `service` on a free loopback port. `keep: false` checks nothing and keeps no events, for measurements. */
export async function host<S>(service: DecoyService<S>, persona: Persona, settings: unknown, options: HarnessOptions = {}): Promise<Harness> {
  const parsed = (isService(service.name) ? services[service.name].settings.parse(settings) : settings) as S
  const events: Said[] = []
  const blobs = new Map<string, Buffer>()
  const keep = options.keep ?? true
  const open = new Set<Socket>()
  const worlds = new Map<string, ReturnType<typeof openWorld>>()
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {})
    const gone = new AbortController()
    socket.on('close', () => gone.abort())
    const source = { ip: socket.remoteAddress ?? '127.0.0.1', port: socket.remotePort ?? 1 }
    const session = {
      id: '01890a5d-ac96-774b-bcce-b302099a8057',
      emit(kind: string, body: unknown) {
        if (!keep) {
          // What a worker would hand to its gate: the event as text.
          JSON.stringify({ kind, body })
          return
        }
        const checked = checkBody(kind, body)
        if (!checked.ok) throw new Error(checked.reason)
        events.push({ kind, body: body as Said['body'] })
      },
      close() {},
    }
    const context = {
      decoy: 'portal',
      persona,
      get world() {
        let held = worlds.get(source.ip)
        if (!held) {
          held = openWorld(persona)
          worlds.set(source.ip, held)
        }
        return held
      },
      adversary: { id: `address:${source.ip}`, ip: source.ip },
      prove: async () => {},
      session: () => session,
      blobs: {
        async put(bytes: AsyncIterable<Uint8Array> | Uint8Array) {
          const pieces: Uint8Array[] = []
          if (bytes instanceof Uint8Array) pieces.push(bytes)
          else for await (const piece of bytes) pieces.push(piece)
          const all = Buffer.concat(pieces)
          const sha256 = createHash('sha256').update(all).digest('hex')
          blobs.set(sha256, all)
          return { sha256, size: all.length, truncated: false }
        },
      },
      clock: options.clock ?? (() => Date.now()),
      latency: (ms: number) => (!keep ? Promise.resolve() : new Promise<void>((resolve) => setTimeout(resolve, Math.min(ms, 5)))),
      budget: { take() {}, give() {} },
      signal: gone.signal,
    } as unknown as Context
    const connection = Object.assign(socket, {
      id: session.id,
      source,
      destination: { ip: '127.0.0.1', port: options.port ?? (server.address() as AddressInfo).port },
      reset: () => socket.resetAndDestroy(),
      peek: (n: number) => peek(socket, n),
      startTls: (tls: TlsOptions) => startTls(socket, tls),
    }) as unknown as Connection
    service.serve(connection, context, parsed).catch((error: unknown) => {
      if (keep) events.push({ kind: 'failed', body: { error: String((error as Error).stack ?? error) } })
      socket.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4096, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    events,
    blobs,
    of: (kind) => events.filter((event) => event.kind === kind).map((event) => event.body),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}

/** `Connection.peek` on a socket. */
export async function peek(socket: Socket, n: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  while (size < n && !socket.readableEnded && !socket.destroyed) {
    const piece = socket.read() as Buffer | null
    if (piece) {
      pieces.push(piece)
      size += piece.length
      continue
    }
    const more = await new Promise<boolean>((resolve) => {
      const settle = (value: boolean) => (): void => {
        socket.off('readable', readable)
        socket.off('end', ended)
        socket.off('close', ended)
        resolve(value)
      }
      const readable = settle(true)
      const ended = settle(false)
      socket.on('readable', readable)
      socket.on('end', ended)
      socket.on('close', ended)
    })
    if (!more) break
  }
  const all = Buffer.concat(pieces)
  if (all.length > 0) socket.unshift(all)
  return all.subarray(0, n)
}

/** `Connection.startTls` on a socket. */
export function startTls(socket: Socket, options: TlsOptions): Promise<TLSSocket> {
  const secure = new TLSSocket(socket, { isServer: true, requestCert: false, ...options })
  return new Promise((resolve, reject) => {
    secure.on('error', reject)
    secure.on('_tlsError', reject)
    secure.on('secure', () => resolve(secure))
    socket.on('close', () => reject(new Error('closed')))
  })
}
