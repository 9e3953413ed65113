/** Words and operators of POSIX shell language with bash's common extensions. Linear in the text. */
import { Incomplete, type List, type Redirect, SyntaxFault, type Word, type WordPart } from './syntax.ts'

const maxDepth = 40
const operators = [';;&', '&>>', '<<-', '<<<', '&&', '||', ';;', ';&', '|&', '>>', '<<', '>&', '<&', '<>', '&>', '>|', ';', '&', '|', '(', ')', '<', '>', '\n']

export type Token = { kind: 'operator'; text: string } | { kind: 'word'; word: Word; text: string } | { kind: 'end' }

/** Reads the commands that follow in a lexer: up to `)`, or to its end when `whole`. */
export type Commands = (lexer: Lexer, whole?: boolean) => List

export class Lexer {
  readonly text: string
  at = 0
  peeked: { token: Token; from: number; to: number } | undefined
  /** Here documents whose text begins after this line. */
  heredocs: { redirect: Redirect; end: string; strip: boolean; quoted: boolean }[] = []
  readonly #commands: Commands
  #depth = 0
  #counted = 0
  #lines = 1

  constructor(text: string, commands: Commands) {
    this.text = text
    this.#commands = commands
  }

  peek(): Token {
    if (!this.peeked) {
      const from = this.at
      const token = this.#token()
      this.peeked = { token, from, to: this.at }
      this.at = from
    }
    return this.peeked.token
  }

  next(): Token {
    const token = this.peek()
    this.at = this.peeked?.to ?? this.at
    this.peeked = undefined
    if (token.kind === 'operator' && token.text === '\n') this.#readHeredocs()
    return token
  }

  blank(): void {
    for (;;) {
      const c = this.text[this.at]
      if (c === ' ' || c === '\t' || c === '\r') this.at++
      else if (c === '\\' && this.text[this.at + 1] === '\n') this.at += 2
      else if (c === '#') while (this.at < this.text.length && this.text[this.at] !== '\n') this.at++
      else return
    }
  }

  #token(): Token {
    this.blank()
    if (this.at >= this.text.length) return { kind: 'end' }
    const substitutes = /^[<>]\(/.test(this.text.slice(this.at, this.at + 2))
    for (const operator of substitutes ? [] : operators) {
      if (this.text.startsWith(operator, this.at)) {
        this.at += operator.length
        return { kind: 'operator', text: operator }
      }
    }
    const from = this.at
    const word = this.#word('')
    return { kind: 'word', word, text: this.text.slice(from, this.at) }
  }

  /** Reads a word up to a blank, an operator or one of `stops`. */
  #word(stops: string, quoted = false): Word {
    const parts: Word = []
    const add = (text: string, q: boolean): void => {
      const last = parts.at(-1)
      if (last?.kind === 'text' && last.quoted === q) last.text += text
      else parts.push({ kind: 'text', text, quoted: q })
    }
    while (this.at < this.text.length) {
      const c = this.text[this.at] as string
      if (stops === '' && !quoted && (c === '<' || c === '>') && this.text[this.at + 1] === '(') {
        this.at += 2
        parts.push({ kind: 'process', body: this.deeper(() => this.#inner()), direction: c, quoted: false })
        continue
      }
      if (stops !== '' ? stops.includes(c) : !quoted && ' \t\n\r;&|<>()'.includes(c)) break
      if (quoted && stops === '' && c === '"') break
      if (c === '\\') {
        const next = this.text[this.at + 1]
        if (next === undefined) {
          if (stops === '' && !quoted) {
            add('\\', true)
            this.at++
            continue
          }
          throw new Incomplete()
        }
        this.at += 2
        if (next === '\n') continue
        if (quoted && !'$`"\\'.includes(next)) add(`\\${next}`, true)
        else add(next, true)
      } else if (c === "'" && !quoted) {
        const end = this.text.indexOf("'", this.at + 1)
        if (end === -1) throw new Incomplete()
        add(this.text.slice(this.at + 1, end), true)
        this.at = end + 1
      } else if (c === '"' && !(quoted && stops === '')) {
        this.at++
        const inner = this.deeper(() => this.#word('', true))
        if (this.text[this.at] !== '"') throw new Incomplete()
        this.at++
        if (inner.length === 0) add('', true)
        for (const part of inner) parts.push(part.kind === 'text' ? { ...part, quoted: true } : part)
      } else if (c === '$' && this.text[this.at + 1] === "'" && !quoted) {
        this.at += 2
        add(this.#ansi(), true)
      } else if (c === '$') {
        const part = this.deeper(() => this.#dollar(quoted))
        if (part) parts.push(part)
        else {
          add('$', quoted)
          this.at++
        }
      } else if (c === '`') {
        parts.push(this.#backtick(quoted))
      } else {
        add(c, quoted)
        this.at++
      }
    }
    return parts
  }

  #ansi(): string {
    const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', e: '\x1b', f: '\f', v: '\v', '\\': '\\', "'": "'", '"': '"' }
    let text = ''
    for (;;) {
      const c = this.text[this.at++]
      if (c === undefined) throw new Incomplete()
      if (c === "'") return text
      if (c !== '\\') {
        text += c
        continue
      }
      const rest = this.text.slice(this.at, this.at + 4)
      const hex = /^x([0-9a-fA-F]{1,2})/.exec(rest)
      const octal = /^([0-7]{1,3})/.exec(rest)
      const match = hex ?? octal
      if (match) {
        text += String.fromCharCode(Number.parseInt(match[1] as string, hex ? 16 : 8) & 0xff)
        this.at += match[0].length
      } else {
        const next = this.text[this.at++]
        if (next === undefined) throw new Incomplete()
        text += escapes[next] ?? `\\${next}`
      }
    }
  }

  #dollar(quoted: boolean): WordPart | undefined {
    const text = this.text
    const next = text[this.at + 1]
    if (next === '(' && text[this.at + 2] === '(') {
      const from = this.at
      this.at += 3
      const inner = this.#parenthesised()
      if (inner !== undefined && text[this.at] === ')') {
        this.at++
        return { kind: 'arithmetic', text: new Lexer(inner, this.#commands).plain(), quoted }
      }
      this.at = from
    }
    if (next === '(') {
      this.at += 2
      return { kind: 'command', body: this.#inner(), quoted }
    }
    if (next === '{') {
      this.at += 2
      return this.#braced(quoted)
    }
    const name = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])/.exec(text.slice(this.at + 1, this.at + 200))?.[0]
    if (!name) return undefined
    this.at += 1 + name.length
    return { kind: 'variable', name, quoted }
  }

  /** `${…}` after its brace. */
  #braced(quoted: boolean): WordPart {
    const { text } = this
    const length = text[this.at] === '#' && /[A-Za-z_0-9@*?]/.test(text[this.at + 1] ?? '')
    if (length) this.at++
    const indirect = text[this.at] === '!' && /[A-Za-z_0-9]/.test(text[this.at + 1] ?? '')
    if (indirect) this.at++
    const name = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])/.exec(text.slice(this.at, this.at + 200))?.[0]
    if (!name) {
      if (this.at >= text.length) throw new Incomplete()
      throw new SyntaxFault('}')
    }
    this.at += name.length
    let index: Word | undefined
    if (text[this.at] === '[') {
      const end = text.indexOf(']', this.at)
      if (end === -1) throw new Incomplete()
      index = this.words(text.slice(this.at + 1, end))
      this.at = end + 1
    }
    const operator = /^(?::[-=+?]|[-=+?]|##?|%%?|\/\/?|:|\^\^?|,,?|@[QULEP])/.exec(text.slice(this.at, this.at + 2))?.[0]
    let argument: Word | undefined
    if (operator) {
      this.at += operator.length
      argument = this.#word('}', quoted)
    }
    if (text[this.at] !== '}') {
      if (this.at >= text.length) throw new Incomplete()
      throw new SyntaxFault('}')
    }
    this.at++
    return { kind: 'variable', name, quoted, operator, argument, length, indirect: indirect || undefined, index }
  }

  /** Commands up to the parenthesis that closes. */
  #inner(): List {
    const saved = this.peeked
    this.peeked = undefined
    const body = this.#commands(this)
    const close = this.next()
    if (close.kind === 'end') throw new Incomplete()
    this.peeked = saved
    return body
  }

  /** The text of `((…))` whose first parenthesis is at `from`; undefined, and nothing read, when it is none. */
  arithmetic(from: number): Word | undefined {
    if (!this.text.startsWith('((', from)) return undefined
    const [at, peeked] = [this.at, this.peeked]
    this.at = from + 2
    this.peeked = undefined
    const inner = this.#parenthesised()
    if (inner !== undefined && this.text[this.at] === ')') {
      this.at++
      return this.words(inner)
    }
    this.at = at
    this.peeked = peeked
    return undefined
  }

  /** A text as one word in which only `$`, backquotes and backslashes are special. */
  words(text: string): Word {
    return new Lexer(text, this.#commands).plain()
  }

  /** A text as it would stand in a command. */
  value(text: string): Word {
    return new Lexer(text, this.#commands).#word('')
  }

  /** The next word up to a blank, with parentheses and bars in it: a regular expression of `[[`. */
  expression(): Word {
    this.peeked = undefined
    this.blank()
    if (this.at >= this.text.length) throw new Incomplete()
    return this.#word(' \t\n')
  }

  /** Line of a place in the text, from 1. */
  line(at: number): number {
    for (; this.#counted < at; this.#counted++) if (this.text[this.#counted] === '\n') this.#lines++
    for (; this.#counted > at; this.#counted--) if (this.text[this.#counted - 1] === '\n') this.#lines--
    return this.#lines
  }

  /** Text up to the parenthesis that closes; undefined when none does. */
  #parenthesised(): string | undefined {
    const from = this.at
    let open = 0
    for (; this.at < this.text.length; this.at++) {
      const c = this.text[this.at]
      if (c === '(') open++
      else if (c === ')') {
        if (open === 0) return this.text.slice(from, this.at++)
        open--
      }
    }
    throw new Incomplete()
  }

  plain(): Word {
    return this.#word('\0', true)
  }

  #backtick(quoted: boolean): WordPart {
    let inner = ''
    let at = this.at + 1
    for (; at < this.text.length && this.text[at] !== '`'; at++) {
      if (this.text[at] === '\\' && '`$\\'.includes(this.text[at + 1] ?? ' ')) at++
      inner += this.text[at]
    }
    if (at >= this.text.length) throw new Incomplete()
    this.at = at + 1
    return { kind: 'command', body: this.deeper(() => this.#commands(new Lexer(inner, this.#commands), true)), quoted }
  }

  deeper<T>(work: () => T): T {
    if (++this.#depth > maxDepth) throw new SyntaxFault('(')
    const value = work()
    this.#depth--
    return value
  }

  #readHeredocs(): void {
    for (const { redirect, end, strip, quoted } of this.heredocs.splice(0)) {
      let body = ''
      for (;;) {
        if (this.at >= this.text.length) throw new Incomplete()
        const stop = this.text.indexOf('\n', this.at)
        const line = this.text.slice(this.at, stop === -1 ? undefined : stop)
        this.at = stop === -1 ? this.text.length : stop + 1
        const seen = strip ? line.replace(/^\t+/, '') : line
        if (seen === end) break
        if (stop === -1) throw new Incomplete()
        body += `${seen}\n`
      }
      redirect.target = quoted ? [{ kind: 'text', text: body, quoted: true }] : new Lexer(body.replaceAll('"', '\\"'), this.#commands).plain()
    }
  }
}
