/** Users without rights of any kind, for the relay and its capture process; and how a relay that began as root becomes one. */
import { chownSync, lchownSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** No distribution gives these ids out. They differ, so that neither may signal or trace the other. */
export const relayUser = 64_100
export const captureUser = 64_101

/** Gives a folder and all within to a user; links are given, not followed. */
export function giveFolder(folder: string, user: number): void {
  chownSync(folder, user, user)
  for (const entry of readdirSync(folder, { recursive: true })) lchownSync(join(folder, String(entry)), user, user)
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
