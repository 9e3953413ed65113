/** A shell on a terminal: greeting, prompt, editor, line discipline of what runs, Ctrl-C and hang-up. */
import { localTime } from '../world/host.ts'
import { builtins } from './builtins.ts'
import { LineEditor } from './editor.ts'
import { LineReader, LiveInput } from './io.ts'
import { parse } from './parser.ts'
import { runLine } from './plain.ts'
import { prompt as promptText } from './prompt.ts'
import { reasonOf, type Seat } from './seat.ts'
import { Shell } from './shell.ts'
import { Incomplete } from './syntax.ts'

export interface Terminal {
  input(bytes: Buffer): void
  /** The client ended its input. */
  end(): void
  resize(columns: number, rows: number): void
  signal(name: string): void
  hangUp(): void
}

const maxHistory = 500

/** Opens a terminal in a seat; `command` runs one command on it instead of a shell. Output is what a terminal gets: CR LF. */
export function openTerminal(options: {
  seat: Seat
  command: string | undefined
  term: string
  columns: number
  rows: number
  environment: ReadonlyMap<string, string>
  write(text: string): void
  drained(): Promise<void>
  exit(code: number): void
}): Terminal {
  const { seat, command, environment, exit } = options
  const shell = new Shell(seat, { login: command === undefined, environment })
  shell.columns = options.columns
  shell.rows = options.rows
  shell.interactive = command === undefined
  shell.export('TERM', options.term || 'dumb')
  shell.export('SSH_TTY', `/dev/${seat.login.tty}`)
  let input = new LiveInput(true)
  let running = false
  let cooked = ''
  let typed = ''
  let over = false

  const write = (text: string): void => options.write(text)
  const print = (text: string): void => write(text.replace(/\r?\n/g, '\r\n'))
  const editor = new LineEditor({
    write,
    columns: () => shell.columns,
    history: () => shell.history,
    complete: (line) => complete(shell, line),
    line: (text) => void entered(text),
    interrupt() {
      shell.status = 130
      continued = ''
      prompt()
    },
    end() {
      write(shell.ash ? '' : 'logout\r\n')
      finish(shell.status)
    },
  })
  let continued = ''
  const prompt = (): void => {
    if (continued === '') print(shell.family.report(shell.dialect === 'ash'))
    editor.begin(promptText(shell, continued === '' ? 'PS1' : 'PS2'))
  }

  function finish(code: number): void {
    if (over) return
    over = true
    if (command === undefined && !shell.ash && shell.history.length > 0) saveHistory(shell)
    exit(code)
  }

  const streams = (reader = new LineReader(input)) => ({ input: reader, out: print, err: print, toTerminal: true })

  async function entered(text: string): Promise<void> {
    const whole = continued === '' ? text : `${continued}\n${text}`
    if (whole.trim() === '') {
      continued = ''
      prompt()
      return feedRest()
    }
    try {
      parse(whole)
    } catch (error) {
      if (error instanceof Incomplete && whole.length < 65_536) {
        continued = whole
        prompt()
        return feedRest()
      }
    }
    continued = ''
    remember(shell, whole)
    running = true
    cooked = ''
    shell.meter.fresh()
    input = new LiveInput(true)
    const rest = typed
    typed = ''
    const reader = new LineReader(input)
    const result = runLine(shell, 'shell', whole, () => shell.execute(`${whole}\n`, streams(reader)))
    if (rest !== '') take(rest)
    const { left, code } = await result
    await options.drained()
    running = false
    shell.meter.interrupted = false
    if (over || seat.gone()) return
    if (left) {
      if (!shell.ash) write('logout\r\n')
      return finish(code)
    }
    // Lines typed ahead that the program did not read are the shell's next input.
    typed = (reader.left() + input.left()).replaceAll('\n', '\r') + cooked + typed
    prompt()
    feedRest()
  }

  function feedRest(): void {
    if (typed === '') return
    const rest = typed
    typed = ''
    take(rest)
  }

  function take(text: string): void {
    for (let i = 0; i < text.length; i++) {
      if (over) return
      if (running) {
        discipline(text[i] as string)
        continue
      }
      if (editor.key(text[i] as string)) {
        if (!running || typed !== '') {
          typed += text.slice(i + 1)
          if (!running) {
            feedRest()
            return
          }
          return
        }
      }
    }
  }

  /** What the kernel does with keys while a program runs in canonical mode. */
  function discipline(c: string): void {
    const code = c.charCodeAt(0)
    if (code === 3 || code === 28) {
      write(code === 3 ? '^C\r\n' : '^\\Quit\r\n')
      cooked = ''
      input.clear()
      shell.interrupt()
      input.interrupt()
    } else if (code === 4) {
      if (cooked !== '') input.feed(cooked)
      else input.end()
      cooked = ''
    } else if (code === 13 || code === 10) {
      write('\r\n')
      input.feed(`${cooked}\n`)
      cooked = ''
    } else if (code === 127 || code === 8) {
      if (cooked !== '') {
        cooked = cooked.slice(0, -1)
        if (shell.meter.echo) write('\b \b')
      }
    } else if (code === 21) {
      if (shell.meter.echo) write('\b \b'.repeat(cooked.length))
      cooked = ''
    } else if (cooked.length < 4095) {
      cooked += c
      if (shell.meter.echo) write(code < 32 && c !== '\t' ? `^${String.fromCharCode(code + 64)}` : c)
    }
  }

  async function start(): Promise<void> {
    if (command !== undefined) {
      running = true
      const { code } = await runLine(shell, 'exec', command, () => shell.execute(command, streams()))
      return finish(code)
    }
    print(greeting(shell))
    prompt()
  }
  void start()

  return {
    input(bytes) {
      seat.login.active = seat.now()
      take(bytes.toString('latin1'))
    },
    end() {
      if (running) input.end()
      else finish(shell.status)
    },
    resize(columns, rows) {
      shell.columns = columns || 80
      shell.rows = rows || 24
    },
    signal(name) {
      if (name === 'INT') shell.interrupt()
      else if (name === 'HUP' || name === 'TERM' || name === 'KILL') finish(129)
    },
    hangUp() {
      if (!over && command === undefined && !shell.ash && shell.history.length > 0) saveHistory(shell)
      over = true
      input.end()
      shell.hangUp()
    },
  }
}

function remember(shell: Shell, text: string): void {
  const line = text.replaceAll('\n', '; ')
  if (shell.history.at(-1) !== line) shell.history.push(line)
  if (shell.history.length > maxHistory) shell.history.shift()
}

function saveHistory(shell: Shell): void {
  const path = shell.get('HISTFILE')
  if (!path || shell.get('HISTSIZE') === '0') return
  try {
    shell.seat.world.files.write(path, Buffer.from(`${shell.history.slice(shell.historyFrom).join('\n')}\n`, 'latin1'), {
      at: shell.seat.now(),
      append: true,
      mode: 0o600,
      uid: shell.seat.user.uid,
      gid: shell.seat.user.gid,
    })
  } catch (error) {
    reasonOf(error)
  }
}

/** What a login prints before the first prompt. */
function greeting(shell: Shell): string {
  const { seat } = shell
  const { world } = seat
  const { host } = world
  if (!shell.ash) {
    try {
      shell.history = world.files.read(`${seat.user.home}/.bash_history`).toString('latin1').split('\n').filter(Boolean).slice(-maxHistory)
    } catch (error) {
      reasonOf(error)
    }
    shell.historyFrom = shell.history.length
  }
  if (host.flavour === 'openwrt') return `\n\nBusyBox v1.30.1 () built-in shell (ash)\n\n${text(seat, '/etc/banner')}`
  const last = world.logins.past().find((login) => login.user === seat.user.name)
  const t = last ? localTime(host, last.at) : undefined
  const line = t ? `Last login: ${t.weekday} ${t.monthName} ${t.day} ${t.hh}:${t.mm}:${t.ss} ${t.year} from ${last?.from}\n` : ''
  if (host.flavour === 'ubuntu') {
    const { os } = host.persona.template
    return `Welcome to Ubuntu ${os.release} LTS (GNU/Linux ${os.kernel} ${os.architecture})\n\n * Documentation:  https://help.ubuntu.com\n * Management:     https://landscape.canonical.com\n * Support:        https://ubuntu.com/advantage\n\n${line}`
  }
  // Dropbear prints the message of the day and leaves the last login to others
  return (host.flavour === 'debian' ? '' : line) + text(seat, '/etc/motd')
}

function text(seat: Seat, path: string): string {
  try {
    return seat.world.files.read(path).toString('latin1')
  } catch (error) {
    reasonOf(error)
    return ''
  }
}

/** Completes commands in the first word, paths elsewhere. */
function complete(shell: Shell, line: string): { from: number; names: string[] } {
  const from =
    Math.max(line.lastIndexOf(' '), line.lastIndexOf('|'), line.lastIndexOf(';'), line.lastIndexOf('&'), line.lastIndexOf('>'), line.lastIndexOf('<')) + 1
  const word = line.slice(from)
  const first = /(?:^|[|;&]\s*)$/.test(line.slice(0, from).trimEnd())
  if (first && !word.includes('/')) {
    if (word === '') return { from, names: [] }
    const names = new Set(Object.keys(builtins).filter((name) => name.startsWith(word)))
    for (const directory of (shell.get('PATH') ?? '').split(':')) {
      try {
        for (const name of shell.seat.fs.list(directory)) if (name.startsWith(word)) names.add(name)
      } catch (error) {
        reasonOf(error)
      }
    }
    return { from, names: [...names].sort() }
  }
  const at = word.lastIndexOf('/') + 1
  const directory = word.slice(0, at)
  const start = word.slice(at)
  const home = directory.startsWith('~/') ? `${shell.get('HOME') ?? ''}/${directory.slice(2)}` : directory
  try {
    const names = shell.seat.fs.list(shell.path(home || '.')).filter((name) => name.startsWith(start) && (start.startsWith('.') || !name.startsWith('.')))
    return {
      from,
      names: names.map((name) => `${directory}${name}${shell.seat.fs.stat(shell.path(`${home || '.'}/${name}`))?.kind === 'directory' ? '/' : ''}`),
    }
  } catch (error) {
    reasonOf(error)
    return { from, names: [] }
  }
}
