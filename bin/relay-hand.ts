/** `shenlou relay release | resume | survey`: what a person does on a relay's own machine, without the core. */
import { join } from 'node:path'
import { addressesIn, surveyNetwork } from '@shenlou/relay/idle/survey-network'
import { unseen } from '@shenlou/relay/idle/survey'
import type { Survey } from '@shenlou/relay/idle/politeness-types'
import { askRelay } from '@shenlou/relay/control'
import type { Invocation } from './commands.ts'
import { SettingsError } from './settings.ts'
import { line } from './terminal.ts'

const usage =
  "'shenlou relay' is used as: shenlou relay [release [--segment ID] | resume [--segment ID] | survey --capture INTERFACE --network CIDR [--seconds 60]]"
const startError = (error: unknown): Error => Object.assign(new Error((error as Error).message, { cause: error }), { name: 'StartError' })

export async function relayByHand(given: Invocation): Promise<number> {
  const [act] = given.positionals
  if (act === 'release' || act === 'resume') return releaseOrResume(act, given)
  if (act === 'survey') return survey(given)
  throw new SettingsError(usage)
}

/** Lets go of every address at once, or takes that back. Stands across restarts of the relay. */
export async function releaseOrResume(act: 'release' | 'resume', { settings, rest }: Invocation): Promise<number> {
  const segment = rest.segment === undefined ? undefined : String(rest.segment)
  const answer = await askRelay(join(settings.data, 'relay'), { act, segment }).catch((error) => {
    throw startError(error)
  })
  if ('failed' in answer) throw startError(new Error(answer.failed))
  for (const { id, state, claimed, wanted } of answer.segments) line(`${id}: ${state}, ${claimed} of ${wanted} addresses answered`)
  return 0
}

/** The dry run of one segment: looks and probes, answers nothing. */
export async function survey({ settings, rest }: Invocation): Promise<number> {
  const device = settings.capture
  const network = rest.network === undefined ? undefined : String(rest.network)
  if (!device || device.includes(',') || !network) throw new SettingsError(usage)
  const size = addressesIn(network)
  if (size === undefined) throw new SettingsError(`--network: '${network}' is no IPv4 network of at most 65536 addresses, such as 10.1.2.0/24`)
  const least = Math.ceil(size / 150) + 5
  const seconds = Number(rest.seconds ?? Math.max(60, least))
  if (!(seconds >= least && seconds <= 7 * 86_400))
    throw new SettingsError(`--seconds: must be a number from ${least}, in which ${size} addresses can be probed, to ${7 * 86_400}`)
  line(`looking at ${network} on ${device} for ${seconds} s; nothing is answered`)
  const found = await surveyNetwork({ device, network, seconds, log: line }).catch((error) => {
    throw startError(error)
  })
  for (const row of surveyText(found)) line(row)
  return 0
}

/** As people read it, ranges rather than a line an address. */
export function surveyText({ used, would, not }: Survey): string[] {
  return [
    `used: ${used.length}`,
    ...used.map(({ address, mac, notice, agoS }) => `  ${address.padEnd(15)}  ${mac ?? 'MAC not known'.padEnd(17)}  ${notice}, ${agoS} s ago`),
    `would be claimed: ${would.count}`,
    ...would.addresses.map((range) => `  ${range}`),
    ...not.flatMap(({ reason, addresses, count }) => [`not, ${reason}: ${count}`, ...addresses.map((range) => `  ${range}`)]),
    'what cannot be seen:',
    ...unseen.map((sentence) => `  ${sentence}`),
  ]
}
