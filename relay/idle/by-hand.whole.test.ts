/** What a person does on the relay's own machine, with no core anywhere: let go of everything, take that back, look without answering. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { IdleHost, Segment } from '@shenlou/contract/segment'
import { askRelay, openControl } from '../control.ts'
import { type Captured, type Lan, type LanHost, noLan, openLan, until } from './lan-fixture.ts'

const skip = noLan()
const bin = join(import.meta.dirname, '../../bin/shenlou.js')
const host = (tail: number): IdleHost => ({
  segment: 'hall',
  address: `10.77.8.${tail}`,
  mac: `00:1b:1b:00:08:${tail.toString(16).padStart(2, '0')}`,
  tcp: 'linux',
  closed: 'reset',
})
const hosts = Array.from({ length: 20 }, (_, nth) => host(100 + nth))

let lan: Lan
let capture: Captured
let attacker: LanHost
let segment: Segment
let folder: string
let control: { close(): void }

const pings = (tail: number): boolean => attacker.run('ping', '-n', '-c', '1', '-W', '2', `10.77.8.${tail}`).status === 0

before(async () => {
  if (skip) return
  folder = mkdtempSync(join(tmpdir(), 'relay-'))
  lan = openLan()
  attacker = lan.host('at', '10.77.8.2/24')
  lan.host('plc', '10.77.8.101/24')
  segment = {
    id: 'hall',
    interface: lan.interface,
    network: '10.77.8.0/24',
    dhcpServers: [],
    exclusions: [],
    quietS: 1,
    quota: 256,
    dryRun: false,
    released: false,
  }
  capture = await lan.capture(segment, hosts)
  control = await openControl(folder, capture.process)
  await until(
    '19 addresses are claimed',
    () => capture.health()?.claimed === 19,
    15_000,
    () => JSON.stringify([capture.health(), capture.lines]),
  )
})
after(async () => {
  control?.close()
  await lan?.close()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

test('a dry run of a network lists what is used, what would be claimed, what not and why, and answers nothing', { skip }, () => {
  lan.host('sl', '10.77.8.30/24')
  const looker = lan.host('lo', '10.77.8.9/24')
  const { status, text } = looker.run(process.execPath, bin, 'relay', 'survey', '--capture', 'eth0', '--network', '10.77.8.0/24', '--seconds', '7')
  assert.equal(status, 0, text)
  assert.match(text, /^ {2}10\.77\.8\.30 +[0-9a-f:]{17} {2}probe, \d+ s ago$/m)
  assert.match(text, /^ {2}10\.77\.8\.101 +[0-9a-f:]{17} /m)
  assert.match(text, /^not, probe-answered: \d+$/m)
  assert.match(text, /^not, own-address: 3$/m, 'network, broadcast and the machine itself')
  assert.match(text, /^would be claimed: \d+$/m)
  assert.match(text, /^ {2}10\.77\.8\.31-10\.77\.8\.99$/m)
  assert.match(text, /^what cannot be seen:$/m)
  assert.doesNotMatch(text, /^ {2}10\.77\.8\.9 /m)
})

test('a release by hand ends every claim at once, stands against the configuration, and resume takes it back', { skip }, async () => {
  assert.ok(pings(105))
  assert.equal(statSync(join(folder, 'control')).mode & 0o777, 0o600)
  const started = Date.now()
  const answer = await askRelay(folder, { act: 'release' })
  assert.ok(Date.now() - started < 2000)
  assert.ok('segments' in answer && answer.segments[0]?.state === 'released' && answer.segments[0].claimed === 0, JSON.stringify(answer))
  assert.ok(!pings(105), 'who knew it meets silence')
  const event = capture.events.find(({ kind, body }) => kind === 'address.released' && 'reason' in body && body.reason === 'released')
  assert.equal((event?.body as { count?: number })?.count, 19)
  capture.want({ ...segment, quota: 100 }, hosts)
  await new Promise((resolve) => setTimeout(resolve, 2500))
  assert.equal(capture.health()?.state, 'released')
  assert.match(capture.saved.hall ?? '', /"released":true/)
  await askRelay(folder, { act: 'resume', segment: 'hall' })
  await until(
    'they are claimed again',
    () => (capture.health()?.claimed ?? 0) === 19,
    8000,
    () => JSON.stringify(capture.health()),
  )
  assert.ok(pings(106))
})

test('a running relay can be asked what it knows; a segment that it has not is named', { skip }, async () => {
  const answer = await askRelay(folder, { act: 'survey' })
  assert.ok('segments' in answer)
  assert.deepEqual(
    answer.segments[0]?.survey?.used.map(({ address }) => address).filter((address) => address === '10.77.8.101'),
    ['10.77.8.101'],
  )
  assert.deepEqual(await askRelay(folder, { act: 'release', segment: 'nowhere' }), { failed: 'this relay has no segment nowhere' })
})

test('where no relay runs the command says so in one line', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'relay-'))
  try {
    await assert.rejects(askRelay(empty, { act: 'release' }), /^Error: no relay with --capture runs on .*; nothing is answered for it then$/)
  } finally {
    rmSync(empty, { recursive: true, force: true })
  }
})
