/** Builtins about background jobs. */
import type { CommandTable, Run } from './command.ts'
import type { Job } from './jobs.ts'

/** The jobs that operands name; faults are said. */
function named(run: Run, args: string[]): { jobs: Job[]; status: number } {
  const { family } = run.shell
  const jobs: Job[] = []
  let status = 0
  for (const arg of args) {
    const job = arg.startsWith('%') ? family.find(arg) : family.jobs.find((j) => j.pid === Number(arg))
    if (job) jobs.push(job)
    else {
      if (arg.startsWith('%') || !/^\d+$/.test(arg)) run.err(`${run.shell.label}: ${run.name}: ${arg}: no such job\n`)
      else if (run.name === 'wait') run.err(run.shell.dialect === 'bash' ? `${run.shell.label}: wait: pid ${arg} is not a child of this shell\n` : '')
      else run.err(`${run.shell.label}: ${run.name}: ${arg}: no such job\n`)
      status = run.name === 'wait' ? 127 : 1
    }
  }
  return { jobs, status }
}

/** Ends a job as a signal does. Returns false when there is none. */
export function stopJob(job: Job | undefined, signal: number): boolean {
  if (!job) return false
  if (job.state === 'Running' && signal !== 0) {
    job.state = signal === 9 ? 'Killed' : 'Terminated'
    job.status = 128 + signal
    job.meter.interrupt()
  }
  return true
}

export const jobBuiltins: CommandTable = {
  async wait(run, args) {
    const { shell } = run
    const { jobs, status } = args.length === 0 ? { jobs: [...shell.family.jobs], status: 0 } : named(run, args)
    for (const job of jobs) {
      await shell.meter.until(job.done)
      shell.check()
    }
    if (!shell.interactive) shell.family.forget((job) => jobs.includes(job))
    return args.length === 0 ? 0 : status || (jobs.at(-1)?.status ?? 0)
  },
  jobs(run, args) {
    const { family, dialect } = run.shell
    const pids = args.includes('-p')
    for (const job of family.jobs)
      run.out(
        pids
          ? `${job.pid}\n`
          : args.includes('-l')
            ? family.line(job, dialect === 'ash').replace(/^(\[\d+\]. )/, `$1${job.pid} `)
            : family.line(job, dialect === 'ash'),
      )
    family.forget((job) => job.state !== 'Running')
    return 0
  },
  async fg(run, args) {
    const { shell } = run
    const job = shell.interactive ? shell.family.find(args[0] ?? '%+') : undefined
    if (!job) {
      run.err(`${shell.label}: fg: ${shell.interactive ? `${args[0] ?? 'current'}: no such job` : 'no job control'}\n`)
      return 1
    }
    run.out(`${job.text}\n`)
    await shell.meter.until(job.done)
    if (shell.meter.interrupted) job.meter.interrupt()
    shell.family.forget((one) => one === job)
    shell.check()
    return job.status
  },
  bg(run, args) {
    const { shell } = run
    const job = shell.interactive ? shell.family.find(args[0] ?? '%+') : undefined
    run.err(
      job
        ? `${shell.label}: bg: job ${job.id} already in background\n`
        : `${shell.label}: bg: ${shell.interactive ? `${args[0] ?? 'current'}: no such job` : 'no job control'}\n`,
    )
    return job ? 0 : 1
  },
  disown(run, args) {
    const { jobs, status } =
      args.length === 0
        ? { jobs: run.shell.family.jobs.slice(-1), status: 0 }
        : named(
            run,
            args.filter((a) => !a.startsWith('-')),
          )
    run.shell.family.forget((job) => jobs.includes(job) || args.includes('-a'))
    return status
  },
}
