/** What the sensors' door asks of the core. The door itself is door.ts. */
import type { CoreSays, EnrolAnswer, EnrolRequest, DecoysConfig, RelayConfig, SentDecoysConfig, SensorHealth, SensorSays } from '@shenlou/contract/sensor'
import type { Authority, PeerIdentity } from './identity-types.ts'

/** Thrown by a handler to answer a request with that status; the message is shown to the sensor's operator. */
export class DoorError extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export type Hello = Omit<Extract<SensorSays, { type: 'hello' }>, 'type'>
export type ProofSaid = Extract<SensorSays, { type: 'proof-bound' | 'proof-done' }>
export type ProofAsk = Extract<CoreSays, { type: 'prove' | 'prove-go' }>
/** Events as they came, each an object whose integer `seq` lies in first..last and ascends (checked by the door); the rest is unchecked. */
export interface SensorBatch {
  sensor: string
  epoch: string
  first: number
  last: number
  events: Array<{ seq: number } & Record<string, unknown>>
}

/**
 * The core's side. `sensor` always comes from the peer's certificate. Handlers of one sensor's batches are called one at a
 * time and in order; a handler that throws anything but a DoorError ends that channel (the sensor comes again) and is logged.
 */
export interface DoorHandlers {
  /** Spends the token and signs (`authority.signCsr`). Throws DoorError 403 `token-used`, `token-unknown`, `token-expired`, `network`. `address` is the peer's IP. */
  enrol(input: EnrolRequest & { address: string }): Promise<EnrolAnswer>
  renew(input: { peer: PeerIdentity; csr: string; address: string }): Promise<{ certificate: string; ca: string }>
  /** Desired state. */
  config(sensor: string): Promise<RelayConfig | DecoysConfig | SentDecoysConfig>
  /** Keeps a range of a captured file and answers how many bytes from its start are kept; `total` when it is whole and its hash is right. */
  blob(input: { sensor: string; sha256: string; from: number; total: number; bytes: Buffer }): Promise<{ received: number }>
  /** A range of a release's package that is offered to this sensor, `bytes` in base64. Throws DoorError 404. */
  release?(input: { sensor: string; sha256: string; from: number }): Promise<{ from: number; total: number; bytes: string }>
  /** A sensor has a captured file: answers how many bytes of it are kept already; `size` means all. */
  blobOffered(sensor: string, blob: { sha256: string; size: number }): Promise<number>
  /** `committed`: the highest seq of that epoch up to which all is committed, 0 for a new epoch. Throws DoorError with a contract's refusal reason as code. */
  hello(sensor: string, hello: Hello, peer: PeerIdentity & { address: string }): Promise<{ confirmed: boolean; committed: number; configVersion: number }>
  /** Commits seqs first..last with these events in one transaction; answers the epoch's new `committed`. */
  batch(batch: SensorBatch): Promise<number>
  health(sensor: string, health: SensorHealth): Promise<void> | void
  /** What a prober says of a touch that it was asked for. */
  proof?(sensor: string, said: ProofSaid): void
  /** The channel of a sensor ended. */
  gone(sensor: string, reason: string): void
  /** A second live connection of one sensor was refused. Both addresses are IPs. */
  cloned(sensor: string, addresses: { live: string; refused: string }): void
}

export interface SensorDoor {
  readonly host: string
  readonly port: number
  /** Sensors whose channel is up. */
  connected(): string[]
  /** Refuses these certificates (hexadecimal serials), closes their channels and tells every sensor, so that tunnels close within 2 s. */
  revoke(serials: string[]): void
  /** Tells a sensor to pull its desired state, when it is connected. */
  notifyConfig(sensor: string, version: number): void
  /** Asks a prober; false when it is not connected. Ask only sensors that say `networks`: others close their channel at what they do not know. */
  prove(sensor: string, ask: ProofAsk): boolean
  close(): Promise<void>
}

export interface DoorOptions {
  authority: Authority
  host: string
  /** 0 lets the kernel choose. */
  port: number
  handlers: DoorHandlers
  /** Serials revoked so far. */
  revoked?: Iterable<string>
  log?: (line: string) => void
}
export type OpenSensorDoor = (options: DoorOptions) => Promise<SensorDoor>
