import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { appendFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { after, test } from 'node:test'
import { uuidv7 } from '@shenlou/link/uuid'
import { type Actor, systemActor } from '../actor.ts'
import { incidents } from '../correlate/incidents.ts'
import { findings } from '../detect/findings.ts'
import { startDetection } from '../detect/main.ts'
import { readSensors } from '../sensors/read.ts'
import { testCore } from '../store/test-core.ts'
import { openLineSpool } from './line-spool.ts'
import { createSource, deliver, pushAlerts, type SourceRecord, sources } from './sources.ts'
import { createToken } from '../tokens.ts'
import { startSyslog } from './syslog.ts'
import { createFraming } from './syslog-framing.ts'

const core = await testCore()
const detection = await startDetection(core)
after(async () => {
  await detection.close()
  await core.close()
})
const query = { limit: 100 }
const actor = (scopes: string[]): Actor => ({ ...systemActor, kind: 'person', id: uuidv7(), name: 'Li', scopes })
const eve = (ip: string, id = 9): string =>
  JSON.stringify({
    ...{ timestamp: new Date().toISOString(), event_type: 'alert', src_ip: ip, src_port: 1, dest_ip: '10.0.0.1', dest_port: 80 },
    alert: { gid: 1, signature_id: id, rev: 2, signature: `ET TEST ${id}`, category: 'c', severity: 1 },
  })
const cef = (ip: string): string => `CEF:0|Acme|FW|1|42|Denied|8|src=${ip} dst=10.0.0.1`
const make = (name: string, format: SourceRecord['format'], transport: SourceRecord['transport'], allowed: string[]) =>
  createSource(core, actor(['group']), { body: { name, format, transport, scope: 'group/park', allowed }, address: '192.0.2.1' })
const named = async (name: string) => (await sources(core, systemActor, {})).items.find((each) => each.name === name) as SourceRecord
const alertsOf = async (ip: string) => (await findings(core, systemActor, { query })).items.filter((each) => each.source === ip && each.origin === 'alert')

test('pushed alerts are committed when the push is answered, and what is refused is named and kept', async () => {
  const source = await make('ids', 'suricata-eve', 'http', ['127.0.0.1'])
  const body = [eve('203.0.113.1', 1), '', '{"event_type":"flow"}', 'nonsense \u0000', eve('203.0.113.1', 2)].join('\n')
  const answer = await pushAlerts(core, actor(['group']), { params: { id: source.id }, body, address: '::ffff:127.0.0.1' })
  assert.deepEqual(answer, { accepted: 2, ignored: 1, rejected: [{ line: 4, reason: 'holds no JSON object' }] })
  const [stored] = await core.sql`select count(*) as count, min(scope) as scope, min(body->>'raw') as raw from event where sensor = ${source.id}`
  assert.deepEqual([stored?.count, stored?.scope], [2, 'group/park'])
  assert.match(stored?.raw, /ET TEST/)
  const [refused] = await core.sql`select raw, reason from event_rejected where sensor = ${source.id}`
  assert.deepEqual([refused?.raw, refused?.reason], ['nonsense \\x00', 'holds no JSON object'])
  assert.deepEqual([(await named('ids')).received, (await named('ids')).rejected], [2, 1])
  await detection.reached()
  const found = await alertsOf('203.0.113.1')
  assert.deepEqual(found.map((each) => [each.title.en, each.product, each.sensor]).sort(), [
    ['ET TEST 1', 'Suricata', source.id],
    ['ET TEST 2', 'Suricata', source.id],
  ])
  assert.ok(found.every((each) => each.evidence.some((one) => one.field === 'body.raw')))
  const [one, ...more] = (await incidents(core, systemActor, { query: { ...query, source: '203.0.113.1' } })).items
  assert.ok(one?.ticket && more.length === 0)
})

test('a push from elsewhere, to another kind of source or out of scope is refused', async () => {
  const { id } = await named('ids')
  await assert.rejects(pushAlerts(core, actor(['group']), { params: { id }, body: '', address: '192.0.2.99' }), { status: 403, code: 'network' })
  await assert.rejects(pushAlerts(core, actor(['group/other']), { params: { id }, body: '', address: '127.0.0.1' }), { status: 404 })
  const syslog = await make('fw-a', 'cef', 'syslog', ['198.51.100.0/24'])
  await assert.rejects(pushAlerts(core, actor(['group']), { params: { id: syslog.id }, body: '', address: '127.0.0.1' }), { code: 'transport' })
  await assert.rejects(make('ids', 'cef', 'http', []), { code: 'name-taken' })
  await assert.rejects(make('x', 'cef', 'http', ['10.0.0.0/40']), { code: 'bad-network' })
  await assert.rejects(make('x', 'cef', 'syslog', []), { code: 'no-network' })
  await assert.rejects(createSource(core, actor(['group/park']), { body: { name: 'y', format: 'cef', transport: 'http', scope: 'group', allowed: [] } }), {
    code: 'scope',
  })
  assert.deepEqual((await sources(core, actor(['group/other']), {})).items, [])
  const audited = await core.sql`select target from audit_entry where action = 'source.create'`
  assert.equal(audited.length, 2)
})

test('syslog over UDP and TCP reaches the source that may send from there, in either framing, and nobody else', async () => {
  const server = await startSyslog(core, { host: '127.0.0.1', port: 0 })
  const udp = createSocket('udp4')
  const sendUdp = (text: string) =>
    new Promise<void>((resolve, reject) => udp.send(text, server.port, '127.0.0.1', (error) => (error ? reject(error) : resolve())))
  const until = async (condition: () => boolean | Promise<boolean>) => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  try {
    await sendUdp(`<134>Nov 23 08:00:00 fw x: ${cef('203.0.113.2')}`)
    await until(() => server.dropped().stranger === 1)
    await server.close()
    await make('fw-b', 'cef', 'syslog', ['127.0.0.1'])
    await make('ids-b', 'suricata-eve', 'syslog', ['127.0.0.1'])
    const restarted = await startSyslog(core, { host: '127.0.0.1', port: 0 })
    const tcp = connect(restarted.port, '127.0.0.1')
    await once(tcp, 'connect')
    const counted = `<134>1 - fw-9 - - - - ${cef('203.0.113.3')}`
    tcp.write(`${Buffer.byteLength(counted)} ${counted}<13>Nov 23 08:00:00 ids suricata: ${eve('203.0.113.4')}\n`)
    tcp.end(`<13>${eve('203.0.113.5')}`)
    await once(tcp, 'close')
    await new Promise<void>((resolve, reject) =>
      udp.send(`<134>Nov 23 08:00:00 fw x: ${cef('203.0.113.6')}\n`, restarted.port, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
    )
    await until(async () => (await named('fw-b')).received + (await named('ids-b')).received >= 4)
    await restarted.close()
    assert.deepEqual([(await named('fw-b')).received, (await named('ids-b')).received, restarted.dropped()], [2, 2, { stranger: 0, full: 0 }])
    await detection.reached()
    for (const ip of ['203.0.113.3', '203.0.113.4', '203.0.113.5', '203.0.113.6']) assert.equal((await alertsOf(ip)).length, 1, ip)
    assert.equal((await alertsOf('203.0.113.2')).length, 0)
    const [named9] = await core.sql`select body->>'device' as device from event where source_ip = '203.0.113.3'`
    assert.equal(named9?.device, 'fw-9')
  } finally {
    udp.close()
    await server.close()
  }
  assert.deepEqual(core.lines, ['1 syslog lines were dropped, the last from 127.0.0.1: no registered source may send from there'])
})

test('frames are found however the stream is cut, and one above the bound is passed over whole', () => {
  const big = 'x'.repeat(50)
  const stream = Buffer.from(`5 <1>ab<2>line one\r\n\n12 <3>with\nlf!!60 ${'y'.repeat(60)}${big}\n<4>中文\n7 seven`, 'utf8')
  const expected = ['<1>ab', '<2>line one', '<3>with\nlf!!', '<4>中文']
  for (let size = 1; size <= stream.length; size++) {
    const framing = createFraming(40)
    const found: string[] = []
    for (let at = 0; at < stream.length; at += size) found.push(...framing.push(stream.subarray(at, at + size)))
    assert.deepEqual([...found, ...framing.end()], expected, `cut every ${size} bytes`)
  }
  const open = createFraming(40)
  assert.deepEqual([...open.push(Buffer.from('<5>no newline')), ...open.end()], ['<5>no newline'])
})

test('lines that a crash left uncommitted are delivered at the next start, each once', async () => {
  const source = await make('fw-crash', 'cef', 'syslog', ['192.0.2.0/24'])
  const dir = path.join(core.dataDir, 'syslog', source.id)
  const { spool } = await openLineSpool(dir)
  const lines = Array.from({ length: 9 }, (_, at) => (at === 4 ? 'nonsense' : cef(`203.0.113.${100 + at}`)))
  for (const line of lines) spool.add(line)
  await spool.written()
  await spool.close()
  await deliver(core, source, lines.slice(0, 3), { epoch: spool.epoch, first: 1 })
  await appendFile(path.join(dir, `${spool.epoch}.lines`), Buffer.from([0, 0, 1, 0, 65]))
  for (let start = 0; start < 2; start++) {
    const server = await startSyslog(core, { host: '127.0.0.1', port: 0 })
    await server.drained()
    await server.close()
  }
  await detection.reached()
  assert.deepEqual([(await named('fw-crash')).received, (await named('fw-crash')).rejected], [8, 1])
  const [row] = await core.sql`select count(*)::int as events, count(distinct source_ip)::int as sources from event where sensor = ${source.id}`
  assert.deepEqual(row, { events: 8, sources: 8 })
})

test('lines that a full queue has no room for are counted with their source and shown', async () => {
  const source = await make('fw-flood', 'cef', 'syslog', ['127.0.0.1'])
  await core.sql`update sensor set status = 'revoked' where role = 'source' and id <> ${source.id}`
  const server = await startSyslog(core, { host: '127.0.0.1', port: 0 }, { lines: 10, chars: 1_000_000 })
  const udp = createSocket('udp4')
  try {
    const locked = Promise.withResolvers<void>()
    const unlock = Promise.withResolvers<void>()
    const held = core.sql.begin(async (tx) => {
      await tx`lock table sensor_range in access exclusive mode`
      locked.resolve()
      await unlock.promise
    })
    await locked.promise
    for (let at = 0; at < 30; at++) await new Promise((resolve) => udp.send(cef(`203.0.113.${150 + at}`), server.port, '127.0.0.1', resolve))
    while (server.dropped().full < 20) await new Promise((resolve) => setTimeout(resolve, 5))
    unlock.resolve()
    await held
    await server.drained()
  } finally {
    udp.close()
    await server.close()
  }
  const [row] = await core.sql`select received, lost from source where id = ${source.id}`
  assert.deepEqual(row, { received: 10, lost: 20 })
  const shown = (await readSensors(core.sql, Date.now(), core.sql`sensor.id = ${source.id}`))[0]?.problems
  assert.deepEqual(shown, [{ key: 'other', detail: 'lines-lost 20' }])
})

test('the first lines of a source that was just registered are taken, all of them', async () => {
  const server = await startSyslog(core, { host: '127.0.0.1', port: 0 })
  const udp = createSocket('udp4')
  try {
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.44', resolve))
    await make('ids-new', 'suricata-eve', 'syslog', ['127.0.0.44'])
    for (let i = 0; i < 3; i++)
      await new Promise<void>((resolve, reject) =>
        udp.send(`<13>${eve(`203.0.113.${200 + i}`)}`, server.port, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
      )
    while ((await named('ids-new')).received < 3) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.deepEqual(server.dropped(), { stranger: 0, full: 0 })
  } finally {
    udp.close()
    await server.close()
  }
})

test('nothing is put where nobody would see it', async () => {
  const body = { name: 'z', format: 'cef' as const, transport: 'http' as const, scope: 'hq/typo', allowed: [] }
  await assert.rejects(createSource(core, systemActor, { body }), { code: 'scope-unknown', message: /no place 'hq\/typo', nor one above it; known are group/ })
  await assert.rejects(createToken(core, systemActor, { body: { name: 't', permissions: ['event.read'], scopes: ['nosuch'], days: 1 }, address: null }), {
    code: 'scope-unknown',
  })
})
