/** The role of a relay: takes its capture interfaces, gives root up, enrols if needed, joins the core, listens where it is told. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RelayConfig } from '@shenlou/contract/sensor'
import { writeFileAtomic } from '@shenlou/link/atomic-file'
import { openIdentity } from '@shenlou/link/identity'
import { runSensor, type SensorSettings } from '@shenlou/link/run-sensor'
import { connectTunnel } from '@shenlou/link/tunnel-relay'
import { dropRoot, giveFolder, makeFolderFor, relayUser } from './capture/privilege.ts'
import { type CaptureProcess, startCapture } from './capture/start.ts'
import { openControl } from './control.ts'
import about from './package.json' with { type: 'json' }
import { startRelay } from './relay.ts'
import { updateReadyCode } from './update/updater.ts'
import { withUpdates } from './update/with-updates.ts'

export interface RelaySettings extends SensorSettings {
  /** Interfaces on which idle addresses may be answered: given on this machine, never by the core. */
  capture?: readonly string[] | undefined
  /** They stay this machine's own interfaces. */
  captureShared?: boolean | undefined
}

/**
 * Runs a relay until the signal, or until an update is ready for its launcher; resolves to the exit code. Rejects with a StartError naming what is wrong, also when
 * its capture process ends by itself.
 */
export async function runRelay({ capture: interfaces = [], captureShared, ...settings }: RelaySettings): Promise<number> {
  const { log, dataDir } = settings
  const stop = new AbortController()
  const stopped = (): void => stop.abort()
  if (settings.signal.aborted) stop.abort()
  settings.signal.addEventListener('abort', stopped, { once: true })
  let lost: string | undefined
  let code = 0
  let capture: CaptureProcess | undefined
  let control: { close(): void } | undefined
  const stateFile = join(dataDir, 'idle.json')
  const saved = readSaved(stateFile, log)
  let saving = Promise.resolve()
  if (interfaces.length > 0) {
    capture = await begin(async () => {
      makeFolderFor(dataDir, relayUser)
      const core = (await openIdentity(dataDir))?.door ?? doorOf(settings.enrolToken)
      const started = await startCapture({ interfaces, shared: captureShared, core, saved, log })
      giveFolder(dataDir, relayUser)
      dropRoot()
      return started
    })
    control = await openControl(dataDir, capture).catch((error: Error) => {
      log(`'relay release' cannot reach this relay: ${error.message}`)
      return undefined
    })
    void capture.ended.then((line) => {
      if (stop.signal.aborted) return
      lost = line
      stop.abort()
    })
  }
  try {
    await runSensor<RelayConfig>('relay', about.version, { ...settings, signal: stop.signal }, ({ identity, journal }) => {
      const relay = startRelay({
        identity,
        journal,
        connectTunnel,
        log,
        capture,
        onSave(segment, text) {
          saved[segment] = text
          saving = saving
            .then(() => writeFileAtomic(stateFile, JSON.stringify(saved)))
            .catch((error: Error) => log(`what is known of idle addresses could not be kept: ${error.message}`))
        },
      })
      return withUpdates(relay, {
        identity,
        dataDir,
        log,
        onReady() {
          code = updateReadyCode
          stop.abort()
        },
      })
    })
  } finally {
    settings.signal.removeEventListener('abort', stopped)
    control?.close()
    await capture?.end()
    await saving
  }
  if (lost !== undefined) throw startError(lost)
  return code
}

const startError = (message: string, cause?: unknown): Error => Object.assign(new Error(message, { cause }), { name: 'StartError' })
async function begin<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw startError((error as Error).message, error)
  }
}
/** What owners were seen is worth keeping, and no reason not to start: without it every address begins its quiet time anew. */
function readSaved(file: string, log: (line: string) => void): Record<string, string> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Object.fromEntries(Object.entries(value as object).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log(`${file} could not be read, so owners of addresses that were seen before are not known: ${(error as Error).message}`)
    return {}
  }
}
/** An enrolment token names the door; a broken one is told of when it is used. */
function doorOf(token: string | undefined): string | undefined {
  try {
    return String(JSON.parse(Buffer.from(token ?? '', 'base64url').toString()).door)
  } catch {
    return undefined
  }
}
