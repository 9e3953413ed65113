/** What syslog and the journal hold: the boot, the hourly work, and every login, each from the facts that the other commands print. */
import type { View } from './base.ts'
import { type Host, localTime } from './host.ts'
import { kernelLines } from './kernel-log.ts'

/** A line of the log. `at` is milliseconds since 1970 UTC. */
export interface Entry {
  at: number
  facility: 'kern' | 'authpriv' | 'cron' | 'daemon'
  /** Program with its process id, such as `sshd[812]`. */
  tag: string
  text: string
}

const hour = 3_600_000
const sessionDays = 30

/** All entries since boot that are still kept, oldest first. */
export function logEntries(view: View): Entry[] {
  const { host } = view
  const list: Entry[] = [...bootEntries(view), ...hourlyEntries(view), ...loginEntries(view)]
  return list.filter(({ at }) => at <= view.now).sort((a, b) => a.at - b.at || Number(host.persona.bootedAt === b.at) - Number(host.persona.bootedAt === a.at))
}

function bootEntries({ host, processes, now }: View): Entry[] {
  const boot = host.persona.bootedAt
  const kernel = kernelLines(host).map(
    ({ seconds, text }): Entry => ({
      at: boot + Math.round(seconds * 1000),
      facility: 'kern',
      tag: 'kernel',
      text: `[${seconds.toFixed(6).padStart(12)}] ${text}`,
    }),
  )
  const tag = host.flavour === 'centos' ? 'systemd' : 'systemd[1]'
  const started = processes
    .all(now)
    .filter((p) => p.ppid === 1 && !p.command.startsWith('[') && p.startedAt < boot + 120_000)
    .map((p): Entry => ({ at: p.startedAt + 400, facility: 'daemon', tag, text: `Started ${(p.command.split(' ')[0] as string).split('/').pop()}.` }))
  const last = Math.max(boot + 14_000, ...started.map(({ at }) => at)) + 900
  return [
    ...kernel,
    ...started,
    { at: last, facility: 'daemon', tag, text: host.flavour === 'centos' ? 'Reached target Multi-User System.' : 'Reached target Multi-User System.' },
  ]
}

function hourlyEntries({ host, now }: View): Entry[] {
  const list: Entry[] = []
  for (let back = 8; back > 0; back--) {
    const nth = Math.floor(now / hour) - back + 1
    const at = nth * hour + (host.apt ? 17 * 60_000 : 60_000)
    if (at < host.persona.bootedAt) continue
    const pid = 2000 + (nth % 26_000)
    if (host.apt) list.push({ at: at + 1000, facility: 'cron', tag: `CRON[${pid}]`, text: '(root) CMD (   cd / && run-parts --report /etc/cron.hourly)' })
    else {
      list.push({ at, facility: 'daemon', tag: 'systemd', text: `Started Session ${9000 + (nth % 800)} of user root.` })
      list.push({ at: at + 1000, facility: 'cron', tag: `CROND[${pid}]`, text: '(root) CMD (run-parts /etc/cron.hourly)' })
    }
  }
  return list
}

function loginEntries({ host, logins, now }: View): Entry[] {
  const dropbear = host.persona.template.ssh?.server === 'dropbear'
  const list: Entry[] = []
  const put = (at: number, pid: number, text: string): void =>
    void list.push({ at, facility: 'authpriv', tag: `${dropbear ? 'dropbear' : 'sshd'}[${pid}]`, text })
  const session = (user: string): string =>
    host.flavour === 'debian' ? `user ${user}(uid=${user === 'root' ? 0 : 1000}) by (uid=0)` : `user ${user} by (uid=0)`
  const came = (at: number, pid: number, user: string, from: string, port: number): void => {
    if (dropbear) {
      put(at - 900, pid, `Child connection from ${from}:${port}`)
      put(at, pid, `Password auth succeeded for '${user}' from ${from}:${port}`)
      return
    }
    put(at, pid, `Accepted password for ${user} from ${from} port ${port} ssh2`)
    put(at, pid, `pam_unix(sshd:session): session opened for ${session(user)}`)
  }
  for (const past of logins.past().slice(0, 12)) {
    if (past.at < now - sessionDays * 24 * hour) continue
    const pid = 2000 + (Math.floor(past.at / 1000) % 26_000)
    const port = 30_000 + (pid % 29_000)
    came(past.at, pid, past.user, past.from, port)
    put(
      past.until,
      pid,
      dropbear ? `Exit (${past.user}) from <${past.from}:${port}>: Disconnect received` : `pam_unix(sshd:session): session closed for user ${past.user}`,
    )
  }
  for (const login of logins.live) came(login.at, login.pid, login.user, login.from, login.port)
  return list
}

/** The entries as a file of /var/log holds them; rsyslog of Debian 12 writes the time of RFC 3339. */
export function logFile(view: View, wanted: (entry: Entry) => boolean): string {
  return logEntries(view)
    .filter(wanted)
    .map((entry) => `${stamp(view.host, entry.at)} ${entry.tag}: ${entry.text}\n`)
    .join('')
}

/** The entries as journalctl prints them. */
export const journalText = (view: View, wanted: (entry: Entry) => boolean = () => true): string[] =>
  logEntries(view)
    .filter(wanted)
    .map((entry) => `${shortStamp(view.host, entry.at)} ${entry.tag}: ${entry.text.replace(/^\[ *\d+\.\d+\] /, '')}`)

function stamp(host: Host, ms: number): string {
  if (host.flavour !== 'debian') return shortStamp(host, ms)
  const t = localTime(host, ms)
  const minutes = Math.abs(host.offsetMinutes)
  const zone = `${host.offsetMinutes < 0 ? '-' : '+'}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
  return `${t.iso}T${t.hh}:${t.mm}:${t.ss}.${String((ms % 1000) * 1000 + (Math.floor(ms / 7) % 1000)).padStart(6, '0')}${zone} ${host.persona.hostname}`
}

function shortStamp(host: Host, ms: number): string {
  const t = localTime(host, ms)
  return `${t.monthName} ${t.day} ${t.hh}:${t.mm}:${t.ss} ${host.persona.hostname}`
}
