/** The relay's side of capture: sockets that were opened in its namespace and accepted on here, what the first hop saw, and what is reported. */
import type { Socket as DatagramSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import type { FirstHop } from '@shenlou/contract/event-kinds'
import type { Placement } from '@shenlou/contract/placement'
import type { IdleHost, Segment, SegmentHealth } from '@shenlou/contract/segment'
import { openFirstHops } from '../idle/first-hop.ts'
import type { Probed } from './kernel.ts'
import { type FromCapture, socketKey } from './messages.ts'
import type { CaptureProcess } from './start.ts'

export interface CapturedOptions {
  capture: CaptureProcess
  onConnection(socket: Socket, placement: Placement, acceptedAt: number, observed: FirstHop | undefined): void
  /** UDP sockets came or went. */
  onDatagramSockets(): void
  say(draft: Extract<FromCapture, { type: 'say' }>['draft']): void
  onScanned(rows: Probed[]): void
  /** Connections to these addresses are over: they belong to somebody else now. */
  onReleased(addresses: ReadonlySet<string>): void
  onSave(segment: string, text: string): void
}
export interface Captured {
  /** The desired state, sent on where it changed. */
  want(segments: readonly Segment[], hosts: readonly IdleHost[]): void
  /** Makes exactly these ports lead to decoys. */
  offer(placements: readonly Placement[]): void
  /** The socket of a UDP placement, once it is there. */
  datagramSocket(placement: Placement): DatagramSocket | undefined
  segments(): SegmentHealth[]
  problems(): string[]
  /** Closes what it listens on, at once. */
  close(): void
}

const mostMissed = 8
/** As a Linux host asks a peer that is silent (tcp_keepalive_time). */
const keepAliveInitialDelay = 7_200_000
const serverOptions = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true, keepAlive: true, keepAliveInitialDelay }

export function openCaptured({ capture, onConnection, onDatagramSockets, say, onScanned, onReleased, onSave }: CapturedOptions): Captured {
  const servers = new Map<string, Server>()
  const datagrams = new Map<string, DatagramSocket>()
  /** By address and port; TCP sockets stand for many of these. */
  let placed = new Map<string, Placement>()
  let listens = new Set<string>()
  /** Sockets that were closed here; capture believes that we have them. */
  const dropped = new Set<string>()
  const hops = openFirstHops()
  /** Connections in a row whose SYN did not come: where none is seen, none is waited for. */
  let missed = 0
  let segments: SegmentHealth[] = []
  let problems: string[] = []
  let wanted = ''
  let closed = false

  const listenKey = ({ transport, address, port }: Placement): string =>
    socketKey(transport, transport === 'tcp' && !capture.shared ? '0.0.0.0' : address, port)

  function accepted(socket: Socket, port: number): void {
    const placement = placed.get(socketKey('tcp', socket.localAddress ?? '', port))
    if (!placement) {
      // Withdrawn while it was in the queue.
      socket.on('error', () => {})
      socket.resetAndDestroy()
      return
    }
    const acceptedAt = Date.now()
    const { remoteAddress, remotePort } = socket
    if (!remoteAddress || !remotePort) {
      onConnection(socket, placement, acceptedAt, undefined)
      return
    }
    socket.on('error', () => {})
    // Its SYN takes another way here, and is waited for no longer than nobody would notice.
    const begin = (observed: FirstHop | undefined): void => {
      missed = observed ? 0 : missed + 1
      onConnection(socket, placement, acceptedAt, observed)
    }
    if (missed < mostMissed) void hops.wait(remoteAddress, remotePort, acceptedAt).then(begin)
    else begin(hops.take(remoteAddress, remotePort, acceptedAt))
  }
  function listening(transport: 'tcp' | 'udp', address: string, port: number, handle: unknown): void {
    const key = socketKey(transport, address, port)
    const old = servers.get(key) ?? datagrams.get(key)
    if (closed || old || !listens.has(key)) {
      if (handle) (handle as { close(): void }).close()
      if (!old) dropped.add(key)
      return
    }
    if (transport === 'tcp') {
      const server = createServer(serverOptions, (socket) => accepted(socket, port))
      server.on('error', () => {}) // of accepting: it goes on with the next
      server.listen(handle as never)
      servers.set(key, server)
      return
    }
    const socket = handle as DatagramSocket
    socket.once('close', () => {
      datagrams.delete(key)
      if (!closed) dropped.add(key)
    })
    datagrams.set(key, socket)
    sockets()
  }
  let telling: NodeJS.Immediate | undefined
  const sockets = (): void => {
    telling ??= setImmediate(() => {
      telling = undefined
      onDatagramSockets()
    })
  }

  const on: { [T in FromCapture['type']]: (message: Extract<FromCapture, { type: T }>, handle: unknown) => void } = {
    waiting: () => {},
    step: () => {},
    line: () => {},
    failed: () => {},
    // Whoever asked takes it (relay/control.ts).
    hand: () => {},
    say: ({ draft }) => say(draft),
    scanned: ({ rows }) => onScanned(rows),
    released: ({ addresses }) => onReleased(new Set(addresses)),
    save: ({ segment, text }) => onSave(segment, text),
    health(message) {
      segments = message.segments
      problems = message.problems
    },
    listening: ({ transport, address, port }, handle) => listening(transport, address, port, handle),
    syn: ({ syn: { source, observed } }) => hops.saw(source.ip, source.port, observed),
  }
  capture.onMessage((message, handle) => on[message.type](message as never, handle))

  const offered = (placements: Iterable<Placement>): { address: string; transport: 'tcp' | 'udp'; port: number }[] =>
    [...placements].map(({ address, transport, port }) => ({ address, transport, port }))
  return {
    want(nextSegments, hosts) {
      const text = JSON.stringify([nextSegments, hosts])
      if (text === wanted || closed) return
      wanted = text
      capture.say({ type: 'want', segments: [...nextSegments], hosts: [...hosts] })
    },
    offer(placements) {
      if (closed) return
      const before = placed
      placed = new Map(placements.map((placement) => [socketKey(placement.transport, placement.address, placement.port), placement]))
      listens = new Set(placements.map(listenKey))
      for (const [key, server] of [...servers]) {
        if (listens.has(key)) continue
        servers.delete(key)
        server.close()
      }
      const same = before.size === placed.size && [...placed.keys()].every((key) => before.has(key))
      if (same && dropped.size === 0) return
      // It opens anew what it is first told to forget.
      if (dropped.size > 0) capture.say({ type: 'offer', offered: offered(placements.filter((placement) => !dropped.has(listenKey(placement)))) })
      dropped.clear()
      capture.say({ type: 'offer', offered: offered(placements) })
    },
    datagramSocket: (placement) => datagrams.get(listenKey(placement)),
    segments: () => segments,
    problems: () => problems,
    close() {
      closed = true
      clearImmediate(telling)
      for (const server of servers.values()) server.close()
      for (const socket of datagrams.values())
        try {
          socket.close()
        } catch {
          // Who was given it closed it in this same turn; its 'close' is still to come.
        }
    },
  }
}
