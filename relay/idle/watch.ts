/** The frames of an interface, from a tcpdump child: started again when it ends, and said to be blind while it does not see. */
import { type ChildProcess, spawn } from 'node:child_process'
import { type Frame, parseFrame, readPcap, snapBytes } from './frames.ts'

export interface WatchOptions {
  device: string
  /** pcap-filter(7). */
  filter: string
  /** `time` is milliseconds since 1970 UTC, as the kernel stamped it. */
  onFrame(frame: Frame, time: number): void
  onState(sees: boolean, reason: string): void
  /** Milliseconds before the first restart; doubled up to 10 s. */
  againMs?: number
  program?: string
}
export interface Watch {
  readonly sees: boolean
  close(): void
}

const longestPauseMs = 10_000

export function startWatch({ device, filter, onFrame, onState, againMs = 200, program = 'tcpdump' }: WatchOptions): Watch {
  let child: ChildProcess | undefined
  let sees = false
  let closed = false
  let pause = againMs
  let again: NodeJS.Timeout | undefined

  const begin = (): void => {
    // -Q in: what this machine sends is no owner's. -U and --immediate-mode: each frame at once.
    const args = ['-i', device, '-n', '-Q', 'in', '-U', '--immediate-mode', '-B', '4096', '-s', String(snapBytes), '-w', '-', filter]
    const started = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    let said = ''
    const stream = readPcap((bytes, time) => {
      const frame = parseFrame(bytes)
      if (frame) onFrame(frame, time)
    })
    started.stdout?.on('data', (bytes: Buffer) => {
      stream.push(bytes)
      if (stream.broken !== undefined) started.kill('SIGKILL')
    })
    started.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-400)
      if (sees || closed || !said.includes('listening on')) return
      sees = true
      pause = againMs
      onState(true, '')
    })
    let over = false
    const ended = (reason: string): void => {
      if (over) return
      over = true
      if (closed) return
      sees = false
      onState(false, (stream.broken ?? reason).trim().replaceAll(/\s+/g, ' ').slice(0, 200))
      again = setTimeout(begin, pause)
      pause = Math.min(longestPauseMs, pause * 2)
    }
    started.on('error', (error) => ended(`${program} could not be started: ${error.message}`))
    started.on('close', (code, signal) => ended(`tcpdump on ${device} ended with ${signal ?? code}: ${lastLine(said)}`))
  }
  begin()
  return {
    get sees() {
      return sees
    },
    close() {
      closed = true
      sees = false
      clearTimeout(again)
      child?.kill('SIGTERM')
    },
  }
}

/** tcpdump's last words, without its counts. */
const lastLine = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line !== '' && !/listening on|packets? (captured|received|dropped)/.test(line))
    .at(-1) ?? ''
