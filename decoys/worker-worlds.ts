/** The worlds that a worker has open: loaded from the gate when an adversary comes, shared by its sessions, saved as they change. */
import type { Persona } from './persona.ts'
import type { World } from './world.ts'

export interface HeldWorld {
  readonly world: World
  /** Something happened that may have changed it: it is saved within two seconds. */
  touch(): void
  /** This session is done with it. */
  release(): void
}
export interface Worlds {
  /** `from`: the world to begin with when the gate keeps none of this adversary's. */
  acquire(persona: Persona, decoy: string, adversary: string, from?: string): Promise<HeldWorld>
  /** Saves what changed, of one decoy or of all, and forgets those nobody holds. */
  flush(decoy?: string): void
}
export interface WorldsOptions {
  open(persona: Persona, saved?: Uint8Array): World
  load(decoy: string, adversary: string): Promise<Uint8Array | undefined>
  save(decoy: string, adversary: string, bytes: Uint8Array): void
  log(line: string): void
}

interface Entry {
  decoy: string
  adversary: string
  world: World
  holders: number
  timer: NodeJS.Timeout | undefined
}

const saveAfterMs = 2000
/** Worlds kept open though nobody is there, so that a reconnect is cheap. */
const idleWorlds = 32

export function openWorlds({ open, load, save, log }: WorldsOptions): Worlds {
  /** Insertion order is order of last use. */
  const entries = new Map<string, Promise<Entry>>()
  const settled = new Map<string, Entry>()
  const keyOf = (decoy: string, adversary: string): string => `${decoy}\n${adversary}`

  const saveNow = (entry: Entry): void => {
    clearTimeout(entry.timer)
    entry.timer = undefined
    try {
      const bytes = entry.world.save()
      if (bytes) save(entry.decoy, entry.adversary, bytes)
    } catch (error) {
      log(`world of ${entry.adversary} on ${entry.decoy} could not be saved: ${(error as Error).message}`)
    }
  }
  const trim = (): void => {
    const idle = [...settled].filter(([, entry]) => entry.holders === 0)
    for (const [key] of idle.slice(0, Math.max(0, idle.length - idleWorlds))) forget(key)
  }
  const forget = (key: string): void => {
    settled.delete(key)
    entries.delete(key)
  }

  return {
    async acquire(persona, decoy, adversary, from) {
      const key = keyOf(decoy, adversary)
      let opening = entries.get(key)
      if (!opening) {
        opening = (async () => {
          const begun = from === undefined ? undefined : settled.get(keyOf(decoy, from))
          if (begun) saveNow(begun)
          const saved = (await load(decoy, adversary)) ?? (from === undefined ? undefined : await load(decoy, from))
          const entry: Entry = { decoy, adversary, world: open(persona, saved), holders: 0, timer: undefined }
          settled.set(key, entry)
          return entry
        })()
        entries.set(key, opening)
        opening.catch(() => entries.delete(key))
      }
      const entry = await opening
      entry.holders += 1
      let held = true
      return {
        world: entry.world,
        touch() {
          entry.timer ??= setTimeout(() => saveNow(entry), saveAfterMs).unref()
        },
        release() {
          if (!held) return
          held = false
          entry.holders -= 1
          if (entry.holders > 0) return
          saveNow(entry)
          if (settled.get(key) === entry) {
            settled.delete(key)
            settled.set(key, entry)
          }
          trim()
        },
      }
    },
    flush(decoy) {
      for (const [key, entry] of settled) {
        if (decoy !== undefined && entry.decoy !== decoy) continue
        saveNow(entry)
        if (decoy !== undefined || entry.holders === 0) forget(key)
      }
    },
  }
}
