/** A small awk: patterns, print and printf of fields, NR, NF, comparisons, -F, -v, BEGIN and END, and sums; else awk's own error. */
import type { CommandMain, Run } from '../command.ts'
import { linePattern } from '../line-pattern.ts'
import { printf } from '../print.ts'
import { texts } from './text-input.ts'

interface State {
  fields: string[]
  line: string
  variables: Map<string, string>
}

/** Splits on a character outside quotes, brackets and slashes. */
function split(text: string, separators: string): string[] {
  const parts: string[] = []
  let piece = ''
  let quote = ''
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string
    if (quote) {
      if (c === '\\') piece += c + (text[++i] ?? '')
      else {
        if (c === quote) quote = ''
        piece += c
      }
    } else if (c === '"') {
      quote = c
      piece += c
    } else if (separators.includes(c) && depth === 0) {
      parts.push(piece)
      piece = ''
    } else {
      if ('([{'.includes(c)) depth++
      if (')]}'.includes(c)) depth--
      piece += c
    }
  }
  parts.push(piece)
  return parts
}

const escapes = (text: string): string => text.replace(/\\(.)/g, (_, c: string) => ({ n: '\n', t: '\t', '\\': '\\', '"': '"' })[c] ?? c)
const number = (text: string): number => Number.parseFloat(text) || 0

/** Value of an expression; throws an Error where this awk does not know it. */
function value(text: string, state: State, depth = 0): string {
  const source = text.trim()
  if (depth > 20) throw new Error('nested too deep')
  if (source === '') return ''
  if (/^-?\d+(\.\d+)?$/.test(source)) return source
  if (/^"(?:[^"\\]|\\.)*"$/.test(source)) return escapes(source.slice(1, -1))
  if (source.startsWith('(') && source.endsWith(')') && split(source, ' ').length === 1) return value(source.slice(1, -1), state, depth + 1)
  const field = /^\$(\d+|NF|[A-Za-z_]\w*|\(.*\))$/.exec(source)
  if (field) {
    const name = field[1] as string
    const n = name === 'NF' ? state.fields.length : /^\d+$/.test(name) ? Number(name) : number(value(name, state, depth + 1))
    return n === 0 ? state.line : (state.fields[n - 1] ?? '')
  }
  if (source === 'NF') return String(state.fields.length)
  if (/^[A-Za-z_]\w*$/.test(source)) return state.variables.get(source) ?? ''
  const call = /^(length|substr|index|toupper|tolower|int)\s*\((.*)\)$/.exec(source)
  if (call && split(source, ' ').length <= split(call[2] as string, ' ').length) {
    const args = split(call[2] as string, ',').map((arg) => value(arg, state, depth + 1))
    const [a = '', b = '', c] = args
    switch (call[1]) {
      case 'length':
        return String((call[2] === '' ? state.line : a).length)
      case 'substr':
        return a.substring(Math.max(0, number(b) - 1), c === undefined ? undefined : number(b) - 1 + number(c))
      case 'index':
        return String(a.indexOf(b) + 1)
      case 'toupper':
        return a.toUpperCase()
      case 'tolower':
        return a.toLowerCase()
      default:
        return String(Math.trunc(number(a)))
    }
  }
  for (const operators of ['+-', '*/%']) {
    const parts = splitLast(source, operators)
    if (parts) {
      const [left, operator, right] = parts
      const [a, b] = [number(value(left, state, depth + 1)), number(value(right, state, depth + 1))]
      const result = operator === '+' ? a + b : operator === '-' ? a - b : operator === '*' ? a * b : operator === '/' ? a / (b || 1) : a % (b || 1)
      return Number.isInteger(result) ? String(result) : String(Number(result.toPrecision(6)))
    }
  }
  const words = split(source, ' ').filter((word) => word !== '')
  if (words.length > 1) return words.map((word) => value(word, state, depth + 1)).join('')
  const glued = source.match(/\$\w+|"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|\d+/g)
  if (glued && glued.length > 1 && glued.join('') === source) return glued.map((word) => value(word, state, depth + 1)).join('')
  throw new Error('syntax error')
}

function splitLast(source: string, operators: string): [string, string, string] | undefined {
  let depth = 0
  let quoted = false
  for (let i = source.length - 1; i > 0; i--) {
    const c = source[i] as string
    if (c === '"') quoted = !quoted
    if (quoted) continue
    if (c === ')') depth++
    if (c === '(') depth--
    if (depth === 0 && operators.includes(c) && /[\w)"$ ]/.test(source[i - 1] as string)) return [source.slice(0, i), c, source.slice(i + 1)]
  }
  return undefined
}

function truth(text: string, state: State): boolean {
  const source = text.trim()
  if (source === '') return true
  for (const [operator, some] of [
    ['||', true],
    ['&&', false],
  ] as const) {
    const parts = source.split(operator)
    if (parts.length > 1) return some ? parts.some((part) => truth(part, state)) : parts.every((part) => truth(part, state))
  }
  const pattern = /^(!?)\/(.*)\/$/.exec(source)
  if (pattern) return (linePattern(pattern[2] as string, { extended: true })?.(state.line, 0) !== undefined) !== (pattern[1] === '!')
  const match = /^(.+?)\s*(!?~)\s*(?:\/(.*)\/|"(.*)")$/.exec(source)
  if (match) return (linePattern(match[3] ?? match[4] ?? '', { extended: true })?.(value(match[1] as string, state), 0) !== undefined) === (match[2] === '~')
  const compare = /^([^<>=!]+?)\s*(==|!=|<=|>=|<|>)\s*(.+)$/.exec(source)
  if (compare) {
    const [a, b] = [value(compare[1] as string, state), value(compare[3] as string, state)]
    const numeric = /^\s*-?[\d.]+\s*$/.test(a) && /^\s*-?[\d.]+\s*$/.test(b)
    const by = numeric || (/^NR|^NF/.test(compare[1] as string) && a !== '') ? number(a) - number(b) : a < b ? -1 : a > b ? 1 : 0
    return { '==': by === 0, '!=': by !== 0, '<=': by <= 0, '>=': by >= 0, '<': by < 0, '>': by > 0 }[compare[2] as string] ?? false
  }
  const plain = value(source, state)
  return plain !== '' && plain !== '0'
}

async function act(run: Run, body: string, state: State): Promise<'next' | 'exit' | undefined> {
  for (const part of split(body, ';\n')) {
    const statement = part.trim()
    if (statement === '') continue
    if (statement === 'next') return 'next'
    if (/^exit\b/.test(statement)) return 'exit'
    const conditional = /^if\s*\((.*)\)\s*(.+)$/.exec(statement)
    if (conditional) {
      if (truth(conditional[1] as string, state)) {
        const left = await act(run, (conditional[2] as string).replace(/^\{(.*)\}$/, '$1'), state)
        if (left) return left
      }
      continue
    }
    if (/^print\b/.test(statement)) {
      const rest = statement
        .slice(5)
        .trim()
        .replace(/^\((.*)\)$/, '$1')
      run.out(
        `${
          rest === ''
            ? state.line
            : split(rest, ',')
                .map((one) => value(one, state))
                .join(state.variables.get('OFS') ?? ' ')
        }\n`,
      )
      continue
    }
    if (/^printf\b/.test(statement)) {
      await printf(
        run,
        split(
          statement
            .slice(6)
            .trim()
            .replace(/^\((.*)\)$/, '$1'),
          ',',
        ).map((one) => value(one, state)),
      )
      continue
    }
    const assign = /^([A-Za-z_]\w*)\s*([-+*/]?=)\s*(.+)$/.exec(statement)
    const step = /^([A-Za-z_]\w*)(\+\+|--)$/.exec(statement)
    if (assign)
      state.variables.set(
        assign[1] as string,
        assign[2] === '='
          ? value(assign[3] as string, state)
          : value(
              `${state.variables.get(assign[1] as string) || 0} ${(assign[2] as string)[0]} ${number(value(assign[3] as string, state))}`.replace(/ /g, ''),
              state,
            ),
      )
    else if (step) state.variables.set(step[1] as string, String(number(state.variables.get(step[1] as string) ?? '0') + (step[2] === '++' ? 1 : -1)))
    else throw new Error('syntax error')
  }
  return undefined
}

export const runAwk: CommandMain = async (run, args) => {
  const variables = new Map<string, string>([['OFS', ' ']])
  let separator = ''
  let script: string | undefined
  const files: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    if (script === undefined && arg.startsWith('-F')) separator = escapes(arg.slice(2) || (args[++i] ?? ''))
    else if (script === undefined && arg === '-v') {
      const [name = '', ...rest] = (args[++i] ?? '').split('=')
      variables.set(name, rest.join('='))
    } else if (script === undefined && arg.startsWith('-') && arg.length > 1) continue
    else if (script === undefined) script = arg
    else files.push(arg)
  }
  if (script === undefined) {
    run.err('Usage: awk [POSIX or GNU style options] -f progfile [--] file ...\n')
    return 1
  }
  const rules: { pattern: string; body: string | undefined }[] = []
  let rest = script.slice(0, 8192).trim()
  while (rest !== '') {
    // a rule's body begins at the first brace outside a leading /pattern/
    const at = rest.indexOf('{', /^\s*!?\//.test(rest) ? rest.indexOf('/', rest.indexOf('/') + 1) + 1 : 0)
    if (at === -1) {
      rules.push({ pattern: rest, body: undefined })
      break
    }
    let depth = 0
    let end = at
    for (; end < rest.length; end++) {
      if (rest[end] === '{') depth++
      else if (rest[end] === '}' && --depth === 0) break
    }
    rules.push({ pattern: rest.slice(0, at).trim().replace(/^;\s*/, ''), body: rest.slice(at + 1, end) })
    rest = rest.slice(end + 1).trim()
  }
  const state: State = { fields: [], line: '', variables }
  try {
    for (const { pattern, body } of rules) if (pattern === 'BEGIN' && body !== undefined) await act(run, body, state)
    separator ||= variables.get('FS') ?? ''
    const main = rules.filter(({ pattern }) => pattern !== 'BEGIN' && pattern !== 'END')
    const ends = rules.filter(({ pattern }) => pattern === 'END')
    if (main.length > 0 || ends.length > 0) {
      const { list, status } = await texts(run, files)
      if (status) return 2
      let n = 0
      scan: for (const { text } of list) {
        const lines = text.split('\n')
        if (lines.at(-1) === '') lines.pop()
        for (const line of lines) {
          if (++n % 2000 === 0) await run.shell.step()
          state.line = line
          state.fields = separator === '' || separator === ' ' ? line.trim().split(/\s+/).filter(Boolean) : line.split(separator)
          variables.set('NR', String(n))
          for (const { pattern, body } of main) {
            if (!truth(pattern, state)) continue
            const left = body === undefined ? (run.out(`${line}\n`), undefined) : await act(run, body, state)
            if (left === 'next') break
            if (left === 'exit') break scan
          }
        }
      }
      for (const { body } of ends) if (body !== undefined) await act(run, body, state)
    }
  } catch (error) {
    if (!(error instanceof Error) || error.message !== 'syntax error') throw error
    run.err(run.shell.ash ? `awk: cmd. line:1: Unexpected token\n` : `awk: cmd. line:1: ${script.split('\n')[0]}\nawk: cmd. line:1: ^ syntax error\n`)
    return 1
  }
  return 0
}
