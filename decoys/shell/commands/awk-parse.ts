/** awk's language (POSIX awk, with what gawk and BusyBox add that one-liners use) as a tree. Bounded in size and depth. */

import { AwkFault, type Token, tokens } from './awk-tokens.ts'
import type { Expression, Program, Rule, Statement } from './awk-tree.ts'

const maxDepth = 60
const keywords = new Set([
  'if',
  'else',
  'while',
  'for',
  'do',
  'in',
  'next',
  'exit',
  'break',
  'continue',
  'return',
  'delete',
  'print',
  'printf',
  'getline',
  'BEGIN',
  'END',
  'function',
  'func',
])

/** Parses a program. Throws AwkFault. */
export function parseAwk(source: string): Program {
  const list = tokens(source)
  let at = 0
  let depth = 0
  const peek = (): Token => list[at] as Token
  const is = (text: string): boolean => peek().text === text && peek().kind !== 'string' && peek().kind !== 'pattern'
  const fail = (): never => {
    throw new AwkFault('syntax error', peek().at)
  }
  const take = (text: string): boolean => {
    if (!is(text)) return false
    at++
    return true
  }
  const need = (text: string): void => {
    if (!take(text)) fail()
  }
  const lines = (): void => {
    while (peek().kind === 'line' || is(';')) at++
  }
  const newlines = (): void => {
    while (peek().kind === 'line') at++
  }
  const deeper = <T>(work: () => T): T => {
    if (++depth > maxDepth) fail()
    const value = work()
    depth--
    return value
  }

  // Expressions, loosest first. `plain`: no `>` and no `in` of its own, as inside print.
  const expression = (plain = false): Expression => deeper(() => assignment(plain))
  const assignment = (plain: boolean): Expression => {
    const left = ternary(plain)
    const operator = peek().kind === 'operator' ? peek().text : ''
    if (/^(?:[-+*/%^]|\*\*)?=$/.test(operator) && (left.kind === 'name' || left.kind === 'field' || left.kind === 'element')) {
      at++
      newlines()
      return { kind: 'assign', operator: operator.slice(0, -1).replace('**', '^'), target: left, value: deeper(() => assignment(plain)) }
    }
    return left
  }
  const ternary = (plain: boolean): Expression => {
    const test = either(plain)
    if (!take('?')) return test
    newlines()
    const yes = deeper(() => assignment(plain))
    newlines()
    need(':')
    newlines()
    return { kind: 'choice', test, yes, no: deeper(() => assignment(plain)) }
  }
  const either = (plain: boolean): Expression => {
    let left = both(plain)
    while (take('||')) {
      newlines()
      left = { kind: 'binary', operator: '||', left, right: both(plain) }
    }
    return left
  }
  const both = (plain: boolean): Expression => {
    let left = member(plain)
    while (take('&&')) {
      newlines()
      left = { kind: 'binary', operator: '&&', left, right: member(plain) }
    }
    return left
  }
  const member = (plain: boolean): Expression => {
    let left = match(plain)
    while (is('in') && !noIn) {
      at++
      left = { kind: 'in', index: [left], name: peek().text }
      at++
    }
    return left
  }
  const match = (plain: boolean): Expression => {
    let left = comparison(plain)
    while (is('~') || is('!~')) {
      const operator = peek().text
      at++
      left = { kind: 'binary', operator, left, right: comparison(plain) }
    }
    return left
  }
  const comparison = (plain: boolean): Expression => {
    const left = concatenation()
    const operator = peek().kind === 'operator' ? peek().text : ''
    if (!['<', '<=', '==', '!=', '>', '>='].includes(operator) || (plain && operator === '>')) return left
    at++
    return { kind: 'binary', operator, left, right: concatenation() }
  }
  const concatenation = (): Expression => {
    let left = additive()
    for (;;) {
      const token = peek()
      const begins =
        ['number', 'string', 'function', 'pattern'].includes(token.kind) ||
        (token.kind === 'name' && !keywords.has(token.text)) ||
        (token.kind === 'operator' && ['$', '!', '(', '-', '+', '++', '--'].includes(token.text))
      if (!begins || (token.text === 'in' && token.kind === 'name')) break
      left = { kind: 'binary', operator: ' ', left, right: additive() }
    }
    while (is('|') && list[at + 1]?.text === 'getline') {
      at += 2
      left = { kind: 'getline', command: left, into: lvalue() }
    }
    return left
  }
  const additive = (): Expression => {
    let left = multiplicative()
    while (is('+') || is('-')) {
      const operator = peek().text
      at++
      left = { kind: 'binary', operator, left, right: multiplicative() }
    }
    return left
  }
  const multiplicative = (): Expression => {
    let left = unary()
    while (is('*') || is('/') || is('%')) {
      const operator = peek().text
      at++
      left = { kind: 'binary', operator, left, right: unary() }
    }
    return left
  }
  const unary = (): Expression => {
    if (is('!') || is('-') || is('+')) {
      const operator = peek().text as '!' | '-' | '+'
      at++
      return { kind: 'unary', operator, of: deeper(unary) }
    }
    return power()
  }
  const power = (): Expression => {
    const base = postfix()
    if (!take('^') && !take('**')) return base
    const exponent = is('-') ? deeper(unary) : deeper(power)
    return { kind: 'binary', operator: '^', left: base, right: exponent }
  }
  const postfix = (): Expression => {
    const of = primary()
    if ((of.kind === 'name' || of.kind === 'field' || of.kind === 'element') && (is('++') || is('--'))) {
      const by = is('++') ? 1 : -1
      at++
      return { kind: 'step', by, before: false, target: of }
    }
    return of
  }
  const indices = (close: string): Expression[] => {
    const args: Expression[] = []
    newlines()
    while (!is(close)) {
      const saved = noIn
      noIn = false
      args.push(expression())
      noIn = saved
      newlines()
      if (!take(',')) break
      newlines()
    }
    need(close)
    return args
  }
  const lvalue = (): Expression | undefined => {
    if (is('$')) {
      at++
      return { kind: 'field', index: deeper(fieldIndex) }
    }
    if (peek().kind !== 'name' || keywords.has(peek().text)) return undefined
    const name = peek().text
    at++
    return take('[') ? { kind: 'element', name, index: indices(']') } : { kind: 'name', name }
  }
  const fieldIndex = (): Expression => {
    if (is('++') || is('--')) return primary()
    if (is('-')) return unary()
    return primary()
  }
  const primary = (): Expression => {
    const token = peek()
    if (token.kind === 'number' || token.kind === 'string' || token.kind === 'pattern') {
      at++
      return token.kind === 'number'
        ? { kind: 'number', value: Number(token.text) }
        : token.kind === 'string'
          ? { kind: 'string', value: token.text }
          : { kind: 'pattern', source: token.text }
    }
    if (token.kind === 'function') {
      at += 2
      return { kind: 'call', name: token.text, args: indices(')') }
    }
    if (token.text === 'getline') {
      at++
      const into = lvalue()
      return take('<') ? { kind: 'getline', into, from: deeper(primary) } : { kind: 'getline', into }
    }
    if (token.text === 'length' && token.kind === 'name') {
      at++
      return { kind: 'call', name: 'length', args: [] }
    }
    if (is('++') || is('--')) {
      const by = is('++') ? 1 : -1
      at++
      const target = lvalue()
      return target ? { kind: 'step', by, before: true, target } : fail()
    }
    if (take('(')) {
      const saved = noIn
      noIn = false
      const args = [expression()]
      while (take(',')) {
        newlines()
        args.push(expression())
      }
      need(')')
      noIn = saved
      if (args.length > 1) {
        if (!take('in')) return { kind: 'call', name: '(', args }
        const { text } = peek()
        at++
        return { kind: 'in', index: args, name: text }
      }
      // brackets end what could be read on as an assignment's target
      return { kind: 'call', name: '(', args }
    }
    return lvalue() ?? fail()
  }
  let noIn = false

  const ended = (): void => {
    if (peek().kind === 'line' || is(';')) at++
    else if (!is('}') && peek().kind !== 'end') fail()
  }
  const simpleStatement = (): Statement => {
    if (is('print') || is('printf') || (peek().kind === 'function' && /^printf?$/.test(peek().text))) {
      const format = peek().text === 'printf'
      at++
      const args: Expression[] = []
      if (peek().kind !== 'line' && !is(';') && !is('}') && !is('>') && !is('>>') && !is('|') && peek().kind !== 'end') {
        args.push(expression(true))
        while (take(',')) {
          newlines()
          args.push(expression(true))
        }
      }
      const only = args[0]
      const spread = args.length === 1 && only?.kind === 'call' && only.name === '(' ? only.args : args
      let to: Extract<Statement, { kind: 'print' }>['to']
      if (is('>') || is('>>') || is('|')) {
        const operator = peek().text as '>' | '>>' | '|'
        at++
        to = { operator, target: concatenation() }
      }
      return { kind: 'print', args: spread, format, to }
    }
    if (take('delete')) {
      const name = peek().text
      at++
      return { kind: 'delete', name, index: take('[') ? indices(']') : undefined }
    }
    return { kind: 'expression', of: expression() }
  }
  const statement = (): Statement => deeper(statementHere)
  const statementHere = (): Statement => {
    if (is('{')) return block()
    if (take(';')) return { kind: 'block', body: [] }
    if (/^(?:if|while|for)$/.test(peek().text) && peek().kind !== 'string' && list[at + 1]?.text === '(') {
      const word = peek().text
      at += 2
      if (word === 'for') return loop()
      const test = expression()
      need(')')
      newlines()
      return word === 'while' ? { kind: 'while', test, body: statement(), first: false } : branch(test)
    }
    if (take('do')) {
      newlines()
      const body = statement()
      lines()
      need('while')
      need('(')
      const test = expression()
      need(')')
      ended()
      return { kind: 'while', test, body, first: true }
    }
    for (const how of ['next', 'break', 'continue', 'exit', 'return'] as const) {
      if (!is(how) && !(peek().kind === 'function' && peek().text === how)) continue
      at++
      const value = (how === 'exit' || how === 'return') && peek().kind !== 'line' && !is(';') && !is('}') && peek().kind !== 'end' ? expression() : undefined
      ended()
      return { kind: 'leave', how, value }
    }
    const one = simpleStatement()
    ended()
    return one
  }
  const branch = (test: Expression): Statement => {
    const then = statement()
    const saved = at
    lines()
    if (take('else')) {
      newlines()
      return { kind: 'if', test, then, otherwise: statement() }
    }
    at = saved
    return { kind: 'if', test, then }
  }
  const loop = (): Statement => {
    if (peek().kind === 'name' && list[at + 1]?.text === 'in' && list[at + 3]?.text === ')') {
      const [name, array] = [peek().text, (list[at + 2] as Token).text]
      at += 4
      newlines()
      return { kind: 'each', name, array, body: statement() }
    }
    const init = is(';') ? undefined : simpleStatement()
    need(';')
    newlines()
    const test = is(';') ? undefined : expression()
    need(';')
    newlines()
    const step = is(')') ? undefined : simpleStatement()
    need(')')
    newlines()
    return { kind: 'for', init, test, step, body: statement() }
  }
  const block = (): Statement => {
    need('{')
    const body: Statement[] = []
    lines()
    while (!is('}')) {
      if (peek().kind === 'end') fail()
      body.push(statement())
      lines()
    }
    at++
    return { kind: 'block', body }
  }

  const rules: Rule[] = []
  const functions: Program['functions'] = new Map()
  lines()
  while (peek().kind !== 'end') {
    if (take('function') || take('func')) {
      const name = peek().text
      at++
      need('(')
      const parameters: string[] = []
      while (!is(')')) {
        parameters.push(peek().text)
        at++
        if (!take(',')) break
      }
      need(')')
      newlines()
      functions.set(name, { parameters, body: block() })
    } else if (is('BEGIN') || is('END')) {
      const when = is('BEGIN') ? 'begin' : 'end'
      at++
      rules.push({ when, body: block(), inside: false })
    } else {
      let when: Rule['when']
      if (!is('{')) {
        const from = expression()
        when = { from, to: take(',') ? expression() : undefined }
      }
      rules.push({ when, body: is('{') ? block() : undefined, inside: false })
    }
    lines()
  }
  return { rules, functions }
}
