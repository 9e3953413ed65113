/** Grammar of POSIX shell language with bash's common extensions, over the lexer. Bounded in depth. */
import { Lexer } from './lexer.ts'
import type { Token } from './lexer.ts'
import { condition } from './parse-condition.ts'
import { redirects, simple } from './parse-simple.ts'
import { type Command, Incomplete, type List, type Pipeline, SyntaxFault, type Word } from './syntax.ts'

const closers = new Set(['then', 'else', 'elif', 'fi', 'do', 'done', 'esac', '}'])
const caseEnds = new Set([';;', ';&', ';;&'])

/** The commands of a text. Throws Incomplete or SyntaxFault. */
export function parse(text: string): List {
  const lexer = new Lexer(text, commands)
  try {
    return whole(lexer)
  } catch (error) {
    if (error instanceof SyntaxFault) error.line ||= lexer.line(Math.min(lexer.at, text.length))
    throw error
  }
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
        if (token.text === ')' || caseEnds.has(token.text)) return { items }
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
      else if (after.kind === 'operator' && (after.text === ')' || caseEnds.has(after.text))) return { items }
      else if (after.kind === 'word' && closers.has(after.text)) return { items }
      else throw new SyntaxFault(after.text)
    }
  })
}

/** Skips empty lines. */
export function newlines(lexer: Lexer): void {
  for (let t = lexer.peek(); t.kind === 'operator' && t.text === '\n'; t = lexer.peek()) lexer.next()
}

function pipeline(lexer: Lexer): Pipeline {
  let negated = false
  let token = lexer.peek()
  let timed = false
  while (token.kind === 'word' && (token.text === '!' || token.text === 'time')) {
    if (token.text === 'time') timed = true
    else negated = !negated
    lexer.next()
    token = lexer.peek()
  }
  const commands = [command(lexer)]
  for (let next = lexer.peek(); next.kind === 'operator' && (next.text === '|' || next.text === '|&'); next = lexer.peek()) {
    lexer.next()
    if (next.text === '|&') joined(commands.at(-1) as Command)
    newlines(lexer)
    if (lexer.peek().kind === 'end') throw new Incomplete()
    commands.push(command(lexer))
  }
  return { negated, timed: timed || undefined, commands }
}

/** `|&`: standard error follows standard output. */
function joined(command: Command): void {
  if (command.kind !== 'function') command.redirects.push({ fd: 2, kind: '>&', target: [{ kind: 'text', text: '1', quoted: false }] })
}

function expect(lexer: Lexer, text: string): void {
  newlines(lexer)
  const token = lexer.next()
  if (token.kind === 'end') throw new Incomplete()
  if (token.text !== text) throw new SyntaxFault(token.text === '\n' ? 'newline' : token.text)
}

/** One command. */
export function command(lexer: Lexer): Command {
  const token = lexer.peek()
  if (token.kind === 'end') throw new Incomplete()
  if (token.kind === 'operator') {
    if (token.text === '(') {
      const sum = lexer.arithmetic((lexer.peeked?.to ?? 1) - 1)
      if (sum) return { kind: 'arithmetic', text: sum, redirects: redirects(lexer) }
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
    case '[[': {
      lexer.next()
      return { kind: 'test', condition: condition(lexer), redirects: redirects(lexer) }
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
  const open = lexer.peek()
  if (open.kind === 'operator' && open.text === '(') {
    const sums = lexer.arithmetic((lexer.peeked?.to ?? 1) - 1)
    if (sums) return counted(lexer, sums)
  }
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

/** `for ((init; test; step))` after its parentheses. */
function counted(lexer: Lexer, sums: Word): Command {
  const parts: [Word, Word, Word] = [[], [], []]
  let n = 0
  for (const part of sums) {
    if (part.kind !== 'text') {
      parts[n]?.push(part)
      continue
    }
    part.text.split(';').forEach((text, i) => {
      if (i > 0) n++
      if (text !== '') parts[Math.min(n, 2)]?.push({ ...part, text })
    })
  }
  if (n !== 2) throw new SyntaxFault('((')
  const separator = lexer.peek()
  if (separator.kind === 'operator' && separator.text === ';') lexer.next()
  newlines(lexer)
  const brace = lexer.peek()
  const braced = brace.kind === 'word' && brace.text === '{'
  expect(lexer, braced ? '{' : 'do')
  const body = list(lexer, () => false)
  expect(lexer, braced ? '}' : 'done')
  return { kind: 'count', init: parts[0], test: parts[1], step: parts[2], body, redirects: redirects(lexer) }
}

function choice(lexer: Lexer): Command {
  lexer.next()
  const subject = lexer.next()
  if (subject.kind === 'end') throw new Incomplete()
  if (subject.kind !== 'word') throw new SyntaxFault(subject.text)
  expect(lexer, 'in')
  const branches: { patterns: Word[]; body: List; falls?: ';&' | ';;&' }[] = []
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
    newlines(lexer)
    const end = lexer.peek()
    const falls = end.kind === 'operator' && (end.text === ';&' || end.text === ';;&') ? end.text : undefined
    branches.push({ patterns, body, falls })
    if (end.kind === 'operator' && caseEnds.has(end.text)) lexer.next()
    else if (end.kind === 'end') throw new Incomplete()
  }
  return { kind: 'case', subject: subject.word, branches, redirects: redirects(lexer) }
}
