/** The file system of one world: the pristine tree with this adversary's changes over it. Paths are absolute and plain. */
import { type BaseTree, type Kind, layer, type View } from './base.ts'
import { program } from './elf.ts'
import type { Host } from './host.ts'
import type { Logins } from './logins.ts'
import type { Network } from './network.ts'
import { processTree } from './proc-pid.ts'
import type { Processes } from './processes.ts'
import { baseTree } from './tree.ts'

export interface FileStat {
  kind: Kind
  /** Permission bits. */
  mode: number
  uid: number
  gid: number
  size: number
  /** Milliseconds since 1970 UTC. */
  mtime: number
  inode: number
  links: number
  target?: string
  device?: [number, number]
}

/** POSIX error of a file operation; `code` such as `ENOENT`. */
export class FileFault extends Error {
  readonly code: string
  readonly path: string
  constructor(code: string, path: string) {
    super(code)
    this.code = code
    this.path = path
  }
}

interface Changed {
  kind: Kind
  mode: number
  uid: number
  gid: number
  mtime: number
  /** Attributes of chattr that hold it: `i` immutable, `a` append only. */
  held?: string
  content?: Buffer
  /** True size where only the first part is kept. */
  size?: number
  target?: string
  inode: number
}

export type SavedFile = [path: string, node: (Omit<Changed, 'content' | 'inode'> & { content?: string }) | null]

export interface Owner {
  uid: number
  gid: number
}

export interface Files {
  /** Rises with each change. */
  readonly revision: number
  /** The path without links, `.` and `..`; the last component may be missing. Throws FileFault ENOENT, ENOTDIR, ELOOP. */
  real(path: string, follow?: boolean): string
  stat(path: string, follow?: boolean): FileStat | undefined
  /** Throws FileFault ENOENT, EISDIR, ENOTDIR. `now` and `self` are for files of /proc. */
  read(path: string, now?: number, self?: number): Buffer
  /** Names without `.` and `..`, sorted by code. Throws FileFault ENOENT, ENOTDIR. */
  list(path: string): string[]
  write(path: string, bytes: Uint8Array, options: { at: number; append?: boolean; mode?: number; uid?: number; gid?: number }): void
  mkdir(path: string, options: { at: number; mode: number } & Owner): void
  link(path: string, target: string, options: { at: number } & Owner): void
  /** Removes anything but a directory that is not empty. */
  remove(path: string): void
  rename(from: string, to: string): void
  change(path: string, change: { mode?: number; uid?: number; gid?: number; mtime?: number; size?: number }): void
  /** Attributes of chattr that a file has: of `i` and `a`. */
  held(path: string): string
  hold(path: string, attributes: string): void
  /** Whether the plain path is as the pristine host has it. */
  pristine(path: string): boolean
  changes(): SavedFile[]
}

const maxKept = 512 * 1024
const maxTotal = 2 * 1024 * 1024
const maxEntries = 1500

const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')))
const join = (directory: string, name: string): string => (directory === '/' ? `/${name}` : `${directory}/${name}`)
const hash = (text: string): number => {
  let h = 2166136261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
  return h >>> 0
}

/** Files of a world over its host's pristine tree; `saved` is what `changes()` gave earlier. */
export function openFiles(host: Host, about: { processes: Processes; network: Network; logins: Logins }, saved?: SavedFile[]): Files {
  let tree: BaseTree | undefined
  const base = (): BaseTree => (tree ??= withProcesses(baseTree(host)))
  const withProcesses = (pristine: BaseTree): BaseTree =>
    pristine.get('/proc')
      ? layer(
          processTree(host, about.processes, (path) => {
            try {
              const target = real(path)
              return at(target) ? target : undefined
            } catch {
              return undefined
            }
          }),
          pristine,
        )
      : pristine
  const over = new Map<string, Changed | null>()
  let revision = 0
  let total = 0
  let nextInode = 0
  const inode = (): number => {
    nextInode ||= 920_000 + (hash(host.persona.machineId) % 90_000)
    return nextInode + over.size * 3
  }
  const view = (now: number, self: number): View => ({ host, ...about, now, self })

  for (const [path, node] of Array.isArray(saved) ? saved.slice(0, maxEntries) : []) {
    if (typeof path !== 'string' || !path.startsWith('/')) continue
    if (node === null) over.set(path, null)
    else put(path, { ...node, content: node.content === undefined ? undefined : Buffer.from(node.content, 'base64'), inode: inode() })
  }
  revision = 0

  /** Node without following a link at its end. */
  function at(path: string): FileStat | undefined {
    const changed = over.get(path)
    if (changed === null) return undefined
    if (changed) {
      const { content, inode: number, ...rest } = changed
      const size = rest.size ?? content?.length ?? (rest.kind === 'directory' ? 4096 : (rest.target?.length ?? 0))
      return { ...rest, size, inode: number, links: rest.kind === 'directory' ? 2 : 1 }
    }
    const node = base().get(path)
    if (!node) return undefined
    const now = Date.now()
    const target = typeof node.target === 'function' ? node.target(view(now, 0)) : node.target
    const { persona } = host
    const jitter = hash(path) % 540_000
    const mtime = node.time === 'now' ? now : node.time === 'boot' ? persona.bootedAt + (jitter % 40_000) : (node.time ?? persona.installedAt + jitter)
    const virtual = path.startsWith('/proc/') || path.startsWith('/sys/')
    let size = 4096
    if (node.kind === 'link') size = target?.length ?? 0
    else if (node.kind !== 'directory')
      size = virtual ? (path.startsWith('/sys/') ? 4096 : 0) : typeof node.content === 'number' ? node.content : (node.size ?? contentOf(path, now, 0).length)
    else if (virtual) size = 0
    return {
      kind: node.kind,
      mode: node.mode,
      uid: node.uid,
      gid: node.gid,
      size,
      mtime,
      inode: virtual ? 4_026_531_000 + (hash(path) % 900) : 131_000 + (hash(path + persona.machineId) % 780_000),
      links: node.kind === 'directory' ? 2 : 1,
      target,
      device: node.device,
    }
  }

  function contentOf(path: string, now: number, self: number): Buffer {
    const changed = over.get(path)
    if (changed) {
      const content = changed.content ?? Buffer.alloc(0)
      if (changed.size === undefined || changed.size <= content.length) return content
      return Buffer.concat([content, Buffer.alloc(Math.min(changed.size - content.length, maxKept))])
    }
    const content = base().get(path)?.content
    if (typeof content === 'number') return program(host.persona.template.os.architecture, path, content)
    const made = typeof content === 'function' ? content(view(now, self)) : (content ?? '')
    return typeof made === 'string' ? Buffer.from(made) : made
  }

  function real(path: string, follow = true): string {
    let rest = path.split('/').filter((part) => part !== '' && part !== '.')
    let done = '/'
    let hops = 0
    while (rest.length > 0) {
      const part = rest.shift() as string
      if (part === '..') {
        done = parentOf(done)
        continue
      }
      if (part.length > 255) throw new FileFault('ENAMETOOLONG', path)
      const next = join(done, part)
      const node = at(next)
      if (!node) {
        if (rest.length > 0) throw new FileFault('ENOENT', path)
        return next
      }
      if (node.kind === 'link' && (follow || rest.length > 0)) {
        if (++hops > 40) throw new FileFault('ELOOP', path)
        const target = node.target ?? ''
        rest = [...target.split('/').filter((p) => p !== '' && p !== '.'), ...rest]
        if (target.startsWith('/')) done = '/'
        continue
      }
      if (rest.length > 0 && node.kind !== 'directory') throw new FileFault('ENOTDIR', path)
      done = next
    }
    return done
  }

  function put(path: string, node: Changed): void {
    const old = over.get(path)
    total += (node.content?.length ?? 0) - (old?.content?.length ?? 0)
    over.delete(path)
    over.set(path, node)
    while (over.size > maxEntries || total > maxTotal) {
      const [first, gone] = over.entries().next().value as [string, Changed | null]
      if (first === path) break
      total -= gone?.content?.length ?? 0
      over.delete(first)
    }
    revision++
  }

  /** The node as one of this world's own, copied from the pristine host when it is not yet. */
  function own(path: string): Changed {
    const changed = over.get(path)
    if (changed) return changed
    const node = at(path)
    if (!node) throw new FileFault('ENOENT', path)
    const content = node.kind === 'file' ? contentOf(path, Date.now(), 0) : undefined
    const copy: Changed = {
      kind: node.kind,
      mode: node.mode,
      uid: node.uid,
      gid: node.gid,
      mtime: node.mtime,
      target: node.target,
      inode: node.inode,
      content: content?.subarray(0, maxKept),
      size: content && content.length > maxKept ? content.length : undefined,
    }
    put(path, copy)
    return copy
  }

  function drop(path: string): void {
    total -= over.get(path)?.content?.length ?? 0
    over.delete(path)
    if (base().get(path)) over.set(path, null)
    revision++
  }

  const held = (target: string): string => over.get(target)?.held ?? ''

  function fresh(path: string): string {
    const target = real(path)
    if (at(target)) throw new FileFault('EEXIST', path)
    const parent = at(parentOf(target))
    if (!parent) throw new FileFault('ENOENT', path)
    if (parent.kind !== 'directory') throw new FileFault('ENOTDIR', path)
    return target
  }

  function list(path: string): string[] {
    const directory = real(path)
    const node = at(directory)
    if (!node) throw new FileFault('ENOENT', path)
    if (node.kind !== 'directory') throw new FileFault('ENOTDIR', path)
    const names = new Set(over.get(directory) ? [] : (base().names(directory) ?? []))
    if (over.get(directory)) for (const name of base().names(directory) ?? []) names.add(name)
    const prefix = directory === '/' ? '/' : `${directory}/`
    for (const [other, changed] of over) {
      if (!other.startsWith(prefix) || other.indexOf('/', prefix.length) !== -1 || other === '/') continue
      const name = other.slice(prefix.length)
      if (changed) names.add(name)
      else names.delete(name)
    }
    return [...names].sort()
  }

  return {
    get revision() {
      return revision
    },
    real,
    stat(path, follow = true) {
      try {
        return at(real(path, follow))
      } catch {
        return undefined
      }
    },
    read(path, now = Date.now(), self = 0) {
      const target = real(path)
      const node = at(target)
      if (!node) throw new FileFault('ENOENT', path)
      if (node.kind === 'directory') throw new FileFault('EISDIR', path)
      return contentOf(target, now, self)
    },
    list,
    write(path, bytes, { at: mtime, append = false, mode, uid = 0, gid = 0 }) {
      const target = real(path)
      const node = at(target)
      if (node?.kind === 'directory') throw new FileFault('EISDIR', path)
      if (!node) fresh(path)
      if (node && node.kind !== 'file') return // devices take what is written and keep nothing
      if (node && /^\/(proc|sys)\//.test(target)) return
      // before Linux 4.9 an immutable file was a matter of rights
      if (held(target).includes('i') || (held(target) !== '' && !append)) throw new FileFault(host.flavour === 'centos' ? 'EACCES' : 'EPERM', path)
      const before = append && node ? own(target) : undefined
      const head = before?.content ?? Buffer.alloc(0)
      const size = (before?.size ?? head.length) + bytes.length
      const content = Buffer.concat([head, bytes.subarray(0, Math.max(0, maxKept - head.length))])
      put(target, {
        kind: 'file',
        mode: node ? (mode ?? node.mode) : (mode ?? 0o644),
        uid: node?.uid ?? uid,
        gid: node?.gid ?? gid,
        mtime,
        content,
        size: size > content.length ? size : undefined,
        inode: node?.inode ?? inode(),
        held: held(target) || undefined,
      })
    },
    mkdir(path, { at: mtime, mode, uid, gid }) {
      put(fresh(path), { kind: 'directory', mode, uid, gid, mtime, inode: inode() })
    },
    link(path, target, { at: mtime, uid, gid }) {
      put(fresh(path), { kind: 'link', mode: 0o777, uid, gid, mtime, target, inode: inode() })
    },
    remove(path) {
      const target = real(path, false)
      const node = at(target)
      if (!node) throw new FileFault('ENOENT', path)
      if (target === '/') throw new FileFault('EBUSY', path)
      if (held(target) !== '') throw new FileFault('EPERM', path)
      if (node.kind === 'directory' && list(target).length > 0) throw new FileFault('ENOTEMPTY', path)
      if (/^\/(proc|sys)(\/|$)/.test(target) && !over.has(target)) throw new FileFault('EPERM', path)
      drop(target)
    },
    rename(from, to) {
      const source = real(from, false)
      const node = at(source)
      if (!node) throw new FileFault('ENOENT', from)
      const target = real(to, false)
      const there = at(target)
      if (target === source) return
      if (held(source) !== '' || held(target) !== '') throw new FileFault('EPERM', from)
      if (target.startsWith(`${source}/`)) throw new FileFault('EINVAL', to)
      if (there?.kind === 'directory' && node.kind !== 'directory') throw new FileFault('EISDIR', to)
      if (there?.kind === 'directory' && list(target).length > 0) throw new FileFault('ENOTEMPTY', to)
      if (!there) fresh(to)
      const move = (a: string, b: string, depth: number): void => {
        const inner = depth < 32 && at(a)?.kind === 'directory' ? list(a) : []
        put(b, { ...own(a) })
        for (const name of inner) move(join(a, name), join(b, name), depth + 1)
        drop(a)
      }
      move(source, target, 0)
    },
    change(path, { size, ...change }) {
      const target = real(path)
      if (!at(target)) throw new FileFault('ENOENT', path)
      if (held(target) !== '') throw new FileFault('EPERM', path)
      const node = own(target)
      const next = { ...node, ...change }
      if (size !== undefined && node.kind === 'file') {
        const content = node.content ?? Buffer.alloc(0)
        next.content = content.subarray(0, size)
        next.size = size > next.content.length ? size : undefined
      }
      put(target, next)
    },
    held: (path) => held(real(path)),
    hold(path, attributes) {
      const target = real(path)
      put(target, { ...own(target), held: attributes || undefined })
    },
    pristine: (path) => !over.has(path),
    changes: () =>
      [...over].map(([path, node]): SavedFile => {
        if (!node) return [path, null]
        const { content, inode: _, ...rest } = node
        return [path, { ...rest, content: content?.toString('base64') }]
      }),
  }
}
