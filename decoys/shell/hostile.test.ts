/** What hostile command lines may cost: other work goes on, memory stays bounded, everything ends at an interrupt. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Interrupted, Leave } from './control.ts'
import { LineReader, PipeClosed, textInput } from './io.ts'
import { Shell } from './shell.ts'
import { testSeat } from './test-seat.ts'

/** Runs a line for at most `ms`, then interrupts it; gives what it printed and the most processor time (ms) in which nothing else could run. */
async function suffer(text: string, ms: number): Promise<{ out: string; longest: number; took: number; ended: boolean }> {
  const shell = new Shell(testSeat('centos-7').seat, { login: false })
  let out = ''
  let longest = 0
  const spent = (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  let last = spent()
  let going = true
  const tick = (): void => {
    const now = spent()
    longest = Math.max(longest, now - last)
    last = now
    if (going) setImmediate(tick)
  }
  setImmediate(tick)
  const began = performance.now()
  let ended = true
  const timer = setTimeout(() => {
    ended = false
    shell.hangUp()
  }, ms)
  const write = (piece: string): void => {
    if (out.length < 1_000_000) out += piece
  }
  try {
    await shell.execute(text, { input: new LineReader(textInput('')), out: write, err: write, toTerminal: false })
  } catch (error) {
    if (!(error instanceof Interrupted) && !(error instanceof PipeClosed) && !(error instanceof Leave)) throw error
  }
  clearTimeout(timer)
  going = false
  shell.hangUp()
  return { out, longest, took: performance.now() - began, ended }
}

/** Processor milliseconds that may pass before others get their turn; collecting garbage is among them. */
const bearable = 120

describe('hostile command lines', () => {
  for (const [name, text] of [
    ['an endless loop', 'while :; do :; done'],
    ['an endless loop of programs', 'while true; do ls -lR /etc >/dev/null; done'],
    ['an endless counted loop', 'for ((;;)); do x=$((x+1)); done'],
    ['a fork bomb', ':(){ :|:& };:'],
    ['an endless awk', "awk 'BEGIN{while(1){i++}}'"],
    ['endless noise', 'cat /dev/urandom > /dev/null'],
    ['endless noise through filters', 'cat /dev/zero | tr a b | tr b c > /dev/null'],
    ['yes', 'yes > /dev/null'],
    ['a growing string', 'x=a; while :; do x=$x$x; y=${x//a/b}; done'],
    ['a background loop', 'while :; do :; done & wait'],
    ['a substitution in a loop', 'while :; do x=$(echo $(echo a)); done'],
  ] as const)
    test(`${name} leaves others their turn and ends at a hang-up`, async () => {
      const { longest, took } = await suffer(text, 600)
      assert.ok(longest < bearable, `nothing else ran for ${longest.toFixed(0)} ms of work`)
      assert.ok(took < 4000, `it went on for ${took.toFixed(0)} ms`)
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

  for (const [name, text] of [
    ['parentheses', `${'('.repeat(50_000)}`],
    ['substitutions', `echo ${'$('.repeat(50_000)}`],
    ['braces', `echo ${'{a,'.repeat(20_000)}`],
    ['choices', `echo ${'{a,b}'.repeat(40)} | wc -w`],
    ['quotes', `echo ${'"$(echo '.repeat(20_000)}`],
    ['conditions', `[[ ${'( '.repeat(20_000)} ]]`],
    ['sums', `echo $((${'('.repeat(20_000)}1))`],
    ['groups of a pattern', `echo a | grep -E '${'('.repeat(20_000)}'`],
    ['repeats of a pattern', `yes aaaaaaaaaaaaaaaaaaaaaaaaaaaa | head -2000 | grep -cE '((a{1,30}){1,30}){1,30}b'`],
  ] as const)
    test(`deep ${name} end soon, without a fault of ours`, async () => {
      const { longest, ended } = await suffer(text, 6000)
      assert.ok(ended)
      assert.ok(longest < 1500, `nothing else ran for ${longest.toFixed(0)} ms of work`)
    })
})
