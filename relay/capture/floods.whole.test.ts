/** Floods cost what they are bounded to: memory of both processes stays, a whole segment that is taken away halts it, and what stands goes on. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type Lan, type LanHost, noLan, openLan, until } from '../idle/lan-fixture.ts'
import { type Driven, drive, hall, idle } from './driven-fixture.ts'
import { arp, broadcast, ethernet, ipv4, syn } from './frames-fixture.ts'

const skip = noLan()
let lan: Lan
let attacker: LanHost
let relay: Driven
const hosts = Array.from({ length: 200 }, (_, nth) => idle(`10.77.0.${20 + nth}`, 1 + nth))
const mb = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
const state = () => relay.of('health').at(-1)?.segments[0]
const said = (): string[] => relay.of('line').map(({ text }) => text)

/** Sends frames again and again for so many seconds, as fast as it can, and with other bytes at `at` each time; resolves when it is over. */
function flood(frames: readonly Buffer[], at: readonly number[], seconds: number): Promise<unknown> {
  const script = `import os,socket,sys,time
s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW)
s.bind(("eth0",0))
frames=[bytearray.fromhex(line) for line in sys.argv[1].split()]
end=time.time()+${seconds}
while time.time()<end:
  for f in frames:
    r=os.urandom(${at.length})
    for i,a in enumerate([${at}]): f[a]=r[i]
    s.send(f)`
  const child = attacker.start('python3', '-c', script, frames.map((frame) => frame.toString('hex')).join(' '))
  return new Promise((resolve) => child.once('exit', resolve))
}

before(async () => {
  if (skip) return
  lan = openLan()
  lan.plugIn()
  attacker = lan.host('at', '10.77.0.10/24')
  relay = drive({ interfaces: [lan.interface], segments: [hall(lan.interface, '10.77.0.0/24', { quietS: 1 })], hosts, tcp: [80], udp: [], polite: true })
  await relay.claimed(hosts.length)
})
after(async () => {
  await relay?.end()
  await lan?.close()
})

test('a flood of connections from made-up sources grows neither process, and its ports answer after it', { skip }, async () => {
  const pids = [relay.capturePid(), relay.child.pid ?? 0]
  const before = pids.map(mb)
  // From beyond a router, with any source and source port; the checksum is wrong by that, which a watch does not ask.
  const frames = hosts.map(({ address, mac }) => ethernet(mac, attacker.mac, 0x800, ipv4('198.51.100.9', address, 6, syn('198.51.100.9', address, 80))))
  await flood(frames, [28, 29, 34, 35], 6)
  const grew = pids.map((pid, nth) => mb(pid) - (before[nth] ?? 0))
  assert.ok(
    grew.every((more) => more < 100),
    `MB: ${grew.map(Math.round).join(', ')}`,
  )
  assert.match(attacker.run('curl', '-s', '-m', '5', 'http://10.77.0.30/').text, /I am 10\.77\.0\.30:80/)
  assert.equal(state()?.claimed, hosts.length)
})

test('who says that he is everybody, with a new MAC each time, is let have it: the segment is halted, and little is kept or said of it', { skip }, async () => {
  const pids = [relay.capturePid(), relay.child.pid ?? 0]
  const before = pids.map(mb)
  const frames = hosts.map(({ address }) => ethernet(broadcast, attacker.mac, 0x806, arp({ mac: '02:00:00:00:00:00', ip: address, target: '10.77.0.10' })))
  const lines = said().length
  await flood(frames, [23, 24, 25, 26, 27], 4)
  await until('it is halted', () => state()?.state === 'halted' && state()?.claimed === 0)
  const grew = pids.map((pid, nth) => mb(pid) - (before[nth] ?? 0))
  assert.ok(
    grew.every((more) => more < 100),
    `MB: ${grew.map(Math.round).join(', ')}`,
  )
  assert.ok(
    said().length - lines < 20,
    said()
      .slice(lines, lines + 20)
      .join('\n'),
  )
})

test('a flood of made-up DHCP servers is told of in a few lines, and stands in its health', { skip }, async () => {
  const lines = said().length
  const message = Buffer.alloc(8 + 300)
  for (const [at, value] of [67, 68, message.length].entries()) message.writeUInt16BE(value, at * 2)
  message.writeUInt32BE(0x0201_0600, 8)
  message.writeUInt32BE(0x6382_5363, 8 + 236)
  Buffer.from('350102ff', 'hex').copy(message, 8 + 240)
  const frame = ethernet(broadcast, attacker.mac, 0x800, ipv4('10.99.0.1', '255.255.255.255', 17, message))
  await flood([frame], [28, 29], 2)
  await until(
    'it says so',
    () => /^\d+ DHCP servers answer here that the segment does not name: 10\.99\./.test(state()?.detail ?? ''),
    5000,
    () => JSON.stringify(state()),
  )
  assert.ok(said().length - lines < 20, `${said().length - lines} lines`)
})
