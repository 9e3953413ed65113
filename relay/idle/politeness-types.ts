/** What goes into and comes out of the engine of politeness.ts. */
import type { EventDraft } from '@shenlou/contract/event'
import type { IdleHost, Segment, SegmentHealth, YieldReason } from '@shenlou/contract/segment'
import type { DhcpFrame } from './frames.ts'
import type { PolitenessRules } from './rules.ts'
import type { Notice } from './table.ts'

type IdleEvent = 'address.claimed' | 'address.refused' | 'address.released' | 'segment.halted' | 'segment.resumed'
/** An event without its id and time. */
export type IdleDraft = { [K in IdleEvent]: Pick<Extract<EventDraft, { kind: K }>, 'kind' | 'body'> }[IdleEvent]

/** What is to be done now, in this order: the kernel would write the decoy's MAC into a heal of what it still claims. */
export interface Acts {
  releases: number[]
  heals: { address: number; mac: number }[]
  claims: IdleHost[]
  probes: number[]
  /** DHCP servers that were not known: neither their pings nor their ARP are to be answered. */
  servers: number[]
  events: IdleDraft[]
}

/** What is used, what would be claimed, what not and why. */
export interface Survey {
  used: { address: string; mac: string | undefined; notice: Notice; agoS: number }[]
  would: { addresses: string[]; count: number }
  not: { reason: YieldReason; addresses: string[]; count: number }[]
}

/** Times are milliseconds that never go back; addresses and MACs are numbers (addresses.ts). */
export interface Politeness {
  /** A frame of an address's owner: ARP with it as sender, IPv4 from it, an ARP probe for it, an answer to our probe; or the kernel gave it up. */
  seen(address: number, mac: number, notice: Exclude<Notice, 'none' | 'dhcp'>, now: number): void
  dhcp(frame: DhcpFrame, now: number): void
  /** Somebody asks who has this address. */
  asked(address: number, now: number): void
  /** Probes that stayed unanswered for their time. Answers are `seen`. */
  clean(addresses: Iterable<number>, now: number): void
  /** The kernel let go of everything by itself. */
  dropped(now: number): void
  /** The kernel would not take these claims; they are tried again a while later. */
  notClaimed(addresses: Iterable<number>, now: number): void
  /** Throws when the segment became another network. */
  update(segment: Segment, hosts: readonly IdleHost[], now: number): void
  /** The watch ended, or began to see again. */
  blind(now: number): void
  sees(now: number): void
  /** By hand: lets go of everything until `resume`, which also ends a halt. */
  release(now: number): void
  resume(now: number): void
  /** Lets go of all; nothing is claimed afterwards. */
  stop(now: number): void
  /** To be called about once a second; takes time in proportion to the hosts wanted. */
  tick(now: number): void
  /** What is to be done since it was last asked. */
  take(): Acts
  health(now: number): SegmentHealth
  survey(now: number): Survey
  stateOf(address: number): 'unknown' | 'watching' | 'probing' | 'claimed' | 'yielded'
  /** Rises when `save` would tell of an owner, a server or a person's word that it did not tell of before. */
  readonly news: number
  /** What must outlive a restart, as text; `wallClock` in milliseconds since 1970. */
  save(now: number, wallClock: number): string
}

export interface PolitenessOptions {
  segment: Segment
  hosts: readonly IdleHost[]
  now: number
  /** MAC of the capture interface, and the relay's own addresses on it. */
  deviceMac?: string | undefined
  own?: readonly string[]
  /** What `save` gave in an earlier run, and the time now by the same clock. */
  saved?: { text: string; wallClock: number } | undefined
  rules?: Partial<PolitenessRules>
}
