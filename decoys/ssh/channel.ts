/** One channel of the connection protocol (RFC 4254 section 5): windows both ways, and an end in the right order. */
import type { ServerKind } from './server-kind.ts'
import type { Transport } from './transport.ts'
import { message, pack } from './wire.ts'

/** What runs in a channel takes its input here. */
export interface ChannelReader {
  data(bytes: Buffer): void
  end(): void
  /** The client closed the channel, or the connection went. */
  closed(): void
}

const maxWaiting = 1024 * 1024

export class Channel {
  readonly id: number
  readonly remote: number
  reader: ChannelReader | undefined
  #window: number
  readonly #packet: number
  readonly #transport: Transport
  readonly #kind: ServerKind
  #local = 0
  #consumed = 0
  #queue: { type: number; bytes: Buffer }[] = []
  #waiting = 0
  #drained: (() => void)[] = []
  #ending: { code: number | undefined } | undefined
  #sentClose = false
  #gotClose = false
  #gotEof = false
  readonly #gone: () => void

  constructor(id: number, open: { remote: number; window: number; packet: number }, transport: Transport, kind: ServerKind, gone: () => void) {
    this.id = id
    this.remote = open.remote
    this.#window = open.window
    this.#packet = Math.min(Math.max(open.packet, 1), 32_768)
    this.#transport = transport
    this.#kind = kind
    this.#gone = gone
    this.#local = kind.window
    transport.send(pack(message.CHANNEL_OPEN_CONFIRMATION, open.remote, id, kind.window, kind.packet))
  }

  get closed(): boolean {
    return this.#sentClose || this.#gotClose
  }

  /** Opens the window as a server does when a program starts. */
  started(): void {
    if (this.#kind.startWindow > 0) this.#adjust(this.#kind.startWindow)
  }

  succeed(wanted: boolean): void {
    if (wanted) this.#transport.send(pack(message.CHANNEL_SUCCESS, this.remote))
  }

  fail(wanted: boolean): void {
    if (wanted) this.#transport.send(pack(message.CHANNEL_FAILURE, this.remote))
  }

  /** Queues output; `error` goes as extended data. Returns false when more than 1 MiB waits. */
  write(bytes: Buffer, error = false): boolean {
    if (this.closed || bytes.length === 0) return true
    this.#queue.push({ type: error ? message.CHANNEL_EXTENDED_DATA : message.CHANNEL_DATA, bytes })
    this.#waiting += bytes.length
    this.#pump()
    return this.#waiting < maxWaiting
  }

  /** Resolves when less than 1 MiB waits. */
  drained(): Promise<void> {
    if (this.#waiting < maxWaiting || this.closed) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  /** Ends the channel with an exit status once all output went out. */
  exit(code: number | undefined): void {
    this.#ending ??= { code }
    this.#pump()
  }

  #adjust(bytes: number): void {
    this.#local += bytes
    this.#transport.send(pack(message.CHANNEL_WINDOW_ADJUST, this.remote, bytes))
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#window > 0 && !this.closed) {
      const head = this.#queue[0] as { type: number; bytes: Buffer }
      const size = Math.min(head.bytes.length, this.#window, this.#packet)
      const part = head.bytes.subarray(0, size)
      this.#transport.send(head.type === message.CHANNEL_DATA ? pack(head.type, this.remote, part) : pack(head.type, this.remote, 1, part))
      this.#window -= size
      this.#waiting -= size
      if (size === head.bytes.length) this.#queue.shift()
      else head.bytes = head.bytes.subarray(size)
    }
    if (this.#waiting < maxWaiting && this.#drained.length > 0) for (const resolve of this.#drained.splice(0)) resolve()
    if (this.#ending && this.#queue.length === 0 && !this.closed) {
      const { code } = this.#ending
      if (code !== undefined) this.#transport.send(pack(message.CHANNEL_REQUEST, this.remote, 'exit-status', false, code))
      if (this.#kind.saysEow && !this.#gotEof && this.#transport.clientVersion.includes('OpenSSH'))
        this.#transport.send(pack(message.CHANNEL_REQUEST, this.remote, 'eow@openssh.com', false))
      this.#transport.send(pack(message.CHANNEL_EOF, this.remote))
      this.#close()
    }
  }

  #close(): void {
    if (this.#sentClose) return
    this.#sentClose = true
    this.#queue = []
    this.#waiting = 0
    for (const resolve of this.#drained.splice(0)) resolve()
    this.#transport.send(pack(message.CHANNEL_CLOSE, this.remote))
    if (this.#gotClose) this.#gone()
  }

  // What the client sends

  received(bytes: Buffer): void {
    if (this.closed || this.#gotEof) return
    this.#local -= bytes.length
    this.#consumed += bytes.length
    this.reader?.data(bytes)
    const size = this.#kind.startWindow || this.#kind.window
    if (this.#consumed > size / 3) {
      this.#adjust(this.#consumed)
      this.#consumed = 0
    }
  }

  /** Whether the client sent more than it was allowed to. */
  get overrun(): boolean {
    return this.#local < -65_536
  }

  adjusted(bytes: number): void {
    this.#window = Math.min(0xffffffff, this.#window + bytes)
    this.#pump()
  }

  gotEof(): void {
    if (this.#gotEof) return
    this.#gotEof = true
    this.reader?.end()
  }

  gotClose(): void {
    if (this.#gotClose) return
    this.#gotClose = true
    this.reader?.closed()
    if (!this.#sentClose) this.#close()
    else this.#gone()
  }

  /** The connection went. */
  drop(): void {
    if (this.#gotClose) return
    this.#gotClose = true
    this.#queue = []
    for (const resolve of this.#drained.splice(0)) resolve()
    this.reader?.closed()
  }
}
