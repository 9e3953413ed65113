/** What the processes of one installation hold, without counting shared pages twice. */
import { readFileSync } from 'node:fs'
import { below, processes } from './processes.ts'

export type Role = 'core' | 'decoys' | 'worker' | 'relay' | 'postgres'

/**
 * Proportional set size in MiB by role of what runs below `start` (proc(5), smaps_rollup): pages that processes share, such as Node's own code and
 * PostgreSQL's buffers, are counted once in all.
 */
export function memoryMiB(start: number): Record<Role, number> {
  const sums: Record<Role, number> = { core: 0, decoys: 0, worker: 0, relay: 0, postgres: 0 }
  for (const { pid, command } of below(start, processes())) {
    const role =
      /shenlou\.js (core|decoys|relay) /.exec(command)?.[1] ?? (/postgres/.test(command) ? 'postgres' : /worker/.test(command) ? 'worker' : undefined)
    if (!role) continue
    try {
      sums[role as Role] += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024
    } catch {
      // It ended meanwhile.
    }
  }
  return sums
}

export const total = (sums: Record<Role, number>): number => Object.values(sums).reduce((sum, part) => sum + part, 0)
export const shown = (sums: Record<Role, number>): string =>
  Object.entries(sums)
    .map(([role, mib]) => `${role} ${mib.toFixed(0)}`)
    .join(', ')
