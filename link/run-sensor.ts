/** The life of a sensor process, the same for relay and decoy host: identity, journal, uplink, then whatever it does, then a stop in order. */
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { escapeText } from '@shenlou/contract/bytes'
import type { DecoysConfig, RelayConfig, SensorHealth } from '@shenlou/contract/sensor'
import { openBlobSpool } from './blobs.ts'
import { enrol } from './enrol.ts'
import { openIdentity } from './identity.ts'
import type { SensorIdentity } from './identity-types.ts'
import { openJournal } from './journal.ts'
import { startUplink } from './uplink.ts'
import type { BlobSpool, Journal, Prover } from './uplink-types.ts'
import { uuidv7 } from './uuid.ts'

export interface SensorSettings {
  /** Its own folder; made 0700 when it is missing. */
  dataDir: string
  /** Needed once: a machine that is enrolled ignores it. */
  enrolToken?: string | undefined
  /** Stops it in order. */
  signal: AbortSignal
  log(line: string): void
  /** Called when it runs: its sensor id, and the fingerprint that a person confirms. */
  ready?(detail: Record<string, unknown>): void
}
export interface SensorParts {
  identity: SensorIdentity
  journal: Journal
  spool: BlobSpool
}
/** What a role does with its desired state. */
export interface SensorWork<C> {
  /** `kept`: as it stood on disk at start, before the core was reached. */
  apply(config: C, kept: boolean): Promise<void>
  revoke(serials: string[]): void
  health(): Pick<SensorHealth, 'sessions' | 'streams' | 'contained' | 'configVersion' | 'identities' | 'segments' | 'networks' | 'update' | 'problems'>
  close(): Promise<void>
  /** Makes proof touches for the core. */
  prover?: Prover
  /** Said in `sensor.started`. */
  contained?: boolean
  containment?: string
}

/** An error that stops a start and is told to a person as one line. */
const startError = (error: unknown): Error => Object.assign(new Error((error as Error).message, { cause: error }), { name: 'StartError' })

/** Runs until the signal. Rejects with a StartError when it cannot begin: not enrolled, a broken or locked folder, a full disk. */
export async function runSensor<C extends RelayConfig | DecoysConfig>(
  role: C['role'],
  version: string,
  { dataDir, enrolToken, signal, log, ready }: SensorSettings,
  begin: (parts: SensorParts) => Promise<SensorWork<C>> | SensorWork<C>,
): Promise<void> {
  let parts: SensorParts
  let work: SensorWork<C>
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    const identity = (await openIdentity(dataDir)) ?? (enrolToken ? await enrol({ token: enrolToken, dir: dataDir }) : undefined)
    if (!identity) throw new Error(`${dataDir} holds no identity; enrol this machine with --token, which the console gives out under Sensors`)
    if (identity.role !== role) throw new Error(`${dataDir} is enrolled as ${identity.role}, not as ${role}; use another folder`)
    const journal = await openJournal(join(dataDir, 'journal'))
    const spool = await openBlobSpool(join(dataDir, 'blobs'))
    parts = { identity, journal, spool }
    work = await begin(parts)
  } catch (error) {
    throw startError(error)
  }
  const { identity, journal, spool } = parts
  const say = (kind: 'sensor.started' | 'sensor.stopped', body: Record<string, unknown>): Promise<unknown> =>
    journal
      .append({ id: uuidv7(), time: Date.now(), kind, body } as Parameters<Journal['append']>[0])
      .catch((error: Error) => log(`the journal takes nothing: ${error.message}`))
  const { contained, containment } = work
  await say('sensor.started', {
    version,
    node: process.version,
    host: escapeText(hostname()).slice(0, 255),
    ...(contained === undefined ? {} : { contained }),
    ...(containment === undefined ? {} : { containment: containment.slice(0, 500) }),
  })

  // One after the other: a configuration is a whole state, and the last one counts.
  let applying = Promise.resolve()
  const uplink = startUplink({
    identity: identity as Parameters<typeof startUplink>[0]['identity'],
    journal,
    spool,
    version,
    onConfig(config, kept) {
      applying = applying
        .then(() => (signal.aborted ? undefined : work.apply(config as C, kept)))
        .catch((error: Error) => log(`configuration ${config.version} could not be applied: ${error.message}`))
      return applying
    },
    onRevoked: (serials) => work.revoke(serials),
    health: () => work.health(),
    ...(work.prover ? { prover: work.prover } : {}),
    log,
  })
  ready?.({ sensor: identity.sensor, fingerprint: identity.fingerprint, ...(containment === undefined ? {} : { contained, containment }) })

  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  await applying
  await work.close()
  await say('sensor.stopped', { reason: 'it was asked to stop' })
  await uplink.drain(2000)
  await uplink.close()
  await spool.close()
  await journal.close()
}
