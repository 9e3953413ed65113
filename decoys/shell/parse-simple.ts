/** Grammar of simple commands: words, assignments, redirections. */
import type { Lexer } from './lexer.ts'
import { command, newlines } from './parser.ts'
import { type Assign, type Command, Incomplete, type Redirect, SyntaxFault, type Word } from './syntax.ts'

/** The redirections that stand here. */
export function redirects(lexer: Lexer): Redirect[] {
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

const assignment = /^([A-Za-z_]\w*)(?:\[([^\]\s]*)\])?(\+?)=/
const declaring = new Set(['declare', 'typeset', 'local', 'export', 'readonly'])

/** A command of words, assignments and redirections, or the definition of a function. */
export function simple(lexer: Lexer): Command {
  const assigns: Assign[] = []
  const words: Word[] = []
  const redirects: Redirect[] = []
  let first = ''
  let line = 0
  for (;;) {
    const found = redirect(lexer)
    if (found) {
      redirects.push(found)
      continue
    }
    const token = lexer.peek()
    line ||= lexer.line(lexer.at)
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
    const match = words.length === 0 || declaring.has(first) ? assignment.exec(token.text) : null
    if (match) {
      const [whole, name = '', inside, plus] = match
      const index = inside === undefined ? undefined : lexer.words(inside)
      const rest = token.text.slice(whole.length)
      if (rest === '' && lexer.text[lexer.at] === '(') {
        lexer.at++
        assigns.push({ name, index, append: plus === '+', value: [], list: elements(lexer) })
        continue
      }
      if (words.length === 0) {
        const [head] = token.word
        const value =
          index === undefined && head?.kind === 'text' && !head.quoted && head.text.startsWith(whole)
            ? [{ ...head, text: head.text.slice(whole.length) }, ...token.word.slice(1)]
            : lexer.value(rest)
        assigns.push({ name, index, append: plus === '+', value })
        continue
      }
    }
    if (words.length === 0) first = token.text
    words.push(token.word)
  }
  return { kind: 'simple', assigns, words, redirects, line }
}

/** The elements of `name=(…)` after its parenthesis. */
function elements(lexer: Lexer): NonNullable<Assign['list']> {
  const list: NonNullable<Assign['list']> = []
  for (;;) {
    newlines(lexer)
    const token = lexer.next()
    if (token.kind === 'end') throw new Incomplete()
    if (token.kind === 'operator') {
      if (token.text === ')') return list
      throw new SyntaxFault(token.text)
    }
    const match = /^\[([^\]]*)\]=/.exec(token.text)
    if (match) list.push({ index: lexer.words(match[1] as string), value: lexer.value(token.text.slice(match[0].length)) })
    else list.push({ value: token.word })
  }
}
