import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { deviceCertificate } from './persona-certificate.ts'
import { testPersona } from './test-harness.ts'

test('a device signs itself a certificate with its own name, from its installation on, and the same one for ever', () => {
  const tlsKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const persona = testPersona('siemens-s7-1200', '5a', { tlsKey })
  const pem = persona.keys['tls-certificate']
  assert.ok(pem)
  assert.equal(testPersona('siemens-s7-1200', '5a', { tlsKey }).keys['tls-certificate'], pem)
  const read = new X509Certificate(pem)
  assert.ok(read.verify(read.publicKey), 'signed by its own key')
  assert.equal(read.subject, `C=DE\nO=Siemens\nOU=S7-1200\nCN=${persona.hostname}`)
  assert.equal(read.issuer, read.subject)
  assert.equal(read.subjectAltName, `DNS:${persona.hostname}`)
  const [from, to] = [Date.parse(read.validFrom), Date.parse(read.validTo)]
  assert.ok(from > persona.installedAt && from < persona.installedAt + 7_200_001)
  assert.equal(to - from, 9131 * 86_400_000)
  const other = new X509Certificate(testPersona('siemens-s7-1200', '5b', { tlsKey }).keys['tls-certificate'] as string)
  assert.notEqual(other.serialNumber, read.serialNumber)
  assert.notEqual(other.subject, read.subject)
})

test('a certificate that ends after 2049 says so with four digits of the year', () => {
  const tlsKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const drawn = testPersona('siemens-s7-1200', '5a', { tlsKey })
  assert.ok(drawn.template.hmi?.tls)
  const { tls } = drawn.template.hmi
  const read = new X509Certificate(deviceCertificate(drawn, { ...tls, certificate: { ...tls.certificate, days: 20_000 } }, tlsKey))
  assert.match(read.validTo, / 207\d GMT$/)
})
