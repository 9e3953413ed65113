/** The site secret: 32 random bytes that every decoy's seed comes from. It never leaves the core. */
import { hkdfSync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Core } from '../core.ts'
import { seal, unseal } from '../seal.ts'

const purpose = 'site secret'

/** Reads the sealed secret of this installation, and makes it at the first call. */
export function siteSecret(core: Pick<Core, 'dataDir' | 'masterKey'>): Buffer {
  const file = join(core.dataDir, 'site-secret')
  if (!existsSync(file)) writeFileSync(file, seal(core.masterKey, purpose, randomBytes(32)), { mode: 0o600, flag: 'wx' })
  return unseal(core.masterKey, purpose, readFileSync(file))
}

/** The 32-byte seed of one plant, hexadecimal: its devices share it. */
export const plantSeed = (secret: Buffer, plant: string): string =>
  Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `plant ${plant}`, 32)).toString('hex')

/** The 32-byte seed of one decoy, hexadecimal (HKDF, RFC 5869). */
export const decoySeed = (secret: Buffer, decoy: string): string =>
  Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `decoy ${decoy}`, 32)).toString('hex')

/** The seed of a host that an idle address answers as: another persona at that address is another host, with nothing of the former. */
export const hostSeed = (secret: Buffer, decoy: string, persona: string): string => decoySeed(secret, `${decoy} ${persona}`)
