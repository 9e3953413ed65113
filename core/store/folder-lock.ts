/** One process per data folder: a lock file that names its holder, taken over only when that process is gone. */
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { folderError, StartError } from './start-error.ts'

interface Holder {
  pid: number
  /** Start time of the process in clock ticks since boot, so that a number used again is not taken for the holder. */
  started: string
  /** Folders outside the data folder that the holder made; removed by whoever takes over. */
  leftovers: string[]
}

/** Field 22 of /proc/PID/stat (proc(5)); undefined when there is no such process. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

async function alive(holder: Holder): Promise<boolean> {
  const started = await startOf(holder.pid)
  return started !== undefined && started === holder.started
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Holder
  } catch (error) {
    // A torn file is what a crash while writing leaves behind; nobody holds it.
    return error instanceof SyntaxError ? { pid: 0, started: '', leftovers: [] } : undefined
  }
}

export interface FolderLock {
  /** Notes a folder elsewhere that the next holder may remove if this process dies. */
  leave(folder: string): Promise<void>
  release(): Promise<void>
}

/** Takes the lock of `folder`, making the folder. Throws a StartError when a live process has it or it cannot be written. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const file = path.join(folder, 'lock')
  const mine = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`
  const holder: Holder = { pid: process.pid, started: (await startOf(process.pid)) ?? '', leftovers: [] }
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(mine, JSON.stringify(holder), { mode: 0o600 })
    for (;;) {
      // A hard link appears whole or not at all, so no reader sees half a holder.
      const taken = await link(mine, file).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false
          throw error
        },
      )
      if (taken) break
      const other = await readHolder(file)
      if (other && (await alive(other))) {
        throw new StartError(`data folder ${folder} is in use by process ${other.pid}: stop that one first, or choose another folder with --data`)
      }
      const stale = `${mine}.stale`
      await rename(file, stale).catch(() => {})
      const moved = await readHolder(stale)
      if (moved && (await alive(moved))) {
        // Another starter was quicker and this was its lock: put it back, the next turn reports it.
        await link(stale, file).catch(() => {})
      } else {
        for (const leftover of moved?.leftovers ?? []) await rm(leftover, { recursive: true, force: true })
      }
      await rm(stale, { force: true })
    }
  } catch (error) {
    await rm(mine, { force: true }).catch(() => {})
    throw folderError(folder, error)
  }
  await rm(mine, { force: true })
  return {
    async leave(leftover) {
      holder.leftovers.push(leftover)
      await writeFile(mine, JSON.stringify(holder), { mode: 0o600 })
      await rename(mine, file)
    },
    release: () => rm(file, { force: true }),
  }
}
