import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { ReleaseManifest } from '@shenlou/contract/release'
import { compareVersions, judgeRelease, makeReleaseKey, releaseKeys, signRelease, verifyRelease } from './release.ts'

const manifest: ReleaseManifest = {
  version: '0.2.0',
  role: 'relay',
  platform: 'linux-x64',
  sequence: 5,
  sha256: 'ab'.repeat(32),
  size: 1000,
  unpacked: 4000,
  minVersion: '0.1.0',
  downgrade: false,
}
const key = makeReleaseKey()

test('a release is taken when one of the trusted keys signed this very text', () => {
  const signed = signRelease(manifest, key.privateKey)
  const other = makeReleaseKey()
  assert.deepEqual(verifyRelease(signed, other.publicKey + key.publicKey), manifest)
  assert.throws(() => verifyRelease(signed, other.publicKey), /which is not trusted here$/)
  assert.throws(() => verifyRelease(signed, ''), /^Error: no key is trusted here/)
  const altered = { ...signed, manifest: signed.manifest.replace('"sequence":5', '"sequence":6') }
  assert.throws(() => verifyRelease(altered, key.publicKey), /its signature is wrong/)
  // Another's signature under the trusted key's name.
  const forged = { ...signRelease(manifest, other.privateKey), key: signed.key }
  assert.throws(() => verifyRelease(forged, key.publicKey), /its signature is wrong/)
  for (const nothing of [undefined, {}, 'text', { ...signed, format: 'shenlou-release-2' }, { ...signed, more: 1 }])
    assert.throws(() => verifyRelease(nothing, key.publicKey), /this is not a signed release/)
})

test('private keys and keys of another kind are refused where public ones belong', () => {
  assert.throws(() => releaseKeys(key.privateKey), /this is a private key/)
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  assert.throws(() => releaseKeys(String(rsa.publicKey.export({ type: 'spki', format: 'pem' }))), /not by rsa/)
  assert.throws(() => signRelease(manifest, String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }))), /not by rsa/)
  assert.equal(releaseKeys('nothing').size, 0)
})

test('a release that is not for this machine, or not any more, is refused with one line', () => {
  const now = { role: 'relay', platform: 'linux-x64', version: '0.1.0', floor: 4, refused: [] as number[] }
  judgeRelease(manifest, now)
  const why = (change: Partial<ReleaseManifest>, here: Partial<typeof now> = {}): string => {
    try {
      judgeRelease({ ...manifest, ...change }, { ...now, ...here })
      return 'taken'
    } catch (error) {
      return (error as Error).message
    }
  }
  assert.equal(why({ platform: 'linux-arm64' }), 'it is for linux-arm64, this is linux-x64')
  assert.equal(why({ sequence: 4 }), 'release 4 is not above 4, which was taken here before')
  assert.match(why({}, { refused: [5] }), /release 5 was tried here and switched back/)
  assert.match(why({ minVersion: '0.1.1' }), /it replaces 0\.1\.1 or later, this is 0\.1\.0/)
  assert.match(why({ version: '0.0.9' }), /0\.0\.9 is below 0\.1\.0, and its manifest does not allow going back/)
  assert.equal(why({ version: '0.0.9', downgrade: true }), 'taken')
  assert.equal(why({ version: '0.0.9', downgrade: true, sequence: 3 }), 'release 3 is not above 4, which was taken here before')
})

test('versions are compared as numbers', () => {
  for (const [a, b] of [
    ['0.9.0', '0.10.0'],
    ['1.0.0-rc.1', '1.0.0'],
    ['1.2.3', '1.2.4'],
    ['1.0.0-a', '1.0.0-b'],
  ] as const) {
    assert.ok(compareVersions(a, b) < 0, `${a} < ${b}`)
    assert.ok(compareVersions(b, a) > 0, `${b} > ${a}`)
    assert.equal(compareVersions(a, a), 0)
  }
})
