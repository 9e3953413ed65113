/** A worker: runs the services of the decoys that the gate has given it, and reaches nothing but the gate. */
import type { Duplex } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { escapeText } from '@shenlou/contract/bytes'
import type { FileRef } from '@shenlou/contract/primitives'
import type { DecoyConfig, PlantConfig } from '@shenlou/contract/sensor'
import { uuidv7 } from '@shenlou/link/uuid'
import { who } from './adversary.ts'
import type { Context, DatagramService, DecoyService, Proof, ServiceEntry, Session } from './decoy.ts'
import { drawPersona, type Persona } from './persona.ts'
import { type OpenConnection, WorkerConnection } from './worker-connection.ts'
import { LinkStream, openWorkerLink, workerFrame } from './worker-link.ts'
import { openSessions, type Say } from './worker-sessions.ts'
import { openWorlds, type WorldsOptions } from './worker-worlds.ts'
import { openConsequences } from './worker-consequences.ts'
import { openFlow, openProvenSources } from './worker-datagrams.ts'
import { openWorkerPlants, type OpenPlants } from './worker-plants.ts'

/** What a services module exports: the list, and how the decoys' worlds are opened. */
export interface Services {
  services: readonly ServiceEntry[]
  openWorld: WorldsOptions['open']
  /** Loads the plant engine. */
  plantEngine?(): Promise<OpenPlants>
}
export interface WorkerOptions extends Services {
  /** The inherited socket. */
  socket: Duplex
  /** Ends the process; called when the gate is gone or said to stop. */
  exit(): void
  sessionIdleMs?: number
}

/** Bytes that services of one connection may hold. */
const connectionBudget = 32 * 1024 * 1024
/** How long a client may take to close after a service is done with it. */
const lingerMs = 5000

interface Decoy {
  config: DecoyConfig
  persona: Persona | undefined
}

/** Serves until the socket ends. */
export function runWorker({ socket, services, openWorld, plantEngine, exit, sessionIdleMs }: WorkerOptions): { log(line: string): void } {
  const loaded = new Map<string, Promise<DecoyService<unknown> | DatagramService<unknown>>>()
  const provenSources = openProvenSources()
  const decoys = new Map<string, Decoy>()
  const connections = new Map<number, { stream: WorkerConnection; decoy: string; abort: AbortController; done: Promise<void> }>()
  const files = new Map<number, { stream: LinkStream; resolve(file: FileRef): void; reject(error: Error): void }>()
  const loads = new Map<number, (saved: Uint8Array | undefined) => void>()
  let nextFile = 1
  let nextLoad = 1
  let stopping = false

  const link = openWorkerLink(socket, onFrame, () => exit())
  const log = (line: string): void => link.send(workerFrame.LOG, 0, Buffer.from(escapeText(line).slice(0, 2000)))
  const sayEvent: Say = (stream, event) => {
    // A write is kept before it is said, and said before it is answered.
    plants.flush()
    link.sendJson(workerFrame.EVENT, stream, { id: uuidv7(), time: Date.now(), ...event })
  }
  const sessions = openSessions(sayEvent, sessionIdleMs)
  const worlds = openWorlds({
    open: openWorld,
    load: (decoy, adversary) => load({ decoy, adversary }),
    save: (decoy, adversary, bytes) => save({ decoy, adversary }, bytes),
    log,
  })
  const plants = openWorkerPlants({
    engine: plantEngine ?? (() => Promise.reject(new Error('no plant engine'))),
    load: (plant, adversary) => load({ plant, adversary }),
    save: (plant, adversary, bytes) => save({ plant, adversary }, bytes),
    log,
  })

  const consequences = openConsequences({ open: (plant, adversary) => plants.open(plant, adversary), log })

  function load(what: object): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      loads.set(nextLoad, resolve)
      link.sendJson(workerFrame.LOAD, nextLoad++, what)
    })
  }
  function save(what: object, bytes: Uint8Array): void {
    const header = Buffer.from(JSON.stringify(what))
    const length = Buffer.alloc(2)
    length.writeUInt16BE(header.length)
    link.send(workerFrame.SAVE, 0, Buffer.concat([length, header, bytes]))
  }

  function onFrame(type: number, stream: number, payload: Buffer): void {
    const known = stream % 2 === 0 ? connections.get(stream)?.stream : files.get(stream)?.stream
    switch (type) {
      case workerFrame.DATA:
        if (known instanceof WorkerConnection) provenSources.saw(known.source.ip)
        if (known && !known.receive(payload)) link.close()
        return
      case workerFrame.DATAGRAM:
        connections.get(stream)?.stream.receiveDatagram(payload)
        return
      case workerFrame.CREDIT:
        known?.receiveCredit(payload.readUInt32BE(0))
        return
      case workerFrame.FIN:
        known?.receiveEnd()
        return
      case workerFrame.RESET:
        known?.receiveReset()
        return
      case workerFrame.OPEN:
        open(stream, JSON.parse(payload.toString()) as OpenConnection)
        return
      case workerFrame.DECOY: {
        const { decoy, plant } = JSON.parse(payload.toString()) as { decoy: DecoyConfig; plant?: PlantConfig }
        if (plant) plants.add(plant)
        decoys.set(decoy.id, { config: decoy, persona: undefined })
        return
      }
      case workerFrame.FORGET: {
        const { decoy } = JSON.parse(payload.toString()) as { decoy: string }
        decoys.delete(decoy)
        for (const connection of connections.values()) if (connection.decoy === decoy) connection.stream.reset()
        sessions.closeAll('the decoy was removed', decoy)
        worlds.flush(decoy)
        return
      }
      case workerFrame.CHECK: {
        const { decoy, services: wanted } = JSON.parse(payload.toString()) as { decoy: string; services: DecoyConfig['services'] }
        void Promise.all(wanted.map(check)).then((problems) => link.sendJson(workerFrame.CHECKED, 0, { decoy, problems: problems.flat() }))
        return
      }
      case workerFrame.WORLD: {
        loads.get(stream)?.(payload[0] === 1 ? Uint8Array.from(payload.subarray(1)) : undefined)
        loads.delete(stream)
        return
      }
      case workerFrame.KEPT: {
        const file = files.get(stream)
        files.delete(stream)
        const answer = JSON.parse(payload.toString()) as { file?: FileRef; error?: string }
        if (answer.file) file?.resolve(answer.file)
        else file?.reject(new Error(answer.error ?? 'the file was not kept'))
        return
      }
      case workerFrame.PING:
        link.send(workerFrame.PONG, 0)
        return
      case workerFrame.STOP:
        void stop()
    }
  }

  function serviceOf(name: string): Promise<DecoyService<unknown> | DatagramService<unknown>> | undefined {
    const known = loaded.get(name)
    const entry = services.find((each) => each.name === name)
    if (known || !entry) return known
    const loading = entry.load()
    loaded.set(name, loading)
    return loading
  }

  async function check({ service, settings }: DecoyConfig['services'][number]): Promise<string[]> {
    const known = await serviceOf(service)?.catch((error: Error) => error)
    if (!known) return [`no service is called ${service}`]
    if (known instanceof Error) return [`${service}: ${known.message}`.slice(0, 200)]
    const result = known.settings?.safeParse(settings)
    return !result || result.success
      ? []
      : result.error.issues.slice(0, 5).map((issue) => `${service}: ${issue.path.join('.') || 'settings'}: ${issue.message}`)
  }

  function open(id: number, opened: OpenConnection): void {
    const stream = new WorkerConnection(link, id, opened)
    const abort = new AbortController()
    stream.once('close', () => abort.abort(new Error('the connection went away')))
    const done = serve(stream, opened, abort.signal)
      .catch((error: Error) => {
        if (!abort.signal.aborted) log(`${opened.decoy} ${opened.service}: ${error.stack ?? error.message}`)
        stream.reset()
      })
      .then(() => {
        connections.delete(id)
        link.send(workerFrame.CLOSED, id)
      })
    connections.set(id, { stream, decoy: opened.decoy, abort, done })
  }

  async function serve(stream: WorkerConnection, opened: OpenConnection, signal: AbortSignal): Promise<void> {
    const decoy = decoys.get(opened.decoy)
    const entries = decoy?.config.services.filter(({ service }) => service === opened.service) ?? []
    const entry = entries.find(({ listens }) => listens?.port === opened.destination.port) ?? entries[0]
    const service = await serviceOf(opened.service)
    if (!decoy || !entry || !service || stopping) return stream.reset()
    const settings = service.settings ? service.settings.parse(entry.settings) : entry.settings
    decoy.persona ??= drawPersona({ ...decoy.config, template: decoy.config.persona, decoy: decoy.config.id })
    const persona = decoy.persona

    const proofs: Proof[] = []
    let adversary = who(opened.site, opened.source.ip, proofs)
    let held = await worlds.acquire(persona, opened.decoy, adversary.id)
    const belongs = decoy.config.plant
    let plant = belongs ? await plants.open(belongs.id, adversary.id) : undefined
    let session: Session | undefined
    let left = connectionBudget
    const context: Context = {
      decoy: opened.decoy,
      persona,
      holdMs: opened.holdMs,
      get world() {
        held.touch()
        return held.world
      },
      get plant() {
        return plant
      },
      units: belongs?.units ?? {},
      ports: decoy.config.services.flatMap(({ listens }) => listens ?? []),
      wrotePlant(tag) {
        const { id } = context.session()
        if (belongs) consequences.wrote(belongs.id, adversary.id, tag, (body) => sayEvent(0, { session: id, kind: 'plant.affected', body }))
      },
      get adversary() {
        return adversary
      },
      async prove(proof) {
        proofs.push(proof)
        const stronger = who(opened.site, opened.source.ip, proofs)
        if (stronger.id === adversary.id) return
        const next = await worlds.acquire(persona, opened.decoy, stronger.id, adversary.id)
        held.release()
        held = next
        if (belongs) {
          plant?.release()
          plant = await plants.open(belongs.id, stronger.id)
        }
        sessions.move(opened.decoy, adversary, stronger)
        adversary = stronger
      },
      session() {
        const touched = (): void => held.touch()
        session ??=
          service.transport === 'udp'
            ? sessions.joinIdle(stream.stream, opened.decoy, adversary, touched, service.name)
            : service.sessions === 'idle'
              ? sessions.joinIdle(stream.stream, opened.decoy, adversary, touched)
              : sessions.forConnection(stream.stream, adversary, touched)
        return session
      },
      blobs: { put: (bytes) => keep(stream.stream, bytes) },
      clock: () => Date.now(),
      latency: (ms) => wait(ms * (0.85 + Math.random() * 0.4), undefined, { signal }).catch(() => {}),
      budget: {
        take(bytes) {
          if (bytes > left) throw new RangeError(`a connection may hold ${connectionBudget} bytes`)
          left -= bytes
        },
        give(bytes) {
          left = Math.min(connectionBudget, left + bytes)
        },
      },
      signal,
    }
    let reason = 'the service ended'
    try {
      if (service.transport === 'udp') await service.serve(openFlow(stream, provenSources), context, settings)
      else await service.serve(stream, context, settings)
      await linger(stream)
    } catch (error) {
      if (!signal.aborted) reason = 'the service failed'
      throw error
    } finally {
      if (service.transport === 'tcp' && service.sessions !== 'idle')
        session?.close(stopping ? 'the decoy host stopped' : signal.aborted ? 'the connection ended' : reason)
      held.release()
      plant?.release()
    }
  }

  async function keep(connection: number, bytes: AsyncIterable<Uint8Array> | Uint8Array): Promise<FileRef> {
    const id = nextFile
    nextFile = (nextFile + 2) % 0x7fffffff
    const stream = new LinkStream(link, id)
    stream.resume()
    const kept = new Promise<FileRef>((resolve, reject) => files.set(id, { stream, resolve, reject }))
    kept.catch(() => {})
    link.sendJson(workerFrame.BLOB, id, { connection })
    try {
      for await (const part of bytes instanceof Uint8Array ? [bytes] : bytes) if (!stream.write(part)) await drained(stream)
      stream.end()
    } catch (error) {
      files.delete(id)
      stream.reset()
      throw error
    }
    return kept
  }

  async function stop(): Promise<void> {
    stopping = true
    sessions.stop()
    for (const { stream } of connections.values()) stream.reset()
    // What is said while they end belongs to their sessions, so those are closed after it.
    await Promise.race([Promise.all([...connections.values()].map(({ done }) => done)), wait(1500)])
    sessions.closeAll('the decoy host stopped')
    worlds.flush()
    consequences.close()
    await plants.close().catch((error: Error) => log(`plants: ${error.message}`))
    link.send(workerFrame.STOPPED, 0)
  }

  link.sendJson(workerFrame.READY, 0, { services: services.map(({ name }) => name) })
  return { log }
}

const drained = (stream: LinkStream): Promise<void> =>
  new Promise((resolve, reject) => {
    const settle = (): void => {
      stream.off('drain', settle)
      stream.off('close', settle)
      if (stream.destroyed) reject(new Error('the file was not taken'))
      else resolve()
    }
    stream.on('drain', settle)
    stream.on('close', settle)
  })

/** A service is done: what it wrote goes out, and the client has a while to close its side, as with a socket that was closed. */
async function linger(stream: WorkerConnection): Promise<void> {
  if (stream.destroyed) return
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  if (!stream.writableEnded) stream.end()
  stream.resume()
  const timer = setTimeout(() => stream.reset(), lingerMs)
  await closed
  clearTimeout(timer)
}
