/** Programs about accounts: who one is, adding, changing and removing them. */
import { say } from '../command.ts'
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { Leave } from '../control.ts'
import { reasonOf } from '../seat.ts'
import { ask } from './become.ts'

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
        : run.name === 'adduser' && run.seat.world.host.apt
          ? 'adduser: Only root may add a user or group to the system.\n'
          : `${run.name}: Permission denied.\n${run.name}: cannot lock /etc/passwd; try again later.\n`,
    )
    return 1
  }
  if (users.byName(name)) return run.fault(`user '${name}' already exists`) && 9
  if (!/^[a-z_][a-z0-9_.-]{0,31}\$?$/i.test(name)) return run.fault(`invalid user name '${name}'`) && 3
  const uid = Number(flags.get('u') ?? Math.max(999, ...users.all().map((u) => (u.uid < 60_000 ? u.uid : 0))) + 1)
  const home = flags.get('d') ?? `/home/${name}`
  const shell = flags.get('s') ?? (run.shell.ash ? '/bin/ash' : run.seat.world.host.apt && run.name === 'useradd' ? '/bin/sh' : '/bin/bash')
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
    if (!user) return run.fault(run.shell.ash ? `unknown user ${rest[0]}` : run.seat.world.host.apt ? `'${rest[0]}': no such user` : `${rest[0]}: no such user`)
    const groups = run.seat.world.users.groupsOf(user)
    const name = flags.has('n')
    if (flags.has('u')) run.out(`${name ? user.name : user.uid}\n`)
    else if (flags.has('g')) run.out(`${name ? groups[0]?.name : user.gid}\n`)
    else if (flags.has('G')) run.out(`${groups.map((g) => (name ? g.name : g.gid)).join(' ')}\n`)
    else run.out(`uid=${user.uid}(${user.name}) gid=${user.gid}(${groups[0]?.name}) groups=${groups.map((g) => `${g.gid}(${g.name})`).join(',')}\n`)
    return 0
  },
  whoami: (run) => say(run, `${run.seat.user.name}\n`),
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
      await ask(
        run,
        `${run.seat.world.host.flavour === 'centos' ? `Changing password for ${name}.\n` : ''}${run.seat.world.host.flavour === 'debian' ? 'Current password: ' : '(current) UNIX password: '}`,
      )
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
      run.seat.world.host.apt
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
