/** `test`, `[` and `[[`. */
import type { CommandMain, Run } from './command.ts'

export const test: CommandMain = (run, args) => {
  let at = 0
  let fault = ''
  const one = (): boolean => {
    const token = args[at]
    if (token === undefined) return false
    if (token === '!') {
      at++
      return !one()
    }
    if (token === '(') {
      at++
      const value = either()
      at++
      return value
    }
    const operator = args[at + 1]
    if (operator !== undefined && binary[operator] && args[at + 2] !== undefined) {
      at += 3
      const [left, right] = [token, args[at - 1] as string]
      if (/^-(?:eq|ne|gt|lt|ge|le)$/.test(operator)) {
        for (const side of [left, right]) {
          if (!/^\s*[-+]?\d+\s*$/.test(side)) fault ||= run.shell.ash ? `${side}: bad number` : `${side}: integer expression expected`
        }
      }
      return binary[operator]?.(left, right, run) ?? false
    }
    if (/^-[a-zA-Z]$/.test(token) && args[at + 1] !== undefined && unary[token]) {
      at += 2
      return unary[token]?.(args[at - 1] as string, run) ?? false
    }
    at++
    return token !== ''
  }
  const both = (): boolean => {
    let value = one()
    while (args[at] === '-a' || args[at] === '&&') {
      at++
      const next = one()
      value = value && next
    }
    return value
  }
  const either = (): boolean => {
    let value = both()
    while (args[at] === '-o' || args[at] === '||') {
      at++
      const next = both()
      value = value || next
    }
    return value
  }
  const value = either()
  if (!fault && at < args.length)
    fault = run.shell.ash
      ? `${args[at]}: unknown operand`
      : args.length > 3
        ? 'too many arguments'
        : args.length === 2
          ? `${args[0]}: unary operator expected`
          : `${args[at]}: binary operator expected`
  if (fault) {
    run.err(`${run.shell.label}: ${run.name}: ${fault}\n`)
    return 2
  }
  return value ? 0 : 1
}

const number = (text: string): number => Number.parseInt(text, 10) || 0
const statOf = (path: string, { shell, seat }: Run, follow = true) => {
  try {
    return path === '' ? undefined : seat.fs.stat(shell.path(path), follow)
  } catch {
    return undefined
  }
}

/** Operators between two values. */
export const binary: Record<string, (a: string, b: string, run: Run) => boolean> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '-eq': (a, b) => number(a) === number(b),
  '-ne': (a, b) => number(a) !== number(b),
  '-gt': (a, b) => number(a) > number(b),
  '-ge': (a, b) => number(a) >= number(b),
  '-lt': (a, b) => number(a) < number(b),
  '-le': (a, b) => number(a) <= number(b),
  '-nt': (a, b, run) => (statOf(a, run)?.mtime ?? 0) > (statOf(b, run)?.mtime ?? 0),
  '-ot': (a, b, run) => (statOf(a, run)?.mtime ?? 0) < (statOf(b, run)?.mtime ?? 0),
}

/** Operators before a value. */
export const unary: Record<string, (a: string, run: Run) => boolean> = {
  '-n': (a) => a !== '',
  '-z': (a) => a === '',
  '-e': (a, run) => statOf(a, run) !== undefined,
  '-a': (a, run) => statOf(a, run) !== undefined,
  '-f': (a, run) => statOf(a, run)?.kind === 'file',
  '-d': (a, run) => statOf(a, run)?.kind === 'directory',
  '-L': (a, run) => statOf(a, run, false)?.kind === 'link',
  '-h': (a, run) => statOf(a, run, false)?.kind === 'link',
  '-s': (a, run) => (statOf(a, run)?.size ?? 0) > 0,
  '-r': (a, run) => run.seat.fs.may(run.shell.path(a), 'r'),
  '-w': (a, run) => run.seat.fs.may(run.shell.path(a), 'w'),
  '-x': (a, run) => run.seat.fs.may(run.shell.path(a), 'x'),
  '-b': (a, run) => statOf(a, run)?.kind === 'block',
  '-c': (a, run) => statOf(a, run)?.kind === 'character',
  '-p': (a, run) => statOf(a, run)?.kind === 'fifo',
  '-S': (a, run) => statOf(a, run)?.kind === 'socket',
  '-u': (a, run) => ((statOf(a, run)?.mode ?? 0) & 0o4000) !== 0,
  '-k': (a, run) => ((statOf(a, run)?.mode ?? 0) & 0o1000) !== 0,
  '-g': (a, run) => ((statOf(a, run)?.mode ?? 0) & 0o2000) !== 0,
  '-O': (a, run) => statOf(a, run)?.uid === run.seat.user.uid,
  '-t': (_, run) => run.toTerminal,
  '-v': (a, run) => run.shell.get(a) !== undefined,
}
