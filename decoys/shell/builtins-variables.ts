/** Builtins about variables, options and traps. */
import type { CommandTable, Run } from './command.ts'
import { options } from './command.ts'
import type { Shell } from './shell.ts'

const quoted = (value: string): string => (/[^\w/.:@%+,-]/.test(value) || value === '' ? `'${value.replaceAll("'", "'\\''")}'` : value)

/** `name`, `name=value` or `name+=value` of a declaring builtin; false and a fault when it is none. */
function declare(run: Run, arg: string, use: (name: string, value: string | undefined) => void): boolean {
  const match = /^([A-Za-z_]\w*)(?:(\+?)=([\s\S]*))?$/.exec(arg)
  if (!match) {
    run.err(
      run.shell.dialect === 'bash'
        ? `${run.shell.label}: ${run.name}: \`${arg}': not a valid identifier\n`
        : `${run.shell.label}: ${run.name}: ${arg}: bad variable name\n`,
    )
    return false
  }
  const [, name = '', plus, value] = match
  use(name, value === undefined ? undefined : plus ? (run.shell.get(name) ?? '') + value : value)
  return true
}

/** Hides a variable for the time of the call. */
function hide(shell: Shell, name: string): void {
  const hidden = shell.locals.at(-1)
  if (hidden && !hidden.has(name)) hidden.set(name, shell.get(name))
}

const assign: CommandTable[string] = (run, args) => {
  const { shell } = run
  const letters = new Set(args.filter((a) => /^[-+][a-zA-Z]+$/.test(a)).flatMap((a) => [...a.slice(1)]))
  const names = args.filter((a) => !/^[-+][a-zA-Z]+$/.test(a))
  if (run.name === 'local' && shell.locals.length === 0) {
    run.err(`${shell.label}: local: can only be used in a function\n`)
    return 1
  }
  if (letters.has('p') || (names.length === 0 && run.name !== 'local')) {
    let status = 0
    const list = names.length > 0 ? names : letters.has('f') ? [] : [...shell.variables.keys()].sort()
    for (const name of list) {
      const value = shell.get(name)
      if (value === undefined && !shell.arrays.has(name)) {
        run.err(`${shell.label}: ${run.name}: ${name}: not found\n`)
        status = 1
      } else if (shell.arrays.has(name))
        run.out(
          `declare -${shell.associative.has(name) ? 'A' : 'a'} ${name}=(${shell
            .keys(name)
            .map((key) => `[${key}]="${shell.element(name, key)}"`)
            .join(' ')})\n`,
        )
      else run.out(`declare -${shell.exported.has(name) ? 'x' : '-'} ${name}="${value}"\n`)
    }
    return status
  }
  let status = 0
  for (const arg of names) {
    const good = declare(run, arg, (name, value) => {
      if (run.name !== 'readonly') hide(shell, name)
      if (letters.has('A')) {
        shell.associative.add(name)
        if (!shell.arrays.has(name)) shell.arrays.set(name, new Map())
      } else if (letters.has('a') && !shell.arrays.has(name)) shell.arrays.set(name, new Map())
      if (value !== undefined) shell.set(name, letters.has('i') ? String(shell.evaluate(value)) : value)
      else if (run.name === 'local' && !shell.arrays.has(name)) shell.variables.delete(name)
      if (letters.has('x')) shell.exported.add(name)
      if (letters.has('r') || run.name === 'readonly') shell.locked.add(name)
    })
    if (!good) status = 1
  }
  return status
}

const letters = 'abefhkmnptuvxBCEHPT'
const names: Record<string, string> = {
  errexit: 'e',
  nounset: 'u',
  xtrace: 'x',
  noglob: 'f',
  verbose: 'v',
  noclobber: 'C',
  pipefail: 'pipefail',
  history: 'history',
  posix: 'posix',
}

export const variableBuiltins: CommandTable = {
  export(run, args) {
    const { shell } = run
    if (args.length === 0 || (args[0] === '-p' && args.length === 1)) {
      for (const name of [...shell.exported].sort())
        run.out(
          shell.dialect === 'bash'
            ? `declare -x ${name}="${(shell.get(name) ?? '').replace(/[\\"$`]/g, '\\$&')}"\n`
            : `export ${name}='${shell.get(name) ?? ''}'\n`,
        )
      return 0
    }
    let status = 0
    const remove = args[0] === '-n'
    for (const arg of args) {
      if (/^-[pnf]$/.test(arg)) continue
      const good = declare(run, arg, (name, value) => {
        if (value !== undefined) shell.set(name, value)
        if (remove) shell.exported.delete(name)
        else shell.exported.add(name)
      })
      if (!good) status = 1
    }
    return status
  },
  unset({ shell, err }, args) {
    let status = 0
    for (const name of args) {
      if (name === '-f' || name === '-v') continue
      if (shell.locked.has(name)) {
        err(`${shell.label}: unset: ${name}: cannot unset: readonly variable\n`)
        status = 1
        continue
      }
      if (args[0] !== '-f') shell.unset(name)
      if (args[0] !== '-v') shell.functions.delete(name)
    }
    return status
  },
  set({ shell, out, err, name }, args) {
    if (args.length === 0) {
      for (const [key, value] of [...shell.variables].sort(([a], [b]) => (a < b ? -1 : 1)))
        out(`${key}=${shell.dialect === 'bash' ? quoted(value).replace(/^''$/, '') : `'${value}'`}\n`)
      return 0
    }
    for (let i = 0; i < args.length; i++) {
      const arg = args[i] as string
      if (arg === '--' || arg === '-') {
        shell.arguments = args.slice(i + 1)
        return 0
      }
      const on = arg.startsWith('-')
      if (!/^[-+]./.test(arg)) {
        shell.arguments = args.slice(i)
        return 0
      }
      for (const letter of arg.slice(1)) {
        const flag = letter === 'o' ? names[args[++i] ?? ''] : letter
        if (flag === undefined || (letter !== 'o' && !letters.includes(letter))) {
          if (letter === 'o' && args[i] !== undefined) continue
          err(
            shell.dialect === 'bash'
              ? `${shell.label}: ${name}: ${arg[0]}${letter}: invalid option\nset: usage: set [-abefhkmnptuvxBCHP] [-o option-name] [--] [arg ...]\n`
              : `${shell.label}: set: illegal option ${arg[0]}${letter}\n`,
          )
          return 2
        }
        if (on) shell.flags.add(flag)
        else shell.flags.delete(flag)
        if (flag === 'history') shell.recording = on
      }
    }
    return 0
  },
  shift({ shell }, args) {
    const n = args[0] === undefined ? 1 : Number(args[0])
    if (!Number.isInteger(n) || n < 0 || n > shell.arguments.length) return 1
    shell.arguments = shell.arguments.slice(n)
    return 0
  },
  local: assign,
  declare: assign,
  typeset: assign,
  readonly: assign,
  let(run, args) {
    let value = 1
    if (args.length === 0) {
      run.err(`${run.shell.label}: let: expression expected\n`)
      return 1
    }
    for (const arg of args) value = run.shell.evaluateOrFail(arg, run)
    return value === 0 ? 1 : 0
  },
  async read(run, args) {
    const { shell, input } = run
    const { flags, rest } = options(args, 'rsp:n:N:t:d:a:u:e')
    if (flags.has('p') && input.terminal) run.err(flags.get('p') ?? '')
    const hidden = flags.has('s')
    if (hidden) shell.meter.echo = false
    let line: string | null
    try {
      line = flags.has('d')
        ? await input.piece(flags.get('d') || '\0')
        : flags.has('n') || flags.has('N')
          ? await input.some(Number(flags.get('n') ?? flags.get('N')) || 1)
          : await input.line()
    } finally {
      if (hidden) shell.meter.echo = true
    }
    let text = line ?? ''
    while (!flags.has('r') && /(?:^|[^\\])(?:\\\\)*\\$/.test(text)) {
      const more = await input.line()
      text = text.slice(0, -1) + (more ?? '')
      if (more === null) break
    }
    if (!flags.has('r')) text = text.replace(/\\([\s\S])/g, '$1')
    const array = flags.get('a')
    const separators = shell.get('IFS') ?? ' \t\n'
    if (array !== undefined) {
      shell.unset(array)
      for (const [i, field] of fields(text, separators, Number.POSITIVE_INFINITY).entries()) shell.setElement(array, String(i), field)
    } else {
      const targets = rest.length > 0 ? rest : ['REPLY']
      const parts = rest.length === 0 ? [text] : fields(text, separators, targets.length)
      targets.forEach((name, i) => {
        shell.set(name, parts[i] ?? '')
      })
    }
    return line === null || input.cut ? 1 : 0
  },
  async mapfile(run, args) {
    const { flags, rest } = options(args, 'tn:O:s:u:d:C:c:')
    const name = rest[0] ?? 'MAPFILE'
    run.shell.unset(name)
    run.shell.arrays.set(name, new Map())
    let n = 0
    for (let line = await run.input.line(); line !== null && n < 2000; line = await run.input.line())
      run.shell.setElement(name, String(n++), flags.has('t') ? line : `${line}\n`)
    return 0
  },
  getopts({ shell }, args) {
    const [letters = '', name = 'opt', ...given] = args
    const list = given.length > 0 ? given : shell.arguments
    const at = Math.max(1, Number(shell.get('OPTIND')) || 1)
    const arg = list[at - 1]
    shell.unset('OPTARG')
    const inside = shell.optionAt
    if (arg === undefined || !/^-./.test(arg) || arg === '--') {
      shell.optionAt = 1
      shell.set(name, '?')
      if (arg === '--') shell.set('OPTIND', String(at + 1))
      return 1
    }
    const letter = arg[inside] ?? ''
    const known = letters.replace(/^:/, '').indexOf(letter)
    const valued = known !== -1 && letters.replace(/^:/, '')[known + 1] === ':'
    let next = at
    shell.optionAt = inside + 1
    if (valued) {
      const value = arg.slice(inside + 1) || list[at]
      next = arg.slice(inside + 1) ? at + 1 : at + 2
      shell.optionAt = 1
      shell.set('OPTARG', value ?? '')
    } else if (inside + 1 >= arg.length) {
      next = at + 1
      shell.optionAt = 1
    }
    shell.set('OPTIND', String(next))
    shell.set(name, known === -1 ? '?' : letter)
    return 0
  },
  trap({ shell, out }, args) {
    if (args.length === 0) for (const [name, text] of shell.traps) out(`trap -- '${text}' ${name}\n`)
    const [text = '', ...signals] = args[0] === '--' ? args.slice(1) : args
    for (const signal of signals) {
      const name = signal === '0' ? 'EXIT' : signal.replace(/^SIG/, '')
      if (text === '-') shell.traps.delete(name)
      else if (shell.traps.size < 50) shell.traps.set(name, text)
    }
    return 0
  },
  umask({ shell, out }, args) {
    if (args[0] === undefined) out(`${shell.umask.toString(8).padStart(4, '0')}\n`)
    else if (/^[0-7]{1,4}$/.test(args[0])) shell.umask = Number.parseInt(args[0], 8) & 0o777
    return 0
  },
}
variableBuiltins.readarray = variableBuiltins.mapfile as CommandTable[string]

/** Fields of a line as `read` splits it: at most `most`, the last takes the rest. */
function fields(text: string, separators: string, most: number): string[] {
  const blank = [...separators].filter((c) => ' \t\n'.includes(c)).join('')
  const isBlank = (c: string | undefined): boolean => c !== undefined && blank.includes(c)
  const list: string[] = []
  let at = 0
  let end = text.length
  while (isBlank(text[at])) at++
  while (end > at && isBlank(text[end - 1])) end--
  while (at < end) {
    if (list.length === most - 1) {
      list.push(text.slice(at, end))
      return list
    }
    let to = at
    while (to < end && !separators.includes(text[to] as string)) to++
    list.push(text.slice(at, to))
    at = to
    while (at < end && isBlank(text[at])) at++
    if (at < end && !isBlank(text[at]) && separators.includes(text[at] as string)) at++
    while (at < end && isBlank(text[at])) at++
  }
  return list
}
