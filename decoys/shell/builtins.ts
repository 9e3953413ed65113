/** Commands of the shell itself. */
import { jobBuiltins } from './builtins-jobs.ts'
import { variableBuiltins } from './builtins-variables.ts'
import type { CommandTable, Run } from './command.ts'
import { Interrupted, Leave } from './control.ts'
import { PipeClosed } from './io.ts'
import { echo, printf } from './print.ts'
import { reasonOf } from './seat.ts'
import type { Shell } from './shell.ts'
import { test } from './test-command.ts'

const count = (text: string | undefined): number => Math.max(1, Math.floor(Number(text ?? 1)) || 1)

export const builtins: CommandTable = {
  ...variableBuiltins,
  ...jobBuiltins,
  ':': () => 0,
  true: () => 0,
  false: () => 1,
  echo,
  printf,
  test,
  '[': (run, args) => (args.at(-1) === ']' ? test(run, args.slice(0, -1)) : (run.err(`${run.shell.label}: [: missing \`]'\n`), 2)),
  '[[': (run, args) => (args.at(-1) === ']]' ? test(run, args.slice(0, -1)) : (run.err(`${run.shell.label}: [[: missing \`]]'\n`), 2)),
  cd({ shell, out, err }, args) {
    const operand = args.filter((a) => a !== '-P' && a !== '-L' && a !== '--')[0]
    const target = operand === undefined ? (shell.get('HOME') ?? '/') : operand === '-' ? shell.previous || shell.directory : operand
    const path = shell.path(target)
    const stat = shell.seat.fs.stat(path)
    const reason = !stat ? 'No such file or directory' : stat.kind !== 'directory' ? 'Not a directory' : shell.seat.fs.may(path, 'x') ? '' : 'Permission denied'
    if (reason) {
      err(
        shell.ash
          ? `${shell.label}: cd: can't cd to ${target}${reason === 'No such file or directory' ? `: ${reason}` : ''}\n`
          : `${shell.label}: cd: ${target}: ${reason}\n`,
      )
      return shell.ash ? 2 : 1
    }
    shell.previous = shell.directory
    // the name as it was given stays, as long as it is plain; `..` follows it
    const parts: string[] = []
    for (const part of path.split('/')) {
      if (part === '..') parts.pop()
      else if (part !== '' && part !== '.') parts.push(part)
    }
    shell.directory = `/${parts.join('/')}`
    shell.variables.set('PWD', shell.directory)
    shell.variables.set('OLDPWD', shell.previous)
    if (operand === '-') out(`${shell.directory}\n`)
    return 0
  },
  pwd({ shell, out }) {
    out(`${shell.directory}\n`)
    return 0
  },
  alias({ shell, out, err }, args) {
    if (args.length === 0) for (const [name, value] of shell.aliases) out(`${shell.ash ? '' : 'alias '}${name}='${value}'\n`)
    for (const arg of args) {
      const at = arg.indexOf('=')
      if (at > 0 && shell.aliases.size < 100) shell.aliases.set(arg.slice(0, at), arg.slice(at + 1))
      else if (shell.aliases.has(arg)) out(`alias ${arg}='${shell.aliases.get(arg)}'\n`)
      else {
        err(`${shell.label}: alias: ${arg}: not found\n`)
        return 1
      }
    }
    return 0
  },
  unalias({ shell }, args) {
    for (const name of args) shell.aliases.delete(name)
    if (args[0] === '-a') shell.aliases.clear()
    return 0
  },
  history({ shell, out, err }, args) {
    if (args[0]?.startsWith('-')) {
      if (args[0].includes('c')) {
        shell.history = []
        shell.historyFrom = 0
      }
      if (args[0].includes('d') && /^\d+$/.test(args[1] ?? '')) shell.history.splice(Number(args[1]) - 1, 1)
      if (/[wa]/.test(args[0])) {
        const path = shell.get('HISTFILE')
        const lines = args[0].includes('w') ? shell.history : shell.history.slice(shell.historyFrom)
        if (path && path !== '/dev/null')
          shell.seat.fs.write(path, Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'), { append: args[0].includes('a'), mode: 0o600 })
        shell.historyFrom = shell.history.length
      }
      return 0
    }
    if (args[0] !== undefined && !/^\d+$/.test(args[0])) {
      err(`${shell.label}: history: ${args[0]}: numeric argument required\n`)
      return 1
    }
    const from = args[0] && /^\d+$/.test(args[0]) ? Math.max(0, shell.history.length - Number(args[0])) : 0
    shell.history.slice(from).forEach((line, i) => {
      out(`${String(from + i + 1).padStart(5)}  ${line}\n`)
    })
    return 0
  },
  async exit({ shell, out, input, err, toTerminal }, args) {
    const before = shell.interactive ? shell.entered.pop() : undefined
    if (before) {
      out('exit\n')
      shell.seat.user = before.user
      shell.directory = before.directory
      shell.export('HOME', before.home ?? '/')
      shell.export('USER', before.name ?? before.user.name)
      shell.export('LOGNAME', before.user.name)
      return 0
    }
    if (args[0] !== undefined && !/^-?\d+$/.test(args[0])) {
      err(shell.dialect === 'bash' ? `${shell.label}: exit: ${args[0]}: numeric argument required\n` : `${shell.label}: exit: Illegal number: ${args[0]}\n`)
      throw new Leave('exit', shell.dialect === 'bash' ? 255 : 2)
    }
    const code = args[0] === undefined ? shell.status : Number(args[0]) & 255
    if (shell.interactive) {
      const trap = shell.traps.get('EXIT')
      if (trap !== undefined) await shell.execute(trap, { input, out, err, toTerminal })
    }
    throw new Leave('exit', code)
  },
  logout({ shell }) {
    throw new Leave('exit', shell.status)
  },
  return({ shell, err }, args) {
    if (shell.locals.length === 0 && !shell.scripted && shell.sourcing === 0) {
      err(`${shell.label}: return: can only \`return' from a function or sourced script\n`)
      return shell.dialect === 'bash' ? 1 : 0
    }
    throw new Leave('return', args[0] === undefined ? shell.status : Number(args[0]) & 255)
  },
  break: ({ shell, err }, args) => {
    if (shell.loops === 0) {
      if (shell.dialect === 'bash') err(`${shell.label}: break: only meaningful in a \`for', \`while', or \`until' loop\n`)
      return 0
    }
    throw new Leave('break', count(args[0]))
  },
  continue: ({ shell, err }, args) => {
    if (shell.loops === 0) {
      if (shell.dialect === 'bash') err(`${shell.label}: continue: only meaningful in a \`for', \`while', or \`until' loop\n`)
      return 0
    }
    throw new Leave('continue', count(args[0]))
  },
  async eval({ shell, input, out, err, toTerminal }, args) {
    return shell.execute(args.join(' '), { input, out, err, toTerminal })
  },
  async exec({ shell, input, out, err, toTerminal }, args) {
    if (args.length === 0) return 0
    if (!Object.hasOwn(builtins, args[0] as string) && !shell.find(args[0] as string) && shell.dialect === 'bash') {
      err(`${shell.label}: exec: ${args[0]}: ${args[0]?.includes('/') ? 'cannot execute: No such file or directory' : 'not found'}\n`)
      throw new Leave('exit', 127)
    }
    throw new Leave('exit', await shell.call(args[0] as string, args.slice(1), { input, out, err, toTerminal }))
  },
  async command({ shell, input, out, err, toTerminal }, args) {
    if (args[0] === '-v' || args[0] === '-V') return describe(shell, args.slice(1), out, err, args[0] === '-V')
    const [name = '', ...rest] = args.filter((a, i) => !(i === 0 && a === '-p'))
    const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined
    return builtin ? builtin(shell.run(name, { input, out, err, toTerminal }), rest) : shell.program(name, rest, { input, out, err, toTerminal })
  },
  async builtin({ shell, input, out, err, toTerminal }, args) {
    const [name = '', ...rest] = args
    const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined
    if (builtin) return builtin(shell.run(name, { input, out, err, toTerminal }), rest)
    err(`${shell.label}: builtin: ${name}: not a shell builtin\n`)
    return 1
  },
  type: ({ shell, out, err }, args) => {
    const kind = (name: string): string | undefined =>
      shell.aliases.has(name)
        ? 'alias'
        : shell.functions.has(name)
          ? 'function'
          : Object.hasOwn(builtins, name)
            ? 'builtin'
            : shell.find(name)
              ? 'file'
              : undefined
    if (args[0] === '-t') {
      const kinds = args.slice(1).map(kind)
      out(
        kinds
          .filter((one) => one !== undefined)
          .map((one) => `${one}\n`)
          .join(''),
      )
      return kinds.every((one) => one !== undefined) ? 0 : 1
    }
    return describe(
      shell,
      args.filter((a) => !a.startsWith('-')),
      out,
      err,
      true,
    )
  },
  source: (run, args) => source(run, args),
  '.': (run, args) => source(run, args),
  ulimit({ shell, out }, args) {
    const limits: [string, string, string][] = [
      ['core file size          (blocks, -c)', '-c', '0'],
      ['max locked memory       (kbytes, -l)', '-l', '64'],
      ['open files                      (-n)', '-n', '1024'],
      ['stack size              (kbytes, -s)', '-s', '8192'],
      ['cpu time               (seconds, -t)', '-t', 'unlimited'],
      ['max user processes              (-u)', '-u', String(Math.floor(shell.seat.world.host.memoryKiB / 128))],
    ]
    if (args.length > 1) return 0
    if (args[0] === '-a') for (const [name, , value] of limits) out(`${name} ${value}\n`)
    else out(`${limits.find(([, flag]) => flag === (args[0] ?? '-f'))?.[2] ?? 'unlimited'}\n`)
    return 0
  },
  hash: () => 0,
  suspend: () => 0,
  compgen: ({ shell, out }, args) => {
    if (args[0] === '-c') for (const name of [...Object.keys(builtins), ...shell.functions.keys()].sort()) out(`${name}\n`)
    return 0
  },
  shopt: () => 0,
  bind: () => 0,
  enable: () => 0,
  times: ({ out }) => {
    out('0m0.021s 0m0.013s\n0m0.000s 0m0.000s\n')
    return 0
  },
}

function describe(shell: Shell, names: string[], out: (text: string) => void, err: (text: string) => void, long: boolean): number {
  let missing = 0
  let found = false
  for (const name of names) {
    const path = shell.find(name)
    found ||= shell.aliases.has(name) || shell.functions.has(name) || Object.hasOwn(builtins, name) || path !== undefined
    if (shell.aliases.has(name)) out(long ? `${name} is aliased to \`${shell.aliases.get(name)}'\n` : `alias ${name}='${shell.aliases.get(name)}'\n`)
    else if (shell.functions.has(name)) out(long ? `${name} is a function\n` : `${name}\n`)
    else if (Object.hasOwn(builtins, name)) out(long ? `${name} is a shell builtin\n` : `${name}\n`)
    else if (path) out(long ? `${name} is ${path}\n` : `${path}\n`)
    else {
      if (long) err(shell.ash ? `${name}: not found\n` : `${shell.label}: type: ${name}: not found\n`)
      missing = shell.dialect === 'bash' ? 1 : 127
    }
  }
  return missing === 0 || (found && !long) ? 0 : missing
}

async function source(run: Run, args: string[]): Promise<number> {
  if (args.length > 0) run.shell.builtin = false // what is read speaks for itself
  const { shell, err } = run
  const name = args[0]
  if (name === undefined) {
    if (shell.dialect === 'bash') err(`${shell.label}: ${run.name}: filename argument required\n${run.name}: usage: ${run.name} filename [arguments]\n`)
    return 2
  }
  const before = shell.arguments
  shell.sourcing++
  try {
    if (args.length > 1) shell.arguments = args.slice(1)
    const text = shell.seat.fs.read(shell.path(name)).toString('latin1', 0, 1_000_000)
    return await shell.execute(text, run)
  } catch (error) {
    if (error instanceof Leave || error instanceof PipeClosed || error instanceof Interrupted || !(error instanceof Error && 'code' in error)) throw error
    err(shell.ash ? `${shell.label}: .: can't open '${name}'\n` : `${shell.label}: ${name}: ${reasonOf(error)}\n`)
    return shell.ash ? 2 : 1
  } finally {
    shell.sourcing--
    if (args.length > 1) shell.arguments = before
  }
}
