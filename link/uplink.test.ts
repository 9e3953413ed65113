import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { openBlobSpool } from './blobs.ts'
import { issueIdentity, openIdentity, saveIdentity } from './identity.ts'
import type { SensorIdentity } from './identity-types.ts'
import { openJournal } from './journal.ts'
import type { Journal } from './uplink-types.ts'
import { configOf, draft, lastFirst, scene, until, uplink } from './door-fixture.ts'

test('events go up in order, several batches in flight, and are forgotten when committed', async (test) => {
  const t = lastFirst(test)
  const { core, identity, dir } = await scene(t)
  const journal = await openJournal(join(dir, 'journal'))
  t.after(() => journal.close())
  core.slowMs = 20
  await Promise.all(Array.from({ length: 10_000 }, (_, i) => journal.append(draft(`event ${i}`))))
  const link = await uplink(t, await identity('sensor'), journal)
  assert.equal(await link.drain(10_000), true)
  const rows = core.committed.get(journal.epoch) as Map<number, { seq: number; body: { reason: string } }>
  assert.equal(rows.size, 10_000)
  for (let seq = 1; seq <= 10_000; seq++) assert.equal(rows.get(seq)?.body.reason, `event ${seq - 1}`)
  assert.ok(
    core.batches.some((size) => size > 500),
    'what waited was joined',
  )
  assert.equal(journal.stats().queueEvents, 0)
  const seq = await journal.append(draft('one more'))
  await until('a single event goes up at once', () => rows.has(seq), 2_000)
  await until('health was said', () => core.said.includes('health 0'), 7_000)
})

test('nothing is lost or doubled while the core fails, goes away and comes back', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const journal = await openJournal(join(s.dir, 'journal'), { segmentBytes: 50_000 })
  t.after(() => journal.close())
  const link = await uplink(t, await s.identity('sensor'), journal)
  let sent = 0
  const writing = (async () => {
    for (; sent < 3000; sent++) {
      await journal.append(draft(`event ${sent}`))
      if (sent % 100 === 0) await wait(5)
    }
  })()
  await until('some went up', () => sent > 500)
  s.core.failing = true
  await until('the channel was closed', () => !link.state.connected)
  s.core.failing = false
  await until('it came back', () => link.state.connected)
  const { port } = s.door
  await s.door.close()
  await writing
  const again = await s.open(port)
  t.after(() => again.close())
  assert.equal(await link.drain(10_000), true)
  assert.equal(s.core.committed.get(journal.epoch)?.size, 3000)
})

test('desired state is pulled at start, when told, and kept for a start without the core', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const identity = await s.identity('sensor')
  const journal = await openJournal(join(s.dir, 'journal'))
  t.after(() => journal.close())
  s.core.config = configOf(identity.sensor, 1)
  const link = await uplink(t, identity, journal)
  await until('the first came', () => link.configs.includes(1))
  s.core.config = configOf(identity.sensor, 2)
  s.door.notifyConfig(identity.sensor, 2)
  await until('the second came', () => link.configs.includes(2))
  await link.close()
  await s.door.close()
  const kept: Array<[number, boolean]> = []
  await uplink(t, identity, journal, { onConfig: (config, old) => void kept.push([config.version, old]) })
  await until('the kept one came', () => kept.length > 0)
  assert.deepEqual(kept, [[2, true]])
})

test('a certificate past a third of its life is renewed while the channel is up', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const short = await issueIdentity(s.authority, 'relay', undefined, 0.005)
  const identity = await saveIdentity(join(s.dir, 'short'), {
    sensor: short.sensor,
    role: 'relay',
    name: 'x',
    door: `127.0.0.1:${s.door.port}`,
    key: short.key,
    certificate: short.certificate,
    ca: short.ca,
  })
  const journal = await openJournal(join(s.dir, 'journal'))
  t.after(() => journal.close())
  await uplink(t, identity, journal)
  await until('it was renewed', () => identity.serial !== short.serial)
  assert.ok(identity.expires > Date.now() + 80 * 86_400_000)
  assert.notEqual(identity.key, short.key)
  assert.equal((await openIdentity(identity.dir))?.serial, identity.serial)
})

test('a second live connection of one sensor is refused as cloned; one whose line died is replaced', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const identity = await s.identity('sensor')
  const journal = await openJournal(join(s.dir, 'journal'))
  const copyDir = join(s.dir, 'copy')
  // Between sensor and door: a wire that can be cut without a word.
  const wires: Socket[] = []
  const middle = createServer((near) => {
    const far = connectTcp(s.door.port, '127.0.0.1')
    for (const each of [near, far]) each.on('error', () => undefined)
    near.pipe(far).pipe(near)
    wires.push(near, far)
  }).listen(0, '127.0.0.1')
  await once(middle, 'listening')
  t.after(async () => {
    for (const wire of wires) wire.destroy()
    middle.close()
    await journal.close()
  })
  const link = await uplink(t, { ...identity, door: `127.0.0.1:${(middle.address() as AddressInfo).port}` }, journal)
  await until('the first is up', () => link.state.connected)
  await cp(join(identity.dir, 'identity.json'), join(copyDir, 'identity.json'), { recursive: true })
  const copyJournal = await openJournal(join(s.dir, 'journal-copy'))
  t.after(() => copyJournal.close())
  const copy = await uplink(t, (await openIdentity(copyDir)) as SensorIdentity, copyJournal)
  await until('the copy is refused', () => copy.state.reason === 'refused cloned')
  assert.ok(s.core.said.includes('cloned 127.0.0.1 127.0.0.1'))
  assert.ok(link.state.connected)
  for (const wire of wires) {
    wire.unpipe()
    wire.pause()
  }
  await until('the copy takes the place of the dead line', () => copy.state.connected, 15_000)
})

test('a revoked sensor is told and out within two seconds, stays out, and the others hear its serial', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const journals = await Promise.all([openJournal(join(s.dir, 'a')), openJournal(join(s.dir, 'b'))])
  t.after(() => Promise.all(journals.map((each) => each.close())))
  const [bad, good] = [await s.identity('bad'), await s.identity('good', 'decoys')]
  const out = await uplink(t, bad, journals[0] as Journal)
  const stays = await uplink(t, good, journals[1] as Journal)
  await until('both are up', () => out.state.connected && stays.state.connected)
  const began = performance.now()
  s.door.revoke([bad.serial])
  await until('it is out', () => out.state.reason === 'refused revoked', 2_000)
  await until('the other knows', () => stays.revoked.includes(bad.serial), 2_000)
  assert.ok(performance.now() - began < 2_000)
  assert.deepEqual(s.door.connected(), [good.sensor])
  await (journals[0] as Journal).append(draft('late'))
  await until('it tried again', () => out.states.filter((state) => state.reason === 'refused revoked').length > 0)
  await wait(500)
  assert.equal(s.core.committed.size, 0)
})

test('captured files go up in ranges by hash and are forgotten when the core has them', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const journal = await openJournal(join(s.dir, 'journal'))
  const spool = await openBlobSpool(join(s.dir, 'spool'))
  t.after(() => journal.close())
  const before = randomBytes(5_000_000)
  const half = before.subarray(0, 3_000_000)
  const ref = await spool.put(before)
  s.core.blobs.set(ref.sha256, Buffer.from(half))
  await uplink(t, await s.identity('sensor'), journal, { spool })
  await until('the first is there', () => s.core.blobs.get(ref.sha256)?.length === 5_000_000)
  const later = await spool.put([randomBytes(100_000)].values() as unknown as AsyncIterable<Uint8Array>)
  await until('both are forgotten here', () => spool.stats().files === 0)
  assert.equal(
    createHash('sha256')
      .update(s.core.blobs.get(ref.sha256) as Buffer)
      .digest('hex'),
    ref.sha256,
  )
  assert.equal(s.core.blobs.get(later.sha256)?.length, 100_000)
})
