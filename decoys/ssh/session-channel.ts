/** A session channel (RFC 4254 section 6): terminal, environment, and one program: shell, command or subsystem. */
import { escapeBytes } from '@shenlou/contract/bytes'
import type { Connection, Context, Session } from '../decoy.ts'
import { openSeat, type Seat } from '../shell/seat.ts'
import { runExec, runPlainShell } from '../shell/plain.ts'
import { openTerminal, type Terminal } from '../shell/terminal.ts'
import type { Channel } from './channel.ts'
import type { Recorder } from './record.ts'
import { isScp, serveScp } from './scp.ts'
import type { ServerKind } from './server-kind.ts'
import { serveSftp } from './sftp.ts'
import type { Reader } from './wire.ts'

interface About {
  channel: Channel
  connection: Connection
  context: Context
  session: Session
  recorder: Recorder
  kind: ServerKind
  user: string
  forward: Forward
}
interface Size {
  term: string
  columns: number
  rows: number
}
type Forward = (type: 'agent' | 'x11', host: string, port: number) => void
const show = (text: string, max: number): string => escapeBytes(Buffer.from(text.slice(0, Math.floor(max / 4)), 'latin1'))

export class SessionChannel {
  readonly #about: About
  #terminal: Size | undefined
  #environment = new Map<string, string>()
  #started = false
  #live: Terminal | undefined

  constructor(about: About) {
    this.#about = about
  }

  request(reader: Reader): void {
    const { channel, kind, session, forward } = this.#about
    const type = reader.text()
    const wanted = reader.bool()
    const answer = (good: boolean): void => (good ? channel.succeed(wanted) : channel.fail(wanted))
    if (type === 'window-change') {
      const [columns, rows] = [reader.uint32() & 0xffff, reader.uint32() & 0xffff]
      if (this.#terminal) {
        Object.assign(this.#terminal, { columns, rows })
        session.emit('terminal.resized', { columns, rows })
        this.#live?.resize(columns, rows)
      }
      answer(this.#terminal !== undefined)
      return
    }
    if (type === 'signal') {
      const name = reader.text()
      this.#live?.signal(name)
      answer(false)
      return
    }
    if (this.#started) {
      answer(false)
      return
    }
    if (type === 'pty-req') {
      if (this.#terminal) {
        answer(false)
        return
      }
      const term = reader.text()
      const [columns, rows] = [reader.uint32() & 0xffff, reader.uint32() & 0xffff]
      this.#terminal = { term: term.slice(0, 64), columns: columns || 80, rows: rows || 24 }
      session.emit('terminal.opened', { term: show(term, 64), columns, rows })
      answer(true)
      return
    }
    if (type === 'env') {
      const [name, value] = [reader.text(), reader.text()]
      const known = kind.tellsHostKeys && /^(LANG|LC_[A-Z]+|LANGUAGE|XMODIFIERS)$/.test(name) // AcceptEnv of the distributions
      if (known && this.#environment.size < 32) this.#environment.set(name, value.slice(0, 256))
      answer(known)
      return
    }
    if (type === 'x11-req') {
      forward('x11', '', 0)
      answer(false)
      return
    }
    if (type === 'auth-agent-req@openssh.com') {
      forward('agent', '', 0)
      answer(false)
      return
    }
    if (type === 'shell') {
      this.#start(wanted, undefined)
      return
    }
    if (type === 'exec') {
      this.#start(wanted, reader.text())
      return
    }
    if (type === 'subsystem') {
      const name = reader.text()
      if (name !== 'sftp' || !kind.sftp) {
        session.emit('command.executed', { mode: 'subsystem', input: show(name, 65_536), user: show(this.#about.user, 64), directory: '/' })
        answer(false)
        return
      }
      this.#started = true
      channel.started()
      channel.succeed(wanted)
      const seat = this.#seat(undefined)
      session.emit('command.executed', { mode: 'subsystem', input: 'sftp', user: show(seat.user.name, 64), directory: seat.user.home })
      serveSftp(channel, seat)
      return
    }
    answer(false)
  }

  #seat(terminal: Size | undefined): Seat {
    const { connection, context, session, user, channel } = this.#about
    return openSeat({ connection, context, session, user, terminal: terminal !== undefined, closed: () => channel.closed })
  }

  /** Answers the request, and only then runs the program. */
  #start(wanted: boolean, command: string | undefined): void {
    const { channel, recorder } = this.#about
    this.#started = true
    channel.started()
    channel.succeed(wanted)
    const seat = this.#seat(this.#terminal)
    const output = outputOf(channel, recorder)
    const done = (code: number): void => {
      output.flush()
      seat.leave()
      channel.exit(code)
    }
    const environment = this.#environment
    if (command !== undefined && isScp(command)) {
      serveScp(command, channel, seat, done)
      return
    }
    if (this.#terminal) {
      const live = openTerminal({ seat, command, ...this.#terminal, environment, write: output.write, drained: () => channel.drained(), exit: done })
      this.#live = live
      channel.reader = {
        data(bytes) {
          recorder.say('input', bytes)
          live.input(bytes)
        },
        end: () => live.end(),
        closed() {
          live.hangUp()
          seat.leave()
        },
      }
      return
    }
    const run =
      command === undefined
        ? runPlainShell({ seat, environment, ...output, drained: () => channel.drained(), exit: done })
        : runExec({ seat, command, environment, ...output, drained: () => channel.drained(), exit: done })
    channel.reader = {
      data(bytes) {
        recorder.say('input', bytes)
        run.input(bytes)
      },
      end: () => run.end(),
      closed() {
        run.hangUp()
        seat.leave()
      },
    }
  }
}

/** Output of one tick as one piece: said first, then sent. */
function outputOf(channel: Channel, recorder: Recorder) {
  let pending: { error: boolean; text: string }[] = []
  let planned = false
  const flush = (): void => {
    planned = false
    const pieces = pending
    pending = []
    for (const { error, text } of pieces) {
      const bytes = Buffer.from(text, 'latin1')
      if (channel.closed) return
      recorder.say(error ? 'error' : 'output', bytes)
      channel.write(bytes, error)
    }
  }
  const add = (error: boolean, text: string): void => {
    if (text === '') return
    const last = pending.at(-1)
    if (last?.error === error) last.text += text
    else pending.push({ error, text })
    if (!planned) {
      planned = true
      process.nextTick(flush)
    }
  }
  return { write: (text: string) => add(false, text), error: (text: string) => add(true, text), flush }
}
