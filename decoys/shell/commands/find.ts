/** find: tests and actions over a tree. */
import type { FileStat } from '../../world/files.ts'
import type { CommandTable, Run } from '../command.ts'
import { listDate, modeText } from '../long-line.ts'
import { compile, matches } from '../pattern.ts'
import { reasonOf } from '../seat.ts'

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
export const findCommands: CommandTable = {
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
}
