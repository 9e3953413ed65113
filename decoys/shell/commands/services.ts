/** Programs about services and schedules. */
import { journalText } from '../../world/logs.ts'
import { packagesOf } from '../../world/packages.ts'
import type { Process } from '../../world/processes.ts'
import { say } from '../command.ts'
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { readAll } from '../io.ts'
import { reasonOf } from '../seat.ts'
import { dateText } from './system.ts'

interface Unit {
  name: string
  text: string
  process: string
}

const known: Record<string, string> = {
  sshd: 'OpenSSH server daemon',
  dropbear: 'Lightweight SSH server',
  crond: 'Command Scheduler',
  cron: 'Regular background program processing daemon',
  rsyslogd: 'System Logging Service',
  chronyd: 'NTP client/server',
  auditd: 'Security Auditing Service',
  tuned: 'Dynamic System Tuning Daemon',
  polkitd: 'Authorization Manager',
  master: 'Postfix Mail Transport Agent',
  nginx: 'The nginx HTTP and reverse proxy server',
  httpd: 'The Apache HTTP Server',
  atd: 'Deferred execution scheduler',
  'dbus-daemon': 'D-Bus System Message Bus',
}
const unitNames: Record<string, string> = { rsyslogd: 'rsyslog', polkitd: 'polkit', master: 'postfix', 'dbus-daemon': 'dbus' }

const wants = (plain: string): string => `/etc/systemd/system/multi-user.target.wants/${plain}.service`

/** The unit file that the adversary wrote: what it starts, and whether that runs. */
function written(run: Run, plain: string): { path: string; text: string; command: string; enabled: boolean; process?: Process } | undefined {
  const { files, processes } = run.seat.world
  const path = ['/etc/systemd/system', '/lib/systemd/system', '/usr/lib/systemd/system']
    .map((d) => `${d}/${plain}.service`)
    .find((p) => files.stat(p) && !files.pristine(files.real(p)))
  if (!path) return undefined
  const unit = files.read(path).toString('latin1', 0, 20_000)
  const command = (/^ExecStart=[-@!+]*(.*)$/m.exec(unit)?.[1] ?? '').trim()
  const text = (/^Description=(.*)$/m.exec(unit)?.[1] ?? '').trim()
  const process = command === '' ? undefined : processes.all(run.seat.now()).find((p) => p.ppid === 1 && p.command === command.slice(0, 400))
  return { path, text, command, enabled: files.stat(wants(plain), false) !== undefined, process }
}

/** Services that run, from the processes there are. */
function units(run: Run): Unit[] {
  const list: Unit[] = []
  for (const p of run.seat.world.processes.all(run.seat.now())) {
    const process = p.command.startsWith('nginx: master') ? 'nginx' : ((p.command.split(' ')[0] as string).split('/').pop() as string)
    if (p.ppid !== 1 || p.command.startsWith('[') || list.some((u) => u.process === process)) continue
    const name = unitNames[process] ?? (run.seat.world.host.apt && process === 'sshd' ? 'ssh' : process)
    list.push({ name, text: known[process] ?? process, process })
  }
  return list
}

function status(run: Run, name: string): number {
  const plain = name.replace(/\.service$/, '')
  const unit = units(run).find((u) => u.name === plain || u.process === plain)
  const now = run.seat.now()
  const { persona } = run.seat.world
  if (plain === 'firewalld' || plain === 'iptables' || plain === 'ufw') {
    run.out(
      `\xe2\x97\x8f ${plain}.service - ${plain === 'firewalld' ? 'firewalld - dynamic firewall daemon' : plain}\n   Loaded: loaded (/usr/lib/systemd/system/${plain}.service; disabled; vendor preset: enabled)\n   Active: inactive (dead)\n`,
    )
    return 3
  }
  if (!unit) {
    const mine = written(run, plain)
    if (mine) {
      const active = mine.process
      run.out(
        `\xe2\x97\x8f ${plain}.service${mine.text ? ` - ${mine.text}` : ''}\n   Loaded: loaded (${mine.path}; ${mine.enabled ? 'enabled' : 'disabled'}; ${run.seat.world.host.flavour === 'debian' ? '' : 'vendor '}preset: disabled)\n   Active: ${active ? `active (running) since ${dateText(run, '%a %F %T %Z', active.startedAt)}; ${Math.max(0, Math.floor((now - active.startedAt) / 1000))}s ago\n Main PID: ${active.pid}\n   CGroup: /system.slice/${plain}.service\n           \xe2\x94\x94\xe2\x94\x80${active.pid} ${active.command}` : 'inactive (dead)'}\n`,
      )
      return active ? 0 : 3
    }
    run.err(`Unit ${plain}.service could not be found.\n`)
    return 4
  }
  const process = run.seat.world.processes.all(now).find((p) => p.command.includes(unit.process))
  const at = process?.startedAt ?? persona.bootedAt
  const days = Math.floor((now - at) / 86_400_000)
  run.out(
    `\xe2\x97\x8f ${unit.name}.service - ${unit.text}\n   Loaded: loaded (${run.seat.world.host.apt ? '/lib' : '/usr/lib'}/systemd/system/${unit.name}.service; enabled; ${run.seat.world.host.flavour === 'debian' ? '' : 'vendor '}preset: enabled)\n   Active: active (running) since ${dateText(run, '%a %F %T %Z', at)}; ${days > 60 ? `${Math.floor(days / 30)} months ${days % 30} days` : `${days} days`} ago\n Main PID: ${process?.pid} (${unit.process})\n   CGroup: /system.slice/${unit.name}.service\n           \xe2\x94\x94\xe2\x94\x80${process?.pid} ${process?.command}\n`,
  )
  return 0
}

const systemctl: CommandTable[string] = (run, args) => {
  const [verb = 'list-units', ...names] = args.filter((a) => !a.startsWith('-'))
  if (args.includes('--version')) {
    run.out(run.seat.world.host.flavour === 'debian' ? 'systemd 252 (252.22-1~deb12u1)\n' : run.seat.world.host.apt ? 'systemd 237\n' : 'systemd 219\n')
    return 0
  }
  switch (verb) {
    case 'status':
      return names.length > 0
        ? names.map((name) => status(run, name)).reduce((a, b) => Math.max(a, b), 0)
        : (run.out(
            `\xe2\x97\x8f ${run.seat.world.persona.hostname}\n    State: running\n     Jobs: 0 queued\n   Failed: 0 units\n    Since: ${dateText(run, '%a %F %T %Z', run.seat.world.persona.bootedAt)}\n`,
          ),
          0)
    case 'is-active':
    case 'is-enabled': {
      let good = false
      for (const name of names) {
        const plain = name.replace(/\.service$/, '')
        const mine = written(run, plain)
        const active = mine ? mine.process !== undefined : units(run).some((u) => u.name === plain || u.process === plain)
        const yes = verb === 'is-active' ? active : mine ? mine.enabled : active
        good ||= yes
        // systemd 219 does not know what is not loaded
        const idle = run.seat.world.host.flavour === 'centos' ? 'unknown' : 'inactive'
        if (verb === 'is-enabled' && !mine && !active) run.err(`Failed to get unit file state for ${plain}.service: No such file or directory\n`)
        else run.out(`${verb === 'is-active' ? (yes ? 'active' : idle) : yes ? 'enabled' : 'disabled'}\n`)
      }
      return good ? 0 : verb === 'is-active' ? 3 : 1
    }
    case 'list-units':
    case 'list-unit-files': {
      run.out(verb === 'list-units' ? 'UNIT                       LOAD   ACTIVE SUB     DESCRIPTION\n' : 'UNIT FILE                  STATE\n')
      for (const u of units(run))
        run.out(verb === 'list-units' ? `${`${u.name}.service`.padEnd(26)} loaded active running ${u.text}\n` : `${`${u.name}.service`.padEnd(26)} enabled\n`)
      return 0
    }
    case 'daemon-reload':
    case 'reset-failed':
      return rights(run, '')
    case 'start':
    case 'stop':
    case 'restart':
    case 'reload':
    case 'enable':
    case 'disable':
    case 'mask':
    case 'kill': {
      const denied = rights(run, names[0] ?? '')
      if (denied) return denied
      for (const name of names) {
        const plain = name.replace(/\.service$/, '')
        const unit = units(run).find((u) => u.name === plain || u.process === plain)
        const mine = written(run, plain)
        if (!unit && !mine && plain !== 'firewalld') {
          run.err(
            verb === 'enable' || verb === 'disable'
              ? `Failed to execute operation: No such file or directory\n`
              : `Failed to ${verb} ${plain}.service: Unit ${verb === 'start' || verb === 'restart' ? 'not found' : `${plain}.service not loaded`}.\n`,
          )
          return 5
        }
        if (mine) {
          unitChange(run, plain, verb, mine, args.includes('--now'))
          continue
        }
        if ((verb === 'stop' || verb === 'kill') && unit && unit.process !== 'sshd')
          for (const p of run.seat.world.processes.all(run.seat.now()))
            if (p.command.includes(unit.process)) run.seat.world.processes.kill(p.pid, run.seat.now())
      }
      return 0
    }
    default:
      run.err(`Unknown operation '${verb}'.\n`)
      return 1
  }
}

/** Enables, disables, starts or stops a unit that the adversary wrote. */
function unitChange(run: Run, plain: string, verb: string, unit: NonNullable<ReturnType<typeof written>>, now: boolean): void {
  const { files, processes, host } = run.seat.world
  const old = host.flavour === 'centos'
  const link = wants(plain)
  if (verb === 'enable' && !unit.enabled) {
    run.seat.fs.link(link, unit.path)
    run.err(old ? `Created symlink from ${link} to ${unit.path}.\n` : `Created symlink ${link} -> ${unit.path}.\n`)
  } else if (verb === 'disable' && unit.enabled) {
    files.stat(link, false) && run.seat.fs.remove(link)
    run.err(old ? `Removed symlink ${link}.\n` : `Removed ${link}.\n`)
  }
  const stop = verb === 'stop' || verb === 'kill' || verb === 'restart' || (verb === 'disable' && now)
  const start = verb === 'start' || verb === 'restart' || (verb === 'enable' && now)
  if (stop && unit.process) processes.kill(unit.process.pid, run.seat.now())
  if (start && unit.command !== '' && (stop || !unit.process)) processes.start(unit.command, 'root', run.seat.now())
}

function rights(run: Run, unit: string): number {
  if (run.seat.user.uid === 0) return 0
  run.err(`Failed to ${unit ? `start ${unit}.service` : 'reload daemon'}: Interactive authentication required.\n`)
  return 1
}

const spool = (run: Run, user: string): string =>
  run.shell.ash ? `/etc/crontabs/${user}` : run.seat.world.host.apt ? `/var/spool/cron/crontabs/${user}` : `/var/spool/cron/${user}`

export const serviceCommands: CommandTable = {
  systemctl,
  service(run, args) {
    const [name = '', verb = 'status'] = args
    if (name === '--status-all') {
      for (const u of units(run)) run.out(run.seat.world.host.apt ? ` [ + ]  ${u.name}\n` : `${u.name} is running...\n`)
      return 0
    }
    if (run.seat.world.host.flavour === 'centos') run.err(`Redirecting to /bin/systemctl ${verb} ${name}.service\n`)
    return systemctl(run, [verb, name])
  },
  chkconfig: (run) => (
    run.err(
      '\nNote: This output shows SysV services only and does not include native\n      systemd services. SysV configuration data might be overridden by native\n      systemd configuration.\n\n',
    ),
    run.out('netconsole     \t0:off\t1:off\t2:off\t3:off\t4:off\t5:off\t6:off\nnetwork        \t0:off\t1:off\t2:on\t3:on\t4:on\t5:on\t6:off\n'),
    0
  ),
  journalctl(run, args) {
    const { flags } = options(
      args.filter((a) => !a.startsWith('--')),
      'n:u:fxekrb:p:S:o:t:',
      {},
    )
    const { world } = run.seat
    const unit = (flags.get('u') ?? '').replace(/\.service$/, '').replace(/^ssh$/, 'sshd')
    const kernel = flags.has('k') || args.includes('--dmesg')
    const lines = journalText({ ...world, now: run.seat.now(), self: 0 }, ({ tag, facility }) =>
      unit ? tag.split('[')[0] === unit : kernel ? facility === 'kern' : flags.has('t') ? tag.split('[')[0] === flags.get('t') : true,
    )
    const most = flags.has('n') ? Number(flags.get('n')) || 10 : flags.has('e') ? 1000 : lines.length
    const from = world.persona.bootedAt
    const head =
      world.host.flavour === 'debian'
        ? ''
        : `-- Logs begin at ${dateText(run, '%a %F %T %Z', from)}, end at ${dateText(run, '%a %F %T %Z', run.seat.now())}. --\n`
    const shown = lines.slice(-most)
    if (flags.has('r')) shown.reverse()
    run.out(`${head}${shown.length > 0 ? shown.map((l) => `${l}\n`).join('') : '-- No entries --\n'}`)
    return 0
  },
  logread: (run) => (
    run.out(
      `${dateText(run, '%a %b %e %T %Y', run.seat.world.persona.bootedAt + 11_000)} kern.notice kernel: [    0.000000] Linux version ${run.seat.world.persona.template.os.kernel}\n${run.seat.world.logins.live.map((l) => `${dateText(run, '%a %b %e %T %Y', l.at)} authpriv.notice dropbear[${l.pid}]: Password auth succeeded for '${l.user}' from ${l.from}:${l.port}\n`).join('')}`,
    ),
    0
  ),
  async crontab(run, args) {
    const { flags, rest } = options(args, 'lreu:i', {})
    const user = flags.get('u') ?? run.seat.user.name
    if (flags.has('u') && run.seat.user.uid !== 0) return run.fault('must be privileged to use -u')
    const path = spool(run, user)
    const { files } = run.seat.world
    const write = (text: string): void => {
      const directory = path.slice(0, path.lastIndexOf('/'))
      if (!files.stat(directory)) files.mkdir(directory, { at: run.seat.now(), mode: 0o755, uid: 0, gid: 0 })
      run.seat.emit('file.changed', { path, change: files.stat(path) ? 'written' : 'created', method: 'shell' })
      files.write(path, Buffer.from(text, 'latin1'), { at: run.seat.now(), mode: 0o600, uid: run.seat.user.uid, gid: run.seat.user.gid })
    }
    if (flags.has('l')) {
      try {
        run.out(files.read(path).toString('latin1'))
        return 0
      } catch (error) {
        reasonOf(error)
        run.err(run.shell.ash ? `crontab: can't open '${user}': No such file or directory\n` : `no crontab for ${user}\n`)
        return 1
      }
    }
    if (flags.has('r')) {
      if (!files.stat(path)) return run.err(`no crontab for ${user}\n`), 1
      run.seat.emit('file.changed', { path, change: 'removed', method: 'shell' })
      files.remove(path)
      return 0
    }
    if (flags.has('e')) {
      run.err(`no crontab for ${user} - using an empty one\n`)
      await run.shell.pause(600)
      run.err('crontab: no changes made to crontab\n')
      return 0
    }
    const from = rest[0]
    try {
      write(from === undefined || from === '-' ? await readAll(run.input) : run.seat.fs.read(run.shell.path(from)).toString('latin1'))
    } catch (error) {
      run.err(`${from}: ${reasonOf(error)}\n`)
      return 1
    }
    return 0
  },
  uci(run, args) {
    if (args[0] === 'show' || args[0] === 'get') {
      const [name = '', section] = (args[1] ?? 'system').split('.')
      try {
        const text = run.seat.fs.read(`/etc/config/${name}`).toString('latin1')
        let at = ''
        for (const line of text.split('\n')) {
          const config = /^config\s+'?([\w-]+)'?(?:\s+'?([\w-]+)'?)?/.exec(line)
          const option = /^\s+(?:option|list)\s+'?([\w-]+)'?\s+'?([^']*)'?/.exec(line)
          if (config) {
            at = config[2] ?? `@${config[1]}[0]`
            if (!section || section === at) run.out(`${name}.${at}=${config[1]}\n`)
          } else if (option && (!section || section === at)) run.out(`${name}.${at}.${option[1]}='${option[2]}'\n`)
        }
        return 0
      } catch (error) {
        reasonOf(error)
        run.err('uci: Entry not found\n')
        return 1
      }
    }
    if (args.length === 0) run.err('Usage: uci [<options>] <command> [<arguments>]\n')
    return args.length === 0 ? 1 : 0
  },
  opkg(run, args) {
    const packages = packagesOf(run.seat.world.host)
    const [verb = '', name] = args.filter((a) => !a.startsWith('-'))
    if (verb === 'list-installed' || verb === 'info' || verb === 'status') {
      for (const one of packages)
        if (verb === 'list-installed') run.out(`${one.name} - ${one.version}\n`)
        else if (!name || name === one.name) run.out(`Package: ${one.name}\nVersion: ${one.version}\nStatus: install ok installed\n\n`)
      return 0
    }
    if (verb === 'files' || verb === 'search') {
      for (const one of packages)
        if (verb === 'search' && name !== undefined && one.files.includes(name)) run.out(`${one.name} - ${one.version}\n`)
        else if (verb === 'files' && one.name === name)
          run.out(`Package ${one.name} (${one.version}) is installed on root and has the following files:\n${one.files.map((f) => `${f}\n`).join('')}`)
      return 0
    }
    run.err(
      'Downloading http://downloads.openwrt.org/releases/19.07.4/packages/Packages.gz\n*** Failed to download the package list from http://downloads.openwrt.org/releases/19.07.4/packages/Packages.gz\n\n',
    )
    return 255
  },
  wifi: () => 0,
  ubus: (run) => say(run, 'dhcp\ndnsmasq\nlog\nnetwork\nservice\nsession\nsystem\nuci\n'),
}
