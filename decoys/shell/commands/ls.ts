/** ls: names, long lines, columns and colours. */
import type { FileStat } from '../../world/files.ts'
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { listDate, modeText } from '../long-line.ts'
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
    run.out(`ls (GNU coreutils) ${run.seat.world.host.flavour === 'centos' ? '8.22' : run.seat.world.host.flavour === 'debian' ? '9.1' : '8.28'}\n`)
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
export const listCommands: CommandTable = {
  ls,
  dir: ls,
  vdir: (run, args) => ls(run, ['-l', ...args]),
}
