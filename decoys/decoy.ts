/** What a decoy service is given and what it may do. One file or folder a service, one line in services.ts. */
import type { EventDraft } from '@shenlou/contract/event'
import type { EventBody, EventKind } from '@shenlou/contract/event-kinds'
import type { FileRef } from '@shenlou/contract/primitives'
import type { Duplex } from 'node:stream'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type { z } from 'zod'
import type { Persona } from './persona.ts'
import type { PlantView } from './plant/plant.ts'
import type { World } from './world.ts'

/** A TCP connection as it reaches a service; half-open is allowed (`end()` leaves reading on). */
export interface Connection extends Duplex {
  /** The attacker's true address; `via` says which relay asserts it. */
  readonly source: { ip: string; port: number }
  readonly destination: { ip: string; port: number }
  /** UUIDv7 minted where the attacker was accepted. */
  readonly id: string
  /** Ends both directions as a TCP reset. */
  reset(): void
  /** The first `n` bytes, without taking them; fewer when the client ended before. */
  peek(n: number): Promise<Buffer>
  /** Serves TLS on this connection from here on. */
  startTls(options: TlsOptions): Promise<TLSSocket>
}
export type TlsOptions = SecureContextOptions & { ALPNProtocols?: string[]; ciphers?: string }

/** One peer's datagrams to a UDP service, until it was quiet for 60 seconds. */
export interface DatagramFlow extends AsyncIterable<Buffer> {
  /** The address that the datagrams carry; nothing proves it but a TCP connection from there. */
  readonly source: { ip: string; port: number }
  readonly destination: { ip: string; port: number }
  /** UUIDv7 minted where the first datagram was taken. */
  readonly id: string
  /** Bytes that may be answered now: 3.0 times what was asked, less what was answered; without limit for a source that has proven its address. */
  readonly allowance: number
  /** False, and nothing is sent, where the answer is above the allowance. */
  reply(bytes: Uint8Array): boolean
}

/** Who this is, as `who()` in adversary.ts decides: lure serial, accepted key, credential of one copy, else (site, source address). */
export interface Adversary {
  readonly id: string
  readonly ip: string
}
/** What a client showed that tells it apart better than its address: `value` is the lure's serial or user and password, or the key's fingerprint. */
export interface Proof {
  kind: 'lure' | 'key' | 'credential'
  value: string
}

export interface Session {
  readonly id: string
  /** Says an event of this session. What is written to the connection afterwards leaves the host only when it is durable. */
  emit<K extends EventKind>(kind: K, body: EventBody<K>): void
  close(reason: string): void
}

export interface Context {
  readonly decoy: string
  readonly persona: Persona
  /** The decoy host's state as this adversary has left it; shared by all services of the decoy. Read it anew after `prove`. */
  readonly world: World
  readonly adversary: Adversary
  /** The plant that an industrial device belongs to, as this adversary sees it; undefined for every other decoy. Read it anew after `prove`. */
  readonly plant: PlantView | undefined
  /** This session wrote a tag of the plant: what comes of it is said as `plant.affected` of this session for half an hour, also after the connection ended. */
  wrotePlant(tag: string): void
  /** Ports that the decoy's services listen on, by the scenario; none where they are not known. */
  readonly ports: readonly { transport: 'tcp' | 'udp'; port: number }[]
  /** Which unit of the plant each alias of the device's maps stands for. */
  readonly units: Readonly<Record<string, string>>
  /**
   * Says what an accepted client has shown (an accepted lure credential or key). Where that is stronger than what was known, `adversary` and `world`
   * are that adversary's from then on, and what this session changed comes along when nothing was kept there yet.
   */
  prove(proof: Proof): Promise<void>
  /** Begins the session of this connection (TCP) or joins the adversary's running one (HTTP). */
  session(): Session
  /** Keeps a captured file: bounded, hashed, sent by hash. Resolves when all is taken. */
  blobs: { put(bytes: AsyncIterable<Uint8Array> | Uint8Array): Promise<FileRef> }
  /** Milliseconds since 1970 UTC as the decoy believes; equals real time unless the persona's clock is off. */
  clock(): number
  /** How long what is answered may be kept back on its way out: a bound on how long a client may take begins after it. */
  readonly holdMs?: number | undefined
  /** Resolves after about `ms`, with the persona's jitter; at once when the connection goes away. */
  latency(ms: number): Promise<void>
  /** Bytes that services of this decoy may still hold for this connection; throws when it is spent. */
  budget: { take(bytes: number): void; give(bytes: number): void }
  /** Aborts when the connection, the decoy or the host goes away. */
  readonly signal: AbortSignal
}

export interface DecoyService<S = unknown> {
  /** Lower case, such as `ssh`, `https`. */
  readonly name: string
  readonly transport: 'tcp'
  /** Only of a service that contract/services.ts does not name: those are given settings that the gate has parsed. */
  readonly settings?: z.ZodType<S>
  /** `connection` (the default): each connection is a session. `idle`: connections of one adversary to one decoy are one session until 15 minutes idle. */
  readonly sessions?: 'connection' | 'idle'
  serve(connection: Connection, context: Context, settings: S): Promise<void>
}

/** A service of datagrams: `serve` is called once a peer. */
export interface DatagramService<S = unknown> {
  readonly name: string
  readonly transport: 'udp'
  readonly settings?: z.ZodType<S>
  serve(flow: DatagramFlow, context: Context, settings: S): Promise<void>
}

/** A service by its name; `load` reads its code. */
export interface ServiceEntry {
  readonly name: string
  load(): Promise<DecoyService<unknown> | DatagramService<unknown>>
}
export const lazily = <S>(name: string, load: () => Promise<DecoyService<S> | DatagramService<S>>): ServiceEntry => ({
  name,
  load: load as ServiceEntry['load'],
})

/** Declares a service; its name must be in services.ts once. */
export const defineDecoy = <S>(service: DecoyService<S>): DecoyService<S> => service
/** Declares a service of datagrams. */
export const defineDatagramDecoy = <S>(service: DatagramService<S>): DatagramService<S> => service
export type { EventDraft }
