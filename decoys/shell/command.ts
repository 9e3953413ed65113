/** What a command is given. */
import type { Seat } from './seat.ts'
import type { LineReader } from './io.ts'
import type { Shell } from './shell.ts'

export interface Run {
  readonly shell: Shell
  readonly seat: Seat
  /** Name it was called by. */
  readonly name: string
  readonly input: LineReader
  /** Whether standard output is the terminal. */
  readonly toTerminal: boolean
  out(text: string): void
  err(text: string): void
  /** `text` and a newline on standard error, with the command's name before it. */
  fault(text: string): number
}

/** Runs with its arguments (without its name); resolves with the exit code. */
export type CommandMain = (run: Run, args: string[]) => number | Promise<number>

/** Commands by name. */
export type CommandTable = Record<string, CommandMain>

/** Short options of `letters` (a letter followed by `:` takes a value), long ones by name; the rest are operands. */
export function options(args: string[], letters: string, long: Record<string, string> = {}): { flags: Map<string, string>; rest: string[]; bad?: string } {
  const flags = new Map<string, string>()
  const rest: string[] = []
  let bad: string | undefined
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    if (arg === '--') {
      rest.push(...args.slice(i + 1))
      break
    }
    if (arg.startsWith('--') && arg.length > 2) {
      const [name = '', value] = arg.slice(2).split('=', 2)
      const letter = long[name]
      if (letter === undefined) bad ??= arg
      else flags.set(letter, value ?? '')
    } else if (arg.startsWith('-') && arg.length > 1) {
      for (let j = 1; j < arg.length; j++) {
        const letter = arg[j] as string
        const at = letters.indexOf(letter)
        if (at === -1 || letter === ':') {
          bad ??= letter
          break
        }
        if (letters[at + 1] === ':') {
          const value = arg.slice(j + 1) || args[++i]
          if (value === undefined) bad ??= letter
          else flags.set(letter, value)
          break
        }
        flags.set(letter, '')
      }
    } else rest.push(arg)
  }
  return { flags, rest, bad }
}

/** Prints and succeeds. */
export const say = (run: Run, text: string): number => {
  run.out(text)
  return 0
}

/** Says what is wrong, as it stands, and gives the exit code. */
export const complain = (run: Run, text: string, code: number): number => {
  run.err(text)
  return code
}
