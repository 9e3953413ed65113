/** Who a machine is on our own links: certificate, key and the authority that signed it. Bodies are in identity.ts and authority.ts. */

/** What a certificate says its holder may be. `core` is the sensors' door itself. */
export type CertificateRole = 'relay' | 'decoys' | 'source' | 'core'

/** What a verified certificate says. `serial` in lower-case hexadecimal, times in milliseconds since 1970 UTC. */
export interface PeerIdentity {
  role: CertificateRole
  sensor: string
  serial: string
  issued: number
  expires: number
}

/** A sensor's own identity, as its folder keeps it. One live object: a renewal changes its fields and tells `onChange`. */
export interface SensorIdentity extends PeerIdentity {
  readonly dir: string
  readonly name: string
  /** `host:port` of the sensors' door. */
  readonly door: string
  /** PEM texts. `ca` is the authority's certificate, pinned at enrolment. */
  readonly key: string
  readonly certificate: string
  readonly ca: string
  /** SHA-256 of this certificate's public key (SPKI), which a person confirms. */
  readonly fingerprint: string
  /** Calls back after each renewal; returns its own end. */
  onChange(listener: () => void): () => void
}

/** A certificate as the authority gives it out. */
export interface SignedCertificate extends PeerIdentity {
  certificate: string
  ca: string
  fingerprint: string
}

export interface Authority {
  /** The authority's certificate (PEM) and the SHA-256 of its public key (SPKI), as enrolment tokens carry it. */
  readonly certificate: string
  readonly keyHash: string
  /** Signs a request. Role and sensor come from the caller, never from the request, whose own signature is checked. Throws a RangeError for a bad request. */
  signCsr(input: { csr: string; sensor: string; role: CertificateRole; days?: number }): Promise<SignedCertificate>
}
