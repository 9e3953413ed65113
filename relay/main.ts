/** The role of a relay: enrols if needed, joins the core, listens where it is told. */
import type { RelayConfig } from '@shenlou/contract/sensor'
import { runSensor, type SensorSettings } from '@shenlou/link/run-sensor'
import { connectTunnel } from '@shenlou/link/tunnel-relay'
import about from './package.json' with { type: 'json' }
import { startRelay } from './relay.ts'

/** Runs a relay until the signal. Rejects with a StartError naming what is wrong. */
export const runRelay = (settings: SensorSettings): Promise<void> =>
  runSensor<RelayConfig>('relay', about.version, settings, ({ identity, journal }) => startRelay({ identity, journal, connectTunnel, log: settings.log }))
