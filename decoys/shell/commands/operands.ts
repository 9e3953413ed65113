/** What programs on files have in common: their operands, their faults, the tree below one. */
import type { Run } from '../command.ts'
import { reasonOf } from '../seat.ts'

export const busy = (run: Run): boolean => run.shell.ash
export const baseName = (path: string): string => path.replace(/\/+$/, '').replace(/^.*\//, '') || '/'
export const missing = (run: Run): number => {
  run.err(
    busy(run)
      ? `BusyBox v1.30.1 () multi-call binary.\n\nUsage: ${run.name} [OPTIONS] FILE...\n`
      : `${run.name}: missing operand\nTry '${run.name} --help' for more information.\n`,
  )
  return 1
}
/** Runs a change on a path and says its fault in the program's words. */
export function attempt(run: Run, text: (reason: string) => string, change: () => void): number {
  try {
    change()
    return 0
  } catch (error) {
    const reason = reasonOf(error)
    run.err(`${run.name}: ${text(reason)}\n`)
    return 1
  }
}

/** A path and all below it, parents first; at most 20,000. */
export function below(run: Run, path: string, list: string[] = []): string[] {
  if (list.length >= 20_000) return list
  list.push(path)
  if (run.seat.world.files.stat(path, false)?.kind === 'directory') {
    try {
      for (const name of run.seat.fs.list(path)) below(run, path === '/' ? `/${name}` : `${path}/${name}`, list)
    } catch (error) {
      reasonOf(error)
    }
  }
  return list
}
