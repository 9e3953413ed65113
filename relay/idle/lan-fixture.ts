/** A segment made of network namespaces on one bridge, with a capture process on it. Names carry this process's id; all of it is gone after `close`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { EventDraft } from '@shenlou/contract/event'
import type { IdleHost, Segment, SegmentHealth } from '@shenlou/contract/segment'
import type { FromCapture } from '../capture/messages.ts'
import { type CaptureProcess, startCapture } from '../capture/start.ts'

/** Why this machine cannot make such a segment; undefined when it can. */
export const noLan = (): string | false => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need root on Linux'
  return spawnSync('ip', ['netns', 'list']).status === 0 && existsSync('/proc/self/ns/net') ? false : 'this kernel has no network namespaces'
}

export interface Lan {
  /** A host of its own on the bridge, with its interface `eth0`; without `address` it has none yet. */
  host(name: string, address?: string): LanHost
  capture(segment: Segment, hosts: readonly IdleHost[], saved?: Record<string, string>): Promise<Captured>
  readonly interface: string
  /** The switch: a namespace with the bridge `br0`. */
  readonly bridge: string
  /** The switch's port that the interface is plugged into. */
  readonly port: string
  /** Makes that interface where it is not there; one that a killed process held is gone. */
  plugIn(): void
  close(): Promise<void>
}
export interface LanHost {
  readonly mac: string
  run(...args: string[]): { status: number | null; text: string }
  start(...args: string[]): ChildProcess
}
export interface Captured {
  process: CaptureProcess
  events: Pick<EventDraft, 'kind' | 'body'>[]
  syns: Extract<FromCapture, { type: 'syn' }>['syn'][]
  rows: Extract<FromCapture, { type: 'scanned' }>['rows']
  lines: string[]
  saved: Record<string, string>
  health(): SegmentHealth | undefined
  want(segment: Segment, hosts: readonly IdleHost[]): void
}

let made = 0

export function openLan(): Lan {
  const tag = `${process.pid}x${made++}`
  const spaces: string[] = []
  const children: ChildProcess[] = []
  const captures: CaptureProcess[] = []
  const ip = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync('ip', args, { encoding: 'utf8', timeout: 10_000 })
    if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`)
    return stdout
  }
  const space = (name: string): string => {
    const full = `sl${name}${tag}`
    ip('netns', 'add', full)
    spaces.push(full)
    ip('-n', full, 'link', 'set', 'lo', 'up')
    return full
  }
  const bridge = space('br')
  spawnSync('ip', ['netns', 'exec', bridge, 'sh', '-c', 'for of in all default; do echo 1 > /proc/sys/net/ipv6/conf/$of/disable_ipv6; done'])
  ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge')
  ip('-n', bridge, 'link', 'set', 'br0', 'up')
  let ports = 0
  const device = `slc${tag}`
  let port = ''
  /** A veth is gone with the namespace that it was in. */
  const plugIn = (): void => {
    if (spawnSync('ip', ['link', 'show', device]).status === 0) return
    port = `p${ports++}`
    ip('link', 'add', device, 'type', 'veth', 'peer', 'name', port, 'netns', bridge)
    ip('-n', bridge, 'link', 'set', port, 'master', 'br0', 'up')
  }

  return {
    interface: device,
    bridge,
    get port() {
      return port
    },
    plugIn,
    host(name, address) {
      const full = space(name)
      const plug = `p${ports++}`
      ip('-n', full, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', plug, 'netns', bridge)
      // IPv6 would speak by itself.
      spawnSync('ip', ['netns', 'exec', full, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6'])
      ip('-n', bridge, 'link', 'set', plug, 'master', 'br0', 'up')
      if (address) ip('-n', full, 'address', 'add', address, 'dev', 'eth0')
      ip('-n', full, 'link', 'set', 'eth0', 'up')
      const [{ address: mac }] = JSON.parse(ip('-n', full, '-j', 'link', 'show', 'eth0')) as [{ address: string }]
      return {
        mac,
        run(...args) {
          const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', full, ...args], { encoding: 'utf8', timeout: 20_000 })
          return { status, text: `${stdout}${stderr}` }
        },
        start(...args) {
          const child = spawn('ip', ['netns', 'exec', full, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
          children.push(child)
          return child
        },
      }
    },
    async capture(segment, hosts, saved = {}) {
      plugIn()
      const lines: string[] = []
      const started = await startCapture({ interfaces: [device], saved, log: (line) => void lines.push(line) })
      captures.push(started)
      let health: SegmentHealth[] = []
      const captured: Captured = {
        process: started,
        events: [],
        syns: [],
        rows: [],
        lines,
        saved: { ...saved },
        health: () => health.find(({ id }) => id === segment.id),
        want: (next, nextHosts) => started.say({ type: 'want', segments: [next], hosts: [...nextHosts] }),
      }
      started.onMessage((message, handle) => {
        if (message.type === 'say') captured.events.push(message.draft)
        if (message.type === 'syn') captured.syns.push(message.syn)
        if (message.type === 'scanned') captured.rows.push(...message.rows)
        if (message.type === 'save') captured.saved[message.segment] = message.text
        if (message.type === 'health') health = message.segments
        if (handle && typeof (handle as { close?: unknown }).close === 'function') (handle as { close(): void }).close()
      })
      captured.want(segment, hosts)
      return captured
    },
    async close() {
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(captures.map((capture) => capture.end()))
      spawnSync('ip', ['link', 'del', device])
      for (const full of spaces) spawnSync('ip', ['netns', 'del', full])
    },
  }
}

/** Waits for a condition; rejects with what was waited for, and what `detail` says then. */
export async function until(what: string, met: () => boolean, timeoutMs = 10_000, detail: () => string = () => ''): Promise<void> {
  for (const end = Date.now() + timeoutMs; !met(); ) {
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms ${detail()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
