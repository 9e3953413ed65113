/** A park's owners come back, its relay is killed, its rules are flushed: whoever an address belongs to has it, and what is not claimed is answered by nobody. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { LanHost } from '../relay/idle/lan-fixture.ts'
import { until } from './installation.ts'
import { dump, openPark, type Park, use } from './park-fixture.ts'
import { counts, hostsInAll, parkScenario } from './park-scenario.ts'

type Host = Awaited<ReturnType<Park['plan']>>[number]['hosts'][number]
/** What may be on its way to the attacker while an owner's first frame is on its way to the relay. */
const flightS = 0.002

describe('owners of addresses in a park', () => {
  let park: Park
  let attacker: LanHost
  let hosts: Host[]
  const own = { office: '10.77.40.2', production: '10.77.30.2' }
  const inOffice = (): Host[] => hosts.filter(({ address }) => !address.startsWith('10.77.30.'))
  const inProduction = (): Host[] => hosts.filter(({ address }) => address.startsWith('10.77.30.'))
  /** Real hosts by address. */
  const real = new Map<string, string>()
  /** Office hosts that no test has taken yet. */
  let next = 0
  const target = (): Host => inOffice()[next++] as Host
  const neighbour = (address: string): string => /lladdr (\S+)/.exec(attacker.run('ip', 'neigh', 'show', address).text)?.[1] ?? ''
  const pings = (address: string, wait = 2): boolean => attacker.run('ping', '-n', '-c', '1', '-W', String(wait), address).status === 0

  /** Who answers ARP for anything in either network: address and MAC. */
  async function answering(): Promise<Map<string, string>> {
    const rows = new Map<string, string>()
    for (const [range, from] of [
      ['10.77.40.0/23', own.office],
      ['10.77.30.0/24', own.production],
    ] as const) {
      const { text } = await use(attacker, 'arp-scan', '-q', '-x', '-r', '3', '-t', '300', '-i', '2', `--arpspa=${from}`, '-I', 'eth0', range)
      for (const line of text.trim().split('\n')) {
        const [ip = '', mac = ''] = line.split('\t')
        if (ip !== '') rows.set(ip, mac)
      }
    }
    return rows
  }
  const sorted = (rows: ReadonlyMap<string, string>): string[] => [...rows].map(([ip, mac]) => `${ip} ${mac}`).sort()
  const macsOf = (some: readonly Host[]): Map<string, string> => new Map([...some.map(({ address, mac }): [string, string] => [address, mac]), ...real])

  interface Taken {
    newcomer: LanHost
    /** From the first frame that bears the address to the first answer of its owner. */
    tookS: number
  }
  /** A host comes in some way to a claimed address, which somebody pings all the while. tcpdump at that somebody is the judge. */
  async function takes(host: Host, name: string, come: (newcomer: LanHost) => Promise<unknown> | unknown): Promise<Taken> {
    const { address, mac } = host
    assert.ok(pings(address) && neighbour(address) === mac, `${address} is claimed`)
    const wire = await dump(attacker, 'arp', 'or', 'icmp')
    const flood = attacker.start('ping', '-n', '-q', '-i', '0.02', address)
    const newcomer = park.lan.host(name)
    real.set(address, newcomer.mac)
    await come(newcomer)
    await until('the owner is reached', () => neighbour(address) === newcomer.mac && pings(address, 1), 6000).catch(() => {})
    flood.kill('SIGINT')
    const lines = await wire.stop()
    const bears = (text: string): boolean => text.startsWith(newcomer.mac) && new RegExp(`\\b${address.replaceAll('.', '\\.')}\\b`).test(text)
    const first = lines.find(({ text }) => bears(text))
    assert.ok(
      first,
      `no frame of ${newcomer.mac} bears ${address}:\n${lines
        .map(({ text }) => text)
        .slice(-20)
        .join('\n')}`,
    )
    const ours = lines.filter(({ text }) => text.startsWith(mac) || text.includes(`is-at ${mac}`))
    assert.ok(
      ours.some(({ at }) => at < first.at),
      'the decoy did answer until then',
    )
    assert.deepEqual(
      ours.filter(({ at }) => at > first.at + flightS).map(({ at, text }) => `${((at - first.at) * 1000).toFixed(1)} ms: ${text}`),
      [],
    )
    const reached = lines.find(({ at, text }) => at > first.at && text.startsWith(newcomer.mac) && text.includes('ICMP echo reply'))
    assert.ok(reached, 'the attacker never reached the owner')
    const released = await park.event<{ addresses: string[]; by?: string; reason: string }>('address.released', ({ body }) => body.addresses.includes(address))
    if (released.body.reason === 'owner-seen') assert.equal(released.body.by, newcomer.mac)
    return { newcomer, tookS: reached.at - first.at }
  }
  const announce = (newcomer: LanHost, { address }: Host): unknown =>
    newcomer.start('arping', '-U', '-q', '-c', '1', '-w', '1', '-I', 'eth0', '-s', address, address)
  const add = (newcomer: LanHost, { address }: Host): unknown => newcomer.run('ip', 'address', 'add', `${address}/23`, 'dev', 'eth0')

  before(async () => {
    park = await openPark()
    hosts = (await park.plan(parkScenario())).flatMap((segment) => segment.hosts)
    attacker = park.lan.host('at', `${own.office}/23`)
    attacker.run('ip', 'address', 'add', `${own.production}/24`, 'dev', 'eth0')
    await park.apply(parkScenario())
    await park.claimed(hostsInAll, 90_000)
  })
  after(async () => {
    await park?.close()
  })

  test('a flush of the rules of the machine, and a reload of its own, let nothing be answered that was not claimed', async () => {
    assert.equal(park.onRelayMachine('nft', 'flush', 'ruleset').status, 0)
    const own = 'flush ruleset\ntable inet filter { chain input { type filter hook input priority 0; policy accept; }; }\n'
    assert.equal(park.onRelayMachine('sh', '-c', `printf '${own}' | nft -f -`).status, 0)
    assert.deepEqual(sorted(await answering()), sorted(macsOf(hosts)))
    assert.equal(park.process('relay').exitCode, null)
  })

  test('who asks whether the address is free and takes it', async () => {
    const host = target()
    const { tookS } = await takes(host, 'dad', async (newcomer) => {
      const { status, text } = await use(newcomer, 'arping', '-D', '-c', '1', '-w', '1', '-I', 'eth0', host.address)
      assert.equal(status, 0, text)
      add(newcomer, host)
      announce(newcomer, host)
    })
    assert.ok(tookS < 2, `${tookS} s`)
  })

  test('who takes the address and announces it', async () => {
    const host = target()
    const { tookS } = await takes(host, 'gar', (newcomer) => {
      add(newcomer, host)
      announce(newcomer, host)
    })
    assert.ok(tookS < 2, `${tookS} s`)
  })

  test('who takes the address in silence and then asks for another', async () => {
    const host = target()
    const { tookS } = await takes(host, 'sil', (newcomer) => {
      add(newcomer, host)
      newcomer.start('ping', '-n', '-c', '1', '-W', '1', '10.77.41.254')
    })
    assert.ok(tookS < 2, `${tookS} s`)
  })

  test('who takes the address in silence and is asked for before it ever speaks', async () => {
    const host = target()
    const newcomer = park.lan.host('qui', `${host.address}/23`)
    real.set(host.address, newcomer.mac)
    assert.ok(pings(host.address))
    assert.equal(neighbour(host.address), newcomer.mac)
    const { body } = await park.event<{ addresses: string[]; reason: string }>('address.released', ({ body }) => body.addresses.includes(host.address))
    assert.equal(body.reason, 'probe-answered')
  })

  test('who is given the address by a DHCP server that pings before it leases', async () => {
    const host = target()
    const folder = mkdtempSync(join(park.folder, 'dhcp-'))
    chmodSync(folder, 0o777)
    const file = (name: string, text = '', mode = 0o644): string => {
      writeFileSync(join(folder, name), text, { mode })
      return join(folder, name)
    }
    const server = park.lan.host('dhs', '10.77.40.5/23')
    real.set('10.77.40.5', server.mac)
    const settings = file(
      'dhcpd.conf',
      `authoritative; ping-check true; ping-timeout 1; default-lease-time 600;\nsubnet 10.77.40.0 netmask 255.255.254.0 { range ${host.address}; }\n`,
    )
    const daemon = server.start('dhcpd', '-f', '-d', '-4', '-cf', settings, '-lf', file('dhcpd.leases'), '-pf', join(folder, 'dhcpd.pid'), 'eth0')
    let said = ''
    daemon.stderr?.on('data', (text: Buffer) => {
      said += text
    })
    await until('the DHCP server runs', () => said.includes('Server starting service'))
    const asked = await dump(server, 'arp', 'or', 'icmp')
    const script = file('script', '#!/bin/sh\n[ -n "$new_ip_address" ] && ip address replace $new_ip_address/23 dev $interface\nexit 0\n', 0o755)
    const pid = join(folder, 'client.pid')
    const { tookS } = await takes(host, 'dhc', async (newcomer) => {
      const lease = await use(newcomer, 'dhclient', '-4', '-1', '-v', '-sf', script, '-lf', file('client.leases'), '-pf', pid, 'eth0')
      newcomer.run('sh', '-c', `kill $(cat ${pid})`)
      assert.match(lease.text, new RegExp(`bound to ${host.address.replaceAll('.', '\\.')}`), `${lease.text}\n${said}`)
      announce(newcomer, host)
    })
    assert.ok(tookS < 2, `${tookS} s`)
    assert.ok(!/abandon/i.test(said), said)
    const lines = await asked.stop()
    assert.ok(
      lines.some(({ text }) => text.startsWith(server.mac) && text.includes(host.address)),
      'it looked for somebody with that address',
    )
    assert.deepEqual(
      lines.filter(({ text }) => text.startsWith(host.mac)),
      [],
    )
  })

  test('so many owners at once are a finding, and the segment takes no new address; the other goes on', async () => {
    await park.event('segment.halted', ({ body }) => body.segment === 'office')
    await until('the finding', async () => (await park.call('findings', { query: { limit: 100 } })).items.some(({ rule }) => rule === 'segment.halted'))
    const state = async (id: string): Promise<string | undefined> => (await park.segments()).find((segment) => segment.id === id)?.state
    await until('the core is told', async () => (await state('office')) === 'halted')
    assert.equal(await state('production'), 'claiming')
    assert.deepEqual(sorted(await answering()), sorted(macsOf(hosts)))
  })

  test('a killed relay takes its claims along: who has a MAC in his cache meets silence, and real hosts alone answer', async () => {
    const some = inProduction().slice(0, 3)
    for (const { address, mac } of some) {
      attacker.run('ip', 'neigh', 'replace', address, 'lladdr', mac, 'dev', 'eth0', 'nud', 'permanent')
      assert.ok(pings(address))
    }
    const killed = performance.now()
    await park.kill('relay')
    await until('silence', () => some.every(({ address }) => !pings(address, 1)), 30_000)
    assert.ok(performance.now() - killed < 30_000)
    assert.deepEqual(sorted(await answering()), sorted(real))
    for (const { address } of some) attacker.run('ip', 'neigh', 'del', address, 'dev', 'eth0')
    assert.equal(park.onRelayMachine('nft', 'list', 'tables').text.includes('shenlou'), false)
  })

  test('started again it remembers owners, and that a segment was halted', async () => {
    await park.start('relay')
    await park.claimed(inProduction().length)
    assert.deepEqual(sorted(await answering()), sorted(macsOf(inProduction())))
    const office = (await park.segments()).find(({ id }) => id === 'office')
    assert.deepEqual([office?.state, office?.claimed], ['halted', 0])
  })

  test("'shenlou relay release' lets go of everything at once, and the core is told why", async () => {
    const some = inProduction().slice(3, 6)
    for (const { address } of some) assert.ok(pings(address))
    const printed = await park.command('relay', 'relay', 'release')
    for (const { address } of some) assert.ok(!pings(address, 1), 'who has its MAC meets silence')
    assert.match(
      printed,
      new RegExp(`^production: released, 0 of ${Object.values(counts.production).reduce((sum, count) => sum + count, 0)} addresses answered$`, 'm'),
    )
    assert.deepEqual(sorted(await answering()), sorted(real))
    await park.event('address.released', ({ body }) => body.reason === 'released' && body.segment === 'production')
  })

  test('ended in order it exits with 0, and the machine has its interface back', async () => {
    const relay = park.process('relay')
    const gone = once(relay, 'exit')
    relay.kill('SIGTERM')
    const [code] = await gone
    assert.equal(code, 0, park.said('relay').slice(-2000))
    assert.match(park.onRelayMachine('ip', 'link', 'show', 'eth1').text, /state DOWN/)
    assert.doesNotMatch(park.said('relay'), /could not be written to the journal/)
  })
})
