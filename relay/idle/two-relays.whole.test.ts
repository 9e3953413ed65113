/** Two relays that were given the same addresses of one segment: they settle, and no address is ever two hosts. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import type { SegmentHealth } from '@shenlou/contract/segment'
import { hall, idle } from '../capture/driven-fixture.ts'
import { type CaptureProcess, startCapture } from '../capture/start.ts'
import { type Lan, type LanHost, noLan, openLan, until } from './lan-fixture.ts'

const skip = noLan()
const second = `sly${process.pid}`
const count = 20
let lan: Lan
let attacker: LanHost
const running: CaptureProcess[] = []

/** `first` keeps the MACs of the two apart. */
async function startOn(device: string, first: number) {
  const capture = await startCapture({ interfaces: [device], log: () => {} })
  running.push(capture)
  const seen = { health: undefined as SegmentHealth | undefined, kinds: [] as string[] }
  capture.onMessage((message) => {
    if (message.type === 'health') seen.health = message.segments[0]
    if (message.type === 'say') seen.kinds.push(message.draft.kind)
  })
  const hosts = Array.from({ length: count }, (_, nth) => idle(`10.77.0.${51 + nth}`, first + nth))
  capture.say({ type: 'want', segments: [hall(device, '10.77.0.0/24', { quietS: 2 })], hosts })
  return seen
}

before(() => {
  if (skip) return
  lan = openLan()
  lan.plugIn()
  attacker = lan.host('at', '10.77.0.10/24')
  spawnSync('ip', ['link', 'add', second, 'type', 'veth', 'peer', 'name', 'py', 'netns', lan.bridge])
  spawnSync('ip', ['-n', lan.bridge, 'link', 'set', 'py', 'master', 'br0', 'up'])
})
after(async () => {
  await Promise.all(running.map((capture) => capture.end()))
  if (skip) return
  spawnSync('ip', ['link', 'del', second])
  await lan.close()
})

test('the second asks, the first lets go of what it is asked for and is halted: each address has one MAC, and it stays so', { skip }, async () => {
  const one = await startOn(lan.interface, 1)
  await until('the first has them', () => one.health?.claimed === count)
  const two = await startOn(second, 1001)
  await until('the second has them', () => two.health?.claimed === count && one.health?.claimed === 0)
  assert.equal(one.health?.state, 'halted')
  assert.ok(one.kinds.includes('address.released') && one.kinds.includes('segment.halted'))
  const events = one.kinds.length + two.kinds.length
  for (let times = 0; times < 3; times++) {
    const { text } = attacker.run('arp-scan', '-q', '-x', '-r', '2', '-t', '300', '-i', '2', '-I', 'eth0', `10.77.0.51-10.77.0.${50 + count}`)
    const rows = text.trim().split('\n')
    assert.deepEqual([rows.length, new Set(rows.map((row) => row.split(/\s/)[0])).size], [count, count], text)
  }
  assert.equal(one.kinds.length + two.kinds.length, events, 'nothing more happened')
})
