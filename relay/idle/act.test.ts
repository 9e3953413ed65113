/** What the engine decides reaches the kernel first, then the neighbours; what the kernel refuses is not said to be done. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kernel } from '../capture/kernel.ts'
import { openActor } from './act.ts'
import { addressText } from './addresses.ts'
import { until } from './lan-fixture.ts'
import { startPoliteness } from './politeness.ts'
import type { IdleDraft } from './politeness-types.ts'
import { hostsOf, ip, office } from './politeness-fixture.ts'
import type { ProbeResult } from './probe.ts'

const owner = 0x0200_0000_00aa

function bench(kernelOver: Partial<Kernel> = {}, probe?: (addresses: readonly number[]) => Promise<ProbeResult>) {
  let now = 1000
  const did: string[] = []
  const said: IdleDraft[] = []
  const lines: string[] = []
  const note =
    (name: string) =>
    async (what: readonly unknown[] = []): Promise<void> =>
      void did.push(`${name} ${what.map((each) => (typeof each === 'string' ? each : (each as { address: string }).address)).join(' ')}`.trim())
  const kernel: Kernel = {
    claim: note('claim'),
    release: note('release'),
    releaseAll: note('all'),
    quiet: note('quiet'),
    yielded: async () => [],
    scanned: async () => [],
    ...kernelOver,
  }
  const engine = startPoliteness({ segment: office(), hosts: hostsOf('10.1.2.0/24', 4, 10), now })
  const actor = openActor({
    engine,
    kernel,
    device: 'none',
    now: () => now,
    say: (event) => void said.push(event),
    log: (line) => void lines.push(line),
    probe: probe ?? (async (addresses) => ({ answered: [], clean: [...addresses] })),
    heal: async (address) => void did.push(`heal ${addressText(address)}`),
  })
  const pass = (seconds: number): void => {
    for (let nth = 0; nth < seconds; nth++) {
      now += 1000
      engine.tick(now)
    }
    actor.act()
  }
  return { engine, actor, did, said, lines, pass, now: () => now }
}
const claims = (said: IdleDraft[]): string[] =>
  said.flatMap((event) => (event.kind === 'address.claimed' ? event.body.hosts.map(({ address }) => address) : []))

test('claims are said when the kernel took them, releases come before heals, and heals twice', async () => {
  const { engine, actor, did, said, pass, now } = bench()
  pass(62)
  await until('the claim', () => claims(said).length === 4)
  engine.seen(ip('10.1.2.11'), owner, 'arp', now())
  actor.act()
  await until('two heals', () => did.filter((each) => each === 'heal 10.1.2.11').length === 2)
  assert.deepEqual(did, ['claim 10.1.2.10 10.1.2.11 10.1.2.12 10.1.2.13', 'release 10.1.2.11', 'heal 10.1.2.11', 'heal 10.1.2.11'])
  actor.close()
})

test('one claim that the kernel refuses spoils none of the others, and is not said', async () => {
  const refused = async (hosts: readonly { address: string }[]): Promise<void> => {
    if (hosts.some(({ address }) => address === '10.1.2.12')) throw new Error('10.1.2.12 is never answered for')
  }
  const { engine, actor, said, lines, pass, now } = bench({ claim: refused })
  pass(62)
  await until('the others', () => claims(said).length === 3)
  await actor.settled()
  assert.deepEqual(claims(said), ['10.1.2.10', '10.1.2.11', '10.1.2.13'])
  assert.equal(engine.health(now()).claimed, 3)
  assert.match(actor.problem, /10\.1\.2\.12: 10\.1\.2\.12 is never answered for/)
  assert.equal(lines.length, 1)
  actor.close()
})

test('an owner who comes while his claim waits for the kernel is not claimed from', async () => {
  let free = (): void => {}
  const held = new Promise<void>((resolve) => {
    free = resolve
  })
  const { engine, actor, did, said, pass, now } = bench({ quiet: () => held })
  engine.dhcp(
    {
      kind: 'dhcp',
      etherFrom: 1,
      etherTo: 1,
      vlan: undefined,
      source: 0,
      destination: 0,
      from: 'client',
      message: 3,
      clientIp: 0,
      yourIp: 0,
      relayIp: 0,
      clientMac: 1,
      requestedIp: 0,
      serverId: ip('192.0.2.1'),
      leaseS: 0,
    },
    now(),
  )
  actor.act()
  pass(62)
  await until('the probes', () => engine.stateOf(ip('10.1.2.10')) === 'claimed')
  engine.seen(ip('10.1.2.10'), owner, 'arp', now())
  actor.act()
  free()
  await actor.settled()
  await until('the claim', () => did.some((each) => each.startsWith('claim')))
  assert.deepEqual(
    did.filter((each) => each.startsWith('claim')),
    ['claim 10.1.2.11 10.1.2.12 10.1.2.13'],
  )
  assert.deepEqual(claims(said), ['10.1.2.11', '10.1.2.12', '10.1.2.13'])
  actor.close()
})

test('when a release fails everything is let go of', async () => {
  const { engine, actor, did, pass, now, said } = bench({ release: () => Promise.reject(new Error('nft is gone')) })
  pass(62)
  await until('the claim', () => claims(said).length === 4)
  engine.seen(ip('10.1.2.11'), owner, 'arp', now())
  actor.act()
  await actor.settled()
  assert.ok(did.includes('all'))
  assert.equal(engine.health(now()).claimed, 0, 'and the engine knows')
  actor.close()
})

test('probes that could not be made are no clean ones', async () => {
  const { engine, actor, pass, lines, now } = bench({}, async () => ({ answered: [], clean: [], failed: 'arp-scan could not be run' }))
  pass(62)
  await until('the line', () => lines.length > 0)
  assert.deepEqual(lines, ['addresses could not be probed: arp-scan could not be run'])
  assert.equal(engine.health(now()).claimed, 0)
  actor.close()
})
