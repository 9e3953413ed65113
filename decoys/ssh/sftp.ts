/** SFTP, version 3 (draft-ietf-secsh-filexfer-02), as OpenSSH's sftp-server serves it, over the world. */
import { FileFault, type FileStat } from '../world/files.ts'
import { longLine } from '../shell/long-line.ts'
import { absolute, show, type Seat } from '../shell/seat.ts'
import type { Channel } from './channel.ts'
import { Malformed, pack, type Part, Reader } from './wire.ts'

const type = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  SETSTAT: 9,
  FSETSTAT: 10,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  RMDIR: 15,
  REALPATH: 16,
  STAT: 17,
  RENAME: 18,
  READLINK: 19,
  SYMLINK: 20,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const
const status = { OK: 0, EOF: 1, NO_SUCH_FILE: 2, PERMISSION_DENIED: 3, FAILURE: 4, BAD_MESSAGE: 5, OP_UNSUPPORTED: 8 } as const
const texts = [
  'Success',
  'End of file',
  'No such file',
  'Permission denied',
  'Failure',
  'Bad message',
  'No connection',
  'Connection lost',
  'Operation unsupported',
]
const maxMessage = 256 * 1024
const maxHandles = 100
/** Bytes of one upload that are kept; what comes after only counts. */
const maxKept = 32 * 1024 * 1024
const maxKeptAll = 64 * 1024 * 1024

type Handle = { kind: 'file'; path: string; content: Buffer | undefined; writes: Upload | undefined } | { kind: 'directory'; path: string; names: string[] }

/** Bytes written through a handle, in their places. */
class Upload {
  bytes: Buffer
  size: number
  changed = false
  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.size = bytes.length
  }
  put(at: number, data: Buffer): void {
    this.changed = true
    this.size = Math.max(this.size, at + data.length)
    if (at >= maxKept) return
    const end = Math.min(maxKept, at + data.length)
    if (end > this.bytes.length) {
      const grown = Buffer.alloc(Math.min(maxKept, Math.max(end, this.bytes.length * 2, 65_536)))
      this.bytes.copy(grown)
      this.bytes = grown
    }
    data.copy(this.bytes, at, 0, end - at)
  }
  whole(): Buffer {
    return this.bytes.subarray(0, Math.min(this.size, maxKept))
  }
}

/** Serves the subsystem in a channel until the client ends it. */
export function serveSftp(channel: Channel, seat: Seat): void {
  let pending: Buffer = Buffer.alloc(0)
  let ready = false
  let kept = 0
  let next = 0
  let ended = false
  let work = Promise.resolve()
  const handles = new Map<number, Handle>()
  const { fs } = seat

  const send = (bytes: Buffer): void => {
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(bytes.length)
    channel.write(Buffer.concat([length, bytes]))
  }
  const reply = (kind: number, id: number, ...parts: Part[]): void => send(pack(kind, id, ...parts))
  const say = (id: number, code: number): void => reply(type.STATUS, id, code, texts[code] ?? 'Failure', '')
  const open = (handle: Handle, id: number): void => {
    if (handles.size >= maxHandles) {
      say(id, status.FAILURE)
      return
    }
    while (handles.has(next)) next = (next + 1) & 0xffff
    handles.set(next, handle)
    const name = Buffer.alloc(4)
    name.writeUInt32BE(next)
    next = (next + 1) & 0xffff
    reply(type.HANDLE, id, name)
  }
  const handleOf = (reader: Reader): [number, Handle] => {
    const name = reader.string()
    const number = name.length === 4 ? name.readUInt32BE() : -1
    const handle = handles.get(number)
    if (!handle) throw new FileFault('EBADF', '')
    return [number, handle]
  }
  const pathOf = (reader: Reader): string => absolute(seat.user.home, reader.text().slice(0, 4096) || '.')

  async function close(handle: Handle): Promise<void> {
    if (handle.kind !== 'file') return
    const upload = handle.writes
    if (upload) {
      if (!upload.changed) return
      const bytes = upload.whole()
      seat.world.files.write(handle.path, bytes, { at: seat.now() })
      if (upload.size > bytes.length) seat.world.files.change(handle.path, { size: upload.size })
      kept -= upload.bytes.length
      await seat.capture(handle.path, bytes, 'sftp')
    } else if (handle.content) seat.emit('file.downloaded', { path: show(handle.path), method: 'sftp', size: handle.content.length })
  }

  async function serve(kind: number, reader: Reader): Promise<void> {
    if (kind === type.INIT) {
      ready = true
      const extensions = [
        'posix-rename@openssh.com',
        '1',
        'statvfs@openssh.com',
        '2',
        'fstatvfs@openssh.com',
        '2',
        'hardlink@openssh.com',
        '1',
        'fsync@openssh.com',
        '1',
      ]
      send(pack(type.VERSION, 3, ...extensions))
      return
    }
    const id = reader.uint32()
    if (!ready) return say(id, status.BAD_MESSAGE)
    try {
      await request(kind, id, reader)
    } catch (error) {
      if (error instanceof Malformed) say(id, status.BAD_MESSAGE)
      else if (error instanceof FileFault)
        say(
          id,
          error.code === 'ENOENT' || error.code === 'ELOOP' || error.code === 'EBADF'
            ? status.NO_SUCH_FILE
            : error.code === 'EACCES' || error.code === 'EPERM'
              ? status.PERMISSION_DENIED
              : status.FAILURE,
        )
      else say(id, status.FAILURE)
    }
  }

  async function request(kind: number, id: number, reader: Reader): Promise<void> {
    switch (kind) {
      case type.OPEN: {
        const path = pathOf(reader)
        const flags = reader.uint32() // READ 1, WRITE 2, APPEND 4, CREAT 8, TRUNC 16, EXCL 32
        const wanted = attributes(reader)
        const there = fs.stat(path)
        if (there?.kind === 'directory') return say(id, status.FAILURE)
        if (!there && !(flags & 8)) return say(id, status.NO_SUCH_FILE)
        if (there && flags & 32) return say(id, status.FAILURE)
        if (flags & 2) {
          const before = there && !(flags & 16) ? fs.read(path) : Buffer.alloc(0)
          fs.write(path, before, { mode: wanted.mode === undefined ? undefined : wanted.mode & 0o777 & ~0o022 })
          const upload = new Upload(Buffer.from(before))
          upload.changed = !there || (flags & 16) !== 0
          return open({ kind: 'file', path: seat.world.files.real(path), content: undefined, writes: upload }, id)
        }
        return open({ kind: 'file', path: seat.world.files.real(path), content: fs.read(path), writes: undefined }, id)
      }
      case type.CLOSE: {
        const [number, handle] = handleOf(reader)
        handles.delete(number)
        await close(handle)
        return say(id, status.OK)
      }
      case type.READ: {
        const [, handle] = handleOf(reader)
        const from = Number(reader.uint64())
        const length = Math.min(reader.uint32(), 65_536)
        if (handle.kind !== 'file') return say(id, status.FAILURE)
        const bytes = handle.content ?? handle.writes?.whole() ?? Buffer.alloc(0)
        if (from >= bytes.length) return say(id, status.EOF)
        return reply(type.DATA, id, bytes.subarray(from, from + length))
      }
      case type.WRITE: {
        const [, handle] = handleOf(reader)
        const at = Number(reader.uint64())
        const data = reader.string()
        if (handle.kind !== 'file' || !handle.writes || at > 0xff_ffff_ffff) return say(id, status.FAILURE)
        const before = handle.writes.bytes.length
        if (kept > maxKeptAll) handle.writes.size = Math.max(handle.writes.size, at + data.length)
        else handle.writes.put(at, data)
        kept += handle.writes.bytes.length - before
        return say(id, status.OK)
      }
      case type.LSTAT:
      case type.STAT: {
        const stat = fs.stat(pathOf(reader), kind === type.STAT)
        return stat ? reply(type.ATTRS, id, { raw: encode(stat) }) : say(id, status.NO_SUCH_FILE)
      }
      case type.FSTAT: {
        const [, handle] = handleOf(reader)
        const stat = fs.stat(handle.path)
        if (!stat) return say(id, status.NO_SUCH_FILE)
        const size = handle.kind === 'file' && handle.writes ? handle.writes.size : stat.size
        return reply(type.ATTRS, id, { raw: encode({ ...stat, size }) })
      }
      case type.SETSTAT:
      case type.FSETSTAT: {
        const path = kind === type.SETSTAT ? pathOf(reader) : handleOf(reader)[1].path
        const wanted = attributes(reader)
        fs.change(path, { ...wanted, ...(wanted.mode === undefined ? {} : { mode: wanted.mode & 0o7777 }) })
        return say(id, status.OK)
      }
      case type.OPENDIR: {
        const path = pathOf(reader)
        const stat = fs.stat(path)
        if (!stat) return say(id, status.NO_SUCH_FILE)
        if (stat.kind !== 'directory') return say(id, status.FAILURE)
        return open({ kind: 'directory', path, names: ['.', '..', ...fs.list(path)] }, id)
      }
      case type.READDIR: {
        const [, handle] = handleOf(reader)
        if (handle.kind !== 'directory') return say(id, status.FAILURE)
        const names = handle.names.splice(0, 100)
        if (names.length === 0) return say(id, status.EOF)
        const parts: Part[] = []
        let count = 0
        for (const name of names) {
          const stat = seat.world.files.stat(`${handle.path}/${name}`, name === '.' || name === '..')
          if (!stat) continue
          count++
          parts.push(name, longLine(seat, stat, name), { raw: encode(stat) })
        }
        return reply(type.NAME, id, count, ...parts)
      }
      case type.REMOVE: {
        const path = pathOf(reader)
        if (fs.stat(path, false)?.kind === 'directory') return say(id, status.FAILURE)
        fs.remove(path)
        return say(id, status.OK)
      }
      case type.MKDIR: {
        const path = pathOf(reader)
        const wanted = attributes(reader)
        fs.mkdir(path, (wanted.mode ?? 0o777) & 0o777 & ~0o022)
        return say(id, status.OK)
      }
      case type.RMDIR: {
        const path = pathOf(reader)
        const stat = fs.stat(path, false)
        if (stat && stat.kind !== 'directory') return say(id, status.FAILURE)
        fs.remove(path)
        return say(id, status.OK)
      }
      case type.REALPATH: {
        const path = seat.world.files.real(pathOf(reader))
        return reply(type.NAME, id, 1, path, path, 0)
      }
      case type.RENAME: {
        const from = pathOf(reader)
        const to = pathOf(reader)
        if (fs.stat(to, false)) return say(id, status.FAILURE)
        fs.rename(from, to)
        return say(id, status.OK)
      }
      case type.READLINK: {
        const stat = fs.stat(pathOf(reader), false)
        if (!stat) return say(id, status.NO_SUCH_FILE)
        if (stat.kind !== 'link') return say(id, status.FAILURE)
        return reply(type.NAME, id, 1, stat.target ?? '', stat.target ?? '', 0)
      }
      case type.SYMLINK: {
        const target = reader.text()
        fs.link(pathOf(reader), target.slice(0, 4096))
        return say(id, status.OK)
      }
      case type.EXTENDED: {
        const name = reader.text()
        if (name === 'posix-rename@openssh.com') {
          const from = pathOf(reader)
          fs.rename(from, pathOf(reader))
          return say(id, status.OK)
        }
        if (name === 'statvfs@openssh.com') return reply(type.EXTENDED_REPLY, id, { raw: statvfs(seat) })
        if (name === 'fsync@openssh.com') return say(id, status.OK)
        return say(id, status.OP_UNSUPPORTED)
      }
      default:
        say(id, status.OP_UNSUPPORTED)
    }
  }

  async function finish(code: number): Promise<void> {
    if (ended) return
    ended = true
    for (const handle of handles.values()) await close(handle)
    handles.clear()
    seat.leave()
    channel.exit(code)
  }

  channel.reader = {
    data(bytes) {
      if (ended) return
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
      while (pending.length >= 5) {
        const length = pending.readUInt32BE()
        if (length < 1 || length > maxMessage) {
          void finish(255)
          return
        }
        if (pending.length < 4 + length) return
        const body = Buffer.from(pending.subarray(4, 4 + length))
        pending = pending.subarray(4 + length)
        work = work.then(() => serve(body[0] as number, new Reader(body))).catch(() => finish(255))
      }
    },
    end: () => void work.then(() => finish(0)),
    closed: () => void work.then(() => finish(0)),
  }
}

/** The attributes that a message names (section 5). */
function attributes(reader: Reader): { size?: number; uid?: number; gid?: number; mode?: number; mtime?: number } {
  const flags = reader.uint32()
  const wanted: ReturnType<typeof attributes> = {}
  if (flags & 1) wanted.size = Math.min(Number(reader.uint64()), 0xff_ffff_ffff)
  if (flags & 2) Object.assign(wanted, { uid: reader.uint32(), gid: reader.uint32() })
  if (flags & 4) wanted.mode = reader.uint32()
  if (flags & 8) {
    reader.uint32()
    wanted.mtime = reader.uint32() * 1000
  }
  return wanted
}

const kinds: Record<FileStat['kind'], number> = {
  file: 0o100000,
  directory: 0o040000,
  link: 0o120000,
  character: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
  socket: 0o140000,
}

function encode(stat: FileStat): Buffer {
  const bytes = Buffer.alloc(32)
  bytes.writeUInt32BE(0x0f, 0)
  bytes.writeBigUInt64BE(BigInt(stat.size), 4)
  bytes.writeUInt32BE(stat.uid, 12)
  bytes.writeUInt32BE(stat.gid, 16)
  bytes.writeUInt32BE((kinds[stat.kind] | stat.mode) >>> 0, 20)
  const seconds = Math.floor(stat.mtime / 1000)
  bytes.writeUInt32BE(seconds, 24)
  bytes.writeUInt32BE(seconds, 28)
  return bytes
}

function statvfs(seat: Seat): Buffer {
  const root = seat.world.host.mounts.find((mount) => mount.path === '/')
  const blocks = BigInt(Math.floor((root?.sizeKiB ?? 0) / 4))
  const free = BigInt(Math.floor(((root?.sizeKiB ?? 0) - (root?.usedKiB ?? 0)) / 4))
  const inodes = BigInt(root?.inodes ?? 0)
  const bytes = Buffer.alloc(88)
  for (const [i, value] of [4096n, 4096n, blocks, free, free, inodes, (inodes * 97n) / 100n, (inodes * 97n) / 100n, 2048n, 0n, 255n].entries())
    bytes.writeBigUInt64BE(value, i * 8)
  return bytes
}
