/**
 * Keys of hosts that were applied without them: a segment of thousands would keep its operator waiting, so they are drawn behind the apply, a few at a
 * time, and a host answers from when its own are there.
 */
import { availableParallelism } from 'node:os'
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { Organisation } from '@shenlou/contract/template'
import type { Bus } from '../bus.ts'
import type { Core } from '../core.ts'
import { seal } from '../seal.ts'
import { drawSecrets, type Issuers, neededKeys } from './draw.ts'
import { loadPersonas } from './personas.ts'

/** Not all of the four threads that Node has for such work: files and names are read by the same. */
export const drawnTogether = Math.max(1, Math.min(3, availableParallelism()))
const page = 64
/** Sensors pull all of their configuration each time, so they are told seldom: after the first seconds, then at growing intervals, and at the end. */
const tellMs = { first: 2000, most: 60_000 }

/** About how long keys take on one ordinary core, in seconds; the work grows with the fourth power of their length. */
export const drawSeconds = (personas: Iterable<PersonaTemplate>): number => {
  let sum = 0
  for (const persona of personas) for (const bits of Object.values(neededKeys(persona))) sum += 0.12 * (bits / 2048) ** 4
  return Math.ceil(sum / drawnTogether)
}

/** Secrets as the database holds them. */
export const sealSecrets = (core: Pick<Core, 'masterKey'>, decoy: string, secrets: Readonly<Record<string, string>>): Buffer =>
  seal(core.masterKey, `decoy ${decoy}`, Buffer.from(JSON.stringify(secrets)))

/** Tells every confirmed sensor to pull its desired state, which is another from now on. */
export async function tellConfig(core: Pick<Core, 'sql' | 'bus'>): Promise<void> {
  for (const { id } of await core.sql<{ id: string }[]>`select id from sensor where role <> 'source' and status = 'confirmed'`)
    core.bus.emit('config', { sensor: id })
}

const running = new WeakMap<Bus, Promise<void>>()

/** Draws what is missing until nothing is; a call while that goes on joins it. Resolves when done or when the core stops. */
export function drawMissing(core: Core): Promise<void> {
  const before = running.get(core.bus)
  const turn = (before ?? Promise.resolve())
    .then(() => draw(core))
    .catch((error: Error) => {
      if (!core.signal.aborted) core.log(`keys of hosts were not made: ${error.message}; the next apply or start tries again`)
    })
  running.set(core.bus, turn)
  return turn
}

interface Row {
  id: string
  persona: string
  organisation: Organisation
}

async function draw(core: Core): Promise<void> {
  const { sql, signal } = core
  const personas = loadPersonas(core.dataDir, () => {}) // a broken file is said where the decoys are run
  const issuers: Issuers = new Map()
  const began = Date.now()
  let [after, made, told, wait] = ['', 0, began, tellMs.first]
  for (;;) {
    const rows = await sql<Row[]>`select id, persona, organisation from decoy where secrets is null and id > ${after} order by id limit ${page}`
    if (rows.length === 0 || signal.aborted) break
    after = rows.at(-1)?.id ?? after
    const drawn: { id: string; persona: string; organisation: Organisation; secrets: string }[] = []
    const waiting = [...rows]
    const next = async (): Promise<void> => {
      for (let row = waiting.shift(); row && !signal.aborted; row = waiting.shift()) {
        const persona = personas.get(row.persona)
        if (!persona) continue
        drawn.push({ ...row, secrets: sealSecrets(core, row.id, await drawSecrets(persona, row.organisation, {}, issuers)).toString('hex') })
      }
    }
    await Promise.all(Array.from({ length: drawnTogether }, next))
    if (signal.aborted) return
    // Another host may have come to that address meanwhile.
    await sql`update decoy set secrets = decode(x.secrets, 'hex') from jsonb_to_recordset(${sql.json(drawn as never)}) as x(id text, persona text, organisation jsonb, secrets text)
      where decoy.id = x.id and decoy.persona = x.persona and decoy.organisation = x.organisation and decoy.secrets is null`
    made += drawn.length
    if (Date.now() - told >= wait) {
      await sql`select nextval('config_version')`
      await tellConfig(core)
      const [left] = await sql<{ count: number }[]>`select count(*)::int as count from decoy where secrets is null`
      core.log(`keys of ${made} hosts were made in ${Math.round((Date.now() - began) / 1000)} s, ${left?.count ?? 0} remain`)
      told = Date.now()
      wait = Math.min(wait * 2, tellMs.most)
    }
  }
  if (made === 0) return
  await sql`select nextval('config_version')`
  await tellConfig(core)
  core.log(`keys of ${made} hosts were made in ${Math.round((Date.now() - began) / 1000)} s`)
}
