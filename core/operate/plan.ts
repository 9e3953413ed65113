/** What applying a scenario would change: the rows it wants against the rows there are. Reads only. */
import { createHash } from 'node:crypto'
import type { PlanStep, ScenarioTemplate } from '@shenlou/contract/template'
import type { Sql, TransactionSql } from 'postgres'
import { ApiError } from '../api-error.ts'
import { isNetwork } from '../known-scanners.ts'
import { networkOf, overlap } from './ipv4.ts'
import { type Site, type Wanted, type WantedDecoy, type WantedPlacement, type WantedSegment, wantedRows } from './wanted.ts'

export interface Plan {
  steps: PlanStep[]
  warnings: string[]
  /** Changes when what the plan was made against changes. */
  base: string
  wanted: Wanted
  /** What happens to each wanted decoy, by id. */
  actions: ReadonlyMap<string, PlanStep['action']>
}

/** JSON with sorted keys: jsonb keeps no order. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  )

const describeDecoy = (decoy: WantedDecoy): string =>
  `${decoy.persona}: ${decoy.services.map(({ service, port }) => `${service} ${port}`).join(', ')}; host ${decoy.host}; scope ${decoy.scope}${describePlant(decoy.plant)}`
const describePlant = (plant: WantedDecoy['plant']): string =>
  plant ? `; plant ${plant.id} (${plant.template}): ${Object.values(plant.units).join(', ')}` : ''
const describePlacement = (placement: WantedPlacement): string =>
  `${placement.relay} ${placement.address}:${placement.port} → ${placement.decoy}/${placement.service}`

/** Compares a scenario with the database. Throws 409 when it claims a decoy, a segment or an address of another template. */
export async function makePlan(sql: Sql | TransactionSql, scenario: ScenarioTemplate, site: Site): Promise<Plan> {
  const wanted = wantedRows(scenario, site)
  const relays = [...new Set([...wanted.placements, ...wanted.segments].map(({ relay }) => relay))]
  const haveSegments = await sql<(WantedSegment & { template: string })[]>`
    select id, template, relay, host, scope, name, config, real_hosts as "realHosts" from segment
    where template = ${scenario.name} or id = any(${wanted.segments.map(({ id }) => id)}) or relay = any(${relays})`
  const haveDecoys = await sql<(WantedDecoy & { template: string })[]>`
    select id, template, persona, name, scope, host, organisation, services, plant, segment, idle from decoy
    where template = ${scenario.name} or id = any(${wanted.decoys.map(({ id }) => id)})`
  const havePlacements = await sql<(WantedPlacement & { template: string })[]>`
    select id, template, relay, host, decoy, address, port, transport, service from placement where template = ${scenario.name} or relay = any(${relays})`
  const scopes = await sql<{ path: string }[]>`select path from scope`
  const sensors = await sql<{ name: string; role: string }[]>`select name, role from sensor where status <> 'revoked'`

  refuseConflicts(scenario, wanted, haveSegments, haveDecoys, havePlacements)
  const known = new Map(haveDecoys.map(({ template: _template, ...decoy }) => [decoy.id, decoy]))
  const actions = new Map(
    wanted.decoys.map((want): [string, PlanStep['action']] => {
      const have = known.get(want.id)
      return [want.id, !have ? 'create' : canonical(have) === canonical(want) ? 'keep' : 'change']
    }),
  )
  const steps: PlanStep[] = []
  const have = new Set(scopes.map(({ path }) => path))
  for (const { path, name } of scenario.scopes)
    steps.push({ action: have.has(path) ? 'keep' : 'create', what: 'scope', id: path, detail: `${name.zh} / ${name.en}` })
  steps.push(...segmentSteps(scenario.name, wanted, haveSegments, haveDecoys, actions))
  for (const want of wanted.decoys) {
    if (want.segment !== null) continue
    const before = known.get(want.id)
    const action = actions.get(want.id) as PlanStep['action']
    const detail = before && action === 'change' ? `${describeDecoy(before)} ⇒ ${describeDecoy(want)}` : describeDecoy(want)
    steps.push({ action, what: 'decoy', id: want.id, detail })
  }
  // The hosts of a segment and where they answer are told with it.
  const ofSegments = new Set([...wanted.decoys, ...haveDecoys].filter(({ segment }) => segment !== null).map(({ id }) => id))
  const mine = new Map(havePlacements.filter(({ template }) => template === scenario.name).map((each) => [each.id, each]))
  for (const want of wanted.placements)
    if (!ofSegments.has(want.decoy))
      steps.push({ action: mine.get(want.id)?.host === want.host ? 'keep' : 'create', what: 'placement', id: want.id, detail: describePlacement(want) })
  const placements = new Set(wanted.placements.map(({ id }) => id))
  for (const each of mine.values())
    if (!placements.has(each.id) && !ofSegments.has(each.decoy))
      steps.push({ action: 'remove', what: 'placement', id: each.id, detail: describePlacement(each) })
  for (const each of haveDecoys)
    if (each.template === scenario.name && each.segment === null && !actions.has(each.id))
      steps.push({ action: 'remove', what: 'decoy', id: each.id, detail: describeDecoy(each) })

  const wrong = wanted.scanners.find(({ network }) => !isNetwork(network))
  if (wrong) throw new ApiError(422, 'template-invalid', `known scanner ${wrong.owner}: ${wrong.network} is not an address or a network such as 192.0.2.0/24`)
  // As the database writes them: an address is a network of one, bits right of the prefix are cleared.
  const written = await sql<{ network: string }[]>`
    select network(given.network::inet)::text as network from unnest(${wanted.scanners.map(({ network }) => network)}::text[]) with ordinality as given (network, place) order by place`
  for (const [at, { network }] of written.entries()) Object.assign(wanted.scanners[at] as object, { network })
  const haveScanners = await sql<
    Wanted['scanners']
  >`select network::text as network, owner, scope, reason, ports, to_char(expires, 'YYYY-MM-DD') as expires from known_scanner where template = ${scenario.name} order by network, scope`
  for (const want of wanted.scanners) {
    const { network, owner, expires, scope } = want
    const have = haveScanners.find((each) => each.network === network && each.scope === scope)
    const action = !have ? 'create' : canonical(have) === canonical(want) ? 'keep' : 'change'
    steps.push({ action, what: 'known-scanner', id: network, detail: `${owner}, until ${expires}, in ${scope}` })
  }
  for (const have of haveScanners)
    if (!wanted.scanners.some(({ network, scope }) => network === have.network && scope === have.scope))
      steps.push({ action: 'remove', what: 'known-scanner', id: have.network, detail: have.owner })

  const names = new Set([...wanted.placements, ...wanted.segments].flatMap(({ relay, host }) => [`relay ${relay}`, `decoys ${host}`]))
  const warnings = [...names]
    .filter((pair) => !sensors.some(({ name, role }) => `${role} ${name}` === pair))
    .map((pair) => {
      const [role, name] = pair.split(' ')
      return `no ${role === 'relay' ? 'relay' : 'decoy host'} named '${name}' is enrolled yet; its part begins to work when it is`
    })
  return {
    steps,
    warnings,
    base: createHash('sha256')
      .update(canonical([haveDecoys, havePlacements, haveScanners, scopes, haveSegments]))
      .digest('hex')
      .slice(0, 32),
    wanted,
    actions,
  }
}

type Of<T> = T & { template: string }

function refuseConflicts(
  scenario: ScenarioTemplate,
  wanted: Wanted,
  segments: readonly Of<WantedSegment>[],
  decoys: readonly Of<WantedDecoy>[],
  placements: readonly Of<WantedPlacement>[],
): void {
  const conflict = (message: string): never => {
    throw new ApiError(409, 'template-conflict', message)
  }
  const others = <T>(rows: readonly Of<T>[]): Of<T>[] => rows.filter(({ template }) => template !== scenario.name)
  const ids = new Set(wanted.segments.map(({ id }) => id))
  for (const { id, template } of others(segments)) if (ids.has(id)) conflict(`segment '${id}' belongs to template '${template}'; give it another id`)
  const wantedIds = new Set(wanted.decoys.map(({ id }) => id))
  for (const { id, template } of others(decoys)) if (wantedIds.has(id)) conflict(`decoy '${id}' belongs to template '${template}'; give it another id`)
  for (const want of wanted.segments) {
    const other = others(segments).find((each) => each.relay === want.relay && overlap(networkOf(each.config.network), networkOf(want.config.network)))
    if (other)
      conflict(`${want.config.network} on relay '${want.relay}' overlaps ${other.config.network} of segment '${other.id}' of template '${other.template}'`)
  }
  const place = ({ relay, address, port, transport }: WantedPlacement): string => `${relay} ${address} ${transport} ${port}`
  const taken = new Map(others(placements).map((each) => [place(each), each.template]))
  for (const want of wanted.placements) {
    const other = taken.get(place(want))
    if (other) conflict(`${want.address}:${want.port} on relay '${want.relay}' belongs to template '${other}'`)
  }
}

/** One step a segment: what changes of itself, and how many of its hosts come, change and go. */
function segmentSteps(
  template: string,
  wanted: Wanted,
  haveSegments: readonly Of<WantedSegment>[],
  haveDecoys: readonly Of<WantedDecoy>[],
  actions: ReadonlyMap<string, PlanStep['action']>,
): PlanStep[] {
  const counts = new Map<string, Record<PlanStep['action'], number>>()
  const count = (segment: string | null, action: PlanStep['action']): void => {
    if (segment === null) return
    const of = counts.get(segment) ?? { create: 0, change: 0, remove: 0, keep: 0 }
    of[action] += 1
    counts.set(segment, of)
  }
  for (const { id, segment } of wanted.decoys) count(segment, actions.get(id) as PlanStep['action'])
  for (const { id, segment, template: of } of haveDecoys) if (of === template && !actions.has(id)) count(segment, 'remove')
  const describe = ({ id, relay, config, host }: WantedSegment): string => {
    const of = counts.get(id) ?? { create: 0, change: 0, remove: 0, keep: 0 }
    const hosts = `${of.create + of.change + of.keep} hosts (${of.create} new, ${of.change} changed, ${of.remove} removed)`
    return `${relay} ${config.interface}${config.vlan === undefined ? '' : ` VLAN ${config.vlan}`} ${config.network}: ${hosts}; host ${host}${config.dryRun ? '; dry run' : ''}`
  }
  const mine = haveSegments.filter((each) => each.template === template)
  const steps = wanted.segments.map((want): PlanStep => {
    const before = mine.find(({ id }) => id === want.id)
    const of = counts.get(want.id)
    const same = before && canonical({ ...before, template: undefined }) === canonical(want) && !of?.create && !of?.change && !of?.remove
    return { action: !before ? 'create' : same ? 'keep' : 'change', what: 'segment', id: want.id, detail: describe(want) }
  })
  for (const each of mine)
    if (!wanted.segments.some(({ id }) => id === each.id)) steps.push({ action: 'remove', what: 'segment', id: each.id, detail: describe(each) })
  return steps
}
