/** One machine doing everything: starts the roles as processes, keeps them running, tells a newcomer where to go. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { askCore } from '@shenlou/core/admin-socket'
import type { RouteAnswer } from '@shenlou/contract/api'
import type { Invocation } from './commands.ts'
import { heapFlags } from './heap.ts'
import type { RoleMessage, RoleName } from './role-process.ts'
import { line, progress } from './terminal.ts'

interface Running {
  role: RoleName
  child: ChildProcess | undefined
  /** Resolves with the details of the first ready; rejects with a sentence when it cannot start. */
  ready: Promise<Record<string, unknown>>
  stop(): Promise<void>
}

const shortestRestartMs = 200
const longestRestartMs = 10_000
/** Bytes that start needs free: the journals' reserves and some of the database's log. */
const leastRoom = 24 * 1024 * 1024

/** Starts a role and starts it again when it dies, at growing intervals, until `stop`. */
function keepRunning(role: RoleName, args: string[], env: NodeJS.ProcessEnv): Running {
  let stopping = false
  let waitMs = shortestRestartMs
  let settled = false
  let timer: NodeJS.Timeout | undefined
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>()
  const running: Running = { role, child: undefined, ready: promise, stop: async () => {} }

  const launch = (): void => {
    const started = Date.now()
    const child = spawn(process.execPath, [...heapFlags[role], join(import.meta.dirname, 'shenlou.js'), role, ...args], {
      env,
      // Its own session: Ctrl-C at the terminal reaches this process alone, which stops the roles in order.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    running.child = child
    let failure = ''
    child.on('message', (message: RoleMessage) => {
      if (message.type === 'line') line(`${role}: ${message.text}`)
      else if (message.type === 'failed') failure = message.text
      else if (!settled) {
        settled = true
        resolve(message.detail)
      }
    })
    child.once('exit', (code, signal) => {
      running.child = undefined
      if (stopping) return
      if (!settled) {
        settled = true
        reject(Object.assign(new Error(failure || `${role} ended with ${signal ?? `exit code ${code}`} before it was ready`), { name: 'StartError' }))
        return
      }
      waitMs = Date.now() - started > longestRestartMs ? shortestRestartMs : Math.min(waitMs * 2, longestRestartMs)
      line(`${role} ended (${signal ?? `exit code ${code}`}); starting it again in ${waitMs} ms`)
      timer = setTimeout(launch, waitMs)
    })
  }
  running.stop = async () => {
    stopping = true
    clearTimeout(timer)
    const { child } = running
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((done) => child.once('exit', done))
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await gone
    clearTimeout(force)
  }
  launch()
  return running
}

/** A token for a sensor of this machine that has no identity yet. */
async function ownToken(data: string, role: 'relay' | 'decoys'): Promise<string | undefined> {
  if (existsSync(join(data, role, 'identity.json'))) return undefined
  const { token } = await askCore<RouteAnswer<'issueEnrolment'>>(join(data, 'core'), 'issueEnrolment', {
    body: { role, name: role, scope: 'group/head-office', network: '127.0.0.0/8', minutes: 10 },
  })
  return token
}

/** Confirms a sensor of this machine: the fingerprint in its own folder must be the one that the core was shown. */
async function confirmOwn(data: string, detail: Record<string, unknown>): Promise<void> {
  const { items } = await askCore<RouteAnswer<'sensors'>>(join(data, 'core'), 'sensors')
  const own = items.find((sensor) => sensor.id === detail.sensor)
  if (own?.status !== 'pending') return
  await askCore(join(data, 'core'), 'confirmSensor', { params: { id: own.id }, body: { fingerprint: String(detail.fingerprint) } })
}

/** Makes a folder and its parents one by one: where the parent refuses with ENOENT, as /proc does, Node's own recursion never ends. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  if (dirname(folder) !== folder) makeFolder(dirname(folder))
  mkdirSync(folder, { mode: 0o700 })
}

/** A disk on which even the journals find no room: said before a part fails at it. */
async function requireRoom(data: string): Promise<void> {
  const { bavail, bsize } = statfsSync(data)
  if (bavail * bsize >= leastRoom) return
  const { folderError } = await import('@shenlou/core/store/start-error')
  throw folderError(data, Object.assign(new Error('no room'), { code: 'ENOSPC' }))
}

/** What stands in the way of making a folder: Node says ENOENT for each when it makes parents too. */
function whyNot(folder: string): unknown {
  for (let parent = dirname(folder); ; parent = dirname(parent)) {
    try {
      accessSync(parent, constants.W_OK)
      return undefined
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === dirname(parent)) return error
    }
  }
}

const sentence = (text: string): Error => Object.assign(new Error(text), { name: 'StartError' })
const taken = (address: string, cure: string): Error => sentence(`${address} is taken by another program: end it, or ${cure}`)

/** Whether a core answers for this data folder. */
const runsAlready = (data: string): Promise<boolean> =>
  askCore(join(data, 'core'), 'sensors').then(
    () => true,
    () => false,
  )

/** Looks before anything is started whether a port can be had. The part that opens it says what else may be wrong with the address. */
async function requireFree(setting: string, address: string, data: string): Promise<void> {
  if (address === 'off') return
  const at = address.lastIndexOf(':')
  const server = createServer()
  const code = await new Promise<string | undefined>((resolve) => {
    server
      .once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      .listen({ host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)), exclusive: true }, () =>
        server.close(() => resolve(undefined)),
      )
  })
  if (code !== 'EADDRINUSE') return
  if (await runsAlready(data)) throw sentence(`it is already running on data folder ${data}: end that one first, or choose another folder with --data`)
  throw taken(address, `choose another with --${setting} HOST:PORT`)
}

/** A decoy's port that another program has: named by the relay in its health. */
async function requirePlaces(data: string): Promise<void> {
  const { items } = await askCore<RouteAnswer<'sensors'>>(join(data, 'core'), 'sensors')
  const relay = items.find(({ name, role }) => role === 'relay' && name === 'relay')
  for (const { key, detail } of relay?.problems ?? []) {
    const address = detail.split(' ').find((part) => /:\d+$/.test(part))
    if (key !== 'listen-failed' || !address) continue
    if (detail.includes('EADDRINUSE')) throw taken(address, 'give the decoy another port in a scenario and start with --no-scenario, then apply it')
    if (detail.includes('EADDRNOTAVAIL'))
      throw sentence(`this machine has no address ${address.replace(/:\d+$/, '')}: choose one of its own with --bind ADDRESS`)
    if (detail.includes('EACCES'))
      throw sentence(`this user may not listen on ${address}: ports below 1024 need root, or give the decoy another port in a scenario`)
  }
}

async function placed(data: string, deadlineMs: number): Promise<RouteAnswer<'decoys'>['items']> {
  for (const until = Date.now() + deadlineMs; ; ) {
    const { items } = await askCore<RouteAnswer<'decoys'>>(join(data, 'core'), 'decoys')
    if (Date.now() > until || items.every((decoy) => decoy.placements.every(({ answering }) => answering === true))) return items
    await requirePlaces(data)
    await new Promise((done) => setTimeout(done, 100))
  }
}

/** The first password: shown once on a terminal, else left in a file that only this user may read. */
async function tellPassword(data: string, first: { username: string; password: string } | null): Promise<string[]> {
  const file = join(data, 'first-password')
  if (!first) {
    if (!existsSync(file)) return []
    const { username } = readFirstPassword(data)
    const { items } = await askCore<RouteAnswer<'people'>>(join(data, 'core'), 'people')
    if (items.some((person) => person.username === username && person.mustChangePassword)) return [`  sign in     the one-time password is still in ${file}`]
    rmSync(file, { force: true }) // it was changed: what stands there opens nothing
    return []
  }
  if (process.stdout.isTTY)
    return [
      `  sign in     ${first.username} with the one-time password ${first.password}`,
      '              (shown this once; it must be changed at the first sign-in)',
    ]
  rmSync(file, { force: true })
  writeFileSync(file, `${first.username}\n${first.password}\n`, { mode: 0o600 })
  return [`  sign in     name and one-time password are in ${file}`]
}

function tryLine(decoys: RouteAnswer<'decoys'>['items'], accounts: { decoy: string; user: string; password: string }[]): string | undefined {
  for (const { decoy, user, password } of accounts) {
    const at = decoys.find(({ id }) => id === decoy)?.placements.find(({ service, answering }) => service === 'ssh' && answering)
    if (at) return `ssh -p ${at.port} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null ${user}@${at.address}   (password ${password})`
  }
  const web = decoys.flatMap(({ placements }) => placements).find(({ service, answering }) => service === 'portal' && answering)
  return web ? `curl http://${web.address}:${web.port}/` : undefined
}

export async function start({ settings }: Invocation): Promise<number> {
  const begun = performance.now()
  const { data } = settings
  const stopping = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.resolve())
  const bar = progress()
  const running: Running[] = []
  const stopAll = async (): Promise<void> => {
    for (const role of running.reverse()) await role.stop()
  }
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SHENLOU_')))
  // Any local user may read a command line; what holds a secret goes by the environment.
  const database = settings['database-url']
  if (database !== undefined) env.SHENLOU_DATABASE_URL = database
  const flags = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined || name === 'token' || name === 'database-url'
      ? []
      : [typeof value === 'boolean' ? `--${value ? '' : 'no-'}${name}` : `--${name}=${value}`],
  )
  try {
    try {
      makeFolder(data)
    } catch (error) {
      const { folderError } = await import('@shenlou/core/store/start-error')
      throw folderError(data, whyNot(data) ?? error)
    }
    await requireRoom(data)
    for (const name of ['http', 'sensors', 'tunnel', 'syslog'] as const) await requireFree(name, settings[name], data)
    bar.step('building the console where its sources changed')
    const { buildConsole } = await import('@shenlou/console/build')
    await buildConsole({ log: () => {} })

    bar.step('starting core and database')
    const core = keepRunning('core', flags, env)
    running.push(core)
    const detail = (await Promise.race([core.ready, stopping.promise.then(() => ({ stopped: true }))])) as {
      url?: string
      first?: { username: string; password: string } | null
      accounts?: { decoy: string; user: string; password: string }[]
      stopped?: boolean
    }
    if (detail.stopped) return 0

    for (const role of ['decoys', 'relay'] as const) {
      bar.step(role === 'decoys' ? 'starting the decoy host' : 'starting the relay')
      const token = await ownToken(data, role)
      const sensor = keepRunning(role, [`--data=${data}`], { ...env, ...(token ? { SHENLOU_TOKEN: token } : {}) })
      running.push(sensor)
      await confirmOwn(data, await sensor.ready)
    }
    bar.step('waiting for the decoys to answer')
    const decoys = await placed(data, 10_000)
    await requirePlaces(data)
    bar.done(`ready in ${((performance.now() - begun) / 1000).toFixed(1)} s`)
    const answers = decoys.map(
      (decoy) =>
        `  ${decoy.id.padEnd(12)}${decoy.placements.map(({ address, port, service, answering }) => `${service} ${address}:${port}${answering ? '' : ' (not answering)'}`).join('  ')}   ${decoy.product}`,
    )
    const example = tryLine(decoys, detail.accounts ?? [])
    line(
      [
        `  console     ${detail.url}`,
        ...(await tellPassword(data, detail.first ?? null)),
        ...answers,
        ...(example ? [`  try         ${example}`] : []),
        '  stop        Ctrl-C',
      ].join('\n'),
    )
    await stopping.promise
    line('stopping')
    return 0
  } catch (error) {
    bar.done('')
    throw error
  } finally {
    await stopAll()
  }
}

/** For tests: what stands in the password file. */
export const readFirstPassword = (data: string): { username: string; password: string } => {
  const [username = '', password = ''] = readFileSync(join(data, 'first-password'), 'utf8').split('\n')
  return { username, password }
}
