/** Calls what a simple command names: a function, a builtin, a program of the host, or a file that the adversary brought. */
import { builtins } from './builtins.ts'
import { commands } from './commands.ts'
import { Leave, type Streams } from './control.ts'
import { command as runCommand } from './execute.ts'
import { expandWord, expandWords } from './expand.ts'
import { redirect } from './redirect.ts'
import type { Dialect, Shell } from './shell.ts'
import type { Assign, Command } from './syntax.ts'

export async function simple(shell: Shell, command: Extract<Command, { kind: 'simple' }>, streams: Streams): Promise<void> {
  if (command.line > 0) shell.line = command.line
  const descriptor = shell.family.descriptor
  const before = shell.status
  const words = await expandWords(shell, command.words, streams)
  const substituted = shell.status !== before
  const redirected = await redirect(shell, command.redirects, streams)
  try {
    if (!redirected) return
    for (const one of command.assigns) if (one.list) await assignList(shell, one, streams)
    const assigns = command.assigns.filter((one) => !one.list)
    if (words.length === 0) {
      if (assigns.length === 0 && !substituted && command.words.length === 0) shell.status = 0
      let ran = command.words.some((word) => word.some((part) => part.kind === 'command'))
      for (const one of assigns) {
        const had = one.value.some((part) => part.kind === 'command')
        ran ||= had
        await assign(shell, one, streams)
      }
      if (!ran) shell.status = 0
      return
    }
    if (shell.flags.has('x')) streams.err(`+ ${words.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ')}\n`)
    await named(shell, words, assigns, redirected.streams)
  } finally {
    redirected?.finish()
    if (shell.family.descriptor !== descriptor) forget(shell, descriptor)
  }
}

/** Calls the command of expanded words, with assignments that hold for it alone. */
async function named(shell: Shell, words: string[], assigns: Assign[], streams: Streams): Promise<void> {
  let [name = '', ...args] = words
  const alias = shell.interactive ? shell.aliases.get(name) : undefined
  if (alias !== undefined && !shell.functions.has(name)) {
    const [first = name, ...more] = alias.split(/\s+/).filter(Boolean)
    args = [...more, ...args]
    name = first
  }
  const values: [string, string][] = []
  for (const one of assigns) values.push([one.name, (await expandWord(shell, one.value, streams, 'plain')).join(' ')])
  const before = values.map(([key]) => [key, shell.variables.get(key), shell.exported.has(key)] as const)
  for (const [key, value] of values) shell.export(key, value)
  try {
    if (name === 'exec' && args.length === 0) {
      shell.fixed = streams
      shell.status = 0
    } else shell.status = await call(shell, name, args, streams)
  } finally {
    for (const [key, value, exported] of before) {
      if (value === undefined) shell.variables.delete(key)
      else shell.variables.set(key, value)
      if (!exported) shell.exported.delete(key)
    }
  }
}

async function assign(shell: Shell, { name, index, append, value }: Assign, streams: Streams): Promise<void> {
  const text = (await expandWord(shell, value, streams, 'plain')).join(' ')
  if (shell.locked.has(name)) {
    streams.err(`${shell.label}: ${name}: readonly variable\n`)
    throw new Leave(shell.interactive ? 'abort' : 'exit', 1)
  }
  if (index) {
    const [at = ''] = await expandWord(shell, index, streams, 'plain')
    shell.setElement(name, at, append ? (shell.element(name, at) ?? '') + text : text)
  } else shell.set(name, append ? (shell.get(name) ?? '') + text : text)
}

async function assignList(shell: Shell, { name, append, list = [] }: Assign, streams: Streams): Promise<void> {
  if (!append) {
    const associative = shell.associative.has(name)
    shell.unset(name)
    if (associative) shell.associative.add(name)
    shell.arrays.set(name, new Map())
  }
  let next = shell.keys(name).length === 0 ? 0 : Math.max(-1, ...shell.keys(name).map((key) => Number(key) || 0)) + 1
  for (const { index, value } of list) {
    if (index) {
      const [at = ''] = await expandWord(shell, index, streams, 'plain')
      shell.setElement(name, at, (await expandWord(shell, value, streams, 'plain')).join(' '))
      next = (Number(at) || 0) + 1
    } else for (const field of await expandWords(shell, [value], streams)) shell.setElement(name, String(next++), field)
  }
  shell.status = 0
}

/** Removes what process substitutions of a command left. */
function forget(shell: Shell, from: number): void {
  for (let n = from; n > shell.family.descriptor; n--) {
    try {
      shell.seat.world.files.remove(`/dev/fd/${n}`)
    } catch {
      // the command removed it itself
    }
  }
  shell.family.descriptor = from
}

/** Calls a function, a builtin or a program; resolves with its exit code. */
export async function call(shell: Shell, name: string, args: string[], streams: Streams): Promise<number> {
  const body = shell.functions.get(name)
  if (body) {
    const saved = shell.arguments
    shell.arguments = args
    shell.locals.push(new Map())
    try {
      await runCommand(shell, body, streams)
    } catch (error) {
      if (!(error instanceof Leave) || error.kind !== 'return') throw error
      shell.status = error.value
    } finally {
      shell.arguments = saved
      for (const [key, value] of shell.locals.pop() ?? []) {
        if (value === undefined) shell.unset(key)
        else shell.set(key, value)
      }
    }
    return shell.status
  }
  const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined
  shell.builtin = builtin !== undefined || name === 'kill'
  if (!builtin) return program(shell, name, args, streams)
  try {
    return await builtin(shell.run(name, streams), args)
  } finally {
    shell.builtin = false
  }
}

/** Runs a program of the host, or a file. */
export async function program(shell: Shell, name: string, args: string[], streams: Streams): Promise<number> {
  const { files } = shell.seat.world
  if (name === '') {
    streams.err(`${shell.label}: : ${shell.dialect === 'bash' ? 'command not found' : shell.dialect === 'dash' ? 'not found' : 'Permission denied'}\n`)
    return 127
  }
  const path = shell.find(name)
  if (!path) {
    if (name.includes('/')) streams.err(`${shell.label}: ${name}: ${shell.dialect === 'bash' ? 'No such file or directory' : 'not found'}\n`)
    else streams.err(shell.dialect === 'bash' ? notFound(shell, name) : `${shell.label}: ${name}: not found\n`)
    return 127
  }
  const stat = shell.seat.fs.stat(path)
  if (stat?.kind === 'directory' || !shell.seat.fs.may(path, 'x')) {
    streams.err(`${shell.label}: ${name}: ${stat?.kind === 'directory' && shell.dialect === 'bash' ? 'Is a directory' : 'Permission denied'}\n`)
    return 126
  }
  const real = files.real(path)
  const base = real.slice(real.lastIndexOf('/') + 1)
  const called = name.slice(name.lastIndexOf('/') + 1)
  const main = files.pristine(real) ? (commands(called) ?? commands(base)) : undefined
  if (!main) return file(shell, name, path, args, streams)
  const { login, world } = shell.seat
  const leave = login.run({
    pid: world.logins.nextPid(),
    ppid: shell.pid,
    command: [name, ...args].join(' ').slice(0, 400),
    startedAt: shell.seat.now(),
    user: shell.seat.user.name,
  })
  try {
    return await main(shell.run(called, streams), args)
  } finally {
    leave()
  }
}

const machines: Record<string, [kind: number, machine: number]> = {
  x86_64: [2, 0x3e],
  aarch64: [2, 0xb7],
  armv7l: [1, 0x28],
  mips: [1, 8],
}

/** Whether the bytes are a program for this host's processor (ELF header, System V ABI). */
function fits(bytes: Buffer, architecture: string): boolean {
  const [kind, machine] = machines[architecture] ?? [1, 8]
  if (bytes.length < 52 || bytes[5] === 2) return false
  const found = bytes.readUInt16LE(18)
  return (bytes[4] === kind && found === machine) || (architecture === 'x86_64' && bytes[4] === 1 && found === 3)
}

/** Runs a file that the adversary brought: a script's commands are read, a program for this processor ends at once, anything else does not start. */
export async function file(shell: Shell, name: string, path: string, args: string[], streams: Streams): Promise<number> {
  const bytes = shell.seat.fs.read(path)
  const { files, host, persona, logins } = shell.seat.world
  const pristine = files.pristine(files.real(path))
  if (!pristine) await shell.seat.capture(path, bytes, 'shell')
  if (pristine || bytes.length === 0) return 0
  const text = bytes.toString('latin1', 0, 1_000_000)
  if (text.startsWith('\x7fELF')) {
    if (fits(bytes, persona.template.os.architecture)) {
      const leave = shell.seat.login.run({
        pid: logins.nextPid(),
        ppid: shell.pid,
        command: [name, ...args].join(' ').slice(0, 400),
        startedAt: shell.seat.now(),
      })
      await shell.pause(40)
      leave()
      if (bytes.length >= 4096) return 0
      streams.err('Segmentation fault\n')
      return 139
    }
    // BusyBox and dash read what the kernel refuses as a script
    if (shell.dialect !== 'bash') return script(shell, name, text.slice(0, 4096), args, streams, {})
    streams.err(`${shell.label}: ${name}: cannot execute binary file${host.flavour === 'centos' ? '' : ': Exec format error'}\n`)
    return 126
  }
  if (text.slice(0, 128).includes('\0') && shell.dialect === 'bash') {
    streams.err(`${shell.label}: ${name}: cannot execute binary file${host.flavour === 'centos' ? '' : ': Exec format error'}\n`)
    return 126
  }
  const interpreter = /^#![ \t]*(\S+)(?:[ \t]+(\S+))?/.exec(text.slice(0, 256))
  const wanted = interpreter?.[1]?.endsWith('/env') ? interpreter[2] : interpreter?.[1]
  if (interpreter && wanted && !/(?:^|\/)(?:ba|da|a)?sh$/.test(wanted.replace(/\r$/, ''))) {
    const found = shell.find(wanted)
    if (!found) {
      const env = interpreter[1]?.endsWith('/env')
      if (env) streams.err(shell.ash ? `env: can't execute '${wanted}': No such file or directory\n` : `/usr/bin/env: ${wanted}: No such file or directory\n`)
      else streams.err(shell.dialect === 'bash' ? badInterpreter(shell, name, wanted) : `${shell.label}: ${name}: not found\n`)
      return env || shell.dialect !== 'bash' || shell.modern ? 127 : 126
    }
    return call(shell, found, [path, ...args], streams)
  }
  if (wanted && !shell.find(wanted.replace(/\r$/, ''))) {
    streams.err(shell.dialect === 'bash' ? badInterpreter(shell, name, wanted) : `${shell.label}: ${name}: not found\n`)
    return shell.dialect === 'bash' && !shell.modern ? 126 : 127
  }
  return script(shell, name, text, args, streams, { dialect: dialectOf(shell, wanted) })
}

const badInterpreter = (shell: Shell, name: string, wanted: string): string =>
  `${shell.label}: ${name}: ${shell.modern ? 'cannot execute: required file not found' : `${wanted.replace(/\r$/, '^M')}: bad interpreter: No such file or directory`}\n`

/** The language of a shell by its name on this host. */
export function dialectOf(shell: Shell, program: string | undefined): Dialect {
  if (shell.ash) return 'ash'
  const name = program?.slice(program.lastIndexOf('/') + 1)
  if (name === undefined) return shell.dialect
  return name === 'dash' || (name === 'sh' && shell.seat.world.host.apt) ? 'dash' : 'bash'
}

/** Runs a text as a script with its own arguments. `inline`: the text of `-c`, whose lines errors do not name. */
export async function script(
  shell: Shell,
  name: string,
  text: string,
  args: string[],
  streams: Streams,
  options: { dialect?: Dialect; inline?: boolean },
): Promise<number> {
  const child = shell.child()
  for (const key of [...child.variables.keys()])
    if (!child.exported.has(key) && !/^(?:IFS|PS\d|UID|EUID|BASH|BASH_VERSION|OSTYPE|HOSTTYPE|MACHTYPE|HOSTNAME)$/.test(key)) child.variables.delete(key)
  child.arrays.clear()
  child.functions.clear()
  child.aliases.clear()
  child.flags.clear()
  child.fixed = undefined
  child.arguments = args
  child.name = name
  child.dialect = options.dialect ?? shell.dialect
  child.scripted = !options.inline
  child.line = 0
  child.tested = 0
  child.pid = shell.seat.world.logins.nextPid()
  let code: number
  try {
    code = await child.execute(options.inline ? text : text.replaceAll('\r\n', '\n'), streams)
  } catch (error) {
    if (!(error instanceof Leave)) throw error
    code = error.kind === 'exit' ? error.value : child.status
  }
  const trap = child.traps.get('EXIT')
  if (trap !== undefined) await child.execute(trap, streams)
  return code
}

/** bash's answer to an unknown command, with Ubuntu's package hints where it has them. */
function notFound(shell: Shell, name: string): string {
  if (shell.seat.world.host.flavour === 'ubuntu' && shell.interactive) {
    const packages: Record<string, string> = {
      gcc: 'gcc',
      make: 'make',
      nmap: 'nmap',
      docker: 'docker.io',
      python: 'python-minimal',
      java: 'default-jre',
      git: 'git',
      mysql: 'mysql-client-core-5.7',
    }
    const hint = packages[name]
    if (hint) return `\nCommand '${name}' not found, but can be installed with:\n\napt install ${hint}\n\n`
    return `${name}: command not found\n`
  }
  return `${shell.label}: ${name}: command not found\n`
}
