/** What an agent and its network count: traffic that goes on by itself since the last boot, and what this agent has done on top of it. */
import type { SnmpTemplate } from '@shenlou/contract/snmp'
import type { Persona } from '../../persona.ts'

/** What an agent itself has counted since its process began; RFC 3418, 3412 and 3414 have the names. */
export interface Own {
  inPkts: number
  outPkts: number
  inOctets: number
  outOctets: number
  badVersions: number
  badCommunityNames: number
  badCommunityUses: number
  asnParseErrs: number
  reqVars: number
  setVars: number
  gets: number
  nexts: number
  sets: number
  responses: number
  tooBigs: number
  noSuchNames: number
  badValues: number
  genErrs: number
  silentDrops: number
  unsupportedSecLevels: number
  notInTimeWindows: number
  unknownUserNames: number
  unknownEngineIds: number
  wrongDigests: number
  decryptionErrors: number
  unknownContexts: number
  invalidMsgs: number
}

export const noCounts = (): Own => ({
  inPkts: 0,
  outPkts: 0,
  inOctets: 0,
  outOctets: 0,
  badVersions: 0,
  badCommunityNames: 0,
  badCommunityUses: 0,
  asnParseErrs: 0,
  reqVars: 0,
  setVars: 0,
  gets: 0,
  nexts: 0,
  sets: 0,
  responses: 0,
  tooBigs: 0,
  noSuchNames: 0,
  badValues: 0,
  genErrs: 0,
  silentDrops: 0,
  unsupportedSecLevels: 0,
  notInTimeWindows: 0,
  unknownUserNames: 0,
  unknownEngineIds: 0,
  wrongDigests: 0,
  decryptionErrors: 0,
  unknownContexts: 0,
  invalidMsgs: 0,
})

export interface InterfaceCounts {
  inOctets: number
  inUnicast: number
  inOther: number
  outOctets: number
  outUnicast: number
  outOther: number
}
export interface Counts {
  readonly own: Own
  /** Of the interface with that index, from 0. */
  of(index: number): InterfaceCounts
  /** Packets for IP, in and out. */
  packets(): { in: number; out: number }
  icmp(): number
  /** Connections that were taken. */
  connections(): number
}

/** Below one in sum, so that what is counted never runs backwards: how far from its mean the rate goes, and in how many seconds it comes around. */
const waves: readonly (readonly [part: number, seconds: number])[] = [
  [0.24, 13.7],
  [0.2, 71],
  [0.16, 947],
  [0.12, 17_311],
  [0.18, 86_400],
]
/** Ethernet, IP and UDP around a datagram. */
const overhead = 46

/** Index, from 0, of the interface that the IP address of the device is on. */
export function addressedInterface({ interfaces }: SnmpTemplate): number {
  const said = interfaces.findIndex(({ address }) => address)
  const up = interfaces.findIndex((each) => each.up)
  return said >= 0 ? said : Math.max(0, up)
}

/** How one kind of traffic of a device sways: drawn once, read at every count. */
const drawn = new WeakMap<Persona, Map<string, { rate: number; phases: number[] }>>()
function drawnFor(persona: Persona, purpose: string): { rate: number; phases: number[] } {
  const known = drawn.get(persona) ?? new Map<string, { rate: number; phases: number[] }>()
  drawn.set(persona, known)
  const found = known.get(purpose) ?? {
    rate: persona.number(`snmp ${purpose} rate`, 70, 140) / 100,
    phases: waves.map((_, at) => persona.number(`snmp ${purpose} ${at}`, 0, 628) / 100),
  }
  known.set(purpose, found)
  return found
}

/** What has been counted `uptime` seconds after the boot; the same moment always gives the same number. Interfaces sway together: what goes through a port goes on inside. */
export function countsAt(persona: Persona, template: SnmpTemplate, own: Own, uptime: number): Counts {
  const grown = (purpose: string, perSecond: number): number => {
    const { rate, phases } = drawnFor(persona, purpose)
    const sway = waves.reduce((sum, [part, seconds], at) => {
      const phase = phases[at] ?? 0
      const turn = (2 * Math.PI) / seconds
      return sum + (part / turn) * (Math.sin(turn * uptime + phase) - Math.sin(phase))
    }, 0)
    return Math.floor(perSecond * rate * (uptime + sway))
  }
  const addressed = addressedInterface(template)
  const port = template.interfaces.findIndex(({ traffic, up }) => up && traffic[0] > 0)
  const known: InterfaceCounts[] = []
  const of = (index: number): InterfaceCounts => {
    known[index] ??= counted(index)
    return known[index]
  }
  const counted = (index: number): InterfaceCounts => {
    const [rateIn, rateOut] = template.interfaces[index]?.up ? (template.interfaces[index]?.traffic ?? [0, 0]) : [0, 0]
    const mine = index === port || index === addressed ? own : undefined
    const inUnicast = grown('unicast in', (rateIn * 0.8) / 118)
    const inOther = grown('other in', (rateIn * 0.2) / 74)
    const outUnicast = grown('unicast out', (rateOut * 0.97) / 132)
    const outOther = grown('other out', (rateOut * 0.03) / 80)
    return {
      inOctets: inUnicast * 118 + inOther * 74 + (mine ? mine.inOctets + mine.inPkts * overhead : 0),
      inUnicast: inUnicast + (mine?.inPkts ?? 0),
      inOther,
      outOctets: outUnicast * 132 + outOther * 80 + (mine ? mine.outOctets + mine.outPkts * overhead : 0),
      outUnicast: outUnicast + (mine?.outPkts ?? 0),
      outOther,
    }
  }
  return {
    own,
    of,
    packets() {
      const { inUnicast, inOther, outUnicast } = of(addressed)
      return { in: inUnicast + Math.floor(inOther / 3), out: outUnicast }
    },
    icmp: () => grown('icmp', 1 / 340),
    connections: () => grown('connections', 1 / 1700),
  }
}
