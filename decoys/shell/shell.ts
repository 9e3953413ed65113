/** The emulated shell: runs parsed commands in a seat's world. Bounded in steps, depth, memory and output; nothing real is ever run. */
import { localTime } from '../world/host.ts'
import { arithmetic } from './arithmetic.ts'
import { builtins } from './builtins.ts'
import type { Run } from './command.ts'
import { commands } from './commands.ts'
import { expandWord, expandWords } from './expand.ts'
import { LineReader, PipeClosed, textInput } from './io.ts'
import { parse } from './parser.ts'
import { compile, matches } from './pattern.ts'
import { absolute, reasonOf, type Seat } from './seat.ts'
import { type Command, Incomplete, type List, type Pipeline, type Redirect, SyntaxFault } from './syntax.ts'

/** Where a command's standard streams lead. */
export interface Streams {
  input: LineReader
  out(text: string): void
  err(text: string): void
  toTerminal: boolean
}

/** Thrown to leave loops, functions, or the shell. */
export class Leave extends Error {
  readonly kind: 'break' | 'continue' | 'return' | 'exit'
  value: number
  constructor(kind: Leave['kind'], value: number) {
    super(kind)
    this.kind = kind
    this.value = value
  }
}

/** Thrown when Ctrl-C ends what runs. */
export class Interrupted extends Error {}

const stepsBeforePause = 2000
const maxPipe = 2 * 1024 * 1024
const maxOutput = 16 * 1024 * 1024
const maxValue = 64 * 1024
const maxVariables = 400

export class Shell {
  readonly seat: Seat
  readonly ash: boolean
  /** Name in error texts: `-bash`, `bash`, `-ash`, `sh`. */
  label: string
  readonly variables = new Map<string, string>()
  readonly exported = new Set<string>()
  readonly functions = new Map<string, Command>()
  readonly aliases = new Map<string, string>()
  history: string[] = []
  directory: string
  previous = ''
  status = 0
  arguments: string[] = []
  interactive = false
  /** What was before each `su` on this terminal. */
  entered: { user: Seat['user']; directory: string; home: string | undefined; name: string | undefined }[] = []
  /** History before this entry came from the file. */
  historyFrom = 0
  /** Terminal size, for commands that draw. */
  columns = 80
  rows = 24
  pid: number
  background = 0
  /** Shared with what runs beside. */
  readonly meter = { steps: 0, depth: 0, written: 0, wake: undefined as (() => void) | undefined, interrupted: false, echo: true }

  constructor(seat: Seat, options: { login: boolean; environment?: ReadonlyMap<string, string> }) {
    this.seat = seat
    const { host } = seat.world
    this.ash = host.flavour === 'openwrt'
    this.label = `${options.login ? '-' : ''}${this.ash ? 'ash' : 'bash'}`
    this.pid = seat.login.pid + 2
    this.directory = seat.fs.stat(seat.user.home)?.kind === 'directory' ? seat.user.home : '/'
    const { user } = seat
    const root = user.uid === 0
    const path =
      host.flavour === 'openwrt'
        ? '/usr/sbin:/usr/bin:/sbin:/bin'
        : host.flavour === 'ubuntu'
          ? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games:/usr/local/games'
          : root
            ? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/root/bin'
            : `/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin:${user.home}/.local/bin:${user.home}/bin`
    const set: Record<string, string> = {
      USER: user.name,
      LOGNAME: user.name,
      HOME: user.home,
      PATH: path,
      SHELL: user.shell,
      PWD: this.directory,
      SHLVL: '1',
      SSH_CLIENT: `${seat.source.ip} ${seat.source.port} ${seat.destination.port}`,
      SSH_CONNECTION: `${seat.source.ip} ${seat.source.port} ${seat.destination.ip} ${seat.destination.port}`,
    }
    if (!this.ash) {
      Object.assign(set, { LANG: 'en_US.UTF-8', MAIL: `/var/${host.flavour === 'centos' ? 'spool/' : ''}mail/${user.name}` })
      if (host.flavour === 'centos')
        Object.assign(set, { HOSTNAME: host.persona.hostname, HISTSIZE: '1000', XDG_SESSION_ID: String(host.persona.number('session-id', 90, 4000)) })
    }
    for (const [name, value] of Object.entries(set)) this.export(name, value)
    for (const [name, value] of options.environment ?? []) this.export(name, value)
    this.variables.set('IFS', ' \t\n')
    this.variables.set('PS1', this.ash ? '\\u@\\h:\\w\\$ ' : host.flavour === 'ubuntu' ? '\\u@\\h:\\w\\$ ' : '[\\u@\\h \\W]\\$ ')
    this.variables.set('PS2', '> ')
    if (!this.ash) {
      this.variables.set('BASH_VERSION', host.flavour === 'ubuntu' ? '4.4.20(1)-release' : '4.2.46(2)-release')
      this.variables.set('HISTFILE', `${user.home}/.bash_history`)
      this.variables.set('UID', String(user.uid))
      this.variables.set('EUID', String(user.uid))
      this.variables.set('HOSTTYPE', 'x86_64')
      this.variables.set('OSTYPE', 'linux-gnu')
      this.variables.set('MACHTYPE', host.flavour === 'ubuntu' ? 'x86_64-pc-linux-gnu' : 'x86_64-redhat-linux-gnu')
    }
  }

  export(name: string, value: string): void {
    this.set(name, value)
    this.exported.add(name)
  }

  set(name: string, value: string): void {
    if (this.variables.size < maxVariables || this.variables.has(name)) this.variables.set(name, value.slice(0, maxValue))
  }

  /** A variable or special parameter; undefined when unset. */
  get(name: string): string | undefined {
    switch (name) {
      case '?':
        return String(this.status)
      case '$':
        return String(this.pid)
      case '!':
        return this.background ? String(this.background) : ''
      case '#':
        return String(this.arguments.length)
      case '@':
      case '*':
        return this.arguments.join(' ')
      case '-':
        return this.interactive ? 'himBH' : 'hBc'
      case '0':
        return this.label
      case 'RANDOM':
        return this.ash ? this.variables.get(name) : String(Math.floor(Math.random() * 32768))
      case 'SECONDS':
        return String(Math.floor((this.seat.now() - this.seat.login.at) / 1000))
      case 'PPID':
        return String(this.seat.login.pid)
      case 'PWD':
        return this.directory
    }
    if (/^[0-9]+$/.test(name)) return this.arguments[Number(name) - 1]
    return this.variables.get(name)
  }

  number(name: string): number {
    const value = Number(this.get(name) ?? 0)
    return Number.isInteger(value) ? value : 0
  }

  /** Absolute path of an operand. */
  path(operand: string): string {
    return absolute(this.directory, operand)
  }

  /** A copy for what runs beside: pipelines, substitutions, `( … )`. Its changes do not come back. */
  child(): Shell {
    return Object.assign(Object.create(Shell.prototype) as Shell, this, {
      variables: new Map(this.variables),
      exported: new Set(this.exported),
      functions: new Map(this.functions),
      aliases: new Map(this.aliases),
      interactive: false,
    })
  }

  /** Runs a text; resolves with its exit code. `mode` undefined: part of something already said. */
  async execute(text: string, streams: Streams): Promise<number> {
    let list: List
    try {
      list = parse(text)
    } catch (error) {
      return this.syntaxFault(error, streams)
    }
    try {
      return await this.list(list, streams)
    } catch (error) {
      if (error instanceof Leave && error.kind !== 'exit') return this.status
      throw error
    }
  }

  syntaxFault(error: unknown, streams: Streams): number {
    if (error instanceof SyntaxFault) {
      streams.err(
        this.ash ? `${this.label}: syntax error: unexpected "${error.token}"\n` : `${this.label}: syntax error near unexpected token \`${error.token}'\n`,
      )
      this.status = this.ash ? 2 : 1
      return this.status
    }
    if (error instanceof Incomplete) {
      streams.err(this.ash ? `${this.label}: syntax error: unterminated quoted string\n` : `${this.label}: syntax error: unexpected end of file\n`)
      this.status = this.ash ? 2 : 1
      return this.status
    }
    throw error
  }

  // Control

  /** Ends what runs now. */
  interrupt(): void {
    this.meter.interrupted = true
    this.meter.wake?.()
  }

  /** Waits as a program does that sleeps or waits for the network; ends early, by Interrupted, at Ctrl-C or hang-up. */
  async pause(ms: number): Promise<void> {
    if (ms > 0 && !this.meter.interrupted && !this.seat.gone()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(ms, 2_000_000_000))
        this.meter.wake = () => {
          clearTimeout(timer)
          resolve()
        }
        this.seat.context.signal.addEventListener('abort', this.meter.wake, { once: true })
      })
      if (this.meter.wake) this.seat.context.signal.removeEventListener('abort', this.meter.wake)
      this.meter.wake = undefined
    }
    this.check()
  }

  check(): void {
    if (this.meter.interrupted || this.seat.gone()) throw new Interrupted()
  }

  /** Counts one command. Endless loops go on, as they would, but slowly. */
  async step(): Promise<void> {
    this.check()
    if (++this.meter.steps % stepsBeforePause === 0) await this.pause(this.meter.steps > 20_000 ? 500 : 20)
  }

  // Execution

  async list(list: List, streams: Streams): Promise<number> {
    for (const { first, rest, background, text } of list.items) {
      if (background) {
        this.background = this.pid + 20 + (this.meter.steps % 900)
        if (this.interactive) streams.out(`[1] ${this.background}\n`)
        const child = this.child()
        try {
          await child.andOr(first, rest, { ...streams, input: new LineReader(textInput('')) })
        } catch (error) {
          if (!(error instanceof Leave)) throw error
        }
        if (this.interactive && !this.ash) streams.err(`[1]+  Done                    ${text}\n`)
        this.status = 0
        continue
      }
      await this.andOr(first, rest, streams)
    }
    return this.status
  }

  async andOr(first: Pipeline, rest: List['items'][number]['rest'], streams: Streams): Promise<void> {
    await this.pipeline(first, streams)
    for (const { operator, pipeline } of rest) {
      if ((operator === '&&') === (this.status === 0)) await this.pipeline(pipeline, streams)
    }
  }

  async pipeline({ negated, commands: parts }: Pipeline, streams: Streams): Promise<void> {
    if (parts.length === 1) await this.command(parts[0] as Command, streams)
    else {
      let input = streams.input
      for (let i = 0; i < parts.length; i++) {
        const last = i === parts.length - 1
        let piped = ''
        const shell = this.child()
        const out = last
          ? streams.out
          : (text: string): void => {
              piped += text
              if (piped.length > maxPipe) throw new PipeClosed()
            }
        try {
          await shell.command(parts[i] as Command, { input, out, err: streams.err, toTerminal: last && streams.toTerminal })
        } catch (error) {
          if (error instanceof PipeClosed) shell.status = 141
          else if (error instanceof Leave) shell.status = error.kind === 'exit' ? error.value : shell.status
          else throw error
        }
        this.status = shell.status
        input = new LineReader(textInput(piped))
      }
    }
    if (negated) this.status = this.status === 0 ? 1 : 0
  }

  async command(command: Command, streams: Streams): Promise<void> {
    await this.step()
    if (++this.meter.depth > 60) {
      this.meter.depth--
      streams.err(`${this.label}: maximum function nesting level exceeded\n`)
      this.status = 1
      return
    }
    try {
      if (command.kind === 'function') {
        if (this.functions.size < 200) this.functions.set(command.name, command.body)
        this.status = 0
        return
      }
      if (command.kind === 'simple') {
        await this.simple(command, streams)
        return
      }
      const redirected = await this.redirect(command.redirects, streams)
      if (!redirected) return
      await this.compound(command, redirected.streams)
      redirected.finish()
    } finally {
      this.meter.depth--
    }
  }

  async compound(command: Exclude<Command, { kind: 'simple' | 'function' }>, streams: Streams): Promise<void> {
    switch (command.kind) {
      case 'group':
        if (command.subshell) {
          const child = this.child()
          try {
            await child.list(command.body, streams)
          } catch (error) {
            if (!(error instanceof Leave)) throw error
            if (error.kind === 'exit') child.status = error.value
          }
          this.status = child.status
        } else await this.list(command.body, streams)
        return
      case 'if':
        for (const { test, body } of command.branches) {
          await this.list(test, streams)
          if (this.status === 0) {
            await this.list(body, streams)
            return
          }
        }
        this.status = 0
        if (command.otherwise) await this.list(command.otherwise, streams)
        return
      case 'while': {
        let last = 0
        for (;;) {
          await this.step()
          await this.list(command.test, streams)
          if ((this.status === 0) === command.until) break
          if (await this.turn(command.body, streams)) break
          last = this.status
        }
        this.status = last
        return
      }
      case 'for': {
        const words = command.words ? await expandWords(this, command.words, streams) : [...this.arguments]
        this.status = 0
        for (const word of words) {
          this.set(command.name, word)
          await this.step()
          if (await this.turn(command.body, streams)) break
        }
        return
      }
      case 'case': {
        const subject = (await expandWord(this, command.subject, streams, 'plain')).join(' ')
        for (const { patterns, body } of command.branches) {
          for (const pattern of patterns) {
            const [text = ''] = await expandWord(this, pattern, streams, 'pattern')
            if (matches(compile(text), subject)) {
              this.status = 0
              await this.list(body, streams)
              return
            }
          }
        }
        this.status = 0
      }
    }
  }

  /** One turn of a loop; true when the loop is left. */
  async turn(body: List, streams: Streams): Promise<boolean> {
    try {
      await this.list(body, streams)
      return false
    } catch (error) {
      if (!(error instanceof Leave) || (error.kind !== 'break' && error.kind !== 'continue')) throw error
      if (error.value > 1) {
        error.value--
        throw error
      }
      return error.kind === 'break'
    }
  }

  /** The streams after redirections; undefined when one failed, which was said. `finish` writes what was collected. */
  async redirect(redirects: Redirect[], streams: Streams): Promise<{ streams: Streams; finish(): void } | undefined> {
    if (redirects.length === 0) return { streams, finish: () => {} }
    let { input, out, err, toTerminal } = streams
    const finishers: (() => void)[] = []
    for (const { fd, kind, target } of redirects) {
      if (kind === '<<') {
        const [text = ''] = await expandWord(this, target, streams, 'plain')
        input = new LineReader(textInput(text))
        continue
      }
      const [name = ''] = await expandWord(this, target, streams, 'plain')
      if (kind === '<<<') {
        input = new LineReader(textInput(`${name}\n`))
        continue
      }
      if (kind === '>&' || kind === '<&') {
        if (name === '1' && fd === 2) err = out
        else if (name === '2' && fd === 1) {
          out = err
          toTerminal = streams.toTerminal
        } else if (name === '-') {
          if (fd === 1) out = () => {}
          if (fd === 2) err = () => {}
        }
        continue
      }
      const path = this.path(name)
      try {
        if (kind === '<' || kind === '<>') {
          input = name === '/dev/tty' ? input : new LineReader(textInput(this.seat.fs.read(path).toString('latin1')))
          continue
        }
        const write = this.writer(path, kind === '>>' || kind === '&>>', finishers)
        if (kind.startsWith('&')) {
          out = write
          err = write
          toTerminal = false
        } else if (fd === 2) err = write
        else if (fd === 1) {
          out = write
          toTerminal = false
        }
      } catch (error) {
        const reason = reasonOf(error)
        streams.err(
          this.ash
            ? `${this.label}: can't ${kind.startsWith('<') ? 'open' : 'create'} ${name}: ${reason === 'No such file or directory' && !kind.startsWith('<') ? 'nonexistent directory' : reason.toLowerCase() === 'no such file or directory' ? 'no such file' : reason}\n`
            : `${this.label}: ${name}: ${reason}\n`,
        )
        this.status = 1
        return undefined
      }
    }
    return {
      streams: { input, out, err, toTerminal },
      finish: () => {
        for (const finish of finishers) finish()
      },
    }
  }

  /** A writer into a file: made at once, filled when the command is done or 64 KiB are there. */
  writer(path: string, append: boolean, finishers: (() => void)[]): (text: string) => void {
    const { fs, world } = this.seat
    const stat = fs.stat(path)
    if (stat?.kind === 'character' || stat?.kind === 'fifo') return () => {}
    if (!append || !stat) fs.write(path, Buffer.alloc(0))
    else fs.write(path, Buffer.alloc(0), { append: true })
    let pending: string[] = []
    let size = 0
    let total = 0
    const flush = (): void => {
      if (size === 0) return
      const bytes = Buffer.from(pending.join(''), 'latin1')
      pending = []
      size = 0
      fs.write(path, bytes, { append: true, quiet: true })
    }
    finishers.push(flush)
    void world
    return (text) => {
      pending.push(text)
      size += text.length
      total += text.length
      if (total > maxOutput) throw new PipeClosed()
      if (size > 65_536) flush()
    }
  }

  async simple(command: Extract<Command, { kind: 'simple' }>, streams: Streams): Promise<void> {
    const words = await expandWords(this, command.words, streams)
    const redirected = await this.redirect(command.redirects, streams)
    if (!redirected) return
    const assigns: [string, string][] = []
    for (const { name, value } of command.assigns) assigns.push([name, (await expandWord(this, value, streams, 'plain')).join(' ')])
    if (words.length === 0) {
      for (const [name, value] of assigns) this.set(name, value)
      if (command.words.length === 0 || !command.words.some((word) => word.some((part) => part.kind === 'command')))
        this.status = command.assigns.some(({ value }) => value.some((part) => part.kind === 'command')) ? this.status : 0
      redirected.finish()
      return
    }
    let name = words[0] as string
    let args = words.slice(1)
    const alias = this.interactive ? this.aliases.get(name) : undefined
    if (alias !== undefined && !this.functions.has(name)) {
      const [first = name, ...more] = alias.split(/\s+/).filter(Boolean)
      args = [...more, ...args]
      name = first
    }
    const before = assigns.map(([key]) => [key, this.variables.get(key), this.exported.has(key)] as const)
    for (const [key, value] of assigns) this.export(key, value)
    try {
      this.status = await this.call(name, args, redirected.streams)
    } finally {
      for (const [key, value, exported] of before) {
        if (value === undefined) this.variables.delete(key)
        else this.variables.set(key, value)
        if (!exported) this.exported.delete(key)
      }
      redirected.finish()
    }
  }

  /** Calls a function, a builtin or a program. */
  async call(name: string, args: string[], streams: Streams): Promise<number> {
    const body = this.functions.get(name)
    if (body) {
      const saved = this.arguments
      this.arguments = args
      try {
        await this.command(body, streams)
      } catch (error) {
        if (!(error instanceof Leave) || error.kind !== 'return') throw error
        this.status = error.value
      } finally {
        this.arguments = saved
      }
      return this.status
    }
    const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined
    if (builtin) return builtin(this.run(name, streams), args)
    return this.program(name, args, streams)
  }

  run(name: string, streams: Streams): Run {
    const written = this.meter
    const bounded =
      (write: (text: string) => void) =>
      (text: string): void => {
        written.written += text.length
        if (written.written > maxOutput) throw new PipeClosed()
        write(text)
      }
    return {
      shell: this,
      seat: this.seat,
      name,
      input: streams.input,
      toTerminal: streams.toTerminal,
      out: bounded(streams.out),
      err: bounded(streams.err),
      fault: (text) => {
        streams.err(`${name}: ${text}\n`)
        return 1
      },
    }
  }

  /** Where a program lies: `path` when there is one, with what is wrong with it when it cannot be run. */
  find(name: string): string | undefined {
    if (name.includes('/')) return this.seat.fs.stat(this.path(name)) ? this.path(name) : undefined
    for (const directory of (this.get('PATH') ?? '').split(':').slice(0, 30)) {
      const path = absolute(this.directory, `${directory === '/' ? '' : directory}/${name}`)
      const stat = this.seat.fs.stat(path)
      if (stat?.kind === 'file' && (stat.mode & 0o111) !== 0) return path
    }
    return undefined
  }

  async program(name: string, args: string[], streams: Streams): Promise<number> {
    const { files } = this.seat.world
    if (name === '') {
      streams.err(`${this.label}: : ${this.ash ? 'Permission denied' : 'command not found'}\n`)
      return 127
    }
    const path = this.find(name)
    if (!path) {
      if (name.includes('/')) streams.err(`${this.label}: ${name}: ${this.ash ? 'not found' : 'No such file or directory'}\n`)
      else streams.err(this.ash ? `${this.label}: ${name}: not found\n` : notFound(this, name))
      return 127
    }
    const stat = this.seat.fs.stat(path)
    if (stat?.kind === 'directory' || !this.seat.fs.may(path, 'x')) {
      streams.err(`${this.label}: ${name}: ${stat?.kind === 'directory' && !this.ash ? 'Is a directory' : 'Permission denied'}\n`)
      return 126
    }
    const real = files.real(path)
    const base = real.slice(real.lastIndexOf('/') + 1)
    const called = name.slice(name.lastIndexOf('/') + 1)
    const main = files.pristine(real) ? (commands(called) ?? commands(base)) : undefined
    if (main) {
      this.seat.login.running = [called, ...args].join(' ').slice(0, 200)
      try {
        return await main(this.run(called, streams), args)
      } catch (error) {
        if (error instanceof PipeClosed) return 141
        throw error
      } finally {
        this.seat.login.running = ''
      }
    }
    return this.file(name, path, args, streams)
  }

  /** Runs a file that the adversary brought: a script's commands are read, anything else does not start. */
  async file(name: string, path: string, args: string[], streams: Streams): Promise<number> {
    const bytes = this.seat.fs.read(path)
    const pristine = this.seat.world.files.pristine(this.seat.world.files.real(path))
    if (!pristine) await this.seat.capture(path, bytes, 'shell')
    if (pristine) return 0
    const text = bytes.toString('latin1', 0, 1_000_000)
    if (bytes.length === 0) return 0
    if (text.startsWith('\x7fELF') || text.slice(0, 512).includes('\0')) {
      streams.err(`${this.label}: ${name}: ${this.ash ? 'not found' : 'cannot execute binary file'}\n`)
      return this.ash ? 127 : 126
    }
    const interpreter = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(text.slice(0, 256))
    const program = interpreter?.[1]?.endsWith('/env') ? interpreter[2] : interpreter?.[1]
    if (interpreter && program && !/\/?(ba|da|a)?sh$/.test(program)) {
      const found = this.find(program)
      if (!found) {
        streams.err(
          this.ash
            ? `${this.label}: ${name}: not found\n`
            : interpreter[1]?.endsWith('/env')
              ? `/usr/bin/env: ${program}: No such file or directory\n`
              : `${this.label}: ${name}: ${program}: bad interpreter: No such file or directory\n`,
        )
        return this.ash || interpreter[1]?.endsWith('/env') ? 127 : 126
      }
      return this.call(found, [path, ...args], streams)
    }
    return this.script(name, text, args, streams)
  }

  /** Runs a text as a script with its own arguments. */
  async script(name: string, text: string, args: string[], streams: Streams): Promise<number> {
    const child = this.child()
    child.arguments = args
    child.label = name
    child.pid = this.pid + 11
    try {
      return await child.execute(text.replaceAll('\r\n', '\n'), streams)
    } catch (error) {
      if (error instanceof Leave) return error.kind === 'exit' ? error.value : child.status
      throw error
    }
  }

  /** Output of a text, for substitution. */
  async capture(list: List, streams: Streams): Promise<string> {
    let text = ''
    const child = this.child()
    try {
      await child.list(list, {
        ...streams,
        toTerminal: false,
        out: (piece) => {
          text += piece
          if (text.length > maxPipe) throw new PipeClosed()
        },
      })
    } catch (error) {
      if (error instanceof Leave) child.status = error.kind === 'exit' ? error.value : child.status
      else if (!(error instanceof PipeClosed)) throw error
    }
    this.status = child.status
    return text.replace(/\n+$/, '').replaceAll('\0', '')
  }

  evaluate(text: string): number {
    return arithmetic(
      text,
      (name) => this.number(name),
      (name, value) => this.set(name, String(value)),
    )
  }

  /** The prompt of PS1 or PS2. */
  prompt(which: 'PS1' | 'PS2'): string {
    const { seat } = this
    const home = seat.user.home
    const shown =
      this.directory === home ? '~' : this.directory.startsWith(`${home}/`) && home !== '/' ? `~${this.directory.slice(home.length)}` : this.directory
    const t = localTime(seat.world.host, seat.now())
    const last = this.directory === home ? '~' : this.directory === '/' ? '/' : this.directory.slice(this.directory.lastIndexOf('/') + 1)
    const { hostname } = seat.world.persona
    return (this.get(which) ?? '').slice(0, 500).replace(/\\(.)/g, (_, c: string) => {
      const known: Record<string, string> = {
        u: seat.user.name,
        h: hostname.split('.')[0] as string,
        H: hostname,
        w: shown,
        W: last,
        $: seat.user.uid === 0 ? '#' : '$',
        n: '\n',
        t: `${t.hh}:${t.mm}:${t.ss}`,
        A: `${t.hh}:${t.mm}`,
        d: `${t.weekday} ${t.monthName} ${t.day}`,
        e: '\x1b',
        '[': '',
        ']': '',
        '\\': '\\',
        s: this.ash ? 'ash' : 'bash',
      }
      return known[c] ?? `\\${c}`
    })
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
