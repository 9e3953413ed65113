/** Redirections: where a command's streams lead, files among them. */
import type { Streams } from './control.ts'
import { expandWord } from './expand.ts'
import { endlessInput, LineReader, PipeClosed, textInput } from './io.ts'
import { reasonOf, show } from './seat.ts'
import type { Shell } from './shell.ts'
import type { Redirect } from './syntax.ts'

const maxOutput = 16 * 1024 * 1024

type Write = (text: string) => void

/** What a device gives without end; undefined for other files. */
export function endless(shell: Shell, path: string): LineReader | undefined {
  const name = /^\/dev\/(zero|full|urandom|random)$/.exec(path)?.[1]
  if (!name) return undefined
  const block = 4096
  return new LineReader(endlessInput(() => (name === 'zero' || name === 'full' ? '\0'.repeat(block) : shell.seat.world.noise(block).toString('latin1'))))
}

/** The streams after redirections; undefined when one failed, which was said. `finish` writes what was collected. */
export async function redirect(shell: Shell, redirects: Redirect[], streams: Streams): Promise<{ streams: Streams; finish(): void } | undefined> {
  if (redirects.length === 0) return { streams, finish: () => {} }
  let { input } = streams
  const writers = new Map<number, Write>([...(streams.more ?? []), [1, streams.out], [2, streams.err]])
  let toTerminal = streams.toTerminal
  const finishers: (() => void)[] = []
  for (const { fd, kind, target } of redirects) {
    if (kind === '<<') {
      input = new LineReader(textInput((await expandWord(shell, target, streams, 'plain'))[0] ?? ''))
      continue
    }
    const fields = await expandWord(shell, target, streams, kind === '<<<' ? 'plain' : 'fields')
    if (fields.length !== 1 && kind !== '<<<') {
      streams.err(`${shell.label}: ${fields.length === 0 ? '' : fields.join(' ')}: ambiguous redirect\n`)
      shell.status = 1
      return undefined
    }
    const [name = ''] = fields
    if (kind === '<<<') {
      input = new LineReader(textInput(`${name}\n`))
      continue
    }
    if ((kind === '>&' || kind === '<&') && (/^\d+-?$/.test(name) || name === '-')) {
      if (name === '-') {
        if (fd === 0) input = new LineReader(textInput(''))
        else writers.set(fd, () => {})
        continue
      }
      const from = Number.parseInt(name, 10)
      if (fd === 0 || from === 0) {
        if (fd === 0 && from > 2 && !writers.has(from)) return bad(shell, streams, `${name}: Bad file descriptor`)
        if (fd !== 0 && from === 0) writers.set(fd, streams.out)
        continue
      }
      const write = writers.get(from)
      if (!write) return bad(shell, streams, `${name}: Bad file descriptor`)
      writers.set(fd, write)
      if (fd === 1) toTerminal = from === 2 ? streams.toTerminal && write === streams.err : toTerminal
      continue
    }
    const remote = shell.dialect === 'bash' ? /^\/dev\/(?:tcp|udp)\/([^/]{1,255})\/(\d{1,5})$/.exec(name) : null
    if (remote) {
      const reason = await connect(shell, remote[1] as string, Number(remote[2]))
      if (reason) {
        if (reason !== 'Name or service not known') streams.err(`${shell.label}: connect: ${reason}\n`)
        return bad(shell, streams, `${name}: ${reason}`)
      }
      if (fd === 0) input = new LineReader(textInput(''))
      else writers.set(fd, () => {})
      continue
    }
    const path = shell.path(name)
    try {
      if (kind === '<' || kind === '<>') {
        if (fd !== 0) writers.set(fd, () => {})
        else if (name !== '/dev/tty' && name !== '/dev/stdin')
          input = endless(shell, path) ?? new LineReader(textInput(shell.seat.fs.read(path).toString('latin1')))
        continue
      }
      const both = kind.startsWith('&') || kind === '>&'
      const own = name === '/dev/stdout' || name === '/dev/fd/1' ? writers.get(1) : name === '/dev/stderr' || name === '/dev/fd/2' ? writers.get(2) : undefined
      const write = own ?? (name === '/dev/tty' || name === '/dev/console' ? streams.out : writer(shell, path, kind === '>>' || kind === '&>>', finishers))
      writers.set(fd, write)
      if (both) {
        writers.set(1, write)
        writers.set(2, write)
      }
      if ((fd === 1 || both) && !own && name !== '/dev/tty') toTerminal = false
    } catch (error) {
      const reason = reasonOf(error)
      if (shell.dialect === 'bash') return bad(shell, streams, `${name}: ${reason}`)
      const reading = kind.startsWith('<')
      const why = reason !== 'No such file or directory' ? reason : reading ? 'no such file' : 'nonexistent directory'
      return bad(
        shell,
        streams,
        shell.dialect === 'dash'
          ? `cannot ${reading ? 'open' : 'create'} ${name}: ${reading && reason === 'No such file or directory' ? 'No such file' : reason === 'No such file or directory' ? 'Directory nonexistent' : reason}`
          : `can't ${reading ? 'open' : 'create'} ${name}: ${why}`,
      )
    }
  }
  const [out, err] = [writers.get(1) ?? streams.out, writers.get(2) ?? streams.err]
  return {
    streams: { ...streams, input, out, err, toTerminal, more: new Map([...writers].filter(([fd]) => fd > 2)) },
    finish: () => {
      for (const finish of finishers) finish()
    },
  }
}

function bad(shell: Shell, streams: Streams, text: string): undefined {
  streams.err(`${shell.label}: ${text}\n`)
  shell.status = shell.dialect === 'dash' ? 2 : 1
  return undefined
}

/** Opens `/dev/tcp/…`: only what this host itself listens on answers. Gives the reason when it fails. */
async function connect(shell: Shell, host: string, port: number): Promise<string | undefined> {
  const { network, persona } = shell.seat.world
  const self = host === 'localhost' || host.startsWith('127.') || host === network.address || host === persona.hostname
  if (self) return network.listening().some((l) => l.port === port) ? undefined : 'Connection refused'
  shell.seat.emit('egress.refused', { tool: shell.dialect, host: show(host, 1024), ...(port <= 65_535 ? { port } : {}) })
  const known = /^\d{1,3}(\.\d{1,3}){3}$/.test(host)
  await shell.pause(known ? 127_000 : 1500)
  return known ? 'Connection timed out' : 'Name or service not known'
}

/** A writer into a file: made at once, filled when the command is done or 64 KiB are there. */
export function writer(shell: Shell, path: string, append: boolean, finishers: (() => void)[]): Write {
  const { fs } = shell.seat
  const stat = fs.stat(path)
  if (stat?.kind === 'character' || stat?.kind === 'fifo' || stat?.kind === 'block') {
    if (!fs.may(path, 'w')) throw shell.seat.fault('EACCES', path)
    return () => {}
  }
  fs.write(path, Buffer.alloc(0), { append: append && stat !== undefined, mode: stat ? undefined : 0o666 & ~shell.umask })
  let pending: string[] = []
  let size = 0
  let total = 0
  let done = false
  const flush = (): void => {
    if (size === 0) return
    const bytes = Buffer.from(pending.join(''), 'latin1')
    pending = []
    size = 0
    fs.write(path, bytes, { append: true, quiet: true })
  }
  finishers.push(() => {
    flush()
    done = true // what `exec` redirected is written on at once
  })
  return (text) => {
    pending.push(text)
    size += text.length
    total += text.length
    if (total > maxOutput) throw new PipeClosed()
    if (done || size > 65_536) flush()
  }
}
