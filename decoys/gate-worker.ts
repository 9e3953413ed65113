/** One worker as the gate sees it: its process, started again with back-off, and the frames it says. */
import type { ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { escapeBytes } from '@shenlou/contract/bytes'
import { openWorkerLink, type WorkerLink, workerFrame } from './worker-link.ts'

export interface WorkerProcess {
  readonly link: WorkerLink | undefined
  /** It has said that it serves. */
  readonly ready: boolean
  /** Resolves when it serves, or after so long; says which. */
  whenReady(ms: number): Promise<boolean>
  /** Exits since the last minute in which it stayed up. */
  readonly failures: number
  /** Asks it to close everything, then ends it; resolves when it is gone. */
  stop(): Promise<void>
  /** Ends it at once, as after a broken frame; it is started again. */
  kill(): void
}
export interface WorkerProcessOptions {
  name: string
  spawn(): ChildProcess
  onReady(link: WorkerLink, services: string[]): void
  onFrame(type: number, stream: number, payload: Buffer): void
  onExit(code: number | null, signal: string | null): void
  /** How often it is asked whether it still turns; three times unanswered ends it. */
  heartbeatMs?: number
  log(line: string): void
}

const backoffMs = (failures: number): number => Math.min(15_000, 100 * 2 ** Math.min(failures, 8))
const stayedUpMs = 60_000
const stopMs = 3000

/** Starts the worker and keeps it running until `stop`. */
export function startWorkerProcess({ name, spawn, onReady, onFrame, onExit, heartbeatMs = 5000, log }: WorkerProcessOptions): WorkerProcess {
  let child: ChildProcess | undefined
  let link: WorkerLink | undefined
  let ready = false
  let failures = 0
  let stopping: (() => void) | undefined
  let again: NodeJS.Timeout | undefined
  const waiting = new Set<() => void>()

  const start = (): void => {
    const mine = spawn()
    child = mine
    const begun = Date.now()
    let unanswered = 0
    const heartbeat = setInterval(() => {
      // What it answers is not read while the journal catches up.
      if (ready && !opened.paused) unanswered += 1
      if (unanswered > 3) mine.kill('SIGKILL')
      else opened.send(workerFrame.PING, 0)
    }, heartbeatMs).unref()
    const opened = openWorkerLink(
      mine.stdio[3] as Duplex,
      (type, stream, payload) => {
        if (type === workerFrame.READY) {
          const services = servicesIn(payload)
          if (!services) {
            log(`${name} broke the link: it said READY with what are no services`)
            return void mine.kill('SIGKILL')
          }
          ready = true
          onReady(opened, services)
          for (const resolve of waiting) resolve()
          return
        }
        if (type === workerFrame.PONG) {
          unanswered = 0
          return
        }
        if (type === workerFrame.LOG) return log(`${name}: ${escapeBytes(payload.subarray(0, 2000))}`)
        if (type === workerFrame.STOPPED) return void mine.kill('SIGKILL')
        onFrame(type, stream, payload)
      },
      () => mine.kill('SIGKILL'), // its socket ended: whatever it does now, nobody hears it
    )
    link = opened
    for (const output of [mine.stdout, mine.stderr]) {
      output?.on('data', (chunk: Buffer) => log(`${name}: ${escapeBytes(chunk.subarray(0, 2000))}`))
      output?.on('error', () => {})
    }
    let gone = false
    const end = (code: number | null, signal: string | null): void => {
      if (gone) return
      gone = true
      clearInterval(heartbeat)
      link = undefined
      ready = false
      opened.close()
      failures = Date.now() - begun > stayedUpMs ? 1 : failures + 1
      onExit(code, signal)
      if (stopping) stopping()
      else again = setTimeout(start, backoffMs(failures - 1))
    }
    mine.on('error', (error) => {
      log(`${name} could not be started: ${error.message}`)
      end(null, null)
    })
    // Not `close`: a process of ours may still hold its outputs.
    mine.on('exit', end)
  }
  start()

  return {
    get link() {
      return link
    },
    get ready() {
      return ready
    },
    get failures() {
      return failures
    },
    async whenReady(ms) {
      if (ready) return true
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, ms)
      waiting.add(resolve)
      await promise
      waiting.delete(resolve)
      clearTimeout(timer)
      return ready
    },
    kill: () => void child?.kill('SIGKILL'),
    async stop() {
      clearTimeout(again)
      if (!link) {
        stopping = () => {}
        return
      }
      const gone = new Promise<void>((resolve) => {
        stopping = resolve
      })
      link.send(workerFrame.STOP, 0)
      const timer = setTimeout(() => child?.kill('SIGKILL'), stopMs)
      await gone
      clearTimeout(timer)
    },
  }
}

/** A worker that was taken over may say anything: undefined for what is no list of names. */
function servicesIn(payload: Buffer): string[] | undefined {
  try {
    const { services } = JSON.parse(payload.toString()) as { services?: unknown }
    return Array.isArray(services) && services.every((service) => typeof service === 'string') ? services : undefined
  } catch {
    return undefined
  }
}
