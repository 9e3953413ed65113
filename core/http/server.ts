/** The people's door: HTTP API, live channel and console on one listener. */
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createAdaptorServer } from '@hono/node-server'
import { startSweep } from '../auth/sweep.ts'
import type { Core } from '../core.ts'
import { StartError } from '../store/start-error.ts'
import { createApp } from './app.ts'
import { checkDoor, type Door, openDoor } from './door.ts'
import { createLimits, type LimitFigures } from './limits.ts'
import { attachLive, type Live } from './live.ts'
import type { Handlers } from './route-types.ts'
import { loadStatic } from './static.ts'
import { version } from './version.ts'

export interface HttpOptions {
  host: string
  /** 0 lets the kernel choose. */
  port: number
  /** Folder of the built console. */
  consoleDir: string
  /** Certificate chain and key: PEM text, or the files that hold it. */
  tls?: { certificate: string; key: string } | undefined
  behindProxy?: boolean
  /** Names that people use besides loopback: `soc.example.com`, with port or as a whole origin where needed. */
  publicNames?: readonly string[]
  handlers: Handlers
  limits?: LimitFigures
  /** Compare answers with the contract (app.ts); `log` by default, `off` when NODE_ENV is `production`. */
  checkAnswers?: 'off' | 'log' | 'refuse'
}

export interface HttpServer {
  port: number
  /** Where people open the console. */
  url: string
  door: Door
  live: Live
  /** Ends sockets at once and requests within a second. */
  close(): Promise<void>
}

/** Starts to serve. Throws a StartError of one line for what an operator can mend; also closes when `core.signal` aborts. */
export async function startHttp(core: Core, options: HttpOptions): Promise<HttpServer> {
  const { host, tls, handlers, behindProxy = false, publicNames = [] } = options
  const doorOptions = { host, tls: tls !== undefined, behindProxy, publicNames }
  checkDoor(doorOptions)
  let door: Door | undefined
  const limits = createLimits(options.limits)
  const app = createApp({
    core,
    handlers,
    door: () => door as Door,
    limits,
    files: await loadStatic(options.consoleDir),
    version,
    checkAnswers: options.checkAnswers ?? (process.env.NODE_ENV === 'production' ? 'off' : 'log'),
  })
  const bounds = { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 10_000, connectionsCheckingInterval: 5_000 }
  const server = createAdaptorServer({
    fetch: app.fetch as never,
    ...(tls
      ? { createServer: createSecureServer, serverOptions: { ...bounds, cert: pem(tls.certificate), key: pem(tls.key) } }
      : { createServer, serverOptions: bounds }),
  }) as Server
  server.maxConnections = 2000
  const live = await attachLive({ core, server, door: () => door as Door, limits, handlers })
  try {
    door = openDoor(doorOptions, await listen(server, options))
  } catch (error) {
    live.close()
    throw error
  }
  const { port } = server.address() as { port: number }
  const stopSweep = startSweep(core)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= new Promise((resolve) => {
      core.signal.removeEventListener('abort', close)
      stopSweep()
      live.close()
      server.close(() => resolve())
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 1000).unref()
    })
    return closing
  }
  core.signal.addEventListener('abort', close, { once: true })
  const shown = publicNames[0] ?? `${host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${port}`
  return { port, door, live, url: shown.includes('://') ? shown : `${door.secure ? 'https' : 'http'}://${shown}`, close }
}

function pem(given: string): string {
  if (given.includes('-----BEGIN')) return given
  try {
    return readFileSync(given, 'utf8')
  } catch (cause) {
    throw new StartError(`${given} cannot be read: check --tls-certificate and --tls-key`, { cause })
  }
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'is taken by another program: stop that one, or choose another address with --http',
    EACCES: 'is not free to this user: choose a port from 1024 with --http',
    EADDRNOTAVAIL: 'is not an address of this machine: choose another with --http',
  }
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = reasons[error.code ?? '']
      reject(reason ? new StartError(`the console's address ${host}:${port} ${reason}`, { cause: error }) : error)
    })
    server.listen(port, host, () => resolve((server.address() as { port: number }).port))
  })
}
