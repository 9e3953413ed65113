/** Grammar of POSIX shell language with bash's common extensions, over the lexer. Bounded in depth. */
import { Lexer } from './lexer.ts'
import type { Token } from './lexer.ts'
import { type Command, Incomplete, type List, type Pipeline, type Redirect, SyntaxFault, type Word } from './syntax.ts'

const closers = new Set(['then', 'else', 'elif', 'fi', 'do', 'done', 'esac', '}'])

/** The commands of a text. Throws Incomplete or SyntaxFault. */
export function parse(text: string): List {
  return whole(new Lexer(text, commands))
}

const commands = (lexer: Lexer, all = false): List => (all ? whole(lexer) : list(lexer, (t) => t.kind === 'operator' && t.text === ')'))

function whole(lexer: Lexer): List {
  const parsed = list(lexer, () => false)
  const token = lexer.peek()
  if (token.kind !== 'end') throw new SyntaxFault(token.text === '\n' ? 'newline' : token.text)
  if (lexer.heredocs.length > 0) throw new Incomplete()
  return parsed
}

function list(lexer: Lexer, stop: (token: Token) => boolean): List {
  const items: List['items'] = []
  return lexer.deeper(() => {
    for (;;) {
      newlines(lexer)
      const token = lexer.peek()
      if (token.kind === 'end' || stop(token)) return { items }
      if (token.kind === 'word' && closers.has(token.text)) return { items }
      if (token.kind === 'operator' && token.text !== '(' && !/[<>]/.test(token.text)) {
        if (token.text === ')' || token.text === ';;') return { items }
        throw new SyntaxFault(token.text)
      }
      const from = lexer.at
      const first = pipeline(lexer)
      const rest: List['items'][number]['rest'] = []
      for (let next = lexer.peek(); next.kind === 'operator' && (next.text === '&&' || next.text === '||'); next = lexer.peek()) {
        const operator = next.text as '&&' | '||'
        lexer.next()
        newlines(lexer)
        if (lexer.peek().kind === 'end') throw new Incomplete()
        rest.push({ operator, pipeline: pipeline(lexer) })
      }
      const after = lexer.peek()
      const background = after.kind === 'operator' && after.text === '&'
      items.push({ first, rest, background, text: lexer.text.slice(from, lexer.at).trim() })
      if (after.kind === 'operator' && [';', '&', '\n'].includes(after.text)) lexer.next()
      else if (after.kind === 'end' || stop(after)) return { items }
      else if (after.kind === 'operator' && (after.text === ')' || after.text === ';;')) return { items }
      else if (after.kind === 'word' && closers.has(after.text)) return { items }
      else throw new SyntaxFault(after.text)
    }
  })
}

function newlines(lexer: Lexer): void {
  for (let t = lexer.peek(); t.kind === 'operator' && t.text === '\n'; t = lexer.peek()) lexer.next()
}

function pipeline(lexer: Lexer): Pipeline {
  let negated = false
  let token = lexer.peek()
  while (token.kind === 'word' && token.text === '!') {
    negated = !negated
    lexer.next()
    token = lexer.peek()
  }
  const commands = [command(lexer)]
  for (let next = lexer.peek(); next.kind === 'operator' && next.text === '|'; next = lexer.peek()) {
    lexer.next()
    newlines(lexer)
    if (lexer.peek().kind === 'end') throw new Incomplete()
    commands.push(command(lexer))
  }
  return { negated, commands }
}

function expect(lexer: Lexer, text: string): void {
  newlines(lexer)
  const token = lexer.next()
  if (token.kind === 'end') throw new Incomplete()
  if (token.text !== text) throw new SyntaxFault(token.text === '\n' ? 'newline' : token.text)
}

function command(lexer: Lexer): Command {
  const token = lexer.peek()
  if (token.kind === 'end') throw new Incomplete()
  if (token.kind === 'operator') {
    if (token.text === '(') {
      lexer.next()
      const body = list(lexer, () => false)
      expect(lexer, ')')
      return { kind: 'group', body, subshell: true, redirects: redirects(lexer) }
    }
    if (!/^(?:[<>]|&>)/.test(token.text)) throw new SyntaxFault(token.text === '\n' ? 'newline' : token.text)
    return simple(lexer)
  }
  if (closers.has(token.text)) throw new SyntaxFault(token.text)
  switch (token.text) {
    case '{': {
      lexer.next()
      const body = list(lexer, () => false)
      expect(lexer, '}')
      return { kind: 'group', body, subshell: false, redirects: redirects(lexer) }
    }
    case 'if':
      return conditional(lexer)
    case 'while':
    case 'until': {
      lexer.next()
      const test = list(lexer, () => false)
      expect(lexer, 'do')
      const body = list(lexer, () => false)
      expect(lexer, 'done')
      return { kind: 'while', test, body, until: token.text === 'until', redirects: redirects(lexer) }
    }
    case 'for':
      return loop(lexer)
    case 'case':
      return choice(lexer)
    case 'function': {
      lexer.next()
      const name = lexer.next()
      if (name.kind !== 'word') throw new SyntaxFault(name.kind === 'end' ? 'newline' : name.text)
      const open = lexer.peek()
      if (open.kind === 'operator' && open.text === '(') {
        lexer.next()
        expect(lexer, ')')
      }
      newlines(lexer)
      return { kind: 'function', name: name.text, body: command(lexer) }
    }
  }
  return simple(lexer)
}

function conditional(lexer: Lexer): Command {
  lexer.next()
  const branches: { test: List; body: List }[] = []
  let otherwise: List | undefined
  for (;;) {
    const test = list(lexer, () => false)
    expect(lexer, 'then')
    branches.push({ test, body: list(lexer, () => false) })
    newlines(lexer)
    const next = lexer.next()
    if (next.kind === 'end') throw new Incomplete()
    if (next.text === 'elif') continue
    if (next.text === 'else') {
      otherwise = list(lexer, () => false)
      expect(lexer, 'fi')
      break
    }
    if (next.text === 'fi') break
    throw new SyntaxFault(next.text)
  }
  return { kind: 'if', branches, otherwise, redirects: redirects(lexer) }
}

function loop(lexer: Lexer): Command {
  lexer.next()
  const name = lexer.next()
  if (name.kind === 'end') throw new Incomplete()
  if (name.kind !== 'word' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name.text)) throw new SyntaxFault(name.text)
  newlines(lexer)
  let words: Word[] | undefined
  const after = lexer.peek()
  if (after.kind === 'word' && after.text === 'in') {
    lexer.next()
    words = []
    for (let t = lexer.peek(); t.kind === 'word'; t = lexer.peek()) {
      words.push(t.word)
      lexer.next()
    }
  }
  const separator = lexer.peek()
  if (separator.kind === 'operator' && separator.text === ';') lexer.next()
  expect(lexer, 'do')
  const body = list(lexer, () => false)
  expect(lexer, 'done')
  return { kind: 'for', name: name.text, words, body, redirects: redirects(lexer) }
}

function choice(lexer: Lexer): Command {
  lexer.next()
  const subject = lexer.next()
  if (subject.kind === 'end') throw new Incomplete()
  if (subject.kind !== 'word') throw new SyntaxFault(subject.text)
  expect(lexer, 'in')
  const branches: { patterns: Word[]; body: List }[] = []
  for (;;) {
    newlines(lexer)
    let token = lexer.next()
    if (token.kind === 'end') throw new Incomplete()
    if (token.kind === 'word' && token.text === 'esac') break
    if (token.kind === 'operator' && token.text === '(') token = lexer.next()
    const patterns: Word[] = []
    for (;;) {
      if (token.kind !== 'word') throw token.kind === 'end' ? new Incomplete() : new SyntaxFault(token.text)
      patterns.push(token.word)
      const separator = lexer.next()
      if (separator.kind === 'operator' && separator.text === ')') break
      if (separator.kind === 'end') throw new Incomplete()
      if (separator.text !== '|') throw new SyntaxFault(separator.text)
      token = lexer.next()
    }
    const body = list(lexer, () => false)
    branches.push({ patterns, body })
    newlines(lexer)
    const end = lexer.peek()
    if (end.kind === 'operator' && end.text === ';;') lexer.next()
    else if (end.kind === 'end') throw new Incomplete()
  }
  return { kind: 'case', subject: subject.word, branches, redirects: redirects(lexer) }
}

function redirects(lexer: Lexer): Redirect[] {
  const redirects: Redirect[] = []
  for (let r = redirect(lexer); r; r = redirect(lexer)) redirects.push(r)
  return redirects
}

/** A redirection here, with its number when one stands directly before it. */
function redirect(lexer: Lexer): Redirect | undefined {
  lexer.blank()
  const number = /^\d(?=[<>])/.exec(lexer.text.slice(lexer.at, lexer.at + 2))?.[0]
  if (number !== undefined) {
    lexer.at++
    lexer.peeked = undefined
  }
  const token = lexer.peek()
  if (token.kind !== 'operator' || !/^(?:[<>]|&>)/.test(token.text)) {
    if (number !== undefined) lexer.at--
    lexer.peeked = undefined
    return undefined
  }
  lexer.next()
  const target = lexer.next()
  if (target.kind === 'end') throw new SyntaxFault('newline')
  if (target.kind !== 'word') throw new SyntaxFault(target.text === '\n' ? 'newline' : target.text)
  const kind = token.text === '>|' ? '>' : token.text
  const fd = number !== undefined ? Number(number) : kind.startsWith('<') ? 0 : 1
  if (kind === '<<' || kind === '<<-') {
    const quoted = target.word.some((part) => part.kind === 'text' && part.quoted)
    const redirect: Redirect = { fd, kind: '<<', target: [] }
    lexer.heredocs.push({ redirect, end: target.word.map((part) => (part.kind === 'text' ? part.text : '')).join(''), strip: kind === '<<-', quoted })
    return redirect
  }
  return { fd, kind: kind as Redirect['kind'], target: target.word }
}

function simple(lexer: Lexer): Command {
  const assigns: { name: string; value: Word }[] = []
  const words: Word[] = []
  const redirects: Redirect[] = []
  for (;;) {
    const found = redirect(lexer)
    if (found) {
      redirects.push(found)
      continue
    }
    const token = lexer.peek()
    if (token.kind !== 'word') {
      if (token.kind === 'operator' && token.text === '(' && words.length === 1 && redirects.length === 0 && assigns.length === 0) {
        const name = words[0]?.[0]
        lexer.next()
        const close = lexer.next()
        if (close.kind === 'end') throw new SyntaxFault('newline')
        if (close.text !== ')' || name?.kind !== 'text') throw new SyntaxFault(close.text)
        newlines(lexer)
        return { kind: 'function', name: name.text, body: command(lexer) }
      }
      if (token.kind === 'operator' && token.text === '(') throw new SyntaxFault('(')
      break
    }
    lexer.next()
    const first = token.word[0]
    const assign = words.length === 0 && first?.kind === 'text' && !first.quoted ? /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(first.text) : null
    if (assign && first?.kind === 'text') {
      const value = [{ ...first, text: first.text.slice(assign[0].length) }, ...token.word.slice(1)]
      assigns.push({ name: assign[1] as string, value })
    } else words.push(token.word)
  }
  return { kind: 'simple', assigns, words, redirects }
}
