/** Becoming another user: su and sudo. */
import type { User } from '../../world/users.ts'
import type { CommandTable, Run } from '../command.ts'
import { show } from '../seat.ts'

/** Asks on the terminal without echo. */
export async function ask(run: Run, prompt: string): Promise<string> {
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
    return command === undefined ? 0 : await shell.script(shell.name.replace(/^-/, ''), command.join(' '), [], run, { inline: true })
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
    run.err(
      run.seat.world.host.flavour === 'ubuntu'
        ? `No passwd entry for user '${name}'\n`
        : run.seat.world.host.flavour === 'debian'
          ? `su: user ${name} does not exist or the user entry does not contain all the required fields\n`
          : `su: user ${name} does not exist\n`,
    )
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
    run.out(`Sudo version ${run.seat.world.host.flavour === 'debian' ? '1.9.13p3' : run.seat.world.host.apt ? '1.8.21p2' : '1.8.23'}\n`)
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
export const becomeCommands: CommandTable = {
  su,
  sudo,
}
