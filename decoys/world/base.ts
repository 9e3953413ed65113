/** The pristine file system of a persona: nodes that all its worlds share. What depends on the host is a function, so a template's tree is one. */
import type { Host } from './host.ts'
import type { Logins } from './logins.ts'
import type { Network } from './network.ts'
import type { Processes } from './processes.ts'

/** What the content of a file may be made from. `now` is milliseconds since 1970 UTC. */
export interface View {
  host: Host
  processes: Processes
  network: Network
  logins: Logins
  now: number
  /** Process that reads, for /proc/self. */
  self: number
}

export type Kind = 'file' | 'directory' | 'link' | 'character' | 'block' | 'fifo' | 'socket'

export interface BaseNode {
  kind: Kind
  mode: number
  uid: number
  gid: number
  /** Text is UTF-8. A number is a program of that many bytes, made up when it is read. */
  content?: string | number | ((view: View) => string | Buffer)
  /** Bytes of a file that is made when it is read, where they are known without making it. */
  size?: number
  target?: string | ((view: View) => string)
  /** Milliseconds since 1970 UTC; `boot`, `now`, or undefined for the installation. */
  time?: number | 'boot' | 'now'
  device?: [number, number]
}

export interface BaseTree {
  get(path: string): BaseNode | undefined
  /** Names in a directory, unsorted; undefined when it is not one. */
  names(path: string): readonly string[] | undefined
}

/** Builds a tree; parents are made as they are needed. */
export class TreeBuilder {
  readonly nodes = new Map<string, BaseNode>()
  readonly children = new Map<string, string[]>()

  constructor() {
    this.nodes.set('/', { kind: 'directory', mode: 0o755, uid: 0, gid: 0 })
    this.children.set('/', [])
  }

  add(path: string, node: BaseNode): void {
    if (!this.nodes.has(path)) {
      const at = path.lastIndexOf('/')
      const parent = at === 0 ? '/' : path.slice(0, at)
      if (!this.nodes.has(parent)) this.dir(parent)
      this.children.get(parent)?.push(path.slice(at + 1))
      if (node.kind === 'directory') this.children.set(path, [])
    }
    this.nodes.set(path, node)
  }

  dir(path: string, mode = 0o755, extra: Partial<BaseNode> = {}): void {
    this.add(path, { kind: 'directory', mode, uid: 0, gid: 0, ...extra })
  }

  file(path: string, content: BaseNode['content'], mode = 0o644, extra: Partial<BaseNode> = {}): void {
    this.add(path, { kind: 'file', mode, uid: 0, gid: 0, content, ...extra })
  }

  link(path: string, target: BaseNode['target'], extra: Partial<BaseNode> = {}): void {
    this.add(path, { kind: 'link', mode: 0o777, uid: 0, gid: 0, target, ...extra })
  }

  device(path: string, kind: 'character' | 'block', device: [number, number], mode: number, gid = 0): void {
    this.add(path, { kind, mode, uid: 0, gid, device, time: 'boot' })
  }

  tree(): BaseTree {
    return { get: (path) => this.nodes.get(path), names: (path) => this.children.get(path) }
  }
}

/** Two trees as one; the first is asked first. */
export function layer(upper: BaseTree, lower: BaseTree): BaseTree {
  return {
    get: (path) => upper.get(path) ?? lower.get(path),
    names(path) {
      const above = upper.names(path)
      const below = lower.names(path)
      if (!above || !below) return above ?? below
      return above.length === 0 ? below : [...below, ...above.filter((name) => !below.includes(name))]
    },
  }
}
