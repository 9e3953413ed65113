/** UDP of a relay: a socket for each placement, and a stream of the tunnel for each peer until it is quiet. */
import { createSocket, type Socket } from 'node:dgram'
import type { Placement } from '@shenlou/contract/placement'
import type { TunnelStream } from '@shenlou/link/tunnel-types'

export interface DatagramFlow {
  readonly placement: Placement
  readonly source: { ip: string; port: number }
  bytesIn: number
  bytesOut: number
}
export interface DatagramListeners {
  /** Makes it listen for exactly these placements; resolves when each was tried once. */
  set(placements: readonly Placement[]): Promise<void>
  readonly flows: number
  /** `listen-failed ADDRESS:PORT CODE`, for those that could not be had. */
  problems(): string[]
  close(): Promise<void>
}
export interface DatagramOptions {
  /** A peer's first datagram: opens its stream, or nothing when it cannot be carried. */
  open(flow: DatagramFlow): { stream: TunnelStream; recorded: Promise<unknown> } | undefined
  onClosed(flow: DatagramFlow, durationMs: number): void
  /** A bound socket for a placement, which is closed here. Without it one is bound to its address. */
  bind?(placement: Placement): Promise<Socket>
  log(line: string): void
  /** A flow ends when nobody spoke for so long. */
  idleMs?: number
  maxFlows?: number
}

interface Open {
  flow: DatagramFlow
  stream: TunnelStream
  timer: NodeJS.Timeout
  openedAt: number
}

const retryMs = 3000

/** Flows end after 60 s of silence; beyond 8,192 the one that was quiet longest ends. */
export function openDatagrams({ open, onClosed, bind = bindPlacement, log, idleMs = 60_000, maxFlows = 8192 }: DatagramOptions): DatagramListeners {
  const sockets = new Map<string, { placement: Placement; socket: Socket | undefined; problem: string | undefined; again: NodeJS.Timeout | undefined }>()
  /** In the order of last use. */
  const flows = new Map<string, Open>()
  const nameOf = ({ address, port }: Placement): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)

  const end = (key: string): void => {
    const found = flows.get(key)
    if (!found) return
    flows.delete(key)
    clearTimeout(found.timer)
    if (!found.stream.destroyed) found.stream.end()
    onClosed(found.flow, Date.now() - found.openedAt)
  }

  function arrived(placement: Placement, socket: Socket, bytes: Buffer, peer: { address: string; port: number }): void {
    const key = `${placement.id} ${peer.address} ${peer.port}`
    let found = flows.get(key)
    if (!found) {
      const flow: DatagramFlow = { placement, source: { ip: peer.address, port: peer.port }, bytesIn: 0, bytesOut: 0 }
      const opened = open(flow)
      if (!opened) return
      const { stream, recorded } = opened
      found = { flow, stream, timer: setTimeout(() => end(key), idleMs).unref(), openedAt: Date.now() }
      flows.set(key, found)
      stream.opened.catch(() => {}) // its reset ends the flow below
      stream.on('error', () => {})
      stream.on('datagram', (answer: Buffer) => {
        // What cannot be recorded is not answered.
        recorded.then(
          () => {
            flow.bytesOut += answer.length
            socket.send(answer, peer.port, peer.address, () => {})
          },
          () => stream.reset('closed'),
        )
      })
      stream.on('data', () => {}) // a gate sends none on such a stream; reading lets its end be seen
      stream.once('close', () => end(key))
      const [oldest] = flows.keys()
      if (flows.size > maxFlows && oldest !== undefined) end(oldest)
    } else {
      flows.delete(key)
      flows.set(key, found)
    }
    found.timer.refresh()
    found.flow.bytesIn += bytes.length
    found.stream.sendDatagram(bytes)
  }

  function start(placement: Placement): Promise<void> {
    const entry = {
      placement,
      socket: undefined as Socket | undefined,
      problem: undefined as string | undefined,
      again: undefined as NodeJS.Timeout | undefined,
    }
    sockets.set(placement.id, entry)
    const attempt = async (): Promise<void> => {
      try {
        const socket = await bind(placement)
        entry.problem = undefined
        socket.on('error', (error) => log(`${nameOf(placement)}: ${error.message}`))
        socket.on('message', (bytes, peer) => arrived(placement, socket, bytes, peer))
        entry.socket = socket
        if (sockets.get(placement.id) !== entry) socket.close()
      } catch (cause) {
        const error = cause as NodeJS.ErrnoException
        const problem = `listen-failed ${nameOf(placement)} ${error.code ?? error.message}`
        if (problem !== entry.problem) log(`${problem}; trying again every ${retryMs / 1000} s`)
        entry.problem = problem
        if (sockets.get(placement.id) === entry) entry.again = setTimeout(() => void attempt(), retryMs).unref()
      }
    }
    return attempt()
  }
  function stop(id: string): void {
    const entry = sockets.get(id)
    sockets.delete(id)
    clearTimeout(entry?.again)
    for (const [key, { flow }] of [...flows]) if (flow.placement.id === id) end(key)
    entry?.socket?.close()
  }

  return {
    async set(placements) {
      const wanted = new Map(placements.map((placement) => [placement.id, placement]))
      for (const [id, { placement }] of [...sockets]) if (JSON.stringify(wanted.get(id)) !== JSON.stringify(placement)) stop(id)
      await Promise.all([...wanted].filter(([id]) => !sockets.has(id)).map(([, placement]) => start(placement)))
    },
    get flows() {
      return flows.size
    },
    problems: () => [...sockets.values()].flatMap(({ problem }) => problem ?? []),
    async close() {
      for (const id of [...sockets.keys()]) stop(id)
    },
  }
}

const bindPlacement = ({ address, port }: Placement): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1024 * 1024 })
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
