/** Owners that come, go, sleep and answer at random: their addresses are never claimed once they were seen, told of or had answered. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exclusion } from '@shenlou/contract/segment'
import { addressText } from './addresses.ts'
import { hostsOf, ip, office, openBench } from './politeness-fixture.ts'
import { politenessRules } from './rules.ts'

const seed = Number(process.env.SHENLOU_FUZZ_SEED ?? 20_260_301)

/** mulberry32. */
function random(from: number): () => number {
  let state = from >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Owner {
  address: number
  mac: number
  on: boolean
  /** Answers ARP when asked; some sleep too deeply. */
  answers: boolean
  /** Chance of a frame of its own in each step. */
  speaks: number
  /** Second of watching until which he must be left alone, by what he showed. */
  until: number
}

let takenFrom = 0
for (let round = 0; round < 6; round++)
  test(`an owner who was seen, told of or had answered is left alone, whatever happens (seed ${seed + round})`, () => {
    const draw = random(seed + round)
    const whole = (below: number): number => Math.floor(draw() * below)
    const pick = <T>(list: readonly T[]): T => list[whole(list.length)] as T
    const owners: Owner[] = Array.from({ length: 60 }, (_, nth) => ({
      address: ip('10.1.2.0') + 1 + whole(250),
      mac: 0x0200_0000_1000 + nth,
      on: draw() < 0.6,
      answers: draw() < 0.8,
      speaks: pick([0, 0, 0.001, 0.01]),
      until: 0,
    }))
    const exclusions: Exclusion[] = Array.from({ length: 5 }, () => ({
      range: addressText(ip('10.1.2.0') + whole(256)),
      reason: pick(['cmdb', 'list', 'dhcp-pool'] as const),
      note: '',
    }))
    const told = new Set(exclusions.map(({ range }) => ip(range)))
    const segment = office({ quietS: 120, quota: pick([10, 60, 256]), exclusions, gateway: '10.1.2.1' })
    let bench = openBench(segment, hostsOf('10.1.2.0/24', 256, 0))
    let watched = 0
    let everClaimed = 0

    const show = (owner: Owner, forS = politenessRules.usedForS): void => {
      owner.until = Math.max(owner.until, watched + forS)
    }
    const refresh = (): void => {
      bench.answers.clear()
      for (const { address, mac, on, answers } of owners) if (on && answers) bench.answers.set(address, mac)
    }
    for (let step = 0; step < 4000; step++) {
      for (const owner of owners) {
        if (draw() < 0.002) owner.on = !owner.on
        if (!owner.on || draw() >= owner.speaks) continue
        const before = bench.claimed.has(owner.address)
        const kind = whole(4)
        if (kind === 0) bench.engine.seen(owner.address, owner.mac, 'arp', bench.now())
        else if (kind === 1) bench.engine.seen(owner.address, owner.mac, 'ip', bench.now())
        else if (kind === 2) bench.engine.seen(owner.address, owner.mac, 'arp-probe', bench.now())
        else
          bench.engine.dhcp(
            {
              kind: 'dhcp',
              etherFrom: owner.mac,
              etherTo: 0,
              vlan: undefined,
              source: 0,
              destination: 0,
              from: 'client',
              message: 3,
              clientIp: 0,
              yourIp: 0,
              relayIp: 0,
              clientMac: owner.mac,
              requestedIp: owner.address,
              serverId: 0,
              leaseS: 0,
            },
            bench.now(),
          )
        show(owner, kind === 2 ? politenessRules.askedForS : undefined)
        bench.carry()
        if (before) takenFrom += 1
        assert.ok(!bench.claimed.has(owner.address), 'let go of at the frame itself')
      }
      if (draw() < 0.01) bench.engine.asked(ip('10.1.2.0') + whole(256), bench.now())
      if (draw() < 0.002) bench.engine.resume(bench.now())
      if (draw() < 0.001) {
        const saved = { text: bench.engine.save(bench.now(), 1e12), wallClock: 1e12 + whole(2_000_000) - 100_000 }
        bench = openBench(segment, hostsOf('10.1.2.0/24', 256, 0), { saved }, bench.now())
      }
      const watching = draw() >= 0.001
      if (!watching) {
        bench.engine.blind(bench.now())
        bench.pass(whole(1000))
        bench.engine.sees(bench.now())
      }
      refresh()
      const before = new Set(bench.claimed)
      bench.pass(1 + whole(20), 1)
      // The engine's own clock runs with the ticks; this one never runs ahead of it.
      watched = Math.max(watched, Math.floor(Number(JSON.parse(bench.engine.save(bench.now(), 0)).watchedS)))
      for (const owner of owners) {
        if (owner.on && owner.answers && !before.has(owner.address))
          assert.ok(!bench.claimed.has(owner.address), `${addressText(owner.address)} answers probes and was claimed`)
        if (watched < owner.until) assert.ok(!bench.claimed.has(owner.address), `${addressText(owner.address)} was seen and claimed`)
      }
      for (const address of bench.claimed) assert.ok(!told.has(address) && address !== ip('10.1.2.1') && address !== ip('10.1.2.250'))
      assert.ok(bench.claimed.size <= segment.quota)
      assert.equal(bench.claimed.size, bench.engine.health(bench.now()).claimed)
      everClaimed = Math.max(everClaimed, bench.claimed.size)
    }
    assert.ok(everClaimed >= Math.min(10, segment.quota), 'it claims where it may')
  })

test('in those rounds owners did come to claimed addresses', () => {
  assert.ok(takenFrom >= 10, `${takenFrom} times`)
})

test('an owner who shows himself now in one way and now in another is said once, not with each frame', () => {
  const bench = openBench(office(), hostsOf('10.1.2.0/24', 3, 10))
  for (let second = 0; second < 100; second++) {
    bench.engine.seen(ip('10.1.2.10'), 0x0200_0000_00aa, second % 2 ? 'arp' : 'probe', bench.now())
    bench.pass(1)
  }
  const said = bench.said('address.refused').filter(({ body }) => 'addresses' in body && body.addresses.includes('10.1.2.10'))
  assert.equal(said.length, 1, JSON.stringify(said))
})
