/** Command lines of a control connection (RFC 959 section 5.3): bounded, without Telnet's own commands. */

import type { Readable } from 'node:stream'

/** Characters of a line; what is longer is answered as an error and passed over. */
export const longestLine = 512

export interface LineReader {
  /** Whole lines as Latin-1 without their end; `undefined` stands for one that was too long. */
  take(bytes: Buffer): (string | undefined)[]
}

/** IAC and the byte after it (RFC 854), as clients send before ABOR; an urgent one is often taken out of the stream, and IAC stands alone. Twice it is itself. */
const telnet = /\xff([\xf0-\xff]?)/g
const withoutTelnet = (line: string): string => line.replace(telnet, (_, second: string) => (second === '\xff' ? second : ''))

export function openLines(): LineReader {
  let rest = ''
  let tooLong = false
  return {
    take(bytes) {
      const lines: (string | undefined)[] = []
      let from = 0
      for (;;) {
        const end = bytes.indexOf(10, from)
        if (!tooLong) rest += bytes.toString('latin1', from, Math.min(end < 0 ? bytes.length : end, from + longestLine + 2))
        if (rest.length > longestLine) {
          tooLong = true
          rest = ''
        }
        if (end < 0) return lines
        lines.push(tooLong ? undefined : withoutTelnet(rest.replace(/\r$/, '')))
        rest = ''
        tooLong = false
        from = end + 1
      }
    },
  }
}

/** Lines that may wait behind the one that is being answered; the client is not read meanwhile. */
const mostWaiting = 64

export interface ReadAhead {
  /** The next line, with the head of what was too long for one; undefined when the client ended. */
  next(): Promise<{ line: string | undefined; head: Buffer } | undefined>
  /** Reads no more. */
  stop(): void
}

/** The lines of a connection one after the other, read ahead: `early` sees each as it arrives, also while an earlier one is still being answered. */
export function readAhead(connection: Readable, early: (line: string | undefined) => void): ReadAhead {
  const lines = openLines()
  const waiting: { line: string | undefined; head: Buffer }[] = []
  let ended = connection.readableEnded || connection.destroyed
  let wake = (): void => {}
  const take = (bytes: Buffer): void => {
    for (const line of lines.take(bytes)) {
      early(line)
      waiting.push({ line, head: line === undefined ? bytes.subarray(0, 512) : nothing })
    }
    if (waiting.length > mostWaiting) connection.pause()
    wake()
  }
  const end = (): void => {
    ended = true
    wake()
  }
  connection.on('data', take).once('end', end).once('close', end)
  return {
    async next() {
      for (;;) {
        const found = waiting.shift()
        if (waiting.length <= mostWaiting && connection.isPaused()) connection.resume()
        if (found || ended) return found
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    stop() {
      connection.off('data', take).off('end', end).off('close', end)
    },
  }
}
const nothing = Buffer.alloc(0)
