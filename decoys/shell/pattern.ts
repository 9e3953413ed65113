/** Shell patterns (`*`, `?`, `[…]`) matched in linear space and bounded time, never by a regular expression. */

type Element = { kind: 'char'; char: string } | { kind: 'any' } | { kind: 'many' } | { kind: 'set'; negated: boolean; test(c: string): boolean }

/** A compiled pattern. A character that follows `\x00` stands for itself. */
export function compile(pattern: string): Element[] {
  const elements: Element[] = []
  for (let at = 0; at < pattern.length; at++) {
    const c = pattern[at] as string
    if (c === '\0') elements.push({ kind: 'char', char: pattern[++at] ?? '' })
    else if (c === '*') {
      if (elements.at(-1)?.kind !== 'many') elements.push({ kind: 'many' })
    } else if (c === '?') elements.push({ kind: 'any' })
    else if (c === '[') {
      const negated = pattern[at + 1] === '!' || pattern[at + 1] === '^'
      const start = at + (negated ? 2 : 1)
      const end = pattern.indexOf(']', start + 1)
      if (end === -1) {
        elements.push({ kind: 'char', char: c })
        continue
      }
      const body = pattern.slice(start, end)
      elements.push({ kind: 'set', negated, test: (x) => inSet(body, x) })
      at = end
    } else elements.push({ kind: 'char', char: c })
  }
  return elements
}

function inSet(body: string, c: string): boolean {
  const classes: Record<string, (x: string) => boolean> = {
    '[:digit:': (x) => x >= '0' && x <= '9',
    '[:alpha:': (x) => /[A-Za-z]/.test(x),
    '[:alnum:': (x) => /[A-Za-z0-9]/.test(x),
    '[:space:': (x) => /\s/.test(x),
  }
  const known = classes[body]
  if (known) return known(c)
  for (let i = 0; i < body.length; i++) {
    const from = body[i] as string
    if (body[i + 1] === '-' && i + 2 < body.length) {
      if (c >= from && c <= (body[i + 2] as string)) return true
      i += 2
    } else if (c === from) return true
  }
  return false
}

/** Whether the whole text matches. */
export function matches(pattern: Element[], text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let mark = 0
  while (t < text.length) {
    const element = pattern[p]
    const c = text[t] as string
    if (
      element &&
      element.kind !== 'many' &&
      (element.kind === 'any' || (element.kind === 'char' ? element.char === c : element.test(c) !== element.negated))
    ) {
      p++
      t++
    } else if (element?.kind === 'many') {
      star = p++
      mark = t
    } else if (star !== -1) {
      p = star + 1
      t = ++mark
    } else return false
  }
  while (pattern[p]?.kind === 'many') p++
  return p === pattern.length
}

/** Whether a word is a pattern at all. */
export const isPattern = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\0') i++
    else if (text[i] === '*' || text[i] === '?' || text[i] === '[') return true
  }
  return false
}

/** The text without the marks that make characters stand for themselves. */
export const literal = (text: string): string => (text.includes('\0') ? text.replace(/\0([\s\S])/g, '$1') : text)
/** Text in which every character stands for itself. */
export const quote = (text: string): string => (/[*?[\]\\]/.test(text) ? text.replace(/[*?[\]\\]/g, '\0$&') : text)
