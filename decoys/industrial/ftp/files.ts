/** The files of a device by the paths that a client of FTP gives; nothing leads out of its root. */
import type { Persona } from '../../persona.ts'
import type { World } from '../../world.ts'
import { fillName } from '../../world/tree-embedded.ts'
import type { FileStat } from '../../world/files.ts'
import type { LiveFiles } from './trends.ts'

/** An absolute plain path of what the client wrote, from where it stands. Latin-1; at most 255 characters. */
export function resolvePath(at: string, given: string): string {
  const parts: string[] = []
  for (const part of (given.startsWith('/') ? given : `${at}/${given}`).replaceAll('\\', '/').split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return `/${parts.join('/')}`.slice(0, 255)
}

/** Paths that the firmware itself keeps: neither overwritten nor removed. */
export function lockedPaths(persona: Persona): ReadonlySet<string> {
  return new Set((persona.template.ftp?.files ?? []).filter(({ locked }) => locked).map(({ path }) => fillName(persona, path)))
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number): string => String(value).padStart(2, '0')

/** One line as `ls -l` has it: the time of day within half a year, else the year. */
function lineOf(world: World, name: string, stat: FileStat, now: number): string {
  const d = new Date(stat.mtime + world.host.offsetMinutes * 60_000)
  const recent = now - stat.mtime < 182 * 86_400_000 && stat.mtime <= now + 86_400_000
  const when = recent ? `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}` : ` ${d.getUTCFullYear()}`
  const bits = [...'rwxrwxrwx'].map((sign, at) => ((stat.mode >> (8 - at)) & 1 ? sign : '-')).join('')
  const folder = stat.kind === 'directory'
  return `${folder ? 'd' : '-'}${bits}   1 0        0        ${String(folder ? 512 : stat.size).padStart(8)} ${months[d.getUTCMonth()]} ${String(d.getUTCDate()).padStart(2)} ${when} ${name}`
}

/** What LIST (`long`) or NLST of a path sends; undefined where there is nothing. At most 2,000 names. */
export function listing(world: World, live: LiveFiles, path: string, long: boolean, now: number): string | undefined {
  const { files } = world
  const found = live.stat(path)
  if (!found) return undefined
  const names = found.kind === 'directory' ? files.list(path) : [path.slice(path.lastIndexOf('/') + 1)]
  const folder = found.kind === 'directory' ? path : path.slice(0, path.lastIndexOf('/')) || '/'
  const lines = names.slice(0, 2000).flatMap((name) => {
    if (!long) return [name]
    const stat = live.stat(folder === '/' ? `/${name}` : `${folder}/${name}`)
    return stat ? [lineOf(world, name, stat, now)] : []
  })
  return lines.map((line) => `${line}\r\n`).join('')
}

/** `YYYYMMDDHHMMSS` in UTC (RFC 3659 section 2.3). */
export const timeValue = (ms: number): string => new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)
