/** MIB-II (RFC 1213) of a device, its vendor's objects, and of version 3 the engine's own (RFC 3411, 3414), as the nodes of one tree. */
import type { SnmpInterface, SnmpTemplate } from '@shenlou/contract/snmp'
import type { Persona } from '../../persona.ts'
import type { Wrote } from '../say.ts'
import { type Oid, parseOid, type Value } from './ber.ts'
import { addressedInterface, type InterfaceCounts, type Own } from './counts.ts'
import { status } from './message.ts'
import { vendorNode } from './objects.ts'
import type { Node, View, Write } from './tree.ts'
import { engineIdOf } from './usm.ts'
import { bytesOf, counter, filler, gauge, integer, none, text } from './values.ts'

/** Where this device is seen: its address, and the ports that it listens on. */
export interface Place {
  address: string
  ports: readonly { transport: 'tcp' | 'udp'; port: number }[]
}

type Read = (view: View) => Value

const mib2: Oid = [1, 3, 6, 1, 2, 1]
const scalar = (group: Oid, at: number, name: string, read: Read, write?: Write): Node => ({
  oid: [...group, at, 0],
  object: group.length + 1,
  name: `${name}.0`,
  read,
  ...(write ? { write } : {}),
})
/** One cell of a table: `entry`, its column, the row's index. */
const cell = (entry: Oid, column: number, index: Oid, name: string, read: Read): Node => ({
  oid: [...entry, column, ...index],
  object: entry.length + 1,
  name: `${name}.${index.join('.')}`,
  read,
})

/** Every object of the agent. */
export function nodesOf(persona: Persona, template: SnmpTemplate, place: Place): Node[] {
  const fill = filler(persona)
  const groups: Record<SnmpTemplate['groups'][number], () => Node[]> = {
    system: () => systemGroup(template, fill),
    interfaces: () => interfaceGroup(persona, template, fill),
    ip: () => ipGroup(template, place),
    icmp: icmpGroup,
    tcp: () => tcpGroup(template, place),
    udp: () => udpGroup(template, place),
    snmp: snmpGroup,
  }
  return [
    ...template.groups.flatMap((name) => groups[name]()),
    ...template.objects.map((object) => vendorNode(object, fill)),
    ...(template.versions.includes('v3') ? engineGroup(persona, template) : []),
  ]
}

function systemGroup(template: SnmpTemplate, fill: (pattern: string) => string): Node[] {
  const group = [...mib2, 1]
  const description = text(fill(template.description))
  const objectId: Value = { type: 'oid', value: parseOid(template.objectId) }
  const settable = (at: number, name: string, first: string): Node => {
    const initial = Buffer.from(fill(first))
    return scalar(group, at, name, ({ texts }) => ({ type: 'octets', value: texts.get(name) ?? initial }), template.writable ? textWrite(name) : undefined)
  }
  return [
    scalar(group, 1, 'sysDescr', () => description),
    scalar(group, 2, 'sysObjectID', () => objectId),
    scalar(group, 3, 'sysUpTime', ({ uptime }) => ({ type: 'ticks', value: Math.floor(uptime * 100) % 4_294_967_296 })),
    settable(4, 'sysContact', template.contact),
    settable(5, 'sysName', template.name),
    settable(6, 'sysLocation', template.location),
    scalar(group, 7, 'sysServices', () => integer(template.services)),
  ]
}

/** DisplayString (SIZE (0..255)). */
const textWrite = (name: string): Write => ({
  check: (value) => (value.type !== 'octets' ? status.wrongType : value.value.length > 255 ? status.wrongLength : status.noError),
  apply(value, { texts }): Wrote {
    if (value.type === 'octets') texts.set(name, value.value)
    return { points: [], changed: false }
  },
})

function interfaceGroup(persona: Persona, { interfaces }: SnmpTemplate, fill: (pattern: string) => string): Node[] {
  const group = [...mib2, 2]
  const entry = [...group, 2, 1]
  const mac = Buffer.from(persona.mac.replaceAll(':', ''), 'hex')
  let addresses = 0
  const rows = interfaces.flatMap((each: SnmpInterface, at) => {
    const index = [at + 1]
    const address = each.hardwareAddress ? Buffer.from(mac) : Buffer.alloc(0)
    // Ports of one device have addresses in a row.
    if (each.hardwareAddress) address.writeUIntBE((mac.readUIntBE(3, 3) + addresses++) & 0xffffff, 3, 3)
    const state = integer(each.up ? 1 : 2)
    // Its link came up while it booted.
    const changed = persona.number(`snmp link ${at}`, 320, 2900)
    const counted = (column: number, name: string, pick: (counts: InterfaceCounts) => number): Node =>
      cell(entry, column, index, name, ({ counts }) => counter(pick(counts.of(at))))
    const fixed = (column: number, name: string, value: Value): Node => cell(entry, column, index, name, () => value)
    return [
      fixed(1, 'ifIndex', integer(at + 1)),
      fixed(2, 'ifDescr', text(fill(each.description))),
      fixed(3, 'ifType', integer(each.type)),
      fixed(4, 'ifMtu', integer(each.mtu)),
      fixed(5, 'ifSpeed', gauge(each.speed)),
      fixed(6, 'ifPhysAddress', { type: 'octets', value: address }),
      fixed(7, 'ifAdminStatus', integer(1)),
      fixed(8, 'ifOperStatus', state),
      fixed(9, 'ifLastChange', { type: 'ticks', value: each.up ? changed : 0 }),
      counted(10, 'ifInOctets', (counts) => counts.inOctets),
      counted(11, 'ifInUcastPkts', (counts) => counts.inUnicast),
      counted(12, 'ifInNUcastPkts', (counts) => counts.inOther),
      fixed(13, 'ifInDiscards', counter(0)),
      fixed(14, 'ifInErrors', counter(0)),
      counted(15, 'ifInUnknownProtos', (counts) => counts.inOther / 41),
      counted(16, 'ifOutOctets', (counts) => counts.outOctets),
      counted(17, 'ifOutUcastPkts', (counts) => counts.outUnicast),
      counted(18, 'ifOutNUcastPkts', (counts) => counts.outOther),
      fixed(19, 'ifOutDiscards', counter(0)),
      fixed(20, 'ifOutErrors', counter(0)),
      fixed(21, 'ifOutQLen', gauge(0)),
      fixed(22, 'ifSpecific', none),
    ]
  })
  return [scalar(group, 1, 'ifNumber', () => integer(interfaces.length)), ...rows]
}

function ipGroup(template: SnmpTemplate, { address }: Place): Node[] {
  const group = [...mib2, 4]
  const received: Read = ({ counts }) => counter(counts.packets().in)
  const names = ['ipReasmReqds', 'ipReasmOKs', 'ipReasmFails', 'ipFragOKs', 'ipFragFails', 'ipFragCreates']
  const nodes = [
    scalar(group, 1, 'ipForwarding', () => integer(2)),
    scalar(group, 2, 'ipDefaultTTL', () => integer(template.ttl)),
    scalar(group, 3, 'ipInReceives', received),
    scalar(group, 4, 'ipInHdrErrors', () => counter(0)),
    scalar(group, 5, 'ipInAddrErrors', ({ counts }) => counter(discarded(counts.packets().in))),
    scalar(group, 6, 'ipForwDatagrams', () => counter(0)),
    scalar(group, 7, 'ipInUnknownProtos', () => counter(0)),
    scalar(group, 8, 'ipInDiscards', () => counter(0)),
    scalar(group, 9, 'ipInDelivers', ({ counts }) => counter(delivered(counts.packets().in))),
    scalar(group, 10, 'ipOutRequests', ({ counts }) => counter(counts.packets().out)),
    scalar(group, 11, 'ipOutDiscards', () => counter(0)),
    scalar(group, 12, 'ipOutNoRoutes', () => counter(0)),
    scalar(group, 13, 'ipReasmTimeout', () => integer(60)),
    ...names.map((name, at) => scalar(group, 14 + at, name, () => counter(0))),
    scalar(group, 23, 'ipRoutingDiscards', () => counter(0)),
  ]
  const bytes = bytesOf(address)
  if (!bytes) return nodes
  const used = addressedInterface(template)
  const entry = [...group, 20, 1]
  return [
    ...nodes,
    cell(entry, 1, bytes, 'ipAdEntAddr', () => ({ type: 'ip', value: Buffer.from(bytes) })),
    cell(entry, 2, bytes, 'ipAdEntIfIndex', () => integer(used + 1)),
    cell(entry, 3, bytes, 'ipAdEntNetMask', () => ({ type: 'ip', value: Buffer.from([255, 255, 255, 0]) })),
    cell(entry, 4, bytes, 'ipAdEntBcastAddr', () => integer(1)),
    cell(entry, 5, bytes, 'ipAdEntReasmMaxSize', () => integer(65_535)),
  ]
}
/** Broadcasts of other networks. */
const discarded = (packets: number): number => Math.floor(packets / 619)
const delivered = (packets: number): number => packets - discarded(packets)

const icmpNames = [
  'Msgs',
  'Errors',
  'DestUnreachs',
  'TimeExcds',
  'ParmProbs',
  'SrcQuenchs',
  'Redirects',
  'Echos',
  'EchoReps',
  'Timestamps',
  'TimestampReps',
  'AddrMasks',
  'AddrMaskReps',
]
/** Somebody pings it now and then, and it answers. */
function icmpGroup(): Node[] {
  const group = [...mib2, 5]
  const echoes: Read = ({ counts }) => counter(counts.icmp())
  return ['In', 'Out'].flatMap((way, side) =>
    icmpNames.map((name, at) => {
      const moves = at === 0 || at === (side === 0 ? 7 : 8)
      return scalar(group, side * 13 + at + 1, `icmp${way}${name}`, moves ? echoes : () => counter(0))
    }),
  )
}

function tcpGroup(template: SnmpTemplate, { address, ports }: Place): Node[] {
  const group = [...mib2, 6]
  const entry = [...group, 13, 1]
  const listening = [...new Set(ports.filter(({ transport }) => transport === 'tcp').map(({ port }) => port))].sort((a, b) => a - b)
  const local = localAddress(template, address)
  return [
    scalar(group, 1, 'tcpRtoAlgorithm', () => integer(4)),
    scalar(group, 2, 'tcpRtoMin', () => integer(500)),
    scalar(group, 3, 'tcpRtoMax', () => integer(60_000)),
    scalar(group, 4, 'tcpMaxConn', () => integer(template.tcpMaxConnections)),
    scalar(group, 5, 'tcpActiveOpens', () => counter(0)),
    scalar(group, 6, 'tcpPassiveOpens', ({ counts }) => counter(counts.connections())),
    scalar(group, 7, 'tcpAttemptFails', () => counter(0)),
    scalar(group, 8, 'tcpEstabResets', ({ counts }) => counter(counts.connections() / 23)),
    scalar(group, 9, 'tcpCurrEstab', () => gauge(0)),
    scalar(group, 10, 'tcpInSegs', (view) => counter(delivered(view.counts.packets().in) - view.counts.icmp() - datagrams(view).in)),
    scalar(group, 11, 'tcpOutSegs', (view) => counter(view.counts.packets().out - view.counts.icmp() - datagrams(view).out)),
    scalar(group, 12, 'tcpRetransSegs', ({ counts }) => counter(counts.connections() / 9)),
    ...listening.flatMap((port) => {
      const index = [...local, port, 0, 0, 0, 0, 0]
      return [
        cell(entry, 1, index, 'tcpConnState', () => integer(2)),
        cell(entry, 2, index, 'tcpConnLocalAddress', () => ({ type: 'ip', value: Buffer.from(local) })),
        cell(entry, 3, index, 'tcpConnLocalPort', () => integer(port)),
        cell(entry, 4, index, 'tcpConnRemAddress', () => ({ type: 'ip', value: Buffer.alloc(4) })),
        cell(entry, 5, index, 'tcpConnRemPort', () => integer(0)),
      ]
    }),
    scalar(group, 14, 'tcpInErrs', () => counter(0)),
    scalar(group, 15, 'tcpOutRsts', ({ counts }) => counter(counts.connections() / 11)),
  ]
}

const localAddress = ({ listens }: SnmpTemplate, address: string): number[] => (listens === 'own-address' ? bytesOf(address) : undefined) ?? [0, 0, 0, 0]

/** Most datagrams of a quiet device are requests to this agent; some go to ports that nobody listens on. */
const datagrams = ({ counts }: View): { in: number; out: number; stray: number } => {
  const stray = Math.floor(counts.icmp() / 2)
  return { in: counts.own.inPkts + stray, out: counts.own.outPkts, stray }
}

function udpGroup(template: SnmpTemplate, { address, ports }: Place): Node[] {
  const local = localAddress(template, address)
  const group = [...mib2, 7]
  const entry = [...group, 5, 1]
  const listening = [...new Set(ports.filter(({ transport }) => transport === 'udp').map(({ port }) => port))].sort((a, b) => a - b)
  return [
    scalar(group, 1, 'udpInDatagrams', ({ counts }) => counter(counts.own.inPkts)),
    scalar(group, 2, 'udpNoPorts', (view) => counter(datagrams(view).stray)),
    scalar(group, 3, 'udpInErrors', () => counter(0)),
    scalar(group, 4, 'udpOutDatagrams', ({ counts }) => counter(counts.own.outPkts)),
    ...listening.flatMap((port) => [
      cell(entry, 1, [...local, port], 'udpLocalAddress', () => ({ type: 'ip', value: Buffer.from(local) })),
      cell(entry, 2, [...local, port], 'udpLocalPort', () => integer(port)),
    ]),
  ]
}

/** By number in the group; RFC 1213 leaves 7 and 23 out. */
const snmpNames: Record<number, [name: string, count: (own: Own) => number]> = {
  1: ['snmpInPkts', (own) => own.inPkts],
  2: ['snmpOutPkts', (own) => own.outPkts],
  3: ['snmpInBadVersions', (own) => own.badVersions],
  4: ['snmpInBadCommunityNames', (own) => own.badCommunityNames],
  5: ['snmpInBadCommunityUses', (own) => own.badCommunityUses],
  6: ['snmpInASNParseErrs', (own) => own.asnParseErrs],
  8: ['snmpInTooBigs', () => 0],
  9: ['snmpInNoSuchNames', () => 0],
  10: ['snmpInBadValues', () => 0],
  11: ['snmpInReadOnlys', () => 0],
  12: ['snmpInGenErrs', () => 0],
  13: ['snmpInTotalReqVars', (own) => own.reqVars],
  14: ['snmpInTotalSetVars', (own) => own.setVars],
  15: ['snmpInGetRequests', (own) => own.gets],
  16: ['snmpInGetNexts', (own) => own.nexts],
  17: ['snmpInSetRequests', (own) => own.sets],
  18: ['snmpInGetResponses', () => 0],
  19: ['snmpInTraps', () => 0],
  20: ['snmpOutTooBigs', (own) => own.tooBigs],
  21: ['snmpOutNoSuchNames', (own) => own.noSuchNames],
  22: ['snmpOutBadValues', (own) => own.badValues],
  24: ['snmpOutGenErrs', (own) => own.genErrs],
  25: ['snmpOutGetRequests', () => 0],
  26: ['snmpOutGetNexts', () => 0],
  27: ['snmpOutSetRequests', () => 0],
  28: ['snmpOutGetResponses', (own) => own.responses],
  29: ['snmpOutTraps', () => 0],
}
function snmpGroup(): Node[] {
  const group = [...mib2, 11]
  return [
    ...Object.entries(snmpNames).map(([at, [name, count]]) => scalar(group, Number(at), name, ({ counts }) => counter(count(counts.own)))),
    scalar(group, 30, 'snmpEnableAuthenTraps', () => integer(2)),
  ]
}

/** snmpEngine of RFC 3411 and the counters of RFC 3414. */
function engineGroup(persona: Persona, template: SnmpTemplate): Node[] {
  const engine = [1, 3, 6, 1, 6, 3, 10, 2, 1]
  const usm = [1, 3, 6, 1, 6, 3, 15, 1, 1]
  const engineId: Value = { type: 'octets', value: engineIdOf(persona, template.enterprise) }
  const counts: [string, (own: Own) => number][] = [
    ['usmStatsUnsupportedSecLevels', (own) => own.unsupportedSecLevels],
    ['usmStatsNotInTimeWindows', (own) => own.notInTimeWindows],
    ['usmStatsUnknownUserNames', (own) => own.unknownUserNames],
    ['usmStatsUnknownEngineIDs', (own) => own.unknownEngineIds],
    ['usmStatsWrongDigests', (own) => own.wrongDigests],
    ['usmStatsDecryptionErrors', (own) => own.decryptionErrors],
  ]
  return [
    scalar(engine, 1, 'snmpEngineID', () => engineId),
    scalar(engine, 2, 'snmpEngineBoots', () => integer(persona.boots)),
    scalar(engine, 3, 'snmpEngineTime', ({ uptime }) => integer(Math.floor(uptime))),
    scalar(engine, 4, 'snmpEngineMaxMessageSize', () => integer(template.maxMessage)),
    ...counts.map(([name, count], at) => scalar(usm, at + 1, name, (view) => counter(count(view.counts.own)))),
  ]
}
