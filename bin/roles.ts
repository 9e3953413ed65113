/** The roles that a whole installation runs besides the relay. */
import { join } from 'node:path'
import type { Invocation } from './commands.ts'
import { runProcess } from './role-process.ts'

export const core = ({ settings }: Invocation): Promise<number> =>
  runProcess('core', async (tools) => (await import('@shenlou/core/main')).runCore({ settings, dataDir: join(settings.data, 'core'), ...tools }))

export const decoys = ({ settings }: Invocation): Promise<number> =>
  runProcess('decoys', async (tools) =>
    (await import('@shenlou/decoys/main')).runDecoys({ dataDir: join(settings.data, 'decoys'), enrolToken: settings.token, ...tools }),
  )
