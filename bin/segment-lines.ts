/** Segments as a plan prints them. */
import type { UnseenKind } from '@shenlou/contract/segment-template'
import type { PlannedSegment } from '@shenlou/contract/template'

const unseen: Record<UnseenKind, string> = {
  'unicast-of-others': 'unicast between other hosts',
  'silent-owners': 'hosts that never broadcast (each address is probed before it is claimed)',
  'relayed-dhcp': 'leases given through a DHCP relay (list their pools)',
  'other-vlans': 'other VLANs',
  ipv6: 'IPv6',
}
const marks = { create: '+', change: '~', remove: '-', keep: ' ' } as const

/** One planned segment as lines: what it is, what is left out and why, what is not seen, its hosts. */
export function segmentLines(segment: PlannedSegment): string[] {
  const { id, relay, network, hosts, total, mix, excluded } = segment
  const width = (of: (host: PlannedSegment['hosts'][number]) => string): number => Math.max(0, ...hosts.map((host) => of(host).length))
  const [name, persona] = [width(({ hostname }) => hostname), width((host) => host.persona)]
  const vlan = segment.vlan === undefined ? '' : ` VLAN ${segment.vlan}`
  return [
    '',
    `segment ${id}: ${network} on ${relay} ${segment.interface}${vlan}${segment.dryRun ? ', dry run' : ''}`,
    `  ${total} hosts of ${segment.vendors} vendors, ${segment.out} addresses left out, ${segment.idle} stay idle; claimed after ${quiet(segment.quietS)} of quiet, at most ${segment.quota} at once`,
    `  mix       ${mix.map((each) => `${each.persona} ${each.hosts}`).join(', ')}`,
    ...excluded.map(
      ({ range, addresses, reason, note }) => `  left out  ${range.padEnd(31)} ${String(addresses).padStart(6)}  ${reason}${note ? `: ${note}` : ''}`,
    ),
    `  not seen  ${segment.unseen.map((kind) => unseen[kind]).join('; ')}`,
    ...hosts.map(
      (host) =>
        `${marks[host.action]} ${host.address.padEnd(15)} ${host.mac}  ${host.hostname.padEnd(name)}  ${host.persona.padEnd(persona)}  ${host.tcp.padEnd(8)}  ${host.ports.join(', ')}`,
    ),
    ...(hosts.length < total ? [`  ${hosts.length} of ${total} hosts are shown; --full shows every one`] : []),
  ]
}
const quiet = (seconds: number): string => (seconds < 60 ? `${seconds} s` : seconds % 3600 === 0 ? `${seconds / 3600} h` : `${Math.round(seconds / 60)} min`)
