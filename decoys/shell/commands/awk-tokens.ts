/** Tokens of awk's language. */

export type Token = { kind: 'number' | 'string' | 'pattern' | 'name' | 'function' | 'operator' | 'line' | 'end'; text: string; at: number }

/** Where the language was broken. */
export class AwkFault extends Error {
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

const operators = ['**=', '&&', '||', '++', '--', '+=', '-=', '*=', '/=', '%=', '^=', '==', '<=', '>=', '!=', '!~', '>>', '**', ...'{}()[];,+-*/%^!<>|?:~$=']
const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v', '\\': '\\', '"': '"', '/': '/' }

/** A string's escapes resolved, as in `-F` and `-v`. */
export const resolve = (text: string): string =>
  text.replace(/\\(?:([0-7]{1,3})|([\s\S]))/g, (_, octal: string | undefined, c: string | undefined) =>
    octal ? String.fromCharCode(Number.parseInt(octal, 8) & 255) : (escapes[c ?? ''] ?? `\\${c}`),
  )

/** The tokens of a program, an `end` last. Throws AwkFault. */
export function tokens(source: string): Token[] {
  const list: Token[] = []
  let at = 0
  while (at < source.length) {
    const c = source[at] as string
    const last = list.at(-1)
    if (c === ' ' || c === '\t' || c === '\r' || (c === '\\' && source[at + 1] === '\n')) {
      at += c === '\\' ? 2 : 1
      continue
    }
    if (c === '#') {
      while (at < source.length && source[at] !== '\n') at++
      continue
    }
    const from = at
    if (c === '\n') {
      at++
      list.push({ kind: 'line', text: '\n', at: from })
    } else if (c === '"') {
      let text = ''
      for (at++; source[at] !== '"'; at++) {
        if (at >= source.length || source[at] === '\n') throw new AwkFault('unterminated string', from)
        if (source[at] === '\\') text += source[at++]
        text += source[at] ?? ''
      }
      at++
      list.push({ kind: 'string', text: resolve(text), at: from })
    } else if (c === '/' && !(last && (['number', 'string', 'name', 'pattern'].includes(last.kind) || [')', ']', '$', '++', '--'].includes(last.text)))) {
      let text = ''
      let set = false
      for (at++; source[at] !== '/' || set; at++) {
        if (at >= source.length || source[at] === '\n') throw new AwkFault('unterminated regexp', from)
        if (source[at] === '\\' && source[at + 1] === '/') at++
        else if (source[at] === '\\') text += source[at++]
        else if (source[at] === '[') set = true
        else if (source[at] === ']') set = false
        text += source[at] ?? ''
      }
      at++
      list.push({ kind: 'pattern', text, at: from })
    } else {
      const rest = source.slice(at, at + 300)
      const number = /^(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/.exec(rest)?.[0]
      const name = /^[A-Za-z_]\w*/.exec(rest)?.[0]
      if (number) {
        at += number.length
        list.push({ kind: 'number', text: number, at: from })
      } else if (name) {
        at += name.length
        list.push({ kind: source[at] === '(' ? 'function' : 'name', text: name, at: from })
      } else {
        const operator = operators.find((one) => source.startsWith(one, at))
        if (!operator) throw new AwkFault('syntax error', from)
        at += operator.length
        list.push({ kind: 'operator', text: operator, at: from })
      }
    }
    if (list.length > 4000) throw new AwkFault('program too long', at)
  }
  list.push({ kind: 'end', text: '', at })
  return list
}
