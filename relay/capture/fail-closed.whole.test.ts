/** Whatever is killed, stopped or flushed: an address that is not claimed is answered by nobody. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { type Lan, type LanHost, noLan, openLan, until } from '../idle/lan-fixture.ts'
import type { Drive } from './driver-fixture.ts'
import { type Driven, drive, hall, idle } from './driven-fixture.ts'
import { stepNames } from './steps.ts'

const skip = noLan()
let lan: Lan
let attacker: LanHost
/** What the relay runs on; its own rules are flushed here. */
let machine: LanHost
let within: string[]
const address = (tail: number): string => `10.77.0.${tail}`
const hosts = Array.from({ length: 5 }, (_, nth) => idle(address(51 + nth), 1 + nth))
const running: Driven[] = []

/** Who answers ARP for anything of the network, asked twice. */
const answering = (): string[] =>
  attacker
    .run('arp-scan', '-q', '-x', '-r', '2', '-t', '150', '-b', '1', '-i', '1', '-I', 'eth0', `${address(40)}-${address(70)}`)
    .text.trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(/\s/)[0] ?? '')
    .sort()
const claimed = hosts.map((host) => host.address)
const pings = (target: string): boolean => attacker.run('ping', '-n', '-c', '1', '-W', '2', target).status === 0

async function start(more: Partial<Drive> = {}): Promise<Driven> {
  lan.plugIn()
  spawnSync('ip', ['link', 'set', lan.interface, 'netns', within[3] ?? ''])
  const relay = drive({ interfaces: [lan.interface], segments: [hall(lan.interface)], hosts, tcp: [80], udp: [], ...more }, within)
  running.push(relay)
  await until(
    'capture runs',
    () => relay.of('ready').length > 0,
    10_000,
    () => JSON.stringify(relay.said),
  )
  return relay
}

before(() => {
  if (skip) return
  lan = openLan()
  attacker = lan.host('at', '10.77.0.10/24')
  machine = lan.host('ma')
  within = ['ip', 'netns', 'exec', machine.run('ip', 'netns', 'identify').text.trim()]
})
after(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all(running.map(({ exited }) => exited))
  await lan?.close()
})

for (const [nth, step] of stepNames.entries())
  test(`killed or held after the step '${step}', nobody answers for anything`, { skip }, async () => {
    const relay = await start({ pauseAfter: step })
    await until('that step', () => relay.of('step').at(-1)?.name === step)
    assert.deepEqual(answering(), [])
    if (nth % 2 === 0) process.kill(relay.capturePid(), 'SIGKILL')
    else relay.child.kill('SIGKILL')
    await relay.exited
    assert.deepEqual(answering(), [])
  })

test('a flush of the rules of the machine, and a reload of its own, change nothing', { skip }, async () => {
  const relay = await start()
  await relay.claimed(hosts.length)
  assert.deepEqual(answering(), claimed)
  assert.equal(machine.run('nft', 'flush', 'ruleset').status, 0)
  assert.deepEqual(answering(), claimed)
  const reloaded = machine.run(
    'sh',
    '-c',
    'printf "flush ruleset\\ntable inet filter { chain input { type filter hook input priority 0; policy accept; }; }\\n" | nft -f -',
  )
  assert.equal(reloaded.status, 0, reloaded.text)
  assert.deepEqual(answering(), claimed)
  assert.equal(await relay.end(), 0)
  assert.deepEqual(answering(), [])
  assert.match(machine.run('ip', 'link', 'show', lan.interface).text, /state DOWN/, 'the machine has its interface back')
})

test('when capture is killed the relay says so and ends, and who has a MAC meets silence', { skip }, async () => {
  const relay = await start()
  await relay.claimed(hosts.length)
  assert.ok(pings(address(51)))
  process.kill(relay.capturePid(), 'SIGKILL')
  assert.equal(await relay.exited, 3)
  assert.match(relay.of('ended')[0]?.text ?? '', /the capture process is gone: /)
  await until('silence', () => !pings(address(51)), 3000)
  assert.deepEqual(answering(), [])
})

test('when the relay is killed capture ends with it', { skip }, async () => {
  const relay = await start()
  await relay.claimed(hosts.length)
  assert.ok(pings(address(52)))
  const capture = relay.capturePid()
  relay.child.kill('SIGKILL')
  await relay.exited
  await until('capture is gone', () => spawnSync('kill', ['-0', String(capture)]).status !== 0, 3000)
  await until('silence', () => !pings(address(52)), 3000)
  assert.deepEqual(answering(), [])
})
