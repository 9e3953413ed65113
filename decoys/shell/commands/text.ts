/** Programs that read text. Every pattern of an attacker is compiled with bounds; see `line-pattern.ts`. */
import { createHash } from 'node:crypto'
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { readAll } from '../io.ts'
import { linePattern } from '../line-pattern.ts'
import { reasonOf } from '../seat.ts'
import { runAwk } from './awk.ts'
import { runSed } from './sed.ts'

/** Text of operands, `-` and none being standard input; faults are said. */
export async function texts(run: Run, operands: string[]): Promise<{ list: { name: string; text: string }[]; status: number }> {
  const list: { name: string; text: string }[] = []
  let status = 0
  for (const operand of operands.length > 0 ? operands : ['-']) {
    if (operand === '-') {
      list.push({ name: '-', text: await readAll(run.input) })
      continue
    }
    try {
      list.push({ name: operand, text: run.seat.fs.read(run.shell.path(operand)).toString('latin1') })
    } catch (error) {
      const reason = reasonOf(error)
      run.err(
        run.shell.ash && reason !== 'Is a directory'
          ? `${run.name}: can't open '${operand}': ${reason}\n`
          : `${run.name}: ${run.name === 'head' || run.name === 'tail' ? `cannot open '${operand}' for reading: ` : `${operand}: `}${reason}\n`,
      )
      status = 1
    }
  }
  return { list, status }
}

const linesOf = (text: string): string[] => {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function hash(algorithm: string): CommandTable[string] {
  return async (run, args) => {
    const { list, status } = await texts(
      run,
      args.filter((a) => !a.startsWith('-') || a === '-'),
    )
    for (const { name, text } of list) run.out(`${createHash(algorithm).update(text, 'latin1').digest('hex')}  ${name}\n`)
    return status
  }
}

const count = (flags: Map<string, string>, args: string[]): { n: number; from: boolean; bytes: boolean } => {
  const short = args.find((a) => /^-\d+$/.test(a))
  const text = flags.get('c') ?? flags.get('n') ?? short?.slice(1) ?? '10'
  return { n: Math.abs(Number.parseInt(text, 10)) || 0, from: text.startsWith('+'), bytes: flags.has('c') }
}

const grep: CommandTable[string] = async (run, args) => {
  const { flags, rest, bad } = options(args, 'EFGivnclLqrRowsxaHhPe:m:A:B:C:f:zI', {
    'ignore-case': 'i',
    invert: 'v',
    'invert-match': 'v',
    count: 'c',
    quiet: 'q',
    recursive: 'r',
    color: '!',
    colour: '!',
    'only-matching': 'o',
    'line-number': 'n',
    include: '?',
    exclude: '?',
    text: 'a',
  })
  if (bad !== undefined) return run.fault(`invalid option -- '${bad}'\nUsage: grep [OPTION]... PATTERN [FILE]...\nTry 'grep --help' for more information.`) + 1
  const pattern = flags.get('e') ?? rest.shift()
  if (pattern === undefined) {
    run.err("Usage: grep [OPTION]... PATTERN [FILE]...\nTry 'grep --help' for more information.\n")
    return 2
  }
  const extended = flags.has('E') || flags.has('P') || run.name === 'egrep'
  const find = linePattern(pattern, {
    extended,
    fixed: flags.has('F') || run.name === 'fgrep',
    ignoreCase: flags.has('i'),
    word: flags.has('w'),
    line: flags.has('x'),
  })
  if (!find) return run.fault(`Unmatched ( or \\(`) + 1
  const recursive = flags.has('r') || flags.has('R')
  let operands = rest
  let status = 1
  if (recursive) {
    operands = []
    const visit = (path: string, depth: number): void => {
      const stat = run.seat.world.files.stat(run.shell.path(path), depth === 0)
      if (!stat || operands.length > 5000 || depth > 16) return
      if (stat.kind === 'file') operands.push(path)
      else if (stat.kind === 'directory' && !/^\/?(proc|sys)$/.test(path)) {
        try {
          for (const name of run.seat.fs.list(run.shell.path(path))) visit(path.endsWith('/') ? path + name : `${path}/${name}`, depth + 1)
        } catch (error) {
          if (!flags.has('s')) run.err(`grep: ${path}: ${reasonOf(error)}\n`)
        }
      }
    }
    for (const top of rest.length > 0 ? rest : ['.']) visit(top, 0)
  }
  const many = (operands.length > 1 || recursive) && !flags.has('h')
  const most = flags.has('m') ? Number(flags.get('m')) : Number.POSITIVE_INFINITY
  const [after, before] = [Number(flags.get('A') ?? flags.get('C') ?? 0), Number(flags.get('B') ?? flags.get('C') ?? 0)]
  const quiet = flags.has('q')
  let fault = 0
  for (const operand of operands.length > 0 ? operands : ['-']) {
    let text: string
    if (operand === '-') text = await readAll(run.input)
    else {
      try {
        text = run.seat.fs.read(run.shell.path(operand)).toString('latin1')
      } catch (error) {
        if (!flags.has('s')) run.err(`${run.name}: ${operand}: ${reasonOf(error)}\n`)
        fault = 2
        continue
      }
    }
    const label = many || flags.has('H') ? `${operand === '-' ? '(standard input)' : operand}:` : ''
    const binary = text.slice(0, 4096).includes('\0') && !flags.has('a')
    let hits = 0
    let shownTo = -1
    const lines = linesOf(text)
    for (let i = 0; i < lines.length && hits < most; i++) {
      if (i % 5000 === 4999) await run.shell.step()
      const line = lines[i] as string
      const at = find(line, 0)
      if ((at !== undefined) === flags.has('v')) continue
      hits++
      if (quiet) return 0
      if (flags.has('c') || flags.has('l') || flags.has('L')) continue
      if (binary) {
        run.out(`Binary file ${operand} matches\n`)
        break
      }
      const number = flags.has('n') ? `${i + 1}:` : ''
      if (flags.has('o')) {
        for (let m = at, guard = 0; m && guard < 1000; m = find(line, Math.max(m[1], m[0] + 1)), guard++)
          if (m[1] > m[0]) run.out(`${label}${number}${line.slice(m[0], m[1])}\n`)
        continue
      }
      if (before + after > 0 && shownTo >= 0 && i - before > shownTo + 1) run.out('--\n')
      for (let j = Math.max(shownTo + 1, i - before); j < i; j++) run.out(`${label.replace(/:$/, '-')}${flags.has('n') ? `${j + 1}-` : ''}${lines[j]}\n`)
      run.out(`${label}${number}${line}\n`)
      shownTo = i
      for (let j = i + 1; j <= Math.min(lines.length - 1, i + after) && find(lines[j] as string, 0) === undefined; j++) {
        run.out(`${label.replace(/:$/, '-')}${flags.has('n') ? `${j + 1}-` : ''}${lines[j]}\n`)
        shownTo = j
      }
    }
    if (hits > 0) status = 0
    if (flags.has('c')) run.out(`${label}${hits}\n`)
    else if (flags.has('l') ? hits > 0 : flags.has('L') && hits === 0) run.out(`${operand === '-' ? '(standard input)' : operand}\n`)
  }
  return fault || status
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

export const textCommands: CommandTable = {
  async cat(run, args) {
    const { flags, rest, bad } = options(args, 'nbAevtsuTE', { 'show-all': 'A', number: 'n' })
    if (bad !== undefined) return run.fault(`invalid option -- '${bad}'\nTry 'cat --help' for more information.`)
    if (rest.length === 0) {
      for (let piece = await run.input.read(); piece !== null; piece = await run.input.read()) run.out(piece)
      return 0
    }
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
    const { flags, rest } = options(
      args.filter((a) => !/^-\d+$/.test(a)),
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
      args.filter((a) => !/^-\d+$/.test(a)),
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
  grep,
  egrep: grep,
  fgrep: grep,
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
    const text = await readAll(run.input)
    const first = trSet(rest[0] ?? '')
    const second = trSet(rest[1] ?? '')
    const complement = flags.has('c') || flags.has('C')
    const position = new Map(first.map((c, i) => [c, i]))
    let result = ''
    let last = ''
    for (const c of text) {
      const hit = position.has(c) !== complement
      if (hit && flags.has('d')) continue
      const to = hit && second.length > 0 ? (complement ? (second.at(-1) as string) : (second[Math.min(position.get(c) ?? 0, second.length - 1)] as string)) : c
      if (flags.has('s') && hit && to === last) continue
      result += to
      last = hit ? to : ''
    }
    run.out(result)
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
  async strings(run, args) {
    const { list, status } = await texts(
      run,
      args.filter((a) => !a.startsWith('-')),
    )
    for (const { text } of list) for (const m of text.slice(0, 1_000_000).matchAll(/[\x20-\x7e\t]{4,}/g)) run.out(`${m[0]}\n`)
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
  md5sum: hash('md5'),
  sha1sum: hash('sha1'),
  sha256sum: hash('sha256'),
  sha512sum: hash('sha512'),
  async cksum(run, args) {
    const { list, status } = await texts(run, args)
    for (const { name, text } of list)
      run.out(`${Number.parseInt(createHash('md5').update(text, 'latin1').digest('hex').slice(0, 8), 16)} ${text.length}${name === '-' ? '' : ` ${name}`}\n`)
    return status
  },
  async base64(run, args) {
    const { flags, rest } = options(args, 'diw:', { decode: 'd', wrap: 'w' })
    const { list, status } = await texts(run, rest)
    for (const { text } of list) {
      if (flags.has('d')) run.out(Buffer.from(text, 'base64').toString('latin1'))
      else {
        const wide = Number(flags.get('w') ?? 76)
        const encoded = Buffer.from(text, 'latin1').toString('base64')
        run.out(wide > 0 ? encoded.replace(new RegExp(`.{1,${Math.min(wide, 9999)}}`, 'g'), '$&\n') : encoded)
      }
    }
    return status
  },
  async xxd(run, args) {
    const { flags, rest } = options(args, 'prl:c:s:g:ui', {})
    const { list, status } = await texts(run, rest)
    for (const { text } of list) {
      const bytes = Buffer.from(text.slice(0, flags.has('l') ? Number(flags.get('l')) : 262_144), 'latin1')
      if (flags.has('r')) run.out(Buffer.from(text.replace(/[^0-9a-fA-F]/g, ''), 'hex').toString('latin1'))
      else if (flags.has('p')) run.out(bytes.toString('hex').replace(/.{1,60}/g, '$&\n'))
      else for (let at = 0; at < bytes.length; at += 16) run.out(dumpLine(bytes, at))
    }
    return status
  },
  async hexdump(run, args) {
    const { flags, rest } = options(args, 'Cn:s:ve:')
    const { list, status } = await texts(run, rest)
    for (const { text } of list) {
      const bytes = Buffer.from(text.slice(0, flags.has('n') ? Number(flags.get('n')) : 262_144), 'latin1')
      for (let at = 0; at < bytes.length; at += 16) {
        const row = bytes.subarray(at, at + 16)
        const hex = [...row].map((b) => b.toString(16).padStart(2, '0'))
        run.out(
          flags.has('C')
            ? `${at.toString(16).padStart(8, '0')}  ${hex.slice(0, 8).join(' ').padEnd(23)}  ${hex.slice(8).join(' ').padEnd(23)}  |${[...row].map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('')}|\n`
            : `${at.toString(16).padStart(7, '0')} ${hex
                .join('')
                .replace(/(..)(..)/g, '$2$1 ')
                .trim()}\n`,
        )
      }
      run.out(`${bytes.length.toString(16).padStart(flags.has('C') ? 8 : 7, '0')}\n`)
    }
    return status
  },
  async od(run, args) {
    const { flags, rest } = options(args, 'cxbdAt:N:j:vn:An')
    const { list, status } = await texts(run, rest)
    for (const { text } of list) {
      const bytes = Buffer.from(text.slice(0, flags.has('N') ? Number(flags.get('N')) : 262_144), 'latin1')
      for (let at = 0; at < bytes.length; at += 16) {
        const row = [...bytes.subarray(at, at + 16)]
        run.out(
          `${at.toString(8).padStart(7, '0')}${row.map((b) => (flags.has('c') ? `   ${b === 10 ? '\\n' : b === 9 ? '\\t' : b === 0 ? '\\0' : b >= 32 && b < 127 ? ` ${String.fromCharCode(b)}` : b.toString(8).padStart(3, '0')}`.slice(-4) : /x/.test(flags.get('t') ?? '') ? ` ${b.toString(16).padStart(2, '0')}` : ` ${b.toString(8).padStart(3, '0')}`)).join('')}\n`,
        )
      }
      run.out(`${bytes.length.toString(8).padStart(7, '0')}\n`)
    }
    return status
  },
  seq(run, args) {
    const numbers = args.filter((a) => /^-?\d+(\.\d+)?$/.test(a)).map(Number)
    const [from = 1, step = 1, to = 1] = numbers.length === 1 ? [1, 1, numbers[0]] : numbers.length === 2 ? [numbers[0], 1, numbers[1]] : numbers
    const separator = args[0] === '-s' ? (args[1] ?? '\n') : '\n'
    const list: number[] = []
    for (let n = from; step > 0 ? n <= to : n >= to; n += step) {
      list.push(n)
      if (list.length >= 200_000 || step === 0) break
    }
    if (list.length > 0) run.out(`${list.join(separator)}\n`)
    return 0
  },
  async yes(run, args) {
    const line = `${args.join(' ') || 'y'}\n`
    const block = line.repeat(Math.ceil(4096 / line.length))
    for (;;) {
      run.out(block)
      if (run.toTerminal) await run.shell.pause(10)
      else run.shell.check()
    }
  },
  async xargs(run, args) {
    const { flags, rest } = options(args.slice(0, optionEnd(args)), 'n:I:0rtP:d:L:i')
    const command = [...rest, ...args.slice(optionEnd(args))]
    const text = await readAll(run.input)
    const items = flags.has('0') ? text.split('\0').filter(Boolean) : flags.has('I') ? linesOf(text) : text.split(/\s+/).filter(Boolean)
    if (items.length === 0 && flags.has('r')) return 0
    const [name = 'echo', ...before] = command
    const size = flags.has('I') ? 1 : Math.max(1, Number(flags.get('n') ?? flags.get('L') ?? 5000))
    let status = 0
    for (let at = 0; at === 0 || at < Math.min(items.length, 5000); at += size) {
      const some = items.slice(at, at + size)
      const mark = flags.get('I')
      const words = mark ? before.map((word) => word.replaceAll(mark, some[0] ?? '')) : [...before, ...some]
      await run.shell.step()
      const code = await run.shell.call(name, words, run)
      if (code !== 0) status = code === 127 ? 127 : 123
    }
    return status
  },
  async expr(run, args) {
    const [a = '', operator, b = ''] = args
    if (args.length === 3 && operator && ['+', '-', '*', '/', '%'].includes(operator)) {
      if (!/^-?\d+$/.test(a) || !/^-?\d+$/.test(b)) return run.fault('non-integer argument') + 1
      if (Number(b) === 0 && (operator === '/' || operator === '%')) return run.fault('division by zero') + 1
      const value = run.shell.evaluate(`${a} ${operator} ${b}`)
      run.out(`${value}\n`)
      return value === 0 ? 1 : 0
    }
    if (a === 'length') run.out(`${(operator ?? '').length}\n`)
    else if (operator === ':') run.out(`${linePattern(`^${b}`, {})?.(a, 0)?.[1] ?? 0}\n`)
    else if (operator && ['=', '!=', '<', '>', '<=', '>='].includes(operator)) {
      const hit = operator === '=' ? a === b : operator === '!=' ? a !== b : run.shell.evaluate(`${Number(a) || 0} ${operator} ${Number(b) || 0}`) !== 0
      run.out(hit ? '1\n' : '0\n')
      return hit ? 0 : 1
    } else run.out(`${a}\n`)
    return 0
  },
}

/** Where xargs' own options end and the command begins. */
function optionEnd(args: string[]): number {
  let i = 0
  while (i < args.length && (args[i] as string).startsWith('-')) i += /^-[nIPdL]$/.test(args[i] as string) ? 2 : 1
  return Math.min(i, args.length)
}

function dumpLine(bytes: Buffer, at: number): string {
  const row = bytes.subarray(at, at + 16)
  const hex = row
    .toString('hex')
    .replace(/.{1,4}/g, '$& ')
    .padEnd(40)
  return `${at.toString(16).padStart(8, '0')}: ${hex} ${[...row].map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('')}\n`
}
