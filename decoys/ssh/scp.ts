/** The scp program's own protocol (source `-f` and sink `-t`), over exec. */
import type { FileStat } from '../world/files.ts'
import { runLine } from '../shell/plain.ts'
import { absolute, reasonOf, show, type Seat } from '../shell/seat.ts'
import { Shell } from '../shell/shell.ts'
import type { Channel } from './channel.ts'

const maxKept = 32 * 1024 * 1024

/** Whether a command is scp's server side. */
export const isScp = (command: string): boolean => /^\s*(?:\/\S*\/)?scp\s(?:-\S+\s)*-\w*[tf]/.test(command.slice(0, 300)) && !/[;&|`$<>\n]/.test(command)

/** Serves one transfer in a channel; `done` is called with the exit code. */
export function serveScp(command: string, channel: Channel, seat: Seat, done: (code: number) => void): void {
  const words = command.trim().split(/\s+/).slice(1)
  const flags = words.filter((word) => word.startsWith('-') && word !== '--').join('')
  const operand = (words.filter((word) => !word.startsWith('-')).join(' ') || '.').replace(/^(['"])(.*)\1$/, '$2').replaceAll(/\\(.)/g, '$1')
  const input = new Bytes()
  channel.reader = { data: (bytes) => input.feed(bytes), end: () => input.end(), closed: () => input.end() }
  const shell = new Shell(seat, { login: false })
  const run = flags.includes('t') ? () => sink(flags, operand, input, channel, seat) : () => source(flags, operand, input, channel, seat)
  void runLine(shell, 'exec', command, async () => {
    try {
      return await run()
    } catch (error) {
      if (error instanceof Ended) return 1
      throw error
    }
  }).then(({ code }) => done(code))
}

class Ended extends Error {}

/** Bytes as they come, asked for by number or line. */
class Bytes {
  #pieces: Buffer[] = []
  #held = 0
  #ended = false
  #wake: (() => void) | undefined
  feed(bytes: Buffer): void {
    this.#pieces.push(bytes)
    this.#held += bytes.length
    this.#wake?.()
  }
  end(): void {
    this.#ended = true
    this.#wake?.()
  }
  async #more(): Promise<void> {
    if (this.#held > 0) return
    if (this.#ended) throw new Ended()
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
    if (this.#held === 0) throw new Ended()
  }
  /** Up to `n` bytes, at least one. */
  async some(n: number): Promise<Buffer> {
    await this.#more()
    const first = this.#pieces[0] as Buffer
    const piece = first.subarray(0, n)
    if (piece.length === first.length) this.#pieces.shift()
    else this.#pieces[0] = first.subarray(n)
    this.#held -= piece.length
    return piece
  }
  async line(): Promise<string> {
    let text = ''
    while (text.length < 8192) {
      const byte = (await this.some(1))[0] as number
      if (byte === 10) return text
      text += String.fromCharCode(byte)
    }
    throw new Ended()
  }
}

const ok = Buffer.alloc(1)
const fault = (text: string, fatal = false): Buffer => Buffer.concat([Buffer.from([fatal ? 2 : 1]), Buffer.from(`scp: ${text}\n`, 'latin1')])

async function sink(flags: string, operand: string, input: Bytes, channel: Channel, seat: Seat): Promise<number> {
  const target = absolute(seat.user.home, operand)
  const stack: string[] = []
  let code = 0
  let time: number | undefined
  if (flags.includes('d') && seat.fs.stat(target)?.kind !== 'directory') {
    channel.write(fault(`${operand}: ${seat.fs.stat(target) ? 'Not a directory' : 'No such file or directory'}`, true))
    return 1
  }
  channel.write(ok)
  for (;;) {
    let line: string
    try {
      line = await input.line()
    } catch (error) {
      if (error instanceof Ended) return code
      throw error
    }
    const kind = line[0]
    if (kind === 'T') {
      time = Number(/^T(\d{1,12}) /.exec(line)?.[1] ?? 0) * 1000 || undefined
      channel.write(ok)
      continue
    }
    if (kind === 'E') {
      stack.pop()
      channel.write(ok)
      continue
    }
    const header = /^([CD])(\d{4}) (\d{1,15}) ([^/]+)$/.exec(line)
    if (!header || header[4] === '.' || header[4] === '..') {
      channel.write(fault(kind === '\x01' || kind === '\x02' ? line.slice(1) : 'protocol error: unexpected <newline>', true))
      return 1
    }
    const [, letter, mode = '0644', size = '0', name = ''] = header
    const base = stack.at(-1) ?? target
    const path = stack.length > 0 || seat.fs.stat(base)?.kind === 'directory' ? `${base}/${name}` : base
    if (letter === 'D') {
      try {
        if (!seat.fs.stat(path)) seat.fs.mkdir(path, Number.parseInt(mode, 8) & 0o777)
        stack.push(path)
        channel.write(ok)
      } catch (error) {
        channel.write(fault(`${path}: ${reasonOf(error)}`))
        code = 1
        stack.push(path)
      }
      continue
    }
    let failed = ''
    try {
      seat.fs.write(path, Buffer.alloc(0), { mode: Number.parseInt(mode, 8) & 0o777 })
    } catch (error) {
      failed = reasonOf(error)
    }
    if (failed) {
      channel.write(fault(`${operand}: ${failed}`))
      code = 1
      continue
    }
    channel.write(ok)
    const pieces: Buffer[] = []
    let left = Number(size)
    let kept = 0
    while (left > 0) {
      const piece = await input.some(left)
      left -= piece.length
      if (kept < maxKept) pieces.push(piece)
      kept += piece.length
    }
    await input.some(1) // the sender's own status
    const bytes = Buffer.concat(pieces).subarray(0, maxKept)
    const real = seat.world.files.real(path)
    seat.world.files.write(real, bytes, { at: seat.now(), mode: Number.parseInt(mode, 8) & 0o777 })
    if (Number(size) > bytes.length) seat.world.files.change(real, { size: Number(size) })
    if (time !== undefined) seat.world.files.change(real, { mtime: time })
    time = undefined
    await seat.capture(real, bytes, 'scp')
    channel.write(ok)
  }
}

async function source(flags: string, operand: string, input: Bytes, channel: Channel, seat: Seat): Promise<number> {
  let code = 0
  const answer = async (): Promise<boolean> => {
    const byte = (await input.some(1))[0]
    if (byte === 0) return true
    await input.line()
    return false
  }
  const sendOne = async (path: string, name: string, stat: FileStat, depth: number): Promise<void> => {
    if (flags.includes('p')) {
      const seconds = Math.floor(stat.mtime / 1000)
      channel.write(Buffer.from(`T${seconds} 0 ${seconds} 0\n`))
      if (!(await answer())) return
    }
    const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0')
    if (stat.kind === 'directory') {
      if (!flags.includes('r') || depth > 16) {
        channel.write(fault(`${name}: not a regular file`))
        code = 1
        return
      }
      channel.write(Buffer.from(`D${mode} 0 ${name}\n`, 'latin1'))
      if (!(await answer())) return
      for (const child of seat.fs.list(path)) {
        const inner = seat.fs.stat(`${path}/${child}`)
        if (inner) await sendOne(`${path}/${child}`, child, inner, depth + 1)
      }
      channel.write(Buffer.from('E\n'))
      await answer()
      return
    }
    const bytes = seat.fs.read(path)
    channel.write(Buffer.from(`C${mode} ${bytes.length} ${name}\n`, 'latin1'))
    if (!(await answer())) return
    for (let at = 0; at < bytes.length; at += 32_768) {
      if (!channel.write(bytes.subarray(at, at + 32_768))) await channel.drained()
    }
    channel.write(ok)
    await answer()
    seat.emit('file.downloaded', { path: show(path), method: 'scp', size: bytes.length })
  }
  if (!(await answer())) return 1
  const path = absolute(seat.user.home, operand)
  let stat: FileStat | undefined
  let reason = 'No such file or directory'
  try {
    stat = seat.fs.stat(path)
    if (stat && !seat.fs.may(path, 'r')) {
      stat = undefined
      reason = 'Permission denied'
    }
  } catch (error) {
    reason = reasonOf(error)
  }
  if (!stat) {
    channel.write(fault(`${operand}: ${reason}`))
    return 1
  }
  await sendOne(path, path.slice(path.lastIndexOf('/') + 1) || '/', stat, 0)
  return code
}
