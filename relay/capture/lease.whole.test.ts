/** A capture process that is held up answers no longer than its lease. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Lan, type LanHost, noLan, openLan, until } from '../idle/lan-fixture.ts'
import { type Driven, drive, hall, idle } from './driven-fixture.ts'

const skip = noLan()
let lan: Lan
let attacker: LanHost
let relay: Driven
const pings = (): boolean => attacker.run('ping', '-n', '-c', '1', '-W', '1', '10.77.0.51').status === 0

before(async () => {
  if (skip) return
  lan = openLan()
  lan.plugIn()
  attacker = lan.host('at', '10.77.0.10/24')
  relay = drive({ interfaces: [lan.interface], segments: [hall(lan.interface)], hosts: [idle('10.77.0.51', 1)], tcp: [80], udp: [] })
  await relay.claimed(1)
})
after(async () => {
  relay?.child.kill('SIGKILL')
  await lan?.close()
})

test('stopped, it is silent within 30 s, also to who has the MAC; going on, it begins anew', { skip }, async () => {
  await until('the address answers', pings)
  const capture = relay.capturePid()
  const stopped = performance.now()
  process.kill(capture, 'SIGSTOP')
  // For its cache to stay full.
  const neighbour = /lladdr (\S+)/.exec(attacker.run('ip', 'neigh', 'show', '10.77.0.51').text)?.[1] ?? ''
  assert.equal(neighbour, '00:00:bc:00:00:01')
  attacker.run('ip', 'neigh', 'replace', '10.77.0.51', 'lladdr', neighbour, 'dev', 'eth0', 'nud', 'permanent')
  assert.ok(pings())
  await until('silence', () => !pings(), 35_000)
  const silentAfter = performance.now() - stopped
  assert.ok(silentAfter < 33_000, `${silentAfter} ms`)
  process.kill(capture, 'SIGCONT')
  assert.equal(await relay.exited, 3)
  assert.match(relay.of('ended')[0]?.text ?? '', /lease/)
  assert.ok(!pings())
})
