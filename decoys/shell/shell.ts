/** The emulated shell: a seat's variables, directory and history, and the bounds on what it runs. Nothing real is ever run. */
import { arithmetic } from './arithmetic.ts'
import { call, program, script } from './call.ts'
import type { Run } from './command.ts'
import { Interrupted, Leave, type Streams } from './control.ts'
import { list as runList } from './execute.ts'
import { PipeClosed } from './io.ts'
import { parse } from './parser.ts'
import { absolute, type Seat } from './seat.ts'
import { type Command, Incomplete, type List, SyntaxFault } from './syntax.ts'

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
      return await runList(this, list, streams)
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

  list(list: List, streams: Streams): Promise<number> {
    return runList(this, list, streams)
  }

  /** Calls a function, a builtin or a program; resolves with its exit code. */
  call(name: string, args: string[], streams: Streams): Promise<number> {
    return call(this, name, args, streams)
  }

  /** Runs a program of the host, or a file. */
  program(name: string, args: string[], streams: Streams): Promise<number> {
    return program(this, name, args, streams)
  }

  /** Runs a text as a script with its own arguments. */
  script(name: string, text: string, args: string[], streams: Streams): Promise<number> {
    return script(this, name, text, args, streams)
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

  /** Output of a text, for substitution. */
  async capture(list: List, streams: Streams): Promise<string> {
    let text = ''
    const child = this.child()
    try {
      await runList(child, list, {
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
}
