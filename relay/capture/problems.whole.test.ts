/** What keeps a relay from answering is said in words that tell what to do. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { type Lan, type LanHost, noLan, openLan, until } from '../idle/lan-fixture.ts'
import { type Driven, drive, hall, idle } from './driven-fixture.ts'

const skip = noLan()
/** Whether this kernel makes interfaces for tags. */
const noVlan = skip || spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'link', 'lo', 'name', 'v7', 'type', 'vlan', 'id', '7']).status !== 0
let lan: Lan
let attacker: LanHost
const running: Driven[] = []
const start = (...settings: Parameters<typeof drive>): Driven => {
  const relay = drive(...settings)
  running.push(relay)
  return relay
}
const refused = async (...settings: Parameters<typeof drive>): Promise<string> => {
  const relay = start(...settings)
  assert.equal(await relay.exited, 2)
  return relay.of('refused')[0]?.text ?? ''
}

before(() => {
  if (skip) return
  lan = openLan()
  lan.plugIn()
  attacker = lan.host('at', '10.77.0.10/24')
})
after(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await lan?.close()
})

const nothing = { segments: [], hosts: [], tcp: [], udp: [] }

test('an interface that is not there is named', { skip }, async () => {
  assert.equal(await refused({ ...nothing, interfaces: ['slnothere'] }), "there is no interface slnothere here; 'ip link' lists them")
})

test('without root it says that root is needed only to start', { skip }, async () => {
  assert.match(
    await refused({ ...nothing, interfaces: [lan.interface] }, ['setpriv', '--reuid=64100', '--regid=64100', '--clear-groups']),
    /^--capture needs the relay to be started as root/,
  )
})

test('without its programs it names them and their packages', { skip }, async () => {
  const hide = [
    'unshare',
    '--mount',
    'sh',
    '-c',
    'f=$(mktemp); chmod 644 $f; for at in $(readlink -f /usr/sbin/nft /usr/bin/tcpdump); do mount --bind $f $at; done; rm $f; exec "$@"',
    'sh',
  ]
  assert.match(await refused({ ...nothing, interfaces: [lan.interface] }, hide), /^--capture needs nft, tcpdump; as root: apt-get install nftables tcpdump$/)
})

test('segments that cannot be had are failed with a reason, and the others answer', { skip }, async () => {
  lan.plugIn()
  const relay = start({
    interfaces: [lan.interface],
    segments: [
      hall(lan.interface),
      hall('eth9', '10.78.0.0/24', { id: 'elsewhere' }),
      hall(lan.interface, '10.77.0.128/25', { id: 'twice' }),
      hall(lan.interface, '10.79.0.0/24', { id: 'tagged', vlan: 7 }),
    ],
    hosts: [idle('10.77.0.51', 1)],
    tcp: [80],
    udp: [],
  })
  await until(
    'four segments',
    () => relay.of('health').at(-1)?.segments.length === 4 && relay.of('health').at(-1)?.segments[0]?.claimed === 1,
    15_000,
    () => JSON.stringify(relay.said.slice(-2)),
  )
  const { segments = [], problems = [] } = relay.of('health').at(-1) ?? {}
  const detail = (id: string): string => segments.find((segment) => segment.id === id)?.detail ?? ''
  assert.equal(detail('elsewhere'), `this relay was not given eth9; start it with --capture ${lan.interface},eth9`)
  assert.equal(detail('twice'), '10.77.0.128/25 overlaps 10.77.0.0/24 of segment hall; give it a relay of its own')
  if (noVlan) assert.match(detail('tagged'), /^the kernel refused an interface for tag 7 on \S+; it needs the module 8021q: /)
  assert.ok(problems.includes(`segment-failed twice ${detail('twice')}`))
  assert.equal(attacker.run('ping', '-n', '-c', '1', '-W', '2', '10.77.0.51').status, 0)
  assert.equal(await relay.end(), 0)
})

test("addresses of a gateway, a DHCP server, the network itself and others' networks are not claimed, whoever asks", { skip }, async () => {
  for (const address of ['10.77.0.1', '10.77.0.3', '10.77.0.0', '10.77.0.255', '10.78.0.5']) {
    lan.plugIn()
    const relay = start({
      interfaces: [lan.interface],
      segments: [hall(lan.interface, '10.77.0.0/24', { gateway: '10.77.0.1', dhcpServers: ['10.77.0.3'] })],
      hosts: [idle('10.77.0.51', 1), idle(address, 2)],
      tcp: [],
      udp: [],
    })
    await until('it is refused', () => relay.of('line').some(({ text }) => text.startsWith(`${address} is `)))
    assert.equal(await relay.end(), 0)
  }
})
