/** Word expansion: variables, substitutions, field splitting, braces, tilde, and path names. */
import { compile, isPattern, literal, matches, quote } from './pattern.ts'
import type { Streams } from './control.ts'
import type { Shell } from './shell.ts'
import type { Word, WordPart } from './syntax.ts'

const maxWords = 20_000

/** Fields of several words. */
export async function expandWords(shell: Shell, words: Word[], streams: Streams): Promise<string[]> {
  const fields: string[] = []
  for (const word of words) {
    for (const braced of braces(word)) {
      for (const field of await expandWord(shell, braced, streams, 'fields')) {
        if (fields.length < maxWords) fields.push(field)
      }
    }
  }
  return fields
}

/**
 * Expands one word. `fields`: split, with path names; `plain`: one text; `pattern`: one text in which quoted characters are marked to stand for themselves.
 */
export async function expandWord(shell: Shell, word: Word, streams: Streams, mode: 'fields' | 'plain' | 'pattern'): Promise<string[]> {
  const only = word[0]
  if (word.length === 1 && only?.kind === 'text' && (only.quoted || mode === 'plain') && !only.text.startsWith('~'))
    return [mode === 'pattern' ? quote(only.text) : only.text]
  const fields: string[] = []
  let current = ''
  let started = false
  const add = (text: string, quoted: boolean): void => {
    current += quoted ? quote(text) : text
    started = true
  }
  for (let i = 0; i < word.length; i++) {
    const part = word[i] as WordPart
    if (part.kind === 'text') {
      let { text } = part
      if (i === 0 && !part.quoted && text.startsWith('~')) text = tilde(shell, text)
      if (text !== '' || part.quoted) add(text, part.quoted)
      continue
    }
    if (part.kind === 'variable' && part.name === '@' && part.quoted && mode === 'fields' && !part.operator) {
      shell.arguments.forEach((argument, n) => {
        if (n > 0) {
          fields.push(current)
          current = ''
        }
        add(argument, true)
      })
      continue
    }
    const value = await partValue(shell, part, streams)
    if (part.quoted || mode !== 'fields') {
      if (value !== '' || part.quoted) add(value, part.quoted || mode === 'plain')
      continue
    }
    const separators = shell.get('IFS') ?? ' \t\n'
    let piece = ''
    let had = false
    for (const c of value) {
      if (separators.includes(c)) {
        if (had || started || (!' \t\n'.includes(c) && piece === '')) {
          add(piece, false)
          fields.push(current)
          current = ''
          started = false
        }
        piece = ''
        had = false
      } else {
        piece += c
        had = true
      }
    }
    if (had) add(piece, false)
  }
  if (mode !== 'fields') return [mode === 'pattern' ? current : literal(current)]
  if (started) fields.push(current)
  return fields.flatMap((field) => (isPattern(field) ? glob(shell, field) : [literal(field)]))
}

function tilde(shell: Shell, text: string): string {
  const at = text.indexOf('/')
  const name = at === -1 ? text.slice(1) : text.slice(1, at)
  const rest = at === -1 ? '' : text.slice(at)
  if (name === '') return (shell.get('HOME') ?? '/') + rest
  const user = /^[a-z_][a-z0-9_-]*$/.test(name) ? shell.seat.world.users.byName(name) : undefined
  return user ? user.home + rest : text
}

async function partValue(shell: Shell, part: Exclude<WordPart, { kind: 'text' }>, streams: Streams): Promise<string> {
  if (part.kind === 'command') return shell.capture(part.body, streams)
  if (part.kind === 'arithmetic') {
    const [text = ''] = await expandWord(shell, part.text, streams, 'plain')
    try {
      return String(shell.evaluate(text))
    } catch (error) {
      streams.err(`${shell.label}: ${text}: ${error instanceof Error ? error.message : 'syntax error'}\n`)
      shell.status = 1
      return '0'
    }
  }
  const value = shell.get(part.name)
  if (part.length) return String((value ?? '').length)
  if (!part.operator) return value ?? ''
  const argument = async (mode: 'plain' | 'pattern' = 'plain'): Promise<string> => (await expandWord(shell, part.argument ?? [], streams, mode))[0] ?? ''
  const empty = value === undefined || (part.operator.startsWith(':') && value === '')
  switch (part.operator) {
    case ':-':
    case '-':
      return empty ? argument() : (value ?? '')
    case ':=':
    case '=': {
      if (!empty) return value ?? ''
      const set = await argument()
      shell.set(part.name, set)
      return set
    }
    case ':+':
    case '+':
      return empty ? '' : argument()
    case ':?':
    case '?': {
      if (!empty) return value ?? ''
      streams.err(`${shell.label}: ${part.name}: ${(await argument()) || 'parameter null or not set'}\n`)
      shell.status = 1
      return ''
    }
    case ':': {
      const [from = 0, size] = (await argument()).split(':').map((n) => Number(n) || 0)
      const text = value ?? ''
      const start = from < 0 ? Math.max(0, text.length + from) : from
      return size === undefined ? text.slice(start) : size < 0 ? text.slice(start, text.length + size) : text.slice(start, start + size)
    }
    case '^':
    case '^^':
      return part.operator === '^^' ? (value ?? '').toUpperCase() : (value ?? '').replace(/^./, (c) => c.toUpperCase())
    case ',':
    case ',,':
      return part.operator === ',,' ? (value ?? '').toLowerCase() : (value ?? '').replace(/^./, (c) => c.toLowerCase())
    case '/':
    case '//': {
      const whole = await argument('pattern')
      const at = whole.indexOf('/')
      const pattern = compile(at === -1 ? whole : whole.slice(0, at))
      return replace((value ?? '').slice(0, 4096), pattern, at === -1 ? '' : literal(whole.slice(at + 1)), part.operator === '//')
    }
    default:
      return strip((value ?? '').slice(0, 4096), compile(await argument('pattern')), part.operator)
  }
}

function replace(text: string, pattern: ReturnType<typeof compile>, by: string, all: boolean): string {
  let result = ''
  for (let at = 0; at < text.length; ) {
    let end = -1
    for (let to = Math.min(text.length, at + 512); to > at; to--) {
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

/** `{a,b}` and `{1..9}` in the first unquoted text that has one; words without stay as they are. */
function braces(word: Word): Word[] {
  for (let i = 0; i < word.length; i++) {
    const part = word[i] as WordPart
    if (part.kind !== 'text' || part.quoted) continue
    const match = /\{([^{}]*(?:,|\.\.)[^{}]*)\}/.exec(part.text.slice(0, 2000))
    if (!match) continue
    const range = /^(-?\d{1,6})\.\.(-?\d{1,6})$/.exec(match[1] as string)
    let options: string[]
    if (range) {
      const [from, to] = [Number(range[1]), Number(range[2])]
      options = Array.from({ length: Math.min(5000, Math.abs(to - from) + 1) }, (_, n) => String(from + (to >= from ? n : -n)))
    } else if ((match[1] as string).includes(',')) options = (match[1] as string).split(',')
    else continue
    const [before, after] = [part.text.slice(0, match.index), part.text.slice(match.index + match[0].length)]
    return options.flatMap((option) => braces([...word.slice(0, i), { ...part, text: before + option + after }, ...word.slice(i + 1)])).slice(0, 5000)
  }
  return [word]
}

/** Paths that match; the pattern itself when none does. */
function glob(shell: Shell, pattern: string): string[] {
  const isAbsolute = pattern.startsWith('/')
  let found = [isAbsolute ? '/' : '']
  for (const segment of pattern.split('/').filter((part) => part !== '')) {
    const next: string[] = []
    for (const base of found) {
      const prefix = base === '' || base.endsWith('/') ? base : `${base}/`
      if (!isPattern(segment)) {
        const path = prefix + literal(segment)
        if (shell.seat.world.files.stat(shell.path(path), false)) next.push(path)
        continue
      }
      const compiled = compile(segment)
      let names: string[]
      try {
        names = shell.seat.fs.list(shell.path(base || '.'))
      } catch {
        continue
      }
      for (const name of names) {
        if (name.startsWith('.') && !segment.startsWith('.')) continue
        if (matches(compiled, name) && next.length < 5000) next.push(prefix + name)
      }
    }
    found = next
  }
  return found.length > 0 && found[0] !== '' ? found : [literal(pattern)]
}
