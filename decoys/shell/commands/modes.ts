/** Programs that change rights, owners and attributes. */
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { show } from '../seat.ts'
import { attempt, below, busy, missing } from './operands.ts'

/** An octal or symbolic mode applied to the bits there are. */
export function applyMode(text: string, bits: number, directory: boolean): number | undefined {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8)
  let mode = bits
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(clause)
    if (!match) return undefined
    const [, who = '', operator, what = ''] = match
    let mask = 0
    for (const c of what) {
      const bit = c === 'r' ? 0o444 : c === 'w' ? 0o222 : c === 'x' || (c === 'X' && (directory || (mode & 0o111) !== 0)) ? 0o111 : 0
      mask |= bit
      if (c === 's') mask |= who.includes('g') ? 0o2000 : 0o4000
      if (c === 't') mask |= 0o1000
    }
    const scope =
      who === '' || who.includes('a') ? 0o7777 : (who.includes('u') ? 0o4700 : 0) | (who.includes('g') ? 0o2070 : 0) | (who.includes('o') ? 0o1007 : 0)
    const change = mask & scope
    mode = operator === '+' ? mode | change : operator === '-' ? mode & ~change : (mode & ~(scope & 0o777)) | change
  }
  return mode
}
export const modeCommands: CommandTable = {
  async chmod(run, args) {
    const recursive = args.some((a) => /^-[a-zA-Z]*R/.test(a))
    const rest = args.filter((a) => !/^-(?:[cfvR]+|-\w.*)$/.test(a))
    const [mode, ...operands] = rest
    if (mode === undefined || operands.length === 0) return missing(run)
    if (applyMode(mode, 0, false) === undefined)
      return run.fault(busy(run) ? `invalid mode '${mode}'` : `invalid mode: '${mode}'\nTry 'chmod --help' for more information.`)
    let status = 0
    for (const operand of operands) {
      const top = run.shell.path(operand)
      for (const path of recursive ? below(run, top) : [top]) {
        status |= attempt(
          run,
          (reason) =>
            busy(run)
              ? `${operand}: ${reason}`
              : reason === 'Operation not permitted'
                ? `changing permissions of '${operand}': ${reason}`
                : `cannot access '${operand}': ${reason}`,
          () => {
            const stat = run.seat.fs.stat(path)
            if (!stat) throw run.seat.fault('ENOENT', operand)
            const bits = applyMode(mode, stat.mode, stat.kind === 'directory')
            if (bits === undefined) throw run.seat.fault('EINVAL', mode)
            run.seat.fs.change(path, { mode: bits })
          },
        )
        await keepProgram(run, path)
      }
    }
    return status
  },
  chown: (run, args) => owner(run, args, true),
  chgrp: (run, args) => owner(run, args, false),
  chattr(run, args) {
    const status = access(run, args, 'chattr')
    if (status !== 0) return status
    const change = args.find((a) => /^[-+=][a-zA-Z]+$/.test(a) && !/^-[RVf]+$/.test(a))
    for (const operand of args.filter((a) => !/^[-+=]/.test(a))) {
      const path = run.shell.path(operand)
      if (!change) continue
      if (run.seat.user.uid !== 0) return run.fault(`Operation not permitted while setting flags on ${operand}`)
      const letters = [...change.slice(1)].filter((c) => c === 'i' || c === 'a')
      const had = new Set(change[0] === '=' ? [] : run.seat.world.files.held(path))
      for (const letter of letters) change[0] === '-' ? had.delete(letter) : had.add(letter)
      run.seat.emit('file.changed', { path: show(path), change: 'mode', method: 'shell' })
      run.seat.world.files.hold(path, [...had].sort().join(''))
    }
    return 0
  },
  lsattr(run, args) {
    for (const operand of args.filter((a) => !a.startsWith('-'))) {
      if (run.seat.fs.stat(run.shell.path(operand))) run.out(`${attributes(run, operand)} ${operand}\n`)
      else access(run, [operand], 'lsattr')
    }
    return 0
  },
}

/** The line of lsattr: i and a stand at their places. */
function attributes(run: Run, operand: string): string {
  const { files, host } = run.seat.world
  const line = [...(host.flavour === 'centos' ? '----------------' : host.flavour === 'debian' ? '--------------e-------' : '--------------e---')]
  const held = files.held(run.shell.path(operand))
  if (held.includes('i')) line[4] = 'i'
  if (held.includes('a')) line[5] = 'a'
  return line.join('')
}

function access(run: Run, args: string[], name: string): number {
  const operands = args.filter((a) => !/^[-+=]/.test(a))
  if (operands.length === 0) {
    run.err('Usage: chattr [-RVf] [-+=aAcCdDeijsStTu] [-v version] files...\n')
    return 1
  }
  for (const operand of operands) {
    if (!run.seat.fs.stat(run.shell.path(operand))) {
      run.err(`${name}: No such file or directory while trying to stat ${operand}\n`)
      return 1
    }
  }
  return 0
}

/** A file that is made executable is what will be run: it is kept. */
async function keepProgram(run: Run, path: string): Promise<void> {
  const { files } = run.seat.world
  const stat = files.stat(path)
  if (stat?.kind !== 'file' || (stat.mode & 0o111) === 0 || stat.size === 0) return
  const real = files.real(path)
  if (!files.pristine(real)) await run.seat.capture(real, files.read(real), 'shell')
}

function owner(run: Run, args: string[], both: boolean): number {
  const { flags, rest } = options(args, 'RhvfcL', { recursive: 'R', reference: 'x' })
  const [spec, ...operands] = rest
  if (spec === undefined || operands.length === 0) return missing(run)
  const { users } = run.seat.world
  const [name = '', group] = both ? spec.split(/[:.]/, 2) : ['', spec]
  const uid = name === '' ? undefined : /^\d+$/.test(name) ? Number(name) : users.byName(name)?.uid
  const gid = group === undefined || group === '' ? undefined : /^\d+$/.test(group) ? Number(group) : users.groups().find((g) => g.name === group)?.gid
  if ((name !== '' && uid === undefined) || (group && gid === undefined)) {
    run.err(
      busy(run)
        ? `${run.name}: unknown ${name !== '' && uid === undefined ? `user ${name}` : `group ${group}`}\n`
        : `${run.name}: invalid ${name !== '' && uid === undefined ? 'user' : 'group'}: '${spec}'\n`,
    )
    return 1
  }
  let status = 0
  for (const operand of operands) {
    const top = run.shell.path(operand)
    for (const path of flags.has('R') ? below(run, top) : [top]) {
      status |= attempt(
        run,
        (reason) =>
          busy(run)
            ? `${operand}: ${reason}`
            : reason === 'Operation not permitted'
              ? `changing ownership of '${operand}': ${reason}`
              : `cannot access '${operand}': ${reason}`,
        () => run.seat.fs.change(path, { uid, gid }),
      )
    }
  }
  return status
}
