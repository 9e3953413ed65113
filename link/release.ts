/** Signed releases: keys, signing, checking. Ed25519 of RFC 8032 by node:crypto. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { type ReleaseManifest, releaseManifest, type SignedRelease, signedRelease } from '@shenlou/contract/release'

const format = 'shenlou-release-1'
/** What is signed begins with the format, so that a signature of anything else by the same key says nothing here. */
const signedBytes = (manifest: string): Buffer => Buffer.from(`${format}\n${manifest}`)

/** SHA-256 of the public key (SPKI, DER), hexadecimal. */
export const releaseKeyId = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')

/** PEM texts of a new key. */
export function makeReleaseKey(): { privateKey: string; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return { privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })), publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })) }
}

/** The public Ed25519 keys of a PEM text, by their id. Throws on a key of another kind, and on one that is private. */
export function releaseKeys(pem: string): Map<string, KeyObject> {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw new Error('this is a private key: it stays where releases are signed; give the public one')
  const keys = new Map<string, KeyObject>()
  for (const [text] of pem.matchAll(/-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]{1,4096}-----END PUBLIC KEY-----/g)) {
    const key = createPublicKey(text)
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`releases are signed by Ed25519 keys, not by ${key.asymmetricKeyType}`)
    keys.set(releaseKeyId(key), key)
  }
  return keys
}

/** `privateKey` as PEM. Throws when it is none or of another kind. */
export function signRelease(manifest: ReleaseManifest, privateKey: string): SignedRelease {
  const text = JSON.stringify(releaseManifest.parse(manifest))
  const publicKey = createPublicKey(privateKey)
  if (publicKey.asymmetricKeyType !== 'ed25519') throw new Error(`releases are signed by Ed25519 keys, not by ${publicKey.asymmetricKeyType}`)
  return { format, manifest: text, key: releaseKeyId(publicKey), signature: sign(null, signedBytes(text), privateKey).toString('base64') }
}

/** The manifest, when one of the keys in `trusted` (PEM) signed it. Throws one line. Nothing of it is read before that. */
export function verifyRelease(given: unknown, trusted: string): ReleaseManifest {
  const signed = signedRelease.safeParse(given)
  if (!signed.success) throw new Error('this is not a signed release')
  const { manifest, key, signature } = signed.data
  const keys = releaseKeys(trusted)
  if (keys.size === 0) throw new Error('no key is trusted here, so no release is taken')
  const trustedKey = keys.get(key)
  if (!trustedKey) throw new Error(`it was signed by the key ${key.slice(0, 16)}…, which is not trusted here`)
  if (!verify(null, signedBytes(manifest), trustedKey, Buffer.from(signature, 'base64')))
    throw new Error('its signature is wrong: it was altered after it was signed')
  let json: unknown
  try {
    json = JSON.parse(manifest)
  } catch {
    json = undefined
  }
  const parsed = releaseManifest.safeParse(json)
  if (!parsed.success) throw new Error('its manifest is not of a form that this version knows')
  return parsed.data
}

/** Negative when `a` comes before `b`; one with a suffix comes before the same without (Semantic Versioning 2.0.0, section 11). */
export function compareVersions(a: string, b: string): number {
  const [[one = '', tail = ''], [other = '', otherTail = '']] = [a, b].map((text) => [text.split('-')[0], text.split('-').slice(1).join('-')]) as [
    string[],
    string[],
  ]
  const [left, right] = [one.split('.').map(Number), other.split('.').map(Number)]
  for (let at = 0; at < 3; at++) if (left[at] !== right[at]) return (left[at] ?? 0) - (right[at] ?? 0)
  if (tail === otherTail) return 0
  return tail === '' || (otherTail !== '' && tail > otherTail) ? 1 : -1
}

/** What the machine that is to take it has now. */
export interface Installed {
  role: string
  platform: string
  version: string
  /** No sequence up to this one is taken. */
  floor: number
  /** Sequences that were tried here and switched back. */
  refused: readonly number[]
}

/** Throws one line where a release is not for this machine, or not any more. */
export function judgeRelease({ version, role, platform, sequence, minVersion, downgrade }: ReleaseManifest, now: Installed): void {
  if (role !== now.role) throw new Error(`it is a ${role}, this is a ${now.role}`)
  if (platform !== now.platform) throw new Error(`it is for ${platform}, this is ${now.platform}`)
  if (now.refused.includes(sequence)) throw new Error(`release ${sequence} was tried here and switched back; give a mended one a higher sequence`)
  if (sequence <= now.floor) throw new Error(`release ${sequence} is not above ${now.floor}, which was taken here before`)
  if (compareVersions(now.version, minVersion) < 0) throw new Error(`it replaces ${minVersion} or later, this is ${now.version}; take one between first`)
  if (!downgrade && compareVersions(version, now.version) < 0) throw new Error(`${version} is below ${now.version}, and its manifest does not allow going back`)
}
