/** Labels of proof touches: exactly one connection each, whatever else comes beside it, before it or after it. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import type { SensorEvent } from '@shenlou/contract/event'
import { uuidv7 } from '@shenlou/link/uuid'
import { systemActor } from '../actor.ts'
import { createCore } from '../core.ts'
import { findings } from '../detect/findings.ts'
import { startDetection } from '../detect/main.ts'
import { events } from '../events.ts'
import { sessions } from '../sessions.ts'
import { startSessions } from '../sessions-projection.ts'
import { openDatabase } from '../store/database.ts'
import { testCore } from '../store/test-core.ts'
import { testDatabase } from '../store/test-database.ts'
import { ingestBatch } from './ingest.ts'
import { type Announced, marksOf } from './proofs.ts'
import { writerOf } from './writer.ts'

const core = await testCore()
const scope = 'group/park'
const relay = uuidv7()
const decoys = uuidv7()
const prober = uuidv7()
let detection: Awaited<ReturnType<typeof startDetection>>
let folding: Awaited<ReturnType<typeof startSessions>>
before(async () => {
  for (const [id, name, role] of [
    [relay, 'hall', 'relay'],
    [prober, 'gatehouse', 'relay'],
    [decoys, 'host', 'decoys'],
  ] as const)
    await core.sql`insert into sensor (id, name, role, scope, status) values (${id}, ${name}, ${role}, ${scope}, 'confirmed')`
  detection = await startDetection(core)
  folding = await startSessions(core)
})
after(async () => {
  await folding()
  await detection.close()
  await core.close()
})

let drawn = 20_000
const announcement = (more: Partial<Announced> = {}): Announced => ({
  ...{ id: uuidv7(), relay, path: '10.1.2.3', prober, source: '10.1.2.9', sourcePort: drawn++, target: '10.1.2.3', targetPort: 22 },
  ...{ from: Date.now(), until: Date.now() + 9_000, ...more },
})
const touchOf = (what: Announced, more: Partial<SensorEvent> = {}): Omit<SensorEvent, 'seq'> => ({
  ...{ id: uuidv7(), time: Date.now(), connection: uuidv7(), decoy: 'erp', service: 'ssh', kind: 'connection.opened', body: { transport: 'tcp' } },
  source: { ip: what.source, port: what.sourcePort },
  destination: { ip: what.target, port: what.targetPort },
  via: { relay: what.relay, address: what.target, port: what.targetPort },
  ...more,
})
const epochs = { [relay]: randomUUID(), [decoys]: randomUUID() }
const next = { [relay]: 1, [decoys]: 1 }
async function say(sensor: string, ...drafts: Omit<SensorEvent, 'seq'>[]): Promise<void> {
  const first = next[sensor] as number
  next[sensor] = first + drafts.length
  const role = sensor === relay ? 'relay' : 'decoys'
  const { rejected } = await ingestBatch(core, {
    ...{ sensor: { id: sensor, scope, role }, epoch: epochs[sensor] as string, first },
    events: drafts.map((draft, at) => ({ ...draft, seq: first + at })),
  })
  assert.equal(rejected, 0)
}
const labelOf = async (id: string): Promise<string | null> =>
  (await core.sql<{ proof: string | null }[]>`select proof from event where id = ${id}`)[0]?.proof ?? null
const announce = async (what: Announced): Promise<Announced> => {
  await (await marksOf(core)).announce(what)
  return what
}

test('the announced connection is labelled with all that a silent client causes, whichever sensor speaks first', async () => {
  const what = await announce(announcement())
  const connection = uuidv7()
  const session = uuidv7()
  const opened = touchOf(what, { connection, session, kind: 'session.opened', body: { adversary: 'a', protocol: 'ssh' } as never })
  await say(decoys, opened, touchOf(what, { connection, session, kind: 'session.closed', body: { reason: 'client', durationMs: 1 } as never }))
  const taken = touchOf(what, { connection })
  const closed = touchOf(what, { connection, kind: 'connection.closed', body: { by: 'client', how: 'end', bytesIn: 0, bytesOut: 20, durationMs: 9 } })
  await say(relay, taken, closed)
  for (const { id } of [opened, taken, closed]) assert.equal(await labelOf(id), what.id)
  const [row] = await core.sql<{ connection: string; seen: boolean }[]>`select connection, seen_at is not null as seen from proof where id = ${what.id}`
  assert.deepEqual({ ...row }, { connection, seen: true })
  await folding.reached()
  const listed = async (proof?: 'only') => (await sessions(core, systemActor, { query: { limit: 50, proof } })).items.filter(({ id }) => id === session).length
  assert.deepEqual([await listed(), await listed('only')], [0, 1])
  const shown = async (query: object) =>
    (await events(core, systemActor, { query: { limit: 50, ...query } as never })).events.filter((each) => each.connection === connection).length
  assert.deepEqual([await shown({}), await shown({ proof: 'only' }), await shown({ session }), await shown({ connection })], [0, 4, 2, 4])
})

test('another port, another address, a second connection, another relay and another time are ordinary touches', async () => {
  const what = await announce(announcement())
  const beside = [
    touchOf(what, { source: { ip: what.source, port: what.sourcePort + 1 } }),
    touchOf(what, { source: { ip: '10.1.2.10', port: what.sourcePort } }),
    touchOf(what, { destination: { ip: what.target, port: 80 } }),
    touchOf(what, { via: { relay: prober, address: what.target, port: what.targetPort } }),
    touchOf(what, { time: what.until + 60_000 }),
    touchOf(what, { time: what.from - 60_000 }),
  ]
  const own = touchOf(what)
  const second = touchOf(what)
  await say(relay, ...beside, own, second)
  assert.equal(await labelOf(own.id), what.id)
  for (const { id } of [...beside, second]) assert.equal(await labelOf(id), null)
})

test('what is said on a labelled connection is never hidden', async () => {
  const what = await announce(announcement())
  const connection = uuidv7()
  const session = uuidv7()
  await say(relay, touchOf(what, { connection }))
  const login = touchOf(what, {
    connection,
    session,
    kind: 'login.attempted',
    body: { user: 'root', method: 'password', password: 'x', outcome: 'accepted' } as never,
  })
  await say(decoys, touchOf(what, { connection, session, kind: 'session.opened', body: { adversary: 'b', protocol: 'ssh' } as never }), login)
  const closed = touchOf(what, { connection, kind: 'connection.closed', body: { by: 'client', how: 'end', bytesIn: 900, bytesOut: 20, durationMs: 9 } })
  await say(relay, closed)
  assert.deepEqual([await labelOf(login.id), await labelOf(closed.id)], [null, null])
  await folding.reached()
  await detection.reached()
  assert.equal((await sessions(core, systemActor, { query: { limit: 50 } })).items.filter(({ id }) => id === session).length, 1)
  assert.ok((await findings(core, systemActor, { query: { limit: 100 } })).items.some((each) => each.session === session))
})

test('a clock that is ahead is no reason to miss a proof', async () => {
  const marks = await marksOf(core)
  const what = await announce(announcement())
  marks.clock(relay, 120_000)
  const own = touchOf(what, { time: Date.now() + 120_000 })
  await say(relay, own)
  marks.clock(relay, 0)
  assert.equal(await labelOf(own.id), what.id)
})

test('a scan report that counts only touches of our own is labelled; one connection more and it is a scan', async () => {
  const source = '10.1.2.77'
  const targets = ['10.1.2.31', '10.1.2.32', '10.1.2.33']
  for (const target of targets) {
    const what = await announce(announcement({ source, target }))
    await say(relay, touchOf(what))
  }
  const scan = (connections: number, addresses = targets, more = {}): Omit<SensorEvent, 'seq'> => ({
    ...{ id: uuidv7(), time: Date.now(), kind: 'scan.detected', source: { ip: source } },
    body: { type: 'address', addresses, ports: [22], connections, silent: 3, windowMs: 2000, ...more },
  })
  const [ours, more, other, probed] = [scan(3), scan(4), scan(3, [...targets.slice(1), '10.1.2.99']), scan(3, targets, { probes: 1 })] as const
  await say(relay, ours)
  await detection.reached()
  const found = async () => (await findings(core, systemActor, { query: { limit: 100 } })).items.filter((each) => each.source === source).length
  assert.equal(await found(), 0)
  await say(relay, more, other, probed)
  assert.deepEqual([(await labelOf(ours.id)) === null, await labelOf(more.id), await labelOf(other.id), await labelOf(probed.id)], [false, null, null, null])
  await detection.reached()
  assert.equal(await found(), 1)
})

test('touches are counted by the hour without our own', async () => {
  const count = async () => Number((await core.sql`select coalesce(sum(touches), 0) as n from sensor_touches where sensor = ${relay}`)[0]?.n)
  await detection.reached()
  const before = await count()
  const what = await announce(announcement())
  await say(relay, touchOf(what), touchOf(what))
  await detection.reached()
  assert.equal((await count()) - before, 1)
})

test('a core killed between announcement and event labels it after its restart, once', { timeout: 60_000 }, async () => {
  const database = await testDatabase()
  const dataDir = await mkdtemp(path.join(tmpdir(), 'shenlou-proof-'))
  const stop = new AbortController()
  try {
    for (const id of [relay, prober])
      await database.sql`insert into sensor (id, name, role, scope, status) values (${id}, ${id}, 'relay', ${scope}, 'confirmed')`
    await database.sql`create table copied (id uuid, sensor uuid, seq bigint, position bigint)`
    const child = fork(path.join(import.meta.dirname, 'killed-core.ts'), [database.url, dataDir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    await once(child, 'message')
    const what = announcement()
    child.send({ announce: what })
    assert.deepEqual((await once(child, 'message'))[0], { announced: what.id })
    child.kill('SIGKILL')
    await once(child, 'exit')
    // The relay kept it meanwhile, and with it the touch of somebody else.
    const own = touchOf(what)
    const other = touchOf(what, { source: { ip: what.source, port: 1 } })
    const opened = await openDatabase({ url: database.url }, stop.signal, () => {})
    const second = await createCore({ sql: opened.sql, dataDir, signal: stop.signal })
    const epoch = randomUUID()
    const batch = (seq: number, event: Omit<SensorEvent, 'seq'>) => ({
      sensor: { id: relay, scope, role: 'relay' as const },
      epoch,
      first: seq,
      events: [{ ...event, seq }],
    })
    await ingestBatch(second, batch(1, other))
    await ingestBatch(second, batch(2, own))
    await ingestBatch(second, batch(2, own))
    await ingestBatch(second, batch(3, touchOf(what)))
    const rows = await database.sql<{ id: string; proof: string | null }[]>`select id, proof from event order by seq`
    assert.deepEqual(
      rows.map(({ proof }) => proof),
      [null, what.id, null],
    )
    await (await writerOf(second)).close()
    await opened.close()
  } finally {
    stop.abort()
    await database.close()
    await rm(dataDir, { recursive: true, force: true })
  }
})
