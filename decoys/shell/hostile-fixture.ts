/** For tests: hostile command lines, and what they cost. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Interrupted, Leave } from './control.ts'
import { LineReader, PipeClosed, textInput } from './io.ts'
import { Shell } from './shell.ts'
import { testSeat } from './test-seat.ts'

/** Runs a line for at most `ms`, then interrupts it; gives what it printed and the most processor time (ms) in which nothing else could run. */
export async function suffer(text: string, ms: number): Promise<{ out: string; longest: number; took: number; ended: boolean }> {
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
export const bearable = 120

/** Lines that would go on for ever, or grow without end. */
export const endless: readonly (readonly [name: string, text: string])[] = [
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
]

/** Lines that are nested so deep that they can only be refused. */
export const deep: readonly (readonly [name: string, text: string])[] = [
  ['parentheses', `${'('.repeat(50_000)}`],
  ['substitutions', `echo ${'$('.repeat(50_000)}`],
  ['braces', `echo ${'{a,'.repeat(20_000)}`],
  ['choices', `echo ${'{a,b}'.repeat(40)} | wc -w`],
  ['quotes', `echo ${'"$(echo '.repeat(20_000)}`],
  ['conditions', `[[ ${'( '.repeat(20_000)} ]]`],
  ['sums', `echo $((${'('.repeat(20_000)}1))`],
  ['groups of a pattern', `echo a | grep -E '${'('.repeat(20_000)}'`],
  ['repeats of a pattern', `yes aaaaaaaaaaaaaaaaaaaaaaaaaaaa | head -2000 | grep -cE '((a{1,30}){1,30}){1,30}b'`],
]

/** MiB that live in this process after collecting what nobody holds: heap and what is outside it. */
export async function liveMiB(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // what a first collection lets go of is given back after a turn, and seen by the next
  for (let round = 0; round < 4; round++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1_048_576
}

/** The most MiB that the process took from the system while `work` ran, beyond what it had. */
export async function peakMiB(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().rss
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss)
  }, 10)
  await work()
  clearInterval(timer)
  return (Math.max(most, process.memoryUsage().rss) - before) / 1_048_576
}
