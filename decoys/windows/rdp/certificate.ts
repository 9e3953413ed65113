/** The certificate that Windows makes for remote desktop by itself (RFC 5280 section 4.1), and TLS as its Schannel speaks it. */
import { createPublicKey, randomBytes, sign } from 'node:crypto'
import type { TlsOptions } from '../../decoy.ts'
import type { Persona } from '../../persona.ts'
import { der, integer, objectId } from '../der.ts'
import { windowsIdentity } from '../identity.ts'

const day = 86_400_000
/** It is good for half a year, and made anew when that is over. */
const lifetime = 183 * day

interface Made {
  until: number
  key: string
  cert: string
  options: TlsOptions | undefined
}
const made = new WeakMap<Persona, Made>()

const sha256WithRsa = der(0x30, objectId('1.2.840.113549.1.1.11'), der(0x05))
const extension = (id: string, value: Buffer): Buffer => der(0x30, objectId(id), der(0x04, value))

/** UTCTime until 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). */
function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  return text < '2050' ? der(0x17, Buffer.from(text.slice(2), 'latin1')) : der(0x18, Buffer.from(text, 'latin1'))
}

/**
 * Key and certificate as PEM at a time in milliseconds since 1970 UTC: subject and issuer are the host's DNS name, the key is for TLS servers. The same
 * persona gives the same bytes until the half-year is over. Throws when the core did not send its key.
 */
export function rdpCertificate(persona: Persona, now: number): Made {
  const known = made.get(persona)
  if (known && now < known.until && now >= known.until - lifetime) return known
  const key = persona.keys['rdp-key']
  if (!key) throw new Error(`persona ${persona.template.id} has no key for remote desktop; apply its scenario again to have it drawn`)
  const first = persona.installedAt + persona.number('rdp certificate', 300, 5400) * 1000
  // It is renewed when somebody first connects after its end, which is not to the second.
  const nth = Math.max(0, Math.floor((now - first) / lifetime))
  const from = first + nth * lifetime
  const serial = persona.draw(`rdp certificate ${nth}`, 16)
  // Positive, and without a zero that DER would not write.
  serial[0] = ((serial[0] as number) & 0x3f) | 0x10
  const name = der(0x30, der(0x31, der(0x30, objectId('2.5.4.3'), der(0x13, Buffer.from(windowsIdentity(persona).dnsComputer, 'latin1')))))
  const body = der(
    0x30,
    der(0xa0, integer(2)),
    der(0x02, serial),
    sha256WithRsa,
    name,
    der(0x30, time(from), time(from + lifetime)),
    name,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      der(
        0x30,
        extension('2.5.29.37', der(0x30, objectId('1.3.6.1.5.5.7.3.1'))),
        // Key and data encipherment.
        extension('2.5.29.15', der(0x03, Buffer.from([4, 0x30]))),
      ),
    ),
  )
  const whole = der(0x30, body, sha256WithRsa, der(0x03, Buffer.from([0]), sign('sha256', body, key)))
  const text = whole.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  const fresh: Made = { until: from + lifetime, key, cert: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`, options: undefined }
  made.set(persona, fresh)
  return fresh
}

/** Options of TLS for remote desktop; the same object for the same certificate. Throws when the persona has no rdp section. */
export function rdpTls(persona: Persona, now: number): TlsOptions {
  const { rdp, id } = persona.template
  if (!rdp) throw new Error(`persona ${id} has no rdp section`)
  const current = rdpCertificate(persona, now)
  current.options ??= {
    key: current.key,
    cert: current.cert,
    minVersion: rdp.tls.min,
    maxVersion: rdp.tls.max,
    // The old versions sign with SHA-1, which today's security level forbids.
    ciphers: rdp.tls.min === 'TLSv1.2' ? rdp.tls.ciphers : `${rdp.tls.ciphers}:@SECLEVEL=0`,
    ecdhCurve: rdp.tls.curves,
    honorCipherOrder: true,
    sessionIdContext: 'RDP',
    ticketKeys: randomBytes(48),
  }
  return current.options
}
