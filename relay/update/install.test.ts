import assert from 'node:assert/strict'
import { existsSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { installUpdate, UpdatePutOff } from './install.ts'
import { waitMs } from './put-off.ts'
import { type Home, makeHome, relayPackage, signed } from './release-fixture.ts'

const mb = 1024 * 1024
const install = ({ inbox, launched: { home, trust } }: Home): Promise<string> => installUpdate({ inbox, home, trust })
const unchanged = ({ launched: { home } }: Home): void => {
  assert.equal(readlinkSync(join(home, 'current')), 'versions/0.1.0-0')
  assert.deepEqual(readdirSync(join(home, 'versions')), ['0.1.0-0'])
  assert.ok(!existsSync(join(home, 'state', 'incoming')) && !existsSync(join(home, 'state', 'probation')))
}
const root = process.getuid?.() === 0 ? false : 'a small disk needs root'

test('a release for which there is no room is put off, not refused, and installed once there is', { skip: root }, async () => {
  const home = makeHome(40)
  try {
    home.fetched(relayPackage(7, 4 * mb))
    const filler = join(home.folder, 'filler')
    writeFileSync(filler, Buffer.alloc(20 * mb))
    await assert.rejects(install(home), (error) => error instanceof UpdatePutOff && /there is no room for it in .* are needed, .* are free/.test(error.message))
    await assert.rejects(install(home), UpdatePutOff)
    unchanged(home)
    assert.equal(home.state('refused') + home.state('rolled-back'), '')
    const { sequence, times, why } = JSON.parse(home.state('put-off'))
    assert.deepEqual([sequence, times], [7, 2])
    assert.match(why, /no room/)
    rmSync(filler)
    assert.equal(await install(home), 'release 7, version 0.9.0, is in place')
    assert.equal(readlinkSync(join(home.launched.home, 'current')), 'versions/0.9.0-7')
    assert.equal(statSync(join(home.launched.home, 'current', 'shenlou-relay')).size, 4 * mb)
    assert.equal(home.state('put-off'), '')
  } finally {
    home.remove()
  }
})

test('a disk that fills up while it is put in place keeps nothing of it, and it is put off', { skip: root }, async () => {
  const home = makeHome(24)
  try {
    // Room is asked for by what the manifest names; the rest of the disk goes meanwhile.
    const offered = relayPackage(7, 2 * mb)
    home.fetched(offered)
    const free = 24 * mb - 2 * offered.bytes.length
    const full = install(home)
    const end = Date.now() + 5000
    while (!existsSync(join(home.launched.home, 'state', 'incoming')) && Date.now() < end) await new Promise((resolve) => setImmediate(resolve))
    try {
      writeFileSync(join(home.folder, 'filler'), Buffer.alloc(free))
    } catch {
      // Full, as is meant.
    }
    await assert.rejects(full, (error) => error instanceof UpdatePutOff && /there is no room for it in/.test(error.message))
    unchanged(home)
    assert.equal(home.state('refused'), '')
    rmSync(join(home.folder, 'filler'))
    assert.match(await install(home), /in place/)
  } finally {
    home.remove()
  }
})

test('a package that was cut or altered on its way is put off: the release itself may be good', async () => {
  const home = makeHome()
  try {
    const offered = relayPackage(7, mb)
    home.fetched(offered, offered.bytes.subarray(0, 1000))
    await assert.rejects(install(home), /the package does not have the \d+ bytes that its manifest names/)
    const altered = Buffer.from(offered.bytes)
    altered[5000] = (altered[5000] ?? 0) ^ 1
    home.fetched(offered, altered)
    await assert.rejects(install(home), (error) => error instanceof UpdatePutOff && /not the one that its manifest names/.test(error.message))
    unchanged(home)
    assert.equal(home.state('refused'), '')
    home.fetched(offered)
    assert.match(await install(home), /in place/)
  } finally {
    home.remove()
  }
})

test('an archive that was signed broken is refused for good, in one line that says how it is broken', async () => {
  const good = relayPackage(1, 50_000)
  const tar = gunzipSync(good.bytes)
  const header = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(tar)
    change(bytes)
    return gzipSync(bytes)
  }
  const broken: [Buffer, RegExp][] = [
    [good.bytes.subarray(0, good.bytes.length >> 1), /the archive is broken: unexpected end of file/],
    [Buffer.from('no archive'), /the archive is broken: incorrect header check/],
    [gzipSync(tar.subarray(0, 20_000)), /the archive is broken: it ends early/],
    [header((bytes) => bytes.fill(0x41, 600, 700)), /the archive is broken: the checksum of a header is wrong|a header holds no number/],
    [header((bytes) => bytes.fill(0)), /the archive is broken: it lacks shenlou-relay, LICENSE, LICENSES.txt, SHA256SUMS/],
    [
      gzipSync(Buffer.concat([tar.subarray(0, (tar.findLastIndex((byte) => byte !== 0) + 1 + 511) & ~511), tar])),
      /the archive is broken: LICENSE is in it twice/,
    ],
  ]
  for (const [index, [bytes, line]] of broken.entries()) {
    const home = makeHome()
    try {
      home.fetched(signed(bytes, 7, 60_000))
      await assert.rejects(
        install(home),
        (error) => !(error instanceof UpdatePutOff) && line.test((error as Error).message) && !(error as Error).message.includes('\n'),
        `${index}`,
      )
      unchanged(home)
      assert.equal(home.state('refused'), '7\n')
      assert.match(home.state('rolled-back'), /^7 the archive is broken: /)
      await assert.rejects(install(home), /release 7 was tried here and switched back/)
    } finally {
      home.remove()
    }
  }
})

test('tries become rare, and a clock that was set back holds none up for ever', () => {
  const off = (times: number) => ({ sequence: 7, times, at: 1_000_000, why: '' })
  assert.deepEqual(
    [1, 2, 3, 7, 100].map((times) => waitMs(off(times), 1_000_000)),
    [60_000, 120_000, 240_000, 3_600_000, 3_600_000],
  )
  assert.equal(waitMs(off(1), 1_060_000), 0)
  assert.equal(waitMs(off(1), 0), 60_000)
})
