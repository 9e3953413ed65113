/** The long version: a hundred attackers for five minutes. Nothing is lost, the analyst follows, memory levels off. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { install } from './installation.ts'
import { applyLoad } from './load.ts'
import { shown, total } from './memory.ts'

/** What may be added between the second and the last third, in MiB: heaps breathe, a leak of 10 KiB an attack would add more. */
const addedMiB = 150

test('a hundred attackers for five minutes lose nothing, and memory levels off', async (t) => {
  const site = await install()
  try {
    await site.signIn()
    const count = await applyLoad(site, { attackers: 100, ms: 300_000, progress: (line) => t.diagnostic(`shown: ${line}`) })
    const third = Math.floor(count.memory.length / 3)
    // The least of each third: just after collections.
    const least = (from: number, to: number): number => Math.min(...count.memory.slice(from, to).map(total))
    const added = least(2 * third, count.memory.length) - least(third, 2 * third)
    t.diagnostic(
      `shown: ${count.answered} answered, ${count.refused} refused, ${count.missing.length} missing, ${count.twice.length} twice, ${count.gaps} gaps; followed p95 ${count.followedMs[Math.floor(count.followedMs.length * 0.95)]} ms, slowest ${count.followedMs.at(-1)} ms; ${added.toFixed(0)} MiB added in the last third; ${shown(count.memory.at(-1) as (typeof count.memory)[number])}`,
    )
    assert.deepEqual([count.missing, count.twice, count.gaps], [[], [], 0])
    assert.ok((count.followedMs.at(-1) ?? Number.POSITIVE_INFINITY) < 20_000)
    assert.ok(added < addedMiB, `${added.toFixed(0)} MiB added`)
  } finally {
    await site.remove()
  }
})
