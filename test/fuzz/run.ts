/** Runs fuzz targets: every input by its seed and number, a time limit for each, a legitimate client between, and live memory at the end. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { mutate, type Random, random } from './mutate.ts'

export interface FuzzTarget {
  name: string
  /** Bytes that real peers sent. */
  corpus: readonly Buffer[]
  /** Gives it one input; resolves when it was taken or refused. Throwing is a fault. `pick` draws more of the same seed. */
  feed(input: Buffer, pick: Random): Promise<void> | void
  /** Throws when the next legitimate peer is not served. */
  serves(): Promise<void> | void
  /** Inputs under way at once. */
  concurrency: number
  close(): Promise<void> | void
}

export interface FuzzCount {
  inputs: number
  bytes: number
  served: number
  slowestMs: number
  /** Live memory (heap after collection, and buffers) that the second half of the inputs left, in MiB. */
  leftMiB: number
  /** Live memory after the second half, as a multiple of that after the first. */
  liveGrowth: number
  /** Resident memory of this process after the second half, as a multiple of that after the first. */
  residentGrowth: number
  ms: number
}

export interface FuzzBounds {
  seed: string
  inputs: number
  /** No more inputs are begun after this. */
  ms: number
  /** One input may take this long. */
  inputMs?: number
  /** Called about every ten seconds. */
  progress?(line: string): void
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Live bytes of this process, in MiB. */
export async function liveMiB(): Promise<number> {
  // Sockets that just closed hold their buffers until the loop has turned.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((done) => setTimeout(done, 30))
    collect()
  }
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1_048_576
}

/** Throws an Error that names seed, number and bytes of the input that did it. */
export async function fuzz(target: FuzzTarget, { seed, inputs, ms, inputMs = 10_000, progress = () => undefined }: FuzzBounds): Promise<FuzzCount> {
  const begun = Date.now()
  const count: FuzzCount = { inputs: 0, bytes: 0, served: 0, slowestMs: 0, leftMiB: 0, liveGrowth: 1, residentGrowth: 1, ms: 0 }
  let next = 0
  let told = begun

  const one = async (): Promise<void> => {
    const number = next++
    const pick = random(`${seed} ${target.name} ${number}`)
    const input = mutate(target.corpus, pick)
    const started = performance.now()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not taken within ${inputMs} ms`)), inputMs)
    })
    try {
      await Promise.race([Promise.resolve(target.feed(input, pick)), late])
    } catch (cause) {
      throw new Error(
        `${target.name}: input ${number} of seed ${seed} (${input.length} bytes, ${input.subarray(0, 120).toString('base64')}): ${(cause as Error).message}`,
        {
          cause,
        },
      )
    } finally {
      clearTimeout(timer)
    }
    count.inputs++
    count.bytes += input.length
    count.slowestMs = Math.max(count.slowestMs, performance.now() - started)
  }
  const part = async (until: number, deadline: number): Promise<void> => {
    while (next < until && Date.now() < deadline) {
      const round = Math.min(until, next + 100)
      await Promise.all(
        Array.from({ length: target.concurrency }, async () => {
          while (next < round && Date.now() < deadline) await one()
        }),
      )
      await target.serves()
      count.served++
      if (Date.now() - told < 10_000) continue
      told = Date.now()
      progress(`${target.name}: ${count.inputs} inputs, ${count.served} legitimate clients served, ${Math.round((told - begun) / 1000)} s`)
    }
  }
  await target.serves()
  await part(Math.ceil(inputs / 2), begun + ms / 2)
  const half = await liveMiB()
  const resident = process.memoryUsage.rss()
  await part(inputs, begun + ms)
  const end = await liveMiB()
  count.leftMiB = end - half
  count.liveGrowth = end / half
  count.residentGrowth = process.memoryUsage.rss() / resident
  count.ms = Date.now() - begun
  return count
}
