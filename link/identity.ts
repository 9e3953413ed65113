/** A sensor's own identity: one 0600 file in its folder, so that key and certificate are always of one piece. */
import { KeyObject, webcrypto, X509Certificate } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { enrolAnswer, enrolmentToken, type EnrolmentToken } from '@shenlou/contract/sensor'
import { writeFileAtomic } from './atomic-file.ts'
import { keyHashOf, peerIdentity } from './certificate.ts'
import type { Authority, CertificateRole, SensorIdentity } from './identity-types.ts'
import { uuidv7 } from './uuid.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

const identityFile = enrolAnswer
  .pick({ sensor: true, certificate: true, ca: true })
  .extend({ ...enrolmentToken.pick({ role: true, name: true, door: true }).shape, key: enrolAnswer.shape.certificate })
/** What the folder keeps; PEM texts. */
export type IdentityFile = Pick<SensorIdentity, 'sensor' | 'name' | 'door' | 'key' | 'certificate' | 'ca'> & { role: EnrolmentToken['role'] }

/** A new ECDSA P-256 key and a certificate request for it, both PEM. The request names nobody: the core decides that. */
export async function createKeyAndCsr(): Promise<{ key: string; csr: string }> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=request', keys: keys as CryptoKeyPair, signingAlgorithm: algorithm })
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString()
  return { key, csr: request.toString('pem') }
}

/** Needed at enrolment and renewal only, and a sixth of what a sensor would else hold in memory. */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as Crypto)
  return x509
}

/** Opens the identity of a folder; undefined when this machine is not enrolled yet. Throws an Error when the file is broken. */
export async function openIdentity(dir: string): Promise<RenewableIdentity | undefined> {
  const path = join(dir, 'identity.json')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const parsed = identityFile.safeParse(jsonOf(text))
  if (!parsed.success) throw new Error(`${path} is not an identity file; enrol this machine again`)
  return live(dir, parsed.data)
}

/** Keeps a fresh identity in its folder (0700) and opens it. */
export async function saveIdentity(dir: string, file: IdentityFile): Promise<RenewableIdentity> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await writeFileAtomic(join(dir, 'identity.json'), JSON.stringify(file))
  return live(dir, file)
}

export interface RenewableIdentity extends SensorIdentity {
  /** Takes a renewed certificate for a new key: on disk first, then in memory, then `onChange`. */
  replace(key: string, certificate: string): Promise<void>
}

function live(dir: string, file: IdentityFile): RenewableIdentity {
  const ca = new X509Certificate(file.ca)
  const listeners = new Set<() => void>()
  const describe = (certificate: string) => {
    const parsed = new X509Certificate(certificate)
    const said = peerIdentity(parsed, ca, { expired: true })
    if (said.sensor !== file.sensor || said.role !== file.role) throw new Error(`the certificate in ${dir} is not that of this machine`)
    return { ...said, fingerprint: keyHashOf(parsed), certificate }
  }
  const identity = {
    dir,
    name: file.name,
    door: file.door,
    ca: file.ca,
    key: file.key,
    ...describe(file.certificate),
    onChange(listener: () => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async replace(key: string, certificate: string) {
      const described = describe(certificate)
      await writeFileAtomic(join(dir, 'identity.json'), JSON.stringify({ ...file, key, certificate }))
      Object.assign(identity, described, { key })
      for (const listener of listeners) listener()
    },
  }
  return identity
}

/** An identity that is in memory only, signed at once: the door's own, and tests'. */
export async function issueIdentity(authority: Authority, role: CertificateRole, sensor: string = uuidv7(), days = 90): Promise<SensorIdentity> {
  const { key, csr } = await createKeyAndCsr()
  const signed = await authority.signCsr({ csr, sensor, role, days })
  return { dir: '', name: '', door: '', key, ...signed, onChange: () => () => undefined }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
