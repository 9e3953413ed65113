/** What applying a scenario would change: the rows it wants against the rows there are. Reads only. */
import { createHash } from 'node:crypto'
import type { Sql, TransactionSql } from 'postgres'
import { services } from '@shenlou/contract/services'
import type { SnmpSettings } from '@shenlou/contract/snmp'
import type { Organisation, PlanStep, ScenarioTemplate } from '@shenlou/contract/template'
import { ApiError } from '../api-error.ts'
import { isNetwork } from '../known-scanners.ts'
import { withDataPort } from './passive.ts'

export interface WantedDecoy {
  id: string
  persona: string
  name: ScenarioTemplate['decoys'][number]['name'] | null
  scope: string
  host: string
  organisation: Organisation
  services: { service: string; port: number; settings: Record<string, unknown> }[]
  /** The plant of an industrial device, and which of its units each alias stands for. */
  plant: { id: string; template: string; units: Record<string, string> } | null
}
export interface WantedPlacement {
  id: string
  relay: string
  host: string
  decoy: string
  address: string
  port: number
  transport: string
  service: string
}
export interface Wanted {
  decoys: WantedDecoy[]
  placements: WantedPlacement[]
  scanners: (ScenarioTemplate['knownScanners'][number] & { scope: string })[]
}
export interface Plan {
  steps: PlanStep[]
  warnings: string[]
  /** Changes when what the plan was made against changes. */
  base: string
  wanted: Wanted
}

/** What an installation fills in: the address that `$bind` stands for, and its own fictional group. */
export interface Site {
  bind: string
  organisation: Organisation
  /** The password that `$drawn` stands for. */
  password(decoy: string, user: string): string
}

/** The rows that a scenario stands for. */
export function wantedRows(written: ScenarioTemplate, { bind, organisation, password }: Site): Wanted {
  const scenario = { ...written, decoys: written.decoys.map((decoy) => withDataPort(written, decoy)) }
  const home = homeOf(scenario)
  const decoys = scenario.decoys.map(
    (decoy): WantedDecoy => ({
      id: decoy.id,
      persona: decoy.persona,
      name: decoy.name ?? null,
      scope: decoy.scope ?? home,
      host: scenario.placements.find((placement) => placement.decoy === decoy.id)?.host ?? 'decoys',
      organisation: scenario.organisation ?? organisation,
      services: decoy.services.map(({ service, port, settings }) => {
        if (service === 'snmp') return { service, port, settings: drawnSnmp(services.snmp.settings.parse(settings), (name) => password(decoy.id, name)) }
        const checked = services[service as keyof typeof services].settings.parse(settings)
        if (!('login' in checked)) return { service, port, settings: checked }
        const accounts = checked.login.accounts.map((account) =>
          account.password === '$drawn' ? { ...account, password: password(decoy.id, account.user) } : account,
        )
        return { service, port, settings: { ...checked, login: { ...checked.login, accounts } } }
      }),
      plant: plantOf(scenario, decoy),
    }),
  )
  const placements = scenario.placements.flatMap((placement) => {
    const decoy = scenario.decoys.find(({ id }) => id === placement.decoy)
    return (decoy?.services ?? []).map((service): WantedPlacement => {
      const address = placement.address === '$bind' ? bind : placement.address
      const port = placement.ports[service.service] ?? service.port
      const { transport } = services[service.service as keyof typeof services]
      const id = `p-${createHash('sha256').update([placement.relay, address, port, transport, decoy?.id, service.service].join('\0')).digest('hex').slice(0, 20)}`
      return { id, relay: placement.relay, host: placement.host, decoy: placement.decoy, address, port, transport, service: service.service }
    })
  })
  return { decoys, placements, scanners: scenario.knownScanners.map((entry) => ({ ...entry, scope: entry.scope ?? home })) }
}

/** Communities and passwords of SNMP users that are `$drawn`: one a decoy for reading, one for writing, and one a user. */
function drawnSnmp({ communities, users }: SnmpSettings, password: (name: string) => string): SnmpSettings {
  const drawn = (value: string, name: string): string => (value === '$drawn' ? password(name) : value)
  const secret = <T extends { password: string } | undefined>(of: T, name: string): T => of && { ...of, password: drawn(of.password, name) }
  return {
    communities: {
      read: communities.read.map((community) => drawn(community, 'snmp read')),
      write: communities.write.map((community) => drawn(community, 'snmp write')),
    },
    users: users.map(({ auth, privacy, ...rest }) => ({
      ...rest,
      ...(auth ? { auth: secret(auth, `snmp ${rest.user}`) } : {}),
      ...(privacy ? { privacy: secret(privacy, `snmp ${rest.user} privacy`) } : {}),
    })),
  }
}

function plantOf(scenario: ScenarioTemplate, { plant, units }: ScenarioTemplate['decoys'][number]): WantedDecoy['plant'] {
  const named = scenario.plants.find(({ id }) => id === plant)
  return named ? { id: named.id, template: named.template, units } : null
}

/** The place of what a scenario gives none. */
const homeOf = ({ scopes }: ScenarioTemplate): string => scopes[0]?.path ?? 'group'

/** Every place that a scenario touches. */
export const placesOf = (scenario: ScenarioTemplate): string[] => [
  ...new Set([...scenario.scopes.map(({ path }) => path), ...[...scenario.decoys, ...scenario.knownScanners].map(({ scope }) => scope ?? homeOf(scenario))]),
]

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

/** Compares a scenario with the database. Throws 409 when it claims a decoy or an address of another template. */
export async function makePlan(sql: Sql | TransactionSql, scenario: ScenarioTemplate, site: Site): Promise<Plan> {
  const wanted = wantedRows(scenario, site)
  const haveDecoys = await sql<
    (WantedDecoy & { template: string })[]
  >`select id, template, persona, name, scope, host, organisation, services, plant from decoy where template = ${scenario.name} or id in ${sql(['', ...wanted.decoys.map(({ id }) => id)])}`
  const havePlacements = await sql<
    (WantedPlacement & { template: string })[]
  >`select id, template, relay, host, decoy, address, port, transport, service from placement where template = ${scenario.name} or relay in ${sql(['', ...wanted.placements.map(({ relay }) => relay)])}`
  const scopes = await sql<{ path: string }[]>`select path from scope`
  const sensors = await sql<{ name: string; role: string }[]>`select name, role from sensor where status <> 'revoked'`

  for (const { id, template } of haveDecoys)
    if (template !== scenario.name) throw new ApiError(409, 'template-conflict', `decoy '${id}' belongs to template '${template}'; give it another id`)
  for (const want of wanted.placements) {
    const other = havePlacements.find(
      (have) =>
        have.template !== scenario.name &&
        have.relay === want.relay &&
        have.address === want.address &&
        have.port === want.port &&
        have.transport === want.transport,
    )
    if (other) throw new ApiError(409, 'template-conflict', `${want.address}:${want.port} on relay '${want.relay}' belongs to template '${other.template}'`)
  }

  const steps: PlanStep[] = []
  for (const { path, name } of scenario.scopes)
    steps.push({ action: scopes.some((have) => have.path === path) ? 'keep' : 'create', what: 'scope', id: path, detail: `${name.zh} / ${name.en}` })
  for (const want of wanted.decoys) {
    const have = haveDecoys.find(({ id }) => id === want.id)
    if (!have) steps.push({ action: 'create', what: 'decoy', id: want.id, detail: describeDecoy(want) })
    else {
      const { template: _template, ...rest } = have
      const same = canonical(rest) === canonical(want)
      steps.push({
        action: same ? 'keep' : 'change',
        what: 'decoy',
        id: want.id,
        detail: same ? describeDecoy(want) : `${describeDecoy(rest)} ⇒ ${describeDecoy(want)}`,
      })
    }
  }
  const mine = havePlacements.filter(({ template }) => template === scenario.name)
  for (const want of wanted.placements)
    steps.push({
      action: mine.some(({ id, host }) => id === want.id && host === want.host) ? 'keep' : 'create',
      what: 'placement',
      id: want.id,
      detail: describePlacement(want),
    })
  for (const have of mine)
    if (!wanted.placements.some(({ id }) => id === have.id)) steps.push({ action: 'remove', what: 'placement', id: have.id, detail: describePlacement(have) })
  for (const have of haveDecoys)
    if (have.template === scenario.name && !wanted.decoys.some(({ id }) => id === have.id))
      steps.push({ action: 'remove', what: 'decoy', id: have.id, detail: describeDecoy(have) })

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

  const names = new Set([...wanted.placements.map(({ relay }) => `relay ${relay}`), ...wanted.placements.map(({ host }) => `decoys ${host}`)])
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
      .update(canonical([haveDecoys, havePlacements, haveScanners, scopes]))
      .digest('hex')
      .slice(0, 32),
    wanted,
  }
}
