/** A park whose idle addresses are alive, as an attacker in it meets them with real programs, and what the core knows of him then. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { StoredEvent } from '@shenlou/contract/event'
import type { LanHost } from '../relay/idle/lan-fixture.ts'
import { sshOptions } from './clients.ts'
import { until } from './installation.ts'
import { dump, openPark, type Park, use } from './park-fixture.ts'
import { hostsInAll, lure, parkScenario } from './park-scenario.ts'

type Host = Awaited<ReturnType<Park['plan']>>[number]['hosts'][number]

const observedOf = (event: StoredEvent | undefined): { ttl?: number; hops?: number; ja4t?: string; mac?: string } | undefined =>
  (event?.body as { observed?: Record<string, never> } | undefined)?.observed

describe('idle addresses of a park', () => {
  let park: Park
  let attacker: LanHost
  /** Powered for years, asked by nobody: it never sent a frame. It and the server hold addresses that the plan wants. */
  let plc: LanHost
  let server: LanHost
  let hosts: Host[]
  let owned: Host[]
  const own = { office: '10.77.40.2', production: '10.77.30.2' }
  const segmentOf = ({ address }: Host): 'office' | 'production' => (address.startsWith('10.77.30.') ? 'production' : 'office')
  /** The nth claimed host of a persona. */
  const host = (persona: string, nth = 0): Host => {
    const found = hosts.filter((each) => each.persona === persona && !owned.includes(each))[nth]
    assert.ok(found, `no host ${nth} of ${persona} is claimed`)
    return found
  }

  before(async () => {
    park = await openPark()
    const plan = await park.plan(parkScenario())
    hosts = plan.flatMap((segment) => segment.hosts)
    owned = ['production', 'office'].map((name) => hosts.find((each) => segmentOf(each) === name && each.ports.length > 0) as Host)
    const [forPlc, forServer] = owned as [Host, Host]
    attacker = park.lan.host('at', `${own.office}/23`)
    attacker.run('ip', 'address', 'add', `${own.production}/24`, 'dev', 'eth0')
    plc = park.lan.host('plc', `${forPlc.address}/24`)
    server = park.lan.host('srv', `${forServer.address}/23`)
    await park.apply(parkScenario())
    await park.claimed(hostsInAll - owned.length, 90_000)
  })
  after(async () => {
    await park?.close()
  })

  test('256 claims are 256 hosts of at least eight makers to arp-scan, with the MACs of the plan and none twice; owners answer for themselves', async () => {
    const rows = new Map<string, { mac: string; vendor: string }>()
    for (const [range, from] of [
      ['10.77.40.0/23', own.office],
      ['10.77.30.0/24', own.production],
    ] as const) {
      const { text } = await use(attacker, 'arp-scan', '-x', '-r', '3', '-t', '400', '-i', '2', `--arpspa=${from}`, '-I', 'eth0', range)
      for (const line of text.trim().split('\n')) {
        const [ip = '', mac = '', vendor = ''] = line.split('\t')
        assert.ok(!rows.has(ip), `${ip} answered twice: ${line}`)
        rows.set(ip, { mac, vendor })
      }
    }
    const wanted = new Map(hosts.map(({ address, mac }) => [address, mac]))
    wanted.set(owned[0]?.address ?? '', plc.mac)
    wanted.set(owned[1]?.address ?? '', server.mac)
    assert.deepEqual([...rows].map(([ip, { mac }]) => `${ip} ${mac}`).sort(), [...wanted].map(([ip, mac]) => `${ip} ${mac}`).sort())
    const claimed = [...rows].filter(([ip]) => !owned.some(({ address }) => address === ip)).map(([, row]) => row)
    assert.equal(claimed.length, 256)
    assert.equal(new Set(claimed.map(({ mac }) => mac)).size, 256)
    const vendors = new Set(claimed.map(({ vendor }) => vendor))
    assert.ok(vendors.size >= 8 && ![...vendors].some((vendor) => /unknown|locally administered/i.test(vendor)), [...vendors].join(', '))
  })

  test('nmap -sn finds every host of a segment and nobody else', async () => {
    const { text } = await use(attacker, 'nmap', '-n', '-sn', '-T4', '-S', own.production, '-e', 'eth0', '10.77.30.0/24')
    const up = [...text.matchAll(/scan report for (\S+)\nHost is up/g)].map(([, address]) => address)
    const wanted = hosts.filter((each) => segmentOf(each) === 'production').map(({ address }) => address)
    assert.deepEqual(up.filter((address) => address !== own.production).sort(), wanted.sort())
  })

  test('nmap -sS and -sT see the ports of each persona: closed where it resets, filtered where it is silent', async () => {
    const [linux, windows, controller] = [host('centos-7'), host('windows-10-workstation'), host('siemens-s7-1200')]
    const open = (text: string, address: string): string[] =>
      [...(text.split(`report for ${address}\n`)[1]?.split('Nmap scan report')[0] ?? '').matchAll(/^(\d+)\/tcp +open/gm)].map(([, port]) => port ?? '')
    for (const kind of ['-sS', '-sT']) {
      const [{ text }, { text: far }] = await Promise.all([
        use(attacker, 'nmap', '-n', kind, '-T4', '--max-retries', '2', '--reason', '-p', '1-600,3389', linux.address, windows.address),
        use(attacker, 'nmap', '-n', kind, '-T4', '--max-retries', '2', '--reason', '-p', '1-600,3389', controller.address),
      ])
      assert.deepEqual(open(text, linux.address), ['22', '80', '443'], text)
      assert.deepEqual(open(text, windows.address), ['445', '3389'], text)
      assert.deepEqual(open(far, controller.address), ['102', '502'], far)
      assert.match(text, /Not shown: 598 closed tcp ports \((reset|conn-refused)\)/)
      assert.match(text, /Not shown: 599 filtered tcp ports \(no-response\)/)
      assert.match(far, /Not shown: 599 closed tcp ports/)
    }
  })

  test('nmap -sV names what runs there, nmap -sU the UDP service and the closed port beside it', async () => {
    // The gateway speaks every version of SNMP, whichever nmap asks in; it is asked once before, as a device that
    // nobody spoke to yet takes longer for its first answer than nmap waits on so fast a wire.
    const [linux, router, gateway] = [host('centos-7', 1), host('openwrt-19.07'), host('moxa-mgate')]
    await use(attacker, 'snmpget', '-v1', '-c', 'public', '-Oqv', '-t', '2', '-r', '5', gateway.address, '1.3.6.1.2.1.1.1.0')
    const [versions, udp] = await Promise.all([
      use(attacker, 'nmap', '-n', '-sT', '-sV', '--version-light', '-p', '22,80', linux.address, router.address),
      use(attacker, 'nmap', '-n', '-sU', '-p', '161,500', '--max-retries', '2', '--min-rtt-timeout', '1500ms', gateway.address),
    ])
    assert.match(versions.text, /22\/tcp +open +ssh +OpenSSH 7\.4/)
    assert.match(versions.text, /80\/tcp +open +http +nginx/)
    assert.match(versions.text, /22\/tcp +open +ssh +Dropbear/i)
    assert.match(udp.text, /161\/udp +open +snmp/)
    assert.match(udp.text, /500\/udp +closed/)
  })

  test('scans are findings of their source, with the closed ports that were asked for', async () => {
    const [linux, controller] = [host('centos-7'), host('siemens-s7-1200')]
    const of = (address: string, source: string) =>
      park.event<{ addresses: string[]; ports: number[]; probes?: number }>(
        'scan.detected',
        ({ source: from, body }) => from?.ip === source && body.addresses.includes(address) && (body.probes ?? 0) > 100,
        30_000,
      )
    for (const [address, source, unoffered] of [
      [linux.address, own.office, 23],
      [controller.address, own.production, 103],
    ] as const) {
      const { body } = await of(address, source)
      assert.ok(body.ports.includes(unoffered), body.ports.join(' '))
    }
    await until('the finding', async () => (await park.call('findings', { query: { technique: 'T1046' } })).items.some(({ source }) => source === own.office))
  })

  test('ssh, curl, smbclient, xfreerdp, mbpoll and snmpget reach decoys, and the core has the true source and port of every connection', async () => {
    const [linux, station, terminal, controller, gateway] = [
      host('ubuntu-18.04'),
      host('windows-10-workstation', 1),
      host('windows-server-2016'),
      host('siemens-s7-1200', 2),
      host('schneider-m340'),
    ]
    const web = host('centos-7', 2)
    // Whose first contact takes a second (a silent owner would answer within it): longer than this program waits for a connection.
    await use(attacker, 'ping', '-n', '-c', '1', '-W', '3', controller.address)
    // What was accepted, whoever dialled it.
    const wire = await dump(attacker, `tcp[tcpflags] & (tcp-syn|tcp-ack) == (tcp-syn|tcp-ack) and (dst host ${own.office} or dst host ${own.production})`)
    const ssh = ['sshpass', '-p', lure.password, 'ssh', ...sshOptions, '-l', lure.user, linux.address]
    const rdp = ['xvfb-run', '-a', 'xfreerdp', `/v:${terminal.address}`, '/u:eng02', '/d:PLANT', '/p:Plant#2022', '/cert-ignore', '/sec:nla', '+auth-only']
    const [shell, page, share, desktop, registers, description] = await Promise.all([
      use(attacker, ...ssh, 'echo $SSH_CONNECTION; id -un'),
      use(attacker, 'curl', '-s', '-m', '20', '-i', '--local-port', '40123', `http://${web.address}/?q=park`),
      use(attacker, 'smbclient', '-L', station.address, '-s', '/dev/null', '-U', 'PLANT\\eng01%Plant#2021'),
      use(attacker, 'env', `HOME=${park.folder}`, ...rdp),
      use(attacker, 'mbpoll', '-m', 'tcp', '-t', '4', '-r', '1', '-c', '2', '-1', '-o', '10', controller.address),
      use(attacker, 'snmpget', '-v1', '-c', 'public', '-Oqv', '-t', '3', '-r', '3', gateway.address, '1.3.6.1.2.1.1.1.0'),
    ])
    const seen = await wire.stop()
    const [, sshPort] = /^10\.77\.40\.2 (\d+) \S+ 22\r?\ndeploy/m.exec(shell.text) ?? []
    assert.ok(sshPort, shell.text)
    assert.match(shell.text, new RegExp(`${own.office} ${sshPort} ${linux.address.replaceAll('.', '\\.')} 22`))
    assert.match(page.text, /^HTTP\/1\.1 200 OK/)
    assert.match(share.text, /NT_STATUS_LOGON_FAILURE/)
    assert.match(desktop.text, /LOGON_FAILURE/)
    assert.match(registers.text, /\[1\]:\s+\d+/)
    assert.match(description.text, /Schneider|M340/i)

    const dialled = seen.map(({ text }) => text.replace(/.*?(\d+\.\d+\.\d+\.\d+)\.(\d+) > (\d+\.\d+\.\d+\.\d+)\.(\d+): Flags.*/, '$3 $4 $1 $2'))
    assert.ok(dialled.length >= 5, dialled.join('\n'))
    assert.ok(dialled.includes(`${own.office} 40123 ${web.address} 80`))
    const opened = (events: StoredEvent[]): Map<string, StoredEvent> =>
      new Map(events.map((event) => [`${event.source?.ip} ${event.source?.port} ${event.destination?.ip} ${event.destination?.port}`, event]))
    let stored = new Map<string, StoredEvent>()
    const missing = (): string[] => dialled.filter((key) => !stored.has(key))
    await until('an event of each connection', async () => {
      stored = opened(await park.events('connection.opened'))
      return missing().length === 0
    }).catch((error: Error) => {
      throw new Error(`${error.message}: ${missing().join(', ')}`)
    })
    for (const key of dialled) {
      const observed = observedOf(stored.get(key))
      assert.deepEqual([observed?.ttl, observed?.hops, observed?.mac], [64, 0, attacker.mac], key)
      assert.match(observed?.ja4t ?? '', /^\d+_2-4-8-1-3_1460_\d+$/)
    }
    const asked = await park.event('connection.opened', ({ destination, body }) => destination?.ip === gateway.address && body.transport === 'udp')
    assert.equal(asked.source?.ip, own.production)
    for (const user of ['eng01', 'eng02'])
      await park.event<{ user?: string }>('login.attempted', ({ body, source }) => body.user === user && source?.ip === own.office)
  })

  test('two hosts of one persona are two: other keys, other names', async () => {
    const keys = await Promise.all([0, 1].map((nth) => use(attacker, 'ssh-keyscan', '-T', '10', '-t', 'ecdsa,ed25519', host('ubuntu-18.04', nth).address)))
    const bare = keys.map(({ text }) =>
      text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.split(' ').slice(1).join(' ')),
    )
    assert.ok((bare[0]?.length ?? 0) > 0, keys[0]?.text)
    for (const key of bare[0] ?? []) assert.ok(!bare[1]?.includes(key))
  })

  test('a killed core loses nothing: decoys go on, and afterwards every event is there without a gap', async () => {
    const web = host('centos-7', 3)
    const linux = host('ubuntu-18.04', 2)
    const visit = async (token: string): Promise<void> => {
      const [page, shell] = await Promise.all([
        use(attacker, 'curl', '-s', '-m', '20', '-o', '/dev/null', '-w', '%{http_code}', `http://${web.address}/?q=${token}`),
        use(attacker, 'sshpass', '-p', lure.password, 'ssh', ...sshOptions, '-l', lure.user, linux.address, `echo ${token}`),
      ])
      assert.deepEqual([page.text, shell.text.trim()], ['200', token])
    }
    await visit('before-1')
    const killed = park.kill('core')
    await visit('during-1')
    await killed
    await visit('during-2')
    const probe = await use(attacker, 'nmap', '-n', '-sS', '-Pn', '-p', '22,23,80', web.address)
    assert.match(probe.text, /22\/tcp open[\s\S]*23\/tcp closed[\s\S]*80\/tcp open/)
    await park.start('core')
    await visit('after-1')
    await until(
      'the queues to drain',
      async () => (await park.call('sensors')).items.every(({ connected, queueEvents, role }) => role === 'source' || (connected && queueEvents === 0)),
      40_000,
    )
    for (const token of ['before-1', 'during-1', 'during-2', 'after-1']) {
      const [pages, commands] = [await park.events('http.exchanged'), await park.events('command.executed')]
      assert.equal(pages.filter(({ body }) => String(body.target).includes(token)).length, 1, token)
      assert.equal(commands.filter(({ body }) => String(body.input).includes(token)).length, 1, token)
    }
    for (const { name, missingEvents, rejected } of (await park.call('sensors')).items) assert.deepEqual([missingEvents, rejected], [0, 0], name)
    await park.claimed(hostsInAll - owned.length)
  })
})
