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
  /** Takes what was read and not used. */
  left(): string {
    const text = this.#rest
    this.#rest = ''
    return text
  }
  /** The next line without its newline; null at the end. */
  async line(): Promise<string | null> {
    for (;;) {
      const at = this.#rest.indexOf('\n')
      if (at !== -1) {
        const line = this.#rest.slice(0, at)
        this.#rest = this.#rest.slice(at + 1)
        return line
      }
      const piece = await this.#input.read()
      if (piece === null) {
        const last = this.#rest
        this.#rest = ''
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
