/** The role of a park relay; imports nothing of the other roles, as it is all that its single executable holds. */
import { join } from 'node:path'
import { runRelay } from '@shenlou/relay/main'
import type { Invocation } from './commands.ts'
import { runProcess } from './role-process.ts'

export const relay = ({ settings }: Invocation): Promise<number> =>
  runProcess('relay', (tools) =>
    runRelay({
      dataDir: join(settings.data, 'relay'),
      enrolToken: settings.token,
      capture: settings.capture?.split(','),
      captureShared: settings['capture-shared'],
      ...tools,
    }),
  )
