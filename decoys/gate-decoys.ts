/** A worker with its decoys, connections, files and worlds, as the gate keeps them. */
import type { ChildProcess } from 'node:child_process'
import type { DecoyConfig, PlantConfig } from '@shenlou/contract/sensor'
import { escapeText } from '@shenlou/contract/bytes'
import type { BlobSpool } from '@shenlou/link/uplink-types'
import { uuidv7 } from '@shenlou/link/uuid'
import type { ConnectionFacts, GateConnection } from './gate-connection.ts'
import type { GateEvents } from './gate-events.ts'
import { parseSettings } from './gate-settings.ts'
import { startWorkerProcess } from './gate-worker.ts'
import type { WorldStore } from './gate-worlds.ts'
import { LinkStream, type WorkerLink, workerFrame } from './worker-link.ts'

export interface GateWorker {
  readonly ready: boolean
  whenReady(ms: number): Promise<boolean>
  /** `plant`: the one that the decoy belongs to; all its decoys are on one worker. */
  add(decoy: DecoyConfig, plant?: PlantConfig): void
  forget(decoy: string): void
  /** Hands a connection over. The worker must be ready. */
  open(connection: {
    facts: ConnectionFacts
    placement: string
    site: string
    holdMs?: number | undefined
    join(link: WorkerLink, id: number): GateConnection
  }): GateConnection
  resetPlacements(placements: ReadonlySet<string>): void
  problems(): string[]
  stop(): Promise<void>
}
export interface GateWorkerOptions {
  name: string
  spawn(): ChildProcess
  events: GateEvents
  worlds: WorldStore
  /** States of plants, by plant and adversary. */
  plantStates: WorldStore
  spool: BlobSpool
  heartbeatMs?: number
  log(line: string): void
}

/** Captured bytes of one connection that are kept; beyond it only hash and size. */
const fileBytesPerConnection = 128 * 1024 * 1024
const maxFilesAtOnce = 256

export function startGateWorker({ name, spawn, events, worlds, plantStates, spool, heartbeatMs, log }: GateWorkerOptions): GateWorker {
  const decoys = new Map<string, DecoyConfig>()
  const plants = new Map<string, PlantConfig>()
  const problems = new Map<string, string[]>()
  /** Settings that do not fit, by decoy. */
  const unfit = new Map<string, string[]>()
  /** Decoys whose seed this process of the worker was given: at their first connection. */
  let told = new Set<string>()
  const connections = new Map<number, GateConnection & { placement: string }>()
  const files = new Map<number, LinkStream>()
  let nextId = 2
  const self = {}

  const worker = startWorkerProcess({
    name,
    spawn,
    heartbeatMs,
    log,
    onReady(link) {
      for (const decoy of decoys.values()) check(link, decoy)
    },
    onFrame,
    onExit(code, signal) {
      for (const connection of connections.values()) connection.reset()
      for (const file of files.values()) file.destroy()
      connections.clear()
      files.clear()
      told = new Set()
      events.workerGone(self)
      if (stopped) return
      log(`${name} ended with ${signal ?? `exit code ${code}`}`)
      events.append({ id: uuidv7(), time: Date.now(), kind: 'worker.exited', body: { code, signal } }).catch(() => {})
    },
  })
  let stopped = false

  function check(link: WorkerLink, decoy: DecoyConfig): void {
    link.sendJson(workerFrame.CHECK, 0, { decoy: decoy.id, services: decoy.services })
  }

  function onFrame(type: number, stream: number, payload: Buffer): void {
    try {
      take(type, stream, payload)
    } catch (error) {
      log(`${name} broke the link: ${(error as Error).message}`)
      worker.kill()
    }
  }

  function take(type: number, stream: number, payload: Buffer): void {
    const connection = connections.get(stream)
    const file = files.get(stream)
    switch (type) {
      case workerFrame.DATA:
        if (connection?.receive(payload) === false || file?.receive(payload) === false) throw new Error('it sent more than its credit')
        return
      case workerFrame.DATAGRAM:
        connection?.receiveDatagram(payload)
        return
      case workerFrame.CREDIT:
        connection?.receiveCredit(payload.readUInt32BE(0))
        return
      case workerFrame.FIN:
        connection ? connection.receiveEnd() : file?.receiveEnd()
        return
      case workerFrame.RESET:
        connection ? connection.receiveReset() : file?.receiveReset()
        return
      case workerFrame.CLOSED:
        connections.delete(stream)
        return
      case workerFrame.EVENT: {
        if (stream !== 0 && !connection) return
        const durable = events.say(self, payload, connection?.facts)
        if (!durable) return
        if (connection) connection.said(durable)
        else durable.catch(() => {})
        if (events.congested) {
          worker.link?.pause()
          events.uncongested(() => worker.link?.resume())
        }
        return
      }
      case workerFrame.LOAD: {
        const { decoy, plant, adversary } = JSON.parse(payload.toString()) as { decoy?: string; plant?: string; adversary: string }
        const { link } = worker
        const answer = (saved?: Uint8Array): void => link?.send(workerFrame.WORLD, stream, saved ? Buffer.concat([Buffer.from([1]), saved]) : Buffer.from([0]))
        const store = plant === undefined ? worlds : plantStates
        const of = plant ?? decoy ?? ''
        if (!(plant === undefined ? told.has(of) : plants.has(of))) {
          answer()
          return
        }
        store.load(of, adversary).then(answer, () => answer())
        return
      }
      case workerFrame.SAVE: {
        const length = payload.readUInt16BE(0)
        const { decoy = '', plant, adversary } = JSON.parse(payload.toString('utf8', 2, 2 + length)) as { decoy?: string; plant?: string; adversary: string }
        if (plant !== undefined) {
          keepPlant(plant, adversary, payload.subarray(2 + length))
          return
        }
        if (!told.has(decoy) || typeof adversary !== 'string' || adversary.length > 128) throw new Error(`it saved a world of ${decoy}, which is not its own`)
        try {
          worlds.save(decoy, adversary, payload.subarray(2 + length))
        } catch (error) {
          log(`the world of ${adversary} on ${decoy} could not be kept: ${(error as Error).message}`)
        }
        return
      }
      case workerFrame.BLOB:
        keep(stream, (JSON.parse(payload.toString()) as { connection: number }).connection)
        return
      case workerFrame.CHECKED: {
        const { decoy, problems: found } = JSON.parse(payload.toString()) as { decoy: string; problems: string[] }
        if (!Array.isArray(found) || !found.every((problem) => typeof problem === 'string')) throw new Error('it said problems that are none')
        if (!decoys.has(decoy)) return
        problems.set(decoy, [...(unfit.get(decoy) ?? []), ...found])
        for (const problem of found) log(`decoy ${decoy}: ${problem}`)
      }
    }
  }

  function keepPlant(plant: string, adversary: string, bytes: Buffer): void {
    if (!plants.has(plant) || typeof adversary !== 'string' || adversary.length > 128) throw new Error(`it saved plant ${plant}, which is not its own`)
    if (bytes.length === 0) {
      if (plantStates.remove(plant, adversary)) sayDropped(plant, adversary)
      return
    }
    try {
      plantStates.save(plant, adversary, bytes)
    } catch (error) {
      log(`the state of plant ${plant} could not be kept: ${(error as Error).message}`)
    }
  }
  function sayDropped(plant: string, adversary: string): void {
    if (adversary === '') return
    const body = { plant, adversary: escapeText(adversary).slice(0, 128) }
    events.append({ id: uuidv7(), time: Date.now(), kind: 'plant.dropped', body }).catch(() => {})
  }

  function keep(id: number, connectionId: number): void {
    const { link } = worker
    const connection = connections.get(connectionId)
    if (!link || id % 2 === 0 || files.has(id)) throw new Error('it used the number of a file again')
    const answer = (value: unknown): void => {
      files.delete(id)
      link.sendJson(workerFrame.KEPT, id, value)
    }
    if (!connection || files.size >= maxFilesAtOnce) {
      answer({ error: connection ? 'too many files at once' : 'the connection is gone' })
      return
    }
    const stream = new LinkStream(link, id)
    stream.end()
    files.set(id, stream)
    const left = Math.max(0, fileBytesPerConnection - connection.fileBytes)
    spool.put(stream, left < 32 * 1024 * 1024 ? { fileBytes: left } : {}).then(
      (file) => {
        connection.fileBytes += file.size
        answer({ file })
      },
      (error: Error) => answer({ error: error.message }),
    )
  }

  return {
    get ready() {
      return worker.ready
    },
    whenReady: (ms) => worker.whenReady(ms),
    add(wanted, plant) {
      const { services, problems: found } = parseSettings(wanted.services)
      const decoy = { ...wanted, services }
      decoys.set(decoy.id, decoy)
      unfit.set(decoy.id, found)
      problems.set(decoy.id, found)
      for (const problem of found) log(`decoy ${decoy.id}: ${problem}`)
      if (plant) plants.set(plant.id, plant)
      if (worker.ready && worker.link) check(worker.link, decoy)
    },
    forget(decoy) {
      decoys.delete(decoy)
      problems.delete(decoy)
      unfit.delete(decoy)
      if (told.delete(decoy)) worker.link?.sendJson(workerFrame.FORGET, 0, { decoy })
    },
    open({ facts, placement, site, holdMs, join }) {
      const link = worker.link as WorkerLink
      const id = nextId
      nextId = nextId >= 0x7ffffffe ? 2 : nextId + 2
      if (!told.has(facts.decoy)) {
        told.add(facts.decoy)
        const config = decoys.get(facts.decoy)
        link.sendJson(workerFrame.DECOY, 0, { decoy: config, ...(config?.plant ? { plant: plants.get(config.plant.id) } : {}) })
      }
      const { connection, source, destination, decoy, service } = facts
      const withPort = (end: { ip: string; port?: number }) => ({ ip: end.ip, port: end.port ?? 0 })
      link.sendJson(workerFrame.OPEN, id, {
        connection,
        source: withPort(source),
        destination: withPort(destination),
        decoy,
        service,
        site,
        ...(holdMs === undefined ? {} : { holdMs }),
      })
      const joined = Object.assign(join(link, id), { placement })
      connections.set(id, joined)
      return joined
    },
    resetPlacements(placements) {
      for (const connection of connections.values()) if (placements.has(connection.placement)) connection.reset()
    },
    problems: () => [
      ...(worker.failures > 1 ? [`other ${name} ended ${worker.failures} times`] : []),
      ...[...problems].flatMap(([decoy, found]) => found.map((problem) => `other decoy ${decoy}: ${problem}`)),
    ],
    stop() {
      stopped = true
      return worker.stop()
    },
  }
}
