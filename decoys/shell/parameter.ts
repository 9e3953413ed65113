/** Values of parameters: `$x`, `${x:-y}`, `${x#y}`, `${a[@]}` and their kin. */
import { Leave, type Streams } from './control.ts'
import { expandWord } from './expand.ts'
import { compile, literal, matches } from './pattern.ts'
import type { Shell } from './shell.ts'
import type { Word, WordPart } from './syntax.ts'

type Variable = Extract<WordPart, { kind: 'variable' }>

const characters = (text: string): number => {
  let n = 0
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xc0) !== 0x80) n++
  return n
}

/** The values of a parameter; `several` for `$@`, `$*` and `${name[@]}`, which are as many fields as they have values. */
export async function parameter(shell: Shell, part: Variable, streams: Streams): Promise<{ values: string[]; several: boolean }> {
  const plain = async (word: Word | undefined, mode: 'plain' | 'pattern' = 'plain'): Promise<string> =>
    (await expandWord(shell, word ?? [], streams, mode))[0] ?? ''
  const index = part.index ? await plain(part.index) : undefined
  let { name } = part
  if (part.indirect) {
    if (index === '@' || index === '*') return { values: shell.keys(name), several: index === '@' || !part.quoted }
    name = shell.get(name) ?? ''
  }
  const all = index === '@' || index === '*' || (index === undefined && (name === '@' || name === '*'))
  const values = all
    ? index === undefined
      ? shell.arguments
      : shell.elements(name)
    : [index === undefined ? shell.get(name) : shell.element(name, index)].filter((value) => value !== undefined)
  const several = all && (index ?? name) === '@'
  if (part.length) return { values: [String(all ? values.length : characters(values[0] ?? ''))], several: false }
  const { operator } = part
  if (!operator) {
    if (values.length === 0 && !all && shell.flags.has('u')) unset(shell, name, 'unbound variable', streams)
    return { values, several }
  }
  const empty = values.length === 0 || (operator.startsWith(':') && values.join('') === '')
  switch (operator) {
    case ':-':
    case '-':
      return empty ? { values: [await plain(part.argument)], several: false } : { values, several }
    case ':=':
    case '=': {
      if (!empty) return { values, several }
      const value = await plain(part.argument)
      if (index === undefined) shell.set(name, value)
      else shell.setElement(name, index, value)
      return { values: [value], several: false }
    }
    case ':+':
    case '+':
      return empty ? { values: several ? [] : [''], several } : { values: [await plain(part.argument)], several: false }
    case ':?':
    case '?':
      if (empty) unset(shell, name, (await plain(part.argument)) || (operator === ':?' ? 'parameter null or not set' : 'parameter not set'), streams)
      return { values, several }
    case ':': {
      const [from = 0, size] = (await plain(part.argument)).split(':').map((text) => shell.evaluateOrFail(text, streams))
      if (all) {
        const list = index === undefined ? [shell.name, ...values] : values
        const start = from < 0 ? Math.max(0, list.length + from) : index === undefined && from === 0 && size === undefined ? 1 : from
        return { values: size === undefined ? list.slice(start) : list.slice(start, start + Math.max(0, size)), several }
      }
      const text = values[0] ?? ''
      const start = from < 0 ? (-from > text.length ? text.length : text.length + from) : from
      return { values: [size === undefined ? text.slice(start) : size < 0 ? text.slice(start, text.length + size) : text.slice(start, start + size)], several }
    }
  }
  const list = all ? values : [values[0] ?? '']
  const argument = await plain(part.argument, 'pattern')
  return { values: list.map((value) => edit(value, operator, argument)), several }
}

/** What an operator that edits makes of a value. */
function edit(value: string, operator: string, argument: string): string {
  switch (operator) {
    case '^':
      return value.replace(/^./, (c) => c.toUpperCase())
    case '^^':
    case '@U':
      return value.toUpperCase()
    case ',':
      return value.replace(/^./, (c) => c.toLowerCase())
    case ',,':
    case '@L':
      return value.toLowerCase()
    case '@Q':
      return `'${value.replaceAll("'", "'\\''")}'`
    case '@E':
    case '@P':
      return value
    case '/':
    case '//': {
      const at = slash(argument)
      const source = at === -1 ? argument : argument.slice(0, at)
      const by = at === -1 ? '' : literal(argument.slice(at + 1))
      const text = value
      if (operator === '/' && source.startsWith('#')) {
        const rest = strip(text, compile(source.slice(1)), '##')
        return rest.length < text.length ? by + rest : text
      }
      if (operator === '/' && source.startsWith('%')) {
        const rest = strip(text, compile(source.slice(1)), '%%')
        return rest.length < text.length ? rest + by : text
      }
      return source === '' ? value : replace(text, compile(source), by, operator === '//')
    }
    default:
      return strip(value.slice(0, 8192), compile(argument), operator)
  }
}

/** Where the pattern of `${x/pattern/by}` ends; a marked slash belongs to it. */
function slash(argument: string): number {
  for (let i = 0; i < argument.length; i++) {
    if (argument[i] === '\0') i++
    else if (argument[i] === '/') return i
  }
  return -1
}

function unset(shell: Shell, name: string, text: string, streams: Streams): never {
  streams.err(`${shell.label}: ${name}: ${text}\n`)
  throw new Leave(shell.interactive ? 'abort' : 'exit', shell.dialect === 'bash' ? (shell.interactive ? 1 : 127) : 2)
}

function replace(text: string, pattern: ReturnType<typeof compile>, by: string, all: boolean): string {
  const open = pattern.some((element) => element.kind === 'many')
  if (open && text.length > 1024) return text
  let result = ''
  for (let at = 0; at < text.length; ) {
    let end = -1
    const [longest, shortest] = open ? [text.length, at + 1] : [at + pattern.length, at + pattern.length]
    for (let to = longest; to >= shortest && to <= text.length; to--) {
      if (matches(pattern, text.slice(at, to))) {
        end = to
        break
      }
    }
    if (end === -1) result += text[at++]
    else {
      result += by
      at = end
      if (!all) return result + text.slice(at)
    }
  }
  return result
}

function strip(text: string, pattern: ReturnType<typeof compile>, operator: string): string {
  const front = operator.startsWith('#')
  const long = operator.length === 2
  for (let n = 0; n <= text.length; n++) {
    const size = long ? text.length - n : n
    if (matches(pattern, front ? text.slice(0, size) : text.slice(text.length - size))) return front ? text.slice(size) : text.slice(0, text.length - size)
  }
  return text
}
