/** Parses POSIX shell language with bash's common extensions. Bounded in depth; linear in the text. */
import { type Command, Incomplete, type List, type Pipeline, type Redirect, SyntaxFault, type Word, type WordPart } from './syntax.ts'

const maxDepth = 40
const closers = new Set(['then', 'else', 'elif', 'fi', 'do', 'done', 'esac', '}'])
const operators = ['&>>', '<<-', '<<<', '&&', '||', ';;', '>>', '<<', '>&', '<&', '<>', '&>', '>|', ';', '&', '|', '(', ')', '<', '>', '\n']

/** The commands of a text. Throws Incomplete or SyntaxFault. */
export function parse(text: string): List {
  return new Parser(text).whole()
}

type Token = { kind: 'operator'; text: string } | { kind: 'word'; word: Word; text: string } | { kind: 'end' }

class Parser {
  #at = 0
  #depth = 0
  readonly #text: string
  #peeked: { token: Token; from: number; to: number } | undefined
  #heredocs: { redirect: Redirect; end: string; strip: boolean; quoted: boolean }[] = []

  constructor(text: string) {
    this.#text = text
  }

  whole(): List {
    const list = this.#list(() => false)
    const token = this.#peek()
    if (token.kind !== 'end') throw new SyntaxFault(token.text === '\n' ? 'newline' : token.text)
    if (this.#heredocs.length > 0) throw new Incomplete()
    return list
  }

  // Tokens

  #peek(): Token {
    if (!this.#peeked) {
      const from = this.#at
      const token = this.#token()
      this.#peeked = { token, from, to: this.#at }
      this.#at = from
    }
    return this.#peeked.token
  }

  #next(): Token {
    const token = this.#peek()
    this.#at = this.#peeked?.to ?? this.#at
    this.#peeked = undefined
    if (token.kind === 'operator' && token.text === '\n') this.#readHeredocs()
    return token
  }

  #blank(): void {
    for (;;) {
      const c = this.#text[this.#at]
      if (c === ' ' || c === '\t' || c === '\r') this.#at++
      else if (c === '\\' && this.#text[this.#at + 1] === '\n') this.#at += 2
      else if (c === '#') while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#at++
      else return
    }
  }

  #token(): Token {
    this.#blank()
    if (this.#at >= this.#text.length) return { kind: 'end' }
    for (const operator of operators) {
      if (this.#text.startsWith(operator, this.#at)) {
        this.#at += operator.length
        return { kind: 'operator', text: operator }
      }
    }
    const from = this.#at
    const word = this.#word('')
    return { kind: 'word', word, text: this.#text.slice(from, this.#at) }
  }

  /** Reads a word up to a blank, an operator or one of `stops`. */
  #word(stops: string, quoted = false): Word {
    const parts: Word = []
    const add = (text: string, q: boolean): void => {
      const last = parts.at(-1)
      if (last?.kind === 'text' && last.quoted === q) last.text += text
      else parts.push({ kind: 'text', text, quoted: q })
    }
    while (this.#at < this.#text.length) {
      const c = this.#text[this.#at] as string
      if (stops !== '' ? stops.includes(c) : !quoted && ' \t\n\r;&|<>()'.includes(c)) break
      if (quoted && stops === '' && c === '"') break
      if (c === '\\') {
        const next = this.#text[this.#at + 1]
        if (next === undefined) {
          if (stops === '' && !quoted) {
            add('\\', true)
            this.#at++
            continue
          }
          throw new Incomplete()
        }
        this.#at += 2
        if (next === '\n') continue
        if (quoted && !'$`"\\'.includes(next)) add(`\\${next}`, true)
        else add(next, true)
      } else if (c === "'" && !quoted) {
        const end = this.#text.indexOf("'", this.#at + 1)
        if (end === -1) throw new Incomplete()
        add(this.#text.slice(this.#at + 1, end), true)
        this.#at = end + 1
      } else if (c === '"' && !(quoted && stops === '')) {
        this.#at++
        const inner = this.#deeper(() => this.#word('', true))
        if (this.#text[this.#at] !== '"') throw new Incomplete()
        this.#at++
        if (inner.length === 0) add('', true)
        for (const part of inner) parts.push(part.kind === 'text' ? { ...part, quoted: true } : part)
      } else if (c === '$' && this.#text[this.#at + 1] === "'" && !quoted) {
        this.#at += 2
        add(this.#ansi(), true)
      } else if (c === '$') {
        const part = this.#deeper(() => this.#dollar(quoted))
        if (part) parts.push(part)
        else {
          add('$', quoted)
          this.#at++
        }
      } else if (c === '`') {
        parts.push(this.#backtick(quoted))
      } else {
        add(c, quoted)
        this.#at++
      }
    }
    return parts
  }

  #ansi(): string {
    const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', e: '\x1b', f: '\f', v: '\v', '\\': '\\', "'": "'", '"': '"' }
    let text = ''
    for (;;) {
      const c = this.#text[this.#at++]
      if (c === undefined) throw new Incomplete()
      if (c === "'") return text
      if (c !== '\\') {
        text += c
        continue
      }
      const rest = this.#text.slice(this.#at, this.#at + 4)
      const hex = /^x([0-9a-fA-F]{1,2})/.exec(rest)
      const octal = /^([0-7]{1,3})/.exec(rest)
      const match = hex ?? octal
      if (match) {
        text += String.fromCharCode(Number.parseInt(match[1] as string, hex ? 16 : 8) & 0xff)
        this.#at += match[0].length
      } else {
        const next = this.#text[this.#at++]
        if (next === undefined) throw new Incomplete()
        text += escapes[next] ?? `\\${next}`
      }
    }
  }

  #dollar(quoted: boolean): WordPart | undefined {
    const text = this.#text
    const next = text[this.#at + 1]
    if (next === '(' && text[this.#at + 2] === '(') {
      const from = this.#at
      this.#at += 3
      const inner = this.#parenthesised()
      if (inner !== undefined && text[this.#at] === ')') {
        this.#at++
        return { kind: 'arithmetic', text: new Parser(inner).#plain(), quoted }
      }
      this.#at = from
    }
    if (next === '(') {
      this.#at += 2
      const saved = this.#peeked
      this.#peeked = undefined
      const body = this.#list((t) => t.kind === 'operator' && t.text === ')')
      const close = this.#next()
      if (close.kind === 'end') throw new Incomplete()
      this.#peeked = saved
      return { kind: 'command', body, quoted }
    }
    if (next === '{') {
      this.#at += 2
      const length = text[this.#at] === '#' && /[A-Za-z_0-9@*?]/.test(text[this.#at + 1] ?? '')
      if (length) this.#at++
      const name = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])/.exec(text.slice(this.#at, this.#at + 200))?.[0]
      if (!name) {
        if (this.#at >= text.length) throw new Incomplete()
        throw new SyntaxFault('}')
      }
      this.#at += name.length
      const operator = /^(?::[-=+?]|[-=+?]|##?|%%?|\/\/?|:|\^\^?|,,?)/.exec(text.slice(this.#at, this.#at + 2))?.[0]
      let argument: Word | undefined
      if (operator) {
        this.#at += operator.length
        argument = this.#word('}', quoted)
      }
      if (text[this.#at] !== '}') {
        if (this.#at >= text.length) throw new Incomplete()
        throw new SyntaxFault('}')
      }
      this.#at++
      return { kind: 'variable', name, quoted, operator, argument, length }
    }
    const name = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])/.exec(text.slice(this.#at + 1, this.#at + 200))?.[0]
    if (!name) return undefined
    this.#at += 1 + name.length
    return { kind: 'variable', name, quoted }
  }

  /** Text up to the parenthesis that closes; undefined when none does. */
  #parenthesised(): string | undefined {
    const from = this.#at
    let open = 0
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at]
      if (c === '(') open++
      else if (c === ')') {
        if (open === 0) return this.#text.slice(from, this.#at++)
        open--
      }
    }
    throw new Incomplete()
  }

  #plain(): Word {
    return this.#word('\0', true)
  }

  #backtick(quoted: boolean): WordPart {
    let inner = ''
    let at = this.#at + 1
    for (; at < this.#text.length && this.#text[at] !== '`'; at++) {
      if (this.#text[at] === '\\' && '`$\\'.includes(this.#text[at + 1] ?? ' ')) at++
      inner += this.#text[at]
    }
    if (at >= this.#text.length) throw new Incomplete()
    this.#at = at + 1
    return { kind: 'command', body: this.#deeper(() => new Parser(inner).whole()), quoted }
  }

  #deeper<T>(work: () => T): T {
    if (++this.#depth > maxDepth) throw new SyntaxFault('(')
    const value = work()
    this.#depth--
    return value
  }

  #readHeredocs(): void {
    for (const { redirect, end, strip, quoted } of this.#heredocs.splice(0)) {
      let body = ''
      for (;;) {
        if (this.#at >= this.#text.length) throw new Incomplete()
        const stop = this.#text.indexOf('\n', this.#at)
        const line = this.#text.slice(this.#at, stop === -1 ? undefined : stop)
        this.#at = stop === -1 ? this.#text.length : stop + 1
        const seen = strip ? line.replace(/^\t+/, '') : line
        if (seen === end) break
        if (stop === -1) throw new Incomplete()
        body += `${seen}\n`
      }
      redirect.target = quoted ? [{ kind: 'text', text: body, quoted: true }] : new Parser(body.replaceAll('"', '\\"')).#plain()
    }
  }

  // Grammar

  #list(stop: (token: Token) => boolean): List {
    const items: List['items'] = []
    return this.#deeper(() => {
      for (;;) {
        this.#newlines()
        const token = this.#peek()
        if (token.kind === 'end' || stop(token)) return { items }
        if (token.kind === 'word' && closers.has(token.text)) return { items }
        if (token.kind === 'operator' && token.text !== '(' && !/[<>]/.test(token.text)) {
          if (token.text === ')' || token.text === ';;') return { items }
          throw new SyntaxFault(token.text)
        }
        const from = this.#at
        const first = this.#pipeline()
        const rest: List['items'][number]['rest'] = []
        for (let next = this.#peek(); next.kind === 'operator' && (next.text === '&&' || next.text === '||'); next = this.#peek()) {
          const operator = next.text as '&&' | '||'
          this.#next()
          this.#newlines()
          if (this.#peek().kind === 'end') throw new Incomplete()
          rest.push({ operator, pipeline: this.#pipeline() })
        }
        const after = this.#peek()
        const background = after.kind === 'operator' && after.text === '&'
        items.push({ first, rest, background, text: this.#text.slice(from, this.#at).trim() })
        if (after.kind === 'operator' && [';', '&', '\n'].includes(after.text)) this.#next()
        else if (after.kind === 'end' || stop(after)) return { items }
        else if (after.kind === 'operator' && (after.text === ')' || after.text === ';;')) return { items }
        else if (after.kind === 'word' && closers.has(after.text)) return { items }
        else throw new SyntaxFault(after.text)
      }
    })
  }

  #newlines(): void {
    for (let t = this.#peek(); t.kind === 'operator' && t.text === '\n'; t = this.#peek()) this.#next()
  }

  #pipeline(): Pipeline {
    let negated = false
    let token = this.#peek()
    while (token.kind === 'word' && token.text === '!') {
      negated = !negated
      this.#next()
      token = this.#peek()
    }
    const commands = [this.#command()]
    for (let next = this.#peek(); next.kind === 'operator' && next.text === '|'; next = this.#peek()) {
      this.#next()
      this.#newlines()
      if (this.#peek().kind === 'end') throw new Incomplete()
      commands.push(this.#command())
    }
    return { negated, commands }
  }

  #expect(text: string): void {
    this.#newlines()
    const token = this.#next()
    if (token.kind === 'end') throw new Incomplete()
    if (token.text !== text) throw new SyntaxFault(token.text === '\n' ? 'newline' : token.text)
  }

  #command(): Command {
    const token = this.#peek()
    if (token.kind === 'end') throw new Incomplete()
    if (token.kind === 'operator') {
      if (token.text === '(') {
        this.#next()
        const body = this.#list(() => false)
        this.#expect(')')
        return { kind: 'group', body, subshell: true, redirects: this.#redirects() }
      }
      if (!/^(?:[<>]|&>)/.test(token.text)) throw new SyntaxFault(token.text === '\n' ? 'newline' : token.text)
      return this.#simple()
    }
    if (closers.has(token.text)) throw new SyntaxFault(token.text)
    switch (token.text) {
      case '{': {
        this.#next()
        const body = this.#list(() => false)
        this.#expect('}')
        return { kind: 'group', body, subshell: false, redirects: this.#redirects() }
      }
      case 'if':
        return this.#if()
      case 'while':
      case 'until': {
        this.#next()
        const test = this.#list(() => false)
        this.#expect('do')
        const body = this.#list(() => false)
        this.#expect('done')
        return { kind: 'while', test, body, until: token.text === 'until', redirects: this.#redirects() }
      }
      case 'for':
        return this.#for()
      case 'case':
        return this.#case()
      case 'function': {
        this.#next()
        const name = this.#next()
        if (name.kind !== 'word') throw new SyntaxFault(name.kind === 'end' ? 'newline' : name.text)
        const open = this.#peek()
        if (open.kind === 'operator' && open.text === '(') {
          this.#next()
          this.#expect(')')
        }
        this.#newlines()
        return { kind: 'function', name: name.text, body: this.#command() }
      }
    }
    return this.#simple()
  }

  #if(): Command {
    this.#next()
    const branches: { test: List; body: List }[] = []
    let otherwise: List | undefined
    for (;;) {
      const test = this.#list(() => false)
      this.#expect('then')
      branches.push({ test, body: this.#list(() => false) })
      this.#newlines()
      const next = this.#next()
      if (next.kind === 'end') throw new Incomplete()
      if (next.text === 'elif') continue
      if (next.text === 'else') {
        otherwise = this.#list(() => false)
        this.#expect('fi')
        break
      }
      if (next.text === 'fi') break
      throw new SyntaxFault(next.text)
    }
    return { kind: 'if', branches, otherwise, redirects: this.#redirects() }
  }

  #for(): Command {
    this.#next()
    const name = this.#next()
    if (name.kind === 'end') throw new Incomplete()
    if (name.kind !== 'word' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name.text)) throw new SyntaxFault(name.text)
    this.#newlines()
    let words: Word[] | undefined
    const after = this.#peek()
    if (after.kind === 'word' && after.text === 'in') {
      this.#next()
      words = []
      for (let t = this.#peek(); t.kind === 'word'; t = this.#peek()) {
        words.push(t.word)
        this.#next()
      }
    }
    const separator = this.#peek()
    if (separator.kind === 'operator' && separator.text === ';') this.#next()
    this.#expect('do')
    const body = this.#list(() => false)
    this.#expect('done')
    return { kind: 'for', name: name.text, words, body, redirects: this.#redirects() }
  }

  #case(): Command {
    this.#next()
    const subject = this.#next()
    if (subject.kind === 'end') throw new Incomplete()
    if (subject.kind !== 'word') throw new SyntaxFault(subject.text)
    this.#expect('in')
    const branches: { patterns: Word[]; body: List }[] = []
    for (;;) {
      this.#newlines()
      let token = this.#next()
      if (token.kind === 'end') throw new Incomplete()
      if (token.kind === 'word' && token.text === 'esac') break
      if (token.kind === 'operator' && token.text === '(') token = this.#next()
      const patterns: Word[] = []
      for (;;) {
        if (token.kind !== 'word') throw token.kind === 'end' ? new Incomplete() : new SyntaxFault(token.text)
        patterns.push(token.word)
        const separator = this.#next()
        if (separator.kind === 'operator' && separator.text === ')') break
        if (separator.kind === 'end') throw new Incomplete()
        if (separator.text !== '|') throw new SyntaxFault(separator.text)
        token = this.#next()
      }
      const body = this.#list(() => false)
      branches.push({ patterns, body })
      this.#newlines()
      const end = this.#peek()
      if (end.kind === 'operator' && end.text === ';;') this.#next()
      else if (end.kind === 'end') throw new Incomplete()
    }
    return { kind: 'case', subject: subject.word, branches, redirects: this.#redirects() }
  }

  #redirects(): Redirect[] {
    const redirects: Redirect[] = []
    for (let r = this.#redirect(); r; r = this.#redirect()) redirects.push(r)
    return redirects
  }

  /** A redirection here, with its number when one stands directly before it. */
  #redirect(): Redirect | undefined {
    this.#blank()
    const number = /^\d(?=[<>])/.exec(this.#text.slice(this.#at, this.#at + 2))?.[0]
    if (number !== undefined) {
      this.#at++
      this.#peeked = undefined
    }
    const token = this.#peek()
    if (token.kind !== 'operator' || !/^(?:[<>]|&>)/.test(token.text)) {
      if (number !== undefined) this.#at--
      this.#peeked = undefined
      return undefined
    }
    this.#next()
    const target = this.#next()
    if (target.kind === 'end') throw new SyntaxFault('newline')
    if (target.kind !== 'word') throw new SyntaxFault(target.text === '\n' ? 'newline' : target.text)
    const kind = token.text === '>|' ? '>' : token.text
    const fd = number !== undefined ? Number(number) : kind.startsWith('<') ? 0 : 1
    if (kind === '<<' || kind === '<<-') {
      const quoted = target.word.some((part) => part.kind === 'text' && part.quoted)
      const redirect: Redirect = { fd, kind: '<<', target: [] }
      this.#heredocs.push({ redirect, end: target.word.map((part) => (part.kind === 'text' ? part.text : '')).join(''), strip: kind === '<<-', quoted })
      return redirect
    }
    return { fd, kind: kind as Redirect['kind'], target: target.word }
  }

  #simple(): Command {
    const assigns: { name: string; value: Word }[] = []
    const words: Word[] = []
    const redirects: Redirect[] = []
    for (;;) {
      const redirect = this.#redirect()
      if (redirect) {
        redirects.push(redirect)
        continue
      }
      const token = this.#peek()
      if (token.kind !== 'word') {
        if (token.kind === 'operator' && token.text === '(' && words.length === 1 && redirects.length === 0 && assigns.length === 0) {
          const name = words[0]?.[0]
          this.#next()
          const close = this.#next()
          if (close.kind === 'end') throw new SyntaxFault('newline')
          if (close.text !== ')' || name?.kind !== 'text') throw new SyntaxFault(close.text)
          this.#newlines()
          return { kind: 'function', name: name.text, body: this.#command() }
        }
        if (token.kind === 'operator' && token.text === '(') throw new SyntaxFault('(')
        break
      }
      this.#next()
      const first = token.word[0]
      const assign = words.length === 0 && first?.kind === 'text' && !first.quoted ? /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(first.text) : null
      if (assign && first?.kind === 'text') {
        const value = [{ ...first, text: first.text.slice(assign[0].length) }, ...token.word.slice(1)]
        assigns.push({ name: assign[1] as string, value })
      } else words.push(token.word)
    }
    return { kind: 'simple', assigns, words, redirects }
  }
}
