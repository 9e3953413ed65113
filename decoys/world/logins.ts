/** Who is logged in now, who was, and which guessed credential this adversary has already been let in with. */
import type { Host } from './host.ts'

export interface LiveLogin {
  user: string
  /** `pts/0`, or `notty` for a session without a terminal. */
  tty: string
  from: string
  port: number
  /** Milliseconds since 1970 UTC. */
  at: number
  /** Last key or command, for the idle column. */
  active: number
  /** First of the process ids of this login; the others follow. */
  pid: number
  /** What runs now, oldest first, for ps and w. */
  readonly programs: ReadonlySet<Program>
  /** Adds what runs; the function takes it away again. */
  run(program: Program): () => void
}

/** A program or job of a live login. */
export interface Program {
  pid: number
  ppid: number
  command: string
  /** Whose it is, when not the login's. */
  user?: string
  /** Milliseconds since 1970 UTC. */
  startedAt: number
  /** Ends it; what cannot be ended alone has none. */
  stop?(): void
}

export interface PastLogin {
  user: string
  tty: string
  from: string
  at: number
  until: number
}

/** State of the login policy for this adversary. */
export interface Luck {
  tries: number
  accepted: { user: string; password: string }[]
}

export interface SavedLogins {
  past: PastLogin[]
  luck: Luck
}

export interface Logins {
  readonly live: readonly LiveLogin[]
  readonly luck: Luck
  readonly revision: number
  /** Enters a login; `leave` closes it and adds it to the history. */
  enter(login: Omit<LiveLogin, 'tty' | 'pid' | 'programs' | 'run' | 'active'> & { terminal: boolean }): { login: LiveLogin; leave(at: number): void }
  /** Newest first: this adversary's own and what the host had before. */
  past(): PastLogin[]
  touch(): void
  /** The process id of the next program that starts. */
  nextPid(): number
  added(): SavedLogins
}

const kept = 40

/** Opens the logins of one world from what was saved. */
export function openLogins(host: Host, saved?: SavedLogins): Logins {
  const live: LiveLogin[] = []
  const past: PastLogin[] = saved?.past.slice(0, kept) ?? []
  const luck: Luck = saved?.luck ?? { tries: 0, accepted: [] }
  let revision = 0
  let pid = 0
  const take = (n: number): number => {
    pid ||= host.persona.number('next-pid', host.flavour === 'openwrt' ? 2600 : 11000, host.flavour === 'openwrt' ? 6000 : 29000)
    const first = pid
    pid = pid + n > 32_000 ? 1200 : pid + n
    return first
  }
  return {
    live,
    luck,
    get revision() {
      return revision
    },
    touch() {
      revision++
    },
    nextPid: () => take(1),
    enter({ terminal, ...rest }) {
      let line = 0
      while (live.some((l) => l.tty === `pts/${line}`)) line++
      const programs = new Set<Program>()
      const login: LiveLogin = {
        ...rest,
        tty: terminal ? `pts/${line}` : 'notty',
        active: rest.at,
        pid: take(5),
        programs,
        run(program) {
          programs.add(program)
          return () => void programs.delete(program)
        },
      }
      live.push(login)
      let left = false
      return {
        login,
        leave(at) {
          if (left) return
          left = true
          live.splice(live.indexOf(login), 1)
          if (!terminal) return
          past.unshift({ user: login.user, tty: login.tty, from: login.from, at: login.at, until: at })
          past.length = Math.min(past.length, kept)
          revision++
        },
      }
    },
    past: () => [...past, ...history(host)],
    added: () => ({ past, luck }),
  }
}

/** Logins of the people of this host before the adversary came; the same for ever. */
function history(host: Host): PastLogin[] {
  if (host.flavour === 'openwrt') return []
  const { persona } = host
  const users = persona.accounts.filter((a) => a.uid === 0 || a.uid >= 500).map((a) => a.name)
  const net = persona.number('admin-net', 10, 60)
  const list: PastLogin[] = []
  let at = persona.bootedAt
  for (let i = 0; i < 7; i++) {
    at += persona.number(`login-gap-${i}`, 3 * 3600, 9 * 86400) * 1000
    const stay = persona.number(`login-stay-${i}`, 70, 7200) * 1000
    list.unshift({
      user: persona.pick(`login-user-${i}`, users.length > 0 ? users : ['root']),
      tty: `pts/${persona.number(`login-tty-${i}`, 0, 1)}`,
      from: `10.${net}.${persona.number('admin-sub', 1, 30)}.${persona.number(`login-host-${i % 3}`, 20, 220)}`,
      at,
      until: at + stay,
    })
  }
  return list
}
