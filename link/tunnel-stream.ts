/** One stream of a tunnel: a Duplex with credit in both directions, half-close, reset and datagrams. */
import { Duplex } from 'node:stream'
import { frameType, initialCredit, maxDatagramBytes, type ResetReason } from '@shenlou/contract/tunnel'
import { encodeCredit, encodeFrame, encodeReset } from './tunnel-frame.ts'
import type { TunnelStream } from './tunnel-types.ts'

/** What a stream needs of its session. */
export interface StreamSession {
  send(frame: Buffer, sent?: () => void): void
  sendData(stream: number, bytes: Buffer): void
  /** More waits for the line than is good: come back by `whenClear`. */
  congested(): boolean
  whenClear(stream: Stream): void
  remove(stream: Stream): void
  /** So many more bytes lie here unread (negative: fewer); false when all streams together hold too many. */
  hold(bytes: number): boolean
}

const highWaterMark = 65_536
/** DATA goes out in pieces of which two, with their heads (8 + 5), fill one TLS record: the other end takes most of them without a copy, which halved its CPU. */
const pieceBytes = 8_179
/** Credit is given back in pieces of this: together with what may lie unread below the mark it is less than the whole window, so that none gets stuck. */
const creditStep = 65_536
const maxCredit = 2 ** 31
const maxDatagramsWaiting = 262_144

type Writing = { bytes: Buffer; at: number; done: (error?: Error | null) => void }

export class Stream extends Duplex implements TunnelStream {
  readonly id: number
  readonly opened: Promise<void>
  resetReason: ResetReason | undefined
  readonly #session: StreamSession
  readonly #open = Promise.withResolvers<void>()
  #accepted: boolean
  #sendCredit = initialCredit
  #window = initialCredit
  #ungranted = 0
  #writing: Writing | undefined
  #sentFin = false
  #gotFin = false
  #tellPeer = true
  #datagramsWaiting = 0

  /** `accepted` is false at the gate, which still has to say OPENED. */
  constructor(session: StreamSession, id: number, accepted: boolean) {
    super({ allowHalfOpen: true, highWaterMark })
    this.#session = session
    this.id = id
    this.#accepted = accepted
    this.opened = this.#open.promise
    // A reset stream that nobody watches must not end the process.
    this.opened.catch(() => undefined)
    this.on('error', () => undefined)
  }

  accept(): void {
    if (this.#accepted || this.destroyed) return
    this.#accepted = true
    this.#session.send(encodeFrame(frameType.OPENED, this.id))
    this.#open.resolve()
  }

  reset(reason: ResetReason): void {
    this.resetReason ??= reason
    this.destroy()
  }

  sendDatagram(bytes: Uint8Array): boolean {
    if (bytes.length > maxDatagramBytes) throw new RangeError(`a datagram of ${bytes.length} bytes is above ${maxDatagramBytes}`)
    if (this.destroyed || this.#datagramsWaiting + bytes.length > maxDatagramsWaiting) return false
    this.accept()
    this.#datagramsWaiting += bytes.length
    this.#session.send(encodeFrame(frameType.DATAGRAM, this.id, bytes), () => {
      this.#datagramsWaiting -= bytes.length
    })
    return true
  }

  /** Sends what credit and line allow; the session calls it when either grew. */
  pump(): void {
    const writing = this.#writing
    if (!writing) return
    while (writing.at < writing.bytes.length) {
      if (this.#sendCredit === 0 || this.destroyed) return
      if (this.#session.congested()) {
        this.#session.whenClear(this)
        return
      }
      const end = Math.min(writing.at + pieceBytes, writing.at + this.#sendCredit, writing.bytes.length)
      this.#session.sendData(this.id, writing.bytes.subarray(writing.at, end))
      this.#sendCredit -= end - writing.at
      writing.at = end
    }
    this.#writing = undefined
    writing.done()
  }

  // What the peer says, as the session parsed it. False: the peer broke the contract.

  gotOpened(): boolean {
    if (!this.#accepted) return false
    this.#open.resolve()
    return true
  }
  gotData(bytes: Buffer): boolean {
    if (this.#gotFin || bytes.length > this.#window) return false
    this.#window -= bytes.length
    this.#ungranted += bytes.length
    if (!this.#session.hold(bytes.length)) {
      this.reset('overflow')
      return true
    }
    this.push(bytes)
    this.#grant()
    return true
  }
  gotDatagram(bytes: Buffer): void {
    this.emit('datagram', bytes)
  }
  gotCredit(bytes: number): boolean {
    if (bytes === 0 || this.#sendCredit + bytes > maxCredit) return false
    this.#sendCredit += bytes
    this.pump()
    return true
  }
  gotFin(): boolean {
    if (this.#gotFin) return false
    this.#gotFin = true
    this.push(null)
    return true
  }
  gotReset(reason: ResetReason): void {
    this.#tellPeer = false
    this.resetReason ??= reason
    this.destroy(Object.assign(new Error(`the stream was reset: ${reason}`), { code: 'ECONNRESET' }))
  }

  override _read(): void {
    this.#grant()
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Writing['done']): void {
    this.accept()
    this.#writing = { bytes: chunk, at: 0, done }
    this.pump()
  }
  override _writev(chunks: Array<{ chunk: Buffer }>, done: Writing['done']): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done)
  }
  override _final(done: (error?: Error | null) => void): void {
    this.accept()
    this.#sentFin = true
    this.#session.send(encodeFrame(frameType.FIN, this.id))
    done()
  }
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#session.remove(this)
    this.#session.hold(-this.#ungranted)
    this.#ungranted = 0
    if (this.#tellPeer && !(this.#sentFin && this.#gotFin)) this.#session.send(encodeReset(this.id, this.resetReason ?? 'peer'))
    if (!this.#sentFin || !this.#gotFin) this.resetReason ??= 'peer'
    this.#open.reject(new Error(`the stream was reset: ${this.resetReason}`))
    const writing = this.#writing
    this.#writing = undefined
    writing?.done(error ?? Object.assign(new Error('the stream was reset'), { code: 'ECONNRESET' }))
    done(error)
  }

  #grant(): void {
    const taken = this.#ungranted - this.readableLength
    if (taken < creditStep || this.#gotFin || this.destroyed) return
    this.#ungranted -= taken
    this.#session.hold(-taken)
    this.#window += taken
    this.#session.send(encodeCredit(this.id, taken))
  }
}
