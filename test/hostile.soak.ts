/** The long version of random bytes: heaps fill with garbage for some ten thousand connections, then nothing more is added. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sshRun } from './clients.ts'
import { install } from './installation.ts'
import { memoryMiB, shown, total } from './memory.ts'
import { connectRandomly } from './random-bytes.ts'

/** Six KiB a connection would already exceed it. */
const addedMiB = 60

test('40,000 random connections: the last 10,000 add nothing', async (t) => {
  const site = await install({ prefix: ['prlimit', '--nofile=1024:1024'] })
  try {
    const samples: ReturnType<typeof memoryMiB>[] = []
    for (let thousand = 1; thousand <= 40; thousand++) {
      await connectRandomly(site, 1000)
      samples.push(memoryMiB(site.process.pid as number))
      if (thousand % 5 === 0) t.diagnostic(`shown: after ${thousand},000 connections: ${shown(samples.at(-1) as (typeof samples)[number])}`)
    }
    assert.equal(await sshRun(site.ports.ssh, await site.password('portal'), 'echo served'), 'served\n')
    // PostgreSQL's shared buffers fill up to their own size and are left out.
    const least = (from: number, to: number): number => Math.min(...samples.slice(from, to).map((sums) => total({ ...sums, postgres: 0 })))
    const added = least(35, 40) - least(25, 30)
    t.diagnostic(`shown: ${added.toFixed(0)} MiB added by the last 10,000`)
    assert.ok(added < addedMiB, `${added.toFixed(0)} MiB added`)
  } finally {
    await site.remove()
  }
})
