/** Nothing is lost, or it is known: five rounds of kill -9 under load. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { install } from './installation.ts'
import { countLoss } from './loss.ts'

test('what clients saw answered is in the database once, though every process was killed five times', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-loss-'))
  const site = await install()
  try {
    await site.signIn()
    const count = await countLoss(site, folder, 5)
    t.diagnostic(
      `shown: ${count.kills} kills, ${count.httpAnswered} requests and ${count.commandsAnswered} commands answered, ${count.missing.length} missing, ${count.twice.length} twice, ${count.gaps} gaps, ${count.events} events`,
    )
    assert.equal(count.kills, 25)
    assert.deepEqual(count.missing, [])
    assert.deepEqual(count.twice, [])
    assert.equal(count.gaps, 0)
  } finally {
    await site.remove()
    rmSync(folder, { recursive: true, force: true })
  }
})
