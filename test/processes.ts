/** The processes of one installation, found by what they were started as. */
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessEntry {
  pid: number
  parent: number
  command: string
}

export function processes(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        return [{ pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]), command }]
      } catch {
        return []
      }
    })
}

/** All processes below `pid`, itself not among them. */
export function below(pid: number, all = processes()): ProcessEntry[] {
  const children = all.filter(({ parent }) => parent === pid)
  return children.flatMap((child) => [child, ...below(child.pid, all)])
}

export type Victim = 'core' | 'gate' | 'worker' | 'relay' | 'postgres'

/** The process that plays this part below `start`, or undefined while it is being started again. */
export function find(start: number, victim: Victim): number | undefined {
  const all = processes()
  const mine = below(start, all)
  const role = (name: string): ProcessEntry | undefined => mine.find(({ command, parent }) => parent === start && command.includes(`shenlou.js ${name} `))
  if (victim === 'core') return role('core')?.pid
  if (victim === 'gate') return role('decoys')?.pid
  if (victim === 'relay') return role('relay')?.pid
  if (victim === 'postgres') return mine.find(({ command }) => /\/postgres -D/.test(command) && !/setpriv|unshare/.test(command.split(' ')[0] ?? ''))?.pid
  const gate = role('decoys')
  // The worker is the innermost process below the gate: launchers that set up its namespaces exec into it or stand above it.
  return gate && below(gate.pid, all).filter(({ pid, command }) => /worker/.test(command) && !all.some(({ parent }) => parent === pid))[0]?.pid
}
