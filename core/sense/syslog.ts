/**
 * Syslog over UDP and TCP: takes lines of registered sources, by the network they come from, and hands them on in bounded queues that
 * survive a crash (line-spool.ts). What a queue has no room for is counted with its source.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { escapeText } from '@shenlou/contract/bytes'
import type { Core } from '../core.ts'
import { committedSeq } from '../ingest/ingest.ts'
import { networkTest } from '../known-scanners.ts'
import { deliver, readSources, type SourceRecord } from './sources.ts'
import { type LineSpool, openLineSpool } from './line-spool.ts'
import { createFraming } from './syslog-framing.ts'

const usualBounds = { lines: 20_000, chars: 32 * 1024 * 1024 }
const batchLines = 500
const batchWaitMs = 50
const reloadMs = 5000
const mostSockets = 200
/** Lines of unknown peers that wait while sources are read. */
const mostHeld = 1000
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
  spool: LineSpool
  lines: string[]
  /** Number of the first of `lines` in the spool. */
  first: number
  /** Lines that there was no room for, not yet counted with the source. */
  lost: number
  chars: number
  running: Promise<void> | undefined
  waiting: Set<() => void>
}

/**
 * Listens on one port for UDP and TCP (octet counting or one line each, RFC 6587). A source is found by the most specific of its allowed
 * networks; where one address sends both formats, by what the line looks like. TCP waits while a queue is full; UDP cannot, and drops. `bounds` are of one source.
 */
export async function startSyslog(core: Core, where: { host: string; port: number }, bounds = usualBounds): Promise<SyslogServer> {
  const queues = new Map<string, Queue>()
  const lost = { stranger: 0, full: 0 }
  let known: { source: SourceRecord; holds: (ip: string) => boolean; narrow: number }[] = []
  let closed = false
  const folder = path.join(core.dataDir, 'syslog')

  const load = async (): Promise<void> => {
    const rows = await readSources(core.sql, core.sql`source.transport = 'syslog'`)
    for (const source of rows) if (!queues.has(source.id)) queues.set(source.id, await openQueue(source))
    known = rows
      .flatMap((source) => source.allowed.map((network) => ({ source, holds: networkTest([network]), narrow: Number(network.split('/')[1] ?? 128) })))
      .sort((a, b) => b.narrow - a.narrow)
    for (const queue of queues.values()) if (queue.lines.length > 0) queue.running ??= run(queue)
  }
  /** A queue with the lines that were not committed when the core ended. */
  const openQueue = async (source: SourceRecord): Promise<Queue> => {
    const { spool, lines } = await openLineSpool(path.join(folder, source.id))
    const committed = await committedSeq(core, source.id, spool.epoch)
    const left = lines.slice(committed)
    // A file that lost its end has numbers that are used up.
    if (left.length === 0) await spool.committed(true)
    const chars = left.reduce((sum, line) => sum + line.length, 0)
    return { source, spool, lines: left, first: left.length === 0 ? spool.next : committed + 1, chars, lost: 0, running: undefined, waiting: new Set() }
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
  const unlisten = core.bus.on('source', () => {
    loadedAt = 0
    void refresh()
  })
  for (const id of await readdir(folder).catch(() => []))
    if (!queues.has(id)) {
      core.log(`syslog lines of ${id}, which is no source any more, are removed`)
      await rm(path.join(folder, id), { recursive: true, force: true })
    }

  const sourceFor = (ip: string, line: string): SourceRecord | undefined => {
    const fitting = known.filter((each) => each.holds(ip))
    const narrowest = fitting.filter((each) => each.narrow === fitting[0]?.narrow)
    const format: SourceRecord['format'] = line.includes('CEF:') && !line.includes('"event_type"') ? 'cef' : 'suricata-eve'
    return (narrowest.find((each) => each.source.format === format) ?? narrowest[0])?.source
  }
  async function run(queue: Queue): Promise<void> {
    await delay(batchWaitMs)
    while (queue.lines.length > 0) {
      const lines = queue.lines.slice(0, batchLines)
      // Lines that the disk does not take are still delivered; only a crash before that would lose them.
      await queue.spool.written().catch((error: Error) => core.log(`alerts of ${queue.source.name} are not kept on disk: ${error.message}`))
      try {
        await deliver(core, queue.source, lines, { epoch: queue.spool.epoch, first: queue.first })
      } catch (error) {
        if (core.signal.aborted) break
        core.log(`alerts of ${queue.source.name} wait: ${(error as Error).message}`)
        await delay(1000)
        continue
      }
      queue.lines.splice(0, lines.length)
      queue.first += lines.length
      queue.chars -= lines.reduce((sum, line) => sum + line.length, 0)
      for (const wake of queue.waiting) wake()
      queue.waiting.clear()
    }
    if (queue.lines.length === 0) {
      const rolled = queue.spool.committed()
      queue.first = queue.spool.next
      await rolled
    }
    queue.running = undefined
    if (queue.lines.length > 0 && !core.signal.aborted) queue.running = run(queue)
  }
  /** Takes a line. `full` when there is no room, `stranger` when nobody may send from there. */
  const take = (ip: string, line: string): 'taken' | 'full' | 'stranger' => {
    const source = sourceFor(ip, line)
    if (!source) return 'stranger'
    const queue = queues.get(source.id)
    if (!queue) return 'full'
    queue.source = source
    if (queue.lines.length >= bounds.lines || queue.chars + line.length > bounds.chars) return 'full'
    queue.spool.add(line)
    queue.lines.push(line)
    queue.chars += line.length
    queue.running ??= run(queue)
    return 'taken'
  }
  /** Counts a lost line with its source, once the database is there to hear it. */
  const count = (ip: string, line: string): void => {
    const queue = queues.get(sourceFor(ip, line)?.id ?? '')
    if (queue && queue.lost++ === 0) counting = counting.then(() => countLost(queue))
  }
  let counting: Promise<unknown> = Promise.resolve()
  const countLost = async (queue: Queue): Promise<void> => {
    while (!core.signal.aborted) {
      await delay(1000)
      const { lost } = queue
      // The count stays and is tried again; that the database is away is said where it is.
      const counted = await core.sql`update source set lost = lost + ${lost} where id = ${queue.source.id}`.catch(() => undefined)
      if (!counted) continue
      queue.lost -= lost
      core.log(`${lost} lines of ${queue.source.name} were lost: they came faster than they could be committed`)
      if (queue.lost === 0) return
    }
  }
  const room = (): Promise<void> =>
    new Promise((resolve) => {
      for (const queue of queues.values()) if (queue.lines.length >= bounds.lines || queue.chars > bounds.chars / 2) queue.waiting.add(resolve)
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
      stranger(ip)
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
      if (answer === 'stranger') stranger(ip)
      if (answer !== 'full' || closed) return
      await room()
    }
  }

  server.listen(where.port, where.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  /** What an unknown peer sends waits while sources are read again: it may be the first word of one that was just registered. */
  let held: { ip: string; line: string }[] = []
  const hold = (ip: string, line: string): void => {
    if (held.length >= mostHeld) {
      stranger(ip)
      return
    }
    held.push({ ip, line })
    if (held.length > 1) return
    void refresh()
      .then(() => loading)
      .then(() => {
        const now = held
        held = []
        for (const each of now) {
          const answer = take(each.ip, each.line)
          if (answer === 'stranger') stranger(each.ip)
          else if (answer === 'full') {
            lost.full++
            count(each.ip, each.line)
          }
        }
      })
  }
  let strangersSaid = 0
  const stranger = (ip: string): void => {
    lost.stranger++
    if (lost.stranger < strangersSaid * 10) return
    strangersSaid = lost.stranger
    core.log(`${lost.stranger} syslog lines were dropped, the last from ${escapeText(ip)}: no registered source may send from there`)
  }
  const datagrams = createSocket({ type: where.host.includes(':') ? 'udp6' : 'udp4' })
  datagrams.on('message', (bytes, peer) => {
    // A datagram is one message; some senders end it with a newline or NUL.
    const line = bytes.toString('utf8').replace(/[\r\n\0]{1,4}$/, '')
    const answer = take(peer.address, line)
    if (answer === 'full') {
      lost.full++
      count(peer.address, line)
    } else if (answer === 'stranger') hold(peer.address, line)
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
    unlisten()
    datagrams.close()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
    await drained()
    await counting
    for (const queue of queues.values()) await queue.spool.close()
  }
  core.signal.addEventListener('abort', close, { once: true })
  return { port, dropped: () => ({ ...lost }), drained, close }
}
