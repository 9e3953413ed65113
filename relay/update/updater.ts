/** Updates of a running relay: fetches what the core offers, in ranges, when a key on this machine signed it; then the launcher takes over. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { releaseRange, type SignedRelease, type UpdateReport } from '@shenlou/contract/release'
import { writeFileAtomic } from '@shenlou/link/atomic-file'
import { judgeRelease, verifyRelease } from '@shenlou/link/release'
import { installedNow, trustedKeys } from './install.ts'
import { readPutOff, waitMs } from './put-off.ts'
import { outOfRoom, requireRoom } from './room.ts'

/** What the launcher says to the relay that it starts. */
export interface Launched {
  home: string
  trust: string
  /** The release that runs, 0 for one that was installed by hand. */
  sequence: number
  /** It has to say that it is healthy. */
  probation: boolean
  /** `SEQUENCE reason` of the last release that was switched back. */
  rolledBack: string
}

/** By the environment; undefined where nothing watches over this process. */
export function launchedBy(env: NodeJS.ProcessEnv = process.env): Launched | undefined {
  if (env.SHENLOU_LAUNCHED !== '1' || !env.SHENLOU_HOME || !env.SHENLOU_TRUST) return undefined
  return {
    home: env.SHENLOU_HOME,
    trust: env.SHENLOU_TRUST,
    sequence: Number(env.SHENLOU_RELEASE) || 0,
    probation: env.SHENLOU_ON_TRIAL === '1',
    rolledBack: env.SHENLOU_ROLLED_BACK ?? '',
  }
}

export interface UpdaterOptions {
  launched: Launched | undefined
  /** Its inbox, below the relay's own folder; made when it is missing. */
  dir: string
  /** GET at the sensors' door. */
  ask(path: string): Promise<unknown>
  /** A package is ready: the relay is to end with `updateReadyCode`. */
  onReady(): void
  log(line: string): void
}
export interface Updater {
  /** What the core offers now; nothing when it offers nothing. */
  offer(release: SignedRelease | undefined): void
  report(): UpdateReport
  /** Says to the launcher that this version does its work. */
  healthy(): Promise<void>
  close(): Promise<void>
}

/** Exit code by which a relay asks its launcher to install what is in its inbox. */
export const updateReadyCode = 75
const [firstRetryMs, lastRetryMs] = [2000, 60_000]

export function openUpdater({ launched, dir, ask, onReady, log }: UpdaterOptions): Updater {
  const stopping = new AbortController()
  const [, failed, why] = /^(\d{1,10}) (.{0,250})/.exec(launched?.rolledBack ?? '') ?? []
  let report: UpdateReport = !launched
    ? { state: 'unmanaged', sequence: 0, detail: 'it was not started by its launcher, which could switch back' }
    : failed !== undefined
      ? { state: 'rolled-back', sequence: launched.sequence, about: Number(failed), detail: why ?? '' }
      : { state: launched.probation ? 'probation' : 'idle', sequence: launched.sequence, detail: '' }
  let offered: string | undefined
  let work: Promise<void> = Promise.resolve()
  let current: AbortController | undefined

  const say = (state: UpdateReport['state'], about: number | undefined, detail: string): void => {
    if (detail !== '' && detail !== report.detail) log(`update${about === undefined ? '' : ` ${about}`}: ${detail}`)
    report = { ...report, state, about, detail: detail.slice(0, 300) }
  }
  const pause = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const timer = setTimeout(resolve, ms)
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
    })

  async function fetchRelease(release: SignedRelease, { home, trust, sequence: running }: Launched, signal: AbortSignal): Promise<void> {
    let about: number | undefined
    try {
      const manifest = verifyRelease(release, await trustedKeys(trust))
      about = manifest.sequence
      if (about === running) return
      judgeRelease(manifest, await installedNow(home))
      await mkdir(dir, { recursive: true, mode: 0o700 })
      const part = join(dir, `${manifest.sha256}.part`)
      for (const name of await readdir(dir)) if (name.endsWith('.part') && join(dir, name) !== part) await rm(join(dir, name), { force: true })
      const ready = join(dir, 'ready')
      // What was put off is still here, and need not come again.
      const left = await readFile(join(ready, 'manifest.json'), 'utf8').catch(() => '')
      if (left === JSON.stringify(release)) await rename(join(ready, 'package.tar.gz'), part).catch(() => {})
      const putOff = await readPutOff(home)
      if (putOff?.sequence === about) {
        say('downloading', about, `put off: ${putOff.why}`)
        await pause(waitMs(putOff), signal)
      }
      for (let wait = firstRetryMs, broken = 0; !signal.aborted; wait = Math.min(wait * 2, lastRetryMs)) {
        try {
          await requireRoom(home, manifest.size + manifest.unpacked)
          await download(part, manifest, signal, (percent) => say('downloading', about, `${percent} %`))
          if (signal.aborted) return
          if ((await hashOf(part)) === manifest.sha256) {
            // It took room itself, where both folders are on one disk; each try to install ends the relay for a moment.
            await requireRoom(home, manifest.size + manifest.unpacked)
            break
          }
          await rm(part, { force: true })
          if (++broken === 3) throw Object.assign(new Error('the package from the core is not the one that its manifest names'), { final: true })
          say('downloading', about, 'what came was broken and is fetched again')
        } catch (error) {
          const { message, final } = error as Error & { final?: boolean }
          if (final) throw error
          say('downloading', about, outOfRoom(error) ? `there is no room for it in ${dir}` : message)
        }
        await pause(wait, signal)
      }
      if (signal.aborted) return
      await rm(ready, { recursive: true, force: true })
      await mkdir(ready, { mode: 0o700 })
      await rename(part, join(ready, 'package.tar.gz'))
      await writeFileAtomic(join(ready, 'manifest.json'), JSON.stringify(release))
      say('ready', about, `version ${manifest.version} is here and is put in place`)
      onReady()
    } catch (error) {
      // A release that was switched back stays told as that.
      if (report.state === 'rolled-back' && report.about === about) return
      say('refused', about, (error as Error).message)
    }
  }

  async function download(
    part: string,
    { sha256, size }: { sha256: string; size: number },
    signal: AbortSignal,
    tell: (percent: number) => void,
  ): Promise<void> {
    let from = await stat(part).then(
      (found) => found.size,
      () => 0,
    )
    if (from > size) await rm(part, { force: true }).then(() => (from = 0))
    await requireRoom(dir, size - from)
    const handle = await open(part, 'a', 0o600)
    try {
      tell(Math.floor((from / size) * 100))
      while (from < size && !signal.aborted) {
        const answer = releaseRange.parse(await ask(`/releases/${sha256}/${from}`))
        const bytes = Buffer.from(answer.bytes, 'base64')
        if (answer.from !== from || answer.total !== size || bytes.length === 0 || from + bytes.length > size)
          throw new Error('the core gave another part of the package than was asked for')
        // All of it or an error: a part that a nearly full disk took would spoil all that follows.
        await handle.writeFile(bytes)
        from += bytes.length
        tell(Math.floor((from / size) * 100))
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  return {
    offer(release) {
      if (!launched || stopping.signal.aborted) return
      const next = release && JSON.stringify(release)
      if (next === offered) return
      offered = next
      current?.abort()
      if (!release) {
        if (report.state === 'downloading' || report.state === 'refused') say('idle', undefined, '')
        return
      }
      const turn = new AbortController()
      current = turn
      work = work.then(() => fetchRelease(release, launched, AbortSignal.any([turn.signal, stopping.signal])))
    },
    report: () => report,
    async healthy() {
      if (!launched || report.state !== 'probation') return
      await mkdir(dir, { recursive: true, mode: 0o700 })
      await writeFile(join(dir, 'healthy'), `${launched.sequence}\n`, { mode: 0o600 })
      say('idle', undefined, '')
    },
    async close() {
      stopping.abort()
      await work
    },
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
