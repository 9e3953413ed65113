/** Addresses of a segment that are never claimed, whoever was seen there. */
import type { Segment, YieldReason } from '@shenlou/contract/segment'
import { parseRange } from './addresses.ts'
import { type AddressTable, reasonCode } from './table.ts'

/** Marks what was told (lists), then the gateway, the DHCP servers, `own` addresses, and the network's own two. */
export function markNever({ never, first, size }: AddressTable, segment: Segment, own: readonly string[]): void {
  const mark = (text: string, reason: YieldReason): void => {
    const range = parseRange(text)
    if (!range) return
    const from = Math.max(first, range.first) - first
    const to = Math.min(first + size - 1, range.last) - first
    if (from <= to) never.fill(reasonCode(reason), from, to + 1)
  }
  never.fill(0)
  // What the inventory knows says most about an address, so it is marked last.
  for (const reason of ['list', 'dhcp-pool', 'cmdb'] as const)
    for (const exclusion of segment.exclusions) if (exclusion.reason === reason) mark(exclusion.range, reason)
  for (const address of [segment.gateway, ...segment.dhcpServers, ...own]) if (address !== undefined) mark(address, 'own-address')
  // A /31 has neither network nor broadcast address (RFC 3021).
  if (size <= 2) return
  never[0] = reasonCode('own-address')
  never[size - 1] = reasonCode('own-address')
}
