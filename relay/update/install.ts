/**
 * Installs an update that the relay fetched: run by the launcher, with the launcher's rights, before the relay is started again. All that comes from the relay is
 * judged anew here, from bytes that only this user can change, by keys that stand on this machine.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { appendFile, chmod, mkdir, open, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, writeFileAtomic } from '@shenlou/link/atomic-file'
import { type Installed, judgeRelease, verifyRelease } from '@shenlou/link/release'
import about from '../package.json' with { type: 'json' }
import { type PutOff, putOffFile, readPutOff } from './put-off.ts'
import { outOfRoom, requireRoom } from './room.ts'
import { BrokenPackage, readPackage } from './unpack.ts'

const platform = `linux-${process.arch}`

/** What is taken here, by the folders of the launcher; a relay that no launcher started has none. */
export async function installedNow(home: string): Promise<Installed> {
  const read = (name: string): Promise<string> => readFile(join(home, 'state', name), 'utf8').catch(() => '')
  return {
    role: 'relay',
    platform,
    version: about.version,
    floor: Number((await read('floor')).trim()) || 0,
    refused: (await read('refused')).split('\n').flatMap((line) => (/^\d{1,10}$/.test(line) ? [Number(line)] : [])),
  }
}

/** The keys that this machine trusts; none where there is no such file. */
export const trustedKeys = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '')

/** It was not installed for a reason that passes, such as a full disk: the relay offers it again when its time has come. */
export class UpdatePutOff extends Error {}

/**
 * `home` is the launcher's folder, `inbox` the relay's, `trust` the file of public keys. Resolves with one line; rejects with one, and then nothing changed.
 * Only a package that is what was signed and no archive of a relay is refused for good; else it is an `UpdatePutOff`.
 */
export async function installUpdate({ inbox, home, trust }: { inbox: string; home: string; trust: string }): Promise<string> {
  const ready = join(inbox, 'ready')
  const incoming = join(home, 'state', 'incoming')
  let fresh: string | undefined
  let sequence: number | undefined
  try {
    const text = await readOwn(join(ready, 'manifest.json'), 16 * 1024)
    const manifest = verifyRelease(parseJson(text.toString()), await trustedKeys(trust))
    judgeRelease(manifest, await installedNow(home))
    sequence = manifest.sequence
    const current = await readlink(join(home, 'current'))
    await prune(home, [current, await readlink(join(home, 'previous')).catch(() => current)])
    await requireRoom(home, manifest.size + manifest.unpacked)
    await copyChecked(join(ready, 'package.tar.gz'), incoming, manifest)

    const name = `${manifest.version}-${manifest.sequence}`
    fresh = join(home, 'versions', `.${name}`)
    await rm(fresh, { recursive: true, force: true })
    await mkdir(fresh, { mode: 0o755 })
    await chmod(fresh, 0o755)
    await readPackage(incoming, { into: fresh, most: manifest.unpacked })
    await writeFile(join(fresh, 'sequence'), `${manifest.sequence}\n`, { mode: 0o644 })
    await syncFolder(fresh)
    const version = join(home, 'versions', name)
    await rm(version, { recursive: true, force: true })
    await rename(fresh, version)
    fresh = undefined
    await syncFolder(join(home, 'versions'))

    // In this order a power cut between any two leaves a version that runs: the launcher takes a probation as meant for `current` only.
    await link(current, join(home, 'previous'))
    await rm(join(home, 'state', 'starts'), { force: true })
    await rm(join(home, 'state', 'rolled-back'), { force: true })
    await rm(putOffFile(home), { force: true })
    await writeFileAtomic(join(home, 'state', 'probation'), `${manifest.sequence}\n`, 0o644)
    await link(`versions/${name}`, join(home, 'current'))
    await syncFolder(home)
    await prune(home, [current, `versions/${name}`])
    return `release ${manifest.sequence}, version ${manifest.version}, is in place`
  } catch (error) {
    const why = outOfRoom(error) ? `there is no room for it in ${home}` : (error as Error).message
    const line = `the update was not installed: ${why}`
    // Not even judged: there is nothing to remember it by.
    if (sequence === undefined) throw new Error(line, { cause: error })
    if (error instanceof BrokenPackage) {
      // It would be fetched and fail again; a mended one has a higher sequence.
      await appendFile(join(home, 'state', 'refused'), `${sequence}\n`)
      await writeFile(join(home, 'state', 'rolled-back'), `${sequence} ${why.slice(0, 250)}\n`)
      throw new Error(line, { cause: error })
    }
    const before = await readPutOff(home)
    const next: PutOff = { sequence, times: before?.sequence === sequence ? before.times + 1 : 1, at: Date.now(), why: why.slice(0, 250) }
    // On a disk that is full to the last byte nothing is kept; the relay looks for room itself before it offers anything.
    await writeFile(putOffFile(home), JSON.stringify(next), { mode: 0o644 }).catch(() => {})
    throw new UpdatePutOff(line, { cause: error })
  } finally {
    await rm(incoming, { force: true })
    if (fresh) await rm(fresh, { recursive: true, force: true })
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A regular file of a folder that another user writes to; a link there could lead anywhere. */
async function openOwn(file: string) {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw new Error(`${file} is not a file`)
}
async function readOwn(file: string, most: number): Promise<Buffer> {
  const handle = await openOwn(file)
  try {
    const { size } = await handle.stat()
    if (size > most) throw new Error(`${file} is above ${most} bytes`)
    return (await handle.read(Buffer.alloc(size), 0, size, 0)).buffer
  } finally {
    await handle.close()
  }
}

/** Copies it out of the other user's reach, and only then believes what it hashes to. */
async function copyChecked(from: string, to: string, { sha256, size }: { sha256: string; size: number }): Promise<void> {
  const source = await openOwn(from)
  try {
    if ((await source.stat()).size !== size) throw new Error(`the package does not have the ${size} bytes that its manifest names`)
    await rm(to, { force: true })
    const target = await open(to, 'wx', 0o600)
    const hash = createHash('sha256')
    try {
      let left = size
      for await (const bytes of source.createReadStream({ autoClose: false, end: size - 1 }) as AsyncIterable<Buffer>) {
        hash.update(bytes)
        left -= bytes.length
        // A write may take a part only, as on a disk that is nearly full; this one takes all or says why not.
        await target.writeFile(bytes)
      }
      if (left !== 0 || hash.digest('hex') !== sha256) throw new Error('the package is not the one that its manifest names')
      await target.sync()
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

/** Replaces a link in one step. */
async function link(target: string, path: string): Promise<void> {
  await rm(`${path}.new`, { force: true })
  await symlink(target, `${path}.new`)
  await rename(`${path}.new`, path)
}

/** Removes versions that neither run nor are kept. */
async function prune(home: string, kept: readonly string[]): Promise<void> {
  for (const name of await readdir(join(home, 'versions')))
    if (!kept.includes(`versions/${name}`)) await rm(join(home, 'versions', name), { recursive: true, force: true })
}
