/** One tunnel connection, either end: its streams, its heartbeat, and a peer that is treated as hostile. */
import type { Socket } from 'node:net'
import { contractVersion } from '@shenlou/contract/event'
import { frameType, type ResetReason, tunnelHello } from '@shenlou/contract/tunnel'
import type { WebSocket } from 'ws'
import { encodeDataMessage, encodeFrame, encodeJson, encodeReset, type Frame, parseFrame } from './tunnel-frame.ts'
import { Stream, type StreamSession } from './tunnel-stream.ts'

export interface SessionOptions {
  ws: WebSocket
  /** The TLS socket below it, for corking and to see how much waits. */
  socket: Socket
  /** Sensor ids: our own, and the one in the peer's certificate. */
  self: string
  peer: string
  heartbeatMs: number
  /** Both hellos are exchanged. */
  onUp(): void
  onEnd(reason: string): void
  /** Gate only: judges an OPEN, 'ok' or why not. A relay end has none: an OPEN is a breach there. */
  judge?(json: unknown, streams: number): { verdict: 'ok'; accepted(stream: Stream): void } | { verdict: ResetReason } | undefined
  /** Received payload bytes; answers how many milliseconds to rest. */
  pace?(bytes: number): number
}
export interface TunnelSession {
  readonly streams: number
  open(json: unknown): Stream
  end(reason: string): void
}

/** Streams stop writing while more than this waits for the line. */
const congestedBytes = 1024 * 1024
/** What all streams together may hold unread; one that would exceed it is reset with `overflow`. */
const heldBytes = 256 * 1024 * 1024
/** Control frames alone cannot make more wait than this; a peer that reads nothing is left. */
const hopelessBytes = 32 * 1024 * 1024
const helloMs = 10_000

export function startSession(options: SessionOptions): TunnelSession {
  const { ws, socket } = options
  // A relay is the WebSocket client, a gate the server.
  const client = options.judge === undefined
  const streams = new Map<number, Stream>()
  const waiting = new Set<Stream>()
  let lastId = 0
  let up = false
  let ended = false
  let corked = false
  let held = 0
  let heardAt = Date.now()

  const session: StreamSession = {
    send(frame, sent) {
      if (ended) return sent?.()
      cork()
      ws.send(frame, sent)
    },
    sendData(stream, bytes) {
      if (ended) return
      cork()
      // Bulk goes to the socket itself: ws would want head and bytes copied together. It writes whole frames at once, so the two do not mix.
      for (const part of encodeDataMessage(stream, bytes, client)) socket.write(part)
    },
    congested: () => socket.writableLength > congestedBytes,
    whenClear: (stream) => void waiting.add(stream),
    hold(bytes) {
      held += bytes
      return bytes < 0 || held <= heldBytes
    },
    remove(stream) {
      streams.delete(stream.id)
      waiting.delete(stream)
    },
  }
  function cork(): void {
    if (corked) return
    // All frames of one turn of the loop leave together: one TLS record, one system call.
    corked = true
    socket.cork()
    setImmediate(uncork)
  }
  function uncork(): void {
    corked = false
    socket.uncork()
    if (socket.writableLength > hopelessBytes) end('the other end does not read')
  }
  const clear = () => {
    const ready = [...waiting]
    waiting.clear()
    for (const stream of ready) stream.pump()
  }
  socket.on('drain', clear)

  const hello = setTimeout(() => end('no hello'), helloMs)
  const beat = setInterval(() => {
    if (Date.now() - heardAt > 3 * options.heartbeatMs) return end('the other end is silent')
    session.send(encodeFrame(frameType.PING, 0, Buffer.from(String(Date.now() % 1e8).padStart(8, '0'))))
  }, options.heartbeatMs)

  session.send(encodeJson(frameType.HELLO, 0, { contract: contractVersion, sensor: options.self }))
  ws.on('message', (data, binary) => {
    if (ended) return
    heardAt = Date.now()
    const frame = binary ? parseFrame(data as Buffer) : undefined
    if (!frame || !receive(frame)) return end(`protocol: a frame that is not allowed (${frame?.type ?? 'malformed'})`)
    const rest = options.pace?.((data as Buffer).length) ?? 0
    if (rest > 0 && !ws.isPaused) {
      ws.pause()
      setTimeout(() => ws.resume(), rest)
    }
  })
  ws.on('error', (error) => end(error.message))
  ws.on('close', (code) => end(`closed ${code}`))

  function receive(frame: Frame): boolean {
    if (!up) return frame.type === 'hello' && greet(frame.json)
    switch (frame.type) {
      case 'ping':
        session.send(encodeFrame(frameType.PONG, 0, frame.bytes))
        return true
      case 'pong':
        return true
      case 'hello':
        return false
      case 'open':
        return opened(frame.stream, frame.json)
    }
    const stream = streams.get(frame.stream)
    // Frames for a stream that was just reset here are still under way; one that never was is a breach.
    if (!stream) return frame.stream <= lastId
    switch (frame.type) {
      case 'opened':
        return options.judge === undefined && stream.gotOpened()
      case 'data':
        return stream.gotData(frame.bytes)
      case 'datagram':
        stream.gotDatagram(frame.bytes)
        return true
      case 'credit':
        return stream.gotCredit(frame.bytes)
      case 'fin':
        return stream.gotFin()
      case 'reset':
        stream.gotReset(frame.reason)
        return true
    }
  }

  function greet(json: unknown): boolean {
    const said = tunnelHello.safeParse(json)
    if (!said.success || said.data.sensor !== options.peer) return false
    // This version of the contract and the former one.
    if (said.data.contract !== contractVersion && said.data.contract !== contractVersion - 1) return false
    clearTimeout(hello)
    up = true
    options.onUp()
    return true
  }

  function opened(id: number, json: unknown): boolean {
    if (!options.judge || id <= lastId) return false
    lastId = id
    const judged = options.judge(json, streams.size)
    if (!judged) return false
    if (judged.verdict !== 'ok') {
      session.send(encodeReset(id, judged.verdict))
      return true
    }
    const stream = new Stream(session, id, false)
    streams.set(id, stream)
    judged.accepted(stream)
    return true
  }

  function end(reason: string): void {
    if (ended) return
    ended = true
    clearTimeout(hello)
    clearInterval(beat)
    socket.removeListener('drain', clear)
    ws.terminate()
    for (const stream of [...streams.values()]) stream.gotReset('shutdown')
    options.onEnd(reason)
  }

  return {
    get streams() {
      return streams.size
    },
    open(json) {
      const stream = new Stream(session, lastId + 1, true)
      if (!up || ended || lastId >= 0xffff_ffff) {
        stream.gotReset('shutdown')
        return stream
      }
      lastId += 1
      streams.set(stream.id, stream)
      session.send(encodeJson(frameType.OPEN, stream.id, json))
      return stream
    },
    end,
  }
}
