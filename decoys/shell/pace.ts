/**
 * How fast what runs may go. Work is done in slices, so that other sessions are served between them; what has used up its burst gets slices from one
 * queue of the whole worker, so that endless loops of many adversaries together take a bounded share of a core.
 */
import { refreshPatterns } from './line-pattern.ts'
import { Interrupted } from './control.ts'

/** Milliseconds that may pass before other sessions get their turn. */
const slice = 8
/** Milliseconds of work that a command line may do before it is slowed. */
const burst = 400
/** Milliseconds between slices of all that is slowed. */
const interval = 40

let inSlice = false
let sliceBegan = 0
let nextSlow = 0

/** State of what runs in the foreground, or of one background job. */
export class Meter {
  /** Commands run. */
  steps = 0
  /** Characters written by programs. */
  written = 0
  interrupted = false
  /** Whether the terminal shows what is typed. */
  echo = true
  #spent = 0
  readonly #wakes = new Set<() => void>()

  /** Begins a new command line. */
  fresh(): void {
    this.steps = 0
    this.written = 0
    this.#spent = 0
    this.interrupted = false
  }

  /** Ends what runs: all waits end, and the next step throws Interrupted. */
  interrupt(): void {
    this.interrupted = true
    for (const wake of [...this.#wakes]) wake()
  }

  /** Waits until a promise settles or this is interrupted. Never throws. */
  async until(promise: Promise<unknown>): Promise<void> {
    if (this.interrupted) return
    let wake = (): void => {}
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    this.#wakes.add(wake)
    await Promise.race([promise.catch(() => {}), woken])
    this.#wakes.delete(wake)
  }

  /** Waits for a time (milliseconds), or until this is interrupted. */
  async sleep(ms: number): Promise<void> {
    if (ms <= 0 || this.interrupted) return
    let timer: NodeJS.Timeout | undefined
    await this.until(
      new Promise((resolve) => {
        timer = setTimeout(resolve, Math.min(ms, 2_000_000_000))
      }),
    )
    clearTimeout(timer)
  }

  /** Gives way to other sessions when this slice is used up. */
  async breathe(): Promise<void> {
    if (this.interrupted) throw new Interrupted()
    const now = performance.now()
    if (!inSlice) {
      inSlice = true
      sliceBegan = now
      setImmediate(() => {
        inSlice = false
      })
      return
    }
    if (now - sliceBegan < slice) return
    this.#spent += now - sliceBegan
    await new Promise((resolve) => setImmediate(resolve))
    refreshPatterns()
    if (this.#spent > burst) {
      const at = Math.max(performance.now(), nextSlow)
      nextSlow = at + interval
      await this.sleep(at - performance.now() + 1)
    }
    if (this.interrupted) throw new Interrupted()
  }
}
