/** CPU and memory of processes as the kernel accounts for them. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { below } from '../test/processes.ts'

const tickMs = 10

/** CPU milliseconds that a process and its ended children have used, user and system. */
export function cpuMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14])) * tickMs
  } catch {
    return 0
  }
}

/** The same for a process and all below it. */
export const treeCpuMs = (pid: number): number => [pid, ...below(pid).map((entry) => entry.pid)].reduce((sum, each) => sum + cpuMs(each), 0)

/** Proportional set size in KiB of a process and all below it: shared pages are counted once. */
export function treePssKib(pid: number): number {
  return [pid, ...below(pid).map((entry) => entry.pid)].reduce((sum, each) => {
    try {
      return sum + Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${each}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {
      return sum
    }
  }, 0)
}

export const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

/** The same once it stands still for `ms`, or after ten times that. */
export async function settledPssKib(pid: number, ms: number): Promise<number> {
  let last = treePssKib(pid)
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => setTimeout(resolve, ms))
    const now = treePssKib(pid)
    if (Math.abs(now - last) < 256) return now
    last = now
  }
  return last
}

/** Memory of a process and all below it in MiB: what is theirs alone, and the pages of files (the program itself) once. */
export function treeMemoryMib(pid: number): number {
  let own = 0
  let files = 0
  for (const each of [pid, ...below(pid).map((entry) => entry.pid)]) {
    try {
      const text = readFileSync(`/proc/${each}/smaps_rollup`, 'utf8')
      const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
      own += kib('Anonymous')
      files = Math.max(files, kib('Rss') - kib('Anonymous'))
    } catch {}
  }
  return (own + files) / 1024
}

/** Words before a command that put it on the servers' core; the load has another where there are two. */
export const servers: string[] = cpus().length > 1 ? ['taskset', '-c', '0'] : []

/** A command on the servers' core. */
export function pin(program: string, args: string[]): [string, string[]] {
  const [first, ...rest] = [...servers, program, ...args]
  return [first as string, rest]
}

/** Keeps this process, the load, off the servers' core. Answers how to undo it. */
export function pinLoad(): () => void {
  const cores = cpus().length
  if (cores < 2) return () => undefined
  const set = (list: string): void => void execFileSync('taskset', ['-a', '-cp', list, String(process.pid)], { stdio: 'ignore' })
  set(`1-${cores - 1}`)
  return () => set(`0-${cores - 1}`)
}
