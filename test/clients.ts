/** The attackers' clients and the analyst's browser, as the tests start them: one way for all. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { Installation } from './installation.ts'
import { findTool } from './tools.ts'

const execute = promisify(execFile)

const option = (text: string): string[] => ['-o', text]

/** OpenSSH's client without a memory of hosts and without questions. */
export const sshQuiet: readonly string[] = [
  '-F',
  '/dev/null',
  ...option('StrictHostKeyChecking=no'),
  ...option('UserKnownHostsFile=/dev/null'),
  ...option('LogLevel=ERROR'),
  ...option('ConnectTimeout=10'),
  // What old servers have and today's client asks for only when told to.
  ...option('HostKeyAlgorithms=+ssh-rsa'),
  ...option('PubkeyAcceptedAlgorithms=+ssh-rsa'),
]
/** The same, with a password only. */
export const sshOptions: readonly string[] = [...sshQuiet, ...option('PreferredAuthentications=password'), ...option('PubkeyAuthentication=no')]

/** Runs a command over ssh as `root` (or `user`) with a password; rejects when it is not let in within 20 s. */
export async function sshRun(port: number, password: string, command: string, { user = 'root', more = [] as string[] } = {}): Promise<string> {
  const { stdout } = await execute('sshpass', ['-p', password, 'ssh', ...sshOptions, ...more, '-p', String(port), '-l', user, '127.0.0.1', command], {
    timeout: 20_000,
  })
  return stdout
}

/** Status of a page by curl. */
export async function httpStatus(port: number, path = '/'): Promise<string> {
  const { stdout } = await execute('curl', ['-s', '-m', '10', '-o', '/dev/null', '-w', '%{http_code}', `http://127.0.0.1:${port}${path}`])
  return stdout
}

/** Chromium, signed in to the console of an installation; a page is opened, and `close` ends all of it. */
export async function openConsole(site: Installation): Promise<{ page: Page; browser: Browser; close(): Promise<void> }> {
  const browser = await chromium.launch({
    executablePath: findTool('chromium') ?? '/usr/bin/chromium',
    // Inside containers Chromium has no sandbox of its own; it sees nothing but the console.
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
  })
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-US' })
    const [name = '', value = ''] = site.cookie().split('=')
    await context.addCookies([{ name, value: value.split(';')[0] ?? '', url: site.url }])
    return { page: await context.newPage(), browser, close: () => browser.close() }
  } catch (error) {
    await browser.close()
    throw error
  }
}
