import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { uuidv7 } from '@shenlou/link/uuid'
import { testCore } from '../store/test-core.ts'
import { drawPlace, isNeighbour, type ProofPath, probersFor, type Reach, reachable, readPaths } from './proof-paths.ts'
import { readSensors } from './read.ts'

const path: ProofPath = { relay: 'hall', scope: 'group/park-1', path: '10.1.2.3', configVersion: 1, intervalMs: 85_000 }
const prober = (id: string, networks: string[], scope = 'group/park-1') => ({ id, scope, networks })
const untried = (): Reach => 'untried'

test('neighbours prove first, then who came through before, then one that was not tried, then the relay itself', () => {
  const all = [prober('hall', ['10.1.2.3/24']), prober('near', ['10.1.2.9/24']), prober('far', ['10.9.9.9/24']), prober('new', ['10.8.8.8/24'])]
  const reach = (id: string): Reach => (id === 'far' ? 'reached' : 'untried')
  assert.deepEqual(
    probersFor(path, '10.1.2.3', all, reach).map(({ prober, counts, inside }) => `${prober} ${counts} ${inside}`),
    ['near true false', 'far true false', 'new false false', 'hall true true'],
  )
  assert.deepEqual(
    probersFor(path, '10.1.2.3', [prober('hall', ['10.1.2.3/24']), prober('off', ['10.9.9.9/24'])], () => 'failed').map(({ prober }) => prober),
    ['hall'],
  )
})

test('another place and a loopback address are nobody else’s to touch, and an address behind capture counts only once it was reached', () => {
  const other = prober('other', ['10.1.2.9/24'], 'group/park-2')
  assert.deepEqual(probersFor(path, '10.1.2.3', [other], untried), [])
  assert.deepEqual(
    probersFor(path, '127.0.0.1', [prober('hall', ['127.0.0.1/8']), prober('near', ['127.0.0.1/8'])], untried).map(({ prober }) => prober),
    ['hall'],
  )
  assert.deepEqual(probersFor(path, '10.1.2.3', [prober('hall', ['192.0.2.1/24'])], untried), [{ prober: 'hall', inside: true, counts: false }])
})

test('networks are those of interfaces, whatever else is said', () => {
  assert.ok(isNeighbour('10.1.2.3', ['10.1.2.200/24']) && isNeighbour('fd00::9', ['fd00::2/64']))
  for (const wrong of [['0.0.0.0/0'], ['10.1.2.200/33'], ['x/24'], ['::/0'], []]) assert.equal(isNeighbour('10.1.2.3', wrong), false)
  assert.equal(reachable('0.0.0.0', ['127.0.0.1/8', '10.1.2.3/24']), '10.1.2.3')
})

test('a segment is a path while it answers, at its claimed addresses only; a hundred relays are read at once', async (t) => {
  const core = await testCore()
  after(() => core.close())
  const { sql } = core
  await sql`insert into template (name, title, text, version, applied_by, applied_at) values ('t', '{}', '', 1, '', now())`
  const health = {
    networks: ['10.1.2.3/24'],
    segments: [{ id: 'office', state: 'claiming', wanted: 2, claimed: 1, used: 0, refused: {}, giveUps10m: 0, detail: '' }],
  }
  const id = uuidv7()
  await sql`insert into sensor (id, name, role, scope, status, connected, health) values (${id}, 'hall', 'relay', 'group', 'confirmed', true, ${sql.json(health as never)})`
  await sql`insert into segment (id, template, relay, host, scope, name, config) values ('office', 't', 'hall', 'decoys', 'group', '{}', '{}')`
  for (const at of [21, 22]) {
    const address = `10.1.2.${at}`
    await sql`insert into decoy (id, template, persona, scope, host, organisation, services, secrets, segment, idle)
      values (${address}, 't', 'p', 'group', 'decoys', '{}', '[]', '', 'office', ${sql.json({ address })})`
    await sql`insert into placement (id, template, relay, host, decoy, service, address, port, transport) values (${address}, 't', 'hall', 'decoys', ${address}, 'ssh', ${address}, 22, 'tcp')`
    await sql`insert into segment_address (segment, address, state, at, event) values ('office', ${address}, ${at === 21 ? 'claimed' : 'refused'}, now(), ${uuidv7()})`
  }
  const [found] = await readPaths(core)
  assert.equal(found?.path, 'segment office')
  for (let n = 0; n < 10; n++) assert.deepEqual({ ...(await drawPlace(core, found as ProofPath)) }, { address: '10.1.2.21', port: 22 })
  await sql`update sensor set health = ${sql.json({ ...health, segments: [{ ...health.segments[0], state: 'watching', claimed: 0 }] } as never)}`
  assert.deepEqual(await readPaths(core), [], 'nothing to prove')

  await sql`insert into sensor (id, name, role, scope, status, connected, health) select gen_random_uuid(), 'r' || n, 'relay', 'group', 'confirmed', true, ${sql.json(health as never)}
    from generate_series(1, 100) as n`
  await sql`insert into placement (id, template, relay, host, decoy, service, address, port, transport)
    select 'p' || n, 't', 'r' || (n % 100 + 1), 'decoys', '10.1.2.21', 'ssh', '10.2.' || n / 250 || '.' || n % 250, 22, 'tcp' from generate_series(1, 4000) as n`
  await sql`insert into sensor_touches (sensor, hour, touches) select sensor.id, date_trunc('hour', now()) - n * interval '1 hour', n from sensor, generate_series(0, 23) as n`
  await sql`insert into proof_path (sensor, path, state, since) select id, 'segment office', 'proved', now() from sensor`
  await sql`analyze`
  const began = performance.now()
  const rows = await readSensors(sql, Date.now(), sql`true`)
  const one = performance.now()
  for (let n = 0; n < 20; n++) await readSensors(sql, Date.now(), sql`sensor.id = ${id}`)
  const last = one + (performance.now() - one) / 20
  t.diagnostic(`101 sensors read in ${(one - began).toFixed(1)} ms, one in ${(last - one).toFixed(1)} ms`)
  assert.equal(rows.length, 101)
  assert.ok(one - began < 1000 && last - one < 100)
})
