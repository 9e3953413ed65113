/** Grammar of `[[ … ]]`. */
import type { Lexer } from './lexer.ts'
import { newlines } from './parser.ts'
import { type Condition, Incomplete, SyntaxFault, type Word } from './syntax.ts'

const binary = new Set(['=', '==', '!=', '=~', '<', '>', '-eq', '-ne', '-lt', '-le', '-gt', '-ge', '-nt', '-ot', '-ef'])
const plain = (text: string): Word => [{ kind: 'text', text, quoted: true }]

/** The condition up to its `]]`. */
export function condition(lexer: Lexer): Condition {
  const found = either(lexer, 0)
  newlines(lexer)
  const close = lexer.next()
  if (close.kind === 'end') throw new Incomplete()
  if (close.text !== ']]') throw new SyntaxFault(close.text)
  return found
}

function either(lexer: Lexer, depth: number): Condition {
  let left = both(lexer, depth)
  for (let next = lexer.peek(); next.kind === 'operator' && next.text === '||'; next = lexer.peek()) {
    lexer.next()
    left = { kind: 'either', left, right: both(lexer, depth) }
  }
  return left
}

function both(lexer: Lexer, depth: number): Condition {
  let left = one(lexer, depth)
  for (let next = lexer.peek(); next.kind === 'operator' && next.text === '&&'; next = lexer.peek()) {
    lexer.next()
    left = { kind: 'both', left, right: one(lexer, depth) }
  }
  return left
}

function one(lexer: Lexer, depth: number): Condition {
  if (depth > 40) throw new SyntaxFault('(')
  newlines(lexer)
  const token = lexer.next()
  if (token.kind === 'end') throw new Incomplete()
  if (token.kind === 'operator') {
    if (token.text !== '(') throw new SyntaxFault(token.text)
    const inner = either(lexer, depth + 1)
    newlines(lexer)
    const close = lexer.next()
    if (close.kind === 'end') throw new Incomplete()
    if (close.text !== ')') throw new SyntaxFault(close.text)
    return inner
  }
  if (token.text === '!') return { kind: 'not', of: one(lexer, depth + 1) }
  const next = lexer.peek()
  if (/^-[a-zA-Z]$/.test(token.text) && next.kind === 'word' && next.text !== ']]' && !binary.has(next.text)) {
    lexer.next()
    return { kind: 'unary', operator: token.text, word: next.word }
  }
  if (next.kind !== 'end' && binary.has(next.text)) {
    lexer.next()
    if (next.text === '=~') return { kind: 'binary', operator: '=~', left: token.word, right: lexer.expression() }
    const right = lexer.next()
    if (right.kind === 'end') throw new Incomplete()
    if (right.kind !== 'word') throw new SyntaxFault(right.text)
    return { kind: 'binary', operator: next.text, left: token.word, right: right.word }
  }
  return { kind: 'unary', operator: '-n', word: token.word.length > 0 ? token.word : plain('') }
}
