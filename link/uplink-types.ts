/** A sensor's side of the channel to the core; uplink.ts runs it. */
import type { FileRef } from '@shenlou/contract/primitives'
import type { EventDraft } from '@shenlou/contract/event'
import type { DecoysConfig, RelayConfig, SensorHealth } from '@shenlou/contract/sensor'
import type { FileHandle } from 'node:fs/promises'
import type { ProofAsk, ProofSaid } from './door-types.ts'
import type { SensorIdentity } from './identity-types.ts'

/** Events as the journal keeps them: `json` is each whole event. Settles seqs first..last. */
export interface JournalSlice {
  first: number
  last: number
  events: Array<{ seq: number; json: Buffer }>
}

export interface JournalStats {
  /** Events and bytes that the core has not committed yet. */
  queueEvents: number
  queueBytes: number
  /** Bytes on disk, all segments. */
  journalBytes: number
  maxBytes: number
  /** Low-value events that were replaced by their counts since this journal was opened. */
  summarised: number
  /** Appends refused since it was opened, and why the last one was. */
  refused: number
  lastError: string | undefined
}

/** Durable, append-only, bounded; one process at a time. */
export interface Journal {
  readonly dir: string
  /** Random for each journal folder. */
  readonly epoch: string
  readonly nextSeq: number
  /** Highest seq that the core has committed, with all below it. */
  readonly acked: number
  /** Resolves with the event's seq when it is on disk. Rejects with a JournalError (`code`: full, write, closed, size). */
  append(draft: EventDraft): Promise<number>
  /** Durable events from that seq on, at most `max` and about 1 MiB; undefined when there is none yet. */
  read(fromSeq: number, max: number): Promise<JournalSlice | undefined>
  /** Forgets everything up to that seq. */
  ack(through: number): void
  /** Calls back whenever more events became durable; returns its own end. */
  onDurable(listener: () => void): () => void
  stats(): JournalStats
  /** Another bound for what it may take on disk; room is made at the next append. */
  bound(maxBytes: number): void
  /** Begins another epoch: for a folder that was put back to an older state, whose seqs the core has seen with other events. What is not acked is sent again under it. */
  renew(): Promise<void>
  close(): Promise<void>
}
/** Throws an Error that names the folder when another process holds it. `maxBytes` defaults to 1 GiB. */
export type OpenJournal = (
  dir: string,
  options?: {
    maxBytes?: number
    segmentBytes?: number
    /** Writes all of it at that place or throws; a test gives its own to play a full disk. */
    write?(handle: FileHandle, bytes: Buffer, position: number): Promise<void>
  },
) => Promise<Journal>

/** Captured files of a sensor, kept until the core has them. */
export interface BlobSpool {
  /** Takes a file whole; beyond the bounds only hash and size are kept and `truncated` is true. */
  put(bytes: AsyncIterable<Uint8Array> | Uint8Array, bounds?: { fileBytes?: number }): Promise<FileRef>
  /** Files that the core does not have yet. */
  waiting(): Array<{ sha256: string; size: number }>
  read(sha256: string, from: number, length: number): Promise<Buffer>
  /** The core has it. */
  forget(sha256: string): Promise<void>
  onPut(listener: (blob: { sha256: string; size: number }) => void): () => void
  stats(): { files: number; bytes: number; maxBytes: number }
  close(): Promise<void>
}
export type OpenBlobSpool = (dir: string, options?: { fileBytes?: number; totalBytes?: number }) => Promise<BlobSpool>

export interface UplinkState {
  connected: boolean
  /** Why it is not: `refused cloned`, `ECONNREFUSED`, ... */
  reason: string | undefined
  confirmed: boolean
  configVersion: number
}

/** Touches addresses for the core, once each and only when told to go. */
export interface Prover {
  hear(ask: ProofAsk, say: (said: ProofSaid) => void): void
}

export interface UplinkOptions {
  identity: SensorIdentity
  journal: Journal
  spool?: BlobSpool
  /** Version of this program, for the console. */
  version: string
  /** Desired state: first the one kept from the last run (`kept` true), then each one pulled. */
  onConfig(config: RelayConfig | DecoysConfig, kept: boolean): Promise<void> | void
  /** Serials of revoked certificates: give them to `tunnel.revoke` at once. */
  onRevoked(serials: string[]): void
  /** Asked every 5 s; the uplink fills in queue, clock, version, uptime and memory itself. */
  health(): Pick<SensorHealth, 'sessions' | 'streams' | 'contained' | 'configVersion' | 'identities' | 'segments' | 'networks' | 'problems'>
  /** Makes proof touches; without one the core's asking is passed over. */
  prover?: Prover
  onState?(state: UplinkState): void
  /** HTTP proxy for CONNECT, `host:port`. */
  proxy?: string
  log?: (line: string) => void
}
export interface Uplink {
  readonly state: UplinkState
  /** Resolves true when all events so far are committed by the core, false after `ms`. */
  drain(ms: number): Promise<boolean>
  close(): Promise<void>
}
export type StartUplink = (options: UplinkOptions) => Uplink
/** Spends a token: makes a key, pins the authority by the token's hash, keeps the identity in `dir` (0700). */
export type Enrol = (options: { token: string; dir: string; proxy?: string }) => Promise<SensorIdentity>
