/**
 * What must stand before an address may be answered, as steps in their order. Each leaves nothing answered that was not before: the rules that drop everything are there
 * before the interface is up, the lease before any route, the routes before any claim. They are taken back from the last to the first.
 */
import { readFile, writeFile } from 'node:fs/promises'
import type { Segment } from '@shenlou/contract/segment'
import { nft, runProgram } from './program.ts'
import { endLease, noRuleset, type RuledDevice, renewLease, ruleset } from './ruleset.ts'
import { classMark, classWindow, tcpRmem } from './traits.ts'

export const stepNames = ['sysctls', 'ruleset', 'link', 'lease', 'rules', 'routes'] as const
export type StepName = (typeof stepNames)[number]

export interface Step {
  name: StepName
  take(): Promise<void>
  back(): Promise<void>
}
export interface StepOptions {
  table: string
  devices: readonly RuledDevice[]
  /** Segments by the device that they are behind. */
  segments: readonly { segment: Segment; device: string }[]
  shared: boolean
}

/** Marks routes as ours, so that what a killed process left is found and taken away (iproute2: any number that is not in use). */
export const routeProtocol = 199

const settings = (devices: readonly string[]): [string, string][] => [
  // A hardened image that sets one of these would silence every claim, or lose what comes from beyond a router.
  ...['all', 'default', ...devices].flatMap((name): [string, string][] => [
    [`ipv4/conf/${name}/arp_ignore`, '0'],
    [`ipv4/conf/${name}/arp_announce`, '0'],
    [`ipv4/conf/${name}/arp_filter`, '0'],
    [`ipv4/conf/${name}/rp_filter`, '0'],
    [`ipv4/conf/${name}/accept_redirects`, '0'],
    // What a machine was set to is the default of each new namespace.
    [`ipv4/conf/${name}/accept_source_route`, '0'],
    [`ipv4/conf/${name}/proxy_arp`, '0'],
    [`ipv4/conf/${name}/log_martians`, '0'],
    [`ipv4/conf/${name}/forwarding`, '0'],
    // IPv6 is not covered: nothing of ours speaks it on the wire.
    [`ipv6/conf/${name}/disable_ipv6`, '1'],
  ]),
  ['ipv4/ip_unprivileged_port_start', '0'],
  ['ipv4/tcp_rmem', tcpRmem],
  ['ipv4/tcp_fwmark_accept', '1'],
  ['ipv4/tcp_ecn', '2'],
  // Connections that nobody holds any more keep the namespace, and with it the interface: not for long.
  ['ipv4/tcp_orphan_retries', '3'],
  ['ipv4/tcp_fin_timeout', '10'],
]
/** Writes below /proc/sys/net of this namespace; CAP_NET_ADMIN is enough. IPv6 may be built out. */
async function setSysctl(name: string, value: string): Promise<void> {
  try {
    await writeFile(`/proc/sys/net/${name}`, value)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && name.startsWith('ipv6/')) return
    throw new Error(`the kernel does not let net.${name.replaceAll('/', '.')} be set (${code}); /proc/sys must be writable for the relay`)
  }
}

/** Rule priorities: replies of a class, replies of a segment, then what is local, then the main table. */
const preference = { ofClass: 6, ofSegment: 8, toSegment: 10, local: 100 } as const
const tableOf = (nth: number, mark = 0): number => 1000 + nth * 10 + mark

/** Routes out: replies leave by the interface of their segment, by its gateway beyond; a class clamps the window. In the form of `ip -batch`. */
export const replyRoutes = (segments: StepOptions['segments']): string[] => [
  `rule add pref ${preference.local} lookup local`,
  ...segments.flatMap(({ segment: { network, gateway }, device }, nth) => {
    const routes = (table: number, window?: number): string[] => {
      const clamp = window === undefined ? '' : ` window ${window}`
      return [
        `route add ${network} dev ${device} scope link${clamp} table ${table}`,
        ...(gateway ? [`route add default via ${gateway} dev ${device} onlink${clamp} table ${table}`] : []),
      ]
    }
    return [
      `route add ${network} dev ${device} scope link`,
      ...routes(tableOf(nth)),
      ...(['linux', 'windows', 'embedded'] as const).flatMap((tcp) => [
        ...routes(tableOf(nth, classMark[tcp]), classWindow[tcp]),
        `rule add pref ${preference.ofClass} iif lo from ${network} fwmark ${classMark[tcp]} lookup ${tableOf(nth, classMark[tcp])}`,
      ]),
      `rule add pref ${preference.ofSegment} iif lo from ${network} lookup ${tableOf(nth)}`,
      `rule add pref ${preference.toSegment} iif lo to ${network} lookup main`,
    ]
  }),
  // Last: until here the local table is asked first, as everywhere.
  'rule del pref 0',
]
const batch = (lines: readonly string[], force = false): Promise<string> =>
  runProgram('ip', [...(force ? ['-force'] : []), '-batch', '-'], `${lines.join('\n')}\n`)
/** The other way round, going on where something is not there any more. */
const undo = (lines: readonly string[]): Promise<unknown> =>
  batch(
    lines.toReversed().map((line) => (line === 'rule del pref 0' ? 'rule add pref 0 lookup local' : line.replace(/^(rule|route) add/, '$1 del'))),
    true,
  ).catch(() => {})

export function stepsOf({ table, devices, segments, shared }: StepOptions): Step[] {
  const names = devices.map(({ name }) => name)
  const answering = devices.filter((device) => device.segments.length > 0).map(({ name }) => name)
  const local = segments.map(({ segment: { network } }) => `route add local ${network} dev lo proto ${routeProtocol}`)
  const each = (verb: (name: string) => string[]): Promise<string> => batch(names.flatMap(verb))
  const nothing = async (): Promise<void> => {}
  const steps: Step[] = [
    {
      name: 'sysctls',
      take: shared ? () => checkShared(names) : async () => void (await Promise.all(settings(names).map(([name, value]) => setSysctl(name, value)))),
      back: nothing,
    },
    { name: 'ruleset', take: () => loadRuleset(ruleset({ table, devices, shared })), back: () => nft(noRuleset(table)) },
    {
      name: 'link',
      async take() {
        if (!shared) await batch(['link set lo up'])
        // Frames for made-up addresses reach a promiscuous interface only.
        await each((name) => (shared ? [`link set ${name} promisc on`] : [`link set ${name} promisc on`, `link set ${name} up`]))
      },
      back: async () => void (await each((name) => (shared ? [`link set ${name} promisc off`] : [`link set ${name} down`, `link set ${name} promisc off`]))),
    },
    { name: 'lease', take: () => nft(renewLease(table, answering, true)), back: () => nft(endLease(table)) },
    // Where the interface is shared, the machine's own rules stay, and each claim brings its own route.
    {
      name: 'rules',
      take: shared ? nothing : async () => void (await batch(replyRoutes(segments))),
      back: shared ? nothing : async () => void (await undo(replyRoutes(segments))),
    },
    { name: 'routes', take: shared ? nothing : async () => void (await batch(local)), back: shared ? nothing : async () => void (await undo(local)) },
  ]
  return steps
}

/** Loads rules, and says which kernel is needed where this one has no such hooks. */
async function loadRuleset(script: string): Promise<void> {
  try {
    await nft(script)
  } catch (error) {
    const { message } = error as Error
    if (/missing/.test(message)) throw error
    throw new Error(
      `the kernel refused the rules of capture; they need Linux 5.18 or newer with nf_tables on netdev ingress and egress, and nftables 1.0.6 or newer: ${message}`.slice(
        0,
        290,
      ),
    )
  }
}

/** On a machine's own interface its settings are left alone, so they must fit. */
async function checkShared(names: readonly string[]): Promise<void> {
  for (const name of ['all', ...names]) {
    const value = (await readFile(`/proc/sys/net/ipv4/conf/${name}/arp_ignore`, 'utf8').catch(() => '0')).trim()
    if (value !== '0') throw new Error(`net.ipv4.conf.${name}.arp_ignore is ${value}: this machine answers for no address but its own; set it to 0`)
  }
}

/** Takes the steps in order; what fails takes back those before it and is thrown. `onStep` is told of each and may hold the next. */
export async function takeSteps(steps: readonly Step[], onStep: (name: StepName) => Promise<void> | void = () => {}): Promise<void> {
  const taken: Step[] = []
  try {
    for (const step of steps) {
      taken.push(step)
      await step.take()
      await onStep(step.name)
    }
  } catch (error) {
    await takeBack(taken).catch(() => {})
    throw error
  }
}
/** Takes them back from the last to the first. Stops where one cannot be: what stands below it is what holds it silent. */
export async function takeBack(steps: readonly Step[]): Promise<void> {
  for (const step of steps.toReversed()) await step.back()
}
