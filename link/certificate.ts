/**
 * What our certificates say and how a peer's is judged. Names in them are drawn at random and the role is a UUID that only
 * someone who holds the authority's certificate can read: a stranger who connects learns neither product nor purpose.
 */
import { createHash, type X509Certificate } from 'node:crypto'
import type { CertificateRole, PeerIdentity } from './identity-types.ts'

const roles: readonly CertificateRole[] = ['relay', 'decoys', 'source', 'core']

/** SHA-256 of a certificate's public key (SPKI), lower-case hexadecimal. */
export const keyHashOf = (certificate: X509Certificate): string =>
  createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')

/** The two names in a certificate: `urn:uuid:` of the sensor, then of the role under that authority (a UUIDv8 of its hash). */
export const namesFor = (caKeyHash: string, sensor: string, role: CertificateRole): string[] => [`urn:uuid:${sensor}`, `urn:uuid:${roleUuid(caKeyHash, role)}`]

function roleUuid(caKeyHash: string, role: CertificateRole): string {
  const hash = createHash('sha256').update(`${caKeyHash} ${role}`).digest('hex')
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

/**
 * Who holds a certificate. Checks the authority's signature itself, because TLS reports only the last of several faults.
 * Throws an Error that says what is wrong; with `expired` a certificate past its time is taken (it may only renew).
 */
export function peerIdentity(certificate: X509Certificate, ca: X509Certificate, options: { now?: number; expired?: boolean } = {}): PeerIdentity {
  if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) throw new Error('the certificate was not signed by our authority')
  const now = options.now ?? Date.now()
  const issued = Date.parse(certificate.validFrom)
  const expires = Date.parse(certificate.validTo)
  // Clocks of two machines differ a little.
  if (issued > now + 5 * 60_000) throw new Error(`the certificate is valid only from ${certificate.validFrom}`)
  if (expires < now && !options.expired) throw new Error(`the certificate expired on ${certificate.validTo}`)
  const names = /^URI:urn:uuid:([0-9a-f-]{36}), URI:(urn:uuid:[0-9a-f-]{36})$/.exec(certificate.subjectAltName ?? '')
  const caKeyHash = keyHashOf(ca)
  const role = names && roles.find((each) => namesFor(caKeyHash, '', each)[1] === names[2])
  if (!names || !role) throw new Error('the certificate names no role of ours')
  return { role, sensor: names[1] as string, serial: certificate.serialNumber.toLowerCase(), issued, expires }
}
