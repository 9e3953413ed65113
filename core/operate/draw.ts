/** What OpenSSL makes at random, drawn once at apply: RSA keys, and a certificate as the decoy's organisation would issue it. */
import 'reflect-metadata'
import { generateKeyPair, randomBytes, randomInt } from 'node:crypto'
import { promisify } from 'node:util'
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { Organisation } from '@shenlou/contract/template'
import * as x509 from '@peculiar/x509'

const generate = promisify(generateKeyPair)
const dayMs = 86_400_000
const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 }

async function rsaKey(bits: number): Promise<string> {
  const { privateKey } = await generate('rsa', { modulusLength: bits })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}

async function cryptoKeys(pem: string): Promise<CryptoKeyPair> {
  const der = x509.PemConverter.decodeFirst(pem)
  const privateKey = await crypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign'])
  const { n, e } = await crypto.subtle.exportKey('jwk', privateKey)
  const publicKey = await crypto.subtle.importKey('jwk', { kty: 'RSA', n: n as string, e: e as string }, algorithm, true, ['verify'])
  return { privateKey, publicKey }
}

/** Commas and other structure of a name are escaped by the library when it is given as parts. */
const subject = (organisation: Organisation, commonName: string, unit?: string): x509.JsonName => [
  { C: ['CN'] },
  ...(organisation.city ? [{ L: [organisation.city.en] }] : []),
  { O: [organisation.name.en] },
  ...(unit ? [{ OU: [unit] }] : []),
  { CN: [commonName] },
]

interface Issuer {
  keys: CryptoKeyPair
  name: x509.JsonName
}
/** The internal CA of each organisation while hosts are drawn: a group has one, and all of its servers are signed by it. */
export type Issuers = Map<string, Promise<Issuer>>

async function drawIssuer(organisation: Organisation): Promise<Issuer> {
  const name = `${organisation.name.en} ${['Root CA', 'Issuing CA', 'Server CA', 'CA'][randomInt(4)]} ${['G2', 'R1', '01', '2019', '2021'][randomInt(5)]}`
  return { keys: await cryptoKeys(await rsaKey(2048)), name: subject(organisation, name) }
}

/** A server certificate for the organisation's site: issued by its internal CA, or self-signed. Serial and dates are random. */
async function drawCertificate(persona: PersonaTemplate, organisation: Organisation, keyPem: string, issuers: Issuers): Promise<string> {
  const keys = await cryptoKeys(keyPem)
  const host = `www.${organisation.domain}`
  const notBefore = new Date(Math.floor((Date.now() - randomInt(30, 330) * dayMs - randomInt(0, dayMs)) / 1000) * 1000)
  const notAfter = new Date(notBefore.getTime() + (persona.web?.tls.issuer === 'self' ? 3650 : 730) * dayMs)
  const serialNumber = Buffer.concat([Buffer.from([randomInt(1, 128)]), randomBytes(15)]).toString('hex')
  const common = { serialNumber, notBefore, notAfter, signingAlgorithm: algorithm, publicKey: keys.publicKey }
  const names = new x509.SubjectAlternativeNameExtension([host, organisation.domain].map((value) => ({ type: 'dns' as const, value })))
  if (persona.web?.tls.issuer === 'self') {
    const certificate = await x509.X509CertificateGenerator.create({
      ...common,
      subject: subject(organisation, host),
      issuer: subject(organisation, host),
      signingKey: keys.privateKey,
      extensions: [names],
    })
    return certificate.toString('pem')
  }
  const issuer = await (issuers.get(organisation.domain) ??
    (issuers.set(organisation.domain, drawIssuer(organisation)).get(organisation.domain) as Promise<Issuer>))
  const units = ['Information Center', 'IT Department', 'Network Security', 'Digital Center', 'Infrastructure']
  const certificate = await x509.X509CertificateGenerator.create({
    ...common,
    subject: subject(organisation, host, units[randomInt(units.length)]),
    issuer: issuer.name,
    signingKey: issuer.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
      names,
    ],
  })
  return certificate.toString('pem')
}

const tlsOf = (persona: PersonaTemplate): { rsaBits: number } | undefined => persona.web?.tls ?? persona.hmi?.tls

/** RSA keys that a host of this persona needs, by name, in bits. Keys of other kinds are derived from its seed and cost nothing here. */
export function neededKeys(persona: PersonaTemplate): Record<string, number> {
  const tls = tlsOf(persona)
  return {
    ...(persona.ssh?.hostKeys.includes('rsa') ? { rsa: persona.ssh.rsaBits } : {}),
    ...(tls ? { tlsKey: tls.rsaBits } : {}),
    // Windows makes the certificate of remote desktop itself, with such a key.
    ...(persona.rdp ? { rdpKey: 2048 } : {}),
  }
}

/**
 * Secrets of one decoy by name, PEM: `rsa` (SSH host key), `tlsKey`, `tlsCertificate`, `rdpKey` (remote desktop); only what its persona needs, and what it has stays. The certificate
 * of a device's page is signed by the device itself, so the key is all that it needs.
 */
export async function drawSecrets(
  persona: PersonaTemplate,
  organisation: Organisation,
  have: Readonly<Record<string, string>> = {},
  issuers: Issuers = new Map(),
): Promise<Record<string, string>> {
  const secrets: Record<string, string> = { ...have }
  const keys = Object.entries(neededKeys(persona)).filter(([name]) => secrets[name] === undefined)
  await Promise.all(keys.map(async ([name, bits]) => Object.assign(secrets, { [name]: await rsaKey(bits) })))
  if (persona.web && secrets.tlsKey) secrets.tlsCertificate ??= await drawCertificate(persona, organisation, secrets.tlsKey, issuers)
  return secrets
}
