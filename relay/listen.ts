/** Listening sockets of placements: open while they can be served, closed like any unused port when not. */
import { createServer, type Server, type Socket } from 'node:net'
import type { Placement } from '@shenlou/contract/placement'

export interface Listeners {
  /** Makes exactly these be listened on; resolves when each was tried. */
  set(placements: readonly Placement[]): Promise<void>
  /** `listen-failed ADDRESS:PORT CODE` of those that could not be had; tried again every few seconds. */
  problems(): string[]
  close(): Promise<void>
}

interface Listening {
  placement: Placement
  server: Server
  problem: string | undefined
  again: NodeJS.Timeout | undefined
  tried: Promise<void>
}

const retryMs = 3000
/** As a Linux host asks a peer that is silent (tcp_keepalive_time). */
const keepAliveInitialDelay = 7_200_000
/** Of the kernel's queue; it is bounded by net.core.somaxconn. */
const backlog = 4096

export function openListeners(onConnection: (socket: Socket, placement: Placement) => void, log: (line: string) => void): Listeners {
  const open = new Map<string, Listening>()
  const keyOf = ({ id, address, port, decoy, service, gate }: Placement): string => JSON.stringify([id, address, port, decoy, service, gate])
  const nameOf = ({ address, port }: Placement): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)

  const start = (placement: Placement): Listening => {
    const listening: Listening = { placement, server: createServer(), problem: undefined, again: undefined, tried: Promise.resolve() }
    const attempt = (): Promise<void> =>
      new Promise((resolve) => {
        const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true, keepAlive: true, keepAliveInitialDelay }, (socket) =>
          onConnection(socket, placement),
        )
        listening.server = server
        server.once('error', (error: NodeJS.ErrnoException) => {
          const problem = `listen-failed ${nameOf(placement)} ${error.code ?? error.message}`
          if (problem !== listening.problem) log(`${problem}; trying again every ${retryMs / 1000} s`)
          listening.problem = problem
          if (open.get(keyOf(placement)) === listening) listening.again = setTimeout(() => void attempt(), retryMs).unref()
          resolve()
        })
        server.listen({ host: placement.address, port: placement.port, backlog }, () => {
          if (listening.problem) log(`listening on ${nameOf(placement)} now`)
          listening.problem = undefined
          server.on('error', (error) => log(`${nameOf(placement)}: ${error.message}`))
          if (open.get(keyOf(placement)) !== listening) server.close() // withdrawn meanwhile
          resolve()
        })
      })
    open.set(keyOf(placement), listening)
    listening.tried = attempt()
    return listening
  }
  const stop = (key: string, { server, again }: Listening): Promise<void> => {
    open.delete(key)
    clearTimeout(again)
    // Connections that are open go on; close() waits for them, so its end is not waited for.
    return new Promise((resolve) => {
      if (!server.listening) return resolve()
      server.close()
      resolve()
    })
  }

  return {
    async set(placements) {
      const wanted = new Map(placements.map((placement) => [keyOf(placement), placement]))
      for (const [key, listening] of [...open]) if (!wanted.has(key)) await stop(key, listening)
      await Promise.all([...wanted].map(([key, placement]) => (open.get(key) ?? start(placement)).tried))
    },
    problems: () => [...open.values()].flatMap(({ problem }) => problem ?? []),
    async close() {
      for (const [key, listening] of [...open]) await stop(key, listening)
    },
  }
}
