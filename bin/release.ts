/** `shenlou release`: keys and signatures, made away from the core; and on the core, what it takes and how that is rolled out. */
import { createHash } from 'node:crypto'
import { copyFileSync, createReadStream, existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { askCore } from '@shenlou/core/admin-socket'
import { releasesFolder } from '@shenlou/core/releases/store'
import type { RouteAnswer } from '@shenlou/contract/api'
import { releaseManifest, type SignedRelease } from '@shenlou/contract/release'
import { makeReleaseKey, releaseKeys, signRelease } from '@shenlou/link/release'
import { readPackage } from '@shenlou/relay/update/unpack'
import { coreDir, need } from './admin.ts'
import type { Invocation } from './commands.ts'
import { readGivenFile, SettingsError } from './settings.ts'
import { line } from './terminal.ts'

const manifestOf = (file: string): string => `${file}.manifest.json`
const maxUnpacked = 2 ** 31

function word({ positionals }: Invocation, at: number, what: string): string {
  const value = positionals[at]
  if (value === undefined) throw new SettingsError(`${what} is missing; 'shenlou release --help' shows how it is used`)
  return value
}
const sentence = (message: string): Error => Object.assign(new Error(message), { name: 'StartError' })
const asSentence = <T>(work: () => T): T => {
  try {
    return work()
  } catch (error) {
    throw sentence((error as Error).message)
  }
}

const acts: Record<string, (invocation: Invocation) => Promise<void> | void> = {
  key(invocation) {
    const file = need(invocation, 'file', 'where the private key is to stand, as -f FILE')
    if (existsSync(file)) throw new SettingsError(`${file} is there already: a key is never written over`)
    const { privateKey, publicKey } = makeReleaseKey()
    writeFileSync(file, privateKey, { mode: 0o600, flag: 'wx' })
    writeFileSync(`${file}.pub`, publicKey, { mode: 0o644 })
    line(`${file} signs releases: keep it away from the core and from sensors`)
    line(`${file}.pub is for them: ${[...releaseKeys(publicKey).keys()][0]}`)
  },

  async sign(invocation) {
    const key = readGivenFile(need(invocation, 'key', 'the private key'))
    const sequence = Number(need(invocation, 'sequence', 'a number above that of every release before'))
    const file = word(invocation, 1, 'the package')
    const [, version, platform] = /^shenlou-relay-(.+)-(linux-(?:x64|arm64))\.tar\.gz$/.exec(basename(file)) ?? []
    if (version === undefined) throw new SettingsError(`${file}: not named as 'npm run package' names a relay, shenlou-relay-VERSION-PLATFORM.tar.gz`)
    if (!existsSync(file)) throw new SettingsError(`${file}: there is no such file`)
    const hash = createHash('sha256')
    await pipeline(createReadStream(file), hash)
    const unpacked = await readPackage(file, { most: maxUnpacked }).catch((error: Error) => {
      throw sentence(`${file}: ${error.message}`)
    })
    const manifest = releaseManifest.safeParse({
      version,
      role: 'relay',
      platform,
      sequence,
      sha256: hash.digest('hex'),
      size: statSync(file).size,
      unpacked,
      minVersion: invocation.rest['min-version'] ?? '0.0.0',
      downgrade: invocation.rest.downgrade === true,
    })
    if (!manifest.success) throw new SettingsError(`${manifest.error.issues[0]?.path.join('.')}: ${manifest.error.issues[0]?.message}`)
    const signed = asSentence(() => signRelease(manifest.data, key))
    writeFileSync(manifestOf(file), `${JSON.stringify(signed, null, 2)}\n`)
    line(`${manifestOf(file)}: release ${sequence}, version ${version}, signed by ${signed.key}`)
  },

  async trust(invocation) {
    const pem = readGivenFile(need(invocation, 'file', 'the public key, as -f FILE'))
    const name = need(invocation, 'name', 'whose key it is')
    const { id } = await askCore<RouteAnswer<'trustReleaseKey'>>(coreDir(invocation), 'trustReleaseKey', { body: { pem, name } })
    line(`this core takes releases that ${id} signed; sensors have their own list`)
  },

  async import(invocation) {
    const file = word(invocation, 1, 'the package')
    const signed = asSentence(() => JSON.parse(readGivenFile(manifestOf(file)))) as SignedRelease
    const manifest = releaseManifest.safeParse(asSentence(() => JSON.parse(String(signed?.manifest))))
    if (!manifest.success) throw new SettingsError(`${manifestOf(file)}: this is not a signed release`)
    if (!existsSync(file)) throw new SettingsError(`${file}: there is no such file`)
    const folder = releasesFolder(coreDir(invocation))
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const target = join(folder, manifest.data.sha256)
    const part = `${target}.part`
    copyFileSync(file, part)
    renameSync(part, target)
    const { version, sequence, sha256 } = await askCore<RouteAnswer<'importRelease'>>(coreDir(invocation), 'importRelease', { body: signed })
    line(`release ${sequence}, version ${version}, is here: ${sha256}`)
  },

  async 'roll-out'(invocation) {
    const version = word(invocation, 1, 'the version')
    const { items } = await askCore<RouteAnswer<'releases'>>(coreDir(invocation), 'releases')
    const release = items.find((each) => each.version === version || each.sha256 === version)
    if (!release) throw new SettingsError(`there is no release ${version} here; bring it with 'shenlou release import PACKAGE'`)
    const canary = String(invocation.rest.canary ?? 'canary')
    const wait = invocation.rest.wait ?? 'hand'
    const minutes = wait === 'hand' ? null : Number(wait)
    if (minutes !== null && !(minutes >= 0)) throw new SettingsError('--wait: must be minutes, or hand')
    const share = /^(\d{1,3})%$/.exec(canary)?.[1]
    const body = { release: release.sha256, canary: share === undefined ? { channel: canary } : { share: Number(share) }, waitMinutes: minutes }
    const { id } = await askCore<RouteAnswer<'startRollout'>>(coreDir(invocation), 'startRollout', { body })
    line(id)
  },

  async status(invocation) {
    const { items } = await askCore<RouteAnswer<'rollouts'>>(coreDir(invocation), 'rollouts')
    if (invocation.rest.json) return line(JSON.stringify(items, null, 2))
    for (const { id, release, state, stage, reason, sensors } of items) {
      line(`${id}  ${release.version} (${release.sequence})  ${state}, ${stage}  ${reason}`)
      for (const sensor of sensors) line(`  ${sensor.name.padEnd(24)} ${sensor.stage.padEnd(7)} ${sensor.state.padEnd(9)} ${sensor.detail}`)
    }
  },
  continue: (invocation) => step(invocation, 'continue'),
  stop: (invocation) => step(invocation, 'stop'),
}

async function step(invocation: Invocation, action: 'continue' | 'stop'): Promise<void> {
  await askCore(coreDir(invocation), 'stepRollout', { params: { id: word(invocation, 1, 'the roll-out') }, body: { action } })
  line(action === 'stop' ? 'stopped: nobody further is offered it' : 'the others follow')
}

export async function release(invocation: Invocation): Promise<number> {
  const name = invocation.positionals[0] ?? ''
  const act = Object.hasOwn(acts, name) ? acts[name] : undefined
  if (!act) throw new SettingsError(`'shenlou release' knows ${Object.keys(acts).join(', ')}`)
  await act(invocation)
  return 0
}
