/** For tests and measurements: a decoy service on a real port, with the gate's part played by memory. */
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto'
import { createSocket as createDatagramSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { checkBody } from '@shenlou/contract/event'
import type { EventBody, EventKind } from '@shenlou/contract/event-kinds'
import { personaTemplate } from '@shenlou/contract/persona'
import { isService, services } from '@shenlou/contract/services'
import { parse } from 'yaml'
import type { Connection, Context, DatagramService, DecoyService, Proof, TlsOptions } from './decoy.ts'
import { peek, startTls } from './http/harness-fixture.ts'
import { drawPersona, type Persona } from './persona.ts'
import type { PlantView } from './plant/plant.ts'
import { openFlow } from './worker-datagrams.ts'
import type { WorkerConnection } from './worker-connection.ts'
import { openWorld, type World } from './world.ts'

export interface SeenEvent {
  kind: EventKind
  body: Record<string, unknown>
  connection: string
}

export interface TestDecoy {
  port: number
  persona: Persona
  /** Every event said, in order; each was checked against the catalogue. */
  events: SeenEvent[]
  /** Faults of events against the catalogue, and errors that left `serve`. */
  faults: string[]
  blobs: Map<string, Buffer>
  world(): World
  of<K extends EventKind>(kind: K): EventBody<K>[]
  /** Resolves when `test` holds; rejects after 5 s. */
  until(test: () => boolean): Promise<void>
  close(): Promise<void>
}

let rsa: string | undefined

/** A persona of `templates/personas/<id>.yaml`, drawn from a seed of one repeated byte. */
export function testPersona(id: string, seed = '5a', secrets: Record<string, string> = {}): Persona {
  const template = personaTemplate.parse(parse(readFileSync(new URL(`../templates/personas/${id}.yaml`, import.meta.url), 'utf8')))
  rsa ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return drawPersona({
    template,
    organisation: { name: { zh: '远山重工', en: 'Yuanshan Heavy Industry' }, domain: 'yuanshan-group.cn' },
    seed: seed.repeat(32),
    decoy: `test-${id}`,
    secrets: { rsa, tlsKey: rsa, tlsCertificate: 'none: tests of TLS bring their own', ...secrets },
  })
}

interface Options {
  /** False: events are counted but not kept, for measurements. */
  keep?: boolean
  adversary?: string
  port?: number
  plant?: PlantView
  units?: Record<string, string>
  ports?: Context['ports']
}

/** The gate's part for one decoy: contexts for its connections, and what they say. */
function openMemory<S>(service: DecoyService<S> | DatagramService<S>, persona: Persona, settings: S, options: Options) {
  const { keep = true, adversary = 'address:test/127.0.0.1' } = options
  const events: SeenEvent[] = []
  const faults: string[] = []
  const blobs = new Map<string, Buffer>()
  const worlds = new Map<string, World>()
  const waiting = new Set<() => void>()
  let serial = 0
  const schema = service.settings ?? (isService(service.name) ? services[service.name].settings : undefined)
  const parsed = (schema ? schema.parse(settings) : settings) as S
  const worldOf = (id: string): World => {
    let world = worlds.get(id)
    if (!world) {
      world = openWorld(persona)
      worlds.set(id, world)
    }
    return world
  }
  const contextFor = (id: string, ip: string, signal: AbortSignal): Context => {
    let who = adversary
    return {
      decoy: 'test',
      persona,
      plant: options.plant,
      units: options.units ?? {},
      ports: options.ports ?? [],
      wrotePlant() {},
      get world() {
        return worldOf(who)
      },
      get adversary() {
        return { id: who, ip }
      },
      prove(proof: Proof) {
        who = `${proof.kind}:${proof.value}`
        return Promise.resolve()
      },
      session: () => ({
        id,
        emit(kind, body) {
          if (!keep) return
          const result = checkBody(kind, body)
          if (!result.ok) faults.push(result.reason)
          events.push({ kind, body: body as Record<string, unknown>, connection: id })
          for (const wake of waiting) wake()
        },
        close() {},
      }),
      blobs: {
        async put(bytes) {
          const pieces: Buffer[] = []
          if (bytes instanceof Uint8Array) pieces.push(Buffer.from(bytes))
          else for await (const piece of bytes) pieces.push(Buffer.from(piece))
          const whole = Buffer.concat(pieces)
          const sha256 = createHash('sha256').update(whole).digest('hex')
          blobs.set(sha256, whole)
          return { sha256, size: whole.length, truncated: false }
        },
      },
      clock: () => Date.now(),
      latency: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      budget: { take() {}, give() {} },
      signal,
    }
  }
  return {
    parsed,
    nextId: () => `00000000-0000-7000-8000-${String(++serial).padStart(12, '0')}`,
    contextFor,
    failed: (error: unknown) => void faults.push(`serve: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    /** What a test is given, but for the port and how it ends. */
    seen: {
      persona,
      events,
      faults,
      blobs,
      world: () => worldOf(adversary),
      of: <K extends EventKind>(kind: K) => events.filter((event) => event.kind === kind).map((event) => event.body as EventBody<K>),
      until: (test: () => boolean): Promise<void> =>
        new Promise((resolve, reject) => {
          const timer = setTimeout(() => {
            waiting.delete(look)
            reject(new Error(`nothing like that was seen within 5 s; seen: ${events.map((event) => event.kind).join(' ')}`))
          }, 5000)
          const look = (): void => {
            if (!test()) return
            clearTimeout(timer)
            waiting.delete(look)
            resolve()
          }
          waiting.add(look)
          look()
        }),
    },
  }
}

/** Serves one decoy on a port of 127.0.0.1. */
export async function serveDecoy<S>(service: DecoyService<S>, persona: Persona, settings: S, options: Options = {}): Promise<TestDecoy> {
  const memory = openMemory(service, persona, settings, options)
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    const abort = new AbortController()
    socket.on('error', () => {})
    socket.once('close', () => {
      sockets.delete(socket)
      abort.abort()
    })
    const connection = socket as unknown as Connection
    const id = memory.nextId()
    Object.assign(connection, {
      id,
      source: { ip: socket.remoteAddress ?? '127.0.0.1', port: socket.remotePort ?? 0 },
      destination: { ip: socket.localAddress ?? '127.0.0.1', port: socket.localPort ?? 0 },
      reset: () => socket.resetAndDestroy(),
      peek: (n: number) => peek(socket, n),
      startTls: (tls: TlsOptions) => startTls(socket, tls),
    })
    service.serve(connection, memory.contextFor(id, socket.remoteAddress ?? '', abort.signal), memory.parsed).catch(memory.failed)
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', 4096, resolve))
  const address = server.address()
  return {
    ...memory.seen,
    port: typeof address === 'object' && address ? address.port : 0,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/**
 * Serves one decoy of datagrams on a UDP port of 127.0.0.1: a flow for each peer, all of one session as a gate joins them, bounded as a worker bounds
 * them. `proven` says that a source has shown its address by TCP.
 */
export async function serveDatagramDecoy<S>(
  service: DatagramService<S>,
  persona: Persona,
  settings: S,
  options: Options & { proven?: boolean; address?: string } = {},
): Promise<TestDecoy> {
  const { proven = true, address = '127.0.0.1' } = options
  const memory = openMemory(service, persona, settings, options)
  const flows = new Map<string, PassThrough>()
  const socket = createDatagramSocket('udp4')
  const session = randomUUID()
  socket.on('message', (bytes, peer) => {
    const key = `${peer.address} ${peer.port}`
    let stream = flows.get(key)
    if (!stream) {
      stream = new PassThrough()
      flows.set(key, stream)
      const abort = new AbortController()
      stream.once('close', () => abort.abort())
      Object.assign(stream, {
        early: [],
        id: memory.nextId(),
        source: { ip: peer.address, port: peer.port },
        destination: { ip: address, port: socket.address().port },
        sendDatagram: (answer: Uint8Array) => socket.send(answer, peer.port, peer.address),
      })
      const flow = openFlow(stream as unknown as WorkerConnection, { saw() {}, has: () => proven })
      service
        .serve(flow, memory.contextFor(session, peer.address, abort.signal), memory.parsed)
        .catch(memory.failed)
        .finally(() => flows.delete(key))
    }
    stream.emit('datagram', bytes)
  })
  await new Promise<void>((resolve) => socket.bind(options.port ?? 0, address, resolve))
  return {
    ...memory.seen,
    port: socket.address().port,
    async close() {
      for (const stream of flows.values()) stream.destroy()
      await new Promise<void>((resolve) => socket.close(() => resolve()))
    },
  }
}
