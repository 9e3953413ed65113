/** Small signed releases for tests, made as real ones are, and a launcher's folder that takes them. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SignedRelease } from '@shenlou/contract/release'
import { makeReleaseKey, signRelease } from '@shenlou/link/release'
import type { Launched } from './updater.ts'

const { privateKey, publicKey } = makeReleaseKey()

export interface Offered {
  release: SignedRelease
  bytes: Buffer
  sha256: string
}
/** What the key signs over these bytes, whatever they are. */
export function signed(bytes: Buffer, sequence: number, unpacked: number): Offered {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const platform = `linux-${process.arch}` as 'linux-x64'
  const manifest = { version: '0.9.0', role: 'relay' as const, platform, sequence, sha256, size: bytes.length, unpacked, minVersion: '0.0.1', downgrade: false }
  return { release: signRelease(manifest, privateKey), bytes, sha256 }
}
/** A package of a relay whose executable is `size` random bytes, so that it does not pack. */
export function relayPackage(sequence: number, size: number): Offered {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-release-'))
  try {
    const inner = join(folder, 'shenlou-relay-0.9.0')
    mkdirSync(inner)
    writeFileSync(join(inner, 'shenlou-relay'), randomBytes(size), { mode: 0o755 })
    for (const name of ['LICENSE', 'LICENSES.txt', 'SHA256SUMS']) writeFileSync(join(inner, name), `${name}\n`)
    execFileSync('tar', ['-C', folder, '--format=gnu', '-czf', join(folder, 'package.tar.gz'), 'shenlou-relay-0.9.0'])
    return signed(readFileSync(join(folder, 'package.tar.gz')), sequence, size + 1000)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface Home {
  folder: string
  launched: Launched
  /** The relay's own. */
  inbox: string
  /** A file of the launcher's state; '' where it is not there. */
  state(name: string): string
  /** Puts a package where the relay leaves it for the launcher. */
  fetched(offered: Offered, bytes?: Buffer): void
  remove(): void
}
/** As install.sh leaves it. `diskMb` puts all of it on a disk of that size, which needs root. */
export function makeHome(diskMb?: number): Home {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-home-'))
  if (diskMb !== undefined) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMb}m`, 'shenlou-test', folder])
  const [home, inbox, trust] = [join(folder, 'opt'), join(folder, 'data', 'update'), join(folder, 'keys.pem')]
  mkdirSync(join(home, 'versions', '0.1.0-0'), { recursive: true })
  mkdirSync(join(home, 'state'))
  symlinkSync('versions/0.1.0-0', join(home, 'current'))
  writeFileSync(trust, publicKey)
  return {
    folder,
    inbox,
    launched: { home, trust, sequence: 0, probation: false, rolledBack: '' },
    state(name) {
      try {
        return readFileSync(join(home, 'state', name), 'utf8')
      } catch {
        return ''
      }
    },
    fetched({ release, bytes }, given = bytes) {
      mkdirSync(join(inbox, 'ready'), { recursive: true })
      writeFileSync(join(inbox, 'ready', 'package.tar.gz'), given)
      writeFileSync(join(inbox, 'ready', 'manifest.json'), JSON.stringify(release))
    },
    remove() {
      if (diskMb !== undefined) spawnSync('umount', [folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
