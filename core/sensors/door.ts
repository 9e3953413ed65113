/** Opens the sensors' door: the authority, the listener of link/door.ts, and the watch over sensors. */
import { access } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { createAuthority, openAuthority } from '@shenlou/link/authority'
import { openSensorDoor } from '@shenlou/link/door'
import type { Authority } from '@shenlou/link/identity-types'
import type { Core } from '../core.ts'
import { desiredVersion } from '../operate/desired.ts'
import { setDoor } from './door-of.ts'
import { createHandlers } from './handlers.ts'
import { type Proofs, type ProofTimes, startProofs } from './proofs.ts'
import { watchSensors } from './watch.ts'

async function authorityOf(core: Core): Promise<Authority> {
  const dir = path.join(core.dataDir, 'ca')
  const there = await access(path.join(dir, 'ca.key')).then(
    () => true,
    () => false,
  )
  return there ? openAuthority(dir, core.masterKey) : createAuthority(dir, core.masterKey)
}

const wildcard = (host: string): boolean => host === '0.0.0.0' || host === '::'
const joined = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

/**
 * Listens for sensors. `publicName` is the name or address that goes into enrolment tokens; by default the host, or this machine's
 * name when it listens on all addresses.
 */
export async function openDoor(
  core: Core,
  where: { host: string; port: number; publicName?: string; proofs?: ProofTimes },
): Promise<{ host: string; port: number; close(): Promise<void> }> {
  const { sql } = core
  const authority = await authorityOf(core)
  // Whoever was connected was connected to the core before this one.
  await sql`update sensor set connected = false where connected`
  const revoked = await sql<
    { serial: string }[]
  >`select sensor_certificate.serial from sensor_certificate join sensor on sensor.id = sensor_certificate.sensor where status = 'revoked'`
  let proofs: Proofs | undefined
  const handlers = createHandlers(core, authority, (sensor, said) => proofs?.heard(sensor, said))
  const door = await openSensorDoor({
    authority,
    host: where.host,
    port: where.port,
    handlers,
    revoked: revoked.map(({ serial }) => serial),
    log: core.log,
  }).catch(async (error) => {
    await handlers.close()
    throw error
  })
  setDoor(core, {
    address: joined(where.publicName ?? (wildcard(door.host) ? hostname() : door.host), door.port),
    keyHash: authority.keyHash,
    revoke: (serials) => door.revoke(serials),
  })
  const notify = async (sensor: string): Promise<void> => door.notifyConfig(sensor, await desiredVersion(core))
  const off = core.bus.on('config', ({ sensor }) => void notify(sensor).catch((error: Error) => core.log(`config of ${sensor}: ${error.message}`)))
  proofs = startProofs(core, (sensor, message) => door.prove(sensor, message), where.proofs)
  const watching = watchSensors(core)
  return {
    host: door.host,
    port: door.port,
    async close() {
      off()
      setDoor(core, undefined)
      await proofs?.close()
      await door.close()
      await watching.close()
      await handlers.close()
    },
  }
}
