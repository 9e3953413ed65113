/**
 * The gate of a decoy host: holds journal, tunnels, captured files and saved worlds, and speaks no attacker protocol. It joins each tunnel stream with a
 * worker, stamps what workers say with what it knows itself, and lets nothing out before that is durable.
 */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { findContradictions } from '@shenlou/contract/persona-linter'
import type { Placement } from '@shenlou/contract/placement'
import type { DecoyConfig, DecoysConfig } from '@shenlou/contract/sensor'
import type { Tuning } from '@shenlou/contract/tuning'
import type { OpenFrame, ResetReason } from '@shenlou/contract/tunnel'
import { type Crowd, openCrowd } from '@shenlou/link/crowd'
import type { SensorIdentity } from '@shenlou/link/identity-types'
import type { ListenTunnel, TunnelListener, TunnelQuotas, TunnelStream } from '@shenlou/link/tunnel-types'
import type { BlobSpool, Journal } from '@shenlou/link/uplink-types'
import { uuidv7 } from '@shenlou/link/uuid'
import { type ConnectionFacts, joinConnection } from './gate-connection.ts'
import { type GateWorker, startGateWorker } from './gate-decoys.ts'
import { type DelayBudget, openDelays } from './gate-delay.ts'
import { openGateEvents } from './gate-events.ts'
import { digestOf, shareTemplates } from './gate-share.ts'
import { openWorldStore } from './gate-worlds.ts'

export interface GateOptions {
  dataDir: string
  identity: SensorIdentity
  journal: Journal
  spool: BlobSpool
  listenTunnel: ListenTunnel
  /** Starts a worker process; `index` tells their users apart. */
  spawnWorker(index: number): ChildProcess
  /** Workers at most; decoys share them. */
  maxWorkers?: number
  /** Connections at once, in all and of one source. */
  maxConnections?: number
  maxPerSource?: number
  /** What holding connections may cost; gate-delay.ts says what is usual. */
  delayBudget?: DelayBudget
  /** How often workers are asked whether they still turn. */
  heartbeatMs?: number
  log(line: string): void
}
export interface Gate {
  /** Makes the host run this, leaving sessions of what did not change alone. */
  apply(config: DecoysConfig): Promise<void>
  revoke(serials: string[]): void
  health(): { sessions: number; streams: number; configVersion: number; problems: string[] }
  /** Where tunnels are taken, once there is a configuration and the address could be had. */
  readonly tunnelAddress: { host: string; port: number } | undefined
  /** Closes sessions with their events, saves worlds, ends workers and tunnels. */
  close(): Promise<void>
}

/** Branches of plants on this host; its plants share them equally. */
const maxBranches = 256
/** Connections that wait while their worker starts, and how long. */
const maxWaiting = 2000
const restartWaitMs = 3000

/** What the core sets for each relay of this host; the rest is the tunnel's own. */
const quotasOf = ({ streams, opensPerSecond, mibPerSecond }: Tuning = {}): Partial<TunnelQuotas> => ({
  ...(streams === undefined ? {} : { streams }),
  ...(opensPerSecond === undefined ? {} : { opensPerSecond }),
  ...(mibPerSecond === undefined ? {} : { bytesPerSecond: mibPerSecond * 1024 * 1024 }),
})

export function startGate(options: GateOptions): Gate {
  const { dataDir, identity, journal, spool, listenTunnel, spawnWorker, maxWorkers = 4, log } = options
  const crowd: Crowd = openCrowd({ most: options.maxConnections ?? 16_384, perSource: options.maxPerSource ?? 8192 })
  const events = openGateEvents({ journal, log })
  const delays = openDelays({ append: (draft) => events.append(draft), ...(options.delayBudget ? { budget: options.delayBudget } : {}) })
  const worlds = openWorldStore({
    dir: join(dataDir, 'worlds'),
    onDropped: (decoy, adversary, reason) =>
      void events.append({ id: uuidv7(), time: Date.now(), decoy, kind: 'world.dropped', body: { adversary, reason } }).catch(() => {}),
  })
  const plantStates = openWorldStore({
    dir: join(dataDir, 'plants'),
    maxWorldBytes: 512 * 1024,
    // Besides the branches: the undisturbed plant, and what was last written.
    maxWorlds: maxBranches + 2,
    maxBytes: (maxBranches + 2) * 512 * 1024,
    onDropped: (plant, adversary) => {
      if (adversary !== '' && !adversary.startsWith('.'))
        void events.append({ id: uuidv7(), time: Date.now(), kind: 'plant.dropped', body: { plant, adversary } }).catch(() => {})
    },
  })
  const workers: GateWorker[] = []
  let config: DecoysConfig | undefined
  let placements = new Map<string, Placement>()
  let decoys = new Map<string, { config: DecoyConfig; digest: string; worker: GateWorker }>()
  let relays = new Set<string>()
  let revoked: string[] = []
  let listener: TunnelListener | undefined
  let listenProblem: string | undefined
  let listenAgain: NodeJS.Timeout | undefined
  let closed = false
  let waiting = 0
  let refused: string[] = []

  const check = (open: OpenFrame, relay: string): 'ok' | ResetReason => {
    const placement = placements.get(open.placement)
    if (!placement || !decoys.has(placement.decoy) || placement.transport !== open.transport) return 'no-placement'
    return placement.relay === relay ? 'ok' : 'not-yours'
  }

  const onStream = (tunnel: TunnelStream, open: OpenFrame, relay: string): void => {
    const worker = workerOf(open)
    if (worker?.ready) {
      serve(worker, tunnel, open, relay)
      return
    }
    // Its worker is just starting again: a client that waits a moment sees a slow host, one that is reset sees a broken one.
    if (!worker || waiting >= maxWaiting) {
      tunnel.reset('closed')
      return
    }
    waiting += 1
    void worker.whenReady(restartWaitMs).then((ready) => {
      waiting -= 1
      if (ready && workerOf(open) === worker && !tunnel.destroyed) serve(worker, tunnel, open, relay)
      else tunnel.reset('closed')
    })
  }
  const workerOf = (open: OpenFrame): GateWorker | undefined => {
    const placement = placements.get(open.placement)
    return closed || !placement ? undefined : decoys.get(placement.decoy)?.worker
  }

  const serve = (worker: GateWorker, tunnel: TunnelStream, open: OpenFrame, relay: string): void => {
    const placement = placements.get(open.placement) as Placement
    const facts: ConnectionFacts = {
      connection: open.connection,
      decoy: placement.decoy,
      service: placement.service,
      source: open.source,
      destination: open.destination,
      via: { relay, address: placement.address, port: placement.port },
    }
    const member = crowd.admit(open.source.ip, () => connection.reset())
    const site = config?.sites?.[relay] ?? config?.scope ?? ''
    const delay = open.transport === 'tcp' ? delays.begin(facts, site) : undefined
    const connection = worker.open({
      facts,
      placement: placement.id,
      site,
      holdMs: delay?.holdMs,
      join: (link, id) => joinConnection(tunnel, link, id, facts, { onBytes: (bytes) => member.spoke(bytes), onEnd: () => member.leave(), delay }),
    })
  }

  const listen = async (address: string): Promise<void> => {
    clearTimeout(listenAgain)
    try {
      const opened = await listenTunnel({
        address,
        identity,
        allow: (relay) => relays.has(relay),
        check,
        onStream,
        onRelay: (relay, up, reason) => log(`relay ${relay} ${up ? 'is connected' : `is gone: ${reason}`}`),
        revoked,
        quotas: quotasOf(config?.tuning),
      })
      if (closed || config?.tunnel !== address) return void (await opened.close())
      listener = opened
      listenProblem = undefined
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message
      listenProblem = `listen-failed ${address} ${code}`
      log(`tunnels cannot be taken on ${address}: ${code}; trying again every 5 s`)
      if (!closed) listenAgain = setTimeout(() => config?.tunnel === address && void listen(address), 5000).unref()
    }
  }

  /** The worker that a new decoy goes to: a new one while there may be more, else the one with the fewest. */
  const workerFor = ({ plant }: DecoyConfig): GateWorker => {
    // Devices of one plant share its process.
    const beside = plant && [...decoys.values()].find(({ config }) => config.plant?.id === plant.id)
    if (beside) return beside.worker
    const counts = new Map(workers.map((worker) => [worker, 0]))
    for (const { worker } of decoys.values()) counts.set(worker, (counts.get(worker) ?? 0) + 1)
    const least = [...counts].sort((a, b) => a[1] - b[1])[0]
    if (least && (least[1] === 0 || workers.length >= maxWorkers)) return least[0]
    const index = workers.length
    const worker = startGateWorker({
      name: `worker ${index}`,
      spawn: () => spawnWorker(index),
      events,
      worlds,
      plantStates,
      spool,
      heartbeatMs: options.heartbeatMs,
      log,
    })
    workers.push(worker)
    return worker
  }

  return {
    async apply(next) {
      const before = config
      config = next
      relays = new Set(next.relays)
      if (next.revoked.length > 0) {
        revoked = next.revoked
        listener?.revoke(revoked)
      }
      listener?.setQuotas?.(quotasOf(next.tuning))
      delays.set(next.delays ?? [])
      refused = []
      const digests = new Map(shareTemplates(next.decoys).map((digest, at) => [next.decoys[at], digest]))
      const judged = new Map<object, string | undefined>()
      const wanted = next.decoys.filter(({ id, persona }) => {
        if (!judged.has(persona)) judged.set(persona, findContradictions(persona)[0])
        const wrong = judged.get(persona)
        if (wrong) refused.push(`other decoy ${id} is not run, its persona contradicts itself: ${wrong}`)
        return wrong === undefined
      })
      for (const line of refused) log(line)
      const old = decoys
      decoys = new Map()
      for (const decoy of wanted) {
        const known = old.get(decoy.id)
        if (known) decoys.set(decoy.id, known)
      }
      for (const [id, { worker }] of old) if (!decoys.has(id)) worker.forget(id)
      const share = Math.max(1, Math.floor(maxBranches / Math.max(1, next.plants?.length ?? 0)))
      const plants = new Map((next.plants ?? []).map((plant) => [plant.id, { ...plant, maxBranches: share }]))
      const plantDigests = new Map([...plants].map(([id, plant]) => [id, digestOf(plant)]))
      for (const decoy of wanted) {
        const plant = decoy.plant && plants.get(decoy.plant.id)
        const digest = `${digests.get(decoy)} ${plant ? plantDigests.get(plant.id) : ''}`
        const known = decoys.get(decoy.id)
        if (known?.digest === digest) continue
        if (known) known.worker.forget(decoy.id)
        decoys.delete(decoy.id)
        const worker = known && known.config.plant?.id === decoy.plant?.id ? known.worker : workerFor(decoy)
        decoys.set(decoy.id, { config: decoy, digest, worker })
        worker.add(decoy, plant)
      }
      const kept = placements
      placements = new Map(next.placements.filter(({ gate }) => gate === identity.sensor).map((placement) => [placement.id, placement]))
      const gone = new Set([...kept].filter(([id, placement]) => JSON.stringify(placements.get(id)) !== JSON.stringify(placement)).map(([id]) => id))
      if (gone.size > 0) for (const worker of workers) worker.resetPlacements(gone)
      // A relay listens as soon as it has its tunnel, so there is none before somebody can answer.
      await Promise.all(workers.map((worker) => worker.whenReady(5000)))
      if (before?.tunnel !== next.tunnel) {
        const last = listener
        listener = undefined
        await last?.close()
        await listen(next.tunnel)
      }
    },
    revoke(serials) {
      revoked = [...new Set([...revoked, ...serials])]
      listener?.revoke(serials)
    },
    health() {
      const problems = [...(listenProblem ? [listenProblem] : []), ...workers.flatMap((worker) => worker.problems()), ...events.problems(), ...refused]
      return {
        sessions: events.sessions,
        streams: crowd.size,
        configVersion: config?.version ?? 0,
        problems: problems.slice(0, 49).map((problem) => problem.slice(0, 300)),
      }
    },
    get tunnelAddress() {
      return listener && { host: listener.host, port: listener.port }
    },
    async close() {
      closed = true
      clearTimeout(listenAgain)
      delays.close()
      // Workers first: their last words, and the resets of their connections, still pass.
      await Promise.all(workers.map((worker) => worker.stop()))
      await listener?.close()
      await events.settled()
    },
  }
}
