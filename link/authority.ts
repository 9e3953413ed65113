/** The certificate authority of an installation: ECDSA P-256, its key encrypted at rest and never in the database. */
import 'reflect-metadata'
import { createCipheriv, createDecipheriv, createPublicKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { writeFileAtomic } from './atomic-file.ts'
import { keyHashOf, namesFor } from './certificate.ts'
import type { Authority, CertificateRole, SignedCertificate } from './identity-types.ts'

x509.cryptoProvider.set(webcrypto as Crypto)
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000

/**
 * Makes an authority in a folder: `ca.pem` and `ca.key`, the key sealed with AES-256-GCM under `masterKey` (32 bytes), 0600.
 * Throws an Error when the folder holds one already.
 */
export async function createAuthority(dir: string, masterKey: Buffer): Promise<Authority> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  if (await readFile(join(dir, 'ca.key')).catch(() => undefined)) throw new Error(`${dir} holds an authority already`)
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const now = Date.now()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${drawName()}`,
    notBefore: new Date(now - dayMs),
    notAfter: new Date(now + 3650 * dayMs),
    signingAlgorithm: algorithm,
    keys: keys as CryptoKeyPair,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as CryptoKey),
    ],
  })
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  // The key last: a folder with a key is a whole authority.
  await writeFileAtomic(join(dir, 'ca.pem'), pemOf(certificate))
  await writeFileAtomic(join(dir, 'ca.key'), seal(key, masterKey))
  return authorityOf(pemOf(certificate), keys.privateKey)
}

/** Opens the authority of a folder. Throws an Error when there is none, or when `masterKey` is not the one it was sealed with. */
export async function openAuthority(dir: string, masterKey: Buffer): Promise<Authority> {
  const certificate = await readFile(join(dir, 'ca.pem'), 'utf8')
  const sealed = await readFile(join(dir, 'ca.key'))
  let key: Buffer
  try {
    key = unseal(sealed, masterKey)
  } catch (cause) {
    throw new Error(`${join(dir, 'ca.key')} cannot be opened with this master key; restore the one it was made with`, { cause })
  }
  return authorityOf(certificate, await webcrypto.subtle.importKey('pkcs8', key, algorithm, false, ['sign']))
}

function authorityOf(pem: string, signingKey: webcrypto.CryptoKey): Authority {
  const ca = new X509Certificate(pem)
  const issuer = new x509.X509Certificate(pem)
  const keyHash = keyHashOf(ca)
  return {
    certificate: pem,
    keyHash,
    async signCsr({ csr, sensor, role, days = 90 }) {
      const request = await checkedRequest(csr)
      const now = Date.now()
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serial(),
        subject: `CN=${drawName()}`,
        issuer: issuer.subject,
        // A little into the past, for sensors whose clock is behind.
        notBefore: new Date(now - 5 * 60_000),
        notAfter: new Date(now + days * dayMs),
        signingAlgorithm: algorithm,
        publicKey: request.publicKey,
        signingKey: signingKey as CryptoKey,
        extensions: await leafExtensions(namesFor(keyHash, sensor, role), request.publicKey, issuer),
      })
      return described(pemOf(certificate), pem, sensor, role)
    },
  }
}

async function checkedRequest(csr: string): Promise<x509.Pkcs10CertificateRequest> {
  let request: x509.Pkcs10CertificateRequest
  try {
    request = new x509.Pkcs10CertificateRequest(csr)
    const key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), type: 'spki', format: 'der' })
    if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('its key is not ECDSA P-256')
    if (!(await request.verify())) throw new Error('its signature is not that of its key')
  } catch (cause) {
    throw new RangeError(`the certificate request is not acceptable: ${(cause as Error).message}`, { cause })
  }
  return request
}

async function leafExtensions(names: string[], key: x509.PublicKey, issuer: x509.X509Certificate): Promise<x509.Extension[]> {
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
    new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'url' as const, value }))),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    await x509.SubjectKeyIdentifierExtension.create(key),
  ]
}

function described(pem: string, ca: string, sensor: string, role: CertificateRole): SignedCertificate {
  const parsed = new X509Certificate(pem)
  return {
    certificate: pem,
    ca,
    fingerprint: keyHashOf(parsed),
    role,
    sensor,
    serial: parsed.serialNumber.toLowerCase(),
    issued: Date.parse(parsed.validFrom),
    expires: Date.parse(parsed.validTo),
  }
}

const pemOf = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`

/** 16 random bytes, positive and without a leading zero byte (RFC 5280 section 4.1.2.2). */
function serial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40
  return bytes.toString('hex')
}

/** A neutral, pronounceable name that says nothing: no constant word that a scanner could look for. */
function drawName(): string {
  const bytes = randomBytes(10)
  let name = ''
  for (let i = 0; i < 6 + ((bytes[9] as number) % 4); i++) name += (i % 2 ? 'aeiou' : 'bcdfghklmnprstvw').at((bytes[i] as number) % (i % 2 ? 5 : 16))
  return name
}

// Sealed form: version 1, 12 bytes of nonce, 16 of tag, the ciphertext.
function seal(plain: Buffer, masterKey: Buffer): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', masterKey, nonce)
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([Buffer.of(1), nonce, cipher.getAuthTag(), sealed])
}
function unseal(sealed: Buffer, masterKey: Buffer): Buffer {
  if (sealed[0] !== 1 || sealed.length < 29) throw new Error('unknown form')
  const decipher = createDecipheriv('aes-256-gcm', masterKey, sealed.subarray(1, 13)).setAuthTag(sealed.subarray(13, 29))
  return Buffer.concat([decipher.update(sealed.subarray(29)), decipher.final()])
}
