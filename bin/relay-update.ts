/** `shenlou-relay install-update`: what the launcher runs between two starts of the relay. */
import { installUpdate } from '@shenlou/relay/update/install'
import type { Invocation } from './commands.ts'
import { SettingsError } from './settings.ts'
import { line } from './terminal.ts'

export async function installFetched({ rest: { inbox, home, trust } }: Invocation): Promise<number> {
  if (typeof inbox !== 'string' || typeof home !== 'string' || typeof trust !== 'string') throw new SettingsError('--inbox, --home and --trust are needed')
  line(
    await installUpdate({ inbox, home, trust }).catch((error: Error) => {
      throw Object.assign(error, { name: 'StartError' })
    }),
  )
  return 0
}
