/** Brace expansion: `{a,b}`, `{1..9}`, `{a..e}`, nested and with quoted parts. */
import type { Word, WordPart } from './syntax.ts'

/** One unquoted character, or a part that braces do not look into. */
type Unit = string | WordPart

const maxWords = 5000

/** The words that a word stands for; itself when it has no braces. At most 5,000. */
export function braces(word: Word): Word[] {
  if (!word.some((part) => part.kind === 'text' && !part.quoted && part.text.includes('{'))) return [word]
  const units = word.flatMap((part): Unit[] => (part.kind === 'text' && !part.quoted ? [...part.text.slice(0, 8192)] : [part]))
  return expand(units, { left: maxWords }).map(join)
}

function expand(units: Unit[], budget: { left: number }): Unit[][] {
  for (let open = units.indexOf('{'); open !== -1; open = units.indexOf('{', open + 1)) {
    let depth = 0
    let close = -1
    const commas: number[] = []
    for (let i = open; i < units.length; i++) {
      if (units[i] === '{') depth++
      else if (units[i] === ',' && depth === 1) commas.push(i)
      else if (units[i] === '}' && --depth === 0) {
        close = i
        break
      }
    }
    if (close === -1) continue
    const inside = units.slice(open + 1, close)
    const before = units.slice(0, open)
    let choices: Unit[][] | undefined
    if (commas.length > 0) {
      const edges = [open, ...commas, close]
      choices = edges.slice(1).flatMap((to, i) => expand(units.slice((edges[i] as number) + 1, to), budget))
    } else if (inside.every((unit) => typeof unit === 'string')) choices = range(inside.join(''))?.map((text) => [...text])
    if (!choices) continue
    const ends = expand(units.slice(close + 1), budget)
    const result: Unit[][] = []
    for (const choice of choices)
      for (const end of ends) {
        if (budget.left-- <= 0) return result.length > 0 ? result : [units]
        result.push([...before, ...choice, ...end])
      }
    return result
  }
  return [units]
}

function range(text: string): string[] | undefined {
  const match = /^(-?\d{1,9}|[A-Za-z])\.\.(-?\d{1,9}|[A-Za-z])(?:\.\.(-?\d{1,9}))?$/.exec(text)
  if (!match) return undefined
  const [, from = '', to = ''] = match
  const letters = /[A-Za-z]/.test(from)
  if (letters !== /[A-Za-z]/.test(to)) return undefined
  const [a, b] = letters ? [from.charCodeAt(0), to.charCodeAt(0)] : [Number(from), Number(to)]
  const step = Math.max(1, Math.abs(Number(match[3] ?? 1)))
  const wide = /^-?0\d/.test(from) || /^-?0\d/.test(to) ? Math.max(from.length, to.length) : 0
  const count = Math.min(maxWords, Math.floor(Math.abs(b - a) / step) + 1)
  return Array.from({ length: count }, (_, n) => {
    const value = a + (b >= a ? n : -n) * step
    return letters ? String.fromCharCode(value) : value < 0 ? `-${String(-value).padStart(wide - 1, '0')}` : String(value).padStart(wide, '0')
  })
}

function join(units: Unit[]): Word {
  const word: Word = []
  for (const unit of units) {
    const last = word.at(-1)
    if (typeof unit !== 'string') word.push(unit)
    else if (last?.kind === 'text' && !last.quoted) word[word.length - 1] = { ...last, text: last.text + unit }
    else word.push({ kind: 'text', text: unit, quoted: false })
  }
  return word
}
