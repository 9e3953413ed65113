/** The emulated shell: a seat's variables, directory and history, and the bounds on what it runs. Nothing real is ever run. */
import { arithmetic } from './arithmetic.ts'
import { call, program, script } from './call.ts'
import type { Run } from './command.ts'
import { Interrupted, Leave, type Streams } from './control.ts'
import { environmentOf } from './environment.ts'
import { list as runList } from './execute.ts'
import { type Pipe, PipeClosed } from './io.ts'
import { Family } from './jobs.ts'
import { Meter } from './pace.ts'
import { parse } from './parser.ts'
import { absolute, type Seat } from './seat.ts'
import type { Command, List } from './syntax.ts'
import { syntaxFault } from './syntax-fault.ts'

const maxCaptured = 2 * 1024 * 1024
const maxOutput = 16 * 1024 * 1024
const maxValue = 64 * 1024
const maxVariables = 400
const maxElements = 2000

/** The language of a shell: bash, BusyBox's ash, or the dash that Ubuntu calls sh. */
export type Dialect = 'bash' | 'ash' | 'dash'

export class Shell {
  readonly seat: Seat
  /** Whether the host's programs are BusyBox's. */
  readonly ash: boolean
  dialect: Dialect
  /** `$0`: `-bash`, `bash`, `sh`, the script. */
  name: string
  /** Whether this runs a script, whose errors name their line. */
  scripted = false
  line = 0
  readonly variables = new Map<string, string>()
  readonly arrays = new Map<string, Map<string, string>>()
  readonly associative = new Set<string>()
  readonly exported = new Set<string>()
  readonly functions = new Map<string, Command>()
  readonly aliases = new Map<string, string>()
  /** Letters of `set`, and `pipefail`. */
  readonly flags = new Set<string>()
  /** Names that `readonly` locked. */
  readonly locked = new Set<string>()
  umask = 0o022
  readonly traps = new Map<string, string>()
  history: string[] = []
  directory: string
  previous = ''
  status = 0
  arguments: string[] = []
  interactive = false
  /** Whether what runs is a builtin, for the beginning of its errors. */
  builtin = false
  /** Whether failing now ends nothing under `set -e`: in a test. */
  tested = 0
  /** What was before each `su` on this terminal. */
  entered: { user: Seat['user']; directory: string; home: string | undefined; name: string | undefined }[] = []
  /** Whether `set -o history` holds. */
  recording = true
  /** Loops and sourced files that are inside each other now. */
  loops = 0
  sourcing = 0
  /** Letter that getopts reads next within its argument. */
  optionAt = 1
  /** History before this entry came from the file. */
  historyFrom = 0
  /** Terminal size, for commands that draw. */
  columns = 80
  rows = 24
  pid: number
  background = 0
  /** Calls inside each other. */
  depth = 0
  /** Variables that `local` hides, innermost call last. */
  locals: Map<string, string | undefined>[] = []
  /** Where standard output leads when that is a pipe, to wait for its reader. */
  sink: Pipe | undefined
  /** Streams that `exec` redirected for good. */
  fixed: Streams | undefined
  meter = new Meter()
  family = new Family()

  constructor(seat: Seat, options: { login: boolean; environment?: ReadonlyMap<string, string> }) {
    this.seat = seat
    this.ash = seat.world.host.flavour === 'openwrt'
    this.dialect = this.ash ? 'ash' : 'bash'
    this.name = `${options.login ? '-' : ''}${this.dialect}`
    this.pid = seat.login.pid + 2
    this.directory = seat.fs.stat(seat.user.home)?.kind === 'directory' ? seat.user.home : '/'
    const { exported, own } = environmentOf(seat, this.directory)
    for (const [name, value] of Object.entries(own)) this.variables.set(name, value)
    for (const [name, value] of Object.entries(exported)) this.export(name, value)
    for (const [name, value] of options.environment ?? []) this.export(name, value)
  }

  /** What error texts begin with: `-bash`, `./x.sh: line 3`, `sh: 1`. */
  get label(): string {
    if (this.dialect === 'dash') return `${this.name}: ${Math.max(1, this.line)}`
    if (this.scripted) return `${this.name}: line ${Math.max(1, this.line)}`
    if (this.dialect !== 'bash' || this.interactive || this.name.startsWith('-')) return this.name
    // Text of -c: bash 5.1 and later count its lines, older ones stand at line 0 and only their builtins say so
    if (this.modern) return `${this.name}: line ${Math.max(1, this.line)}`
    return this.builtin ? `${this.name}: line 0` : this.name
  }

  /** Whether it is bash 5.1 or later. */
  get modern(): boolean {
    return this.dialect === 'bash' && this.seat.world.host.flavour === 'debian'
  }

  // Variables

  export(name: string, value: string): void {
    this.set(name, value)
    this.exported.add(name)
  }

  set(name: string, value: string): void {
    if (this.arrays.has(name)) this.setElement(name, '0', value)
    else if (this.variables.size < maxVariables || this.variables.has(name)) this.variables.set(name, value.slice(0, maxValue))
  }

  unset(name: string): void {
    const element = /^([A-Za-z_]\w*)\[(.*)\]$/.exec(name)
    if (element) {
      this.arrays.get(element[1] as string)?.delete(this.index(element[1] as string, element[2] as string))
      return
    }
    this.variables.delete(name)
    this.arrays.delete(name)
    this.associative.delete(name)
    this.exported.delete(name)
  }

  /** The key of an element: a number, or the text itself in an associative array. */
  index(name: string, text: string): string {
    if (this.associative.has(name)) return text
    let at = Number(this.evaluate(text))
    if (at < 0) at += Math.max(-1, ...[...(this.arrays.get(name)?.keys() ?? [])].map(Number)) + 1
    return String(at)
  }

  setElement(name: string, index: string, value: string): void {
    let array = this.arrays.get(name)
    if (!array) {
      if (this.arrays.size >= maxVariables) return
      array = new Map()
      const before = this.variables.get(name)
      if (before !== undefined) array.set('0', before)
      this.variables.delete(name)
      this.arrays.set(name, array)
    }
    const key = this.index(name, index)
    if (array.size < maxElements || array.has(key)) array.set(key, value.slice(0, maxValue))
  }

  element(name: string, index: string): string | undefined {
    const array = this.arrays.get(name)
    if (array) return array.get(this.index(name, index))
    return this.index(name, index) === '0' ? this.get(name) : undefined
  }

  /** Indices of an array, in order. */
  keys(name: string): string[] {
    const array = this.arrays.get(name)
    if (!array) return this.get(name) === undefined ? [] : ['0']
    return this.associative.has(name) ? [...array.keys()] : [...array.keys()].sort((a, b) => Number(a) - Number(b))
  }

  elements(name: string): string[] {
    const array = this.arrays.get(name)
    const value = this.get(name)
    return array ? this.keys(name).map((key) => array.get(key) ?? '') : value === undefined ? [] : [value]
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
        return `${this.interactive ? 'himBH' : this.dialect === 'bash' ? 'hBc' : 'c'}${[...this.flags].filter((flag) => flag.length === 1).join('')}`
      case '0':
        return this.name
      case 'RANDOM':
        return this.dialect === 'dash' ? this.variables.get(name) : String(Math.floor(Math.random() * 32768))
      case 'SECONDS':
        return this.dialect === 'bash' ? String(Math.floor((this.seat.now() - this.seat.login.at) / 1000)) : undefined
      case 'LINENO':
        return String(Math.max(1, this.line))
      case 'PPID':
        return String(this.seat.login.pid)
      case 'BASHPID':
        return this.dialect === 'bash' ? String(this.pid) : undefined
      case 'PWD':
        return this.directory
    }
    if (/^[0-9]+$/.test(name)) return this.arguments[Number(name) - 1]
    return this.arrays.get(name)?.get('0') ?? this.variables.get(name)
  }

  /** The value of an arithmetic expression. Throws an Error naming the fault. */
  evaluate(text: string): bigint {
    return arithmetic(text, {
      get: (name, index) => (index === undefined ? this.get(name) : this.element(name, index)) ?? '',
      set: (name, index, value) => (index === undefined ? this.set(name, value) : this.setElement(name, index, value)),
    })
  }

  /** The value of an expression as a number; says its fault and leaves the command line when it has one. */
  evaluateOrFail(text: string, streams: Streams): number {
    try {
      return Number(this.evaluate(text))
    } catch (error) {
      const fault = error instanceof Error ? error.message : 'syntax error'
      streams.err(
        this.dialect === 'bash'
          ? `${this.label}: ${text}: ${fault}\n`
          : `${this.label}: ${fault.startsWith('division by 0') ? 'divide by zero' : 'arithmetic syntax error'}\n`,
      )
      throw new Leave(this.interactive ? 'abort' : 'exit', this.dialect === 'bash' ? 1 : 2)
    }
  }

  /** Absolute path of an operand. */
  path(operand: string): string {
    return absolute(this.directory, operand)
  }

  /** A copy for what runs beside: pipelines, substitutions, `( … )`. Its changes do not come back. */
  child(): Shell {
    return Object.assign(Object.create(Shell.prototype) as Shell, this, {
      variables: new Map(this.variables),
      arrays: new Map([...this.arrays].map(([name, array]) => [name, new Map(array)])),
      associative: new Set(this.associative),
      exported: new Set(this.exported),
      functions: new Map(this.functions),
      aliases: new Map(this.aliases),
      flags: new Set(this.flags),
      traps: new Map<string, string>(),
      locals: this.locals.map((hidden) => new Map(hidden)),
      interactive: false,
    })
  }

  /** Runs a text; resolves with its exit code. */
  async execute(text: string, streams: Streams): Promise<number> {
    let parsed: List
    try {
      parsed = parse(text)
    } catch (error) {
      return syntaxFault(this, error, streams, text)
    }
    try {
      return await runList(this, parsed, this.fixed ?? streams)
    } catch (error) {
      if (error instanceof Leave && error.kind === 'abort') {
        this.status = error.value
        return error.value
      }
      if (error instanceof Leave && error.kind !== 'exit') return this.status
      throw error
    }
  }

  // Control

  /** Ends what runs now in the foreground. */
  interrupt(): void {
    this.meter.interrupt()
  }

  /** Ends everything, as a hang-up does. */
  hangUp(): void {
    this.meter.interrupt()
    this.family.end()
  }

  /** Waits as a program does that sleeps or waits for the network; ends early, by Interrupted, at Ctrl-C or hang-up. */
  async pause(ms: number): Promise<void> {
    const { signal } = this.seat.context
    if (ms > 0 && !this.seat.gone()) {
      const wake = (): void => this.meter.interrupt()
      signal.addEventListener('abort', wake, { once: true })
      await this.meter.sleep(ms)
      signal.removeEventListener('abort', wake)
    }
    this.check()
  }

  check(): void {
    if (this.meter.interrupted || this.seat.gone()) throw new Interrupted()
  }

  /** Counts one command; lets other sessions, and the reader of the pipe that is written, catch up. */
  async step(): Promise<void> {
    this.check()
    this.meter.steps++
    await this.meter.breathe()
    await this.flow()
  }

  /** Waits for the reader of the pipe that is written. */
  async flow(): Promise<void> {
    await this.meter.breathe()
    if (this.sink?.full) await this.sink.drained()
    this.check()
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
  script(name: string, text: string, args: string[], streams: Streams, options: { dialect?: Dialect; inline?: boolean } = {}): Promise<number> {
    return script(this, name, text, args, streams, options)
  }

  run(name: string, streams: Streams): Run {
    const { meter } = this
    const bounded =
      (write: (text: string) => void) =>
      (text: string): void => {
        meter.written += text.length
        if (meter.written > maxOutput) throw new PipeClosed()
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

  /** Output of commands, for substitution. */
  async capture(list: List, streams: Streams): Promise<string> {
    const text = (await this.collect(list, streams)).replaceAll('\0', '')
    let end = text.length
    while (text[end - 1] === '\n') end--
    return text.slice(0, end)
  }

  async collect(list: List, streams: Streams): Promise<string> {
    let text = ''
    const child = this.child()
    child.sink = undefined
    child.fixed = undefined
    try {
      await runList(child, list, {
        ...streams,
        toTerminal: false,
        out: (piece) => {
          text += piece
          if (text.length > maxCaptured) throw new PipeClosed()
        },
      })
    } catch (error) {
      if (error instanceof Leave) child.status = error.kind === 'exit' ? error.value : child.status
      else if (!(error instanceof PipeClosed)) throw error
    }
    this.status = child.status
    return text
  }

  /** Process substitution: the path at which the output of the commands can be read once. */
  async substitute(list: List, direction: '<' | '>', streams: Streams): Promise<string> {
    if (direction === '>') return '/dev/null'
    const text = await this.collect(list, streams)
    const path = `/dev/fd/${this.family.descriptor--}`
    if (this.family.descriptor < 20) this.family.descriptor = 63
    this.seat.world.files.write(path, Buffer.from(text, 'latin1'), { at: this.seat.now(), mode: 0o600, uid: this.seat.user.uid, gid: this.seat.user.gid })
    return path
  }
}
