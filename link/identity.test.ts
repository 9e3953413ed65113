import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createAuthority, openAuthority } from './authority.ts'
import { keyHashOf, peerIdentity } from './certificate.ts'
import { createKeyAndCsr, issueIdentity, openIdentity, saveIdentity } from './identity.ts'
import { uuidv7 } from './uuid.ts'

const folder = async (t: { after(end: () => unknown): void }): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'identity-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

test('an authority keeps its key sealed and opens only with the master key', async (t) => {
  const dir = await folder(t)
  const master = randomBytes(32)
  const made = await createAuthority(dir, master)
  assert.equal((await stat(join(dir, 'ca.key'))).mode & 0o777, 0o600)
  assert.doesNotMatch((await readFile(join(dir, 'ca.key'))).toString('latin1'), /PRIVATE/)
  const opened = await openAuthority(dir, master)
  assert.equal(opened.keyHash, made.keyHash)
  assert.equal(keyHashOf(new X509Certificate(made.certificate)), made.keyHash)
  await assert.rejects(openAuthority(dir, randomBytes(32)), /cannot be opened with this master key/)
  await assert.rejects(createAuthority(dir, master), /holds an authority already/)
  const { csr } = await createKeyAndCsr()
  const signed = await opened.signCsr({ csr, sensor: uuidv7(), role: 'relay' })
  peerIdentity(new X509Certificate(signed.certificate), new X509Certificate(made.certificate))
})

test('a certificate says sensor and role as the caller gave them, for 90 days, and OpenSSL accepts it', async (t) => {
  const dir = await folder(t)
  const authority = await createAuthority(dir, randomBytes(32))
  const sensor = uuidv7()
  const { csr } = await createKeyAndCsr()
  const signed = await authority.signCsr({ csr, sensor, role: 'decoys' })
  const parsed = new X509Certificate(signed.certificate)
  const peer = peerIdentity(parsed, new X509Certificate(authority.certificate))
  assert.deepEqual([peer.sensor, peer.role, peer.serial], [sensor, 'decoys', signed.serial])
  assert.ok(Math.abs(peer.expires - Date.now() - 90 * 86_400_000) < 10_000)
  await writeFile(join(dir, 'leaf.pem'), signed.certificate)
  for (const purpose of ['sslserver', 'sslclient']) {
    assert.match(
      execFileSync('openssl', ['verify', '-purpose', purpose, '-x509_strict', '-CAfile', join(dir, 'ca.pem'), join(dir, 'leaf.pem')]).toString(),
      /OK/,
    )
  }
})

test('certificates of two installations share no word a scanner could look for', async (t) => {
  const texts: string[] = []
  for (let i = 0; i < 2; i++) {
    const authority = await createAuthority(await folder(t), randomBytes(32))
    const { csr } = await createKeyAndCsr()
    const { certificate } = await authority.signCsr({ csr, sensor: randomUUID(), role: 'decoys' })
    const leaf = new X509Certificate(certificate)
    texts.push(`${leaf.subject} ${leaf.issuer} ${leaf.subjectAltName}`)
    assert.doesNotMatch(leaf.raw.toString('latin1') + authority.certificate, /shenlou|decoy|relay|sensor|honey/i)
  }
  const words = texts.map((text) => new Set(text.match(/[a-z0-9]{5,}/gi)))
  assert.deepEqual(
    [...(words[0] as Set<string>)].filter((word) => words[1]?.has(word)),
    [],
  )
})

test('a foreign, expired or altered certificate is not a peer', async (t) => {
  const ours = await createAuthority(await folder(t), randomBytes(32))
  const other = await createAuthority(await folder(t), randomBytes(32))
  const { csr } = await createKeyAndCsr()
  const ca = new X509Certificate(ours.certificate)
  const foreign = await other.signCsr({ csr, sensor: uuidv7(), role: 'core' })
  assert.throws(() => peerIdentity(new X509Certificate(foreign.certificate), ca), /not signed by our authority/)
  const old = new X509Certificate((await ours.signCsr({ csr, sensor: uuidv7(), role: 'relay', days: -1 })).certificate)
  assert.throws(() => peerIdentity(old, ca), /expired/)
  assert.equal(peerIdentity(old, ca, { expired: true }).role, 'relay')
})

test('requests that are altered, of another key type or no request at all are refused', async (t) => {
  const authority = await createAuthority(await folder(t), randomBytes(32))
  const { csr } = await createKeyAndCsr()
  const der = Buffer.from(csr.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  der[der.length - 1] = (der.at(-1) as number) ^ 1
  const altered = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
  const rsa = execFileSync('openssl', ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=x'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString()
  for (const bad of [altered, rsa, 'not a request', '']) await assert.rejects(authority.signCsr({ csr: bad, sensor: uuidv7(), role: 'relay' }), RangeError)
})

test('an identity folder survives renewal and refuses the certificate of another machine', async (t) => {
  const dir = await folder(t)
  const authority = await createAuthority(await folder(t), randomBytes(32))
  assert.equal(await openIdentity(dir), undefined)
  const issued = await issueIdentity(authority, 'relay')
  const { sensor, key, certificate, ca } = issued
  const identity = await saveIdentity(dir, { sensor, role: 'relay', name: 'here', door: '127.0.0.1:1', key, certificate, ca })
  assert.equal((await stat(join(dir, 'identity.json'))).mode & 0o777, 0o600)
  let changes = 0
  identity.onChange(() => changes++)
  const next = await issueIdentity(authority, 'relay', sensor)
  await identity.replace(next.key, next.certificate)
  assert.equal(changes, 1)
  assert.equal(identity.serial, next.serial)
  assert.equal((await openIdentity(dir))?.serial, next.serial)
  const stranger = await issueIdentity(authority, 'relay')
  await assert.rejects(identity.replace(stranger.key, stranger.certificate), /not that of this machine/)
  assert.equal((await openIdentity(dir))?.serial, next.serial)
})
