/** Users without rights of any kind, for the relay and its capture process; and how a relay that began as root becomes one. */
import { closeSync, constants, fchownSync, lchownSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** No distribution gives these ids out. They differ, so that neither may signal or trace the other. */
export const relayUser = 64_100
export const captureUser = 64_101

/** Makes a folder that such a user can come to. Throws a line that names the folder above it which bars the way. */
export function makeFolderFor(folder: string, user: number): void {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (let above = dirname(folder); ; above = dirname(above)) {
    const { mode, uid } = statSync(above)
    if ((mode & 0o001) === 0 && !(uid === user && (mode & 0o100) !== 0))
      throw new Error(`a relay with --capture gives root up, and could not come to ${folder} then; chmod o+x ${above}, or choose another --data`)
    if (above === dirname(above)) return
  }
}

/**
 * Gives a folder and all within to a user; links are given, not followed. The user may have put links there before, and may put others while this runs as root: so
 * each folder is held open, and what is in it is named through that.
 */
export function giveFolder(folder: string, user: number): void {
  const held = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    fchownSync(held, user, user)
    const within = `/proc/self/fd/${held}`
    for (const entry of readdirSync(within, { withFileTypes: true })) {
      if (entry.isDirectory()) giveFolder(`${within}/${entry.name}`, user)
      else lchownSync(`${within}/${entry.name}`, user, user)
    }
  } finally {
    closeSync(held)
  }
}

/** For good: with the change of user the kernel takes every capability. */
export function dropRoot(user = relayUser): void {
  if (!process.setgroups || !process.setgid || !process.setuid || process.getuid?.() !== 0) return
  process.setgroups([])
  process.setgid(user)
  process.setuid(user)
}

/** Arguments of setpriv(1) for a process that holds these capabilities, can gain no other, and dies with its parent. */
export const onlyCapabilities = (user: number, capabilities: readonly string[]): string[] => [
  `--reuid=${user}`,
  `--regid=${user}`,
  '--clear-groups',
  `--bounding-set=-all,${capabilities.map((name) => `+${name}`).join(',')}`,
  `--inh-caps=-all,${capabilities.map((name) => `+${name}`).join(',')}`,
  `--ambient-caps=-all,${capabilities.map((name) => `+${name}`).join(',')}`,
  '--no-new-privs',
  '--pdeathsig=KILL',
]
