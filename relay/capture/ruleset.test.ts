import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IdleHost, Segment } from '@shenlou/contract/segment'
import { vlanCommand, vlanDevice } from './devices.ts'
import { claimChange, offeredChange, rangesOf, renewLease, ruleset } from './ruleset.ts'
import { replyRoutes } from './steps.ts'

const host = (address: string, mac: string, more: Partial<IdleHost> = {}): [string, IdleHost] => [
  address,
  { segment: 'hall', address, mac, tcp: 'linux', closed: 'reset', ...more },
]
const segment = (more: Partial<Segment> = {}): Segment => ({
  id: 'hall',
  interface: 'eth1',
  network: '10.77.0.0/16',
  dhcpServers: [],
  exclusions: [],
  quietS: 3600,
  quota: 256,
  dryRun: false,
  released: false,
  ...more,
})
const device = { name: 'eth1', mac: '02:00:00:00:00:01', segments: [segment()] }

test('a whole network is one range, however its addresses come', () => {
  const all = Array.from({ length: 65_536 }, (_, nth) => `10.77.${((nth * 7919) % 65_536) >> 8}.${((nth * 7919) % 65_536) & 255}`)
  assert.deepEqual(rangesOf(all), [{ first: 0x0a_4d_00_00, last: 0x0a_4d_ff_ff }])
  assert.deepEqual(rangesOf(['10.0.0.3', '10.0.0.1', '10.0.0.2', '10.0.0.9']), [
    { first: 0x0a_00_00_01, last: 0x0a_00_00_03 },
    { first: 0x0a_00_00_09, last: 0x0a_00_00_09 },
  ])
})

test('the set of used addresses holds twice a network, so that no flood makes an owner be forgotten', () => {
  assert.match(ruleset({ table: 't', devices: [device], shared: false }), /set inuse \{ type ipv4_addr; size 131072;/)
})

test('what no rule names is dropped, both ways; on a shared interface it passes', () => {
  const policies = (shared: boolean): string[] => ruleset({ table: 't', devices: [device], shared }).match(/hook (?:in|e)gress .* policy \w+/g) ?? []
  assert.deepEqual(
    policies(false).map((line) => line.split(' ').at(-1)),
    ['drop', 'drop'],
  )
  assert.deepEqual(
    policies(true).map((line) => line.split(' ').at(-1)),
    ['accept', 'accept'],
  )
})

test('every rule that answers stands below the lease, and every set that silences above it', () => {
  const text = ruleset({ table: 't', devices: [device], shared: false })
  for (const chain of ['arp_in0', 'ip_in0', 'arp_out0', 'ip_out0']) {
    const rules = (text.split(`chain ${chain} {`)[1]?.split('\n  }')[0] ?? '').split('\n').map((line) => line.trim())
    const lease = rules.findIndex((rule) => /^[io]ifname != @lease drop$/.test(rule))
    assert.ok(lease > 0, chain)
    for (const [at, rule] of rules.entries()) {
      // A probe of ours and the healing of a stale entry answer for nobody.
      if (/ accept$/.test(rule) && !/0\.0\.0\.0 accept|arp saddr ether !=/.test(rule)) assert.ok(at > lease, `${chain}: ${rule}`)
      if (/@(inuse|probed|servers|leasing|leasing_far) drop$/.test(rule)) assert.ok(at < lease, `${chain}: ${rule}`)
    }
  }
})

test('a lease is renewed by deleting and adding in one transaction', () => {
  assert.equal(renewLease('t', ['eth1']), 'delete element netdev t lease { "eth1" }\nadd element netdev t lease { "eth1" timeout 30s }\n')
})

test('a change of claims touches what changed, and leaves another host of the same MAC alone', () => {
  const before = new Map([
    host('10.77.0.1', '02:00:00:00:00:0a'),
    host('10.77.0.2', '02:00:00:00:00:0a'),
    host('10.77.0.3', '00:1b:1b:00:00:03', { tcp: 'windows' }),
  ])
  const after = new Map([host('10.77.0.1', '02:00:00:00:00:0a'), host('10.77.0.3', '00:1b:1b:00:00:03', { tcp: 'windows', closed: 'silent' })])
  assert.equal(claimChange('t', before, before), '')
  const change = claimChange('t', before, after).split('\n')
  assert.ok(!change.some((line) => / \. 10\.77\.0\.1[ ,]/.test(line)))
  assert.ok(change.includes('add element ip t silent { 10.77.0.3 }'))
  assert.ok(change.includes('delete element netdev t mac { 10.77.0.2 : 02:00:00:00:00:0a, 10.77.0.3 : 00:1b:1b:00:00:03 }'))
  assert.ok(!change.some((line) => line.includes('10.77.0.1 :')))
})

test('offered ports change by what is new and gone', () => {
  assert.equal(
    offeredChange('t', new Set(['10.0.0.1 . tcp . 22']), new Set(['10.0.0.1 . udp . 161'])),
    'delete element ip t offered { 10.0.0.1 . tcp . 22 }\nadd element ip t offered { 10.0.0.1 . udp . 161 }\n',
  )
})

test('a tag of a trunk is an interface within it, whose frames pass the trunk to be judged there', () => {
  assert.deepEqual(vlanCommand('eth1', 20), ['link', 'add', 'link', 'eth1', 'name', 'eth1.20', 'type', 'vlan', 'id', '20'])
  assert.equal(vlanDevice('enp130s0f1np1', 4001), 'enp130s0f1.4001')
  const text = ruleset({
    table: 't',
    devices: [
      { name: 'eth1', mac: '02:00:00:00:00:01', segments: [], vlans: [20] },
      { name: 'eth1.20', mac: '02:00:00:00:00:01', segments: [segment({ vlan: 20 })] },
    ],
    shared: false,
  })
  const [trunk = '', tagged = ''] = text.split('chain in1 {')
  assert.match(trunk, /hook ingress device "eth1" priority 0; policy drop;\n {4}vlan id \{ 20 \} accept/)
  assert.ok(!trunk.includes('hook egress device "eth1" '))
  assert.match(tagged, /hook egress device "eth1\.20" /)
})

test('replies leave by the interface and the gateway of their segment, and the local table is asked after that', () => {
  const lines = replyRoutes([{ segment: segment({ gateway: '10.77.0.1' }), device: 'eth1' }])
  assert.equal(lines[0], 'rule add pref 100 lookup local')
  assert.equal(lines.at(-1), 'rule del pref 0')
  assert.ok(lines.includes('route add default via 10.77.0.1 dev eth1 onlink window 10000 table 1003'))
  assert.ok(lines.includes('rule add pref 8 iif lo from 10.77.0.0/16 lookup 1000'))
})
