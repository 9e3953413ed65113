/** What relays say of segments, as people read it; letting go by hand. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { routes } from '@shenlou/contract/api'
import { addressStates } from '@shenlou/contract/coverage'
import { relayConfig } from '@shenlou/contract/sensor'
import { uuidv7 } from '@shenlou/link/uuid'
import { type Actor, systemActor } from '../actor.ts'
import { decoys } from '../decoys-view.ts'
import type { Consumer } from '../ingest/consumer.ts'
import { ingestBatch } from '../ingest/ingest.ts'
import { testCore } from '../store/test-core.ts'
import { startAddresses } from './address-projection.ts'
import { coverage } from './coverage.ts'
import { touchesAtRandom } from './coverage-model.ts'
import { desiredState } from './desired.ts'
import { releaseSegment } from './release.ts'
import { segmentAddresses, segmentMap } from './segment-addresses.ts'
import { applyTemplate } from './templates.ts'
import { enrolTestSensors } from './test-sensors.ts'

const core = await testCore()
let consumer: Consumer
let relay = ''
let other = ''
after(async () => {
  await consumer?.close()
  await core.close()
})

const text = `kind: scenario
version: 1
name: small
title: { zh: 小, en: Small }
scopes: [{ path: group/park, name: { zh: 园, en: Park } }]
plants: [{ id: paint, template: paint-line }]
segments:
  - id: seg
    name: { zh: 网段, en: Segment }
    relay: r
    interface: eth1
    vlan: 30
    network: 10.0.0.0/24
    gateway: 10.0.0.1
    dhcp: { pools: [10.0.0.240/28] }
    exclude: [{ range: 10.0.0.9, reason: cmdb, note: printer }]
    realHosts: 30
    count: 40
    mix:
      - persona: siemens-s7-1200
        share: 3
        plant: paint
        units: { oven: [OV1, OV2] }
        services: [{ service: s7comm, port: 102 }, { service: modbus, port: 502 }]
      - persona: weintek-oven-hmi
        share: 1
        plant: paint
        units: { oven: OV1 }
        services: [{ service: modbus, port: 502 }]
`
let seq = 1
const epoch = randomUUID()
const say = async (kind: string, body: object, sensor = relay, time = Date.now()): Promise<void> => {
  const events = [{ id: uuidv7(), time, seq: seq++, kind, body }]
  await ingestBatch(core, { sensor: { id: sensor, scope: 'group/park', role: 'relay' } as never, epoch: sensor === relay ? epoch : randomUUID(), events })
  await consumer.reached()
}
const rowsOf = async (query: Record<string, unknown>) =>
  await segmentAddresses(core, systemActor, { params: { id: 'seg' }, query: routes.segmentAddresses.query.parse(query) })
const only = async () => {
  const [item] = (await coverage(core, systemActor)).items
  assert.ok(item)
  return item
}

before(async () => {
  relay = (await enrolTestSensors(core, { relay: 'r', decoys: 'decoys' }, 'group/park')).relay
  other = (await enrolTestSensors(core, { relay: 'r2', decoys: 'decoys-2' }, 'group/park')).relay
  consumer = await startAddresses(core)
  await applyTemplate(core, systemActor, { body: { text } })
})

test('a segment whose relay is away says so, with what was planned', async () => {
  const item = await only()
  assert.deepEqual([item.state, item.hosts, item.claimed, item.touches.basis, item.touches.from], ['away', 40, null, 'planned', 'said'])
  assert.deepEqual([item.cells.planned, item.cells.pool, item.cells.excluded, item.cells.reserved, item.cells.claimed], [40, 15, 1, 3, 0])
  assert.ok(item.blind.some(({ kind }) => kind === 'away'))
  assert.ok(item.blind.some(({ kind, detail }) => kind === 'port' && detail === '445/tcp smb'))
  assert.ok(!item.blind.some(({ kind, detail }) => kind === 'port' && detail.startsWith('102/')))
})

test('claims, refusals, give-ups and what was seen show on the map, and their counts are the rows behind them', async () => {
  const planned = (await rowsOf({ state: 'planned', limit: 100 })).items
  assert.equal(planned.length, 40)
  const health = {
    segments: [{ id: 'seg', state: 'claiming', wanted: 40, claimed: 30, used: 12, refused: { 'owner-seen': 1, quota: 9 }, giveUps10m: 1, detail: '' }],
    problems: [],
  }
  await core.sql`update sensor set connected = true, health = ${core.sql.json(health as never)} where id = ${relay}`
  const [first, second, ...rest] = planned
  const free = (await rowsOf({ state: 'free', limit: 3 })).items.map(({ address }) => address)
  const hosts = rest.slice(0, 30).map(({ address, decoy }) => ({ address, mac: decoy?.mac ?? '', tcp: 'embedded' }))
  await say('address.claimed', { segment: 'seg', hosts: [...hosts, { address: first?.address, mac: first?.decoy?.mac, tcp: 'embedded' }], quietS: 3600 })
  await say('address.refused', { segment: 'seg', addresses: [second?.address], count: 1, reason: 'not-quiet' })
  await say('address.released', {
    segment: 'seg',
    addresses: [first?.address],
    count: 1,
    reason: 'owner-seen',
    by: '00:11:22:33:44:55',
    frame: 'arp',
    heldMs: 5,
  })
  await say('segment.surveyed', {
    segment: 'seg',
    would: { addresses: [rest[31]?.address], count: 1 },
    not: [],
    used: { addresses: [...free, '10.9.9.9'], count: 4 },
  })
  // Of a segment that is another relay's nothing is heard.
  await say('address.claimed', { segment: 'seg', hosts: [{ address: rest[35]?.address, mac: '00:1b:1b:00:00:01', tcp: 'linux' }], quietS: 1 }, other)

  const item = await only()
  assert.deepEqual([item.state, item.claimed, item.used], ['claiming', 30, 12])
  assert.equal(item.cells.claimed, 30)
  assert.equal(item.cells.refused, 1)
  assert.deepEqual(item.refused[0], { reason: 'quota', count: 9 })
  const map = await segmentMap(core, systemActor, { params: { id: 'seg' } })
  const cells = Buffer.from(map.cells, 'base64')
  assert.equal(cells.length, 256)
  for (const state of addressStates) {
    const { items, total } = await rowsOf({ state, limit: 500 })
    assert.equal(total, item.cells[state], state)
    assert.equal(items.length, item.cells[state], state)
    for (const { address } of items) assert.equal(map.states[cells[Number(address.split('.')[3])] as number], state)
  }
  const used = (await rowsOf({ state: 'used' })).items
  assert.ok(used.some(({ address, owner, reason }) => address === first?.address && owner === '00:11:22:33:44:55' && reason === 'owner-seen'))
  const shown = await rowsOf({ from: first?.address, limit: 1 })
  assert.equal(shown.items[0]?.address, first?.address)
  assert.equal((await rowsOf({ port: '102/tcp', limit: 500 })).total, 30)
  const paged = await rowsOf({ state: 'claimed', limit: 20 })
  assert.equal((await rowsOf({ state: 'claimed', limit: 20, cursor: paged.next })).items.length, 10)
})

test('a decoy is said to answer where its address is claimed, and not where it is only planned', async () => {
  await core.sql`update sensor set config_version = (select last_value from config_version) where id = ${relay}`
  const { items } = await decoys(core, systemActor)
  const claimed = new Set((await rowsOf({ state: 'claimed', limit: 500 })).items.map(({ address }) => address))
  const places = items.flatMap(({ placements }) => placements)
  assert.ok(places.length > 60)
  for (const { address, answering } of places) assert.equal(answering, claimed.has(address), address)
})

test('expected touches follow the larger of what is seen and what is known, and their simulation agrees', async () => {
  const { touches, blind } = await only()
  assert.deepEqual([touches.basis, touches.decoys, touches.real, touches.from, touches.ratio], ['claimed', 30, 30, 'said', 1])
  const random = touches.orders.find(({ order }) => order === 'random')
  assert.equal(random?.expected, touchesAtRandom(30, 30))
  for (const { expected, simulated } of touches.orders) assert.ok(Math.abs(expected - simulated) < 0.3 + expected * 0.3, `${expected} ${simulated}`)
  const modbus = touches.ports.find(({ port }) => port === 502)
  assert.deepEqual([modbus?.decoys, modbus?.expected], [30, touchesAtRandom(30, 30)])
  assert.deepEqual(
    blind.filter(({ kind }) => kind === 'not-seen').map(({ detail, count }) => `${detail} ${count}`),
    ['12/30 18'],
  )
  assert.ok(blind.some(({ kind, detail }) => kind === 'other-vlans' && detail === 'eth1: 30'))
})

test('a relay that starts again has claimed nothing yet', async () => {
  const claims = (await only()).cells.claimed
  assert.ok(claims > 0)
  await say('sensor.started', { version: '0', node: '24', host: 'x' }, relay, Date.now() + 5)
  assert.equal((await only()).cells.claimed, 0)
})

test('letting go is told to the relay at once, written down, taken back, and for those who may', async () => {
  const told: string[] = []
  const off = core.bus.on('config', ({ sensor }) => told.push(sensor))
  const stateOf = async () => relayConfig.parse(await desiredState(core, relay))
  const before = await stateOf()
  const input = (released: boolean) => ({ params: { id: 'seg' }, body: { released, reason: 'works on the switch' } })
  const person = (scopes: string[]): Actor => ({ kind: 'person', id: 'a', name: 'lin', permissions: new Set(['segment.release']), scopes })
  await assert.rejects(releaseSegment(core, person(['group/elsewhere']), input(true)), { status: 404 })
  await releaseSegment(core, person(['group']), input(true))
  const gone = await stateOf()
  assert.equal(gone.segments?.[0]?.released, true)
  assert.ok(gone.version > before.version)
  assert.deepEqual(told, [relay])
  await releaseSegment(core, person(['group']), input(true))
  assert.deepEqual(told, [relay], 'again changes nothing')
  assert.equal((await only()).released?.by, 'lin')
  assert.ok((await only()).blind.some(({ kind }) => kind === 'released'))
  // Applying a template does not take it back.
  await applyTemplate(core, systemActor, { body: { text: text.replace('count: 40', 'count: 41') } })
  assert.equal((await stateOf()).segments?.[0]?.released, true)
  await releaseSegment(core, person(['group']), input(false))
  assert.equal((await stateOf()).segments?.[0]?.released, false)
  off()
  const log = await core.sql<{ action: string; target: string }[]>`select action, target from audit_entry where action like 'segment.%' order by number`
  assert.deepEqual(
    log.map(({ action, target }) => `${action} ${target}`),
    ['segment.release seg', 'segment.resume seg'],
  )
})

test('whoever sees another park sees no segment of this one', async () => {
  const actor: Actor = { kind: 'person', id: 'b', name: 'b', permissions: new Set(['sensor.read']), scopes: ['group/elsewhere'] }
  assert.deepEqual((await coverage(core, actor)).items, [])
  await assert.rejects(segmentMap(core, actor, { params: { id: 'seg' } }), { status: 404 })
  await assert.rejects(segmentAddresses(core, actor, { params: { id: 'seg' }, query: { limit: 1 } as never }), { status: 404 })
})
