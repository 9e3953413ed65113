/** What hostile command lines may cost: other work goes on, memory stays bounded, everything ends at an interrupt. The long half is hostile.soak.ts. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bearable, deep, endless, liveMiB, peakMiB, suffer } from './hostile-fixture.ts'

/** One of each kind: what computes, what starts programs, what grows, what runs beside. */
const few = new Set(['an endless loop', 'a fork bomb', 'an endless awk', 'endless noise through filters', 'a growing string'])
const shallow = new Set(['substitutions', 'choices', 'sums', 'groups of a pattern'])

describe('hostile command lines', () => {
  for (const [name, text] of endless.filter(([one]) => few.has(one)))
    test(`${name} leaves others their turn and ends at a hang-up`, async () => {
      const { longest, took } = await suffer(text, 500)
      assert.ok(longest < bearable, `nothing else ran for ${longest.toFixed(0)} ms of work`)
      assert.ok(took < 4000, `it went on for ${took.toFixed(0)} ms`)
    })

  for (const [name, text, expected] of [
    ['a writer ends with its reader', 'yes | head -2; echo after', 'y\ny\nafter\n'],
    ['a loop ends with its reader', 'while :; do echo a; done | head -1; echo after', 'a\nafter\n'],
    ['noise is as long as it is asked for', 'head -c 100 /dev/urandom | wc -c; cat /dev/urandom | head -c 50 | wc -c', '100\n50\n'],
    ['a sleep of days ends by timeout', 'timeout 0.2 sleep 99999; echo $?', '124\n'],
  ] as const)
    test(name, async () => {
      const { out, ended } = await suffer(text, 5000)
      assert.ok(ended)
      assert.equal(out, expected)
    })

  test('a line of a megabyte is taken', async () => {
    const { out, ended } = await suffer(`echo ${'a'.repeat(1_000_000)} | wc -c`, 8000)
    assert.ok(ended)
    assert.equal(out, '1000001\n')
  })

  for (const [name, text] of deep.filter(([one]) => shallow.has(one)))
    test(`deep ${name} end soon, without a fault of ours`, async () => {
      const { longest, ended } = await suffer(text, 6000)
      assert.ok(ended)
      assert.ok(longest < 1500, `nothing else ran for ${longest.toFixed(0)} ms of work`)
    })

  test('a fork bomb is over when its login is', async () => {
    await suffer(':(){ :|:& };:', 300)
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const began = performance.now()
    while (timers() > 3 && performance.now() - began < 3000) await new Promise((resolve) => setTimeout(resolve, 20))
    assert.ok(timers() <= 3, `${timers()} timers are still waited for`)
  })

  test('what grows stays within bounds, and nothing of it is left', async (t) => {
    const work = ['x=a; while :; do x=$x$x; done', 'a=(); while :; do a+=(xxxxxxxxxxxxxxxx); done', 'while :; do cat /dev/zero >> /tmp/grow; done']
    for (const text of work) await suffer(text, 100) // what is made once is not counted
    const before = await liveMiB()
    let most = 0
    for (const text of work) most = Math.max(most, await peakMiB(() => suffer(text, 500)))
    const left = (await liveMiB()) - before
    t.diagnostic(`at most ${most.toFixed(0)} MiB more at work, ${left.toFixed(1)} MiB left`)
    assert.ok(most < 160, `${most.toFixed(0)} MiB more at work`)
    assert.ok(left < 12, `${left.toFixed(1)} MiB left`)
  })
})
