/** Word expansion: variables, substitutions, field splitting, braces, tilde, and path names. */
import { braces } from './braces.ts'
import { parameter } from './parameter.ts'
import { compile, isPattern, literal, matches, quote } from './pattern.ts'
import type { Streams } from './control.ts'
import type { Shell } from './shell.ts'
import type { Word, WordPart } from './syntax.ts'

const maxWords = 20_000

const declaring = new Set(['declare', 'typeset', 'local', 'export', 'readonly'])

/** Fields of several words. */
export async function expandWords(shell: Shell, words: Word[], streams: Streams): Promise<string[]> {
  const fields: string[] = []
  for (const word of words) {
    const head = word[0]
    if (fields.length > 0 && declaring.has(fields[0] as string) && head?.kind === 'text' && !head.quoted && /^[A-Za-z_]\w*\+?=/.test(head.text)) {
      fields.push((await expandWord(shell, word, streams, 'plain')).join(' '))
      continue
    }
    for (const braced of shell.dialect === 'bash' ? braces(word) : [word]) {
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
    let value: string
    if (part.kind === 'variable') {
      const { values, several } = await parameter(shell, part, streams)
      if (several && mode === 'fields' && part.quoted) {
        values.forEach((one, n) => {
          if (n > 0) {
            fields.push(current)
            current = ''
          }
          add(one, true)
        })
        continue
      }
      value = values.join(part.quoted && mode === 'fields' ? (shell.get('IFS') ?? ' ').slice(0, 1) : ' ')
    } else value = await partValue(shell, part, streams)
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

async function partValue(shell: Shell, part: Exclude<WordPart, { kind: 'text' | 'variable' }>, streams: Streams): Promise<string> {
  if (part.kind === 'command') return shell.capture(part.body, streams)
  if (part.kind === 'process') return shell.substitute(part.body, part.direction, streams)
  const [text = ''] = await expandWord(shell, part.text, streams, 'plain')
  return String(shell.evaluateOrFail(text, streams))
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
