import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { SensorEvent } from '@shenlou/contract/event'
import { findingSummary, incidentSummary, ticketSummary } from '@shenlou/contract/records'
import { uuidv7 } from '@shenlou/link/uuid'
import { type Actor, systemActor } from '../actor.ts'
import { incident, incidents, mergeIncidents, splitIncident } from '../correlate/incidents.ts'
import { ingestBatch } from '../ingest/ingest.ts'
import { knownScanners, replaceKnownScanners } from '../known-scanners.ts'
import { notices } from '../notices.ts'
import { testCore } from '../store/test-core.ts'
import { stepTicket, ticket, tickets } from '../tickets/tickets.ts'
import { findings } from './findings.ts'
import { startDetection } from './main.ts'
import { fingerprintBase } from './store.ts'

const sensor = { id: uuidv7(), scope: 'group/machinery/park-1' }
let now = Date.now()
const core = await testCore(() => now)
let consumer = await startDetection(core)
after(async () => {
  await consumer.close()
  await core.close()
  assert.deepEqual(core.lines, [])
})

const epochs = new Map<string, { epoch: string; seq: number }>()
/** Commits events of one sensor and waits until detection has seen them. */
async function say(drafts: Partial<SensorEvent>[], from = sensor): Promise<void> {
  const mine = epochs.get(from.id) ?? { epoch: uuidv7(), seq: 1 }
  epochs.set(from.id, mine)
  for (let at = 0; at < drafts.length; at += 2000) {
    const events = drafts
      .slice(at, at + 2000)
      .map((draft, index) => ({ id: uuidv7(draft.time ?? now), time: now, decoy: 'erp-1', service: 'ssh', ...draft, seq: mine.seq + index }))
    const { rejected } = await ingestBatch(core, { sensor: from, epoch: mine.epoch, events })
    assert.equal(rejected, 0)
    mine.seq += events.length
  }
  await consumer.reached()
  const skipped = await core.sql`select * from consumer_skip`
  assert.deepEqual([...skipped], [])
}
const login = (ip: string, user: string, password: string, more: Record<string, unknown> = {}, extra: Partial<SensorEvent> = {}): Partial<SensorEvent> => ({
  kind: 'login.attempted',
  source: { ip, port: 4000 },
  session: uuidv7(),
  body: { method: 'password', user, password, outcome: 'refused', ...more },
  ...extra,
})
const accepted = (ip: string, extra: Partial<SensorEvent> = {}, more: Record<string, unknown> = {}) =>
  login(ip, 'admin', 'pw', { outcome: 'accepted', by: 'given', ...more }, extra)
const command = (ip: string, session: string, input: string, extra: Partial<SensorEvent> = {}): Partial<SensorEvent> => ({
  kind: 'command.executed',
  source: { ip, port: 4000 },
  session,
  body: { mode: 'shell', input, user: 'root', directory: '/root' },
  ...extra,
})
const alert = (ip: string, more: Record<string, unknown> = {}, extra: Partial<SensorEvent> = {}): Partial<SensorEvent> => ({
  kind: 'alert.received',
  source: { ip, port: 5 },
  destination: { ip: '10.9.9.9', port: 80 },
  decoy: undefined,
  service: undefined,
  body: {
    ...{ product: 'Suricata', format: 'suricata-eve', rule: '1:2034125:4', title: 'ET EXPLOIT x', category: 'c', severity: 'high', originalId: '1' },
    ...{ originalTime: 'x', device: 'ids-1', techniques: ['T1190', 'nonsense'], raw: '{}', ...more },
  },
  ...extra,
})

const query = { limit: 100 }
const of = async (ip: string) => (await incidents(core, systemActor, { query: { ...query, source: ip } })).items
const findingsOf = async (ip: string) => (await findings(core, systemActor, { query })).items.filter((each) => each.source === ip)
const ticketsOf = async (id: string) => (await tickets(core, systemActor, { query: { ...query, incident: id } })).items
const analyst = (scopes: string[] = ['group']): Actor => ({ ...systemActor, kind: 'person', id: uuidv7(), name: 'Li', scopes })

test('10,000 brute-force events of one source are one incident, one ticket, one notice', { timeout: 60_000 }, async () => {
  const start = performance.now()
  await say(Array.from({ length: 10_000 }, (_, at) => login('203.0.113.10', 'root', `pw${at}`, {}, { time: now - 10_000 + at })))
  const took = performance.now() - start
  const [one, ...more] = await of('203.0.113.10')
  assert.ok(one && more.length === 0)
  assert.deepEqual(incidentSummary.parse(one), one)
  const found = await findingsOf('203.0.113.10')
  assert.deepEqual(
    found.map(({ rule, count, evidence }) => ({ rule, count, evidence: evidence.length })),
    [{ rule: 'login.brute-force', count: 10_000, evidence: 20 }],
  )
  assert.deepEqual([one.events, one.findings, one.sessions, one.techniques], [10_000, 1, 10_000, ['T1110.001']])
  const own = await ticketsOf(one.id)
  assert.equal(own.length, 1)
  assert.deepEqual(ticketSummary.parse(own[0]), own[0])
  assert.equal(own[0]?.dueAt, (own[0]?.createdAt as number) + 8 * 3_600_000)
  const inbox = (await notices(core, systemActor, { query })).items.filter((each) => each.link === `/tickets/${own[0]?.id}`)
  assert.deepEqual(
    inbox.map(({ count, readAt }) => ({ count, readAt })),
    [{ count: 1, readAt: null }],
  )
  assert.ok(took < 15_000, `took ${took.toFixed(0)} ms`)
  console.log(`10,000 events through ingest, detection and correlation: ${took.toFixed(0)} ms`)
})

test('a finding keeps the event and the bytes that show it, and its session names it', async () => {
  const session = uuidv7()
  const event = { ...command('203.0.113.11', session, 'echo a\\x1b[31m >> ~/.ssh/authorized_keys'), id: uuidv7(now) }
  await say([event])
  const [found] = (await findings(core, systemActor, { query: { ...query, session } })).items
  assert.deepEqual(findingSummary.parse(found), found)
  assert.deepEqual(
    [found?.rule, found?.severity, found?.techniques],
    ['persist.authorized-keys', 'high', [{ id: 'T1098.004', name: 'Account Manipulation: SSH Authorized Keys', matrix: 'enterprise' }]],
  )
  const shown = found?.evidence.find((each) => each.field === 'command.line')
  assert.deepEqual([shown?.event, shown?.session, shown?.value], [event.id, session, 'echo a\\x1b[31m >> ~/.ssh/authorized_keys'])
  const byTechnique = await findings(core, systemActor, { query: { ...query, technique: 'T1098.004' } })
  assert.ok(byTechnique.items.some((each) => each.id === found?.id))
})

test('an alert of another tool with the same source joins the same incident and keeps its own words', async () => {
  const ip = '203.0.113.12'
  await say([accepted(ip)])
  const source = { id: uuidv7(), scope: 'group' }
  await say([alert(ip), alert(ip)], source)
  const [one, ...more] = await of(ip)
  assert.ok(one && more.length === 0)
  assert.deepEqual([one.products, one.findings, one.events, one.scope], [['Suricata'], 2, 3, sensor.scope])
  const found = (await findingsOf(ip)).find((each) => each.origin === 'alert')
  assert.deepEqual([found?.title.en, found?.count, found?.techniques.map((each) => each.id), found?.scope], ['ET EXPLOIT x', 2, ['T1190'], 'group'])
  const park = analyst([sensor.scope])
  const seen = (await incidents(core, park, { query: { ...query, source: ip } })).items[0]
  assert.deepEqual([seen?.products, seen?.findings, seen?.events], [[], 1, 1])
  assert.deepEqual((await incidents(core, analyst(['group/other']), { query })).items, [])
})

test('two attackers who share nothing stay apart, until a shared key joins them', async () => {
  const [one, two] = [uuidv7(), uuidv7()]
  await say([command('203.0.113.13', one, 'id'), command('203.0.113.14', two, 'id')])
  const [a] = await of('203.0.113.13')
  const [b] = await of('203.0.113.14')
  assert.ok(a && b && a.id !== b.id)
  const key = { method: 'publickey', password: undefined, key: { type: 'ssh-ed25519', fingerprint: 'SHA256:abc' } }
  await say([login('203.0.113.13', 'root', '', key, { session: one }), login('203.0.113.14', 'root', '', key, { session: two })])
  const [joined] = await of('203.0.113.14')
  assert.equal(joined?.id, a.id)
  assert.deepEqual(joined?.sources, ['203.0.113.13', '203.0.113.14'])
  const gone = await incident(core, systemActor, { params: { id: b.id } })
  assert.equal(gone.incident.mergedInto, a.id)
  const [theirs] = await ticketsOf(b.id)
  assert.equal(theirs?.state, 'closed_duplicate')
  const whole = await incident(core, systemActor, { params: { id: a.id } })
  const why = whole.identities.find((each) => each.kind === 'key')
  assert.deepEqual([why?.value, why?.by], ['SHA256:abc', 'rule:shared-identity/1'])
  assert.match(why?.why ?? '', /merged from #\d+: both hold the key/)
  assert.deepEqual(
    whole.history.map((each) => each.action),
    ['merge'],
  )
})

test('a client fingerprint joins only once enough others are known and hardly anybody shares it', async () => {
  const speaks = (ip: string, session: string, hassh: string): Partial<SensorEvent> => ({
    kind: 'ssh.negotiated',
    source: { ip, port: 1 },
    session,
    body: { clientVersion: 'SSH-2.0-x', hassh, kex: [], hostKey: [], cipher: [], mac: [], compression: [] },
  })
  const stock = 'a'.repeat(32)
  const rare = 'b'.repeat(32)
  const pair = async (first: string, second: string, hassh: string) => {
    const sessions = [uuidv7(), uuidv7()] as const
    await say([speaks(first, sessions[0], hassh), speaks(second, sessions[1], hassh), command(first, sessions[0], 'id'), command(second, sessions[1], 'id')])
    return [(await of(first))[0]?.id, (await of(second))[0]?.id]
  }
  const [a, b] = await pair('203.0.113.20', '203.0.113.21', rare)
  assert.notEqual(a, b)
  await say(Array.from({ length: fingerprintBase }, (_, at) => speaks(`198.51.100.${at + 1}`, uuidv7(), stock)))
  const [c, d] = await pair('203.0.113.22', '203.0.113.23', stock)
  assert.notEqual(c, d)
  const [e, f] = await pair('203.0.113.24', '203.0.113.25', 'c'.repeat(32))
  assert.equal(e, f)
})

test('one private address at two sites is two incidents, and more than 24 hours apart too', async () => {
  const other = { id: uuidv7(), scope: 'group/machinery/park-2' }
  const source = { ip: '10.0.0.5', port: 1 }
  await say([command('', uuidv7(), 'id', { source })])
  await say([command('', uuidv7(), 'id', { source })], other)
  const both = await of('10.0.0.5')
  assert.deepEqual(both.map((each) => each.scope).sort(), ['group/machinery/park-1', 'group/machinery/park-2'])
  await say([command('', uuidv7(), 'id', { source, time: now - 3 * 86_400_000 })])
  assert.equal((await of('10.0.0.5')).length, 3)
})

test('the severity of an incident and its ticket rises as findings come, with one notice that counts', async () => {
  const ip = '203.0.113.30'
  await say([{ kind: 'scan.detected', source: { ip }, body: { type: 'port', addresses: ['10.1.1.1'], ports: [22], connections: 9, silent: 9, windowMs: 5 } }])
  const [low] = await of(ip)
  assert.deepEqual([low?.severity, low?.ticket], ['low', null])
  await say([accepted(ip)])
  await say([login(ip, 'svc', 'planted', { outcome: 'accepted', by: 'lure' })])
  const [high] = await of(ip)
  assert.deepEqual([high?.id, high?.severity], [low?.id, 'critical'])
  const [own] = await ticketsOf(low?.id as string)
  assert.equal(own?.severity, 'critical')
  const { activity, evidence } = await ticket(core, systemActor, { params: { id: own?.id as string } })
  assert.deepEqual(
    activity.map((each) => each.action),
    ['open', 'raise'],
  )
  assert.equal(evidence[0]?.kind, 'finding')
  const inbox = (await notices(core, systemActor, { query })).items.filter((each) => each.link === `/tickets/${own?.id}`)
  assert.deepEqual(
    inbox.map((each) => each.count),
    [2],
  )
})

test('a known scanner is recorded and labelled, and opens an incident only when it logs in, exploits or strays', async () => {
  const list = [
    { network: '192.0.2.0/28', owner: 'Security scanner', expires: '2099-01-01', ports: [22, 80], reason: 'weekly scan', scope: 'group' },
    { network: '192.0.2.32/28', owner: 'Old scanner', expires: '2020-01-01', ports: [], reason: 'gone', scope: 'group' },
  ]
  await core.sql.begin((tx) => replaceKnownScanners(tx, 'starter', list))
  const scan = (ip: string, ports: number[]): Partial<SensorEvent> => ({
    kind: 'scan.detected',
    source: { ip },
    body: { type: 'port', addresses: ['10.1.1.1'], ports, connections: 2, silent: 2, windowMs: 5 },
  })
  const touch = (ip: string, port: number): Partial<SensorEvent> => ({
    kind: 'connection.opened',
    source: { ip },
    destination: { ip: '10.1.1.1', port },
    body: { transport: 'tcp' },
  })
  await say([touch('192.0.2.1', 22), scan('192.0.2.1', [22, 80]), ...Array.from({ length: 8 }, (_, at) => login('192.0.2.1', 'root', `p${at}`))])
  const quiet = await findingsOf('192.0.2.1')
  assert.deepEqual(quiet.map((each) => [each.rule, each.knownScanner, each.incident]).sort(), [
    ['login.brute-force', 'Security scanner', null],
    ['scan.network', 'Security scanner', null],
  ])
  await say([scan('192.0.2.2', [22, 502])])
  const [strayed] = await of('192.0.2.2')
  assert.equal(strayed?.knownScanner, 'Security scanner')
  await say([accepted('192.0.2.1')])
  const [opened] = await of('192.0.2.1')
  assert.deepEqual([opened?.knownScanner, opened?.findings, opened?.ticket !== null], ['Security scanner', 3, true])
  await say([scan('192.0.2.33', [22])])
  assert.equal((await of('192.0.2.33'))[0]?.knownScanner, null)
  const listed = await knownScanners(core, systemActor, {})
  assert.deepEqual(
    listed.items.map((each) => [each.owner, each.expired, each.touches]),
    [
      ['Old scanner', true, 0],
      ['Security scanner', false, 1],
    ],
  )
  await core.sql.begin((tx) => replaceKnownScanners(tx, 'starter', list.slice(0, 1)))
  assert.deepEqual(
    (await knownScanners(core, systemActor, {})).items.map((each) => each.touches),
    [1],
  )
  await assert.rejects(
    core.sql.begin((tx) => replaceKnownScanners(tx, 'starter', [{ ...(list[0] as (typeof list)[0]), network: '10.0.0.0/99' }])),
    RangeError,
  )
})

test('merging and splitting by hand can be undone, keep everything in one place, and are not undone by rules', async () => {
  await say([command('203.0.113.40', uuidv7(), 'id'), command('203.0.113.40', uuidv7(), 'uname -a'), command('203.0.113.41', uuidv7(), 'ps')])
  const [a] = await of('203.0.113.40')
  const [b] = await of('203.0.113.41')
  assert.ok(a && b)
  const who = analyst()
  const merged = await mergeIncidents(core, who, { params: { id: a.id }, body: { other: b.id, why: 'one crew' }, address: '192.0.2.9' })
  assert.deepEqual([merged.findings, merged.sources], [3, ['203.0.113.40', '203.0.113.41']])
  assert.equal((await ticketsOf(b.id))[0]?.state, 'closed_duplicate')
  await assert.rejects(mergeIncidents(core, who, { params: { id: b.id }, body: { other: a.id, why: 'again' } }), { code: 'incident.merged' })
  const theirs = (await findingsOf('203.0.113.41')).map((each) => each.id)
  const back = await splitIncident(core, who, { params: { id: a.id }, body: { findings: theirs, why: 'two crews' } })
  assert.deepEqual([back.id, back.mergedInto, back.findings], [b.id, null, 1])
  assert.equal((await ticketsOf(b.id))[0]?.state, 'open')
  const [mine] = (await findingsOf('203.0.113.40')).filter((each) => each.rule === 'discovery.system')
  const out = await splitIncident(core, who, { params: { id: a.id }, body: { findings: [mine?.id as string], why: 'another person behind the same address' } })
  assert.notEqual(out.id, a.id)
  await say([command('203.0.113.40', uuidv7(), 'w')])
  assert.equal((await of('203.0.113.40')).length, 2)
  const live = await core.sql`select finding from incident_link where unlinked_at is null group by finding having count(*) > 1`
  assert.equal(live.length, 0)
  await assert.rejects(splitIncident(core, who, { params: { id: out.id }, body: { findings: theirs, why: 'x' } }), { code: 'incident.not-here' })
  await assert.rejects(mergeIncidents(core, analyst(['group/other']), { params: { id: a.id }, body: { other: b.id, why: 'x' } }), { status: 404 })
  const audited = await core.sql`select action, address from audit_entry where action like 'incident.%' order by number`
  assert.deepEqual(
    [...audited].map((row) => [row.action, row.address]),
    [
      ['incident.merge', '192.0.2.9'],
      ['incident.split', null],
      ['incident.split', null],
    ],
  )
})

test('a ticket closed as fixed is called back when the attack goes on, and not by what happened before', async () => {
  const ip = '203.0.113.50'
  await say([accepted(ip)])
  const [one] = await of(ip)
  const [own] = await ticketsOf(one?.id as string)
  const who = analyst()
  const act = (body: Record<string, unknown>, version: number) =>
    stepTicket(core, who, { params: { id: own?.id as string }, body: { version, ...body } as never })
  const [event] = (await findingsOf(ip))[0]?.evidence ?? []
  let row = await act({ action: 'triage' }, 1)
  row = await act({ action: 'start' }, row.version)
  await assert.rejects(act({ action: 'close_fixed', reason: 'blocked' }, row.version), { status: 409, code: 'ticket.positive-evidence' })
  await assert.rejects(act({ action: 'link', evidence: { kind: 'event', target: uuidv7(), why: 'x' } }, row.version), { code: 'ticket.evidence' })
  row = await act({ action: 'link', evidence: { kind: 'event', target: event?.event, why: 'the login' } }, row.version)
  row = await act({ action: 'close_fixed', reason: 'blocked at the firewall' }, row.version)
  assert.deepEqual([row.state, row.answeredAt, row.closedAt], ['closed_fixed', now, now])
  now += 60_000
  await say([accepted(ip, { time: now - 120_000 })])
  assert.equal((await ticketsOf(one?.id as string))[0]?.state, 'closed_fixed')
  await say([accepted(ip, { time: now })])
  const [again] = await ticketsOf(one?.id as string)
  assert.deepEqual([again?.state, again?.answeredAt, again?.dueAt], ['open', null, now + 8 * 3_600_000])
})

test('what a batch did is not done twice, and thresholds survive a restart', async () => {
  const ip = '203.0.113.60'
  await say([1, 2, 3].map((at) => login(ip, 'root', `p${at}`)))
  await consumer.close()
  consumer = await startDetection(core)
  await say([4, 5].map((at) => login(ip, 'root', `p${at}`)))
  assert.deepEqual(
    (await findingsOf(ip)).map((each) => each.count),
    [5],
  )
  await consumer.close()
  consumer = await startDetection(core)
  await consumer.reached()
  assert.deepEqual(
    (await findingsOf(ip)).map((each) => each.count),
    [5],
  )
})

test('an attack on several controllers is one incident with one ticket, said as an operator would, with impact only where the plant changed', async () => {
  const source = { ip: '203.0.113.140', port: 4000 }
  const point = { address: '40001', tag: 'OV2.Z1.SP', name: { zh: '一区设定', en: 'Zone 1 setpoint' }, class: 'SP', before: 180, value: 230, unit: '°C' }
  const ask = (body: Record<string, unknown>, decoy = 'oven-2', session = uuidv7(), after = 0): Partial<SensorEvent> => ({
    ...{ kind: 'industrial.requested', source, decoy, session, service: 'modbus', time: now + after },
    body: {
      ...{ protocol: 'modbus', operation: 'read', function: 'Read Holding Registers', unit: 1, points: [], count: 4, outcome: 'done', changed: false },
      ...{ request: '', response: '', ...body },
    },
  })
  const session = uuidv7()
  await say([
    ask({ operation: 'identify', function: 'Read Device Identification' }, 'oven-1'),
    ask({ operation: 'identify', function: 'Read Device Identification' }, 'bench'),
    ...Array.from({ length: 6 }, (_, at) => ask({}, 'oven-2', session, at * 1000)),
  ])
  assert.ok((await findingsOf(source.ip)).every((each) => !each.techniques.some(({ id }) => ['T0831', 'T0826', 'T0828', 'T0879'].includes(id))))
  await say([ask({ operation: 'write', function: 'Write Single Register', points: [point], count: 1, changed: true }, 'oven-2', session, 10_000)])
  // A tag that took another value is no impact yet: the oven may be cold, its burner off.
  assert.ok((await findingsOf(source.ip)).every((each) => !each.techniques.some(({ id }) => id === 'T0831')))
  const affected = (body: Record<string, unknown>, after: number): Partial<SensorEvent> => ({
    ...ask({}, 'oven-2', session, after),
    kind: 'plant.affected',
    body: {
      ...{ plant: 'paint', tag: 'OV2.Z2.PV', name: { zh: '二区温度', en: 'Zone 2 temperature' }, unit: '°C', ...body },
      after: { tag: 'OV2.Z1.SP', value: 230, time: now + 10_000 },
    },
  })
  await say([
    affected({ consequence: 'process', id: 'OV2.Z2.PV', value: 186, otherwise: 180 }, 30_000),
    affected({ consequence: 'trip', id: 'OV2.OVERHEAT', value: 231, limit: 230 }, 60_000),
  ])
  const found = await findingsOf(source.ip)
  assert.deepEqual(found.map(({ rule }) => rule).sort(), [
    ...['industrial.identification', 'industrial.identification', 'industrial.monitoring', 'industrial.parameter'],
    ...['industrial.rogue-master', 'industrial.sweep', 'plant.process', 'plant.trip'],
  ])
  const parameter = found.find(({ rule }) => rule === 'industrial.parameter')
  assert.match(parameter?.reason.en ?? '', /^OV2 Zone 1 setpoint 180 → 230 °C, by a client that is not the HMI\. A setpoint/)
  assert.match(parameter?.reason.zh ?? '', /^OV2 一区设定 180 → 230 °C,由并非操作屏的客户端发出。设定值/)
  assert.deepEqual(
    parameter?.techniques.map(({ id, zh, matrix }) => ({ id, zh, matrix })),
    [
      { id: 'T0836', zh: '修改参数', matrix: 'ics' },
      { id: 'T0855', zh: '未授权命令报文', matrix: 'ics' },
    ],
  )
  assert.equal(parameter?.evidence[0]?.field, 'industrial.said')
  const [one, ...more] = await of(source.ip)
  assert.ok(one && more.length === 0)
  assert.deepEqual([one.severity, (await ticketsOf(one.id)).length], ['critical', 1])
  assert.ok(one.techniques.includes('T0831') && one.techniques.includes('T0826') && one.techniques.includes('T0848'))
})
