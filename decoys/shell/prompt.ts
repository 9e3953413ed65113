/** The prompts PS1 and PS2. */
import { localTime } from '../world/host.ts'
import type { Shell } from './shell.ts'

/** The prompt of PS1 or PS2. */
export function prompt(shell: Shell, which: 'PS1' | 'PS2'): string {
  const { seat } = shell
  const home = seat.user.home
  const shown =
    shell.directory === home ? '~' : shell.directory.startsWith(`${home}/`) && home !== '/' ? `~${shell.directory.slice(home.length)}` : shell.directory
  const t = localTime(seat.world.host, seat.now())
  const last = shell.directory === home ? '~' : shell.directory === '/' ? '/' : shell.directory.slice(shell.directory.lastIndexOf('/') + 1)
  const { hostname } = seat.world.persona
  return (shell.get(which) ?? '').slice(0, 500).replace(/\\(.)/g, (_, c: string) => {
    const known: Record<string, string> = {
      u: seat.user.name,
      h: hostname.split('.')[0] as string,
      H: hostname,
      w: shown,
      W: last,
      $: seat.user.uid === 0 ? '#' : '$',
      n: '\n',
      t: `${t.hh}:${t.mm}:${t.ss}`,
      A: `${t.hh}:${t.mm}`,
      d: `${t.weekday} ${t.monthName} ${t.day}`,
      e: '\x1b',
      '[': '',
      ']': '',
      '\\': '\\',
      s: shell.ash ? 'ash' : 'bash',
    }
    return known[c] ?? `\\${c}`
  })
}
