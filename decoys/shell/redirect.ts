/** Redirections: where a command's streams lead, files among them. */
import type { Streams } from './control.ts'
import { expandWord } from './expand.ts'
import { LineReader, PipeClosed, textInput } from './io.ts'
import { reasonOf } from './seat.ts'
import type { Shell } from './shell.ts'
import type { Redirect } from './syntax.ts'

const maxOutput = 16 * 1024 * 1024

/** The streams after redirections; undefined when one failed, which was said. `finish` writes what was collected. */
export async function redirect(shell: Shell, redirects: Redirect[], streams: Streams): Promise<{ streams: Streams; finish(): void } | undefined> {
  if (redirects.length === 0) return { streams, finish: () => {} }
  let { input, out, err, toTerminal } = streams
  const finishers: (() => void)[] = []
  for (const { fd, kind, target } of redirects) {
    if (kind === '<<') {
      const [text = ''] = await expandWord(shell, target, streams, 'plain')
      input = new LineReader(textInput(text))
      continue
    }
    const [name = ''] = await expandWord(shell, target, streams, 'plain')
    if (kind === '<<<') {
      input = new LineReader(textInput(`${name}\n`))
      continue
    }
    if (kind === '>&' || kind === '<&') {
      if (name === '1' && fd === 2) err = out
      else if (name === '2' && fd === 1) {
        out = err
        toTerminal = streams.toTerminal
      } else if (name === '-') {
        if (fd === 1) out = () => {}
        if (fd === 2) err = () => {}
      }
      continue
    }
    const path = shell.path(name)
    try {
      if (kind === '<' || kind === '<>') {
        input = name === '/dev/tty' ? input : new LineReader(textInput(shell.seat.fs.read(path).toString('latin1')))
        continue
      }
      const write = writer(shell, path, kind === '>>' || kind === '&>>', finishers)
      if (kind.startsWith('&')) {
        out = write
        err = write
        toTerminal = false
      } else if (fd === 2) err = write
      else if (fd === 1) {
        out = write
        toTerminal = false
      }
    } catch (error) {
      const reason = reasonOf(error)
      streams.err(
        shell.ash
          ? `${shell.label}: can't ${kind.startsWith('<') ? 'open' : 'create'} ${name}: ${reason === 'No such file or directory' && !kind.startsWith('<') ? 'nonexistent directory' : reason.toLowerCase() === 'no such file or directory' ? 'no such file' : reason}\n`
          : `${shell.label}: ${name}: ${reason}\n`,
      )
      shell.status = 1
      return undefined
    }
  }
  return {
    streams: { input, out, err, toTerminal },
    finish: () => {
      for (const finish of finishers) finish()
    },
  }
}

/** A writer into a file: made at once, filled when the command is done or 64 KiB are there. */
export function writer(shell: Shell, path: string, append: boolean, finishers: (() => void)[]): (text: string) => void {
  const { fs, world } = shell.seat
  const stat = fs.stat(path)
  if (stat?.kind === 'character' || stat?.kind === 'fifo') return () => {}
  if (!append || !stat) fs.write(path, Buffer.alloc(0))
  else fs.write(path, Buffer.alloc(0), { append: true })
  let pending: string[] = []
  let size = 0
  let total = 0
  const flush = (): void => {
    if (size === 0) return
    const bytes = Buffer.from(pending.join(''), 'latin1')
    pending = []
    size = 0
    fs.write(path, bytes, { append: true, quiet: true })
  }
  finishers.push(flush)
  void world
  return (text) => {
    pending.push(text)
    size += text.length
    total += text.length
    if (total > maxOutput) throw new PipeClosed()
    if (size > 65_536) flush()
  }
}
