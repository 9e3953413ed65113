/** The long half of what hostile command lines may cost: every endless and every deep line, many at once, and memory over all of it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bearable, deep, endless, liveMiB, peakMiB, suffer } from './hostile-fixture.ts'
import { LineReader, textInput } from './io.ts'
import { Shell } from './shell.ts'
import { testSeat } from './test-seat.ts'

describe('hostile command lines, all of them', () => {
  for (const [name, text] of endless)
    test(`${name} leaves others their turn and ends at a hang-up`, async () => {
      const { longest, took } = await suffer(text, 2000)
      assert.ok(longest < bearable, `nothing else ran for ${longest.toFixed(0)} ms of work`)
      assert.ok(took < 6000, `it went on for ${took.toFixed(0)} ms`)
    })

  test('many endless loops together take a bounded share of a core', async () => {
    const shells = Array.from({ length: 6 }, () => new Shell(testSeat('centos-7').seat, { login: false }))
    const quiet = { input: new LineReader(textInput('')), out() {}, err() {}, toTerminal: false }
    const loops = shells.map((shell) => shell.execute('while :; do :; done', quiet).catch(() => 0))
    // what a line may do before it is slowed is spent first
    await new Promise((resolve) => setTimeout(resolve, 4500))
    const before = process.cpuUsage()
    const began = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const { user, system } = process.cpuUsage(before)
    const share = (user + system) / 1000 / (performance.now() - began)
    for (const shell of shells) shell.hangUp()
    await Promise.all(loops)
    assert.ok(share < 0.6, `they took ${(share * 100).toFixed(0)} % of a core`)
  })

  for (const [name, text] of deep)
    test(`deep ${name} end soon, without a fault of ours`, async () => {
      const { longest, ended } = await suffer(text, 6000)
      assert.ok(ended)
      assert.ok(longest < 1500, `nothing else ran for ${longest.toFixed(0)} ms of work`)
    })

  test('memory stays within bounds over all of them, thrice', async (t) => {
    const before = await liveMiB()
    let most = 0
    for (let round = 0; round < 3; round++) for (const [, text] of [...endless, ...deep]) most = Math.max(most, await peakMiB(() => suffer(text, 1000)))
    const left = (await liveMiB()) - before
    t.diagnostic(`at most ${most.toFixed(0)} MiB more at work, ${left.toFixed(1)} MiB left`)
    assert.ok(most < 400, `${most.toFixed(0)} MiB more at work`)
    assert.ok(left < 30, `${left.toFixed(1)} MiB left`)
  })
})
