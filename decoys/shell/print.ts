/** echo and printf. */
import type { CommandMain } from './command.ts'

const simple: Record<string, string> = { a: '\x07', b: '\b', e: '\x1b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\' }

/** Backslash escapes as `echo -e` reads them; `stop` when `\c` was met. */
export function escapes(text: string, octalNeedsZero: boolean): { text: string; stop: boolean } {
  let result = ''
  for (let at = 0; at < text.length; at++) {
    const c = text[at] as string
    if (c !== '\\' || at + 1 >= text.length) {
      result += c
      continue
    }
    const next = text[at + 1] as string
    if (next === 'c') return { text: result, stop: true }
    const hex = next === 'x' ? /^[0-9a-fA-F]{1,2}/.exec(text.slice(at + 2, at + 4)) : null
    const octal = /^[0-7]{1,3}/.exec(text.slice(at + 1 + (next === '0' ? 1 : 0), at + 4 + (next === '0' ? 1 : 0)))
    if (hex) {
      result += String.fromCharCode(Number.parseInt(hex[0], 16))
      at += 1 + hex[0].length
    } else if (next === '0' || (octal && !octalNeedsZero && /[0-7]/.test(next))) {
      const digits = next === '0' ? (octal?.[0] ?? '') : (octal as RegExpExecArray)[0]
      result += String.fromCharCode((Number.parseInt(digits || '0', 8) || 0) & 0xff)
      at += digits.length + (next === '0' ? 1 : 0)
    } else if (simple[next] !== undefined) {
      result += simple[next]
      at++
    } else result += c
  }
  return { text: result, stop: false }
}

export const echo: CommandMain = ({ out }, args) => {
  let newline = true
  let wanted = false
  let i = 0
  for (; i < args.length && /^-[neE]+$/.test(args[i] as string); i++) {
    if (args[i]?.includes('n')) newline = false
    if (args[i]?.includes('e')) wanted = true
    if (args[i]?.includes('E')) wanted = false
  }
  const text = args.slice(i).join(' ')
  if (!wanted) out(newline ? `${text}\n` : text)
  else {
    const { text: done, stop } = escapes(text, true)
    out(newline && !stop ? `${done}\n` : done)
  }
  return 0
}

/** A number as shells read it: decimal, 0x, 0, or 'c. */
const integer = (text: string): number => {
  if (/^['"]/.test(text)) return text.charCodeAt(1) || 0
  const value = /^-?0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text)
  return Number.isFinite(value) ? Math.trunc(value) : Number.parseInt(text, 10) || 0
}

export const printf: CommandMain = ({ out, fault }, args) => {
  const [format, ...values] = args[0] === '--' ? args.slice(1) : args
  if (format === undefined) return fault('usage: printf [-v var] format [arguments]') + 1
  let at = 0
  do {
    const before = at
    let result = ''
    const pattern = /%([-+ 0#]*)(\*|\d{0,4})(?:\.(\d{1,4}))?([bcdiouxXeEfgGsq%])|([^%]+|%)/g
    const { text, stop } = escapes(format, false)
    for (let m = pattern.exec(text); m; m = pattern.exec(text)) {
      if (m[5] !== undefined) {
        result += m[5]
        continue
      }
      const [, flags = '', given = '', precision, kind] = m
      if (kind === '%') {
        result += '%'
        continue
      }
      const width = given === '*' ? integer(values[at++] ?? '0') : Number(given)
      const value = values[at++] ?? ''
      let body: string
      if (kind === 's' || kind === 'q') body = precision === undefined ? value : value.slice(0, Number(precision))
      else if (kind === 'b') body = escapes(value, false).text
      else if (kind === 'c') body = value.slice(0, 1)
      else if ('eEfgG'.includes(kind as string)) body = (Number(value) || 0).toFixed(precision === undefined ? 6 : Math.min(20, Number(precision)))
      else {
        const n = integer(value || '0')
        body = kind === 'x' ? n.toString(16) : kind === 'X' ? n.toString(16).toUpperCase() : kind === 'o' ? n.toString(8) : String(n)
        if (flags.includes('+') && n >= 0) body = `+${body}`
        if (flags.includes('#') && (kind === 'x' || kind === 'X')) body = `0x${body}`
      }
      const pad = Math.min(width, 4000)
      result += flags.includes('-') ? body.padEnd(pad) : body.padStart(pad, flags.includes('0') && kind !== 's' ? '0' : ' ')
    }
    out(result)
    if (stop || at === before) break
  } while (at < values.length)
  return 0
}
