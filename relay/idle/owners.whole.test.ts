/** Politeness on a real segment: owners come in every way that they do, and have their addresses. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { checkBody } from '@shenlou/contract/event'
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { IdleHost, Segment } from '@shenlou/contract/segment'
import { macNumber } from './addresses.ts'
import { parseFrame, readPcap } from './frames.ts'
import { type Captured, type Lan, type LanHost, noLan, openLan, until } from './lan-fixture.ts'

const skip = noLan()
const decoyMac = (tail: number): string => `00:1b:1b:00:07:${tail.toString(16).padStart(2, '0')}`
const address = (tail: number): string => `10.77.7.${tail}`
const host = (tail: number): IdleHost => ({ segment: 'hall', address: address(tail), mac: decoyMac(tail), tcp: 'linux', closed: 'reset' })
const tails = Array.from({ length: 60 }, (_, nth) => 100 + nth)

let lan: Lan
let capture: Captured
let attacker: LanHost
let plc: LanHost
let segment: Segment

const released = (): EventBody<'address.released'>[] =>
  capture.events.filter(({ kind }) => kind === 'address.released').map(({ body }) => body as EventBody<'address.released'>)
const releasedTo = (tail: number): EventBody<'address.released'> | undefined => released().find(({ addresses }) => addresses.includes(address(tail)))
const neighbour = (of: LanHost, tail: number): string => /lladdr (\S+)/.exec(of.run('ip', 'neigh', 'show', address(tail)).text)?.[1] ?? ''
const pings = (of: LanHost, tail: number, wait = 3): boolean => of.run('ping', '-n', '-c', '1', '-W', String(wait), address(tail)).status === 0

before(async () => {
  if (skip) return
  lan = openLan()
  attacker = lan.host('at', '10.77.7.2/24')
  // Powered for years, asked by nobody: it never sent a frame and answers ARP alone.
  plc = lan.host('plc', `${address(101)}/24`)
  segment = {
    id: 'hall',
    interface: lan.interface,
    network: '10.77.7.0/24',
    dhcpServers: [],
    exclusions: [{ range: address(102), reason: 'cmdb', note: '' }],
    quietS: 2,
    quota: 256,
    dryRun: false,
    released: false,
  }
  capture = await lan.capture(segment, tails.map(host))
  await until(
    '58 addresses are claimed',
    () => capture.health()?.claimed === 58,
    15_000,
    () => JSON.stringify([capture.health(), capture.lines]),
  )
})
after(async () => {
  await lan?.close()
})

test('a silent owner is found by the probe and never hijacked; what was told of is left alone', { skip }, () => {
  assert.deepEqual(capture.health()?.refused, { 'probe-answered': 1, cmdb: 1 })
  const refused = capture.events.filter(({ kind }) => kind === 'address.refused').map(({ body }) => body as EventBody<'address.refused'>)
  assert.ok(refused.some(({ reason, addresses, by }) => reason === 'probe-answered' && addresses[0] === address(101) && by === plc.mac))
  assert.ok(pings(attacker, 101))
  assert.equal(neighbour(attacker, 101), plc.mac)
  assert.ok(!pings(attacker, 102, 1))
  assert.equal(neighbour(attacker, 102), '')
})

test('an idle address answers as a host of its own', { skip }, () => {
  assert.ok(pings(attacker, 103))
  assert.equal(neighbour(attacker, 103), decoyMac(103))
})

test('arping -D gets no answer, and the address is let go of', { skip }, async () => {
  const newcomer = lan.host('dad')
  const { status, text } = newcomer.run('arping', '-D', '-c', '3', '-w', '3', '-I', 'eth0', address(104))
  assert.equal(status, 0, text)
  assert.match(text, /Received 0 (response|repl)/)
  await until('the event', () => releasedTo(104) !== undefined)
  assert.deepEqual(
    { ...releasedTo(104), heldMs: 0 },
    { segment: 'hall', addresses: [address(104)], count: 1, reason: 'owner-seen', by: newcomer.mac, frame: 'arp-probe', heldMs: 0 },
  )
  assert.ok(!pings(attacker, 104, 1))
})

test("a host that announces itself has its address at once, in everybody's cache", { skip }, async () => {
  assert.ok(pings(attacker, 105))
  assert.equal(neighbour(attacker, 105), decoyMac(105))
  const newcomer = lan.host('gar', `${address(105)}/24`)
  newcomer.run('arping', '-U', '-q', '-c', '1', '-w', '1', '-I', 'eth0', '-s', address(105), address(105))
  assert.ok(pings(attacker, 105, 1))
  assert.equal(neighbour(attacker, 105), newcomer.mac)
  await until('the event', () => releasedTo(105) !== undefined)
  assert.equal(releasedTo(105)?.by, newcomer.mac)
})

test('a host that takes its address in silence and then asks for another heals every cache that held the decoy', { skip }, async () => {
  assert.ok(pings(attacker, 106))
  assert.equal(neighbour(attacker, 106), decoyMac(106))
  const newcomer = lan.host('sil', `${address(106)}/24`)
  newcomer.run('ping', '-n', '-c', '1', '-W', '1', '10.77.7.99')
  await until(
    'the cache names the owner',
    () => neighbour(attacker, 106) === newcomer.mac,
    4000,
    () => `${neighbour(attacker, 106)} ${JSON.stringify(capture.lines)}`,
  )
  assert.ok(pings(attacker, 106, 1))
})

test('an owner who comes in silence and is asked for first answers for himself', { skip }, async () => {
  const newcomer = lan.host('qui', `${address(107)}/24`)
  assert.ok(pings(attacker, 107))
  assert.equal(neighbour(attacker, 107), newcomer.mac)
  await until('the probe that followed the question found him', () => releasedTo(107) !== undefined, 4000)
  assert.equal(releasedTo(107)?.reason, 'probe-answered')
})

test('a host that boots on a claimed address has it in under two seconds, with no packet answered after its first frame', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'idle-'))
  const file = join(folder, 'frames.pcap')
  try {
    const tail = 108
    assert.ok(pings(attacker, tail))
    const dump = attacker.start('tcpdump', '-i', 'eth0', '-n', '-U', '--immediate-mode', '-Z', 'root', '-w', file, 'arp', 'or', 'icmp')
    await new Promise<void>((resolve) => dump.stderr?.on('data', (text: Buffer) => String(text).includes('listening on') && resolve()))
    const flood = attacker.start('ping', '-n', '-q', '-i', '0.02', address(tail))
    const newcomer = lan.host('boo')
    const started = Date.now()
    // As ifup does: ask, take, announce.
    assert.equal(newcomer.run('arping', '-D', '-q', '-c', '1', '-w', '1', '-I', 'eth0', address(tail)).status, 0)
    newcomer.run('ip', 'address', 'add', `${address(tail)}/24`, 'dev', 'eth0')
    newcomer.start('arping', '-U', '-q', '-c', '1', '-w', '1', '-I', 'eth0', '-s', address(tail), address(tail))
    await until('the attacker reaches the newcomer', () => neighbour(attacker, tail) === newcomer.mac && pings(attacker, tail, 1), 4000)
    const took = Date.now() - started
    flood.kill('SIGINT')
    dump.kill('SIGINT')
    await new Promise((resolve) => dump.once('close', resolve))
    let firstFrame: number | undefined
    let answeredBefore = 0
    const answeredAfter: string[] = []
    const stream = readPcap((bytes, time) => {
      const frame = parseFrame(bytes)
      if (frame?.etherFrom === macNumber(newcomer.mac)) firstFrame ??= time
      const isOurs = frame?.etherFrom === macNumber(decoyMac(tail)) || (frame?.kind === 'arp' && frame.senderMac === macNumber(decoyMac(tail)))
      if (!isOurs) return
      if (firstFrame === undefined) answeredBefore += 1
      // What was on its way to the attacker while the frame was on its way to the relay.
      else if (time - firstFrame > 2) answeredAfter.push(`${frame.kind} ${(time - firstFrame).toFixed(1)} ms`)
    })
    stream.push(readFileSync(file))
    assert.ok(firstFrame !== undefined && answeredBefore > 0, 'the decoy did answer until then')
    assert.deepEqual(answeredAfter, [])
    assert.ok(took < 2000, `${took} ms`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a DHCP server that pings before it leases gives claimed addresses away, and its client has them', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'idle-'))
  chmodSync(folder, 0o777)
  try {
    const server = lan.host('dhs', '10.77.7.5/24')
    const client = lan.host('dhc')
    writeFileSync(
      join(folder, 'dhcpd.conf'),
      `authoritative; ping-check true; ping-timeout 1; default-lease-time 600;\nsubnet 10.77.7.0 netmask 255.255.255.0 { range ${address(120)} ${address(122)}; }\n`,
    )
    for (const name of ['dhcpd.leases', 'client.leases']) writeFileSync(join(folder, name), '')
    writeFileSync(join(folder, 'script'), `#!/bin/sh\n[ -n "$new_ip_address" ] && ip address replace $new_ip_address/24 dev $interface\nexit 0\n`, {
      mode: 0o755,
    })
    const daemon = server.start(
      'dhcpd',
      '-f',
      '-d',
      '-4',
      '-cf',
      join(folder, 'dhcpd.conf'),
      '-lf',
      join(folder, 'dhcpd.leases'),
      '-pf',
      join(folder, 'dhcpd.pid'),
      'eth0',
    )
    let said = ''
    daemon.stderr?.on('data', (text: Buffer) => {
      said += text
    })
    await until(
      'the server runs',
      () => said.includes('Server starting service'),
      5000,
      () => said,
    )
    // Somebody resolved the address a moment ago: the server's own request would be a repeat.
    const lease = client.run(
      'dhclient',
      '-4',
      '-1',
      '-v',
      '-sf',
      join(folder, 'script'),
      '-lf',
      join(folder, 'client.leases'),
      '-pf',
      join(folder, 'client.pid'),
      'eth0',
    )
    const given = /bound to 10\.77\.7\.(\d+)/.exec(lease.text)?.[1]
    client.run('sh', '-c', `kill $(cat ${join(folder, 'client.pid')})`)
    assert.ok(given, `${lease.text}\n${said}`)
    assert.ok(!/abandon/i.test(said), said)
    await until('the lease ended the claim', () => releasedTo(Number(given)) !== undefined)
    assert.equal(releasedTo(Number(given))?.reason, 'dhcp-lease')
    assert.ok(capture.lines.some((line) => line.includes('a DHCP server is at 10.77.7.5')))
    client.run('arping', '-U', '-q', '-c', '1', '-w', '1', '-I', 'eth0', '-s', address(Number(given)), address(Number(given)))
    assert.ok(pings(attacker, Number(given), 2))
    assert.equal(neighbour(attacker, Number(given)), client.mac)
    assert.ok(!pings(server, 130, 1), 'nor is a ping of the server answered for any other')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('so many owners at once halted new claims in the segment; those that stand go on', { skip }, async () => {
  await until('it is halted', () => capture.health()?.state === 'halted')
  assert.ok(capture.events.some(({ kind }) => kind === 'segment.halted'))
  // For a while after somebody asked for a lease nobody new is answered.
  await until('they answer', () => pings(attacker, 140))
  for (const { kind, body } of capture.events) assert.deepEqual(checkBody(kind, body), { ok: true, known: true }, JSON.stringify(body))
})

test('a first segment tells TTL, JA4T and MAC of whoever connects; a closed port that was asked for is told by the kernel', { skip }, async () => {
  attacker.run('sh', '-c', `timeout 2 bash -c '</dev/tcp/${address(141)}/445' || true`)
  await until('the SYN was seen', () => capture.syns.some(({ destination }) => destination.ip === address(141)))
  const syn = capture.syns.find(({ destination }) => destination.ip === address(141))
  assert.equal(syn?.source.ip, '10.77.7.2')
  assert.equal(syn?.destination.port, 445)
  const { ttl, hops, ja4t, mac } = syn?.observed ?? {}
  assert.deepEqual([ttl, hops, mac], [64, 0, attacker.mac])
  assert.match(String(ja4t), /^\d+_2-4-8-1-3_1460_\d+$/)
  await until(
    'the row',
    () => capture.rows.some(({ source, address: to, port, transport }) => source === '10.77.7.2' && to === address(141) && port === 445 && transport === 'tcp'),
    5000,
  )
})

test('what was seen is remembered by the next run, which claims none of it', { skip }, async () => {
  const given = released().flatMap(({ addresses }) => addresses)
  await capture.process.end()
  const again = await lan.capture(segment, tails.map(host), capture.saved)
  capture = again
  await until(
    'the memory was read',
    () => again.health()?.state === 'halted',
    8000,
    () => JSON.stringify(again.health()),
  )
  again.want({ ...segment, released: true }, tails.map(host))
  again.want(segment, tails.map(host))
  await until(
    'the rest is claimed',
    () => (again.health()?.claimed ?? 0) >= 58 - given.length - 3,
    15_000,
    () => JSON.stringify(again.health()),
  )
  for (const text of given) {
    const tail = Number(text.split('.')[3])
    assert.notEqual(neighbour(attacker, tail), decoyMac(tail))
  }
  assert.ok(pings(attacker, 150))
})

test('nothing stays behind: no rules, and nobody answers', { skip }, async () => {
  await capture.process.end()
  assert.ok(!spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' }).stdout.includes('shenlou'))
  assert.ok(!pings(attacker, 151, 1))
})
