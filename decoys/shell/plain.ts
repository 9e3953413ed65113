/** Shells without a terminal: one command (exec), or lines from standard input without a prompt. */
import { LineReader, LiveInput, PipeClosed } from './io.ts'
import { parse } from './parser.ts'
import { show, type Seat } from './seat.ts'
import { Interrupted, Leave, type Streams } from './control.ts'
import { Shell } from './shell.ts'
import { Incomplete } from './syntax.ts'

export interface Running {
  input(bytes: Buffer): void
  end(): void
  hangUp(): void
}

interface Options {
  seat: Seat
  environment: ReadonlyMap<string, string>
  write(text: string): void
  error(text: string): void
  drained(): Promise<void>
  exit(code: number): void
}

/** Says a command line, runs it, and says how it ended. Never throws. */
export async function runLine(shell: Shell, mode: 'shell' | 'exec', text: string, run: () => Promise<number>): Promise<{ code: number; left: boolean }> {
  const { seat } = shell
  const began = seat.now()
  seat.login.active = began
  seat.emit('command.executed', { mode, input: show(text, 65_536), user: show(seat.user.name, 64), directory: show(shell.directory) })
  let code = 0
  let left = false
  try {
    code = await run()
  } catch (error) {
    if (error instanceof Leave) {
      left = error.kind === 'exit'
      code = error.kind === 'exit' ? error.value : shell.status
    } else if (error instanceof Interrupted) code = 130
    else if (error instanceof PipeClosed) code = 141
    else code = 1 // a fault of ours looks like a program that failed
  }
  shell.status = code
  if (!seat.context.signal.aborted) seat.emit('command.finished', { exitCode: code, durationMs: Math.max(0, seat.now() - began) })
  return { code, left }
}

/** Runs a text and then its EXIT trap. */
async function withTrap(shell: Shell, text: string, streams: Streams): Promise<number> {
  let code: number
  try {
    code = await shell.execute(text, streams)
  } catch (fault) {
    if (!(fault instanceof Leave) || fault.kind !== 'exit') throw fault
    code = fault.value
  }
  const trap = shell.traps.get('EXIT')
  if (trap !== undefined) await shell.execute(trap, streams)
  return code
}

/** Lets jobs that were left behind go on for a moment: sshd does not close while they hold its streams, and what they ask for is seen. */
async function settle(shell: Shell): Promise<void> {
  const running = shell.family.jobs.filter((job) => job.state === 'Running').map((job) => job.done)
  let timer: NodeJS.Timeout | undefined
  await Promise.race([
    Promise.allSettled(running),
    new Promise((resolve) => {
      timer = setTimeout(resolve, running.length > 0 ? 3000 : 0)
    }),
  ])
  clearTimeout(timer)
  shell.family.end()
}

/** Runs the command of an exec request. */
export function runExec({ seat, command, environment, write, error, exit }: Options & { command: string }): Running {
  const input = new LiveInput(false)
  const shell = new Shell(seat, { login: false, environment })
  shell.name = shell.ash ? 'ash' : 'bash'
  seat.login.run({ pid: shell.pid, ppid: seat.login.pid, command: `${shell.ash ? 'ash' : 'bash'} -c ${command.slice(0, 300)}`, startedAt: seat.now() })
  const streams = { input: new LineReader(input), out: write, err: error, toTerminal: false }
  void runLine(shell, 'exec', command, () => withTrap(shell, command, streams)).then(async ({ code }) => {
    await settle(shell)
    exit(code)
  })
  return {
    input: (bytes) => input.feed(bytes.toString('latin1')),
    end: () => input.end(),
    hangUp() {
      input.end()
      shell.hangUp()
    },
  }
}

/** Runs lines from standard input as a shell without a terminal does. */
export function runPlainShell({ seat, environment, write, error, exit }: Options): Running {
  const input = new LiveInput(false)
  const reader = new LineReader(input)
  const shell = new Shell(seat, { login: true, environment })
  const work = async (): Promise<void> => {
    let text = ''
    for (let line = await reader.line(); line !== null; line = await reader.line()) {
      text += `${line}\n`
      try {
        parse(text)
      } catch (fault) {
        if (fault instanceof Incomplete && text.length < 65_536) continue
      }
      const whole = text
      text = ''
      if (whole.trim() === '') continue
      const { left } = await runLine(shell, 'shell', whole.trimEnd(), () => shell.execute(whole, { input: reader, out: write, err: error, toTerminal: false }))
      if (left || seat.gone()) break
    }
    await settle(shell)
    exit(shell.status)
  }
  void work()
  return {
    input: (bytes) => input.feed(bytes.toString('latin1').replaceAll('\r\n', '\n')),
    end: () => input.end(),
    hangUp() {
      input.end()
      shell.hangUp()
    },
  }
}
