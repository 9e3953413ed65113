/**
 * What a gate and a worker say to each other over the one socket that the worker inherits.
 *
 * Wire: `length(4) type(1) stream(4) payload(length - 5)`, big-endian; a frame is at most 8 MiB. Connections are streams with even ids that the gate
 * opens; captured files are streams with odd ids that the worker opens. DATA spends credit; both sides of a stream begin with 262,144 bytes of it.
 */
import { Duplex } from 'node:stream'

export const workerFrame = {
  /** Gate to worker. */
  DECOY: 1, // JSON {decoy, plant?}: a decoy's seed, secrets and services, and the plant it belongs to, before its first connection
  FORGET: 2, // JSON {decoy}
  CHECK: 3, // JSON {decoy, services}: answered CHECKED
  OPEN: 4, // JSON {connection, source, destination, decoy, service, site}
  WORLD: 5, // answer to LOAD of that id: a byte (1 when there is one), then the saved world
  KEPT: 6, // answer to a captured file: JSON {file} or {error}
  PING: 8, // answered PONG; a worker that does not is ended
  STOP: 7, // close all sessions, save all worlds, answer STOPPED
  /** Worker to gate. */
  READY: 16, // JSON {services}
  CHECKED: 17, // JSON {decoy, problems}
  EVENT: 18, // JSON {id, time, session?, kind, body}; stream 0: of a session without a connection
  LOAD: 19, // JSON {decoy or plant, adversary}; the stream field is the request's id
  SAVE: 20, // length(2) JSON {decoy or plant, adversary} bytes; a plant without bytes is forgotten
  BLOB: 21, // JSON {connection: stream}; its bytes follow as DATA and FIN of this odd id
  CLOSED: 22, // nothing more will be said of this connection
  STOPPED: 23,
  PONG: 25,
  LOG: 24, // one line for the operator's log
  /** Both ways. */
  DATA: 32,
  CREDIT: 33, // u32
  FIN: 34,
  RESET: 35,
  DATAGRAM: 36, // keeps boundaries, spends no credit
} as const

export const streamCredit = 262_144
const maxFrame = 8 * 1024 * 1024 + 4096
const maxData = 65_536
/** Bytes that may wait in the socket before streams stop being read. */
const congestedAt = 4 * 1024 * 1024
/** Bytes that are joined before they are written. */
const maxLeaving = 65_536

export interface WorkerLink {
  send(type: number, stream: number, payload?: Uint8Array): void
  sendJson(type: number, stream: number, value: unknown): void
  /** Too much waits to be sent: streams hold their reading until `uncongested`. */
  readonly congested: boolean
  /** Calls back once, when the socket has drained. */
  uncongested(listener: () => void): void
  /** Stops and starts taking frames; what arrives meanwhile waits in the kernel and stops the other side. */
  pause(): void
  resume(): void
  readonly paused: boolean
  close(): void
}

/** Frames over `socket`. A frame that breaks the wire ends the link. `onEnd` is called once, with why. */
export function openWorkerLink(socket: Duplex, onFrame: (type: number, stream: number, payload: Buffer) => void, onEnd: (reason: string) => void): WorkerLink {
  let parts: Buffer[] = []
  let have = 0
  let ended = false
  let waiting: (() => void)[] = []
  const end = (reason: string): void => {
    if (ended) return
    ended = true
    socket.destroy()
    waiting = []
    onEnd(reason)
  }
  const take = (): Buffer => {
    const all = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    parts = []
    have = 0
    return all
  }
  let need = 9
  socket.on('data', (chunk: Buffer) => {
    parts.push(chunk)
    have += chunk.length
    if (have < need) return
    const bytes = take()
    let at = 0
    need = 9
    while (bytes.length - at >= 9 && !ended) {
      const length = bytes.readUInt32BE(at)
      if (length < 5 || length > maxFrame) return end(`a frame of ${length} bytes`)
      if (bytes.length - at < length + 4) {
        need = length + 4
        break
      }
      onFrame(bytes.readUInt8(at + 4), bytes.readUInt32BE(at + 5), bytes.subarray(at + 9, at + 4 + length))
      at += length + 4
    }
    if (at < bytes.length && !ended) {
      parts = [bytes.subarray(at)]
      have = bytes.length - at
    }
  })
  socket.on('end', () => end('the other side ended'))
  socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  socket.on('close', () => end('the socket closed'))
  socket.on('drain', () => {
    const now = waiting
    waiting = []
    for (const listener of now) listener()
  })
  /** Frames of this turn of the loop: they leave as one write, since a system call costs more than a frame does. */
  let leaving: Uint8Array[] = []
  let leavingBytes = 0
  const flush = (): void => {
    const frames = leaving
    const bytes = leavingBytes
    leaving = []
    leavingBytes = 0
    if (!ended && frames.length > 0) socket.write(frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames, bytes))
  }
  const send = (type: number, stream: number, payload?: Uint8Array): void => {
    if (ended) return
    const header = Buffer.allocUnsafe(9)
    header.writeUInt32BE(5 + (payload?.length ?? 0), 0)
    header.writeUInt8(type, 4)
    header.writeUInt32BE(stream, 5)
    if (leaving.length === 0) setImmediate(flush)
    leaving.push(header)
    leavingBytes += 9
    if (payload) {
      leaving.push(payload)
      leavingBytes += payload.length
    }
    if (leavingBytes > maxLeaving) flush()
  }
  return {
    send,
    sendJson: (type, stream, value) => send(type, stream, Buffer.from(JSON.stringify(value))),
    get congested() {
      return !ended && socket.writableLength > congestedAt && socket.writableNeedDrain
    },
    uncongested: (listener) => void waiting.push(listener),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    get paused() {
      return socket.isPaused()
    },
    close: () => end('closed'),
  }
}

/**
 * One stream of the link: a Duplex with half-open, credit both ways and reset. The owner of the link feeds it with `receive*`; after `destroyed` it says
 * nothing more.
 */
export class LinkStream extends Duplex {
  readonly stream: number
  readonly #link: WorkerLink
  #credit = streamCredit
  #granted = streamCredit
  #owed = 0
  #inbox: Buffer[] = []
  #inboxEnded = false
  #wanted = false
  #resetSaid = false
  #blocked: { chunk: Buffer; done: (error?: Error | null) => void } | undefined
  #arrival: (() => void)[] = []

  constructor(link: WorkerLink, stream: number) {
    super({ allowHalfOpen: true, highWaterMark: maxData })
    this.stream = stream
    this.#link = link
    this.on('error', () => {}) // a reset by the other side is no fault of ours
  }

  /** Bytes from the other side; false when they are more than the credit it had. */
  receive(bytes: Buffer): boolean {
    this.#granted -= bytes.length
    if (this.#granted < 0) return false
    if (this.destroyed) return true
    this.#inbox.push(bytes)
    if (this.#wanted) this.#deliver()
    this.#arrived()
    return true
  }

  receiveEnd(): void {
    if (this.destroyed) return
    this.#inboxEnded = true
    if (this.#wanted) this.#deliver()
    this.#arrived()
  }

  receiveReset(): void {
    this.#resetSaid = true
    this.#arrived()
    this.destroy(Object.assign(new Error('the connection was reset by the other side'), { code: 'ECONNRESET' }))
  }

  receiveCredit(bytes: number): void {
    this.#credit += bytes
    const blocked = this.#blocked
    if (!blocked || this.#credit <= 0) return
    this.#blocked = undefined
    this._write(blocked.chunk, 'buffer', blocked.done)
  }

  /** Sends a frame of this stream that spends no credit. */
  protected sendFrame(type: number, payload: Uint8Array): void {
    this.#link.send(type, this.stream, payload)
  }

  /** Ends both directions as a reset. */
  reset(): void {
    if (this.#resetSaid || this.destroyed) return
    this.#resetSaid = true
    this.#link.send(workerFrame.RESET, this.stream)
    this.destroy()
  }

  /** The first `n` bytes (at most 65,536), without taking them; fewer when the other side ended or reset before. */
  async peek(n: number): Promise<Buffer> {
    const wanted = Math.min(n, maxData)
    while (this.readableLength < wanted && !this.destroyed) {
      this.read(0)
      if (this.readableLength >= wanted || (this.#inboxEnded && this.#inbox.length === 0)) break
      await new Promise<void>((resolve) => this.#arrival.push(resolve))
    }
    const have = Math.min(wanted, this.readableLength)
    if (this.destroyed || have === 0) return Buffer.alloc(0)
    const bytes = this.read(have) as Buffer
    this.unshift(bytes)
    return bytes
  }

  override _read(): void {
    this.#wanted = true
    if (this.#link.congested) this.#link.uncongested(() => this.#wanted && !this.destroyed && this.#deliver())
    else this.#deliver()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    let at = 0
    while (at < chunk.length && this.#credit > 0) {
      const length = Math.min(chunk.length - at, this.#credit, maxData)
      this.#link.send(workerFrame.DATA, this.stream, chunk.subarray(at, at + length))
      this.#credit -= length
      at += length
    }
    if (at === chunk.length) done()
    else this.#blocked = { chunk: chunk.subarray(at), done }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#link.send(workerFrame.FIN, this.stream)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // Destroyed before both directions ended: the other side must not wait for more.
    if (!this.#resetSaid && !(this.writableFinished && this.readableEnded)) {
      this.#resetSaid = true
      this.#link.send(workerFrame.RESET, this.stream)
    }
    const blocked = this.#blocked
    this.#blocked = undefined
    this.#inbox = []
    this.#arrived()
    blocked?.done(error ?? new Error('the stream was destroyed'))
    done(error)
  }

  #deliver(): void {
    while (this.#wanted) {
      const bytes = this.#inbox.shift()
      if (bytes) {
        this.#wanted = this.push(bytes)
        this.#owe(bytes.length)
      } else if (this.#inboxEnded) {
        this.#wanted = false
        this.push(null)
      } else return
    }
  }

  #owe(bytes: number): void {
    this.#owed += bytes
    if (this.#owed < streamCredit / 4) return
    const payload = Buffer.alloc(4)
    payload.writeUInt32BE(this.#owed)
    this.#granted += this.#owed
    this.#owed = 0
    this.#link.send(workerFrame.CREDIT, this.stream, payload)
  }

  #arrived(): void {
    const now = this.#arrival
    this.#arrival = []
    for (const resolve of now) resolve()
  }
}
