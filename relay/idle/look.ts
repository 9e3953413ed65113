/** What a frame means for the politeness of a segment. */
import type { Segment } from '@shenlou/contract/segment'
import { addressText, macNumber, parseRange } from './addresses.ts'
import type { Frame } from './frames.ts'
import type { Politeness } from './politeness-types.ts'

/** pcap-filter(7) of what owners of addresses show themselves by; unicast IPv4 of others is left out, there is too much of it. */
export const ownersFilter = ({ network }: Pick<Segment, 'network'>): string =>
  `arp or (udp and (port 67 or port 68)) or (ip and ether multicast and src net ${networkOf(network)})`
/** First segments of connections to the segment's addresses. */
export const synFilter = ({ network }: Pick<Segment, 'network'>): string =>
  `ip and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and dst net ${networkOf(network)}`

/** pcap-filter(7) refuses a network with host bits. */
function networkOf(network: string): string {
  const range = parseRange(network)
  if (!range) throw new Error(`${network} is no IPv4 network`)
  return `${addressText(range.first)}/${network.split('/')[1] ?? 32}`
}

/** Returns what takes a frame: tells the engine whose address was seen in use, who is asked for, what is leased. `deviceMac` is the capture interface's own. */
export function lookAt(segment: Segment, engine: Politeness, deviceMac: string | undefined): (frame: Frame, now: number) => void {
  const own = macNumber(deviceMac ?? '')
  return (frame, now) => {
    // A trunk's other networks are not this segment; where the interface is the tagged one, the tag is gone. Tag 0 is a priority alone (IEEE 802.1Q, 6.9.1).
    if (frame.vlan !== undefined && frame.vlan !== 0 && frame.vlan !== segment.vlan) return
    if (frame.etherFrom === own && own !== 0) return
    if (frame.kind === 'arp') {
      const { operation, senderIp, senderMac, targetIp } = frame
      if (senderIp === 0) {
        // RFC 5227, section 2.1.1: whoever asks so is about to take it. A reply from nowhere says nothing.
        if (operation === 'request') engine.seen(targetIp, senderMac, 'arp-probe', now)
        return
      }
      // Our probes name no sender, or go out from this interface: their answers come to it alone.
      engine.seen(senderIp, senderMac, operation === 'reply' && (targetIp === 0 || frame.etherTo === own) ? 'probe' : 'arp', now)
      if (operation === 'request' && targetIp !== senderIp) engine.asked(targetIp, now)
      return
    }
    // From beyond a router the frame is the router's, and the address none of the segment's; a segment's own address says that somebody has it.
    if (frame.source !== 0) engine.seen(frame.source, frame.etherFrom, 'ip', now)
    if (frame.kind === 'dhcp') engine.dhcp(frame, now)
  }
}
