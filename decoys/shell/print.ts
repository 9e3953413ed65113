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

export const printf: CommandMain = (run, args) => {
  let given = args[0] === '--' ? args.slice(1) : args
  let variable: string | undefined
  if (given[0] === '-v' && run.shell.dialect === 'bash') {
    variable = given[1]
    given = given.slice(2)
  }
  const [text, ...values] = given
  if (text === undefined) {
    run.err(
      run.shell.dialect === 'bash' ? 'printf: usage: printf [-v var] format [arguments]\n' : `${run.shell.label}: printf: usage: printf format [arg ...]\n`,
    )
    return 2
  }
  let status = 0
  const bad = (value: string): void => {
    run.err(`${run.shell.label}: printf: ${value}: invalid number\n`)
    status = 1
  }
  const source = escapes(text, false)
  let done = ''
  let at = 0
  do {
    const { text: piece, used, stop } = formatOnce(source.text, values.slice(at), bad)
    done += piece
    at += used
    if (stop || source.stop || used === 0) break
  } while (at < values.length)
  if (variable === undefined) run.out(done)
  else run.shell.set(variable, done)
  return status
}

/** Text by a format as awk's printf makes it: the format is used once. */
export const format = (text: string, values: string[]): string => formatOnce(text, values, () => {}).text

function formatOnce(text: string, values: string[], bad: (value: string) => void): { text: string; used: number; stop: boolean } {
  let at = 0
  let result = ''
  const pattern = /%([-+ 0#']*)(\*|\d{0,4})(?:\.(\*|\d{0,4}))?(?:hh|h|ll|l|q|L|j|z|t)?([bcdiouxXeEfFgGsq%])|([^%]+|%)/g
  for (let m = pattern.exec(text); m; m = pattern.exec(text)) {
    if (m[5] !== undefined) {
      result += m[5]
      continue
    }
    const [, flags = '', given = '', exact, kind = 's'] = m
    if (kind === '%') {
      result += '%'
      continue
    }
    const wide = given === '*' ? integer(values[at++] ?? '0') : Number(given)
    const precision = exact === undefined ? undefined : exact === '*' ? integer(values[at++] ?? '0') : Number(exact || 0)
    const value = values[at++] ?? ''
    let body: string
    if (kind === 's') body = precision === undefined ? value : value.slice(0, precision)
    else if (kind === 'q') body = value === '' ? "''" : value.replace(/[^\w/.:@%+,-]/g, '\\$&')
    else if (kind === 'b') {
      const inner = escapes(value, false)
      body = inner.text
      if (inner.stop) return { text: result + body, used: at, stop: true }
    } else if (kind === 'c') body = value.slice(0, 1)
    else {
      if (value !== '' && !/^['"]|^\s*[-+]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)\s*$/.test(value)) bad(value)
      body = 'eEfFgG'.includes(kind) ? float(Number.parseFloat(value) || 0, kind, precision) : whole(value, kind, flags, precision)
      if (flags.includes('+') && !body.startsWith('-') && 'dieEfFgG'.includes(kind)) body = `+${body}`
      else if (flags.includes(' ') && !body.startsWith('-') && 'dieEfFgG'.includes(kind)) body = ` ${body}`
    }
    const size = Math.min(Math.abs(wide), 4000)
    const zero = flags.includes('0') && !flags.includes('-') && !'scbq'.includes(kind) && !(precision !== undefined && 'diouxX'.includes(kind))
    if (zero && body.length < size) {
      const sign = /^[-+ ]|^0[xX]/.exec(body)?.[0] ?? ''
      body = sign + body.slice(sign.length).padStart(size - sign.length, '0')
    }
    result += flags.includes('-') || wide < 0 ? body.padEnd(size) : body.padStart(size)
  }
  return { text: result, used: at, stop: false }
}

function whole(value: string, kind: string, flags: string, precision: number | undefined): string {
  const n = integer(value || '0')
  const unsigned = n < 0 && 'ouxX'.includes(kind) ? BigInt.asUintN(64, BigInt(n)) : BigInt(n)
  const base = kind === 'x' || kind === 'X' ? 16 : kind === 'o' ? 8 : 10
  let digits = (unsigned < 0n ? -unsigned : unsigned).toString(base)
  if (kind === 'X') digits = digits.toUpperCase()
  if (precision !== undefined) digits = digits.padStart(Math.min(precision, 100), '0')
  if (flags.includes('#') && n !== 0) digits = (kind === 'x' ? '0x' : kind === 'X' ? '0X' : kind === 'o' ? '0' : '') + digits
  return unsigned < 0n ? `-${digits}` : digits
}

function float(n: number, kind: string, given: number | undefined): string {
  const precision = Math.min(given ?? 6, 40)
  const exponent = (text: string): string => text.replace(/e([-+])(\d)$/, 'e$10$2')
  let body: string
  if (kind === 'f' || kind === 'F') body = n.toFixed(precision)
  else if (kind === 'e' || kind === 'E') body = exponent(n.toExponential(precision))
  else {
    const digits = Math.max(1, precision)
    const power = n === 0 ? 0 : Math.floor(Math.log10(Math.abs(n)))
    body = power < -4 || power >= digits ? exponent(n.toExponential(digits - 1).replace(/\.?0+e/, 'e')) : n.toPrecision(digits)
    if (body.includes('.') && !body.includes('e')) body = body.replace(/\.?0+$/, '')
  }
  return kind === 'E' || kind === 'G' ? body.toUpperCase() : body
}
