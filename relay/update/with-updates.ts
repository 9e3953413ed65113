/** A relay's work with updates added: takes what its desired state offers, and tells its launcher when it does its work. */
import { join } from 'node:path'
import type { RelayConfig } from '@shenlou/contract/sensor'
import { dial } from '@shenlou/link/dial'
import { exchange } from '@shenlou/link/enrol'
import type { SensorIdentity } from '@shenlou/link/identity-types'
import type { SensorWork } from '@shenlou/link/run-sensor'
import { launchedBy, openUpdater } from './updater.ts'

const lookMs = 500
/** What a relay cannot do its work with. */
const ailing = /^(tunnel-down|config-failed|listen-failed|capture)/

export function withUpdates(
  work: SensorWork<RelayConfig>,
  { identity, dataDir, log, onReady }: { identity: SensorIdentity; dataDir: string; log(line: string): void; onReady(): void },
): SensorWork<RelayConfig> {
  const updater = openUpdater({
    launched: launchedBy(),
    dir: join(dataDir, 'update'),
    log,
    onReady,
    async ask(path) {
      const { socket } = await dial({ address: identity.door, identity, expect: { role: 'core' } })
      try {
        return await exchange(socket, { method: 'GET', path })
      } finally {
        socket.destroy()
      }
    },
  })
  // Healthy is: the core took this version's channel and gave its desired state, that is applied, and its tunnels are up.
  let joined = false
  const looking = setInterval(() => {
    if (!joined || work.health().problems.some((problem) => ailing.test(problem))) return
    clearInterval(looking)
    updater.healthy().catch((error: Error) => log(`the launcher could not be told that this version is healthy: ${error.message}`))
  }, lookMs)
  return {
    ...work,
    async apply(config, kept) {
      await work.apply(config, kept)
      if (kept) return
      joined = true
      updater.offer(config.update)
    },
    health: () => ({ ...work.health(), update: updater.report() }),
    async close() {
      clearInterval(looking)
      await updater.close()
      await work.close()
    },
  }
}
