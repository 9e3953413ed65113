/** Syslog over UDP and TCP: takes lines of registered sources, by the network they come from, and hands them on in bounded queues. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Core } from '../core.ts'
import { networkTest } from '../known-scanners.ts'
import { deliver, readSources, type SourceRecord } from './sources.ts'
import { createFraming } from './syslog-framing.ts'

const queueLines = 20_000
const queueChars = 32 * 1024 * 1024
const batchLines = 500
const batchWaitMs = 50
const reloadMs = 5000
const mostSockets = 200
const idleMs = 600_000

export interface SyslogServer {
  /** The port that UDP and TCP both listen on. */
  port: number
  /** Lines that were dropped: from networks that no source allows, or because a queue was full. */
  dropped(): { stranger: number; full: number }
  /** Resolves when every line that was taken is committed. */
  drained(): Promise<void>
  close(): Promise<void>
}

interface Queue {
  source: SourceRecord
  lines: string[]
  chars: number
  running: Promise<void> | undefined
  waiting: Set<() => void>
}

/**
 * Listens on one port for UDP and TCP (octet counting or one line each, RFC 6587). A source is found by the most specific of its allowed
 * networks; where one address sends both formats, by what the line looks like. TCP waits while a queue is full; UDP cannot, and drops.
 */
export async function startSyslog(core: Core, where: { host: string; port: number }): Promise<SyslogServer> {
  const queues = new Map<string, Queue>()
  const lost = { stranger: 0, full: 0 }
  let known: { source: SourceRecord; holds: (ip: string) => boolean; narrow: number }[] = []
  let closed = false

  const load = async (): Promise<void> => {
    const rows = await readSources(core.sql, core.sql`source.transport = 'syslog'`)
    known = rows
      .flatMap((source) => source.allowed.map((network) => ({ source, holds: networkTest([network]), narrow: Number(network.split('/')[1] ?? 128) })))
      .sort((a, b) => b.narrow - a.narrow)
  }
  let loading: Promise<void> | undefined
  /** Sources as registered; read again at most every few seconds when a stranger speaks. */
  let loadedAt = 0
  const refresh = (): Promise<void> => {
    if (performance.now() - loadedAt < reloadMs && loadedAt > 0) return loading ?? Promise.resolve()
    loadedAt = performance.now()
    loading = load().catch((error: Error) => core.log(`syslog sources could not be read: ${error.message}`))
    return loading
  }
  await load()

  const sourceFor = (ip: string, line: string): SourceRecord | undefined => {
    const fitting = known.filter((each) => each.holds(ip))
    const narrowest = fitting.filter((each) => each.narrow === fitting[0]?.narrow)
    const format: SourceRecord['format'] = line.includes('CEF:') && !line.includes('"event_type"') ? 'cef' : 'suricata-eve'
    return (narrowest.find((each) => each.source.format === format) ?? narrowest[0])?.source
  }
  const run = async (queue: Queue): Promise<void> => {
    await delay(batchWaitMs)
    while (queue.lines.length > 0) {
      const lines = queue.lines.slice(0, batchLines)
      try {
        await deliver(core, queue.source, lines)
      } catch (error) {
        if (core.signal.aborted) break
        core.log(`alerts of ${queue.source.name} wait: ${(error as Error).message}`)
        await delay(1000)
        continue
      }
      queue.lines.splice(0, lines.length)
      queue.chars -= lines.reduce((sum, line) => sum + line.length, 0)
      for (const wake of queue.waiting) wake()
      queue.waiting.clear()
    }
    queue.running = undefined
  }
  /** Takes a line. `full` when there is no room, `stranger` when nobody may send from there. */
  const take = (ip: string, line: string): 'taken' | 'full' | 'stranger' => {
    const source = sourceFor(ip, line)
    if (!source) return 'stranger'
    const queue = queues.get(source.id) ?? { source, lines: [], chars: 0, running: undefined, waiting: new Set() }
    queues.set(source.id, queue)
    queue.source = source
    if (queue.lines.length >= queueLines || queue.chars + line.length > queueChars) return 'full'
    queue.lines.push(line)
    queue.chars += line.length
    queue.running ??= run(queue)
    return 'taken'
  }
  const room = (): Promise<void> =>
    new Promise((resolve) => {
      for (const queue of queues.values()) if (queue.lines.length >= queueLines || queue.chars > queueChars / 2) queue.waiting.add(resolve)
      if (![...queues.values()].some((queue) => queue.waiting.has(resolve))) resolve()
    })

  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    const ip = socket.remoteAddress ?? ''
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.setTimeout(idleMs, () => socket.destroy())
    if (sockets.size > mostSockets) return socket.destroy()
    serve(socket, ip).catch(() => socket.destroy())
  })
  const serve = async (socket: Socket, ip: string): Promise<void> => {
    socket.pause()
    if (!known.some((each) => each.holds(ip))) await refresh()
    if (!known.some((each) => each.holds(ip))) {
      lost.stranger++
      socket.destroy()
      return
    }
    const framing = createFraming()
    for await (const chunk of socket) {
      for (const line of framing.push(chunk as Buffer)) await takeOrWait(ip, line)
    }
    for (const line of framing.end()) await takeOrWait(ip, line)
  }
  const takeOrWait = async (ip: string, line: string): Promise<void> => {
    for (;;) {
      const answer = take(ip, line)
      if (answer === 'stranger') lost.stranger++
      if (answer !== 'full' || closed) return
      await room()
    }
  }

  server.listen(where.port, where.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const datagrams = createSocket({ type: where.host.includes(':') ? 'udp6' : 'udp4' })
  datagrams.on('message', (bytes, peer) => {
    // A datagram is one message; some senders end it with a newline or NUL.
    const line = bytes.toString('utf8').replace(/[\r\n\0]{1,4}$/, '')
    const answer = take(peer.address, line)
    if (answer === 'taken') return
    lost[answer]++
    if (answer === 'stranger') void refresh()
  })
  datagrams.on('error', (error) => core.log(`syslog over UDP: ${error.message}`))
  try {
    datagrams.bind(port, where.host)
    await once(datagrams, 'listening')
  } catch (error) {
    server.close()
    datagrams.close()
    throw error
  }
  const drained = async (): Promise<void> => {
    while ([...queues.values()].some((queue) => queue.running)) await Promise.all([...queues.values()].map((queue) => queue.running))
  }
  const close = async (): Promise<void> => {
    if (closed) return
    closed = true
    core.signal.removeEventListener('abort', close)
    datagrams.close()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
    await drained()
  }
  core.signal.addEventListener('abort', close, { once: true })
  return { port, dropped: () => ({ ...lost }), drained, close }
}
