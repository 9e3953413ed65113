/** The client's version line (RFC 4253 section 4.2), read as the claimed server reads it. */
import type { ServerKind } from './server-kind.ts'

type Taken = 'more' | { line: string; used: number } | { refused: string; say?: string }

const maxLine = 255

/** Takes bytes until the line is there; the caller ends the connection when it is refused. */
export class VersionLine {
  #line = ''
  #lines = 0
  #read = 0
  readonly #kind: ServerKind
  constructor(kind: ServerKind) {
    this.#kind = kind
  }

  take(chunk: Buffer): Taken {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      this.#read++
      if (byte !== 0x0a && this.#read < maxLine) {
        this.#line += String.fromCharCode(byte)
        continue
      }
      const full = this.#line
      this.#line = ''
      this.#read = 0
      const verdict = this.#judge(full, at + 1)
      if (verdict !== 'more') return verdict
    }
    return 'more'
  }

  #judge(full: string, used: number): Taken {
    // both servers stop at the first carriage return or zero byte
    const line = full.split(/[\r\0]/, 1)[0] as string
    const kind = this.#kind
    if (kind.extraLines > 0 && !line.startsWith('SSH-')) return ++this.#lines > kind.extraLines ? { refused: 'no version line' } : 'more'
    const parts = /^SSH-(\d{1,9})\.(\d{1,9})-(.+)$/s.exec(line)
    if (!parts) return { refused: 'not a version line', say: kind.mismatch }
    const [, major, minor, software = ''] = parts
    if (kind.mismatch && (software.startsWith('Probe-') || software.includes('SSH_Version_Mapper'))) return { refused: 'a known prober' }
    if (Number(major) === 2 || (Number(major) === 1 && Number(minor) === 99)) return { line, used }
    return { refused: 'another major version', say: kind.otherMajor }
  }
}
