/** Messages inside a TCP stream (RFC 6587): octet counting (`123 <34>...`), or one message a line. Bounded, linear. */
import { recordLimit } from './record.ts'

export interface Framing {
  /** The messages that `bytes` completes. */
  push(bytes: Uint8Array): string[]
  /** What is left when the stream ends: a last line without its newline. */
  end(): string[]
}

const LF = 0x0a
const SPACE = 0x20
const digit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39

/** Each message may use another form, as RFC 6587 allows. A message above `limit` bytes is passed over whole. */
export function createFraming(limit = recordLimit): Framing {
  let parts: Buffer[] = []
  let held = 0
  /** Octets that are still to come of a counted message; -1 while in a line, undefined between messages. */
  let left: number | undefined
  let count = ''
  let skipping = false

  const finish = (): string | undefined => {
    const text = skipping
      ? undefined
      : Buffer.concat(parts)
          .toString('utf8')
          .replace(/[\r\n\0]{1,4}$/, '')
    parts = []
    held = 0
    left = undefined
    skipping = false
    return text === '' ? undefined : text
  }
  const keep = (part: Buffer): void => {
    if (skipping || held + part.length > limit) {
      skipping = true
      parts = []
      held = 0
    } else {
      parts.push(part)
      held += part.length
    }
  }
  return {
    push(bytes) {
      const found: string[] = []
      const chunk = Buffer.from(bytes)
      const done = (): void => {
        const message = finish()
        if (message !== undefined) found.push(message)
      }
      let at = 0
      while (at < chunk.length) {
        if (left === undefined) {
          if (digit(chunk[at]) && count.length < 7 && (count !== '' || chunk[at] !== 0x30)) {
            count += String.fromCharCode(chunk[at++] as number)
            continue
          }
          if (count !== '' && chunk[at] === SPACE) {
            left = Number(count)
            count = ''
            at++
            continue
          }
          // Digits that no space follows begin a line.
          if (count !== '') keep(Buffer.from(count))
          count = ''
          left = -1
        }
        if (left === -1) {
          const newline = chunk.indexOf(LF, at)
          keep(chunk.subarray(at, newline < 0 ? chunk.length : newline))
          at = newline < 0 ? chunk.length : newline + 1
          if (newline >= 0) done()
        } else {
          const take = Math.min(left, chunk.length - at)
          keep(chunk.subarray(at, at + take))
          at += take
          left -= take
          if (left === 0) done()
        }
      }
      return found
    },
    end() {
      // A counted message that is not whole is not a message.
      if (left !== undefined && left > 0) return []
      const message = finish()
      return message === undefined ? [] : [message]
    },
  }
}
