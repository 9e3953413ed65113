/** Programs that run another one: for a time, apart from the terminal, with another priority. */
import type { CommandTable } from '../command.ts'
import { Interrupted } from '../control.ts'
import { Meter } from '../pace.ts'
import { writer } from '../redirect.ts'

export const wrapperCommands: CommandTable = {
  async timeout(run, args) {
    let i = 0
    let signal = 15
    for (; i < args.length && (args[i] as string).startsWith('-'); i++)
      if (/^-[sk]$/.test(args[i] as string)) if (args[i++] === '-s' && /9|KILL/.test(args[i] ?? '')) signal = 9
    const m = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(args[i] ?? '')
    if (args.length - i < 2) return run.fault("missing operand\nTry 'timeout --help' for more information.") && 125
    if (!m) return run.fault(`invalid time interval '${args[i]}'\nTry 'timeout --help' for more information.`) && 125
    const ms = Number(m[1]) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, '': 1000 }[m[2] as 's']
    const child = run.shell.child()
    child.meter = new Meter()
    const outer = run.shell.meter
    let over = false
    const timer = setTimeout(
      () => {
        over = true
        child.meter.interrupt()
      },
      Math.min(ms || 2_000_000_000, 2_000_000_000),
    )
    const work = child.call(args[i + 1] as string, args.slice(i + 2), run)
    try {
      await outer.until(work)
      if (outer.interrupted) child.meter.interrupt()
      return await work
    } catch (error) {
      if (over && error instanceof Interrupted) return signal === 9 ? 137 : 124
      throw error
    } finally {
      clearTimeout(timer)
    }
  },
  async time(run, args) {
    const began = run.seat.now()
    const code = args.length > 0 ? await run.shell.call(args[0] as string, args.slice(1), run) : 0
    const ms = run.seat.now() - began
    const text = (n: number): string => `${Math.floor(n / 60_000)}m${((n % 60_000) / 1000).toFixed(3)}s`
    run.err(`\nreal\t${text(ms + 2)}\nuser\t${text(1)}\nsys\t${text(1)}\n`)
    return code
  },
  nohup: async (run, args) => {
    if (args.length === 0) return run.fault("missing operand\nTry 'nohup --help' for more information.") && 125
    if (!run.toTerminal) return run.shell.call(args[0] as string, args.slice(1), run)
    run.err("nohup: ignoring input and appending output to 'nohup.out'\n")
    const finishers: (() => void)[] = []
    const write = writer(run.shell, run.shell.path('nohup.out'), true, finishers)
    try {
      return await run.shell.call(args[0] as string, args.slice(1), { ...run, out: write, err: write, toTerminal: false })
    } finally {
      for (const finish of finishers) finish()
    }
  },
  nice: (run, args) => run.shell.call(args.filter((a) => !/^-?\d+$|^-n$/.test(a))[0] ?? 'true', args.filter((a) => !/^-?\d+$|^-n$/.test(a)).slice(1), run),
  ionice: (run, args) =>
    run.shell.call(args.filter((a) => !/^-/.test(a) && !/^\d$/.test(a))[0] ?? 'true', args.filter((a) => !/^-/.test(a) && !/^\d$/.test(a)).slice(1), run),
  setsid: (run, args) => run.shell.call(args[0] ?? 'true', args.slice(1), run),
  stdbuf: (run, args) => run.shell.call(args.filter((a) => !a.startsWith('-'))[0] ?? 'true', args.filter((a) => !a.startsWith('-')).slice(1), run),
}
