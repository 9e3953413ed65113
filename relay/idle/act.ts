/** Carries out what the engine decides: kernel first, then heals and probes, one after the other and bounded. */
import type { Kernel } from '../capture/kernel.ts'
import { addressNumber, addressText } from './addresses.ts'
import type { Acts, Politeness } from './politeness-types.ts'
import { healAddress, type ProbeResult, probeAddresses } from './probe.ts'

export interface ActorOptions {
  engine: Politeness
  kernel: Kernel
  device: string
  /** The relay's own address behind the capture interface. */
  own?: string | undefined
  now(): number
  say(event: Acts['events'][number]): void
  log(line: string): void
  probe?: (addresses: readonly number[], signal: AbortSignal) => Promise<ProbeResult>
  heal?: (address: number, mac: number, signal: AbortSignal) => Promise<string | undefined>
}
export interface Actor {
  /** Does what the engine wants by now. Returns at once; `settled` resolves when it was done. */
  act(): void
  settled(): Promise<void>
  /** What could not be done lately, for people. */
  readonly problem: string
  close(): void
}

/** A heal is said again for neighbours that missed it. */
const healAgainMs = 3000
const maxHeals = 1024
/** Questions that are asked together when they come together. */
const gatherMs = 5
const maxTogether = 512
const probesAtOnce = 2
/** Anybody can say that he is one. */
const maxServersTold = 8
const notClaimed = 'the kernel does not take the claim of'

type Claimed = Extract<Acts['events'][number], { kind: 'address.claimed' }>
const numberOf = (address: string): number => addressNumber(address) ?? -1

export function openActor({ engine, kernel, device, own, now, say, log, probe, heal }: ActorOptions): Actor {
  const closing = new AbortController()
  const { signal } = closing
  const ask = probe ?? ((addresses) => probeAddresses(addresses, { device, own, signal }))
  const mend = heal ?? ((address, mac) => healAddress(address, mac, { device, signal }))
  let kernelWork: Promise<void> = Promise.resolve()
  let healWork: Promise<void> = Promise.resolve()
  let heals = 0
  let told = 0
  let questions: number[] = []
  let gathering: NodeJS.Timeout | undefined
  let asking = 0
  let problem = ''
  const later = new Set<NodeJS.Timeout>()

  const trouble = (line: string): void => {
    if (line !== problem) log(line)
    problem = line.slice(0, 300)
  }

  async function change(releases: string[], claims: Acts['claims'], told: Claimed[]): Promise<void> {
    try {
      if (releases.length > 0) await kernel.release(releases)
    } catch (error) {
      // What may still be answered must not be: all of it goes.
      trouble(`${releases.length} addresses could not be released, so all are: ${(error as Error).message}`)
      await kernel.releaseAll().catch((worse: Error) => trouble(`nothing could be released; the lease ends by itself: ${worse.message}`))
      engine.dropped(now())
      act()
    }
    // Released while it waited: its owner came.
    const still = claims.filter(({ address }) => engine.stateOf(numberOf(address)) === 'claimed')
    const taken = await claim(still)
    if (still.length > 0 && taken.size === still.length) problem = ''
    for (const { kind, body } of told) {
      const hosts = body.hosts.filter(({ address }) => taken.has(address))
      if (hosts.length > 0) say({ kind, body: { ...body, hosts } })
    }
  }

  /** Answers which were taken: one that the kernel refuses spoils none of the others. */
  async function claim(hosts: Acts['claims']): Promise<Set<string>> {
    if (hosts.length === 0) return new Set()
    try {
      await kernel.claim(hosts)
      return new Set(hosts.map(({ address }) => address))
    } catch (error) {
      const [only, ...others] = hosts
      if (only && others.length === 0) {
        trouble(`${notClaimed} ${only.address}: ${(error as Error).message}`)
        engine.notClaimed([numberOf(only.address)], now())
        return new Set()
      }
      const half = hosts.length >> 1
      return new Set([...(await claim(hosts.slice(0, half))), ...(await claim(hosts.slice(half)))])
    }
  }

  function mendSoon(address: number, mac: number, again: boolean): void {
    if (heals >= maxHeals || signal.aborted) return
    heals += 1
    // After the kernel has let go of it: until then it would write the decoy's MAC into the frame.
    const released = kernelWork
    healWork = healWork.then(async () => {
      await released
      heals -= 1
      const failed = signal.aborted ? undefined : await mend(address, mac, signal)
      if (failed !== undefined && !signal.aborted) trouble(`the neighbours of ${addressText(address)} could not be told of its owner: ${failed}`)
      if (again && !signal.aborted) {
        const timer = setTimeout(() => {
          later.delete(timer)
          mendSoon(address, mac, false)
        }, healAgainMs)
        later.add(timer)
      }
    })
  }

  function askNext(): void {
    gathering = undefined
    while (questions.length > 0 && asking < probesAtOnce && !signal.aborted) {
      const some = questions.slice(0, maxTogether)
      questions = questions.slice(maxTogether)
      asking += 1
      void ask(some, signal).then(({ answered, clean, failed }) => {
        asking -= 1
        if (signal.aborted) return
        if (failed !== undefined) trouble(`addresses could not be probed: ${failed}`)
        for (const { address, mac } of answered) engine.seen(address, mac, 'probe', now())
        engine.clean(clean, now())
        act()
        askNext()
      })
    }
  }

  function act(): void {
    const acts = engine.take()
    for (const server of acts.servers) {
      told += 1
      if (told <= maxServersTold) log(`a DHCP server is at ${addressText(server)}; it is not answered`)
      if (told === maxServersTold) log('further DHCP servers are not answered either, and not named here')
    }
    if (acts.servers.length > 0) {
      const servers = acts.servers.map(addressText)
      kernelWork = kernelWork.then(() => kernel.quiet(servers)).catch((error: Error) => trouble(`DHCP servers could not be kept quiet: ${error.message}`))
    }
    // That something is claimed is said when it is.
    const claimed = acts.events.filter((event) => event.kind === 'address.claimed')
    for (const event of acts.events) if (event.kind !== 'address.claimed') say(event)
    if (acts.releases.length > 0 || acts.claims.length > 0) {
      const releases = acts.releases.map(addressText)
      kernelWork = kernelWork.then(() => change(releases, acts.claims, claimed))
    }
    for (const { address, mac } of acts.heals) mendSoon(address, mac, true)
    if (acts.probes.length > 0) {
      questions.push(...acts.probes)
      gathering ??= setTimeout(askNext, gatherMs)
    }
  }

  return {
    act,
    async settled() {
      await kernelWork
    },
    get problem() {
      return problem
    },
    close() {
      closing.abort()
      clearTimeout(gathering)
      for (const timer of later) clearTimeout(timer)
    },
  }
}
