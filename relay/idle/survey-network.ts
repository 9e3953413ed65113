/** The dry run of a network without a core or a configuration: every address is looked at as if it were wanted. */
import type { IdleHost, Segment } from '@shenlou/contract/segment'
import type { Kernel } from '../capture/kernel.ts'
import { addressText, parseRange } from './addresses.ts'
import { interfaceOf, startIdle } from './idle.ts'
import type { Survey } from './politeness-types.ts'
import { maxAddresses } from './table.ts'

/** How many addresses a network has; undefined when it is none, or too wide for one segment. */
export function addressesIn(network: string): number | undefined {
  const range = network.includes('/') ? parseRange(network) : undefined
  const size = range ? range.last - range.first + 1 : 0
  return size >= 1 && size <= maxAddresses ? size : undefined
}

const nothing: Kernel = {
  claim: () => Promise.reject(new Error('a survey answers nothing')),
  release: async () => {},
  releaseAll: async () => {},
  quiet: async () => {},
  yielded: async () => [],
  scanned: async () => [],
}

/** Rejects with one line when the interface cannot be watched. Needs CAP_NET_RAW, as root has it. */
export async function surveyNetwork({
  device,
  network,
  seconds,
  log,
}: {
  device: string
  network: string
  seconds: number
  log(line: string): void
}): Promise<Survey> {
  const { mac, own } = interfaceOf(device)
  if (mac === undefined) throw new Error(`there is no interface ${device} here; 'ip link' lists them`)
  const range = parseRange(network)
  const size = addressesIn(network)
  if (!range || size === undefined) throw new Error(`${network} is no IPv4 network of at most ${maxAddresses} addresses`)
  const segment: Segment = {
    id: 'survey',
    interface: device,
    network,
    dhcpServers: [],
    exclusions: [],
    // The survey's own length is the quiet time.
    quietS: 1,
    quota: maxAddresses,
    dryRun: true,
    released: false,
  }
  const hosts = Array.from(
    { length: size },
    (_, nth): IdleHost => ({ segment: 'survey', address: addressText(range.first + nth), mac: '02:00:00:00:00:00', tcp: 'linux', closed: 'reset' }),
  )
  const idle = startIdle({ segment, hosts, device, kernel: nothing, say: () => {}, log })
  try {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    const { detail } = idle.health()
    if (detail) throw new Error(`${device} could not be watched: ${detail}`)
    const { used, would, not } = idle.survey()
    // Addresses of this machine send no frame that it would receive.
    return { used: used.filter(({ address }) => !own.includes(address)), would, not }
  } finally {
    await idle.close()
  }
}
