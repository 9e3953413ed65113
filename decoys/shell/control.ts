/** How commands are joined to the shell: their streams, and what is thrown to leave. */
import type { LineReader } from './io.ts'

/** Where a command's standard streams lead. */
export interface Streams {
  input: LineReader
  out(text: string): void
  err(text: string): void
  toTerminal: boolean
}

/** Thrown to leave loops, functions, or the shell. */
export class Leave extends Error {
  readonly kind: 'break' | 'continue' | 'return' | 'exit'
  value: number
  constructor(kind: Leave['kind'], value: number) {
    super(kind)
    this.kind = kind
    this.value = value
  }
}

/** Thrown when Ctrl-C ends what runs. */
export class Interrupted extends Error {}
