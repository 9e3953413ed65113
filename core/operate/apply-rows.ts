/** Carries a plan out: rows in a few statements, however many they are. */
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { Organisation, ScenarioTemplate } from '@shenlou/contract/template'
import type { TransactionSql } from 'postgres'
import { ApiError } from '../api-error.ts'
import type { Core } from '../core.ts'
import { unseal } from '../seal.ts'
import { drawSecrets, type Issuers, neededKeys } from './draw.ts'
import { drawnTogether, sealSecrets } from './drawing.ts'
import { canonical, type Plan } from './plan.ts'
import type { WantedDecoy } from './wanted.ts'

const rowsTogether = 1000
/** Hosts whose keys are made before the apply ends; where there are more, the rest follows behind it. */
const drawnAtOnce = 24

/** The drawn secrets of one decoy, opened. */
export const decoySecrets = (core: Pick<Core, 'masterKey'>, decoy: string, sealed: Buffer): Record<string, string> =>
  JSON.parse(unseal(core.masterKey, `decoy ${decoy}`, sealed).toString())

/** Writes what the plan wants and removes what it does not. Answers how many decoys have no keys yet. */
export async function writeRows(
  core: Core,
  tx: TransactionSql,
  scenario: ScenarioTemplate,
  { wanted }: Plan,
  personas: ReadonlyMap<string, PersonaTemplate>,
): Promise<number> {
  const template = scenario.name
  const json = <T>(rows: readonly T[]) => tx.json(rows as never)
  const ids = wanted.decoys.map(({ id }) => id)
  const have = await tx<{ id: string; persona: string; organisation: Organisation; secrets: Buffer | null }[]>`
    select id, persona, organisation, secrets from decoy where id = any(${ids})`
  await tx`delete from placement where template = ${template} and id <> all(${wanted.placements.map(({ id }) => id)})`
  await tx`delete from decoy where template = ${template} and id <> all(${ids})`
  await tx`insert into segment (id, template, relay, host, scope, name, config, real_hosts)
    select x.id, ${template}, x.relay, x.host, x.scope, x.name, x.config, x."realHosts"
    from jsonb_to_recordset(${json(wanted.segments)}) as x(id text, relay text, host text, scope text, name jsonb, config jsonb, "realHosts" integer)
    on conflict (id) do update set relay = excluded.relay, host = excluded.host, scope = excluded.scope, name = excluded.name, config = excluded.config, real_hosts = excluded.real_hosts`
  const { secrets, anew, undrawn } = await secretsFor(core, wanted.decoys, new Map(have.map((row) => [row.id, row])), personas)
  await tx`delete from decoy_identity where decoy = any(${anew})`
  for (const rows of chunks(wanted.decoys))
    await tx`insert into decoy (id, template, persona, name, scope, host, organisation, services, plant, segment, idle, secrets)
      select x.id, ${template}, x.persona, x.name, x.scope, x.host, x.organisation, x.services, x.plant, x.segment, x.idle, decode(x.secrets, 'hex')
      from jsonb_to_recordset(${json(rows.map((row) => ({ ...row, secrets: secrets.get(row.id)?.toString('hex') ?? null })))})
        as x(id text, persona text, name jsonb, scope text, host text, organisation jsonb, services jsonb, plant jsonb, segment text, idle jsonb, secrets text)
      on conflict (id) do update set persona = excluded.persona, name = excluded.name, scope = excluded.scope, host = excluded.host, organisation = excluded.organisation,
        services = excluded.services, plant = excluded.plant, segment = excluded.segment, idle = excluded.idle,
        secrets = coalesce(excluded.secrets, case when decoy.persona = excluded.persona and decoy.organisation = excluded.organisation then decoy.secrets end)`
  await tx`delete from segment where template = ${template} and id <> all(${wanted.segments.map(({ id }) => id)})`
  for (const rows of chunks(wanted.placements))
    await tx`insert into placement (id, template, relay, host, decoy, address, port, transport, service)
      select x.id, ${template}, x.relay, x.host, x.decoy, x.address, x.port, x.transport, x.service
      from jsonb_to_recordset(${json(rows)}) as x(id text, relay text, host text, decoy text, address text, port integer, transport text, service text)
      on conflict (id) do update set host = excluded.host`
  for (const { name, tunnel } of scenario.hosts)
    await tx`insert into setting (key, value) values (${`tunnel ${name}`}, ${tx.json(tunnel)}) on conflict (key) do update set value = excluded.value`
  return undrawn
}

function* chunks<T>(rows: readonly T[]): Generator<T[]> {
  for (let at = 0; at < rows.length; at += rowsTogether) yield rows.slice(at, at + rowsTogether)
}

/**
 * A host keeps its keys for as long as it claims to be the same host; what it lacks is drawn. `anew` are those that are other hosts than before, `undrawn`
 * counts those whose turn comes later.
 */
async function secretsFor(
  core: Core,
  wanted: readonly WantedDecoy[],
  have: ReadonlyMap<string, { persona: string; organisation: Organisation; secrets: Buffer | null }>,
  personas: ReadonlyMap<string, PersonaTemplate>,
): Promise<{ secrets: Map<string, Buffer>; anew: string[]; undrawn: number }> {
  const secrets = new Map<string, Buffer>()
  const anew: string[] = []
  const missing: { decoy: WantedDecoy; persona: PersonaTemplate; held: Record<string, string> }[] = []
  const nothing = new Map<string, boolean>()
  for (const decoy of wanted) {
    const persona = personas.get(decoy.persona)
    if (!persona) throw new ApiError(422, 'template-invalid', `there is no persona '${decoy.persona}'`)
    const before = have.get(decoy.id)
    const keep = before && before.persona === decoy.persona && canonical(before.organisation) === canonical(decoy.organisation)
    if (!keep) anew.push(decoy.id)
    if (!nothing.has(persona.id)) nothing.set(persona.id, Object.keys(neededKeys(persona)).length === 0)
    const held = keep && before.secrets ? decoySecrets(core, decoy.id, before.secrets) : undefined
    if (held && before?.secrets && Object.keys(neededKeys(persona)).every((name) => held[name] !== undefined)) secrets.set(decoy.id, before.secrets)
    else if (nothing.get(persona.id)) secrets.set(decoy.id, sealSecrets(core, decoy.id, {}))
    else missing.push({ decoy, persona, held: held ?? {} })
  }
  // Those written out by hand first: they are few and somebody waits for them. What is held already must not be lost by waiting.
  const waits = ({ decoy, held }: (typeof missing)[number]): number => (Object.keys(held).length > 0 ? 0 : decoy.segment === null ? 1 : 2)
  missing.sort((a, b) => waits(a) - waits(b))
  const now = missing.filter((each, at) => waits(each) === 0 || at < drawnAtOnce)
  const undrawn = missing.length - now.length
  const issuers: Issuers = new Map()
  const next = async (): Promise<void> => {
    for (let each = now.shift(); each; each = now.shift())
      secrets.set(each.decoy.id, sealSecrets(core, each.decoy.id, await drawSecrets(each.persona, each.decoy.organisation, each.held, issuers)))
  }
  await Promise.all(Array.from({ length: drawnTogether }, next))
  return { secrets, anew, undrawn }
}
