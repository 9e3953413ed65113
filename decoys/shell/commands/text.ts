/** Programs that read text. Every pattern of an attacker is compiled with bounds; see `line-pattern.ts`. */
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { runAwk } from './awk.ts'
import { runSed } from './sed.ts'
import { endless } from '../redirect.ts'
import { linesOf, texts } from './text-input.ts'

const count = (flags: Map<string, string>, args: string[]): { n: number; from: boolean; bytes: boolean } => {
  const short = args.find((a) => /^-\d+$/.test(a))
  const text = flags.get('c') ?? flags.get('n') ?? short?.slice(1) ?? '10'
  return { n: Math.abs(Number.parseInt(text, 10)) || 0, from: text.startsWith('+'), bytes: flags.has('c') }
}
/** Characters of a set for `tr`. */
function trSet(text: string): string[] {
  const classes: Record<string, string> = {
    '[:upper:]': 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    '[:lower:]': 'abcdefghijklmnopqrstuvwxyz',
    '[:digit:]': '0123456789',
    '[:space:]': ' \t\n\r\v\f',
    '[:alpha:]': 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    '[:alnum:]': '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    '[:punct:]': '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
  }
  const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', 0: '\0' }
  let set = text
  for (const [name, value] of Object.entries(classes)) set = set.split(name).join(value)
  const list: string[] = []
  for (let i = 0; i < set.length && list.length < 1000; i++) {
    let c = set[i] as string
    if (c === '\\' && i + 1 < set.length) {
      const octal = /^[0-7]{1,3}/.exec(set.slice(i + 1, i + 4))?.[0]
      c = octal ? String.fromCharCode(Number.parseInt(octal, 8) & 255) : (escapes[set[i + 1] as string] ?? (set[i + 1] as string))
      i += octal ? octal.length : 1
    }
    const to = set[i + 2]
    if (set[i + 1] === '-' && to !== undefined && to >= c) {
      for (let code = c.charCodeAt(0); code <= to.charCodeAt(0); code++) list.push(String.fromCharCode(code))
      i += 2
    } else list.push(c)
  }
  return list
}

/** head of one endless or live input: stops as soon as it has enough. Undefined when it is not that. */
async function first(run: Run, args: string[]): Promise<number | undefined> {
  const { flags, rest } = options(
    args.map((a, i) => (/^-\d+$/.test(a) && !/^-[nc]$/.test(args[i - 1] ?? '') ? `-n${a.slice(1)}` : a)),
    'n:c:qv',
    { lines: 'n', bytes: 'c' },
  )
  const wanted = flags.get('c') ?? flags.get('n') ?? '10'
  const input =
    rest.length === 0 || (rest.length === 1 && rest[0] === '-')
      ? run.input
      : rest.length === 1
        ? endless(run.shell, run.shell.path(rest[0] as string))
        : undefined
  const m = /^(\d{1,9})([kKM]?)$/.exec(wanted)
  if (!input || !m) return undefined
  let left = Number(m[1]) * ({ k: 1024, K: 1024, M: 1_048_576 }[m[2] as string] ?? 1)
  if (flags.has('c')) {
    while (left > 0) {
      const piece = await input.read()
      if (piece === null) break
      run.out(piece.slice(0, left))
      left -= piece.length
      await run.shell.flow()
    }
    return 0
  }
  for (; left > 0; left--) {
    const line = await input.line()
    if (line === null) break
    run.out(input.cut ? line : `${line}\n`)
  }
  return 0
}

export const textCommands: CommandTable = {
  async cat(run, args) {
    const { flags, rest, bad } = options(args, 'nbAevtsuTE', { 'show-all': 'A', number: 'n' })
    if (bad !== undefined) return run.fault(`invalid option -- '${bad}'\nTry 'cat --help' for more information.`)
    const plain = !['n', 'A', 'v', 'e', 'b'].some((flag) => flags.has(flag))
    const pass = async (input: { read(): Promise<string | null> }): Promise<void> => {
      for (let piece = await input.read(); piece !== null; piece = await input.read()) {
        run.out(piece)
        await run.shell.flow()
      }
    }
    if (plain && rest.length === 0) {
      await pass(run.input)
      return 0
    }
    const device = rest.length === 1 ? endless(run.shell, run.shell.path(rest[0] as string)) : undefined
    if (plain && device) await pass(device)
    const { list, status } = await texts(run, rest)
    let line = 0
    for (const { text } of list) {
      if (flags.has('n')) for (const one of linesOf(text)) run.out(`${String(++line).padStart(6)}\t${one}\n`)
      else if (flags.has('A') || flags.has('v') || flags.has('e'))
        run.out(text.replace(/[\0-\x08\x0b-\x1f]/g, (c) => `^${String.fromCharCode(c.charCodeAt(0) + 64)}`).replaceAll('\n', '$\n'))
      else run.out(text)
    }
    return status
  },
  async tac(run, args) {
    const { list, status } = await texts(run, args)
    for (const { text } of list)
      run.out(
        linesOf(text)
          .reverse()
          .map((l) => `${l}\n`)
          .join(''),
      )
    return status
  },
  async head(run, args) {
    const stream = await first(run, args)
    if (stream !== undefined) return stream
    const { flags, rest } = options(
      args.map((a, i) => (/^-\d+$/.test(a) && !/^-[nc]$/.test(args[i - 1] ?? '') ? `-n${a.slice(1)}` : a)),
      'n:c:qv',
      { lines: 'n', bytes: 'c' },
    )
    const { n, bytes } = count(flags, args)
    const { list, status } = await texts(run, rest)
    const minus = (flags.get('n') ?? '').startsWith('-')
    list.forEach(({ name, text }, i) => {
      if (list.length > 1 && !flags.has('q')) run.out(`${i > 0 ? '\n' : ''}==> ${name} <==\n`)
      if (bytes) {
        run.out(text.slice(0, n))
        return
      }
      let at = 0
      const lines = minus ? Math.max(0, linesOf(text).length - n) : n
      for (let k = 0; k < lines && at < text.length; k++) {
        const next = text.indexOf('\n', at)
        at = next === -1 ? text.length : next + 1
      }
      run.out(text.slice(0, at))
    })
    return status
  },
  async tail(run, args) {
    const { flags, rest } = options(
      args.map((a, i) => (/^-\d+$/.test(a) && !/^-[nc]$/.test(args[i - 1] ?? '') ? `-n${a.slice(1)}` : a)),
      'n:c:fFqs:',
      { lines: 'n', follow: 'f' },
    )
    const { n, from, bytes } = count(flags, args)
    const { list, status } = await texts(run, rest)
    list.forEach(({ name, text }, i) => {
      if (list.length > 1) run.out(`${i > 0 ? '\n' : ''}==> ${name} <==\n`)
      if (bytes) {
        run.out(from ? text.slice(n - 1) : n === 0 ? '' : text.slice(-n))
        return
      }
      const lines = linesOf(text)
      run.out((from ? lines.slice(Math.max(0, n - 1)) : n === 0 ? [] : lines.slice(-n)).map((l) => `${l}\n`).join(''))
    })
    if (flags.has('f') || flags.has('F')) await run.shell.pause(3_600_000)
    return status
  },
  async more(run, args) {
    const { list, status } = await texts(run, args)
    for (const { text } of list) run.out(text)
    return status
  },
  async less(run, args) {
    const { list, status } = await texts(
      run,
      args.filter((a) => !a.startsWith('-')),
    )
    for (const { text } of list) run.out(text)
    return status
  },
  zcat: (run, args) => run.fault(`${args[0] ?? 'stdin'}: not in gzip format`),
  async wc(run, args) {
    const { flags, rest } = options(args, 'lwcmL', { lines: 'l', words: 'w', bytes: 'c' })
    const { list, status } = await texts(run, rest)
    const total = [0, 0, 0]
    const which = [0, 1, 2].filter((i) => flags.size === 0 || flags.has('lwc'[i] as string) || (i === 2 && flags.has('m')))
    const rows = list.map(({ name, text }) => {
      const n = [text.split('\n').length - 1, text.split(/\s+/).filter(Boolean).length, text.length]
      n.forEach((v, i) => {
        total[i] = (total[i] as number) + v
      })
      return { name: name === '-' ? '' : name, n }
    })
    if (rows.length > 1) rows.push({ name: 'total', n: total })
    const wide = which.length === 1 && rows.length === 1 ? 0 : rest.length === 0 ? 7 : Math.max(...rows.flatMap((row) => row.n.map((v) => String(v).length)))
    for (const { name, n } of rows) run.out(`${which.map((i) => String(n[i]).padStart(wide)).join(' ')}${name ? ` ${name}` : ''}\n`)
    return status
  },
  async sort(run, args) {
    const { flags, rest } = options(args, 'nruk:t:fbhVgo:s', { numeric: 'n', reverse: 'r', unique: 'u', 'human-numeric-sort': 'h' })
    const { list, status } = await texts(run, rest)
    let lines = list.flatMap(({ text }) => linesOf(text))
    const key = flags.get('k')
    const column = key ? Number.parseInt(key, 10) : 0
    const numeric = flags.has('n') || flags.has('g') || flags.has('h') || /\d[nh]/.test(key ?? '')
    const separator = flags.get('t')
    const of = (line: string): string =>
      column > 0 ? ((separator ? line.split(separator) : line.trim().split(/\s+/)).slice(column - 1).join(' ') ?? '') : line
    const scale = (text: string): number => (Number.parseFloat(text) || 0) * ({ K: 1e3, M: 1e6, G: 1e9, T: 1e12 }[/[\d.]([KMGT])/.exec(text)?.[1] ?? ''] ?? 1)
    lines.sort((a, b) => {
      const [x, y] = [of(a), of(b)]
      const by = numeric ? scale(x) - scale(y) : flags.has('f') ? (x.toLowerCase() < y.toLowerCase() ? -1 : 1) : x < y ? -1 : x > y ? 1 : 0
      return by || (a < b ? -1 : a > b ? 1 : 0)
    })
    if (flags.has('r') || /r/.test(key ?? '')) lines.reverse()
    if (flags.has('u')) lines = lines.filter((line, i) => i === 0 || of(line) !== of(lines[i - 1] as string))
    run.out(lines.map((l) => `${l}\n`).join(''))
    return status
  },
  async uniq(run, args) {
    const { flags, rest } = options(args, 'cdui', { count: 'c', repeated: 'd' })
    const { list, status } = await texts(run, rest.slice(0, 1))
    const groups: { line: string; n: number }[] = []
    for (const line of list.flatMap(({ text }) => linesOf(text))) {
      const last = groups.at(-1)
      if (last && (flags.has('i') ? last.line.toLowerCase() === line.toLowerCase() : last.line === line)) last.n++
      else groups.push({ line, n: 1 })
    }
    for (const { line, n } of groups)
      if (!(flags.has('d') && n === 1) && !(flags.has('u') && n > 1)) run.out(`${flags.has('c') ? `${String(n).padStart(7)} ` : ''}${line}\n`)
    return status
  },
  async cut(run, args) {
    const { flags, rest } = options(args, 'd:f:c:b:s', { delimiter: 'd', fields: 'f' })
    const spec = flags.get('f') ?? flags.get('c') ?? flags.get('b')
    if (spec === undefined) return run.fault("you must specify a list of bytes, characters, or fields\nTry 'cut --help' for more information.")
    const ranges = spec.split(',').map((part) => {
      const [a = '', b] = part.split('-', 2)
      return [Number(a) || 1, b === undefined ? Number(a) || 1 : Number(b) || Number.POSITIVE_INFINITY] as const
    })
    const inside = (n: number): boolean => ranges.some(([a, b]) => n >= a && n <= b)
    const delimiter = flags.get('d') ?? '\t'
    const { list, status } = await texts(run, rest)
    for (const line of list.flatMap(({ text }) => linesOf(text))) {
      if (!flags.has('f')) run.out(`${[...line].filter((_, i) => inside(i + 1)).join('')}\n`)
      else if (!line.includes(delimiter)) run.out(flags.has('s') ? '' : `${line}\n`)
      else
        run.out(
          `${line
            .split(delimiter)
            .filter((_, i) => inside(i + 1))
            .join(delimiter)}\n`,
        )
    }
    return status
  },
  async tr(run, args) {
    const { flags, rest } = options(args, 'dscC', { delete: 'd', squeeze: 's' })
    const first = trSet(rest[0] ?? '')
    const second = trSet(rest[1] ?? '')
    const complement = flags.has('c') || flags.has('C')
    const position = new Map(first.map((c, i) => [c, i]))
    let last = ''
    for (let text = await run.input.read(); text !== null; text = await run.input.read()) {
      let result = ''
      for (const c of text) {
        const hit = position.has(c) !== complement
        if (hit && flags.has('d')) continue
        const to =
          hit && second.length > 0 ? (complement ? (second.at(-1) as string) : (second[Math.min(position.get(c) ?? 0, second.length - 1)] as string)) : c
        if (flags.has('s') && hit && to === last) continue
        result += to
        last = hit ? to : ''
      }
      run.out(result)
      await run.shell.flow()
    }
    return 0
  },
  async rev(run, args) {
    const { list, status } = await texts(run, args)
    for (const { text } of list)
      run.out(
        linesOf(text)
          .map((l) => `${[...l].reverse().join('')}\n`)
          .join(''),
      )
    return status
  },
  async nl(run, args) {
    const { list, status } = await texts(
      run,
      args.filter((a) => !a.startsWith('-')),
    )
    let n = 0
    for (const { text } of list) for (const line of linesOf(text)) run.out(line === '' ? '       \n' : `${String(++n).padStart(6)}\t${line}\n`)
    return status
  },
  async paste(run, args) {
    const { flags, rest } = options(args, 'sd:')
    const { list, status } = await texts(run, rest)
    const delimiter = flags.get('d') ?? '\t'
    if (flags.has('s')) for (const { text } of list) run.out(`${linesOf(text).join(delimiter)}\n`)
    else {
      const columns = list.map(({ text }) => linesOf(text))
      for (let i = 0; i < Math.max(0, ...columns.map((c) => c.length)); i++) run.out(`${columns.map((c) => c[i] ?? '').join(delimiter)}\n`)
    }
    return status
  },
  async fold(run, args) {
    const { flags, rest } = options(args, 'w:s')
    const wide = Math.max(1, Number(flags.get('w') ?? 80))
    const { list, status } = await texts(run, rest)
    for (const { text } of list)
      for (const line of linesOf(text)) for (let at = 0; at === 0 || at < line.length; at += wide) run.out(`${line.slice(at, at + wide)}\n`)
    return status
  },
  sed: runSed,
  awk: runAwk,
  gawk: runAwk,
  async diff(run, args) {
    const { list, status } = await texts(run, args.filter((a) => !a.startsWith('-')).slice(0, 2))
    if (status || list.length < 2) return 2
    const [a, b] = list.map(({ text }) => linesOf(text)) as [string[], string[]]
    let same = true
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      if (a[i] === b[i]) continue
      same = false
      run.out(`${i + 1}c${i + 1}\n${a[i] === undefined ? '' : `< ${a[i]}\n`}---\n${b[i] === undefined ? '' : `> ${b[i]}\n`}`)
    }
    return same ? 0 : 1
  },
  async cmp(run, args) {
    const { list } = await texts(run, args.filter((a) => !a.startsWith('-')).slice(0, 2))
    return list.length === 2 && list[0]?.text === list[1]?.text ? 0 : 1
  },
}
