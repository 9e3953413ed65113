/** The line editor of a terminal: echo, cursor keys, history, kill and yank, completion, as readline and BusyBox draw them. */

export interface EditorHost {
  write(text: string): void
  columns(): number
  history(): readonly string[]
  /** Candidates for the word before the cursor: the part of the line they replace begins at `from`. */
  complete(line: string): { from: number; names: string[] }
  /** Enter was pressed. */
  line(text: string): void
  /** Ctrl-C. */
  interrupt(): void
  /** Ctrl-D on an empty line. */
  end(): void
}

const maxLine = 16_384

/** Width on screen of bytes in UTF-8: continuation bytes none, East Asian ones two. */
function width(text: string): number {
  let n = 0
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i)
    if ((byte & 0xc0) === 0x80) continue
    n += byte >= 0xe3 && byte <= 0xe9 ? 2 : byte >= 0xf0 ? 2 : 1
  }
  return n
}

export class LineEditor {
  readonly #host: EditorHost
  #prompt = ''
  #line = ''
  #cursor = 0
  #escape = ''
  #killed = ''
  #historyAt = 0
  #draft = ''
  #tabs = 0
  #search: string | undefined
  #afterReturn = false

  constructor(host: EditorHost) {
    this.#host = host
  }

  /** Shows a prompt and begins a line. */
  begin(prompt: string): void {
    this.#prompt = prompt.slice(prompt.lastIndexOf('\n') + 1)
    this.#line = ''
    this.#cursor = 0
    this.#historyAt = this.#host.history().length
    this.#tabs = 0
    this.#host.write(prompt)
  }

  /** Takes one byte. Returns true when the line ended, so that the rest belongs to what runs. */
  key(c: string): boolean {
    const code = c.charCodeAt(0)
    if (this.#escape !== '') return this.#sequence(c)
    if (this.#afterReturn) {
      this.#afterReturn = false
      if (c === '\n') return false // a client that sends CR LF means one line
    }
    if (code !== 9) this.#tabs = 0
    if (this.#search !== undefined && this.#searching(c, code)) return false
    switch (code) {
      case 27:
        this.#escape = c
        return false
      case 13:
        this.#afterReturn = true
        return this.#enter()
      case 10:
        return this.#enter()
      case 3:
        this.#host.write('^C\r\n')
        this.#line = ''
        this.#host.interrupt()
        return true
      case 4:
        if (this.#line === '') {
          this.#host.end()
          return true
        }
        this.#remove(this.#cursor, this.#right(this.#cursor))
        return false
      case 8:
      case 127:
        this.#remove(this.#left(this.#cursor), this.#cursor)
        return false
      case 1:
        this.#move(0)
        return false
      case 5:
        this.#move(this.#line.length)
        return false
      case 2:
        this.#move(this.#left(this.#cursor))
        return false
      case 6:
        this.#move(this.#right(this.#cursor))
        return false
      case 11:
        this.#killed = this.#line.slice(this.#cursor)
        this.#remove(this.#cursor, this.#line.length)
        return false
      case 21:
        this.#killed = this.#line.slice(0, this.#cursor)
        this.#remove(0, this.#cursor)
        return false
      case 23: {
        const from = this.#line.slice(0, this.#cursor).replace(/\S+\s*$/, '').length
        this.#killed = this.#line.slice(from, this.#cursor)
        this.#remove(from, this.#cursor)
        return false
      }
      case 25:
        this.#insert(this.#killed)
        return false
      case 12:
        this.#host.write('\x1b[H\x1b[2J')
        this.#draw(0)
        return false
      case 16:
        this.#recall(-1)
        return false
      case 14:
        this.#recall(1)
        return false
      case 18:
        this.#search = ''
        this.#host.write(`\r\x1b[K(reverse-i-search)\`': `)
        return false
      case 9:
        this.#tab()
        return false
    }
    if (code >= 32) this.#insert(c)
    return false
  }

  /** Draws prompt and line again, as after output that came between. */
  redraw(): void {
    this.#host.write(this.#prompt)
    this.#draw(0, false)
  }

  #enter(): boolean {
    this.#move(this.#line.length)
    this.#host.write('\r\n')
    const line = this.#line
    this.#line = ''
    this.#cursor = 0
    this.#host.line(line)
    return true
  }

  #left(at: number): number {
    let to = at - 1
    while (to > 0 && (this.#line.charCodeAt(to) & 0xc0) === 0x80) to--
    return Math.max(0, to)
  }

  #right(at: number): number {
    let to = at + 1
    while (to < this.#line.length && (this.#line.charCodeAt(to) & 0xc0) === 0x80) to++
    return Math.min(this.#line.length, to)
  }

  #insert(text: string): void {
    if (this.#line.length + text.length > maxLine) return
    const tail = this.#line.slice(this.#cursor)
    this.#line = this.#line.slice(0, this.#cursor) + text + tail
    this.#cursor += text.length
    if (tail === '') {
      this.#host.write(text)
      return
    }
    this.#host.write(text + tail + this.#back(width(tail), this.#line.length))
  }

  #remove(from: number, to: number): void {
    if (from >= to) {
      if (from === to && to === 0 && this.#line === '') this.#host.write('\x07')
      return
    }
    this.#move(from)
    const gone = width(this.#line.slice(from, to))
    this.#line = this.#line.slice(0, from) + this.#line.slice(to)
    const tail = this.#line.slice(from)
    if (tail === '' && gone === 1 && this.#row(from) === this.#row(from, 1)) this.#host.write('\x1b[K')
    else this.#host.write(`${tail}\x1b[J${this.#back(width(tail), this.#line.length)}`)
  }

  /** Row of a place in the line, counted from the prompt's. */
  #row(at: number, extra = 0): number {
    return Math.floor((width(this.#prompt.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '')) + width(this.#line.slice(0, at)) + extra) / Math.max(1, this.#host.columns()))
  }

  /** Moves back over `n` columns from the place `from`. */
  #back(n: number, from: number): string {
    if (n === 0) return ''
    const columns = Math.max(1, this.#host.columns())
    const end = width(this.#prompt.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '')) + width(this.#line.slice(0, from))
    const start = end - n
    const rows = Math.floor(end / columns) - Math.floor(start / columns)
    if (rows === 0) return '\b'.repeat(n)
    return `\x1b[${rows}A\r${start % columns ? `\x1b[${start % columns}C` : ''}`
  }

  #move(to: number): void {
    if (to < this.#cursor) this.#host.write(this.#back(width(this.#line.slice(to, this.#cursor)), this.#cursor))
    else if (to > this.#cursor) this.#host.write(this.#line.slice(this.#cursor, to))
    this.#cursor = to
  }

  #draw(row: number, prompt = true): void {
    void row
    const tail = this.#line.slice(this.#cursor)
    this.#host.write((prompt ? this.#prompt : '') + this.#line + this.#back(width(tail), this.#line.length))
  }

  #replace(line: string): void {
    this.#move(0)
    this.#host.write('\x1b[J')
    this.#line = line
    this.#cursor = line.length
    this.#host.write(line)
  }

  #recall(step: number): void {
    const history = this.#host.history()
    const to = this.#historyAt + step
    if (to < 0 || to > history.length) {
      this.#host.write('\x07')
      return
    }
    if (this.#historyAt === history.length) this.#draft = this.#line
    this.#historyAt = to
    this.#replace(to === history.length ? this.#draft : (history[to] ?? ''))
  }

  #searching(c: string, code: number): boolean {
    if (code >= 32 && code !== 127) this.#search += c
    else if (code === 127 || code === 8) this.#search = this.#search?.slice(0, -1)
    else {
      this.#search = undefined
      this.#host.write('\r\x1b[K')
      this.#host.write(this.#prompt + this.#line)
      this.#cursor = this.#line.length
      return code !== 13 && code !== 10 && code !== 3
    }
    const found = [...this.#host.history()].reverse().find((line) => line.includes(this.#search ?? ''))
    if (found !== undefined) this.#line = found
    this.#cursor = this.#line.length
    this.#host.write(`\r\x1b[K(reverse-i-search)\`${this.#search}': ${this.#line}`)
    return true
  }

  #sequence(c: string): boolean {
    this.#escape += c
    const sequence = this.#escape
    if (sequence.length === 2) {
      if (c === '[' || c === 'O') return false
      this.#escape = ''
      if (c === 'b') this.#move(this.#line.slice(0, this.#cursor).replace(/\S+\s*$/, '').length)
      if (c === 'f') this.#move(this.#cursor + (/^\s*\S+/.exec(this.#line.slice(this.#cursor))?.[0].length ?? 0))
      return false
    }
    if (/[0-9;?]/.test(c) && sequence.length < 16) return false
    this.#escape = ''
    const name = sequence.slice(2)
    if (name === 'A') this.#recall(-1)
    else if (name === 'B') this.#recall(1)
    else if (name === 'C') this.#move(this.#right(this.#cursor))
    else if (name === 'D') this.#move(this.#cursor === 0 ? 0 : this.#left(this.#cursor))
    else if (name === 'H' || name === '1~' || name === '7~') this.#move(0)
    else if (name === 'F' || name === '4~' || name === '8~') this.#move(this.#line.length)
    else if (name === '3~') this.#remove(this.#cursor, this.#right(this.#cursor))
    return false
  }

  #tab(): void {
    const { from, names } = this.#host.complete(this.#line.slice(0, this.#cursor))
    const word = this.#line.slice(from, this.#cursor)
    if (names.length === 0) {
      this.#host.write('\x07')
      return
    }
    if (names.length === 1) {
      const name = names[0] as string
      this.#insert(name.slice(word.length) + (name.endsWith('/') ? '' : ' '))
      return
    }
    let common = names[0] as string
    for (const name of names) while (!name.startsWith(common)) common = common.slice(0, -1)
    if (common.length > word.length) {
      this.#insert(common.slice(word.length))
      return
    }
    if (++this.#tabs < 2) {
      this.#host.write('\x07')
      return
    }
    const shown = names.slice(0, 300).map((name) => name.slice(name.lastIndexOf('/', name.length - 2) + 1))
    const wide = Math.max(...shown.map(width)) + 2
    const per = Math.max(1, Math.floor(this.#host.columns() / wide))
    const rows = Math.ceil(shown.length / per)
    let text = '\r\n'
    for (let r = 0; r < rows; r++) {
      for (let i = r; i < shown.length; i += rows)
        text += i + rows < shown.length ? (shown[i] as string) + ' '.repeat(wide - width(shown[i] as string)) : (shown[i] as string)
      text += '\r\n'
    }
    this.#host.write(text)
    this.#draw(0)
  }
}
