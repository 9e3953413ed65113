/** Programs that list and end processes. */
import { localTime } from '../../world/host.ts'
import { memoryAt } from '../../world/memory.ts'
import type { Process } from '../../world/processes.ts'
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { compile, matches } from '../pattern.ts'
import { stopJob } from '../builtins-jobs.ts'
import { uptimeLine } from './system.ts'

const cpuTime = (p: Process): string => {
  const s = Math.floor(p.cpu)
  return `${String(Math.floor(s / 3600)).padStart(2, '0')}:${String(Math.floor(s / 60) % 60).padStart(2, '0')}:${String(s % 60).padStart(2, '0')}`
}
const nameOf = (p: Process): string =>
  (p.command.startsWith('[')
    ? p.command.slice(1, -1)
    : p.command.startsWith('-')
      ? p.command.slice(1)
      : ((p.command.split(/[ :]/)[0] as string).split('/').pop() as string)
  ).slice(0, 15)

/** Start as ps shows it: time today, else the day, else the year. */
function started(run: Run, p: Process): string {
  const t = localTime(run.seat.world.host, p.startedAt)
  const age = run.seat.now() - p.startedAt
  return age < 86_400_000
    ? `${t.hh}:${t.mm}`
    : t.year === localTime(run.seat.world.host, run.seat.now()).year
      ? `${t.monthName}${t.day.trim().padStart(2, '0')}`
      : String(t.year)
}

const shorten = (run: Run, line: string): string => (run.toTerminal ? line.slice(0, run.shell.columns) : line)

const ps: CommandTable[string] = (run, args) => {
  const now = run.seat.now()
  const all = run.seat.world.processes.all(now)
  if (run.shell.ash) {
    run.out('  PID USER       VSZ STAT COMMAND\n')
    for (const p of all)
      run.out(
        `${shorten(run, `${String(p.pid).padStart(5)} ${p.user.padEnd(8)} ${String(p.virtual).padStart(5)} ${p.command.startsWith('[') ? 'SW  ' : `${p.state.slice(0, 1)}   `} ${p.command}`)}\n`,
      )
    return 0
  }
  const given = args.join(' ')
  const format = /-?-?(?:o|format)[ =]?([a-z%,=]+)/.exec(given)?.[1]
  const pids = /(?:-p|--pid|-q)[ =]?([\d,]+)/.exec(given)?.[1]?.split(',').map(Number)
  const names = /-C[ ]?(\S+)/.exec(given)?.[1]?.split(',')
  const user = /(?:-u|-U|--user)[ =]?([a-z_][\w-]*)/.exec(given)?.[1]
  const bsd = args.find((a) => /^[auxwfeljr]+$/.test(a)) ?? args.find((a) => /^-[auxw]*a[auxw]*x?$/.test(a) && a.includes('u'))
  const every = /a|x/.test(bsd ?? '') || /-[A-Za-z]*[eA]/.test(given) || given.includes('-ax')
  const memory = memoryAt(run.seat.world.host, now).total
  const list = all.filter((p) =>
    pids
      ? pids.includes(p.pid)
      : names
        ? names.includes(nameOf(p))
        : user
          ? p.user === user
          : every
            ? true
            : p.tty !== '?' && p.user === run.seat.user.name && p.tty === run.seat.login.tty,
  )
  const percent = (p: Process): string => ((p.cpu / Math.max(1, (now - p.startedAt) / 1000)) * 100).toFixed(1)
  const share = (p: Process): string => ((p.resident / memory) * 100).toFixed(1)
  const short = (name: string): string => (name.length > 8 ? `${name.slice(0, 7)}+` : name)
  if (format) {
    const columns = format.split(',').map((c) => c.replace(/=.*$/, ''))
    const cell: Record<string, [string, (p: Process) => string, number]> = {
      pid: ['  PID', (p) => String(p.pid), 5],
      ppid: [' PPID', (p) => String(p.ppid), 5],
      user: ['USER    ', (p) => short(p.user), -8],
      comm: ['COMMAND', nameOf, -15],
      cmd: ['CMD', (p) => p.command, 0],
      args: ['COMMAND', (p) => p.command, 0],
      '%cpu': ['%CPU', percent, 4],
      pcpu: ['%CPU', percent, 4],
      '%mem': ['%MEM', share, 4],
      pmem: ['%MEM', share, 4],
      rss: ['  RSS', (p) => String(p.resident), 5],
      vsz: ['   VSZ', (p) => String(p.virtual), 6],
      stat: ['STAT', (p) => p.state, -4],
      tty: ['TT      ', (p) => p.tty, -8],
      time: ['    TIME', cpuTime, 8],
      start: ['STARTED', (p) => started(run, p), 8],
      etime: ['    ELAPSED', (p) => String(Math.floor((now - p.startedAt) / 1000)), 11],
    }
    if (!format.includes('=')) run.out(`${columns.map((c) => cell[c]?.[0] ?? c.toUpperCase()).join(' ')}\n`)
    for (const p of list) {
      run.out(
        `${columns
          .map((c) => {
            const [, of, wide] = cell[c] ?? ['', () => '-', 0]
            return wide > 0 ? of(p).padStart(wide) : of(p).padEnd(-wide)
          })
          .join(' ')
          .trimEnd()}\n`,
      )
    }
    return 0
  }
  if (bsd?.includes('u')) {
    run.out('USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n')
    for (const p of list)
      run.out(
        `${shorten(run, `${short(p.user).padEnd(8)} ${String(p.pid).padStart(5)} ${percent(p).padStart(4)} ${share(p).padStart(4)} ${String(p.virtual).padStart(6)} ${String(p.resident).padStart(5)} ${p.tty.padEnd(8)} ${p.state.padEnd(4)} ${started(run, p)} ${`${Math.floor(p.cpu / 60)}:${String(Math.floor(p.cpu) % 60).padStart(2, '0')}`.padStart(6)} ${p.command}`)}\n`,
      )
  } else if (/-[A-Za-z]*f/.test(given)) {
    run.out('UID        PID  PPID  C STIME TTY          TIME CMD\n')
    for (const p of list)
      run.out(
        `${shorten(run, `${short(p.user).padEnd(8)} ${String(p.pid).padStart(5)} ${String(p.ppid).padStart(5)}  0 ${started(run, p)} ${p.tty.padEnd(8)} ${cpuTime(p)} ${p.command}`)}\n`,
      )
  } else if (bsd && /[ax]/.test(bsd)) {
    run.out('  PID TTY      STAT   TIME COMMAND\n')
    for (const p of list)
      run.out(
        `${shorten(run, `${String(p.pid).padStart(5)} ${p.tty.padEnd(8)} ${p.state.padEnd(4)} ${`${Math.floor(p.cpu / 60)}:${String(Math.floor(p.cpu) % 60).padStart(2, '0')}`.padStart(6)} ${p.command}`)}\n`,
      )
  } else {
    run.out('  PID TTY          TIME CMD\n')
    for (const p of list) run.out(`${String(p.pid).padStart(5)} ${p.tty.padEnd(8)} ${cpuTime(p)} ${nameOf(p)}\n`)
  }
  return 0
}

/** What top prints once. */
function topText(run: Run): string {
  const now = run.seat.now()
  const { world } = run.seat
  const m = memoryAt(world.host, now)
  const all = world.processes.all(now)
  const top = [...all].sort((a, b) => Number(b.state.startsWith('R')) - Number(a.state.startsWith('R')) || b.cpu - a.cpu)
  if (run.shell.ash) {
    let text = `Mem: ${m.total - m.free}K used, ${m.free}K free, ${m.shared}K shrd, ${m.buffers}K buff, ${m.cached}K cached\nCPU:   0% usr   0% sys   0% nic  99% idle   0% io   0% irq   0% sirq\nLoad average: ${world.host
      .load(now)
      .map((n) => n.toFixed(2))
      .join(' ')} 1/${all.length} ${run.shell.pid}\n  PID  PPID USER     STAT   VSZ %VSZ %CPU COMMAND\n`
    for (const p of top.slice(0, Math.max(5, run.shell.rows - 5)))
      text += `${String(p.pid).padStart(5)} ${String(p.ppid).padStart(5)} ${p.user.padEnd(8)} ${p.state.slice(0, 1).padEnd(4)} ${String(p.virtual).padStart(6)} ${String(Math.round((p.virtual / m.total) * 100)).padStart(3)}%   0% ${p.command.slice(0, 50)}\n`
    return text
  }
  const cache = m.cached + m.buffers + m.slab
  let text = `top -${uptimeLine(run)}\nTasks: ${all.length} total,   1 running, ${all.length - 1} sleeping,   0 stopped,   0 zombie\n%Cpu(s):  0.${Math.floor(now / 1000) % 9} us,  0.${Math.floor(now / 3000) % 6} sy,  0.0 ni, 99.${Math.floor(now / 2000) % 5} id,  0.0 wa,  0.0 hi,  0.0 si,  0.0 st\nKiB Mem : ${String(m.total).padStart(8)} total, ${String(m.free).padStart(8)} free, ${String(m.total - m.free - cache).padStart(8)} used, ${String(cache).padStart(8)} buff/cache\nKiB Swap: ${String(m.swapTotal).padStart(8)} total, ${String(m.swapFree).padStart(8)} free, ${String(m.swapTotal - m.swapFree).padStart(8)} used. ${String(m.available).padStart(8)} avail Mem \n\n  PID USER      PR  NI    VIRT    RES    SHR S  %CPU %MEM     TIME+ COMMAND\n`
  for (const p of top.slice(0, run.toTerminal ? Math.max(5, run.shell.rows - 8) : 200))
    text += `${String(p.pid).padStart(5)} ${p.user.slice(0, 8).padEnd(8)}  20   0 ${String(p.virtual).padStart(7)} ${String(p.resident).padStart(6)} ${String(Math.round(p.resident * 0.7)).padStart(6)} ${p.state.slice(0, 1)}   0.0 ${((p.resident / m.total) * 100).toFixed(1).padStart(4)} ${`${Math.floor(p.cpu / 60)}:${(p.cpu % 60).toFixed(2).padStart(5, '0')}`.padStart(9)} ${nameOf(p)}\n`
  return text
}

const signals: Record<string, number> = { HUP: 1, INT: 2, QUIT: 3, KILL: 9, USR1: 10, USR2: 12, TERM: 15, CONT: 18, STOP: 19 }

function end(run: Run, pids: number[], signal: number): void {
  const { login } = run.seat
  for (const pid of pids) {
    const job = run.shell.family.jobs.find((one) => one.pid === pid)
    if (stopJob(job, signal)) continue
    run.seat.world.processes.kill(pid, run.seat.now())
    if (signal !== 0 && pid >= login.pid && pid <= login.pid + 2 && (signal === 9 || signal === 1 || pid < login.pid + 2)) run.seat.disconnect()
  }
}

const byName =
  (whole: boolean): CommandTable[string] =>
  (run, args) => {
    const given = args.find((a) => /^-(?:\d+|(?:SIG)?[A-Z]{3,})$/.test(a))?.replace(/^-(?:SIG)?/, '')
    const signal = given === undefined ? 15 : (signals[given] ?? (Number(given) || 15))
    const { flags, rest } = options(
      args.filter((a) => !/^-(?:\d+|(?:SIG)?[A-Z]{3,})$/.test(a)),
      'feou:xlvcnitqs:',
      {},
    )
    const pattern = rest.at(-1) ?? ''
    const user = flags.get('u')
    const mine = new Set([...run.seat.login.programs].map((p) => p.pid))
    const found = run.seat.world.processes.all(run.seat.now()).filter((p) => {
      if ((p.command.split(' ', 1)[0] === run.name && mine.has(p.pid)) || (user && p.user !== user)) return false
      const text = flags.has('f') ? p.command : nameOf(p)
      return whole ? nameOf(p) === pattern : pattern === '' ? user !== undefined : text.includes(pattern) || matches(compile(pattern), text)
    })
    if (run.name === 'pgrep' || run.name === 'pidof') {
      if (run.name === 'pidof' && found.length > 0) run.out(`${found.map((p) => p.pid).join(' ')}\n`)
      else
        for (const p of flags.has('o') ? found.slice(0, 1) : flags.has('n') ? found.slice(-1) : found)
          run.out(`${p.pid}${flags.has('l') ? ` ${nameOf(p)}` : ''}\n`)
      return found.length > 0 ? 0 : 1
    }
    if (found.length === 0) {
      if (run.name === 'killall') run.err(`${pattern}: no process found\n`)
      return 1
    }
    const ours = found.filter((p) => run.seat.user.uid === 0 || p.user === run.seat.user.name)
    if (ours.length < found.length) run.err(`${pattern}(${found[0]?.pid}): Operation not permitted\n`)
    end(
      run,
      ours.map((p) => p.pid),
      signal,
    )
    return ours.length > 0 ? 0 : 1
  }

export const processCommands: CommandTable = {
  ps,
  async top(run, args) {
    if (args.some((a) => /^-\w*b/.test(a)) || !run.toTerminal) {
      run.out(topText(run))
      return 0
    }
    for (;;) {
      run.out(`\x1b[H\x1b[2J${topText(run)}`)
      const key = await Promise.race([run.input.read(), run.shell.pause(3000).then(() => '')])
      if (key === null || key.includes('q')) return 0
    }
  },
  kill(run, args) {
    if (args[0] === '-l') {
      run.out(
        `${Object.entries(signals)
          .map(([name, n]) => `${String(n).padStart(2)}) SIG${name}`)
          .join('\t')}\n`,
      )
      return 0
    }
    let signal = 15
    const pids: string[] = []
    for (let i = 0; i < args.length; i++) {
      const arg = args[i] as string
      if (arg === '-s') signal = signals[(args[++i] ?? '').replace(/^SIG/, '')] ?? 15
      else if (/^-(?:SIG)?[A-Z0-9]+$/.test(arg)) signal = signals[arg.replace(/^-(?:SIG)?/, '')] ?? Number(arg.slice(1))
      else pids.push(arg)
    }
    if (pids.length === 0) {
      run.err(
        run.shell.ash
          ? `${run.shell.label}: kill: you need to specify whom to kill\n`
          : 'kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n',
      )
      return 2
    }
    let status = 0
    for (const text of pids) {
      if (text.startsWith('%')) {
        if (stopJob(run.shell.family.find(text), signal)) continue
        run.err(`${run.shell.label}: kill: ${text}: no such job\n`)
        status = 1
        continue
      }
      const pid = Number(text)
      const label = run.shell.ash ? run.shell.label : `${run.shell.label}: kill`
      const found = Number.isInteger(pid) ? run.seat.world.processes.get(pid, run.seat.now()) : undefined
      if (!Number.isInteger(pid)) run.err(`${label}: ${text}: arguments must be process or job IDs\n`)
      else if (!found) run.err(run.shell.ash ? `${label}: can't kill pid ${pid}: No such process\n` : `${label}: (${pid}) - No such process\n`)
      else if (run.seat.user.uid !== 0 && found.user !== run.seat.user.name) run.err(`${label}: (${pid}) - Operation not permitted\n`)
      else {
        if (signal !== 0) end(run, [pid], signal)
        continue
      }
      status = 1
    }
    return status
  },
  killall: byName(true),
  pkill: byName(false),
  pgrep: byName(false),
  pidof: byName(true),
  pstree(run) {
    run.out(
      `systemd-+-${run.seat.world.network
        .listening()
        .map((l) => l.process)
        .join('\n        |-')}\n`,
    )
    return 0
  },
  vmstat(run) {
    const m = memoryAt(run.seat.world.host, run.seat.now())
    run.out(
      `procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----\n r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st\n 1  0 ${String(m.swapTotal - m.swapFree).padStart(6)} ${m.free} ${m.buffers} ${m.cached}    0    0     1     4    2    1  0  0 99  0  0\n`,
    )
    return 0
  },
  lsof(run, args) {
    const port = /:(\d+)/.exec(args.join(' '))?.[1]
    const list = run.seat.world.network.listening().filter((l) => !port || l.port === Number(port))
    if (list.length === 0) return 1
    run.out('COMMAND   PID USER   FD   TYPE DEVICE SIZE/OFF NODE NAME\n')
    for (const l of list)
      run.out(`${l.process.padEnd(8)} ${String(l.pid).padStart(4)} root    3u  IPv4  ${19000 + l.port}      0t0  TCP ${l.local ?? '*'}:${l.port} (LISTEN)\n`)
    return 0
  },
}
