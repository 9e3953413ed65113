/** Fuzz targets as tests. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { type FuzzCount, type FuzzTarget, fuzz } from './run.ts'

/** Another seed meets other inputs; a failure names its own. */
const seed = process.env.SHENLOU_FUZZ_SEED ?? 'shenlou'
/** Live memory that the second half of the inputs may leave, in MiB: lists of seen visitors and drawn pages grow a little, inputs must not stay. */
const leftMiB = 12

export function fuzzTests(
  targets: Readonly<Record<string, () => Promise<FuzzTarget>>>,
  bounds: { inputs: number; ms: number; least: number; progress?: boolean; residentGrowth?: number },
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
        t.diagnostic(shown(target.name, count))
        held(count, bounds.least)
        if (bounds.residentGrowth !== undefined) heldResident(count, bounds.residentGrowth)
      } finally {
        await target.close()
      }
    })
  }
}

/**
 * Each service in a process of its own, where a collection finds all that is young: in one that tests share, V8 gives that generation more room as it goes
 * on, which is resident whatever the service does.
 */
export function fuzzAlone(names: readonly string[], bounds: { inputs: number; ms: number; growth: number; residentGrowth: number }): void {
  for (const name of names) {
    test(`${name} takes mutated bytes and serves on, and holds no more after the second half of them than after the first`, async (t) => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--max-semi-space-size=2', join(import.meta.dirname, 'alone.ts'), name, seed, String(bounds.inputs), String(bounds.ms)],
        { timeout: bounds.ms * 4, env: { ...process.env, MALLOC_ARENA_MAX: '2' } },
      )
      const count = JSON.parse(stdout) as FuzzCount
      t.diagnostic(shown(name, count))
      held(count, bounds.inputs)
      assert.ok(count.liveGrowth <= bounds.growth, `live memory grew to ${count.liveGrowth.toFixed(3)} times that after the first half`)
      heldResident(count, bounds.residentGrowth)
    })
  }
}

const shown = (name: string, count: FuzzCount): string =>
  `shown: ${name}: ${count.inputs} inputs of seed ${seed}, ${count.served} legitimate peers between, slowest ${count.slowestMs.toFixed(0)} ms, ${count.leftMiB.toFixed(1)} MiB left, live × ${count.liveGrowth.toFixed(3)}, resident × ${count.residentGrowth.toFixed(3)}`

function held(count: FuzzCount, least: number): void {
  assert.ok(count.inputs >= least, `${count.inputs} inputs in ${count.ms} ms`)
  assert.ok(count.leftMiB < leftMiB, `${count.leftMiB.toFixed(1)} MiB left`)
}

const heldResident = (count: FuzzCount, most: number): void =>
  assert.ok(count.residentGrowth <= most, `resident memory grew to ${count.residentGrowth.toFixed(3)} times that after the first half`)
