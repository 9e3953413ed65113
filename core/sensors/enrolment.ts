/** How a machine becomes a sensor: a token that serves once, a certificate, a person's confirmation. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { enrolAnswer, enrolRequest } from '@shenlou/contract/sensor'
import { type EnrolmentToken, enrolmentToken } from '@shenlou/contract/sensor'
import type { RouteAnswer, Routes } from '@shenlou/contract/api'
import { DoorError } from '@shenlou/link/door-types'
import type { Authority, PeerIdentity, SignedCertificate } from '@shenlou/link/identity-types'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import type { z } from 'zod'
import { type Actor, maySee, systemActor } from '../actor.ts'
import { ApiError } from '../api-error.ts'
import { appendAudit } from '../audit.ts'
import type { Core } from '../core.ts'
import { requirePlaces } from '../places.ts'
import { tokenLife } from './limits.ts'
import { noteProblem, tellSensor } from './problems.ts'

const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** IPv4 as such where a dual-stack socket says it as IPv6 (RFC 4291 section 2.5.5.2). */
export const plainAddress = (address: string): string => (address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address)

/** `network` as PostgreSQL's cidr: bits right of the prefix are cleared. Throws an ApiError for what is no network. */
function checkNetwork(network: string): string {
  const [address = '', prefix, more] = network.split('/')
  const family = isIP(address)
  const longest = family === 4 ? 32 : 128
  if (family === 0 || more !== undefined || (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest))) {
    throw new ApiError(400, 'bad-network', `${JSON.stringify(network)} is not a network: write the one the sensor will come from, such as 10.20.0.0/16`, {
      fields: { network: 'is not a network' },
    })
  }
  return prefix === undefined ? `${address}/${longest}` : network
}

/** Makes a token for one new sensor; only the hash of its secret is kept. `door` is `host:port` as the sensor reaches it. */
export async function makeToken(
  core: Core,
  actor: Actor,
  given: { body: z.output<Routes['issueEnrolment']['body']>; address?: string },
  door: string,
  caKeyHash: string,
): Promise<RouteAnswer<'issueEnrolment'>> {
  const { role, name, scope, minutes } = given.body
  if (!maySee(actor, scope)) throw new ApiError(403, 'forbidden', `the scope ${scope} is not yours: choose one of your own`)
  await requirePlaces(core.sql, [scope])
  const network = checkNetwork(given.body.network)
  const secret = randomBytes(32).toString('base64url')
  const now = core.clock()
  const token: EnrolmentToken = enrolmentToken.parse({
    id: uuidv7(),
    secret,
    door,
    caKeyHash,
    role,
    name,
    expires: now + Math.min(minutes * 60_000, tokenLife),
  })
  await core.sql.begin(async (tx) => {
    const [taken] = await tx`select from sensor where role = ${role} and name = ${name} and status <> 'revoked'`
    if (taken)
      throw new ApiError(409, 'name-taken', `there is a sensor ${name} of this role already: revoke it first, or choose another name`, {
        fields: { name: 'is taken' },
      })
    await tx`insert into enrolment_token (id, secret_hash, role, name, scope, network, issued_by, issued_at, expires)
      values (${token.id}, ${hashOf(secret).toString('hex')}, ${role}, ${name}, ${scope}, network(${network}::inet), ${actor.name},
        to_timestamp(${now / 1000}::float8), to_timestamp(${token.expires / 1000}::float8))`
    await appendAudit(tx, {
      actor,
      address: given.address ?? null,
      action: 'sensor.token',
      target: name,
      detail: { role, scope, network, expires: token.expires },
      scopes: [scope],
      at: now,
    })
  })
  return { token: Buffer.from(JSON.stringify(token)).toString('base64url'), expires: token.expires }
}

interface TokenRow {
  id: string
  secret_hash: string
  role: 'relay' | 'decoys'
  name: string
  scope: string
  used_by: string | null
  used: boolean
  expired: boolean
  inside: boolean
}

async function sign(authority: Authority, csr: string, sensor: string, role: 'relay' | 'decoys'): Promise<SignedCertificate> {
  try {
    return await authority.signCsr({ csr, sensor, role })
  } catch (error) {
    if (error instanceof RangeError) throw new DoorError(400, 'csr', `the certificate request cannot be signed: ${error.message}`)
    throw error
  }
}

const keepCertificate = async (tx: postgres.TransactionSql, sensor: string, signed: SignedCertificate): Promise<void> => {
  await tx`insert into sensor_certificate (serial, sensor, fingerprint, expires, signed_at)
    values (${signed.serial}, ${sensor}, ${signed.fingerprint}, to_timestamp(${signed.expires / 1000}::float8), to_timestamp(${signed.issued / 1000}::float8))`
}

/** Spends a token and signs. Name, role and scope come from the token. A second use is refused and noted with the sensor that had it. */
export async function enrol(
  core: Core,
  authority: Authority,
  input: z.output<typeof enrolRequest> & { address: string },
): Promise<z.output<typeof enrolAnswer>> {
  const address = plainAddress(input.address)
  const now = core.clock() / 1000
  const outcome = await core.sql.begin(async (tx) => {
    const [token] = await tx<
      TokenRow[]
    >`select id, secret_hash, role, name, scope, used_by, used_at is not null as used, expires <= to_timestamp(${now}::float8) as expired,
      ${address}::inet <<= network as inside from enrolment_token where id = ${input.token} for update`
    if (!token || !timingSafeEqual(hashOf(input.secret), Buffer.from(token.secret_hash, 'hex')))
      throw new DoorError(403, 'token-unknown', 'this token is not one of ours')
    if (token.used) return { usedBy: token.used_by }
    if (token.expired) throw new DoorError(403, 'token-expired', 'this token has run out: have a new one issued')
    if (!token.inside) throw new DoorError(403, 'network', `this token is not for a sensor at ${address}: have one issued for its network`)
    const [taken] = await tx`select from sensor where role = ${token.role} and name = ${token.name} and status <> 'revoked'`
    if (taken) throw new DoorError(409, 'name-taken', `a sensor ${token.name} was enrolled meanwhile: revoke it first, or have a token issued for another name`)
    const sensor = uuidv7()
    const signed = await sign(authority, input.csr, sensor, token.role)
    await tx`insert into sensor (id, name, role, scope, status, fingerprint, serial, certificate_expires, enrolled_at, enrolled_from)
      values (${sensor}, ${token.name}, ${token.role}, ${token.scope}, 'pending', ${signed.fingerprint}, ${signed.serial}, to_timestamp(${signed.expires / 1000}::float8),
        to_timestamp(${now}::float8), ${address})`
    await keepCertificate(tx, sensor, signed)
    await tx`update enrolment_token set used_at = to_timestamp(${now}::float8), used_by = ${sensor} where id = ${token.id}`
    await appendAudit(tx, {
      actor: systemActor,
      address,
      action: 'sensor.enrol',
      target: token.name,
      detail: { sensor, role: token.role, scope: token.scope, fingerprint: signed.fingerprint },
      scopes: [token.scope],
      at: core.clock(),
    })
    return { sensor, signed }
  })
  if ('usedBy' in outcome) {
    if (outcome.usedBy) await noteProblem(core, outcome.usedBy, 'token-reused', `its enrolment token was used a second time, from ${address}`, address)
    throw new DoorError(403, 'token-used', 'this token has been used: have a new one issued, and find out who used it')
  }
  await tellSensor(core, outcome.sensor)
  const { certificate, ca, fingerprint } = outcome.signed
  return { sensor: outcome.sensor, certificate, ca, fingerprint, confirmed: false }
}

/** Signs a new certificate for a sensor that has one. */
export async function renew(
  core: Core,
  authority: Authority,
  input: { peer: PeerIdentity; csr: string; address: string },
): Promise<{ certificate: string; ca: string }> {
  const { peer } = input
  const signed = await core.sql.begin(async (tx) => {
    const [row] = await tx<{ role: 'relay' | 'decoys'; name: string; scope: string; status: string }[]>`
      select sensor.role, sensor.name, sensor.scope, sensor.status from sensor join sensor_certificate on sensor_certificate.sensor = sensor.id
      where sensor.id = ${peer.sensor} and sensor_certificate.serial = ${peer.serial} for update of sensor`
    if (!row || row.role !== peer.role) throw new DoorError(403, 'unknown', 'this certificate is of no sensor here: enrol again')
    if (row.status === 'revoked') throw new DoorError(403, 'revoked', 'this sensor was revoked')
    const made = await sign(authority, input.csr, peer.sensor, row.role)
    await keepCertificate(tx, peer.sensor, made)
    await tx`update sensor set serial = ${made.serial}, fingerprint = ${made.fingerprint}, certificate_expires = to_timestamp(${made.expires / 1000}::float8) where id = ${peer.sensor}`
    await appendAudit(tx, {
      actor: systemActor,
      address: plainAddress(input.address),
      action: 'sensor.renew',
      target: row.name,
      detail: { sensor: peer.sensor, fingerprint: made.fingerprint },
      scopes: [row.scope],
      at: core.clock(),
    })
    return made
  })
  await tellSensor(core, peer.sensor)
  return { certificate: signed.certificate, ca: signed.ca }
}
