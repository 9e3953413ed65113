/** The long version: fifty rounds. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { install } from './installation.ts'
import { countLoss } from './loss.ts'

test('fifty rounds of kill -9 lose nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-loss-'))
  const site = await install()
  try {
    await site.signIn()
    const count = await countLoss(site, folder, 50)
    t.diagnostic(`shown: ${JSON.stringify({ ...count, missing: count.missing.length, twice: count.twice.length })}`)
    assert.deepEqual([count.missing, count.twice, count.gaps], [[], [], 0])
  } finally {
    await site.remove()
    rmSync(folder, { recursive: true, force: true })
  }
})
