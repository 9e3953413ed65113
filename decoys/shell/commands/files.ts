/** Programs that make, move and remove files. */
import { complain, say } from '../command.ts'
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { readAll } from '../io.ts'
import { reasonOf } from '../seat.ts'
import { attempt, baseName, below, busy, missing } from './operands.ts'

function copyTree(run: Run, from: string, to: string): void {
  const { fs } = run.seat
  for (const path of below(run, from)) {
    const target = to + path.slice(from.length)
    const stat = fs.stat(path, false)
    if (!stat) continue
    if (stat.kind === 'directory') {
      if (!fs.stat(target)) fs.mkdir(target, stat.mode)
    } else if (stat.kind === 'link') fs.link(target, stat.target ?? '')
    else fs.write(target, fs.read(path), { mode: stat.mode })
  }
}

export const fileCommands: CommandTable = {
  mkdir(run, args) {
    const { flags, rest } = options(args, 'pvm:', { parents: 'p', verbose: 'v', mode: 'm' })
    if (rest.length === 0) return missing(run)
    const mode = flags.has('m') ? Number.parseInt(flags.get('m') ?? '755', 8) : 0o777 & ~run.shell.umask
    let status = 0
    for (const operand of rest) {
      status |= attempt(
        run,
        (reason) => (busy(run) ? `can't create directory '${operand}': ${reason}` : `cannot create directory '${operand}': ${reason}`),
        () => {
          const path = run.shell.path(operand)
          if (!flags.has('p')) return run.seat.fs.mkdir(path, mode)
          let at = ''
          for (const part of path.split('/').filter(Boolean)) {
            at += `/${part}`
            if (!run.seat.fs.stat(at)) run.seat.fs.mkdir(at, mode)
          }
        },
      )
    }
    return status
  },
  rmdir(run, args) {
    const { rest } = options(args, 'pv')
    if (rest.length === 0) return missing(run)
    let status = 0
    for (const operand of rest) {
      status |= attempt(
        run,
        (reason) => (busy(run) ? `'${operand}': ${reason}` : `failed to remove '${operand}': ${reason}`),
        () => {
          const stat = run.seat.fs.stat(run.shell.path(operand), false)
          if (stat && stat.kind !== 'directory') throw run.seat.fault('ENOTDIR', operand)
          run.seat.fs.remove(run.shell.path(operand))
        },
      )
    }
    return status
  },
  rm(run, args) {
    const { flags, rest, bad } = options(args, 'rRfivd', { recursive: 'r', force: 'f', 'no-preserve-root': 'N', verbose: 'v' })
    if (bad !== undefined) return run.fault(`invalid option -- '${bad}'`)
    const recursive = flags.has('r') || flags.has('R')
    if (rest.length === 0) return flags.has('f') ? 0 : missing(run)
    let status = 0
    for (const operand of rest) {
      const path = run.shell.path(operand)
      if (/^\/+\.?$/.test(path) && recursive && !flags.has('N') && !busy(run)) {
        run.err(`rm: it is dangerous to operate recursively on '/'\nrm: use --no-preserve-root to override this failsafe\n`)
        status = 1
        continue
      }
      status |= attempt(
        run,
        (reason) => (busy(run) ? `can't remove '${operand}': ${reason}` : `cannot remove '${operand}': ${reason}`),
        () => {
          const stat = run.seat.fs.stat(path, false)
          if (!stat) {
            if (flags.has('f')) return
            throw run.seat.fault('ENOENT', operand)
          }
          if (stat.kind !== 'directory') return run.seat.fs.remove(path)
          if (!recursive) throw run.seat.fault('EISDIR', operand)
          let failed: unknown
          for (const one of below(run, path).reverse()) {
            try {
              run.seat.fs.remove(one)
            } catch (error) {
              failed ??= error
            }
          }
          if (failed) throw failed
        },
      )
    }
    return status
  },
  cp(run, args) {
    const { flags, rest } = options(args, 'rRafpvdLiun', { recursive: 'r', archive: 'a', force: 'f', verbose: 'v', preserve: 'p' })
    if (rest.length < 2) {
      if (rest.length === 0) return busy(run) ? missing(run) : complain(run, `cp: missing file operand\nTry 'cp --help' for more information.\n`, 1)
      run.err(`cp: missing destination file operand after '${rest[0]}'\nTry 'cp --help' for more information.\n`)
      return 1
    }
    const recursive = flags.has('r') || flags.has('R') || flags.has('a')
    const last = rest.at(-1) as string
    const target = run.shell.path(last)
    const into = run.seat.fs.stat(target)?.kind === 'directory'
    let status = 0
    for (const operand of rest.slice(0, -1)) {
      const from = run.shell.path(operand)
      const stat = run.seat.fs.stat(from)
      if (!stat) {
        run.err(busy(run) ? `cp: can't stat '${operand}': No such file or directory\n` : `cp: cannot stat '${operand}': No such file or directory\n`)
        status = 1
        continue
      }
      if (stat.kind === 'directory' && !recursive) {
        run.err(busy(run) ? `cp: omitting directory '${operand}'\n` : `cp: omitting directory '${operand}'\n`)
        status = 1
        continue
      }
      const to = into ? `${target}/${baseName(operand)}` : target
      status |= attempt(
        run,
        (reason) => (busy(run) ? `can't create '${to}': ${reason}` : `cannot create regular file '${into ? `${last}/${baseName(operand)}` : last}': ${reason}`),
        () => {
          if (stat.kind === 'directory') copyTree(run, run.seat.world.files.real(from), to)
          else run.seat.fs.write(to, run.seat.fs.read(from), { mode: stat.mode & 0o755 })
        },
      )
    }
    return status
  },
  mv(run, args) {
    const { rest } = options(args, 'fivnu', { force: 'f', verbose: 'v' })
    if (rest.length < 2) return missing(run)
    const last = rest.at(-1) as string
    const target = run.shell.path(last)
    const into = run.seat.fs.stat(target)?.kind === 'directory'
    let status = 0
    for (const operand of rest.slice(0, -1)) {
      const from = run.shell.path(operand)
      if (!run.seat.fs.stat(from, false)) {
        run.err(busy(run) ? `mv: can't rename '${operand}': No such file or directory\n` : `mv: cannot stat '${operand}': No such file or directory\n`)
        status = 1
        continue
      }
      const to = into ? `${target}/${baseName(operand)}` : target
      status |= attempt(
        run,
        (reason) => (busy(run) ? `can't rename '${operand}': ${reason}` : `cannot move '${operand}' to '${last}': ${reason}`),
        () => run.seat.fs.rename(from, to),
      )
    }
    return status
  },
  touch(run, args) {
    const { flags, rest } = options(args, 'acmr:t:d:', { 'no-create': 'c' })
    if (rest.length === 0) return busy(run) ? missing(run) : complain(run, `touch: missing file operand\nTry 'touch --help' for more information.\n`, 1)
    let status = 0
    const like = flags.get('r')
    const mtime = (like ? run.seat.fs.stat(run.shell.path(like))?.mtime : undefined) ?? run.seat.now()
    for (const operand of rest) {
      status |= attempt(
        run,
        (reason) => (busy(run) ? `${operand}: ${reason}` : `cannot touch '${operand}': ${reason}`),
        () => {
          const path = run.shell.path(operand)
          if (run.seat.fs.stat(path)) run.seat.fs.change(path, { mtime })
          else if (!flags.has('c')) run.seat.fs.write(path, Buffer.alloc(0), { mode: 0o666 & ~run.shell.umask })
        },
      )
    }
    return status
  },
  ln(run, args) {
    const { flags, rest } = options(args, 'sfnvrT', { symbolic: 's', force: 'f' })
    if (rest.length === 0) return missing(run)
    const target = rest[0] as string
    let name = rest[1] ?? baseName(target)
    if (run.seat.fs.stat(run.shell.path(name))?.kind === 'directory') name = `${name}/${baseName(target)}`
    return attempt(
      run,
      (reason) => (busy(run) ? `${name}: ${reason}` : `failed to create ${flags.has('s') ? 'symbolic' : 'hard'} link '${name}': ${reason}`),
      () => {
        const path = run.shell.path(name)
        if (flags.has('f') && run.seat.fs.stat(path, false)) run.seat.fs.remove(path)
        if (flags.has('s')) run.seat.fs.link(path, target)
        else run.seat.fs.write(path, run.seat.fs.read(run.shell.path(target)))
      },
    )
  },
  unlink: (run, args) =>
    attempt(
      run,
      (reason) => `cannot unlink '${args[0]}': ${reason}`,
      () => run.seat.fs.remove(run.shell.path(args[0] ?? '')),
    ),
  async tee(run, args) {
    const { flags, rest } = options(args, 'ai', { append: 'a' })
    const text = await readAll(run.input)
    run.out(text)
    let status = 0
    for (const operand of rest) {
      status |= attempt(
        run,
        (reason) => `${operand}: ${reason}`,
        () => run.seat.fs.write(run.shell.path(operand), Buffer.from(text, 'latin1'), { append: flags.has('a') }),
      )
    }
    return status
  },
  async dd(run, args) {
    const given = new Map(args.map((a) => a.split('=', 2) as [string, string]))
    const size = (text: string | undefined, otherwise: number): number => {
      const m = /^(\d{1,9})([kKMGbw]?)/.exec(text ?? '')
      return m ? Number(m[1]) * ({ k: 1024, K: 1024, M: 1_048_576, G: 1_073_741_824, b: 512, w: 2 }[m[2] as string] ?? 1) : otherwise
    }
    const block = size(given.get('bs') ?? given.get('ibs'), 512)
    const count = given.has('count') ? size(given.get('count'), 0) : Number.POSITIVE_INFINITY
    const from = given.get('if')
    let bytes: Buffer
    try {
      const special = from === '/dev/zero' || from === '/dev/urandom' || from === '/dev/random'
      const want = Math.min(block * (Number.isFinite(count) ? count : special ? 2048 : count), special ? 1_048_576 : Number.POSITIVE_INFINITY)
      if (special) bytes = from === '/dev/zero' ? Buffer.alloc(want) : run.seat.world.persona.draw(`dd ${run.seat.now()}`, Math.min(want, 8000))
      else bytes = from ? run.seat.fs.read(run.shell.path(from)) : Buffer.from(await readAll(run.input), 'latin1')
      const skip = size(given.get('skip'), 0) * block
      bytes = bytes.subarray(skip, skip + want)
      const to = given.get('of')
      if (to) run.seat.fs.write(run.shell.path(to), bytes)
      else run.out(bytes.toString('latin1'))
    } catch (error) {
      run.err(`dd: ${busy(run) ? `can't open '${from ?? given.get('of')}'` : `failed to open '${from ?? given.get('of')}'`}: ${reasonOf(error)}\n`)
      return 1
    }
    if (given.get('status') === 'none') return 0
    const whole = Math.floor(bytes.length / block)
    const part = bytes.length % block ? 1 : 0
    const seconds = Math.max(0.000041, bytes.length / 412_000_000)
    run.err(`${whole}+${part} records in\n${whole}+${part} records out\n`)
    if (!busy(run))
      run.err(
        `${bytes.length} bytes${bytes.length > 1000 ? ` (${human(bytes.length)})` : ''} copied, ${seconds.toPrecision(6)} s, ${human(bytes.length / seconds)}/s\n`,
      )
    return 0
  },
  mktemp(run, args) {
    const { flags, rest } = options(args, 'dqtup:')
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
    const bytes = run.seat.world.persona.draw(`mktemp ${run.seat.now()} ${run.shell.meter.steps}`, 10)
    const name = [...bytes].map((b) => letters[b % letters.length]).join('')
    const template = rest[0] ?? (run.shell.ash ? '/tmp/tmp.XXXXXX' : '/tmp/tmp.XXXXXXXXXX')
    const path = template.replace(/X{3,10}$/, (x) => name.slice(0, x.length))
    return (
      attempt(
        run,
        (reason) => `failed to create file via template '${template}': ${reason}`,
        () => (flags.has('d') ? run.seat.fs.mkdir(run.shell.path(path), 0o700) : run.seat.fs.write(run.shell.path(path), Buffer.alloc(0), { mode: 0o600 })),
      ) || say(run, `${path}\n`)
    )
  },
  mkfifo: (run, args) =>
    attempt(
      run,
      (reason) => `cannot create fifo '${args.at(-1)}': ${reason}`,
      () => run.seat.fs.write(run.shell.path(args.at(-1) ?? ''), Buffer.alloc(0)),
    ),
  truncate(run, args) {
    const { flags, rest } = options(args, 's:c', { size: 's' })
    let status = 0
    for (const operand of rest) {
      status |= attempt(
        run,
        (reason) => `cannot open '${operand}' for writing: ${reason}`,
        () => {
          const path = run.shell.path(operand)
          if (!run.seat.fs.stat(path)) run.seat.fs.write(path, Buffer.alloc(0))
          run.seat.fs.change(path, { size: Math.min(Number.parseInt(flags.get('s') ?? '0', 10) || 0, 1e12) })
        },
      )
    }
    return status
  },
  shred: (run, args) => {
    if (args.includes('-u'))
      for (const path of args.filter((a) => !a.startsWith('-')))
        attempt(
          run,
          (reason) => `${path}: failed to open for writing: ${reason}`,
          () => run.seat.fs.remove(run.shell.path(path)),
        )
    return 0
  },
  sync: () => 0,
}

const human = (n: number): string => (n >= 1e9 ? `${(n / 1e9).toFixed(1)} GB` : n >= 1e6 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e3).toFixed(1)} kB`)
