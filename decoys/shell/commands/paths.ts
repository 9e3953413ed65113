/** Programs about one path: what it is, where it leads, where a program lies. */
import { localTime } from '../../world/host.ts'
import type { CommandTable } from '../command.ts'
import { options } from '../command.ts'
import { modeText } from '../long-line.ts'

export const pathCommands: CommandTable = {
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
        `  File: ${run.seat.world.host.flavour === 'centos' ? `'${operand}'` : operand}${stat.target ? ` -> ${stat.target}` : ''}\n  Size: ${String(stat.size).padEnd(15)}\tBlocks: ${String(Math.ceil(stat.size / 4096) * 8).padEnd(10)} IO Block: 4096   ${kinds[stat.kind]}\nDevice: ${host.flavour === 'centos' ? 'fd00h/64768d' : host.flavour === 'openwrt' ? 'fh/15d' : host.flavour === 'debian' ? '8,2' : '802h/2050d'}\tInode: ${String(stat.inode).padEnd(11)} Links: ${stat.links}\nAccess: (${octal}/${modeText(stat)})  Uid: (${String(stat.uid).padStart(5)}/${(users.byId(stat.uid)?.name ?? 'UNKNOWN').padStart(8)})   Gid: (${String(stat.gid).padStart(5)}/${users.groupName(stat.gid).padStart(8)})\nAccess: ${time}\nModify: ${time}\nChange: ${time}\n${run.shell.ash ? '' : ' Birth: -\n'}`,
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
