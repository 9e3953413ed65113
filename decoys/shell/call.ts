/** Calls what a simple command names: a function, a builtin, a program of the host, or a file that the adversary brought. */
import { builtins } from './builtins.ts'
import { commands } from './commands.ts'
import { Leave, type Streams } from './control.ts'
import { command as runCommand } from './execute.ts'
import { expandWord, expandWords } from './expand.ts'
import { PipeClosed } from './io.ts'
import { redirect } from './redirect.ts'
import type { Shell } from './shell.ts'
import type { Command } from './syntax.ts'

export async function simple(shell: Shell, command: Extract<Command, { kind: 'simple' }>, streams: Streams): Promise<void> {
  const words = await expandWords(shell, command.words, streams)
  const redirected = await redirect(shell, command.redirects, streams)
  if (!redirected) return
  const assigns: [string, string][] = []
  for (const { name, value } of command.assigns) assigns.push([name, (await expandWord(shell, value, streams, 'plain')).join(' ')])
  if (words.length === 0) {
    for (const [name, value] of assigns) shell.set(name, value)
    if (command.words.length === 0 || !command.words.some((word) => word.some((part) => part.kind === 'command')))
      shell.status = command.assigns.some(({ value }) => value.some((part) => part.kind === 'command')) ? shell.status : 0
    redirected.finish()
    return
  }
  let name = words[0] as string
  let args = words.slice(1)
  const alias = shell.interactive ? shell.aliases.get(name) : undefined
  if (alias !== undefined && !shell.functions.has(name)) {
    const [first = name, ...more] = alias.split(/\s+/).filter(Boolean)
    args = [...more, ...args]
    name = first
  }
  const before = assigns.map(([key]) => [key, shell.variables.get(key), shell.exported.has(key)] as const)
  for (const [key, value] of assigns) shell.export(key, value)
  try {
    shell.status = await call(shell, name, args, redirected.streams)
  } finally {
    for (const [key, value, exported] of before) {
      if (value === undefined) shell.variables.delete(key)
      else shell.variables.set(key, value)
      if (!exported) shell.exported.delete(key)
    }
    redirected.finish()
  }
}

/** Calls a function, a builtin or a program. */
export async function call(shell: Shell, name: string, args: string[], streams: Streams): Promise<number> {
  const body = shell.functions.get(name)
  if (body) {
    const saved = shell.arguments
    shell.arguments = args
    try {
      await runCommand(shell, body, streams)
    } catch (error) {
      if (!(error instanceof Leave) || error.kind !== 'return') throw error
      shell.status = error.value
    } finally {
      shell.arguments = saved
    }
    return shell.status
  }
  const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined
  if (builtin) return builtin(shell.run(name, streams), args)
  return program(shell, name, args, streams)
}

export async function program(shell: Shell, name: string, args: string[], streams: Streams): Promise<number> {
  const { files } = shell.seat.world
  if (name === '') {
    streams.err(`${shell.label}: : ${shell.ash ? 'Permission denied' : 'command not found'}\n`)
    return 127
  }
  const path = shell.find(name)
  if (!path) {
    if (name.includes('/')) streams.err(`${shell.label}: ${name}: ${shell.ash ? 'not found' : 'No such file or directory'}\n`)
    else streams.err(shell.ash ? `${shell.label}: ${name}: not found\n` : notFound(shell, name))
    return 127
  }
  const stat = shell.seat.fs.stat(path)
  if (stat?.kind === 'directory' || !shell.seat.fs.may(path, 'x')) {
    streams.err(`${shell.label}: ${name}: ${stat?.kind === 'directory' && !shell.ash ? 'Is a directory' : 'Permission denied'}\n`)
    return 126
  }
  const real = files.real(path)
  const base = real.slice(real.lastIndexOf('/') + 1)
  const called = name.slice(name.lastIndexOf('/') + 1)
  const main = files.pristine(real) ? (commands(called) ?? commands(base)) : undefined
  if (main) {
    shell.seat.login.running = [called, ...args].join(' ').slice(0, 200)
    try {
      return await main(shell.run(called, streams), args)
    } catch (error) {
      if (error instanceof PipeClosed) return 141
      throw error
    } finally {
      shell.seat.login.running = ''
    }
  }
  return file(shell, name, path, args, streams)
}

/** Runs a file that the adversary brought: a script's commands are read, anything else does not start. */
export async function file(shell: Shell, name: string, path: string, args: string[], streams: Streams): Promise<number> {
  const bytes = shell.seat.fs.read(path)
  const pristine = shell.seat.world.files.pristine(shell.seat.world.files.real(path))
  if (!pristine) await shell.seat.capture(path, bytes, 'shell')
  if (pristine) return 0
  const text = bytes.toString('latin1', 0, 1_000_000)
  if (bytes.length === 0) return 0
  if (text.startsWith('\x7fELF') || text.slice(0, 512).includes('\0')) {
    streams.err(`${shell.label}: ${name}: ${shell.ash ? 'not found' : 'cannot execute binary file'}\n`)
    return shell.ash ? 127 : 126
  }
  const interpreter = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(text.slice(0, 256))
  const program = interpreter?.[1]?.endsWith('/env') ? interpreter[2] : interpreter?.[1]
  if (interpreter && program && !/\/?(ba|da|a)?sh$/.test(program)) {
    const found = shell.find(program)
    if (!found) {
      streams.err(
        shell.ash
          ? `${shell.label}: ${name}: not found\n`
          : interpreter[1]?.endsWith('/env')
            ? `/usr/bin/env: ${program}: No such file or directory\n`
            : `${shell.label}: ${name}: ${program}: bad interpreter: No such file or directory\n`,
      )
      return shell.ash || interpreter[1]?.endsWith('/env') ? 127 : 126
    }
    return call(shell, found, [path, ...args], streams)
  }
  return script(shell, name, text, args, streams)
}

/** Runs a text as a script with its own arguments. */
export async function script(shell: Shell, name: string, text: string, args: string[], streams: Streams): Promise<number> {
  const child = shell.child()
  child.arguments = args
  child.label = name
  child.pid = shell.pid + 11
  try {
    return await child.execute(text.replaceAll('\r\n', '\n'), streams)
  } catch (error) {
    if (error instanceof Leave) return error.kind === 'exit' ? error.value : child.status
    throw error
  }
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
