/** The segments of a scenario, checked for what a schema cannot say. */
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { PlantTemplate } from '@shenlou/contract/plant'
import { type MixEntry, mostHosts, mostPorts, type SegmentTemplate } from '@shenlou/contract/segment-template'
import type { ScenarioTemplate } from '@shenlou/contract/template'
import { checkHost, type Wrong } from './host-check.ts'
import { covers, networkOf, overlap, rangeOf, toAddress, toNumber } from './ipv4.ts'
import { withDataPort } from './passive.ts'
import { askedHosts, coveredBy, roomOf } from './segments.ts'

/** As contract/sensor.ts has it of one relay. */
const mostSegments = 64
const prefixes = { from: 16, to: 30 }

/** What is wrong with the segments, with paths from the top of the file. */
export function checkSegments(scenario: ScenarioTemplate, personas: ReadonlyMap<string, PersonaTemplate>, plants: ReadonlyMap<string, PlantTemplate>): Wrong[] {
  const wrong: Wrong[] = []
  const hosts = new Map<string, number>()
  const count = new Map<string, number>()
  const { segments } = scenario
  segments.forEach((segment, i) => {
    const say = (path: Wrong['path'], message: string): void => void wrong.push({ path: ['segments', i, ...path], message })
    if (segments.findIndex(({ id }) => id === segment.id) !== i) say(['id'], `segment '${segment.id}' is written twice; each has an id of its own`)
    for (const { path, message } of [...checkAddresses(segment), ...checkMix(segment)]) say(path, message)
    segment.mix.forEach((entry, at) => {
      for (const { path, message } of checkEntry(entry, scenario, personas, plants)) say(['mix', at, ...path], message)
    })
    const other = segments.slice(0, i).find((each) => each.relay === segment.relay && overlap(networkOf(each.network), networkOf(segment.network)))
    if (other)
      say(['network'], `${segment.network} overlaps ${other.network} of segment '${other.id}' on the same relay '${segment.relay}'; an address has one place`)
    hosts.set(segment.relay, (hosts.get(segment.relay) ?? 0) + askedHosts(segment))
    count.set(segment.relay, (count.get(segment.relay) ?? 0) + 1)
    if ((hosts.get(segment.relay) as number) > mostHosts.relay)
      say(['relay'], `with this segment relay '${segment.relay}' would have ${hosts.get(segment.relay)} hosts; at most ${mostHosts.relay} a relay`)
    if ((count.get(segment.relay) as number) > mostSegments) say(['relay'], `relay '${segment.relay}' has more than ${mostSegments} segments`)
    const named = scenario.decoys.findIndex(({ id }) => id.startsWith(`${segment.id}-`) && /-\d+-\d+-\d+-\d+$/.test(id))
    if (named >= 0)
      wrong.push({ path: ['decoys', named, 'id'], message: `ids such as '${segment.id}-10-0-0-1' are those of the hosts of segment '${segment.id}'` })
  })
  return wrong
}

function checkAddresses(segment: SegmentTemplate): Wrong[] {
  const network = networkOf(segment.network)
  const { prefix, exact, from, to } = network
  const wrong: Wrong[] = []
  const say = (path: Wrong['path'], message: string): void => void wrong.push({ path, message })
  if (!exact) {
    say(['network'], `${segment.network} is not written by its first address; the network is ${toAddress(from)}/${prefix}`)
    return wrong
  }
  if (prefix < prefixes.from || prefix > prefixes.to) {
    say(['network'], `/${prefix} is not between /${prefixes.from} and /${prefixes.to}; split a larger network into several segments`)
    return wrong
  }
  if (segment.gateway !== undefined) {
    const at = toNumber(segment.gateway)
    if (at <= from || at >= to) say(['gateway'], `${segment.gateway} is no host address of ${segment.network}`)
  }
  const ranges = [
    ...segment.dhcp.pools.map((range, at) => ({ range, path: ['dhcp', 'pools', at], what: 'pool' })),
    ...segment.exclude.map(({ range }, at) => ({ range, path: ['exclude', at, 'range'], what: 'range' })),
  ]
  for (const { range, path, what } of ranges) {
    const found = rangeOf(range)
    if (!found) say(path, `${range} is no range of addresses: numbers go up to 255, and it begins with the lower address`)
    else if (!covers(network, found)) say(path, `the ${what} ${range} does not lie in ${segment.network}`)
  }
  return wrong
}

function checkMix(segment: SegmentTemplate): Wrong[] {
  const wrong: Wrong[] = []
  const say = (path: Wrong['path'], message: string): void => void wrong.push({ path, message })
  const shared = segment.mix.some(({ share }) => share !== undefined)
  const counted = segment.mix.reduce((sum, { count }) => sum + (count ?? 0), 0)
  if (segment.density !== undefined && segment.count !== undefined) say(['count'], "is given beside 'density'; say one of them")
  else if (shared && segment.density === undefined && segment.count === undefined)
    say([], "has shares in its mix and neither 'density' nor 'count', so nobody knows how many hosts they share")
  segment.mix.forEach(({ share, count }, at) => {
    if (share !== undefined && count !== undefined) say(['mix', at, 'count'], "is given beside 'share'; say one of them")
    else if (share === undefined && count === undefined) say(['mix', at], "needs a 'share' or a 'count'")
    else if (share !== undefined && share <= 0) say(['mix', at, 'share'], `a share of ${share} gives no host; leave the entry out, or give it a 'count'`)
  })
  const { network, fixed, listed, usable } = roomOf(segment)
  const asked = askedHosts(segment)
  if (counted > asked && (shared || segment.count !== undefined || segment.density !== undefined))
    say(['mix'], `its counts add up to ${counted}, and the segment has ${asked} hosts`)
  if (asked > mostHosts.segment)
    say([segment.count === undefined ? 'density' : 'count'], `gives ${asked} hosts; a template gives a segment at most ${mostHosts.segment}`)
  const out = coveredBy(network, [...fixed, ...listed]).subarray(1, -1)
  const free = usable - out.reduce((sum, bit) => sum + bit, 0)
  if (segment.density === undefined && asked > free)
    say([segment.count === undefined ? 'mix' : 'count'], `asks for ${asked} hosts, and ${free} addresses are left`)
  if (free <= 0) say(['network'], 'has no address left: gateway, pools and exclusions take all of it')
  return wrong
}

/** Persona, services, plant; of several units each one. */
function checkEntry(
  entry: MixEntry,
  scenario: ScenarioTemplate,
  personas: ReadonlyMap<string, PersonaTemplate>,
  plants: ReadonlyMap<string, PlantTemplate>,
): Wrong[] {
  if (entry.services.length > mostPorts)
    return [{ path: ['services'], message: `a host has at most ${mostPorts} ports, and this one has ${entry.services.length}` }]
  const longest = Math.max(1, ...Object.values(entry.units).map((unit) => (typeof unit === 'string' ? 1 : unit.length)))
  const wrong: Wrong[] = []
  for (let nth = 0; nth < longest && wrong.length === 0; nth++) {
    const units = Object.fromEntries(
      Object.entries(entry.units).map(([alias, unit]) => [alias, typeof unit === 'string' ? unit : (unit[Math.min(nth, unit.length - 1)] as string)]),
    )
    wrong.push(...checkHost({ ...entry, units }, personas, scenario, plants))
  }
  const { services } = withDataPort({ ...scenario, decoys: [], placements: [] }, { id: 'any', ...entry, units: {} })
  if (services.length > mostPorts)
    wrong.push({ path: ['services'], message: `with the port that 'ftp' needs for transfers this host has more than ${mostPorts} ports` })
  return wrong
}
