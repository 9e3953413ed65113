/** Background jobs of a shell, and the count of all that runs at once for one login. */
import type { Meter } from './pace.ts'

export interface Job {
  /** Number in brackets. */
  id: number
  pid: number
  text: string
  meter: Meter
  state: 'Running' | 'Done' | 'Terminated' | 'Killed' | `Exit ${number}`
  status: number
  done: Promise<void>
}

/** What may run at once for one login: parts of pipelines and jobs. */
export const maxForks = 96

/** Shared by a shell and all that it starts. */
export class Family {
  readonly jobs: Job[] = []
  /** What runs at once. */
  live = 0
  /** Descriptor of the next process substitution. */
  descriptor = 63
  #ended = false

  /** Adds a job; the number is free again when it was reported. */
  add(job: Omit<Job, 'id'>): Job {
    const whole: Job = { ...job, id: Math.max(0, ...this.jobs.map((j) => j.id)) + 1 }
    this.jobs.push(whole)
    // what a job starts while it is hung up would outlive it
    if (this.#ended) job.meter.interrupt()
    return whole
  }

  /** The job of `%1`, `%%`, `%+`, `%-`, a number or a name after `%`. */
  find(spec: string): Job | undefined {
    const name = spec.replace(/^%/, '')
    if (name === '' || name === '%' || name === '+') return this.jobs.at(-1)
    if (name === '-') return this.jobs.at(-2) ?? this.jobs.at(-1)
    if (/^\d+$/.test(name)) return this.jobs.find((job) => job.id === Number(name))
    return this.jobs.find((job) => job.text.startsWith(name))
  }

  /** A line for a job, as `jobs` prints it. */
  line(job: Job, busybox: boolean): string {
    const mark = job === this.jobs.at(-1) ? '+' : job === this.jobs.at(-2) ? '-' : ' '
    return `[${job.id}]${mark}  ${job.state.padEnd(busybox ? 26 : 23)} ${job.text}${job.state === 'Running' && !busybox ? ' &' : ''}\n`
  }

  /** Lines for the jobs that ended since the last call; they are forgotten. */
  report(busybox: boolean): string {
    let text = ''
    for (const job of this.jobs.filter((j) => j.state !== 'Running')) text += this.line(job, busybox)
    this.forget((job) => job.state !== 'Running')
    return text
  }

  forget(which: (job: Job) => boolean): void {
    for (let i = this.jobs.length - 1; i >= 0; i--) if (which(this.jobs[i] as Job)) this.jobs.splice(i, 1)
  }

  /** Ends all jobs for good, as a hang-up does: what is started from now on ends at once. */
  end(): void {
    this.#ended = true
    for (const job of this.jobs) job.meter.interrupt()
  }
}
