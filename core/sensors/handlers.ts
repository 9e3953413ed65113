/** What the core does with what sensors say at its door. The door itself, with TLS and framing, is link/door.ts. */
import { contractVersion } from '@shenlou/contract/event'
import { DoorError, type DoorHandlers } from '@shenlou/link/door-types'
import type { Authority } from '@shenlou/link/identity-types'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { addressBlock } from '../auth/address-block.ts'
import { appendBlob, keptBytes } from '../blobs.ts'
import type { Core } from '../core.ts'
import type { SensorRole } from '../ingest/check-event.ts'
import { committedSeq, ingestBatch } from '../ingest/ingest.ts'
import { marksOf } from '../ingest/proofs.ts'
import { desiredState, desiredVersion } from '../operate/desired.ts'
import { releaseRange } from '../releases/store.ts'
import { enrol, plainAddress, renew } from './enrolment.ts'
import { keepIdentities } from './identities.ts'
import { enrolmentsPerMinute } from './limits.ts'
import { noteProblem, tellSensor } from './problems.ts'

interface Known {
  scope: string
  role: SensorRole
  status: string
}

/** The handlers of one open door, and the timers behind them. */
export function createHandlers(core: Core, authority: Authority, proof?: DoorHandlers['proof']): DoorHandlers & { close(): Promise<void> } {
  const { sql } = core
  const known = new Map<string, Known>()
  const leaving = new Map<string, Promise<void>>()
  const enrolments = new RateLimiterMemory({ points: enrolmentsPerMinute, duration: 60 })
  const lastEvent = new Map<string, number>()
  const background = (what: string, work: Promise<unknown>): void => {
    work.catch((error: Error) => core.log(`${what}: ${error.message}`))
  }

  const load = async (sensor: string): Promise<Known> => {
    const [row] = await sql<Known[]>`select scope, role, status from sensor where id = ${sensor}`
    if (!row) throw new DoorError(403, 'unknown', 'this sensor is not known here: enrol again')
    if (row.status === 'revoked') throw new DoorError(403, 'revoked', 'this sensor was revoked')
    known.set(sensor, row)
    return row
  }
  /** Files are taken of machines that a person has confirmed: nobody else fills the store. */
  const requireConfirmed = async (sensor: string): Promise<void> => {
    const { status } = known.get(sensor) ?? (await load(sensor))
    if (status !== 'confirmed') throw new DoorError(403, 'unconfirmed', 'nobody has confirmed this sensor yet: it keeps its files until then')
  }
  const flush = async (): Promise<void> => {
    const rows = [...lastEvent].map(([id, at]) => ({ id, at }))
    lastEvent.clear()
    if (rows.length === 0) return
    await sql`update sensor set last_event_at = to_timestamp(x.at / 1000) from json_to_recordset(${JSON.stringify(rows)}::text::json) as x(id uuid, at float8) where sensor.id = x.id`
  }
  const flushing = setInterval(() => background('last events of sensors', flush()), 2000)
  const forget = core.bus.on('sensor', ({ record }) => known.delete(record.id))

  return {
    async enrol(input) {
      await enrolments.consume(addressBlock(plainAddress(input.address))).catch(() => {
        throw new DoorError(429, 'too-many-requests', 'too many enrolments from this address: try again in a minute')
      })
      return enrol(core, authority, input)
    },
    renew: (input) => renew(core, authority, input),
    config: (sensor) => desiredState(core, sensor),

    async hello(sensor, hello, peer) {
      const row = await load(sensor)
      if (row.role !== peer.role) throw new DoorError(403, 'unknown', 'this certificate is of another role')
      if (hello.contract !== contractVersion && hello.contract !== contractVersion - 1) {
        throw new DoorError(
          400,
          'contract',
          `this core speaks the contract ${contractVersion} and the one before, the sensor ${hello.contract}: bring the older of the two up to date`,
        )
      }
      const address = plainAddress(peer.address)
      // Its former channel's end must not be written after this one's begin.
      await leaving.get(sensor)?.catch(() => {})
      const committed = await committedSeq(core, sensor, hello.epoch)
      if (hello.nextSeq <= committed) {
        const detail = `its journal went back from ${committed} to ${hello.nextSeq - 1}: its disk was restored or copied; stop it, remove its journal folder and start it again`
        await noteProblem(core, sensor, 'journal-returned', detail, address)
        throw new DoorError(409, 'cloned', detail)
      }
      await sql`update sensor set connected = true, connected_from = ${address}, version = ${hello.version}, last_seen_at = to_timestamp(${core.clock() / 1000}::float8) where id = ${sensor}`
      background('sensor frames', tellSensor(core, sensor))
      return { confirmed: row.status === 'confirmed', committed, configVersion: await desiredVersion(core) }
    },

    async batch({ sensor, epoch, first, last, events }) {
      const { scope, role, status } = known.get(sensor) ?? (await load(sensor))
      const { committed, rejected } = await ingestBatch(core, {
        sensor: { id: sensor, scope, role: status === 'confirmed' ? role : 'pending' },
        epoch,
        first,
        last,
        events,
      })
      lastEvent.set(sensor, core.clock())
      if (rejected > 0) background('sensor frames', tellSensor(core, sensor))
      return committed
    },

    async health(sensor, { identities, ...health }) {
      const now = core.clock()
      ;(await marksOf(core)).clock(sensor, health.clock - now)
      await sql`update sensor set last_seen_at = to_timestamp(${now / 1000}::float8), clock_offset_ms = ${health.clock - now}, version = ${health.version},
        contained = ${health.contained ?? null}, queue_events = ${health.queueEvents}, streams = ${health.streams}, config_version = ${health.configVersion},
        health = ${JSON.stringify(health)}::text::jsonb where id = ${sensor}`
      await tellSensor(core, sensor)
      await keepIdentities(core, sensor, identities ?? [])
    },

    async release(input) {
      await requireConfirmed(input.sensor)
      return releaseRange(core, input)
    },

    ...(proof ? { proof } : {}),
    gone(sensor) {
      background(
        'a sensor left',
        sql`update sensor set connected = false where id = ${sensor}`.then(() => tellSensor(core, sensor)),
      )
    },

    cloned(sensor, { live, refused }) {
      const [at, from] = [plainAddress(live), plainAddress(refused)]
      background(
        'a cloned sensor',
        noteProblem(core, sensor, 'cloned', `a second connection with its certificate was refused, from ${from} while it is at ${at}`, from),
      )
    },

    async blobOffered(sensor, { sha256, size }) {
      await requireConfirmed(sensor)
      return keptBytes(core, sha256, size)
    },
    async blob({ sensor, sha256, from, total, bytes }) {
      await requireConfirmed(sensor)
      return { received: await appendBlob(core, { sha256, from, total, bytes }) }
    },

    async close() {
      clearInterval(flushing)
      forget()
      await flush().catch(() => {})
    },
  }
}
