/** Two dozen attackers at once for a few seconds; load.soak.ts is the long version, which also asks that memory levels off. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { install } from './installation.ts'
import { applyLoad } from './load.ts'
import { shown } from './memory.ts'

test('many attackers at once lose nothing, and the analyst keeps following one of them', async (t) => {
  const site = await install()
  try {
    await site.signIn()
    const count = await applyLoad(site, { attackers: 24, ms: 6000 })
    const slowest = count.followedMs.at(-1) ?? Number.POSITIVE_INFINITY
    t.diagnostic(
      `shown: ${count.answered} answered, ${count.refused} refused, ${count.missing.length} missing, ${count.twice.length} twice, ${count.gaps} gaps; followed ${count.followedMs.length} times, slowest ${slowest} ms; MiB at the end: ${shown(count.memory.at(-1) as (typeof count.memory)[number])}`,
    )
    assert.ok(count.answered > 50, `${count.answered} answered`)
    assert.deepEqual([count.missing, count.twice, count.gaps], [[], [], 0])
    assert.ok(slowest < 5000, `${slowest} ms from client to browser`)
  } finally {
    await site.remove()
  }
})
