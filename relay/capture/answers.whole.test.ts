/** What neighbours see of idle addresses that are claimed: hosts of their own, with what they offer and nothing else. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type Lan, type LanHost, noLan, openLan, until } from '../idle/lan-fixture.ts'
import { type Driven, drive, hall, idle } from './driven-fixture.ts'
import { captureUser, relayUser } from './privilege.ts'

const skip = noLan()
let lan: Lan
let attacker: LanHost
let relay: Driven
const address = (tail: number): string => `10.77.0.${tail}`
const [linux, windows, device, silent] = [address(51), address(52), address(53), address(54)]
const hosts = [
  idle(linux, 1),
  idle(windows, 2, { tcp: 'windows' }),
  idle(device, 3, { tcp: 'embedded' }),
  idle(silent, 4, { closed: 'silent' }),
  ...Array.from({ length: 60 }, (_, nth) => idle(address(100 + nth), 100 + nth)),
]
const pings = (of: LanHost, target: string, count = 1): string => of.run('ping', '-n', '-c', String(count), '-W', '2', target).text

before(async () => {
  if (skip) return
  lan = openLan()
  lan.plugIn()
  attacker = lan.host('at', '10.77.0.10/24')
  relay = drive({
    interfaces: [lan.interface],
    segments: [hall(lan.interface, '10.77.0.0/24', { dhcpServers: [address(3)] })],
    hosts,
    tcp: [22, 80],
    udp: [161],
  })
  await relay.claimed(hosts.length)
  await until('every UDP socket is there', () => relay.of('datagrams').at(-1)?.sockets === hosts.length)
})
after(async () => {
  await relay?.end()
  await lan?.close()
})

test('a first request for an address stays unanswered, a repeat within 15 s is answered with the MAC of that host', { skip }, () => {
  const once = attacker.run('arping', '-c', '1', '-w', '1', '-I', 'eth0', address(159))
  assert.match(once.text, /Received 0 response/)
  const twice = attacker.run('arping', '-c', '1', '-w', '1', '-I', 'eth0', address(159))
  assert.match(twice.text.toLowerCase(), new RegExp(hosts.at(-1)?.mac ?? '-'))
})

test('64 claims are 64 hosts to arp-scan, with a MAC each, and no address beside them answers', { skip }, () => {
  const rows = attacker
    .run('arp-scan', '-q', '-x', '-r', '3', '-t', '300', '-i', '2', '-I', 'eth0', '10.77.0.0/24')
    .text.trim()
    .split('\n')
    .map((line) => line.split(/\s+/))
  assert.deepEqual(new Map(rows.map(([ip, mac]) => [ip, mac])), new Map(hosts.map(({ address: ip, mac }) => [ip, mac])))
})

test('a listener is reached with the true source and the address that was dialled', { skip }, async () => {
  for (const target of [linux, windows, device, silent]) {
    const { text } = attacker.run('curl', '-s', '-m', '5', `http://${target}/`)
    const [, at, you] = /^I am (\S+), you are (\S+)$/m.exec(text) ?? []
    assert.equal(at, `${target}:80`)
    assert.match(you ?? '', /^10\.77\.0\.10:\d+$/)
    const said = () => relay.of('connection').find(({ source }) => source === you)
    await until('the relay tells of it', () => said() !== undefined)
    const seen = said()
    assert.equal(seen?.placement, `tcp ${target}:80`)
  }
})

test('nmap -sS sees exactly the offered ports: closed where the host resets, filtered where it is silent', { skip }, () => {
  const { text } = attacker.run('nmap', '-n', '-sS', '-T4', '--max-retries', '1', '-p', '1-400', '--reason', linux, silent)
  const [first = '', second = ''] = text.split(`report for ${silent}`)
  for (const part of [first, second])
    assert.deepEqual(
      part.match(/^\d+\/tcp\s+open/gm)?.map((line) => line.split('/')[0]),
      ['22', '80'],
    )
  assert.match(first, /398 closed tcp ports \(reset\)/)
  assert.match(second, /398 filtered tcp ports \(no-response\)/)
})

test('closed ports that were asked for are told, with who asked for what', { skip }, async () => {
  const rows = (): string[] => relay.of('scanned').flatMap((said) => said.rows.map((row) => `${row.source} ${row.address} ${row.transport} ${row.port}`))
  const closed = (): number => new Set(rows().filter((row) => row.includes(' tcp '))).size
  await until('all 796 rows', () => closed() >= 796)
  assert.equal(closed(), 796)
  assert.ok(rows().includes(`10.77.0.10 ${linux} tcp 23`))
  assert.ok(!rows().includes(`10.77.0.10 ${linux} tcp 22`))
})

test('a UDP service answers from the address that was asked; a closed UDP port is unreachable, or silent', { skip }, () => {
  // A connected socket takes nothing from anybody else.
  const ask = (target: string, port: number): string =>
    attacker.run(
      'python3',
      '-c',
      `import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.settimeout(2)\ns.connect(("${target}",${port}))\ns.send(b"x")\ntry:\n print(s.recv(99).decode())\nexcept Exception as e: print(type(e).__name__)`,
    ).text
  for (const target of [windows, address(120)]) assert.match(ask(target, 161), new RegExp(`I am ${target}:161`))
  assert.match(ask(linux, 500), /ConnectionRefusedError/)
  assert.match(ask(silent, 500), /timeout/i)
})

test('each class has its TTL, window and options', { skip }, async () => {
  const watch = attacker.start('timeout', '20', 'tcpdump', '-l', '-n', '-v', '-i', 'eth0', 'tcp[tcpflags] & (tcp-syn|tcp-ack) == (tcp-syn|tcp-ack)')
  let text = ''
  let ready = ''
  watch.stdout?.on('data', (bytes) => {
    text += bytes
  })
  watch.stderr?.on('data', (bytes) => {
    ready += bytes
  })
  await until('tcpdump listens', () => ready.includes('listening on'))
  for (const target of [linux, windows, device]) attacker.run('curl', '-s', '-m', '5', `http://${target}/`)
  const options = (target: string): [string, string] => [
    /ttl (\d+)/.exec(
      text
        .slice(0, text.indexOf(`${target}.80 >`))
        .split('IP (')
        .at(-1) ?? '',
    )?.[1] ?? '',
    /win (\d+), options \[(.*?)\]/
      .exec(text.slice(text.indexOf(`${target}.80 >`)))
      ?.slice(1)
      .join(' ') ?? '',
  ]
  await until('all three were seen', () => [linux, windows, device].every((target) => options(target)[1] !== ''))
  assert.match(options(linux).join(' '), /^64 \d+ mss 1460,sackOK,TS val \d+ ecr \d+,nop,wscale 7$/)
  assert.match(options(windows).join(' '), /^128 65535 mss 1460,nop,wscale 8,nop,nop,sackOK$/)
  assert.match(options(device).join(' '), /^64 10000 mss 1460,nop,wscale 0$/)
})

test('whoever asks whether an address is free is not answered, and hears nothing of it for a while', { skip }, () => {
  const target = address(130)
  assert.match(pings(attacker, target), / 1 received/)
  const probe = attacker.run('arping', '-D', '-c', '2', '-w', '2', '-I', 'eth0', target)
  assert.equal(probe.status, 0, probe.text)
  assert.match(pings(attacker, target), / 0 received/)
  assert.match(pings(attacker, address(131)), / 1 received/)
})

test('the first IP frame of an owner that sent no ARP silences its address', { skip }, async () => {
  const target = address(140)
  const other = hosts.find((host) => host.address === address(141))
  assert.match(pings(attacker, target), / 1 received/)
  const owner = lan.host('own')
  const plain = owner.run(
    'sh',
    '-c',
    `ip address add ${target}/24 dev eth0 noprefixroute; ip link set eth0 arp off; ip neigh replace ${other?.address} lladdr ${other?.mac} dev eth0; ip route add 10.77.0.0/24 dev eth0; ping -n -c 1 -W 1 ${other?.address}`,
  )
  assert.match(plain.text, /1 packets transmitted/)
  assert.match(pings(attacker, target), / 0 received/)
})

test('a DHCP server is never answered, neither by ARP nor where it has the MAC', { skip }, () => {
  const server = lan.host('dh', `${address(3)}/24`)
  assert.match(pings(server, linux, 3), / 0 received/)
  server.run('ip', 'neigh', 'replace', linux, 'lladdr', hosts[0]?.mac ?? '', 'dev', 'eth0')
  assert.match(pings(server, linux), / 0 received/)
})

test('a frame for one host to the MAC of another is answered by neither', { skip }, () => {
  attacker.run('ip', 'neigh', 'replace', address(150), 'lladdr', hosts[0]?.mac ?? '', 'dev', 'eth0')
  assert.match(pings(attacker, address(150)), / 0 received/)
  attacker.run('ip', 'neigh', 'del', address(150), 'dev', 'eth0')
})

test('capture holds two capabilities and can gain none; the relay holds none', { skip }, () => {
  const status = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8')
  const netAdminAndRaw = ((1n << 12n) | (1n << 13n)).toString(16).padStart(16, '0')
  const capture = status(relay.capturePid())
  for (const name of ['CapEff', 'CapPrm', 'CapBnd']) assert.match(capture, new RegExp(`${name}:\t${netAdminAndRaw}`))
  assert.match(capture, new RegExp(`Uid:\t${captureUser}\t${captureUser}`))
  assert.match(capture, /NoNewPrivs:\t1/)
  const own = status(relay.child.pid ?? 0)
  for (const name of ['CapEff', 'CapPrm', 'CapInh']) assert.match(own, new RegExp(`${name}:\t0000000000000000`))
  assert.match(own, new RegExp(`Uid:\t${relayUser}\t${relayUser}`))
})
