/**
 * The capture process: holds the interfaces, the rules, their lease and an engine for each segment; what it makes goes to the relay over one channel. When that
 * channel is gone, so is it; and with it, as the last in its namespace, everything it set up.
 */
import type { IdleHost, Segment, SegmentHealth } from '@shenlou/contract/segment'
import { type Claims, openClaims } from './claims.ts'
import { type FoundDevices, findDevices } from './devices.ts'
import type { IdleEngine, IdleOptions, Probed, SynSeen } from './kernel.ts'
import { type FromCapture, type HandAct, type HandAnswer, machineSpace, type ToCapture } from './messages.ts'
import { nft, runProgram } from './program.ts'
import { leaseS, noRuleset, type Offered, offeredElement, renewLease } from './ruleset.ts'
import { openSockets, type Sockets } from './sockets.ts'
import { routeProtocol, type Step, stepsOf, takeBack, takeSteps } from './steps.ts'

/** `startIdle` of relay/idle/idle.ts, or what a test puts in its place. */
export type StartEngine = (options: IdleOptions & { saved?: string | undefined; onSave?(text: string): void; onProbed?(rows: Probed[]): void }) => IdleEngine
export interface HostOptions {
  startEngine: StartEngine
  /** `handle` goes along: a bare TCP handle or a UDP socket. Resolves when it is on its way. */
  send(message: FromCapture, handle?: unknown): Promise<void>
  /** Ends the process; 0 when it was asked to. */
  exit(code: number): void
}

const renewMs = 10_000
const retryMs = 3000
const healthMs = 2000
const sharedWatchMs = 1000
/** SYNs on their way to the relay; in a flood the rest is dropped, and connections are told of without them. */
const mostSyns = 256

/** Parts of a segment that the rules and routes are made of; anything else the engine takes as it comes. */
const shapeOf = (segments: readonly Segment[]): string =>
  JSON.stringify(
    segments.map(({ id, interface: name, vlan, network, gateway, dhcpServers, quietS }) => [id, name, vlan, network, gateway, dhcpServers, quietS]),
  )

interface Standing {
  found: FoundDevices
  steps: Step[]
  claims: Claims
  engines: Map<string, IdleEngine>
  shape: string
}

/** Returns what takes the relay's messages, one after the other. */
export function hostCapture({ startEngine, send, exit }: HostOptions): { take(message: ToCapture): void } {
  let begun: Extract<ToCapture, { type: 'begin' }> | undefined
  let standing: Standing | undefined
  let sockets: Sockets | undefined
  let offered: Offered[] = []
  let offeredKeys = new Set<string>()
  let saved: Record<string, string> = {}
  let renewedAt = 0
  let ending = false
  const timers: NodeJS.Timeout[] = []

  const tell = (message: FromCapture): void => void send(message).catch(() => {})
  let syns = 0
  function tellSyn(syn: SynSeen): void {
    // Those of ports that lead to a decoy have the other half to themselves.
    const { ip, port } = syn.destination
    if (syns >= (offeredKeys.has(offeredElement({ address: ip, transport: 'tcp', port })) ? 2 * mostSyns : mostSyns)) return
    syns += 1
    const over = (): void => {
      syns -= 1
    }
    void send({ type: 'syn', syn }).then(over, over)
  }
  const line = (text: string): void => tell({ type: 'line', text })
  const tableName = (): string => (begun?.shared ? 'shenlou_shared' : 'shenlou')

  let turn: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void>): void => {
    turn = turn.then(work).catch((error: Error) => fail(error.message))
  }
  /** What cannot be trusted to be silent must not go on. */
  function fail(text: string): void {
    if (ending) return
    ending = true
    for (const timer of timers) clearInterval(timer)
    const gone = (): void => exit(1)
    setTimeout(gone, 2000)
    void send({ type: 'failed', text }).then(gone, gone)
  }

  async function raise(segments: readonly Segment[], hosts: readonly IdleHost[]): Promise<void> {
    const { interfaces, shared, own, pauseAfter } = begun as NonNullable<typeof begun>
    const table = tableName()
    const found = await findDevices(interfaces, segments)
    const steps = stepsOf({ table, devices: found.devices, segments: found.segments, shared })
    await takeSteps(steps, async (name) => {
      if (name === 'lease') renewedAt = performance.now()
      await send({ type: 'step', name })
      // Held by a test, which then kills it or asks what is answered.
      if (name === pauseAfter && segments.length > 0) await new Promise(() => {})
    })
    const claims = openClaims({
      table,
      shared,
      own,
      onReleased: (addresses) => tell({ type: 'released', addresses }),
      // An address of a shared interface is this machine's from then on, and no earlier.
      onClaimed: () => shared && inTurn(listen),
    })
    await claims.offer(offered)
    const engines = new Map<string, IdleEngine>()
    standing = { found, steps, claims, engines, shape: shapeOf(segments) }
    for (const { segment, device } of found.segments)
      engines.set(
        segment.id,
        startEngine({
          segment,
          hosts: hosts.filter((host) => host.segment === segment.id),
          device,
          kernel: claims.kernelOf(segment),
          say: (draft) => tell({ type: 'say', draft }),
          onSyn: tellSyn,
          onProbed: (rows) => tell({ type: 'scanned', rows }),
          saved: saved[segment.id],
          onSave(text) {
            saved[segment.id] = text
            tell({ type: 'save', segment: segment.id, text })
          },
          log: line,
        }),
      )
  }
  /** In a namespace of its own every address of the network is local from the start. */
  const listen = async (): Promise<void> => sockets?.set(offered, (address) => !begun?.shared || standing?.claims.has(address) === true)

  async function lower(): Promise<void> {
    if (!standing) return
    const { engines, claims, steps } = standing
    await Promise.all([...engines.values()].map((engine) => engine.close()))
    await claims.releaseAll()
    standing = undefined
    await takeBack(steps)
  }

  async function want(segments: Segment[], hosts: IdleHost[]): Promise<void> {
    if (standing?.shape === shapeOf(segments)) {
      for (const { segment } of standing.found.segments) {
        const next = segments.find(({ id }) => id === segment.id) ?? segment
        standing.engines.get(segment.id)?.update(
          next,
          hosts.filter((host) => host.segment === segment.id),
        )
      }
      return
    }
    await lower()
    await raise(segments, hosts)
  }

  /** One renewal that comes too late is the end: what was seen of the owners meanwhile is not known. */
  async function renew(): Promise<void> {
    if (!standing || ending) return
    if (performance.now() - renewedAt > leaseS * 1000) return fail(`capture was held up for more than ${leaseS} s and its lease ended; it begins anew`)
    const names = standing.found.devices.filter(({ segments }) => segments.length > 0).map(({ name }) => name)
    await nft(renewLease(tableName(), names))
    renewedAt = performance.now()
  }
  /** Somebody who flushes the machine's rules takes ours along; then the routes go at once. */
  async function watchTables(): Promise<void> {
    if (!standing || ending) return
    const tables = await runProgram('nft', ['list', 'tables', 'netdev'])
    if (tables.includes(`table netdev ${tableName()}\n`)) return
    await runProgram('ip', ['route', 'flush', 'table', 'local', 'proto', String(routeProtocol)])
    fail('the rules of capture were taken away, as by a reload of nftables on this machine; its routes were removed and it begins anew')
  }

  async function byHand(act: HandAct, segment: string | undefined): Promise<HandAnswer> {
    const engines = [...(standing?.engines ?? [])].filter(([id]) => segment === undefined || id === segment)
    if (engines.length === 0) return { failed: segment === undefined ? 'this relay has no segment yet' : `this relay has no segment ${segment}` }
    if (act === 'release') await Promise.all(engines.map(([, engine]) => engine.release?.()))
    if (act === 'resume') for (const [, engine] of engines) engine.resume?.()
    return { segments: engines.map(([, engine]) => ({ ...engine.health(), ...(act === 'survey' && engine.survey ? { survey: engine.survey() } : {}) })) }
  }

  function health(): void {
    if (ending) return
    const segments: SegmentHealth[] = [...(standing?.engines.values() ?? [])].map((engine) => engine.health())
    for (const { segment, detail } of standing?.found.failed ?? [])
      segments.push({ id: segment.id, state: 'failed', wanted: 0, claimed: 0, used: 0, refused: {}, giveUps10m: 0, detail: detail.slice(0, 300) })
    const problems = [
      ...(standing?.found.failed ?? []).map(({ segment, detail }) => `segment-failed ${segment.id} ${detail}`),
      ...(sockets?.problems() ?? []),
      ...(standing?.claims.scansCut ? ['scans-cut more closed ports are asked for than can be told of: scans count only a part'] : []),
      ...(begun?.shared
        ? [
            `capture-shared ${begun.interfaces.join(',')} is this machine's own way too: only single addresses are claimed, and a flush of its rules ends them within a second`,
          ]
        : []),
    ]
    tell({ type: 'health', segments, problems: problems.map((problem) => problem.slice(0, 300)) })
  }

  const on: { [T in ToCapture['type']]: (message: Extract<ToCapture, { type: T }>) => Promise<void> } = {
    async begin(message) {
      begun = message
      saved = { ...message.saved }
      sockets = openSockets(message.shared, (key, handle) => send({ type: 'listening', ...key }, handle))
      if (message.shared) {
        // What a killed one left.
        await runProgram('ip', ['route', 'flush', 'table', 'local', 'proto', String(routeProtocol)])
        await nft(noRuleset(tableName()))
      }
      await raise([], [])
      health()
      timers.push(
        setInterval(() => void renew().catch((error: Error) => standing && fail(`the lease of capture could not be renewed: ${error.message}`)), renewMs),
        setInterval(health, healthMs),
        setInterval(() => {
          if (sockets?.problems().length) inTurn(listen)
        }, retryMs),
      )
      if (message.shared) timers.push(setInterval(() => void watchTables().catch((error: Error) => fail(error.message)), sharedWatchMs))
    },
    async want({ segments, hosts }) {
      await want(segments, hosts)
      health()
    },
    async offer(message) {
      offered = message.offered
      offeredKeys = new Set(offered.map(offeredElement))
      // Sockets before rules: a port that is offered is listened on.
      await listen()
      await standing?.claims.offer(offered)
    },
    async hand({ id, act, segment }) {
      tell({ type: 'hand', id, answer: await byHand(act, segment) })
      health()
    },
    async end() {
      await lower()
      ending = true
      for (const timer of timers) clearInterval(timer)
      if (begun && !begun.shared)
        for (const name of begun.interfaces) await runProgram('ip', ['link', 'set', name, 'netns', '/proc/self/fd/3'], undefined, machineSpace).catch(() => {})
      exit(0)
    },
  }
  return { take: (message) => inTurn(() => on[message.type](message as never)) }
}
