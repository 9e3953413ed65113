/** The events of a segment's addresses, bounded: ranges rather than an entry an address, and the count whole. */
import type { IdleHost, Segment, YieldReason } from '@shenlou/contract/segment'
import { addressText, macText, rangesText } from './addresses.ts'
import type { IdleDraft } from './politeness-types.ts'
import type { Notice } from './table.ts'

const most = 256
/** Reasons that are an owner's doing. */
const byOwner: readonly YieldReason[] = ['owner-seen', 'probe-answered', 'dhcp-lease']

/** How an owner shows himself changes from frame to frame; that there is one is said once. */
export const isSaid = (before: YieldReason | undefined, now: YieldReason): boolean =>
  before === now || (before !== undefined && byOwner.includes(before) && byOwner.includes(now))

export type Groups = Map<YieldReason, number[]>
export function addTo(groups: Groups, reason: YieldReason, address: number): void {
  const group = groups.get(reason)
  if (group) group.push(address)
  else groups.set(reason, [address])
}

export function claimedEvents({ id, quietS }: Segment, hosts: readonly IdleHost[]): IdleDraft[] {
  const events: IdleDraft[] = []
  for (let from = 0; from < hosts.length; from += most) {
    const some = hosts.slice(from, from + most).map(({ address, mac, tcp }) => ({ address, mac, tcp }))
    events.push({ kind: 'address.claimed', body: { segment: id, hosts: some, quietS } })
  }
  return events
}

/** `ownerOf` names the owner of a single address, 0 where he is not known. */
export const refusedEvents = (segment: string, groups: Groups, ownerOf: (address: number) => number): IdleDraft[] =>
  [...groups].map(([reason, unsorted]) => {
    const addresses = unsorted.toSorted((a, b) => a - b)
    const mac = addresses.length === 1 && byOwner.includes(reason) ? ownerOf(addresses[0] as number) : 0
    const body = { segment, addresses: rangesText(addresses, most), count: addresses.length, reason }
    return { kind: 'address.refused', body: mac === 0 ? body : { ...body, by: macText(mac) } }
  })

export const releasedEvents = (segment: string, groups: Groups): IdleDraft[] =>
  [...groups].map(([reason, addresses]) => ({
    kind: 'address.released',
    body: { segment, addresses: rangesText(addresses, most), count: addresses.length, reason },
  }))

/** One address that went to its owner; `heldMs` is how long it had been claimed. */
export const givenUpEvent = (
  segment: string,
  address: number,
  reason: YieldReason,
  heldMs: number,
  { mac, notice }: { mac: number; notice: Notice },
): IdleDraft => ({
  kind: 'address.released',
  body: {
    segment,
    addresses: [addressText(address)],
    count: 1,
    reason,
    heldMs,
    ...(mac === 0 ? {} : { by: macText(mac) }),
    frame: notice === 'none' ? 'kernel' : notice,
  },
})

/** Whoever leases addresses is not answered, so who says that he does is not watched: worth a look where nobody named him. Empty when all are named. */
export function strangeServers({ dhcpServers }: Segment, servers: Iterable<number>): string {
  const strange = [...servers].map(addressText).filter((address) => !dhcpServers.includes(address))
  if (strange.length === 0) return ''
  const named = `${strange.slice(0, 8).join(', ')}${strange.length > 8 ? ' …' : ''}`
  return `${strange.length} DHCP servers answer here that the segment does not name: ${named}; decoys do not answer them`
}

export const haltedEvent = (segment: string, giveUps: number, windowMs: number, addresses: Iterable<number>): IdleDraft => ({
  kind: 'segment.halted',
  body: {
    segment,
    giveUps,
    windowMs,
    addresses: rangesText(
      [...new Set(addresses)].sort((a, b) => a - b),
      most,
    ),
  },
})
