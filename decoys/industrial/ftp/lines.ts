/** Command lines of a control connection (RFC 959 section 5.3): bounded, without Telnet's own commands. */

/** Characters of a line; what is longer is answered as an error and passed over. */
export const longestLine = 512

export interface LineReader {
  /** Whole lines as Latin-1 without their end; `undefined` stands for one that was too long. */
  take(bytes: Buffer): (string | undefined)[]
}

/** IAC and the byte after it (RFC 854), as clients send before ABOR. */
const telnet = /\xff[\xf0-\xff]/g

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
        lines.push(tooLong ? undefined : rest.replace(/\r$/, '').replace(telnet, ''))
        rest = ''
        tooLong = false
        from = end + 1
      }
    },
  }
}
