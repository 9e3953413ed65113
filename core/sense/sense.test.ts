import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { unescapeBytes } from '@shenlou/contract/bytes'
import { checkBody } from '@shenlou/contract/event'
import { readCef, readExtension } from './cef.ts'
import { readEve } from './eve.ts'
import { address, kept, type Reading } from './record.ts'
import { readSyslog } from './syslog-message.ts'

const received = Date.parse('2026-11-23T08:00:00Z')
const alertOf = (reading: Reading): Extract<Reading, { kind: 'alert' }> => {
  assert.equal(reading.kind, 'alert', JSON.stringify(reading))
  assert.deepEqual(checkBody('alert.received', (reading as { body: unknown }).body), { ok: true, known: true })
  return reading as Extract<Reading, { kind: 'alert' }>
}
const eve = (more: Record<string, unknown> = {}, alert: Record<string, unknown> = {}): string =>
  JSON.stringify({
    ...{
      timestamp: '2026-11-23T07:59:58.500000+0000',
      flow_id: 12,
      event_type: 'alert',
      src_ip: '203.0.113.7',
      src_port: 1,
      dest_ip: '10.0.0.1',
      dest_port: 80,
    },
    alert: { gid: 1, signature_id: 9, rev: 2, signature: 'ET TEST', category: 'c', severity: 1, ...alert },
    ...more,
  })

test('an EVE alert keeps its ends, its time, its rule and its own words', () => {
  const line = eve({ host: 'ids-1' }, { metadata: { mitre_technique_id: ['T1190'], mitre_tactic_id: ['TA0001'], signature_severity: ['Critical'] } })
  const { body, time, source, destination } = alertOf(readEve(line, received))
  assert.deepEqual([time, source, destination], [received - 1500, { ip: '203.0.113.7', port: 1 }, { ip: '10.0.0.1', port: 80 }])
  assert.deepEqual(
    [body.rule, body.title, body.severity, body.techniques, body.originalId, body.device],
    ['1:9:2', 'ET TEST', 'critical', ['T1190'], '12', 'ids-1'],
  )
  assert.equal(Buffer.from(unescapeBytes(body.raw)).toString(), line)
  assert.equal(alertOf(readEve(`<134>Nov 23 07:59:58 ids suricata[1]: ${line}`, received)).body.raw, body.raw)
})

test('the attacker is whom the rule names, or the client that a proxy speaks for, in one form of address', () => {
  const named = { source: { ip: '203.0.113.8', port: 2 }, target: { ip: '10.0.0.2', port: 3 } }
  assert.deepEqual(alertOf(readEve(eve({}, named), received)).source, { ip: '203.0.113.8', port: 2 })
  assert.deepEqual(alertOf(readEve(eve({ xff: '198.51.100.1, 203.0.113.9' }), received)).source, { ip: '203.0.113.9' })
  assert.deepEqual(alertOf(readEve(eve({ src_ip: '2001:0db8:0000:0000:0000:0000:0000:0001' }), received)).source?.ip, '2001:db8::1')
  assert.equal(alertOf(readEve(eve({ src_ip: 'nonsense' }), received)).source, undefined)
  assert.deepEqual(['::ffff:192.0.2.1', '[2001:DB8::1]', 'fe80::1%eth0', '1.2.3', '', 5].map(address), [
    '192.0.2.1',
    '2001:db8::1',
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test('a clock that is days off does not carry the alert away from its attack, and its words stay', () => {
  const { time, body } = alertOf(readEve(eve({ timestamp: '2022-07-12T06:22:33.415742+0000' }), received))
  assert.deepEqual([time, body.originalTime], [received, '2022-07-12T06:22:33.415742+0000'])
})

test('EVE records that are no alerts are ignored, and what is no EVE is rejected with the reason', () => {
  assert.deepEqual(readEve('{"event_type":"flow"}', received), { kind: 'ignored', what: 'flow' })
  for (const [line, reason] of [
    ['', /no JSON/],
    ['{', /not JSON/],
    ['[1]', /no JSON/],
    ['{"a":1}', /event_type/],
    ['{"event_type":"alert"}', /signature/],
    [`{"a":"${'x'.repeat(262_200)}"}`, /longer/],
  ] as const) {
    const reading = readEve(line, received)
    assert.ok(reading.kind === 'rejected' && reason.test(reading.reason), line.slice(0, 40))
  }
  assert.equal(readEve(`${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`, received).kind, 'rejected')
})

test('a CEF record is read with its escapes, values with spaces and equals signs, and labelled techniques', () => {
  const line =
    'CEF:1|Acme \\| Co|Fire\\\\wall|2.1|42|Login \\| failed|8|src=203.0.113.7 spt=51000 dst=10.0.0.1 dpt=22 suser=li wei msg=a\\=b c\\\\d e=f\\nnew cs1Label=MITRE Technique cs1=T1110.001 rt=1795420799000 externalId=77 dvchost=fw-1'
  const { body, time, source, destination } = alertOf(readCef(line, received))
  assert.deepEqual([body.product, body.rule, body.title, body.severity], ['Acme | Co Fire\\\\wall', 'Acme | Co:42', 'Login | failed', 'high'])
  assert.deepEqual([body.user, body.techniques, body.originalId, body.device, time], ['li wei', ['T1110.001'], '77', 'fw-1', 1795420799000])
  assert.deepEqual(
    [source, destination],
    [
      { ip: '203.0.113.7', port: 51000 },
      { ip: '10.0.0.1', port: 22 },
    ],
  )
  assert.equal(Buffer.from(unescapeBytes(body.raw)).toString(), line)
})

test('a CEF extension ends a value only at a key after a space', () => {
  const cases: [string, [string, string][]][] = [
    [
      'a=1 b=2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      'msg=x=y z b=2',
      [
        ['msg', 'x=y z'],
        ['b', '2'],
      ],
    ],
    ['msg=k\\=v c\\\\=d', [['msg', 'k=v c\\=d']]],
    ['a=', [['a', '']]],
    [
      'url=http://h/?q=1&r=2 a=3',
      [
        ['url', 'http://h/?q=1&r=2'],
        ['a', '3'],
      ],
    ],
    ['nothing here', []],
  ]
  for (const [text, expected] of cases) assert.deepEqual([...readExtension(text)], expected, text)
  assert.equal(readExtension(Array.from({ length: 2000 }, (_, at) => `k${at}=v`).join(' ')).size, 500)
  const start = performance.now()
  readExtension('a'.repeat(262_144))
  readExtension('=a'.repeat(131_072))
  readExtension(' \\='.repeat(80_000))
  assert.ok(performance.now() - start < 500)
})

test('CEF of an unknown version, or without its header, is rejected with the reason', () => {
  for (const [line, reason] of [
    ['hello', /no CEF/],
    ['CEF:7|a|b|c|d|e|f|', /version 7/],
    ['CEF:0|a|b|c', /fewer/],
    ['CEF:0||b|1|2|n|3|', /lacks/],
  ] as const) {
    const reading = readCef(line, received)
    assert.ok(reading.kind === 'rejected' && reason.test(reading.reason), JSON.stringify(reading))
  }
  const severities = ['0', '3', '6', '8', '10', 'Low', 'Very-High', '99', '-1'].map(
    (each) => alertOf(readCef(`CEF:0|v|p|1|2|n|${each}|`, received)).body.severity,
  )
  assert.deepEqual(severities, ['info', 'low', 'medium', 'high', 'critical', 'low', 'critical', 'info', 'info'])
})

test('text of a tool is kept escaped and never cut inside an escape', () => {
  assert.equal(kept('a\u001b[31m\u202e', 100), 'a\\x1b[31m\\xe2\\x80\\xae')
  for (const text of ['\u0007'.repeat(50), '\\'.repeat(50), 'a\\\u0007'.repeat(20), '\ud800😀'.repeat(20)])
    for (let max = 1; max < 40; max++) {
      const shown = kept(text, max)
      assert.ok(shown.length <= max && shown.isWellFormed())
      unescapeBytes(shown)
    }
})

test('syslog headers of RFC 5424 and RFC 3164 are taken off, and host and message stay', () => {
  const cases: [string, string, string][] = [
    ['<134>1 2026-11-23T08:00:00Z fw-1 app 12 ID [a@1 k="v\\]"][b@2] CEF:0|x', 'fw-1', 'CEF:0|x'],
    ['<134>1 - - - - - - \ufeff{"a":1}', '', '{"a":1}'],
    ['<13>Nov  3 08:00:00 fw-2 suricata[9]: {"a":1}', 'fw-2', '{"a":1}'],
    ['Sep  8 08:32:20 UDM-Gent CEF: 0|U', 'UDM-Gent', 'CEF: 0|U'],
    ['<13>plain words', '', 'plain words'],
    ['', '', ''],
  ]
  for (const [line, host, message] of cases) assert.deepEqual(readSyslog(line), { host, message }, line)
})

const samples = process.env.SHENLOU_SAMPLES
const folders = ['it-alert/suricata', 'it-alert/syslog-cef'] as const

test('real records of other tools are read, or refused with a reason', (context) => {
  if (!samples || !existsSync(samples)) {
    context.skip('8 sample files did not run: set SHENLOU_SAMPLES to the folder that holds it-alert/')
    return
  }
  const counts = new Map<string, Record<Reading['kind'], number>>()
  for (const folder of folders)
    for (const file of readdirSync(path.join(samples, folder)))
      for (const line of readFileSync(path.join(samples, folder, file), 'utf8')
        .split('\n')
        .filter(Boolean)) {
        const { host, message } = readSyslog(line)
        const reading = folder === 'it-alert/suricata' ? readEve(line, received) : readCef(message, received, host)
        if (reading.kind === 'alert') alertOf(reading)
        const count = counts.get(file) ?? { alert: 0, ignored: 0, rejected: 0 }
        count[reading.kind]++
        counts.set(file, count)
      }
  assert.equal(counts.size, 8)
  assert.deepEqual(counts.get('suricata-eve-detect.log'), { alert: 4, ignored: 0, rejected: 0 })
  assert.deepEqual(counts.get('unifi-cef-1.log'), { alert: 4, ignored: 0, rejected: 0 })
  // The others are no EVE and no CEF; each line must be refused, none misread.
  for (const [file, count] of counts) if (!/eve-detect|unifi/.test(file)) assert.deepEqual([count.alert, count.ignored], [0, 0], file)
  const [first] = readFileSync(path.join(samples, 'it-alert/suricata/suricata-eve-detect.log'), 'utf8').split('\n')
  const { body, source } = alertOf(readEve(first as string, received))
  assert.deepEqual(
    [body.title, source, body.severity],
    ['ET EXPLOIT Apache HTTP Server 2.4.49 - Path Traversal Attempt (CVE-2021-41773) M2', { ip: '1.2.3.4', port: 33270 }, 'high'],
  )
})
