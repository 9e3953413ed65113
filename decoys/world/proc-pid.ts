/** `/proc/<pid>`: a folder a process, made from the same account that ps prints (proc(5)). */
import type { BaseNode, BaseTree } from './base.ts'
import type { Host } from './host.ts'
import type { Process, Processes } from './processes.ts'

const files = ['cgroup', 'cmdline', 'comm', 'cwd', 'environ', 'exe', 'fd', 'root', 'stat', 'statm', 'status'] as const
const kernel = (p: Process): boolean => p.command.startsWith('[')

/** The name that the kernel keeps: at most 15 characters. */
export const commOf = (p: Process): string =>
  (kernel(p)
    ? p.command.slice(1, -1)
    : p.command === '/sbin/init'
      ? 'systemd'
      : p.command.startsWith('-')
        ? p.command.slice(1)
        : ((p.command.split(/[ :]/)[0] as string).split('/').pop() as string)
  ).slice(0, 15)

/** A tree of the processes that run when it is asked. `find` gives the true path of a program; `exists` whether there is such a file. */
export function processTree(host: Host, processes: Processes, real: (path: string) => string | undefined): BaseTree {
  const parse = (path: string): { process: Process; rest: string } | undefined => {
    const match = /^\/proc\/([1-9]\d{0,6})(?:\/(.*))?$/.exec(path)
    if (!match) return undefined
    const process = processes.get(Number(match[1]), Date.now())
    return process && { process, rest: match[2] ?? '' }
  }
  return {
    get(path) {
      const found = parse(path)
      return found && nodeOf(host, found.process, found.rest, real)
    },
    names(path) {
      if (path === '/proc') return processes.all(Date.now()).map((p) => String(p.pid))
      const found = parse(path)
      if (!found) return undefined
      return found.rest === '' ? files : found.rest === 'fd' ? (kernel(found.process) ? [] : ['0', '1', '2']) : undefined
    },
  }
}

/** One entry of a process's folder; undefined where there is none. */
function nodeOf(host: Host, p: Process, rest: string, real: (path: string) => string | undefined): BaseNode | undefined {
  const owner = { uid: p.uid, gid: p.uid, time: p.startedAt }
  const file = (content: string, mode = 0o444): BaseNode => ({ kind: 'file', mode, ...owner, content })
  const link = (target: string | undefined): BaseNode | undefined => (target === undefined ? undefined : { kind: 'link', mode: 0o777, ...owner, target })
  switch (rest) {
    case '':
      return { kind: 'directory', mode: 0o555, ...owner }
    case 'fd':
      return { kind: 'directory', mode: 0o500, ...owner }
    case 'fd/0':
    case 'fd/1':
    case 'fd/2':
      return kernel(p) ? undefined : link(p.tty === '?' ? '/dev/null' : `/dev/${p.tty}`)
    case 'cmdline':
      return file(kernel(p) ? '' : p.command.includes(': ') ? p.command : `${p.command.split(' ').join('\0')}\0`)
    case 'comm':
      return file(`${commOf(p)}\n`, 0o644)
    case 'environ':
      return file('', 0o400)
    case 'exe':
      return link(exeOf(host, p, real))
    case 'cwd':
      return link(p.tty === '?' ? '/' : p.user === 'root' ? '/root' : `/home/${p.user}`)
    case 'root':
      return link('/')
    case 'cgroup':
      return file(cgroup(host, p))
    case 'stat':
      return file(`${statLine(host, p)}\n`)
    case 'statm':
      return file(`${Math.round(p.virtual / 4)} ${Math.round(p.resident / 4)} ${Math.round(p.resident / 6)} 16 0 ${Math.round(p.virtual / 9)} 0\n`)
    case 'status':
      return file(statusText(p))
    default:
      return undefined
  }
}

const titles: Record<string, string> = {
  nginx: '/usr/sbin/nginx',
  sshd: '/usr/sbin/sshd',
  qmgr: '/usr/libexec/postfix/qmgr',
  pickup: '/usr/libexec/postfix/pickup',
}

/** The program that a process runs; kernel threads run none. */
function exeOf(host: Host, p: Process, real: (path: string) => string | undefined): string | undefined {
  if (kernel(p)) return undefined
  const first = (p.command.split(' ')[0] as string).replace(/:$/, '').replace(/^-/, '')
  if (p.command === '/sbin/init') return host.flavour === 'debian' ? '/usr/lib/systemd/systemd' : '/lib/systemd/systemd'
  if (first.startsWith('/')) return real(first) ?? first
  if (titles[first]) return titles[first]
  for (const directory of ['/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
    const path = real(`${directory}/${first}`)
    if (path) return path
  }
  return first.includes('/') ? `/tmp/${first.split('/').pop()}` : `/usr/bin/${first}`
}

function cgroup(host: Host, p: Process): string {
  if (host.flavour === 'openwrt') return ''
  const slice =
    p.pid === 1
      ? '/init.scope'
      : kernel(p)
        ? '/'
        : p.tty === '?' || p.tty === 'tty1'
          ? `/system.slice/${commOf(p)}.service`
          : `/user.slice/user-${p.uid}.slice/session-1.scope`
  if (host.flavour === 'debian') return `0::${slice}\n`
  const old = p.pid === 1 ? '/' : slice
  return `11:devices:${old === '/' ? '/' : `/${old.split('/')[1]}`}\n10:memory:/\n9:pids:/\n1:name=systemd:${old}\n`
}

/** Clock ticks since boot at which it started. */
const startTicks = (host: Host, p: Process): number => Math.max(0, Math.round((p.startedAt - host.persona.bootedAt) / 10))

function statLine(host: Host, p: Process): string {
  const ticks = Math.floor(p.cpu * 100)
  const tty = p.tty.startsWith('pts/') ? 34_816 + Number(p.tty.slice(4)) : p.tty === 'tty1' ? 1025 : 0
  const session = kernel(p) ? 0 : p.pid
  return `${p.pid} (${commOf(p)}) ${p.state.slice(0, 1)} ${p.ppid} ${session} ${session} ${tty} ${tty ? p.pid : -1} ${kernel(p) ? 2_129_984 : 4_194_560} ${Math.round(p.resident / 3)} 0 0 0 ${Math.floor(ticks * 0.6)} ${ticks - Math.floor(ticks * 0.6)} 0 0 20 0 1 0 ${startTicks(host, p)} ${p.virtual * 1024} ${Math.round(p.resident / 4)} 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0`
}

function statusText(p: Process): string {
  const states: Record<string, string> = { R: 'R (running)', S: 'S (sleeping)', D: 'D (disk sleep)', Z: 'Z (zombie)', T: 'T (stopped)' }
  const four = `${p.uid}\t${p.uid}\t${p.uid}\t${p.uid}`
  const memory = kernel(p)
    ? ''
    : `VmPeak:\t${String(p.virtual).padStart(8)} kB\nVmSize:\t${String(p.virtual).padStart(8)} kB\nVmRSS:\t${String(p.resident).padStart(8)} kB\n`
  return `Name:\t${commOf(p)}\nUmask:\t0022\nState:\t${states[p.state.slice(0, 1)] ?? 'S (sleeping)'}\nTgid:\t${p.pid}\nNgid:\t0\nPid:\t${p.pid}\nPPid:\t${p.ppid}\nTracerPid:\t0\nUid:\t${four}\nGid:\t${four}\nFDSize:\t64\n${memory}Threads:\t1\n`
}
