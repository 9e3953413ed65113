/** Programs that say what this host is. */
import { localTime } from '../../world/host.ts'
import { kernelLog } from '../../world/kernel-log.ts'
import { memoryAt } from '../../world/memory.ts'
import { processorOf } from '../../world/proc.ts'
import { say } from '../command.ts'
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { Leave } from '../control.ts'

/** `up 12 days,  3:04` as uptime, w and top print it. */
export function upText(run: Run): string {
  const minutes = Math.floor((run.seat.now() - run.seat.world.persona.bootedAt) / 60_000)
  const days = Math.floor(minutes / 1440)
  const hours = Math.floor(minutes / 60) % 24
  const left = minutes % 60
  return `up ${days > 0 ? `${days} day${days === 1 ? '' : 's'}, ` : ''}${hours > 0 ? `${String(hours).padStart(days > 0 || !run.shell.ash ? 2 : 2)}:${String(left).padStart(2, '0')}` : `${left} min`}`
}

/** The first line of uptime, w and top. */
export function uptimeLine(run: Run): string {
  const now = run.seat.now()
  const { world } = run.seat
  const t = localTime(world.host, now)
  const users = world.logins.live.filter((l) => l.tty !== 'notty').length
  const load = world.host
    .load(now)
    .map((n) => n.toFixed(2))
    .join(', ')
  return run.shell.ash
    ? ` ${t.hh}:${t.mm}:${t.ss} ${upText(run)},  load average: ${load}`
    : ` ${t.hh}:${t.mm}:${t.ss} ${upText(run)},  ${users} user${users === 1 ? '' : 's'},  load average: ${load}`
}

const uname: CommandTable[string] = (run, args) => {
  const { flags, bad } = options(args, 'asnrvmpio', {
    all: 'a',
    'kernel-name': 's',
    nodename: 'n',
    'kernel-release': 'r',
    'kernel-version': 'v',
    machine: 'm',
    'operating-system': 'o',
    help: '?',
  })
  if (bad !== undefined)
    return run.fault(run.shell.ash ? `unrecognized option: ${bad}` : `invalid option -- '${bad}'\nTry 'uname --help' for more information.`)
  const { persona, host } = run.seat.world
  const { os } = persona.template
  const machine = os.architecture
  const name = host.flavour === 'centos' ? persona.hostname : persona.hostname
  const all = flags.has('a')
  // Debian leaves uname's processor and platform unknown, and -a leaves out what is unknown
  const server = host.flavour === 'centos' || host.flavour === 'ubuntu' || (host.flavour === 'debian' && !all)
  const platform = host.flavour === 'debian' ? 'unknown' : machine
  const parts: [string, string][] = [
    ['s', 'Linux'],
    ['n', name],
    ['r', os.kernel],
    ['v', os.kernelBuild],
    ['m', machine],
    ...(server
      ? ([
          ['p', platform],
          ['i', platform],
        ] as [string, string][])
      : []),
    ['o', 'GNU/Linux'],
  ]
  const shown = parts.filter(([letter]) => all || flags.has(letter) || (flags.size === 0 && letter === 's'))
  run.out(`${shown.map(([, text]) => text).join(' ')}\n`)
  return 0
}

/** A date by strftime's letters. */
export function dateText(run: Run, format: string, ms: number): string {
  const { host } = run.seat.world
  const t = localTime(host, ms)
  const full: Record<string, string> = { Sun: 'Sunday', Mon: 'Monday', Tue: 'Tuesday', Wed: 'Wednesday', Thu: 'Thursday', Fri: 'Friday', Sat: 'Saturday' }
  const hour = Number(t.hh)
  const zone = `${host.offsetMinutes >= 0 ? '+' : '-'}${String(Math.floor(Math.abs(host.offsetMinutes) / 60)).padStart(2, '0')}00`
  const day = Math.floor((Date.UTC(t.year, t.month - 1, t.date) - Date.UTC(t.year, 0, 1)) / 86_400_000) + 1
  const by: Record<string, string> = {
    Y: String(t.year),
    m: String(t.month).padStart(2, '0'),
    d: t.day.trim().padStart(2, '0'),
    e: t.day,
    H: t.hh,
    M: t.mm,
    S: t.ss,
    s: String(Math.floor(ms / 1000)),
    a: t.weekday,
    A: full[t.weekday] ?? '',
    b: t.monthName,
    h: t.monthName,
    Z: host.zone,
    z: zone,
    F: t.iso,
    T: `${t.hh}:${t.mm}:${t.ss}`,
    R: `${t.hh}:${t.mm}`,
    D: `${String(t.month).padStart(2, '0')}/${t.day.trim().padStart(2, '0')}/${String(t.year).slice(2)}`,
    y: String(t.year).slice(2),
    j: String(day).padStart(3, '0'),
    N: String((ms % 1000) * 1_000_000 + 271_828).padStart(9, '0'),
    I: String(hour % 12 || 12).padStart(2, '0'),
    p: hour < 12 ? 'AM' : 'PM',
    n: '\n',
    t: '\t',
    '%': '%',
    c: `${t.weekday} ${t.monthName} ${t.day} ${t.hh}:${t.mm}:${t.ss} ${t.year}`,
    u: String(['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(t.weekday) + 1),
  }
  return format.replace(/%[-_0^]?([A-Za-z%])/g, (all, c: string) => by[c] ?? all)
}

export const systemCommands: CommandTable = {
  uname,
  arch: (run) => say(run, `${run.seat.world.persona.template.os.architecture}\n`),
  hostname(run, args) {
    const { persona, network } = run.seat.world
    if (args[0] === '-I') run.out(`${network.address} \n`)
    else if (args[0] === '-i') run.out(`${network.address}\n`)
    else if (args[0] === '-f') run.out(run.shell.ash ? `${persona.hostname}\n` : `${persona.hostname}.${persona.domain}\n`)
    else if (args[0] === '-d') run.out(`${persona.domain}\n`)
    else if (args[0] === '-s' || args.length === 0) run.out(`${persona.hostname}\n`)
    else if (run.seat.user.uid !== 0) return run.fault('you must be root to change the host name')
    return 0
  },
  date(run, args) {
    const { flags, rest } = options(args, 'ud:s:r:RI', { date: 'd', utc: 'u', set: 's' })
    if (flags.has('s')) return run.seat.user.uid === 0 ? 0 : run.fault('cannot set date: Operation not permitted')
    let ms = run.seat.now()
    const when = flags.get('d')
    if (when !== undefined) {
      const shift = /^([-+]?\d{1,6}) (second|minute|hour|day|week|month|year)s?( ago)?$/.exec(when)
      const unit = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800, month: 2_592_000, year: 31_536_000 }
      if (when.startsWith('@')) ms = Number(when.slice(1)) * 1000
      else if (shift) ms += Number(shift[1]) * unit[shift[2] as keyof typeof unit] * 1000 * (shift[3] ? -1 : 1)
      else if (when === 'yesterday') ms -= 86_400_000
      else if (when === 'tomorrow') ms += 86_400_000
      else if (when !== 'now') {
        const parsed = Date.parse(`${when}Z`)
        if (Number.isNaN(parsed)) return run.fault(`invalid date '${when}'`)
        ms = parsed - run.seat.world.host.offsetMinutes * 60_000
      }
    }
    if (flags.has('u')) ms -= run.seat.world.host.offsetMinutes * 60_000
    const format = rest.find((a) => a.startsWith('+'))
    let text = dateText(run, format ? format.slice(1) : flags.has('R') ? '%a, %d %b %Y %T %z' : '%a %b %e %T %Z %Y', ms)
    if (flags.has('u')) text = text.replace(run.seat.world.host.zone, 'UTC')
    run.out(`${text}\n`)
    return 0
  },
  uptime(run, args) {
    if (args[0] === '-s') run.out(`${dateText(run, '%F %T', run.seat.world.persona.bootedAt)}\n`)
    else if (args[0] === '-p') run.out(`${upText(run).replace(/(\d+):(\d+)$/, (_, h: string, m: string) => `${Number(h)} hours, ${Number(m)} minutes`)}\n`)
    else run.out(`${uptimeLine(run)}\n`)
    return 0
  },
  free(run, args) {
    const { flags } = options(args, 'bkmghtws:c:', { human: 'h', mega: 'm', giga: 'g' })
    const m = memoryAt(run.seat.world.host, run.seat.now())
    const human = (kib: number): string =>
      kib === 0
        ? '0B'
        : kib >= 1_048_576
          ? `${(kib / 1_048_576).toFixed(kib >= 10_485_760 ? 0 : 1)}G`
          : kib >= 1024
            ? `${(kib / 1024).toFixed(kib >= 10_240 ? 0 : 1)}M`
            : `${kib}K`
    const show = (kib: number): string =>
      flags.has('h') ? human(kib) : String(Math.floor(kib / (flags.has('m') ? 1024 : flags.has('g') ? 1_048_576 : flags.has('b') ? 1 / 1024 : 1)))
    const cache = m.cached + m.buffers + (run.shell.ash ? 0 : m.slab)
    const used = m.total - m.free - cache
    const row = (name: string, cells: number[]): string =>
      `${name.padEnd(run.shell.ash ? 7 : 7)}${cells
        .map((n) =>
          show(n)
            .padStart(run.shell.ash ? 12 : 12)
            .slice(-13),
        )
        .join('')}`
    run.out(`       ${['total', 'used', 'free', 'shared', 'buff/cache', 'available'].map((n) => n.padStart(12)).join('')}\n`)
    run.out(`${row('Mem:', [m.total, used, m.free, m.shared, cache, m.available])}\n${row('Swap:', [m.swapTotal, m.swapTotal - m.swapFree, m.swapFree])}\n`)
    return 0
  },
  nproc: (run) => say(run, `${run.seat.world.persona.template.hardware.cores}\n`),
  lscpu(run) {
    const { host, persona } = run.seat.world
    const { hardware, os } = persona.template
    const sockets = hardware.cores > 8 ? 2 : 1
    const kind = processorOf(host)
    const rows: [string, string | number][] = [
      ['Architecture', os.architecture],
      ['CPU op-mode(s)', '32-bit, 64-bit'],
      ['Byte Order', 'Little Endian'],
      ['CPU(s)', hardware.cores],
      ['On-line CPU(s) list', `0-${hardware.cores - 1}`],
      ['Thread(s) per core', 1],
      ['Core(s) per socket', hardware.cores / sockets],
      ['Socket(s)', sockets],
      ['NUMA node(s)', sockets],
      ['Vendor ID', 'GenuineIntel'],
      ['CPU family', 6],
      ['Model', kind.model],
      ['Model name', hardware.cpu],
      ['Stepping', kind.stepping],
      ['CPU MHz', host.mhz.toFixed(3)],
      ['BogoMIPS', (host.mhz * 2).toFixed(2)],
      ['Virtualization', 'VT-x'],
      ['L1d cache', kind.caches[0] ?? '32K'],
      ['L1i cache', kind.caches[1] ?? '32K'],
      ['L2 cache', kind.caches[2] ?? '1024K'],
      ...(kind.caches.length > 0 ? [] : ([['L3 cache', '14080K']] as [string, string][])),
      ...(sockets === 1
        ? ([['NUMA node0 CPU(s)', `0-${hardware.cores - 1}`]] as [string, string][])
        : ([
            ['NUMA node0 CPU(s)', `0-${hardware.cores / 2 - 1}`],
            ['NUMA node1 CPU(s)', `${hardware.cores / 2}-${hardware.cores - 1}`],
          ] as [string, string][])),
      ['Flags', kind.flags],
    ]
    for (const [name, text] of rows) run.out(`${`${name}:`.padEnd(23)}${text}\n`)
    return 0
  },
  dmesg(run) {
    if (run.seat.world.host.apt && run.seat.user.uid !== 0) return run.fault('read kernel buffer failed: Operation not permitted')
    run.out(kernelLog(run.seat.world.host))
    return 0
  },
  env(run, args) {
    const rest = args.filter((a) => !/^-|=/.test(a))
    if (rest.length > 0) {
      for (const arg of args) if (/^[A-Za-z_]\w*=/.test(arg)) run.shell.export(arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1))
      return run.shell.call(rest[0] as string, args.slice(args.indexOf(rest[0] as string) + 1), run)
    }
    for (const name of run.shell.exported) run.out(`${name}=${run.shell.get(name) ?? ''}\n`)
    run.out(`_=${run.shell.find('env') ?? '/usr/bin/env'}\n`)
    return 0
  },
  printenv(run, args) {
    if (args.length === 0) for (const name of run.shell.exported) run.out(`${name}=${run.shell.get(name) ?? ''}\n`)
    for (const name of args) {
      if (!run.shell.exported.has(name)) return 1
      run.out(`${run.shell.get(name)}\n`)
    }
    return 0
  },
  async sleep(run, args) {
    let ms = 0
    for (const arg of args) {
      const m = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(arg)
      if (!m) return run.fault(run.shell.ash ? `invalid number '${arg}'` : `invalid time interval '${arg}'\nTry 'sleep --help' for more information.`)
      ms += Number(m[1]) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, '': 1000 }[m[2] as 's']
    }
    if (args.length === 0) return run.fault("missing operand\nTry 'sleep --help' for more information.")
    await run.shell.pause(ms)
    return 0
  },
  usleep: async (run, args) => (await run.shell.pause(Number(args[0]) / 1000 || 0), 0),
  clear: (run) => say(run, '\x1b[H\x1b[2J'),
  reset: (run) => say(run, '\x1bc'),
  tput(run, args) {
    if (args[0] === 'cols') run.out(`${run.shell.columns}\n`)
    if (args[0] === 'lines') run.out(`${run.shell.rows}\n`)
    return 0
  },
  stty(run, args) {
    if (args[0] === 'size') run.out(`${run.shell.rows} ${run.shell.columns}\n`)
    else if (args.includes('-echo')) run.shell.meter.echo = false
    else if (args.includes('echo') || args.includes('sane')) run.shell.meter.echo = true
    else if (!run.toTerminal) return run.fault("'standard input': Inappropriate ioctl for device")
    else if (args.length === 0 || args[0] === '-a')
      run.out(`speed 38400 baud; line = 0;\n${args[0] === '-a' ? `rows ${run.shell.rows}; columns ${run.shell.columns};\n` : ''}-brkint -imaxbel\n`)
    return 0
  },
  tty(run) {
    run.out(run.toTerminal ? `/dev/${run.seat.login.tty}\n` : 'not a tty\n')
    return run.toTerminal ? 0 : 1
  },
  sysctl(run, args) {
    const keys: Record<string, string> = {
      'kernel.hostname': run.seat.world.persona.hostname,
      'kernel.osrelease': run.seat.world.persona.template.os.kernel,
      'net.ipv4.ip_forward': run.shell.ash ? '1' : '0',
      'vm.swappiness': '60',
      'kernel.ostype': 'Linux',
    }
    if (args[0] === '-a') for (const [key, text] of Object.entries(keys)) run.out(`${key} = ${text}\n`)
    else if (args[0] === '-p') return 0
    else
      for (const arg of args.filter((a) => !a.startsWith('-'))) {
        const [key = '', value] = arg.split('=')
        if (keys[key] === undefined) return run.fault(`cannot stat /proc/sys/${key.replaceAll('.', '/')}: No such file or directory`) && 255
        if (value !== undefined && run.seat.user.uid !== 0) return run.fault(`permission denied on key '${key}'`) && 255
        run.out(args[0] === '-n' ? `${value ?? keys[key]}\n` : `${key} = ${value ?? keys[key]}\n`)
      }
    return 0
  },
  getconf: (run, args) => (
    run.out(
      args[0] === 'LONG_BIT' ? (run.shell.ash ? '32\n' : '64\n') : args[0] === 'PAGESIZE' ? '4096\n' : `${run.seat.world.persona.template.hardware.cores}\n`,
    ),
    0
  ),
  lsmod(run) {
    run.out('Module                  Size  Used by\n')
    for (const line of run.seat.world.files.read('/proc/modules').toString().trim().split('\n')) {
      const [name = '', size = '', used = ''] = line.split(' ')
      run.out(`${name.padEnd(19)} ${size.padStart(8)}  ${used}\n`)
    }
    return 0
  },
  modprobe: (run) => (run.seat.user.uid === 0 ? 0 : run.fault('ERROR: could not insert module: Operation not permitted')),
  insmod: (run, args) =>
    run.fault(`ERROR: could not insert module ${args[0] ?? ''}: ${run.seat.user.uid === 0 ? 'Invalid module format' : 'Operation not permitted'}`),
  reboot: (run) => halt(run),
  poweroff: (run) => halt(run),
  halt: (run) => halt(run),
  shutdown: (run) => halt(run),
  locale: (run) => say(run, 'LANG=C\nLC_CTYPE="C"\nLC_ALL=\n'),
  localectl: (run) => say(run, '   System Locale: LANG=C\n       VC Keymap: us\n      X11 Layout: us\n'),
  lsb_release(run, args) {
    const { release, codename } = run.seat.world.persona.template.os
    run.out(
      args.includes('-a') || args.length === 0
        ? `No LSB modules are available.\nDistributor ID:\tUbuntu\nDescription:\tUbuntu ${release} LTS\nRelease:\t18.04\nCodename:\t${codename}\n`
        : `Ubuntu ${release} LTS\n`,
    )
    return 0
  },
  hostid: (run) => say(run, `${run.seat.world.persona.machineId.slice(0, 8)}\n`),
  logger: () => 0,
  getenforce: (run) => say(run, 'Disabled\n'),
}

/** Without the right, the program says so; with it, the connection ends as the host's would. */
async function halt(run: Run): Promise<number> {
  if (run.seat.user.uid !== 0) {
    run.err(`${run.name}: Operation not permitted\n`)
    return 1
  }
  await run.shell.pause(400)
  throw new Leave('exit', 0)
}
