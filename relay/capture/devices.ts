/** Interfaces of this namespace: what they are, and those made for the tags of a trunk. */
import type { Segment } from '@shenlou/contract/segment'
import { overlap } from '../idle/addresses.ts'
import { runProgram } from './program.ts'
import type { RuledDevice } from './ruleset.ts'

/** Ethernet address of an interface. Rejects with a line when there is none of that name, or when it is no Ethernet. */
export async function macOf(name: string): Promise<string> {
  const text = await runProgram('ip', ['-j', 'link', 'show', 'dev', name]).catch((error: Error) => {
    throw /does not exist|Cannot find/i.test(error.message) ? new Error(`there is no interface ${name} here; 'ip link' lists them`) : error
  })
  const [found] = JSON.parse(text) as { address?: string; link_type?: string }[]
  if (!found?.address || !['ether', 'loopback'].includes(found.link_type ?? '')) throw new Error(`${name} is not an Ethernet interface`)
  return found.address
}

/** Names of interfaces have 15 characters at most. */
export const vlanDevice = (name: string, vlan: number): string => {
  const plain = `${name}.${vlan}`
  return plain.length <= 15 ? plain : `${name.slice(0, 14 - String(vlan).length)}.${vlan}`
}
/** Arguments of `ip` that make the interface of a tag. */
export const vlanCommand = (name: string, vlan: number): string[] => [
  'link',
  'add',
  'link',
  name,
  'name',
  vlanDevice(name, vlan),
  'type',
  'vlan',
  'id',
  String(vlan),
]

export interface FoundDevices {
  devices: RuledDevice[]
  segments: { segment: Segment; device: string }[]
  /** Segments that cannot be had, with what a person is told. */
  failed: { segment: Segment; detail: string }[]
}

/** What these segments need of these interfaces. Makes the interfaces of their tags where they are missing. */
export async function findDevices(interfaces: readonly string[], wanted: readonly Segment[]): Promise<FoundDevices> {
  const failed: FoundDevices['failed'] = []
  const placed: { segment: Segment; device: string }[] = []
  for (const segment of wanted) {
    const { interface: name, vlan, network } = segment
    const other = placed.find(({ segment: { network: taken } }) => overlap(taken, network))
    if (!interfaces.includes(name))
      failed.push({ segment, detail: `this relay was not given ${name}; start it with --capture ${[...interfaces, name].join(',')}` })
    else if (other) failed.push({ segment, detail: `${network} overlaps ${other.segment.network} of segment ${other.segment.id}; give it a relay of its own` })
    else if (vlan === undefined) placed.push({ segment, device: name })
    else
      try {
        const device = vlanDevice(name, vlan)
        await macOf(device).catch(() => runProgram('ip', vlanCommand(name, vlan)))
        placed.push({ segment, device })
      } catch (error) {
        failed.push({
          segment,
          detail: `the kernel refused an interface for tag ${vlan} on ${name}; it needs the module 8021q: ${(error as Error).message}`.slice(0, 290),
        })
      }
  }
  const vlansOf = (name: string): number[] => placed.flatMap(({ segment }) => (segment.interface === name && segment.vlan !== undefined ? [segment.vlan] : []))
  const ruled = async (name: string, vlans: number[]): Promise<RuledDevice> => ({
    name,
    mac: await macOf(name),
    segments: placed.filter(({ device }) => device === name).map(({ segment }) => segment),
    vlans,
  })
  const devices: RuledDevice[] = []
  for (const name of interfaces) {
    devices.push(await ruled(name, vlansOf(name)))
    for (const vlan of new Set(vlansOf(name))) devices.push(await ruled(vlanDevice(name, vlan), []))
  }
  return { devices, segments: placed, failed }
}
