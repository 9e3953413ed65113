/** grep and its names. */
import type { CommandTable } from '../command.ts'
import { options } from '../command.ts'
import { readAll } from '../io.ts'
import { linePattern } from '../line-pattern.ts'
import { reasonOf } from '../seat.ts'
import { linesOf } from './text-input.ts'

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
  if (!find)
    return run.fault(pattern.includes('[') && !pattern.includes(']') ? 'Unmatched [ or [^' : extended ? 'Unmatched ( or \\(' : 'Unmatched ( or \\(') + 1
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
export const grepCommands: CommandTable = {
  grep,
  egrep: grep,
  fgrep: grep,
}
