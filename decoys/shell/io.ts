/** Input and output of commands. Text is one character a byte. */

/** Thrown by a writer when more was written than is kept: what a closed pipe does to a program. */
export class PipeClosed extends Error {}

export interface Input {
  /** The next piece, or null at the end. */
  read(): Promise<string | null>
  /** Whether it is the terminal. */
  readonly terminal: boolean
}

const maxText = 4 * 1024 * 1024

/** Input from text that is already there. */
export function textInput(text: string): Input {
  let rest: string | null = text === '' ? null : text
  return {
    terminal: false,
    read() {
      const piece = rest
      rest = null
      return Promise.resolve(piece)
    },
  }
}

/** All of an input, at most 4 MiB. */
export async function readAll(input: Input): Promise<string> {
  let text = ''
  for (let piece = await input.read(); piece !== null; piece = await input.read()) {
    text += piece
    if (text.length > maxText) return text.slice(0, maxText)
  }
  return text
}

/** Input that is fed from outside; holds at most 4 MiB. */
export class LiveInput implements Input {
  readonly terminal: boolean
  #pieces: string[] = []
  #held = 0
  #ended = false
  #wake: (() => void) | undefined
  constructor(terminal: boolean) {
    this.terminal = terminal
  }
  feed(text: string): void {
    if (this.#ended || this.#held > maxText) return
    this.#pieces.push(text)
    this.#held += text.length
    this.#wake?.()
  }
  end(): void {
    this.#ended = true
    this.#wake?.()
  }
  /** Gives a piece back that was not used. */
  unread(text: string): void {
    if (text === '') return
    this.#pieces.unshift(text)
    this.#held += text.length
  }
  /** Takes what nobody read. */
  left(): string {
    const text = this.#pieces.join('')
    this.#pieces = []
    this.#held = 0
    return text
  }
  /** Drops what waits, as an interrupt does. */
  clear(): void {
    this.#pieces = []
    this.#held = 0
    this.#wake?.()
  }
  /** Wakes a reader with the end of input, once. */
  interrupt(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
  async read(): Promise<string | null> {
    if (this.#pieces.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    const piece = this.#pieces.shift()
    if (piece === undefined) return null
    this.#held -= piece.length
    return piece
  }
}

/** What joins two commands of a pipeline. The writer is told to wait at 64 KiB, and ended when the reader is gone or 4 MiB wait. */
export class Pipe implements Input {
  readonly terminal = false
  #pieces: string[] = []
  #held = 0
  #ended = false
  #closed = false
  #wakeReader: (() => void) | undefined
  #wakeWriter: (() => void) | undefined
  /** Throws PipeClosed. */
  write(text: string): void {
    if (this.#closed || this.#held > maxText) throw new PipeClosed()
    if (text === '') return
    this.#pieces.push(text)
    this.#held += text.length
    this.#wakeReader?.()
  }
  /** The writer is done. */
  end(): void {
    this.#ended = true
    this.#wakeReader?.()
  }
  /** The reader is done. */
  close(): void {
    this.#closed = true
    this.#pieces = []
    this.#held = 0
    this.#wakeWriter?.()
  }
  get full(): boolean {
    return this.#held > 65_536
  }
  /** Resolves when the reader has caught up. */
  async drained(): Promise<void> {
    while (this.full && !this.#closed)
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve
      })
    if (this.#closed) throw new PipeClosed()
  }
  async read(): Promise<string | null> {
    while (this.#pieces.length === 0 && !this.#ended)
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
    if (this.#pieces.length === 0) return null
    const all = this.#pieces.join('')
    this.#pieces = []
    this.#held = 0
    this.#wakeWriter?.()
    return all
  }
}

/** Input without end, as of `/dev/zero` and `/dev/urandom`: `next` gives a piece each time. */
export function endlessInput(next: () => string): Input {
  return { terminal: false, read: async () => next() }
}

/** Reads lines of an input, keeping the rest for the next reader. */
export class LineReader implements Input {
  readonly #input: Input
  #rest = ''
  constructor(input: Input) {
    this.#input = input
  }
  get terminal(): boolean {
    return this.#input.terminal
  }
  /** A reader of a text that is already there. */
  of(text: string): LineReader {
    return new LineReader(textInput(text))
  }
  /** The reader is gone: a pipe's writer is ended. */
  close(): void {
    if (this.#input instanceof Pipe) this.#input.close()
  }
  /** Takes what was read and not used. */
  left(): string {
    const text = this.#rest
    this.#rest = ''
    return text
  }
  /** Whether the last line had no end. */
  cut = false
  /** The next line without its newline; null at the end. */
  line(): Promise<string | null> {
    return this.piece('\n')
  }
  /** At most `n` characters of one line. */
  async some(n: number): Promise<string | null> {
    if (this.#rest === '') this.#rest = (await this.#input.read()) ?? ''
    if (this.#rest === '') return null
    const stop = this.#rest.indexOf('\n')
    const size = stop !== -1 && stop < n ? stop : n
    const text = this.#rest.slice(0, size)
    this.#rest = this.#rest.slice(stop === size ? size + 1 : size)
    return text
  }
  /** What comes before the next `end`; null at the end of the input. */
  async piece(end: string): Promise<string | null> {
    for (;;) {
      const at = this.#rest.indexOf(end)
      this.cut = false
      if (at !== -1) {
        const line = this.#rest.slice(0, at)
        this.#rest = this.#rest.slice(at + 1)
        return line
      }
      const piece = await this.#input.read()
      if (piece === null) {
        const last = this.#rest
        this.#rest = ''
        this.cut = last !== ''
        return last === '' ? null : last
      }
      this.#rest = (this.#rest + piece).slice(-maxText)
    }
  }
  async read(): Promise<string | null> {
    if (this.#rest !== '') {
      const rest = this.#rest
      this.#rest = ''
      return rest
    }
    return this.#input.read()
  }
}
