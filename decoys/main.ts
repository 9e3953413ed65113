/** The role of a decoy host: enrols if needed, joins the core, and runs the gate with its contained workers. */
import type { DecoysConfig } from '@shenlou/contract/sensor'
import { runSensor, type SensorSettings } from '@shenlou/link/run-sensor'
import { listenTunnel } from '@shenlou/link/tunnel-gate'
import { findContainment, spawnContained } from './contain.ts'
import { startGate } from './gate.ts'
import { createIdentities } from './identities.ts'
import about from './package.json' with { type: 'json' }

export interface DecoysSettings extends SensorSettings {
  /** The services module of the workers; ours unless a test brings its own. A file URL below the repository. */
  services?: string
}

/** Runs a decoy host until the signal. Rejects with a StartError naming what is wrong. */
export const runDecoys = ({ services = new URL('services.ts', import.meta.url).href, ...settings }: DecoysSettings): Promise<void> =>
  runSensor<DecoysConfig>('decoys', about.version, settings, async ({ identity, journal, spool }) => {
    const { dataDir, log } = settings
    const containment = await findContainment(dataDir)
    log(containment.contained ? `workers are contained: ${containment.how}` : `workers are NOT contained: ${containment.how}`)
    const module = new URL('worker-main.ts', import.meta.url).href
    const gate = startGate({
      dataDir,
      identity,
      journal,
      spool,
      listenTunnel,
      spawnWorker: (index) => spawnContained(containment, { module, args: [services], index }),
      log,
    })
    const identities = createIdentities()
    return {
      ...gate,
      apply(config) {
        identities.set(config.decoys)
        return gate.apply(config)
      },
      contained: containment.contained,
      containment: containment.how,
      health() {
        const { problems, ...health } = gate.health()
        return {
          ...health,
          contained: containment.contained,
          identities: identities.next(),
          problems: containment.contained ? problems : [`not-contained ${containment.how}`, ...problems],
        }
      },
    }
  })
