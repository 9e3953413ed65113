/** Programs about who is and was logged in. */
import { localTime } from '../../world/host.ts'
import type { CommandTable } from '../command.ts'
import { say } from '../command.ts'
import { dateText, uptimeLine } from './system.ts'

const idle = (ms: number): string =>
  ms < 60_000
    ? `${(ms / 1000).toFixed(2)}s`
    : ms < 3_600_000
      ? `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, '0')}m`
      : `${Math.floor(ms / 3_600_000)}:${String(Math.floor(ms / 60_000) % 60).padStart(2, '0')}m`
export const loginCommands: CommandTable = {
  logname: (run) => say(run, `${run.seat.login.user}\n`),
  users: (run) => (
    run.out(
      `${run.seat.world.logins.live
        .filter((l) => l.tty !== 'notty')
        .map((l) => l.user)
        .join(' ')}\n`,
    ),
    0
  ),
  w(run) {
    const now = run.seat.now()
    run.out(`${uptimeLine(run)}\nUSER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT\n`)
    for (const l of run.seat.world.logins.live) {
      if (l.tty === 'notty') continue
      const t = localTime(run.seat.world.host, l.at)
      run.out(
        `${l.user.padEnd(8)} ${l.tty.padEnd(8)} ${l.from.slice(0, 16).padEnd(16)} ${`${t.hh}:${t.mm}`.padEnd(7)} ${idle(Math.max(0, now - l.active)).padStart(6)}  0.0${1 + (l.pid % 6)}s  0.00s ${[...l.programs].filter((p) => !p.stop)[0]?.command ?? '-bash'}\n`,
      )
    }
    return 0
  },
  who(run, args) {
    if (args[0] === '-b') {
      run.out(`         system boot  ${dateText(run, '%F %R', run.seat.world.persona.bootedAt)}\n`)
      return 0
    }
    const mine = args.join(' ') === 'am i' || args.includes('-m')
    for (const l of run.seat.world.logins.live)
      if (l.tty !== 'notty' && (!mine || l === run.seat.login)) run.out(`${l.user.padEnd(8)} ${l.tty.padEnd(12)} ${dateText(run, '%F %R', l.at)} (${l.from})\n`)
    return 0
  },
  last(run, args) {
    const most = Number(args.join(' ').match(/-n? ?(\d+)/)?.[1] ?? 1000)
    const { logins, persona } = run.seat.world
    const day = (ms: number): string => dateText(run, '%a %b %e %H:%M', ms)
    const rows: { at: number; text: string }[] = logins.live
      .filter((l) => l.tty !== 'notty')
      .map((l) => ({
        at: l.at,
        text: `${l.user.slice(0, 8).padEnd(8)} ${l.tty.padEnd(12)} ${l.from.slice(0, 16).padEnd(16)} ${day(l.at)}   still logged in\n`,
      }))
    for (const p of logins.past()) {
      if (p.until > run.seat.now()) continue
      const minutes = Math.floor((p.until - p.at) / 60_000)
      rows.push({
        at: p.at,
        text: `${p.user.slice(0, 8).padEnd(8)} ${p.tty.padEnd(12)} ${p.from.slice(0, 16).padEnd(16)} ${day(p.at)} - ${dateText(run, '%H:%M', p.until)}  (${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')})\n`,
      })
    }
    const up = Math.floor((run.seat.now() - persona.bootedAt) / 60_000)
    rows.push({
      at: persona.bootedAt,
      text: `reboot   system boot  ${persona.template.os.kernel.slice(0, 16).padEnd(16)} ${day(persona.bootedAt)} - ${dateText(run, '%H:%M', run.seat.now())} (${Math.floor(up / 1440)}+${String(Math.floor(up / 60) % 24).padStart(2, '0')}:${String(up % 60).padStart(2, '0')})\n`,
    })
    rows.sort((a, b) => b.at - a.at)
    for (const { text } of rows.slice(0, most)) run.out(text)
    run.out(`\nwtmp begins ${dateText(run, '%c', persona.installedAt)}\n`)
    return 0
  },
  lastb: (run) => say(run, `\nbtmp begins ${dateText(run, '%c', run.seat.world.persona.installedAt)}\n`),
  lastlog(run) {
    run.out('Username         Port     From             Latest\n')
    for (const u of run.seat.world.users.all()) {
      const login = run.seat.world.logins.live.find((l) => l.user === u.name) ?? run.seat.world.logins.past().find((l) => l.user === u.name)
      run.out(
        login
          ? `${u.name.padEnd(16)} ${login.tty.padEnd(8)} ${login.from.padEnd(16)} ${dateText(run, '%a %b %e %T %z %Y', login.at)}\n`
          : `${u.name.padEnd(16)}                           **Never logged in**\n`,
      )
    }
    return 0
  },
}
