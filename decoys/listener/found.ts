/** What the first bytes of a client are found to be, and how they are read without running past their end. */

/** `request` and the texts of `detail` are raw Latin-1 of the client, bounded; they are escaped where they are said. */
export interface Found {
  protocol: string
  /** What it asks in a line: `GET /v1.24/info`, `CONFIG SET dir /var/spool/cron`. */
  request: string
  detail?: Partial<Record<'user' | 'password' | 'serverName' | 'version' | 'client' | 'host' | 'ja3' | 'ja4', string>>
}

/** One way to know a protocol by its first bytes; `spec` is where they are laid down. It looks at no byte beyond `mostLooked`. */
export interface Recogniser {
  protocol: string
  spec: string
  find(bytes: Buffer): Omit<Found, 'protocol'> | undefined
}

export const mostLooked = 65_536
const longestRequest = 1024

/** Latin-1 text of a part, at most 1,024 characters. */
export const textOf = (bytes: Buffer, from = 0, to = bytes.length): string => bytes.toString('latin1', from, Math.min(to, bytes.length, from + longestRequest))

/** The first line, without its end; all of it when there is no end within 8 KiB. */
export function lineOf(bytes: Buffer): string {
  const end = bytes.subarray(0, 8192).indexOf(10)
  return textOf(bytes, 0, end < 0 ? bytes.length : end > 0 && bytes[end - 1] === 13 ? end - 1 : end)
}

export const startsWith = (bytes: Buffer, start: string | readonly number[]): boolean => {
  const wanted = typeof start === 'string' ? Buffer.from(start, 'latin1') : Buffer.from(start)
  return bytes.length >= wanted.length && bytes.subarray(0, wanted.length).equals(wanted)
}

/** The value of a header of an HTTP head, at most 255 characters; undefined when there is none within 16 KiB. */
export function headerOf(bytes: Buffer, name: string): string | undefined {
  const head = bytes.toString('latin1', 0, Math.min(bytes.length, 16_384))
  const at = head.toLowerCase().indexOf(`\n${name}:`)
  if (at < 0) return undefined
  const from = at + name.length + 2
  const end = head.indexOf('\n', from)
  return head.slice(from, end < 0 ? from + 255 : Math.min(end, from + 255)).trim()
}

/** Zero-ended text at `at`, at most 255 characters. */
export function zeroEnded(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at)
  return bytes.toString('latin1', at, Math.min(end < 0 ? bytes.length : end, at + 255))
}
