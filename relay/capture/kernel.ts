/** What the side that decides about idle addresses (relay/idle) and the side that answers for them (relay/capture) say to each other; types only. */
import type { EventDraft } from '@shenlou/contract/event'
import type { IdleHost, Segment, SegmentHealth } from '@shenlou/contract/segment'
import type { Survey } from '../idle/politeness-types.ts'
import type { SynFacts } from '../idle/first-hop.ts'

/** The kernel of one capture interface, for one segment. Every change is one transaction: all of it or, with a rejection, nothing of it. */
export interface Kernel {
  /** Begins to answer as these hosts. Rejects for an address outside the segment, its own, its gateway's or a DHCP server's. */
  claim(hosts: readonly IdleHost[]): Promise<void>
  /** Ends that at once; an address that is not claimed is fine. */
  release(addresses: readonly string[]): Promise<void>
  releaseAll(): Promise<void>
  /** DHCP servers that were learned: not answered from now on, wherever they are. */
  quiet(servers: readonly string[]): Promise<void>
  /** Claimed addresses of which the ruleset saw a frame of somebody else, and fell silent by itself. Said until they are released. */
  yielded(): Promise<Yielded[]>
  /** Closed ports of claimed addresses that were asked for since the last call; each row once. */
  scanned(): Promise<Probed[]>
}
export interface Yielded {
  address: string
  /** Ethernet address of the frame. */
  mac?: string
}
export interface Probed {
  source: string
  address: string
  port: number
  transport: 'tcp' | 'udp'
}

/** A TCP SYN as it met the capture interface. `observed` travels with the stream of its connection. */
export interface SynSeen {
  source: { ip: string; port: number }
  destination: { ip: string; port: number }
  observed: SynFacts
}

export interface IdleOptions {
  segment: Segment
  hosts: readonly IdleHost[]
  /** Name of the interface in the namespace of this process. */
  device: string
  kernel: Kernel
  say(draft: Pick<EventDraft, 'kind' | 'body'> & Partial<EventDraft>): void
  /** Milliseconds since 1970. */
  clock?: () => number
  onSyn?(syn: SynSeen): void
  log?(line: string): void
}
/** What decides for one segment; `startIdle` returns it. */
export interface IdleEngine {
  update(segment: Segment, hosts: readonly IdleHost[]): void
  health(): SegmentHealth
  /** By hand: lets go of everything until `resume`, which also ends a halt. Resolves when nothing is answered any more. */
  release?(): Promise<void>
  resume?(): void
  survey?(): Survey
  /** Lets go of everything. */
  close(): Promise<void>
}
