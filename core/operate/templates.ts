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
import { lockKeys } from '../store/locks.ts'
import { visibleTo } from '../store/visible.ts'
import { writeRows } from './apply-rows.ts'
import { neededKeys } from './draw.ts'
import { drawMissing, drawSeconds, tellConfig } from './drawing.ts'
import { drawOrganisation, drawPassword } from './organisation.ts'
import { loadPersonas, loadPlants, templatesFolder } from './personas.ts'
import { makePlan } from './plan.ts'
import { plannedSegments } from './planned-segments.ts'
import { checkScenario } from './scenario.ts'
import { siteSettings } from './settings.ts'
import { siteSecret } from './site-secret.ts'
import { placesOf, type Site } from './wanted.ts'

interface Input {
  body: { text: string; base?: string | undefined; full?: boolean | undefined }
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
  return {
    bind: (await siteSettings(core.sql)).bind,
    organisation: drawOrganisation(secret),
    password: (decoy, user) => drawPassword(secret, decoy, user),
    secret,
    personas: loadPersonas(core.dataDir),
  }
}

/** Applied templates that name no place outside of what the actor may see. */
export async function templates(core: Core, actor: Actor, _input: unknown): Promise<RouteAnswer<'templates'>> {
  const applied = await core.sql<{ name: string; title: { zh: string; en: string }; applied_at: Date; applied_by: string; text: string }[]>`
    select name, title, applied_at, applied_by, text from template
    where not exists (select from decoy where decoy.template = template.name and not ${visibleTo(core.sql, actor, 'decoy.scope')})
      and not exists (select from segment where segment.template = template.name and not ${visibleTo(core.sql, actor, 'segment.scope')})
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
  const site = await siteOf(core)
  const plan = await makePlan(core.sql, scenario, site)
  const { personas } = site
  const fresh = plan.wanted.decoys.flatMap(({ id, persona }) => (plan.actions.get(id) === 'create' ? (personas.get(persona) ?? []) : []))
  const drawn = fresh.filter((persona) => Object.keys(neededKeys(persona)).length > 0)
  return {
    name: scenario.name,
    steps: plan.steps,
    segments: plannedSegments(scenario, plan, personas, input.body.full ?? false),
    warnings: plan.warnings,
    base: plan.base,
    draws: { hosts: drawn.length, seconds: drawSeconds(drawn) },
  }
}

export async function applyTemplate(core: Core, actor: Actor, input: Input): Promise<RouteAnswer<'applyTemplate'>> {
  const { text } = input.body
  const scenario = scenarioOf(core, text)
  requireScopes(actor, scenario)
  const site = await siteOf(core)
  const { personas } = site
  const answer = await core.sql.begin(async (tx) => {
    // One apply at a time, so that a plan cannot change between being made and being carried out.
    await tx`select pg_advisory_xact_lock(${lockKeys.apply})`
    const plan = await makePlan(tx, scenario, site)
    if (input.body.base !== undefined && input.body.base !== plan.base)
      throw new ApiError(409, 'plan-stale', 'what the plan was made against has changed; plan again, look at it, then apply')
    const [before] = await tx<{ version: number; text: string }[]>`select version, text from template where name = ${scenario.name}`
    const changed = plan.steps.filter(({ action }) => action !== 'keep')
    if (before && changed.length === 0 && before.text === text)
      return { name: scenario.name, steps: plan.steps, version: before.version, undrawn: 0, changed: false }

    for (const { path, name } of scenario.scopes)
      await tx`insert into scope (path, name) values (${path}, ${tx.json(name)}) on conflict (path) do update set name = excluded.name`
    const version = (before?.version ?? 0) + 1
    await tx`insert into template (name, title, text, version, applied_by, applied_at) values (${scenario.name}, ${tx.json(scenario.title)}, ${text}, ${version}, ${actor.name}, ${new Date(core.clock())})
      on conflict (name) do update set title = excluded.title, text = excluded.text, version = excluded.version, applied_by = excluded.applied_by, applied_at = excluded.applied_at`
    const undrawn = await writeRows(core, tx, scenario, plan, personas)
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
    return { name: scenario.name, steps: plan.steps, version, undrawn, changed: true }
  })
  if (answer.changed) await tellConfig(core)
  if (answer.undrawn > 0) void drawMissing(core)
  return { name: answer.name, steps: answer.steps, version: answer.version, undrawn: answer.undrawn }
}
