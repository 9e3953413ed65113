/** Fuzz targets as tests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FuzzTarget, fuzz } from './run.ts'

/** Another seed meets other inputs; a failure names its own. */
const seed = process.env.SHENLOU_FUZZ_SEED ?? 'shenlou'
/** Live memory that the second half of the inputs may leave, in MiB: lists of seen visitors and drawn pages grow a little, inputs must not stay. */
const leftMiB = 12

export function fuzzTests(
  targets: Readonly<Record<string, () => Promise<FuzzTarget>>>,
  bounds: { inputs: number; ms: number; least: number; progress?: boolean; growth?: number; residentGrowth?: number },
): void {
  for (const [name, open] of Object.entries(targets)) {
    test(`${name} takes mutated bytes and serves on`, async (t) => {
      const target = await open()
      try {
        const count = await fuzz(target, {
          seed,
          inputs: bounds.inputs,

          ms: bounds.ms,
          progress: (line) => bounds.progress && t.diagnostic(`shown: ${line}`),
        })
        t.diagnostic(
          `shown: ${target.name}: ${count.inputs} inputs of seed ${seed}, ${count.served} legitimate peers between, slowest ${count.slowestMs.toFixed(0)} ms, ${count.leftMiB.toFixed(1)} MiB left, live × ${count.liveGrowth.toFixed(3)}, resident × ${count.residentGrowth.toFixed(3)}`,
        )
        assert.ok(count.inputs >= bounds.least, `${count.inputs} inputs in ${count.ms} ms`)
        assert.ok(count.leftMiB < leftMiB, `${count.leftMiB.toFixed(1)} MiB left`)
        if (bounds.growth !== undefined)
          assert.ok(count.liveGrowth <= bounds.growth, `live memory grew to ${count.liveGrowth.toFixed(3)} times that after the first half`)
        if (bounds.residentGrowth !== undefined)
          assert.ok(count.residentGrowth <= bounds.residentGrowth, `resident memory grew to ${count.residentGrowth.toFixed(3)} times that after the first half`)
      } finally {
        await target.close()
      }
    })
  }
}
