/** Segments of a scenario: refused with their place, made into hosts, planned, applied, sent. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mac as macSchema } from '@shenlou/contract/segment'
import { relayConfig, sentDecoysConfig, unfoldDecoys } from '@shenlou/contract/sensor'
import { type SegmentTemplate, segmentTemplate } from '@shenlou/contract/segment-template'
import { drawPersona } from '@shenlou/decoys/persona'
import { systemActor } from '../actor.ts'
import { testCore } from '../store/test-core.ts'
import { enrolTestSensors } from './test-sensors.ts'
import { desiredState } from './desired.ts'
import { drawMissing } from './drawing.ts'
import { toNumber } from './ipv4.ts'
import { loadPersonas, loadPlants, templatesFolder } from './personas.ts'
import { checkScenario } from './scenario.ts'
import { expandSegment, layoutOf, sharesInOrder } from './segments.ts'
import { hostSeed, siteSecret } from './site-secret.ts'
import { applyTemplate, planTemplate } from './templates.ts'

const park = readFileSync(join(templatesFolder, 'scenarios', 'park-idle.yaml'), 'utf8')
const personas = loadPersonas()
const plants = loadPlants()
const secret = Buffer.alloc(32, 7)
const organisation = { name: { zh: '海川重工', en: 'Haichuan Heavy' }, domain: 'haichuan-heavy.cn' }
const ssh = [{ service: 'ssh', port: 22 }]
const segmentOf = (over: Omit<Partial<SegmentTemplate>, 'mix'> & { mix?: unknown } = {}): SegmentTemplate =>
  segmentTemplate.parse({
    id: 'seg',
    name: { zh: '网段', en: 'Segment' },
    relay: 'r',
    interface: 'eth1',
    network: '10.0.0.0/24',
    gateway: '10.0.0.1',
    count: 60,
    mix: [
      { persona: 'centos-7', services: ssh, share: 5 },
      { persona: 'ubuntu-18.04', services: ssh, share: 3 },
      { persona: 'openwrt-19.07', services: ssh, share: 2 },
    ],
    ...over,
  })
const expand = (segment: SegmentTemplate, of = secret) => expandSegment(segment, { secret: of, organisation, personas })
const tally = (rows: readonly { persona: string }[]): Record<string, number> =>
  rows.reduce<Record<string, number>>((sum, { persona }) => ({ ...sum, [persona]: (sum[persona] ?? 0) + 1 }), {})

test('the same secret and segment give the same hosts, another secret gives others', () => {
  assert.deepEqual(expand(segmentOf()), expand(segmentOf()))
  const other = expand(segmentOf(), Buffer.alloc(32, 8))
  assert.notDeepEqual(
    other.hosts.map(({ address }) => address),
    expand(segmentOf()).hosts.map(({ address }) => address),
  )
  const macs = new Set(expand(segmentOf()).hosts.map(({ mac }) => mac))
  assert.ok(other.hosts.filter(({ mac }) => macs.has(mac)).length < 3)
})

test('a growing segment leaves the hosts that were there as they are', () => {
  for (const network of ['10.0.0.0/24', '10.0.0.0/20']) {
    const sizes = [10, 40, 41, 90, 200]
    const grown = sizes.map((count) => new Map(expand(segmentOf({ network, count })).hosts.map((host) => [host.address, host])))
    grown.forEach((hosts, at) => {
      assert.equal(hosts.size, sizes[at])
      for (const [address, host] of grown[at - 1] ?? []) assert.deepEqual(hosts.get(address), host, address)
    })
  }
})

test('listing one more real host removes that host alone and adds one', () => {
  const before = new Map(expand(segmentOf({ count: 80 })).hosts.map((host) => [host.address, host]))
  const [gone] = [...before.keys()].slice(20)
  const after = expand(segmentOf({ count: 80, exclude: [{ range: gone as string, reason: 'cmdb', note: '' }] })).hosts
  assert.equal(after.length, 80)
  assert.ok(!after.some(({ address }) => address === gone))
  assert.equal(after.filter((host) => !before.has(host.address)).length, 1)
  for (const host of after) if (before.has(host.address)) assert.deepEqual(host, before.get(host.address))
})

test('a mix by shares is the largest remainders at every size, and counted hosts are exact', () => {
  for (const count of [10, 50, 100, 200])
    assert.deepEqual(tally(expand(segmentOf({ count })).hosts), { 'centos-7': count / 2, 'ubuntu-18.04': count * 0.3, 'openwrt-19.07': count * 0.2 })
  const shares = [7, 5, 3, 3, 1, 1]
  for (let length = 1; length < 300; length++) {
    const given = shares.map((_, entry) => sharesInOrder(shares, length).filter((each) => each === entry).length)
    for (const [entry, share] of shares.entries()) assert.ok(Math.abs((given[entry] as number) - (share / 20) * length) < 1.5, `${length}: ${given}`)
  }
  const mix = [
    { persona: 'centos-7', services: ssh, share: 1 },
    { persona: 'openwrt-19.07', services: ssh, count: 3 },
  ]
  assert.deepEqual(tally(expand(segmentOf({ mix, count: 20 })).hosts), { 'centos-7': 17, 'openwrt-19.07': 3 })
  assert.deepEqual(tally(expand(segmentOf({ mix: mix.slice(1), count: undefined })).hosts), { 'openwrt-19.07': 3 })
})

test('hosts stand in runs as people hand addresses out, never on what is kept free', () => {
  const segment = segmentOf({
    count: 100,
    dhcp: { servers: ['10.0.0.5'], pools: ['10.0.0.128/26'] },
    exclude: [{ range: '10.0.0.10-10.0.0.19', reason: 'list', note: '' }],
  })
  const { hosts } = expandSegment(segment, { secret, organisation, personas, placed: ['10.0.0.200'] })
  const last = hosts.map(({ address }) => Number(address.split('.')[3]))
  for (const at of last)
    assert.ok(at !== 0 && at !== 1 && at !== 5 && at !== 200 && at !== 255 && !(at >= 10 && at <= 19) && !(at >= 128 && at < 192), String(at))
  const big = expand(segmentOf({ network: '10.0.0.0/20', count: 400 })).hosts.map(({ address }) => toNumber(address))
  const beside = big.filter((at) => big.includes(at + 1)).length
  assert.ok(beside > 200 && beside < 390, `${beside} of 400 have a neighbour`)
  assert.deepEqual(
    [...layoutOf(secret, 'seg', { from: 0, to: 1023 })].sort((a, b) => a - b),
    Array.from({ length: 1022 }, (_, at) => at + 1),
  )
})

test('4,096 hosts have 4,096 MAC addresses of their makers and as many names', () => {
  const { hosts } = expand(segmentOf({ network: '10.0.0.0/19', count: 4096 }))
  assert.equal(hosts.length, 4096)
  assert.equal(new Set(hosts.map(({ mac }) => mac)).size, 4096)
  assert.equal(new Set(hosts.map(({ hostname }) => hostname)).size, 4096)
  assert.equal(new Set(hosts.map(({ address }) => address)).size, 4096)
  for (const { mac, persona } of hosts) {
    assert.ok(macSchema.safeParse(mac).success)
    assert.ok(personas.get(persona)?.hardware.macPrefixes.includes(mac.slice(0, 8)))
  }
})

test('a decoy shows the name and MAC address that the core planned for it, where it stepped aside too', () => {
  const narrow = new Map(personas)
  const template = personas.get('openwrt-19.07') as NonNullable<ReturnType<typeof personas.get>>
  narrow.set('openwrt-19.07', { ...template, host: { ...template.host, hostname: ['gw#'] } })
  const { hosts } = expandSegment(segmentOf({ count: 40, mix: [{ persona: 'openwrt-19.07', services: ssh, share: 1 }] }), {
    secret,
    organisation,
    personas: narrow,
  })
  assert.ok(
    hosts.some(({ steps }) => steps.name > 4),
    'forty hosts do not fit into one digit',
  )
  for (const { decoy, persona, mac, hostname, steps } of hosts.slice(0, 12)) {
    const template = { ...(narrow.get(persona) as NonNullable<ReturnType<typeof narrow.get>>), ssh: undefined }
    const shown = drawPersona({ template, organisation, seed: hostSeed(secret, decoy, persona), decoy, secrets: {}, steps })
    assert.deepEqual([shown.mac, shown.hostname], [mac, hostname])
    const moved = drawPersona({ template, organisation, seed: hostSeed(secret, decoy, persona), decoy, secrets: {}, steps: { ...steps, mac: steps.mac + 1 } })
    assert.notEqual(moved.mac, mac)
  }
})

test('faults of segments name line, column and what to do', () => {
  const faultOf = (from: string | RegExp, to: string): string => {
    const text = park.replace(from, to)
    assert.notEqual(text, park, String(from))
    const checked = checkScenario(text, personas, plants)
    const faults = 'faults' in checked ? checked.faults : []
    assert.ok(faults.length > 0 && faults.every(({ line, column }) => line > 1 && column > 1), `${from} is not refused`)
    return faults.map(({ line, path, message }) => `${text.split('\n')[line - 1]?.trim()} | ${path}: ${message}`).join('\n')
  }
  assert.match(
    faultOf('network: 10.20.32.0/25', 'network: 10.20.31.0/25'),
    /^network: 10\.20\.31\.0\/25 .*overlaps 10.20.30.0\/23 of segment 'production' on the same relay/m,
  )
  assert.match(faultOf('gateway: 10.20.40.1\n', 'gateway: 10.20.41.1\n'), /^gateway: 10.20.41.1 .*no host address of 10.20.40.0\/24/)
  assert.match(faultOf('10.20.40.100-10.20.40.199', '10.20.40.100-10.20.41.9'), /segments.0.dhcp.pools.0: the pool 10.20.40.100-10.20.41.9 does not lie in/)
  assert.match(faultOf('10.20.40.100-10.20.40.199', '10.20.40.199-10.20.40.100'), /begins with the lower address/)
  assert.match(faultOf('network: 10.20.40.0/24', 'network: 10.20.40.7/24'), /the network is 10.20.40.0\/24/)
  assert.match(faultOf('share: 4', 'share: 0'), /^share: 0 .*a share of 0 gives no host/)
  assert.match(
    faultOf('persona: centos-7', 'persona: centos-9'),
    /^- persona: centos-9 \| segments\.0\.mix\.0\.persona: there is no persona 'centos-9'; known: /m,
  )
  assert.match(
    faultOf(/ {8}plant: idle-paint\n {8}units: \{ oven: \[OV1, OV2\] \}\n {8}services:\n {10}- \{ service: s7/, '        services:\n          - { service: s7'),
    /is a device; name its 'plant'/,
  )
  assert.match(faultOf('oven: [OV1, OV2]', 'oven: [OV1, OV9]'), /plant 'idle-paint' has no unit 'OV9'/)
  const ports = Array.from({ length: 6 }, (_, at) => `          - { service: ssh, port: ${2200 + at} }\n`).join('')
  assert.match(
    faultOf('          - { service: portal, port: 80 }\n', ports + '          - { service: portal, port: 80 }\n'),
    /a host has at most 6 ports, and this one has 9/,
  )
  assert.match(faultOf('density: 0.25', 'count: 200'), /asks for 200 hosts, and 145 addresses are left/)
  assert.match(faultOf('density: 0.25', ''), /neither 'density' nor 'count'/)
  assert.match(faultOf('density: 0.25', 'density: 0.25\n    count: 10'), /beside 'density'/)
  assert.match(faultOf('id: production', 'id: office'), /written twice/)
  assert.match(
    faultOf(/network: 10.20.40.0\/24[\s\S]*?density: 0.25/, 'network: 10.64.0.0/16\n    density: 0.5'),
    /gives 32767 hosts; a template gives a segment at most 4096/,
  )
})

test('a plan shows the hosts of a segment before anything answers, and what is left out and why', async () => {
  const core = await testCore()
  try {
    const plan = await planTemplate(core, systemActor, { body: { text: park, full: true } })
    const office = plan.segments[0]
    assert.equal(office?.total, 63)
    assert.equal(office?.hosts.length, 63)
    assert.deepEqual([office?.addresses, office?.out, office?.idle], [254, 109, 254 - 109 - 63])
    assert.deepEqual(
      office?.excluded.map(({ reason, addresses }) => `${reason} ${addresses}`),
      ['network 2', 'gateway 1', 'dhcp-server 1', 'dhcp-pool 100', 'cmdb 7'],
    )
    assert.ok(office?.hosts.every(({ ports, action }) => ports.length > 0 && action === 'create'))
    assert.deepEqual(office?.unseen, ['unicast-of-others', 'silent-owners', 'relayed-dhcp', 'ipv6'])
    assert.ok((plan.segments[1]?.vendors ?? 0) >= 4)
    assert.equal(plan.steps.filter(({ what }) => what === 'segment').length, 3)
    assert.ok(!plan.steps.some(({ what }) => what === 'decoy' || what === 'placement'))
    assert.ok(plan.draws.hosts >= 61)
    const short = await planTemplate(core, systemActor, { body: { text: park } })
    assert.equal(short.segments[1]?.hosts.length, 48)
    assert.equal((await core.sql`select id from decoy`).length, 0)
  } finally {
    await core.close()
  }
})

test('an applied segment reaches relay and decoy host as it was planned; a denser one keeps every key; the former file undoes it', async () => {
  const core = await testCore()
  try {
    const { relay, decoys } = await enrolTestSensors(core, { relay: 'r', decoys: 'decoys' })
    const text = (count: number): string => `kind: scenario
version: 1
name: small
title: { zh: 小, en: Small }
segments:
  - id: seg
    name: { zh: 网段, en: Segment }
    relay: r
    interface: eth1
    network: 10.0.0.0/24
    gateway: 10.0.0.1
    exclude: [{ range: 10.0.0.9, reason: cmdb, note: printer }]
    quiet: { minutes: 30 }
    count: ${count}
    mix: [{ persona: openwrt-19.07, share: 1, services: [{ service: ssh, port: 22 }] }]
`
    const plan = await planTemplate(core, systemActor, { body: { text: text(28), full: true } })
    const applied = await applyTemplate(core, systemActor, { body: { text: text(28), base: plan.base } })
    assert.equal(applied.undrawn, 4)
    const early = relayConfig.parse(await desiredState(core, relay))
    assert.equal(early.hosts?.length, 28 - 4)
    assert.equal(early.placements.length, 28 - 4)
    await drawMissing(core)
    const sent = relayConfig.parse(await desiredState(core, relay))
    assert.deepEqual(
      sent.hosts?.map(({ address, mac }) => `${address} ${mac}`).sort(),
      plan.segments[0]?.hosts.map(({ address, mac }) => `${address} ${mac}`).sort(),
    )
    assert.equal(sent.placements.length, 28)
    assert.deepEqual(sent.segments?.[0], {
      id: 'seg',
      interface: 'eth1',
      network: '10.0.0.0/24',
      gateway: '10.0.0.1',
      dhcpServers: [],
      exclusions: [{ range: '10.0.0.9', reason: 'cmdb', note: 'printer' }],
      quietS: 1800,
      quota: 28,
      dryRun: false,
      released: false,
    })
    const hosts = unfoldDecoys(sentDecoysConfig.parse(await desiredState(core, decoys))).decoys
    assert.equal(hosts.length, 28)
    assert.equal(
      new Set(
        hosts.map(({ secrets }) =>
          createHash('sha256')
            .update(secrets.rsa as string)
            .digest('hex'),
        ),
      ).size,
      28,
    )
    for (const { id, persona, organisation: of, seed, secrets, steps } of hosts.slice(0, 4)) {
      const planned = plan.segments[0]?.hosts.find(({ address }) => id === `seg-${address.replaceAll('.', '-')}`)
      const shown = drawPersona({ template: persona, organisation: of, seed, decoy: id, secrets, steps })
      assert.deepEqual([shown.mac, shown.hostname], [planned?.mac, planned?.hostname])
      assert.equal(seed, hostSeed(siteSecret(core), id, persona.id))
    }
    const keys = await core.sql<{ id: string; secrets: Buffer; idle: object }[]>`select id, secrets, idle from decoy order by id`
    const again = await applyTemplate(core, systemActor, { body: { text: text(28) } })
    assert.deepEqual([again.version, again.undrawn], [1, 0])
    const denser = await planTemplate(core, systemActor, { body: { text: text(40) } })
    assert.match(denser.steps.find(({ what }) => what === 'segment')?.detail ?? '', /40 hosts \(12 new, 0 changed, 0 removed\)/)
    await applyTemplate(core, systemActor, { body: { text: text(40) } })
    await drawMissing(core)
    assert.equal((await core.sql`select id from decoy where secrets is not null`).length, 40)
    await applyTemplate(core, systemActor, { body: { text: text(28) } })
    assert.deepEqual([...(await core.sql`select id, secrets, idle from decoy order by id`)], [...keys])
    await assert.rejects(
      planTemplate(core, systemActor, { body: { text: text(5).replace('name: small', 'name: other').replace('id: seg', 'id: mine') } }),
      /overlaps 10.0.0.0\/24 of segment 'seg' of template 'small'/,
    )
  } finally {
    await core.close()
  }
})
