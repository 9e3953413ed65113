/** Templates: list, plan, apply. Applying the same file twice changes nothing; undo is applying the former file. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RouteAnswer } from '@shenlou/contract/api'
import type { ScenarioTemplate } from '@shenlou/contract/template'
import { type Actor, maySee } from '../actor.ts'
import { ApiError } from '../api-error.ts'
import { appendAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { replaceKnownScanners } from '../known-scanners.ts'
import { seal, unseal } from '../seal.ts'
import { lockKeys } from '../store/locks.ts'
import { visibleTo } from '../store/visible.ts'
import { drawSecrets } from './draw.ts'
import { drawOrganisation, drawPassword } from './organisation.ts'
import { loadPersonas, loadPlants, templatesFolder } from './personas.ts'
import { canonical, makePlan, placesOf, type Site } from './plan.ts'
import { checkScenario } from './scenario.ts'
import { siteSettings } from './settings.ts'
import { siteSecret } from './site-secret.ts'

interface Input {
  body: { text: string; base?: string | undefined }
  address?: string | null
}

function scenarioOf(core: Core, text: string): ScenarioTemplate {
  const checked = checkScenario(text, loadPersonas(core.dataDir), loadPlants(core.dataDir))
  if ('scenario' in checked) return checked.scenario
  const [first] = checked.faults
  throw new ApiError(422, 'template-invalid', `line ${first?.line}, column ${first?.column}: ${first?.path ? `${first.path}: ` : ''}${first?.message}`, {
    faults: checked.faults,
  })
}

/** A template speaks for the whole group, so only who may see all of the places it names may plan or apply it. */
function requireScopes(actor: Actor, scenario: ScenarioTemplate): void {
  const outside = placesOf(scenario).find((path) => !maySee(actor, path))
  if (outside) throw new ApiError(403, 'scope', `'${outside}' lies outside of what you may change`)
}

async function siteOf(core: Core): Promise<Site> {
  const secret = siteSecret(core)
  return { bind: (await siteSettings(core.sql)).bind, organisation: drawOrganisation(secret), password: (decoy, user) => drawPassword(secret, decoy, user) }
}

/** Applied templates that name no place outside of what the actor may see. */
export async function templates(core: Core, actor: Actor, _input: unknown): Promise<RouteAnswer<'templates'>> {
  const applied = await core.sql<{ name: string; title: { zh: string; en: string }; applied_at: Date; applied_by: string; text: string }[]>`
    select name, title, applied_at, applied_by, text from template
    where not exists (select from decoy where decoy.template = template.name and not ${visibleTo(core.sql, actor, 'decoy.scope')})
      and not exists (select from known_scanner as k where k.template = template.name and not ${visibleTo(core.sql, actor, 'k.scope')}) order by name`
  const folder = join(templatesFolder, 'scenarios')
  const shipped = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => ({ name: name.slice(0, -5), text: readFileSync(join(folder, name), 'utf8') }))
  return {
    applied: applied.map((row) => ({ name: row.name, title: row.title, appliedAt: row.applied_at.getTime(), by: row.applied_by, text: row.text })),
    shipped,
  }
}

export async function planTemplate(core: Core, actor: Actor, input: Input): Promise<RouteAnswer<'planTemplate'>> {
  const scenario = scenarioOf(core, input.body.text)
  requireScopes(actor, scenario)
  const { steps, warnings, base } = await makePlan(core.sql, scenario, await siteOf(core))
  return { name: scenario.name, steps, warnings, base }
}

export async function applyTemplate(core: Core, actor: Actor, input: Input): Promise<RouteAnswer<'applyTemplate'>> {
  const { text } = input.body
  const scenario = scenarioOf(core, text)
  requireScopes(actor, scenario)
  const personas = loadPersonas(core.dataDir)
  const answer = await core.sql.begin(async (tx) => {
    // One apply at a time, so that a plan cannot change between being made and being carried out.
    await tx`select pg_advisory_xact_lock(${lockKeys.apply})`
    const plan = await makePlan(tx, scenario, await siteOf(core))
    if (input.body.base !== undefined && input.body.base !== plan.base)
      throw new ApiError(409, 'plan-stale', 'what the plan was made against has changed; plan again, look at it, then apply')
    const [before] = await tx<{ version: number; text: string }[]>`select version, text from template where name = ${scenario.name}`
    const changed = plan.steps.filter(({ action }) => action !== 'keep')
    if (before && changed.length === 0 && before.text === text) return { name: scenario.name, steps: plan.steps, version: before.version, changed: false }

    for (const { path, name } of scenario.scopes)
      await tx`insert into scope (path, name) values (${path}, ${tx.json(name)}) on conflict (path) do update set name = excluded.name`
    const version = (before?.version ?? 0) + 1
    await tx`insert into template (name, title, text, version, applied_by, applied_at) values (${scenario.name}, ${tx.json(scenario.title)}, ${text}, ${version}, ${actor.name}, ${new Date(core.clock())})
      on conflict (name) do update set title = excluded.title, text = excluded.text, version = excluded.version, applied_by = excluded.applied_by, applied_at = excluded.applied_at`
    await tx`delete from placement where template = ${scenario.name} and id not in ${tx(['', ...plan.wanted.placements.map(({ id }) => id)])}`
    await tx`delete from decoy where template = ${scenario.name} and id not in ${tx(['', ...plan.wanted.decoys.map(({ id }) => id)])}`
    for (const decoy of plan.wanted.decoys) {
      const persona = personas.get(decoy.persona)
      if (!persona) throw new ApiError(422, 'template-invalid', `there is no persona '${decoy.persona}'`)
      const [have] = await tx<
        { persona: string; organisation: unknown; secrets: Buffer }[]
      >`select persona, organisation, secrets from decoy where id = ${decoy.id}`
      // A host keeps its keys for as long as it claims to be the same host.
      const keep = have && have.persona === decoy.persona && canonical(have.organisation) === canonical(decoy.organisation)
      const held = keep ? decoySecrets(core, decoy.id, have.secrets) : {}
      const drawn = await drawSecrets(persona, decoy.organisation, held)
      const secrets =
        keep && canonical(drawn) === canonical(held) ? have.secrets : seal(core.masterKey, `decoy ${decoy.id}`, Buffer.from(JSON.stringify(drawn)))
      if (!keep) await tx`delete from decoy_identity where decoy = ${decoy.id}`
      await tx`insert into decoy (id, template, persona, name, scope, host, organisation, services, plant, secrets)
        values (${decoy.id}, ${scenario.name}, ${decoy.persona}, ${decoy.name ? tx.json(decoy.name) : null}, ${decoy.scope}, ${decoy.host}, ${tx.json(decoy.organisation)}, ${tx.json(decoy.services as never)}, ${decoy.plant ? tx.json(decoy.plant) : null}, ${secrets})
        on conflict (id) do update set persona = excluded.persona, name = excluded.name, scope = excluded.scope, host = excluded.host, organisation = excluded.organisation, services = excluded.services, plant = excluded.plant, secrets = excluded.secrets`
    }
    for (const row of plan.wanted.placements) {
      await tx`insert into placement (id, template, relay, host, decoy, address, port, transport, service)
        values (${row.id}, ${scenario.name}, ${row.relay}, ${row.host}, ${row.decoy}, ${row.address}, ${row.port}, ${row.transport}, ${row.service}) on conflict (id) do update set host = excluded.host`
    }
    for (const { name, tunnel } of scenario.hosts)
      await tx`insert into setting (key, value) values (${`tunnel ${name}`}, ${tx.json(tunnel)}) on conflict (key) do update set value = excluded.value`
    await replaceKnownScanners(tx, scenario.name, plan.wanted.scanners)
    await tx`select nextval('config_version')`
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: 'template.apply',
      target: scenario.name,
      detail: { version, changes: changed.map(({ action, what, id }) => `${action} ${what} ${id}`).slice(0, 200) },
      scopes: placesOf(scenario),
    })
    return { name: scenario.name, steps: plan.steps, version, changed: true }
  })
  if (answer.changed) {
    for (const { id } of await core.sql<{ id: string }[]>`select id from sensor where role <> 'source' and status = 'confirmed'`)
      core.bus.emit('config', { sensor: id })
  }
  return { name: answer.name, steps: answer.steps, version: answer.version }
}

/** The drawn secrets of one decoy, opened. */
export const decoySecrets = (core: Pick<Core, 'masterKey'>, decoy: string, sealed: Buffer): Record<string, string> =>
  JSON.parse(unseal(core.masterKey, `decoy ${decoy}`, sealed).toString())
