/** A packaged relay that captures: its executable, under its launcher, with the rights that its unit gives and no other. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { captureUser, relayUser } from '../relay/capture/privilege.ts'
import { madePackage, unpack } from './packages.ts'
import { openPark, type Park, use } from './park-fixture.ts'

const scenario = `kind: scenario
version: 1
name: park
title: { zh: 园区, en: Park }
scopes:
  - { path: group, name: { zh: 集团, en: Group } }
segments:
  - id: office
    name: { zh: 办公网段, en: Office segment }
    relay: park-relay
    scope: group
    interface: eth1
    network: 10.77.50.0/24
    gateway: 10.77.50.1
    exclude: [{ range: 10.77.50.2-10.77.50.15, reason: cmdb, note: servers }]
    quiet: { seconds: 4 }
    realHosts: 10
    mix:
      - persona: centos-7
        count: 3
        services: [{ service: portal, port: 80 }]
`

/** Capabilities and users of a process as the kernel has them, each thread's. */
function rights(pid: number) {
  const all = readdirSync(`/proc/${pid}/task`).map((task) => {
    const text = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')
    const row = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? ''
    return {
      uid: row('Uid'),
      held: row('CapPrm'),
      effective: row('CapEff'),
      inherited: row('CapInh'),
      ambient: row('CapAmb'),
      most: row('CapBnd'),
      fixed: row('NoNewPrivs'),
    }
  })
  assert.deepEqual(new Set(all.map((each) => JSON.stringify(each))).size, 1, JSON.stringify(all))
  return all[0] as (typeof all)[number]
}
const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' '))
    .filter((text) => text !== '')
    .map(Number)
const programOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()

describe('a packaged relay with capture', () => {
  let folder: string
  let park: Park
  let executable: string

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shenlou-packaged-'))
    chmodSync(folder, 0o755)
    const unpacked = unpack(await madePackage('relay'), folder)
    const root = join(folder, 'root')
    execFileSync(join(unpacked, 'install.sh'), ['--capture'], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', SHENLOU_ROOT: root } })
    const units = join(root, 'etc/systemd/system')
    const text = readFileSync(join(units, 'shenlou-relay.service'), 'utf8') + readFileSync(join(units, 'shenlou-relay.service.d/capture.conf'), 'utf8')
    const said = (name: string): string[] => [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].flatMap(([, names]) => (names ?? '').split(' '))
    assert.deepEqual([said('User'), said('AmbientCapabilities'), said('NoNewPrivileges')], [['root'], [], ['yes']])
    const most = said('CapabilityBoundingSet').map((name) => `+${name.slice(4).toLowerCase()}`)
    executable = join(root, 'opt/shenlou-relay/current/shenlou-relay')
    // As systemd starts it: User=root, this bounding set, nothing inheritable or ambient, no new privileges.
    park = await openPark({
      relay: (data) => [
        'setpriv',
        `--bounding-set=-all,${most.join(',')}`,
        '--inh-caps=-all',
        '--ambient-caps=-all',
        '--no-new-privs',
        '--',
        'env',
        'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
        `SHENLOU_DATA=${data}`,
        'SHENLOU_CAPTURE=eth1',
        join(root, 'opt/shenlou-relay/launcher'),
      ],
    })
  })
  after(async () => {
    await park?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('it starts its capture process from itself and carries who touches a claimed address', { timeout: 120_000 }, async () => {
    const [segment] = await park.plan(scenario)
    const addresses = segment?.hosts.map(({ address }) => address) ?? []
    assert.equal(addresses.length, 3)
    const attacker = park.lan.host('at', '10.77.50.2/24')
    await park.apply(scenario)
    await park.claimed(3)
    const { text } = await use(attacker, 'curl', '-sS', '-i', '--retry', '5', '--retry-all-errors', '--max-time', '10', `http://${addresses[0]}/touched`)
    assert.match(text, /^HTTP\/1\.1 \d+[\s\S]*^server: nginx/im)
    const event = await park.event('http.exchanged', (each) => JSON.stringify(each.body).includes('/touched'))
    assert.equal(event.source?.ip, '10.77.50.2')
  })

  test('the relay holds no capability once it is up, its capture process NET_ADMIN and NET_RAW and nothing else', () => {
    const none = '0000000000000000'
    // CAP_NET_ADMIN is 12, CAP_NET_RAW 13 (capabilities(7)).
    const two = ((1 << 12) | (1 << 13)).toString(16).padStart(16, '0')
    const launcher = park.process('relay').pid as number
    const relay = childrenOf(launcher).find((pid) => readlinkSync(`/proc/${pid}/exe`).endsWith('/shenlou-relay')) as number
    const { uid, held, effective, inherited, ambient, fixed } = rights(relay)
    assert.deepEqual(
      { uid, held, effective, inherited, ambient, fixed },
      { uid: Array(4).fill(relayUser).join('\t'), held: none, effective: none, inherited: none, ambient: none, fixed: '1' },
    )
    const within = childrenOf(relay).flatMap((pid) => childrenOf(pid))
    const capture = within.find((pid) => programOf(pid).endsWith('shenlou-relay capture')) as number
    assert.ok(capture, within.map(programOf).join('\n'))
    assert.equal(readFileSync(`/proc/${capture}/exe`).equals(readFileSync(executable)), true)
    const only = { uid: Array(4).fill(captureUser).join('\t'), held: two, effective: two, inherited: two, ambient: two, most: two, fixed: '1' }
    assert.deepEqual(rights(capture), only)
    const started = childrenOf(capture).filter((pid) => /^tcpdump /.test(programOf(pid)))
    assert.ok(started.length > 0)
    for (const pid of started) assert.equal(rights(pid).most, two)
  })
})
