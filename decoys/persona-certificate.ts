/** The certificate that a device signed for itself: X.509 version 3 (RFC 5280 section 4.1) in DER (X.690), with names drawn from its seed. */
import { createPublicKey, sign } from 'node:crypto'
import type { DeviceTls } from '@shenlou/contract/server-tls'
import type { Persona } from './persona.ts'

/** tag, length, value; the length in as few bytes as it takes. */
function node(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const size = body.length
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}
const sequence = (...parts: Uint8Array[]): Buffer => node(0x30, ...parts)
/** Content bytes of object identifiers. */
const oid = {
  country: '550406',
  organisation: '55040a',
  unit: '55040b',
  commonName: '550403',
  subjectAltName: '551d11',
  keyUsage: '551d0f',
  sha256WithRsa: '2a864886f70d01010b',
}
const named = (id: string): Buffer => node(0x06, Buffer.from(id, 'hex'))

/** One RDN of one attribute: PrintableString for a country, else UTF8String. */
const attribute = (id: string, text: string): Buffer[] =>
  text === '' ? [] : [node(0x31, sequence(named(id), node(id === oid.country ? 0x13 : 0x0c, Buffer.from(text))))]

/** UTCTime until 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). */
function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)
  return Number(text.slice(0, 4)) < 2050 ? node(0x17, Buffer.from(`${text.slice(2)}Z`)) : node(0x18, Buffer.from(`${text}Z`))
}

/**
 * The certificate as PEM. It begins an hour or so after the installation, when somebody had set the clock. The same persona and key give the same bytes
 * for ever: RSA signatures of PKCS #1 have nothing random.
 */
export function deviceCertificate(persona: Persona, { certificate }: DeviceTls, keyPem: string): string {
  const site = persona.domain.split('.')[0] ?? ''
  const values: Readonly<Record<string, string>> = {
    hostname: persona.hostname,
    serial: persona.serial,
    product: persona.template.device?.product ?? '',
    site,
  }
  const fill = (pattern: string): string => pattern.replace(/\{([a-z]+)\}/g, (whole, name: string) => values[name] ?? whole).slice(0, 64)
  const name = sequence(
    ...attribute(oid.country, certificate.country),
    ...attribute(oid.organisation, fill(certificate.organisation)),
    ...attribute(oid.unit, fill(certificate.unit)),
    ...attribute(oid.commonName, fill(certificate.commonName)),
  )
  const from = persona.installedAt + persona.number('certificate begins', 600, 7200) * 1000
  const algorithm = sequence(named(oid.sha256WithRsa), node(0x05))
  const serial = persona.draw('certificate serial', 16)
  // Positive, and without a zero that DER would not write.
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40
  const extension = (id: string, value: Buffer, critical = false): Buffer =>
    sequence(named(id), ...(critical ? [node(0x01, Buffer.from([0xff]))] : []), node(0x04, value))
  const body = sequence(
    node(0xa0, node(0x02, Buffer.from([2]))),
    node(0x02, serial),
    algorithm,
    name,
    sequence(time(from), time(from + certificate.days * 86_400_000)),
    name,
    createPublicKey(keyPem).export({ type: 'spki', format: 'der' }),
    node(
      0xa3,
      sequence(
        extension(oid.keyUsage, node(0x03, Buffer.from([5, 0xa0])), true),
        extension(oid.subjectAltName, sequence(node(0x82, Buffer.from(persona.hostname, 'latin1')))),
      ),
    ),
  )
  const der = sequence(body, algorithm, node(0x03, Buffer.from([0]), sign('sha256', body, keyPem)))
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`
}
