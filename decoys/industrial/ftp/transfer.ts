/** Commands of FTP that look at files, carry them or change them. What a client leaves is kept by hash and lies on its own copy of the device. */
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { Connection } from '../../decoy.ts'
import { clean } from '../../http/clean.ts'
import { FileFault } from '../../world/files.ts'
import { sendAll } from './data.ts'
import { listing, lockedPaths, resolvePath, timeValue } from './files.ts'
import { type Seat, withData } from './seat.ts'

/** Bytes of an upload that its copy of the device keeps readable. */
const keptBytes = 524_288

type Change = EventBody<'file.changed'>['change']

/** Answers a command about a file; unknown ones too. A path that the file system refuses is answered as one that is not there. */
export async function fileCommand(seat: Seat, word: string, argument: string): Promise<string> {
  const { replies } = seat
  const path = resolvePath(seat.directory, word === 'LIST' || word === 'NLST' || word === 'STAT' ? argument.replace(/^-[A-Za-z1]{1,8}(?: |$)/, '') : argument)
  try {
    return await one(seat, word, argument, path)
  } catch (error) {
    if (error instanceof FileFault) return word === 'STOR' || word === 'APPE' ? replies.refused(path) : replies.noFile(path)
    throw error
  }
}

async function one(seat: Seat, word: string, argument: string, path: string): Promise<string> {
  const { replies, context, live } = seat
  const { files } = context.world
  const found = live.stat(path)
  switch (word) {
    case 'CWD':
    case 'XCWD':
      return enter(seat, argument === '' ? '/' : path)
    case 'CDUP':
    case 'XCUP':
      return enter(seat, resolvePath(seat.directory, '..'))
    case 'LIST':
    case 'NLST': {
      const text = listing(context.world, live, path, word === 'LIST', context.clock())
      if (text === undefined) return replies.noFile(path)
      return withData(seat, replies.listing, async (data) =>
        (await sendAll(data, Buffer.from(text, 'latin1'), context.signal)) ? replies.complete : replies.aborted,
      )
    }
    case 'SIZE':
      return argument !== '' && found?.kind === 'file' ? `213 ${found.size}` : replies.noFile(path)
    case 'MDTM':
      return argument !== '' && found?.kind === 'file' ? `213 ${timeValue(found.mtime)}` : replies.noFile(path)
    case 'RETR':
      return retrieve(seat, argument === '' ? '' : path)
    case 'STOR':
    case 'APPE':
      if (argument === '') return replies.syntax(word)
      return store(seat, path, word === 'APPE')
    case 'DELE':
      if (found?.kind !== 'file' || lockedPaths(context.persona).has(path)) return replies.noFile(path)
      return change(seat, 'removed', path, () => files.remove(path), replies.deleted(path))
    case 'RMD':
    case 'XRMD':
      if (found?.kind !== 'directory' || path === '/') return replies.noFile(path)
      return change(seat, 'removed', path, () => files.remove(path), replies.deleted(path))
    case 'MKD':
    case 'XMKD':
      if (argument === '') return replies.syntax(word)
      return change(seat, 'created', path, () => files.mkdir(path, { at: context.clock(), mode: 0o777, uid: 0, gid: 0 }), replies.made(path))
    case 'RNFR':
      if (!found || path === '/' || lockedPaths(context.persona).has(path)) return replies.noFile(path)
      seat.renameFrom = path
      return replies.renameFrom
    case 'RNTO': {
      const from = seat.renameFrom
      seat.renameFrom = undefined
      if (from === undefined || argument === '') return replies.syntax(word)
      if (lockedPaths(context.persona).has(path)) return replies.noFile(path)
      live.settle(from)
      return change(seat, 'moved', from, () => files.rename(from, path), replies.renamed, path)
    }
    default:
      return replies.unknown(word)
  }
}

function enter(seat: Seat, path: string): string {
  const { replies, context } = seat
  if (context.world.files.stat(path)?.kind !== 'directory') return replies.noDirectory(path)
  seat.directory = path
  return replies.changed(path)
}

function change(seat: Seat, what: Change, path: string, make: () => void, reply: string, to?: string): string {
  make()
  seat.session.emit('file.changed', { path: clean(path, 4096), change: what, ...(to === undefined ? {} : { to: clean(to, 4096) }), method: 'ftp' })
  return reply
}

function retrieve(seat: Seat, path: string): Promise<string> | string {
  const { replies, context, session, live } = seat
  const { files } = context.world
  if (path === '' || files.stat(path)?.kind !== 'file') return replies.noFile(path)
  const whole = live.read(path) ?? files.read(path, context.clock())
  const bytes = whole.subarray(Math.min(seat.restart, whole.length))
  seat.restart = 0
  return withData(seat, replies.sending(path, bytes.length), async (data) => {
    session.emit('file.downloaded', { path: clean(path, 4096), method: 'ftp', size: bytes.length })
    return (await sendAll(data, bytes, context.signal)) ? replies.complete : replies.aborted
  })
}

function store(seat: Seat, path: string, append: boolean): Promise<string> | string {
  const { replies, context, session } = seat
  const { files } = context.world
  const room = context.persona.template.ftp?.room ?? 0
  const there = files.stat(path)
  const parent = files.stat(path.slice(0, path.lastIndexOf('/')) || '/')
  if (there?.kind === 'directory' || parent?.kind !== 'directory' || lockedPaths(context.persona).has(path)) return replies.refused(path)
  seat.restart = 0
  return withData(seat, replies.receiving(path), async (data) => {
    const taken = receive(data, room)
    try {
      const file = await context.blobs.put(taken.bytes())
      session.emit('file.uploaded', { path: clean(path, 4096), method: 'ftp', file })
    } catch {
      // Bounds of captured files are spent; the device has its copy all the same.
    }
    if (taken.end === 'full') return replies.full
    const head = Buffer.concat(taken.head)
    if (append) seat.live.settle(path)
    files.write(path, head, { at: context.clock(), append, mode: 0o666 })
    if (!append && taken.size > head.length) files.change(path, { size: taken.size })
    return taken.end === 'lost' ? replies.aborted : replies.complete
  })
}

interface Taken {
  bytes(): AsyncGenerator<Uint8Array>
  /** The first part, for the device's own copy. */
  head: Buffer[]
  size: number
  end: 'whole' | 'full' | 'lost'
}

/** What a client sends until it ends, is gone, or the device is full. */
function receive(data: Connection, room: number): Taken {
  let kept = 0
  const taken: Taken = {
    head: [],
    size: 0,
    end: 'whole',
    async *bytes() {
      try {
        for await (const chunk of data as AsyncIterable<Buffer>) {
          taken.size += chunk.length
          if (kept < keptBytes) {
            const part = chunk.subarray(0, keptBytes - kept)
            taken.head.push(part)
            kept += part.length
          }
          yield chunk
          if (taken.size > room) {
            taken.end = 'full'
            return
          }
        }
      } catch {
        taken.end = 'lost'
      }
      if (!data.destroyed) data.end()
    },
  }
  return taken
}
