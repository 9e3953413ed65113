/**
 * How the stacks of Linux, Windows and embedded devices differ on the wire, as rules for nft: initial TTL, window and its scale, order of the TCP options, ECN, IP ids,
 * answers to odd segments. Linux is what this kernel does by itself, with the receive buffers of a plain installation (`tcpRmem`).
 *
 * Not reachable this way: patterns of initial sequence numbers, the order of options with timestamps, times of retransmission, the DF bit of an embedded device's resets.
 */
import type { IdleHost, TcpClass } from '@shenlou/contract/segment'

/** Of a connection as it is accepted (`tcp_fwmark_accept`), so that its routes can clamp the window. */
export const classMark: Record<TcpClass, number> = { linux: 1, windows: 2, embedded: 3 }
/** The largest receive window in bytes that routes of a class allow; it also decides the window scale: 7, 8, none. */
export const classWindow: Record<TcpClass, number | undefined> = { linux: 6_291_456, windows: undefined, embedded: 10_000 }
/** As distributions set it on machines with little memory; a larger maximum shows as a window scale that few hosts have. */
export const tcpRmem = '4096 131072 8388608'

/** Names of the sets as `classSets` fills them. */
export const traitSets = `  set windows { type ipv4_addr; }
  set embedded { type ipv4_addr; }
  map class { type ipv4_addr : mark; }`

/** Elements of each set of the table for these hosts. */
export const classSets = (hosts: readonly IdleHost[]): Record<string, string[]> => ({
  windows: hosts.filter(({ tcp }) => tcp === 'windows').map(({ address }) => address),
  embedded: hosts.filter(({ tcp }) => tcp === 'embedded').map(({ address }) => address),
  class: hosts.map(({ address, tcp }) => `${address} : ${classMark[tcp]}`),
})

/** One counter for all that a class sends, as its stack has; through a map because nft writes the low half of a plain number only. */
const countingId = `ip id set numgen inc mod 4096 map { ${Array.from({ length: 4096 }, (_, nth) => `${nth} : ${4096 + nth}`).join(', ')} }`

/** Chains of the ip table. Where the interface is shared no mark is set: accepting by mark would change every socket of the machine. */
export const traitChains = (shared: boolean): string => `  chain before {
    type filter hook prerouting priority -170; policy accept;
    iifname != @captured accept
    ip daddr @windows jump windows_in
    ip daddr @embedded jump embedded_in
${shared ? '' : '    tcp flags & (syn | ack) == syn meta mark set ip daddr map @class\n'}  }
  chain windows_in {
    # Answers odd segments with a reset, and no timestamp request.
    tcp flags & (fin | syn | psh | urg) == (fin | syn | psh | urg) reject with tcp reset
    tcp flags & (fin | syn | rst | psh | ack | urg) == 0x0 reject with tcp reset
    icmp type { timestamp-request, address-mask-request } drop
    # No timestamps, no ECN: the offer is taken away before our stack sees it.
    tcp flags & (syn | ack) == syn jump plain_syn
  }
  chain embedded_in {
    tcp flags & (fin | syn | psh | urg) == (fin | syn | psh | urg) drop
    tcp flags & (fin | syn | rst | psh | ack | urg) == 0x0 drop
    icmp type { timestamp-request, address-mask-request } drop
    tcp flags & (syn | ack) == syn reset tcp option sack-perm
    tcp flags & (syn | ack) == syn jump plain_syn
  }
  chain plain_syn {
    reset tcp option timestamp
    tcp flags set syn
  }
  chain after {
    type filter hook postrouting priority 300; policy accept;
    oifname != @captured accept
    ip saddr @windows jump windows_out
    ip saddr @embedded jump embedded_out
  }
  chain windows_out {
    ip ttl set 128
    icmp type echo-reply icmp code set 0
    tcp flags == rst tcp ackseq set 0x1f2e3d4c
    ${countingId}
    # Of the SYN-ACK: MSS NOP NOP SACK NOP WS becomes MSS NOP WS NOP NOP SACK.
    tcp flags & (syn | ack) == (syn | ack) tcp window set 65535
    tcp flags & (syn | ack) == (syn | ack) tcp option window exists tcp option sack-perm exists @th,192,64 set 0x0103030801010402
  }
  chain embedded_out {
    ip ttl set 64
    tcp flags & (syn | ack) == (syn | ack) tcp window set 10000
    ${countingId}
  }`
