/**
 * The rules of capture as text for nft (1.0.6 and newer; kernel 5.18 and newer): what is answered, as whom, and what is never answered. Pure functions.
 *
 * `table netdev` stands before the stack in both directions: frames reach it for claimed addresses only, while the lease holds, while nobody else was seen with the
 * address; what leaves is from such an address and carries its MAC. `table ip` is the firewall of the hosts behind it: offered ports, resets or silence.
 */
import type { IdleHost } from '@shenlou/contract/segment'
import { addressNumber, addressText, type Range } from '../idle/addresses.ts'
import { classSets, traitChains, traitSets } from './traits.ts'

/** A segment as the rules need it. */
export interface RuledSegment {
  network: string
  /** Never answered. */
  dhcpServers: readonly string[]
  quietS: number
}
/** An interface, or a tagged one within it, with the segments behind it. */
export interface RuledDevice {
  name: string
  /** Its own Ethernet address. */
  mac: string
  segments: readonly RuledSegment[]
  /** Tags of the interfaces made within this one, whose frames pass here to be judged there. */
  vlans?: readonly number[]
}
export interface RulesetOptions {
  table: string
  devices: readonly RuledDevice[]
  /** The interface is also this machine's own: what is not for a claimed address passes. */
  shared: boolean
}

/** Seconds after which the lease ends unless it was renewed. */
export const leaseS = 30

/** Everything of a fresh table, nothing claimed, no lease: it answers nothing. Replaces a table of that name in the same transaction. */
export function ruleset({ table, devices, shared }: RulesetOptions): string {
  return `table netdev ${table}
delete table netdev ${table}
table ip ${table}
delete table ip ${table}
${netdevTable(table, devices, shared)}
${ipTable(table, devices, shared)}
`
}

/** Takes both tables away, where they are. */
export const noRuleset = (table: string): string => `table netdev ${table}\ndelete table netdev ${table}\ntable ip ${table}\ndelete table ip ${table}\n`

const addressesOf = (network: string): number => 2 ** (32 - Number(network.split('/')[1] ?? 32))
/** A set that is full takes nothing more; these hold twice as many as there are addresses. */
const roomFor = (devices: readonly RuledDevice[]): number =>
  Math.max(
    1024,
    devices.flatMap(({ segments }) => segments).reduce((sum, { network }) => sum + 2 * addressesOf(network), 0),
  )
/** Somebody seen with an address keeps it silent for so many seconds, whatever is claimed: longer than a capture process that is held up keeps its lease. */
const inuseS = (quietS: number): number => Math.min(86_400, Math.max(2 * leaseS, quietS))
const list = (elements: readonly string[]): string => (elements.length > 0 ? `elements = { ${elements.join(', ')} }` : '')

function netdevTable(table: string, devices: readonly RuledDevice[], shared: boolean): string {
  const other = shared ? 'accept' : 'drop'
  const room = roomFor(devices)
  const servers = [...new Set(devices.flatMap(({ segments }) => segments.flatMap(({ dhcpServers }) => dhcpServers)))]
  const chains = devices.map((device, nth) => deviceChains(device, nth, other))
  return `table netdev ${table} {
  # Nothing is answered on an interface that is not in here.
  set lease { type ifname; flags timeout; }
  set claim { type ipv4_addr; flags interval; }
  # MAC and address of each claim belong together.
  set pair { type ether_addr . ipv4_addr; }
  map mac { type ipv4_addr : ether_addr; }
  # Somebody else was seen with it.
  set inuse { type ipv4_addr; size ${room}; flags dynamic,timeout; timeout 15m; }
  # Whose frame it was that silenced a claim, once an address: a flood of made-up MACs makes it no longer.
  map gave { type ipv4_addr : ether_addr; size ${room}; flags dynamic,timeout; timeout 1h; }
  # Somebody asked whether it is free (RFC 5227), perhaps to take it.
  set probed { type ipv4_addr; size ${room}; flags dynamic,timeout; timeout 15s; }
  # Who leases addresses is never answered: it would take ours for used.
  set servers { type ipv4_addr; ${list(servers)} }
  set leasing { type ipv4_addr; size ${room}; flags dynamic,timeout; timeout 1d; }
  set leasing_far { type ipv4_addr; size 65536; flags dynamic,timeout; timeout 1d; }
  # Somebody asks for a lease. Whoever begins to ask for an address then may be a server that looks whether it is free before it gives it.
  set lessees { type ifname; flags dynamic,timeout; timeout 4s; }
  # A first request is left to a silent owner; who repeats it within the time is answered.
  set asked { type ipv4_addr . ipv4_addr; size 262144; flags dynamic,timeout; timeout 15s; }
${chains.join('\n')}
}`
}

function deviceChains({ name, mac, segments, vlans = [] }: RuledDevice, nth: number, other: 'accept' | 'drop'): string {
  const tagged = vlans.length > 0 ? `    vlan id { ${vlans.join(', ')} } accept\n` : ''
  const seen = (from: 'arp' | 'ip', macOf: string): string =>
    segments
      .map(
        ({ network, quietS }) => `    ${from} saddr ip ${network} ${from} saddr ip @claim update @gave { ${from} saddr ip : ${macOf} }
    ${from} saddr ip ${network} update @inuse { ${from} saddr ip timeout ${inuseS(quietS)}s }`,
      )
      .join('\n')
      .replaceAll('ip saddr ip', 'ip saddr')
  // What belongs behind another interface is that one's to answer: where two are on one wire, both would.
  const elsewhere = (address: string): string =>
    segments.length > 0 ? `    ${address} != { ${segments.map(({ network }) => network).join(', ')} } ${other}\n` : ''
  const leasing = segments.map(({ network }) => `    udp sport 67 udp dport 68 ip saddr ${network} update @leasing { ip saddr }`).join('\n')
  // A trunk whose own untagged frames belong to no segment lets none of them in, and sends nothing of its own.
  const out = segments.length === 0 && vlans.length > 0 ? '' : outChains(name, mac, nth, other, tagged, elsewhere)
  return `  chain in${nth} {
    type filter hook ingress device "${name}" priority 0; policy ${other};
${tagged}    ether type arp goto arp_in${nth}
    ether type ip goto ip_in${nth}
    # A tag of priority alone (IEEE 802.1Q, 6.9.1) leaves a frame in this network.
    ether type vlan vlan id 0 vlan type arp goto arp_in${nth}
    ether type vlan vlan id 0 vlan type ip goto ip_in${nth}
    ether type 8021ad vlan id 0 vlan type arp goto arp_in${nth}
    ether type 8021ad vlan id 0 vlan type ip goto ip_in${nth}
  }
  chain arp_in${nth} {
    # Our own, that a switch gave back.
    ether saddr . arp saddr ip @pair drop
    arp saddr ether . arp saddr ip @pair drop
${seen('arp', 'arp saddr ether')}
    arp saddr ip 0.0.0.0 arp daddr ip @claim update @probed { arp daddr ip }
${elsewhere('arp daddr ip')}    arp daddr ip != @claim ${other}
    arp saddr ip 0.0.0.0 drop
    arp daddr ip @inuse drop
    arp daddr ip @probed drop
    arp saddr ip @servers drop
    arp saddr ip @leasing drop
    iifname != @lease drop
    # An entry that we gave is checked again, or we asked: meant for this host alone.
    ether daddr . arp daddr ip @pair meta pkttype set host accept
    arp operation != request drop
    ether daddr != ff:ff:ff:ff:ff:ff drop
    arp saddr ip . arp daddr ip @asked accept
    iifname @lessees drop
    add @asked { arp saddr ip . arp daddr ip } drop
    drop
  }
  chain ip_in${nth} {
    ether saddr . ip saddr @pair drop
${seen('ip', 'ether saddr')}
${leasing}
    ip saddr 0.0.0.0 udp sport 68 udp dport 67 update @lessees { iifname }
    udp sport 67 udp dport 68 ip saddr != @leasing update @leasing_far { ip saddr }
${elsewhere('ip daddr')}    ip daddr != @claim ${other}
    ip daddr @inuse drop
    ip daddr @probed drop
    ip saddr @servers drop
    ip saddr @leasing drop
    ip saddr @leasing_far drop
    iifname != @lease drop
    ether daddr . ip daddr @pair meta pkttype set host accept
    drop
  }
${out}`
}

/** What leaves: as a claimed address with its MAC, or a probe, or the healing of a stale entry, which names the owner's MAC and not ours. */
const outChains = (
  name: string,
  mac: string,
  nth: number,
  other: string,
  tagged: string,
  elsewhere: (address: string) => string,
): string => `  chain out${nth} {
    type filter hook egress device "${name}" priority 0; policy ${other};
${tagged}    ether type arp goto arp_out${nth}
    ether type ip goto ip_out${nth}
  }
  chain arp_out${nth} {
    arp saddr ip 0.0.0.0 accept
    arp saddr ether != ${mac} accept
${elsewhere('arp saddr ip')}    arp saddr ip != @claim ${other}
    arp saddr ip @inuse drop
    arp saddr ip @probed drop
    oifname != @lease drop
    ether saddr set arp saddr ip map @mac
    arp saddr ether set arp saddr ip map @mac accept
    drop
  }
  chain ip_out${nth} {
${elsewhere('ip saddr')}    ip saddr != @claim ${other}
    ip saddr @inuse drop
    ip saddr @probed drop
    oifname != @lease drop
    ether saddr set ip saddr map @mac accept
    drop
  }`

/** Rows that each of the next two has room for. */
export const mostScanned = 65_536
/** Two sets of what was asked for in vain; which one takes the rows is swapped before the other is read, so that no row is lost. */
const scanned = `type ipv4_addr . ipv4_addr . inet_proto . inet_service; size ${mostScanned}; flags dynamic,timeout; timeout 10m;`

function ipTable(table: string, devices: readonly RuledDevice[], shared: boolean): string {
  return `table ip ${table} {
  set captured { type ifname; ${list(devices.map(({ name }) => `"${name}"`))} }
  set claim { type ipv4_addr; flags interval; }
  set offered { type ipv4_addr . inet_proto . inet_service; }
  # Closed ports of these are silent.
  set silent { type ipv4_addr; }
  set scanned_a { ${scanned} }
  set scanned_b { ${scanned} }
${traitSets}
  chain note {
    ${noteRule('a')}
  }
  chain in {
    type filter hook input priority filter; policy accept;
    iifname != @captured accept
    ip daddr != @claim ${shared ? 'accept' : 'drop'}
    ip daddr . meta l4proto . th dport @offered accept
    icmp type { echo-request, echo-reply, destination-unreachable, time-exceeded, parameter-problem } accept
    tcp flags & (fin | syn | rst | ack) == syn jump note
    meta l4proto udp jump note
    ip daddr @silent drop
    meta l4proto tcp reject with tcp reset
    meta l4proto udp reject with icmp type port-unreachable
    drop
  }
${traitChains(shared)}
}`
}
const noteRule = (letter: 'a' | 'b'): string => `update @scanned_${letter} { ip saddr . ip daddr . meta l4proto . th dport }`

/** From here on the rows go into that set, in one step. */
export const noteInto = (table: string, letter: 'a' | 'b'): string => `flush chain ip ${table} note\nadd rule ip ${table} note ${noteRule(letter)}\n`

/** Gives the lease anew. What is deleted and added in one transaction has its whole time again on every kernel; `add` alone refreshes nothing on older ones. */
export const renewLease = (table: string, devices: readonly string[], first = false): string =>
  devices
    .map((name) => `${first ? '' : `delete element netdev ${table} lease { "${name}" }\n`}add element netdev ${table} lease { "${name}" timeout ${leaseS}s }\n`)
    .join('')
export const endLease = (table: string): string => `flush set netdev ${table} lease\n`

/** The shortest list of ranges: a whole network is one element. */
export function rangesOf(addresses: Iterable<string>): Range[] {
  const numbers = Uint32Array.from([...addresses].map((address) => addressNumber(address) as number)).sort()
  const ranges: Range[] = []
  for (const number of numbers) {
    const last = ranges.at(-1)
    if (last && number <= last.last + 1) last.last = number
    else ranges.push({ first: number, last: number })
  }
  return ranges
}
const rangeText = ({ first, last }: Range): string => (first === last ? addressText(first) : `${addressText(first)}-${addressText(last)}`)

/** The transaction that makes exactly `after` be claimed, of `before`. Empty when nothing changes. */
export function claimChange(table: string, before: ReadonlyMap<string, IdleHost>, after: ReadonlyMap<string, IdleHost>): string {
  const same = (one: IdleHost | undefined, two: IdleHost | undefined): boolean =>
    one !== undefined && two !== undefined && one.mac === two.mac && one.tcp === two.tcp && one.closed === two.closed
  const gone = [...before.values()].filter((host) => !same(after.get(host.address), host))
  const come = [...after.values()].filter((host) => !same(before.get(host.address), host))
  if (gone.length === 0 && come.length === 0) return ''
  const change = (verb: 'add' | 'delete', family: 'netdev' | 'ip', set: string, elements: string[]): string =>
    elements.length > 0 ? `${verb} element ${family} ${table} ${set} { ${elements.join(', ')} }\n` : ''
  const all = (verb: 'add' | 'delete', hosts: IdleHost[]): string => {
    const sets = classSets(hosts)
    return [
      change(
        verb,
        'netdev',
        'pair',
        hosts.map(({ mac, address }) => `${mac} . ${address}`),
      ),
      change(
        verb,
        'netdev',
        'mac',
        hosts.map(({ mac, address }) => `${address} : ${mac}`),
      ),
      change(
        verb,
        'ip',
        'silent',
        hosts.filter(({ closed }) => closed === 'silent').map(({ address }) => address),
      ),
      ...Object.entries(sets).map(([set, elements]) => change(verb, 'ip', set, elements)),
    ].join('')
  }
  const ranges = rangesOf(after.keys()).map(rangeText)
  const claim = (family: 'netdev' | 'ip'): string => `flush set ${family} ${table} claim\n${change('add', family, 'claim', ranges)}`
  return [claim('netdev'), claim('ip'), all('delete', gone), all('add', come)].join('')
}

/** A port of an address that leads to a decoy. */
export interface Offered {
  address: string
  transport: 'tcp' | 'udp'
  port: number
}
/** The transaction that makes exactly these be offered; both are as `offeredElement` writes them. */
export function offeredChange(table: string, before: ReadonlySet<string>, after: ReadonlySet<string>): string {
  const gone = [...before].filter((element) => !after.has(element))
  const come = [...after].filter((element) => !before.has(element))
  const line = (verb: string, elements: string[]): string => (elements.length > 0 ? `${verb} element ip ${table} offered { ${elements.join(', ')} }\n` : '')
  return line('delete', gone) + line('add', come)
}
export const offeredElement = ({ address, transport, port }: Offered): string => `${address} . ${transport} . ${port}`
