/** Delay as the core decides it: by hand and by rule, never of known scanners, told to decoy hosts, ended at once, summed up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredEvent } from '@shenlou/contract/event'
import { sentDecoysConfig } from '@shenlou/contract/sensor'
import { uuidv7 } from '@shenlou/link/uuid'
import { type Actor, systemActor } from '../actor.ts'
import { desiredState } from '../operate/desired.ts'
import { enrolTestSensors } from '../operate/test-sensors.ts'
import { type TestCore, testCore } from '../store/test-core.ts'
import { delayByRule, delayOff, endDelay, runningDelays, saveDelaySettings, startDelay } from './delays.ts'
import { delays, project } from './holds.ts'

const person = (scopes: string[]): Actor => ({ kind: 'person', id: 'a', name: 'lin', permissions: new Set(['delay.manage', 'session.read']), scopes })

async function begin(): Promise<{ core: TestCore; host: string; session: string; clock: { now: number } }> {
  const clock = { now: Date.now() }
  const core = await testCore(() => clock.now)
  const { decoys } = await enrolTestSensors(core, { relay: 'r', decoys: 'decoys' })
  const session = uuidv7()
  await core.sql`insert into session (id, sensor, epoch, scope, decoy, service, source, destination, started_at, last_at)
    values (${session}, ${decoys}, ${uuidv7()}, 'group/park-1', 'd', 'ssh', '203.0.113.7', '192.0.2.1', now(), now())`
  return { core, host: decoys, session, clock }
}

test('a person delays the source of a session until a time: hosts are told, it is audited, and it ends at once', async () => {
  const { core, host, session, clock } = await begin()
  try {
    const told: string[] = []
    core.bus.on('config', ({ sensor }) => told.push(sensor))
    const body = { session, kinds: ['ssh' as const, 'http' as const], minutes: 30, reason: 'while the site looks' }
    await assert.rejects(startDelay(core, person(['group/park-2']), { body }), /no such session/)
    const { items, known } = await startDelay(core, person(['group']), { body })
    assert.deepEqual([items.length, known], [1, []])
    assert.deepEqual(told, [host])
    const { delays: sent } = sentDecoysConfig.parse(await desiredState(core, host))
    assert.deepEqual(
      sent?.map(({ source, scope, kinds, until }) => [source, scope, kinds.toSorted(), Math.round((until - clock.now) / 60_000)]),
      [['203.0.113.7', 'group/park-1', ['http', 'ssh'], 30]],
    )
    // Once more is the same delay, longer.
    assert.deepEqual((await startDelay(core, person(['group']), { body: { ...body, minutes: 60, kinds: ['window'] } })).items, items)
    assert.equal((await runningDelays(core))[0]?.kinds.length, 3)
    await assert.rejects(endDelay(core, person(['group/park-2']), { params: { id: items[0] as string }, body: { reason: 'x' } }), /no such delay/)
    await endDelay(core, person(['group']), { params: { id: items[0] as string }, body: { reason: 'seen enough' } })
    assert.deepEqual(await runningDelays(core), [])
    const audit = await core.sql<{ action: string }[]>`select action from audit_entry where action like 'delay.%' order by number`
    assert.deepEqual(
      audit.map(({ action }) => action),
      ['delay.start', 'delay.extend', 'delay.end'],
    )
  } finally {
    await core.close()
  }
})

test('a delay ends by its time, and a known scanner is never delayed, also when it is listed later', async () => {
  const { core, session, clock } = await begin()
  try {
    const body = { session, kinds: ['ssh' as const], minutes: 10, reason: 'x' }
    await startDelay(core, systemActor, { body })
    assert.equal((await runningDelays(core)).length, 1)
    await core.sql`insert into known_scanner (id, template, network, scope, owner, reason, expires, ports)
      values (${uuidv7()}, 't', '203.0.113.0/24', 'group', 'audit team', 'x', current_date + 30, '{}')`
    assert.deepEqual(await runningDelays(core), [])
    assert.deepEqual(await startDelay(core, systemActor, { body }), { items: [], known: ['203.0.113.7'] })
    await core.sql`delete from known_scanner`
    assert.equal((await runningDelays(core)).length, 1)
    clock.now += 11 * 60_000
    assert.deepEqual(await runningDelays(core), [])
  } finally {
    await core.close()
  }
})

test('rules delay only where they are on, by severity or by the size of a scan, and not what a person has ended', async () => {
  const { core, session } = await begin()
  try {
    const trigger = (source: string, severe: boolean, scanned: number) => ({ source, scope: 'group/park-1', rule: 'severity', reason: 'r', severe, scanned })
    const all = [trigger('10.0.0.1', true, 0), trigger('10.0.0.2', false, 50), trigger('10.0.0.3', false, 49)]
    const run = (settings: Partial<typeof delayOff>, triggers = all) =>
      core.sql.begin(async (tx) => {
        await delayByRule(core, tx, triggers, { ...delayOff, ...settings }, core.clock())
      })
    const sources = async () => (await runningDelays(core)).map(({ source }) => source).sort()
    await run({ on: false, scan: 10 })
    assert.deepEqual(await sources(), [])
    await run({ on: true, scan: 50 })
    assert.deepEqual(await sources(), ['10.0.0.1', '10.0.0.2'])
    const [one] = await runningDelays(core)
    await endDelay(core, systemActor, { params: { id: one?.id as string }, body: { reason: 'ours' } })
    await run({ on: true, scan: 50 })
    assert.deepEqual(await sources(), ['10.0.0.2'])
    await core.sql`insert into scope (path, name) values ('elsewhere', '{}') on conflict do nothing`
    await assert.rejects(saveDelaySettings(core, person(['group']), { body: { ...delayOff, on: true } }), /every place/)
    await saveDelaySettings(core, systemActor, { body: { ...delayOff, on: true } })
    assert.ok(session)
  } finally {
    await core.close()
  }
})

test('time taken and cost are summed by session, source and in all, as far as one may see', async () => {
  const { core, session, clock } = await begin()
  try {
    const { items } = await startDelay(core, systemActor, { body: { session, kinds: ['ssh'], minutes: 10, reason: 'x' } })
    const event = (kind: string, body: object, more: object): StoredEvent =>
      ({ kind, body, id: uuidv7(), time: clock.now, scope: 'group/park-1', source: { ip: '203.0.113.7' }, ...more }) as unknown as StoredEvent
    const [one, two] = [uuidv7(), uuidv7()]
    const began = { delay: items[0], kind: 'ssh' }
    await core.sql.begin((tx) =>
      project(tx, [
        event('delay.began', began, { connection: one }),
        event('delay.ended', { ...began, heldMs: 61_000, bytesOut: 900, cpuMs: 1.5, reason: 'left' }, { connection: one, session }),
        event('delay.began', began, { connection: two }),
      ]),
    )
    clock.now += 5000
    const all = await delays(core, person(['group']), { query: {} })
    assert.deepEqual([all.sum.connections, all.sum.now, Math.round(all.sum.heldMs), all.sum.bytesOut, all.sum.cpuMs], [2, 1, 66_000, 900, 1.5])
    assert.equal(all.items[0]?.sum.connections, 2)
    assert.equal((await delays(core, person(['group']), { query: { session } })).sum.heldMs, 61_000)
    assert.equal((await delays(core, person(['group']), { query: { source: '203.0.113.7' } })).sum.connections, 2)
    assert.equal((await delays(core, person(['group/park-2']), { query: {} })).sum.connections, 0)
    // A session that one may not see does not tell which of one's own sources it was.
    await core.sql`insert into delay (id, scope, source, kinds, until, reason, by, at) values (${uuidv7()}, 'group/park-2', '203.0.113.7', '{ssh}', now(), 'x', 'x', now())`
    assert.equal((await delays(core, person(['group/park-2']), { query: { source: '203.0.113.7' } })).items.length, 1)
    assert.equal((await delays(core, person(['group/park-2']), { query: { session } })).items.length, 0)
    // An end that was never said does not count for ever.
    clock.now += 3_600_000
    assert.equal((await delays(core, person(['group']), { query: {} })).sum.now, 0)
  } finally {
    await core.close()
  }
})
