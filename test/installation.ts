/** A whole installation for a test: `shenlou start` on free ports and a folder of its own, used through its own doors. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type RouteAnswer, type RouteBody, type RouteName, type RouteQuery, routes } from '@shenlou/contract/api'

export const root = join(import.meta.dirname, '..')
const entry = join(root, 'bin', 'shenlou.js')
const execute = promisify(execFile)

/** Waits until `look` gives something. Throws with `what` when it does not within the time. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false | null> | T | undefined | false | null, ms = 20_000): Promise<T> {
  let last: unknown
  for (const end = Date.now() + ms; Date.now() < end; ) {
    try {
      const seen = await look()
      if (seen) return seen
    } catch (error) {
      last = error
    }
    await new Promise((done) => setTimeout(done, 25))
  }
  throw new Error(`${what}: not within ${ms} ms${last ? ` (${last instanceof Error ? last.message : String(last)})` : ''}`)
}

/** Ports that nothing listens on now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}

export interface Installation {
  data: string
  url: string
  ports: { portal: number; https: number; ssh: number; router: number; syslog: number; http: number }
  process: ChildProcess
  /** All that `shenlou start` printed. */
  output(): string
  /** Password of root on a decoy, as drawn for this installation. */
  password(decoy: 'portal' | 'router'): Promise<string>
  /** Runs a command of the command line. */
  command(...args: string[]): Promise<{ stdout: string; stderr: string }>
  signIn(): Promise<void>
  cookie(): string
  call<N extends RouteName>(
    name: N,
    given?: { params?: Record<string, string>; query?: RouteQuery<N>; body?: RouteBody<N>; bearer?: string },
  ): Promise<RouteAnswer<N>>
  /** Stops in order with SIGINT. Resolves to the exit code. */
  stop(): Promise<number | null>
  /** Starts again on the same folder and ports. */
  restart(): Promise<void>
  /** Stops if it runs, and removes the folder. */
  remove(): Promise<void>
}

/** How a trial scenario begins: its name and the scopes of a group with a head office. Decoys and placements follow. */
export const scenarioHead = `kind: scenario
version: 1
name: trial
title: { zh: 试验, en: Trial }
scopes:
  - { path: group, name: { zh: 集团, en: Group } }
  - { path: group/head-office, name: { zh: 总部, en: Head office } }
`

/** A scenario like the starter's, on free ports, with a password that the policy accepts at once. */
export const scenarioText = (ports: { portal: number; https: number; ssh: number; router: number }, extra = ''): string => `${scenarioHead}decoys:
  - id: portal
    persona: centos-7
    scope: group/head-office
    services:
      - { service: portal, port: 80 }
      - { service: portal-https, port: 443 }
      - service: ssh
        port: 22
        settings: { login: { accounts: [{ user: root, password: $drawn }, { user: deploy, password: "Lure#2024key", origin: lure }] } }
  - id: router
    persona: openwrt-19.07
    scope: group/head-office
    services:
      - service: ssh
        port: 22
        settings: { login: { accounts: [{ user: root, password: $drawn }] } }
placements:
  - { relay: relay, decoy: portal, address: $bind, ports: { portal: ${ports.portal}, portal-https: ${ports.https}, ssh: ${ports.ssh} } }
  - { relay: relay, decoy: router, address: $bind, ports: { ssh: ${ports.router} } }
${extra}`

/** Starts an installation (behind the words of `prefix`, such as a limit), applies the trial scenario and waits until its decoys answer. */
export async function install({
  scenario = scenarioText,
  env = {},
  prefix = [],
}: {
  scenario?: (ports: Installation['ports']) => string
  env?: NodeJS.ProcessEnv
  prefix?: string[]
} = {}): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-test-'))
  const data = join(folder, 'data')
  const [http, sensors, tunnel, syslog, portal, https, ssh, router] = (await freePorts(8)) as [number, number, number, number, number, number, number, number]
  const ports = { http, syslog, portal, https, ssh, router }
  const flags = [
    `--data=${data}`,
    `--http=127.0.0.1:${http}`,
    `--sensors=127.0.0.1:${sensors}`,
    `--tunnel=127.0.0.1:${tunnel}`,
    `--syslog=127.0.0.1:${syslog}`,
    '--no-scenario',
  ]
  const url = `http://127.0.0.1:${http}`
  let output = ''
  let cookie = ''
  let password = ''
  let firstLines: string[] = []

  const launch = async (): Promise<ChildProcess> => {
    const [program = process.execPath, ...words] = [...prefix, process.execPath, entry, 'start', ...flags]
    const child = spawn(program, words, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text))
    const mark = output.length
    await until(
      'the installation to be ready',
      () => {
        if (child.exitCode !== null) throw new Error(`start ended with ${child.exitCode}: ${output.slice(mark)}`)
        return /stop {8}Ctrl-C/.test(output.slice(mark))
      },
      60_000,
    ).catch((error: unknown) => {
      child.kill('SIGKILL')
      throw new Error(`${(error as Error).message}\n${output.slice(mark)}`)
    })
    return child
  }

  const installation: Installation = {
    data,
    url,
    ports,
    process: await launch(),
    output: () => output,
    command: (...args) => execute(process.execPath, [entry, ...args, `--data=${data}`], { cwd: folder, maxBuffer: 64 * 1024 * 1024 }),
    cookie: () => cookie,
    async password(wanted) {
      const { stdout } = await installation.command('placements', '--json')
      const given = (JSON.parse(stdout) as { accounts: { decoy: string; user: string; password: string }[] }).accounts.find(
        ({ decoy, user }) => decoy === wanted && user === 'root',
      )
      if (!given) throw new Error(`no password of root is listed: ${stdout}`)
      return given.password
    },
    async signIn() {
      // The file goes once the password in it was changed.
      if (password === '') firstLines = readFileSync(join(data, 'first-password'), 'utf8').split('\n')
      const [username = '', first = ''] = firstLines
      const send = async (name: 'signIn' | 'changePassword', body: unknown): Promise<void> => {
        const { path, method } = routes[name]
        const answer = await fetch(`${url}/api/v1${path}`, {
          method,
          headers: { 'content-type': 'application/json', origin: url, cookie },
          body: JSON.stringify(body),
        })
        if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`)
        const set = answer.headers.getSetCookie().map((value) => value.split(';')[0])
        if (set.length > 0) cookie = set.join('; ')
      }
      const isFirst = password === ''
      await send('signIn', { username, password: isFirst ? first : password })
      if (isFirst) {
        password = 'a long password of the test 7'
        await send('changePassword', { current: first, next: password })
        await send('signIn', { username, password })
      }
    },
    async call(name, given = {}) {
      const { method, path } = routes[name]
      const target = new URL(`${url}/api/v1${path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(given.params?.[key] ?? ''))}`)
      for (const [key, value] of Object.entries(given.query ?? {})) if (value !== undefined) target.searchParams.set(key, String(value))
      const body = given.body === undefined ? undefined : typeof given.body === 'string' ? given.body : JSON.stringify(given.body)
      const headers: Record<string, string> = {
        origin: url,
        'content-type': typeof given.body === 'string' ? 'text/plain' : 'application/json',
        ...(given.bearer ? { authorization: `Bearer ${given.bearer}` } : { cookie }),
      }
      const answer = await fetch(target, { method, headers, ...(body === undefined ? {} : { body }) })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${name}: ${answer.status} ${text}`)
      return (text ? JSON.parse(text) : undefined) as never
    },
    async stop() {
      const child = installation.process
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      child.kill('SIGINT')
      const [code] = (await once(child, 'exit')) as [number | null]
      return code
    },
    async restart() {
      await installation.stop()
      installation.process = await launch()
    },
    async remove() {
      await installation.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }

  try {
    writeFileSync(join(folder, 'scenario.yaml'), scenario(ports))
    await installation.command('apply', '-f', join(folder, 'scenario.yaml'))
    await until(
      'all decoys to answer',
      async () => {
        const { stdout } = await installation.command('placements', '--json')
        const { items } = JSON.parse(stdout) as RouteAnswer<'decoys'>
        return items.length > 0 && items.every(({ placements }) => placements.length > 0 && placements.every(({ answering }) => answering === true))
      },
      30_000,
    )
  } catch (error) {
    await installation.remove()
    throw new Error(`${(error as Error).message}\n${output}`)
  }
  return installation
}
