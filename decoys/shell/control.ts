/** How commands are joined to the shell: their streams, and what is thrown to leave. */
import type { LineReader } from './io.ts'

/** Where a command's standard streams lead. */
export interface Streams {
  input: LineReader
  out(text: string): void
  err(text: string): void
  toTerminal: boolean
  /** Writers of the descriptors above 2. */
  more?: ReadonlyMap<number, (text: string) => void>
}

/** Thrown to leave loops, functions, the command line (`abort`), or the shell. */
export class Leave extends Error {
  readonly kind: 'break' | 'continue' | 'return' | 'exit' | 'abort'
  value: number
  constructor(kind: Leave['kind'], value: number) {
    super(kind)
    this.kind = kind
    this.value = value
  }
}

/** Thrown when Ctrl-C ends what runs. */
export class Interrupted extends Error {}
