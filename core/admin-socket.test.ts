/** The door for commands on the core's own machine. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { askCore, openAdminSocket } from './admin-socket.ts'
import type { Core } from './core.ts'

test('a command is checked by the schema of its route, and says which field is wrong', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'shenlou-admin-'))
  const taken: unknown[] = []
  const admin = await openAdminSocket({ dataDir, log: assert.fail } as unknown as Core, {
    createToken: async (_core, _actor, { body }: { body: unknown }) => {
      taken.push(body)
      return { done: true }
    },
    accounts: async () => ['free form'],
  })
  try {
    assert.deepEqual(await askCore(dataDir, 'createToken', { body: { name: 't', permissions: ['event.read'], scopes: ['group'], days: 90 } }), { done: true })
    assert.deepEqual(taken, [{ name: 't', permissions: ['event.read'], scopes: ['group'], days: 90 }])
    await assert.rejects(
      askCore(dataDir, 'createToken', { body: { name: 't', permissions: ['finding.read'], scopes: ['group'], days: 90 } }),
      /permissions\.0: .*event\.read/,
    )
    assert.equal(taken.length, 1)
    assert.deepEqual(await askCore(dataDir, 'accounts'), ['free form'])
    await assert.rejects(askCore(dataDir, 'nothing'), /there is no command 'nothing'/)
  } finally {
    await admin.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
