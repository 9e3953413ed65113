/** Programs that look at directories and disks. */
import type { FileStat } from '../../world/files.ts'
import { localTime } from '../../world/host.ts'
import { mounts, uuidOf } from '../../world/proc.ts'
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { listDate, modeText } from '../long-line.ts'
import { compile, matches } from '../pattern.ts'
import { reasonOf } from '../seat.ts'

const colours = (stat: FileStat): string =>
  stat.kind === 'directory'
    ? (stat.mode & 0o1002) === 0o1002
      ? '30;42'
      : '01;34'
    : stat.kind === 'link'
      ? '01;36'
      : stat.kind === 'character' || stat.kind === 'block'
        ? '40;33;01'
        : stat.mode & 0o4000
          ? '37;41'
          : stat.mode & 0o111
            ? '01;32'
            : ''

/** Size as `ls -h` rounds it: up, one digit below ten. */
export function humanSize(bytes: number): string {
  let n = bytes
  let unit = 0
  while (n >= 1024 && unit < 5) {
    n /= 1024
    unit++
  }
  const rounded = unit === 0 ? String(n) : n < 10 ? (Math.ceil(n * 10) / 10).toFixed(1) : String(Math.ceil(n))
  return rounded + ['', 'K', 'M', 'G', 'T', 'P'][unit]
}

interface Entry {
  name: string
  stat: FileStat
}

function print(run: Run, entries: Entry[], flags: Map<string, string>, colour: boolean): void {
  const { seat } = run
  const { users } = seat.world
  const shown = ({ name, stat }: Entry): string => {
    const mark =
      flags.has('F') || flags.has('p')
        ? stat.kind === 'directory'
          ? '/'
          : flags.has('F')
            ? stat.kind === 'link'
              ? '@'
              : stat.kind === 'file' && stat.mode & 0o111
                ? '*'
                : ''
            : ''
        : ''
    const code = colour ? colours(stat) : ''
    return code ? `\x1b[${code}m${name}\x1b[0m${mark}` : name + mark
  }
  if (!flags.has('l') && !flags.has('n') && !flags.has('o') && !flags.has('g')) {
    const names = entries.map((entry) => (flags.has('i') ? `${entry.stat.inode} ` : '') + shown(entry))
    if (!run.toTerminal || flags.has('1')) {
      run.out(names.map((name) => `${name}\n`).join(''))
      return
    }
    const wide = Math.max(0, ...entries.map((e) => e.name.length)) + 2
    const columns = Math.max(1, Math.floor(run.shell.columns / wide))
    const rows = Math.ceil(names.length / columns)
    for (let r = 0; r < rows; r++) {
      let line = ''
      for (let i = r; i < names.length; i += rows) line += names[i] + (i + rows < names.length ? ' '.repeat(wide - (entries[i] as Entry).name.length) : '')
      run.out(`${line}\n`)
    }
    return
  }
  const owner = (uid: number): string => (flags.has('n') ? String(uid) : (users.byId(uid)?.name ?? String(uid)))
  const group = (gid: number): string => (flags.has('n') ? String(gid) : users.groupName(gid))
  const size = ({ stat }: Entry): string =>
    stat.device ? `${stat.device[0]}, ${String(stat.device[1]).padStart(3)}` : flags.has('h') ? humanSize(stat.size) : String(stat.size)
  const most = (of: (entry: Entry) => string): number => Math.max(0, ...entries.map((entry) => of(entry).length))
  const [links, owners, groups, sizes] = [most((e) => String(e.stat.links)), most((e) => owner(e.stat.uid)), most((e) => group(e.stat.gid)), most(size)]
  for (const entry of entries) {
    const { stat } = entry
    const target = stat.kind === 'link' ? ` -> ${stat.target}` : ''
    run.out(
      `${flags.has('i') ? `${stat.inode} ` : ''}${modeText(stat)} ${String(stat.links).padStart(run.shell.ash ? 4 : links)} ${owner(stat.uid).padEnd(run.shell.ash ? 8 : owners)} ${group(stat.gid).padEnd(run.shell.ash ? 8 : groups)} ${size(entry).padStart(run.shell.ash ? 9 : sizes)} ${listDate(seat, stat.mtime)} ${shown(entry)}${target}\n`,
    )
  }
}

function order(entries: Entry[], flags: Map<string, string>): Entry[] {
  const key = (name: string): string => name.replace(/^\.+/, '').toLowerCase()
  if (flags.has('t')) entries.sort((a, b) => b.stat.mtime - a.stat.mtime)
  else if (flags.has('S')) entries.sort((a, b) => b.stat.size - a.stat.size)
  else if (!flags.has('U')) entries.sort((a, b) => (key(a.name) < key(b.name) ? -1 : key(a.name) > key(b.name) ? 1 : 0))
  return flags.has('r') ? entries.reverse() : entries
}

const ls: CommandTable[string] = (run, args) => {
  const { flags, rest, bad } = options(args, 'alhtrS1dRFnipgoAULHcuksQBGCxmTZX', {
    all: 'a',
    'almost-all': 'A',
    human: 'h',
    'human-readable': 'h',
    recursive: 'R',
    color: '!',
    directory: 'd',
    reverse: 'r',
    time: 'T',
    'full-time': 'l',
    help: '?',
    version: 'V',
  })
  if (bad !== undefined) {
    run.err(
      run.shell.ash
        ? `ls: unrecognized option: ${bad.replace(/^-+/, '')}\nBusyBox v1.30.1 () multi-call binary.\n`
        : `ls: ${bad.startsWith('--') ? `unrecognized option '${bad}'` : `invalid option -- '${bad}'`}\nTry 'ls --help' for more information.\n`,
    )
    return run.shell.ash ? 1 : 2
  }
  if (flags.has('V')) {
    run.out(`ls (GNU coreutils) ${run.seat.world.host.flavour === 'centos' ? '8.22' : '8.28'}\n`)
    return 0
  }
  const { fs } = run.seat
  const wish = flags.get('!')
  const colour = wish === 'always' || (run.toTerminal && (run.shell.ash || run.shell.interactive || wish === 'auto') && wish !== 'never')
  const operands = rest.length > 0 ? rest : ['.']
  const files: Entry[] = []
  const directories: string[] = []
  let status = 0
  for (const operand of operands) {
    try {
      const path = run.shell.path(operand)
      const stat = fs.stat(path, !flags.has('l') && !flags.has('d')) ?? fs.stat(path, false)
      if (!stat) throw run.seat.fault('ENOENT', operand)
      if (stat.kind === 'directory' && !flags.has('d')) directories.push(operand)
      else if (stat.kind === 'link' && operand.endsWith('/') && fs.stat(path)?.kind === 'directory' && !flags.has('d')) directories.push(operand)
      else files.push({ name: operand, stat })
    } catch (error) {
      run.err(
        run.shell.ash
          ? `ls: ${operand}: ${reasonOf(error)}\n`
          : `ls: cannot access ${run.seat.world.host.flavour === 'centos' ? operand : `'${operand}'`}: ${reasonOf(error)}\n`,
      )
      status = run.shell.ash ? 1 : 2
    }
  }
  if (files.length > 0) print(run, order(files, flags), flags, colour)
  let first = files.length === 0
  const show = (operand: string, depth: number): void => {
    const path = run.shell.path(operand)
    let names: string[]
    try {
      names = fs.list(path)
    } catch (error) {
      run.err(
        run.shell.ash
          ? `ls: can't open '${operand}': ${reasonOf(error)}\n`
          : `ls: cannot open directory ${run.seat.world.host.flavour === 'centos' ? operand : `'${operand}'`}: ${reasonOf(error)}\n`,
      )
      status = run.shell.ash ? 1 : 2
      return
    }
    if (directories.length > 1 || files.length > 0 || flags.has('R')) run.out(`${first ? '' : '\n'}${operand}:\n`)
    first = false
    const listed = flags.has('a') ? ['.', '..', ...names] : flags.has('A') ? names : names.filter((name) => !name.startsWith('.'))
    const entries: Entry[] = []
    for (const name of listed) {
      const stat = run.seat.world.files.stat(`${path}/${name}`, name === '.' || name === '..')
      if (stat) entries.push({ name, stat })
    }
    const sorted = order(
      entries.filter((e) => e.name !== '.' && e.name !== '..'),
      flags,
    )
    const dots = entries.filter((e) => e.name === '.' || e.name === '..')
    const all = flags.has('t') || flags.has('S') ? order([...entries], flags) : flags.has('r') ? [...sorted, ...dots.reverse()] : [...dots, ...sorted]
    if (flags.has('l')) run.out(`total ${all.reduce((sum, e) => sum + (e.stat.kind === 'link' ? 0 : Math.ceil(e.stat.size / 4096) * 4), 0)}\n`)
    print(run, all, flags, colour)
    if (flags.has('R') && depth < 12)
      for (const { name, stat } of sorted) if (stat.kind === 'directory') show(`${operand === '/' ? '' : operand}/${name}`, depth + 1)
  }
  for (const operand of directories.sort()) show(operand, 0)
  return status
}

/** Paths below one, with their stats, in the order of `find`; slows down as a disk would and stops at 30,000. */
async function walk(run: Run, top: string, visit: (path: string, stat: FileStat, depth: number) => boolean): Promise<void> {
  let seen = 0
  const go = async (path: string, depth: number): Promise<void> => {
    const stat = run.seat.world.files.stat(run.shell.path(path), false)
    if (!stat || ++seen > 30_000) return
    if (seen % 500 === 0) await run.shell.pause(3)
    if (!visit(path, stat, depth) || stat.kind !== 'directory' || depth > 20) return
    let names: string[] = []
    try {
      names = run.seat.fs.list(run.shell.path(path))
    } catch (error) {
      run.err(run.shell.ash ? `find: ${path}: ${reasonOf(error)}\n` : `find: '${path}': ${reasonOf(error)}\n`)
    }
    for (const name of names) await go(path.endsWith('/') ? path + name : `${path}/${name}`, depth + 1)
  }
  await go(top, 0)
}

export const listingCommands: CommandTable = {
  ls,
  dir: ls,
  vdir: (run, args) => ls(run, ['-l', ...args]),
  async find(run, args) {
    const tops: string[] = []
    let i = 0
    for (; i < args.length && !/^[-(!]/.test(args[i] as string); i++) tops.push(args[i] as string)
    if (tops.length === 0) tops.push('.')
    type Test = (path: string, stat: FileStat) => boolean
    const tests: Test[] = []
    let action = 'print'
    let exec: string[] = []
    let together = false
    let maxDepth = 99
    let minDepth = 0
    let negate = false
    let or = false
    const add = (test: Test): void => {
      const mine: Test = negate ? (p, s) => !test(p, s) : test
      negate = false
      if (or && tests.length > 0) {
        const left = tests.pop() as Test
        tests.push((p, s) => left(p, s) || mine(p, s))
        or = false
      } else tests.push(mine)
    }
    for (; i < args.length; i++) {
      const arg = args[i] as string
      const value = (): string => args[++i] ?? ''
      const compare = (text: string, n: number): boolean =>
        text.startsWith('+') ? n > Number(text.slice(1)) : text.startsWith('-') ? n < Number(text.slice(1)) : Math.ceil(n) === Number(text)
      switch (arg) {
        case '-name':
        case '-iname': {
          const pattern = compile(arg === '-iname' ? value().toLowerCase() : value())
          add((path) => matches(pattern, arg === '-iname' ? path.replace(/^.*\/(?=.)/, '').toLowerCase() : path.replace(/^.*\/(?=.)/, '')))
          break
        }
        case '-path':
        case '-wholename': {
          const pattern = compile(value())
          add((path) => matches(pattern, path))
          break
        }
        case '-type': {
          const kinds = { f: 'file', d: 'directory', l: 'link', b: 'block', c: 'character', p: 'fifo', s: 'socket' } as Record<string, string>
          const kind = kinds[value()]
          add((_, stat) => stat.kind === kind)
          break
        }
        case '-perm': {
          const text = value()
          const any = text.startsWith('/') || text.startsWith('+')
          const bits = /^[-/+]?[0-7]+$/.test(text)
            ? Number.parseInt(text.replace(/^[-/+]/, ''), 8)
            : text.includes('u=s') || text.includes('u+s')
              ? 0o4000
              : text.includes('g=s') || text.includes('g+s')
                ? 0o2000
                : 0o222
          add((_, stat) => (any ? (stat.mode & bits) !== 0 : text.startsWith('-') ? (stat.mode & bits) === bits : stat.mode === bits))
          break
        }
        case '-user': {
          const name = value()
          const uid = run.seat.world.users.byName(name)?.uid ?? Number(name)
          add((_, stat) => stat.uid === uid)
          break
        }
        case '-size': {
          const text = value()
          const unit = { c: 1, k: 1024, M: 1_048_576, G: 1_073_741_824 }[text.at(-1) as string] ?? 512
          add((_, stat) => compare(text.replace(/[ckMGbw]$/, ''), stat.size / unit))
          break
        }
        case '-mtime':
        case '-ctime':
        case '-mmin': {
          const text = value()
          const unit = arg === '-mmin' ? 60_000 : 86_400_000
          add((_, stat) => compare(text, Math.floor((run.seat.now() - stat.mtime) / unit)))
          break
        }
        case '-writable':
          add((path) => run.seat.fs.may(run.shell.path(path), 'w'))
          break
        case '-executable':
          add((path) => run.seat.fs.may(run.shell.path(path), 'x'))
          break
        case '-empty':
          add((path, stat) => (stat.kind === 'directory' ? run.seat.world.files.list(run.shell.path(path)).length === 0 : stat.size === 0))
          break
        case '-maxdepth':
          maxDepth = Number(value())
          break
        case '-mindepth':
          minDepth = Number(value())
          break
        case '-print':
          break
        case '-print0':
        case '-ls':
        case '-delete':
          action = arg.slice(1)
          break
        case '-exec':
        case '-ok': {
          action = 'exec'
          exec = []
          for (i++; i < args.length && args[i] !== ';' && args[i] !== '+'; i++) exec.push(args[i] as string)
          together = args[i] === '+'
          break
        }
        case '-o':
        case '-or':
          or = true
          break
        case '!':
        case '-not':
          negate = true
          break
        case '(':
        case ')':
        case '\\(':
        case '\\)':
        case '-a':
        case '-and':
        case '-xdev':
        case '-mount':
        case '-prune':
        case '-follow':
        case '-L':
          break
        case '-newer':
        case '-group':
        case '-fstype':
          value()
          break
        default:
          run.err(run.shell.ash ? `find: unrecognized: ${arg}\n` : `find: unknown predicate \`${arg}'\n`)
          return 1
      }
    }
    let status = 0
    const found: string[] = []
    for (const top of tops) {
      if (!run.seat.world.files.stat(run.shell.path(top), false)) {
        run.err(run.shell.ash ? `find: ${top}: No such file or directory\n` : `find: '${top}': No such file or directory\n`)
        status = 1
        continue
      }
      const lines: string[] = []
      await walk(run, top, (path, stat, depth) => {
        if (depth >= minDepth && tests.every((test) => test(path, stat))) {
          if (action === 'print') lines.push(`${path}\n`)
          else if (action === 'print0') lines.push(`${path}\0`)
          else if (action === 'ls')
            lines.push(
              `${String(stat.inode).padStart(9)} ${String(Math.ceil(stat.size / 1024)).padStart(6)} ${modeText(stat)} ${String(stat.links).padStart(3)} ${(run.seat.world.users.byId(stat.uid)?.name ?? '').padEnd(8)} ${run.seat.world.users.groupName(stat.gid).padEnd(8)} ${String(stat.size).padStart(8)} ${listDate(run.seat, stat.mtime)} ${path}\n`,
            )
          else found.push(path)
        }
        return depth < maxDepth
      })
      run.out(lines.join(''))
    }
    if (action === 'delete')
      for (const path of found.reverse()) {
        try {
          run.seat.fs.remove(run.shell.path(path))
        } catch (error) {
          run.err(`find: cannot delete '${path}': ${reasonOf(error)}\n`)
          status = 1
        }
      }
    const calls = together ? (found.length > 0 ? [found] : []) : found.map((path) => [path])
    if (action === 'exec')
      for (const paths of calls.slice(0, 2000)) {
        const words = together ? exec.flatMap((word) => (word === '{}' ? paths : [word])) : exec.map((word) => word.replaceAll('{}', paths[0] as string))
        await run.shell.step()
        await run.shell.call(words[0] ?? '', words.slice(1), run)
      }
    return status
  },
  stat(run, args) {
    const { flags, rest } = options(args, 'c:Lft', { format: 'c' })
    let status = 0
    for (const operand of rest) {
      const path = run.shell.path(operand)
      const stat = run.seat.world.files.stat(path, flags.has('L'))
      if (!stat) {
        run.err(run.shell.ash ? `stat: can't stat '${operand}': No such file or directory\n` : `stat: cannot stat '${operand}': No such file or directory\n`)
        status = 1
        continue
      }
      const { users, host } = run.seat.world
      const t = localTime(host, stat.mtime)
      const zone = `${host.offsetMinutes >= 0 ? '+' : '-'}${String(Math.floor(Math.abs(host.offsetMinutes) / 60)).padStart(2, '0')}00`
      const time = `${t.iso} ${t.hh}:${t.mm}:${t.ss}.${String(stat.inode * 7919)
        .padStart(9, '0')
        .slice(0, 9)} ${zone}`
      const kinds = {
        file: stat.size === 0 ? 'regular empty file' : 'regular file',
        directory: 'directory',
        link: 'symbolic link',
        character: 'character special file',
        block: 'block special file',
        fifo: 'fifo',
        socket: 'socket',
      }
      const octal = stat.mode.toString(8).padStart(4, '0')
      const format = flags.get('c')
      if (format !== undefined) {
        const values: Record<string, string> = {
          a: stat.mode.toString(8),
          A: modeText(stat),
          n: operand,
          s: String(stat.size),
          U: users.byId(stat.uid)?.name ?? 'UNKNOWN',
          G: users.groupName(stat.gid),
          u: String(stat.uid),
          g: String(stat.gid),
          i: String(stat.inode),
          h: String(stat.links),
          F: kinds[stat.kind],
          y: time,
          Y: String(Math.floor(stat.mtime / 1000)),
        }
        run.out(`${format.replace(/%([a-zA-Z])/g, (all, c: string) => values[c] ?? all)}\n`)
        continue
      }
      run.out(
        `  File: ${run.seat.world.host.flavour === 'centos' ? `'${operand}'` : operand}${stat.target ? ` -> ${stat.target}` : ''}\n  Size: ${String(stat.size).padEnd(15)}\tBlocks: ${String(Math.ceil(stat.size / 4096) * 8).padEnd(10)} IO Block: 4096   ${kinds[stat.kind]}\nDevice: ${host.flavour === 'centos' ? 'fd00h/64768d' : host.flavour === 'openwrt' ? 'fh/15d' : '802h/2050d'}\tInode: ${String(stat.inode).padEnd(11)} Links: ${stat.links}\nAccess: (${octal}/${modeText(stat)})  Uid: (${String(stat.uid).padStart(5)}/${(users.byId(stat.uid)?.name ?? 'UNKNOWN').padStart(8)})   Gid: (${String(stat.gid).padStart(5)}/${users.groupName(stat.gid).padStart(8)})\nAccess: ${time}\nModify: ${time}\nChange: ${time}\n${run.shell.ash ? '' : ' Birth: -\n'}`,
      )
    }
    return status
  },
  file(run, args) {
    for (const operand of args.filter((a) => !a.startsWith('-'))) {
      const stat = run.seat.world.files.stat(run.shell.path(operand), false)
      if (!stat) run.out(`${operand}: cannot open (No such file or directory)\n`)
      else if (stat.kind === 'directory') run.out(`${operand}: directory\n`)
      else if (stat.kind === 'link') run.out(`${operand}: symbolic link to \`${stat.target}'\n`)
      else if (stat.kind !== 'file') run.out(`${operand}: ${stat.kind} special\n`)
      else if (stat.size === 0) run.out(`${operand}: empty\n`)
      else {
        const bytes = run.seat.world.files.read(run.shell.path(operand))
        const head = bytes.toString('latin1', 0, 512)
        const elf = bytes[4] === 2 ? '64-bit' : '32-bit'
        run.out(
          `${operand}: ${head.startsWith('\x7fELF') ? `ELF ${elf} ${bytes[5] === 1 ? 'LSB' : 'MSB'} executable, ${bytes[18] === 0x3e ? 'x86-64' : bytes[18] === 0x28 ? 'ARM' : bytes[19] === 8 || bytes[18] === 8 ? 'MIPS' : 'unknown arch'}, version 1 (SYSV), dynamically linked, stripped` : head.startsWith('#!') ? `${/sh/.test(head.slice(0, 40)) ? 'Bourne-Again shell' : 'a'} script, ASCII text executable` : head.startsWith('\x1f\x8b') ? 'gzip compressed data' : head.startsWith('PK') ? 'Zip archive data' : /[\0-\x06]/.test(head) ? 'data' : /[\x80-\xff]/.test(head) ? 'UTF-8 Unicode text' : 'ASCII text'}\n`,
        )
      }
    }
    return 0
  },
  du(run, args) {
    const { flags, rest } = options(args, 'shakmcxd:', { 'max-depth': 'd', summarize: 's', 'human-readable': 'h' })
    const say = (kib: number, path: string): void => run.out(`${flags.has('h') ? humanSize(kib * 1024) : kib}\t${path}\n`)
    let budget = 20_000
    const size = (path: string, depth: number): number => {
      const stat = run.seat.world.files.stat(run.shell.path(path), false)
      if (!stat || budget-- < 0) return 0
      if (stat.kind !== 'directory') return stat.kind === 'link' ? 0 : Math.ceil(stat.size / 4096) * 4
      let sum = 4
      try {
        for (const name of run.seat.fs.list(run.shell.path(path)))
          if (!/^\/(proc|sys)$/.test(`${path}${name}`)) sum += size(path.endsWith('/') ? path + name : `${path}/${name}`, depth + 1)
      } catch (error) {
        run.err(`du: cannot read directory '${path}': ${reasonOf(error)}\n`)
      }
      if (depth === 0 || (!flags.has('s') && depth <= Number(flags.get('d') ?? 99))) say(sum, path)
      return sum
    }
    let status = 0
    for (const operand of rest.length > 0 ? rest : ['.']) {
      const stat = run.seat.world.files.stat(run.shell.path(operand), false)
      if (!stat) {
        run.err(`du: cannot access '${operand}': No such file or directory\n`)
        status = 1
      } else if (stat.kind === 'directory') size(operand, 0)
      else say(Math.ceil(stat.size / 4096) * 4, operand)
    }
    return status
  },
  df(run, args) {
    const { flags, rest } = options(args, 'hTimkPal', { 'human-readable': 'h', 'print-type': 'T', inodes: 'i' })
    const { host } = run.seat.world
    const inodes = flags.has('i')
    let list = [...host.mounts]
    if (rest.length > 0) {
      const path = run.seat.world.files.real(run.shell.path(rest[0] as string))
      list = [
        list.filter((m) => path === m.path || path.startsWith(m.path === '/' ? '/' : `${m.path}/`)).sort((a, b) => b.path.length - a.path.length)[0] ??
          (list[0] as (typeof list)[number]),
      ]
    }
    const cell = (kib: number): string => (flags.has('h') ? (kib === 0 ? '0' : humanSize(kib * 1024)) : String(kib))
    const rows = list.map((m) => {
      const [size, used] = inodes ? [m.inodes, Math.min(m.inodes, Math.round(m.usedKiB / 40) + 1)] : [m.sizeKiB, m.usedKiB]
      const free = size - used - (m.type === 'ext4' && !inodes ? Math.round(size * 0.05) : 0)
      const show = inodes ? String : cell
      return [
        m.device,
        ...(flags.has('T') ? [m.type] : []),
        show(size),
        show(used),
        show(Math.max(0, free)),
        `${size === 0 ? 0 : Math.ceil((used * 100) / Math.max(1, used + Math.max(0, free)))}%`,
        m.path,
      ]
    })
    const head = [
      'Filesystem',
      ...(flags.has('T') ? ['Type'] : []),
      inodes ? 'Inodes' : flags.has('h') ? 'Size' : '1K-blocks',
      inodes ? 'IUsed' : 'Used',
      inodes ? 'IFree' : flags.has('h') ? 'Avail' : 'Available',
      inodes ? 'IUse%' : 'Use%',
      'Mounted on',
    ]
    const table = [head, ...rows]
    const wide = head.map((_, i) => Math.max(...table.map((row) => (row[i] as string).length)))
    for (const row of table)
      run.out(
        `${row.map((text, i) => (i === 0 ? text.padEnd(Math.max(run.shell.ash ? 20 : 14, wide[0] as number)) : i === row.length - 1 ? text : i === 1 && flags.has('T') ? text.padEnd(wide[i] as number) : text.padStart(Math.max(run.shell.ash ? 9 : 4, wide[i] as number)))).join(' ')}\n`,
      )
    return 0
  },
  mount(run, args) {
    if (args.length === 0 || args[0] === '-l') {
      for (const line of mounts(run.seat.world.host).trim().split('\n')) {
        const [device, path, type, flags] = line.split(' ')
        run.out(`${device} on ${path} type ${type} (${flags})\n`)
      }
      return 0
    }
    if (run.seat.user.uid !== 0) return run.fault('only root can do that')
    run.err(
      run.shell.ash
        ? `mount: mounting ${args.at(-2)} on ${args.at(-1)} failed: Invalid argument\n`
        : `mount: ${args.at(-1)}: wrong fs type, bad option, bad superblock on ${args.at(-2) ?? args[0]}, missing codepage or helper program, or other error.\n`,
    )
    return 32
  },
  umount: (run, args) =>
    run.fault(`${args.at(-1) ?? ''}: ${run.seat.world.host.mounts.some((m) => m.path === args.at(-1)) ? 'target is busy.' : 'not mounted'}`) && 32,
  lsblk(run) {
    const { host } = run.seat.world
    const disk = host.persona.template.hardware.diskGiB
    const size = (gib: number): string =>
      (gib >= 1000 ? `${(gib / 1024).toFixed(1)}T` : gib >= 1 ? `${gib.toFixed(1).replace('.0', '')}G` : `${Math.round(gib * 1024)}M`).padStart(6)
    run.out('NAME            MAJ:MIN RM   SIZE RO TYPE MOUNTPOINT\n')
    run.out(`sda               8:0    0 ${size(disk)}  0 disk \n`)
    if (host.flavour === 'ubuntu')
      run.out(
        `├─sda1            8:1    0     1M  0 part \n└─sda2            8:2    0 ${size(disk - 0.01)}  0 part /\n`.replaceAll('├─', '|-').replaceAll('└─', '`-'),
      )
    else {
      const kib = (path: string): number => (host.mounts.find((m) => m.path === path)?.sizeKiB ?? 0) / 1048576
      run.out(
        `|-sda1            8:1    0     1G  0 part /boot\n\`-sda2            8:2    0 ${size(disk - 1)}  0 part \n  |-centos-root 253:0    0 ${size(kib('/'))}  0 lvm  /\n  |-centos-swap 253:1    0 ${size(host.swapKiB / 1048576)}  0 lvm  [SWAP]\n  \`-centos-home 253:2    0 ${size(kib('/home'))}  0 lvm  /home\n`,
      )
    }
    return 0
  },
  blkid(run) {
    const { host } = run.seat.world
    run.out(
      host.flavour === 'ubuntu'
        ? `/dev/sda2: UUID="${uuidOf(host, 'root-uuid')}" TYPE="ext4"\n`
        : `/dev/sda1: UUID="${uuidOf(host, 'boot-uuid')}" TYPE="xfs" \n/dev/mapper/centos-root: UUID="${uuidOf(host, 'root-uuid')}" TYPE="xfs" \n`,
    )
    return 0
  },
  readlink(run, args) {
    const { flags, rest } = options(args, 'fnemz')
    for (const operand of rest) {
      const path = run.shell.path(operand)
      if (flags.has('f') || flags.has('e')) run.out(`${run.seat.world.files.real(path)}\n`)
      else {
        const stat = run.seat.world.files.stat(path, false)
        if (stat?.kind !== 'link') return 1
        run.out(`${stat.target}\n`)
      }
    }
    return rest.length === 0 ? 1 : 0
  },
  realpath(run, args) {
    for (const operand of args.filter((a) => !a.startsWith('-'))) run.out(`${run.seat.world.files.real(run.shell.path(operand))}\n`)
    return 0
  },
  basename(run, args) {
    const name = (args[0] ?? '').replace(/(.)\/+$/, '$1').replace(/^.*\/(?=.)/, '')
    run.out(`${args[1] && name.endsWith(args[1]) && name !== args[1] ? name.slice(0, -args[1].length) : name}\n`)
    return 0
  },
  dirname(run, args) {
    const path = (args[0] ?? '').replace(/(.)\/+$/, '$1')
    const at = path.lastIndexOf('/')
    run.out(`${at === -1 ? '.' : at === 0 ? '/' : path.slice(0, at)}\n`)
    return 0
  },
  which(run, args) {
    let status = 0
    for (const name of args.filter((a) => !a.startsWith('-'))) {
      const path = run.shell.find(name)
      if (path) run.out(`${path}\n`)
      else {
        if (run.seat.world.host.flavour === 'centos') run.err(`which: no ${name} in (${run.shell.get('PATH')})`.replace('which:', '/usr/bin/which:') + '\n')
        status = 1
      }
    }
    return status
  },
  whereis(run, args) {
    for (const name of args.filter((a) => !a.startsWith('-'))) run.out(`${name}:${run.shell.find(name) ? ` ${run.shell.find(name)}` : ''}\n`)
    return 0
  },
}
