/** Releases that this core has: keys that are trusted, packages in a folder, and ranges of them for the sensors that are offered one. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import { escapeText } from '@shenlou/contract/bytes'
import { releaseRangeBytes, type ReleaseManifest } from '@shenlou/contract/release'
import type { ReleaseSummary } from '@shenlou/contract/routes-releases'
import { DoorError } from '@shenlou/link/door-types'
import { releaseKeys as keysOf, verifyRelease } from '@shenlou/link/release'
import type postgres from 'postgres'
import type { z } from 'zod'
import type { Actor } from '../actor.ts'
import { ApiError, notFound } from '../api-error.ts'
import { appendAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { visibleWhole } from '../store/visible.ts'

type Sql = postgres.Sql | postgres.TransactionSql

/** The folder of packages, each named by its hash; below the core's own. */
export const releasesFolder = (coreDir: string): string => join(coreDir, 'releases')

/** Keys and releases are the whole installation's: who sees a part of it does not decide on them. */
async function requireWhole(core: Core, actor: Actor): Promise<void> {
  const [row] = await core.sql`select where ${visibleWhole(core.sql, actor)}`
  if (!row) throw new ApiError(403, 'scope-outside', 'releases are for the whole installation: this needs somebody who sees all of it')
}

export const readReleases = (sql: Sql): Promise<ReleaseSummary[]> => sql<ReleaseSummary[]>`
  select sha256, version, role, platform, sequence, size::float8 as size, key, (extract(epoch from imported_at) * 1000)::float8 as "importedAt", imported_by as "importedBy"
  from release order by imported_at desc, sequence desc`

/** Route `releases`. */
export async function releases({ sql }: Core): Promise<RouteAnswer<'releases'>> {
  const items = await readReleases(sql)
  return { items, next: null, total: items.length }
}

/** Route `importRelease`. Checks signature and package; what cannot be taken is one line. */
export async function importRelease(
  core: Core,
  actor: Actor,
  input: { body: z.output<Routes['importRelease']['body']>; address?: string },
): Promise<RouteAnswer<'importRelease'>> {
  await requireWhole(core, actor)
  const { sql } = core
  const pems = await sql<{ pem: string }[]>`select pem from release_key`
  let manifest: ReleaseManifest
  try {
    manifest = verifyRelease(input.body, pems.map(({ pem }) => pem).join('\n'))
  } catch (error) {
    throw new ApiError(409, 'release', `the release was not taken: ${(error as Error).message}`)
  }
  const file = join(releasesFolder(core.dataDir), manifest.sha256)
  const size = await stat(file).then(
    (found) => found.size,
    () => undefined,
  )
  if (size === undefined) throw new ApiError(409, 'release', "its package is not here: bring it with 'shenlou release import PACKAGE' on the core's machine")
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  if (size !== manifest.size || hash.digest('hex') !== manifest.sha256) {
    await rm(file, { force: true })
    throw new ApiError(409, 'release', 'the release was not taken: the package is not the one that its manifest names')
  }
  await sql.begin(async (tx) => {
    const [other] = await tx<{ sha256: string }[]>`
      select sha256 from release where role = ${manifest.role} and platform = ${manifest.platform} and sequence = ${manifest.sequence} and sha256 <> ${manifest.sha256}`
    if (other) throw new ApiError(409, 'release', `another release has the sequence ${manifest.sequence}: sign this one with a higher`)
    const added = await tx`insert into release (sha256, role, platform, version, sequence, size, signed, key, imported_at, imported_by)
      values (${manifest.sha256}, ${manifest.role}, ${manifest.platform}, ${manifest.version}, ${manifest.sequence}, ${manifest.size},
        ${JSON.stringify(input.body)}::text::jsonb, ${input.body.key}, to_timestamp(${core.clock() / 1000}::float8), ${actor.name}) on conflict (sha256) do nothing`
    if (added.count === 0) return
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: 'release.import',
      target: `${manifest.role} ${manifest.version}`,
      detail: { sha256: manifest.sha256, sequence: manifest.sequence, platform: manifest.platform, key: input.body.key },
      scopes: [],
      at: core.clock(),
    })
  })
  const found = (await readReleases(sql)).find(({ sha256 }) => sha256 === manifest.sha256)
  if (!found) throw notFound('release')
  return found
}

/** Route `releaseKeys`. */
export async function releaseKeys({ sql }: Core): Promise<RouteAnswer<'releaseKeys'>> {
  const items = await sql<RouteAnswer<'releaseKeys'>['items']>`
    select id, name, (extract(epoch from added_at) * 1000)::float8 as "addedAt", added_by as "addedBy" from release_key order by name, id`
  return { items: [...items], next: null, total: items.length }
}

/** Route `trustReleaseKey`. */
export async function trustReleaseKey(
  core: Core,
  actor: Actor,
  input: { body: z.output<Routes['trustReleaseKey']['body']>; address?: string },
): Promise<RouteAnswer<'trustReleaseKey'>> {
  await requireWhole(core, actor)
  let ids: string[]
  try {
    ids = [...keysOf(input.body.pem).keys()]
  } catch (error) {
    throw new ApiError(400, 'release-key', `the key was not taken: ${(error as Error).message}`)
  }
  const [id, ...more] = ids
  if (id === undefined || more.length > 0) throw new ApiError(400, 'release-key', 'the key was not taken: give one public key in PEM')
  const name = escapeText(input.body.name)
  await core.sql.begin(async (tx) => {
    const added = await tx`insert into release_key (id, name, pem, added_at, added_by)
      values (${id}, ${name}, ${input.body.pem}, to_timestamp(${core.clock() / 1000}::float8), ${actor.name}) on conflict (id) do nothing`
    if (added.count > 0)
      await appendAudit(tx, {
        actor,
        address: input.address ?? null,
        action: 'release-key.trust',
        target: name,
        detail: { key: id },
        scopes: [],
        at: core.clock(),
      })
  })
  return { id }
}

/** Route `distrustReleaseKey`: its releases go to nobody further. */
export async function distrustReleaseKey(
  core: Core,
  actor: Actor,
  input: { params: { id: string }; address?: string },
): Promise<RouteAnswer<'distrustReleaseKey'>> {
  await requireWhole(core, actor)
  await core.sql.begin(async (tx) => {
    const [row] = await tx<{ name: string }[]>`delete from release_key where id = ${input.params.id} returning name`
    if (!row) throw notFound('release-key')
    await tx`update rollout set state = 'stopped', reason = 'its key is trusted no longer'
      where state in ('running', 'waiting') and release in (select sha256 from release where key = ${input.params.id})`
    await tx`select nextval('config_version')`
    await appendAudit(tx, {
      actor,
      address: input.address ?? null,
      action: 'release-key.distrust',
      target: row.name,
      detail: { key: input.params.id },
      scopes: [],
      at: core.clock(),
    })
  })
  for (const { id } of await core.sql<{ id: string }[]>`select id from sensor where role = 'relay' and status = 'confirmed'`)
    core.bus.emit('config', { sensor: id })
  return { ok: true }
}

/** A range of a package for a sensor that is offered it now; nobody else learns that it is here. */
export async function releaseRange(core: Core, { sensor, sha256, from }: { sensor: string; sha256: string; from: number }) {
  const [row] = await core.sql<{ size: number }[]>`
    select release.size::float8 as size from release join rollout on rollout.release = release.sha256 and rollout.state in ('running', 'waiting')
    join rollout_sensor on rollout_sensor.rollout = rollout.id and rollout_sensor.sensor = ${sensor} and rollout_sensor.state in ('offered', 'updating')
    where release.sha256 = ${sha256}`
  if (!row || from >= row.size) throw new DoorError(404, 'not-found', 'this release is not offered to this sensor')
  const handle = await open(join(releasesFolder(core.dataDir), sha256), 'r').catch(() => {
    throw new DoorError(404, 'not-found', 'the package of this release is not here any more')
  })
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(releaseRangeBytes, row.size - from)), 0, undefined, from)
    return { from, total: row.size, bytes: buffer.toString('base64', 0, bytesRead) }
  } finally {
    await handle.close()
  }
}
