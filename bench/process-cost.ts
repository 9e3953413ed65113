/** CPU and memory of processes as the kernel accounts for them. */
import { readdirSync, readFileSync } from 'node:fs'
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
