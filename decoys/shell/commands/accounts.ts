/** Programs about users: who is there, becoming another, changing accounts. */
import { localTime } from '../../world/host.ts'
import type { User } from '../../world/users.ts'
import { say } from '../command.ts'
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { reasonOf, show } from '../seat.ts'
import { Leave } from '../shell.ts'
import { dateText, uptimeLine } from './system.ts'

const idle = (ms: number): string =>
  ms < 60_000
    ? `${(ms / 1000).toFixed(2)}s`
    : ms < 3_600_000
      ? `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, '0')}m`
      : `${Math.floor(ms / 3_600_000)}:${String(Math.floor(ms / 60_000) % 60).padStart(2, '0')}m`

/** Asks on the terminal without echo. */
async function ask(run: Run, prompt: string): Promise<string> {
  run.err(prompt)
  run.shell.meter.echo = false
  try {
    return (await run.input.line()) ?? ''
  } finally {
    run.shell.meter.echo = true
  }
}

/** Runs as another user: a command, or a shell until it is left. */
async function become(run: Run, user: User, command: string[] | undefined, login: boolean): Promise<number> {
  const { seat, shell } = run
  const before = { user: seat.user, directory: shell.directory, home: shell.get('HOME'), name: shell.get('USER') }
  seat.user = user
  shell.export('HOME', user.home)
  shell.export('USER', user.name)
  shell.export('LOGNAME', user.name)
  if (login) shell.directory = seat.fs.stat(user.home) ? user.home : '/'
  if (command === undefined && run.input.terminal) {
    // the shell goes on as the other user; `exit` brings the former one back
    shell.entered.push(before)
    return 0
  }
  try {
    return command === undefined ? 0 : await shell.script(shell.label, command.join(' '), [], run)
  } finally {
    seat.user = before.user
    shell.directory = before.directory
    shell.export('HOME', before.home ?? '/')
    shell.export('USER', before.name ?? before.user.name)
    shell.export('LOGNAME', before.user.name)
  }
}

const su: CommandTable[string] = async (run, args) => {
  const login = args.includes('-') || args.includes('-l') || args.includes('--login')
  const at = args.indexOf('-c')
  const rest = args.filter((a, i) => a !== '-' && a !== '-l' && a !== '--login' && !(at !== -1 && (i === at || i === at + 1)))
  const name = rest[0] ?? 'root'
  const user = run.seat.world.users.byName(name)
  if (!user) {
    run.err(run.seat.world.host.flavour === 'ubuntu' ? `No passwd entry for user '${name}'\n` : `su: user ${name} does not exist\n`)
    return 1
  }
  if (run.seat.user.uid !== 0) {
    const password = await ask(run, 'Password: ')
    run.err('\n')
    run.seat.emit('login.attempted', { method: 'password', user: show(name, 256), password: show(password, 8192), outcome: 'refused' })
    await run.shell.pause(2100)
    run.err('su: Authentication failure\n')
    return 1
  }
  return become(run, user, at === -1 ? undefined : [args[at + 1] ?? ''], login)
}

const sudo: CommandTable[string] = async (run, args) => {
  const { users } = run.seat.world
  if (args[0] === '-V') {
    run.out(`Sudo version ${run.seat.world.host.flavour === 'ubuntu' ? '1.8.21p2' : '1.8.23'}\n`)
    return 0
  }
  let target = 'root'
  let shell = false
  let list = false
  let i = 0
  for (; i < args.length && (args[i] as string).startsWith('-'); i++) {
    if (args[i] === '-u') target = args[++i] ?? 'root'
    else if (args[i] === '-i' || args[i] === '-s' || args[i] === '-su') shell = true
    else if (args[i] === '-l') list = true
  }
  const command = args.slice(i)
  const user = users.byName(target)
  const member = users.groupsOf(run.seat.user).some((group) => group.name === 'wheel' || group.name === 'sudo')
  if (run.seat.user.uid !== 0) {
    for (let tries = 0; tries < 3; tries++) {
      const password = await ask(run, `[sudo] password for ${run.seat.user.name}: `)
      run.err('\n')
      const known = run.seat.world.logins.luck.accepted.some((a) => a.user === run.seat.user.name && a.password === password)
      run.seat.emit('login.attempted', {
        method: 'password',
        user: show(run.seat.user.name, 256),
        password: show(password, 8192),
        outcome: known && member ? 'accepted' : 'refused',
      })
      if (known) {
        if (!member) {
          run.err(`${run.seat.user.name} is not in the sudoers file.  This incident will be reported.\n`)
          return 1
        }
        if (!user) return 1
        return become(run, user, shell && command.length === 0 ? undefined : command.map(quoteWord), shell)
      }
      if (run.input.terminal === false && password === '') {
        run.err('sudo: no tty present and no askpass program specified\n')
        return 1
      }
      await run.shell.pause(1900)
      if (tries < 2) run.err('Sorry, try again.\n')
    }
    run.err('sudo: 3 incorrect password attempts\n')
    return 1
  }
  if (list) {
    run.out(
      `Matching Defaults entries for root on ${run.seat.world.persona.hostname}:\n    env_reset\n\nUser root may run the following commands on ${run.seat.world.persona.hostname}:\n    (ALL) ALL\n`,
    )
    return 0
  }
  if (!user) {
    run.err(`sudo: unknown user: ${target}\nsudo: unable to initialize policy plugin\n`)
    return 1
  }
  if (command.length === 0 && !shell) {
    run.err('usage: sudo -h | -K | -k | -V\nusage: sudo [-AbEHknPS] [-u user] [VAR=value] [-i|-s] [<command>]\n')
    return 1
  }
  return become(run, user, command.length === 0 ? undefined : command.map(quoteWord), shell)
}

const quoteWord = (word: string): string => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** Appends a line to a file of accounts. */
function append(run: Run, path: string, line: string): void {
  run.seat.fs.write(path, Buffer.from(line, 'latin1'), { append: true })
}

function rewrite(run: Run, path: string, change: (line: string) => string | undefined): void {
  const lines = run.seat.fs.read(path).toString('latin1').split('\n').filter(Boolean)
  run.seat.fs.write(
    path,
    Buffer.from(
      lines
        .map(change)
        .filter((line) => line !== undefined)
        .map((line) => `${line}\n`)
        .join(''),
      'latin1',
    ),
  )
}

const useradd: CommandTable[string] = (run, args) => {
  const { flags, rest } = options(args, 'mMru:g:G:d:s:c:p:oNDUe:k:', { 'create-home': 'm', shell: 's', gecos: 'c', 'disabled-password': 'X' })
  const name = rest[0]
  const { users } = run.seat.world
  if (name === undefined) {
    run.err(`Usage: ${run.name} [options] LOGIN\n`)
    return 2
  }
  if (run.seat.user.uid !== 0) {
    run.err(
      run.shell.ash
        ? `${run.name}: permission denied\n`
        : run.name === 'adduser' && run.seat.world.host.flavour === 'ubuntu'
          ? 'adduser: Only root may add a user or group to the system.\n'
          : `${run.name}: Permission denied.\n${run.name}: cannot lock /etc/passwd; try again later.\n`,
    )
    return 1
  }
  if (users.byName(name)) return run.fault(`user '${name}' already exists`) && 9
  if (!/^[a-z_][a-z0-9_.-]{0,31}\$?$/i.test(name)) return run.fault(`invalid user name '${name}'`) && 3
  const uid = Number(flags.get('u') ?? Math.max(999, ...users.all().map((u) => (u.uid < 60_000 ? u.uid : 0))) + 1)
  const home = flags.get('d') ?? `/home/${name}`
  const shell = flags.get('s') ?? (run.shell.ash ? '/bin/ash' : run.seat.world.host.flavour === 'ubuntu' && run.name === 'useradd' ? '/bin/sh' : '/bin/bash')
  const gid = Number(flags.get('g')) || uid
  try {
    append(run, '/etc/passwd', `${name}:x:${uid}:${gid}:${flags.get('c') ?? ''}:${home}:${shell}\n`)
    append(run, '/etc/shadow', `${name}:${flags.get('p') ?? '!!'}:${Math.floor(run.seat.now() / 86_400_000)}:0:99999:7:::\n`)
    if (!flags.has('g')) append(run, '/etc/group', `${name}:x:${gid}:\n`)
    for (const group of (flags.get('G') ?? '').split(',').filter(Boolean))
      rewrite(run, '/etc/group', (line) => (line.startsWith(`${group}:`) ? `${line}${line.endsWith(':') ? '' : ','}${name}` : line))
    if (!flags.has('M') && !run.seat.fs.stat(home) && (run.seat.world.host.flavour === 'centos' || flags.has('m') || run.name === 'adduser')) {
      run.seat.fs.mkdir(home, 0o700)
      run.seat.fs.change(home, { uid, gid })
    }
  } catch (error) {
    return run.fault(`cannot open /etc/passwd: ${reasonOf(error)}`)
  }
  return 0
}

export const accountCommands: CommandTable = {
  id(run, args) {
    const { flags, rest } = options(args, 'ugnGra', { user: 'u', group: 'g', name: 'n', groups: 'G' })
    const user = rest[0] ? run.seat.world.users.byName(rest[0]) : run.seat.user
    if (!user)
      return run.fault(
        run.shell.ash ? `unknown user ${rest[0]}` : run.seat.world.host.flavour === 'ubuntu' ? `'${rest[0]}': no such user` : `${rest[0]}: no such user`,
      )
    const groups = run.seat.world.users.groupsOf(user)
    const name = flags.has('n')
    if (flags.has('u')) run.out(`${name ? user.name : user.uid}\n`)
    else if (flags.has('g')) run.out(`${name ? groups[0]?.name : user.gid}\n`)
    else if (flags.has('G')) run.out(`${groups.map((g) => (name ? g.name : g.gid)).join(' ')}\n`)
    else run.out(`uid=${user.uid}(${user.name}) gid=${user.gid}(${groups[0]?.name}) groups=${groups.map((g) => `${g.gid}(${g.name})`).join(',')}\n`)
    return 0
  },
  whoami: (run) => say(run, `${run.seat.user.name}\n`),
  logname: (run) => say(run, `${run.seat.login.user}\n`),
  groups(run, args) {
    const user = args[0] ? run.seat.world.users.byName(args[0]) : run.seat.user
    if (!user) return run.fault(`'${args[0]}': no such user`)
    run.out(
      `${args[0] ? `${user.name} : ` : ''}${run.seat.world.users
        .groupsOf(user)
        .map((g) => g.name)
        .join(' ')}\n`,
    )
    return 0
  },
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
        `${l.user.padEnd(8)} ${l.tty.padEnd(8)} ${l.from.slice(0, 16).padEnd(16)} ${`${t.hh}:${t.mm}`.padEnd(7)} ${idle(Math.max(0, now - l.active)).padStart(6)}  0.0${1 + (l.pid % 6)}s  0.00s ${l.running || '-bash'}\n`,
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
  su,
  sudo,
  useradd,
  adduser: useradd,
  userdel(run, args) {
    const name = args.filter((a) => !a.startsWith('-'))[0] ?? ''
    if (run.seat.user.uid !== 0) return run.fault('Permission denied.')
    if (!run.seat.world.users.byName(name)) return run.fault(`user '${name}' does not exist`) && 6
    for (const path of ['/etc/passwd', '/etc/shadow', '/etc/group']) rewrite(run, path, (line) => (line.startsWith(`${name}:`) ? undefined : line))
    return 0
  },
  usermod(run, args) {
    const { flags, rest } = options(args, 'aG:s:d:u:g:LUp:l:c:e:', {})
    const name = rest[0] ?? ''
    if (run.seat.user.uid !== 0) return run.fault('Permission denied.')
    if (!run.seat.world.users.byName(name)) return run.fault(`user '${name}' does not exist`) && 6
    for (const group of (flags.get('G') ?? '').split(',').filter(Boolean))
      rewrite(run, '/etc/group', (line) => (line.startsWith(`${group}:`) ? `${line}${line.endsWith(':') ? '' : ','}${name}` : line))
    const shell = flags.get('s')
    if (shell) rewrite(run, '/etc/passwd', (line) => (line.startsWith(`${name}:`) ? line.replace(/[^:]*$/, shell) : line))
    return 0
  },
  groupadd(run, args) {
    const name = args.filter((a) => !a.startsWith('-')).at(-1) ?? ''
    if (run.seat.user.uid !== 0) return run.fault('Permission denied.')
    append(run, '/etc/group', `${name}:x:${Math.max(1000, ...run.seat.world.users.groups().map((g) => (g.gid < 60_000 ? g.gid : 0))) + 1}:\n`)
    return 0
  },
  async passwd(run, args) {
    const { flags, rest } = options(args, 'dluSnx:w:', { stdin: 'I' })
    const name = rest[0] ?? run.seat.user.name
    const user = run.seat.world.users.byName(name)
    if (!user) return run.fault(run.shell.ash ? `unknown user ${name}` : `Unknown user name '${name}'.`)
    if (run.seat.user.uid !== 0 && name !== run.seat.user.name) return run.fault('Only root can specify a user name.')
    const set = (hash: string): void =>
      rewrite(run, '/etc/shadow', (line) =>
        line.startsWith(`${name}:`) ? line.replace(/^([^:]*):[^:]*:\d*/, `$1:${hash}:${Math.floor(run.seat.now() / 86_400_000)}`) : line,
      )
    const fresh = (): string =>
      `$6$${run.seat.world.persona
        .draw(`passwd ${run.seat.now()}`, 72)
        .toString('base64')
        .replace(/[+=]/g, '.')
        .replace(/^(.{8})(.*)$/, '$1$$$2')
        .slice(0, 95)}`
    const privileged = { ...run.seat.user }
    const asRoot = <T>(work: () => T): T => {
      run.seat.user = run.seat.world.users.byName('root') ?? run.seat.user
      try {
        return work()
      } finally {
        run.seat.user = privileged
      }
    }
    if (flags.has('I')) {
      await run.input.line()
      asRoot(() => set(fresh()))
      run.out(`Changing password for user ${name}.\npasswd: all authentication tokens updated successfully.\n`)
      return 0
    }
    if (run.seat.world.host.flavour === 'centos') run.out(`Changing password for user ${name}.\n`)
    else if (run.shell.ash) run.out(`Changing password for ${name}\n`)
    if (run.seat.user.uid !== 0) {
      await ask(run, `${run.seat.world.host.flavour === 'centos' ? `Changing password for ${name}.\n` : ''}(current) UNIX password: `)
      run.err('\n')
      await run.shell.pause(2000)
      run.err('passwd: Authentication token manipulation error\n')
      return 10
    }
    const first = await ask(run, run.seat.world.host.flavour === 'ubuntu' ? 'Enter new UNIX password: ' : 'New password: ')
    run.err('\n')
    const second = await ask(run, run.seat.world.host.flavour === 'ubuntu' ? 'Retype new UNIX password: ' : 'Retype new password: ')
    run.err('\n')
    if (first !== second) {
      run.err(run.shell.ash ? "Passwords don't match\n" : 'Sorry, passwords do not match.\npasswd: Authentication token manipulation error\n')
      return 10
    }
    asRoot(() => set(fresh()))
    run.out(
      run.seat.world.host.flavour === 'ubuntu'
        ? 'passwd: password updated successfully\n'
        : run.shell.ash
          ? `passwd: password for ${name} changed by root\n`
          : 'passwd: all authentication tokens updated successfully.\n',
    )
    return 0
  },
  async chpasswd(run) {
    for (let line = await run.input.line(); line !== null; line = await run.input.line()) {
      const name = line.split(':', 1)[0] ?? ''
      if (run.seat.user.uid !== 0) return run.fault('cannot lock /etc/passwd; try again later.')
      if (!run.seat.world.users.byName(name)) {
        run.err(`chpasswd: line 1: user '${name}' does not exist\nchpasswd: error detected, changes ignored\n`)
        return 1
      }
    }
    return 0
  },
  getent(run, args) {
    const files: Record<string, string> = { passwd: '/etc/passwd', group: '/etc/group', hosts: '/etc/hosts', shadow: '/etc/shadow' }
    const path = files[args[0] ?? '']
    if (!path) return run.fault(`Unknown database: ${args[0]}`)
    try {
      const lines = run.seat.fs
        .read(path)
        .toString('latin1')
        .split('\n')
        .filter((line) => line && (!args[1] || line.startsWith(`${args[1]}:`) || line.includes(args[1])))
      run.out(lines.map((line) => `${line}\n`).join(''))
      return lines.length > 0 ? 0 : 2
    } catch (error) {
      reasonOf(error)
      return 2
    }
  },
  login: () => {
    throw new Leave('exit', 0)
  },
  nologin: (run) => (run.out('This account is currently not available.\n'), 1),
}
