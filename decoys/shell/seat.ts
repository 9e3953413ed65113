/** Where a user sits: one login's hands on the world, with that user's rights, in that session's clock, every change said. */
import { escapeBytes } from '@shenlou/contract/bytes'
import type { Connection, Context, Session } from '../decoy.ts'
import { FileFault, type FileStat } from '../world/files.ts'
import type { LiveLogin } from '../world/logins.ts'
import type { User } from '../world/users.ts'
import type { World } from '../world.ts'

export interface Seat {
  readonly world: World
  /** Whose rights hold now; `su` changes it. */
  user: User
  readonly login: LiveLogin
  readonly source: { ip: string; port: number }
  readonly destination: { ip: string; port: number }
  readonly context: Context
  readonly emit: Session['emit']
  /** Milliseconds since 1970 UTC on this host. */
  now(): number
  /** Whether the channel or the connection is gone. */
  gone(): boolean
  readonly fs: SeatFiles
  /** A fault to throw, as the file system does. */
  fault(code: string, path: string): FileFault
  /** Says and keeps a captured file. Resolves when it is kept. */
  capture(path: string, bytes: AsyncIterable<Uint8Array> | Uint8Array, method: 'sftp' | 'scp' | 'shell'): Promise<void>
  leave(): void
  /** Ends the connection, as when its server process is killed. */
  disconnect(): void
}

/** File operations with this user's rights; paths are absolute. Each throws FileFault, EACCES among them. */
export interface SeatFiles {
  may(path: string, want: 'r' | 'w' | 'x'): boolean
  stat(path: string, follow?: boolean): FileStat | undefined
  read(path: string): Buffer
  list(path: string): string[]
  write(path: string, bytes: Uint8Array, options?: { append?: boolean; mode?: number; quiet?: boolean }): void
  mkdir(path: string, mode?: number): void
  link(path: string, target: string): void
  remove(path: string): void
  rename(from: string, to: string): void
  change(path: string, change: { mode?: number; uid?: number; gid?: number; mtime?: number; size?: number }): void
}

/** Bytes given as one character each, as an event shows them. */
export const show = (text: string, max = 4096): string => escapeBytes(Buffer.from(text.slice(0, Math.floor(max / 4)), 'latin1'))

/** Takes a seat after login. `user` is the name that was accepted. */
export function openSeat(options: {
  connection: Connection
  context: Context
  session: Session
  user: string
  terminal: boolean
  method?: 'shell' | 'sftp'
  closed(): boolean
}): Seat {
  const { connection, context, session, terminal } = options
  const { world } = context
  const { source, destination } = connection
  world.network.reached('ssh', destination.ip, destination.port)
  const user = world.users.ensure(options.user, context.clock())
  const { login, leave } = world.logins.enter({ user: user.name, from: source.ip, port: source.port, at: context.clock(), terminal })
  const emit: Session['emit'] = (kind, body) => session.emit(kind, body)
  const method = options.method ?? 'shell'

  const seat: Seat = {
    world,
    user,
    login,
    source,
    destination,
    context,
    emit,
    now: () => context.clock(),
    gone: () => options.closed() || context.signal.aborted,
    fs: undefined as unknown as SeatFiles,
    async capture(path, bytes, how) {
      const file = await context.blobs.put(bytes)
      emit('file.uploaded', { path: show(path), method: how, file })
    },
    fault: (code, path) => new FileFault(code, path),
    leave: () => leave(context.clock()),
    disconnect: () => void connection.end(),
  }
  const { files } = world
  const groupsOf = (): number[] => world.users.groupsOf(seat.user).map((group) => group.gid)

  function allowed(stat: FileStat, want: 'r' | 'w' | 'x'): boolean {
    if (seat.user.uid === 0) return want !== 'x' || stat.kind === 'directory' || (stat.mode & 0o111) !== 0
    const bit = { r: 4, w: 2, x: 1 }[want]
    const shift = stat.uid === seat.user.uid ? 6 : groupsOf().includes(stat.gid) ? 3 : 0
    return ((stat.mode >> shift) & bit) !== 0
  }
  /** The plain path, when every directory on the way may be searched. */
  function reach(path: string, follow = true): string {
    const real = files.real(path, follow)
    if (seat.user.uid !== 0) {
      for (let at = real.indexOf('/', 1); at !== -1; at = real.indexOf('/', at + 1)) {
        const stat = files.stat(real.slice(0, at))
        if (stat && !allowed(stat, 'x')) throw new FileFault('EACCES', path)
      }
    }
    return real
  }
  const parent = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')))
  function need(path: string, want: 'r' | 'w' | 'x'): void {
    const stat = files.stat(path)
    if (stat && !allowed(stat, want)) throw new FileFault('EACCES', path)
  }
  /** The directory entry of `path` may be made or removed. */
  function entry(path: string): string {
    const real = reach(path, false)
    need(parent(real), 'w')
    const above = files.stat(parent(real))
    const here = files.stat(real, false)
    if (here && above && (above.mode & 0o1000) !== 0 && seat.user.uid !== 0 && here.uid !== seat.user.uid) throw new FileFault('EPERM', path)
    return real
  }
  const said = (path: string, change: 'created' | 'written' | 'removed' | 'moved' | 'mode', to?: string): void => {
    emit('file.changed', { path: show(path), change, method, ...(to === undefined ? {} : { to: show(to) }) })
  }
  const fs: SeatFiles = {
    may(path, want) {
      try {
        const stat = files.stat(reach(path))
        return stat !== undefined && allowed(stat, want)
      } catch {
        return false
      }
    },
    stat(path, follow = true) {
      try {
        return files.stat(reach(path, follow), follow)
      } catch (error) {
        if (error instanceof FileFault && error.code === 'EACCES') throw error
        return undefined
      }
    },
    read(path) {
      const real = reach(path)
      need(real, 'r')
      return files.read(real, seat.now(), [...login.programs].at(-1)?.pid ?? login.pid + 2)
    },
    list(path) {
      const real = reach(path)
      need(real, 'r')
      return files.list(real)
    },
    write(path, bytes, { append = false, mode, quiet = false } = {}) {
      const real = reach(path)
      const there = files.stat(real)
      if (there) need(real, 'w')
      else need(parent(real), 'w')
      if (!there || there.kind === 'file') {
        if (!quiet) said(real, there ? 'written' : 'created')
      }
      files.write(real, bytes, { at: seat.now(), append, mode, uid: seat.user.uid, gid: seat.user.gid })
    },
    mkdir(path, mode = 0o755) {
      const real = entry(path)
      if (files.stat(real, false)) throw new FileFault('EEXIST', path)
      if (!files.stat(parent(real))) throw new FileFault('ENOENT', path)
      said(real, 'created')
      files.mkdir(real, { at: seat.now(), mode, uid: seat.user.uid, gid: seat.user.gid })
    },
    link(path, target) {
      const real = entry(path)
      if (files.stat(real, false)) throw new FileFault('EEXIST', path)
      said(real, 'created')
      files.link(real, target, { at: seat.now(), uid: seat.user.uid, gid: seat.user.gid })
    },
    remove(path) {
      const real = entry(path)
      if (!files.stat(real, false)) throw new FileFault('ENOENT', path)
      files.remove(real)
      said(real, 'removed')
    },
    rename(from, to) {
      const source = entry(from)
      const target = entry(to)
      files.rename(source, target)
      said(source, 'moved', target)
    },
    change(path, change) {
      const real = reach(path)
      const stat = files.stat(real)
      if (!stat) throw new FileFault('ENOENT', path)
      const owner = seat.user.uid === 0 || seat.user.uid === stat.uid
      if (change.uid !== undefined && seat.user.uid !== 0) throw new FileFault('EPERM', path)
      if (!owner && !(change.mode === undefined && change.gid === undefined && allowed(stat, 'w'))) throw new FileFault('EPERM', path)
      said(real, change.mode === undefined && change.uid === undefined ? 'written' : 'mode')
      files.change(real, change)
    },
  }
  Object.assign(seat, { fs })
  return seat
}

const reasons: Record<string, string> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EEXIST: 'File exists',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  ENOTEMPTY: 'Directory not empty',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  EBUSY: 'Device or resource busy',
  EINVAL: 'Invalid argument',
  EROFS: 'Read-only file system',
}

/** What strerror says about a fault; other errors are thrown on. */
export function reasonOf(error: unknown): string {
  if (error instanceof FileFault) return reasons[error.code] ?? 'Input/output error'
  throw error
}

/** An absolute path without `.` and double slashes; `..` is left to the file system, which knows links. */
export const absolute = (directory: string, path: string): string => (path.startsWith('/') ? path : directory === '/' ? `/${path}` : `${directory}/${path}`)
