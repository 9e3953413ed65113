/** One line of a long listing, as `ls -l` and SFTP print it. */
import type { FileStat } from '../world/files.ts'
import { localTime } from '../world/host.ts'
import type { Seat } from './seat.ts'

const letters: Record<FileStat['kind'], string> = { file: '-', directory: 'd', link: 'l', character: 'c', block: 'b', fifo: 'p', socket: 's' }

/** Permission bits as ten letters. */
export function modeText(stat: Pick<FileStat, 'kind' | 'mode'>): string {
  let text = letters[stat.kind]
  for (const shift of [6, 3, 0]) {
    const bits = (stat.mode >> shift) & 7
    const special = shift === 6 ? stat.mode & 0o4000 : shift === 3 ? stat.mode & 0o2000 : stat.mode & 0o1000
    text += (bits & 4 ? 'r' : '-') + (bits & 2 ? 'w' : '-')
    const mark = shift === 0 ? 't' : 's'
    text += special ? (bits & 1 ? mark : mark.toUpperCase()) : bits & 1 ? 'x' : '-'
  }
  return text
}

/** Date of a listing: time of day within half a year, else the year. */
export function listDate(seat: Seat, mtime: number): string {
  const t = localTime(seat.world.host, mtime)
  const age = seat.now() - mtime
  return age > 15_778_476_000 || age < -3_600_000 ? `${t.monthName} ${t.day}  ${t.year}` : `${t.monthName} ${t.day} ${t.hh}:${t.mm}`
}

/** A whole line with fixed columns. */
export function longLine(seat: Seat, stat: FileStat, name: string): string {
  const { users } = seat.world
  const owner = users.byId(stat.uid)?.name ?? String(stat.uid)
  return `${modeText(stat)} ${String(stat.links).padStart(4)} ${owner.padEnd(8)} ${users.groupName(stat.gid).padEnd(8)} ${String(stat.size).padStart(8)} ${listDate(seat, stat.mtime)} ${name}`
}
