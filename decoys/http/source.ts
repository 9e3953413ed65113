/** Bytes of a connection, taken when wanted: bounded, with a wait that ends. */
import type { Duplex } from 'node:stream'

const highWater = 65_536

/** Why no bytes came: the client ended, the wait was over, or the connection is gone. */
export type Silence = 'end' | 'timeout' | 'closed'

export interface Source {
  /** Bytes at hand without waiting, or undefined. */
  take(): Buffer | undefined
  /** The next bytes, waiting at most `ms`. */
  next(ms: number): Promise<Buffer | Silence>
  /** Puts bytes back in front. */
  putBack(bytes: Buffer): void
  readonly waiting: number
  close(): void
}

/** Reads a stream in flowing mode and holds at most about 64 KiB of what nobody has taken. */
export function openSource(stream: Duplex): Source {
  const queue: Buffer[] = []
  let held = 0
  let silence: Silence | undefined
  let wake: ((value: Buffer | Silence) => void) | undefined
  let timer: NodeJS.Timeout | undefined
  let deadline = 0

  const answer = (value: Buffer | Silence): undefined => {
    const resolve = wake
    wake = undefined
    resolve?.(value)
  }
  const onData = (bytes: Buffer): undefined => {
    if (wake) return answer(bytes)
    queue.push(bytes)
    held += bytes.length
    if (held >= highWater) stream.pause()
  }
  const stop = (why: Silence) => (): void => {
    silence = silence === 'closed' ? 'closed' : why
    answer(silence)
    if (why === 'closed' && timer) clearTimeout(timer)
  }
  // One timer serves all waits: it looks at the deadline when it fires, so a request costs no timer of its own.
  const watch = (ms: number): void => {
    deadline = performance.now() + ms
    if (timer) return
    const tick = (): undefined => {
      timer = undefined
      if (!wake) return
      const left = deadline - performance.now()
      if (left <= 0) return answer('timeout')
      timer = setTimeout(tick, Math.ceil(left))
    }
    timer = setTimeout(tick, Math.ceil(ms))
    timerEnd = deadline
  }
  let timerEnd = 0
  const onEnd = stop('end')
  const onClose = stop('closed')
  stream.on('data', onData)
  stream.on('end', onEnd)
  stream.on('close', onClose)
  stream.on('error', onClose)

  const take = (): Buffer | undefined => {
    const bytes = queue.shift()
    if (bytes === undefined) return undefined
    held -= bytes.length
    if (held < highWater && stream.isPaused()) stream.resume()
    return bytes
  }
  return {
    take,
    next(ms) {
      const bytes = take()
      if (bytes) return Promise.resolve(bytes)
      if (silence) return Promise.resolve(silence)
      if (timer && performance.now() + ms < timerEnd) {
        clearTimeout(timer)
        timer = undefined
      }
      return new Promise((resolve) => {
        wake = resolve
        watch(ms)
      })
    },
    putBack(bytes) {
      if (bytes.length === 0) return
      queue.unshift(bytes)
      held += bytes.length
    },
    get waiting() {
      return held
    },
    close() {
      if (timer) clearTimeout(timer)
      timer = undefined
      stream.off('data', onData)
      stream.off('end', onEnd)
      stream.off('close', onClose)
      // The error listener stays: a late reset must not become an uncaught error.
    },
  }
}
