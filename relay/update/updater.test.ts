import assert from 'node:assert/strict'
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../idle/lan-fixture.ts'
import { putOffFile } from './put-off.ts'
import { type Home, makeHome, type Offered, relayPackage, signed } from './release-fixture.ts'
import { openUpdater, type Updater } from './updater.ts'

const mb = 1024 * 1024
const root = process.getuid?.() === 0 ? false : 'a small disk needs root'

/** A core that gives ranges of 64 kB; `meddle` may end the connection instead. */
function start(home: Home, { bytes, sha256 }: Offered, meddle: (from: number, nth: number) => void = () => {}) {
  const asked: number[] = []
  const lines: string[] = []
  let ready = 0
  const updater: Updater = openUpdater({
    launched: home.launched,
    dir: home.inbox,
    log: (line) => void lines.push(line),
    onReady: () => void ready++,
    async ask(path) {
      const [, given, from] = /^\/releases\/([0-9a-f]{64})\/(\d+)$/.exec(path) ?? []
      assert.equal(given, sha256)
      asked.push(Number(from))
      meddle(Number(from), asked.length)
      return { from: Number(from), total: bytes.length, bytes: bytes.subarray(Number(from), Number(from) + 65_536).toString('base64') }
    },
  })
  return { updater, asked, lines, ready: () => ready }
}
const package_ = (home: Home): Buffer => readFileSync(join(home.inbox, 'ready', 'package.tar.gz'))

test('a download goes on where its connection was cut, also after a restart of the relay', async () => {
  const home = makeHome()
  try {
    const offered = relayPackage(7, mb)
    const cut = (_: number, nth: number): void => {
      if (nth >= 5) throw new Error('the core is gone: read ECONNRESET')
    }
    const first = start(home, offered, cut)
    first.updater.offer(offered.release)
    await until('the cut', () => first.lines.some((line) => /ECONNRESET/.test(line)))
    assert.equal(first.updater.report().state, 'downloading')
    await first.updater.close()
    assert.deepEqual(first.asked, [0, 65_536, 131_072, 196_608, 262_144])

    const second = start(home, offered, (_, nth) => {
      if (nth === 4) throw new Error('the core is gone: read ECONNRESET')
    })
    second.updater.offer(offered.release)
    await until('the package', () => second.ready() === 1, 15_000)
    await second.updater.close()
    assert.equal(second.asked[0], 262_144)
    assert.deepEqual(
      [...second.asked],
      [...new Set(second.asked)].flatMap((from) => (from === 458_752 ? [from, from] : [from])),
    )
    assert.deepEqual(package_(home), offered.bytes)
    assert.equal(second.updater.report().state, 'ready')
  } finally {
    home.remove()
  }
})

test('a disk that fills up in the middle of a download is told of, and the rest comes once there is room', { skip: root }, async () => {
  const home = makeHome(48)
  try {
    const offered = relayPackage(7, 4 * mb)
    const filler = join(home.folder, 'filler')
    const { updater, lines, ready } = start(home, offered, (_, nth) => {
      if (nth !== 10) return
      try {
        writeFileSync(filler, Buffer.alloc(48 * mb))
      } catch {
        // As full as it gets; a little room is left within the next range, so that a part of it is written.
      }
      writeFileSync(filler, Buffer.alloc(0))
      const { bavail, bsize } = statfsSync(home.folder)
      writeFileSync(filler, Buffer.alloc((bavail - 3) * bsize))
    })
    updater.offer(offered.release)
    await until('the line', () => lines.some((line) => /there is no room for it in/.test(line)))
    assert.equal(ready(), 0)
    assert.equal(updater.report().state, 'downloading')
    rmSync(filler)
    await until(
      'the package',
      () => ready() === 1,
      15_000,
      () => lines.join('\n'),
    )
    await updater.close()
    assert.deepEqual(package_(home), offered.bytes)
    assert.ok(!lines.some((line) => /broken|not the one/.test(line)), lines.join('\n'))
  } finally {
    home.remove()
  }
})

test('what was put off is not fetched again, waits its time, and then goes on', async () => {
  const home = makeHome()
  try {
    const offered = relayPackage(7, mb)
    home.fetched(offered)
    const putOff = (at: number): void => writeFileSync(putOffFile(home.launched.home), JSON.stringify({ sequence: 7, times: 1, at, why: 'there was no room' }))
    putOff(Date.now())
    const first = start(home, offered)
    first.updater.offer(offered.release)
    await until('the line', () => first.lines.length > 0)
    assert.deepEqual({ ...first.updater.report() }, { state: 'downloading', sequence: 0, about: 7, detail: 'put off: there was no room' })
    await first.updater.close()
    assert.equal(first.ready(), 0)
    putOff(Date.now() - 61_000)
    const second = start(home, offered)
    second.updater.offer(offered.release)
    await until('the package', () => second.ready() === 1)
    await second.updater.close()
    assert.deepEqual([...first.asked, ...second.asked], [])
    assert.deepEqual(package_(home), offered.bytes)
  } finally {
    home.remove()
  }
})

test('a core that gives other bytes than were signed is believed three times, then refused', async () => {
  const home = makeHome()
  try {
    const offered = relayPackage(7, 20_000)
    const { updater, ready } = start(home, { ...offered, bytes: signed(Buffer.alloc(offered.bytes.length), 7, 1).bytes })
    updater.offer(offered.release)
    await until('the refusal', () => updater.report().state === 'refused', 20_000)
    assert.equal(updater.report().detail, 'the package from the core is not the one that its manifest names')
    assert.equal(ready(), 0)
    await updater.close()
  } finally {
    home.remove()
  }
})
