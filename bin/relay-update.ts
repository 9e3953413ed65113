/** `shenlou-relay install-update`: what the launcher runs between two starts of the relay. */
import { installUpdate, UpdatePutOff } from '@shenlou/relay/update/install'
import type { Invocation } from './commands.ts'
import { SettingsError } from './settings.ts'
import { line } from './terminal.ts'

/** Tells the launcher to leave what was fetched where it is. EX_TEMPFAIL of sysexits.h. */
const putOffCode = 75

export async function installFetched({ rest: { inbox, home, trust } }: Invocation): Promise<number> {
  if (typeof inbox !== 'string' || typeof home !== 'string' || typeof trust !== 'string') throw new SettingsError('--inbox, --home and --trust are needed')
  try {
    line(await installUpdate({ inbox, home, trust }))
    return 0
  } catch (error) {
    if (!(error instanceof UpdatePutOff)) throw Object.assign(error as Error, { name: 'StartError' })
    process.stderr.write(`shenlou-relay: ${error.message}; it is tried again later\n`)
    return putOffCode
  }
}
