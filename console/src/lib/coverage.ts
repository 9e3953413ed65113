/** Words and colours of segments and their addresses. */
import type { AddressState, CoverageSegment, SegmentAddress } from '@shenlou/contract/coverage'
import type { YieldReason } from '@shenlou/contract/segment'
import type { PlannedSegment } from '@shenlou/contract/template'
import { m } from '../paraglide/messages.js'
import { number } from './format.ts'

export type { AddressState, CoverageSegment, SegmentAddress }

/** In the order of bars and legends: what is real, what is ours, what is neither. */
export const shownStates = ['used', 'claimed', 'planned', 'refused', 'excluded', 'pool', 'reserved', 'free'] as const satisfies readonly AddressState[]

export const addressWords: Record<AddressState, () => string> = {
  free: m.address_free,
  reserved: m.address_reserved,
  excluded: m.address_excluded,
  pool: m.address_pool,
  used: m.address_used,
  planned: m.address_planned,
  claimed: m.address_claimed,
  refused: m.address_refused,
}
/** Variables of app.css. */
export const addressColours: Record<AddressState, string> = {
  free: 'raised',
  reserved: 'text',
  excluded: 'muted',
  pool: 'line-strong',
  used: 'low',
  planned: 'medium',
  claimed: 'good',
  refused: 'critical',
}
export const segmentWords: Record<CoverageSegment['state'], () => string> = {
  starting: m.segment_starting,
  watching: m.segment_watching,
  claiming: m.segment_claiming,
  halted: m.segment_halted_state,
  'dry-run': m.segment_dry_run,
  released: m.segment_released,
  failed: m.segment_failed,
  'no-relay': m.segment_no_relay,
  away: m.segment_away,
}
export const segmentTone = ({ state, released }: CoverageSegment): 'good' | 'warn' | 'bad' | 'plain' =>
  released || state === 'released' || state === 'dry-run'
    ? 'plain'
    : state === 'claiming'
      ? 'good'
      : state === 'starting' || state === 'watching'
        ? 'warn'
        : 'bad'

/** Why an address is what it is: a relay's reason, or the template's. */
export const reasonWords: Record<YieldReason | 'gateway' | 'dhcp-server' | 'network' | 'placement', () => string> = {
  'owner-seen': m.yield_owner_seen,
  'probe-answered': m.yield_probe_answered,
  'dhcp-lease': m.yield_dhcp_lease,
  'dhcp-pool': m.yield_dhcp_pool,
  cmdb: m.yield_cmdb,
  list: m.yield_list,
  'own-address': m.yield_own_address,
  'not-quiet': m.yield_not_quiet,
  quota: m.yield_quota,
  halted: m.yield_halted,
  removed: m.yield_removed,
  released: m.yield_released,
  stopped: m.yield_stopped,
  gateway: m.yield_gateway,
  'dhcp-server': m.yield_dhcp_server,
  network: m.yield_network,
  placement: m.yield_placement,
}
export const unseenWords: Record<PlannedSegment['unseen'][number], () => string> = {
  'unicast-of-others': m.unseen_unicast_of_others,
  'silent-owners': m.unseen_silent_owners,
  'relayed-dhcp': m.unseen_relayed_dhcp,
  'other-vlans': m.unseen_other_vlans,
  ipv6: m.unseen_ipv6,
}

/** One sentence a blind spot; ports that nobody offers share theirs. */
export function blindSentences({ blind, relay }: CoverageSegment): string[] {
  const ports = blind.filter(({ kind }) => kind === 'port').map(({ detail }) => detail)
  const sentences = blind.flatMap(({ kind, detail, count }): string[] => {
    const n = number(count ?? 0)
    switch (kind) {
      case 'no-relay':
        return [m.blind_no_relay({ relay })]
      case 'away':
        return [m.blind_away({ relay })]
      case 'not-said':
        return [m.blind_not_said()]
      case 'dry-run':
        return [m.blind_dry_run()]
      case 'released':
        return [m.blind_released()]
      case 'halted':
        return [m.blind_halted()]
      case 'failed':
        return [m.blind_failed({ detail })]
      case 'undrawn':
        return [m.blind_undrawn({ n })]
      case 'not-seen':
        return [m.blind_not_seen({ n, detail })]
      case 'other-vlans':
        return [m.blind_other_vlans({ detail })]
      default:
        return []
    }
  })
  return ports.length > 0 ? [...sentences, m.blind_ports({ ports: ports.join(', ') })] : sentences
}

/** `10.0.0.7` so many addresses after the first of `10.0.0.0/24`. */
export function addressAt(network: string, offset: number): string {
  const first = (network.split('/')[0] ?? '').split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  return [24, 16, 8, 0].map((shift) => Math.floor((first + offset) / 2 ** shift) % 256).join('.')
}

/** Columns of a map of so many addresses: rows stay a power of two, so that blocks line up. */
export const columnsFor = (cells: number): number => (cells <= 256 ? 32 : cells <= 2048 ? 64 : cells <= 16_384 ? 128 : 256)
