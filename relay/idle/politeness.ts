/**
 * Which idle addresses a relay may be, as a pure engine of one segment: frames, results of probes and time go in; claims, releases, probes, heals and
 * events come out. It touches nothing and waits for nothing.
 *
 *   unknown ──wanted──▶ watching ──was quiet──▶ probing ──clean──▶ claimed
 *                          ▲                       │ answered         │ a frame of its owner
 *                          └──── held for days ────┴── yielded ◀──────┘
 *
 * Quiet times count seconds of *watching*: while the watch is blind, or the relay was off, nobody can say that an address was quiet. So what a power cut
 * silences is not swept in: who was ever seen keeps his address for days of watching, whoever was not is still probed, and the give-ups when power returns halt
 * the segment.
 */
import type { IdleHost, YieldReason } from '@shenlou/contract/segment'
import { addressNumber, addressText, macNumber } from './addresses.ts'
import { markNever } from './never.ts'
import type { Acts, Politeness, PolitenessOptions } from './politeness-types.ts'
import { politenessRules } from './rules.ts'
import { parseSaved, restoreAddresses, savedAddresses, writeSaved } from './saved.ts'
import { addTo, claimedEvents, type Groups, givenUpEvent, haltedEvent, isSaid, refusedEvents, releasedEvents, strangeServers } from './said.ts'
import { countRefusals, surveyOf, usedOf } from './survey.ts'
import { type Notice, notices, openTable, ownerOf, reasonCode, reasonOf, reasons, setOwner, states } from './table.ts'
import { openWatchedTime } from './watched-time.ts'

const emptyActs = (): Acts => ({ releases: [], heals: [], claims: [], probes: [], servers: [], events: [] })

/** Throws a one-line error when the segment's network cannot be watched. */
export function startPoliteness(options: PolitenessOptions): Politeness {
  const rules = { ...politenessRules, ...options.rules }
  const deviceMac = macNumber(options.deviceMac ?? '')
  const table = openTable(options.segment.network)
  const { first, size, state, notice, giveUps, clean, never, said, stale, seenAt, heldUntil, probedAt, since } = table
  let segment = options.segment
  /** By place in the network. */
  let wanted: (IdleHost | undefined)[] = []
  /** Places of the hosts wanted, in the order in which they were given: the first ones fill the quota. */
  let order = new Uint32Array(0)
  let claimed = 0
  let probing = 0
  let released = false
  let stopped = false
  const clock = openWatchedTime(options.now, rules)
  const watched = clock.seconds
  /** Seconds of watching. */
  let halted: number | undefined
  let tokens = rules.probesAtOnce
  let recentGiveUps: { time: number; at: number }[] = []
  let lastGiveUp = 0
  const asks = new Set<number>()
  const servers = new Set<number>()
  /** Rises with what a restart must not forget. */
  let news = 0
  let out: Acts = emptyActs()

  const place = (address: number): number => (address >= first && address < first + size ? address - first : -1)
  const letGo = (): boolean => stopped || released || segment.released

  function advance(now: number): void {
    tokens = Math.min(rules.probesAtOnce, tokens + (clock.advance(now) / 1000) * rules.probesPerS)
  }

  /** Why an address that is wanted is not claimed now; undefined when it may be. */
  function refusal(at: number): YieldReason | undefined {
    if (letGo()) return 'released'
    if (never[at]) return reasons[never[at]]
    const now = watched()
    if (now < (heldUntil[at] as number)) return reasonOf[notices[notice[at] as number] as Notice]
    if (now - Math.max(clock.quietSince, seenAt[at] as number) < segment.quietS) return 'not-quiet'
    if (halted !== undefined) return 'halted'
    if (claimed + probing >= segment.quota) return 'quota'
    return undefined
  }

  /** The owner's right, in seconds: as long as he is known to be about, doubled with each time that the address was taken from under him. */
  function holdFor(at: number, how: Notice, leaseS = 0): number {
    const plain = Math.max(segment.quietS, how === 'arp-probe' ? rules.askedForS : rules.usedForS, Math.min(leaseS, 2 ** 30))
    return plain * 2 ** Math.min(rules.maxDoublings, giveUps[at] as number)
  }

  function release(at: number, reason: YieldReason, now: number, owner?: { mac: number; notice: Notice }): void {
    if (state[at] !== states.claimed) return
    state[at] = states.idle
    clean[at] = 0
    claimed -= 1
    said[at] = reasonCode(reason)
    if (!segment.dryRun) out.releases.push(first + at)
    const heldMs = Math.max(0, now - (since[at] as number))
    if (owner && !segment.dryRun) out.events.push(givenUpEvent(segment.id, first + at, reason, heldMs, owner))
  }

  /** Everything claimed that `which` picks, in one event for each reason. */
  function releaseWhere(which: (at: number) => YieldReason | undefined, now: number): void {
    const gone: Groups = new Map()
    if (claimed === 0) return
    for (let at = 0; at < size; at++) {
      const reason = state[at] === states.claimed ? which(at) : undefined
      if (!reason) continue
      addTo(gone, reason, first + at)
      release(at, reason, now)
    }
    if (!segment.dryRun) out.events.push(...releasedEvents(segment.id, gone))
  }

  function gaveUp(at: number, now: number): void {
    giveUps[at] = Math.min(255, (giveUps[at] as number) + 1)
    stale[at] = 1
    lastGiveUp = watched()
    recentGiveUps = [...recentGiveUps.filter(({ time }) => now - time <= rules.giveUpWindowMs), { time: now, at }].slice(-1024)
    if (halted !== undefined || recentGiveUps.length <= rules.giveUps) return
    halted = watched()
    for (const probe of order) if (state[probe] === states.probing) idle(probe)
    const addresses = recentGiveUps.map((giveUp) => first + giveUp.at)
    out.events.push(haltedEvent(segment.id, recentGiveUps.length, rules.giveUpWindowMs, addresses))
  }

  function idle(at: number): void {
    if (state[at] === states.probing) probing -= 1
    state[at] = states.idle
  }

  function notOurs(at: number, mac: number): boolean {
    const host = wanted[at]
    return mac === 0 || (mac !== deviceMac && !(host && macNumber(host.mac) === mac))
  }

  /** Somebody has, or is about to have, this address. */
  function owned(at: number, mac: number, how: Notice, now: number, leaseS = 0): void {
    const was = state[at]
    if (was === states.probing) idle(at)
    clean[at] = 0
    notice[at] = notices.indexOf(how)
    seenAt[at] = watched()
    if (mac !== 0 && how !== 'arp-probe') setOwner(table, at, mac)
    if (was === states.claimed) {
      release(at, reasonOf[how], now, { mac, notice: how })
      if (!segment.dryRun) gaveUp(at, now)
    }
    if ((heldUntil[at] as number) <= watched()) news += 1
    heldUntil[at] = Math.min(2 ** 32 - 1, Math.max(heldUntil[at] as number, watched() + holdFor(at, how, leaseS)))
    // Only by his own ARP: while he still asks whether the address is free, ARP from it would tell him that it is not (RFC 5227, section 2.1.1).
    if (stale[at] && mac !== 0 && (how === 'arp' || how === 'probe')) {
      stale[at] = 0
      out.heals.push({ address: first + at, mac })
    }
  }

  const setNever = (): void => markNever(table, segment, [...(options.own ?? []), ...[...servers].map(addressText)])

  function learnServer(server: number, now: number): void {
    if (servers.has(server) || servers.size >= 1000) return
    servers.add(server)
    news += 1
    out.servers.push(server)
    const at = place(server)
    if (at < 0) return
    owned(at, 0, 'dhcp', now)
    never[at] = reasonCode('own-address')
  }

  function setWanted(hosts: readonly IdleHost[], now: number): void {
    const next: (IdleHost | undefined)[] = new Array(size)
    const places: number[] = []
    for (const host of hosts) {
      const at = host.segment === segment.id ? place(addressNumber(host.address) ?? -1) : -1
      if (at < 0 || next[at]) continue
      next[at] = host
      places.push(at)
    }
    // One that is to be another host is let go of first, as one that is not wanted any more.
    const same = (a: IdleHost, b: IdleHost): boolean => a.mac === b.mac && a.tcp === b.tcp && a.closed === b.closed
    releaseWhere((at) => {
      const was = wanted[at]
      const will = next[at]
      return was && will && same(was, will) ? undefined : 'removed'
    }, now)
    for (const at of order) {
      if (next[at]) continue
      idle(at)
      said[at] = 0
    }
    wanted = next
    order = Uint32Array.from(places)
  }

  /** What changed of why an address is not claimed. */
  function sayRefusals(): void {
    const groups: Groups = new Map()
    for (const at of order) {
      const reason = state[at] === states.idle ? refusal(at) : undefined
      if (!reason || isSaid(reasons[said[at] as number], reason)) continue
      said[at] = reasonCode(reason)
      addTo(groups, reason, first + at)
    }
    out.events.push(...refusedEvents(segment.id, groups, (address) => ownerOf(table, address - first)))
  }

  function probe(at: number): boolean {
    if (tokens < 1) return false
    tokens -= 1
    probedAt[at] = watched()
    out.probes.push(first + at)
    return true
  }
  /** Nobody is bothered whose address is not in question. */
  const inQuestion = (at: number): boolean => wanted[at] !== undefined && !never[at] && watched() >= (heldUntil[at] as number)

  function claim(at: number, now: number, host: IdleHost): void {
    idle(at)
    state[at] = states.claimed
    since[at] = now
    said[at] = 0
    claimed += 1
    if (!segment.dryRun) out.claims.push(host)
  }

  function goOn(by: 'hand' | 'quiet'): void {
    if (halted === undefined) return
    halted = undefined
    recentGiveUps = []
    out.events.push({ kind: 'segment.resumed', body: { segment: segment.id, by } })
  }

  function restore({ text, wallClock }: { text: string; wallClock: number }): void {
    const saved = parseSaved(text)
    if (saved?.network !== segment.network) return
    clock.restore(saved, wallClock)
    released = saved.released
    halted = saved.halted
    lastGiveUp = watched()
    restoreAddresses(table, saved.addresses)
    for (const server of saved.servers) servers.add(server)
    out.servers.push(...saved.servers)
  }
  const sweeping = (): boolean => order.some((at) => probedAt[at] === 0 && inQuestion(at))

  if (options.saved) restore(options.saved)
  setNever()
  setWanted(options.hosts, options.now)

  return {
    seen(address, mac, how, now) {
      advance(now)
      const at = place(address)
      if (at >= 0 && notOurs(at, mac)) owned(at, mac, how, now)
    },
    dhcp(frame, now) {
      advance(now)
      const { from, message, source, serverId, yourIp, requestedIp, clientIp, clientMac, leaseS } = frame
      // A server's answers go to its client alone; the client names it to all.
      for (const server of from === 'server' ? [source, serverId] : [serverId]) if (server !== 0) learnServer(server, now)
      const of = from === 'client' ? [requestedIp, clientIp] : message === 2 || message === 5 ? [yourIp] : []
      for (const address of new Set(of)) {
        const at = address === 0 ? -1 : place(address)
        if (at >= 0) owned(at, clientMac, 'dhcp', now, leaseS)
      }
    },
    asked(address, now) {
      advance(now)
      const at = place(address)
      if (at < 0 || asks.size >= 4096 || !inQuestion(at)) return
      const before = probedAt[at] as number
      if (before !== 0 && watched() - before < rules.probeAgainS) return
      if (!probe(at)) asks.add(at)
    },
    clean(addresses, now) {
      advance(now)
      const before = out.claims.length
      for (const address of addresses) {
        const at = place(address)
        if (at < 0 || state[at] !== states.probing) continue
        const host = wanted[at]
        clean[at] = Math.min(255, (clean[at] as number) + 1)
        idle(at)
        if (!host || refusal(at) !== undefined) continue
        if ((clean[at] as number) >= (seenAt[at] === 0 ? 1 : rules.cleanAgain)) claim(at, now, host)
      }
      out.events.push(...claimedEvents(segment, out.claims.slice(before)))
    },
    notClaimed(addresses, now) {
      advance(now)
      for (const address of addresses) {
        const at = place(address)
        if (at < 0 || state[at] !== states.claimed) continue
        state[at] = states.idle
        // As if one of several probes had been clean: the next comes a while later.
        clean[at] = 1
        claimed -= 1
      }
    },
    dropped(now) {
      advance(now)
      releaseWhere(() => 'stopped', now)
    },
    update(next, hosts, now) {
      advance(now)
      if (next.network !== segment.network || next.id !== segment.id) throw new Error(`segment ${next.id} became another network: start it anew`)
      if (next.dryRun !== segment.dryRun) releaseWhere(() => 'released', now)
      // Taken back by hand, and so is a halt.
      if (segment.released && !next.released) goOn('hand')
      segment = next
      setNever()
      setWanted(hosts, now)
      releaseWhere((at) => (letGo() ? 'released' : reasons[never[at] as number]), now)
      let over = claimed - segment.quota
      if (over <= 0) return
      const surplus = new Set<number>()
      for (let i = order.length - 1; i >= 0 && over > 0; i--) {
        const at = order[i] as number
        if (state[at] !== states.claimed) continue
        surplus.add(at)
        over -= 1
      }
      releaseWhere((at) => (surplus.has(at) ? 'quota' : undefined), now)
    },
    blind(now) {
      advance(now)
      clock.blind()
    },
    sees(now) {
      advance(now)
      clock.sees()
    },
    release(now) {
      advance(now)
      released = true
      news += 1
      releaseWhere(() => 'released', now)
    },
    resume(now) {
      advance(now)
      released = false
      news += 1
      goOn('hand')
    },
    stop(now) {
      advance(now)
      releaseWhere(() => 'stopped', now)
      stopped = true
    },
    tick(now) {
      advance(now)
      if (halted !== undefined && watched() - Math.max(halted, lastGiveUp) >= rules.resumeAfterS) goOn('quiet')
      if (!clock.seeing || stopped) return
      if (!letGo()) {
        for (const at of asks) if (!inQuestion(at) || probe(at)) asks.delete(at)
        for (const at of order) {
          if (state[at] === states.probing && now - (since[at] as number) > rules.probeLostMs) idle(at)
          if (state[at] === states.idle && refusal(at) === undefined) {
            const spaced = clean[at] === 0 || watched() - (probedAt[at] as number) >= rules.cleanApartS
            if (!spaced || !probe(at)) continue
            state[at] = states.probing
            since[at] = now
            probing += 1
          } else if (state[at] !== states.probing && inQuestion(at) && (probedAt[at] === 0 || watched() - (probedAt[at] as number) >= rules.sweepS)) {
            probe(at)
          }
        }
      }
      sayRefusals()
    },
    get news() {
      return news
    },
    take() {
      const acts = out
      out = emptyActs()
      return acts
    },
    health(now) {
      const standing = halted !== undefined ? 'halted' : claimed > 0 ? 'claiming' : sweeping() ? 'starting' : 'watching'
      return {
        id: segment.id,
        state: letGo() ? 'released' : segment.dryRun ? 'dry-run' : standing,
        wanted: order.length,
        claimed: segment.dryRun ? 0 : claimed,
        used: usedOf(table, watched()),
        refused: countRefusals(order, (at) => (state[at] === states.idle ? (refusal(at) ?? 'not-quiet') : undefined)),
        giveUps10m: recentGiveUps.filter(({ time }) => now - time <= rules.giveUpWindowMs).length,
        detail: strangeServers(segment, servers),
      }
    },
    survey(now) {
      advance(now)
      return surveyOf(table, watched(), (at) => wanted[at] && (state[at] === states.claimed ? 'would' : (refusal(at) ?? 'not-quiet')))
    },
    stateOf(address) {
      const at = place(address)
      if (at < 0) return 'unknown'
      if (state[at] === states.claimed) return 'claimed'
      if (state[at] === states.probing) return 'probing'
      if (watched() < (heldUntil[at] as number)) return 'yielded'
      return wanted[at] ? 'watching' : 'unknown'
    },
    save(now, wallClock) {
      advance(now)
      return writeSaved({
        network: segment.network,
        at: wallClock,
        watchedS: watched(),
        quietSince: clock.quietSince,
        released,
        halted,
        servers: [...servers],
        addresses: savedAddresses(table),
      })
    },
  }
}
