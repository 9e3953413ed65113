/** Frames that nobody should answer, and owners who hide: looked for on the relay's own port of the switch, where every frame that it sends is seen. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { addressText, macText } from '../idle/addresses.ts'
import { parseFrame, readPcap } from '../idle/frames.ts'
import { type Lan, type LanHost, noLan, openLan, until } from '../idle/lan-fixture.ts'
import { type Driven, drive, hall, idle } from './driven-fixture.ts'
import { arp, broadcast, ethernet, icmp, ipv4, send, syn, udp } from './frames-fixture.ts'

const skip = noLan()
let lan: Lan
let attacker: LanHost
let relay: Driven
let dump: ChildProcess
/** What the relay sent, in words. */
let sent: string[] = []
const address = (tail: number): string => `10.77.0.${tail}`
const hosts = Array.from({ length: 20 }, (_, nth) => idle(address(51 + nth), 1 + nth))
const macOf = (tail: number): string => hosts.find((host) => host.address === address(tail))?.mac ?? ''
const me = address(10)
const pings = (target: string, waitS = 1): boolean => attacker.run('ping', '-n', '-c', '1', '-W', String(waitS), target).status === 0

/** Everything that comes into this port of the switch. */
async function watchPort(bridge: string, port: string, onSent: (words: string) => void): Promise<ChildProcess> {
  const child = spawn('ip', ['netns', 'exec', bridge, 'tcpdump', '-i', port, '-Q', 'in', '-n', '-U', '--immediate-mode', '-Z', 'root', '-w', '-'])
  const stream = readPcap((bytes) => {
    const frame = parseFrame(bytes)
    if (!frame) return onSent(bytes.subarray(0, 32).toString('hex'))
    onSent(
      frame.kind === 'arp'
        ? `${macText(frame.etherFrom)} arp ${frame.operation} ${macText(frame.senderMac)} ${addressText(frame.senderIp)}`
        : `${macText(frame.etherFrom)} ip ${addressText(frame.source)}`,
    )
  })
  child.stdout.on('data', (bytes: Buffer) => stream.push(bytes))
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said += text
  })
  await until('tcpdump listens', () => said.includes('listening on'))
  return child
}
/** What it sends while `work` goes on, until a ping that it must answer has gone through after it. */
async function sentDuring(work: () => void): Promise<string[]> {
  await new Promise((resolve) => setTimeout(resolve, 50))
  sent = []
  work()
  const control = `${macOf(60)} ip ${address(60)}`
  send(attacker, [ethernet(macOf(60), attacker.mac, 0x800, ipv4(me, address(60), 1, icmp(8)))])
  await until('the last one is answered', () => sent.includes(control))
  return sent.filter((words) => words !== control)
}

before(async () => {
  if (skip) return
  lan = openLan()
  lan.plugIn()
  attacker = lan.host('at', `${me}/24`)
  dump = await watchPort(lan.bridge, lan.port, (words) => void sent.push(words))
  relay = drive({ interfaces: [lan.interface], segments: [hall(lan.interface, '10.77.0.0/24', { gateway: address(1) })], hosts, tcp: [80], udp: [161] })
  await relay.claimed(hosts.length)
})
after(async () => {
  await relay?.end()
  if (dump && dump.exitCode === null) {
    dump.kill('SIGINT')
    await once(dump, 'close')
  }
  await lan?.close()
})

test('until somebody asks, it sends nothing at all', { skip }, async () => {
  // Longer than the kernel waits before it looks for routers and joins groups.
  await new Promise((resolve) => setTimeout(resolve, 2500))
  assert.deepEqual(sent, [])
})

test('no frame is answered that is for an address which is not claimed, whatever its MAC, its tag and its options are', { skip }, async () => {
  assert.ok(pings(address(60), 3))
  const host = macOf(51)
  const frames: Buffer[] = []
  for (const target of [
    address(200),
    address(0),
    address(255),
    address(1),
    '255.255.255.255',
    '224.0.0.1',
    '224.0.0.251',
    '127.0.0.1',
    '198.51.100.7',
    address(52),
  ])
    for (const to of [host, broadcast, '01:00:5e:00:00:01'])
      for (const tag of ['', '81000000', '81000005'])
        for (const payload of [ipv4(me, target, 1, icmp(8)), ipv4(me, target, 6, syn(me, target, 80)), ipv4(me, target, 17, udp(5, 161))])
          frames.push(ethernet(to, attacker.mac, 0x800, payload, tag))
  for (const tag of ['', '81000000', '8100e000', '81000005', '88a80000', '88a80005', '88a8000581000006'])
    for (const target of [address(200), address(1), address(255)])
      for (let times = 0; times < 3; times++)
        for (const to of [broadcast, host]) frames.push(ethernet(to, attacker.mac, 0x806, arp({ mac: attacker.mac, ip: me, target }), tag))
  // For a claimed address, yet not as a host would be spoken to.
  const claimed = address(51)
  frames.push(
    ...['81000005', '88a80005', '88a8000581000006'].map((tag) => ethernet(host, attacker.mac, 0x800, ipv4(me, claimed, 1, icmp(8)), tag)),
    ethernet(broadcast, attacker.mac, 0x800, ipv4(me, claimed, 1, icmp(8))),
    ethernet('01:00:5e:00:00:33', attacker.mac, 0x800, ipv4(me, claimed, 6, syn(me, claimed, 80))),
    ethernet(macOf(52), attacker.mac, 0x806, arp({ mac: attacker.mac, ip: me, target: claimed })),
    ethernet(host, attacker.mac, 0x800, ipv4(me, claimed, 6, syn(me, claimed, 81), { options: `83070411${'4d00c8'}00` })),
    ethernet(host, attacker.mac, 0x800, ipv4(me, claimed, 1, icmp(8), { options: '8907040a4d00c800' })),
    ethernet(host, attacker.mac, 0x800, ipv4(me, claimed, 1, icmp(8), { fragment: 0x2000 })),
    ethernet(host, attacker.mac, 0x800, ipv4(me, claimed, 2, Buffer.from('1164eeff00000000', 'hex'))),
    ethernet(host, attacker.mac, 0x800, ipv4(me, claimed, 1, icmp(5, 1, '0a4d00c8450000140000000040060000'))),
    ethernet(host, attacker.mac, 0x800, ipv4(me, claimed, 99, Buffer.from('xxxxxxxx'))),
    ...['127.0.0.1', '255.255.255.255', '224.0.0.1', '0.0.0.0'].map((source) => ethernet(host, attacker.mac, 0x800, ipv4(source, claimed, 1, icmp(8)))),
    ethernet(host, attacker.mac, 0x806, arp({ operation: 8, mac: attacker.mac, ip: me, target: claimed, targetMac: host })),
    ethernet(host, attacker.mac, 0x806, arp({ operation: 2, mac: attacker.mac, ip: me, target: claimed, targetMac: host })),
    // Other protocols: RARP, LLDP, PPPoE, spanning tree, IPv6 with a query for groups, an advertisement of a router, an echo to all.
    ethernet(broadcast, attacker.mac, 0x8035, arp({ operation: 3, mac: attacker.mac, ip: '0.0.0.0', target: '0.0.0.0' })),
    ethernet('01:80:c2:00:00:0e', attacker.mac, 0x88cc, Buffer.from('020704000000000001040205310602007800', 'hex')),
    ethernet(broadcast, attacker.mac, 0x8863, Buffer.from('11090000000401010000', 'hex')),
    ethernet('01:80:c2:00:00:00', attacker.mac, 0x26, Buffer.from(`424203${'00'.repeat(35)}`, 'hex')),
    ...[`82000000${'00'.repeat(20)}`, '86000000400007080000000000000000', '8000f1d200010001'].map((message) =>
      ethernet(
        '33:33:00:00:00:01',
        attacker.mac,
        0x86dd,
        Buffer.from(
          `60000000${(message.length / 2).toString(16).padStart(4, '0')}3afffe80${'00'.repeat(6)}020000fffe000001ff02${'00'.repeat(13)}01${message}`,
          'hex',
        ),
      ),
    ),
  )
  assert.deepEqual(await sentDuring(() => send(attacker, frames, 0.5)), [])
})

test('an owner who speaks with a tag of priority alone silences his address; one in another VLAN does not', { skip }, () => {
  const owner = lan.host('own')
  // His frame would mend the cache of who asks: what is asked is whether the relay still answers.
  for (const tail of [53, 54, 55, 56]) attacker.run('ip', 'neigh', 'replace', address(tail), 'lladdr', macOf(tail), 'nud', 'permanent', 'dev', 'eth0')
  const speak = (tail: number, tag: string): void =>
    send(owner, [ethernet(broadcast, owner.mac, 0x806, arp({ mac: owner.mac, ip: address(tail), target: address(tail) }), tag)])
  for (const [tail, tag, stays] of [
    [53, '8100c000', false],
    [54, '88a80000', false],
    [55, '81000005', true],
  ] as const) {
    assert.ok(pings(address(tail)), tag)
    speak(tail, tag)
    assert.equal(pings(address(tail)), stays, tag)
  }
  assert.ok(pings(address(56)))
  send(owner, [ethernet(broadcast, owner.mac, 0x800, ipv4(address(56), '10.77.0.255', 17, udp(137, 137)), '8100c000')])
  assert.ok(!pings(address(56)))
})

test('an owner whose MAC is that of another decoy silences his address all the same', { skip }, () => {
  assert.ok(pings(address(57), 3))
  const owner = lan.host('tw')
  send(owner, [ethernet(broadcast, macOf(58), 0x806, arp({ mac: macOf(58), ip: address(57), target: address(57) }))])
  attacker.run('ip', 'neigh', 'replace', address(57), 'lladdr', macOf(57), 'dev', 'eth0')
  assert.ok(!pings(address(57)))
  attacker.run('ip', 'neigh', 'flush', 'all')
  assert.ok(pings(address(59), 3))
})

test('with two interfaces on one wire each answers for its own segment, after a first request; from start to end they send nothing else', {
  skip,
}, async () => {
  const second = openLan()
  const name = `slz${process.pid}`
  spawnSync('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', 'pz', 'netns', second.bridge])
  spawnSync('ip', ['-n', second.bridge, 'link', 'set', 'pz', 'master', 'br0', 'up'])
  second.plugIn()
  const asker = second.host('at', `${me}/16`)
  const all: string[] = []
  const watches = await Promise.all([second.port, 'pz'].map((port) => watchPort(second.bridge, port, (words) => void all.push(words))))
  const two = [idle(address(51), 1), { ...idle('10.77.1.51', 2), segment: 'yard' }]
  const segments = [hall(second.interface), { ...hall(name, '10.77.1.0/24'), id: 'yard' }]
  const both = drive({
    interfaces: [second.interface, name],
    segments,
    hosts: two,
    tcp: [80],
    udp: [],
  })
  try {
    const answers = (target: string): string => asker.run('arping', '-c', '1', '-w', '1', '-I', 'eth0', target).text.match(/Received (\d+)/)?.[1] ?? ''
    await until(
      'both are claimed',
      () =>
        both
          .of('health')
          .at(-1)
          ?.segments.filter(({ claimed }) => claimed === 1).length === 2,
    )
    for (const target of [address(51), '10.77.1.51']) assert.deepEqual([answers(target), answers(target)], ['0', '1'], target)
    assert.match(asker.run('curl', '-s', '-m', '5', `http://${address(51)}/`).text, /I am 10\.77\.0\.51/)
    assert.equal(await both.end(), 0)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const asHosts = new Set(two.flatMap(({ address: own, mac }) => [`${mac} ip ${own}`, `${mac} arp reply ${mac} ${own}`, `${mac} arp request ${mac} ${own}`]))
    assert.ok(all.length > 5)
    assert.deepEqual(
      all.filter((words) => !asHosts.has(words)),
      [],
    )
  } finally {
    for (const watch of watches) watch.kill('SIGKILL')
    both.child.kill('SIGKILL')
    await both.exited
    spawnSync('ip', ['link', 'del', name])
    await second.close()
  }
})

test('who is beyond the gateway is seen with the true source, and answered through the MAC of the gateway alone', { skip }, async () => {
  const gateway = lan.host('gw', `${address(1)}/24`)
  const far = lan.host('fa')
  const [gatewaySpace, farSpace] = [gateway, far].map((host) => host.run('ip', 'netns', 'identify').text.trim())
  spawnSync('ip', ['-n', gatewaySpace ?? '', 'link', 'add', 'far0', 'type', 'veth', 'peer', 'name', 'far0', 'netns', farSpace ?? ''])
  gateway.run('sh', '-c', 'ip address add 10.88.0.1/24 dev far0; ip link set far0 up; echo 1 > /proc/sys/net/ipv4/ip_forward')
  far.run('sh', '-c', 'ip link set eth0 down; ip address add 10.88.0.9/24 dev far0; ip link set far0 up; ip route add default via 10.88.0.1')
  const { text } = far.run('curl', '-s', '-m', '5', `http://${address(61)}/`)
  assert.match(text, /^I am 10\.77\.0\.61:80, you are 10\.88\.0\.9:\d+$/m)
  // Somebody else of the segment says that he is it.
  send(attacker, [ethernet(broadcast, attacker.mac, 0x806, arp({ mac: attacker.mac, ip: '10.88.0.9', target: '10.88.0.9' }))])
  assert.match(far.run('curl', '-s', '-m', '5', `http://${address(61)}/`).text, /you are 10\.88\.0\.9/)
  assert.equal(far.run('nmap', '-n', '-Pn', '-sT', '-p', '81', address(61)).text.match(/81\/tcp (\w+)/)?.[1], 'closed')
})
