/** The rules of politeness one by one, then against owners that behave at random. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBody } from '@shenlou/contract/event'
import { addressText } from './addresses.ts'
import type { DhcpFrame } from './frames.ts'
import { type Bench, hostsOf, ip, office, openBench } from './politeness-fixture.ts'
import { politenessRules } from './rules.ts'

const owner = 0x0200_0000_00aa
const day = 86_400
const claimedTexts = (bench: Bench): string[] => [...bench.claimed].sort((a, b) => a - b).map(addressText)
const reasonsSaid = (bench: Bench, kind: 'address.refused' | 'address.released'): string[] =>
  bench.said(kind).flatMap((event) => ('reason' in event.body && 'count' in event.body ? [`${event.body.reason} ${event.body.count}`] : []))
const dhcp = (over: Partial<DhcpFrame>): DhcpFrame => ({
  kind: 'dhcp',
  etherFrom: owner,
  etherTo: 0xffffffffffff,
  vlan: undefined,
  source: 0,
  destination: 0xffffffff,
  from: 'client',
  message: 3,
  clientIp: 0,
  yourIp: 0,
  relayIp: 0,
  clientMac: owner,
  requestedIp: 0,
  serverId: 0,
  leaseS: 0,
  ...over,
})
const claimedBench = (count = 3, over: Parameters<typeof office>[0] = {}): Bench => {
  const bench = openBench(office(over), hostsOf('10.1.2.0/24', count, 10))
  bench.pass(62)
  assert.equal(bench.claimed.size, count)
  return bench
}

test('an address is claimed after its quiet time and a clean probe, and not a second before', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 3, 10))
  bench.pass(59)
  assert.equal(bench.claimed.size, 0)
  assert.deepEqual(reasonsSaid(bench, 'address.refused'), ['not-quiet 3'])
  bench.probes.length = 0
  bench.pass(3)
  assert.deepEqual(claimedTexts(bench), ['10.1.2.10', '10.1.2.11', '10.1.2.12'])
  assert.deepEqual(bench.probes.map(addressText), claimedTexts(bench), 'each was probed right before')
  const [event] = bench.said('address.claimed')
  assert.deepEqual(event?.body, {
    segment: 'office',
    hosts: hostsOf('10.1.2.0/24', 3, 10).map(({ address, mac, tcp }) => ({ address, mac, tcp })),
    quietS: 60,
  })
})

test('an address with an answered probe is not claimed, and the event names who answered', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 3, 10))
  bench.answers.set(ip('10.1.2.11'), owner)
  bench.pass(300)
  assert.deepEqual(claimedTexts(bench), ['10.1.2.10', '10.1.2.12'])
  const refused = bench.said('address.refused').find((event) => 'reason' in event.body && event.body.reason === 'probe-answered')
  assert.deepEqual(refused?.body, { segment: 'office', addresses: ['10.1.2.11'], count: 1, reason: 'probe-answered', by: '02:00:00:00:00:aa' })
})

for (const notice of ['arp', 'arp-probe', 'ip', 'probe', 'kernel'] as const)
  test(`a claimed address is let go at once when its owner shows himself (${notice})`, () => {
    const bench = claimedBench()
    bench.engine.seen(ip('10.1.2.11'), owner, notice, bench.now() + 40)
    bench.carry()
    assert.deepEqual(claimedTexts(bench), ['10.1.2.10', '10.1.2.12'])
    const [event] = bench.said('address.released')
    const reason = notice === 'probe' ? 'probe-answered' : 'owner-seen'
    assert.deepEqual(
      { ...event?.body, heldMs: 0 },
      { segment: 'office', addresses: ['10.1.2.11'], count: 1, reason, by: '02:00:00:00:00:aa', frame: notice, heldMs: 0 },
    )
    assert.equal(bench.engine.stateOf(ip('10.1.2.11')), 'yielded')
    bench.pass(3600)
    assert.deepEqual(claimedTexts(bench), ['10.1.2.10', '10.1.2.12'])
  })

test('a frame of an unclaimed address keeps it free for days, whatever its quiet time', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 2, 10))
  bench.pass(5)
  bench.engine.seen(ip('10.1.2.10'), owner, 'arp', bench.now())
  bench.pass(politenessRules.usedForS - 30, 20)
  assert.deepEqual(claimedTexts(bench), ['10.1.2.11'])
  bench.pass(600, 20)
  assert.deepEqual(claimedTexts(bench), ['10.1.2.10', '10.1.2.11'], 'then it is free, by several clean probes')
})

test('after its owner is long gone an address takes three clean probes in a row, a minute apart', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 1, 10), { rules: { usedForS: 100, sweepS: 1e6 } })
  bench.engine.seen(ip('10.1.2.10'), owner, 'arp', bench.now())
  bench.pass(99)
  bench.probes.length = 0
  bench.pass(60)
  assert.equal(bench.claimed.size, 0)
  bench.pass(65)
  assert.equal(bench.claimed.size, 1)
  assert.equal(bench.probes.length, 3)
})

test('each give-up doubles the time until an address is claimed again', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 1, 10), { rules: { usedForS: 1000, cleanAgain: 1 } })
  bench.pass(62)
  for (const factor of [2, 4, 8, 16, 32, 32]) {
    assert.equal(bench.claimed.size, 1)
    bench.engine.seen(ip('10.1.2.10'), owner, 'arp', bench.now())
    bench.carry()
    bench.pass(1000 * factor - 2)
    assert.equal(bench.claimed.size, 0, `not within ${factor} times`)
    bench.pass(5)
  }
  assert.equal(bench.claimed.size, 1)
})

test('who was asked to be free by a probe stays unclaimed for a day at least', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 1, 10))
  bench.pass(5)
  bench.engine.seen(ip('10.1.2.10'), owner, 'arp-probe', bench.now())
  bench.pass(day - 10, 10)
  assert.equal(bench.claimed.size, 0)
  bench.pass(300)
  assert.equal(bench.claimed.size, 1)
})

test('neighbours are told of the owner by his first own ARP, never while he still asks whether the address is free', () => {
  const bench = claimedBench()
  const at = ip('10.1.2.11')
  bench.engine.seen(at, owner, 'arp-probe', bench.now())
  bench.carry()
  bench.engine.dhcp(dhcp({ requestedIp: at }), bench.now())
  bench.engine.seen(at, owner, 'ip', bench.now())
  bench.carry()
  assert.deepEqual(bench.heals, [])
  bench.engine.seen(at, owner, 'arp', bench.now())
  bench.engine.seen(at, owner, 'arp', bench.now())
  bench.carry()
  assert.deepEqual(bench.heals, [{ address: at, mac: owner }])
})

test('an address nobody was answered for is not healed', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 1, 10))
  bench.engine.seen(ip('10.1.2.10'), owner, 'arp', bench.now())
  bench.engine.seen(ip('10.1.2.99'), owner, 'arp', bench.now())
  bench.carry()
  assert.deepEqual(bench.heals, [])
})

test('what was told of is never claimed, and its reason said: inventory before pool before list', () => {
  const exclusions = [
    { range: '10.1.2.10-10.1.2.12', reason: 'list' as const, note: '' },
    { range: '10.1.2.11/32', reason: 'cmdb' as const, note: '' },
    { range: '10.1.2.12-10.1.2.14', reason: 'dhcp-pool' as const, note: '' },
    { range: '10.1.0.0/30', reason: 'list' as const, note: 'elsewhere' },
  ]
  const bench = openBench(office({ exclusions }), hostsOf('10.1.2.0/24', 6, 10))
  bench.pass(10 * day, 20)
  assert.deepEqual(claimedTexts(bench), ['10.1.2.15'])
  assert.deepEqual(bench.engine.health(bench.now()).refused, { list: 1, cmdb: 1, 'dhcp-pool': 3 })
  assert.ok(!bench.probes.some((address) => address <= ip('10.1.2.14')), 'nor probed')
})

test('the gateway, the DHCP servers, the relay itself, network and broadcast address are never claimed', () => {
  const bench = openBench(office({ gateway: '10.1.2.1', dhcpServers: ['10.1.2.2', '10.9.9.9'] }), hostsOf('10.1.2.0/24', 256, 0))
  bench.engine.dhcp(dhcp({ from: 'server', message: 6, source: ip('10.1.2.3'), serverId: ip('10.1.2.4') }), bench.now())
  bench.pass(120)
  for (const tail of [0, 1, 2, 3, 4, 250, 255]) assert.ok(!bench.claimed.has(ip(`10.1.2.${tail}`)), `${tail}`)
  assert.equal(bench.claimed.size, 249)
  assert.deepEqual(bench.servers.map(addressText), ['10.1.2.3', '10.1.2.4'])
})

test('a DHCP server is learned from what its clients say to all, and known again after a restart', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 2, 10))
  bench.engine.dhcp(dhcp({ message: 3, requestedIp: ip('10.1.2.99'), serverId: ip('10.1.2.10') }), bench.now())
  bench.engine.dhcp(dhcp({ message: 3, requestedIp: ip('10.1.2.98'), serverId: ip('192.0.2.1') }), bench.now())
  bench.pass(70)
  assert.deepEqual(claimedTexts(bench), ['10.1.2.11'])
  assert.deepEqual(bench.servers.map(addressText), ['10.1.2.10', '192.0.2.1'])
  const again = openBench(office(), hostsOf('10.1.2.0/24', 2, 10), { saved: { text: bench.engine.save(bench.now(), 1e12), wallClock: 1e12 } })
  again.carry()
  assert.deepEqual(again.servers.map(addressText), ['10.1.2.10', '192.0.2.1'])
})

test('both addresses of a /31 can be hosts', () => {
  const bench = openBench(office({ network: '10.1.2.8/31' }), hostsOf('10.1.2.8/31', 2, 0))
  bench.pass(70)
  assert.equal(bench.claimed.size, 2)
})

test('a lease seen in any message ends a claim at once: asked for, offered, given, kept, declined', () => {
  const at = ip('10.1.2.11')
  const server = { from: 'server', source: ip('10.1.2.5'), yourIp: at } as const
  const messages: Partial<DhcpFrame>[] = [
    { message: 1, requestedIp: at },
    { message: 3, requestedIp: at },
    { message: 3, clientIp: at },
    { message: 4, requestedIp: at },
    { message: 7, clientIp: at },
    { ...server, message: 2 },
    { ...server, message: 5 },
  ]
  for (const message of messages) {
    const bench = claimedBench()
    bench.engine.dhcp(dhcp(message), bench.now())
    bench.carry()
    assert.ok(!bench.claimed.has(at), JSON.stringify(message))
    assert.deepEqual(reasonsSaid(bench, 'address.released'), ['dhcp-lease 1'])
  }
  const bench = claimedBench()
  bench.engine.dhcp(dhcp({ ...server, message: 6 }), bench.now())
  bench.carry()
  assert.equal(bench.claimed.size, 3, 'a refusal gives no address')
})

test('a lease that outlives the usual time keeps its address as long as it lasts', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 1, 10))
  bench.engine.dhcp(dhcp({ from: 'server', message: 5, source: ip('10.1.2.5'), yourIp: ip('10.1.2.10'), leaseS: 20 * day }), bench.now())
  bench.pass(20 * day - 100, 20)
  assert.equal(bench.claimed.size, 0)
  bench.pass(600, 20)
  assert.equal(bench.claimed.size, 1)
})

test('an address that is asked for is probed at once, claimed or not, and not again within seconds', () => {
  const bench = claimedBench()
  bench.pass(61)
  bench.probes.length = 0
  for (let times = 0; times < 5; times++) bench.engine.asked(ip('10.1.2.11'), bench.now())
  bench.carry()
  assert.deepEqual(bench.probes.map(addressText), ['10.1.2.11'])
  bench.pass(politenessRules.probeAgainS + 1)
  bench.answers.set(ip('10.1.2.11'), owner)
  bench.engine.asked(ip('10.1.2.11'), bench.now())
  bench.carry()
  assert.ok(!bench.claimed.has(ip('10.1.2.11')), 'a silent owner is found by it')

  const watching = openBench(office(), hostsOf('10.1.2.0/24', 1, 10), { rules: { sweepS: 1e6 } })
  watching.engine.asked(ip('10.1.2.10'), watching.now())
  watching.engine.asked(ip('10.1.2.77'), watching.now())
  watching.carry()
  assert.deepEqual(watching.probes.map(addressText), ['10.1.2.10'], 'nobody wants .77')
})

test('a scan that asks for everything is followed by probes within their rate', () => {
  const hosts = hostsOf('10.1.0.0/16', 5000, 300)
  const bench = openBench(office({ network: '10.1.0.0/16', quota: 65_536 }), hosts, { own: [], rules: { sweepS: 1e6 } })
  for (const { address } of hosts) bench.engine.asked(ip(address), bench.now())
  bench.carry()
  assert.equal(bench.probes.length, politenessRules.probesAtOnce)
  bench.pass(2)
  assert.ok(bench.probes.length <= politenessRules.probesAtOnce + 2 * politenessRules.probesPerS)
})

test('more than three give-ups in ten minutes stop new claims; those that stand stay; a day without one ends it', () => {
  const bench = openBench(office({ quota: 8 }), hostsOf('10.1.2.0/24', 20, 10))
  bench.pass(62)
  assert.equal(bench.claimed.size, 8)
  for (const tail of [10, 11, 12]) bench.engine.seen(ip(`10.1.2.${tail}`), owner + tail, 'arp', bench.now())
  bench.carry()
  assert.equal(bench.engine.health(bench.now()).state, 'claiming')
  bench.pass(5)
  assert.equal(bench.claimed.size, 8, 'others took their place')
  bench.engine.seen(ip('10.1.2.13'), owner, 'arp', bench.now())
  bench.carry()
  assert.deepEqual(bench.said('segment.halted')[0]?.body, { segment: 'office', giveUps: 4, windowMs: 600_000, addresses: ['10.1.2.10-10.1.2.13'] })
  bench.pass(day - 20, 10)
  assert.equal(bench.claimed.size, 7)
  assert.equal(bench.engine.health(bench.now()).state, 'halted')
  bench.pass(60)
  assert.deepEqual(bench.said('segment.resumed')[0]?.body, { segment: 'office', by: 'quiet' })
  assert.equal(bench.claimed.size, 8)
  for (const tail of [10, 11, 12, 13]) assert.ok(!bench.claimed.has(ip(`10.1.2.${tail}`)))
})

test('four give-ups in more than ten minutes halt nothing', () => {
  const bench = claimedBench(8)
  for (const tail of [10, 11, 12, 13]) {
    bench.engine.seen(ip(`10.1.2.${tail}`), owner + tail, 'arp', bench.now())
    bench.pass(210)
  }
  assert.deepEqual(bench.said('segment.halted'), [])
})

test('a halted segment goes on by hand', () => {
  const bench = claimedBench(8)
  for (const tail of [10, 11, 12, 13]) bench.engine.seen(ip(`10.1.2.${tail}`), owner + tail, 'arp', bench.now())
  bench.engine.resume(bench.now())
  bench.carry()
  assert.deepEqual(bench.said('segment.resumed')[0]?.body, { segment: 'office', by: 'hand' })
  assert.equal(bench.engine.health(bench.now()).state, 'claiming')
})

test('a power cut sweeps nothing in: owners who were ever seen keep their addresses though all are silent, and answer no probe', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 200, 1))
  for (let tail = 1; tail <= 100; tail++) bench.engine.seen(ip(`10.1.2.${tail}`), owner + tail, 'arp', bench.now())
  bench.pass(120)
  assert.equal(bench.claimed.size, 100)
  bench.pass(9 * day, 20)
  assert.equal(bench.claimed.size, 100)
  const again = openBench(office(), hostsOf('10.1.2.0/24', 200, 1), {
    saved: { text: bench.engine.save(bench.now(), 5e12), wallClock: 5e12 + 30 * day * 1000 },
  })
  again.pass(day - 200, 20)
  for (let tail = 1; tail <= 100; tail++) assert.ok(!again.claimed.has(ip(`10.1.2.${tail}`)), 'nor after the relay itself was off for a month')
})

test('what was not watched does not count as quiet', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 1, 10))
  bench.pass(30)
  bench.engine.blind(bench.now())
  bench.pass(400)
  assert.equal(bench.claimed.size, 0)
  bench.engine.sees(bench.now())
  bench.pass(25)
  assert.equal(bench.claimed.size, 0)
  bench.pass(10)
  assert.equal(bench.claimed.size, 1, 'after a short gap the quiet time goes on')

  const long = openBench(office(), hostsOf('10.1.2.0/24', 1, 10))
  long.pass(55)
  long.engine.blind(long.now())
  long.pass(700)
  long.engine.sees(long.now())
  long.pass(58)
  assert.equal(long.claimed.size, 0, 'after a long one it begins anew')
  long.pass(5)
  assert.equal(long.claimed.size, 1)

  const slept = openBench(office(), hostsOf('10.1.2.0/24', 1, 10))
  slept.pass(30)
  slept.pass(3600, 3600)
  slept.pass(50)
  assert.equal(slept.claimed.size, 0, 'nor does a machine that slept')
})

test('a blind watch claims nothing, however long an address was quiet before', () => {
  const bench = openBench(office(), [])
  bench.pass(300)
  bench.engine.blind(bench.now())
  bench.engine.update(office(), hostsOf('10.1.2.0/24', 2, 10), bench.now())
  bench.pass(60)
  assert.equal(bench.claimed.size, 0)
  bench.engine.sees(bench.now())
  bench.pass(2)
  assert.equal(bench.claimed.size, 2)
})

test('a restart remembers owners, give-ups, a halt and a release by hand, and goes on with quiet times after a short absence', () => {
  const before = claimedBench(8)
  for (const tail of [10, 11, 12, 13]) before.engine.seen(ip(`10.1.2.${tail}`), owner + tail, 'arp', before.now())
  before.carry()
  const text = before.engine.save(before.now(), 1e12)
  const after = openBench(office(), hostsOf('10.1.2.0/24', 8, 10), { saved: { text, wallClock: 1e12 + 20_000 } })
  assert.equal(after.engine.health(after.now()).state, 'halted')
  after.engine.resume(after.now())
  after.pass(2)
  assert.deepEqual(claimedTexts(after), ['10.1.2.14', '10.1.2.15', '10.1.2.16', '10.1.2.17'])
  after.engine.release(after.now())
  after.carry()
  assert.equal(after.claimed.size, 0)
  const third = openBench(office(), hostsOf('10.1.2.0/24', 8, 10), { saved: { text: after.engine.save(after.now(), 1e12), wallClock: 1e12 } })
  third.pass(200)
  assert.equal(third.claimed.size, 0)
  assert.equal(third.engine.health(third.now()).state, 'released')
  third.engine.resume(third.now())
  third.pass(200)
  assert.equal(third.claimed.size, 4)
  for (const wallClock of [1e12 + 3_600_000, 1e12 - 5000]) {
    const late = openBench(office(), hostsOf('10.1.2.0/24', 1, 20), { saved: { text, wallClock } })
    late.engine.resume(late.now())
    late.pass(58)
    assert.equal(late.claimed.size, 0, 'a long absence, or a clock that was set back: quiet times begin anew')
  }
})

test('whoever must not be forgotten is news at once; who is known already is not', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 2, 10))
  const told = [bench.engine.news]
  for (const act of [
    () => bench.engine.seen(ip('10.1.2.10'), owner, 'arp', bench.now()),
    () => bench.engine.seen(ip('10.1.2.10'), owner, 'arp', bench.now()),
    () => bench.engine.dhcp(dhcp({ message: 3, serverId: ip('10.1.2.77') }), bench.now()),
    () => bench.engine.release(bench.now()),
    () => bench.engine.resume(bench.now()),
    () => bench.pass(10),
  ]) {
    act()
    told.push(bench.engine.news)
  }
  const rises = told.slice(1).map((now, nth) => now > (told[nth] as number))
  assert.deepEqual(rises, [true, false, true, true, true, false])
})

test('a broken memory is no memory', () => {
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"network":"10.1.2.0/24"}',
    '{"network":"10.1.2.0/24","at":1,"watchedS":9,"quietSince":1,"released":false,"addresses":[[999999,1,1,1,1,1]]}',
  ]) {
    const bench = openBench(office(), hostsOf('10.1.2.0/24', 1, 10), { saved: { text, wallClock: 1 } })
    bench.pass(62)
    assert.equal(bench.claimed.size, 1)
  }
})

test('the quota holds, its surplus is said, and a smaller one lets the last go', () => {
  const bench = claimedBench(3, { quota: 3 })
  const more = openBench(office({ quota: 3 }), hostsOf('10.1.2.0/24', 10, 10))
  more.pass(120)
  assert.deepEqual(claimedTexts(more), ['10.1.2.10', '10.1.2.11', '10.1.2.12'])
  assert.deepEqual(more.engine.health(more.now()).refused, { quota: 7 })
  bench.engine.update(office({ quota: 1 }), hostsOf('10.1.2.0/24', 3, 10), bench.now())
  bench.carry()
  assert.deepEqual(claimedTexts(bench), ['10.1.2.10'])
  assert.deepEqual(reasonsSaid(bench, 'address.released'), ['quota 2'])
})

test('a new configuration lets go of what it removes, tells of, or makes another host', () => {
  const bench = claimedBench(6)
  const hosts = hostsOf('10.1.2.0/24', 5, 10).map((host) => (host.address === '10.1.2.12' ? { ...host, mac: '00:1b:1b:99:99:99' } : host))
  bench.engine.update(office({ exclusions: [{ range: '10.1.2.10', reason: 'cmdb', note: '' }] }), hosts, bench.now())
  bench.carry()
  assert.deepEqual(claimedTexts(bench), ['10.1.2.11', '10.1.2.13', '10.1.2.14'])
  assert.deepEqual(reasonsSaid(bench, 'address.released').sort(), ['cmdb 1', 'removed 2'])
  bench.pass(3)
  assert.deepEqual(claimedTexts(bench), ['10.1.2.11', '10.1.2.12', '10.1.2.13', '10.1.2.14'])
})

test('a release by the core ends everything, and taking it back begins again', () => {
  const bench = claimedBench(4)
  bench.engine.update(office({ released: true }), hostsOf('10.1.2.0/24', 4, 10), bench.now())
  bench.carry()
  assert.equal(bench.claimed.size, 0)
  bench.pass(100)
  assert.equal(bench.claimed.size, 0)
  bench.engine.update(office(), hostsOf('10.1.2.0/24', 4, 10), bench.now())
  bench.pass(3)
  assert.equal(bench.claimed.size, 4)
})

test('a stopped engine lets go of all and claims nothing more', () => {
  const bench = claimedBench(4)
  bench.engine.stop(bench.now())
  bench.carry()
  bench.pass(100)
  assert.equal(bench.claimed.size, 0)
  assert.deepEqual(reasonsSaid(bench, 'address.released'), ['stopped 4'])
})

test('a claim that the kernel refuses is not counted, and tried again', () => {
  const bench = claimedBench(2)
  bench.engine.notClaimed([ip('10.1.2.10')], bench.now())
  assert.equal(bench.engine.health(bench.now()).claimed, 1)
  bench.claimed.delete(ip('10.1.2.10'))
  bench.pass(30)
  assert.equal(bench.claimed.size, 1, 'not at every turn')
  bench.pass(40)
  assert.equal(bench.claimed.size, 2)
})

test('a dry run claims nothing and lists what it would, what not and why', () => {
  const bench = openBench(office({ dryRun: true, quota: 2, exclusions: [{ range: '10.1.2.10', reason: 'cmdb', note: '' }] }), hostsOf('10.1.2.0/24', 5, 10))
  bench.answers.set(ip('10.1.2.11'), owner)
  bench.engine.seen(ip('10.1.2.200'), owner + 1, 'arp', bench.now())
  bench.pass(100)
  assert.equal(bench.claimed.size, 0)
  assert.deepEqual(bench.said('address.claimed'), [])
  const { would, not, used } = bench.engine.survey(bench.now())
  assert.deepEqual(would, { addresses: ['10.1.2.12-10.1.2.13'], count: 2 })
  assert.deepEqual(
    not.map(({ reason, addresses }) => [reason, addresses]),
    [
      ['cmdb', ['10.1.2.10']],
      ['probe-answered', ['10.1.2.11']],
      ['quota', ['10.1.2.14']],
    ],
  )
  assert.deepEqual(
    used.map(({ address, mac }) => [address, mac]),
    [
      ['10.1.2.11', '02:00:00:00:00:aa'],
      ['10.1.2.200', '02:00:00:00:00:ab'],
    ],
  )
  assert.equal(bench.engine.health(bench.now()).state, 'dry-run')
  bench.engine.update(office({ quota: 2 }), hostsOf('10.1.2.0/24', 5, 10), bench.now())
  bench.pass(3)
  assert.equal(bench.claimed.size, 2)
})

test('our own frames that come back from a switch are no owner', () => {
  const bench = claimedBench(2)
  const [host] = hostsOf('10.1.2.0/24', 1, 10)
  bench.engine.seen(ip('10.1.2.10'), Number.parseInt((host?.mac ?? '').replaceAll(':', ''), 16), 'arp', bench.now())
  bench.engine.seen(ip('10.1.2.11'), 0x020000000001, 'arp', bench.now())
  bench.carry()
  assert.equal(bench.claimed.size, 2)
})

test('every event is one of the catalogue, however many addresses it tells of', () => {
  const hosts = hostsOf('10.1.0.0/16', 3000, 300).filter((_, nth) => nth % 2 === 0)
  const bench = openBench(office({ network: '10.1.0.0/16', quota: 65_536 }), hosts, { own: [] })
  bench.pass(90)
  for (const { address } of hosts.slice(0, 700)) bench.engine.seen(ip(address), owner, 'arp', bench.now())
  bench.carry()
  bench.engine.stop(bench.now())
  bench.carry()
  assert.ok(bench.said('address.claimed').length >= 6)
  for (const { kind, body } of bench.events) assert.deepEqual(checkBody(kind, body), { ok: true, known: true }, kind)
})

test('a network that is too wide is refused with a sentence that says what to do', () => {
  assert.throws(() => openBench(office({ network: '10.0.0.0/15' }), []), /10\.0\.0\.0\/15 has 131072 addresses; a segment has 65536 at most: divide it/)
})

test('a /16 takes little memory, and a frame the same time however many hosts are wanted', () => {
  const hosts = hostsOf('10.1.0.0/16', 65_534, 1)
  globalThis.gc?.()
  const before = process.memoryUsage()
  const bench = openBench(office({ network: '10.1.0.0/16', quota: 65_536 }), hosts, { own: [] })
  const after = process.memoryUsage()
  const bytes = after.arrayBuffers - before.arrayBuffers
  assert.ok(bytes <= 65_536 * 48, `${Math.round(bytes / 65_536)} bytes an address in tables`)
  const small = openBench(office(), hostsOf('10.1.2.0/24', 2, 10))
  const cost = (one: Bench, base: string): number => {
    const started = performance.now()
    for (let nth = 0; nth < 200_000; nth++) one.engine.seen(ip(base), owner, 'arp', one.now())
    return performance.now() - started
  }
  cost(small, '10.1.2.10')
  const ratio = cost(bench, '10.1.2.10') / cost(small, '10.1.2.10')
  assert.ok(ratio < 8, `${ratio.toFixed(1)} times the time of a frame among two hosts`)
})
