/** A segment as its engine knows it: who is there, what would be claimed, what not and why. */
import type { EventDraft } from '@shenlou/contract/event'
import type { YieldReason } from '@shenlou/contract/segment'
import { addressNumber, addressText, macText, rangesText } from './addresses.ts'
import type { Survey } from './politeness-types.ts'
import { addTo, type Groups } from './said.ts'
import { type AddressTable, type Notice, notices, ownerOf } from './table.ts'

/** `watchedS` is now in seconds of watching; `verdict` says of a place what comes of it, undefined where no host is wanted. */
export function surveyOf(table: AddressTable, watchedS: number, verdict: (at: number) => YieldReason | 'would' | undefined): Survey {
  const { first, size, seenAt, notice } = table
  const used: Survey['used'] = []
  const would: number[] = []
  const not: Groups = new Map()
  for (let at = 0; at < size; at++) {
    if (seenAt[at] !== 0) {
      const mac = ownerOf(table, at)
      const how = notices[notice[at] as number] as Notice
      used.push({ address: addressText(first + at), mac: mac === 0 ? undefined : macText(mac), notice: how, agoS: watchedS - (seenAt[at] as number) })
    }
    const reason = verdict(at)
    if (reason === 'would') would.push(first + at)
    else if (reason !== undefined) addTo(not, reason, first + at)
  }
  return {
    used,
    would: { addresses: rangesText(would), count: would.length },
    not: [...not].map(([reason, addresses]) => ({ reason, addresses: rangesText(addresses), count: addresses.length })),
  }
}

/** Addresses that somebody has; one that was only asked about is nobody's yet. */
export function usedOf({ size, heldUntil, notice }: AddressTable, watchedS: number): number {
  let used = 0
  for (let at = 0; at < size; at++) if ((heldUntil[at] as number) > watchedS && notices[notice[at] as number] !== 'arp-probe') used += 1
  return used
}

export function countRefusals(order: Iterable<number>, reasonOf: (at: number) => YieldReason | undefined): Partial<Record<YieldReason, number>> {
  const counts: Partial<Record<YieldReason, number>> = {}
  for (const at of order) {
    const reason = reasonOf(at)
    if (reason) counts[reason] = (counts[reason] ?? 0) + 1
  }
  return counts
}

/** What no survey can see, for whoever decides by one. */
export const unseen = [
  'Hosts that speak only to others in unicast are not seen on a switch until they answer a probe or send a broadcast.',
  'A host that is switched off, or that answers no ARP while it sleeps, looks like an idle address: tell of it in the inventory or a list.',
  'A DHCP server behind a relay agent is learned only from leases it gives here: tell of its pools.',
  'A host that ignores ARP requests from outside its own network, or from 0.0.0.0 where the relay has no address here, does not answer the probe.',
] as const

/** A survey as an event tells of it: bounded, the counts whole. */
export const surveyEvent = (segment: string, { used, would, not }: Survey): Pick<Extract<EventDraft, { kind: 'segment.surveyed' }>, 'kind' | 'body'> => ({
  kind: 'segment.surveyed',
  body: {
    segment,
    would: { addresses: would.addresses.slice(0, 256), count: would.count },
    not: not.map(({ reason, addresses, count }) => ({ reason, addresses: addresses.slice(0, 256), count })),
    used: {
      addresses: rangesText(
        used.map(({ address }) => addressNumber(address) ?? 0),
        256,
      ),
      count: used.length,
    },
  },
})
