/** The core as a role: opens the database, then each part in the order that data flows, and closes them in reverse. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openAdminSocket } from './admin-socket.ts'
import { type Actor, systemActor } from './actor.ts'
import { backup } from './backup.ts'
import { createCore } from './core.ts'
import { startHolds } from './delay/holds.ts'
import { startDetection } from './detect/main.ts'
import { handlers } from './http/handlers.ts'
import { startHttp } from './http/server.ts'
import { startIngest } from './ingest/ingest.ts'
import { givenAccounts } from './operate/accounts.ts'
import { startAddresses } from './operate/address-projection.ts'
import { drawMissing } from './operate/drawing.ts'
import { templatesFolder } from './operate/personas.ts'
import { saveSiteSettings } from './operate/settings.ts'
import { applyTemplate } from './operate/templates.ts'
import { createFirstAdministrator } from './people.ts'
import { startRollouts } from './releases/rollout.ts'
import { startSyslog } from './sense/syslog.ts'
import { openDoor } from './sensors/door.ts'
import { startSessions } from './sessions-projection.ts'
import { openDatabase } from './store/database.ts'
import { folderError, StartError } from './store/start-error.ts'

export interface CoreSettings {
  http: string
  sensors: string
  tunnel: string
  syslog: string
  bind: string
  scenario: boolean
  'database-url'?: string | undefined
  'public-name'?: string | undefined
  'behind-proxy': boolean
  'tls-certificate'?: string | undefined
  'tls-key'?: string | undefined
}

/** `host` and `port` of HOST:PORT, the brackets of an IPv6 address taken off. */
export function splitHostPort(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) }
}

/** Opens a door; a port that cannot be had is one line that names the setting. */
async function onPort<T>(setting: string, address: string, open: (where: { host: string; port: number }) => Promise<T>): Promise<T> {
  try {
    return await open(splitHostPort(address))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new StartError(`${address} is taken by another program: end it, or choose another with --${setting} HOST:PORT`, { cause: error })
    if (code === 'EADDRNOTAVAIL')
      throw new StartError(`${address} is not an address of this machine: choose another with --${setting} HOST:PORT`, { cause: error })
    if (code === 'EACCES')
      throw new StartError(`${address} may not be opened by this user: choose a port from 1024 with --${setting} HOST:PORT`, { cause: error })
    throw error
  }
}

/** Runs until `signal` aborts. Throws a StartError of one line for what an operator can mend. */
export async function runCore({
  settings,
  dataDir,
  signal,
  log,
  ready,
}: {
  settings: CoreSettings
  dataDir: string
  signal: AbortSignal
  log: (line: string) => void
  ready: (detail: Record<string, unknown>) => void
}): Promise<void> {
  const closing: (() => Promise<unknown> | unknown)[] = []
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw folderError(dataDir, error)
    })
    const url = settings['database-url']
    const database = await openDatabase(url ? { url } : { dataDir }, signal, log)
    closing.push(() => database.close())
    const isFirst = !existsSync(join(dataDir, 'site-secret'))
    const core = await createCore({ sql: database.sql, dataDir, signal, log }).catch((error: unknown) => {
      throw folderError(dataDir, error)
    })
    await saveSiteSettings(core.sql, { bind: settings.bind, tunnel: settings.tunnel })
    await startIngest(core)
    const sessions = await startSessions(core)
    closing.push(() => sessions())
    const holds = await startHolds(core)
    closing.push(() => holds.close())
    const addresses = await startAddresses(core)
    closing.push(() => addresses.close())
    const rollouts = startRollouts(core)
    closing.push(() => rollouts.close())
    const detection = await startDetection(core)
    closing.push(() => detection.close())
    const first = await createFirstAdministrator(core)
    if (isFirst && settings.scenario) await applyStarter(core)

    const door = await onPort('sensors', settings.sensors, (where) =>
      openDoor(core, { ...where, ...(settings['public-name'] ? { publicName: settings['public-name'] } : {}) }),
    )
    closing.push(() => door.close())
    if (settings.syslog !== 'off') {
      const syslog = await onPort('syslog', settings.syslog, (where) => startSyslog(core, where))
      closing.push(() => syslog.close())
    }
    const names = settings['public-name'] ? [settings['public-name']] : []
    const tls = settings['tls-certificate'] && settings['tls-key'] ? { certificate: settings['tls-certificate'], key: settings['tls-key'] } : undefined
    const http = await onPort('http', settings.http, (where) =>
      startHttp(core, {
        ...where,
        consoleDir: join(templatesFolder, '..', 'console', 'dist'),
        behindProxy: settings['behind-proxy'],
        publicNames: names,
        tls,
        handlers,
      }),
    )
    closing.push(() => http.close())
    const admin = await openAdminSocket(core, {
      ...handlers,
      accounts: () => givenAccounts(core),
      backup: (_core: unknown, actor: Actor, { body }: { body: { file: string; passphrase: string } }) => backup(core, body, actor),
    } as never)
    closing.push(() => admin.close())
    void drawMissing(core) // what an end of the former process left undone
    ready({ url: http.url, first, accounts: await givenAccounts(core, { written: true }) })
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  } finally {
    for (const close of closing.reverse()) {
      try {
        await close()
      } catch (error) {
        log(`closing: ${(error as Error).message}`)
      }
    }
  }
}

async function applyStarter(core: Parameters<typeof applyTemplate>[0]): Promise<void> {
  const { readFile } = await import('node:fs/promises')
  const text = await readFile(join(templatesFolder, 'scenarios', 'starter.yaml'), 'utf8')
  await applyTemplate(core, systemActor, { body: { text } })
}
