/** A relay with a single interface: it stays the machine's own, and single addresses are claimed beside it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Lan, type LanHost, noLan, openLan, until } from '../idle/lan-fixture.ts'
import { type Driven, drive, hall, idle } from './driven-fixture.ts'

const skip = noLan()
let lan: Lan
let attacker: LanHost
let machine: LanHost
let relay: Driven
const address = (tail: number): string => `10.77.0.${tail}`
const hosts = [idle(address(51), 1), idle(address(52), 2, { tcp: 'windows' })]
const pings = (target: string): boolean => attacker.run('ping', '-n', '-c', '1', '-W', '2', target).status === 0
const answering = (): string[] =>
  attacker
    .run('arp-scan', '-q', '-x', '-r', '3', '-t', '200', '-b', '1', '-i', '1', '-I', 'eth0', `${address(1)}-${address(70)}`)
    .text.trim()
    .split('\n')
    .map((line) => line.split(/\s/).slice(0, 2).join(' '))
    .sort()
const own = (): string => `${address(2)} ${machine.mac}`
const routes = (): string => machine.run('ip', 'route', 'show', 'table', 'local', 'proto', '199').text
const start = async (): Promise<Driven> => {
  const name = machine.run('ip', 'netns', 'identify').text.trim()
  relay = drive({ interfaces: ['eth0'], segments: [hall('eth0')], hosts, tcp: [80], udp: [161] }, ['ip', 'netns', 'exec', name])
  await relay.claimed(hosts.length)
  return relay
}

before(() => {
  if (skip) return
  lan = openLan()
  attacker = lan.host('at', `${address(10)}/24`)
  machine = lan.host('ma', `${address(2)}/24`)
  machine.run('ip', 'route', 'add', 'default', 'via', address(10))
})
after(async () => {
  relay?.child.kill('SIGKILL')
  await lan?.close()
})

test('it is found out and said, and claims are hosts of their own beside the machine', { skip }, async () => {
  await start()
  assert.equal(relay.of('ready')[0]?.shared, true)
  assert.match(relay.of('line')[0]?.text ?? '', /^eth0 stays this machine's own interface/)
  assert.match(relay.of('health').at(-1)?.problems[0] ?? '', /^capture-shared eth0 /)
  assert.deepEqual(answering(), [own(), ...hosts.map(({ address: ip, mac }) => `${ip} ${mac}`)])
  assert.deepEqual(routes().trim().split('\n').length, 2)
  for (const { address: ip } of hosts)
    assert.match(attacker.run('curl', '-s', '-m', '5', `http://${ip}/`).text, new RegExp(`I am ${ip}:80, you are 10\\.77\\.0\\.10:`))
})

test('what the machine listens on is reached at its own address, and not at a claimed one', { skip }, async () => {
  const server = machine.start('python3', '-m', 'http.server', '8080', '--bind', '0.0.0.0')
  const status = (target: string): number | null => attacker.run('curl', '-s', '-o', '/dev/null', '-m', '5', `http://${target}:8080/`).status
  await until('the server is up', () => status(address(2)) === 0)
  assert.equal(status(address(51)), 7)
  server.kill('SIGKILL')
  assert.ok(pings(address(2)))
})

test('who flushes the rules of the machine has the routes gone within two seconds, and the relay ends and says why', { skip }, async () => {
  assert.equal(machine.run('nft', 'flush', 'ruleset').status, 0)
  await until('the routes are gone', () => routes() === '', 2000)
  assert.equal(await relay.exited, 3)
  assert.match(relay.of('ended')[0]?.text ?? '', /rules of capture were taken away, as by a reload of nftables/)
  assert.deepEqual(answering(), [own()])
})

test('killed, it leaves no route and no table behind', { skip }, async () => {
  await start()
  assert.ok(pings(address(51)))
  process.kill(relay.capturePid(), 'SIGKILL')
  relay.child.kill('SIGKILL')
  await relay.exited
  await until('the routes are gone', () => routes() === '', 3000)
  await until('the tables are gone', () => !machine.run('nft', 'list', 'tables').text.includes('shenlou'), 3000)
  assert.deepEqual(answering(), [own()])
  assert.ok(pings(address(2)))
})

test('ended in order, it leaves nothing either', { skip }, async () => {
  await start()
  assert.ok(pings(address(52)))
  assert.equal(await relay.end(), 0)
  assert.equal(routes(), '')
  assert.ok(!machine.run('nft', 'list', 'tables').text.includes('shenlou'))
  assert.deepEqual(answering(), [own()])
})
