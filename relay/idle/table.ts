/** What is remembered of each address of a segment: typed arrays by the address's place in its network, 40 bytes an address. */
import type { YieldReason } from '@shenlou/contract/segment'
import { addressNumber, parseRange } from './addresses.ts'

/** How an owner was noticed; the place in the list is what the table keeps. */
export const notices = ['none', 'arp', 'arp-probe', 'ip', 'dhcp', 'probe', 'kernel'] as const
export type Notice = (typeof notices)[number]

/** Reasons as the table keeps them; 0 is none. */
export const reasons: readonly (YieldReason | undefined)[] = [
  undefined,
  'own-address',
  'cmdb',
  'dhcp-pool',
  'list',
  'owner-seen',
  'probe-answered',
  'dhcp-lease',
  'not-quiet',
  'quota',
  'halted',
  'released',
  'removed',
  'stopped',
]
export const reasonCode = (reason: YieldReason | undefined): number => reasons.indexOf(reason)
/** Why an address is not claimed whose owner was noticed so. */
export const reasonOf: Record<Notice, YieldReason> = {
  none: 'owner-seen',
  arp: 'owner-seen',
  'arp-probe': 'owner-seen',
  ip: 'owner-seen',
  kernel: 'owner-seen',
  dhcp: 'dhcp-lease',
  probe: 'probe-answered',
}

export const states = { idle: 0, probing: 1, claimed: 2 } as const

/** The widest network that a segment may be. */
export const maxAddresses = 65_536

export interface AddressTable {
  readonly first: number
  readonly size: number
  state: Uint8Array
  /** Index into `notices` of the last frame of an owner. */
  notice: Uint8Array
  giveUps: Uint8Array
  /** Clean probes in a row. */
  clean: Uint8Array
  /** Why it is never claimed, and the reason that was last said in an event: indices into `reasons`. */
  never: Uint8Array
  said: Uint8Array
  /** A host that was given up whose neighbours may still hold the decoy's MAC. */
  stale: Uint8Array
  /** Seconds of watching (politeness.ts): last frame of an owner, end of his right, last probe; 0 is never. */
  seenAt: Uint32Array
  heldUntil: Uint32Array
  probedAt: Uint32Array
  /** Milliseconds since 1970: when it became what `state` says. */
  since: Float64Array
  /** MAC of its owner, 0 where it is not known. */
  ownerLow: Uint32Array
  ownerHigh: Uint16Array
}

/** Throws a one-line error for a network that is too wide or is none. */
export function openTable(network: string): AddressTable {
  const range = parseRange(network)
  if (!range || addressNumber(network.split('/')[0] ?? '') === undefined) throw new Error(`${network} is no IPv4 network`)
  const size = range.last - range.first + 1
  if (size > maxAddresses) throw new Error(`${network} has ${size} addresses; a segment has ${maxAddresses} at most: divide it`)
  return {
    first: range.first,
    size,
    state: new Uint8Array(size),
    notice: new Uint8Array(size),
    giveUps: new Uint8Array(size),
    clean: new Uint8Array(size),
    never: new Uint8Array(size),
    said: new Uint8Array(size),
    stale: new Uint8Array(size),
    seenAt: new Uint32Array(size),
    heldUntil: new Uint32Array(size),
    probedAt: new Uint32Array(size),
    since: new Float64Array(size),
    ownerLow: new Uint32Array(size),
    ownerHigh: new Uint16Array(size),
  }
}

export const ownerOf = ({ ownerHigh, ownerLow }: AddressTable, at: number): number => (ownerHigh[at] as number) * 2 ** 32 + (ownerLow[at] as number)
export function setOwner({ ownerHigh, ownerLow }: AddressTable, at: number, mac: number): void {
  ownerHigh[at] = Math.floor(mac / 2 ** 32)
  ownerLow[at] = mac % 2 ** 32
}
